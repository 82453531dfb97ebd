"""Those that are timed. Each gives what can be run: of an adjacency, a batch and a name, a dictionary of functions.

``step`` is forward, both gradients and Adam: the layer somewhere in a model. ``first`` is the same without the gradient
of the inputs, which the first layer of a model needs not; ``keras`` is that as `fit` runs it, and ``fit`` is
so many of them as ``facts`` say. ``predict`` is the product alone. ``facts`` and ``files`` return numbers of their own.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["make_contender"]

Run = Callable[[], Any]
MOST_STEPS_OF_FIT, SECONDS_OF_FIT = 100, 1.0


def make_contender(name: str, adjacency: Any, batch: int) -> dict[str, Run]:
    """Return what can be run."""
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
    is_ours, with_xla = name.startswith("keras-vnn"), name.endswith("XLA")
    start = time.perf_counter()
    if is_ours:
        from keras_vnn.layers import SparselyConnected

        layer = SparselyConnected(adjacency, kernel=name.removeprefix("keras-vnn").strip() or "auto")
    elif name == "dense":
        layer = keras.layers.Dense(adjacency.shape[1])
    else:
        layer = _rival_layer(name, adjacency)
    model = keras.Sequential([keras.Input((adjacency.shape[0],)), layer])
    model.compile("adam", "mse", jit_compile=with_xla)
    build = time.perf_counter() - start
    model.make_train_function()
    model.make_predict_function()
    pair = tf.constant(data), tf.constant(targets)
    optimizer, variables = model.optimizer, model.trainable_variables

    def step_of(is_first: bool) -> Run:
        @tf.function(jit_compile=with_xla)
        def step(inputs, targets):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
            with tf.GradientTape() as tape:
                tape.watch([] if is_first else inputs)
                loss = tf.reduce_mean(tf.square(model(inputs, training=True) - targets))
            of = [variable.value for variable in variables]
            # What is returned is computed; a gradient that nobody asks for would be left out.
            found = tape.gradient(loss, of if is_first else [inputs, *of])
            optimizer.apply(found[-len(of) :], variables)
            return loss, found[0] if not is_first else loss

        return lambda: float(step(*pair)[0])

    def batches() -> Any:
        while True:
            yield pair

    endless, predicting = batches(), [(pair[0],)]
    step, first = step_of(False), step_of(True)
    start = time.perf_counter()
    step()
    facts = {"build": build, "first step": time.perf_counter() - start}
    if not is_ours:
        steps = 1
    else:
        start = time.perf_counter()
        step()
        steps = int(min(MOST_STEPS_OF_FIT, max(3, SECONDS_OF_FIT / (time.perf_counter() - start))))
        facts |= {"kernel": layer.kernel_report()["kernel"], "steps of fit": steps}
    repeated = tf.data.Dataset.from_tensors(pair).repeat(steps)
    runs = {
        "step": step,
        "keras": lambda: model.train_function(endless),
        "predict": lambda: model.predict_function(predicting),
        "facts": lambda: facts,
        "files": lambda: _files(model, is_ours),
    }
    return {**runs, "first": first, "fit": lambda: model.fit(repeated, verbose=0)} if is_ours else runs


def _files(model: Any, is_ours: bool) -> dict[str, float]:
    """Return seconds and MB of saving the trained model with Adam's state, and of loading its weights into it.

    Ours is also opened as a whole; a mask that the layer does not save cannot be.
    """
    import keras

    if 12 * model.count_params() > 2**31:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        start = time.perf_counter()
        model.save(path)
        saved = time.perf_counter()
        model.load_weights(path)
        found = {"save": saved - start, "load": time.perf_counter() - saved, "file MB": path.stat().st_size / 1e6}
        if is_ours:
            start = time.perf_counter()
            keras.saving.load_model(path)
            found["open"] = time.perf_counter() - start
        return found


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

    start = time.perf_counter()
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
    facts = {"build": time.perf_counter() - start}
    inputs, wanted = torch.from_numpy(data).requires_grad_(), torch.from_numpy(targets)

    def step() -> None:
        optimizer.zero_grad()
        inputs.grad = None
        torch.nn.functional.mse_loss(module(inputs), wanted).backward()
        optimizer.step()

    def predict() -> None:
        with torch.no_grad():
            module(inputs)

    start = time.perf_counter()
    step()
    facts["first step"] = time.perf_counter() - start
    assert inputs.grad is not None
    return {"step": step, "predict": predict, "facts": lambda: facts}


def _scipy(adjacency: Any, data: Any, targets: Any) -> dict[str, Run]:
    """Values and gradients, by one thread; Adam in numpy."""
    from scipy import sparse

    rows, columns = adjacency.indices, np.repeat(np.arange(adjacency.shape[1]), np.diff(adjacency.indptr))
    weights = np.random.default_rng(0).normal(size=adjacency.nnz).astype("float32")
    mean, square = np.zeros_like(weights), np.zeros_like(weights)

    def matrix() -> Any:
        return sparse.csc_array((weights, adjacency.indices, adjacency.indptr), shape=adjacency.shape)

    def step() -> None:
        product = matrix()
        upstream = (data @ product - targets) * np.float32(2 / targets.size)
        _ = upstream @ product.T
        gradient = np.einsum("be,be->e", data[:, rows], upstream[:, columns])
        mean[:] = 0.9 * mean + 0.1 * gradient
        square[:] = 0.999 * square + 0.001 * gradient**2
        weights[:] -= 0.001 * mean / (np.sqrt(square) + 1e-7)

    return {"step": step, "predict": lambda: data @ matrix()}
