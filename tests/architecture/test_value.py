import copy
import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import ArchitectureError


def genes_and(*layers):
    return (Layer("genes", (Node("A", kind="gene"), Node("B", kind="gene"), Node("C", kind="gene"))), *layers)


TERMS = Layer("terms", (Node("X"), Node("Y")))
FULL = sparse.csr_array(np.ones((3, 2)))


@pytest.mark.parametrize(
    ("layers", "connections", "message"),
    [
        (genes_and(), {}, "An architecture needs genes and at least one layer, got 1 layer."),
        (
            genes_and(Layer("terms", (Node("X"), Node("A")))),
            {},
            "1 node id occurs more than once: A.",
        ),
        (
            genes_and(TERMS),
            {(0, 1): FULL.T},
            "The adjacency from layer 0 to layer 1 must have shape (inputs, outputs) = (3, 2), got (2, 3). "
            "It looks transposed.",
        ),
        (
            genes_and(TERMS),
            {(0, 1): np.ones((3, 3))},
            "The adjacency from layer 0 to layer 1 must have shape (inputs, outputs) = (3, 2), got (3, 3).",
        ),
        (
            genes_and(TERMS),
            {(1, 0): FULL.T},
            "A connection must lead from an earlier to a later of the 2 layers, got (1, 0).",
        ),
        (
            genes_and(TERMS),
            {(0, 2): FULL},
            "A connection must lead from an earlier to a later of the 2 layers, got (0, 2).",
        ),
    ],
)
def test_impossible_architectures(layers, connections, message):
    with pytest.raises(ArchitectureError) as caught:
        Architecture(layers, connections)
    assert str(caught.value) == message


def test_connections_are_canonical_copies():
    rows, columns = np.array([2, 0, 0, 2, 1]), np.array([1, 1, 0, 1, 0])
    messy = sparse.coo_array((np.array([3.0, 1, 5, 2, 0]), (rows, columns)), shape=(3, 2))
    matrix = Architecture(genes_and(TERMS), {(0, 1): messy}).connections[0, 1]
    assert matrix.toarray().tolist() == [[True, True], [False, False], [False, True]]
    assert matrix.nnz == 3 and matrix.has_sorted_indices and matrix.dtype == bool
    assert messy.nnz == 5


def test_connections_without_an_edge_are_absent():
    arch = Architecture(genes_and(TERMS), {(0, 1): np.zeros((3, 2))})
    assert dict(arch.connections) == {}
    assert arch.adjacency(0, 1).shape == (3, 2)
    assert arch.unconnected_genes == ("A", "B", "C")


def test_nothing_can_be_changed(arch):
    matrix = arch.connections[0, 1]
    for array in (matrix.data, matrix.indices, matrix.indptr):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(TypeError):
        arch.connections[0, 1] = matrix
    with pytest.raises(TypeError):
        arch.parameters["grouping"] = "edge"
    with pytest.raises(dataclasses.FrozenInstanceError):
        arch.layers = ()
    assert isinstance(Architecture(list(arch.layers), arch.connections).layers, tuple)


def test_adjacency_is_a_new_object_each_time(arch):
    first = arch.adjacency(0, 1)
    first.data[:] = 7
    assert set(arch.adjacency(0, 1).data) == {1}


def test_genes_nodes_and_numbers(arch):
    assert arch.genes == ("ATM", "TP53", "MDM2", "JAK1", "STAT1")
    assert [layer.name for layer in arch.hidden_layers] == ["interactions and regulators", "terms"]
    assert [(p.layer, p.position, p.node.id) for p in arch.nodes()][4:7] == [
        (0, 4, "STAT1"),
        (1, 0, "PPI:STAT1"),
        (1, 1, "PPI:TP53"),
    ]
    assert arch.edge_count == 10
    assert arch.unconnected_genes == ()
    assert repr(arch) == f"<Architecture 5 → 3+4 → 2 nodes, 10 edges, {arch.fingerprint[:12]}>"


# ---- fingerprint ----------------------------------------------------------------------------------------------


def test_fingerprint_is_what_it_was():
    """Saved files carry it: a change of the algorithm must be a decision."""
    arch = Architecture(genes_and(TERMS), {(0, 1): FULL})
    assert arch.fingerprint == "ed0c240abcb69d68f5e1793382f90b15c2d411ac64002642474fade166c92220"


def changed(arch, **fields):
    return dataclasses.replace(arch, **fields)


def test_labels_provenance_and_audit_do_not_count(arch):
    relabelled = tuple(
        dataclasses.replace(layer, name="x", nodes=tuple(dataclasses.replace(n, label="y", names=()) for n in layer))
        for layer in arch.layers
    )
    twin = Architecture(relabelled, arch.connections)
    assert twin == arch and hash(twin) == hash(arch) and twin.fingerprint == arch.fingerprint


