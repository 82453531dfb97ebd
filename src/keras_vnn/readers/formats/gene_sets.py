"""Gene sets: GMT, GMX, group files (GMT without description), JSON, and tables of sets and genes.

In: a file. Out: `GeneSets`.

### GMT
`read.gene_sets`: as MSigDB writes it, with an address; as Reactome, with an id; names may hold commas. A GMT
of regulators and their targets is read by `read.regulation` with `format="gmt"`.

```text h.all.v2022.1.Hs.symbols.gmt
HALLMARK_P53_PATHWAY	http://www.gsea-msigdb.org/gsea/msigdb/human/geneset/HALLMARK_P53_PATHWAY	CDKN1A	BTG2	MDM2
HALLMARK_DNA_REPAIR	http://www.gsea-msigdb.org/gsea/msigdb/human/geneset/HALLMARK_DNA_REPAIR	POLR2H	POLR2A	TP53
```

### GMT of Enrichr, with weights
`read.gene_sets`: what follows the comma is left out and counted.

```text ChEA.gmt
TP53 22573176 ChIP-Seq HFKS Human		CDKN1A,1.0	MDM2,1.0
GATA1 19941826 ChIP-Seq MEL Mouse		HBB,1.0	MEFV,0.8
```

### Groups (Lin et al. 2017, scQuery)
`read.gene_sets`: a GMT without description.

```text groups.txt
ppi_1	TP53	MDM2	MDM4
ppi_2	BRCA1	BARD1	TP53
TF STAT1	IRF1	MDM2	BRCA1
```

### JSON
`read.gene_sets`: name → genes, also as MSigDB writes it; or a list of objects with a name and genes.

```text sets.json
{"DNA repair": ["MLH1", "ATM"], "P53": {"geneSymbols": ["CDKN1A", "MDM2"], "pmid": "1"}}
```

### GMX
`read.gene_sets`: a column per set, its name and a description above the genes.

```text sets.gmx
DNA_REPAIR	P53_PATHWAY
na	na
MLH1	CDKN1A
ATM	MDM2
        BAX
```

### A table of sets and genes, as msigdbr gives it
`read.gene_sets`

```text msigdbr.csv
gs_collection,gs_name,gene_symbol,entrez_gene
H,HALLMARK_P53_PATHWAY,CDKN1A,1026
H,HALLMARK_P53_PATHWAY,MDM2,4193
H,HALLMARK_DNA_REPAIR,MLH1,4292
```

### Results of Enrichr and of clusterProfiler
`read.gene_sets`: the genes that the results list of each term, not all genes of the term.

```text Enrichr_table.txt
Term	Overlap	P-value	Adjusted P-value	Combined Score	Genes
p53 signaling pathway	3/72	1.2E-6	4.0E-5	310.2	CDKN1A;MDM2;TP53
Mismatch repair	2/23	3.4E-4	2.1E-3	95.7	MLH1;MSH2
```

### CORUM
`read.gene_sets`: a complex and its genes a row.

```text coreComplexes.txt
ComplexID	ComplexName	Organism	subunits(UniProt IDs)	subunits(Entrez IDs)	subunits(Gene name)
1	BCL6-HDAC4 complex	Human	P41182;P56524	604;9759	BCL6;HDAC4
2	MDM2-p53 complex	Human	Q00987;P04637	4193;7157	MDM2;TP53
```

### KEGG, genes and pathways
`read.gene_sets`: as https://rest.kegg.jp/link/pathway/hsa gives them; genes without their organism, `7157`, `b0002`.

```text kegg_link.txt
hsa:7157	path:hsa04115
hsa:4193	path:hsa04115
hsa:4609	path:hsa05200
```
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count, zip_longest
from typing import Any, NoReturn

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.files import read_lines
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.basics.remedies import remedy
from keras_vnn.priors import GeneSets
from keras_vnn.readers.formats import Format, most_rows
from keras_vnn.readers.formats.terms import GENE_TITLES, PATHWAY_ID, TERM_ID
from keras_vnn.readers.layout import Columns, Layout, is_number, lay_out
from keras_vnn.readers.pairs import read_rows
from keras_vnn.readers.tabular import Options, Table
from keras_vnn.readers.text import Preview, at, read_json_text, shortened

_NO_GENE = re.compile(r"\s*|na|n/a|null|none|-|https?://.*|.*\s.*|.{31,}", re.IGNORECASE)
_SAYS_NOTHING = re.compile(r"na|n/a|https?://.*|>.*", re.IGNORECASE)
_WEIGHT = re.compile(r"(.+),[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def _is_gmt(start: Preview) -> bool:
    """Say whether the second column looks like a description, or the name says GMT and it does not look like genes."""
    named_gmt = ".gmt" in start.path.name.casefold()
    return _is_described(start) or (named_gmt and bool(_rows(start)) and not looks_like_groups(start))


def _is_gmx(start: Preview) -> bool:
    """Say whether the second line describes what the first names; of one column, the name must say that it is GMX."""
    rows = start.fields
    if start.path.name.casefold().removesuffix(".gz").endswith(".gmx"):
        return len(rows) > 1
    if len(rows) < 3 or len(rows[0]) < 2 or len(rows[1]) != len(rows[0]) or not all(rows[0]):
        return False
    says_nothing = [[_SAYS_NOTHING.fullmatch(word) is not None for word in row] for row in rows[:2]]
    return all(says_nothing[1]) and not any(says_nothing[0])


def _is_described(start: Preview) -> bool:
    """Say whether the second column of a tab-separated file looks like a description."""
    rows = _rows(start)
    said = sum(
        _NO_GENE.fullmatch(row[1]) is not None or PATHWAY_ID.fullmatch(row[1]) is not None or row[0] == row[1]
        for row in rows
    )
    return bool(rows) and 2 * said >= len(rows)


def looks_like_groups(start: Preview) -> bool:
    """Say whether the second column of a tab-separated file looks like genes: some are in other places as well.

    Numbers do not: they are those of a matrix. Groups of Entrez genes are read when the format is named.
    """
    rows = _rows(start)
    # A number of thousands, or with a decimal comma, looks like a gene and its weight.
    numbers = sum(is_number(gene.partition(",")[0]) for row in rows for gene in row[1:])
    if 2 * numbers > sum(len(row) - 1 for row in rows):
        return False
    elsewhere = {gene for row in rows for gene in row[2:]}
    again = sum(row[1] in elsewhere for row in rows)
    return len(rows) > 1 and not _is_described(start) and 5 * again >= len(rows)


@dataclass(slots=True)
class _Gathered:
    """Sets as they are found in a file, and what becomes of two of one name."""

    start: Preview
    options: Options
    sets: dict[str, list[str]] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    doubled: list[str] = field(default_factory=list)
    weighted: int = 0

    def add(self, name: str, genes: Iterable[str], place: str, description: str = "") -> None:
        """Take a set; ``place`` is a sentence about the first of its name, and where this one is."""
        repeated = self.options.repeated_sets
        if name in self.sets:
            if repeated == "raise":
                ways = remedy(", or pass {repeated_sets}", repeated_sets="merge")
                ways += remedy(" or {repeated_sets}", repeated_sets="number") if ways else ""
                raise ReadError(f"{place}\nA name stands for one node: rename one{ways}.")
            self.doubled.append(name)
            if repeated == "number":
                name = next(free for n in count(2) if (free := f"{name} ({n})") not in self.sets)
        bare = [found[1] if (found := _WEIGHT.fullmatch(word)) else word for word in genes]
        self.weighted += sum(gene != word for gene, word in zip(bare, genes, strict=True))
        self.sets[name] = self.sets.get(name, []) + bare
        self.descriptions.setdefault(name, description)

    def value(self, title: str, records: int | None = None) -> GeneSets:
        """Return the sets."""
        source = Source.of_file(self.start.path, title, records=len(self.sets) if records is None else records)
        done = "merged into one" if self.options.repeated_sets == "merge" else "numbered"
        audit = Audit.of(
            AuditEntry("read", "member", "weight after a comma left out", self.weighted),
            AuditEntry.of("read", "gene set", f"two of one name, {done}", self.doubled, len(self.doubled)),
        )
        return GeneSets.from_mapping(self.sets, descriptions=self.descriptions, sources=(source,), audit=audit)


def read_sets(start: Preview, options: Options, *, title: str, described: bool) -> GeneSets:
    """Read rows of a name, a description where they are ``described``, and genes.

    Raises
    ------
    ReadError
        A row has no tab, or two sets have the same name.
    """
    path = start.path
    found = _Gathered(start, options)
    line_of: dict[str, int] = {}
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, *fields = (field.strip() for field in line.split("\t"))
        if not fields:
            raise ReadError(f"The row has no tab, expected a name and genes: {at(path, number)}")
        if not name:
            raise ReadError(f"The gene set has no name: {at(path, number)}")
        first = line_of.setdefault(name, number)
        place = (
            f"Two gene sets have the same name, the first in line {first}: {at(path, number)}"
            if name in found.sets
            else ""
        )
        found.add(name, [word for word in fields[described:] if word], place, fields[0] if described else "")
    return found.value(title)


def read_gmx(start: Preview, options: Options) -> GeneSets:
    """Read a set per column: its name, a description, genes.

    Raises
    ------
    ReadError
        There are fewer than two lines, a column of genes has no name, or two sets have the same name.
    """
    path = start.path
    rows = [line.split("\t") for line in read_lines(path) if line.strip() and not line.startswith("#")]
    if len(rows) < 2:
        raise ReadError(
            f"The file has one line, expected names of sets, descriptions and genes: {path}\nIs it cut short?"
        )
    found = _Gathered(start, options)
    for number, column in enumerate(zip_longest(*rows, fillvalue=""), 1):
        name, description, *genes = (word.strip() for word in column)
        genes = [gene for gene in genes if gene]
        if not name and not genes:
            continue
        if not name:
            raise ReadError(f"Column {number} has genes and no name: {path}\nName the set in the first line.")
        found.add(name, genes, f"Two gene sets have the name {name!r}: {path}", description)
    return found.value("GMX")


def read_json(start: Preview, options: Options) -> GeneSets:
    """Read gene sets from JSON: a list of genes by name, or an object with ``geneSymbols`` by name (MSigDB).

    Raises
    ------
    ReadError
        It is not JSON, or not gene sets.
    """
    path = start.path
    content = read_json_text(path, object_pairs_hook=_Pairs)
    example = 'For example: {"DNA repair": ["MLH1", "ATM"]}'
    if isinstance(content, _Pairs):
        named = list(content)
    elif isinstance(content, list) and content and all(isinstance(one, _Pairs) for one in content):
        named = [(str(_first_of(one, _JSON_NAMES, f"set {n}")), one) for n, one in enumerate(content, 1)]
    else:
        raise ReadError(f"Expected gene sets by name: {path}\n{example}")
    found = _Gathered(start, options)
    for name, members in named:
        genes = _first_of(members, _JSON_GENES, None) if isinstance(members, _Pairs) else members
        if isinstance(genes, _Pairs) or not isinstance(genes, list):
            what = "dict" if isinstance(members, _Pairs) else type(members).__name__
            raise ReadError(f"Expected a list of genes for the set {name!r}, got {what}: {path}\n{example}")
        if not all(isinstance(gene, str) for gene in genes):
            wrong = next(gene for gene in genes if not isinstance(gene, str))
            raise ReadError(f"A name in the gene set {name!r} is {wrong!r}, expected non-empty text: {path}\n{example}")
        found.add(name, genes, f"Two gene sets have the name {name!r}: {path}")
    return found.value("JSON gene sets")


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON, with every one of its names, two of one kind as well."""


