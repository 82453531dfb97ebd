"""Interactions in a delimited table: two names a row, perhaps a score, perhaps more.

In: TSV, CSV or space-separated text, with or without a header. Out: `Rows`.
Knows the words such headers use; which columns were taken is said in ``Rows.format``.

### Two or three columns
`read_interactions`

```text edges.tsv
gene_a	gene_b	publications
TP53	MDM2	112
MDM2	TP53	112
BRCA1	BARD1	41
TP53	TP53	9
```

### The same from a German Excel
`read_interactions`: semicolons and decimal commas.

```text kanten.csv
gene_a;gene_b;score
TP53;MDM2;0,98
BRCA1;BARD1;0,75
```

### R, with row names
`read_interactions`

```text edges.csv
"","interactor_a","interactor_b"
"1","TP53","MDM2"
"2","BRCA1","BARD1"
```
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from keras_vnn.readers.columns import Roles, lay_out, normalized
from keras_vnn.readers.formats import Format
from keras_vnn.readers.rows import read_pairs
from keras_vnn.readers.text import Preview

__all__ = ["INTERACTION_HEADER", "INTERACTION_ROLES", "INTERACTION_TABLE"]

_PARTNERS = (
    "preferredname protein gene symbol genesymbol genename geneid proteinid proteinname interactor interactorid "
    "interactorsymbol officialsymbolinteractor systematicnameinteractor ensembl ensemblgeneid ensemblid uniprot "
    "uniprotid entrez entrezgene entrezid entrezgeneinteractor node partner participant name id hgncsymbol "
    "orf molecule item stringid"
).split()
_ENDINGS = (("a", "b"), ("1", "2"), ("x", "y"))
_OTHER_PAIRS = (("bait", "prey"), ("source", "target"), ("from", "to"), ("head", "tail"), ("gene", "partner"))


def _partners(words: Sequence[str]) -> tuple[int, int] | None:
    """Return the two positions of words such as ``genea``, ``geneb``; ``None`` without such a pair."""
    for stem in _PARTNERS:
        for one, other in _ENDINGS:
            # The letter may also stand before: "A protein", "interactor A symbol".
            for first, second in ((stem + one, stem + other), (one + stem, other + stem)):
                if first in words and second in words:
                    return words.index(first), words.index(second)
    return None


def _pair(words: Sequence[str]) -> tuple[int, int] | None:
    partners = _partners(words)
    if partners:
        return partners
    return next(((words.index(a), words.index(b)) for a, b in _OTHER_PAIRS if a in words and b in words), None)


_SCORES = (
    "combinedscore score weight confidence confidencescore miscore probability publications npublications "
    "numberofpublications nscreens count strength value"
).split()

INTERACTION_ROLES = Roles(pair=_pair, number=tuple(_SCORES), number_is="score")


def names_partners(start: Preview) -> bool:
    """Say whether the header names two equal partners (``gene_a``, ``gene_b``): the file holds interactions."""
    if not start.lines:
        return False
    layout = lay_out(start, roles=INTERACTION_ROLES)
    return layout.header is not None and _partners([normalized(name) for name in layout.header]) is not None


def can_parse(start: Preview) -> bool:
    """Say whether most rows have equally many columns."""
    return bool(start.lines) and lay_out(start, roles=INTERACTION_ROLES).is_regular


INTERACTION_HEADER = Format("interactions", "a table of interactions", "interactions", names_partners)
INTERACTION_TABLE = Format(
    "table",
    "a table of two names a row",
    "interactions",
    can_parse,
    partial(read_pairs, roles=INTERACTION_ROLES),
    takes=("columns",),
    page=__doc__,
)
