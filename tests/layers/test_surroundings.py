"""The kernels wherever a layer is called: XLA, threads, forks, several devices, a GPU, exported models."""

import os
import subprocess
import sys
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_vnn.basics.errors import ModelError
from keras_vnn.layers import Connections, SparselyConnected
from keras_vnn.layers.kernels import KERNELS

pytestmark = pytest.mark.tensorflow

KERNEL_NAMES = list(KERNELS)
DATA = np.random.default_rng(0).normal(size=(32, 30)).astype("float32")


def make_model(kernel, adjacency, **options):
    model = keras.Sequential(
        [keras.Input((adjacency.shape[0],)), SparselyConnected(adjacency, 2, kernel=kernel, name="terms", **options)]
    )
    model.compile("sgd", "mse")
    return model


def run_alone(code, *arguments, python=sys.executable):
    """Run code in a process of its own, which fails with what it says."""
    command = [python, "-W", "ignore", "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


# ---- eager, traced, compiled ------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", KERNEL_NAMES)
def test_eager_and_traced_training_are_the_same(kernel, adjacency):
    weights = []
    for eagerly in (False, True):
        model = make_model(kernel, adjacency, kernel_initializer="ones")
        model.compile("sgd", "mse", run_eagerly=eagerly)
        model.fit(DATA, DATA[:, :16], batch_size=13, epochs=2, shuffle=False, verbose=0)  # the last batch is smaller
        weights.append(model.get_weights())
    for traced, eager in zip(*weights, strict=True):
        np.testing.assert_allclose(traced, eager, atol=1e-6)


@pytest.mark.slow
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


# ---- threads, forks, several devices ----------------------------------------------------------------------


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
    """The loops work in both, whatever threads the parent had."""
    from keras_vnn.layers.fast._products import Products

    rng = np.random.default_rng(0)
    connections = Connections.from_adjacency(rng.random((600, 500)) < 0.1)
    products, weights = Products(connections), rng.normal(size=connections.count)
    inputs = rng.normal(size=(64, 600))
    before = products.forward([inputs], [weights])[0]
    child = os.fork()
    if child == 0:
        same = np.array_equal(products.forward([inputs], [weights])[0], before)
        os._exit(0 if same else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    np.testing.assert_array_equal(products.forward([inputs], [weights])[0], before)


LOADER = """
import keras, numpy as np
from keras_vnn.layers import SparselyConnected

adjacency = np.random.default_rng(0).random((300, 80)) < 0.1
data = np.random.default_rng(1).normal(size=(64, 300)).astype("float32")

class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 8
    def __getitem__(self, place):
        rows = data[8 * place : 8 * place + 8]
        return rows, rows[:, :80]

def trained(**workers):
    layer = SparselyConnected(adjacency, kernel="native", kernel_initializer="ones")
    model = keras.Sequential([keras.Input((300,)), layer])
    model.compile("sgd", "mse")
    model.predict(data, verbose=0)  # the threads of the loops are there when the loader forks
    model.fit(Batches(**workers), epochs=2, shuffle=False, verbose=0)
    return model.get_weights()

for first, second in zip(trained(), trained(workers=2, use_multiprocessing=True), strict=True):
    np.testing.assert_array_equal(first, second)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_training_goes_on_while_a_data_loader_forks():
    run_alone(LOADER)


MIRRORED = """
import numpy as np, keras, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from keras_vnn.layers import SparselyConnected
from keras_vnn.layers.kernels import KERNELS
adjacency = np.random.default_rng(0).random((30, 8)) < 0.3
data, targets = np.random.default_rng(1).normal(size=(2, 32, 30)).astype("float32")

def train(kernel):
    layer = SparselyConnected(adjacency, kernel=kernel, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((30,)), layer])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(data, targets[:, :8], batch_size=32, epochs=3, verbose=0, shuffle=False)
    return model.get_weights()

for kernel in ["auto", *KERNELS]:
    alone = train(kernel)
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        together = train(kernel)
    for first, second in zip(alone, together, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-5, err_msg=kernel)
"""


@pytest.mark.slow
def test_a_mirrored_strategy():
    """Two devices share a batch: the step is that of one device. In a process of its own: devices are set once."""
    run_alone(MIRRORED)


# ---- a GPU ------------------------------------------------------------------------------------------------


@pytest.fixture
def gpu(monkeypatch):
    """Have Keras list a GPU; whatever computes on the CPU fails."""
    from keras_vnn.layers.fast import filled, native

    def refuse(*_, **__):
        raise AssertionError("a kernel of the CPU was called")

    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind=None: ["gpu:0"])
    for place, name in (
        (native, "Products"),
        (native.NativeKernel, "__init__"),
        (filled.FilledKernel, "__init__"),
    ):
        monkeypatch.setattr(place, name, refuse)


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("kernel", ["native", "filled"])
def test_a_cpu_kernel_is_refused_on_a_gpu(kernel, adjacency):
    with pytest.raises(ModelError) as caught:
        SparselyConnected(adjacency, kernel=kernel)
    assert str(caught.value) == (
        f"The kernel '{kernel}' cannot serve here: it computes on the CPU, and this layer is on the GPU.\n"
        'Pass kernel="auto".'
    )


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("units", [1, 20])
@pytest.mark.parametrize("density", [1e-4, 0.01, 0.1, 0.3, 0.9, 1.0])
def test_nothing_on_a_gpu_calls_a_cpu_kernel(density, units, tmp_path):
    adjacency = np.random.default_rng(0).random((200, 60)) < density
    adjacency[0] = True
    layer = SparselyConnected(adjacency, units)
    assert layer.kernel_report()["kernel"] in {"dense", "csr", "block", "portable"}
    model = keras.Sequential([keras.Input((200,)), layer])
    model.compile("sgd", "mse")
    data = np.random.default_rng(1).normal(size=(16, 200)).astype("float32")
    model.fit(data, np.zeros((16, 60 * units)), verbose=0)
    expected = model.predict(data, verbose=0)
    np.testing.assert_allclose(expected, data @ layer.kernel_matrix() + layer.bias.numpy(), atol=1e-4)
    if units == 1 and density in (0.01, 1.0):
        model.export(tmp_path / "exported", verbose=False)
        exported = tf.saved_model.load(tmp_path / "exported")
        np.testing.assert_allclose(exported.serve(data), expected, atol=1e-4)


# ---- exported models --------------------------------------------------------------------------------------

SERVE = """
import sys
sys.modules["keras_vnn"] = None
import numpy as np, tensorflow as tf
folder, *names = sys.argv[1:]
data = np.load(folder + "/data.npy")
for name in names:
    model = tf.saved_model.load(f"{folder}/{name}")
    np.save(f"{folder}/{name}.npy", model.serve(data).numpy())
    np.testing.assert_allclose(model.serve(data[:1]), model.serve(data)[:1], atol=1e-5)  # a batch of another size
"""


@pytest.mark.slow
def test_exported_models_run_without_this_package(adjacency, tmp_path):
    np.save(tmp_path / "data.npy", DATA)
    expected = {}
    for kernel in ["auto", *KERNEL_NAMES]:
        model = make_model(kernel, adjacency, activation="tanh")
        model.export(tmp_path / kernel, verbose=False)
        expected[kernel] = model.predict(DATA, verbose=0)
        # An operation that calls Python would be named in the file.
        assert b"PyFunc" not in (tmp_path / kernel / "saved_model.pb").read_bytes()
    run_alone(SERVE, tmp_path, *expected)
    for kernel, right in expected.items():
        np.testing.assert_allclose(np.load(tmp_path / f"{kernel}.npy"), right, atol=1e-5, err_msg=kernel)


def test_a_graph_for_onnx_holds_its_index_arrays(adjacency):
    """tf2onnx makes an input of every tensor that a graph refers to and is no variable."""
    from keras.src.export.onnx import get_concrete_fn

    for kernel in ["auto", *KERNEL_NAMES]:
        model = make_model(kernel, adjacency)
        model.predict(DATA, verbose=0)
        function = get_concrete_fn(model, [tf.TensorSpec((None, 30), "float32")])
        graph = function.get_concrete_function().graph
        assert {tensor.dtype for tensor, _ in graph.captures} <= {tf.resource}, kernel


@pytest.mark.slow
def test_exporters_other_than_keras_get_graphs_that_run_elsewhere(adjacency, tmp_path):
    """A function of a kernel in Python, or of its own gradient, is dead outside of this process."""
    for kernel in ["auto", *KERNEL_NAMES]:
        model = make_model(kernel, adjacency)
        right = model.predict(DATA, verbose=0)
        tf.saved_model.save(model, tmp_path / kernel)
        assert b"PyFunc" not in (tmp_path / kernel / "saved_model.pb").read_bytes()
        (served,) = tf.saved_model.load(tmp_path / kernel).signatures["serving_default"](tf.constant(DATA)).values()
        np.testing.assert_allclose(served, right, atol=1e-5, err_msg=kernel)


@pytest.mark.slow
def test_tf2onnx_converts_a_function(adjacency):
    tf2onnx, onnxruntime = pytest.importorskip("tf2onnx"), pytest.importorskip("onnxruntime")
    spec = [tf.TensorSpec((None, 30), "float32", "x")]
    for kernel in ["auto", *KERNEL_NAMES]:
        model = make_model(kernel, adjacency)
        function = tf.function(lambda x, model=model: model(x), input_signature=spec)
        content = tf2onnx.convert.from_function(function, input_signature=spec)[0].SerializeToString()
        (found,) = onnxruntime.InferenceSession(content).run(None, {"x": DATA})
        np.testing.assert_allclose(found, model.predict(DATA, verbose=0), atol=1e-5, err_msg=kernel)


def test_the_graph_of_a_function_that_was_called_before_names_the_way_to_a_file(adjacency, caplog):
    """No exporter traces it again, so it calls the loops, which other programs cannot: their errors name the node."""
    tf2onnx = pytest.importorskip("tf2onnx")
    spec = [tf.TensorSpec((None, 30), "float32", "x")]
    model = make_model("native", adjacency)
    function = tf.function(lambda x: model(x), input_signature=spec)
    function(DATA)
    with caplog.at_level("ERROR"):
        tf2onnx.convert.from_function(function, input_signature=spec)
    assert "for_files_use_model.export: PyFunc" in caplog.text
