"""HIPPIE's own table: no header; UniProt entry name and Entrez gene of both sides, score, what it rests on.

In: ``hippie_current.txt``. Out: `Rows` by Entrez gene, or by entry name. HIPPIE's PSI-MITAB, which has gene symbols,
is read by `keras_vnn.readers.mitab`.

References
----------
Alanis-Lobato et al.: HIPPIE v2.0. Nucleic Acids Research 2017. doi:10.1093/nar/gkw985

### HIPPIE
`read_interactions`: its table by Entrez gene, or `id="accession"`; its PSI-MITAB by gene name.

```text hippie_current.txt
AL1A1_HUMAN	216	AL1A1_HUMAN	216	0.76	experiments:in vivo,Two-hybrid;pmids:12081471,16189514;sources:HPRD,BioGRID
ITA7_HUMAN	3679	ACHA_HUMAN	1134	0.73	experiments:in vivo,Affinity Capture-Western;pmids:10910772;sources:HPRD
NEB1_HUMAN	55607	ACTG_HUMAN	71	0.65	experiments:in vitro,in vivo;pmids:9362513,12052877;sources:HPRD
```
"""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd

from keras_vnn.basics.errors import ConfigError
from keras_vnn.readers.columns import Columns
from keras_vnn.readers.formats import Format
from keras_vnn.readers.interaction_table import INTERACTION_ROLES
from keras_vnn.readers.rows import Options, Rows, read_pairs
from keras_vnn.readers.text import Preview

__all__ = ["HIPPIE"]

_ENTRY = re.compile(r"[A-Z0-9]+_[A-Z0-9]+(,[A-Z0-9]+_[A-Z0-9]+)*|")


def can_parse(start: Preview) -> bool:
    """Say whether there are six columns, entry names in 1 and 3, numbers in 2, 4 and 5."""

    def fits(row: list[str]) -> bool:
        return (
            5 <= len(row) <= 6
            and all(_ENTRY.fullmatch(row[c].strip()) for c in (0, 2))
            and all(row[c].strip().isdigit() for c in (1, 3))
            and bool(row[0].strip() or row[2].strip())
        )

    rows = [text.split("\t") for text in start.texts]
    return bool(rows) and 10 * sum(map(fits, rows)) >= 9 * len(rows)


def parse(start: Preview, options: Options) -> Rows:
    """Read HIPPIE by Entrez gene, or with ``id="accession"`` by UniProt entry name (without ``_HUMAN``).

    Raises
    ------
    ConfigError
        ``id`` asks for names the file does not have.
    ReadError
        A row is malformed.
    """
    if options.id not in (None, "entrez", "accession"):
        raise ConfigError(
            f"HIPPIE's table has Entrez genes and UniProt entry names, no {options.id!r}: {start.path}\n"
            'Pass id="entrez" or id="accession"; gene symbols are in its PSI-MITAB file.'
        )
    by_entry = options.id == "accession"
    columns = Columns(0, 2, number=4, chosen=True) if by_entry else Columns(1, 3, number=4, chosen=True)
    rows = read_pairs(start, options, INTERACTION_ROLES, columns=lambda layout: columns, delimiter="\t", header=False)
    said = f"HIPPIE, {'UniProt entry name' if by_entry else 'Entrez gene'}"
    if not by_entry:
        return replace(rows, format=said)
    first, second = (
        pd.Series(column).str.split(",").str[0].str.rsplit("_", n=1).str[0].to_numpy(dtype=object)
        for column in (rows.first, rows.second)
    )
    return replace(rows, first=first, second=second, format=said)


HIPPIE = Format("hippie", "HIPPIE", "interactions", can_parse, parse, takes=("id",), page=__doc__)
