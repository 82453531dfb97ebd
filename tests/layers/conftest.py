"""What the tests of the sparse layer share: small adjacencies, and the layer's arithmetic in dense numpy."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pytest


class DenseOracle:
    """The same layer written out with full matrices, from the adjacency of units alone."""

    def __init__(self, adjacency, units_per_node=1, inputs_per_node=1):
        nodes = np.asarray(adjacency) != 0
        rows = np.repeat(nodes, inputs_per_node, axis=0)
        self.mask = np.repeat(rows, units_per_node, axis=1).astype(float)

    def matrix(self, weights):
        """Place a vector in (output, input) order into a matrix (inputs, outputs)."""
        transposed = np.zeros(self.mask.T.shape)
        transposed[self.mask.T > 0] = weights
        return transposed.T

    def vector(self, matrix):
        """Take the values of the connections out of a matrix (inputs, outputs)."""
        return matrix.T[self.mask.T > 0]

    def product(self, inputs, weights):
        return inputs @ self.matrix(weights)

    def gradients(self, inputs, weights, upstream):
        """Give the gradients of ``sum(product * upstream)`` in the inputs and in the weights."""
        return upstream @ self.matrix(weights).T, self.vector(inputs.T @ upstream)


@pytest.fixture(scope="session")
def dense_oracle():
    return DenseOracle


@pytest.fixture
def five_genes_three_terms():
    """Gene 2 feeds nothing; term 2 reads nothing."""
    return np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 0], [1, 1, 0]])


@pytest.fixture
def random_adjacency():
    def make(inputs, outputs, density, seed=0):
        return np.random.default_rng(seed).random((inputs, outputs)) < density

    return make


@pytest.fixture
def adjacency(random_adjacency):
    """30 inputs, 8 outputs, none of them without an input."""
    adjacency = random_adjacency(30, 8, 0.3)
    adjacency[0] = True
    return adjacency
