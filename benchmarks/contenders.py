"""Those that are timed: each makes a training step and a prediction from an adjacency."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["make_contender"]

Run = Callable[[], Any]


def make_contender(name: str, adjacency: Any, batch: int) -> dict[str, Run]:
    """Return what can be run: ``step``, and ``predict`` and ``fit`` where it makes sense."""
    rng = np.random.default_rng(1)
    data = rng.normal(size=(batch, adjacency.shape[0])).astype("float32")
    targets = rng.normal(size=(batch, adjacency.shape[1])).astype("float32")
    if name == "scipy":
        return _scipy(adjacency, data, targets)
    if name in ("kpnn2", "torch CSR"):
        return _torch(name, adjacency, data, targets)
    return _keras(name, adjacency, data, targets)


def _keras(name: str, adjacency: Any, data: Any, targets: Any) -> dict[str, Run]:
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    start = time.perf_counter()
    kernel = name.removeprefix("keras-vnn").strip() or "auto"
    if name.startswith("keras-vnn"):
        from keras_vnn.layers import SparselyConnected

        layer = SparselyConnected(adjacency, kernel=kernel)
    elif name == "dense":
        layer = keras.layers.Dense(adjacency.shape[1])
    else:
        layer = _rival_layer(name, adjacency)
    model = keras.Sequential([keras.Input((adjacency.shape[0],)), layer])
    model.compile("adam", "mse", jit_compile=name.endswith("XLA"))
    build = time.perf_counter() - start
    model.make_train_function()
    model.make_predict_function()
    pair = tf.constant(data), tf.constant(targets)

    def batches() -> Any:
        while True:
            yield pair

    endless = batches()
    optimizer, variables = model.optimizer, model.trainable_variables

    @tf.function(jit_compile=name.endswith("XLA"))
    def bare(inputs, targets):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(inputs, training=True) - targets))
        optimizer.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)
        return loss

    predicting = [(pair[0],)]
    steps = 40
    repeated = tf.data.Dataset.from_tensors(pair).repeat(steps)
    first = time.perf_counter()
    float(bare(*pair))
    report = layer.kernel_report()["kernel"] if name.startswith("keras-vnn") else ""
    return {
        "bare": lambda: float(bare(*pair)),
        "step": lambda: model.train_function(endless),
        "predict": lambda: model.predict_function(predicting),
        "fit": lambda: model.fit(repeated, verbose=0),
        "facts": lambda: {"build": build, "first step": time.perf_counter() - first, "kernel": report, "steps": steps},
    }


def _rival_layer(name: str, adjacency: Any) -> Any:
    import keras
    import tensorflow as tf

    class Masked(keras.layers.Layer):
        """A dense kernel times a mask, as published."""

        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight(shape=adjacency.shape, initializer="glorot_uniform")
            self.bias = self.add_weight(shape=(adjacency.shape[1],), initializer="zeros")
            self.mask = tf.constant(adjacency.toarray().astype("float32"))

        def call(self, inputs: Any) -> Any:
            return tf.matmul(inputs, self.kernel * self.mask) + self.bias

    class Sparse(keras.layers.Layer):
        """`tf.sparse.sparse_dense_matmul` on weights of the connections."""

        def build(self, shape: Any) -> None:
            transposed = adjacency.T.tocsr().tocoo()
            self.indices = tf.constant(np.stack([transposed.row, transposed.col], axis=1).astype("int64"))
            self.kernel = self.add_weight(shape=(adjacency.nnz,), initializer="normal")
            self.bias = self.add_weight(shape=(adjacency.shape[1],), initializer="zeros")

        def call(self, inputs: Any) -> Any:
            matrix = tf.SparseTensor(self.indices, tf.convert_to_tensor(self.kernel), adjacency.shape[::-1])
            return tf.transpose(tf.sparse.sparse_dense_matmul(matrix, inputs, adjoint_b=True)) + self.bias

    return Sparse() if name == "tf.sparse" else Masked()


def _torch(name: str, adjacency: Any, data: Any, targets: Any) -> dict[str, Run]:
    import torch

    if name == "kpnn2":
        from kpnn2 import PackedLinear

        columns = np.repeat(np.arange(adjacency.shape[1]), np.diff(adjacency.indptr))
        module: Any = PackedLinear(
            torch.from_numpy(adjacency.indices.astype("int64")), torch.from_numpy(columns), *adjacency.shape[::-1]
        )
        parameters = list(module.parameters())
    else:
        transposed = adjacency.T.tocsr()
        indices = (
            torch.from_numpy(transposed.indptr.astype("int64")),
            torch.from_numpy(transposed.indices.astype("int64")),
        )
        values = torch.nn.Parameter(torch.randn(transposed.nnz) * 0.01)
        bias = torch.nn.Parameter(torch.zeros(adjacency.shape[1]))
        parameters = [values, bias]

        def module(inputs: Any) -> Any:
            matrix = torch.sparse_csr_tensor(*indices, values, size=transposed.shape)
            return (matrix @ inputs.T).T + bias

    optimizer = torch.optim.Adam(parameters)
    inputs, wanted = torch.from_numpy(data), torch.from_numpy(targets)

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(module(inputs), wanted).backward()
        optimizer.step()

    return {"step": step, "bare": step}


def _scipy(adjacency: Any, data: Any, targets: Any) -> dict[str, Run]:
    """Values and gradients only, with one thread; Adam in numpy."""
    from scipy import sparse

    rows, columns = adjacency.indices, np.repeat(np.arange(adjacency.shape[1]), np.diff(adjacency.indptr))
    weights = np.random.default_rng(0).normal(size=adjacency.nnz).astype("float32")
    mean, square = np.zeros_like(weights), np.zeros_like(weights)

    def step() -> None:
        matrix = sparse.csc_array((weights, adjacency.indices, adjacency.indptr), shape=adjacency.shape)
        upstream = (data @ matrix - targets) * (2 / targets.size)
        _ = upstream @ matrix.T
        gradient = np.einsum("be,be->e", data[:, rows], upstream[:, columns])
        mean[:] = 0.9 * mean + 0.1 * gradient
        square[:] = 0.999 * square + 0.001 * gradient**2
        weights[:] -= 0.001 * mean / (np.sqrt(square) + 1e-7)

    return {"step": step, "bare": step}
