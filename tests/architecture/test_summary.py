import json

import numpy as np
import pytest
from scipy import sparse

from keras_vnn.architecture import Architecture, Layer, Node


@pytest.fixture(scope="module")
def lin():
    """The sizes of Lin et al. 2017: 9,437 genes, 696 sparse nodes with 56,549 edges, 100 dense units."""
    genes, nodes, edges = 9_437, 696, 56_549
    sizes = np.full(nodes, edges // nodes)
    sizes[: edges % nodes] += 1
    rows = np.concatenate([np.arange(size) for size in sizes])
    columns = np.repeat(np.arange(nodes), sizes)
    return Architecture(
        (
            Layer("genes", tuple(Node(f"G{i}", kind="gene") for i in range(genes))),
            Layer("groups", tuple(Node(f"N{i}", kind="interaction") for i in range(nodes)), dense_units=100),
        ),
        {(0, 1): sparse.coo_array((np.ones(edges), (rows, columns)), shape=(genes, nodes))},
    )


def test_lin_sizes(lin):
    one, two = lin.summary(outputs=17), lin.summary(outputs=17, tail=[100])
    assert [row.parameters for row in one.rows] == [0, 57_245, 943_800, 13_549]
    assert one.parameters == 1_014_594
    assert [row.parameters for row in two.rows] == [0, 57_245, 943_800, 79_700, 1_717]
    assert two.parameters == 1_082_462
    assert one.rows[1].density == pytest.approx(0.00861, abs=5e-6)
    assert one.rows[1].dense_parameters == 9_437 * 696 + 696


def dense_count(arch):
    """Count weights and biases of the sparse layers from dense unit matrices."""
    total = 0
    for target in range(1, len(arch.layers)):
        into = np.vstack([arch.adjacency(s, target, units=True).toarray() for s in range(target)])
        total += int(into.sum() + into.any(axis=0).sum())
    return total


def test_units_skipping_edges_and_dense_units_are_counted(arch):
    rows = arch.summary().rows
    assert [row.layer for row in rows] == ["0", "1", "dense", "2"]
    assert [row.nodes for row in rows] == [5, 3, 0, 2]
    assert [row.units for row in rows] == [5, 6, 4, 3]
    assert [row.edges for row in rows] == [0, 6, 0, 4]
    assert rows[1].parameters + rows[3].parameters == dense_count(arch)
    assert rows[2].parameters == 5 * 4 + 4


def test_an_unconnected_node_has_no_bias(arch):
    matrix = arch.adjacency(0, 1).toarray()
    matrix[:, 2] = 0
    bare = Architecture(arch.layers, {(0, 1): matrix})
    assert bare.summary().rows[1].parameters == 2 * 2 + 3 * 1 + 2 + 1
    assert bare.summary().rows[3].parameters == 0


def test_head_reads_dense_units_too(arch):
    units = sum(int(layer.units.sum()) for layer in arch.layers[1:])
    for reads, width in (("last", 2 + 1 + 4), ("all", units + 4)):
        (head,) = (row for row in arch.summary(outputs=4, reads=reads).rows if row.layer == "head")
        assert head.parameters == width * 4 + 4


def test_json_and_frame(arch):
    summary = arch.summary(outputs=2)
    data = json.loads(json.dumps(summary.to_json()))
    assert data["parameters"] == summary.parameters == sum(layer["parameters"] for layer in data["layers"])
    assert data["fingerprint"] == arch.fingerprint
    assert data["audit"] == ["1 interaction: a gene with itself (ATM)"]
    assert summary.to_frame().loc["1", "edges"] == 6


def test_printed_summary(lin):
    lines = str(lin.summary(outputs=17)).splitlines()
    assert lines[1].split() == ["layer", "what", "nodes", "units", "edges", "density", "parameters", "if", "dense"]
    assert lines[4].split() == ["1", "groups", "696", "696", "56,549", "0.861", "%", "57,245", "6,568,848"]
    assert "parameters            1,014,594 (13.5 % of 7,526,197 if dense)" in lines
    assert "genes not connected   9,355" in lines
    assert f"fingerprint           {lin.fingerprint[:16]}" in lines


def test_printed_summary_ends_with_the_audit(arch):
    assert str(arch.summary()).endswith("dropped or changed:\n  1 interaction: a gene with itself (ATM)")


def test_a_notebook_gets_the_same_text(lin, monkeypatch):
    text = str(lin.summary())
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    assert str(lin.summary()) == text and "56,549" in text
