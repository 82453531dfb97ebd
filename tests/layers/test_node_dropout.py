"""Whole nodes are dropped, each at its own rate, in training only."""

import keras
import numpy as np
import pytest

from keras_vnn.basics.errors import ModelError
from keras_vnn.layers import NodeDropout


def test_units_of_a_node_fall_together_and_the_mean_stays():
    layer = NodeDropout([0.0, 0.5, 0.2], units_per_node=[1, 2, 3], seed=0)
    x = np.ones((4000, 6), "float32")
    given = np.asarray(layer(x, training=True))
    assert (given[:, 0] == 1).all(), "a rate of 0 never drops"
    assert (given[:, 1] == given[:, 2]).all()
    assert (given[:, 3:] == given[:, [3]]).all()
    assert set(np.unique(given[:, 1])) == {0.0, 2.0}
    np.testing.assert_allclose((given[:, [1, 3]] == 0).mean(axis=0), [0.5, 0.2], atol=0.03)
    np.testing.assert_allclose(given.mean(axis=0), 1, atol=0.05)


def test_nothing_is_dropped_outside_of_training():
    layer = NodeDropout([0.5, 0.5])
    x = np.random.default_rng(0).normal(size=(5, 2)).astype("float32")
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(NodeDropout([0.0, 0.0])(x, training=True), x)


def test_config_round_trip_in_a_model():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, NodeDropout([0.0, 0.5], units_per_node=[1, 2], seed=4)(inputs))
    copy = keras.models.clone_model(model)
    assert copy.layers[1].rates == (0.0, 0.5)
    assert copy.layers[1].units_per_node == (1, 2)
    assert model.output_shape == (None, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0],), "The rates of NodeDropout must be at least 0 and below 1."),
        (([0.1, 0.2], [1]), "NodeDropout needs the units of every node: expected 2 numbers, got 1."),
    ],
)
def test_wrong_rates_are_refused(arguments, message):
    with pytest.raises(ModelError) as error:
        NodeDropout(*arguments)
    assert str(error.value) == message
