"""DREM's TF–gene input: ``TF<TAB>Gene<TAB>Input``, a gene as ``SYMBOL;ENSEMBL`` or bare.

In: the three-column form (its rows may have two). Out: `Rows`; the symbol or the Ensembl id is taken, as asked.
The wide form is read by `keras_vnn.readers.regulation_matrix`.

References
----------
Schulz et al.: DREM 2.0: Improved reconstruction of dynamic regulatory networks from time-series expression data.
BMC Systems Biology 2012. doi:10.1186/1752-0509-6-104
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ConfigError, ReadError
from keras_vnn.basics.provenance import AuditEntry
from keras_vnn.readers.columns import Columns, choose_columns, normalized, split
from keras_vnn.readers.formats import Format
from keras_vnn.readers.options import Options
from keras_vnn.readers.regulation_table import REGULATION_ROLES, lay_out_regulation, read_regulation_rows
from keras_vnn.readers.rows import Rows
from keras_vnn.readers.text import Preview

__all__ = ["DREM", "DREM_IDS"]

DREM_IDS = ("symbol", "ensembl")

# Not just "ENS": ENSA is a gene.
_ENSEMBL_ID = re.compile(r"ENS[A-Z]*[GTP]\d{11}")


def can_parse(start: Preview) -> bool:
    """Say whether the header is ``TF``, ``Gene``, ``Input``."""
    return bool(start.lines) and [normalized(w) for w in split(start.texts[0], "\t", quoted=False)][:3] == [
        "tf",
        "gene",
        "input",
    ]


def parse(start: Preview, options: Options) -> Rows:
    """Read DREM input; rows that say 0 (no regulation) and genes without the id asked for are counted.

    Raises
    ------
    ConfigError
        ``drem_id`` is not known.
    ReadError
        No row is left.
    """
    if options.drem_id not in DREM_IDS:
        raise ConfigError(f"Unknown drem_id={options.drem_id!r}.\nExpected one of: {', '.join(DREM_IDS)}.")
    given = replace(options, header=True, delimiter=options.delimiter or "\t")
    layout = lay_out_regulation(start, given)
    if options.columns is not None:
        columns = choose_columns(layout, REGULATION_ROLES, options.columns)
    else:
        columns = Columns(0, 1, number=2 if layout.is_numeric(2) else None)
    rows = read_regulation_rows(layout, columns, given)
    take: Callable[[str], str] = _symbol if options.drem_id == "symbol" else _ensembl
    codes, names = pd.factorize(rows.second)
    targets = np.array([take(name) for name in names], dtype=object)[codes]
    zero = rows.number == 0 if rows.number is not None else np.zeros(len(targets), dtype=bool)
    nameless = (targets == "") & ~zero
    kept = ~zero & ~nameless
    what = {"symbol": "symbol", "ensembl": "Ensembl id"}[options.drem_id]
    if not kept.any():
        raise ReadError(
            f"None of {len(kept):,} rows is left: {int(zero.sum()):,} say 0, {int(nameless.sum()):,} name a gene "
            f'without {what}: {start.path}\nChoose which id to take: drem_id="symbol" or "ensembl"'
        )
    entries = (
        AuditEntry("read", "row", "Input 0, no regulation", int(zero.sum())),
        AuditEntry.of("read", "row", f"the gene has no {what}", set(rows.second[nameless]), int(nameless.sum())),
    )
    return replace(
        rows,
        first=rows.first[kept],
        second=targets[kept],
        line=rows.line[kept],
        number=None if rows.number is None else rows.number[kept],
        format=f"DREM, target {what}, {rows.format}",
        dropped=rows.dropped + tuple(entry for entry in entries if entry.count),
    )


def _symbol(gene: str) -> str:
    return gene.split(";")[0].strip()


def _ensembl(gene: str) -> str:
    return next((part.strip() for part in gene.split(";") if _ENSEMBL_ID.match(part.strip())), "")


DREM = Format("drem", "DREM", can_parse, parse)
