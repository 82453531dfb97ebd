"""Interactions: tables of two names a row, and the databases STRING, HIPPIE and BioGRID.

In: TSV, CSV or space-separated text, with or without a header; STRING's ``protein.links`` (``.detailed``, ``.full``) and
``protein.actions`` (to 11.0), whose names keep their taxon prefix here; HIPPIE's own table, without a header; BioGRID's
TAB2 (24 columns) and TAB3 (37), physical and genetic, often of several species. Out: a `Table`; which columns were taken
is said in its ``format``. PSI-MITAB of BioGRID and HIPPIE is read by `keras_vnn.readers.formats.mitab`.

References
----------
Alanis-Lobato et al.: HIPPIE v2.0. Nucleic Acids Research 2017. doi:10.1093/nar/gkw985

Oughtred et al.: The BioGRID database. Protein Science 2021. doi:10.1002/pro.3978

### Two or three columns
`read.interactions`

```text edges.tsv
gene_a	gene_b	publications
TP53	MDM2	112
MDM2	TP53	112
BRCA1	BARD1	41
TP53	TP53	9
```

### The same from a German Excel
`read.interactions`: semicolons and decimal commas.

```text kanten.csv
gene_a;gene_b;score
TP53;MDM2;0,98
BRCA1;BARD1;0,75
```

### R, with row names
`read.interactions`

```text edges.csv
"","interactor_a","interactor_b"
"1","TP53","MDM2"
"2","BRCA1","BARD1"
```

### STRING links
`read.interactions`: also `.detailed`, `.full` and `physical.links`. Scores run to 1000; the taxon before the first dot is
taken off. Proteins become genes with `--id-map 9606.protein.info.v12.0.txt.gz`.

```text 9606.protein.links.v12.0.txt
protein1 protein2 combined_score
9606.ENSP00000269305 9606.ENSP00000258149 999
9606.ENSP00000258149 9606.ENSP00000269305 999
9606.ENSP00000269305 9606.ENSP00000350283 812
```

### STRING detailed links
`read.interactions`

```text 9606.protein.links.detailed.v12.0.txt
protein1 protein2 neighborhood fusion cooccurence coexpression experimental database textmining combined_score
9606.ENSP00000269305 9606.ENSP00000258149 0 0 0 64 995 900 998 999
9606.ENSP00000269305 9606.ENSP00000350283 0 0 0 0 567 0 512 812
```

### STRING actions
`read.interactions`: all modes, or `sif_types=["binding"]`.

```text 9606.protein.actions.v11.0.txt
item_id_a	item_id_b	mode	action	is_directional	a_is_acting	score
9606.ENSP00000269305	9606.ENSP00000258149	binding		f	f	800
9606.ENSP00000269305	9606.ENSP00000344818	expression		t	t	900
9606.ENSP00000258149	9606.ENSP00000269305	ptmod		t	t	700
```

### HIPPIE
`read.interactions`: its table by Entrez gene, or `id="accession"`; its PSI-MITAB by gene name.

```text hippie_current.txt
AL1A1_HUMAN	216	AL1A1_HUMAN	216	0.76	experiments:in vivo,Two-hybrid;pmids:12081471,16189514;sources:HPRD,BioGRID
ITA7_HUMAN	3679	ACHA_HUMAN	1134	0.73	experiments:in vivo,Affinity Capture-Western;pmids:10910772;sources:HPRD
NEB1_HUMAN	55607	ACTG_HUMAN	71	0.65	experiments:in vitro,in vivo;pmids:9362513,12052877;sources:HPRD
```

### BioGRID TAB3
`read.interactions`: by symbol, or `id="entrez"`, `"systematic"`, `"swissprot"`; `sif_types=["physical"]`; `taxon="9606"`.

```text BIOGRID-ORGANISM-Homo_sapiens-4.4.200.tab3.txt
#BioGRID Interaction ID	Entrez Gene Interactor A	Entrez Gene Interactor B	BioGRID ID Interactor A	BioGRID ID Interactor B	Systematic Name Interactor A	Systematic Name Interactor B	Official Symbol Interactor A	Official Symbol Interactor B	Synonyms Interactor A	Synonyms Interactor B	Experimental System	Experimental System Type	Author	Publication Source	Organism ID Interactor A	Organism ID Interactor B	Throughput	Score	Modification	Qualifications	Tags	Source Database	SWISS-PROT Accessions Interactor A	TREMBL Accessions Interactor A	REFSEQ Accessions Interactor A	SWISS-PROT Accessions Interactor B	TREMBL Accessions Interactor B	REFSEQ Accessions Interactor B	Ontology Term IDs	Ontology Term Names	Ontology Term Categories	Ontology Term Qualifier IDs	Ontology Term Qualifier Names	Ontology Term Types	Organism Name Interactor A	Organism Name Interactor B
103	6416	2318	112315	108607	-	-	MAP2K4	FLNC	JNKK|MEK4	ABP-280|FLN2	Two-hybrid	physical	Marti A (1997)	PUBMED:9006895	9606	9606	Low Throughput	-	-	-	-	BIOGRID	P45985	-	NP_003001	Q14315	-	NP_001120959	-	-	-	-	-	-	Homo sapiens	Homo sapiens
117	84665	88	124185	106603	-	-	MYPN	ACTN2	CMD1DD	CMD1AA	Two-hybrid	physical	Bang ML (2001)	PUBMED:11309420	9606	9606	Low Throughput	-	-	-	-	BIOGRID	Q86TC9	-	NP_115967	P35609	-	NP_001094	-	-	-	-	-	-	Homo sapiens	Homo sapiens
```

### BioGRID TAB2
`read.interactions`

```text BIOGRID-ALL-4.2.192.tab2.txt
#BioGRID Interaction ID	Entrez Gene Interactor A	Entrez Gene Interactor B	BioGRID ID Interactor A	BioGRID ID Interactor B	Systematic Name Interactor A	Systematic Name Interactor B	Official Symbol Interactor A	Official Symbol Interactor B	Synonyms Interactor A	Synonyms Interactor B	Experimental System	Experimental System Type	Author	Pubmed ID	Organism Interactor A	Organism Interactor B	Throughput	Score	Modification	Phenotypes	Qualifications	Tags	Source Database
26458	855136	855174	35407	35444	YMR116C	YMR152W	ASC1	YIM1	CPC2	-	Synthetic Growth Defect	genetic	Tong AH (2004)	14764870	559292	559292	High Throughput	-	-	-	-	-	BIOGRID
26459	851226	856294	31740	36700	YDL213C	YHR197W	NOP6	RIX1	-	-	Affinity Capture-MS	physical	Gavin AC (2006)	16429126	559292	559292	High Throughput	-	-	-	-	-	BIOGRID
```
"""  # noqa: E501

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from keras_vnn.basics.errors import ConfigError, ReadError, VNNWarning, check_choice, counted
from keras_vnn.basics.remedies import remedy
from keras_vnn.readers.formats import Format, most_rows, release_in_name
from keras_vnn.readers.layout import Columns, Roles, lay_out, normalized
from keras_vnn.readers.pairs import choose_rows, read_pairs
from keras_vnn.readers.tabular import Fixed, Options, Table, read_fixed, refuse_narrow
from keras_vnn.readers.text import Preview, shortened

