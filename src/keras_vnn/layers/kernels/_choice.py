"""Which kernel serves a layer best."""

from __future__ import annotations

from dataclasses import dataclass

from keras_vnn.errors import ModelError, did_you_mean
from keras_vnn.layers._connections import Connections
from keras_vnn.layers.kernels._interface import SparseKernel
from keras_vnn.layers.kernels.dense import DenseKernel
from keras_vnn.layers.kernels.portable import PortableKernel

__all__ = ["KERNELS", "KernelChoice", "choose_kernel"]

KERNELS: dict[str, type[SparseKernel]] = {kernel.name: kernel for kernel in (DenseKernel, PortableKernel)}

# A matrix product does roughly this many multiplications in the time a gathered one takes.
_DENSE_ADVANTAGE = 12.0


@dataclass(frozen=True, slots=True)
class KernelChoice:
    """The kernel chosen for a layer, and why.

    Attributes
    ----------
    name
        Name of the kernel.
    reason
        One sentence.
    """

    name: str
    reason: str


def choose_kernel(connections: Connections, *, option: str, backend: str, device: str) -> KernelChoice:
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
    if connections.density * _DENSE_ADVANTAGE >= 1:
        return KernelChoice("dense", f"{100 * connections.density:.3g} % of the connections are present")
    return KernelChoice("portable", f"only {100 * connections.density:.3g} % of the connections are present")
