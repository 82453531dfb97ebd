"""The portable kernel: gather, multiply and sum by segment, in `keras.ops` only."""

from __future__ import annotations

from typing import Any, ClassVar

import keras
from keras import ops

from keras_vnn.layers._arithmetic import constant, rows_of, segment_sum
from keras_vnn.layers._connections import Connections
from keras_vnn.layers._kernel_interface import SparseKernel

__all__ = ["PortableKernel"]


class PortableKernel(SparseKernel):
    """Runs on every backend and device, and in exported models; needs ``connections × batch`` numbers of memory."""

    name: ClassVar[str] = "portable"
    supports_jit: ClassVar[bool] = True
    is_portable: ClassVar[bool] = True

    def __init__(self, connections: Connections, *, is_exported: bool = False) -> None:
        self._pair = connections.pair
        self._rows = constant(connections.rows)
        self._columns = constant(connections.columns)
        self._outputs = connections.outputs

    def __call__(self, inputs: Any, weights: Any) -> Any:
        """Return the product; the batch is the inner axis, so that each connection reads a contiguous row."""
        dtype = keras.backend.standardize_dtype(inputs.dtype)
        wide = "float32" if dtype in ("float16", "bfloat16") else dtype
        if self._pair is not None:
            return ops.cast(self._of_pairs(ops.cast(inputs, wide), ops.cast(weights, wide)), dtype)
        gathered = rows_of(ops.transpose(ops.cast(inputs, wide)), self._rows)
        products = gathered * ops.expand_dims(ops.cast(weights, wide), 1)
        sums = segment_sum(products, self._columns, self._outputs)
        return ops.cast(ops.transpose(sums), dtype)

    def _of_pairs(self, inputs: Any, weights: Any) -> Any:
        """Return the product where each node reads one other: no index is needed."""
        read, made = self._pair or (1, 1)
        if read == made == 1:
            return inputs * weights
        nodes = self._outputs // made
        products = ops.reshape(inputs, (-1, nodes, 1, read)) * ops.reshape(weights, (nodes, made, read))
        return ops.reshape(ops.sum(products, axis=-1), (-1, self._outputs))
