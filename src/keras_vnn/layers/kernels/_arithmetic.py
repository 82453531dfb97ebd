"""Arithmetic that keeps the precision of its operands.

In: tensors of one dtype. Out: what `keras.ops` gives, but double precision stays double. Keras's own promotion of types
ends at float32 on any backend but TensorFlow, and its sums by segment are made in float32 on PyTorch.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = ["matmul", "segment_sum"]


def matmul(first: Any, second: Any) -> Any:
    """Return the matrix product, of stacks of matrices too."""
    return first @ second if _is_double(first) else ops.matmul(first, second)


def segment_sum(data: Any, segments: Any, count: int) -> Any:
    """Return the sums of the rows of each of `count` segments."""
    if keras.backend.backend() == "torch" and _is_double(data):
        import torch

        zeros = torch.zeros((count, *data.shape[1:]), dtype=data.dtype, device=data.device)
        return zeros.index_add(0, segments, data)
    return ops.segment_sum(data, segments, num_segments=count)


def _is_double(tensor: Any) -> bool:
    return bool(keras.backend.standardize_dtype(tensor.dtype) == "float64")
