"""Training the layer: gradients of the right length, and no path that the adjacency lacks."""

import keras
import numpy as np
import pytest

from keras_vnn.layers import SparselyConnected
from keras_vnn.layers.kernels import KERNELS

KERNEL_NAMES = list(KERNELS)
RATE, DECAY, FIRST, SECOND, EPSILON = 0.01, 0.1, 0.9, 0.999, 1e-7


class AdamW:
    """AdamW on one array, as its paper writes it; weight decay first, as Keras has it."""

    def __init__(self, values):
        self.values, self.mean, self.square, self.step = values.copy(), 0.0, 0.0, 0

    def update(self, gradient, where=1.0):
        self.step += 1
        self.values -= RATE * DECAY * self.values
        self.mean = FIRST * self.mean + (1 - FIRST) * gradient * where
        self.square = SECOND * self.square + (1 - SECOND) * (gradient * where) ** 2
        rate = RATE * np.sqrt(1 - SECOND**self.step) / (1 - FIRST**self.step)
        self.values -= rate * self.mean / (np.sqrt(self.square) + EPSILON) * where


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("kernel", KERNEL_NAMES)
def test_a_hundred_steps_of_adamw_equal_those_of_a_dense_network_on_the_edges(kernel, random_adjacency, dense_oracle):
    first, second = random_adjacency(12, 9, 0.3, seed=1), random_adjacency(9, 3, 0.5, seed=2)
    first[0], second[:, 0] = True, True
    rng = np.random.default_rng(0)
    keras.utils.set_random_seed(0)
    inputs, targets = rng.normal(size=(16, 12)), rng.normal(size=(16, 3))
    model = keras.Sequential(
        [
            keras.Input((12,)),
            SparselyConnected(first, activation="tanh", kernel=kernel),
            SparselyConnected(second, kernel=kernel),
        ]
    )
    masks = [dense_oracle(adjacency) for adjacency in (first, second)]
    fed = [mask.mask.any(axis=0) for mask in masks]
    matrices = [
        AdamW(mask.matrix(keras.ops.convert_to_numpy(layer.kernel)))
        for mask, layer in zip(masks, model.layers, strict=True)
    ]
    biases = [AdamW(keras.ops.convert_to_numpy(layer.bias)) for layer in model.layers]

    model.compile(keras.optimizers.AdamW(RATE, weight_decay=DECAY, epsilon=EPSILON), "mse")
    for _ in range(100):
        model.train_on_batch(inputs, targets)

    for _ in range(100):
        hidden = np.tanh(inputs @ matrices[0].values + fed[0] * biases[0].values)
        outputs = hidden @ matrices[1].values + fed[1] * biases[1].values
        upstream = 2 * (outputs - targets) / targets.size
        inner = (upstream @ matrices[1].values.T) * (1 - hidden**2)
        matrices[1].update(hidden.T @ upstream, masks[1].mask)
        biases[1].update(upstream.sum(axis=0) * fed[1])
        matrices[0].update(inputs.T @ inner, masks[0].mask)
        biases[0].update(inner.sum(axis=0) * fed[0])

    for layer, mask, matrix, bias in zip(model.layers, masks, matrices, biases, strict=True):
        np.testing.assert_allclose(
            layer.kernel_matrix().toarray(), matrix.values, atol=2e-5
        )  # Keras rounds the constants of Adam to float32
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(layer.bias), bias.values, atol=2e-5
        )  # Keras rounds the constants of Adam to float32
        assert (layer.kernel_matrix().toarray()[mask.mask == 0] == 0).all()

    # What the network itself says of its paths: the response to one input at a time.
    # One row a call: in a larger batch a matrix product may round the same row in another way.
    at_zero, *at_each = (keras.ops.convert_to_numpy(model(row[None]))[0] for row in (np.zeros(12), *np.eye(12)))
    slopes = np.stack(at_each) - at_zero
    reachable = (masks[0].mask @ masks[1].mask) > 0
    assert (slopes[~reachable] == 0).all()
    assert (slopes[reachable] != 0).all()


@pytest.mark.parametrize("kernel", KERNEL_NAMES)
def test_everything_kept_for_training_has_the_length_of_the_connections(kernel, random_adjacency):
    adjacency = random_adjacency(50, 20, 0.2)
    layer = SparselyConnected(adjacency, use_bias=False, kernel=kernel)
    model = keras.Sequential([keras.Input((50,)), layer])
    model.compile("adam", "mse")
    model.fit(np.ones((4, 50)), np.ones((4, 20)), verbose=0)
    lengths = {variable.shape for variable in model.optimizer.variables} - {()}
    assert lengths == {(int(adjacency.sum()),)}
    assert [w.shape for w in model.get_weights()] == [(int(adjacency.sum()),)]
    assert (layer.kernel.name, layer.count_params()) == ("kernel", int(adjacency.sum()))


@pytest.mark.parametrize("kernel", KERNEL_NAMES)
def test_training_twice_from_one_seed_gives_the_same_bits(kernel, random_adjacency):
    adjacency = random_adjacency(200, 100, 0.1)
    adjacency[0] = True
    data = np.random.default_rng(0).normal(size=(64, 200)).astype("float32")

    def train():
        keras.utils.set_random_seed(7)
        model = keras.Sequential([keras.Input((200,)), SparselyConnected(adjacency, activation="relu", kernel=kernel)])
        model.compile("adam", "mse")
        model.fit(data, data[:, :100], batch_size=16, epochs=2, verbose=0)
        return model.get_weights()

    for first, second in zip(train(), train(), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("kernel", KERNEL_NAMES)
def test_a_layer_used_twice_sums_its_gradients(kernel, dense_oracle, random_adjacency):
    adjacency = random_adjacency(6, 6, 0.5)
    adjacency[0] = True
    oracle = dense_oracle(adjacency)
    layer = SparselyConnected(adjacency, use_bias=False, kernel=kernel)
    entrance = keras.Input((6,))
    model = keras.Model(entrance, layer(layer(entrance)))
    inputs = np.random.default_rng(0).normal(size=(5, 6))
    weights = keras.ops.convert_to_numpy(layer.kernel)
    hidden = oracle.product(inputs, weights)
    np.testing.assert_allclose(model.predict(inputs, verbose=0), oracle.product(hidden, weights), atol=1e-12)

    model.compile(keras.optimizers.SGD(1.0), lambda true, predicted: keras.ops.sum(predicted, axis=-1))
    model.train_on_batch(inputs, np.zeros((5, 6)))
    upstream = np.full((5, 6), 1 / 5)
    inner, outer_gradient = oracle.gradients(hidden, weights, upstream)
    expected = weights - outer_gradient - oracle.gradients(inputs, weights, inner)[1]
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer.kernel), expected, atol=1e-12)


def test_regularizers_and_constraints_act_on_the_connections_only(random_adjacency):
    adjacency = random_adjacency(10, 5, 0.4)
    layer = SparselyConnected(
        adjacency, kernel_initializer="ones", kernel_regularizer=keras.regularizers.L1(1.0), kernel_constraint="non_neg"
    )
    layer.build((None, 10))
    assert keras.ops.convert_to_numpy(layer.losses[0]) == adjacency.sum()
    assert layer.kernel.constraint is layer.kernel_constraint