def test_everything_else_counts(arch):
    genes, middle, terms = arch.layers
    fewer = {pair: matrix for pair, matrix in arch.connections.items() if pair != (0, 2)}
    moved = {**arch.connections, (0, 2): arch.connections[0, 2][[1, 0, 2, 3, 4]]}
    others = [
        changed(arch, layers=(genes, middle, dataclasses.replace(terms, nodes=terms.nodes[::-1]))),
        changed(arch, layers=(genes, dataclasses.replace(middle, dense_units=5), terms)),
        changed(arch, connections=fewer),
        changed(arch, connections=moved),
        arch.with_units(5),
        arch.with_units({"TF:STAT1": 4}),
        changed(
            arch, layers=(genes, middle, Layer("terms", (terms[0], dataclasses.replace(terms[1], kind="gene set"))))
        ),
        changed(arch, layers=(genes, middle, Layer("terms", (terms[0], dataclasses.replace(terms[1], id="GO:9"))))),
    ]
    fingerprints = {arch.fingerprint, *(other.fingerprint for other in others)}
    assert len(fingerprints) == len(others) + 1
    assert all(other != arch for other in others)
    assert arch != arch.fingerprint


@given(st.permutations(range(6)))
def test_order_of_edges_does_not_count(order):
    rows, columns = np.array([0, 0, 1, 1, 2, 2])[order], np.array([0, 1, 0, 1, 0, 1])[order]
    shuffled = sparse.coo_array((np.ones(6), (rows, columns)), shape=(3, 2))
    assert Architecture(genes_and(TERMS), {(0, 1): shuffled}) == Architecture(genes_and(TERMS), {(0, 1): FULL})


def test_copies_are_equal_and_complete(arch):
    assert arch.fingerprint and arch.find("DNA repair")  # fills the caches
    for twin in (copy.copy(arch), copy.deepcopy(arch), pickle.loads(pickle.dumps(arch))):
        assert twin == arch
        assert (twin.layers, twin.sources, twin.audit) == (arch.layers, arch.sources, arch.audit)
        assert twin.parameters == arch.parameters
        assert not twin.connections[0, 1].indices.flags.writeable


# ---- units ----------------------------------------------------------------------------------------------------


def test_with_units_by_number_and_by_id(arch):
    assert [layer.units.tolist() for layer in arch.with_units(4).layers] == [[1] * 5, [4] * 3, [4] * 2]
    some = arch.with_units({"GO:0006281": 7})
    assert [layer.units.tolist() for layer in some.layers] == [[1] * 5, [2, 1, 3], [7, 1]]
    assert arch.layers[2].units.tolist() == [2, 1]


def test_with_units_of_an_unknown_node(arch):
    with pytest.raises(ArchitectureError) as caught:
        arch.with_units({"GO:0006281": 7, "ATM": 2})
    assert str(caught.value) == "1 of 2 ids are not hidden nodes: ATM."


def kron_oracle(matrix, row_units, column_units):
    """Repeat each entry as a block of ones, by numpy alone."""
    return np.block(
        [
            [np.kron(matrix[i : i + 1, j : j + 1], np.ones((r, c))) for j, c in enumerate(column_units)]
            for i, r in enumerate(row_units)
        ]
    )


@given(st.data())
def test_unit_expansion_is_a_kronecker_product(data):
    row_units = data.draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    column_units = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    shape = (len(row_units), len(column_units))
    bits = data.draw(st.lists(st.booleans(), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    matrix = np.array(bits, float).reshape(shape)
    arch = Architecture(
        (
            Layer("genes", (Node("A", kind="gene"),)),
            Layer("lower", tuple(Node(f"L{i}", units=u) for i, u in enumerate(row_units))),
            Layer("upper", tuple(Node(f"U{i}", units=u) for i, u in enumerate(column_units))),
        ),
        {(1, 2): matrix},
    )
    expanded = arch.adjacency(1, 2, units=True)
    assert expanded.has_sorted_indices
    np.testing.assert_array_equal(expanded.toarray(), kron_oracle(matrix, row_units, column_units))


def test_equal_units_are_kron_with_ones(arch, matrices):
    wide = arch.with_units(3)
    np.testing.assert_array_equal(wide.adjacency(1, 2, units=True).toarray(), np.kron(matrices[1, 2], np.ones((3, 3))))


# ---- adjacency ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", [(0, 1), (0, 2), (1, 2)])
def test_adjacency_is_what_went_in(arch, matrices, pair):
    matrix = arch.adjacency(*pair)
    assert isinstance(matrix, sparse.csr_array) and matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix.toarray(), matrices[pair])


def test_labelled_adjacency(arch):
    table = arch.adjacency(0, 1, labelled=True)
    assert list(table.index) == list(arch.genes)
    assert list(table.columns) == ["PPI:STAT1", "PPI:TP53", "TF:STAT1"]
    assert table.loc["JAK1", "TF:STAT1"] == 1 and table.loc["STAT1", "TF:STAT1"] == 0
    assert table.sparse.density == pytest.approx(6 / 15)


def test_labelled_adjacency_of_units(arch):
    table = arch.adjacency(1, 2, labelled=True, units=True)
    assert list(table.index) == ["PPI:STAT1"] * 2 + ["PPI:TP53"] + ["TF:STAT1"] * 3
    assert list(table.columns) == ["GO:0006281"] * 2 + ["GO:0006955"]


@pytest.mark.parametrize("pair", [(1, 0), (1, 1), (0, 3), (-1, 1)])
def test_no_such_adjacency(arch, pair):
    with pytest.raises(ArchitectureError) as caught:
        arch.adjacency(*pair)
    assert str(caught.value) == (
        f"There is no adjacency from layer {pair[0]} to layer {pair[1]}: "
        "layers are numbered 0 to 2 and lead to later ones."
    )
