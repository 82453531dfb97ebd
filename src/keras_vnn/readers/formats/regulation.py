"""Regulation: tables of a regulator and a target a row, TRRUST and DREM.

In: TSV, CSV or space-separated text, with or without a header (DoRothEA, CollecTRI, GRNBoost …), perhaps with an effect
or a weight; ``trrust_rawdata.*.tsv``; DREM's ``TF<TAB>Gene<TAB>Input``, a gene as ``SYMBOL;ENSEMBL`` or bare, whose rows
may have two columns. Out: a `Table`. Matrices are read by `keras_vnn.readers.formats.matrices`.

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
"""  # noqa: E501

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from keras_vnn.basics.errors import ReadError, counted
from keras_vnn.basics.provenance import AuditEntry
from keras_vnn.basics.remedies import remedy
from keras_vnn.readers.formats import Format
from keras_vnn.readers.layout import Columns, Roles, lay_out, normalized
from keras_vnn.readers.pairs import read_pairs
from keras_vnn.readers.tabular import DREM_IDS, Options, Table, of_each
from keras_vnn.readers.text import Preview

# ---- tables --------------------------------------------------------------------------------------------------

_REGULATORS = (
    "tf regulator transcriptionfactor tfs tfname tfsymbol tfgene sourcegenesymbol regulatorsymbol regulatorgenename "
    "regulatorname source from entitya"
).split()
_TARGETS = (
    "target targetgene targets targetname targetsymbol targetgenesymbol tg regulated regulatedgene regulatedgenename "
    "regulatedname gene genesymbol genename to entityb"
).split()
# What precedes the kind of name in the headers of both: source_genesymbol, target_genesymbol.
_SIDES = re.compile(r"(tf|regulator|transcriptionfactor|source|from)(.*)")
_UNSPECIFIC = {"source", "sourcegenesymbol", "from", "entitya"}
_EFFECTS = {
    "activation": "activation activates activate activated activator activating positive up upregulation upregulates "
    "upregulated stimulation stimulates induction induces inducer increase increases + 1 +1",
    "repression": "repression represses repress repressed repressor repressing negative down downregulation "
    "downregulates downregulated inhibition inhibits inhibitor suppression suppresses decrease decreases - -1 −",
    "both": "both dual bifunctional +- -+ +/- -/+ activation/repression activation;repression",
    "unknown": "unknown unspecified ambiguous undetermined binding none na n/a ? 0 formcomplex",
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
    # SIGNOR says of what, and how: "up-regulates quantity by expression".
    ways = (word, *((normalized(one) or one) for one in (word, word.partition(" ")[0])))
    return next((_EFFECT_OF[one] for one in ways if one in _EFFECT_OF), None)


def _pair(words: Sequence[str]) -> tuple[int, int] | None:
    regulator = next((word for word in _REGULATORS if word in words), "")
    # Names of one kind on both sides.
    alike = f"target{found[2]}" if (found := _SIDES.fullmatch(regulator)) else ""
    target = next((word for word in (alike, *_TARGETS) if word in words), "")
    return (words.index(regulator), words.index(target)) if regulator and target else None


REGULATION_ROLES = Roles(
    pair=_pair,
    number=tuple("weight mor sign score likelihood importance combinedscore strength value input".split()),
    number_is="weight",
    subject="regulation",
    signed=frozenset("mor sign modeofregulation moa effect mode direction regulation".split()),
    effect=tuple(
        "effect mode modeofregulation regulation moa effecttype regulationtype interaction sign type function".split()
    ),
    effect_of=effect_of,
)


def names_regulators(words: Sequence[str]) -> bool:
    """Say whether normalized words name a regulator or TF and its target: the table holds regulation."""
    pair = _pair(words)
    return pair is not None and words[pair[0]] not in _UNSPECIFIC


REGULATION_HEADER = Format(
    "regulation",
    "a table of regulators and targets",
    "regulation",
    lambda start: names_regulators(lay_out(start, is_header=REGULATION_ROLES.heads).words),
)
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
    """Say whether there are tabs, no header, and nearly always an effect in the third column: a word, or a sign."""
    words = [row[2] for row in start.fields if len(row) >= 3]
    known = sum(bool(word) and effect_of(word) is not None for word in words)
    # Numbers that are never negative are more likely scores.
    coded = {word for word in words if word.lstrip("+-").isdigit()}
    is_coded = bool(coded) and any(word.startswith("-") for word in coded)
    sound = bool(words) and 10 * known >= 9 * len(start.lines) and effect_of(words[0]) is not None
    return sound and (is_coded or not coded)


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
            f"None of {counted(rows, 'row')} is left: {int(zero.sum()):,} say 0, {int(nameless.sum()):,} name a gene "
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
