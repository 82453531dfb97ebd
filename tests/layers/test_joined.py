"""Layers that read several tensors, and units that only hand one input on, which are folded into what reads them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_vnn.basics.errors import ArchitectureError
from keras_vnn.layers import SparselyConnected
from keras_vnn.layers.fast._products import Products
from keras_vnn.layers.kernels import KERNELS

pytestmark = pytest.mark.tensorflow

RNG = np.random.default_rng(0)
GENES, TERMS = 50, 9
# Gene and term of each pair; not every gene is read, and one term reads no gene.
ANNOTATED = RNG.random((GENES, TERMS)) < 0.25
ANNOTATED[:, 4] = False
BELOW = RNG.random((2 * 21, TERMS)) < 0.2
BELOW[2:20] = False  # whole groups of units that nothing reads
PAIRS = np.argwhere(ANNOTATED.T)[:, ::-1]


@pytest.fixture
def network(request):
    """Genes and a lower layer feed terms, the genes by a unit of their own for each pair of gene and term."""

    def make(kernel, units, dtype="float64", reads=False):
        relays = np.zeros((GENES, len(PAIRS)))
        relays[PAIRS[:, 0], np.arange(len(PAIRS))] = 1
        terms = np.zeros((len(PAIRS), TERMS))
        terms[np.arange(len(PAIRS)), PAIRS[:, 1]] = 1
        keras.utils.set_random_seed(0)
        of_data = dtype if dtype == "float64" else "float32"
        genes, lower = keras.Input((GENES,), dtype=of_data), keras.Input((42,), dtype=of_data)
        options = {"kernel": kernel, "bias_initializer": "random_normal", "dtype": dtype}
        pairs = SparselyConnected(relays, name="pairs", **options)(genes)
        hidden = [pairs, lower, *([genes] if reads else [])]
        adjacency = np.concatenate([terms, BELOW, *([ANNOTATED] if reads else [])])
        outputs = SparselyConnected(adjacency, units, name="terms", **options)(hidden)
        return keras.Model([genes, lower], outputs)

    return make


def by_hand(model, genes, lower):
    pairs, terms = model.get_layer("pairs"), model.get_layer("terms")
    hidden = genes @ pairs.kernel_matrix().toarray() + pairs.bias.numpy()
    joined = np.concatenate([hidden, lower, *([genes] if terms.connections.inputs > len(PAIRS) + 42 else [])], axis=1)
    return joined @ terms.kernel_matrix().toarray() + terms.bias.numpy() * (terms.connections.fan_in > 0)


@pytest.mark.parametrize("units", [1, 6, [1, 2, 3, 4, 5, 6, 7, 8, 9]], ids=["one unit", "six units", "many units"])
@pytest.mark.parametrize("kernel", ["auto", *KERNELS])
def test_several_inputs_are_read_as_if_side_by_side(kernel, units, network):
    for batch in (1, 7, 40):
        model = network(kernel, units, reads=True)
        genes, lower = RNG.normal(size=(batch, GENES)), RNG.normal(size=(batch, 42))
        expected = by_hand(model, genes, lower)
        np.testing.assert_allclose(model([genes, lower]), expected, atol=1e-6)
        np.testing.assert_allclose(model.predict([genes, lower], verbose=0), expected, atol=1e-6)


@pytest.mark.parametrize("units", [1, 6])
@pytest.mark.parametrize("traced", [True, False], ids=["traced", "eager"])
@pytest.mark.parametrize("watches", ["weights", "inputs", "both", "lower", "from outside"])
def test_gradients_are_those_of_the_unfolded_network(units, traced, watches, network):
    """Those of each kind that may be asked for; a function differentiated as a whole does not see who watches."""
    model, portable = network("native", units), network("portable", units)
    portable.set_weights(model.get_weights())
    genes, lower = tf.constant(RNG.normal(size=(33, GENES))), tf.constant(RNG.normal(size=(33, 42)))
    upstream = RNG.normal(size=model.output_shape[1:])

    def gradients(model):
        weights = [variable.value for variable in model.trainable_variables]
        inputs = {"weights": [], "lower": [lower]}.get(watches, [genes, lower])
        wanted = [*inputs, *([] if watches in ("inputs", "lower") else weights)]

        def loss():
            return tf.reduce_sum(tf.tanh(model([genes, lower])) * upstream)

        if watches == "from outside":
            call = tf.function(lambda genes, lower: tf.reduce_sum(tf.tanh(model([genes, lower])) * upstream))
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                value = call(genes, lower)
            return tape.gradient(value, wanted)

        def run():
            with tf.GradientTape(watch_accessed_variables=watches not in ("inputs", "lower")) as tape:
                tape.watch(inputs)
                value = loss()
            return tape.gradient(value, wanted)

        return (tf.function(run) if traced else run)()

    found, expected = gradients(model), gradients(portable)
    assert len(found) == len(expected) > 0
    for one, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, right, atol=1e-9)


def test_gradients_of_gradients_through_several_inputs(network):
    """As a penalty on the gradient of the inputs needs."""
    found = []
    model, portable = network("native", 3), network("portable", 3)
    portable.set_weights(model.get_weights())
    genes, lower = tf.constant(RNG.normal(size=(5, GENES))), tf.constant(RNG.normal(size=(5, 42)))
    for each in (model, portable):
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch([genes, lower])
                value = tf.reduce_sum(tf.tanh(each([genes, lower])))
            of_inputs = inner.gradient(value, [genes, lower])
            penalty = sum(tf.reduce_sum(gradient**2) for gradient in of_inputs)
        found.append(outer.gradient(penalty, [variable.value for variable in each.trainable_variables]))
    for one, right in zip(*found, strict=True):
        np.testing.assert_allclose(one, right, atol=1e-9)


@pytest.fixture
def batches_multiplied(monkeypatch):
    """Name the outputs of every product that is computed."""
    widths, forward, backward = [], Products.forward, Products.backward

    def spy(original):
        return lambda self, *args, **options: widths.append(self.outputs) or original(self, *args, **options)

    monkeypatch.setattr(Products, "forward", spy(forward))
    monkeypatch.setattr(Products, "backward", spy(backward))
    return widths


def test_neither_what_relays_give_nor_its_gradient_is_computed_in_a_step_of_training(network, batches_multiplied):
    """The operations that would compute them are dropped, as nobody reads what they give."""
    model = network("native", 6, "float32")
    model.compile("sgd", "mse")
    genes, lower = np.ones((4, GENES), "float32"), np.ones((4, 42), "float32")
    model.train_on_batch([genes, lower], np.zeros((4, 6 * TERMS)))
    model.predict_on_batch([genes, lower])
    assert batches_multiplied == [6 * TERMS] * 3  # forward and back; forward


@pytest.mark.parametrize(
    "options", [{"activation": "tanh"}, {"use_bias": False}, {"adjacency": np.eye(5) + np.eye(5, k=1)}], ids=str
)
def test_only_units_that_hand_on_one_input_are_folded(options, batches_multiplied):
    first = SparselyConnected(**{"adjacency": np.eye(5)[:, [0, 0, 3, 3, 3, 1]][:, :5], **options}, kernel="native")
    model = keras.Sequential([keras.Input((5,)), first, SparselyConnected(np.ones((5, 2)), kernel="native")])
    model.predict_on_batch(np.ones((2, 5)))
    assert batches_multiplied == [5, 2]


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("traced", [True, False], ids=["traced", "eager"])
@pytest.mark.parametrize("reader", ["one", "two", "one and a dense layer"])
def test_the_gradient_of_what_relays_give_is_there_for_who_asks(reader, traced, dtype):
    """It holds what every reader says, and so do those of what made the relays."""
    keras.utils.set_random_seed(0)
    relay = SparselyConnected(np.eye(3), kernel="native", bias_initializer="random_normal", dtype=dtype)
    readers = [SparselyConnected(np.ones((3, 1)), kernel="native", dtype=dtype)]
    readers += {"one": [], "two": [SparselyConnected(np.eye(3, 1), kernel="native", dtype=dtype)]}.get(
        reader, [keras.layers.Dense(1, kernel_initializer="ones", dtype=dtype)]
    )
    inputs = tf.constant(RNG.normal(size=(4, 3)), "float32")

    def gradients(inputs, watches=True):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(inputs)
            handed_on = relay(inputs)
            if watches:
                tape.watch(handed_on)
            outputs = sum(tf.cast(each(handed_on), "float32") for each in readers)
        return [tape.gradient(outputs, each) for each in (handed_on, inputs, relay.kernel.value, relay.bias.value)]

    for each in readers:
        each(relay(inputs))
    weights = [each.kernel.numpy().ravel() for each in readers]
    upstream = np.tile(sum(np.pad(each, (0, 3 - len(each))) for each in weights), (4, 1))
    scale = relay.kernel.numpy()
    expected = upstream, upstream * scale, (upstream * inputs.numpy()).sum(axis=0), upstream.sum(axis=0)
    for watches in (True, False):
        found = (tf.function(gradients) if traced else gradients)(inputs, watches)
        for one, right in zip(found, expected, strict=True):
            np.testing.assert_allclose(tf.cast(one, "float32"), right, atol=0.05 if "bf" in dtype else 1e-5)


def test_a_model_that_gives_relays_beside_its_output_has_the_gradient_of_one_in_the_other(network):
    found = []
    for kernel in ("native", "portable"):
        model = network(kernel, 6)
        both = keras.Model(model.inputs, [model.get_layer("pairs").output, model.output])
        both.set_weights(network("portable", 6).get_weights())

        @tf.function
        def gradient(data, both=both):
            with tf.GradientTape() as tape:
                pairs, outputs = both(data)
                loss = tf.reduce_sum(outputs**2)
            return tape.gradient(loss, [pairs, *(variable.value for variable in both.trainable_variables)])

        rng = np.random.default_rng(1)
        found.append(gradient([tf.constant(rng.normal(size=(7, GENES))), tf.constant(rng.normal(size=(7, 42)))]))
    for one, right in zip(*found, strict=True):
        np.testing.assert_allclose(one, right, atol=1e-9)


def test_tensors_that_do_not_fit_are_refused():
    layer = SparselyConnected(np.ones((5, 2)))
    with pytest.raises(ArchitectureError) as caught:
        layer([np.ones((3, 4)), np.ones((3, 2))])
    assert str(caught.value) == "adjacency must have shape (inputs, outputs) = (6, …), got (5, 2)."


def test_a_model_of_such_layers_is_saved_and_trained_in_half_precision(tmp_path, network):
    model = network("native", 6, "mixed_bfloat16")
    model.compile("adam", "mse")
    data = [RNG.normal(size=(16, GENES)).astype("float32"), RNG.normal(size=(16, 42)).astype("float32")]
    model.fit(data, np.zeros((16, 54)), verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(data, verbose=0), model.predict(data, verbose=0))
