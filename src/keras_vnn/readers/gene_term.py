"""Tables of genes and terms without more: a pair a row, or ``gene<TAB>term;term;term`` (id2gos).

In: a delimited text. Out: `AnnotationRows` by symbol, whatever kind of names the genes have.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from keras_vnn.basics.errors import ConfigError
from keras_vnn.basics.provenance import Source
from keras_vnn.readers.annotation_rows import AnnotationRows
from keras_vnn.readers.columns import Columns, Layout, column_number, lay_out
from keras_vnn.readers.formats import Format
from keras_vnn.readers.rows import read_rows
from keras_vnn.readers.text import Preview

__all__ = ["GENE_TERM", "read_gene_term"]

_TERM = re.compile(r"[A-Za-z][A-Za-z0-9_]*:[A-Za-z0-9_.]+|R-[A-Z]{3}-\d+")
_GO = re.compile(r"GO:\d{7}|R-[A-Z]{3}-\d+")
_SEPARATOR = ";"


def looks_like_gene_term(start: Preview) -> bool:
    """Say whether one column of a table of two or three holds ids of terms."""
    layout = _layout(start)
    return 2 <= layout.width <= 3 and _term_column(layout) is not None


def read_gene_term(
    start: Preview, *, malformed: str = "raise", columns: Sequence[int | str] | None = None
) -> AnnotationRows:
    """Read a table of genes and terms.

    Parameters
    ----------
    start
        The beginning of the file.
    malformed
        As in `read_annotations`.
    columns
        Gene and term column, by name or by number from 1. By default the term column is the one that holds ids such
        as ``GO:0006281``, the gene column the first of the others.

    Raises
    ------
    ReadError
        A row lacks a gene or a term, or a column does not exist.
    ConfigError
        ``columns`` does not name two columns.
    """
    if columns is not None and (isinstance(columns, str) or len(columns) != 2):
        raise ConfigError(f"columns must name the gene and the term column, got {columns!r}.\nFor example: (1, 2)")
    named = [name for name in columns or () if isinstance(name, str)]
    layout = lay_out(start, named=named) if columns is not None else _layout(start)
    if columns is not None:
        gene, term = (column_number(layout, column) for column in columns)
    else:
        found = _term_column(layout)
        term = 1 if found is None else found
        gene = 1 if term == 0 else 0
    rows = read_rows(layout, Columns(gene, term, chosen=True), malformed=malformed, subject="annotation")
    frame = pd.DataFrame({"symbol": rows.first, "term": rows.second}, index=rows.line)
    kind = f"{layout.kind} gene, term"
    if frame["term"].str.contains(_SEPARATOR, regex=False).any():
        kind = "id2gos"
        frame = frame.assign(term=frame["term"].str.split(_SEPARATOR)).explode("term")
        frame["term"] = frame["term"].str.strip()
        frame = frame[frame["term"] != ""]
    source = Source.of_file(start.path, kind, records=rows.records)
    return AnnotationRows(frame, source, rows.dropped)


def _layout(start: Preview) -> Layout:
    """Lay out the table; a first line without a term where all others have one is a header."""
    layout = lay_out(start)
    column = _term_column(layout)
    if layout.header is None and column is not None and len(layout.rows) > 1:
        first = layout.rows[0][1]
        if column >= len(first) or not _hold(_TERM, first[column]):
            return lay_out(start, header=True)
    return layout


def _term_column(layout: Layout) -> int | None:
    """Return the position of the column of term ids; one of well-known ids wins over another.

    The first row does not count where there are others: it may be a header.
    """
    for pattern in (_GO, _TERM):
        for column in range(layout.width):
            values = layout.values(column)
            below = [value for value in (values[1:] if len(values) > 1 else values) if value]
            if below and 10 * sum(_hold(pattern, value) for value in below) >= 9 * len(below):
                return column
    return None


def _hold(pattern: re.Pattern[str], value: str) -> bool:
    parts = [part.strip() for part in value.split(_SEPARATOR) if part.strip()]
    return bool(parts) and all(pattern.fullmatch(part) for part in parts)


GENE_TERM = Format(
    "gene-term", "two columns, gene and term; or gene<TAB>term;term (id2gos)", looks_like_gene_term, read_gene_term
)