# ---- tables --------------------------------------------------------------------------------------------------

_PARTNERS = (
    "preferredname entity protein gene symbol genesymbol genename geneid proteinid proteinname interactor interactorid "
    "interactorsymbol officialsymbolinteractor systematicnameinteractor ensembl ensemblgeneid ensemblid uniprot "
    "uniprotid entrez entrezgene entrezid entrezgeneinteractor node partner participant name id hgncsymbol "
    "orf molecule item stringid"
).split()
_ENDINGS = (("a", "b"), ("1", "2"), ("x", "y"))
_OTHER_PAIRS = (
    *(("bait", "prey"), ("sourcegenesymbol", "targetgenesymbol"), ("sourcesymbol", "targetsymbol")),
    *(("source", "target"), ("from", "to"), ("head", "tail"), ("gene", "partner"), ("locusname", "interactorlocus")),
)
_SCORES = (
    "combinedscore score weight confidence confidencescore miscore probability publications npublications "
    "numberofpublications nscreens curationeffort nreferences count strength value"
).split()


def _partners(words: Sequence[str]) -> tuple[int, int] | None:
    """Return the two positions of words such as ``genea``, ``geneb``; ``None`` without such a pair."""
    for stem in _PARTNERS:
        for one, other in _ENDINGS:
            # The letter may also come first: "A protein", "interactor A symbol".
            for first, second in ((stem + one, stem + other), (one + stem, other + stem)):
                if first in words and second in words:
                    return words.index(first), words.index(second)
    return None


def _pair(words: Sequence[str]) -> tuple[int, int] | None:
    others = ((words.index(a), words.index(b)) for a, b in _OTHER_PAIRS if a in words and b in words)
    return _partners(words) or next(others, None)


INTERACTION_ROLES = Roles(pair=_pair, number=tuple(_SCORES), number_is="score")


