"""Batch normalisation that a kernel computes together with the layer before it, where it can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

_ATTRIBUTE = "_keras_vnn_normalized"


def normalizable(tensor: Any, normalized: Callable[[Any, Any, float], Any]) -> Any:
    """Return a tensor of TensorFlow that a `BatchNormalization` may have normalised by who made it.

    ``normalized(gamma, beta, epsilon)`` gives outputs, means and variances. Only in graphs, which drop the tensor
    itself when nobody else reads it.
    """
    if not tf.executing_eagerly() and tensor.dtype in (tf.float32, tf.float64):
        setattr(tensor, _ATTRIBUTE, normalized)
    return tensor


@keras.saving.register_keras_serializable(package="keras_vnn")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's own, with its numbers and its weights; in training it may be one operation with the layer before it."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return the normalised units."""
        normalized = getattr(inputs, _ATTRIBUTE, None)
        is_usual = self.scale and self.center and not (self.synchronized or getattr(self, "renorm", False))
        if normalized is None or mask is not None or not is_usual or not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        gamma, beta = (ops.cast(ops.convert_to_tensor(each), inputs.dtype) for each in (self.gamma, self.beta))
        outputs, *moments = normalized(gamma, beta, self.epsilon)
        for kept, found in zip((self.moving_mean, self.moving_variance), moments, strict=True):
            kept.assign(ops.cast(kept, found.dtype) * self.momentum + found * (1.0 - self.momentum))
        return outputs
