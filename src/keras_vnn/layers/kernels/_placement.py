"""Weights of connections as a dense matrix, and back, at the speed of a copy where the processor can do it.

In: connections and numpy arrays. Out: numpy arrays. Where a processor spreads the numbers of a register by a mask
(AVX-512), the mask of a row, one bit a cell, is all that is read besides the numbers; elsewhere it is their indices.
"""

# Types of compiled functions are those of numba, which ordinary annotations cannot say.
# ruff: noqa: ANN001, ANN202
# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False, disallow-untyped-calls=False

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_vnn.layers._connections import Connections
from keras_vnn.layers.kernels._memory import aligned, read_only
from keras_vnn.layers.kernels._products import even_cuts, host_register
from keras_vnn.layers.kernels._threads import run_in_parts

__all__ = ["Placement"]

Array = NDArray[Any]
# Bytes of the registers that spread numbers by a mask.
MASKED_REGISTER = 64


class Placement:
    """Weights of connections as a dense ``(outputs, inputs)`` matrix, and back.

    Parameters
    ----------
    connections
        Whose weights they are.
    uses_masks
        Whether to work by masks; None lets the processor decide. The results are the same.
    """

    def __init__(self, connections: Connections, *, uses_masks: bool | None = None) -> None:
        self.connections = connections
        self.shape = (connections.outputs, connections.inputs)
        self._uses_masks = host_register()[0] == MASKED_REGISTER if uses_masks is None else uses_masks

    def place(self, weights: Array) -> Array:
        """Return the matrix, zeros where there is no connection."""
        matrix = aligned(self.shape, weights.dtype)
        work, where = self._prepared(weights.dtype, 0)
        weights = read_only(weights)
        self._run(lambda start, stop: work(weights, where, self.connections.pointers, matrix, start, stop))
        return matrix

    def take(self, matrix: Array) -> Array:
        """Return the ``(connections,)`` values of a matrix."""
        weights = aligned((self.connections.count,), matrix.dtype)
        work, where = self._prepared(matrix.dtype, 1)
        matrix = read_only(matrix)
        self._run(lambda start, stop: work(matrix, where, self.connections.pointers, weights, start, stop))
        return weights

    def _prepared(self, dtype: Any, direction: int) -> tuple[Callable[..., None], Array]:
        """Return the loop for numbers of a type, and the array that tells it where they belong."""
        if not self._uses_masks:
            return _loops_by_index()[direction], self.connections.rows
        lanes = MASKED_REGISTER // np.dtype(dtype).itemsize
        return _loops_by_mask(lanes)[direction], self._masks.view(np.uint16 if lanes == 16 else np.uint8)

    @cached_property
    def _masks(self) -> Array:
        """``(outputs, bytes)``: one bit a cell, in whole pairs of bytes."""
        width = 2 * -(-self.connections.inputs // 16)
        masks = np.zeros(self.connections.outputs * width, np.uint8)
        rows = self.connections.rows
        owners = np.repeat(np.arange(self.connections.outputs), np.diff(self.connections.pointers))
        places = owners * width + rows // 8
        # Connections lie in the order of outputs and, within one, of inputs: those of a byte are neighbours.
        firsts = np.flatnonzero(np.diff(places, prepend=-1))
        bits = np.left_shift(np.uint8(1), (rows % 8).astype(np.uint8))
        if len(firsts):
            masks[places[firsts]] = np.bitwise_or.reduceat(bits, firsts)
        return read_only(masks.reshape(-1, width))

    def _run(self, work: Callable[[int, int], None]) -> None:
        run_in_parts(work, even_cuts(self.shape[0], self.shape[0] * self.shape[1]))


@cache
def _loops_by_index() -> tuple[Callable[..., None], Callable[..., None]]:
    """Return loops that spread weights over a range of rows of a matrix, and that take them out, by their indices."""
    from keras_vnn.layers.kernels._loops import compiled

    def place(weights, rows, pointers, matrix, start, stop):
        for output in range(start, stop):
            matrix[output, :] = 0
            for position in range(pointers[output], pointers[output + 1]):
                matrix[output, rows[position]] = weights[position]

    def take(matrix, rows, pointers, weights, start, stop):
        for output in range(start, stop):
            for position in range(pointers[output], pointers[output + 1]):
                weights[position] = matrix[output, rows[position]]

    return compiled(place), compiled(take)


@cache
def _loops_by_mask(lanes: int) -> tuple[Callable[..., None], Callable[..., None]]:
    """Return the same by masks of ``lanes`` cells; what a row has beyond whole masks is done one by one."""
    from keras_vnn.layers.kernels._instructions import compressed, compressed_alone, expanded
    from keras_vnn.layers.kernels._loops import compiled

    def place(weights, masks, pointers, matrix, start, stop):
        inputs = matrix.shape[1]
        whole = inputs // lanes
        for output in range(start, stop):
            position, line = pointers[output], output * inputs
            for group in range(whole):
                position += expanded(weights, position, masks[output, group], matrix, line + group * lanes, lanes)
            for late in range(whole * lanes, inputs):
                matrix[output, late] = 0
                if (masks[output, whole] >> (late - whole * lanes)) & 1:
                    matrix[output, late] = weights[position]
                    position += 1

    def take(matrix, masks, pointers, weights, start, stop):
        inputs, end = matrix.shape[1], pointers[stop]
        whole = inputs // lanes
        for output in range(start, stop):
            position, line = pointers[output], output * inputs
            for group in range(whole):
                place, mask = line + group * lanes, masks[output, group]
                if position + lanes <= end:
                    position += compressed(matrix, place, mask, weights, position, lanes)
                else:
                    position += compressed_alone(matrix, place, mask, weights, position, lanes)
            for late in range(whole * lanes, inputs):
                if (masks[output, whole] >> (late - whole * lanes)) & 1:
                    weights[position] = matrix[output, late]
                    position += 1

    return compiled(place), compiled(take)
