"""The dense layers behind the named nodes, and which of their inputs is which node.

In: a `ModelView`. Out: the first dense layer that reads the nodes, and the place of every unit among its inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_vnn.inspection._record import first_dense, to_numpy
from keras_vnn.models import ModelView

__all__ = ["Readout", "dense_places", "readout"]


@dataclass(frozen=True, slots=True, eq=False)
class Readout:
    """The first of the dense layers that read the named nodes: the tail's, or the head.

    Attributes
    ----------
    layer
        The Keras layer.
    rows
        By number of the layer, ``(units,)``: the input of ``layer`` that each unit is, -1 when it is none.
    """

    layer: keras.layers.Dense
    rows: Mapping[int, NDArray[np.intp]]

    @property
    def kernel(self) -> NDArray[np.float32]:
        """``(inputs, units)`` weights."""
        return to_numpy(self.layer.kernel)

    @property
    def bias(self) -> NDArray[np.float32]:
        """``(units,)`` biases."""
        return to_numpy(self.layer.bias)


def readout(seen: ModelView) -> Readout | None:
    """Return the first dense layer behind the named nodes; ``None`` for an embedding without a tail."""
    layer = first_dense(seen)
    if layer is None:
        return None
    arch = seen.architecture
    rows = {number: np.full(int(arch.layers[number].units.sum()), -1) for number in range(1, len(arch.layers))}
    for start, kind, what in _runs(seen, layer.name):
        if kind == "units":
            continue
        is_read = np.ones(len(arch.layers[what]), bool) if kind == "nodes" else arch.sink_nodes(what)
        read = np.flatnonzero(np.repeat(is_read, arch.layers[what].units))
        rows[what][read] = start + np.arange(len(read))
    return Readout(layer, rows)


def dense_places(seen: ModelView) -> dict[int, NDArray[np.intp]]:
    """Return, by number of the layer, which input of the first dense layer each dense unit beside the nodes is."""
    layer = first_dense(seen)
    names = {name: int(number) for number, name in seen.parts["dense"].items()}
    if layer is None:
        return {}
    return {
        names[what]: start + np.arange(seen.architecture.layers[names[what]].dense_units)
        for start, kind, what in _runs(seen, layer.name)
        if kind == "units" and what in names
    }


def _runs(seen: ModelView, name: str) -> Iterator[tuple[int, str, Any]]:
    """Yield first input, kind and origin of each run of the inputs of a dense layer."""
    arch = seen.architecture
    (runs,) = (block["inputs"] for block in seen.parts["blocks"] if block["layer"] == name)
    start = 0
    for kind, what, *count in runs:
        yield start, kind, what
        if kind == "units":
            start += count[0]
        else:
            chosen = np.ones(len(arch.layers[what]), bool) if kind == "nodes" else arch.sink_nodes(what)
            start += int(arch.layers[what].units[chosen].sum())
