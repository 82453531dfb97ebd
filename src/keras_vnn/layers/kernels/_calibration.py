"""What the kernels take on this machine, measured once and kept in the user's cache folder.

In: nothing but the machine. Out: `Costs`, or None when measuring is switched off or not possible. Set
``KERAS_VNN_CALIBRATE=0`` to switch it off; ``KERAS_VNN_CACHE`` names another folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from keras_vnn.errors import VNNError
from keras_vnn.files import replacing
from keras_vnn.layers._connections import Connections
from keras_vnn.layers.kernels._interface import Costs, SparseKernel
from keras_vnn.layers.kernels._threads import thread_count
from keras_vnn.layers.kernels.dense import DenseKernel
from keras_vnn.layers.kernels.filled import FilledKernel
from keras_vnn.layers.kernels.native import NativeKernel

__all__ = ["cache_folder", "measured_costs"]

_OFF, _FOLDER = "KERAS_VNN_CALIBRATE", "KERAS_VNN_CACHE"
_INPUTS, _OUTPUTS, _DENSITY, _BATCH = 1024, 1024, 0.1, 64


def cache_folder() -> Path:
    """Return the folder for what can be made again: that of the system for this user, or what the variable names."""
    if os.environ.get(_FOLDER):
        return Path(os.environ[_FOLDER])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "keras-vnn" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "keras-vnn"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keras-vnn"


def measured_costs() -> Costs | None:
    """Return what was measured on this machine, now (about a second) or by an earlier process; None if switched off."""
    if os.environ.get(_OFF) == "0" or keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    return _known_costs() if tf.executing_eagerly() else None


@cache
def _known_costs() -> Costs:
    path = cache_folder() / f"kernel-costs-{_machine()}.json"
    with contextlib.suppress(OSError, ValueError, TypeError, LookupError):
        known = json.loads(path.read_text(encoding="utf-8"))
        return Costs(**{name: float(known[name]) for name in asdict(Costs())})
    costs = _measure()
    # A folder that cannot be written only means measuring again next time.
    with contextlib.suppress(OSError, VNNError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, overwrite=True) as partial:
            partial.write_text(json.dumps(asdict(costs), indent=1), encoding="utf-8")
    return costs


def _machine() -> str:
    fields = tuple(asdict(Costs()))
    facts = (platform.machine(), platform.processor(), platform.node(), thread_count(), keras.__version__, fields)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _measure() -> Costs:
    rng = np.random.default_rng(0)
    some = Connections.from_adjacency(rng.random((_INPUTS, _OUTPUTS)) < _DENSITY)
    every = Connections.from_adjacency(np.ones((_INPUTS, _OUTPUTS), bool))
    usual, cells = Costs(), _INPUTS * _OUTPUTS
    dense, dense_full, filled, native = (
        _nanoseconds(kernel(connections), rng.normal(size=connections.count))
        for kernel, connections in (
            (DenseKernel, some),
            (DenseKernel, every),
            (FilledKernel, some),
            (NativeKernel, some),
        )
    )
    dense_product = dense_full / (cells * _BATCH)
    dense_cell = max((dense - dense_full) / cells, usual.dense_cell / 100)
    filled_cell = max((filled - dense_full - usual.call) / cells, usual.filled_cell / 100)
    native_product = max((native - usual.call) / (some.count * _BATCH), usual.native_product / 100)
    factor = native_product / usual.native_product
    return replace(
        usual,
        dense_product=dense_product,
        dense_cell=dense_cell,
        filled_cell=filled_cell,
        native_product=native_product,
        native_block_product=usual.native_block_product * factor,
        csr_product=usual.csr_product * factor,
        csr_connection=usual.csr_connection * factor,
        portable_product=usual.portable_product * factor,
        block_product=usual.block_product * factor,
    )


def _nanoseconds(kernel: SparseKernel, weights: NDArray[np.float64]) -> float:
    import tensorflow as tf

    with tf.device("CPU:0"):
        arguments = tf.ones((_BATCH, _INPUTS)), tf.constant(weights, tf.float32)

    @tf.function
    def step(inputs, weights):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
        with tf.GradientTape() as tape:
            tape.watch((inputs, weights))
            loss = tf.reduce_sum(kernel(inputs, weights))
        return tape.gradient(loss, (inputs, weights))

    return _timed(lambda: step(*arguments)[0].numpy())


def _timed(run: Callable[[], object], repeats: int = 7) -> float:
    run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter_ns()
        run()
        times.append(time.perf_counter_ns() - start)
    return float(min(times))
