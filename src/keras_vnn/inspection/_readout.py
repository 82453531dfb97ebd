"""The dense layers behind the named nodes, and which of their inputs is which node.

In: a `ModelView`. Out: the first dense layer that reads the nodes, and the place of every unit among its inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from keras_vnn.inspection._record import first_dense, to_numpy
from keras_vnn.models import ModelView

__all__ = ["Readout", "readout"]


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
    (runs,) = (block["inputs"] for block in seen.parts["blocks"] if block["layer"] == layer.name)
    start = 0
    for kind, what, *count in runs:
        if kind == "units":
            start += count[0]
            continue
        is_read = np.ones(len(arch.layers[what]), bool) if kind == "nodes" else arch.sink_nodes(what)
        read = np.flatnonzero(np.repeat(is_read, arch.layers[what].units))
        rows[what][read] = start + np.arange(len(read))
        start += len(read)
    return Readout(layer, rows)
