"""TRRUST: no header; TF, target, mode of regulation, PubMed ids joined by ``;``.

In: ``trrust_rawdata.*.tsv``. Out: `Rows` with an effect.
Knows nothing beyond the three columns it takes.

References
----------
Han et al.: TRRUST v2: an expanded reference database of human and mouse transcriptional regulatory interactions.
Nucleic Acids Research 2018. doi:10.1093/nar/gkx1013

### TRRUST
`read_regulation`: no header; repeated pairs that disagree become `both`, and are counted.

```text trrust_rawdata.human.tsv
AATF	BAX	Repression	22909821
AATF	CDKN1A	Unknown	17157788
ABL1	BCL2	Activation	11753601
AR	KLK3	Activation	10022826;11162512
AR	KLK3	Repression	10022826
```
"""

from __future__ import annotations

from keras_vnn.readers.columns import Columns
from keras_vnn.readers.formats import Format
from keras_vnn.readers.regulation_table import REGULATION_ROLES, effect_of
from keras_vnn.readers.rows import Options, Rows, read_pairs
from keras_vnn.readers.text import Preview

__all__ = ["TRRUST"]


def can_parse(start: Preview) -> bool:
    """Say whether there are tabs, no header, and nearly always an effect word in the third column."""
    rows = [text.split("\t") for text in start.texts]
    words = [row[2].strip() for row in rows if len(row) >= 3]
    known = sum(bool(word) and not word.lstrip("+-").isdigit() and effect_of(word) is not None for word in words)
    return bool(words) and 10 * known >= 9 * len(rows) and effect_of(words[0]) is not None


def parse(start: Preview, options: Options) -> Rows:
    """Read TRRUST."""
    return read_pairs(
        start,
        options,
        REGULATION_ROLES,
        said="TRRUST",
        columns=lambda layout: Columns(0, 1, effect=2),
        delimiter="\t",
        header=bool(options.header),
    )


TRRUST = Format("trrust", "TRRUST", "regulation", can_parse, parse, takes=("columns",), page=__doc__)
