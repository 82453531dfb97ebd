"""Controls: what stays of an architecture and what does not, counted with numpy and networkx."""

from __future__ import annotations

import re
import sys
import time
from itertools import combinations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.stats import chisquare

from keras_vnn import Architecture, VNNError
from keras_vnn.experiments.controls import CONTROL_METHODS, permutation_within_bins, swap_edges, swap_loops
from keras_vnn.read import architecture as load_architecture
from keras_vnn.wire import Layer, Node, dense_like, randomize


def random_adjacency(seed, shape, density):
    return sparse.csr_array(np.random.default_rng(seed).random(shape) < density)


def make_architecture(seed=0, genes=60, terms=12, tops=3, density=0.2):
    """Genes, terms, tops; one pair of layers is skipped."""
    layers = (
        Layer("genes", tuple(Node(f"G{i}", kind="gene") for i in range(genes))),
        Layer("terms", tuple(Node(f"T{i}", label=f"term {i}", units=1 + i % 2) for i in range(terms)), dense_units=2),
        Layer("tops", tuple(Node(f"R{i}") for i in range(tops))),
    )
    connections = {
        (0, 1): random_adjacency(seed, (genes, terms), density),
        (0, 2): random_adjacency(seed + 1, (genes, tops), density / 2),
        (1, 2): random_adjacency(seed + 2, (terms, tops), 0.5),
    }
    return Architecture(layers, connections, parameters={"min_genes": 2})


EXPRESSION = np.random.default_rng(3).gamma(1.0, 2.0, (50, 60)).astype("float32")


def overlap(first, second):
    """Return the share of the edges of one that the other has."""
    return first.multiply(second).nnz / first.nnz


@settings(deadline=None, max_examples=80)
@given(
    sources=st.integers(1, 25),
    targets=st.integers(1, 25),
    density=st.sampled_from([0.0, 0.05, 0.3, 0.8, 1.0]),
    seed=st.integers(0, 10**6),
)
def test_trades_keep_both_degree_sequences_and_make_no_edge_twice(sources, targets, density, seed):
    adjacency = random_adjacency(seed, (sources, targets), density)

    mixed = swap_edges(adjacency, np.random.default_rng(seed))

    dense = np.zeros((sources, targets), int)
    coordinates = mixed.tocoo()
    np.add.at(dense, (coordinates.row, coordinates.col), 1)
    assert dense.max(initial=0) <= 1
    np.testing.assert_array_equal(dense.sum(axis=0), adjacency.toarray().sum(axis=0))
    np.testing.assert_array_equal(dense.sum(axis=1), adjacency.toarray().sum(axis=1))


def test_trades_reach_every_graph_equally_often():
    """Three sources of one edge each and three targets: the six permutations."""
    adjacency = sparse.csr_array(np.eye(3, dtype=bool))
    rng = np.random.default_rng(0)
    found = pd.Series([tuple(swap_edges(adjacency, rng).tocsr().indices.tolist()) for _ in range(1200)]).value_counts()
    assert len(found) == 6
    assert found.between(150, 250).all(), found.to_dict()


def test_trades_reach_every_graph_of_unlike_degrees_equally_often():
    """All graphs of two sides with the degrees of a small one, counted one by one, degrees by networkx."""
    shape, present = (4, 4), [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 0), (3, 3)]
    adjacency = sparse.csr_array((np.ones(len(present), bool), tuple(zip(*present, strict=True))), shape=shape)

    def degrees(edges):
        graph = nx.Graph([(("source", one), ("target", other)) for one, other in edges])
        return {node: graph.degree(node) for node in graph}

    places = [(one, other) for one in range(4) for other in range(4)]
    graphs = {edges for edges in combinations(places, len(present)) if degrees(edges) == degrees(present)}
    rng, draws = np.random.default_rng(0), 200 * len(graphs)
    found = pd.Series([tuple(map(tuple, np.argwhere(swap_edges(adjacency, rng).toarray()))) for _ in range(draws)])
    assert set(found) == graphs
    assert len(graphs) > 20
    assert chisquare(found.value_counts()).pvalue > 0.001


