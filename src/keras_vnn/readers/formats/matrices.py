"""Matrices of names by names: regulation, targets × TFs, and interactions, genes × the same genes.

In: TSV, CSV or space-separated text with a header. Regulation has a row per target and a column per TF, 0, 1 or −1 in
the cells; other numbers are weights when TFs are among its targets or the format is named, as an expression table looks
the same. A second column may hold other names of the targets, which are left out. P-values are refused. An adjacency
matrix has the same names, in the same order, in rows and columns, and is symmetric, or one of its triangles is 0. Out:
a `Table` with a row per cell that is not 0.

### A wide matrix, targets × TFs
`read.regulation`

```text matrix.tsv
gene	GATA1	FOXC1
HBB	1	0
MEFV	1	-1
```

### An adjacency matrix, genes × genes
`read.interactions`: each pair once, numbers other than 1 are scores.

```text adjacency.csv
,TP53,MDM2,ATM
TP53,0,0.9,0.4
MDM2,0.9,0,0
ATM,0.4,0,0
```
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd
from scipy import sparse

from keras_vnn.basics.errors import ReadError, counted, sample
from keras_vnn.basics.remedies import reader_called, remedy
from keras_vnn.priors.genes import CELL_NAMES, CELL_WORDS
from keras_vnn.priors.kinds import are_numbered, is_gene_id
from keras_vnn.readers.formats import Format
from keras_vnn.readers.layout import Layout, as_number, is_number, lay_out
from keras_vnn.readers.pairs import choose_rows
from keras_vnn.readers.tabular import Options, Table, left_out, of_each, pieces_of, refuse_row
from keras_vnn.readers.text import Preview, shortened

if TYPE_CHECKING:
    from numpy.typing import NDArray

# ---- targets × TFs -------------------------------------------------------------------------------------------

_CELLS = {"0", "1", "-1", "0.0", "1.0", "-1.0"}
# Of a matrix of p-values hardly a cell is 0.
_MOST_ZEROS = 0.05


def _is_matrix(start: Preview) -> bool:
    """Say whether the cells are 0, 1 or −1 below names that are not of cells, or numbers below names of rows."""
    layout = lay_out(start) if len(start.lines) > 1 else None
    if layout is None or layout.header is None or layout.width < 2 or layout.is_numeric(0):
        return False
    corner, names = layout.header[0], layout.header[_first_cell(layout) :]
    if len(set(names)) < len(names) or not all(names):
        return False
    cells = _cells(layout)
    if _has_regulators_in_rows(layout):
        return all(map(is_number, cells))
    if are_numbered(layout.values(0)) or sum(map(is_gene_id, names)) > sum(map(is_gene_id, layout.values(0))):
        # Samples above genes: an expression table of what is detected.
        return False
    if CELL_WORDS.fullmatch(corner.casefold()) or 2 * sum(map(_is_of_cell, names)) > len(names):
        return False
    return cells <= _CELLS and bool(cells - {"0", "0.0"})


def _first_cell(layout: Layout) -> int:
    """Return the first column of cells: the third where the second holds other names of the rows."""
    return 2 if layout.width > 3 and not any(map(is_number, layout.values(1))) else 1


def _cells(layout: Layout) -> set[str]:
    """Return the cells in the preview, each once."""
    return {value for _, fields in layout.rows for value in fields[_first_cell(layout) :]}


def _has_regulators_in_rows(layout: Layout) -> bool:
    """Say whether names of columns are names of rows as well: regulators that are targets, and no cells."""
    first = _first_cell(layout)
    return not {*layout.titles[first:]}.isdisjoint(name for column in range(first) for name in layout.values(column))


def _is_of_cell(name: str) -> bool:
    return CELL_NAMES.fullmatch(name) is not None or re.fullmatch(r"[a-z]{1,6}[ _.-]?\d+", name) is not None


def read_matrix(start: Preview, options: Options) -> Table:
    """Read a matrix of targets and TFs.

    Raises
    ------
    ReadError
        There is no header, a name is empty or repeated, a cell is not a number (0, 1 or −1), or the cells look like
        p-values.
    """
    layout = lay_out(start, delimiter=options.delimiter, header=True)
    regulators = _regulators(layout)
    are_weights = options.format_named or _has_regulators_in_rows(layout)
    if not options.format_named:
        _refuse_p_values(layout)
    cells = list(range(_first_cell(layout), layout.width))
    parts: list[pd.DataFrame] = []
    records = 0
    skipped: list[int] = []
    for piece in pieces_of(layout, (0, *cells)):
        values = np.stack([of_each(piece[cell], as_number, float) for cell in cells], axis=1)
        wrong = ~(np.isfinite(values) if are_weights else np.isin(values, (-1.0, 0.0, 1.0)))
        bad = wrong.any(axis=1) | (piece[0] == "").to_numpy() | (piece[layout.width] != "").to_numpy()
        if bad.any() and options.malformed == "raise":
            row = int(np.flatnonzero(bad)[0])
            _refuse_cell(layout, piece.iloc[row], wrong[row], are_weights=are_weights)
        skipped.extend(piece.index[bad])
        records += len(piece)
        row_of, column_of = np.nonzero(np.where(bad[:, None], 0, values))
        found = {"first": regulators[column_of], "second": piece[0].to_numpy(dtype=object)[row_of]}
        parts.append(pd.DataFrame({**found, "number": values[row_of, column_of]}, index=piece.index[row_of]))
    frame = pd.concat(parts)
    if not len(frame):
        raise ReadError(f"No cell of the matrix says 1 or −1: {start.path}\nIs it the right file? A TF needs a target.")
    beside = f" (ignored: {layout.name(1)})" if _first_cell(layout) == 2 else ""
    said = f"{layout.kind} matrix of {counted(records, 'target')} × {len(regulators):,} TFs{beside}"
    return Table(frame, start.path, said, records, (left_out(start.path, skipped),))


def _refuse_p_values(layout: Layout) -> None:
    """Raise where hardly a cell is 0, and all are from 0 to 1: a weight would make every TF regulate every target."""
    values = np.array([as_number(cell) for _, fields in layout.rows for cell in fields[_first_cell(layout) :]])
    if np.mean(values == 0) > _MOST_ZEROS or not ((values >= 0) & (values <= 1)).all() or (values == 1).all():
        return
    number, text = layout.preview.lines[-len(layout.rows)]
    raise ReadError(
        f"The cells look like p-values or probabilities, from 0 to 1 and hardly one of them 0: "
        f"{layout.preview.path}:{number}\n    {shortened(text)}\n"
        "Write 1 into the cells below a threshold, such as a p-value of 0.001, and 0 into the others"
        + remedy("; if they are weights, pass {format}", format="matrix")
    )


def _regulators(layout: Layout) -> NDArray[np.object_]:
    names = list(layout.header or ())[_first_cell(layout) :]
    where = f"{layout.preview.path}:{layout.skipped}"
    if not names or not all(names):
        raise ReadError(
            f"Expected the name of a TF above each column but the first: {where}\n"
            "Name them in the first line"
            + remedy(", or name how the columns are separated: {delimiter}", delimiter=...)
        )
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise ReadError(
            f"The header names {len(repeated)} of its TFs more than once: {sample(repeated)}: {where}\n"
            "Rename them, or leave out all but one."
        )
    return np.array(names, dtype=object)


def _refuse_cell(layout: Layout, row: Any, wrong: NDArray[np.bool_], *, are_weights: bool) -> NoReturn:
    if not row[0]:
        refuse_row(layout, row.name, "The row has no name")
    if not wrong.any():
        refuse_row(layout, row.name, f"The row has more than {counted(layout.width, 'column')}")
    column = int(np.flatnonzero(wrong)[0]) + _first_cell(layout)
    said = f"The cell below {layout.name(column)} is {row[column]!r}, expected"
    if are_weights:
        refuse_row(layout, row.name, f"{said} a finite number")
    raise ReadError(
        f"{said} 0, 1 or -1: {layout.preview.path}:{row.name}\n"
        + remedy("If these are weights of regulation and not expression, pass {format}.", format="matrix")
    )


REGULATION_MATRIX = Format(
    "matrix", "a 0/1/−1 matrix (targets × TFs)", "regulation", _is_matrix, read_matrix, page=__doc__
)

# ---- genes × genes -------------------------------------------------------------------------------------------


def _is_adjacency(start: Preview) -> bool:
    """Say whether rows and columns have the same names in the same order, and the cells seen are symmetric."""
    layout = lay_out(start) if len(start.lines) > 2 else None
    if layout is None or layout.header is None or layout.is_numeric(0) or layout.width < 3:
        return False
    rows, columns = layout.values(0), list(layout.header[1:])
    if columns[: len(rows)] != rows or len(set(columns)) < len(columns) or not all(map(is_number, layout.numbers)):
        return False
    seen = [[as_number(cell) for cell in fields[1 : len(rows) + 1]] for _, fields in layout.rows]
    return all(len(cells) == len(rows) for cells in seen) and _is_symmetric(np.array(seen))


def _is_symmetric(values: NDArray[np.float64]) -> bool:
    return bool(np.allclose(values, values.T)) or not np.triu(values, 1).any() or not np.tril(values, -1).any()


def read_adjacency(start: Preview, options: Options) -> Table:
    """Read an adjacency matrix.

    Raises
    ------
    ReadError
        The names of rows and columns differ, the two cells of a pair differ, or what `read_matrix` raises.
    """
    table = read_matrix(start, replace(options, format_named=True))
    layout = lay_out(start, delimiter=options.delimiter, header=True)
    names = pd.Index(layout.titles[1:])
    frame = table.frame
    places = names.get_indexer(frame["second"]), names.get_indexer(frame["first"])
    if table.records != len(names) or (places[0] < 0).any():
        strange = (
            sample({*frame["second"][places[0] < 0]})
            or f"{counted(table.records, 'row')}, {counted(len(names), 'column')}"
        )
        raise ReadError(
            f"The names of rows and columns are not the same: {strange}: {start.path}\n"
            "A matrix of targets × TFs is regulation: "
            f"{reader_called('regulation', 'read.regulation', format='matrix')}."
        )
    values = sparse.csr_array((frame["number"], places), shape=(len(names), len(names)))
    above, below = sparse.triu(values, 1), sparse.tril(values, -1)
    unlike = abs(above - below.T)
    if above.nnz and below.nnz and unlike.max() > 1e-6 * abs(values).max():
        row, column = (int(place) for place in np.unravel_index(unlike.tocsr().argmax(), values.shape))
        raise ReadError(
            f"The matrix is not symmetric: {names[row]} and {names[column]} have {values[row, column]:g} and "
            f"{values[column, row]:g}: {start.path}\n"
            "Interactions have no direction. Make it symmetric, or read it as regulation, targets × TFs: "
            f"{reader_called('regulation', 'read.regulation', format='matrix')}."
        )
    of_pair = places[0] <= places[1] if above.nnz else places[0] >= places[1]
    is_weighted = bool((frame["number"] != 1).any())
    kept = frame[of_pair] if is_weighted else frame[of_pair].drop(columns="number")
    said = f"{layout.kind} adjacency matrix of {counted(len(names), 'gene')}"
    return choose_rows(replace(table, frame=kept, format=said), options, "genes in rows and columns")


ADJACENCY_MATRIX = Format(
    "adjacency", "an adjacency matrix (genes × genes)", "interactions", _is_adjacency, read_adjacency, page=__doc__
)
