"""Export to ONNX: from any kernel, into a file that runs with onnxruntime alone.

Keras converts with tf2onnx. Where this environment lacks it, `KERAS_VNN_ONNX_PYTHON` may name a Python of another:

    python -m venv ENV && ENV/bin/pip install . tf2onnx onnxruntime
    KERAS_VNN_ONNX_PYTHON=ENV/bin/python pytest tests/layers/test_onnx.py
"""

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import keras
import numpy as np
import pytest

from keras_vnn.layers import SparselyConnected
from keras_vnn.layers.kernels import KERNELS

EXPORT = """
import sys
import numpy as np, keras
from keras_vnn.layers import SparselyConnected

folder, *kernels = sys.argv[1:]
data = np.load(folder + "/data.npy")
rng = np.random.default_rng(0)
terms, root = rng.random((30, 8)) < 0.3, rng.random((8, 3)) < 0.5
terms[0], root[0] = True, True
for kernel in kernels:
    entrance = keras.Input((30,))
    hidden = SparselyConnected(terms, [1, 2, 3, 1, 2, 3, 1, 2], kernel=kernel, activation="tanh")(entrance)
    hidden = SparselyConnected(root, inputs_per_node=[1, 2, 3, 1, 2, 3, 1, 2], kernel=kernel)(hidden)
    model = keras.Model(entrance, keras.layers.Dense(2, activation="softmax")(hidden))
    np.save(f"{folder}/{kernel}.npy", model.predict(data, verbose=0))
    model.export(f"{folder}/{kernel}.saved", verbose=False)  # one export must not spoil another
    model.export(f"{folder}/{kernel}.onnx", format="onnx", verbose=False)
    np.testing.assert_allclose(model.predict(data, verbose=0), np.load(f"{folder}/{kernel}.npy"), atol=1e-6)
"""

RUN = """
import sys
for name in ("keras_vnn", "keras", "tensorflow"):
    sys.modules[name] = None
import numpy as np, onnxruntime

folder, *kernels = sys.argv[1:]
data = np.load(folder + "/data.npy")
for kernel in kernels:
    session = onnxruntime.InferenceSession(f"{folder}/{kernel}.onnx")
    (entrance,) = session.get_inputs()
    for batch in (1, 5, 32):
        (found,) = session.run(None, {entrance.name: data[:batch]})
        np.testing.assert_allclose(found, np.load(f"{folder}/{kernel}.npy")[:batch], atol=1e-5, err_msg=kernel)
"""


def python_with_onnx():
    """Return a Python that can export to ONNX and run it, or skip the test."""
    named = os.environ.get("KERAS_VNN_ONNX_PYTHON")
    if named:
        return named
    for package in ("tf2onnx", "onnxruntime"):
        try:
            version(package)
        except PackageNotFoundError:
            pytest.skip(f"needs {package}: pip install tf2onnx onnxruntime; or name a Python: KERAS_VNN_ONNX_PYTHON")
    return sys.executable


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="is about PyTorch, which exports by itself")
@pytest.mark.parametrize("kernel", ["auto", "native", "dense", "block", "portable"])
@pytest.mark.filterwarnings("ignore")  # the exporter's own
def test_an_export_by_torch(kernel, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    rng = np.random.default_rng(0)
    data, adjacency = rng.normal(size=(32, 30)).astype("float32"), rng.random((30, 8)) < 0.3
    layer = SparselyConnected(adjacency, [1, 2, 3, 1, 2, 3, 1, 2], kernel=kernel)
    model = keras.Sequential([keras.Input((30,)), layer])
    expected = model.predict(data, verbose=0)
    model.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for batch in (1, 32):
        (found,) = session.run(None, {session.get_inputs()[0].name: data[:batch]})
        np.testing.assert_allclose(found, expected[:batch], atol=1e-5)
    assert (tmp_path / "model.onnx").stat().st_size < 50_000  # no loop over the connections


@pytest.mark.slow
@pytest.mark.tensorflow
def test_an_export_to_onnx_runs_without_this_package_and_without_keras(tmp_path):
    python = python_with_onnx()
    np.save(tmp_path / "data.npy", np.random.default_rng(1).normal(size=(32, 30)).astype("float32"))
    for code in (EXPORT, RUN):
        done = subprocess.run(
            [python, "-W", "ignore", "-c", code, str(tmp_path), "auto", *KERNELS], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-3000:]
