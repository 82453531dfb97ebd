"""DCell: a topology in three lines a term, ``ROOT: id n``, ``GENES: …``, ``TERMS: …``.

In: such a file. Out: an `Ontology` and its `Annotations`.
"""

from __future__ import annotations

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.files import read_lines
from keras_vnn.basics.provenance import Source
from keras_vnn.priors import Annotations, Ontology
from keras_vnn.readers.formats import Format
from keras_vnn.readers.text import Preview, at

__all__ = ["DCELL", "read_dcell"]


def looks_like_dcell(start: Preview) -> bool:
    """Say whether a file begins with ``ROOT:``."""
    return start.texts[0].startswith("ROOT:")


def read_dcell(start: Preview) -> tuple[Ontology, Annotations]:
    """Read a DCell topology. Genes are those annotated directly; the number after the id counts descendants' too.

    Raises
    ------
    ReadError
        A line begins with none of the three words, one of the three is missing or comes before its ROOT, or a child
        has no ROOT of its own.
    """
    path = start.path
    edges: list[tuple[str, str]] = []
    members: list[tuple[str, str, int]] = []
    line_of: dict[str, int] = {}
    child_line: dict[str, int] = {}
    term, missing = "", set[str]()
    for number, text in enumerate(read_lines(path), 1):
        if not text.strip():
            continue
        word, _, rest = text.partition(":")
        values = rest.split()
        if word == "ROOT":
            if missing:
                raise ReadError(f"The term {term} has no {' and no '.join(sorted(missing))} line: {at(path, number)}")
            if not values:
                raise ReadError(f"The ROOT line names no term: {at(path, number)}")
            term, missing = values[0], {"GENES", "TERMS"}
            if term in line_of:
                raise ReadError(
                    f"The term {term} is described twice, first in line {line_of[term]}: {at(path, number)}"
                )
            line_of[term] = number
        elif word in missing:
            missing.remove(word)
            if word == "GENES":
                members += [(gene, term, number) for gene in values]
            else:
                edges += [(child, term) for child in values]
                child_line |= {child: number for child in values if child not in child_line}
        else:
            raise ReadError(f"Expected three lines a term, ROOT: then GENES: and TERMS:, got: {at(path, number)}")
    if missing:
        raise ReadError(
            f"The term {term} has no {' and no '.join(sorted(missing))} line: {path}\nIs the file truncated?"
        )
    absent = sorted(child_line.keys() - line_of.keys())
    if absent:
        raise ReadError(
            f"{absent[0]} is a child of a term but has no ROOT line: {at(path, child_line[absent[0]])}\n"
            "Is the file truncated?"
        )
    source = Source.of_file(path, "DCell topology", records=len(line_of))
    ontology = Ontology.from_edges([a for a, _ in edges], [b for _, b in edges], terms=line_of, sources=(source,))
    annotations = Annotations.from_pairs(
        [gene for gene, _, _ in members],
        [term for _, term, _ in members],
        line=[line for *_, line in members],
        sources=(source,),
    )
    return ontology, annotations


DCELL = Format("dcell", "DCell topology: ROOT:, GENES:, TERMS:", looks_like_dcell, read_dcell)
