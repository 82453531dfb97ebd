"""Batch normalisation in one operation is Keras's own: values, gradients, moving statistics, saved models."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_vnn.layers import BatchNormalization, _batch_normalization

pytestmark = pytest.mark.tensorflow

RNG = np.random.default_rng(0)


@pytest.fixture
def twins():
    """The layer, and Keras's with the same weights."""

    def make(units, dtype="float64", **options):
        layers = [kind(dtype=dtype, **options) for kind in (BatchNormalization, keras.layers.BatchNormalization)]
        for layer in layers:
            layer.build((None, units))
            layer.gamma.assign(np.linspace(0.5, 2, units))
            layer.beta.assign(np.linspace(-1, 1, units))
        return layers

    return make


def trained(layer, inputs, upstream):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=True)
        loss = tf.reduce_sum(tf.cast(outputs, upstream.dtype) * upstream)
    gradients = tape.gradient(loss, [inputs, *(variable.value for variable in layer.trainable_variables)])
    return [outputs, *gradients, layer.moving_mean.value, layer.moving_variance.value]


@pytest.mark.parametrize("traced", [True, False], ids=["traced", "eager"])
@pytest.mark.parametrize("units", [1, 7, 64, 150])
def test_a_training_step_is_that_of_keras(units, traced, twins):
    for examples in (1, 5, 40):
        inputs = tf.constant(RNG.normal(5, 2, size=(examples, units)))
        upstream = tf.constant(RNG.normal(size=(examples, units)))
        found, expected = (
            (tf.function(trained) if traced else trained)(layer, inputs, upstream)
            for layer in twins(units, momentum=0.9, epsilon=1e-5)
        )
        for one, right in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, right, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-3), ("mixed_float16", 1e-2), ("mixed_bfloat16", 5e-2)])
def test_other_precisions(dtype, tolerance, twins):
    """Within rounding of double precision; a mean a thousand times the spread costs no more digits than it must."""
    inputs = tf.constant(RNG.normal(1000 if dtype == "float32" else 1, 1, size=(64, 20)), "float32")
    upstream = tf.constant(RNG.normal(size=(64, 20)), "float32")
    (ours, _), (_, exact) = twins(20, dtype), twins(20)
    expected = trained(exact, tf.cast(inputs, "float64"), tf.cast(upstream, "float64"))
    for one, right in zip(trained(ours, inputs, upstream), expected, strict=True):
        scale = np.abs(right).max()
        np.testing.assert_allclose(tf.cast(one, "float64") / scale, right / scale, atol=tolerance)
    assert ours(inputs, training=True).dtype == ours.compute_dtype


def test_gradients_of_gradients(twins):
    inputs, upstream = tf.constant(RNG.normal(size=(6, 5))), tf.constant(RNG.normal(size=(6, 5)))
    found = []
    for layer in twins(5):
        with tf.GradientTape() as outer:
            outer.watch(inputs)
            of_inputs = trained(layer, inputs, upstream)[1]
            penalty = tf.reduce_sum(of_inputs**2)
        found.append(outer.gradient(penalty, [inputs, layer.gamma.value]))
    for one, right in zip(*found, strict=True):
        np.testing.assert_allclose(one, right, atol=1e-9)


@pytest.mark.parametrize(
    ("shape", "options", "call"),
    [
        ((8, 5), {}, {"training": False}),
        ((8, 5), {"trainable": False}, {"training": True}),
        ((8, 5), {"scale": False}, {"training": True}),
        ((8, 3, 5), {}, {"training": True}),
        ((8, 3, 5), {}, {"training": True, "mask": np.ones((8, 3), bool)}),
    ],
    ids=["prediction", "frozen", "no scale", "three axes", "a mask"],
)
def test_what_the_loops_cannot_do_is_left_to_keras(shape, options, call, monkeypatch):
    def refuse(*_):
        raise AssertionError("the loops were called")

    monkeypatch.setattr(_batch_normalization, "_normalized", refuse)
    inputs = RNG.normal(size=shape).astype("float32")
    ours, theirs = (kind(**options) for kind in (BatchNormalization, keras.layers.BatchNormalization))
    np.testing.assert_array_equal(ours(inputs, **call), theirs(inputs, **call))


def test_loops_are_called_on_a_cpu_only(monkeypatch):
    calls = []
    original = _batch_normalization._normalized
    monkeypatch.setattr(_batch_normalization, "_normalized", lambda epsilon: calls.append(1) or original(epsilon))
    inputs = RNG.normal(size=(8, 5)).astype("float32")
    BatchNormalization()(inputs, training=True)
    assert len(calls) == 1
    layer = BatchNormalization()
    layer.build((None, 5))
    tf.function(lambda: layer(inputs, training=True), jit_compile=True)()
    assert len(calls) == 1, "XLA"
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind=None: ["gpu:0"])
    BatchNormalization()(inputs, training=True)
    assert len(calls) == 1, "a GPU"


def test_a_model_is_saved_and_goes_on(tmp_path):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4), BatchNormalization(), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    data = RNG.normal(size=(32, 6)).astype("float32")
    model.fit(data, data[:, :1], epochs=3, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(data, verbose=0), model.predict(data, verbose=0))
    for each in (model, again):
        each.fit(data, data[:, :1], verbose=0, shuffle=False)
    for one, right in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, right)
