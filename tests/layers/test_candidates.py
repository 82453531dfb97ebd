"""Connections outside the prior: their start, the proximal step that holds them at 0, what they leave as it was."""

import keras
import numpy as np
import pytest
from scipy import sparse

from keras_vnn import SparselyConnected, VNNError
from keras_vnn.layers import Connections, MeanOfInputs, PullToMean, SoftLinkModel

PRIOR = np.array([[1, 0], [1, 1], [0, 1], [0, 0]])
MORE = np.array([[1, 1], [0, 0], [1, 0], [1, 1]])


def layer_of(**options):
    layer = SparselyConnected(PRIOR, candidates=MORE, candidate_penalty=0.1, **options)
    layer.build((None, 4))
    return layer


@pytest.mark.parametrize("units", [1, 2])
def test_each_connection_is_of_the_prior_or_a_candidate(units):
    made = Connections.from_adjacency(PRIOR, output_units=units, input_units=[1, 2, 1, 1], candidates=MORE)
    for place in range(made.count):
        row = np.repeat(np.arange(4), [1, 2, 1, 1])[made.rows[place]]
        column = made.columns[place] // units
        assert made.is_candidate[place] == (PRIOR[row, column] == 0)
    assert made.candidates.nnz == 4 and made.prior.nodes.nnz == PRIOR.sum(), "what the prior has is no candidate"
    assert made.prior.count == (~made.is_candidate).sum()


def test_others_start_as_without_candidates():
    for initializer in (MeanOfInputs(0.7, genes=4), keras.initializers.GlorotUniform(seed=3), "he_normal"):
        keras.utils.set_random_seed(0)
        layer = layer_of(kernel_initializer=initializer)
        keras.utils.set_random_seed(0)
        plain = SparselyConnected(PRIOR, kernel_initializer=initializer)
        plain.build((None, 4))
        np.testing.assert_allclose(layer.kernel_matrix().toarray(), plain.kernel_matrix().toarray(), rtol=1e-6)
        assert layer.count_params() == plain.count_params() + 4


def test_a_pull_to_the_mean_leaves_candidates_free():
    layer = layer_of(
        kernel_initializer=MeanOfInputs(genes=4), kernel_regularizer=PullToMean(1.0, MeanOfInputs(genes=4))
    )
    assert keras.ops.convert_to_numpy(layer.losses[0]) == pytest.approx(0)
    layer.kernel.assign(np.where(layer.connections.is_candidate, 5.0, keras.ops.convert_to_numpy(layer.kernel)))
    assert keras.ops.convert_to_numpy(layer.losses[0]) == pytest.approx(0)


def stepped(optimizer, gradients, penalty, weights):
    """Return weights after steps with known gradients, by Keras, all of them candidates."""
    layer = SparselyConnected(np.zeros((len(weights), 1)), candidates=np.ones((len(weights), 1)), use_bias=False)
    layer.candidate_penalty = penalty
    inputs = keras.Input((len(weights),))
    model = SoftLinkModel(inputs, layer(inputs))
    model.compile(optimizer, loss="mse")
    model.make_train_function()
    layer.kernel.assign(weights)
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [layer.kernel])
    return keras.ops.convert_to_numpy(layer.kernel)


def soft(values, size):
    return np.sign(values) * np.maximum(np.abs(values) - size, 0)


def test_the_step_is_that_of_proximal_gradients():
    """Numbers of plain numpy: w ← soft(w - rate · g, rate · penalty)."""
    random = np.random.default_rng(0)
    gradients = random.normal(size=(5, 6)).astype("float32")
    weights = random.normal(size=6).astype("float32")
    expected = weights.astype(float)
    for gradient in gradients:
        expected = soft(expected - 0.1 * gradient, 0.1 * 0.8)
    found = stepped(keras.optimizers.SGD(0.1), gradients, 0.8, weights)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert (found[np.abs(expected) < 1e-9] == 0).all()


def test_under_adam_each_weight_has_a_step_of_its_own():
    """Numbers of plain numpy, by the formulas of Kingma & Ba 2015 with Keras's epsilon."""
    random = np.random.default_rng(1)
    gradients = random.normal(size=(4, 6)).astype("float32")
    weights = random.normal(size=6).astype("float32")
    w, m, v = weights.astype(float), np.zeros(6), np.zeros(6)
    for t, gradient in enumerate(gradients.astype(float), start=1):
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        scale = 0.05 * np.sqrt(1 - 0.999**t) / (np.sqrt(v) + 0.01)
        w = soft(w - scale / (1 - 0.9**t) * m, scale * 0.3)
    found = stepped(keras.optimizers.Adam(0.05, epsilon=0.01), gradients, 0.3, weights)
    np.testing.assert_allclose(found, w, rtol=1e-4, atol=1e-6)


def lasso(x, y, penalty, steps=20_000):
    """Return the minimum of the mean squared error plus an L1 penalty, by coordinate descent."""
    w, norms = np.zeros(x.shape[1]), 2 * (x**2).mean(axis=0)
    for step in range(steps):
        j = step % x.shape[1]
        rest = y - x @ w + x[:, j] * w[j]
        w[j] = soft(2 * (x[:, j] * rest).mean(), penalty) / norms[j]
    return w


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_training_ends_at_the_lasso_whatever_the_optimizer(optimizer):
    random = np.random.default_rng(2)
    x = random.normal(size=(200, 8))
    y = x[:, :3] @ [1.0, -0.7, 0.3] + 0.3 * random.normal(size=200)
    made = {
        "sgd": keras.optimizers.SGD(0.05),
        "momentum": keras.optimizers.SGD(0.01, momentum=0.9),
        "adam": keras.optimizers.Adam(keras.optimizers.schedules.InverseTimeDecay(0.05, 100, 1.0)),
    }[optimizer]
    layer = SparselyConnected(np.zeros((8, 1)), candidates=np.ones((8, 1)), candidate_penalty=0.4, use_bias=False)
    inputs = keras.Input((8,))
    model = SoftLinkModel(inputs, layer(inputs))
    model.compile(made, loss="mse")
    model.fit(np.tile(x, (400, 1)), np.tile(y, 400), batch_size=200, shuffle=False, verbose=0)
    expected = lasso(x, y, 0.4)
    assert (expected == 0).sum() >= 4, "the oracle has zeros"
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer.kernel), expected, atol=0.01)
    assert (keras.ops.convert_to_numpy(layer.kernel)[expected == 0] == 0).all(), "zeros are exact"


def test_a_constraint_holds_for_candidates_too():
    layer = layer_of(kernel_constraint="non_neg")
    held = layer.kernel.constraint(keras.ops.convert_to_tensor(np.full(layer.connections.count, -1.0, "float32")))
    assert (keras.ops.convert_to_numpy(held) == 0).all()


def test_the_config_keeps_candidates_and_a_plain_layer_has_none():
    layer = layer_of(name="some")
    again = SparselyConnected.from_config(layer.get_config())
    assert again.connections.digest == layer.connections.digest and again.candidate_penalty == 0.1
    assert (again.connections.is_candidate == layer.connections.is_candidate).all()
    assert (again.adjacency.toarray() == (PRIOR > 0)).all()
    assert "candidates" not in SparselyConnected(PRIOR).get_config()


def test_candidates_have_the_shape_of_the_adjacency():
    with pytest.raises(VNNError, match=r"candidates must have the shape of adjacency, \(4, 2\), got \(3, 2\)"):
        SparselyConnected(PRIOR, candidates=sparse.csr_array(MORE[:3]))
