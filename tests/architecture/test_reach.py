"""What is upstream of nodes and downstream, against networkx."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from keras_vnn import Architecture
from keras_vnn.wire import Layer, Node, gene_counts, node_degrees


def drawn(sizes, density, seed):
    """Return layers of some sizes, every layer connected to all later ones at random."""
    rng = np.random.default_rng(seed)
    layers = tuple(
        Layer(f"layer {number}", tuple(Node(f"{number}.{i}", kind="term" if number else "gene") for i in range(size)))
        for number, size in enumerate(sizes)
    )
    connections = {
        (source, target): sparse.csr_array(rng.random((sizes[source], sizes[target])) < density)
        for source, target in combinations(range(len(sizes)), 2)
    }
    return Architecture(layers, {pair: matrix for pair, matrix in connections.items() if matrix.nnz})


@given(st.lists(st.integers(1, 6), min_size=2, max_size=5), st.floats(0.05, 0.9), st.integers(0, 2**32 - 1))
def test_degrees_and_reach_are_those_of_the_graph(sizes, density, seed):
    arch = drawn(sizes, density, seed)
    edges = arch.edge_table()
    graph = nx.DiGraph(list(zip(edges["source"], edges["target"], strict=True)))
    graph.add_nodes_from(place.node.id for place in arch.nodes())
    found = node_degrees(arch)
    assert list(found.index) == [node.id for layer in arch.hidden_layers for node in layer]
    for name, row in found.iterrows():
        assert row["degree"] == graph.degree(name)
        assert row["upstream"] == len(nx.ancestors(graph, name))
        assert row["downstream"] == len(nx.descendants(graph, name))
    genes = set(arch.genes)
    for layer, counts in zip(arch.layers, gene_counts(arch), strict=True):
        assert counts.tolist() == [len(({node.id} | nx.ancestors(graph, node.id)) & genes) for node in layer]
