"""Tables that say what genes are called elsewhere, as anybody has them.

In: the HGNC complete set, a BioMart export, two columns, NCBI gene_info, STRING protein.info or aliases, UniProt
idmapping, a GAF or GPI file, a GTF or GFF. Out: an `IdentifierTable` of all columns that hold names; which of them to
use is chosen later, by what the names at hand overlap with. Knows nothing of priors.

### HGNC complete set
`read.identifier_map`

```text hgnc_complete_set.txt
hgnc_id	symbol	name	locus_group	alias_symbol	prev_symbol	entrez_id	ensembl_gene_id	uniprot_ids
HGNC:11998	TP53	tumor protein p53	protein-coding gene	p53|LFS1		7157	ENSG00000141510	P04637
HGNC:6973	MDM2	MDM2 proto-oncogene	protein-coding gene	HDM2|MGC5370		4193	ENSG00000135679	Q00987
HGNC:9165	SEPTIN7	septin 7	protein-coding gene		CDC10|SEPT7	989	ENSG00000122545	Q16181
```

### Two columns
`read.identifier_map`: GENCODE's `ENSG,symbol`, or any other.

```text ensembl_to_symbol.csv
ENSG00000141510.16,TP53
ENSG00000135679.24,MDM2
ENSG00000122545.20,SEPTIN7
```

### BioMart
`read.identifier_map`

```text mart_export.txt
Gene stable ID,Gene stable ID version,Gene name,NCBI gene (formerly Entrezgene) ID
ENSG00000141510,ENSG00000141510.18,TP53,7157
ENSG00000135679,ENSG00000135679.26,MDM2,4193
ENSG00000288541,ENSG00000288541.1,,
```

### NCBI gene_info
`read.identifier_map`

```text Homo_sapiens.gene_info
#tax_id	GeneID	Symbol	LocusTag	Synonyms	dbXrefs	chromosome
9606	7157	TP53	-	BCC7|LFS1|P53	MIM:191170|HGNC:HGNC:11998|Ensembl:ENSG00000141510	17
9606	4193	MDM2	-	HDM2|HDMX	MIM:164785|HGNC:HGNC:6973|Ensembl:ENSG00000135679	12
```

### STRING protein.info
`read.identifier_map`

```text 9606.protein.info.v12.0.txt
#string_protein_id	preferred_name	protein_size	annotation
9606.ENSP00000269305	TP53	393	Cellular tumor antigen p53; Acts as a tumor suppressor in many tumor types.
9606.ENSP00000258149	MDM2	497	E3 ubiquitin-protein ligase Mdm2; mediates ubiquitination of p53/TP53.
```

### STRING protein.aliases
`read.identifier_map`

```text 9606.protein.aliases.v12.0.txt
#string_protein_id	alias	source
9606.ENSP00000269305	TP53	Ensembl_HGNC_symbol
9606.ENSP00000269305	P04637	Ensembl_UniProt
9606.ENSP00000258149	MDM2	Ensembl_HGNC_symbol
```

### UniProt idmapping
`read.identifier_map`

```text HUMAN_9606_idmapping.dat
P04637	UniProtKB-ID	P53_HUMAN
P04637	Gene_Name	TP53
P04637	Ensembl	ENSG00000141510.18
Q00987	Gene_Name	MDM2
```

### GTF and GFF3
`read.identifier_map`

```text gencode.gtf
##description: evidence-based annotation of the human genome
chr17	HAVANA	gene	7661779	7687550	.	-	.	gene_id "ENSG00000141510.18"; gene_type "protein_coding"; gene_name "TP53";
chr17	HAVANA	transcript	7661779	7687538	.	-	.	gene_id "ENSG00000141510.18"; transcript_id "ENST00000269305.9"; gene_name "TP53";
chr12	HAVANA	gene	68808177	68850686	.	+	.	gene_id "ENSG00000135679.26"; gene_type "protein_coding"; gene_name "MDM2";
```
"""  # noqa: E501

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ConfigError, ReadError, counted
from keras_vnn.basics.provenance import Audit, Source
from keras_vnn.basics.remedies import remedy
from keras_vnn.priors.identifiers import IdentifierTable
from keras_vnn.priors.identifiers._table import columns_from_pairs, exploded
from keras_vnn.priors.kinds import UNIPROT
from keras_vnn.readers.formats import Format, most_rows
from keras_vnn.readers.formats.gene_ontology import GAF, comment_value
from keras_vnn.readers.layout import column_number, is_listed, lay_out, normalized
from keras_vnn.readers.pairs import bare_taxon, refuse_species, species_counts
from keras_vnn.readers.tabular import Fixed, Options, Table, joined, of_each, pieces_of, read_fixed
from keras_vnn.readers.text import Preview, open_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEADER_WORDS = set(
    "symbol hgncid approvedsymbol genesymbol genename ensemblgeneid genestableid proteinstableid transcriptstableid "
    "ensembl ensemblid entrezid entrezgeneid ncbigeneid geneid uniprot uniprotids uniprotid accession taxid alias "
    "preferredname stringproteinid probesetid from to query orf systematicname sgdid mgiid mgiaccessionid gene id name "
    "hgncsymbol enspid ensgid protein entry entryname genenames genenamesprimary".split()
)
_TELLING_WORDS = set(
    "symbol hgncid approvedsymbol ensemblgeneid genestableid proteinstableid genestableidversion entrezid ncbigeneid "
    "uniprotids aliassymbol prevsymbol stringproteinid preferredname genename taxid geneid synonyms dbxrefs alias "
    "ncbigeneformerlyentrezgeneid proteinsize entryname genenames genenamesprimary primaryfbgn secondaryfbgns "
    "annotationid".split()
)
_ATTRIBUTES = re.compile(r'(gene_id|transcript_id) "[^"]*"|(ID|Parent|Name|gene_id)=[^;]+')
_MOST_COLUMNS = 1000
_TAXON = {"taxid", "taxon", "organismid", "ncbitaxonid"}
_ACCESSION = re.compile(rf"{UNIPROT}(-\d+)?")
_ATTRIBUTE = {
    "gene_id": re.compile(r'gene_id[ =]"?(?:gene:)?([^";]+)|ID=gene:([^;]+)'),
    "gene_name": re.compile(r'(?:gene_name|gene_symbol)[ =]"?([^";]+)|(?:^|;)Name=([^;]+)'),
}


