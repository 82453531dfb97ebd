"""What all pictures share: figures without the global state of matplotlib, colours, names that fit, stable bytes."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from keras_vnn.basics.errors import (
    ConfigError,
    DataError,
    OutputError,
    check_choice,
    check_kind,
    counted,
    did_you_mean,
    readable,
)
from keras_vnn.basics.files import replacing
from keras_vnn.basics.progress import notebook

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SCREEN_DPI = 100


class ShownFigure(Figure):
    """A figure of its own size, drawn when a notebook asks for it."""

    def _repr_png_(self) -> bytes:
        """Return the picture that IPython shows when the figure is the value of a cell."""
        if not isinstance(self.canvas, FigureCanvasAgg):
            FigureCanvasAgg(self)
        stream = io.BytesIO()
        self.savefig(stream, format="png", dpi=_SCREEN_DPI, metadata={"Software": None}, facecolor="white")
        return stream.getvalue()


DPI = 150
FORMATS = ("png", "svg", "pdf")


class Shows(TypedDict, total=False):
    """What every figure takes besides its own arguments.

    Attributes
    ----------
    show
        Display the figure in the notebook, by default wherever there is one, unless ``ax`` is given. What is shown is
        not returned too, as in scanpy: a notebook would print it below the picture.
    save
        File to write it to, ``.png``, ``.svg`` or ``.pdf``; one that exists is replaced.
    """

    show: bool | None
    save: str | os.PathLike[str] | None


def finished(
    axes: Axes,
    ax: Axes | None,
    *,
    show: bool | None = None,
    save: str | os.PathLike[str] | None = None,
    **unknown: object,
) -> Axes | None:
    """Return axes that are drawn, the figure written; or show it as `Shows` says, and return nothing.

    Raises
    ------
    OutputError
        The file cannot be written, has another ending, or the figure is to be shown where there is no notebook.
    ConfigError
        There is no such option.
    """
    for name in unknown:
        hint = did_you_mean(name, ("ax", "show", "save")) or "Go on drawing on its Axes: show=False"
        raise ConfigError(f"Unknown option {name!r} of a figure. {hint}")
    if save is not None:
        ending = Path(save).suffix.lower().removeprefix(".")
        check_choice("the ending of save", ending, FORMATS, OutputError)
        with replacing(Path(save), overwrite=True) as partial:
            partial.write_bytes(picture_bytes(axes, ending))
    place = notebook()
    if show and place is None:
        raise OutputError("There is no notebook to show the figure in.\nWrite it to a file: save='figure.png'")
    if show or (show is None and ax is None and place is not None):
        place.display(axes.figure)
        return None
    return axes


def new_axes(width: float, height: float) -> Axes:
    """Return axes on a new figure of this size in inches; no window, no pyplot."""
    figure = ShownFigure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def bare_axes(width: float, height: float) -> Axes:
    """Return axes that fill a new figure of this size in inches."""
    axes = new_axes(width, height)
    figure: Any = axes.figure
    figure.set_layout_engine("none")
    axes.set_position((0, 0, 1, 1))
    return axes


def without_frame(axes: Axes, *sides: str) -> None:
    """Hide lines of the frame."""
    for side in sides or ("top", "right"):
        axes.spines[side].set_visible(False)


def name_rows(axes: Axes, names: list[str], xlabel: str) -> None:
    """Name rows, the first on top, and what goes across; leave only the line below."""
    axes.set_yticks(range(len(names)), names, fontsize=8.5)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlabel(xlabel, fontsize=8.5)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)
    without_frame(axes, "top", "right", "left")


def colour_bar(axes: Axes, colours: Any, label: str, *, shrink: float, pad: float) -> None:
    """Draw what colours mean."""
    figure: Any = axes.figure
    bar = figure.colorbar(colours, ax=axes, shrink=shrink, pad=pad)
    bar.set_label(label, fontsize=8.5)
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_visible(False)


def picture_bytes(axes: Axes | Figure, format: str) -> bytes:
    """Return a figure as PNG, SVG or PDF; the same figure gives the same bytes."""
    import matplotlib

    figure: Any = getattr(axes, "figure", axes)
    check_choice("format", format, FORMATS)
    check_kind("Axes or a figure", figure, "savefig", "Draw one: vnn.pl.draw_layers(model, show=False)", DataError)
    metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[format]
    stream = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "keras-vnn", "svg.fonttype": "none"}):
        figure.savefig(stream, format=format, dpi=DPI, metadata=metadata, facecolor="white")
    return stream.getvalue()


def shortened(name: object, width: int = 28) -> str:
    """Return a name that fits on a picture: control characters visible, no mathematics, an ellipsis where cut."""
    text = readable(name)
    text = text if len(text) <= width else f"{text[: width - 1].rstrip()}…"
    return text.replace("$", r"\$")


# Okabe and Ito's colours without the yellow, which print loses; then more for the sake of many classes.
CLASS_COLOURS = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"),
    *("#7f7f7f", "#8c6d31", "#332288", "#882255", "#44aa99", "#b5bd61"),
)
GREY = "#8a9299"


def check_table(what: str, value: object, remedy: str, attributes: str = "columns index shape") -> None:
    """Raise an error unless a value is a table, such as the result that holds it, with how to name the table.

    Raises
    ------
    DataError
        It is something else.
    """
    check_kind(what, value, attributes, remedy, DataError)


def numbers(table: pd.DataFrame, what: str) -> Any:
    """Return the values of a table as floats."""
    if 0 in table.shape:
        raise DataError(
            f"The {what} has {counted(table.shape[0], 'row')} and {counted(table.shape[1], 'column')}: there is "
            "nothing to draw."
        )
    try:
        return table.to_numpy(dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(f"The {what} holds something that is not a number: {error}.") from error


def names(table: pd.DataFrame) -> list[str]:
    """Return a name for each node: its label, with the id where labels repeat."""
    labels = table["label"] if "label" in table else table.index.to_series()
    repeated = labels.duplicated(keep=False)
    return [
        f"{label} ({id})" if again and label != id else str(label)
        for id, label, again in zip(table.index, labels, repeated, strict=True)
    ]


def name_ticks(axes: Axes, columns: Any, rows: Any, *, turned: bool, width: int) -> None:
    """Write the names of columns and rows on the axes."""
    look: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if turned else {}
    axes.set_xticks(range(len(columns)), [shortened(name) for name in columns], fontsize=8.5, **look)
    axes.set_yticks(range(len(rows)), [shortened(name, width) for name in rows], fontsize=8.5)
