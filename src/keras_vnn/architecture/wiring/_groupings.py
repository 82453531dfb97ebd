"""What counts as a group of interactions: the four ways, by name.

In: `Interactions` among the genes of a list. Out: `Groups` over the genes of the table.
A new grouping is one function here and one line in `GROUPINGS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from keras_vnn.architecture.wiring._groups import Groups, membership
from keras_vnn.basics.errors import WiringError, counted
from keras_vnn.basics.remedies import remedy
from keras_vnn.options import InteractionOptions
from keras_vnn.priors import Interactions

_LABEL_GENES = 4


def edges(interactions: Interactions, options: InteractionOptions) -> Groups:
    """Return a group per interaction: its two genes."""
    names = np.array(interactions.genes, dtype=object)
    a, b = names[interactions.pairs[:, 0]], names[interactions.pairs[:, 1]]
    count = len(interactions)
    return Groups.of(
        "interaction",
        ("PPI:" + a + "~" + b).tolist(),
        (a + "–" + b).tolist(),
        [_marked("edge")] * count,
        membership(interactions.pairs.ravel(), np.repeat(np.arange(count), 2), (len(names), count)),
    )


def neighbourhoods(interactions: Interactions, options: InteractionOptions) -> Groups:
    """Return a group per protein: it and its partners."""
    a, b = interactions.pairs.T
    proteins = np.arange(len(interactions.genes))
    rows, hubs = np.concatenate([a, b, proteins]), np.concatenate([b, a, proteins])
    names = interactions.genes
    return Groups.of(
        "interaction",
        [f"PPI:{name}" for name in names],
        [f"{name} and partners" for name in names],
        [_marked("neighbourhood", name) for name in names],
        membership(rows, hubs, (len(names), len(names))),
    )


def cliques(interactions: Interactions, options: InteractionOptions, *, most: int = 500_000) -> Groups:
    """Return a group per maximal clique of at least two proteins.

    Raises
    ------
    WiringError
        There are more than ``most`` of them.
    """
    import networkx as nx

    graph = nx.Graph(interactions.pairs.tolist())
    found = list(islice(nx.find_cliques(graph), most + 1))
    if len(found) > most:
        raise WiringError(
            f"The {counted(len(interactions), 'interaction')} have more than {counted(most, 'maximal clique')}.\n"
            + remedy("Keep fewer interactions by score, or take {grouping} or ", grouping="community")
            + remedy("{grouping}.", grouping="neighbourhood")
        )
    members = [[interactions.genes[i] for i in sorted(clique)] for clique in found]
    return Groups.of(
        "interaction",
        ["PPI:" + "~".join(names) for names in members],
        [_clique_label(names) for names in members],
        [_marked("clique")] * len(members),
        membership(*_coordinates(found), (len(interactions.genes), len(found))),
    )


def communities(interactions: Interactions, options: InteractionOptions) -> Groups:
    """Return a group per community; every protein is in exactly one."""
    label = split_into_communities(
        interactions.pairs,
        len(interactions.genes),
        largest=options.community_size,
        resolution=options.resolution,
        seed=options.seed,
    )
    a, b = interactions.pairs.T
    inside = interactions.pairs[label[a] == label[b]]
    degree = np.bincount(inside.ravel(), minlength=len(label))
    by_degree = np.lexsort((np.arange(len(label)), -degree, label))
    hubs = [interactions.genes[i] for i in by_degree[np.unique(label[by_degree], return_index=True)[1]]]
    return Groups.of(
        "interaction",
        [f"PPI:community:{hub}" for hub in hubs],
        [f"{hub} community" for hub in hubs],
        [_marked("community", hub) for hub in hubs],
        membership(np.arange(len(label)), label, (len(label), len(hubs))),
    )


GROUPINGS: Mapping[str, Callable[[Interactions, InteractionOptions], Groups]] = MappingProxyType(
    {"edge": edges, "neighbourhood": neighbourhoods, "clique": cliques, "community": communities}
)


def _marked(grouping: str, hub: str = "") -> Mapping[str, Any]:
    return MappingProxyType({"grouping": grouping, "hub": hub} if hub else {"grouping": grouping})


def _clique_label(names: Sequence[str]) -> str:
    if len(names) <= _LABEL_GENES:
        return "–".join(names)
    return f"{'–'.join(names[:_LABEL_GENES])}… ({counted(len(names), 'gene')})"


def _coordinates(groups: Sequence[Iterable[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the member and the group of each membership."""
    members = [np.fromiter(group, np.int64) for group in groups]
    columns = np.repeat(np.arange(len(members)), [len(group) for group in members])
    return np.concatenate([np.zeros(0, np.int64), *members]), columns


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
    numbers: NDArray[np.int64] = pd.factorize(label)[0].astype(np.int64)
    return numbers
