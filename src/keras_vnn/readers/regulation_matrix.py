"""Regulation as a wide matrix: a row per target, a column per TF, 0, 1 or −1 in the cells.

In: TSV, CSV or space-separated text with a header. Out: `Rows`, one per cell that is not 0.
Knows other numbers as weights only when the format is named: an expression table looks the same.

### A wide matrix, targets × TFs
`read_regulation`

```text matrix.tsv
gene	GATA1	FOXC1
HBB	1	0
MEFV	1	-1
```
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ReadError, sample
from keras_vnn.basics.provenance import AuditEntry
from keras_vnn.readers.columns import Layout, as_number, lay_out
from keras_vnn.readers.formats import Format
from keras_vnn.readers.rows import Options, Rows, check_malformed, chunks, refuse_row
from keras_vnn.readers.text import Preview

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["REGULATION_MATRIX"]

_CELLS = {"0", "1", "-1", "0.0", "1.0", "-1.0"}


def can_parse(start: Preview) -> bool:
    """Say whether all cells right of the first column are 0, 1 or −1, some of them not 0, under a header."""
    if not start.lines:
        return False
    layout = lay_out(start) if len(start.lines) > 1 else None
    if layout is None or layout.header is None or layout.width < 2 or layout.is_numeric(0):
        return False
    cells = {value for _, fields in layout.rows for value in fields[1:]}
    names = layout.header[1:]
    return cells <= _CELLS and bool(cells - {"0", "0.0"}) and len(set(names)) == len(names) and all(names)


def parse(start: Preview, options: Options) -> Rows:
    """Read a matrix of targets and TFs.

    Raises
    ------
    ReadError
        There is no header, a name is empty or repeated, or a cell is no number (0, 1 or −1).
    """
    check_malformed(options.malformed)
    layout = lay_out(start, delimiter=options.delimiter, header=True)
    regulators = _regulators(layout)
    cells = list(range(1, layout.width))
    found: list[tuple[NDArray[Any], ...]] = []
    records = 0
    skipped: list[str] = []
    for frame, lines in chunks(layout, (0, *cells)):
        names = frame[0].str.strip().to_numpy(dtype=object)
        table = frame[cells].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)
        if layout.delimiter != "," and np.isnan(table).any():
            table = frame[cells].map(as_number).to_numpy(dtype=np.float64)
        wrong = ~(np.isfinite(table) if options.format_named else np.isin(table, (-1.0, 0.0, 1.0)))
        bad = wrong.any(axis=1) | (names == "") | (frame[layout.width].to_numpy() != "")
        if bad.any() and options.malformed == "raise":
            row = int(np.flatnonzero(bad)[0])
            _refuse(layout, int(lines[row]), frame.iloc[row], wrong[row], options)
        skipped.extend(f"{start.path.name}:{line}" for line in lines[bad])
        records += len(names)
        row_of, column_of = np.nonzero(np.where(bad[:, None], 0, table))
        found.append((regulators[column_of], names[row_of], lines[row_of], table[row_of, column_of]))
    if not sum(len(weights) for *_, weights in found):
        raise ReadError(f"No cell of the matrix says 1 or −1: {start.path}\nIs it the right file? A TF needs a target.")
    first, second, line, number = (np.concatenate(column) for column in zip(*found, strict=True))
    entry = AuditEntry.of("read", "row", "malformed", skipped)
    return Rows(
        first,
        second,
        line,
        f"{layout.kind} matrix of {records:,} targets × {len(regulators):,} TFs",
        records,
        number,
        dropped=(entry,) if skipped else (),
    )


def _regulators(layout: Layout) -> NDArray[np.object_]:
    names = list(layout.header or ())[1:]
    where = f"{layout.preview.path}:{layout.skipped}"
    if not names or not all(names):
        raise ReadError(
            f"Expected the name of a TF above each column but the first: {where}\n"
            "Name them in the first line, or name how the columns are separated: delimiter=…"
        )
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise ReadError(
            f"The header names {len(repeated)} of its TFs more than once: {sample(repeated)}: {where}\n"
            "Rename them, or leave out all but one."
        )
    return np.array(names, dtype=object)


def _refuse(layout: Layout, line: int, row: Any, wrong: NDArray[np.bool_], options: Options) -> NoReturn:
    if not row[0].strip():
        refuse_row(layout, line, "The row has no name")
    if not wrong.any():
        refuse_row(layout, line, f"The row has more than {layout.width} columns")
    column = int(np.flatnonzero(wrong)[0]) + 1
    if options.format_named:
        refuse_row(layout, line, f"The cell below {layout.name(column)} is {row[column]!r}, expected a finite number")
    raise ReadError(
        f"The cell below {layout.name(column)} is {row[column]!r}, expected 0, 1 or -1: {layout.preview.path}:{line}\n"
        'If these are weights of regulation and not expression, pass format="matrix".'
    )


REGULATION_MATRIX = Format("matrix", "a 0/1/−1 matrix (targets × TFs)", "regulation", can_parse, parse, page=__doc__)
