"""The kernels against each other and dense numpy, and the choice between them."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_vnn.layers import Connections, SparselyConnected
from keras_vnn.layers.fast import _products
from keras_vnn.layers.fast._machine import _team
from keras_vnn.layers.fast._products import Products
from keras_vnn.layers.kernels import KERNELS, choose_kernel, stand_in

pytestmark = pytest.mark.tensorflow

KERNEL_NAMES = list(KERNELS)
WIDTHS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 17, 20]


def gradients_of(product, inputs, weights, upstream):
    with tf.GradientTape() as tape:
        tape.watch((inputs, weights))
        outputs = product(inputs, weights)
        loss = tf.reduce_sum(outputs * upstream)
    return outputs, *tape.gradient(loss, (inputs, weights))


@pytest.fixture
def case(random_adjacency, dense_oracle):
    """Nodes of many widths, an input that feeds nothing, a node that reads nothing."""

    def make(batch, dtype="float64", units=WIDTHS):
        adjacency = random_adjacency(23, 12, 0.4)
        adjacency[3], adjacency[:, 5] = False, False
        oracle = dense_oracle(adjacency, units, 2)
        connections = Connections.from_adjacency(adjacency, output_units=units, input_units=2)
        rng = np.random.default_rng(1)
        inputs, upstream = rng.normal(size=(batch, 46)), rng.normal(size=(batch, connections.outputs))
        weights = rng.normal(size=connections.count)
        expected = (oracle.product(inputs, weights), *oracle.gradients(inputs, weights, upstream))
        tensors = [tf.constant(array, dtype) for array in (inputs, weights, upstream)]
        return connections, tensors, expected

    return make


@pytest.mark.parametrize("kernel", KERNEL_NAMES)
@pytest.mark.parametrize(
    "mode", ["eager", pytest.param("function", marks=pytest.mark.slow), "function of unknown batch"]
)
@pytest.mark.parametrize("units", [1, WIDTHS], ids=["one unit", "many units"])
def test_values_and_both_gradients(kernel, mode, units, case):
    for batch in (1, 5, 16, 40):
        connections, tensors, expected = case(batch, units=units)
        product = KERNELS[kernel](connections)

        def run(inputs, weights, upstream, product=product):
            return gradients_of(product, inputs, weights, upstream)

        if mode == "function":
            run = tf.function(run)
        elif mode == "function of unknown batch":
            run = tf.function(
                run,
                input_signature=[
                    tf.TensorSpec((None, *t.shape[1:]) if t.ndim > 1 else t.shape, t.dtype) for t in tensors
                ],
            )
        for found, right in zip(run(*tensors), expected, strict=True):
            np.testing.assert_allclose(tf.convert_to_tensor(found), right, atol=1e-11)


@pytest.mark.parametrize("kernel", KERNEL_NAMES)
def test_single_precision_and_an_empty_batch(kernel, case):
    connections, tensors, expected = case(37, "float32")
    product = KERNELS[kernel](connections)
    for found, right in zip(gradients_of(product, *tensors), expected, strict=True):
        np.testing.assert_allclose(tf.convert_to_tensor(found), right, atol=2e-4)
    empty = tf.zeros((0, 46)), tensors[1], tf.zeros((0, connections.outputs))
    outputs, of_inputs, of_weights = gradients_of(product, *empty)
    assert (outputs.shape, of_inputs.shape) == ((0, connections.outputs), (0, 46))
    assert not np.any(tf.convert_to_tensor(of_weights))


EXTREMES = {
    "one connection": np.eye(9, 7) * [0, 0, 1, 0, 0, 0, 0],
    "one by one": np.ones((1, 1)),
    "one input": np.ones((1, 9)),
    "one output": np.ones((9, 1)),
    "every connection": np.ones((9, 7)),
    "most inputs and outputs unused": np.pad(np.ones((2, 2)), 20),
    "one node reads all, the others one": np.eye(30, 30) + np.eye(1, 30, 3),
    "nodes in pairs": np.eye(40),
}


@pytest.mark.parametrize("kernel", KERNEL_NAMES)
@pytest.mark.parametrize("shape", EXTREMES)
def test_extreme_adjacencies(kernel, shape, dense_oracle):
    for units in (1, 3):
        oracle = dense_oracle(EXTREMES[shape], units)
        connections = Connections.from_adjacency(EXTREMES[shape], output_units=units)
        product, rng = KERNELS[kernel](connections), np.random.default_rng(0)
        for batch in (1, 18):
            inputs, weights, upstream = (
                rng.normal(size=size)
                for size in ((batch, connections.inputs), connections.count, (batch, connections.outputs))
            )
            found = gradients_of(product, *(tf.constant(array) for array in (inputs, weights, upstream)))
            expected = oracle.product(inputs, weights), *oracle.gradients(inputs, weights, upstream)
            for one, right in zip(found, expected, strict=True):
                np.testing.assert_allclose(tf.convert_to_tensor(one), right, atol=1e-12)


@pytest.mark.parametrize("kernel", KERNEL_NAMES)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float16", 4e-3), ("bfloat16", 3e-2)])
def test_gradients_in_half_precision(kernel, dtype, tolerance, case):
    """Within the rounding of inputs and results; sums are in single precision."""
    connections, tensors, expected = case(9, dtype)
    found = gradients_of(KERNELS[kernel](connections), *tensors)
    for one, right in zip(found, expected, strict=True):
        one = tf.convert_to_tensor(one)
        assert one.dtype == dtype
        scale = np.abs(right).max()
        np.testing.assert_allclose(tf.cast(one, "float64") / scale, right / scale, atol=tolerance)


@pytest.mark.parametrize("kernel", KERNEL_NAMES)
def test_only_the_gradient_that_is_asked_for(kernel, case):
    """The first layer of a model needs none of its inputs, a frozen layer none of its weights."""
    connections, (inputs, weights, upstream), (_, of_inputs, of_weights) = case(9)
    product = KERNELS[kernel](connections)
    for wrap in (lambda function: function, tf.function):
        for watched, right in ((weights, of_weights), (inputs, of_inputs)):

            @wrap
            def run(inputs, weights, is_first=watched is inputs):
                wanted = inputs if is_first else weights
                with tf.GradientTape() as tape:
                    tape.watch(wanted)
                    loss = tf.reduce_sum(product(inputs, weights) * upstream)
                return tf.convert_to_tensor(tape.gradient(loss, wanted))

            np.testing.assert_allclose(run(inputs, weights), right, atol=1e-11)


@pytest.mark.parametrize("kernel", ["dense", "filled", "native", "block", "portable"])
def test_gradients_of_gradients(kernel, case):
    """As a penalty on the input gradient needs; against finite differences."""
    connections, (inputs, weights, upstream), _ = case(3)
    product = KERNELS[kernel](connections)

    def penalty(weights):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.reduce_sum(tf.tanh(product(inputs, weights)) * upstream)
        return tf.reduce_sum(tf.square(tape.gradient(loss, inputs)))

    with tf.GradientTape() as tape:
        tape.watch(weights)
        value = penalty(weights)
    gradient = tf.convert_to_tensor(tape.gradient(value, weights)).numpy()
    for position in (0, 7, 50):
        step = np.zeros(weights.shape)
        step[position] = 1e-6
        slope = (penalty(weights + step) - penalty(weights - step)) / 2e-6
        np.testing.assert_allclose(gradient[position], slope, rtol=1e-5)


# One unit a node and several; batches that threads could cut in other ways; relays, a bias, normalisation.
BITS = """
import hashlib
import keras, numpy as np
from keras_vnn.layers import SparselyConnected