def _first_of(members: _Pairs, names: Iterable[str], default: Any) -> Any:
    known = {name.casefold(): value for name, value in reversed(members)}
    return next((known[name] for name in names if name in known), default)


_JSON_NAMES = ("name", "standardname", "systematicname", "title", "id", "term")
_JSON_GENES = ("genesymbols", "gene_symbols", "genes", "members")

# ---- tables --------------------------------------------------------------------------------------------------

_SET_WORDS = (
    "gsname geneset genesetname setname standardname pathway pathwayname set term termname signature module gsid "
    "celltype"
).split()
_TERM_WORDS = "description term termname pathway name id complexname".split()
_LISTED_WORDS = (
    "genes geneid leadgenes ledgegenes leadinggenes leadingedge coreenrichment intersections overlapgenes "
    "subunitsgenename subunits"
).split()
_LIST_MARKS = (";", "/", "|", ", ", ",")


def _layout(start: Preview) -> Layout:
    return lay_out(start, is_header=lambda words: _places(words, _SET_WORDS, GENE_TITLES) is not None)


def _places(words: Sequence[str], *of: Sequence[str]) -> tuple[int, int] | None:
    """Return the columns of sets and of genes; ``None`` where a header does not name both."""
    first, second = (next((words.index(word) for word in wanted if word in words), -1) for wanted in of)
    return (first, second) if first >= 0 and second >= 0 and first != second else None


