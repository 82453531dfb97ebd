"""The CSR kernel: TensorFlow's own sparse matrices, with gradients on the connections alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import keras
import numpy as np

from keras_vnn.layers._arithmetic import constant
from keras_vnn.layers._connections import Connections
from keras_vnn.layers._kernel_interface import SparseKernel

__all__ = ["CSRKernel"]

# Connections whose gradient is computed at once: bounds the memory to this number times the batch.
_AT_ONCE = 2**18


class CSRKernel(SparseKernel):
    """For sparse layers on a GPU, and in models exported to TensorFlow; needs nothing but TensorFlow."""

    name: ClassVar[str] = "csr"
    supports_jit: ClassVar[bool] = False
    is_portable: ClassVar[bool] = False

    def __init__(self, connections: Connections, *, is_exported: bool = False) -> None:
        import tensorflow as tf

        self._count = connections.count
        self._shape = np.array([connections.outputs, connections.inputs], np.int64)
        self._indices = constant(np.stack([connections.columns, connections.rows], axis=1).astype(np.int64))
        product = self._forward if is_exported else tf.custom_gradient(self._with_gradient)
        self._product: Callable[[Any, Any], Any] = lambda inputs, weights: product(
            tf.convert_to_tensor(inputs), tf.convert_to_tensor(weights)
        )

    @classmethod
    def unavailable(cls, connections: Connections, *, backend: str, device: str) -> str:
        """Return why TensorFlow's sparse matrices cannot serve here, if so."""
        return "" if backend == "tensorflow" else f"it is part of TensorFlow, and Keras runs on {backend}"

    def __call__(self, inputs: Any, weights: Any) -> Any:
        """Return the product; half precision is summed in single precision."""
        dtype = keras.backend.standardize_dtype(inputs.dtype)
        if dtype in ("float16", "bfloat16"):
            wide = self._product(keras.ops.cast(inputs, "float32"), keras.ops.cast(weights, "float32"))
            return keras.ops.cast(wide, dtype)
        return self._product(inputs, weights)

    def _matrix(self, weights: Any) -> Any:
        import tensorflow as tf

        return tf.raw_ops.SparseTensorToCSRSparseMatrix(indices=self._indices, values=weights, dense_shape=self._shape)

    def _forward(self, inputs: Any, weights: Any, matrix: Any = None) -> Any:
        import tensorflow as tf

        outputs = tf.raw_ops.SparseMatrixMatMul(
            a=self._matrix(weights) if matrix is None else matrix, b=inputs, transpose_b=True, transpose_output=True
        )
        return tf.ensure_shape(outputs, (inputs.shape[0], int(self._shape[0])))

    def _with_gradient(self, inputs: Any, weights: Any) -> Any:
        import tensorflow as tf

        matrix = self._matrix(weights)
        outputs = self._forward(inputs, weights, matrix)

        def gradient(upstream: Any) -> Any:
            of_inputs = tf.raw_ops.SparseMatrixMatMul(
                a=matrix, b=upstream, transpose_a=True, transpose_b=True, transpose_output=True
            )
            return tf.ensure_shape(of_inputs, inputs.shape), self._of_weights(tf.transpose(upstream), inputs)

        return outputs, gradient

    def _of_weights(self, upstream: Any, inputs: Any) -> Any:
        import tensorflow as tf

        examples = tf.transpose(inputs)

        def some(indices: Any) -> Any:
            return tf.reduce_sum(tf.gather(upstream, indices[:, 0]) * tf.gather(examples, indices[:, 1]), axis=1)

        if self._count <= 2 * _AT_ONCE:
            return some(self._indices)
        parts = -(-self._count // _AT_ONCE)
        padded = tf.pad(self._indices, [[0, parts * _AT_ONCE - self._count], [0, 0]])
        found = tf.map_fn(
            some, tf.reshape(padded, (parts, _AT_ONCE, 2)), fn_output_signature=inputs.dtype, parallel_iterations=1
        )
        return tf.reshape(found, (-1,))[: self._count]
