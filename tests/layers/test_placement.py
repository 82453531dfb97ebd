"""Weights as a dense matrix and back: against scipy."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from keras_vnn.layers import Connections
from keras_vnn.layers.fast.filled import Placement


@settings(deadline=None, max_examples=60)
@given(
    inputs=st.integers(1, 70),
    outputs=st.integers(1, 9),
    density=st.sampled_from([0.0, 0.1, 0.6, 0.95, 1.0]),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_place_is_the_matrix_and_take_its_inverse(inputs, outputs, density, dtype, seed):
    rng = np.random.default_rng(seed)
    present = rng.random((inputs, outputs)) < density
    connections = Connections.from_adjacency(sparse.csr_array(present))
    weights = rng.normal(size=connections.count).astype(dtype)
    placement = Placement(connections)

    matrix = placement.place(weights)

    np.testing.assert_array_equal(matrix, connections.matrix(weights).toarray().T)
    assert matrix.dtype == dtype
    other = rng.normal(size=(outputs, inputs)).astype(dtype)
    np.testing.assert_array_equal(placement.take(other), other.T[connections.rows, connections.columns])


def test_nodes_of_several_units_are_blocks():
    adjacency = sparse.csr_array([[1, 0], [1, 1], [0, 1]])
    connections = Connections.from_adjacency(adjacency, input_units=[1, 2, 1], output_units=[2, 1])
    weights = np.arange(1, connections.count + 1, dtype="float32")

    matrix = Placement(connections).place(weights)

    assert matrix.tolist() == [[1, 2, 3, 0], [4, 5, 6, 0], [0, 7, 8, 9]]


def test_threads_share_a_matrix_without_touching_what_is_another_s():
    rng = np.random.default_rng(0)
    connections = Connections.from_adjacency(sparse.csr_array(rng.random((1003, 701)) < 0.7))
    weights = rng.normal(size=connections.count).astype("float32")
    placement = Placement(connections)

    matrix = placement.place(weights)

    np.testing.assert_array_equal(matrix, connections.matrix(weights).toarray().T)
    np.testing.assert_array_equal(placement.take(matrix), weights)
