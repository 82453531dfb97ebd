"""Forms that are told by their look alone: what nothing here reads, and what another function reads as a table.

In: the beginning of a file. Out: a `Format` without a function that reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from keras_vnn.priors.genes import GENE_WORDS
from keras_vnn.priors.kinds import OTHER, identify
from keras_vnn.readers.formats import Format, most_rows
from keras_vnn.readers.formats.gene_sets import looks_like_groups
from keras_vnn.readers.formats.terms import TERM_ID, annotates
from keras_vnn.readers.layout import NO_SCORE, is_number, lay_out, normalized
from keras_vnn.readers.text import GCT, Preview

_GO_TERM = re.compile(r"GO:\d{7}|R-[A-Z]{3}-\d+$")
_DESCRIPTION = re.compile(r"(https?://|>|na$|n/a$)", re.IGNORECASE)


def _is_ragged(start: Preview) -> bool:
    if not most_rows(start, lambda row: len(row) >= 3):
        return False
    if most_rows(start, lambda row: len(row) > 1 and _DESCRIPTION.match(row[1]) is not None):
        return True
    if most_rows(start, lambda row: any(map(is_number, row[2:]))):
        return False
    widths = {text.count("\t") + 1 for text in start.texts}
    ragged = len(start.lines) > 1 and len(widths) >= min(3, len(start.lines)) and max(widths) >= 5
    return ragged or most_rows(start, lambda row: row[1:2] == [""])


def _is_group_rows(start: Preview) -> bool:
    rows = start.fields
    if not most_rows(start, lambda row: len(row) >= 4) or any(not all(row) for row in rows):
        return False
    named = {row[0] for row in rows}
    return (
        looks_like_groups(start) and len(named) == len(rows) and not named & {gene for row in rows for gene in row[1:]}
    )


def _relates_terms(row: Sequence[str]) -> bool:
    terms = [bool(TERM_ID.fullmatch(name)) for name in row[:2]]
    return len(row) >= 2 and (all(terms) or (terms[0] and row[2:3] in (["gene"], ["default"])))


def _annotates(start: Preview) -> bool:
    return annotates(start) or most_rows(start, lambda row: len(row) >= 2 and any(map(_GO_TERM.match, row)))


def _has_regions(start: Preview) -> bool:
    return most_rows(
        start, lambda row: len(row) >= 3 and row[0].startswith("chr") and row[1].isdigit() and row[2].isdigit()
    )


def _is_fasta(start: Preview) -> bool:
    texts = start.texts
    return len(texts) > 1 and texts[0][:1] == ">" and re.fullmatch(r"[A-Za-z*-]+", texts[1].strip()) is not None


def _is_owl(start: Preview) -> bool:
    marks = ("www.w3.org/2002/07/owl", "<Ontology", "Prefix(", "Prefix: ")
    # The tags of OBO are written in lower case; owl-axioms holds OWL.
    return any(mark in text for text in start.top[:40] if re.match(r"[a-z_-]+: ", text) is None for mark in marks)


def _is_dot(start: Preview) -> bool:
    return re.match(r"\s*(strict\s+)?(di)?graph\b[^\[]*\{", " ".join(start.texts[:3])) is not None


def _is_gct(start: Preview) -> bool:
    return any(number == 1 and text in GCT for number, text in start.comments)


def _is_feature_counts(start: Preview) -> bool:
    return start.fields[0][:6] == ["Geneid", "Chr", "Start", "End", "Strand", "Length"]


def _is_expression(start: Preview) -> bool:
    if len(start.lines) < 2:
        return False
    layout = lay_out(start)
    if layout.header is None or layout.is_numeric(0):
        return False
    titles = dict(enumerate(layout.titles))
    corner = titles.pop(0).casefold()
    others = [title for column, title in titles.items() if not layout.is_numeric(column)]
    # Names of other kinds may stand next to the first, as pipelines write them.
    if not all(GENE_WORDS.fullmatch(title.casefold()) for title in others):
        return False
    if len(titles) - len(others) > 2:
        return True
    # Two columns of numbers are measured where they say so of genes, and are not ids of them.
    measured = sum(NO_SCORE.fullmatch(normalized(title)) is None for title in titles.values() if title not in others)
    return measured == 2 and (not corner or GENE_WORDS.fullmatch(corner) is not None)


def _is_one_line(start: Preview) -> bool:
    """Say whether the file is one line of three names or more; two are a pair."""
    names = lay_out(start).rows[0][1]
    return len(start.lines) == 1 and len(names) > 2 and identify(names).kind != OTHER and not any(map(is_number, names))


def _begins(*header: str) -> Callable[[Preview], bool]:
    """Return what says whether a header begins so."""
    return lambda start: tuple(start.fields[0][: len(header)]) == header


def _unreadable(
    name: str, title: str, advice: str, *marks: str, sniff: Callable[[Preview], bool] = lambda start: False
) -> Format:
    """Return a format that nothing here reads: it is only told, with what to do instead."""
    return Format(name, title, "", sniff, marks=marks, advice=advice)


_ROBOT = "Download its .obo file, or convert it: robot convert --input FILE --output terms.obo"
_TO_SAVE = "Download the file itself: the link led to a page about it."
_TO_LIST = "It holds a sequence. List the genes one per line, or export them as a table."
_TO_NAME = "It holds numbers without names: name its folder, with features.tsv and barcodes.tsv next to it."
_TO_GRAPHML = "Export it as GraphML, or as a table with two names per row."
_TO_ASSIGN = "Assign the regions to genes first, and list those."


def _holds(*marks: str) -> Callable[[Preview], bool]:
    """Return what says whether one of the first lines holds a mark."""
    return lambda start: any(mark in text for text in start.texts[:40] for mark in marks)


JSON_RECORDS = _unreadable(
    "json-records",
    "a table in JSON",
    "Write it as text: pandas.read_json(path, lines=True).to_csv('table.tsv', sep='\\t', index=False); without "
    "lines=True where it is one list.",
    sniff=lambda start: re.match(r"\s*(\[\s*\{[^{}\[\]]*\}|\{[^{}\[\]]*\}\s*\{)", "".join(start.texts)) is not None,
)
_ONE_SAMPLE = (
    "It holds the quantities of one sample. Put all samples in one table, a column each, and sum transcripts up by "
    "gene: tximport in R does both."
)
GENE_LIST_JSON = Format(
    "gene-json",
    "a list of genes in JSON",
    "genes",
    lambda start: re.match(r'\s*\[\s*"', "".join(start.texts[:2])) is not None,
)
SURE = (
    Format("gct", "GCT (expression)", "genes", _is_gct),
    Format("featurecounts", "counts of featureCounts", "genes", _is_feature_counts),
    *(
        _unreadable(name, f"quantities of one sample ({title})", _ONE_SAMPLE, sniff=_begins(*header))
        for name, title, header in (
            ("salmon", "salmon", ("Name", "Length", "EffectiveLength")),
            ("kallisto", "kallisto", ("target_id", "length", "eff_length")),
            ("rsem", "RSEM", ("gene_id", "transcript_id(s)", "length")),
            ("rsem", "RSEM", ("transcript_id", "gene_id", "length")),
            ("star", "STAR", ("N_unmapped",)),
        )
    ),
    _unreadable("html", "a web page", _TO_SAVE, "<!DOCTYPE", "<!doctype", "<html", "<HTML"),
    _unreadable("other-owl", "an ontology in OWL, but not RDF/XML", _ROBOT, sniff=_is_owl),
    _unreadable("obo-xml", "an ontology in OBO-XML", "Download its .obo file.", sniff=_holds("<obo>", "<obo ")),
    _unreadable("msigdb-xml", "MSigDB in XML", "Download its .gmt or .json file.", sniff=_holds("<MSIGDB")),
    _unreadable("gexf", "GEXF (Gephi)", _TO_GRAPHML, sniff=_holds("<gexf")),
    _unreadable("pajek", "a network of Pajek", _TO_GRAPHML, "*vertices", "*Vertices", "*network", "*Network"),
    _unreadable("dot", "a network in DOT (Graphviz)", _TO_GRAPHML, sniff=_is_dot),
    _unreadable("xml", "XML", "Convert it to TSV.", "<?xml"),
    _unreadable("mtx", "a MatrixMarket matrix", _TO_NAME, "%%MatrixMarket"),
    _unreadable("vcf", "a VCF file of variants", "Sum the variants up by gene first.", "##fileformat=VCF"),
    _unreadable("bed", "a BED file of regions", _TO_ASSIGN, "track ", "browser ", sniff=_has_regions),
    _unreadable("genbank", "a GenBank or EMBL record", _TO_LIST, "LOCUS  ", "ID   "),
    _unreadable("fasta", "sequences (FASTA)", "List the genes one per line instead.", sniff=_is_fasta),
)
LIKELY = (
    GENE_LIST_JSON,
    _unreadable("json", "JSON", "Convert it to TSV.", "["),
    Format("gmt", "GMT (gene sets)", "gene-sets", _is_ragged),
    Format("groups", "groups of genes", "gene-sets", _is_group_rows),
    Format("ontology-table", "a table that relates terms", "ontology", lambda start: most_rows(start, _relates_terms)),
    Format("annotation-table", "a table of annotations", "annotations", _annotates),
    Format(
        "expression",
        "an expression table",
        "genes",
        _is_expression,
        advice="Its gene names are read by {genes}; weights of regulation (targets × TFs) by {matrix}.",
    ),
)
NAMES = Format("names", "a list of names", "genes", lambda start: lay_out(start).width == 1 or _is_one_line(start))
