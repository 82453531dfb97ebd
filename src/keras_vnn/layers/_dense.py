"""The dense kernel: place the weights in a matrix, then one matrix product."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from keras_vnn.layers._arithmetic import constant, matmul, segment_sum
from keras_vnn.layers._connections import Connections
from keras_vnn.layers._finite import along_connections
from keras_vnn.layers._kernel_interface import SparseKernel

__all__ = ["DenseKernel", "times_transpose"]


class DenseKernel(SparseKernel):
    """Best for small or well filled layers, where a matrix product is at its fastest."""

    name: ClassVar[str] = "dense"
    supports_jit: ClassVar[bool] = True
    is_portable: ClassVar[bool] = True

    def __init__(self, connections: Connections, *, is_exported: bool = False) -> None:
        self._shape = (connections.outputs, connections.inputs)
        is_full = connections.count == connections.inputs * connections.outputs
        self._is_full, self._branches = is_full, not is_exported
        self._placed: Callable[[Any], Any] = _reshaped if is_full else _placement(connections, is_exported)

    def __call__(self, inputs: Any, weights: Any) -> Any:
        """Return the product with the transpose of the ``(outputs, inputs)`` matrix, where weights lie in order."""
        product = self._product(weights)
        if self._is_full:
            return product(inputs)
        # Ones of their own would be a constant, which XLA places while it compiles: many seconds.
        return along_connections(
            inputs, product, lambda read: self._product(weights * 0 + 1)(read), branches=self._branches
        )

    def _product(self, weights: Any) -> Callable[[Any], Any]:
        matrix = ops.reshape(self._placed(weights), self._shape)
        return lambda inputs: times_transpose(inputs, matrix)


def times_transpose(inputs: Any, matrix: Any) -> Any:
    """Return ``inputs @ matrix.T`` for a ``(outputs, inputs)`` matrix."""
    if keras.backend.backend() != "tensorflow":
        return matmul(inputs, ops.transpose(matrix))
    import tensorflow as tf

    return tf.matmul(inputs, matrix, transpose_b=True)


def _reshaped(weights: Any) -> Any:
    return weights


def _placement(connections: Connections, is_exported: bool) -> Callable[[Any], Any]:
    """Return a function that spreads weights over the cells of the matrix, zeros between them."""
    cells = connections.outputs * connections.inputs
    positions = connections.columns.astype(np.int64) * connections.inputs + connections.rows
    backend = keras.backend.backend()
    if backend == "torch":
        # Keras's scatter there is a loop of Python over the weights.
        indices = constant(positions)
        return lambda weights: segment_sum(weights, indices, cells)
    if cells < 2**31:
        positions = positions.astype(np.int32)
    if backend == "tensorflow" and not is_exported:
        return _tensorflow_placement(positions, cells)
    indices = constant(positions[:, None])
    return lambda weights: ops.scatter(indices, weights, (cells,))


def _tensorflow_placement(positions: Any, cells: int) -> Callable[[Any], Any]:
    """One pass over the weights, whose order is known, where TensorFlow's scatter is several times slower."""
    import tensorflow as tf

    indices, shape = constant(positions[:, None]), np.array([cells], positions.dtype)

    @tf.custom_gradient
    def placed(weights: Any) -> Any:
        zero = tf.zeros((), weights.dtype)
        matrix = tf.raw_ops.SparseToDense(
            sparse_indices=indices,
            output_shape=shape,
            sparse_values=weights,
            default_value=zero,
            validate_indices=False,
        )
        return matrix, lambda upstream: taken(upstream)

    @tf.custom_gradient
    def taken(matrix: Any) -> Any:
        return tf.gather(matrix, tf.reshape(indices, (-1,))), lambda upstream: placed(upstream)

    return lambda weights: placed(tf.convert_to_tensor(weights))
