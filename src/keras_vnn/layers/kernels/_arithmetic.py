"""Arithmetic that keeps the precision of its operands.

In: tensors of one dtype. Out: what `keras.ops` gives, but double precision stays double. Keras's own promotion of types
ends at float32 on any backend but TensorFlow; on PyTorch its sums by segment are made in float32, and slowly, and its
`take` is made of what cannot be exported to ONNX.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = ["matmul", "rows_of", "segment_sum"]


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
