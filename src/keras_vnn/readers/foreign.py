"""Files of another family than the one asked for, and files of no family in forms that are common.

In: the beginning of a file. Out: what it is, and what to do with it.
Knows each format by its look alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from keras_vnn.basics.unpacking import NOT_TEXT
from keras_vnn.readers.biogrid import BIOGRID
from keras_vnn.readers.columns import lay_out, split
from keras_vnn.readers.cx2 import CX2
from keras_vnn.readers.dcell import DCELL
from keras_vnn.readers.drugcell import DRUGCELL
from keras_vnn.readers.gene2go import GENE2GO
from keras_vnn.readers.gene_sets import looks_like_groups
from keras_vnn.readers.gennet import GENNET
from keras_vnn.readers.hippie import HIPPIE
from keras_vnn.readers.kpnn import KPNN
from keras_vnn.readers.mitab import MITAB
from keras_vnn.readers.reactome import REACTOME_MEMBERS, REACTOME_RELATIONS
from keras_vnn.readers.text import Preview

__all__ = ["FOREIGN", "Foreign", "in_words", "recognized_foreign"]


@dataclass(frozen=True, slots=True)
class Foreign:
    """A format that is recognised in order to be refused, or to be read by another function.

    Attributes
    ----------
    name
        What `keras_vnn.readers.sniff_format` returns.
    title
        What it is, as the end of the sentence "This is …".
    advice
        What to do instead.
    matches
        Says, from the beginning of a file, whether it is of this format.
    readers
        The functions that read it.
    sure
        Whether its look is beyond doubt: then no other function takes it for its own.
    """

    name: str
    title: str
    advice: str
    matches: Callable[[Preview], bool]
    readers: tuple[str, ...] = ()
    sure: bool = False


def recognized_foreign(start: Preview) -> Foreign | None:
    """Return the first foreign format that matches."""
    for magic, (title, advice) in NOT_TEXT.items():
        if start.magic.startswith(magic):
            return Foreign("h5ad" if title == "HDF5" else "binary", title, advice, lambda start: True)
    return next(
        (foreign for foreign in FOREIGN if (start.lines or foreign.name in _BY_COMMENT) and foreign.matches(start)),
        None,
    )


def in_words(start: Preview, reader: str = "", *, sure: bool = False) -> tuple[str, str] | None:
    """Return what a file is and what to do with it, if it is of a known other format.

    Parameters
    ----------
    start
        The beginning of the file.
    reader
        The function that asks; what it reads itself is no other format.
    sure
        Only say what is beyond doubt.
    """
    foreign = recognized_foreign(start)
    if foreign is None or reader in foreign.readers or (sure and not foreign.sure):
        return None
    return foreign.title, foreign.advice


# These show in comments alone.
_BY_COMMENT = ("gaf", "gpad", "gpi", "gtf", "vcf", "biogrid", "mitab")
_GO_TERM = re.compile(r"GO:\d{7}")
_REACTOME = re.compile(r"R-[A-Z]{3}-\d+")
_DESCRIPTION = re.compile(r"(https?://|>|na$|n/a$)", re.IGNORECASE)
_ATTRIBUTES = re.compile(r'(gene_id|transcript_id) "[^"]*"|(ID|Parent|Name|gene_id)=[^;]+')


def _begins(*words: str) -> Callable[[Preview], bool]:
    return lambda start: any(text.lstrip().startswith(words) for _, text in (*start.comments[:3], *start.lines[:3]))


def _rows(start: Preview) -> list[tuple[str, ...]]:
    return [split(text, "\t", quoted=False) for text in start.texts]


def _most(rows: list[tuple[str, ...]], holds: Callable[[tuple[str, ...]], bool]) -> bool:
    return bool(rows) and 10 * sum(holds(row) for row in rows) >= 9 * len(rows)


def _is_gaf(start: Preview) -> bool:
    return _begins("!gaf-version")(start) or _most(
        _rows(start), lambda row: 15 <= len(row) <= 17 and _GO_TERM.fullmatch(row[4]) is not None
    )


def _is_gmt(start: Preview) -> bool:
    rows = _rows(start)
    if not _most(rows, lambda row: len(row) >= 3):
        return False
    widths = {len(row) for row in rows}
    ragged = len(rows) > 1 and len(widths) >= min(3, len(rows)) and max(widths) >= 5
    return ragged or _most(rows, lambda row: len(row) > 1 and _DESCRIPTION.match(row[1]) is not None)


def _is_term_relation(start: Preview) -> bool:
    def relates(row: tuple[str, ...]) -> bool:
        if len(row) < 2:
            return False
        terms = [bool(_GO_TERM.fullmatch(name) or _REACTOME.fullmatch(name)) for name in row[:2]]
        return all(terms) or (terms[0] and row[2:3] in {("gene",), ("default",)})

    return _most(_rows(start), relates)


def _is_term_annotation(start: Preview) -> bool:
    def annotates(row: tuple[str, ...]) -> bool:
        return len(row) >= 2 and any(_GO_TERM.match(field) or _REACTOME.fullmatch(field) for field in row)

    return _most(_rows(start), annotates)


def _is_genome_annotation(start: Preview) -> bool:
    if any(text.startswith("##gff-version") for _, text in start.comments):
        return True
    return _most(_rows(start), lambda row: len(row) == 9 and _ATTRIBUTES.search(row[8]) is not None)


def _is_bed(start: Preview) -> bool:
    def region(row: tuple[str, ...]) -> bool:
        return len(row) >= 3 and row[0].startswith("chr") and row[1].isdigit() and row[2].isdigit()

    return _begins("track ", "browser ")(start) or _most(_rows(start), region)


def _is_fasta(start: Preview) -> bool:
    texts = start.texts
    return len(texts) > 1 and texts[0][:1] == ">" and re.fullmatch(r"[A-Za-z*-]+", texts[1].strip()) is not None


def _is_owl(start: Preview) -> bool:
    top = "\n".join(text for _, text in sorted((*start.comments, *start.lines))[:40])
    return any(word in top for word in ("rdf:RDF", "www.w3.org/2002/07/owl", "<Ontology", "Prefix(", "Prefix: "))


def _is_obo_graph(start: Preview) -> bool:
    top = "".join(start.texts[:10]).replace(" ", "")
    return top.startswith("{") and '"graphs":[' in top


def _is_expression(start: Preview) -> bool:
    if len(start.lines) < 2:
        return False
    layout = lay_out(start)
    if layout.header is None or layout.width < 4 or layout.is_numeric(0):
        return False
    return all(layout.is_numeric(column) for column in range(1, layout.width))


def _is_groups(start: Preview) -> bool:
    rows = _rows(start)
    if not _most(rows, lambda row: len(row) >= 4) or any(not all(row) for row in rows):
        return False
    named = [row[0] for row in rows]
    members = {gene for row in rows for gene in row[1:]}
    return looks_like_groups(start) and len(set(named)) == len(named) and not members & set(named)


def _reads(name: str, title: str, matches: Callable[[Preview], bool], *readers: str, sure: bool = True) -> Foreign:
    return Foreign(name, title, f"Read it with {' or '.join(readers)}.", matches, readers, sure)


_ROBOT = "Download its .obo file, or convert it: robot convert --input FILE --output terms.obo"
_LATER = ("read_ontology", "read_hierarchy")
FOREIGN = (
    Foreign(
        "html",
        "a web page",
        "Download the file itself: the link led to a page about it.",
        _begins("<!DOCTYPE", "<!doctype", "<html", "<HTML"),
        sure=True,
    ),
    Foreign("owl", "an ontology in OWL", _ROBOT, _is_owl, sure=True),
    Foreign("obo-graph", "an ontology as OBO graph (JSON)", _ROBOT, _is_obo_graph, sure=True),
    Foreign("xml", "XML", "Convert it to TSV.", _begins("<?xml"), sure=True),
    _reads("obo", "an ontology in OBO format", _begins("format-version:", "[Term]"), "read_ontology"),
    _reads("gaf", "a GAF file of gene annotations", _is_gaf, "read_annotations", "read_identifier_map"),
    _reads("gpad", "a GPAD file of gene annotations", _begins("!gpa-version", "!gpad-version"), "read_annotations"),
    Foreign(
        "gpi",
        "a GPI file, which describes gene products",
        "It annotates nothing; its names map identifiers: read_identifier_map.",
        _begins("!gpi-version"),
        ("read_identifier_map",),
        sure=True,
    ),
    _reads("dcell", "a DCell topology", DCELL.recognizes, *_LATER),
    _reads("cx2", "a hierarchy in CX2 or CX", CX2.recognizes, *_LATER),
    _reads("gennet", "a GenNet topology", GENNET.recognizes, *_LATER),
    _reads("kpnn", "a KPNN edge list (parent, child)", KPNN.recognizes, *_LATER),
    _reads("drugcell", "a DrugCell hierarchy", DRUGCELL.recognizes, *_LATER),
    _reads("reactome", "Reactome's relations of pathways", REACTOME_RELATIONS.recognizes, "read_ontology"),
    _reads("reactome-members", "Reactome's members of pathways", REACTOME_MEMBERS.recognizes, "read_annotations"),
    _reads("gene2go", "NCBI gene2go", GENE2GO.recognizes, "read_annotations"),
    Foreign(
        "mtx",
        "a MatrixMarket matrix",
        "It holds numbers without names: name its folder, with features.tsv and barcodes.tsv beside it.",
        _begins("%%MatrixMarket"),
        sure=True,
    ),
    Foreign(
        "gtf",
        "an annotation of a genome (GTF or GFF)",
        "It holds places of genes; to translate gene ids into symbols: read_identifier_map.",
        _is_genome_annotation,
        ("read_identifier_map",),
        sure=True,
    ),
    Foreign(
        "vcf", "a VCF file of variants", "Sum the variants up by gene first.", _begins("##fileformat=VCF"), sure=True
    ),
    Foreign("bed", "a BED file of regions", "Assign the regions to genes first, and list those.", _is_bed, sure=True),
    Foreign(
        "genbank",
        "a GenBank or EMBL record",
        "It holds a sequence. List the genes one per line, or export them as a table.",
        _begins("LOCUS  ", "ID   "),
        sure=True,
    ),
    Foreign("fasta", "sequences (FASTA)", "List the genes one per line instead.", _is_fasta, sure=True),
    Foreign(
        "json",
        "JSON",
        "Gene sets in JSON are read by read_gene_sets; else convert it to TSV.",
        _begins("{", "["),
        ("read_gene_sets", *_LATER),
    ),
    _reads("biogrid", "BioGRID interactions", BIOGRID.recognizes, "read_interactions"),
    _reads("mitab", "PSI-MITAB interactions", MITAB.recognizes, "read_interactions"),
    _reads("hippie", "HIPPIE interactions", HIPPIE.recognizes, "read_interactions"),
    _reads("gmt", "gene sets (GMT)", _is_gmt, "read_gene_sets", sure=False),
    _reads("groups", "groups of genes", _is_groups, "read_gene_sets", sure=False),
    _reads("ontology-table", "a table that relates terms", _is_term_relation, *_LATER, sure=False),
    _reads("annotation-table", "a table of annotations", _is_term_annotation, "read_annotations", sure=False),
    Foreign(
        "expression",
        "an expression table",
        'Its gene names are read by read_genes; weights of regulation (targets × TFs) with format="matrix".',
        _is_expression,
    ),
)