def _names_partners(start: Preview) -> bool:
    """Say whether the header names two equal partners (``gene_a``, ``gene_b``), and no effect of one on the other."""
    words = lay_out(start, is_header=INTERACTION_ROLES.heads).words
    return _partners(words) is not None and "effect" not in words


INTERACTION_HEADER = Format("interactions", "a table of interactions", "interactions", _names_partners)
INTERACTION_TABLE = Format(
    "table",
    "a table of two names a row",
    "interactions",
    lambda start: lay_out(start, is_header=INTERACTION_ROLES.heads).is_regular,
    partial(read_pairs, roles=INTERACTION_ROLES),
    takes=("columns",),
)

# ---- STRING --------------------------------------------------------------------------------------------------


def _is_string(start: Preview) -> bool:
    words = [normalized(word) for word in start.first.split()]
    return words[:2] == ["protein1", "protein2"] and "combinedscore" in words


def read_string_links(start: Preview, options: Options) -> Table:
    """Read STRING links; the release is taken from the file's name (``9606.protein.links.v12.0.txt.gz``)."""
    if options.at_least is not None and 0 < options.at_least <= 1:
        warnings.warn(
            f"STRING scores run from 0 to 1000, so {_least(options.at_least)} keeps every interaction: "
            f"{start.path}\nDid you mean {_least(1000 * options.at_least)}?",
            VNNWarning,
            stacklevel=2,
        )
    table = read_pairs(start, options, INTERACTION_ROLES, said="STRING links")
    return replace(table, release=release_in_name(start, "STRING"))


def _least(score: float) -> str:
    return remedy("{min_score}", min_score=int(score) if float(score).is_integer() else score)


_ACTIONS = ["itemida", "itemidb", "mode"]


def _is_actions(start: Preview) -> bool:
    return [normalized(word) for word in start.first.split("\t")][:3] == _ACTIONS


def read_string_actions(start: Preview, options: Options) -> Table:
    """Read STRING actions. ``types`` are its modes: ``binding``, ``catalysis``, ``expression`` and others.

    Raises
    ------
    ReadError
        A row has other than as many columns as the header, or no score although one is asked for.
    """
    header = [normalized(word) for word in start.first.split("\t")]
    refuse_narrow(start, len(header), len(_ACTIONS))
    columns = {"first": 0, "second": 1, "kind": 2} | ({"number": header.index("score")} if "score" in header else {})
    # The last columns are empty in some releases, and lost in some copies.
    layout = Fixed("STRING actions row", columns, 3, len(header), ("first", "second"))
    table = read_fixed(start, layout, "STRING actions", malformed=options.malformed)
    table = table.without_titles("first", lambda word: normalized(word) == _ACTIONS[0])
    if "number" in columns:
        table = table.with_each(lambda text: text if re.fullmatch(r"\d{1,4}", text) else "nan", "number", dtype=float)
    # The species is told from the prefix of the names, by the caller.
    table = choose_rows(table, replace(options, taxon=None), "protein")
    return replace(table, release=release_in_name(start, "STRING"))


STRING_LINKS = Format(
    "string", "STRING links", "interactions", _is_string, read_string_links, takes=("columns",), page=__doc__
)
STRING_ACTIONS = Format(
    "string-actions", "STRING actions", "interactions", _is_actions, read_string_actions, takes=("sif_types",)
)

# ---- HIPPIE --------------------------------------------------------------------------------------------------

_ENTRY = re.compile(r"[A-Z0-9]+_[A-Z0-9]+(,[A-Z0-9]+_[A-Z0-9]+)*|")


def _is_hippie(row: Sequence[str]) -> bool:
    """Say whether a row has entry names in columns 1 and 3, numbers in 2 and 4, a score in 5."""
    return (
        5 <= len(row) <= 6
        and all(_ENTRY.fullmatch(name) for name in (row[0], row[2]))
        and row[1].isdigit()
        and row[3].isdigit()
        and bool(row[0] or row[2])
    )


def read_hippie(start: Preview, options: Options) -> Table:
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
            + remedy("Pass {id} or ", id="entrez")
            + remedy("{id}; gene symbols are in its PSI-MITAB file.", id="accession")
        )
    by_entry = options.id == "accession"
    columns = Columns(0, 2, number=4, chosen=True) if by_entry else Columns(1, 3, number=4, chosen=True)
    table = read_pairs(start, options, INTERACTION_ROLES, columns=lambda _: columns, delimiter="\t", header=False)
    if not by_entry:
        return replace(table, format="HIPPIE, Entrez gene")
    table = table.with_each(lambda name: name.split(",")[0].rsplit("_", 1)[0], "first", "second")
    return replace(table, format="HIPPIE, UniProt entry name")


