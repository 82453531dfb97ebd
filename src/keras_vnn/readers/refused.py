"""Forms that are told by their look alone: what nothing here reads, and what another function reads as a table.

In: the beginning of a file. Out: a `Format` without a function that reads.
"""

from __future__ import annotations

import re

from keras_vnn.readers.columns import lay_out
from keras_vnn.readers.formats import Format, most_rows
from keras_vnn.readers.gmt import looks_like_groups
from keras_vnn.readers.text import Preview

__all__ = ["LIKELY", "NAMES", "SURE"]

_GO_TERM = re.compile(r"GO:\d{7}")
_REACTOME = re.compile(r"R-[A-Z]{3}-\d+")
_DESCRIPTION = re.compile(r"(https?://|>|na$|n/a$)", re.IGNORECASE)


def _top(start: Preview) -> str:
    return "\n".join(text for _, text in sorted((*start.comments, *start.lines))[:40])


def _is_ragged(start: Preview) -> bool:
    if not most_rows(start, lambda row: len(row) >= 3):
        return False
    widths = {text.count("\t") + 1 for text in start.texts}
    ragged = len(start.lines) > 1 and len(widths) >= min(3, len(start.lines)) and max(widths) >= 5
    return ragged or most_rows(start, lambda row: len(row) > 1 and _DESCRIPTION.match(row[1]) is not None)


def _is_group_rows(start: Preview) -> bool:
    rows = [[field.strip() for field in text.split("\t")] for text in start.texts]
    if not most_rows(start, lambda row: len(row) >= 4) or any(not all(row) for row in rows):
        return False
    named = [row[0] for row in rows]
    members = {gene for row in rows for gene in row[1:]}
    return looks_like_groups(start) and len(set(named)) == len(named) and not members & set(named)


def _relates_terms(row: list[str]) -> bool:
    if len(row) < 2:
        return False
    terms = [bool(_GO_TERM.fullmatch(name) or _REACTOME.fullmatch(name)) for name in row[:2]]
    return all(terms) or (terms[0] and row[2] in ("gene", "default") if len(row) > 2 else False)


def _annotates(row: list[str]) -> bool:
    return len(row) >= 2 and any(_GO_TERM.match(field) or _REACTOME.fullmatch(field) for field in row)


def _is_region(row: list[str]) -> bool:
    return len(row) >= 3 and row[0].startswith("chr") and row[1].isdigit() and row[2].isdigit()


def _is_fasta(start: Preview) -> bool:
    texts = start.texts
    return len(texts) > 1 and texts[0][:1] == ">" and re.fullmatch(r"[A-Za-z*-]+", texts[1].strip()) is not None


def _is_owl(start: Preview) -> bool:
    marks = ("rdf:RDF", "www.w3.org/2002/07/owl", "<Ontology", "Prefix(", "Prefix: ")
    return any(mark in _top(start) for mark in marks)


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


_ROBOT = "Download its .obo file, or convert it: robot convert --input FILE --output terms.obo"

SURE = (
    Format(
        "html",
        "a web page",
        "",
        marks=("<!DOCTYPE", "<!doctype", "<html", "<HTML"),
        advice="Download the file itself: the link led to a page about it.",
    ),
    Format("owl", "an ontology in OWL", "", _is_owl, advice=_ROBOT),
    Format("obo-graph", "an ontology as OBO graph (JSON)", "", _is_obo_graph, advice=_ROBOT),
    Format("xml", "XML", "", marks=("<?xml",), advice="Convert it to TSV."),
    Format(
        "mtx",
        "a MatrixMarket matrix",
        "",
        marks=("%%MatrixMarket",),
        advice="It holds numbers without names: name its folder, with features.tsv and barcodes.tsv next to it.",
    ),
    Format(
        "vcf", "a VCF file of variants", "", marks=("##fileformat=VCF",), advice="Sum the variants up by gene first."
    ),
    Format(
        "bed",
        "a BED file of regions",
        "",
        lambda start: most_rows(start, _is_region),
        marks=("track ", "browser "),
        advice="Assign the regions to genes first, and list those.",
    ),
    Format(
        "genbank",
        "a GenBank or EMBL record",
        "",
        marks=("LOCUS  ", "ID   "),
        advice="It holds a sequence. List the genes one per line, or export them as a table.",
    ),
    Format("fasta", "sequences (FASTA)", "", _is_fasta, advice="List the genes one per line instead."),
)
LIKELY = (
    Format("json", "JSON", "", marks=("[",), advice="Convert it to TSV."),
    Format("gmt", "GMT (gene sets)", "gene-sets", _is_ragged),
    Format("groups", "groups of genes", "gene-sets", _is_group_rows),
    Format("ontology-table", "a table that relates terms", "ontology", lambda start: most_rows(start, _relates_terms)),
    Format("annotation-table", "a table of annotations", "annotations", lambda start: most_rows(start, _annotates)),
    Format(
        "expression",
        "an expression table",
        "genes",
        _is_expression,
        advice='Its gene names are read by read_genes; weights of regulation (targets × TFs) with format="matrix".',
    ),
)
NAMES = Format("names", "a list of names", "genes", lambda start: lay_out(start).width == 1)
