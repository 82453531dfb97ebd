"""The interface all kernels share, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from keras import ops

from keras_vnn.layers._connections import Connections

__all__ = ["COSTS", "Costs", "SparseKernel"]


class SparseKernel:
    """One way to compute ``inputs @ (A∘W)`` for the connections it was made for.

    Attributes
    ----------
    name
        What ``SparselyConnected(kernel=…)`` calls it.
    supports_jit
        Whether Keras may have XLA compile it.
    is_portable
        Whether it is made of `keras.ops` alone, so that every exporter and device knows it.
    """

    name: ClassVar[str]
    supports_jit: ClassVar[bool]
    is_portable: ClassVar[bool]

    def __init__(self, connections: Connections, *, is_exported: bool = False) -> None:
        """Prepare what the product needs of the connections; called once per layer.

        Parameters
        ----------
        connections
            The connections of the layer.
        is_exported
            Whether it becomes part of a file: then it must consist of plain operations, with no gradients of our own.
        """

    @classmethod
    def unavailable(cls, connections: Connections, *, backend: str, device: str) -> str:
        """Return why the kernel cannot serve here, or an empty string when it can."""
        return ""

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
        raise NotImplementedError

    def of_layer(self, parts: Sequence[Any], weights: Any, bias: Any, *, is_linear: bool) -> Any:
        """Return what a layer gives before its activation.

        Parameters
        ----------
        parts
            Tensors ``(batch, …)``, read as if side by side.
        weights
            ``(connections,)`` tensor.
        bias
            ``(outputs,)`` tensor, or None.
        is_linear
            Whether the layer has no activation.
        """
        outputs = self(parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1), weights)
        return outputs if bias is None else outputs + bias


@dataclass(frozen=True, slots=True)
class Costs:
    """What each kernel takes for a training step on one backend, in nanoseconds.

    Attributes
    ----------
    native_product, native_block_product, dense_product, csr_product, portable_product, block_product
        One connection (or cell of the dense matrix) and one example.
    native_unit
        One unit of the inputs or the outputs and one example, where arrays are copied on their way to the loops.
    dense_cell, dense_connection, filled_cell, csr_connection
        One cell of the dense matrix, one connection, whatever the batch.
    call, dense_call, portable_call
        One call of a kernel that leaves the graph, of the dense one, of the portable one with its small operations.
    pair_product
        The product of the portable kernel where nodes are in pairs.
    """

    native_product: float = 0.25
    native_block_product: float = 0.05
    native_unit: float = 0.0
    dense_product: float = 0.04
    csr_product: float = 0.9
    portable_product: float = 1.6
    block_product: float = 0.15
    dense_cell: float = 1.0
    dense_connection: float = 4.0
    filled_cell: float = 1.5
    csr_connection: float = 8.0
    call: float = 150_000.0
    dense_call: float = 0.0
    portable_call: float = 100_000.0
    pair_product: float = 0.4


# Fitted to times measured on a CPU, from 30 × 8 to 9,437 × 700, of any density: `benchmarks/choice.py`.
COSTS = {
    "tensorflow": Costs(),
    "torch": Costs(
        native_product=0.205, dense_connection=2.0, call=225_000.0, dense_call=100_000.0, portable_call=160_000.0
    ),
    "jax": Costs(
        native_product=0.27, native_block_product=0.12, native_unit=3.0, dense_product=0.075, dense_cell=4.0,
        dense_connection=1.5, portable_product=5.0, block_product=0.3, call=400_000.0, dense_call=300_000.0,
        portable_call=200_000.0,
    ),
}  # fmt: skip
