"""Edges that are not in an architecture: candidates for soft links, and decoys of its own edges.

In: an `Architecture`. Out: adjacencies of genes and the nodes of a layer, sparse whatever the number of genes.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.architecture._summary import genes_upstream
from keras_vnn.architecture._value import Architecture
from keras_vnn.basics.errors import ArchitectureError, counted
from keras_vnn.basics.remedies import remedy

_LAYOUT = ("unannotated", "passthrough")


def candidate_edges(
    arch: Architecture, *, near: int | None = None, nodes: Collection[str] = (), block: int = 64, most: int = 20_000_000
) -> dict[int, sparse.csr_array]:
    """Return edges from genes to nodes that the genes are not upstream of.

    Parameters
    ----------
    arch
        The architecture.
    near
        So many per node: of the genes that share nodes with those upstream of it, the ones that share most. A shared
        node counts by one over its number of genes, so that small sets tell more. All genes if ``None``.
    nodes
        Ids of the only nodes that get some; all nodes that stand for something if empty.
    block
        Nodes whose genes are compared at a time.
    most
        Candidates there may be when all genes are.

    Returns
    -------
    dict
        By number of the layer ``(genes, nodes)`` of booleans; layers without candidates are absent.

    Raises
    ------
    ArchitectureError
        There would be more than ``most``.
    """
    upstream = genes_upstream(arch)
    direct = sparse.hstack([arch.adjacency(0, number) for number in range(1, len(arch.layers))], format="csr")
    sizes = np.asarray(direct.sum(axis=0)).ravel()
    weighted = sparse.csr_array(direct * (1 / np.maximum(sizes, 1)))
    starts = np.cumsum([0, *(len(layer) for layer in arch.hidden_layers)])
    found: dict[int, sparse.csr_array] = {}
    wanted = {number: _wanted(arch, number, nodes) for number in range(1, len(arch.layers))}
    if near is None and (count := len(arch.genes) * sum(map(len, wanted.values()))) > most:
        raise ArchitectureError(
            f"All genes of {counted(sum(map(len, wanted.values())), 'node')} are {counted(count, 'candidate edge')}, "
            f"expected at most {most:,}.\n"
            + remedy("Name the nodes: {soft_link_nodes}, or take {soft_links}.", soft_link_nodes=..., soft_links="near")
        )
    for number, chosen in wanted.items():
        rows, columns = [], []
        for start in range(0, len(chosen), block):
            places = chosen[start : start + block]
            reads = upstream[:, starts[number - 1] + places]
            scores = np.ones(reads.shape) if near is None else (weighted @ (direct.T @ reads)).toarray()
            scores[reads.nonzero()] = 0
            best = _highest(scores, len(arch.genes) if near is None else near)
            rows.append(best[0])
            columns.append(places[best[1]])
        if sum(map(len, rows)):
            ones, ends = np.ones(sum(map(len, rows)), bool), (np.concatenate(rows), np.concatenate(columns))
            found[number] = sparse.csr_array((ones, ends), shape=(len(arch.genes), len(arch.layers[number])))
    return found


def decoy_edges(arch: Architecture) -> dict[int, sparse.csr_array]:
    """Return as many edges from other genes to each node as it reads genes; the same for the same architecture.

    A gene is drawn as often as it feeds nodes, none that is upstream of the node already.
    """
    upstream = genes_upstream(arch)
    starts = np.cumsum([0, *(len(layer) for layer in arch.hidden_layers)])
    fed = np.zeros(len(arch.genes))
    for (source, _), matrix in arch.connections.items():
        if source == 0:
            fed += np.diff(matrix.indptr)
    rng = np.random.default_rng(int(arch.fingerprint[:16], 16))
    found: dict[int, sparse.csr_array] = {}
    for (source, number), matrix in arch.connections.items():
        if source:
            continue
        reads = np.diff(sparse.csc_array(matrix).indptr)
        rows, columns = [], []
        for place in np.flatnonzero(reads):
            chances = fed.copy()
            chances[upstream[:, [starts[number - 1] + place]].indices] = 0
            count = min(int(reads[place]), int((chances > 0).sum()))
            if count:
                rows.append(rng.choice(len(fed), count, replace=False, p=chances / chances.sum()))
                columns.append(np.full(count, place))
        if rows:
            ones, ends = np.ones(sum(map(len, rows)), bool), (np.concatenate(rows), np.concatenate(columns))
            found[number] = sparse.csr_array((ones, ends), shape=matrix.shape)
    return found


def _wanted(arch: Architecture, number: int, nodes: Collection[str]) -> NDArray[np.intp]:
    layer = arch.layers[number]
    chosen = [node.id in nodes if nodes else node.kind not in _LAYOUT for node in layer]
    return np.flatnonzero(chosen)


def _highest(scores: NDArray[np.floating], most: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of so many highest scores above 0 of each column; of equal ones the first."""
    order = np.argsort(-scores, axis=0, kind="stable")[:most]
    columns = np.broadcast_to(np.arange(scores.shape[1]), order.shape)
    kept = scores[order, columns] > 0
    return order[kept], columns[kept]
