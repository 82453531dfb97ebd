"""The native kernel: compiled loops over the connections, on the processors of this machine.

In: tensors of any backend that live in main memory. Out: the product and both gradients, computed by `_products`; on
TensorFlow also that of several tensors side by side, of relays, and of a bias, in one operation.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any, ClassVar

import keras

from keras_vnn.layers._connections import Connections
from keras_vnn.layers.kernels._joined import Joined
from keras_vnn.layers.kernels._products import Products

__all__ = ["NativeKernel", "unavailable_loops"]

_BACKENDS = ("tensorflow", "torch", "jax")


class NativeKernel:
    """Best for sparse layers on a CPU, in training and in prediction."""

    name: ClassVar[str] = "native"
    supports_jit: ClassVar[bool] = False
    is_portable: ClassVar[bool] = False

    def __init__(self, connections: Connections, *, is_exported: bool = False) -> None:
        from keras_vnn.layers.kernels import _hosts

        self._product = _hosts.differentiable(Products(connections))
        self._joined = Joined(connections, self._product) if keras.backend.backend() == "tensorflow" else None

    @classmethod
    def unavailable(cls, connections: Connections, *, backend: str, device: str) -> str:
        """Return why the compiled loops cannot serve here, if so."""
        if backend not in _BACKENDS:
            return f"it serves {', '.join(_BACKENDS)}, and Keras runs on {backend}"
        return unavailable_loops(connections, device)

    def __call__(self, inputs: Any, weights: Any) -> Any:
        """Return the product; half precision is computed in single precision."""
        return self._product(inputs, weights)

    def with_bias(self, inputs: Sequence[Any], weights: Any, bias: Any) -> Any:
        """Return the product of tensors side by side, and the bias added, or None where only `__call__` serves."""
        return None if self._joined is None else self._joined(inputs, weights, bias)


def unavailable_loops(connections: Connections, device: str) -> str:
    """Return why the compiled loops cannot serve these connections on this device, if so."""
    if device != "cpu":
        return f"it computes on the CPU, and this layer is on the {device.upper()}"
    if max(connections.count, connections.inputs, connections.outputs) >= 2**31:
        return f"it counts to 2^31, and the layer has {connections.count:,} connections"
    return "" if importlib.util.find_spec("numba") else "numba is not installed"
