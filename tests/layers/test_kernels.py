"""The kernels against each other, in every surrounding a layer meets, and the choice between them."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_vnn.errors import ModelError
from keras_vnn.layers import Connections, SparselyConnected
from keras_vnn.layers.kernels import KERNELS, _calibration, choose_kernel, stand_in
from keras_vnn.layers.kernels._interface import Costs

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
@pytest.mark.parametrize("mode", ["eager", "function", "function of unknown batch"])
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


def test_the_native_kernel_gives_the_same_bits_at_every_run_and_number_of_threads(case, monkeypatch):
    from keras_vnn.layers.kernels import _threads, native

    rng = np.random.default_rng(0)
    connections = Connections.from_adjacency(rng.random((600, 500)) < 0.1)
    weights = rng.normal(size=connections.count).astype("float32")
    inputs, upstream = rng.normal(size=(70, 600)).astype("float32"), rng.normal(size=(70, 500)).astype("float32")
    products = native.Products(connections)

    def run():
        outputs, tiles = products.forward(inputs, weights)
        return outputs, *products.backward(upstream, weights, tiles)

    first = run()
    for threads in (1, 2, 3, 2):
        monkeypatch.setenv("KERAS_VNN_THREADS", str(threads))
        _threads._team.forget()
        for one, other in zip(first, run(), strict=True):
            np.testing.assert_array_equal(one, other)
    monkeypatch.undo()
    _threads._team.forget()


# ---- surroundings -----------------------------------------------------------------------------------------


def make_model(kernel, adjacency, **options):
    model = keras.Sequential(
        [keras.Input((adjacency.shape[0],)), SparselyConnected(adjacency, 2, kernel=kernel, name="terms", **options)]
    )
    model.compile("sgd", "mse")
    return model


@pytest.fixture
def adjacency(random_adjacency):
    adjacency = random_adjacency(30, 8, 0.3)
    adjacency[0] = True
    return adjacency


DATA = np.random.default_rng(0).normal(size=(32, 30)).astype("float32")


@pytest.mark.parametrize("kernel", KERNEL_NAMES)
@pytest.mark.filterwarnings("ignore:Model doesn't support `jit_compile=True`:UserWarning")
def test_keras_compiles_with_xla_what_xla_can_compile(kernel, adjacency):
    model = make_model(kernel, adjacency)
    model.compile("sgd", "mse", jit_compile=True)
    assert model.jit_compile == KERNELS[kernel].supports_jit
    model.fit(DATA, np.zeros((32, 16)), verbose=0)


@pytest.mark.parametrize("kernel", KERNEL_NAMES)
def test_a_function_that_someone_compiles_with_xla_still_runs(kernel, adjacency):
    model = make_model(kernel, adjacency)
    compiled = tf.function(lambda data: model(data), jit_compile=True)
    np.testing.assert_allclose(compiled(DATA), model(DATA), atol=1e-5)


@pytest.mark.parametrize("kernel", KERNEL_NAMES)
def test_index_arrays_are_not_copied_into_graphs(kernel):
    connections = Connections.from_adjacency(np.random.default_rng(0).random((500, 400)) < 0.5)
    product = KERNELS[kernel](connections)
    function = tf.function(lambda inputs, weights: product(inputs, weights))
    graph = function.get_concrete_function(
        tf.TensorSpec((None, 500), "float32"), tf.TensorSpec((connections.count,), "float32")
    ).graph.as_graph_def()
    assert graph.ByteSize() < 20_000


@pytest.mark.parametrize("kernel", KERNEL_NAMES)
def test_an_exported_model_runs_without_this_package(kernel, adjacency, tmp_path):
    model = make_model(kernel, adjacency)
    model.export(tmp_path / "exported", verbose=False)
    np.save(tmp_path / "data.npy", DATA)
    code = (
        "import sys\n"
        "sys.modules['keras_vnn'] = None\n"
        "import numpy as np, tensorflow as tf\n"
        "model = tf.saved_model.load(sys.argv[1] + '/exported')\n"
        "np.save(sys.argv[1] + '/found.npy', model.serve(np.load(sys.argv[1] + '/data.npy')).numpy())\n"
    )
    if kernel in ("native", "dense"):  # one of each kind; a process takes seconds to start
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True)
        found = np.load(tmp_path / "found.npy")
    else:
        exported = tf.saved_model.load(tmp_path / "exported")
        found = exported.serve(DATA)
    np.testing.assert_allclose(found, model.predict(DATA, verbose=0), atol=1e-5)
    # An operation that calls Python would be named in the file.
    assert b"PyFunc" not in (tmp_path / "exported" / "saved_model.pb").read_bytes()


def test_an_export_to_onnx(adjacency, tmp_path):
    pytest.importorskip("tf2onnx")
    runtime = pytest.importorskip("onnxruntime")
    for kernel in KERNEL_NAMES:
        model = make_model(kernel, adjacency)
        model.predict(DATA, verbose=0)  # Keras exports to ONNX only what was called
        model.export(tmp_path / "model.onnx", format="onnx", verbose=False)
        session = runtime.InferenceSession(tmp_path / "model.onnx")
        (found,) = session.run(None, {session.get_inputs()[0].name: DATA})
        np.testing.assert_allclose(found, model.predict(DATA, verbose=0), atol=1e-5)


@pytest.mark.parametrize("kernel", KERNEL_NAMES)
def test_predictions_in_several_threads_at_once(kernel):
    adjacency = np.random.default_rng(0).random((400, 200)) < 0.1
    model = make_model(kernel, adjacency)
    data = [np.random.default_rng(seed).normal(size=(64, 400)).astype("float32") for seed in range(4)]
    expected = [model.predict_on_batch(each) for each in data]
    found = [[] for _ in data]

    def predict(place):
        for _ in range(10):
            found[place].append(model.predict_on_batch(data[place]))

    threads = [threading.Thread(target=predict, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for right, each in zip(expected, found, strict=True):
        assert len(each) == 10
        for outputs in each:
            np.testing.assert_array_equal(outputs, right)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_leaves_parent_and_child_working():
    """A data loader forks; the loops work in both, whatever threads the parent had."""
    from keras_vnn.layers.kernels.native import Products

    rng = np.random.default_rng(0)
    connections = Connections.from_adjacency(rng.random((600, 500)) < 0.1)
    products, weights = Products(connections), rng.normal(size=connections.count)
    inputs = rng.normal(size=(64, 600))
    before = products.forward(inputs, weights)[0]
    child = os.fork()
    if child == 0:
        same = np.array_equal(products.forward(inputs, weights)[0], before)
        os._exit(0 if same else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    np.testing.assert_array_equal(products.forward(inputs, weights)[0], before)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNEL_NAMES)
def test_a_mirrored_strategy(kernel, tmp_path):
    """Two devices share a batch: the step is that of one device. In a process of its own: devices are set once."""
    code = f"""
