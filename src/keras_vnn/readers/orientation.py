"""Which axis of an expression table holds the genes, told from names alone.

In: the names of both axes and the header's word for the row names. Out: yes or no, and why.
Knows nothing of files or values.
"""

from __future__ import annotations

from collections.abc import Sequence

from keras_vnn.basics.errors import ConfigError, ReadError, did_you_mean, sample
from keras_vnn.priors.genes import CELL_NAMES, CELL_WORDS, GENE_NAMES, GENE_WORDS, ORIENTATIONS

__all__ = ["ORIENTATIONS", "genes_in_rows"]


def genes_in_rows(
    rows: Sequence[str], columns: Sequence[str], corner: str = "", *, asked: str = "auto", where: object = "the table"
) -> tuple[bool, str]:
    """Say whether the rows of a table are its genes, and why.

    The first of these that tells the two apart decides: what was ``asked``; the header's word for the row names;
    a larger share of names that look like genes; a smaller share that look like cells.

    Raises
    ------
    ConfigError
        ``asked`` is not known.
    ReadError
        Nothing tells the two apart.

    Examples
    --------
    >>> genes_in_rows(["RPL3", "MT-CO1"], ["AAACATACCCGTAA-1", "AAACATACGAGGTG-1"])
    (True, '2 of 2 row names look like genes')
    """
    if asked not in ORIENTATIONS:
        hint = did_you_mean(asked, ORIENTATIONS)
        raise ConfigError(f"Unknown orientation {asked!r}. {hint}".rstrip() + f"\nExpected one of: {_LISTED}.")
    if asked != "auto":
        return asked == "genes-in-rows", "as asked"
    for words, answer in ((GENE_WORDS, True), (CELL_WORDS, False)):
        if words.fullmatch(corner.casefold()):
            return answer, f"the header calls the row names {corner!r}"
    for pattern, what, of_genes in ((GENE_NAMES, "genes", True), (CELL_NAMES, "cells", False)):
        in_rows, in_columns = (sum(pattern.fullmatch(n) is not None for n in names) for names in (rows, columns))
        if in_rows * len(columns) != in_columns * len(rows):
            rows_have_more = in_rows * len(columns) > in_columns * len(rows)
            side, count, names = ("row", in_rows, rows) if rows_have_more else ("column", in_columns, columns)
            return rows_have_more == of_genes, f"{count:,} of {len(names):,} {side} names look like {what}"
    raise ReadError(
        f"Are the genes in rows or in columns? Neither {len(rows):,} row names nor {len(columns):,} column names tell: "
        f"{where}\n    rows: {sample(rows, 3)}\n    columns: {sample(columns, 3)}\n"
        'Say it with orientation="genes-in-rows" or "genes-in-columns" (command line: --orientation genes-in-rows).'
    )


_LISTED = ", ".join(ORIENTATIONS)
