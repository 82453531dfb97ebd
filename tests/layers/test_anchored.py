"""Kernels that start at the mean, are pulled towards it, and keep signs: against numbers by hand."""

import keras
import numpy as np
import pytest

from keras_vnn import VNNError
from keras_vnn.layers import Connections, MeanOfInputs, Oriented, PullToMean, SignsOfEdges, SparselyConnected

# Inputs: genes A and B, then a unit of a node; the second output reads A and the node only.
ADJACENCY = np.array([[1, 1], [1, 0], [1, 1]])
SIGNS = np.array([1, -1, 0, -1, 1], np.int8)


def built(**how):
    layer = SparselyConnected(ADJACENCY, **how)
    layer.build((None, 3))
    return layer


def weights_of(layer):
    return keras.ops.convert_to_numpy(layer.kernel)


def test_units_start_at_the_mean_of_genes_and_of_nodes():
    layer = built(kernel_initializer=MeanOfInputs(0.6, genes=2, gene_scale=0.4))
    expected = [0.4 / np.sqrt(2), 0.4 / np.sqrt(2), 0.6, 0.4, 0.6]
    np.testing.assert_allclose(weights_of(layer), expected, rtol=1e-6)


def test_units_of_one_node_differ_but_stay_positive():
    layer = SparselyConnected(np.ones((400, 1)), 3, kernel_initializer=MeanOfInputs(spread=0.5, seed=1))
    layer.build((None, 400))
    weights = weights_of(layer).reshape(3, 400)
    assert weights.min() > 0
    np.testing.assert_allclose(weights.mean(axis=1), 0.35 / 20, rtol=0.1)
    assert np.abs(np.corrcoef(weights)[~np.eye(3, dtype=bool)]).max() < 0.2


@pytest.mark.parametrize("initializer", ["glorot_uniform", MeanOfInputs(spread=0.5)])
def test_signs_are_those_of_edges_from_the_start(initializer):
    weights = weights_of(built(kernel_initializer=Oriented(initializer, SIGNS)))
    assert (np.sign(weights)[SIGNS != 0] == SIGNS[SIGNS != 0]).all() and weights.all()
    assert (weights_of(built(kernel_initializer=Oriented(initializer))) > 0).all()


def test_the_pull_is_the_squared_distance_from_the_mean():
    pull = PullToMean(0.5, MeanOfInputs(0.6, genes=2, gene_scale=0.4), signs=SIGNS, l2=0.25)
    layer = built(kernel_initializer="ones", kernel_regularizer=pull)
    means = np.array([0.4 / np.sqrt(2), -0.4 / np.sqrt(2), 0.6, -0.4, 0.6])
    (penalty,) = layer.losses
    counts = [2, 2, 1, 1, 1]  # genes and nodes by themselves
    assert float(keras.ops.convert_to_numpy(penalty)) == pytest.approx(
        0.5 * (counts * (1 - means) ** 2).sum() + 0.25 * 5, rel=1e-6
    )


def test_signs_hold_whatever_the_optimizer_does():
    layer = built(kernel_initializer=Oriented("glorot_uniform", SIGNS), kernel_constraint=SignsOfEdges(SIGNS))
    model = keras.Sequential([keras.Input((3,)), layer])
    model.compile(optimizer=keras.optimizers.SGD(0.5), loss="mse")
    random = np.random.default_rng(0)
    x = random.normal(size=(64, 3)).astype("float32")
    free = x @ np.array([[-1.0, 1.0], [1.0, 0.0], [-1.0, -1.0]])  # against every sign
    model.fit(x, free, epochs=30, verbose=0)
    weights = weights_of(layer)
    assert (weights * SIGNS >= 0).all()
    assert weights[2] < -0.9
    assert np.count_nonzero(weights[SIGNS != 0]) == 0


def test_the_layer_is_saved_with_what_holds_it(tmp_path):
    start = MeanOfInputs(0.6, genes=2, gene_scale=0.4, spread=0.5, seed=3)
    layer = built(
        kernel_initializer=Oriented(start, SIGNS),
        kernel_regularizer=PullToMean(0.5, start, SIGNS),
        kernel_constraint=SignsOfEdges(SIGNS),
    )
    model = keras.Sequential([keras.Input((3,)), layer])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras").layers[0]
    np.testing.assert_array_equal(weights_of(again), weights_of(layer))
    one, other = (float(keras.ops.convert_to_numpy(each.losses[0])) for each in (again, layer))
    assert one == pytest.approx(other)
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(again.kernel_constraint.signs, SIGNS)


@pytest.mark.parametrize(
    "damage",
    [{}, {"count": 5}, SignsOfEdges(SIGNS).get_config()["signs"] | {"count": 4}, {"count": 5, "packed": "eJw="}],
)
def test_damaged_signs_are_refused(damage):
    with pytest.raises(VNNError, match="signs of a layer's edges are damaged"):
        SignsOfEdges(damage)


def test_a_mean_needs_connections():
    with pytest.raises(VNNError, match="MeanOfInputs is for SparselyConnected"):
        keras.layers.Dense(2, kernel_initializer=MeanOfInputs()).build((None, 3))
    with pytest.raises(VNNError, match="PullToMean is for SparselyConnected"):
        PullToMean(0.1)(np.ones(3))
    connections = Connections.from_adjacency(ADJACENCY)
    assert MeanOfInputs().on(connections).shape == (5,)
