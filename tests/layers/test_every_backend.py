"""The layer on whatever backend Keras runs on: values, gradients, training, several inputs, the choice of a kernel."""

import keras
import numpy as np
import pytest

from keras_vnn.layers import Connections, SparselyConnected
from keras_vnn.layers.kernels import KERNELS

BACKEND = keras.backend.backend()
RNG = np.random.default_rng(0)
ADJACENCY = RNG.random((23, 12)) < 0.4
ADJACENCY[0] = True


def gradients(product, inputs, weights, upstream):
    """Give the product, and the gradients of ``sum(product * upstream)``, by the means of the backend."""
    if BACKEND == "torch":
        import torch

        inputs, weights = (torch.tensor(array, requires_grad=True) for array in (inputs, weights))
        outputs = product(inputs, weights)
        (outputs * torch.tensor(upstream)).sum().backward()
        return outputs.detach(), inputs.grad, weights.grad
    if BACKEND == "jax":
        import jax

        outputs = jax.jit(product)(inputs, weights)
        loss = jax.jit(jax.grad(lambda inputs, weights: (product(inputs, weights) * upstream).sum(), argnums=(0, 1)))
        return outputs, *loss(inputs, weights)
    import tensorflow as tf

    inputs, weights = tf.constant(inputs), tf.constant(weights)
    with tf.GradientTape() as tape:
        tape.watch([inputs, weights])
        outputs = product(inputs, weights)
        loss = tf.reduce_sum(outputs * upstream)
    return outputs, *map(tf.convert_to_tensor, tape.gradient(loss, [inputs, weights]))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("adjacency", [ADJACENCY, np.eye(12)], ids=["some", "pairs"])
def test_values_and_both_gradients(kernel, adjacency):
    for units in (1, 6):
        connections = Connections.from_adjacency(adjacency, output_units=units)
        why = KERNELS[kernel].unavailable(connections, backend=BACKEND, device="cpu")
        if why:
            pytest.skip(f"{kernel}: {why}")
        matrix = connections.matrix().toarray()
        for batch in (0, 1, 20):
            inputs = RNG.normal(size=(batch, connections.inputs)).astype("float32")
            weights = RNG.normal(size=connections.count).astype("float32")
            upstream = RNG.normal(size=(batch, connections.outputs)).astype("float32")
            full = connections.matrix(weights).toarray()
            expected = inputs @ full, upstream @ full.T, (inputs.T @ upstream).T[matrix.T]
            found = gradients(KERNELS[kernel](connections), inputs, weights, upstream)
            for one, right in zip(found, expected, strict=True):
                np.testing.assert_allclose(np.asarray(one), right, atol=1e-4)


def test_the_choice_is_a_kernel_that_serves_here():
    for density in (0.001, 0.05, 0.5, 1.0):
        adjacency = np.random.default_rng(0).random((300, 200)) < density
        adjacency[0] = True
        layer = SparselyConnected(adjacency)
        kernel = KERNELS[layer.kernel_report()["kernel"]]
        assert not kernel.unavailable(layer.connections, backend=BACKEND, device="cpu")
    large = np.random.default_rng(0).random((2000, 1500)) < 0.05
    large[0] = True
    assert SparselyConnected(large).kernel_report()["kernel"] == "native"


@pytest.mark.skipif(BACKEND == "tensorflow", reason="Keras asks for the kernel before there is a batch")
def test_the_size_of_a_batch_counts_in_the_choice(monkeypatch):
    called = []

    def spied(name):
        original = KERNELS[name].__call__
        return lambda self, inputs, weights: called.append((name, len(inputs))) or original(self, inputs, weights)

    for name in KERNELS:
        monkeypatch.setattr(KERNELS[name], "__call__", spied(name))
    layer = SparselyConnected(np.random.default_rng(0).random((400, 400)) < 0.5)
    for batch in (2, 1024):
        layer(keras.ops.ones((batch, 400)))
    assert called == [("native", 2), ("dense", 1024)]


@pytest.mark.parametrize("kernel", ["auto", "native", "portable", "dense", "block"])
def test_training_is_that_of_a_dense_layer_on_the_edges(kernel):
    """A step of SGD by hand, and then a loss that falls."""
    data = RNG.normal(size=(32, 23)).astype("float32")
    targets = RNG.normal(size=(32, 12)).astype("float32")
    layer = SparselyConnected(ADJACENCY, kernel=kernel)
    model = keras.Sequential([keras.Input((23,)), layer])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    matrix, present = layer.kernel_matrix().toarray(), ADJACENCY.astype(float)
    model.train_on_batch(data, targets)
    assert BACKEND != "jax" or model.jit_compile, "nothing of the model is compiled"
    upstream = 2 * (data @ matrix - targets) / targets.size
    fed = ADJACENCY.any(axis=0)
    np.testing.assert_allclose(layer.kernel_matrix().toarray(), matrix - 0.5 * (data.T @ upstream) * present, atol=1e-5)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer.bias), -0.5 * upstream.sum(axis=0) * fed, atol=1e-5)
    losses = model.fit(data, targets, epochs=10, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("kernel", ["auto", "native", "portable"])
def test_several_inputs_are_read_as_if_side_by_side(kernel):
    first, second = keras.Input((20,)), keras.Input((3,))
    relay = SparselyConnected(np.eye(20), kernel=kernel, bias_initializer="random_normal")
    layer = SparselyConnected(ADJACENCY, [1, 2, 3] * 4, kernel=kernel)
    model = keras.Model([first, second], layer([relay(first), second]))
    data = RNG.normal(size=(9, 20)).astype("float32"), RNG.normal(size=(9, 3)).astype("float32")
    handed_on = data[0] * keras.ops.convert_to_numpy(relay.kernel) + keras.ops.convert_to_numpy(relay.bias)
    expected = np.concatenate([handed_on, data[1]], axis=1) @ layer.kernel_matrix()
    np.testing.assert_allclose(model.predict(data, verbose=0), expected, atol=1e-5)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_precisions(dtype):
    layer = SparselyConnected(ADJACENCY, 2, kernel="native", dtype=dtype)
    data = RNG.normal(size=(8, 23)).astype("float32")
    outputs = layer(keras.ops.convert_to_tensor(data))
    assert keras.backend.standardize_dtype(outputs.dtype) == layer.compute_dtype
    found = keras.ops.convert_to_numpy(keras.ops.cast(outputs, "float32"))
    np.testing.assert_allclose(found, data @ layer.kernel_matrix(), atol=0.05)
