"""Initial weights scaled by the real number of connections of each unit; what fits a vector of weights."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vnn.basics.errors import ModelError
from keras_vnn.layers._anchored import MeanOfInputs, Oriented
from keras_vnn.layers._connections import Connections

_FOR_MATRICES = ("Identity", "Orthogonal", "STFT")


def check_initializer(initializer: Any) -> None:
    """Raise a `ModelError` when an initializer makes nothing but matrices."""
    name = type(initializer).__name__.removesuffix("Initializer")
    if name in _FOR_MATRICES:
        raise ModelError(
            f"The initializer {name} makes matrices, and a sparse layer has a vector of one weight per connection.\n"
            "Take one that draws each weight by itself, e.g. glorot_uniform, he_normal or random_normal."
        )


def check_regularizer(regularizer: Any) -> None:
    """Raise a `ModelError` when a regularizer knows nothing but matrices."""
    if isinstance(regularizer, keras.regularizers.OrthogonalRegularizer):
        raise ModelError(
            "The regularizer OrthogonalRegularizer is for matrices, and a sparse layer has a vector of one weight per "
            "connection.\nTake one that sums over single weights: keras.regularizers.L1, L2 or L1L2."
        )


def initial_weights(initializer: Any, connections: Connections, dtype: Any) -> Any:
    """Return ``(connections,)`` initial weights.

    Initializers that scale by fan-in or fan-out (Glorot, He, LeCun, any `keras.initializers.VarianceScaling`) use,
    for each connection, the real fan-in of its output unit and the real fan-out of its input unit, where a dense
    layer of the same shape would use the numbers of all inputs and outputs. Other initializers are called as
    they are, with the shape ``(connections,)``; those that make nothing but matrices are refused. Candidates start at
    0, and the others as if there were none.
    """
    check_initializer(initializer)
    if isinstance(initializer, Oriented):
        return initializer.oriented(initial_weights(initializer.initializer, connections, dtype))
    if connections.candidates is not None:
        weights = initial_weights(initializer, connections.prior, dtype)
        places = np.where(connections.is_candidate, weights.shape[0], np.cumsum(~connections.is_candidate) - 1)
        return ops.take(ops.append(weights, ops.zeros((1,), weights.dtype)), places.astype(np.int32))
    if isinstance(initializer, MeanOfInputs):
        return initializer.on(connections, dtype)
    if not isinstance(initializer, keras.initializers.VarianceScaling):
        return initializer((connections.count,), dtype=dtype)
    unscaled = keras.initializers.VarianceScaling(
        initializer.scale, "fan_in", initializer.distribution, seed=initializer.seed
    )((1, connections.count), dtype=dtype)
    return ops.reshape(unscaled, (connections.count,)) * ops.cast(_scale(initializer.mode, connections), dtype)


def _scale(mode: str, connections: Connections) -> np.ndarray[Any, Any]:
    fan_in = connections.fan_in[connections.columns]
    if mode == "fan_in":
        fan = fan_in.astype(float)
    else:
        fan_out = connections.fan_out[connections.rows]
        fan = fan_out.astype(float) if mode == "fan_out" else (fan_in + fan_out) / 2
    scale: np.ndarray[Any, Any] = 1 / np.sqrt(fan)
    return scale
