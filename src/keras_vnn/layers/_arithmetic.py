"""What kernels need of a backend and `keras.ops` lacks: index arrays, and arithmetic that keeps its precision.

In: arrays, or tensors of one dtype. Out: what `keras.ops` gives, but double precision stays double. Keras's own
promotion of types ends at float32 on any backend but TensorFlow; on PyTorch its sums by segment are made in float32,
and slowly, and its `take` is made of what cannot be exported to ONNX. Values that are
not finite stay with the units that read them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_vnn.layers._context import surroundings

__all__ = ["along_connections", "constant", "matmul", "rows_of", "segment_sum"]


def constant(array: NDArray[Any]) -> Any:
    """Return the array as the backend reads it best.

    On TensorFlow it is a tensor made outside of any graph: graphs refer to it, where they would hold a copy each of
    an array. Torch gets a tensor on the device of its layers, JAX the array itself.
    """
    if keras.backend.backend() == "tensorflow":
        # Exporters other than TensorFlow's make an input of every tensor that a graph refers to and does not hold.
        if surroundings() == "export":
            return array
        import tensorflow as tf

        with tf.init_scope():
            return tf.constant(array)
    if keras.backend.backend() == "torch":
        import torch

        # The device by name: layers are also called under a device that holds shapes only.
        return torch.from_numpy(np.array(array)).to("cuda" if torch.cuda.is_available() else "cpu")
    return array


def matmul(first: Any, second: Any) -> Any:
    """Return the matrix product, of stacks of matrices too."""
    return first @ second if _is_double(first) else ops.matmul(first, second)


def rows_of(tensor: Any, indices: Any) -> Any:
    """Return the rows of a tensor in the shape of their indices."""
    if keras.backend.backend() != "torch":
        return ops.take(tensor, indices, axis=0)
    indices = indices.to(tensor.device)
    return tensor.index_select(0, indices.reshape(-1)).reshape(*indices.shape, *tensor.shape[1:])


def segment_sum(data: Any, segments: Any, count: int) -> Any:
    """Return the sums of the rows of each of `count` segments."""
    if keras.backend.backend() == "torch":
        import torch

        zeros, segments = data.new_zeros((count, *data.shape[1:])), segments.to(data.device)
        if torch.onnx.is_in_onnx_export():  # which makes of `index_add` what adds one row to each segment
            return zeros.scatter_add(0, segments.reshape(-1, *[1] * (data.ndim - 1)).expand_as(data), data)
        return zeros.index_add(0, segments, data)
    return ops.segment_sum(data, segments, num_segments=count)


def _is_double(tensor: Any) -> bool:
    return bool(keras.backend.standardize_dtype(tensor.dtype) == "float64")


def along_connections(
    inputs: Any, product: Callable[[Any], Any], readers: Callable[[Any], Any], *, branches: bool = True
) -> Any:
    """Return ``product(inputs)``, with NaN for the units that read something that is not finite, and for no others.

    Parameters
    ----------
    inputs
        ``(batch, inputs)`` tensor.
    product
        The product of such a tensor with the weights.
    readers
        The same product with a one for each connection.
    branches
        Whether the second product may be left out where all is finite; graphs for export know no branches.
    """
    is_finite = ops.isfinite(inputs)

    def kept_apart() -> Any:
        outputs = product(ops.where(is_finite, inputs, ops.zeros_like(inputs)))
        reached = readers(ops.cast(ops.logical_not(is_finite), inputs.dtype)) > 0
        return outputs + ops.cast(ops.where(reached, np.nan, 0.0), outputs.dtype)

    return ops.cond(ops.all(is_finite), lambda: product(inputs), kept_apart) if branches else kept_apart()
