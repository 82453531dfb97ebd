"""`BatchNormalization`: that of Keras, in one operation where compiled loops can serve."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from typing import Any

import keras
import numpy as np

from keras_vnn.layers.kernels import runs_on, surroundings
from keras_vnn.layers.kernels._memory import Array, aligned, read_only
from keras_vnn.layers.kernels._products import even_cuts
from keras_vnn.layers.kernels._threads import run_in_parts

__all__ = ["BatchNormalization"]


@keras.saving.register_keras_serializable(package="keras_vnn")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalisation: same arguments, weights and numbers.

    In training on a CPU under TensorFlow, of ``(batch, units)`` tensors, it is one operation that passes over the batch
    twice, where Keras makes ten of it. Everywhere else it is Keras's own.
    """

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Return the normalised units."""
        if not (training is True and self._is_plain(inputs, mask)):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        wide = tf.float64 if inputs.dtype == tf.float64 else tf.float32
        gamma, beta = (tf.cast(tf.convert_to_tensor(each), wide) for each in (self.gamma, self.beta))
        outputs, mean, variance = _normalized(float(self.epsilon))(tf.cast(inputs, wide), gamma, beta)
        for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
            before = keras.ops.cast(moving, wide)
            moving.assign(before * self.momentum + now * (1.0 - self.momentum))
        return tf.cast(outputs, self.compute_dtype)

    def _is_plain(self, inputs: Any, mask: Any) -> bool:
        """Whether the loops can do all that is asked for."""
        return (
            keras.backend.backend() == "tensorflow"
            and len(inputs.shape) == 2
            and mask is None
            and self.trainable
            and self.scale
            and self.center
            and not self.synchronized
            and not getattr(self, "renorm", False)
            and not surroundings()
            and runs_on() == "cpu"
            and importlib.util.find_spec("numba") is not None
        )


@cache
def _normalized(epsilon: float) -> Callable[..., Any]:
    """Return the operation: of inputs, scales and offsets the normalised units, their means and variances."""
    import tensorflow as tf

    def run(function: Callable[..., Any], inputs: list[Any], shapes: list[Any]) -> list[Any]:
        if tf.executing_eagerly():
            return [tf.convert_to_tensor(array) for array in function(*map(np.asarray, inputs))]
        found = tf.numpy_function(function, inputs, [inputs[0].dtype] * len(shapes), stateful=False)
        return [tf.ensure_shape(each, shape) for each, shape in zip(found, shapes, strict=True)]

    @tf.custom_gradient
    def normalized(inputs: Any, gamma: Any, beta: Any) -> Any:
        units = (inputs.shape[1],)
        outputs, mean, variance = run(
            lambda *arrays: _forward(epsilon, *arrays), [inputs, gamma, beta], [inputs.shape, units, units]
        )

        def gradient(upstream: Any, *_: Any) -> Any:
            return list(gradients(upstream, inputs, gamma, mean, variance))

        return (outputs, tf.stop_gradient(mean), tf.stop_gradient(variance)), gradient

    @tf.custom_gradient
    def gradients(upstream: Any, inputs: Any, gamma: Any, mean: Any, variance: Any) -> Any:
        units = (inputs.shape[1],)
        found = run(
            lambda *arrays: _backward(epsilon, *arrays),
            [upstream, inputs, gamma, mean, variance],
            [inputs.shape, units, units],
        )

        def gradient(*above: Any) -> Any:
            """Differentiate the gradient of the same from operations of TensorFlow."""
            with tf.GradientTape() as outer:
                outer.watch([upstream, inputs, gamma])
                with tf.GradientTape() as inner:
                    beta = tf.zeros_like(gamma)
                    inner.watch([inputs, gamma, beta])
                    centre, spread = tf.nn.moments(inputs, [0])
                    outputs = (inputs - centre) * (gamma / tf.sqrt(spread + epsilon)) + beta
                first = inner.gradient(outputs, [inputs, gamma, beta], upstream)
            return [*outer.gradient(first, [upstream, inputs, gamma], list(above)), None, None]

        return found, gradient

    return normalized  # type: ignore[no-any-return]


def _forward(epsilon: float, x: Array, gamma: Array, beta: Array) -> tuple[Array, Array, Array]:
    from keras_vnn.layers.kernels._columnwise import COLUMNS, normalization_loops

    y, mean, variance = aligned(x.shape, x.dtype), aligned(gamma.shape, x.dtype), aligned(gamma.shape, x.dtype)
    x, gamma, beta = read_only(x), read_only(gamma), read_only(beta)
    run_in_parts(
        lambda start, stop: normalization_loops()[0](x, gamma, beta, epsilon, y, mean, variance, start, stop),
        even_cuts(-(-x.shape[1] // COLUMNS), x.size),
    )
    return y, mean, variance


def _backward(
    epsilon: float, dy: Array, x: Array, gamma: Array, mean: Array, variance: Array
) -> tuple[Array, Array, Array]:
    from keras_vnn.layers.kernels._columnwise import COLUMNS, normalization_loops

    dx, of_gamma, of_beta = (aligned(shape, x.dtype) for shape in (x.shape, gamma.shape, gamma.shape))
    arrays = [read_only(each) for each in (dy, x, mean, variance, gamma)]
    run_in_parts(
        lambda start, stop: normalization_loops()[1](*arrays, epsilon, dx, of_gamma, of_beta, start, stop),
        even_cuts(-(-x.shape[1] // COLUMNS), x.size),
    )
    return dx, of_gamma, of_beta
