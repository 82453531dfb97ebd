"""HIPPIE's own table: no header; UniProt entry name and Entrez gene of both sides, score, what it rests on.

In: ``hippie_current.txt``. Out: `Rows` by Entrez gene, or by entry name. HIPPIE's PSI-MITAB, which has gene symbols,
is read by `keras_vnn.readers.mitab`.

References
----------
Alanis-Lobato et al.: HIPPIE v2.0. Nucleic Acids Research 2017. doi:10.1093/nar/gkw985
"""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd

from keras_vnn.basics.errors import ConfigError
from keras_vnn.readers.columns import Columns, lay_out
from keras_vnn.readers.formats import Format
from keras_vnn.readers.options import Options
from keras_vnn.readers.rows import Rows, read_rows
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
    layout = lay_out(start, delimiter="\t", header=False)
    rows = read_rows(
        layout,
        Columns(0, 2, number=4, chosen=True) if by_entry else Columns(1, 3, number=4, chosen=True),
        malformed=options.malformed,
        at_least=options.at_least,
    )
    said = f"HIPPIE, {'UniProt entry name' if by_entry else 'Entrez gene'}"
    if not by_entry:
        return replace(rows, format=said)
    first, second = (
        pd.Series(column).str.split(",").str[0].str.rsplit("_", n=1).str[0].to_numpy(dtype=object)
        for column in (rows.first, rows.second)
    )
    return replace(rows, first=first, second=second, format=said)


HIPPIE = Format("hippie", "HIPPIE", can_parse, parse)
