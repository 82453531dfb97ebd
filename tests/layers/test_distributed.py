"""Training on several devices, or machines, gives the loss of one: strategies of TensorFlow, and Keras on JAX."""

import importlib.util
import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

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
# Keras and the package are imported after the strategy: that of several workers must be the first to use TensorFlow.
WORKER = (
    DATA
    + """
import tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy() if sys.argv[1] == "several" else tf.distribute.get_strategy()
batches = tf.data.Dataset.from_tensor_slices((data, targets)).batch(16)
options = tf.data.Options()
options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
with strategy.scope():
    model = make()
batches, found = batches.with_options(options), []
if sys.argv[1] == "one":
    found = model.fit(batches, epochs=3, verbose=0).history["loss"]
else:
    with strategy.scope():
        model.optimizer.build(model.trainable_variables)
    shared = strategy.experimental_distribute_dataset(batches)

    @tf.function
    def step(batch):
        strategy.run(model.train_step, args=(batch,))

    for epoch in range(3):
        model.reset_metrics()
        for batch in shared:
            step(batch)
        found.append(float(model.get_metrics_result()["loss"]))
print(json.dumps([found, [float(abs(w).sum()) for w in model.get_weights()]]))
"""
)
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
    """Each reads half of every batch, in a loop of its own: `fit` of Keras 3.15 fails with several workers."""
    alone = answer(started(WORKER, "one"))
    workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
    processes = [
        started(
            WORKER,
            "several",
            TF_CONFIG=json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}),
        )
        for index in range(2)
    ]
    for process in processes:
        assert_same(answer(process), alone)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs jax: make test-jax")
def test_data_parallel_on_two_devices_of_jax_gives_the_loss_of_one():
    flags = {"KERAS_BACKEND": "jax", "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    alone, together = started(SHARDED, "one", **flags), started(SHARDED, "several", **flags)
    assert_same(answer(together), answer(alone))
