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
from numpy.typing import NDArray

from keras_vnn.architecture.wiring._communities import split_into_communities
from keras_vnn.architecture.wiring._groups import Groups, membership
from keras_vnn.basics.errors import WiringError
from keras_vnn.options import InteractionOptions
from keras_vnn.priors import Interactions

__all__ = ["GROUPINGS"]

CLIQUE_LIMIT = 500_000
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


def cliques(interactions: Interactions, options: InteractionOptions) -> Groups:
    """Return a group per maximal clique of at least two proteins.

    Raises
    ------
    WiringError
        There are more than 500,000 of them.
    """
    import networkx as nx

    graph = nx.Graph(interactions.pairs.tolist())
    found = list(islice(nx.find_cliques(graph), CLIQUE_LIMIT + 1))
    if len(found) > CLIQUE_LIMIT:
        raise WiringError(
            f"The {len(interactions):,} interactions have more than {CLIQUE_LIMIT:,} maximal cliques.\n"
            'Keep fewer interactions (a higher min_score), or take grouping="community" or "neighbourhood".'
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
    return f"{'–'.join(names[:_LABEL_GENES])}… ({len(names)} genes)"


def _coordinates(groups: Sequence[Iterable[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the member and the group of each membership."""
    members = [np.fromiter(group, np.int64) for group in groups]
    columns = np.repeat(np.arange(len(members)), [len(group) for group in members])
    return np.concatenate([np.zeros(0, np.int64), *members]), columns
