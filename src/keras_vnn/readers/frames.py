"""The columns of a DataFrame that stand for names, numbers and effects.

In: a DataFrame of the user's. Out: `Rows`, checked, as of a file with the same header.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ReadError
from keras_vnn.readers.columns import Layout, Roles, choose_columns, normalized
from keras_vnn.readers.rows import Rows, of_each
from keras_vnn.readers.text import Preview

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["frame_rows"]


def frame_rows(frame: pd.DataFrame, roles: Roles, asked: Sequence[int | str] | None) -> Rows:
    """Read the columns of names and, if there are any, of numbers and effects.

    Raises
    ------
    ReadError
        There are fewer than two columns, one asked for does not exist, a name is empty, or a number is none.
    ConfigError
        ``asked`` does not have two or three entries.
    """
    if frame.shape[1] < 2:
        raise ReadError(f"The DataFrame has {frame.shape[1]} columns, expected two names per row.")
    top = frame.head(300).astype(object).where(frame.head(300).notna(), "").astype(str)
    layout = Layout(
        Preview(Path("the DataFrame"), b"", (), (), True),
        "\t",
        False,
        tuple(map(str, frame.columns)),
        0,
        frame.shape[1],
        tuple(enumerate(top.itertuples(index=False, name=None))),
    )
    columns = choose_columns(layout, roles, asked)
    number = effect = None
    if columns.number is not None:
        number = pd.to_numeric(frame.iloc[:, columns.number], errors="coerce").to_numpy(dtype=np.float64)
        _refuse(~np.isfinite(number), frame.iloc[:, columns.number], f"finite {roles.number_is}")
    if columns.effect is not None and roles.effect_of is not None:
        words = frame.iloc[:, columns.effect].fillna("").astype(str)
        effect = of_each(words, roles.effect_of)
        _refuse(pd.isna(effect), words, "known effect")
    first, second = (_names(frame.iloc[:, column]) for column in (columns.first, columns.second))
    line = np.full(len(frame), -1, dtype=np.int64)
    signed = columns.number is not None and normalized(layout.titles[columns.number]) in roles.signed
    return Rows(
        first, second, line, columns.described(layout, roles.number_is), len(frame), number, effect, signed=signed
    )


def _names(column: pd.Series) -> NDArray[np.object_]:
    names: NDArray[Any] = column.astype(object).where(column.notna(), "").astype(str).str.strip().to_numpy(dtype=object)
    _refuse(names == "", column, "name")
    return names


def _refuse(wrong: NDArray[np.bool_], column: pd.Series, what: str) -> None:
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        raise ReadError(
            f"{int(wrong.sum())} of {len(column)} rows have no {what} in {column.name!r}, first "
            f"'{column.iloc[place]}' at index {column.index[place]}.\n"
            "Drop them first, or name the columns to take: columns=(1, 2)"
        )
