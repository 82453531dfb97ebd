"""Regulation: tables of a regulator and a target a row, TRRUST, DREM, and wide matrices.

In: TSV, CSV or space-separated text, with or without a header (DoRothEA, CollecTRI, GRNBoost …), perhaps with an effect
or a weight; ``trrust_rawdata.*.tsv``; DREM's ``TF<TAB>Gene<TAB>Input``, a gene as ``SYMBOL;ENSEMBL`` or bare, whose rows
may have two columns; a row per target and a column per TF, 0, 1 or −1 in the cells, under a header. Out: a `Table`, of a
matrix with a row per cell that is not 0. Other numbers in a matrix are weights when TFs are among its targets or
the format is named: an expression table looks the same.

References
----------
Han et al.: TRRUST v2: an expanded reference database of human and mouse transcriptional regulatory interactions.
Nucleic Acids Research 2018. doi:10.1093/nar/gkx1013

Schulz et al.: DREM 2.0: Improved reconstruction of dynamic regulatory networks from time-series expression data.
BMC Systems Biology 2012. doi:10.1186/1752-0509-6-104

### TRRUST
`read.regulation`: no header; repeated pairs that disagree become `both`, and are counted.

```text trrust_rawdata.human.tsv
AATF	BAX	Repression	22909821
AATF	CDKN1A	Unknown	17157788
ABL1	BCL2	Activation	11753601
AR	KLK3	Activation	10022826;11162512
AR	KLK3	Repression	10022826
```

### CollecTRI and DoRothEA
`read.regulation`: also as R exports it, with row names; the sign of `mor` or of a signed weight is the effect.

```text collectri.csv
source,target,weight,resources,references
MYC,TERT,1,ExTRI;HTRI,10022128
SPI1,BGLAP,-1,ExTRI,10022617
```

### DoRothEA out of R
`read.regulation`

```text dorothea_hs.csv
"","tf","confidence","target","mor"
"1","ADNP","D","ATF7IP",1
"2","AR","A","KLK3",1
"3","AR","A","CDH2",-1
```

### TFLink, RegNetwork and other tables with more columns
`read.regulation`

```text regnetwork.txt
#regulator_symbol	regulator_id	target_symbol	target_id
TP53	7157	CDKN1A	1026
STAT1	6772	IRF1	3659
```

### DREM
`read.regulation`: `SYMBOL;ENSEMBL` or a bare symbol; `drem_id="ensembl"`. Mouse symbols in upper case meet the data with
`--ignore-case`.

```text drem.txt
TF	Gene	Input
FOXC1	CHRDL2;ENSG00000054938	1
GATA1	MEFV;ENSG00000103313	1
GATA1	HBB	1
```

### A wide matrix, targets × TFs
`read.regulation`

```text matrix.tsv
gene	GATA1	FOXC1
HBB	1	0
MEFV	1	-1
```
"""  # noqa: E501

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ReadError, sample
from keras_vnn.basics.provenance import AuditEntry
from keras_vnn.basics.remedies import remedy
from keras_vnn.priors.genes import CELL_NAMES, CELL_WORDS
from keras_vnn.readers.formats import Format
from keras_vnn.readers.layout import Columns, Layout, Roles, as_number, is_number, lay_out, normalized
from keras_vnn.readers.pairs import read_pairs
from keras_vnn.readers.tabular import DREM_IDS, Options, Table, of_each, pieces_of, refuse_row
from keras_vnn.readers.text import Preview

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "DREM",
    "REGULATION_HEADER",
    "REGULATION_MATRIX",
    "REGULATION_ROLES",
    "REGULATION_TABLE",
    "TRRUST",
    "effect_of",
]

# ---- tables --------------------------------------------------------------------------------------------------

_REGULATORS = (
    "tf regulator transcriptionfactor tfs tfname tfsymbol tfgene sourcegenesymbol regulatorsymbol regulatorname "
    "source from"
).split()
_TARGETS = (
    "target targetgene targets targetname targetsymbol targetgenesymbol tg regulated regulatedgene gene genesymbol "
    "genename to"
).split()
_UNSPECIFIC = {"source", "from"}
_EFFECTS = {
    "activation": "activation activates activate activated activator activating positive up upregulation upregulates "
    "upregulated stimulation stimulates induction induces inducer increase increases + 1 +1",
    "repression": "repression represses repress repressed repressor repressing negative down downregulation "
    "downregulates downregulated inhibition inhibits inhibitor suppression suppresses decrease decreases - -1 −",
    "both": "both dual bifunctional +- -+ +/- -/+ activation/repression activation;repression",
    "unknown": "unknown unspecified ambiguous undetermined binding none na n/a ? 0",
}
_EFFECT_OF = {word: effect for effect, words in _EFFECTS.items() for word in words.split()} | {"": "unknown"}


