"""Which kernel serves a layer best."""

from __future__ import annotations

from dataclasses import dataclass, field

from keras_vnn.errors import ModelError, did_you_mean
from keras_vnn.layers._connections import Connections
from keras_vnn.layers.kernels._interface import SparseKernel
from keras_vnn.layers.kernels.block import BlockKernel
from keras_vnn.layers.kernels.csr import CSRKernel
from keras_vnn.layers.kernels.dense import DenseKernel
from keras_vnn.layers.kernels.native import NativeKernel
from keras_vnn.layers.kernels.portable import PortableKernel

__all__ = ["KERNELS", "KernelChoice", "choose_kernel", "stand_in"]

KERNELS: dict[str, type[SparseKernel]] = {
    kernel.name: kernel for kernel in (DenseKernel, NativeKernel, CSRKernel, BlockKernel, PortableKernel)
}


@dataclass(frozen=True, slots=True)
class KernelChoice:
    """The kernel chosen for a layer, and why.

    Attributes
    ----------
    name
        Name of the kernel.
    reason
        One sentence.
    milliseconds
        Estimated time of a training step of the layer with each kernel considered.
    """

    name: str
    reason: str
    milliseconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Costs:
    """What each kernel takes on a machine, in nanoseconds, for a training step; as given, the fixed rule.

    Attributes
    ----------
    native_product, native_block_product, dense_product, csr_product, portable_product, block_product
        One connection (or cell of the dense matrix) and one example.
    dense_cell, csr_connection
        One cell of the dense matrix, one connection, whatever the batch.
    call
        One call of a kernel that leaves the graph.
    """

    native_product: float = 0.35
    native_block_product: float = 0.06
    dense_product: float = 0.03
    csr_product: float = 0.9
    portable_product: float = 1.6
    block_product: float = 0.15
    dense_cell: float = 2.0
    csr_connection: float = 8.0
    call: float = 150_000.0


_TYPICAL_BATCH = 64


def choose_kernel(
    connections: Connections,
    *,
    option: str,
    backend: str,
    device: str,
    batch: int = _TYPICAL_BATCH,
    costs: Costs | None = None,
) -> KernelChoice:
    """Return the kernel to use for these connections on this backend and device.

    Parameters
    ----------
    connections
        The connections of the layer.
    option
        ``"auto"`` or the name of a kernel.
    backend
        ``tensorflow``, ``jax``, ``torch``, ….
    device
        ``cpu`` or ``gpu``.
    batch
        Examples in a batch, as far as known.
    costs
        What was measured on this machine; without it, a fixed rule.

    Raises
    ------
    ModelError
        The option is not a kernel, or names one that cannot serve here.
    """
    if option != "auto":
        if option not in KERNELS:
            known = ["auto", *KERNELS]
            hint = did_you_mean(option, known)
            raise ModelError(f"kernel must be one of {', '.join(known)}; got {option!r}. {hint}".rstrip())
        reason = KERNELS[option].unavailable(connections, backend=backend, device=device)
        if reason:
            raise ModelError(f'The kernel {option!r} cannot serve here: {reason}.\nPass kernel="auto".')
        return KernelChoice(option, "asked for by name")
    estimates = {
        name: milliseconds
        for name, milliseconds in _estimates(connections, batch, costs or Costs()).items()
        if not KERNELS[name].unavailable(connections, backend=backend, device=device)
    }
    best = min(estimates, key=lambda name: estimates[name])
    origin = "measured on this machine" if costs else "by the fixed rule"
    share = f"{100 * connections.density:.3g} % of the connections are present"
    return KernelChoice(best, f"least time, {origin}: {share}", estimates)


def stand_in(connections: Connections, surroundings: str) -> str:
    """Return the kernel for a graph that the chosen one cannot be part of, by what surrounds the call."""
    if surroundings == "saved_model" and connections.density < 0.1:
        return CSRKernel.name
    portable = {
        name: milliseconds
        for name, milliseconds in _estimates(connections, _TYPICAL_BATCH, Costs()).items()
        if KERNELS[name].is_portable
    }
    return min(portable, key=lambda name: portable[name])


def _estimates(connections: Connections, batch: int, costs: Costs) -> dict[str, float]:
    count, cells = connections.count, connections.inputs * connections.outputs
    products = count * batch
    is_simple = bool((connections.output_units == 1).all())
    native = costs.native_product if is_simple else costs.native_block_product
    nanoseconds = {
        "dense": cells * (batch * costs.dense_product + costs.dense_cell),
        "native": products * native + costs.call,
        "csr": products * costs.csr_product + count * costs.csr_connection + costs.call,
        "block": products * (10 if is_simple else 1) * costs.block_product + costs.call,
        "portable": products * costs.portable_product,
    }
    return {name: round(value / 1e6, 3) for name, value in nanoseconds.items()}