def _is_feature(row: Sequence[str]) -> bool:
    return len(row) == 9 and _ATTRIBUTES.search(row[8]) is not None


def _is_idmapping(start: Preview) -> bool:
    rows = start.fields
    return all(len(row) == 3 and _ACCESSION.fullmatch(row[0]) and not _ACCESSION.fullmatch(row[1]) for row in rows)


def _is_aliases(start: Preview) -> bool:
    _, top = min((*start.comments[:1], *start.lines[:1]))
    words = [normalized(word) for word in re.split(r"\t|##", top) if word.strip(" #")]
    return words[:2] == ["stringproteinid", "alias"]


def _is_table(start: Preview) -> bool:
    layout = lay_out(start, is_header=lambda words: bool(_HEADER_WORDS & set(words)))
    return layout.is_regular and layout.width >= 2


def _heads_identifiers(start: Preview) -> bool:
    """Say whether a header, perhaps in a comment, holds at least two words that head a table of identifiers."""
    header = start.comments[-1][1].lstrip("#! ").split("\t") if start.comments else []
    if len(header) < 2:
        layout = lay_out(start, is_header=lambda words: len(_TELLING_WORDS & set(words)) > 1)
        header = list(layout.header or ())
        values = [
            name for at, name in enumerate(header) if normalized(name) not in _HEADER_WORDS and layout.is_numeric(at)
        ]
        if 2 * len(values) > len(header):
            return False
    return len({normalized(word) for word in header} & _TELLING_WORDS) > 1


# ---- names of gene products ------------------------------------------------------------------------------------

_GAF_NAMES = Fixed("GAF row", dict(accession=1, symbol=2, synonyms=10, taxon=12), 15, 17, ("accession",))
_GPI_1 = Fixed("GPI row", dict(accession=1, symbol=2, synonyms=4, taxon=6), 6, 11, ("accession",))
_GPI_2 = Fixed("GPI row", dict(accession=0, symbol=1, synonyms=3, taxon=5), 6, 11, ("accession",))


def _read_gaf(start: Preview, options: Options) -> IdentifierTable:
    return _products(read_fixed(start, _GAF_NAMES, "GAF names", malformed="skip"), options)


