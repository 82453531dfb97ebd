"""The 20k × 20k layer on the backends of Keras: a step of `fit`, against dense × mask on the same backend.

Each contender has a process of its own in an environment of its backend; they take turns A B A B.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.cases import CASES
from benchmarks.worker import die_first

__all__ = ["CASE", "CONTENDERS", "time_backend"]

CASE = "20k, batch 32"
CONTENDERS = {"keras-vnn": 20, "masked dense": 3}
TURNS = 2


def time_backend(backend: str, python: str) -> dict[str, Any]:
    """Return, for each contender, milliseconds of a step of training, and the kernel that ours chose."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    for _ in range(TURNS):
        for name, repeats in CONTENDERS.items():
            done = subprocess.run(
                [python, "-m", "benchmarks.backends", name, str(repeats)],
                env={**os.environ, "KERAS_BACKEND": backend},
                stdout=subprocess.PIPE,
                text=True,
                cwd=Path(__file__).parents[1],
            )
            if done.returncode == 0:
                found[name].append(json.loads(done.stdout.splitlines()[-1]))
    return {
        name: {
            **turns[0],
            "step": median(each["step"] for each in turns),
            "least": min(each["least"] for each in turns),
        }
        for name, turns in found.items()
        if turns
    }


def main() -> None:
    """Time one contender in this process: ``python -m benchmarks.backends NAME REPEATS``."""
    die_first()
    import keras

    from keras_vnn.layers import SparselyConnected

    contender, repeats = sys.argv[1], int(sys.argv[2])
    case = CASES[CASE]
    adjacency = case.adjacency()
    entrance = keras.Input((case.inputs,))
    layer = SparselyConnected(adjacency) if contender == "keras-vnn" else _masked(adjacency)
    model = keras.Model(entrance, layer(entrance))
    # The dense kernel steps without the moments of Adam, which would be 3.2 GB more: in its favour.
    model.compile("adam" if contender == "keras-vnn" else keras.optimizers.SGD(0.01), "mse")
    random = np.random.default_rng(0)
    data = random.normal(size=(case.batch, case.inputs)).astype("float32")
    targets = random.normal(size=(case.batch, case.outputs)).astype("float32")
    times = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        model.train_on_batch(data, targets)
        times.append(time.perf_counter() - start)
    found: dict[str, Any] = {"step": 1e3 * median(times[2:]), "least": 1e3 * min(times[2:])}
    if contender == "keras-vnn":
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
