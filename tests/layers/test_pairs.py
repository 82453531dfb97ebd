"""Nodes that each read the one node in their place: the loops made for them, and when they are taken."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_vnn.layers import Connections, SparselyConnected
from keras_vnn.layers.kernels._pairs import PairProducts

pytestmark = pytest.mark.tensorflow

NODES = 37


@pytest.mark.parametrize(("read", "made"), [(1, 1), (6, 1), (1, 3), (5, 2)])
def test_values_and_gradients_are_those_of_the_full_matrix(read, made, dense_oracle, monkeypatch):
    original = PairProducts.forward
    rng = np.random.default_rng(0)
    oracle = dense_oracle(np.eye(NODES), made, read)
    for use_bias in (True, False):
        calls = []
        monkeypatch.setattr(PairProducts, "forward", lambda *args, calls=calls: calls.append(1) or original(*args))
        layer = SparselyConnected(
            np.eye(NODES), made, inputs_per_node=read, kernel="native", dtype="float64", use_bias=use_bias
        )
        for batch in (1, 19, 400):  # the last is shared out between threads
            inputs, upstream = rng.normal(size=(batch, NODES * read)), rng.normal(size=(batch, NODES * made))
            with tf.GradientTape() as tape:
                tensor = tf.constant(inputs)
                tape.watch(tensor)
                outputs = layer(tensor)
                loss = tf.reduce_sum(outputs * upstream)
            of_inputs, *of_weights = tape.gradient(loss, [tensor, *(each.value for each in layer.trainable_variables)])
            weights = keras.ops.convert_to_numpy(layer.kernel)
            expected = [*oracle.gradients(inputs, weights, upstream), upstream.sum(axis=0)]
            np.testing.assert_allclose(outputs, oracle.product(inputs, weights), atol=1e-11)
            for found, right in zip([of_inputs, *of_weights], expected[: 2 + use_bias], strict=True):
                np.testing.assert_allclose(tf.convert_to_tensor(found), right, atol=1e-10)
        assert len(calls) == 3, "the loops of other layers were used"


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
