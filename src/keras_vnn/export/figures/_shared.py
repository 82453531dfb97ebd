"""What the figures share: colours, names that fit, tables that must be numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from keras_vnn.basics.errors import DataError
from keras_vnn.export._canvas import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CLASS_COLOURS", "GREY", "name_ticks", "names", "numbers"]

# Okabe and Ito's colours without the yellow, which print loses; then more for the sake of many classes.
CLASS_COLOURS = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"),
    *("#7f7f7f", "#8c6d31", "#332288", "#882255", "#44aa99", "#b5bd61"),
)
GREY = "#8a9299"


def numbers(table: pd.DataFrame, what: str) -> Any:
    """Return the values of a table as floats."""
    if 0 in table.shape:
        raise DataError(f"The {what} has {table.shape[0]} rows and {table.shape[1]} columns: there is nothing to draw.")
    try:
        return table.to_numpy(dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(f"The {what} holds something that is not a number: {error}.") from error


def names(table: pd.DataFrame) -> list[str]:
    """Return a name for each node: its label, with the id where labels repeat."""
    ids = [str(id) for id in table.index]
    labels = [str(label) for label in table["label"]] if "label" in table else ids
    texts = [
        f"{label} ({id})" if labels.count(label) > 1 and label != id else label
        for label, id in zip(labels, ids, strict=True)
    ]
    return [shortened(text, 44) for text in texts]


def name_ticks(axes: Axes, columns: Any, rows: Any, *, turned: bool, width: int) -> None:
    """Write the names of columns and rows on the axes."""
    axes.set_xticks(
        range(len(columns)),
        [shortened(name) for name in columns],
        fontsize=8.5,
        rotation=45 if turned else 0,
        ha="right" if turned else "center",
        rotation_mode="anchor" if turned else "default",
    )
    axes.set_yticks(range(len(rows)), [shortened(name, width) for name in rows], fontsize=8.5)