def effect_of(text: str) -> str | None:
    """Return the effect a word of a file stands for, or ``None`` for a word that is not known.

    Examples
    --------
    >>> effect_of("Up-regulates"), effect_of("Repression"), effect_of("HDAC1")
    ('activation', 'repression', None)
    """
    word = text.casefold().strip()
    return _EFFECT_OF.get(word) or _EFFECT_OF.get(normalized(word) or word)


def _pair(words: Sequence[str]) -> tuple[int, int] | None:
    regulator = next((words.index(word) for word in _REGULATORS if word in words), None)
    target = next((words.index(word) for word in _TARGETS if word in words), None)
    return None if regulator is None or target is None else (regulator, target)


REGULATION_ROLES = Roles(
    pair=_pair,
    number=tuple("weight mor sign score likelihood importance combinedscore strength value input".split()),
    number_is="weight",
    subject="regulation",
    signed=frozenset("mor sign modeofregulation moa effect mode direction regulation".split()),
    effect=tuple("effect mode modeofregulation regulation moa effecttype regulationtype interaction sign type".split()),
    effect_of=effect_of,
)


def _names_regulators(start: Preview) -> bool:
    """Say whether the header names a regulator or TF and its target: the file holds regulation."""
    words = [normalized(name) for name in lay_out(start, is_header=REGULATION_ROLES.heads).header or ()]
    pair = _pair(words)
    return pair is not None and words[pair[0]] not in _UNSPECIFIC


REGULATION_HEADER = Format("regulation", "a table of regulators and targets", "regulation", _names_regulators)
REGULATION_TABLE = Format(
    "table",
    "a table of regulator and target a row",
    "regulation",
    lambda start: lay_out(start, is_header=REGULATION_ROLES.heads).is_regular,
    partial(read_pairs, roles=REGULATION_ROLES),
    takes=("columns",),
)

# ---- TRRUST --------------------------------------------------------------------------------------------------


def _is_trrust(start: Preview) -> bool:
    """Say whether there are tabs, no header, and nearly always an effect word in the third column."""
    words = [row[2] for row in start.fields if len(row) >= 3]
    known = sum(bool(word) and not word.lstrip("+-").isdigit() and effect_of(word) is not None for word in words)
    return bool(words) and 10 * known >= 9 * len(start.lines) and effect_of(words[0]) is not None


TRRUST = Format(
    "trrust",
    "TRRUST",
    "regulation",
    _is_trrust,
    partial(
        read_pairs,
        roles=REGULATION_ROLES,
        said="TRRUST",
        columns=lambda _: Columns(0, 1, effect=2),
        delimiter="\t",
        header=False,
    ),
    takes=("columns",),
)

# ---- DREM ----------------------------------------------------------------------------------------------------

# Not just "ENS": ENSA is a gene.
_ENSEMBL_ID = re.compile(r"ENS[A-Z]*[GTP]\d{11}")


def _is_drem(start: Preview) -> bool:
    return [normalized(word) for word in start.first.split("\t")][:3] == ["tf", "gene", "input"]


def read_drem(start: Preview, options: Options) -> Table:
    """Read DREM input; rows that say 0 (no regulation) and genes without the id asked for are counted.

    Raises
    ------
    ReadError
        No row is left.
    """
    table = read_pairs(
        start,
        options,
        REGULATION_ROLES,
        columns=lambda layout: Columns(0, 1, number=2 if layout.is_numeric(2) else None),
        delimiter="\t",
        header=True,
    )
    what, rows = DREM_IDS[options.drem_id], len(table.frame)
    targets = of_each(table.frame["second"], _symbol if options.drem_id == "symbol" else _ensembl)
    zero = (table.frame["number"] == 0).to_numpy() if "number" in table.frame else np.zeros(rows, dtype=bool)
    nameless = (targets == "") & ~zero
    if (zero | nameless).all():
        raise ReadError(
            f"None of {rows:,} rows is left: {int(zero.sum()):,} say 0, {int(nameless.sum()):,} name a gene "
            f"without {what}: {start.path}\n"
            + remedy('Choose which id to take: {drem_id} or "ensembl"', drem_id="symbol")
        )
    entries = (
        AuditEntry("read", "row", "Input 0, no regulation", int(zero.sum())),
        AuditEntry.of(
            "read", "row", f"the gene has no {what}", set(table.frame["second"][nameless]), int(nameless.sum())
        ),
    )
    return replace(
        table,
        frame=table.frame.assign(second=targets)[~zero & ~nameless],
        format=f"DREM, target {what}, {table.format}",
        dropped=(*table.dropped, *entries),
    )