import numpy as np, keras, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from keras_vnn.layers import SparselyConnected
adjacency = np.random.default_rng(0).random((30, 8)) < 0.3
data, targets = np.random.default_rng(1).normal(size=(2, 32, 30)).astype("float32")
def train():
    layer = SparselyConnected(adjacency, kernel={kernel!r}, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((30,)), layer])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(data, targets[:, :8], batch_size=32, epochs=3, verbose=0, shuffle=False)
    return model.get_weights()
alone = train()
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    together = train()
for first, second in zip(alone, together, strict=True):
    np.testing.assert_allclose(first, second, atol=1e-5)
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_other_backends(backend):
    """The same loops under torch and JAX: values, gradients, and training."""
    pytest.importorskip(backend)
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("other_backend.py")],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]


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
        (0.001, "jax", "cpu", "native"),
        (0.9, "jax", "cpu", "dense"),
        (0.001, "openvino", "cpu", "portable"),
        (0.01, "tensorflow", "gpu", "csr"),
        (0.001, "torch", "gpu", "portable"),
        (0.9, "tensorflow", "gpu", "dense"),
    ],
)
def test_the_fixed_rule(density, backend, device, kernel):
    choice = choose_kernel(connections_of(density), option="auto", backend=backend, device=device, costs=Costs())
    assert choice.name == kernel


