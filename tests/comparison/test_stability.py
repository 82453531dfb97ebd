"""Stability of rankings, corrections for hubs and differences of nodes, against numbers worked by hand."""

from __future__ import annotations

import math
import re

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse, stats

from keras_vnn import (
    Architecture,
    Layer,
    Node,
    VNNError,
    corrected_importance,
    node_degrees,
    node_differences,
    rank_biased_overlap,
    rank_stability,
)


@pytest.fixture
def arch():
    """Three genes; X reads A and B, Y reads B and C; TOP reads X, Y and, past them, C."""
    layers = (
        Layer("genes", tuple(Node(name, kind="gene") for name in "ABC")),
        Layer("terms", (Node("X"), Node("Y"))),
        Layer("tops", (Node("TOP"),)),
    )
    connections = {
        (0, 1): sparse.csr_array([[1, 0], [1, 1], [0, 1]]),
        (1, 2): sparse.csr_array([[1], [1]]),
        (0, 2): sparse.csr_array([[0], [0], [1]]),
    }
    return Architecture(layers, connections)


def test_rank_biased_overlap_by_hand():
    """Depths 1, 2, 3 have 0, 2, 3 in common: 1·p³ + (1-p)/p·(0 + p² + p³) with p = 0.9."""
    assert rank_biased_overlap("ABC", "BAC") == pytest.approx(0.729 + (0.1 / 0.9) * (0.81 + 0.729))
    assert rank_biased_overlap("AB", "CD") == 0
    assert rank_biased_overlap("ABCD", "ABCD") == pytest.approx(1)


@given(st.permutations(range(8)), st.permutations(range(8)), st.floats(0.05, 0.95))
def test_rank_biased_overlap_counts_what_prefixes_share(first, second, persistence):
    common = [len(set(first[:d]) & set(second[:d])) / d for d in range(1, 9)]
    expected = common[-1] * persistence**8 + (1 - persistence) / persistence * sum(
        share * persistence**d for d, share in enumerate(common, 1)
    )
    found = rank_biased_overlap(first, second, persistence=persistence)
    assert found == pytest.approx(expected)
    assert found == pytest.approx(rank_biased_overlap(second, first, persistence=persistence))


def test_stability_by_hand():
    importance = pd.DataFrame({0: [4.0, 3, 2, 1], 1: [4.0, 3, 1, 2], 2: [1.0, 2, 3, 4]}, index=list("abcd"))
    found = rank_stability(importance, top=2)
    assert found.runs == 3
    assert found.spearman == pytest.approx((0.8 - 1.0 - 0.8) / 3)
    assert found.top_overlap == pytest.approx((1 + 0 + 0) / 3)


def test_a_node_without_any_difference_has_no_correlation():
    flat = pd.DataFrame({0: [1.0, 1, 1], 1: [1.0, 2, 3]})
    assert rank_stability(flat).spearman == 0


def test_what_is_said_of_rankings_that_cannot_be_compared():
    with pytest.raises(VNNError, match=re.escape("of two or more runs and nodes, got (1, 3).")):
        rank_stability(pd.DataFrame({0: [1.0, 2, 3]}))
    with pytest.raises(VNNError, match=re.escape("1 values of importance are missing.")):
        rank_stability(pd.DataFrame({0: [1.0, np.nan], 1: [1.0, 2]}))
    with pytest.raises(VNNError, match=re.escape("Something occurs twice in a ranking.")):
        rank_biased_overlap("AAB", "ABC")


def test_degrees_and_reach_are_those_of_the_graph(arch):
    edges = arch.edge_table()
    graph = nx.DiGraph(list(zip(edges["source"], edges["target"], strict=True)))
    found = node_degrees(arch)
    assert list(found.index) == ["X", "Y", "TOP"]
    for name, row in found.iterrows():
        assert row["degree"] == graph.degree(name)
        assert row["upstream"] == len(nx.ancestors(graph, name))
        assert row["downstream"] == len(nx.descendants(graph, name))


def test_corrections_by_hand(arch):
    importance = pd.Series({"X": 1.0, "Y": 2.0, "TOP": 4.0})
    assert corrected_importance(arch, importance, "none").tolist() == [1, 2, 4]
    assert corrected_importance(arch, importance, "binn").tolist() == pytest.approx([1 / 2, 2 / 2, 4 / 2])
    assert corrected_importance(arch, importance, "reach").tolist() == pytest.approx(
        [1 / math.log2(3), 2 / math.log2(3), 4 / math.log2(5)]
    )
    assert corrected_importance(arch, importance, "pnet").tolist() == [1, 2, 4]


def test_a_hub_of_its_layer_is_divided_by_its_degree():
    """Forty nodes of two genes, one of fifty: the mean degree is 3.2, five standard deviations are 37."""
    layers = (
        Layer("genes", tuple(Node(f"G{i}", kind="gene") for i in range(50))),
        Layer("terms", tuple(Node(f"T{i}") for i in range(41))),
    )
    present = np.zeros((50, 41), bool)
    present[:2] = True
    present[:, 40] = True
    hub = Architecture(layers, {(0, 1): sparse.csr_array(present)})
    found = corrected_importance(hub, pd.Series(1.0, index=hub.layers[1].ids), "pnet")
    assert found["T40"] == 1 / 50
    assert (found.drop("T40") == 1).all()


def test_what_is_said_of_wrong_corrections(arch):
    with pytest.raises(
        VNNError, match=re.escape("must be one of none, pnet, binn, reach; got 'bin'. Did you mean binn?")
    ):
        corrected_importance(arch, pd.Series({"X": 1.0}), "bin")
    with pytest.raises(VNNError, match=re.escape("1 of 2 ids are not of hidden nodes: Z.")):
        corrected_importance(arch, pd.Series({"X": 1.0, "Z": 2.0}), "binn")


def test_differences_of_nodes_are_those_of_scipy():
    rng = np.random.default_rng(0)
    real = pd.DataFrame(rng.normal(size=(6, 5)), index=list("abcdef"))
    real.loc["a"] += 5
    control = pd.DataFrame(rng.normal(size=(6, 4)), index=list("abcdef"))
    real.loc["f"], control.loc["f"] = 1.0, 1.0

    found = node_differences(real, control)

    expected = [stats.ttest_ind(real.loc[n], control.loc[n], equal_var=False).pvalue for n in "abcde"]
    np.testing.assert_allclose(found["p"].dropna(), expected)
    np.testing.assert_allclose(found["adjusted_p"].dropna(), stats.false_discovery_control(expected))
    assert found["adjusted_p"].idxmin() == "a"
    assert found["effect_size"]["a"] > 2
    assert math.isnan(found["p"]["f"])
    assert found["difference"]["f"] == 0