def _refused(start: Preview, wanted: str) -> NoReturn:
    raise ReadError(
        f"The header names no column of {wanted}: {start.path}\n    {shortened(start.first)}\nRename its columns."
    )


def _is_long(start: Preview) -> bool:
    layout = _layout(start)
    places = _places(layout.words, _SET_WORDS, GENE_TITLES)
    if places is None or not layout.is_regular:
        return False
    # Terms of an ontology are annotations.
    return not any(TERM_ID.match(name) for name in layout.values(places[0]))


def read_long(start: Preview, options: Options) -> GeneSets:
    """Read a table with a row per member.

    Raises
    ------
    ReadError
        The header does not name a column of sets and one of genes, or a row lacks one of them.
    """
    layout = _layout(start)
    places = _places(layout.words, _SET_WORDS, GENE_TITLES) or _refused(
        start, "sets and of genes, such as gs_name and gene_symbol"
    )
    table = read_rows(layout, Columns(*places, chosen=True))
    members = table.frame.astype(object).groupby("first", sort=False)["second"].agg(list).to_dict()
    found = _Gathered(start, options)
    for name, genes in members.items():
        found.add(name, genes, "")
    return found.value(f"{layout.kind} {layout.name(places[0])}, {layout.name(places[1])}", table.records)


_KEGG_GENE, _KEGG_PATHWAY = re.compile(r"([a-z]{3,4}):(\S+)"), re.compile(r"(path:)?[a-z]{2,4}\d{5}")


