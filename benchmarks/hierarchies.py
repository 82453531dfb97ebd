"""Whole hierarchical models: DrugCell's published topology, and one of DCell's size."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.limits import model_limit, write_topology
from benchmarks.machine import compiled_limit

__all__ = ["time_dcell", "time_drugcell"]


def time_drugcell(path: Path, batches: tuple[int, ...] = (64, 512), turns: int = 5) -> dict[str, float]:
    """Return seconds of a training step of DrugCell, 6 units a term, by batch, its limit, and the connections.

    Model and limit take turns of a few steps, and the best turn of each counts: others at work slow both down.
    """
    from keras_vnn.architecture.wiring import hierarchy_architecture
    from keras_vnn.layers import SparselyConnected
    from keras_vnn.models import Regression, build_model
    from keras_vnn.readers import read_hierarchy

    arch = hierarchy_architecture(None, *read_hierarchy(path), units=6)
    model = build_model(arch, Regression(), preset="drugcell")
    layers = [layer for layer in model.layers if isinstance(layer, SparselyConnected)]
    found = {"connections": float(sum(layer.connections.count for layer in layers))}
    with tempfile.TemporaryDirectory() as folder:
        topology, program = Path(folder) / "topology", compiled_limit(Path(folder), "limit_model")
        write_topology(model, topology)
        for batch in batches:
            step, times = _step(model, batch), []
            for _ in range(turns):
                times.append((step(5), model_limit(program, topology, batch, 5) if program else math.nan))
            found[f"batch {batch}"], limit = map(min, zip(*times, strict=True))
            found |= {f"limit of batch {batch}": limit} if program else {}
    return found


def time_dcell(batch: int = 600, repeats: int = 5) -> dict[str, float]:
    """Return seconds of a training step, and the connections, of a hierarchy of DCell's size: 2,655 terms.

    Widths are max(20, ⌈0.3 n⌉) for n genes below a term. The hierarchy is drawn: twelve levels that narrow to one
    root, a term below one of the level above, or in 6 % of the cases two, genes at the terms of all levels. That share
    gives 20.9 million connections.
    """
    import keras

    from keras_vnn.layers import SparselyConnected

    counts = (1, 8, 30, 80, 170, 280, 380, 440, 450, 400, 276, 140)
    genes, rng = 5500, np.random.default_rng(0)
    below: list[list[set[int]]] = []
    parents: list[list[tuple[int, ...]]] = []
    for level, count in enumerate(counts):
        below.append([set() for _ in range(count)])
        above = counts[level - 1] if level else 0
        parents.append(
            [
                tuple({int(p) for p in rng.integers(0, above, 1 + (rng.random() < 0.06))}) if above else ()
                for _ in range(count)
            ]
        )
    direct = [[rng.integers(0, genes, rng.integers(3, 12)) for _ in range(count)] for count in counts]
    for level in range(len(counts) - 1, -1, -1):
        for term in range(counts[level]):
            below[level][term].update(direct[level][term].tolist())
            for parent in parents[level][term]:
                below[level - 1][parent] |= below[level][term]
    widths = [[max(20, -(-3 * len(genes_below) // 10)) for genes_below in level] for level in below]

    entrance = keras.Input((genes,))
    connections, lower = 0, None
    for level in range(len(counts) - 1, -1, -1):
        children = counts[level + 1] if level + 1 < len(counts) else 0
        adjacency = np.zeros((genes + children, counts[level]), bool)
        for term in range(counts[level]):
            adjacency[direct[level][term], term] = True
        for child in range(children):
            adjacency[genes + child, list(parents[level + 1][child])] = True
        units = [1] * genes + (widths[level + 1] if children else [])
        layer = SparselyConnected(adjacency, widths[level], inputs_per_node=units, activation="tanh")
        lower = layer(entrance if lower is None else keras.layers.Concatenate()([entrance, lower]))
        connections += layer.connections.count
        lower = keras.layers.BatchNormalization()(lower)
    model = keras.Model(entrance, keras.layers.Dense(1)(lower))
    model.compile("adam", "mse")
    return {"connections": float(connections), f"batch {batch}": _step(model, batch)(repeats)}


def _step(model: Any, batch: int) -> Callable[[int], float]:
    """Return what runs so many training steps and gives the median of their seconds."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    inputs = [tf.constant(rng.random((batch, *entrance.shape[1:])), "float32") for entrance in model.inputs]
    pair = (inputs[0] if len(inputs) == 1 else inputs), tf.zeros((batch, 1))

    def batches() -> Any:
        while True:
            yield pair

    endless = batches()
    model.make_train_function()
    for _ in range(2):
        model.train_function(endless)

    def run(repeats: int) -> float:
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            model.train_function(endless)
            times.append(time.perf_counter() - start)
        return median(times)

    return run
