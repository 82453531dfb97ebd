"""Gradients on each Keras backend, which has no word of its own for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_vnn.basics.errors import ModelError
from keras_vnn.inspection._record import Floats
from keras_vnn.inspection._segment import Segment

__all__ = ["score_gradients"]


def score_gradients(segment: Segment, inputs: Sequence[Floats], kernel: Floats) -> Floats:
    """Return the gradients of scores in the first input of a segment.

    Parameters
    ----------
    segment
        From ``inputs`` to features ``(cells, features)``; each cell depends on its own row only.
    inputs
        ``(cells, …)`` arrays; the gradient is taken in the first.
    kernel
        ``(features, outputs)``: scores are ``features @ kernel``.

    Returns
    -------
    numpy.ndarray
        ``(outputs, cells, units of the first input)``.

    Raises
    ------
    ModelError
        The backend has no gradients.
    """
    backend = keras.backend.backend()
    if backend not in _GRADIENTS:
        raise ModelError(
            f"The Keras backend {backend!r} has no gradients.\n"
            'Take method="knockout", or another backend: KERAS_BACKEND=tensorflow'
        )
    tensors = [keras.ops.convert_to_tensor(array) for array in inputs]
    weights = keras.ops.convert_to_tensor(kernel)
    constants = tensors[1:]

    def totals(first: Any) -> list[Any]:
        """Return the sum over the cells of each score."""
        features = segment([first, *constants])[0]
        scores = keras.ops.matmul(keras.ops.cast(features, "float32"), weights)
        sums = keras.ops.sum(scores, axis=0)
        return [sums[output] for output in range(kernel.shape[1])]

    slopes = _GRADIENTS[backend](totals, tensors[0])
    return np.stack([keras.ops.convert_to_numpy(slope) for slope in slopes]).astype(np.float32)


def _tensorflow(totals: Callable[[Any], list[Any]], first: Any) -> list[Any]:
    import tensorflow as tf

    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(first)
        values = totals(first)
    return [tape.gradient(value, first, unconnected_gradients=tf.UnconnectedGradients.ZERO) for value in values]


def _jax(totals: Callable[[Any], list[Any]], first: Any) -> list[Any]:
    import jax

    values, pullback = jax.vjp(totals, first)
    zeros = [jax.numpy.zeros_like(value) for value in values]
    one = jax.numpy.ones((), zeros[0].dtype)
    return [pullback([*zeros[:i], one, *zeros[i + 1 :]])[0] for i in range(len(zeros))]


def _torch(totals: Callable[[Any], list[Any]], first: Any) -> list[Any]:
    import torch

    point = first.detach().requires_grad_(True)
    with torch.enable_grad():
        values = totals(point)
    return [
        torch.autograd.grad(value, point, retain_graph=True, allow_unused=True, materialize_grads=True)[0]
        for value in values
    ]


_GRADIENTS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