HIPPIE = Format(
    "hippie", "HIPPIE", "interactions", lambda start: most_rows(start, _is_hippie), read_hippie, takes=("id",)
)

# ---- BioGRID -------------------------------------------------------------------------------------------------

# What `id` may be, the beginning of the names of its columns ("… Interactor A"), and what such a name is.
_IDS = {
    "symbol": ("Official Symbol", "gene symbol"),
    "entrez": ("Entrez Gene", "Entrez gene"),
    "systematic": ("Systematic Name", "systematic name"),
    "swissprot": ("SWISS-PROT Accessions", "UniProt accession"),
}
_SYNONYMS = {"accession": "swissprot", "uniprot": "swissprot", "orf": "systematic"}


def _biogrid_header(start: Preview) -> tuple[str, ...]:
    """Return the header of BioGRID, with or without its ``#``, or of some of its columns; else nothing."""
    lines = sorted((*start.comments[:5], *start.lines[:1]))
    headers = (tuple(field.strip() for field in text.lstrip("#").split("\t")) for _, text in lines)
    return next((names for names in headers if names[0] == "BioGRID Interaction ID" or _sides(names)), ())


def _sides(header: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return the columns of both interactors, by what `id` calls their names."""
    words = [normalized(name) for name in header]
    titles = {
        id: [normalized(f"{beginning} Interactor {side}") for side in "AB"] for id, (beginning, _) in _IDS.items()
    }
    return {id: (words.index(a), words.index(b)) for id, (a, b) in titles.items() if a in words and b in words}


def read_biogrid(start: Preview, options: Options) -> Table:
    """Read BioGRID, or some of its columns. ``types`` are ``physical`` and ``genetic``; without them all are taken.

    Raises
    ------
    ConfigError
        ``id`` is not known.
    ReadError
        A column is missing, a row has too few columns, or several species are in the file and none was chosen.
    """
    header = _biogrid_header(start)
    check_choice("id", options.id or "symbol", (*_IDS, *_SYNONYMS))
    sides = _sides(header)
    asked = _SYNONYMS.get(options.id, options.id) if options.id else next(iter(sides), "symbol")
    beginning, names = _IDS[asked]
    if asked not in sides:
        has = f"It has: {', '.join(sides)}. " if sides else ""
        raise ReadError(
            f"The BioGRID table has no columns '{beginning} Interactor A' and B: {start.path}\n"
            f"    {shortened(' | '.join(header))}\n"
            f"{has}TAB2 lacks some columns of TAB3; {remedy('take another {id}, or ', id=...)}download TAB3."
        )
    words = [normalized(name) for name in header]
    columns = dict(zip(("first", "second"), sides[asked], strict=True))
    optional = {
        "kind": ("Experimental System Type",),
        **{f"taxon_{side.lower()}": (f"Organism ID Interactor {side}", f"Organism Interactor {side}") for side in "AB"},
    }
    for column, titles in optional.items():
        places = [words.index(normalized(title)) for title in titles if normalized(title) in words]
        columns |= {column: places[0]} if places else {}
    if not {"taxon_a", "taxon_b"} <= {*columns}:
        columns = {name: place for name, place in columns.items() if not name.startswith("taxon")}
    layout = Fixed("BioGRID row", columns, len(header), len(header), ("first", "second"))
    is_whole = header[0] == "BioGRID Interaction ID" and {"kind", "taxon_a"} <= {*columns}
    said = f"BioGRID TAB{3 if len(header) > 30 else 2}" if is_whole else f"BioGRID, {counted(len(header), 'column')}"
    table = read_fixed(start, layout, said, malformed=options.malformed)
    table = table.without_titles("first", lambda word: normalized(word) == normalized(f"{beginning} Interactor A"))
    blank = [name for name in columns if name not in ("first", "second")]
    table = table.with_each(lambda word: "" if word == "-" else word, *blank)
    # Several accessions of one protein: the first is its main one.
    table = table.with_each(lambda word: "" if word == "-" else word.split("|")[0], "first", "second")
    release = release_in_name(start, "BioGRID", r"BIOGRID-.*?-(\d+\.\d+\.\d+)")
    return replace(choose_rows(table, options, names), release=release)


BIOGRID = Format(
    "biogrid",
    "BioGRID TAB2 or TAB3",
    "interactions",
    lambda start: bool(_biogrid_header(start)),
    read_biogrid,
    marks=("#BioGRID Interaction ID", "BioGRID Interaction ID"),
    takes=("id", "taxon", "sif_types"),
)
