"""Terms are laid out in layers, and the edges between them.

In: a pruned `Hierarchy`. Out: a `Layout`: a layer for each term, and the edges from lower to higher layers.
Every edge either is in the layout or was counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from keras_vnn.architecture.wiring._hierarchy import Hierarchy, adjacency
from keras_vnn.basics.provenance import AuditEntry

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Layout", "distances", "gene_edges", "lay_out", "only_adjacent"]


# What a term's position is taken from. Height counts up from the leaves, depth and level down from the roots.
LAYERINGS: Mapping[str, Callable[[Hierarchy], NDArray[np.int64]]] = MappingProxyType(
    {
        "height": lambda hierarchy: hierarchy.height,
        "depth": lambda hierarchy: hierarchy.depth,
        "level": lambda hierarchy: hierarchy.level,
        "flat": lambda hierarchy: hierarchy.depth,
    }
)


@dataclass(frozen=True, eq=False)
class Layout:
    """Terms in layers.

    Attributes
    ----------
    layer
        ``(terms,)`` number of the layer of each term, from 1; 0 for a term that was left out.
    names
        Names of the layers 1, 2, …
    parents
        ``(terms, terms)`` boolean CSR, only edges that lead to a higher layer.
    genes
        ``(genes, terms)`` boolean CSR: which genes each term reads.
    """

    layer: NDArray[np.int64]
    names: tuple[str, ...]
    parents: sparse.csr_array
    genes: sparse.csr_array


def distances(hierarchy: Hierarchy, layering: str) -> NDArray[np.int64]:
    """Return what a layering goes by, for each term."""
    return LAYERINGS[layering](hierarchy)


def gene_edges(hierarchy: Hierarchy, term_genes: str) -> sparse.csr_array:
    """Return ``(genes, terms)`` which genes each term reads itself.

    ``direct``: those annotated with it; ``specific``: those of them that none of its children has; ``all``: those of
    its children as well.
    """
    if term_genes == "all":
        return hierarchy.members
    if term_genes == "direct":
        return hierarchy.direct
    from_children = sparse.csr_array(hierarchy.members @ hierarchy.parents)
    again = hierarchy.direct.multiply(from_children)
    return sparse.csr_array(hierarchy.direct.astype(np.int8) - again.astype(np.int8), dtype=bool)


def lay_out(
    hierarchy: Hierarchy, layering: str, term_genes: str, *, lowest: int = 0
) -> tuple[Layout, list[AuditEntry]]:
    """Give each term its layer; drop edges that do not lead upwards, which only ``level`` can have.

    Layers are named from ``lowest`` on, the first number of a window.
    """
    count = len(hierarchy)
    if layering == "flat":
        none = sparse.csr_array((count, count), dtype=bool)
        return Layout(np.ones(count, np.int64), ("terms",), none, hierarchy.members), []
    distance = distances(hierarchy, layering)
    highest = int(distance.max())
    layer = distance + 1 if layering == "height" else highest - distance + 1
    shown = range(highest + 1) if layering == "height" else range(highest, -1, -1)
    names = tuple(f"{layering} {lowest + number}" for number in shown)
    edges = hierarchy.parents.tocoo()
    upwards = layer[edges.row] < layer[edges.col]
    parents = adjacency(edges.row[upwards], edges.col[upwards], (count, count))
    wrong = [f"{hierarchy.ids[a]} → {hierarchy.ids[b]}" for a, b in _edges(edges.row, edges.col, ~upwards)]
    entry = AuditEntry.of("wire", "ontology edge", f"to a term of the same or a lower {layering} layer, dropped", wrong)
    return Layout(layer, names, parents, gene_edges(hierarchy, term_genes)), [entry]


def only_adjacent(layout: Layout, hierarchy: Hierarchy, genes: tuple[str, ...]) -> tuple[Layout, list[AuditEntry]]:
    """Drop every edge that skips a layer, then the terms that no longer lead anywhere or no longer read anything.

    A term that never had a parent counts as leading to the output.
    """
    edges, reads = layout.parents.tocoo(), layout.genes.tocoo()
    far = layout.layer[edges.col] - layout.layer[edges.row] > 1
    late = layout.layer[reads.col] > 1
    entries = [
        AuditEntry.of(
            "wire",
            "ontology edge",
            "skips a layer, dropped",
            [f"{hierarchy.ids[a]} → {hierarchy.ids[b]}" for a, b in _edges(edges.row, edges.col, far)],
        ),
        AuditEntry.of(
            "wire",
            "gene edge",
            "skips a layer, dropped",
            [f"{genes[a]} → {hierarchy.ids[b]}" for a, b in _edges(reads.row, reads.col, late)],
        ),
    ]
    parents = adjacency(edges.row[~far], edges.col[~far], layout.parents.shape)
    direct = adjacency(reads.row[~late], reads.col[~late], layout.genes.shape)
    alive = np.ones(len(hierarchy), bool)
    highest_first = np.argsort(-layout.layer, kind="stable").tolist()
    for term in highest_first:
        above = parents.indices[parents.indptr[term] : parents.indptr[term + 1]]
        alive[term] = hierarchy.is_root[term] or bool(alive[above].any())
    dead_end = ~alive
    children, own = sparse.csc_array(parents), np.bincount(direct.indices, minlength=len(hierarchy)) > 0
    for term in reversed(highest_first):
        below = children.indices[children.indptr[term] : children.indptr[term + 1]]
        alive[term] &= bool(own[term]) or bool(alive[below].any())
    for lost, reason in (
        (dead_end, "all its edges upwards skip a layer, removed"),
        (~alive & ~dead_end, "nothing it reads is left, removed"),
    ):
        entries.append(AuditEntry.of("wire", "term", reason, [hierarchy.ids[i] for i in np.flatnonzero(lost)]))
    layer = np.where(alive, layout.layer, 0)
    diagonal = sparse.diags_array(alive, dtype=bool, format="csr")
    return (
        replace(
            layout,
            layer=layer,
            # Only the highest can be empty: what a term reads now lies in the layer below it.
            names=layout.names[: int(layer.max(initial=0))],
            parents=sparse.csr_array(diagonal @ parents @ diagonal),
            genes=sparse.csr_array(direct @ diagonal),
        ),
        entries,
    )


def _edges(rows: NDArray[np.int32], columns: NDArray[np.int32], chosen: NDArray[np.bool_]) -> list[tuple[int, int]]:
    return list(zip(rows[chosen].tolist(), columns[chosen].tolist(), strict=True))