def test_without_numba_the_same_edges_are_swapped(monkeypatch):
    adjacency = random_adjacency(4, (30, 20), 0.3)
    compiled = swap_edges(adjacency, np.random.default_rng(1))
    monkeypatch.setitem(sys.modules, "numba", None)
    swap_loops.cache_clear()
    try:
        plain = swap_edges(adjacency, np.random.default_rng(1))
    finally:
        swap_loops.cache_clear()

    assert (plain != compiled).nnz == 0
    assert (plain != adjacency).nnz > 0


def test_mixed_as_well_as_graphs_drawn_apart():
    rng = np.random.default_rng(1)
    popularity = rng.pareto(1.5, 800) + 0.1
    present = rng.random((800, 300)) < np.minimum(popularity[:, None] / popularity.max() * 2, 0.9)
    adjacency = sparse.csr_array(present)
    draws = [swap_edges(adjacency, np.random.default_rng(seed)) for seed in range(6)]

    with_original = np.mean([overlap(adjacency, draw) for draw in draws])
    apart = np.mean([overlap(first, second) for i, first in enumerate(draws) for second in draws[i + 1 :]])

    assert abs(with_original - apart) < 0.01
    assert with_original < 0.9  # else there was nothing to mix


def test_600_000_edges_are_swapped_in_seconds():
    rng = np.random.default_rng(0)
    weight = rng.pareto(1.2, 20_000) + 0.05
    rows = rng.choice(20_000, 700_000, p=weight / weight.sum())
    columns = rng.integers(20_000, size=700_000)
    adjacency = sparse.csr_array((np.ones(700_000, bool), (rows, columns)), shape=(20_000, 20_000))
    adjacency.sum_duplicates()
    assert adjacency.nnz > 600_000
    swap_edges(random_adjacency(0, (10, 10), 0.5), rng)  # compile

    start = time.process_time()  # other work may keep the machine busy
    mixed = swap_edges(adjacency, rng)

    assert time.process_time() - start < 2  # 0.4 of one processor of 2023
    np.testing.assert_array_equal(np.diff(mixed.indptr), np.diff(adjacency.indptr))
    again = swap_edges(adjacency, rng)
    assert abs(overlap(adjacency, mixed) - overlap(mixed, again)) < 0.005


@pytest.mark.parametrize("method", CONTROL_METHODS)
def test_every_control_keeps_nodes_sizes_and_says_what_it_is(method):
    arch = make_architecture()

    control = randomize(arch, method, 7, expression=EXPRESSION)

    assert control.layers == arch.layers
    assert {pair: matrix.nnz for pair, matrix in control.connections.items()} == {
        pair: matrix.nnz for pair, matrix in arch.connections.items()
    }
    facts = dict(control.parameters["control"])
    assert (facts.pop("method"), facts.pop("seed"), facts.pop("of")) == (method, 7, arch.fingerprint)
    assert control.parameters["min_genes"] == 2
    assert control.fingerprint != arch.fingerprint
    assert control == randomize(arch, method, 7, expression=EXPRESSION)
    assert control != randomize(arch, method, 8, expression=EXPRESSION)


@pytest.mark.parametrize("method", ["swap", "genes", "expression", "modules"])
def test_nodes_keep_their_number_of_inputs(method):
    arch = make_architecture(1)
    control = randomize(arch, method, 0, expression=EXPRESSION)
    pd.testing.assert_series_equal(
        control.node_table()["inputs"].iloc[60:], arch.node_table()["inputs"].iloc[60:], check_names=False
    )


def test_swaps_keep_what_genes_feed_too():
    arch = make_architecture(2)
    control = randomize(arch, "swap", 0)
    pd.testing.assert_frame_equal(control.node_table(), arch.node_table())


def test_permuted_genes_leave_the_graph_the_same_but_for_names():
    arch = make_architecture(3, genes=20, terms=5)
    control = randomize(arch, "genes", 0)

    def graph(a):
        edges = a.edge_table()
        made = nx.DiGraph(list(zip(edges["source"], edges["target"], strict=True)))
        # Hidden nodes keep their names, genes do not.
        nx.set_node_attributes(made, {name: "" if name.startswith("G") else name for name in made}, "name")
        return made

    assert nx.is_isomorphic(graph(control), graph(arch), node_match=lambda one, other: one == other)


