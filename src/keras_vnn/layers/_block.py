"""The block kernel: one small matrix product per node of many units, nodes of like shape in one batch."""

from __future__ import annotations

from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_vnn.layers._arithmetic import constant, matmul, rows_of
from keras_vnn.layers._connections import Connections
from keras_vnn.layers._kernel_interface import SparseKernel

__all__ = ["BlockKernel"]

# Nodes whose units and inputs round up to the same of these sizes share a bucket.
_SIZES = np.unique(np.concatenate([np.arange(1, 9), np.ceil(8 * 1.25 ** np.arange(1, 60))]).astype(np.int64))


class BlockKernel(SparseKernel):
    """Best for nodes of many units on a GPU; all units of a node read the same inputs, which are gathered once."""

    name: ClassVar[str] = "block"
    supports_jit: ClassVar[bool] = True
    is_portable: ClassVar[bool] = True

    def __init__(self, connections: Connections, *, is_exported: bool = False) -> None:
        self._inputs, self._count, self._outputs = connections.inputs, connections.count, connections.outputs
        units, pointers = connections.output_units, connections.pointers
        first_unit = np.cumsum(units) - units
        fan_in = connections.fan_in[first_unit]
        fed = np.flatnonzero(fan_in)
        shapes = np.stack([_rounded_up(units[fed]), _rounded_up(fan_in[fed])], axis=1)
        self._buckets = []
        # Outputs of the buckets, one after the other; position 0 holds the zeros of units without input.
        place, next_place = np.zeros(connections.outputs, np.int64), 1
        # Without connections, one bucket without nodes: what depends on nothing has no gradients.
        for shape in np.unique(shapes, axis=0) if len(fed) else np.ones((1, 2), np.int64):
            nodes = fed[(shapes == shape).all(axis=1)]
            unit, position = np.arange(shape[0])[:, None], np.arange(shape[1])
            is_weight = (unit < units[nodes, None, None]) & (position < fan_in[nodes, None, None])
            starts = pointers[first_unit[nodes]][:, None, None]
            weight = starts + unit * fan_in[nodes, None, None] + position
            # Weight `count` and input `inputs` are zeros that fill up what is smaller than its bucket.
            weights = np.where(is_weight, weight, self._count)
            source = pointers[first_unit[nodes]][:, None] + position
            is_input = position < fan_in[nodes, None]
            rows = np.where(is_input, _rows(connections, source, is_input), self._inputs)
            self._buckets.append((constant(weights.astype(np.int32)), constant(rows.astype(np.int32))))
            unit_is_real = np.arange(shape[0]) < units[nodes, None]
            where = next_place + np.arange(len(nodes) * shape[0]).reshape(len(nodes), shape[0])
            outputs = first_unit[nodes, None] + np.arange(shape[0])
            place[outputs[unit_is_real]] = where[unit_is_real]
            next_place += len(nodes) * int(shape[0])
        self._place = constant(place.astype(np.int32))

    def __call__(self, inputs: Any, weights: Any) -> Any:
        """Return the product; half precision is summed as the matrix products of the backend do."""
        dtype = keras.backend.standardize_dtype(inputs.dtype)
        wide = "float32" if dtype in ("float16", "bfloat16") else dtype
        examples = ops.pad(ops.transpose(ops.cast(inputs, wide)), ((0, 1), (0, 0)))
        filled = ops.pad(ops.cast(weights, wide), ((0, 1),))
        batch = ops.shape(examples)[1]
        found = [ops.zeros_like(examples[:1])]
        for weight, rows in self._buckets:
            products = matmul(rows_of(filled, weight), rows_of(examples, rows))
            found.append(ops.reshape(products, (int(np.prod(weight.shape[:2])), batch)))
        return ops.cast(ops.transpose(rows_of(ops.concatenate(found), self._place)), dtype)


def _rounded_up(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    rounded: NDArray[np.int64] = _SIZES[np.searchsorted(_SIZES, sizes)]
    return rounded


def _rows(connections: Connections, source: NDArray[np.int64], is_input: NDArray[np.bool_]) -> NDArray[np.int32]:
    rows: NDArray[np.int32] = connections.rows[np.where(is_input, source, 0)]
    return rows
