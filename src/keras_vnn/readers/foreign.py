"""Files that hold neither genes, interactions nor regulation, and files of those in a form not read here.

In: the beginning of a file. Out: what it is, and what to do with it.
Knows each format by its look alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from keras_vnn.readers.columns import lay_out, split
from keras_vnn.readers.text import BINARY, Preview

__all__ = ["FOREIGN", "Foreign", "recognized_foreign"]


@dataclass(frozen=True, slots=True)
class Foreign:
    """A format that is recognised in order to be refused.

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
    return next((foreign for foreign in FOREIGN if foreign.matches(start)), None)


_GO_TERM = re.compile(r"GO:\d{7}")
_REACTOME = re.compile(r"R-[A-Z]{3}-\d+")
_DESCRIPTION = re.compile(r"(https?://|>|na$|n/a$)", re.IGNORECASE)


def _begins(*words: str) -> Callable[[Preview], bool]:
    return lambda start: any(text.lstrip().startswith(words) for _, text in (*start.comments[:3], *start.lines[:3]))


def _magic(start: Preview) -> bool:
    return any(start.magic.startswith(known) and name != "HDF5" for known, name in BINARY.items())


def _hdf5(start: Preview) -> bool:
    return start.magic.startswith(b"\x89HDF")


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


def _is_mitab(start: Preview) -> bool:
    if _begins("#ID(s) interactor A", "ID(s) interactor A")(start):
        return True
    return _most(_rows(start), lambda row: len(row) >= 15 and re.match(r"[\w./-]+:\S", row[0]) is not None)


def _is_expression(start: Preview) -> bool:
    if len(start.lines) < 2:
        return False
    layout = lay_out(start)
    if layout.header is None or layout.width < 4 or layout.is_numeric(0):
        return False
    return all(layout.is_numeric(column) for column in range(1, layout.width))


FOREIGN = (
    Foreign("h5ad", "HDF5, probably an AnnData file", "Its gene names are read by read_genes.", _hdf5),
    Foreign("binary", "no text but a packed or binary file", "Unpack it, or save it as TSV.", _magic),
    Foreign(
        "html",
        "a web page",
        "Download the file itself: the link led to a page about it.",
        _begins("<!DOCTYPE", "<html"),
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
    Foreign("dcell", "a DCell topology", "Read it with read_hierarchy.", _begins("ROOT: ")),
    Foreign("mtx", "a MatrixMarket matrix", "It holds numbers without names.", _begins("%%MatrixMarket")),
    Foreign("json", "JSON", "Convert it to TSV.", _begins("{", "[")),
    Foreign(
        "biogrid",
        "BioGRID TAB",
        "Name its columns: columns=('Official Symbol Interactor A', 'Official Symbol Interactor B')",
        _begins("#BioGRID Interaction ID", "BioGRID Interaction ID"),
    ),
    Foreign("mitab", "PSI-MITAB", "Write the names of both interactors to a two-column TSV file first.", _is_mitab),
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