def test_genes_stay_among_those_of_their_mean_expression():
    means = np.arange(100.0)
    place = permutation_within_bins(means, 10, np.random.default_rng(0))
    assert sorted(place) == list(range(100))
    assert (place // 10 == np.arange(100) // 10).all()
    assert (place != np.arange(100)).any()


def test_modules_are_genes_that_go_together():
    """Four blocks of fifteen genes that share a signal: a module of ten lies within one."""
    rng = np.random.default_rng(0)
    signals = np.repeat(rng.normal(size=(80, 4)), 15, axis=1) + 0.05 * rng.normal(size=(80, 60))
    layers = (
        Layer("genes", tuple(Node(f"G{i}", kind="gene") for i in range(60))),
        Layer("terms", tuple(Node(f"T{i}") for i in range(8))),
    )
    present = np.zeros((60, 8), bool)
    for term in range(8):
        present[rng.choice(60, 10, replace=False), term] = True
    arch = Architecture(layers, {(0, 1): sparse.csr_array(present)})

    control = randomize(arch, "modules", 0, expression=pd.DataFrame(signals, columns=arch.genes))

    for term in range(8):
        genes = control.connections[0, 1].tocsc()[:, [term]].indices
        assert len(genes) == 10
        assert len({gene // 15 for gene in genes}) == 1


def test_same_density_leaves_no_node_without_inputs():
    arch = make_architecture(4, genes=40, terms=20, density=0.05)
    control = randomize(arch, "density", 3)
    had, has = arch.node_table(), control.node_table()
    hidden = had["layer"] > 0
    fed = hidden & (had["inputs"] > 0)
    assert (has["inputs"][fed] > 0).all()
    fed_others = hidden & (had["outputs"] > 0)
    assert (has["outputs"][fed_others] > 0).all()


def test_what_is_said_of_wrong_arguments():
    arch = make_architecture()
    with pytest.raises(
        VNNError,
        match=re.escape(
            "The method of a control must be one of swap, genes, expression, modules, density; got 'swaps'. "
            "Did you mean swap?"
        ),
    ):
        randomize(arch, "swaps", 0)
    with pytest.raises(
        VNNError,
        match=re.escape(
            'The control "modules" is drawn from expression data, and none are given.\n'
            "Pass expression=vnn.pp.align(training_cells, arch)."
        ),
    ):
        randomize(arch, "modules", 0)
    with pytest.raises(
        VNNError,
        match=re.escape(
            "expression must have shape (cells, 60), a column for each gene of the architecture; got (50, 59)."
        ),
    ):
        randomize(arch, "expression", 0, expression=EXPRESSION[:, 1:])


def test_a_control_is_saved_with_what_it_is(tmp_path):
    control = randomize(make_architecture(), "swap", 5)
    control.save(tmp_path / "control.vnn")
    loaded = load_architecture(tmp_path / "control.vnn")
    assert loaded == control
    assert loaded.parameters["control"] == control.parameters["control"]


def test_dense_of_the_same_width_reads_everything():
    arch = make_architecture()
    dense = dense_like(arch)
    assert [layer.width for layer in dense.hidden_layers] == [12 + 6 + 2, 3]
    assert {pair: matrix.nnz for pair, matrix in dense.connections.items()} == {(0, 1): 60 * 20, (1, 2): 20 * 3}


@pytest.mark.parametrize("seed", range(4))
def test_dense_of_the_same_number_of_weights(seed):
    arch = make_architecture(seed, genes=200, terms=40, density=0.1)
    units = {p.node.id: p.node.units for p in arch.nodes()}
    edges = arch.edge_table()
    weights = sum(units[a] * units[b] for a, b in zip(edges["source"], edges["target"], strict=True)) + 2 * 200

    dense = dense_like(arch, same="weights")

    count = sum(matrix.nnz for matrix in dense.connections.values())
    assert 0.7 * weights <= count <= weights
    assert len(dense.layers) == len(arch.layers)
    with pytest.raises(VNNError, match=re.escape("same must be one of width, weights; got 'size'.")):
        dense_like(arch, same="size")
