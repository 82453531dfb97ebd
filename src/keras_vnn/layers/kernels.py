"""Kernels: ways to compute the product of a batch with a sparse matrix of trainable weights; which serves a layer best.

Every kernel is a `SparseKernel`; all give the same numbers from the same weights, in the order of `Connections`. Those
of `keras_vnn.layers.fast` are compiled loops for the CPU. Nothing else imports them: without them, all works, slower.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import keras

from keras_vnn.basics.errors import ModelError, check_choice
from keras_vnn.basics.remedies import remedy
from keras_vnn.layers._backend import runs_on, surroundings
from keras_vnn.layers._connections import Connections
from keras_vnn.layers._kernels import COSTS, BlockKernel, CSRKernel, DenseKernel, PortableKernel, SparseKernel

try:
    from keras_vnn.layers.fast import FAST
except ImportError:
    FAST = ()

__all__ = ["KERNELS", "KernelChoice", "SparseKernel", "choose_kernel", "runs_on", "stand_in", "surroundings"]

_ALL: tuple[type[SparseKernel], ...] = (DenseKernel, *FAST, CSRKernel, BlockKernel, PortableKernel)
KERNELS = {kernel.name: kernel for kernel in _ALL}


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


# Examples in a batch where it is not known.
_TYPICAL_BATCH = 64


def choose_kernel(
    connections: Connections, *, option: str, backend: str, device: str, batch: int | None = None
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
        Examples in a batch, where that is known.

    Raises
    ------
    ModelError
        The option is not a kernel, or names one that cannot serve here.
    """
    if option != "auto":
        check_choice("kernel", option, ("auto", *KERNELS), ModelError)
        reason = KERNELS[option].unavailable(connections, backend=backend, device=device)
        if reason:
            advice = remedy("Pass {kernel}.", kernel="auto")
            raise ModelError(f"The kernel {option!r} cannot serve here: {reason}.\n{advice}")
        return KernelChoice(option, "asked for by name")
    usable = [
        name for name, kernel in KERNELS.items() if not kernel.unavailable(connections, backend=backend, device=device)
    ]
    estimates = _estimates(connections, batch or _TYPICAL_BATCH, backend, usable)
    best = min(estimates, key=lambda name: estimates[name])
    share = f"{100 * connections.density:.3g} % of the connections are present"
    return KernelChoice(best, f"least time by the rule for {backend}: {share}", estimates)


def stand_in(connections: Connections, surroundings: str) -> str:
    """Return the kernel for a graph that the chosen one cannot be part of, by what surrounds the call."""
    if surroundings == "saved_model" and connections.density < 0.1:
        return CSRKernel.name
    portable = [name for name, kernel in KERNELS.items() if kernel.is_portable]
    estimates = _estimates(connections, _TYPICAL_BATCH, keras.backend.backend(), portable)
    return min(estimates, key=lambda name: estimates[name])


def _estimates(connections: Connections, batch: int, backend: str, names: list[str]) -> dict[str, float]:
    costs = COSTS.get(backend, COSTS["tensorflow"])
    count, cells = connections.count, connections.inputs * connections.outputs
    products = count * batch
    is_simple, is_paired = bool((connections.output_units == 1).all()), connections.pair is not None
    native = costs.native_product if is_simple else costs.native_block_product
    nanoseconds = {
        "dense": cells * batch * costs.dense_product
        + (cells * costs.dense_cell + count * costs.dense_connection if count < cells else 0)
        + costs.dense_call,
        "filled": cells * (batch * costs.dense_product + costs.filled_cell) + costs.call,
        "native": products * native
        + (connections.inputs + connections.outputs) * batch * costs.native_unit
        + costs.call,
        "csr": products * costs.csr_product + count * costs.csr_connection + costs.call,
        "block": products * (10 if is_simple else 1) * costs.block_product + costs.call,
        "portable": products * costs.pair_product
        if is_paired
        else products * costs.portable_product + costs.portable_call,
    }
    if is_paired:  # no index is read, so there is nothing for loops to gain
        del nanoseconds["native"]
    return {name: round(value / 1e6, 3) for name, value in nanoseconds.items() if name in names}
