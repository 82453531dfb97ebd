"""Index arrays that kernels read at every call."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_vnn.layers.kernels._context import surroundings

__all__ = ["constant"]


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
