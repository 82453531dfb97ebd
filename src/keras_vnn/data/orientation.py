"""Which axis of an expression table holds the genes.

In: the names of both axes, and what else is known of genes and cells. Out: an `Orientation` with its reason.
Knows nothing of files or values.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from keras_vnn.basics.errors import DataError, sample
from keras_vnn.data.matching import check_policy
from keras_vnn.priors.genes import CELL_NAMES, CELL_WORDS, GENE_NAMES, GENE_WORDS, ORIENTATIONS

__all__ = ["ORIENTATIONS", "Orientation", "decide_orientation"]


@dataclass(frozen=True, slots=True)
class Orientation:
    """Where the genes are, and how that is known; as text, a sentence to show the user."""

    genes_in_rows: bool
    reason: str

    def __str__(self) -> str:
        return f"genes in {'rows' if self.genes_in_rows else 'columns'} ({self.reason})"


def decide_orientation(
    rows: Sequence[str],
    columns: Sequence[str],
    corner: str = "",
    *,
    genes: Collection[str] = (),
    cells: Collection[str] = (),
    asked: str = "auto",
    where: object = "",
) -> Orientation:
    """Decide whether the rows or the columns of a table are its genes.

    The first of these that tells the two apart decides: what was ``asked``; the genes of the network; the cells
    of a cell table; the header's word for the row names; what the names look like.

    Raises
    ------
    DataError
        Nothing tells the two apart.

    Examples
    --------
    >>> print(decide_orientation(["ATM", "X1"], ["a", "b"], genes={"ATM", "TP53"}))
    genes in rows (1 of 2 row names are genes of the network)
    """
    check_policy("orientation", asked, ORIENTATIONS)
    if asked != "auto":
        return Orientation(asked == "genes-in-rows", "as asked")
    sides = ("row", rows), ("column", columns)
    for known, meaning, are_genes in (
        (set(genes), "genes of the network", True),
        (set(cells), "cells of the cell table", False),
    ):
        counts = [sum(name in known for name in names) for _, names in sides]
        if counts[0] != counts[1]:
            side = int(counts[1] > counts[0])
            return Orientation((side == 0) == are_genes, _of(counts[side], *sides[side], meaning))
    if GENE_WORDS.fullmatch(corner.casefold()):
        return Orientation(True, f"the header calls the row names {corner!r}")
    if CELL_WORDS.fullmatch(corner.casefold()):
        return Orientation(False, f"the header calls the row names {corner!r}")
    for pattern, meaning, are_genes in (
        (GENE_NAMES, "look like genes", True),
        (CELL_NAMES, "look like cells", False),
    ):
        counts = [sum(pattern.fullmatch(name) is not None for name in names) for _, names in sides]
        if counts[0] * len(columns) != counts[1] * len(rows):
            side = int(counts[1] * len(rows) > counts[0] * len(columns))
            return Orientation((side == 0) == are_genes, _of(counts[side], *sides[side], meaning))
    raise DataError(
        "Are the genes in rows or in columns? "
        f"Neither {len(rows):,} row names nor {len(columns):,} column names tell{f': {where}' if where else '.'}\n"
        f"    rows: {sample(rows, 3)}\n"
        f"    columns: {sample(columns, 3)}\n"
        'Say it with orientation="genes-in-rows" or "genes-in-columns" (command line: --orientation genes-in-rows).'
    )


def _of(count: int, side: str, names: Sequence[str], meaning: str) -> str:
    verb = "" if meaning.startswith("look") else "are "
    return f"{count:,} of {len(names):,} {side} names {verb}{meaning}"
