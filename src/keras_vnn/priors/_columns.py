"""Columns of names, as the values of this package take them: checked, numbered, locked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ReadError, did_you_mean, sample
from keras_vnn.basics.provenance import Source

if TYPE_CHECKING:
    from numpy.typing import NDArray


def locked(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array, contiguous and not writeable."""
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array


def numbered(values: Any, what: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return, for each value, its position among the sorted unique names, and these names.

    Parameters
    ----------
    values
        ``(rows,)`` names; a pandas Categorical is numbered by its categories.
    what
        What a value is called in messages.

    Raises
    ------
    ReadError
        A name is missing, blank, or not text.
    """
    column = pd.Series(values if isinstance(values, pd.Categorical | pd.Series) else list(values))
    if not isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    raw, uniques = pd.factorize(column)
    if (raw < 0).any():
        row = int(np.flatnonzero(raw < 0)[0]) + 1
        raise ReadError(f"Row {row:,} of {len(raw):,} has no {what}.")
    names = list(uniques)
    wrong = next((name for name in names if not isinstance(name, str) or not name.strip()), None)
    if wrong is not None:
        raise ReadError(f"A {what} is {wrong!r}, expected a non-empty name.")
    order = sorted(range(len(names)), key=names.__getitem__)
    position = np.empty(len(names), np.int64)
    position[order] = np.arange(len(names))
    return position[raw], tuple(names[i] for i in order)


def run_starts(*keys: NDArray[Any]) -> NDArray[np.int64]:
    """Return where a new combination of values begins in sorted columns."""
    if not len(keys[0]):
        return np.zeros(0, np.int64)
    new = np.zeros(len(keys[0]), bool)
    new[0] = True
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(new)


def joined_words(group: NDArray[np.int64], groups: int, words: Any) -> NDArray[np.object_]:
    """Return, for each group, its distinct words, sorted and joined by ``|``; empty words are left out.

    Parameters
    ----------
    group
        ``(rows,)`` the group of each row, from 0 to ``groups - 1``.
    groups
        Number of groups.
    words
        ``(rows,)`` words, a pandas Categorical or an array of str; ``None`` for none.
    """
    result = np.full(groups, "", dtype=object)
    if words is None or not len(group):
        return result
    codes, uniques = pd.factorize(pd.Series(words), sort=True)
    named = np.array([*(str(word) for word in uniques), ""], dtype=object)
    used = (codes >= 0) & (named[codes] != "")
    pairs = np.unique(group[used] * len(named) + codes[used])
    owner, word = np.divmod(pairs, len(named))
    starts = run_starts(owner)
    counts = np.diff(np.append(starts, len(owner)))
    result[owner[starts[counts == 1]]] = named[word[starts[counts == 1]]]
    for start, count in zip(starts[counts > 1].tolist(), counts[counts > 1].tolist(), strict=True):
        result[owner[start]] = "|".join(named[word[start : start + count]])
    return result


def named_columns(frame: pd.DataFrame, columns: Iterable[str | None]) -> None:
    """Raise unless the frame has every column named.

    Raises
    ------
    ReadError
        A column does not exist.
    """
    known = [str(column) for column in frame.columns]
    for column in columns:
        if column is not None and column not in known:
            hint = did_you_mean(column, known)
            raise ReadError(f"The table has no column {column!r}; it has {sample(known, 12)}. {hint}".rstrip())


def in_memory(what: str, records: int) -> Source:
    """Return the source of a value made from something in memory."""
    return Source(what, "memory", records=records)


def from_sources(sources: Sequence[Source]) -> str:
    """Return the names of the sources in brackets, or nothing."""
    return f" ({', '.join(source.name for source in sources)})" if sources else ""
