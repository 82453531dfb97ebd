"""The dense layers behind the named nodes, and which of their inputs is which node.

In: a `ModelView`. Out: the first dense layer that reads the nodes, and the place of every unit among its inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from keras_vnn.inspection._record import to_numpy
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
        By number of the layer, ``(units,)``: the input of ``layer`` that each unit is, -1 when it feeds nodes only.
    dense_rows
        The same for the dense units beside each layer.
    """

    layer: keras.layers.Dense
    rows: Mapping[int, NDArray[np.intp]]
    dense_rows: Mapping[int, NDArray[np.intp]]

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
    layers = [*seen.tail_layers, *([seen.head] if seen.head is not None else [])]
    if not layers:
        return None
    arch = seen.architecture
    rows, dense_rows = {}, {}
    start = 0
    for number, layer in enumerate(arch.layers[1:], start=1):
        is_read = np.repeat(arch.sink_nodes(number), layer.units)
        rows[number] = np.where(is_read, start + np.cumsum(is_read) - 1, -1)
        start += int(is_read.sum())
        dense_rows[number] = np.arange(start, start + layer.dense_units)
        start += layer.dense_units
    return Readout(layers[0], rows, dense_rows)