def _is_kegg(start: Preview) -> bool:
    """Say whether rows are a gene and a pathway of KEGG, as ``link/pathway/hsa`` gives them, or the other way round."""
    return most_rows(start, lambda row: len(row) == 2 and (_of_kegg(*row) or _of_kegg(*reversed(row))) is not None)


def _of_kegg(gene: str, pathway: str) -> tuple[str, str] | None:
    """Return a pathway and a gene without their databases; ``None`` where they are not such."""
    found = _KEGG_GENE.fullmatch(gene)
    is_pathway = _KEGG_PATHWAY.fullmatch(pathway) is not None
    return (pathway.removeprefix("path:"), found[2]) if found and found[1] != "path" and is_pathway else None


def read_kegg(start: Preview, options: Options) -> GeneSets:
    """Read a pair of a gene and a pathway a row.

    Raises
    ------
    ReadError
        A row is not such a pair.
    """
    members: dict[str, list[str]] = {}
    lines = [(number, line.split("\t")) for number, line in enumerate(read_lines(start.path), 1) if line.strip()]
    for number, row in lines:
        pair = (_of_kegg(*row) or _of_kegg(*reversed(row))) if len(row) == 2 else None
        if pair is None:
            raise ReadError(f"Expected a gene and a pathway of KEGG, such as hsa:7157: {at(start.path, number)}")
        members.setdefault(pair[0], []).append(pair[1])
    found = _Gathered(start, options)
    for name, genes in members.items():
        found.add(name, genes, "")
    return found.value("KEGG, genes and pathways", len(lines))


def _is_enrichment(start: Preview) -> bool:
    layout = lay_out(start, is_header=lambda words: _places(words, _TERM_WORDS, _LISTED_WORDS) is not None)
    places = _places(layout.words, _TERM_WORDS, _LISTED_WORDS)
    return places is not None and layout.is_regular and _list_mark(layout.values(places[1])) != ""


