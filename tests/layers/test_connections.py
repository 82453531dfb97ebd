"""The order, the counts and the compact form of connections."""

import base64
import json
import zlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import ArchitectureError
from keras_vnn.layers import Connections

ADJACENCY = np.array([[1, 0, 1], [1, 1, 0], [0, 0, 1]])


@pytest.mark.parametrize(
    "form",
    [
        lambda a: a,
        lambda a: a.astype(bool),
        lambda a: a * -0.5,
        lambda a: a.tolist(),
        sparse.csr_array,
        sparse.csc_matrix,
        sparse.coo_array,
        lambda a: pd.DataFrame(a),
        lambda a: pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(a)),
        lambda a: Connections.from_adjacency(a).encode(),
    ],
)
def test_every_form_of_an_adjacency_gives_the_same_connections(form):
    connections = Connections.from_adjacency(form(ADJACENCY))
    np.testing.assert_array_equal(connections.rows, [0, 1, 1, 0, 2])
    np.testing.assert_array_equal(connections.columns, [0, 0, 1, 2, 2])
    np.testing.assert_array_equal(connections.pointers, [0, 2, 3, 5])
    np.testing.assert_array_equal(connections.fan_in, [2, 1, 2])
    np.testing.assert_array_equal(connections.fan_out, [2, 2, 1])
    assert (connections.count, connections.density) == (5, 5 / 9)
    assert repr(connections) == "<Connections 3 × 3, 5 present (55.6 %)>"


def test_a_connection_listed_twice_is_one_and_the_callers_matrix_stays_as_it_was():
    twice = sparse.coo_array((np.ones(4), ([1, 0, 1, 0], [0, 0, 0, 1])), shape=(2, 2))
    stored_zero = sparse.csc_array((np.array([1.0, 0.0]), [0, 1], [0, 2]), shape=(2, 1))
    assert Connections.from_adjacency(twice).count == 3
    assert Connections.from_adjacency(stored_zero).count == 1
    assert (twice.nnz, stored_zero.nnz) == (4, 2)
    unsorted = sparse.csc_array((np.ones(2), np.array([1, 0]), np.array([0, 2])), shape=(2, 1))
    assert Connections.from_adjacency(unsorted).rows.tolist() == [0, 1]
    assert unsorted.indices.tolist() == [1, 0]


def test_entries_that_cancel_are_still_connections():
    cancelling = sparse.coo_array((np.array([1.0, -1.0]), ([0, 0], [0, 0])), shape=(2, 1))
    assert Connections.from_adjacency(cancelling).count == 1


@given(
    nodes=hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=7)),
    data=st.data(),
)
def test_units_multiply_connections_as_the_kronecker_product_does(nodes, data):
    widths = st.integers(1, 4)
    inputs = data.draw(st.lists(widths, min_size=nodes.shape[0], max_size=nodes.shape[0]))
    outputs = data.draw(st.lists(widths, min_size=nodes.shape[1], max_size=nodes.shape[1]))
    connections = Connections.from_adjacency(nodes, input_units=inputs, output_units=outputs)
    full = np.repeat(np.repeat(nodes, inputs, axis=0), outputs, axis=1)
    columns, rows = np.nonzero(full.T)
    np.testing.assert_array_equal(connections.rows, rows)
    np.testing.assert_array_equal(connections.columns, columns)
    np.testing.assert_array_equal(connections.fan_in, full.sum(axis=0))
    np.testing.assert_array_equal(connections.fan_out, full.sum(axis=1))
    np.testing.assert_array_equal(connections.matrix().toarray(), full)
    again = Connections.from_adjacency(json.loads(json.dumps(connections.encode())), input_units=inputs)
    np.testing.assert_array_equal(again.nodes.toarray(), nodes)