digest, rng = hashlib.sha256(), np.random.default_rng(0)
for units, batch in ((1, 70), (6, 70), (6, 33), (6, 300)):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((600,))
    relays = SparselyConnected(np.eye(600), kernel="native")(inputs)
    hidden = SparselyConnected(rng.random((600, 200)) < 0.1, units, activation="tanh", kernel="native")(relays)
    hidden = keras.layers.BatchNormalization()(hidden)
    outputs = SparselyConnected(rng.random((200 * units, 50)) < 0.3, units, kernel="native")(hidden)
    model = keras.Model(inputs, outputs)
    model.compile("adam", "mse")
    data = rng.normal(size=(batch, 600)).astype("float32")
    model.fit(data, rng.normal(size=(batch, 50 * units)), batch_size=batch, epochs=2, verbose=0)
    for weights in model.get_weights():
        digest.update(weights.tobytes())
print(digest.hexdigest())
"""


@pytest.mark.slow
def test_training_gives_the_same_bits_with_any_number_of_threads():
    """The operations of TensorFlow have one thread in all of them: what is asked about is ours."""
    fixed = {**os.environ, "TF_NUM_INTRAOP_THREADS": "1", "TF_ENABLE_ONEDNN_OPTS": "0"}
    found = {
        threads: subprocess.run(
            [sys.executable, "-W", "ignore", "-c", BITS],
            env={**fixed, "KERAS_VNN_THREADS": str(threads)}, capture_output=True, text=True, check=True, timeout=600,
        ).stdout
        for threads in (1, 2, 3, 8)
    }  # fmt: skip
    assert len(set(found.values())) == 1, found


@pytest.mark.parametrize(("units", "batch"), [(1, 70), (6, 33), (6, 70), (6, 300)])
def test_products_have_the_same_bits_with_any_number_of_threads(units, batch, monkeypatch):
    rng = np.random.default_rng(0)
    connections = Connections.from_adjacency(rng.random((600, 200)) < 0.1, output_units=units)
    shapes = (batch, 600), (connections.count,), (connections.outputs,), (batch, connections.outputs)
    inputs, weights, bias, upstream = (rng.normal(size=shape).astype("float32") for shape in shapes)
    products, found = Products(connections), {}
    for threads in (1, 2, 3, 8):
        monkeypatch.setenv("KERAS_VNN_THREADS", str(threads))
        _team.cache_clear()
        outputs, tiles = products.forward([inputs], [weights, bias])
        gradients = products.backward(upstream, [tiles], [weights, bias])
        found[threads] = [array.tobytes() for array in (outputs, *gradients)]
    _team.cache_clear()
    assert all(each == found[1] for each in found.values()), {n: each == found[1] for n, each in found.items()}


def test_kept_machine_code_is_that_of_all_files_it_is_made_of():
    content = b"".join(path.read_bytes() for path in sorted(Path(_products.__file__).parent.glob("*.py")))
    loops = _products._loops_for(64, "float32", False)
    for loop in (loops.forward, loops.normalize, loops.to_tiles):
        assert loop.__qualname__.endswith(sha256(content).hexdigest()[:12])


# ---- the choice -------------------------------------------------------------------------------------------


def connections_of(density, inputs=2000, outputs=2000, units=1):
    adjacency = np.random.default_rng(0).random((inputs, outputs)) < density
    return Connections.from_adjacency(adjacency, output_units=units)


@pytest.mark.parametrize(
    ("density", "backend", "device", "kernel"),
    [
        (0.001, "tensorflow", "cpu", "native"),
        (0.1, "tensorflow", "cpu", "native"),
        (0.9, "tensorflow", "cpu", "filled"),
        (1.0, "tensorflow", "cpu", "dense"),
        (0.001, "torch", "cpu", "native"),
        (0.00001, "jax", "cpu", "portable"),
        (0.002, "jax", "cpu", "native"),
        (0.05, "jax", "cpu", "native"),
        (0.9, "jax", "cpu", "dense"),
        (0.001, "openvino", "cpu", "portable"),
        (0.01, "tensorflow", "gpu", "csr"),
        (0.001, "torch", "gpu", "portable"),
        (0.9, "tensorflow", "gpu", "dense"),
    ],
)
def test_the_fixed_rule(density, backend, device, kernel):
    choice = choose_kernel(connections_of(density), option="auto", backend=backend, device=device)
    assert choice.name == kernel


def test_nodes_of_many_units_are_blocks_on_a_gpu():
    choice = choose_kernel(connections_of(0.05, 200, 50, 40), option="auto", backend="torch", device="gpu")
    assert choice.name == "block"


def test_the_report_says_what_was_chosen_and_why(adjacency):
    report = SparselyConnected(adjacency).kernel_report()
    assert report["kernel"] in KERNELS
    assert (
        report["reason"]
        == f"least time by the rule for tensorflow: {100 * report['density']:.3g} % of the connections are present"
    )
    assert min(report["milliseconds"], key=report["milliseconds"].get) == report["kernel"]
    assert json.loads(json.dumps(report)) == report
    assert SparselyConnected(adjacency, kernel="csr").kernel_report()["reason"] == "asked for by name"


def test_the_choice_is_not_saved(adjacency):
    assert SparselyConnected(adjacency).get_config()["kernel"] == "auto"


def test_stand_ins_are_kernels_the_surroundings_allow():
    for density in (0.001, 0.05, 0.5):
        for around in ("xla", "export", "saved_model", "devices"):
            kernel = KERNELS[stand_in(connections_of(density), around)]
            assert kernel.is_portable or (around == "saved_model" and kernel.name == "csr")


WITHOUT_A_FOLDER = """
import sys
import numpy as np
from numba.core import caching
from scipy import sparse

def refuse(*_):
    raise OSError(28, "Permission denied, or no space left on device")

owner, _, name = sys.argv[1].partition(".")
setattr(getattr(caching, owner), name, refuse)

from keras_vnn import SparselyConnected
from keras_vnn.experiments.controls import swap_edges

adjacency = np.random.default_rng(0).random((30, 20)) < 0.3
layer = SparselyConnected(adjacency, kernel="native")
inputs = np.ones((4, 30), "float32")
found = np.asarray(layer(inputs))
weights = layer.connections.matrix(np.asarray(layer.get_weights()[0])).toarray()
np.testing.assert_allclose(found, inputs @ weights, rtol=1e-5)
swap_edges(sparse.csr_array(adjacency), np.random.default_rng(0))
print("computed")
"""


@pytest.mark.parametrize("refused", ["_CacheLocator.ensure_cache_path", "IndexDataCacheFile.save"])
def test_where_no_folder_can_be_written_machine_code_is_made_again(refused, tmp_path):
    """Root may write anywhere, so numba is told that it may not."""
    command = [sys.executable, "-W", "ignore", "-c", WITHOUT_A_FOLDER, refused]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment)
    assert done.stdout == "computed\n", done.stderr
