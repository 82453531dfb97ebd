"""Files of another family than the one asked for, and files of no family in forms that are common.

In: the beginning of a file. Out: what it is, and what to do with it.
Knows each format by its look alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from keras_vnn.readers.biogrid import BIOGRID
from keras_vnn.readers.columns import lay_out, split
from keras_vnn.readers.mitab import MITAB
from keras_vnn.readers.text import Preview
from keras_vnn.unpacking import NOT_TEXT

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
    """

    name: str
    title: str
    advice: str
    matches: Callable[[Preview], bool]


def recognized_foreign(start: Preview) -> Foreign | None:
    """Return the first foreign format that matches."""
    for magic, (title, advice) in NOT_TEXT.items():
        if start.magic.startswith(magic):
            return Foreign("h5ad" if title == "HDF5" else "binary", title, advice, lambda start: True)
    return next((foreign for foreign in FOREIGN if foreign.matches(start)), None)


def in_words(start: Preview) -> tuple[str, str] | None:
    """Return what a file is and what to do with it, if it is of a known other format."""
    foreign = recognized_foreign(start)
    return (foreign.title, foreign.advice) if foreign else None


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
    return ragged or _most(rows, lambda row: _DESCRIPTION.match(row[1]) is not None)


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


FOREIGN = (
    Foreign(
        "html",
        "a web page",
        "Download the file itself: the link led to a page about it.",
        _begins("<!DOCTYPE", "<!doctype", "<html", "<HTML"),
    ),
    Foreign(
        "owl",
        "an ontology in OWL",
        "Download its .obo file, or convert it: robot convert --input FILE --output terms.obo",
        _is_owl,
    ),
    Foreign(
        "obo-graph",
        "an ontology as OBO graph (JSON)",
        "Download its .obo file, or convert it: robot convert --input FILE --output terms.obo",
        _is_obo_graph,
    ),
    Foreign("xml", "XML", "Convert it to TSV.", _begins("<?xml")),
    Foreign(
        "obo",
        "an ontology in OBO format",
        "Read it with read_ontology.",
        _begins("format-version:", "[Term]"),
    ),
    Foreign("gaf", "a GAF file of gene annotations", "Read it with read_annotations.", _is_gaf),
    Foreign(
        "gpad",
        "a GPAD file of gene annotations",
        "Read it with read_annotations.",
        _begins("!gpa-version", "!gpad-version"),
    ),
    Foreign(
        "gpi",
        "a GPI file, which describes gene products",
        "It annotates nothing; its names map identifiers: read_identifier_map.",
        _begins("!gpi-version"),
    ),
    Foreign("dcell", "a DCell topology", "Read it with read_hierarchy.", _begins("ROOT: ")),
    Foreign(
        "mtx",
        "a MatrixMarket matrix",
        "It holds numbers without names: name its folder, with features.tsv and barcodes.tsv beside it.",
        _begins("%%MatrixMarket"),
    ),
    Foreign(
        "gtf",
        "an annotation of a genome (GTF or GFF)",
        "It holds places of genes; to translate gene ids into symbols: read_identifier_map.",
        _is_genome_annotation,
    ),
    Foreign("vcf", "a VCF file of variants", "Sum the variants up by gene first.", _begins("##fileformat=VCF")),
    Foreign("bed", "a BED file of regions", "Assign the regions to genes first, and list those.", _is_bed),
    Foreign(
        "genbank",
        "a GenBank or EMBL record",
        "It holds a sequence. List the genes one per line, or export them as a table.",
        _begins("LOCUS  ", "ID   "),
    ),
    Foreign("fasta", "sequences (FASTA)", "List the genes one per line instead.", _is_fasta),
    Foreign("json", "JSON", "Gene sets in JSON are read by read_gene_sets; else convert it to TSV.", _begins("{", "[")),
    Foreign("biogrid", "BioGRID interactions", "Read it with read_interactions.", BIOGRID.recognizes),
    Foreign("mitab", "PSI-MITAB interactions", "Read it with read_interactions.", MITAB.recognizes),
    Foreign("gmt", "gene sets (GMT)", "Read it with read_gene_sets.", _is_gmt),
    Foreign(
        "ontology-table",
        "a table that relates terms",
        "Read it with read_ontology or read_hierarchy.",
        _is_term_relation,
    ),
    Foreign("annotation-table", "a table of annotations", "Read it with read_annotations.", _is_term_annotation),
    Foreign(
        "expression",
        "an expression table",
        'Its gene names are read by read_genes; weights of regulation (targets × TFs) with format="matrix".',
        _is_expression,
    ),
)
