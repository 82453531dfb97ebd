"""Layers whose tanh and batch normalisation are computed with their products: the numbers of Keras's own layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_vnn.layers import Connections, SparselyConnected
from keras_vnn.layers.fast._machine import _team
from keras_vnn.layers.fast._products import Finish, Products

pytestmark = pytest.mark.tensorflow

BatchNormalization = keras.saving.get_registered_object("keras_vnn>BatchNormalization")
RNG = np.random.default_rng(0)
ADJACENCY = RNG.random((60, 25)) < 0.2


def network(kernel, normalization, units=6, activation="tanh", dtype="float64", reads=False):
    """Two sparse layers with batch normalisation; with ``reads``, something else reads the units before it."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((60,), dtype=dtype)
    options = {"kernel": kernel, "activation": activation, "dtype": dtype, "bias_initializer": "random_normal"}
    first = SparselyConnected(ADJACENCY, units, **options)(inputs)
    hidden = normalization(dtype=dtype, gamma_initializer="random_normal", epsilon=1e-3)(first)
    upper = SparselyConnected(RNG.random((25, 4)) < 2, 2, inputs_per_node=units, **options)([hidden])
    outputs = normalization(dtype=dtype, beta_initializer="ones")(upper)
    if reads:
        outputs = keras.layers.Concatenate()([outputs, first])
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    return model


@pytest.fixture
def finishes(monkeypatch):
    """What the operations that are made do with their sums."""
    made, plain = [], Products.__init__

    def init(self, *args, **kwargs):
        plain(self, *args, **kwargs)
        made.append(self.finish)

    monkeypatch.setattr(Products, "__init__", init)
    return made


@pytest.mark.parametrize("units", [1, 6])
@pytest.mark.parametrize("activation", ["tanh", "linear", "relu"])
@pytest.mark.parametrize(
    ("batch", "reads"),
    [pytest.param(1, False, marks=pytest.mark.slow), (7, True), pytest.param(70, False, marks=pytest.mark.slow)],
)
def test_training_is_that_of_keras_own_normalisation(batch, units, activation, reads, finishes):
    data, targets = RNG.normal(size=(batch, 60)), RNG.normal(size=(batch, 8 + 25 * units * reads))
    models = [
        network(kernel, kind, units, activation, reads=reads)
        for kernel, kind in (("portable", keras.layers.BatchNormalization), ("native", BatchNormalization))
    ]
    models[1].set_weights(models[0].get_weights())
    losses = [model.fit(data, targets, batch_size=batch, epochs=3, verbose=0).history["loss"] for model in models]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-9)
    for ours, keras_own in zip(models[1].get_weights(), models[0].get_weights(), strict=True):
        np.testing.assert_allclose(ours, keras_own, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(models[1].predict(data, verbose=0), models[0].predict(data, verbose=0), rtol=1e-7)
    assert any(finish.epsilon is not None for finish in finishes) == (activation != "relu")


def test_gradients_of_gradients_go_through_the_normalisation():
    models = [network(kernel, BatchNormalization) for kernel in ("portable", "native")]
    models[1].set_weights(models[0].get_weights())
    data, found = tf.constant(RNG.normal(size=(9, 60))), []
    for model in models:

        @tf.function
        def second(data, model=model):
            with tf.GradientTape() as outer:
                outer.watch(data)
                with tf.GradientTape() as inner:
                    inner.watch(data)
                    loss = tf.reduce_sum(model(data, training=True) ** 3)
                first = inner.gradient(loss, data)
            of = [data, *(each.value for each in model.trainable_variables)]
            return outer.gradient(tf.reduce_sum(first**2), of, unconnected_gradients="zero")

        found.append(second(data))
    for ours, plain in zip(found[1], found[0], strict=True):
        np.testing.assert_allclose(tf.convert_to_tensor(ours), tf.convert_to_tensor(plain), rtol=1e-6, atol=1e-9)


def test_eager_calls_inference_masks_and_other_settings_are_keras_own(finishes):
    model = network("native", BatchNormalization)
    data = RNG.normal(size=(5, 60))
    model(data, training=True)
    tf.function(lambda data: model(data, training=False))(data)
    for layer in model.layers:
        layer.trainable = False
    tf.function(lambda data: model(data, training=True))(data)
    assert [finish for finish in finishes if finish.epsilon is not None] == []


def test_a_model_is_saved_and_loaded_with_it(tmp_path):
    model = network("native", BatchNormalization, dtype="float32")
    data = RNG.normal(size=(33, 60)).astype("float32")
    model.fit(data, np.zeros((33, 8)), verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(data, verbose=0), model.predict(data, verbose=0))
    assert [type(layer) for layer in loaded.layers].count(BatchNormalization) == 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tanh_is_numpys(dtype):
    values = np.array([*np.linspace(-12, 12, 4001), 0.0, 1e-30, 1e-6, np.inf, -np.inf, np.nan], dtype)
    layer = SparselyConnected(np.ones((1, 1)), activation="tanh", kernel="native", dtype=dtype, use_bias=False)
    layer.build((None, 1))
    layer.kernel.assign([1.0])
    found = np.asarray(layer(values[:, None]))[:, 0]
    assert found.dtype == dtype
    np.testing.assert_allclose(found, np.tanh(values), rtol=1e-6 if dtype == "float32" else 1e-15)


def test_half_precision_is_normalised_by_keras(finishes):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((60,))
    hidden = SparselyConnected(ADJACENCY, 3, kernel="native", activation="tanh", dtype="mixed_float16")(inputs)
    model = keras.Model(inputs, BatchNormalization(dtype="mixed_float16")(hidden))
    model.compile("sgd", "mse")
    model.fit(RNG.normal(size=(8, 60)), np.zeros((8, 75)), verbose=0)
    assert [finish.epsilon for finish in finishes] == [None] * len(finishes) != []


@pytest.mark.parametrize(("units", "batch"), [(1, 70), (6, 33), (6, 300)])
def test_the_bits_are_the_same_with_any_number_of_threads(units, batch, monkeypatch):
    connections = Connections.from_adjacency(RNG.random((600, 200)) < 0.1, output_units=units)
    products = Products(connections, finish=Finish(has_tanh=True, epsilon=1e-3))
    sizes = (connections.count, *[connections.outputs] * 3)
    parameters = [RNG.normal(size=size).astype("float32") for size in sizes]
    inputs, upstream = (RNG.normal(size=(batch, n)).astype("float32") for n in (600, connections.outputs))
    found = {}
    for threads in (1, 2, 3, 8):
        monkeypatch.setenv("KERAS_VNN_THREADS", str(threads))
        _team.cache_clear()
        outputs, *saved = products.forward([inputs], parameters)
        arrays = [outputs, *saved[2:], *products.backward(upstream, saved, parameters)]
        found[threads] = [array.tobytes() for array in arrays]
    _team.cache_clear()
    assert all(each == found[1] for each in found.values())
