"""Tables of terms: Reactome's, and those without more: a gene and a term a row (or id2gos), a child and its parent.

In: ``ReactomePathwaysRelation.txt``; ``UniProt2Reactome.txt`` and its kin for other identifiers, neither with a header;
a delimited text. Out: an `Ontology`, or a `Table` for `keras_vnn.readers.ontologies`, by accession or, whatever kind
of names the genes have, by symbol. The gene sets of Reactome are a GMT file, see `keras_vnn.readers.formats.gene_sets`.

### Reactome's relations
`read.ontology`: parent, child, no header; 16 species, `species="HSA"`.

```text ReactomePathwaysRelation.txt
R-HSA-109581	R-HSA-109606
R-HSA-109581	R-HSA-169911
R-MMU-109581	R-MMU-109606
```

### UniProt2Reactome
`read.annotations`: isoforms count for their protein; species in words, `taxon="Homo sapiens"`.

```text UniProt2Reactome.txt
P04637	R-HSA-109581	https://reactome.org/PathwayBrowser/#/R-HSA-109581	Apoptosis	TAS	Homo sapiens
P04637-2	R-HSA-69541	https://reactome.org/PathwayBrowser/#/R-HSA-69541	Stabilization of p53	IEA	Homo sapiens
```

### BioMart, genes and GO terms
`read.annotations`: by gene name where it is exported, or `id="accession"`; genes without a term are counted.

```text mart_export_go.txt
Gene stable ID,Gene name,GO term accession,GO term name,GO term evidence code,GO domain
ENSG00000141510,TP53,GO:0006915,apoptotic process,IDA,biological_process
ENSG00000135679,MDM2,GO:0016567,protein ubiquitination,IDA,biological_process
ENSG00000288541,,,,,
```

### Two columns, or id2gos
`read.annotations`

```text id2gos.txt
TP53	GO:0006915;GO:0006974
MDM2	GO:0016567
```
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from keras_vnn.basics.errors import ConfigError, ReadError, did_you_mean, sample
from keras_vnn.basics.provenance import Audit
from keras_vnn.priors import Ontology
from keras_vnn.readers.formats import Format, without_isoforms
from keras_vnn.readers.formats.gene_ontology import with_term_names
from keras_vnn.readers.layout import Columns, Layout, column_numbers, is_listed, lay_out
from keras_vnn.readers.pairs import read_rows
from keras_vnn.readers.tabular import Fixed, Options, Table, of_each, read_fixed, read_named
from keras_vnn.readers.text import Preview

# ---- Reactome ------------------------------------------------------------------------------------------------

PATHWAY_ID = re.compile(r"R-([A-Z]{3})-\d+")
# Of any ontology; ids of genes, papers and species are written alike.
TERM_ID = re.compile(
    r"(?!(PMID|PUBMED|PubMed|HGNC|MGI|RGD|NCBI\w*|GeneID|GeneId|ENTREZ|Entrez\w*|TAIR|CID|MI):)"
    r"[A-Z][A-Za-z_]+:\d{4,}|R-[A-Z]{3}-\d+"
)
_TERM_TITLE = re.compile(r".*(term|ontology|hpo|phenotype|disease|go)(id|ids|accession)?")
# How headers name a column of genes, the most telling first.
GENE_TITLES = (
    "genesymbol humangenesymbol hgncsymbol symbol gene genename geneid entrezgene ncbigene entrez ensemblgene ensembl "
    "dbgenesymbol officialgenesymbol"
).split()
_RELATIONS = Fixed("Reactome relation", {"parent": 0, "child": 1}, 2, 2, ("parent", "child"))
_MEMBERS = Fixed(
    "Reactome row", dict(accession=0, term=1, name=3, evidence=4, taxon=5), 6, 6, required=("accession", "term")
)


def read_relations(start: Preview, options: Options) -> Ontology:
    """Read ``ReactomePathwaysRelation.txt`` (parent, child).

    Raises
    ------
    ReadError
        A row has other than two columns, or the file does not have the species.
    """
    table = read_fixed(start, _RELATIONS, "Reactome relations")
    if options.species is not None:
        of = of_each(table.frame["child"], lambda name: found[1] if (found := PATHWAY_ID.match(name)) else "")
        known = sorted({*of} - {""})
        if options.species not in known:
            hint = did_you_mean(options.species, known)
            raise ReadError(
                f"{start.path} has no species {options.species!r}; it has {sample(known, 20)}. {hint}".rstrip()
            )
        table = table.keeping(of == options.species, "row", "of another species")
    return Ontology.from_edges(
        table.frame["child"], table.frame["parent"], sources=(table.source,), audit=Audit.of(*table.dropped)
    )


def read_members(start: Preview, options: Options) -> Table:
    """Read ``UniProt2Reactome.txt`` or its kin. Species are in words there: ``taxon="Homo sapiens"``.

    Raises
    ------
    ReadError
        A row has other than six columns, or lacks a molecule or a pathway.
    """
    table = read_fixed(start, _MEMBERS, "Reactome members", malformed=options.malformed)
    return with_term_names(without_isoforms(table, "accession"))


REACTOME_RELATIONS = Format(
    "reactome",
    "Reactome's relations of pathways",
    "ontology",
    lambda start: len(start.fields[0]) == 2 and all(map(PATHWAY_ID.fullmatch, start.fields[0])),
    read_relations,
    takes=("species",),
    page=__doc__,
)
REACTOME_MEMBERS = Format(
    "reactome",
    "Reactome's members of pathways",
    "annotations",
    lambda start: len(start.fields[0]) == 6 and bool(PATHWAY_ID.fullmatch(start.fields[0][1])),
    read_members,
    page=__doc__,
)

# ---- BioMart -------------------------------------------------------------------------------------------------

# What the web page and the R package call the columns.
_MART = {
    "accession": ("genestableid", "ensemblgeneid", "proteinstableid", "uniprotkbswissprotid"),
    "symbol": ("genename", "externalgenename", "hgncsymbol", "mgisymbol"),
    "term": ("gotermaccession", "goid"),
    "name": ("gotermname", "name1006"),
    "evidence": ("gotermevidencecode", "golinkagetype"),
    "aspect": ("godomain", "namespace1003"),
}


def _mart_columns(words: Sequence[str]) -> dict[str, int]:
    found = {what: next((words.index(name) for name in names if name in words), -1) for what, names in _MART.items()}
    return {what: place for what, place in found.items() if place >= 0}


def _is_mart(words: Sequence[str]) -> bool:
    columns = _mart_columns(words)
    return "term" in columns and ("accession" in columns or "symbol" in columns)


def read_mart(start: Preview, options: Options) -> Table:
    """Read a table of genes and GO terms of BioMart, a row per gene and term.

    Raises
    ------
    ReadError
        No row has a term, or one has too many fields.
    """
    layout = lay_out(start, header=True)
    columns = _mart_columns(layout.words)
    if "term" not in columns:
        raise ReadError(
            f"The header names no column of GO terms, such as GO term accession: {start.path}\n"
            "Export it from BioMart, or name another format."
        )
    table = read_named(layout, columns, f"BioMart, {layout.kind}", options.malformed)
    table = table.keeping((table.frame["term"] != "").to_numpy(), "row", "a gene without a term")
    if not len(table.frame):
        raise ReadError(f"No row has a GO term: {start.path}\nExport the attribute GO term accession.")
    return with_term_names(table) if "name" in columns else table


BIOMART = Format(
    "biomart",
    "genes and GO terms of BioMart",
    "annotations",
    lambda start: _is_mart(lay_out(start, is_header=_is_mart).words),
    read_mart,
)

# ---- genes and terms -----------------------------------------------------------------------------------------

_TERM = re.compile(r"[A-Za-z][A-Za-z0-9_]*:[A-Za-z0-9_.]+|R-[A-Z]{3}-\d+")
_GO = re.compile(r"GO:\d{7}|R-[A-Z]{3}-\d+")
_SEPARATORS = re.compile(r"[;,|\s]+")


def _is_gene_term(start: Preview) -> bool:
    """Say whether one column holds ids of terms, of a table of two or three or with a header that names the genes.

    Negations stand in columns of qualifiers: a table with such a column is none.
    """
    layout = _layout(start)
    is_told = 2 <= layout.width <= 3 or (_gene_column(layout) is not None and "qualifier" not in layout.words)
    return is_told and layout.is_regular and _term_column(layout) is not None


def annotates(start: Preview) -> bool:
    """Say whether a table of two columns, or one with a header for both, holds genes and ids of terms."""
    layout = _layout(start)
    column = next((c for c in range(layout.width) if _fill(TERM_ID, layout.values(c))), None)
    if column is None or layout.width == 2:
        return column is not None and layout.is_regular
    words = layout.words
    return _is_gene_term(start) and bool(words) and _TERM_TITLE.fullmatch(words[column]) is not None


def read_gene_term(start: Preview, options: Options) -> Table:
    """Read a table of genes and terms.

    By default the term column is the one that holds ids such as ``GO:0006281``, the gene column the one that the header
    names so, or the first of the rest.

    Raises
    ------
    ReadError
        A row lacks a gene or a term, or a column does not exist.
    ConfigError
        The columns asked for are not two.
    """
    if options.columns is not None:
        layout, (gene, term) = _two_columns(start, options.columns, "the gene and the term column", (1, 2))
    else:
        layout = _layout(start)
        found = _term_column(layout)
        term = 1 if found is None else found
        named = _gene_column(layout)
        gene = int(term == 0) if named is None else named
    table = read_rows(layout, Columns(gene, term, chosen=True), malformed=options.malformed)
    frame = table.frame.rename(columns={"first": "symbol", "second": "term"}).astype(object)
    said = f"{layout.kind} gene, term"
    if frame["term"].str.contains(_SEPARATORS).any():
        parts = frame["term"].map(_parts)
        said = "id2gos" if (parts.str.len() > 1).any() else said
        frame = frame.assign(term=parts).explode("term").dropna(subset="term")
    return replace(table, frame=frame, format=said)


def _two_columns(
    start: Preview, asked: Sequence[int | str], what: str, example: tuple[int, int]
) -> tuple[Layout, list[int]]:
    if not is_listed(asked, 2):
        raise ConfigError(f"columns must name {what}, got {asked!r}.\nFor example: {example}")
    layout = lay_out(start, named=[name for name in asked if isinstance(name, str)])
    return layout, column_numbers(layout, asked)


def _layout(start: Preview) -> Layout:
    """Lay out the table; a first line without a term where all others have one is a header."""
    layout = lay_out(start)
    column = _term_column(layout)
    if layout.header is None and column is not None and len(layout.rows) > 1:
        first = layout.rows[0][1]
        if column >= len(first) or not _hold(_TERM, first[column]):
            return lay_out(start, header=True)
    return layout


def _gene_column(layout: Layout) -> int | None:
    """Return the position of the column that the header says holds genes."""
    return next((layout.words.index(title) for title in GENE_TITLES if title in layout.words), None)


def _term_column(layout: Layout) -> int | None:
    """Return the position of the column of term ids; one of well-known ids wins over another.

    The first row does not count where there are others: it may be a header.
    """
    for pattern in (_GO, _TERM):
        for column in range(layout.width):
            if _fill(pattern, layout.values(column)):
                return column
    return None


def _fill(pattern: re.Pattern[str], values: Sequence[str]) -> bool:
    """Say whether nearly all that is in a column are such ids, but the first, which may be a title."""
    below = [value for value in (values[1:] if len(values) > 1 else values) if value]
    return bool(below) and 10 * sum(_hold(pattern, value) for value in below) >= 9 * len(below)


def term_columns(start: Preview) -> list[int]:
    """Return the columns, from 1, whose fields in a preview are mostly ids of terms."""
    layout = lay_out(start)
    values = [[value for value in layout.values(column) if value] for column in range(layout.width)]
    return [n for n, of in enumerate(values, 1) if of and 2 * sum(_hold(TERM_ID, value) for value in of) > len(of)]


def _hold(pattern: re.Pattern[str], value: str) -> bool:
    parts = _parts(value)
    return bool(parts) and all(map(pattern.fullmatch, parts))


def _parts(value: str) -> list[str]:
    """Return the terms of a field: ids apart from each other by any mark; names, which may hold others, by ``;``."""
    parts = [part for part in _SEPARATORS.split(value) if part]
    return parts if all(map(_TERM.fullmatch, parts)) else [part.strip() for part in value.split(";") if part.strip()]


def read_edges(start: Preview, options: Options) -> Ontology:
    """Read a table of children and parents.

    Raises
    ------
    ReadError
        A row lacks a name, or a column does not exist.
    ConfigError
        The columns asked for are not two.
    """
    asked = options.columns or ("child", "parent")
    layout, (child, parent) = _two_columns(start, asked, "the child and the parent column", (2, 1))
    table = read_rows(layout, Columns(child, parent, chosen=True))
    source = replace(table, format=f"{layout.kind} child, parent").source
    return Ontology.from_edges(table.frame["first"], table.frame["second"], sources=(source,))


GENE_TERM = Format(
    "gene-term",
    "a table of gene and term (also id2gos)",
    "annotations",
    _is_gene_term,
    read_gene_term,
    takes=("columns",),
)
# Any two columns could be children and parents, and which is which cannot be seen: it is read when it is named.
EDGES = Format("edges", "a table of children and parents", "ontology", read=read_edges, takes=("columns",))
