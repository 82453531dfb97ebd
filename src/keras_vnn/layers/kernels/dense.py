"""The dense kernel: scatter the weights into a matrix, then one matrix product."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from keras import ops

from keras_vnn.layers._connections import Connections

__all__ = ["DenseKernel"]


class DenseKernel:
    """Best for small or well filled layers, where a matrix product is at its fastest."""

    name: ClassVar[str] = "dense"

    def __init__(self, connections: Connections) -> None:
        self._shape = (connections.inputs, connections.outputs)
        self._full = connections.count == connections.inputs * connections.outputs
        self._indices = np.stack([connections.rows, connections.columns], axis=1)

    @classmethod
    def unavailable(cls, connections: Connections, *, backend: str, device: str) -> str:
        """Return an empty string: it serves everywhere."""
        return ""

    def __call__(self, inputs: Any, weights: Any) -> Any:
        """Return ``inputs @ scatter(weights)``."""
        if self._full:
            matrix = ops.transpose(ops.reshape(weights, self._shape[::-1]))
        else:
            matrix = ops.scatter(self._indices, weights, self._shape)
        return ops.matmul(inputs, matrix)
