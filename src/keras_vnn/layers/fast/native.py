"""The native kernel: compiled loops over the connections, on the processors of this machine.

In: tensors of any backend that live in main memory. Out: the product and both gradients, computed by `_products`; on
TensorFlow also that of several tensors side by side, of relays, and of a bias, in one operation.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import keras

from keras_vnn.layers._connections import Connections
from keras_vnn.layers._kernels import SparseKernel
from keras_vnn.layers._node_layers import normalizable
from keras_vnn.layers.fast._hosts import differentiable
from keras_vnn.layers.fast._joined import Joined, Relays, handed_on
from keras_vnn.layers.fast._products import Finish, Products

__all__ = ["NativeKernel", "unavailable_loops"]

_BACKENDS = ("tensorflow", "torch", "jax")


class NativeKernel(SparseKernel):
    """Best for sparse layers on a CPU, in training and in prediction."""

    name = "native"
    # JAX compiles the calls of the loops with the rest of a model; TensorFlow's XLA knows no calls of Python.
    supports_jit = keras.backend.backend() == "jax"

    def __init__(self, connections: Connections, *, is_exported: bool = False) -> None:
        self._connections = connections
        self._product = differentiable(Products(connections))
        if keras.backend.backend() == "tensorflow":
            self._joined = Joined(connections, self._product)
            self._product = lambda inputs, weights: self._joined([inputs], weights, None)[0]

    @classmethod
    def unavailable(cls, connections: Connections, *, backend: str, device: str) -> str:
        """Return why the compiled loops cannot serve here, if so."""
        if backend not in _BACKENDS:
            return f"it serves {', '.join(_BACKENDS)}, and Keras runs on {backend}"
        return unavailable_loops(connections, device)

    def product(self, inputs: Any, weights: Any) -> Any:
        """Return the product."""
        return self._product(inputs, weights)

    def of_layer(self, parts: Sequence[Any], weights: Any, bias: Any, activation: Any) -> Any:
        """Return the outputs of a layer; on TensorFlow in one operation, whatever the parts, with bias and tanh."""
        if keras.backend.backend() != "tensorflow":
            return super().of_layer(parts, weights, bias, activation)
        has_tanh = activation is keras.activations.tanh
        (outputs,) = self._joined(parts, weights, bias, Finish(has_tanh))
        if activation is not None and not has_tanh:
            return activation(outputs)
        if activation is None and bias is not None and len(parts) == 1 and (self._connections.fan_in == 1).all():
            return handed_on(outputs, Relays(parts[0], self._connections.rows, weights, bias))

        def normalized(gamma: Any, beta: Any, epsilon: float) -> list[Any]:
            return self._joined(parts, weights, bias, Finish(has_tanh, epsilon), [gamma, beta])

        return normalizable(outputs, normalized)


def unavailable_loops(connections: Connections, device: str) -> str:
    """Return why the compiled loops cannot serve these connections on this device, if so."""
    if device != "cpu":
        return f"it computes on the CPU, and this layer is on the {device.upper()}"
    if max(connections.count, connections.inputs, connections.outputs) >= 2**31:
        return f"it counts to 2^31, and the layer has {connections.count:,} connections"
    return "" if importlib.util.find_spec("numba") else "numba is not installed"
