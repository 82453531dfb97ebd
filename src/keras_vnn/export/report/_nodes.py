"""The nodes of a network, column by column, and the one parent under which each stands in the hierarchy.

In: an `Architecture`. Out: plain JSON values; nodes are numbered as `Architecture.nodes` gives them, genes first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_vnn.architecture import Architecture, gene_counts
from keras_vnn.export.report._columns import whole

__all__ = ["node_columns", "starts_of", "tree_parents"]


def starts_of(arch: Architecture) -> NDArray[np.int64]:
    """Return the number of the first node of every layer, and behind them the number of nodes."""
    return np.concatenate([[0], np.cumsum([len(layer) for layer in arch.layers])]).astype(np.int64)


def node_columns(arch: Architecture) -> dict[str, Any]:
    """Return what is known of the nodes without a model.

    Returns
    -------
    dict
        Lists with an entry per node: ``id``, ``label`` (``None`` where it is the id), ``kind`` (number in ``kinds``),
        ``layer``, ``units``, ``genes`` (upstream, on any path), ``inputs``, ``outputs`` (named nodes next to it),
        ``parent`` (number of a node, -1 for none). ``kinds``; ``names``: the ids of merged nodes by number of the node.
    """
    nodes = [position.node for position in arch.nodes()]
    table = arch.node_table()
    kinds = list(dict.fromkeys(node.kind for node in nodes))
    code = {kind: number for number, kind in enumerate(kinds)}
    counts = gene_counts(arch)
    return {
        "kinds": kinds,
        "id": [node.id for node in nodes],
        "label": [None if node.label == node.id else node.label for node in nodes],
        "kind": [code[node.kind] for node in nodes],
        "layer": whole(table["layer"]),
        "units": whole(table["units"]),
        "genes": whole(np.concatenate(counts)),
        "inputs": whole(table["inputs"]),
        "outputs": whole(table["outputs"]),
        "parent": whole(tree_parents(arch, counts)),
        "names": {
            str(number): [name for name in node.names if name != node.id]
            for number, node in enumerate(nodes)
            if any(name != node.id for name in node.names)
        },
    }


def tree_parents(arch: Architecture, genes: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return for each node the one under which it stands: of those it feeds, the one with the fewest genes upstream.

    That is the most specific of its parents; of several, the first in order. Genes stand under none, and neither do
    nodes that feed no other.
    """
    starts = starts_of(arch)
    parent = np.full(int(starts[-1]), -1, np.int64)
    fewest = np.full(len(parent), np.iinfo(np.int64).max)
    for (source, target), matrix in arch.connections.items():
        if source == 0:
            continue
        edges = matrix.tocoo()
        size = genes[target][edges.col]
        # The first of equals: by size, then by position.
        order = np.lexsort((edges.col, size, edges.row))
        rows, first = np.unique(edges.row[order], return_index=True)
        child = starts[source] + rows
        smaller = size[order][first] < fewest[child]
        parent[child[smaller]] = starts[target] + edges.col[order][first][smaller]
        fewest[child[smaller]] = size[order][first][smaller]
    return parent
