"""The filled kernel: compiled loops place the weights in a matrix, TensorFlow multiplies it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras_vnn.layers._backend import along_connections
from keras_vnn.layers._connections import Connections
from keras_vnn.layers._kernels import SparseKernel, times_transpose
from keras_vnn.layers.fast._hosts import on_arrays
from keras_vnn.layers.fast._machine import Array, aligned, read_only, run_in_parts
from keras_vnn.layers.fast._products import even_cuts
from keras_vnn.layers.fast.native import unavailable_loops

__all__ = ["FilledKernel", "Placement"]


class Placement:
    """Weights of connections as a dense ``(outputs, inputs)`` matrix, and back."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self.shape = (connections.outputs, connections.inputs)

    def place(self, weights: Array) -> Array:
        """Return the matrix, zeros where there is no connection."""
        from keras_vnn.layers.fast._loops import placement_loops

        matrix = aligned(self.shape, weights.dtype)
        self._run(placement_loops()[0], read_only(weights), matrix)
        return matrix

    def take(self, matrix: Array) -> Array:
        """Return the ``(connections,)`` values of a matrix."""
        from keras_vnn.layers.fast._loops import placement_loops

        weights = aligned((self.connections.count,), matrix.dtype)
        self._run(placement_loops()[1], read_only(matrix), weights)
        return weights

    def _run(self, loop: Callable[..., None], source: Array, target: Array) -> None:
        rows, pointers = self.connections.rows, self.connections.pointers
        run_in_parts(
            lambda start, stop: loop(source, rows, pointers, target, start, stop),
            even_cuts(self.shape[0], self.shape[0] * self.shape[1]),
        )


class FilledKernel(SparseKernel):
    """Best for layers on a CPU that have most but not all of their connections."""

    name = "filled"

    def __init__(self, connections: Connections, *, is_exported: bool = False) -> None:
        import tensorflow as tf

        placement = Placement(connections)

        @tf.custom_gradient
        def placed(weights: Any) -> Any:
            (matrix,) = on_arrays(lambda weights: [placement.place(weights)], [weights], 1)
            return tf.ensure_shape(matrix, placement.shape), lambda upstream: taken(upstream)

        @tf.custom_gradient
        def taken(matrix: Any) -> Any:
            (weights,) = on_arrays(lambda matrix: [placement.take(matrix)], [matrix], 1)
            return tf.ensure_shape(weights, (connections.count,)), lambda upstream: placed(upstream)

        self._placed = placed

    @classmethod
    def unavailable(cls, connections: Connections, *, backend: str, device: str) -> str:
        """Return why it cannot serve here, if so."""
        if backend != "tensorflow":
            return f"it is made for TensorFlow, and Keras runs on {backend}"
        return unavailable_loops(connections, device)

    def product(self, inputs: Any, weights: Any) -> Any:
        """Return the product."""
        import tensorflow as tf

        weights = tf.convert_to_tensor(weights)
        matrix = self._placed(weights)
        return along_connections(
            inputs,
            lambda batch: times_transpose(batch, matrix),
            lambda read: times_transpose(read, self._placed(tf.ones_like(weights))),
        )
