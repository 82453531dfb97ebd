"""Weights of connections as a dense matrix, and back, by compiled loops in as many threads as processors.

In: connections and numpy arrays. Out: numpy arrays.
"""

# Types of compiled functions are those of numba, which ordinary annotations cannot say.
# ruff: noqa: ANN001, ANN202
# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False, disallow-untyped-calls=False

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from keras_vnn.layers._connections import Connections
from keras_vnn.layers.fast._memory import Array, aligned, read_only
from keras_vnn.layers.fast._products import even_cuts
from keras_vnn.layers.fast._threads import run_in_parts

__all__ = ["Placement"]


class Placement:
    """Weights of connections as a dense ``(outputs, inputs)`` matrix, and back."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self.shape = (connections.outputs, connections.inputs)

    def place(self, weights: Array) -> Array:
        """Return the matrix, zeros where there is no connection."""
        matrix = aligned(self.shape, weights.dtype)
        self._run(_loops()[0], read_only(weights), matrix)
        return matrix

    def take(self, matrix: Array) -> Array:
        """Return the ``(connections,)`` values of a matrix."""
        weights = aligned((self.connections.count,), matrix.dtype)
        self._run(_loops()[1], read_only(matrix), weights)
        return weights

    def _run(self, loop: Callable[..., None], source: Array, target: Array) -> None:
        rows, pointers = self.connections.rows, self.connections.pointers
        run_in_parts(
            lambda start, stop: loop(source, rows, pointers, target, start, stop),
            even_cuts(self.shape[0], self.shape[0] * self.shape[1]),
        )


@cache
def _loops() -> tuple[Callable[..., None], Callable[..., None]]:
    """Return loops that spread weights over a range of rows of a matrix, and that take them out."""
    from keras_vnn.layers.fast._loops import compiled

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
