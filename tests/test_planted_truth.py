"""The benchmark of planted terms: labels, relatives and counts, by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from keras_vnn import Architecture
from keras_vnn.read import Interactions, Ontology, gene_list
from keras_vnn.wire import Layer, Node
from keras_vnn.wire import interactions as interaction_architecture

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.interferon import terms_under
from benchmarks.planted_truth import planted, relatives_of, summarised
from benchmarks.swaps import drawn_with_hubs, shared_edges


def test_labels_follow_the_genes_of_the_term_and_halve_the_cells():
    values = np.random.default_rng(0).normal(size=(1000, 30))
    is_high = planted(values, [3, 4, 5], np.random.default_rng(1))
    assert is_high.sum() == 500
    mean = values[:, 3:6].mean(axis=1)
    # Noise of half the signal's spread leaves arctan(2) / π + 1/2 of the cells on their side.
    assert ((mean > np.median(mean)) == is_high).mean() == pytest.approx(np.arctan(2) / np.pi + 0.5, abs=0.03)
    others = values[:, 10:].mean(axis=1)
    assert abs(((others > np.median(others)) == is_high).mean() - 0.5) < 0.05


def test_relatives_of_a_term_are_those_it_feeds_and_reads():
    layers = (
        Layer("genes", (Node("A", kind="gene"), Node("B", kind="gene"))),
        Layer("1", (Node("X", kind="term"), Node("Y", kind="term"))),
        Layer("2", (Node("Z", kind="term"),)),
        Layer("3", (Node("ROOT", kind="term"),)),
    )
    connections = {
        (0, 1): sparse.csr_array([[1, 0], [0, 1]]),
        (1, 2): sparse.csr_array([[1], [0]]),
        (1, 3): sparse.csr_array([[0], [1]]),
        (2, 3): sparse.csr_array([[1]]),
    }
    arch = Architecture(layers, connections)
    assert relatives_of(arch, "Z") == ["ROOT", "X"]
    assert relatives_of(arch, "Y") == ["ROOT"]


def test_relatives_of_a_group_are_the_groups_of_its_partners():
    pairs = Interactions.from_pairs(["A", "B", "C", "D"], ["B", "C", "D", "E"])
    arch = interaction_architecture(gene_list(list("ABCDE")), pairs)
    assert relatives_of(arch, "PPI:C") == ["PPI:B", "PPI:D"]


def test_a_term_is_found_by_itself_or_by_a_relative():
    record = {"architecture": "a", "model": "m", "wiring": "w", "by_chance": 0.1}
    records = [
        {**record, "places": {"x": {"term": 5.0, "relatives": [9.0]}, "y": {"term": 6.0, "relatives": [5.5]}}},
        {**record, "places": {"x": {"term": 7.0, "relatives": [1.0]}, "y": {"term": 6.0, "relatives": []}}},
    ]
    table = summarised(records).set_index("method")
    assert table["term"].to_dict() == {"x": 0.5, "y": 0.0}
    assert table["term or relative"].to_dict() == {"x": 1.0, "y": 0.0}
    assert table["median place"].to_dict() == {"x": 6.0, "y": 6.0}


def test_terms_under_follow_is_a_and_part_of_only():
    ontology = Ontology.from_edges(
        ["B", "C", "D", "E"], ["A", "B", "B", "C"], relation=["is_a", "part_of", "regulates", "is_a"]
    )
    assert terms_under(ontology, ["B"]) == {"B", "C", "E"}


def test_the_drawn_network_has_the_edges_asked_for():
    drawn = drawn_with_hubs(500, 100)
    assert drawn.nnz == 500
    assert shared_edges([drawn], [drawn]) == 1
