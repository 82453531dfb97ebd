"""KPNN: an edge list ``parent,child`` from the outputs down to genes.

In: such a CSV file. Out: an `Ontology` and its `Annotations`. What is never a parent is a gene.
"""

from __future__ import annotations

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.priors import Annotations, Ontology
from keras_vnn.readers.columns import Columns, lay_out
from keras_vnn.readers.formats import Format
from keras_vnn.readers.rows import read_rows
from keras_vnn.readers.text import Preview

__all__ = ["KPNN", "read_kpnn"]

_HEADER = ("parent", "child")
_SUFFIX = "_gene"


def looks_like_kpnn(start: Preview) -> bool:
    """Say whether a file has the header ``parent,child``."""
    return tuple(word.strip().strip('"').casefold() for word in start.texts[0].split(",")[:2]) == _HEADER


def read_kpnn(start: Preview) -> tuple[Ontology, Annotations]:
    """Read a KPNN edge list. The suffix ``_gene`` is removed where every gene carries it.

    Raises
    ------
    ReadError
        A row lacks a name, or everything is a parent, so that no gene is left.
    """
    layout = lay_out(start, header=True)
    rows = read_rows(layout, Columns(0, 1, chosen=True), subject="row")
    parents = set(rows.first.tolist())
    leaf = [name not in parents for name in rows.second.tolist()]
    if not any(leaf):
        raise ReadError(f"Every child is a parent as well, so there is no gene: {start.path}\nThe edges form a cycle.")
    genes = [name for name, is_leaf in zip(rows.second.tolist(), leaf, strict=True) if is_leaf]
    suffixed = all(name.endswith(_SUFFIX) and len(name) > len(_SUFFIX) for name in genes)
    renamed = AuditEntry("read", "gene", f"suffix {_SUFFIX} removed", len(set(genes)) if suffixed else 0)
    if suffixed:
        genes = [name.removesuffix(_SUFFIX) for name in genes]
    edges = [(c, p) for p, c, is_leaf in zip(rows.first, rows.second, leaf, strict=True) if not is_leaf]
    members = [(p, int(n)) for p, n, is_leaf in zip(rows.first, rows.line, leaf, strict=True) if is_leaf]
    source = Source.of_file(start.path, "KPNN edge list", records=rows.records)
    ontology = Ontology.from_edges(
        [child for child, _ in edges], [parent for _, parent in edges], terms=sorted(parents), sources=(source,)
    )
    annotations = Annotations.from_pairs(
        genes,
        [parent for parent, _ in members],
        line=[line for _, line in members],
        sources=(source,),
        audit=Audit.of(renamed),
    )
    return ontology, annotations


KPNN = Format("kpnn", "KPNN edge list: parent,child", looks_like_kpnn, read_kpnn)
