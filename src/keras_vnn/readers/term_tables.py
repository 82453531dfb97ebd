"""Tables of terms without more: a gene and a term a row, or ``gene<TAB>term;term;term`` (id2gos); child and parent.

In: a delimited text. Out: `AnnotationRows` by symbol, whatever kind of names the genes have; an `Ontology`.

### Two columns, or id2gos
`read_annotations`

```text id2gos.txt
TP53	GO:0006915;GO:0006974
MDM2	GO:0016567
```
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from keras_vnn.basics.errors import ConfigError
from keras_vnn.basics.provenance import Source
from keras_vnn.priors import Ontology
from keras_vnn.readers.annotation_rows import AnnotationRows
from keras_vnn.readers.columns import Columns, Layout, column_numbers, is_listed, lay_out
from keras_vnn.readers.formats import Format
from keras_vnn.readers.rows import read_rows
from keras_vnn.readers.text import Preview

__all__ = ["EDGES", "GENE_TERM"]

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
    if columns is not None and not is_listed(columns, 2):
        raise ConfigError(f"columns must name the gene and the term column, got {columns!r}.\nFor example: (1, 2)")
    named = [name for name in columns or () if isinstance(name, str)]
    layout = lay_out(start, named=named) if columns is not None else _layout(start)
    if columns is not None:
        gene, term = column_numbers(layout, columns)
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


def read_edges(start: Preview, *, columns: Sequence[int | str] = ("child", "parent")) -> Ontology:
    if not is_listed(columns, 2):
        raise ConfigError(f"columns must name the child and the parent column, got {columns!r}.\nFor example: (2, 1)")
    layout = lay_out(start, named=[name for name in columns if isinstance(name, str)])
    child, parent = column_numbers(layout, columns)
    rows = read_rows(layout, Columns(child, parent, chosen=True), subject="ontology edge")
    source = Source.of_file(start.path, f"{layout.kind} child, parent", records=rows.records)
    return Ontology.from_edges(rows.first, rows.second, sources=(source,))


GENE_TERM = Format(
    "gene-term",
    "a table of gene and term (also id2gos)",
    "annotations",
    looks_like_gene_term,
    read_gene_term,
    takes=("columns",),
    page=__doc__,
)
# Any two columns could be children and parents, and which is which cannot be seen: it is read when it is named.
EDGES = Format("edges", "a table of children and parents", "ontology", read=read_edges, takes=("columns",))
