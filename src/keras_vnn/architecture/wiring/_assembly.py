"""A layout of terms becomes an `Architecture`.

In: the terms, their layers, edges and units. Out: layers of nodes and the adjacency between them, with passthrough
nodes where edges that skip layers are to be carried, and a node for genes without annotation where one is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from keras_vnn.architecture import Layer, Node
from keras_vnn.architecture.wiring._layering import Layout
from keras_vnn.priors.genes import GeneList

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["UNANNOTATED_ID", "assembled"]

UNANNOTATED_ID = "unannotated"
_Edges = list[tuple[int, int, int, int]]


def assembled(
    genes: GeneList,
    layout: Layout,
    terms: Sequence[Node],
    *,
    passthrough: bool,
    unannotated: NDArray[np.intp] | None,
    unannotated_units: int,
    dense_units: int,
) -> tuple[tuple[Layer, ...], dict[tuple[int, int], sparse.csr_array]]:
    """Return layers and connections.

    Parameters
    ----------
    genes
        The input genes.
    layout
        Layers and edges of the terms.
    terms
        The node of each term.
    passthrough
        Carry edges that skip layers by passthrough nodes, one per source and layer in between.
    unannotated
        Positions of the genes that one node in the last layer is to read; ``None`` for no such node.
    unannotated_units
        Its units.
    dense_units
        Fully connected units next to the nodes of the last layer.
    """
    count = len(layout.names)
    nodes: list[list[Node]] = [[Node(gene, kind="gene") for gene in genes]]
    place = np.zeros(len(terms), np.int64)
    for number in range(1, count + 1):
        chosen = np.flatnonzero(layout.layer == number).tolist()
        place[chosen] = np.arange(len(chosen))
        nodes.append([terms[i] for i in chosen])
    edges, reads = layout.parents.tocoo(), layout.genes.tocoo()
    source_layer = np.concatenate([np.zeros(reads.nnz, np.int64), layout.layer[edges.row]])
    source = np.concatenate([reads.row, place[edges.row]]).astype(np.int64)
    target_layer = layout.layer[np.concatenate([reads.col, edges.col])]
    target = place[np.concatenate([reads.col, edges.col])]
    table = np.stack([source_layer, source, target_layer, target], axis=1)
    if passthrough:
        table = _carried(table, nodes)
    if unannotated is not None:
        nodes[-1].append(Node(UNANNOTATED_ID, "genes without annotation", "unannotated", unannotated_units))
        rows = np.zeros((len(unannotated), 4), np.int64)
        rows[:, 1], rows[:, 2], rows[:, 3] = unannotated, count, len(nodes[-1]) - 1
        table = np.concatenate([table, rows])
    layers = [Layer("genes", tuple(nodes[0]))] + [
        Layer(name, tuple(listed), dense_units if number == count else 0)
        for number, (name, listed) in enumerate(zip(layout.names, nodes[1:], strict=True), 1)
    ]
    return tuple(layers), _connections(table, [len(layer) for layer in layers])


def _connections(table: NDArray[np.int64], sizes: Sequence[int]) -> dict[tuple[int, int], sparse.csr_array]:
    pairs, which = np.unique(table[:, [0, 2]], axis=0, return_inverse=True)
    connections = {}
    for number, (lower, upper) in enumerate(pairs.tolist()):
        rows = table[which.reshape(-1) == number]
        entries = (np.ones(len(rows), bool), (rows[:, 1], rows[:, 3]))
        connections[lower, upper] = sparse.csr_array(entries, shape=(sizes[lower], sizes[upper]))
    return connections


def _carried(table: NDArray[np.int64], nodes: list[list[Node]]) -> NDArray[np.int64]:
    """Return the edges with those that skip layers led through passthrough nodes, which are added to ``nodes``."""
    far = table[:, 2] - table[:, 0] > 1
    # For each source with such edges, the highest layer it must be carried to.
    highest: dict[tuple[int, int], int] = {}
    for layer, position, upper, _ in table[far].tolist():
        highest[layer, position] = max(highest.get((layer, position), 0), upper)
    station: dict[tuple[int, int, int], int] = {}
    links: _Edges = []
    for layer, position in sorted(highest):
        node = nodes[layer][position]
        before = (layer, position)
        for number in range(layer + 1, highest[layer, position]):
            facts: Mapping[str, Any] = {"of": node.id}
            nodes[number].append(
                Node(f"passthrough {number}: {node.id}", node.label, "passthrough", node.units, attributes=facts)
            )
            here = len(nodes[number]) - 1
            links.append((*before, number, here))
            station[layer, position, number] = here
            before = (number, here)
    led = [
        (upper - 1, station[layer, position, upper - 1], upper, target)
        for layer, position, upper, target in table[far].tolist()
    ]
    return np.concatenate([table[~far], np.array([*links, *led], np.int64).reshape(-1, 4)])
