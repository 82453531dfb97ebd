"""Communities of a graph, none larger than asked where that is possible.

In: pairs of vertex numbers. Out: the number of the community of each vertex. Knows nothing of genes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

__all__ = ["split_into_communities"]

_RESOLUTION_STEPS = 8


def split_into_communities(
    pairs: NDArray[np.integer[Any]], count: int, *, largest: int, resolution: float, seed: int
) -> NDArray[np.int64]:
    """Return the community of each vertex, numbered by first member.

    Louvain's method, then again within each community of more than ``largest`` vertices, at twice the resolution
    each time it does not split. Every community is connected and, unless the vertex has no edge, has at least two
    members; one that cannot be split so (a star) stays whole. Same pairs, same result, in any order.

    Parameters
    ----------
    pairs
        ``(edges, 2)`` vertices, each unordered pair once.
    count
        Number of vertices.
    largest
        Number of vertices above which a community is split.
    resolution
        Of the modularity at the first level.
    seed
        Of the order in which vertices are visited.

    References
    ----------
    Blondel et al. 2008, Fast unfolding of communities in large networks, doi:10.1088/1742-5468/2008/10/P10008.
    """
    label = np.zeros(count, np.int64)
    used = 1
    pending = [(np.arange(count), pairs[np.lexsort(pairs.T[::-1])], resolution, _RESOLUTION_STEPS)]
    while pending:
        vertices, edges, gamma, steps = pending.pop()
        parts = _parts(len(vertices), edges, gamma, seed)
        sizes = np.bincount(parts)
        if len(sizes) == 1:
            if steps and len(vertices) > largest:
                pending.append((vertices, edges, 2 * gamma, steps - 1))
            continue
        label[vertices] = used + parts
        used += len(sizes)
        home = np.where(parts[edges[:, 0]] == parts[edges[:, 1]], parts[edges[:, 0]], -1)
        for part in np.flatnonzero(sizes > largest):
            members = np.flatnonzero(parts == part)
            within = np.searchsorted(members, edges[home == part])
            pending.append((vertices[members], within, gamma, _RESOLUTION_STEPS))
    return _numbered(label)


def _parts(count: int, edges: NDArray[np.integer[Any]], resolution: float, seed: int) -> NDArray[np.int64]:
    """Return one Louvain partition into connected parts, with no vertex alone that has an edge."""
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(range(count))
    graph.add_edges_from(edges.tolist())
    label = np.zeros(count, np.int64)
    for number, part in enumerate(nx.community.louvain_communities(graph, resolution=resolution, seed=seed)):
        label[list(part)] = number
    together = edges[label[edges[:, 0]] == label[edges[:, 1]]]
    links = sparse.coo_array((np.ones(len(together), bool), (together[:, 0], together[:, 1])), shape=(count, count))
    label = csgraph.connected_components(links, directed=False)[1].astype(np.int64)
    return _numbered(_joined(label, edges))


def _joined(label: NDArray[np.int64], edges: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return the labels after each vertex that is alone has joined the community most of its edges lead to."""
    label = label.copy()
    sizes = np.bincount(label, minlength=len(label))
    alone = np.flatnonzero(sizes[label] == 1)
    if not len(alone):
        return label
    both = np.concatenate([edges, edges[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    starts = np.searchsorted(both[:, 0], alone, "left")
    ends = np.searchsorted(both[:, 0], alone, "right")
    for vertex, start, end in zip(alone.tolist(), starts.tolist(), ends.tolist(), strict=True):
        if start == end or sizes[label[vertex]] != 1:
            continue
        votes = np.bincount(label[both[start:end, 1]])
        sizes[label[vertex]] = 0
        label[vertex] = votes.argmax()
        sizes[label[vertex]] += 1
    return label


def _numbered(label: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the labels renumbered from 0 in the order of their first member."""
    _, first, inverse = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse.reshape(-1)]