def _list_mark(fields: Sequence[str]) -> str:
    """Return what parts the genes of a field; empty where no field has several."""
    return next((mark for mark in _LIST_MARKS if any(mark in field for field in fields)), "")


def read_enrichment(start: Preview, options: Options) -> GeneSets:
    """Read a table with a row per term, whose genes are in one field.

    Raises
    ------
    ReadError
        The header does not name a column of terms and one of genes, or two rows have the same term.
    """
    layout = lay_out(start, header=True)
    places = _places(layout.words, _TERM_WORDS, _LISTED_WORDS) or _refused(
        start, "terms and of genes, such as Term and Genes"
    )
    table = read_rows(layout, Columns(*places, chosen=True))
    mark = _list_mark(layout.values(places[1])) or ";"
    found = _Gathered(start, options)
    for line, name, listed in table.frame.astype(object).itertuples(name=None):
        place = f"Two rows have the same term: {at(start.path, line)}" if name in found.sets else ""
        found.add(name, [gene.strip() for gene in listed.split(mark) if gene.strip()], place)
    return found.value(f"{layout.kind} {layout.name(places[0])}, {layout.name(places[1])}", table.records)


def read_gmt_annotations(start: Preview, options: Options) -> Table:
    """Read a GMT file as annotations; Reactome's has the id of a pathway as description."""
    # A gene may have a term in several rows.
    sets = _read_gmt(start, replace(options, repeated_sets="merge"))
    by_id = all(PATHWAY_ID.fullmatch(sets.descriptions.get(name, "")) for name in sets)
    annotations = sets.to_annotations(sets.descriptions if by_id else None)
    frame = annotations.to_frame()[["gene", "term"]].rename(columns={"gene": "symbol"})
    frame.index = frame.index * 0
    return Table(frame, start.path, "GMT", len(sets), sets.audit.entries, term_names=annotations.term_names)


def read_gmt_regulation(start: Preview, options: Options) -> Table:
    """Read a GMT file as regulation: each set has the name of a regulator, and its targets as genes."""
    sets = _read_gmt(start, replace(options, repeated_sets="merge"))
    frame = sets.to_frame()[["name", "gene"]].set_axis(["first", "second"], axis=1)
    frame.index = frame.index * 0
    return Table(frame, start.path, "GMT, a regulator and its targets a row", len(sets), sets.audit.entries)


def _rows(start: Preview) -> list[list[str]]:
    """Return the fields of the rows in a preview, or nothing unless every row has at least two."""
    if not all("\t" in text for text in start.texts):
        return []
    # A spreadsheet fills up the rows with empty fields.
    return [[*row[:2], *(field for field in row[2:] if field)] for row in start.fields]


def _is_list_of_sets(start: Preview) -> bool:
    return re.match(r"\s*\[\s*\{", "".join(start.texts[:3])) is not None


GENE_SET_JSON = Format(
    "json", "JSON (name → genes)", "gene-sets", _is_list_of_sets, read_json, marks=("{",), page=__doc__
)
GMX = Format("gmx", "GMX (a set per column)", "gene-sets", _is_gmx, read_gmx)
GENE_SET_TABLE = Format("long", "a table of sets and genes (msigdbr)", "gene-sets", _is_long, read_long)
KEGG = Format("kegg", "genes and pathways of KEGG", "gene-sets", _is_kegg, read_kegg)
ENRICHMENT = Format(
    "enrichment",
    "a table of sets and their genes (Enrichr, clusterProfiler, CORUM)",
    "gene-sets",
    _is_enrichment,
    read_enrichment,
)
_read_gmt = partial(read_sets, title="GMT", described=True)
_read_groups = partial(read_sets, title="group file", described=False)
GMT = Format("gmt", "GMT (name, description, genes)", "gene-sets", _is_gmt, _read_gmt)
GROUPS = Format("groups", "a group file (name, genes)", "gene-sets", looks_like_groups, _read_groups)
GMT_ANNOTATIONS = Format("gmt", "GMT (name, description, genes)", "annotations", _is_gmt, read_gmt_annotations)
# By name alone: sets of other kinds look alike.
GMT_REGULATION = Format("gmt", "GMT (regulator, description, targets)", "regulation", read=read_gmt_regulation)