def _read_gpi(start: Preview, options: Options) -> IdentifierTable:
    is_2 = comment_value(start, "gpi-version").startswith("2")
    table = read_fixed(start, _GPI_2 if is_2 else _GPI_1, "GPI names", malformed="skip")
    # GPI 2 has the database before the accession.
    return _products(table.with_each(lambda name: name.split(":", 1)[-1], "accession"), options)


def _products(table: Table, options: Options) -> IdentifierTable:
    """Return the names of gene products, a row per gene product or more."""
    table = table.with_each(lambda word: bare_taxon(word.split("|")[0]), "taxon")
    table = _of_taxon(table, table.frame["taxon"], options.taxon)
    unique = table.frame[["accession", "symbol", "synonyms"]].astype(object).drop_duplicates()
    rows = np.arange(len(unique), dtype=np.int64)
    columns = {name: exploded(rows, unique[name].to_numpy(dtype=object), "|") for name in unique}
    return IdentifierTable(columns, len(unique), (table.source,), Audit.of(*table.dropped))


def _of_taxon(table: Table, taxa: Any, taxon: str | None) -> Table:
    """Return the rows of a species; those of others are counted."""
    if taxon is None:
        refuse_species([taxa], "The identifiers are", table.path)
    if taxon in (None, "all"):
        return table
    counts = Counter(taxa)
    if taxon not in counts:
        raise ReadError(f"No row is of taxon {taxon}: {table.path}\nIt has: {species_counts(counts)}.")
    return table.keeping(np.asarray(taxa == taxon), "row", "of another taxon")


# ---- genomes and long tables -----------------------------------------------------------------------------------


def _read_gtf(start: Preview, _: Options) -> IdentifierTable:
    found: dict[tuple[str, str], None] = {}
    records = 0
    with open_text(start.path) as text:
        for line in text:
            if line.startswith("#"):
                continue
            fields = line.rstrip("\n").split("\t", 8)
            if len(fields) < 9:
                continue
            records += 1
            # Transcripts, exons and the like repeat the names of their gene; some files have no gene rows.
            identity, name = (_attribute(pattern, fields[8]) for pattern in _ATTRIBUTE.values())
            if identity:
                # In GFF3 the Name of a transcript is not that of its gene.
                found.setdefault((identity, name if fields[2] == "gene" or "gene_name" in fields[8] else ""))
    if not found:
        raise ReadError(f"No row has a gene_id: {start.path}\nIs it a GTF or GFF3 file with genes?")
    pairs = np.array([*found], dtype=object)
    rows = np.arange(len(pairs), dtype=np.int64)
    columns = {name: exploded(rows, pairs[:, at], "") for at, name in enumerate(_ATTRIBUTE)}
    source = Source.of_file(start.path, "GTF or GFF genes", records=records)
    return IdentifierTable(columns, len(pairs), (source,))