def test_the_arrays_cannot_be_changed():
    connections = Connections.from_adjacency(ADJACENCY)
    for array in (connections.rows, connections.columns, connections.pointers, connections.fan_in):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_the_encoded_form_is_small():
    adjacency = sparse.random_array((9437, 1036), density=0.0086, rng=np.random.default_rng(0))
    encoded = json.dumps(Connections.from_adjacency(adjacency).encode())
    assert len(encoded) < 160_000  # the same as a list of lists: 49 MB


@pytest.mark.parametrize(
    ("adjacency", "units", "message"),
    [
        (
            Architecture(
                (Layer("genes", (Node("A", kind="gene"),)), Layer("sets", (Node("S"),))), {(0, 1): np.ones((1, 1))}
            ),
            {},
            "Expected an adjacency, got Architecture.\n"
            "Take that between two of its layers: arch.adjacency(0, 1); or all of it: vnn.build_model(arch, 2)",
        ),
        (np.ones(3), {}, "adjacency must be a matrix of shape (inputs, outputs), got 1 dimension: (3,)."),
        (np.ones((0, 3)), {}, "adjacency must have at least one input and one output, got shape (0, 3)."),
        (np.array([[np.nan, 1.0]]), {}, "adjacency holds 1 NaN; expected 0 or 1."),
        (
            np.ones((2, 2)),
            {"output_units": [1, 2, 3]},
            "The units of the output nodes must be one number or one per node: expected 2, got 3.",
        ),
        (np.ones((2, 2)), {"input_units": 0}, "The units of the input nodes must be integers of at least 1, got 0."),
        (
            np.ones((2, 2)),
            {"input_units": [1.5, 2]},
            "The units of the input nodes must be integers of at least 1, got 1.5.",
        ),
    ],
)
def test_an_impossible_adjacency_is_refused(adjacency, units, message):
    with pytest.raises(ArchitectureError) as caught:
        Connections.from_adjacency(adjacency, **units)
    assert str(caught.value) == message


def _packed(kind, content):
    return base64.b64encode(zlib.compress(kind + b"\n" + content)).decode()


@pytest.mark.parametrize(
    "damage",
    [
        {"shape": [3]},
        {"shape": [2, 3]},
        {"shape": [3, 4]},
        {"shape": "no"},
        {"counts": "not base64!"},
        {"counts": base64.b64encode(b"not zlib").decode()},
        {"gaps": 7},
        {"gaps": _packed(b"|O8", b"12345678")},
        {"gaps": _packed(b"|u1", b"\0\1\1")},
        {"gaps": _packed(b"|u1", b"\0\1\1\0\xff")},
        {"gaps": _packed(b"|u1", b"\0\0\1\0\1")},
    ],
)
def test_a_damaged_encoding_is_an_error_and_nothing_else(damage):
    encoded = Connections.from_adjacency(ADJACENCY).encode()
    with pytest.raises(ArchitectureError, match="The encoded adjacency is damaged: ") as caught:
        Connections.from_adjacency({**encoded, **damage})
    assert str(caught.value).endswith("Expected what SparselyConnected.get_config() gives.")


def test_an_encoding_without_a_part_is_damaged():
    encoded = Connections.from_adjacency(ADJACENCY).encode()
    del encoded["gaps"]
    with pytest.raises(ArchitectureError, match="damaged: 'gaps'"):
        Connections.from_adjacency(encoded)


@pytest.mark.parametrize(
    ("adjacency", "options", "pair"),
    [
        (np.eye(5), {}, (1, 1)),
        (np.eye(5), {"input_units": 6, "output_units": 2}, (6, 2)),
        (np.eye(5), {"input_units": [6, 6, 6, 6, 5]}, None),
        (np.eye(5)[::-1], {}, None),
        (np.eye(5)[:4], {}, None),
        (np.eye(5) + np.eye(5, k=1), {}, None),
        (np.eye(5) * [1, 1, 0, 1, 1], {}, None),
    ],
    ids=["one unit", "several units", "other units", "another order", "too few", "two inputs", "no input"],
)
def test_what_is_in_pairs(adjacency, options, pair):
    assert Connections.from_adjacency(adjacency, **options).pair == pair
