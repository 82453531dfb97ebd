"""BioGRID TAB2 and TAB3: 24 or 37 columns, physical and genetic interactions, often of several species.

In: ``BIOGRID-ALL-….tab3.txt`` or ``BIOGRID-ORGANISM-….tab3.txt``, also TAB2. Out: `Rows` by official symbol, or by
another of its columns. BioGRID in PSI-MITAB is read by `keras_vnn.readers.mitab`.

References
----------
Oughtred et al.: The BioGRID database. Protein Science 2021. doi:10.1002/pro.3978
"""

from __future__ import annotations

import re

import numpy as np

from keras_vnn.basics.errors import ConfigError, ReadError, did_you_mean
from keras_vnn.readers.columns import normalized
from keras_vnn.readers.formats import Format
from keras_vnn.readers.molecules import Molecules, choose_rows
from keras_vnn.readers.options import Options
from keras_vnn.readers.rows import Rows
from keras_vnn.readers.tab_columns import TabLayout, read_tab_columns
from keras_vnn.readers.text import Preview, shortened

__all__ = ["BIOGRID"]

# What `id` may be, and the columns it stands for (A; B likewise).
_IDS = {
    "symbol": ("Official Symbol Interactor A", "Official Symbol Interactor B", "gene symbol"),
    "entrez": ("Entrez Gene Interactor A", "Entrez Gene Interactor B", "Entrez gene"),
    "systematic": ("Systematic Name Interactor A", "Systematic Name Interactor B", "systematic name"),
    "swissprot": ("SWISS-PROT Accessions Interactor A", "SWISS-PROT Accessions Interactor B", "UniProt accession"),
}
_SYNONYMS = {"accession": "swissprot", "uniprot": "swissprot", "orf": "systematic"}
_TAXA = (
    ("Organism ID Interactor A", "Organism Interactor A"),
    ("Organism ID Interactor B", "Organism Interactor B"),
)


def can_parse(start: Preview) -> bool:
    """Say whether the header is BioGRID's, with or without its ``#``."""
    return _header(start) is not None


def parse(start: Preview, options: Options) -> Rows:
    """Read BioGRID. ``types`` are ``physical`` and ``genetic``; without them all are taken.

    Raises
    ------
    ConfigError
        ``id`` is not known.
    ReadError
        A column is missing, a row has too few columns, or several species are in the file and none was chosen.
    """
    header = _header(start) or ()
    asked = options.id or "symbol"
    kind = _SYNONYMS.get(asked, asked)
    if kind not in _IDS:
        known = (*_IDS, *_SYNONYMS)
        raise ConfigError(f"id must be one of {', '.join(known)}; got {asked!r}. {did_you_mean(asked, known)}".rstrip())
    first, second, names = _IDS[kind]
    columns = {"first": _place(header, start, first), "second": _place(header, start, second)}
    columns |= {"taxon_a": _place(header, start, *_TAXA[0]), "taxon_b": _place(header, start, *_TAXA[1])}
    columns |= {"kind": _place(header, start, "Experimental System Type"), "id": 0}
    layout = TabLayout("BioGRID row", columns, len(header), len(header), ("id",), comment="#")
    frame, records, dropped = read_tab_columns(start, layout, malformed=options.malformed)
    # A header that lost its "#" is the first row.
    title = (frame["kind"].astype(str) == "Experimental System Type").to_numpy()
    frame, records = frame[~title], records - int(title.sum())
    taken = {name: frame[name].astype(str).str.strip().replace("-", "") for name in columns}
    # Several accessions of one protein: the first is its main one.
    a, b = (taken[name].str.split("|").str[0].to_numpy(dtype=object) for name in ("first", "second"))
    return choose_rows(
        Molecules(
            a,
            b,
            frame.index.to_numpy(dtype=np.int64),
            (taken["taxon_a"].to_numpy(dtype=object), taken["taxon_b"].to_numpy(dtype=object)),
            taken["kind"].to_numpy(dtype=object),
        ),
        options,
        path=start.path,
        said=f"BioGRID TAB{3 if len(header) > 30 else 2}",
        records=records,
        names=names,
        dropped=dropped,
        release=_release(start),
    )


def _header(start: Preview) -> tuple[str, ...] | None:
    lines = sorted((*start.comments[:5], *start.lines[:1]))
    for _, text in lines:
        names = tuple(field.strip() for field in text.lstrip("#").split("\t"))
        if names[0] == "BioGRID Interaction ID":
            return names
    return None


def _place(header: tuple[str, ...], start: Preview, *names: str) -> int:
    """Return the position of the column with one of these names, however it is spelled."""
    words = [normalized(name) for name in header]
    for name in names:
        if normalized(name) in words:
            return words.index(normalized(name))
    raise ReadError(
        f"The BioGRID table has no column {names[0]!r}: {start.path}\n    {shortened(' | '.join(header))}\n"
        "TAB2 lacks some columns of TAB3; take another id=…, or download TAB3."
    )


def _release(start: Preview) -> str:
    found = re.search(r"BIOGRID-.*?-(\d+\.\d+\.\d+)", start.path.name)
    return f"BioGRID {found[1]}" if found else ""


BIOGRID = Format("biogrid", "BioGRID TAB2 or TAB3", can_parse, parse)
