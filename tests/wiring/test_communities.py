import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_vnn.architecture.wiring import interaction_architecture
from keras_vnn.priors import Interactions

edges_of_ten = st.sets(
    st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda e: e[0] < e[1]), min_size=1, max_size=25
).map(sorted)


def name(vertex):
    return f"P{vertex:02}"


def split(edges, count, largest=60, resolution=1.0, seed=0):
    """Return the number of the community of each vertex, by first member; a vertex without an edge is in none: -1."""
    ppi = Interactions.from_pairs(*zip(*((name(a), name(b)) for a, b in edges), strict=True))
    names = [name(vertex) for vertex in range(count)]
    arch = interaction_architecture(
        names, ppi, grouping="community", community_size=largest, resolution=resolution, seed=seed
    )
    members = np.asarray(arch.adjacency(0, 1).todense())
    assert (members.sum(axis=1) <= 1).all()
    labels = np.where(members.any(axis=1), members.argmax(axis=1), -1)
    numbers = {label: number for number, label in enumerate(dict.fromkeys(labels[labels >= 0]))}
    return [numbers.get(label, -1) for label in labels.tolist()]


@given(edges=edges_of_ten, largest=st.integers(2, 10))
def test_a_partition_into_connected_parts_without_a_vertex_alone(edges, largest):
    label = split(edges, 10, largest)
    graph = nx.Graph(edges)
    graph.add_nodes_from(range(10))
    assert [vertex for vertex in range(10) if label[vertex] < 0] == [v for v in range(10) if not graph.degree[v]]
    for part in set(label) - {-1}:
        members = [vertex for vertex in range(10) if label[vertex] == part]
        assert nx.is_connected(graph.subgraph(members))
        assert len(members) > 1


@given(edges=edges_of_ten, largest=st.integers(2, 10), order=st.randoms(use_true_random=False))
def test_order_of_edges_does_not_matter(edges, largest, order):
    shuffled = list(edges)
    order.shuffle(shuffled)
    assert split(edges, 10, largest) == split(shuffled, 10, largest)


def ring_of_cliques(cliques, size):
    return sorted(tuple(sorted(edge)) for edge in nx.ring_of_cliques(cliques, size).edges)


def test_cliques_in_a_ring_are_the_communities():
    assert split(ring_of_cliques(6, 5), 30) == list(np.repeat(range(6), 5))


def test_large_communities_are_split_again():
    # Thirty small cliques: modularity alone joins neighbours (its resolution limit).
    edges = ring_of_cliques(30, 3)
    assert max(np.bincount(split(edges, 90))) > 5
    sizes = np.bincount(split(edges, 90, largest=5))
    assert sizes.max() <= 5 and sizes.min() >= 2 and sizes.sum() == 90


def test_a_star_stays_whole():
    assert split([(0, i) for i in range(1, 40)], 40, largest=10) == [0] * 40


def test_an_edge_and_a_lone_vertex():
    assert split([(0, 2)], 3, largest=2) == [0, -1, 0]


def test_higher_resolution_gives_more_communities():
    edges = ring_of_cliques(30, 3)
    assert len(set(split(edges, 90, resolution=4.0))) > len(set(split(edges, 90)))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_one_seed_one_result(seed):
    edges = sorted(e for e in itertools.combinations(range(30), 2) if (e[0] * 7 + e[1] * 11) % 9 == 0)
    assert split(edges, 30, seed=seed) == split(edges, 30, seed=seed)