def _symbol(gene: str) -> str:
    return gene.split(";")[0].strip()


def _ensembl(gene: str) -> str:
    return next((part.strip() for part in gene.split(";") if _ENSEMBL_ID.match(part.strip())), "")


DREM = Format("drem", "DREM", "regulation", _is_drem, read_drem, takes=("columns",), page=__doc__)

# ---- matrices ------------------------------------------------------------------------------------------------

_CELLS = {"0", "1", "-1", "0.0", "1.0", "-1.0"}


def _is_matrix(start: Preview) -> bool:
    """Say whether the cells are 0, 1 or −1 below names that are not of cells, or numbers below names of rows."""
    layout = lay_out(start) if len(start.lines) > 1 else None
    if layout is None or layout.header is None or layout.width < 2 or layout.is_numeric(0):
        return False
    corner, *names = layout.header
    if len(set(names)) < len(names) or not all(names):
        return False
    if _has_regulators_in_rows(layout):
        return all(map(is_number, layout.numbers))
    if CELL_WORDS.fullmatch(corner.casefold()) or 2 * sum(map(_is_of_cell, names)) > len(names):
        return False
    return layout.numbers <= _CELLS and bool(layout.numbers - {"0", "0.0"})


def _has_regulators_in_rows(layout: Layout) -> bool:
    """Say whether names of columns are names of rows as well: regulators that are targets, and no cells."""
    return not {*layout.titles[1:]}.isdisjoint(layout.values(0))


def _is_of_cell(name: str) -> bool:
    return CELL_NAMES.fullmatch(name) is not None or re.fullmatch(r"[a-z]{1,6}[ _.-]?\d+", name) is not None


def read_matrix(start: Preview, options: Options) -> Table:
    """Read a matrix of targets and TFs.

    Raises
    ------
    ReadError
        There is no header, a name is empty or repeated, or a cell is not a number (0, 1 or −1).
    """
    layout = lay_out(start, delimiter=options.delimiter, header=True)
    regulators = _regulators(layout)
    are_weights = options.format_named or _has_regulators_in_rows(layout)
    cells = list(range(1, layout.width))
    parts: list[pd.DataFrame] = []
    records = 0
    skipped: list[str] = []
    for piece in pieces_of(layout, (0, *cells)):
        values = np.stack([of_each(piece[cell], as_number, float) for cell in cells], axis=1)
        wrong = ~(np.isfinite(values) if are_weights else np.isin(values, (-1.0, 0.0, 1.0)))
        bad = wrong.any(axis=1) | (piece[0] == "").to_numpy() | (piece[layout.width] != "").to_numpy()
        if bad.any() and options.malformed == "raise":
            row = int(np.flatnonzero(bad)[0])
            _refuse_cell(layout, piece.iloc[row], wrong[row], are_weights=are_weights)
        skipped.extend(f"{start.path.name}:{line}" for line in piece.index[bad])
        records += len(piece)
        row_of, column_of = np.nonzero(np.where(bad[:, None], 0, values))
        found = {"first": regulators[column_of], "second": piece[0].to_numpy(dtype=object)[row_of]}
        parts.append(pd.DataFrame({**found, "number": values[row_of, column_of]}, index=piece.index[row_of]))
    frame = pd.concat(parts)
    if not len(frame):
        raise ReadError(f"No cell of the matrix says 1 or −1: {start.path}\nIs it the right file? A TF needs a target.")
    said = f"{layout.kind} matrix of {records:,} targets × {len(regulators):,} TFs"
    entry = AuditEntry.of("read", "row", "malformed", skipped)
    return Table(frame, start.path, said, records, (entry,))


def _regulators(layout: Layout) -> NDArray[np.object_]:
    names = list(layout.header or ())[1:]
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
        refuse_row(layout, row.name, f"The row has more than {layout.width} columns")
    column = int(np.flatnonzero(wrong)[0]) + 1
    said = f"The cell below {layout.name(column)} is {row[column]!r}, expected"
    if are_weights:
        refuse_row(layout, row.name, f"{said} a finite number")
    raise ReadError(
        f"{said} 0, 1 or -1: {layout.preview.path}:{row.name}\n"
        + remedy("If these are weights of regulation and not expression, pass {format}.", format="matrix")
    )


REGULATION_MATRIX = Format("matrix", "a 0/1/−1 matrix (targets × TFs)", "regulation", _is_matrix, read_matrix)
