"""The limit of whole models: their topology as numbers that `limit_model.c` reads, and its time of a step."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["model_limit", "write_topology"]


def write_topology(model: Any, path: Path) -> None:
    """Write what a model of the preset ``drugcell`` computes.

    ``inputs levels``, then of each level ``nodes, annotation units, has tanh, has normalisation, has heads``, the units
    and the inputs of each node, and of each input its row and its annotation unit, or -1. Rows are the inputs of the
    model and the units of all levels, in order.
    """
    levels: list[tuple[list[int], Any, Any, Any, Any]] = []
    genes, side = (int(entrance.shape[1]) for entrance in model.inputs)
    rows = genes + side
    starts: dict[str, int] = {}
    names = {layer.name for layer in model.layers}

    def add(name: str, widths: Any, fans: Any, read: Any, relays: Any = None, *, is_linear: bool = False) -> None:
        nonlocal rows
        has = [f"{name}{suffix}" in names for suffix in ("_batch_normalization", "_auxiliary")]
        relays = np.full(len(read), -1) if relays is None else relays
        levels.append(([len(widths), int(relays.max(initial=-1)) + 1, not is_linear, *has], widths, fans, read, relays))
        starts[name] = rows
        rows += int(np.sum(widths))

    terms = [f"layer_{number}" for number in range(1, len(names)) if f"layer_{number}" in names]
    for name in terms:
        connections, annotations = (model.get_layer(each).connections for each in (name, f"{name}_annotations"))
        known = [np.stack([annotations.rows, np.arange(annotations.count)])]
        read = model.get_layer(name).input
        for tensor in read[1:] if isinstance(read, list) else []:
            of = tensor._keras_history.operation.name.removesuffix("_batch_normalization")
            known.append(np.stack([starts[of] + np.arange(tensor.shape[1]), np.full(tensor.shape[1], -1)]))
        found = np.concatenate(known, axis=1)[:, connections.node_inputs]
        add(name, connections.output_units, np.diff(connections.node_pointers), *found)
    root = rows - int(levels[-1][1].sum())
    dense = [*(f"side_{number}" for number in (1, 2, 3)), "tail_1", "head_hidden", "head"]
    read = np.arange(genes, genes + side)
    for name in dense:
        width = int(model.get_layer(name).units)
        if name == "tail_1":
            read = np.concatenate([np.arange(root, starts["side_1"]), read])
        add(name, np.array([width]), np.array([len(read)]), read, is_linear=name == "head")
        read = np.arange(starts[name], rows)
    flat = [[genes + side, len(levels)], *(part for level in levels for part in level)]
    np.concatenate([np.asarray(part).ravel() for part in flat]).astype(np.int32).tofile(path)


def model_limit(program: Path, topology: Path, batch: int, repeats: int) -> float:
    """Return the seconds of the best of some steps of the C program."""
    done = subprocess.run([program, topology, str(batch), str(repeats)], capture_output=True, text=True, check=True)
    found = re.search(r"total ([\d.]+) ms", done.stdout)
    if found is None:
        raise RuntimeError(f"limit_model.c printed no total: {done.stdout!r}")
    return float(found[1]) / 1e3
