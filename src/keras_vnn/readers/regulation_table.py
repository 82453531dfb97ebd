"""Regulation in a delimited table: a regulator, its target, perhaps an effect or a weight.

In: TSV, CSV or space-separated text, with or without a header (DoRothEA, CollecTRI, GRNBoost …). Out: `Rows`.
Knows the words such headers use, and the words for effects.

### CollecTRI and DoRothEA
`read_regulation`: also as R exports it, with row names; the sign of `mor` or of a signed weight is the effect.

```text collectri.csv
source,target,weight,resources,references
MYC,TERT,1,ExTRI;HTRI,10022128
SPI1,BGLAP,-1,ExTRI,10022617
```

### DoRothEA out of R
`read_regulation`

```text dorothea_hs.csv
"","tf","confidence","target","mor"
"1","ADNP","D","ATF7IP",1
"2","AR","A","KLK3",1
"3","AR","A","CDH2",-1
```

### TFLink, RegNetwork and other tables with more columns
`read_regulation`

```text regnetwork.txt
#regulator_symbol	regulator_id	target_symbol	target_id
TP53	7157	CDKN1A	1026
STAT1	6772	IRF1	3659
```
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from keras_vnn.readers.columns import Roles, lay_out, normalized
from keras_vnn.readers.formats import Format
from keras_vnn.readers.rows import read_pairs
from keras_vnn.readers.text import Preview

__all__ = [
    "REGULATION_HEADER",
    "REGULATION_ROLES",
    "REGULATION_TABLE",
    "effect_of",
]

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


def names_regulators(start: Preview) -> bool:
    """Say whether the header names a regulator or TF and its target: the file holds regulation."""
    if not start.lines:
        return False
    words = [normalized(name) for name in lay_out(start, roles=REGULATION_ROLES).header or ()]
    pair = _pair(words)
    return pair is not None and words[pair[0]] not in _UNSPECIFIC


def can_parse(start: Preview) -> bool:
    """Say whether most rows have equally many columns."""
    return bool(start.lines) and lay_out(start, roles=REGULATION_ROLES).is_regular


REGULATION_HEADER = Format("regulation", "a table of regulators and targets", "regulation", names_regulators)
REGULATION_TABLE = Format(
    "table",
    "a table of regulator and target a row",
    "regulation",
    can_parse,
    partial(read_pairs, roles=REGULATION_ROLES),
    takes=("columns",),
    page=__doc__,
)
