"""DrugCell and SparseGO: three columns, ``parent child default`` between terms and ``term gene gene`` for members.

In: such a file, tab-separated, without header. Out: an `Ontology` and its `Annotations`.
"""

from __future__ import annotations

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.provenance import Source
from keras_vnn.priors import Annotations, Ontology
from keras_vnn.readers.formats import Format
from keras_vnn.readers.tab_columns import TabLayout, read_tab_columns
from keras_vnn.readers.text import Preview, at

__all__ = ["DRUGCELL", "read_drugcell"]

LAYOUT = TabLayout(
    "DrugCell row",
    {"parent": 0, "child": 1, "kind": 2},
    fewest=3,
    most=3,
    required=("parent", "child", "kind"),
    comment="#",
)
_GENE, _TERM = "gene", "default"


def looks_like_drugcell(start: Preview) -> bool:
    """Say whether a file has three columns of which the last is ``default`` or ``gene``."""
    rows = [text.split("\t") for text in start.texts]
    return all(len(row) == 3 and row[2].strip() in (_GENE, _TERM) for row in rows)


def read_drugcell(start: Preview) -> tuple[Ontology, Annotations]:
    """Read a DrugCell hierarchy. Its ``default`` relation is read as ``is_a``.

    Raises
    ------
    ReadError
        A row has other than three columns, the third is neither ``default`` nor ``gene``, or no row is one of them.
    """
    path = start.path
    frame, records, _ = read_tab_columns(start, LAYOUT)
    parent, child, kind = (frame[name].astype(str).str.strip() for name in ("parent", "child", "kind"))
    strange = ~kind.isin((_GENE, _TERM))
    if strange.any():
        line = int(frame.index[strange][0])
        raise ReadError(f"The third column is {kind[line]!r}, expected 'default' or 'gene': {at(path, line)}")
    member = (kind == _GENE).to_numpy()
    if not member.any():
        raise ReadError(
            f"No row assigns a gene to a term (third column 'gene'): {path}\nIs it cut short? Download it again."
        )
    source = Source.of_file(path, "DrugCell hierarchy", records=records)
    ontology = Ontology.from_edges(child[~member], parent[~member], terms=sorted(set(parent)), sources=(source,))
    annotations = Annotations.from_pairs(
        child[member], parent[member], line=frame.index.to_numpy()[member], sources=(source,)
    )
    return ontology, annotations


DRUGCELL = Format(
    "drugcell", "DrugCell or SparseGO: parent, child, default | term, gene, gene", looks_like_drugcell, read_drugcell
)
