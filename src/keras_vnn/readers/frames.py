"""The columns of a DataFrame that stand for names, numbers and effects.

In: a DataFrame of the user's. Out: a checked copy of the columns to take.
Knows the same header words as the readers of files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ConfigError, ReadError, did_you_mean, sample
from keras_vnn.readers.columns import Roles, normalized

__all__ = ["FrameColumns", "choose_frame_columns"]


class FrameColumns(NamedTuple):
    """Names of the columns to take; ``None`` where there is none."""

    first: str
    second: str
    number: str | None = None
    effect: str | None = None


def choose_frame_columns(
    frame: pd.DataFrame, roles: Roles, asked: Sequence[int | str] | None
) -> tuple[pd.DataFrame, FrameColumns]:
    """Return the columns of names and, if there are any, of numbers and effects, checked.

    Without ``asked``, columns are told by the words headers use, else the first two are the names.

    Raises
    ------
    ReadError
        There are fewer than two columns, one asked for does not exist, a name is empty, or a number is none.
    ConfigError
        ``asked`` does not have two or three entries.
    """
    known = [str(column) for column in frame.columns]
    if len(known) < 2:
        raise ReadError(f"The DataFrame has {len(known)} columns, expected two names per row.")
    taken = frame.set_axis(known, axis=1)
    if asked is None:
        words = [normalized(name) for name in known]
        pair = roles.pair(words) or (0, 1)
        free = {word: known[c] for c, word in reversed(list(enumerate(words))) if c not in pair}
        effect = next((free[word] for word in roles.effect if word in free), None)
        number = next((free[word] for word in roles.number if word in free and free[word] != effect), None)
        chosen = FrameColumns(known[pair[0]], known[pair[1]], number, effect)
    elif isinstance(asked, str) or len(asked) not in (2, 3):
        raise ConfigError(f"columns must name two columns, or three with the {roles.number_is}; got {asked!r}.")
    else:
        names = [known[_position(known, column)] for column in asked]
        chosen = FrameColumns(*names)
        if roles.effect and chosen.number and not pd.api.types.is_numeric_dtype(taken[chosen.number]):
            chosen = FrameColumns(names[0], names[1], effect=names[2])
    if chosen.effect and pd.api.types.is_numeric_dtype(taken[chosen.effect]):
        chosen = FrameColumns(chosen.first, chosen.second, chosen.number or chosen.effect)
    for name in (chosen.first, chosen.second):
        taken[name] = _names(taken[name])
    if chosen.number:
        taken[chosen.number] = _numbers(taken[chosen.number], roles)
    if chosen.effect and roles.effect_of:
        words_ = taken[chosen.effect].fillna("").astype(str)
        effects = words_.map(roles.effect_of)
        if effects.isna().any():
            raise ReadError(f"Unknown effect {words_[effects.isna()].iloc[0]!r} in {chosen.effect!r}.")
        taken[chosen.effect] = effects
    return taken, chosen


def _names(column: pd.Series) -> pd.Series:
    empty = column.isna() | (column.astype(str).str.strip() == "")
    if empty.any():
        raise ReadError(
            f"{int(empty.sum())} of {len(column)} rows have no name in {column.name!r}, "
            f"first at index {column.index[empty][0]}.\nDrop them first."
        )
    return column.astype(str).str.strip()


def _numbers(column: pd.Series, roles: Roles) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce").astype(np.float64)
    wrong = ~np.isfinite(numbers)
    if wrong.any():
        raise ReadError(
            f"{int(wrong.sum())} of {len(column)} rows have no finite {roles.number_is} in {column.name!r}, first "
            f"{column[wrong].iloc[0]} at index {column.index[wrong][0]}.\n"
            "Drop them first, or name the two columns of names alone: columns=(1, 2)"
        )
    return numbers


def _position(known: Sequence[str], column: int | str) -> int:
    if isinstance(column, str):
        if column in known:
            return known.index(column)
        hint = did_you_mean(column, known)
        raise ReadError(f"The DataFrame has no column {column!r}; it has {sample(known, 12)}. {hint}".rstrip())
    if not 1 <= column <= len(known):
        raise ReadError(f"There is no column {column}: the DataFrame has {len(known)}.\nColumns are numbered from 1.")
    return column - 1
