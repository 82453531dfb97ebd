"""Training on several devices, or machines, gives the loss of one: strategies of TensorFlow, and Keras on JAX."""

import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"

DATA = """
import json, sys
import numpy as np
rng = np.random.default_rng(0)
adjacency = rng.random((30, 8)) < 0.3
adjacency[0] = True
data = rng.normal(size=(64, 30)).astype("float32")
targets = rng.normal(size=(64, 1)).astype("float32")

def make():
    import keras
    from keras_vnn.layers import SparselyConnected
    keras.utils.set_random_seed(0)
    hidden = SparselyConnected(adjacency, 2, activation="tanh", kernel="native")
    model = keras.Sequential([keras.Input((30,)), hidden, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model
"""
# What the code of the page expects to find. It makes the strategy before Keras is imported, and so must this.
NAMES = """
import json, sys
import numpy as np
import keras_vnn as vnn
genes = [f"G{i}" for i in range(6)]
ring = vnn.read.Interactions.from_pairs(genes, [*genes[1:], genes[0]])
arch = vnn.wire.interactions(genes, ring, dense_units=3)
rng = np.random.default_rng(0)
labels = np.repeat(["a", "b", "c"], 20)
y = np.repeat([0, 1, 2], 20)
x = rng.normal(size=(60, 6)).astype("float32")
x[np.arange(60), y] += 2
"""
ALONE = """
import keras, tensorflow as tf
model = vnn.build_model(arch, outputs=vnn.pp.classes(labels), seed=0)
batches = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=0).batch(64)
loss = model.fit(batches, epochs=20, verbose=0).history["loss"][-1]
"""
SAY = """
print(json.dumps([loss, [float(abs(w).sum()) for w in model.get_weights()]]))
"""
SHARDED = (
    DATA
    + """
import keras
if sys.argv[1] == "several":
    assert len(keras.distribution.list_devices()) == 2, keras.distribution.list_devices()
    keras.distribution.set_distribution(keras.distribution.DataParallel())
model = make()
found = model.fit(data, targets, batch_size=16, epochs=3, shuffle=False, verbose=0).history["loss"]
print(json.dumps([found, [float(abs(w).sum()) for w in model.get_weights()]]))
"""
)


def started(code, which, **variables):
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, which],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer(process):
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err[-3000:]
    return json.loads(out.splitlines()[-1])


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def assert_same(found, expected):
    for one, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, right, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_two_workers_on_one_machine_give_the_loss_of_one():
    """The code of the page: a loop of its own, as `fit` of Keras 3.15 fails with several workers."""
    code = next(
        one for one in re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S) if "Mult" in one
    )
    # Three batches of 20, so that both have as much to do, in the same order in every epoch: `fit` and the loop do not
    # see the same sequence of new orders.
    code, alone = (
        one.replace("seed=0).batch(64)", "seed=0, reshuffle_each_iteration=False).batch(20)") for one in (code, ALONE)
    )
    expected = answer(started(NAMES + alone + SAY, "one"))
    workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
    processes = [
        started(
            NAMES + code + SAY,
            "several",
            TF_CONFIG=json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}),
        )
        for index in range(2)
    ]
    for process in processes:
        assert_same(answer(process), expected)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs jax: make test-jax")
def test_data_parallel_on_two_devices_of_jax_gives_the_loss_of_one():
    flags = {"KERAS_BACKEND": "jax", "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    alone, together = started(SHARDED, "one", **flags), started(SHARDED, "several", **flags)
    assert_same(answer(together), answer(alone))