def test_nodes_of_many_units_are_blocks_on_a_gpu():
    choice = choose_kernel(
        connections_of(0.05, 200, 50, 40), option="auto", backend="torch", device="gpu", costs=Costs()
    )
    assert choice.name == "block"


@pytest.mark.parametrize("kernel", ["native", "filled"])
@pytest.mark.parametrize("density", [1e-4, 0.01, 0.3, 1.0])
def test_nothing_on_a_gpu_calls_a_cpu_kernel(monkeypatch, kernel, density):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind=None: ["gpu:0"])
    adjacency = np.random.default_rng(0).random((500, 300)) < density
    chosen = SparselyConnected(adjacency).kernel_report()["kernel"]
    assert chosen in {"dense", "csr", "block", "portable"}
    with pytest.raises(ModelError) as caught:
        SparselyConnected(adjacency, kernel=kernel)
    assert str(caught.value) == (
        f"The kernel '{kernel}' cannot serve here: it computes on the CPU, and this layer is on the GPU.\n"
        'Pass kernel="auto".'
    )


def test_the_report_says_what_was_chosen_and_why(adjacency):
    report = SparselyConnected(adjacency).kernel_report()
    assert report["kernel"] in KERNELS
    assert (
        report["reason"]
        == f"least time, by the fixed rule: {100 * report['density']:.3g} % of the connections are present"
    )
    assert min(report["milliseconds"], key=report["milliseconds"].get) == report["kernel"]
    assert json.loads(json.dumps(report)) == report
    assert SparselyConnected(adjacency, kernel="csr").kernel_report()["reason"] == "asked for by name"


def test_the_choice_is_not_saved(adjacency):
    assert SparselyConnected(adjacency).get_config()["kernel"] == "auto"


def test_stand_ins_are_kernels_the_surroundings_allow():
    for density in (0.001, 0.05, 0.5):
        for around in ("xla", "export", "saved_model"):
            kernel = KERNELS[stand_in(connections_of(density), around)]
            assert kernel.is_portable or (around == "saved_model" and kernel.name == "csr")


def test_a_measurement_is_kept_and_can_be_switched_off(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_VNN_CACHE", str(tmp_path / "cache"))
    assert _calibration.measured_costs() is None
    monkeypatch.setenv("KERAS_VNN_CALIBRATE", "1")
    monkeypatch.setattr(_calibration, "_measure", lambda: Costs(native_product=7.0))
    _calibration._known_costs.cache_clear()
    assert _calibration.measured_costs().native_product == 7.0
    (kept,) = (tmp_path / "cache").iterdir()
    _calibration._known_costs.cache_clear()
    monkeypatch.setattr(_calibration, "_measure", lambda: Costs(native_product=8.0))
    assert _calibration.measured_costs().native_product == 7.0
    kept.write_text("{damaged")
    _calibration._known_costs.cache_clear()
    assert _calibration.measured_costs().native_product == 8.0
    _calibration._known_costs.cache_clear()


def test_a_cache_folder_that_cannot_be_written_is_no_error(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KERAS_VNN_CACHE", str(tmp_path / "file" / "below"))
    monkeypatch.setenv("KERAS_VNN_CALIBRATE", "1")
    monkeypatch.setattr(_calibration, "_measure", Costs)
    _calibration._known_costs.cache_clear()
    assert _calibration.measured_costs() == Costs()
    _calibration._known_costs.cache_clear()


@pytest.mark.slow
def test_a_measurement_gives_sound_numbers():
    costs = _calibration._measure()
    assert 0 < costs.native_product < 50
    assert 0 < costs.dense_product < 50
    assert costs.filled_cell < costs.dense_cell * 5
