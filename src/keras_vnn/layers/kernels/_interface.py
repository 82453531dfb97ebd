"""The interface all kernels share."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from keras_vnn.layers._connections import Connections

__all__ = ["SparseKernel"]


class SparseKernel(Protocol):
    """One way to compute ``inputs @ (A∘W)`` for the connections it was made for.

    Attributes
    ----------
    name
        What ``SparselyConnected(kernel=…)`` calls it.
    supports_jit
        Whether XLA can compile it.
    is_portable
        Whether it is made of `keras.ops` alone, so that every exporter and device knows it.
    """

    name: ClassVar[str]
    supports_jit: ClassVar[bool]
    is_portable: ClassVar[bool]

    def __init__(self, connections: Connections) -> None:
        """Prepare what the product needs of the connections; called once per layer."""

    @classmethod
    def unavailable(cls, connections: Connections, *, backend: str, device: str) -> str:
        """Return why the kernel cannot serve here, or an empty string when it can."""

    def __call__(self, inputs: Any, weights: Any) -> Any:
        """Return the product, differentiable in both arguments.

        Parameters
        ----------
        inputs
            ``(batch, inputs)`` tensor.
        weights
            ``(connections,)`` tensor of the same dtype.

        Returns
        -------
        tensor
            ``(batch, outputs)``, of the same dtype; half precision is summed in single precision.
        """
