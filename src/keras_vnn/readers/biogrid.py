"""BioGRID TAB2 and TAB3: 24 or 37 columns, physical and genetic interactions, often of several species.

In: ``BIOGRID-ALL-….tab3.txt`` or ``BIOGRID-ORGANISM-….tab3.txt``, also TAB2. Out: `Rows` by official symbol, or by
another of its columns. BioGRID in PSI-MITAB is read by `keras_vnn.readers.mitab`.

References
----------
Oughtred et al.: The BioGRID database. Protein Science 2021. doi:10.1002/pro.3978

### BioGRID TAB3
`read_interactions`: by symbol, or `id="entrez"`, `"systematic"`, `"swissprot"`; `sif_types=["physical"]`; `taxon="9606"`.

```text BIOGRID-ORGANISM-Homo_sapiens-4.4.200.tab3.txt
#BioGRID Interaction ID	Entrez Gene Interactor A	Entrez Gene Interactor B	BioGRID ID Interactor A	BioGRID ID Interactor B	Systematic Name Interactor A	Systematic Name Interactor B	Official Symbol Interactor A	Official Symbol Interactor B	Synonyms Interactor A	Synonyms Interactor B	Experimental System	Experimental System Type	Author	Publication Source	Organism ID Interactor A	Organism ID Interactor B	Throughput	Score	Modification	Qualifications	Tags	Source Database	SWISS-PROT Accessions Interactor A	TREMBL Accessions Interactor A	REFSEQ Accessions Interactor A	SWISS-PROT Accessions Interactor B	TREMBL Accessions Interactor B	REFSEQ Accessions Interactor B	Ontology Term IDs	Ontology Term Names	Ontology Term Categories	Ontology Term Qualifier IDs	Ontology Term Qualifier Names	Ontology Term Types	Organism Name Interactor A	Organism Name Interactor B
103	6416	2318	112315	108607	-	-	MAP2K4	FLNC	JNKK|MEK4	ABP-280|FLN2	Two-hybrid	physical	Marti A (1997)	PUBMED:9006895	9606	9606	Low Throughput	-	-	-	-	BIOGRID	P45985	-	NP_003001	Q14315	-	NP_001120959	-	-	-	-	-	-	Homo sapiens	Homo sapiens
117	84665	88	124185	106603	-	-	MYPN	ACTN2	CMD1DD	CMD1AA	Two-hybrid	physical	Bang ML (2001)	PUBMED:11309420	9606	9606	Low Throughput	-	-	-	-	BIOGRID	Q86TC9	-	NP_115967	P35609	-	NP_001094	-	-	-	-	-	-	Homo sapiens	Homo sapiens
```

### BioGRID TAB2
`read_interactions`

```text BIOGRID-ALL-4.2.192.tab2.txt
#BioGRID Interaction ID	Entrez Gene Interactor A	Entrez Gene Interactor B	BioGRID ID Interactor A	BioGRID ID Interactor B	Systematic Name Interactor A	Systematic Name Interactor B	Official Symbol Interactor A	Official Symbol Interactor B	Synonyms Interactor A	Synonyms Interactor B	Experimental System	Experimental System Type	Author	Pubmed ID	Organism Interactor A	Organism Interactor B	Throughput	Score	Modification	Phenotypes	Qualifications	Tags	Source Database
26458	855136	855174	35407	35444	YMR116C	YMR152W	ASC1	YIM1	CPC2	-	Synthetic Growth Defect	genetic	Tong AH (2004)	14764870	559292	559292	High Throughput	-	-	-	-	-	BIOGRID
26459	851226	856294	31740	36700	YDL213C	YHR197W	NOP6	RIX1	-	-	Affinity Capture-MS	physical	Gavin AC (2006)	16429126	559292	559292	High Throughput	-	-	-	-	-	BIOGRID
```
"""  # noqa: E501

from __future__ import annotations

import numpy as np

from keras_vnn.basics.errors import ConfigError, ReadError, did_you_mean
from keras_vnn.readers.columns import normalized
from keras_vnn.readers.formats import Format, release_in_name
from keras_vnn.readers.molecules import Molecules, choose_rows
from keras_vnn.readers.rows import Options, Rows
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
        release=release_in_name(start, "BioGRID", r"BIOGRID-.*?-(\d+\.\d+\.\d+)"),
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


BIOGRID = Format(
    "biogrid",
    "BioGRID TAB2 or TAB3",
    "interactions",
    can_parse,
    parse,
    marks=("#BioGRID Interaction ID", "BioGRID Interaction ID"),
    takes=("id", "taxon", "sif_types"),
    page=__doc__,
)