def _attribute(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return next((part.strip() for part in found.groups() if part), "") if found else ""


def _read_long(
    start: Preview, options: Options, *, title: str, key: str, value: int, kind: int, all_values: str = ""
) -> IdentifierTable:
    """Read a table of a gene, the kind of a name and the name; ``all_values`` is a further column of all its names."""
    layout = Fixed(f"{title} row", {"first": 0, "value": value, "kind": kind}, 3, 3, ("first", "value"))
    table = read_fixed(start, layout, title, malformed="skip")
    if all_values:
        taxa = of_each(table.frame["first"], lambda name: name.split(".", 1)[0])
        table = _of_taxon(table, taxa, options.taxon)
    first, values, kinds = (table.frame[name].to_numpy(dtype=object) for name in ("first", "value", "kind"))
    columns, rows = columns_from_pairs(first, kinds, values, key=key)
    if all_values:
        columns[all_values] = pd.factorize(first)[0].astype(np.int64), values
    return IdentifierTable(columns, rows, (table.source,), Audit.of(*table.dropped))


# ---- tables ----------------------------------------------------------------------------------------------------


def _read_table(start: Preview, options: Options) -> IdentifierTable:
    columns = options.columns
    example = remedy("{columns}", columns=(1, 2))
    if columns is not None and not is_listed(columns, *range(1, _MOST_COLUMNS + 1)):
        raise ConfigError(f"columns must name two columns or more, got {columns!r}.\nFor example: {example}")
    layout = lay_out(
        start,
        named=options.column_names,
        is_header=lambda words: bool(_HEADER_WORDS & set(words)),
        # STRING, NCBI and others write their header as a comment.
        comment_is_header=True,
    )
    if layout.width > _MOST_COLUMNS:
        raise ReadError(
            f"A table of identifiers has a column per kind of name, this one {counted(layout.width, 'column')}: "
            f"{start.path}\n"
            f"Is it an expression table?{remedy(' Say which columns: {columns}', columns=(1, 2))}"
        )
    titles = _distinct([title or f"column {n}" for n, title in enumerate(layout.header or layout.titles, 1)])
    positions = list(range(len(titles)))
    if columns is not None:
        positions = [titles.index(c) if c in titles else column_number(layout, c) for c in columns]
    # Rows may be narrower than a header that was damaged.
    present = tuple(range(min(len(titles), layout.width)))
    frame = joined(pieces_of(layout, present))
    if not len(frame):
        raise ReadError(f"The file has no data rows: {start.path}\nIs it truncated?")
    table = Table(frame, start.path, f"{layout.kind} table of identifiers", len(frame))
    at_taxon = next((n for n in present if normalized(titles[n]) in _TAXON), None)
    if at_taxon is not None:
        table = _of_taxon(table, table.frame[at_taxon], options.taxon)
    rows = np.arange(len(table.frame), dtype=np.int64)
    taken = {}
    for position in positions:
        if position == at_taxon or position >= layout.width:
            continue
        texts = table.frame[position].to_numpy(dtype=object)
        # UniProt parts the names of a gene by blanks.
        mark = " " if normalized(titles[position]) == "genenames" else _separator_of(texts)
        if columns is not None or mark == " " or not _is_prose(texts):
            taken[titles[position]] = exploded(rows, texts, mark)
    return IdentifierTable(taken, len(rows), (table.source,), Audit.of(*table.dropped))


def _distinct(titles: list[str]) -> list[str]:
    counts: Counter[str] = Counter()
    result = []
    for title in titles:
        counts[title] += 1
        result.append(title if counts[title] == 1 else f"{title} ({counts[title]})")
    return result


def _separator_of(texts: NDArray[np.object_]) -> str:
    """Return what parts several names in a field of this column, empty for nothing."""
    some = [text for text in texts[:5000] if text]
    for mark in ("|", ", ", ";"):
        parts = [part for text in some if mark in text for part in text.split(mark)]
        if parts and not any(" " in part.strip() for part in parts):
            return mark
    return ""


def _is_prose(texts: NDArray[np.object_]) -> bool:
    """Say whether a column holds descriptions or dates and no names."""
    some = [text.strip() for text in texts[:2000] if text.strip()]
    spaced = sum(" " in text.replace(", ", "|") or len(text) > 200 for text in some)
    return 2 * spaced > len(some)


SURE = (
    Format("gaf", "GAF (accession, symbol, synonyms)", "id-map", GAF.sniff, _read_gaf, marks=GAF.marks),
    Format("gpi", "GPI (accession, symbol, synonyms)", "id-map", read=_read_gpi, marks=("!gpi-version",)),
    Format(
        "gtf",
        "an annotation of a genome (GTF or GFF3)",
        "id-map",
        lambda start: most_rows(start, _is_feature),
        _read_gtf,
        marks=("##gff-version",),
        advice="It holds places of genes; to translate gene ids into symbols: {id_map}.",
        page=__doc__,
    ),
    Format(
        "aliases",
        "STRING protein.aliases",
        "id-map",
        _is_aliases,
        # Sources are many and overlap; all aliases together are one more column.
        partial(_read_long, title="STRING aliases", key="string_protein_id", value=1, kind=2, all_values="alias"),
    ),
)
POSSIBLE = (
    Format("identifiers", "a table of identifiers", "id-map", _heads_identifiers),
    Format(
        "idmapping",
        "UniProt idmapping (accession, kind, name)",
        "id-map",
        _is_idmapping,
        partial(_read_long, title="UniProt idmapping", key="UniProtKB-AC", value=2, kind=1),
    ),
)
IDENTIFIER_TABLE = Format(
    "table",
    "a table with a column per kind of name (HGNC, BioMart, two columns …)",
    "id-map",
    _is_table,
    _read_table,
    takes=("columns",),
)
