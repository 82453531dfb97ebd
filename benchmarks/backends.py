"""The 20k × 20k layer on the backends of Keras: a step of `fit`, against dense × mask on the same backend.

Run in an environment of each backend, as ``python -m benchmarks --backends NAME=PYTHON`` does; prints a line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from statistics import median
from typing import Any

import numpy as np

from benchmarks.cases import CASES

__all__ = ["CASE"]

CASE = "20k, batch 32"


def main() -> None:
    """Time one contender in this process: ``python -m benchmarks.backends ours|masked REPEATS``."""
    import keras

    from keras_vnn.layers import SparselyConnected

    contender, repeats = sys.argv[1], int(sys.argv[2])
    case = CASES[CASE]
    adjacency = case.adjacency()
    entrance = keras.Input((case.inputs,))
    layer = SparselyConnected(adjacency) if contender == "ours" else _masked(adjacency)
    model = keras.Model(entrance, layer(entrance))
    # The dense kernel steps without the moments of Adam, which would be 3.2 GB more: in its favour.
    model.compile("adam" if contender == "ours" else keras.optimizers.SGD(0.01), "mse")
    random = np.random.default_rng(0)
    data = random.normal(size=(case.batch, case.inputs)).astype("float32")
    targets = random.normal(size=(case.batch, case.outputs)).astype("float32")
    times = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        model.train_on_batch(data, targets)
        times.append(time.perf_counter() - start)
    found: dict[str, Any] = {"step": 1e3 * median(times[2:]), "least": 1e3 * min(times[2:])}
    if contender == "ours":
        found["kernel"] = layer.kernel_report()["kernel"]
    print(json.dumps(found))


def _masked(adjacency: Any) -> Any:
    import keras

    class Masked(keras.layers.Layer):
        """A dense kernel times a mask."""

        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight(shape=adjacency.shape, initializer="zeros")
            self.bias = self.add_weight(shape=(adjacency.shape[1],), initializer="zeros")
            self.mask = self.add_weight(shape=adjacency.shape, initializer="zeros", trainable=False)
            self.mask.assign(adjacency.toarray().astype("float32"))

        def call(self, inputs: Any) -> Any:
            return keras.ops.matmul(inputs, self.kernel * self.mask) + self.bias

    return Masked()


if __name__ == "__main__":
    main()
