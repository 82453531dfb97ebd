"""Columns of names, as the values of this package take them: checked, numbered, locked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ReadError, did_you_mean, sample
from keras_vnn.basics.provenance import Source

if TYPE_CHECKING:
    import networkx
    from numpy.typing import NDArray

    from keras_vnn.priors._annotations import Annotations
    from keras_vnn.priors._edges import Interactions, Regulation

Pairs = TypeVar("Pairs", "Interactions", "Regulation", "Annotations")


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


def used(names: Sequence[str] | NDArray[np.object_], places: NDArray[Any]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Return the names that are used at all, and where each of the places in the names is among these."""
    kept, found = np.unique(places, return_inverse=True)
    return tuple(names[i] for i in kept), locked(found.reshape(places.shape).astype(np.int32))


def used_pairs(
    first: Sequence[str] | NDArray[np.object_], second: Sequence[str] | NDArray[np.object_], pairs: NDArray[Any]
) -> tuple[tuple[str, ...], tuple[str, ...], NDArray[np.int32]]:
    """Return the names on both sides of ``(rows, 2)`` pairs of places that are used, and the pairs among these."""
    (first, low), (second, high) = used(first, pairs[:, 0]), used(second, pairs[:, 1])
    return first, second, locked(np.stack([low, high], axis=1))


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
    known = (codes >= 0) & (named[codes] != "")
    owner, word = np.divmod(np.unique(group[known] * len(named) + codes[known]), len(named))
    owners, starts, counts = np.unique(owner, return_index=True, return_counts=True)
    result[owners] = named[word[starts]]
    for one, start, count in zip(*(part[counts > 1].tolist() for part in (owners, starts, counts)), strict=True):
        result[one] = "|".join(named[word[start : start + count]])
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


def columns_of(rows: Sequence[tuple[Any, ...]], width: int = 2) -> NDArray[np.object_]:
    """Return ``(width, rows)`` columns of rows, of which there may be none."""
    return np.array(rows, dtype=object).reshape(-1, width).T


def edge_columns(graph: networkx.Graph, needs: str = "") -> tuple[list[str], list[str], list[dict[str, Any]]]:
    """Return both ends of the edges of a graph, as texts, and what the edges carry.

    Raises
    ------
    ReadError
        The graph is undirected, and a directed one is needed: what ``needs`` says.
    """
    if needs and not graph.is_directed():
        raise ReadError(f"{needs}, got an undirected one.")
    edges = list(graph.edges(data=True))
    return [str(u) for u, _, _ in edges], [str(v) for _, v, _ in edges], [data for *_, data in edges]


def of_rows(kind: type[Pairs], rows: pd.DataFrame, **facts: Any) -> Pairs:
    """Make a table from rows whose columns are called as its `from_pairs` calls them."""
    return kind.from_pairs(**{str(name): column for name, column in rows.items()}, **facts)


def united(one: Pairs, rows: pd.DataFrame, other: Pairs, further: pd.DataFrame, **facts: Any) -> Pairs:
    """Make one table of the rows of two, merged."""
    both = pd.concat([rows, further], ignore_index=True)
    return of_rows(type(one), both, sources=one.sources + other.sources, audit=one.audit + other.audit, **facts)


def in_memory(what: str, records: int) -> Source:
    """Return the source of a value made from something in memory."""
    return Source(what, "memory", records=records)


def from_sources(sources: Sequence[Source]) -> str:
    """Return the names of the sources in brackets, or nothing."""
    return f" ({', '.join(source.name for source in sources)})" if sources else ""
