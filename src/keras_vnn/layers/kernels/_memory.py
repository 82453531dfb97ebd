"""Memory for compiled loops: at addresses that vector instructions take, and lent where it would not last."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "aligned", "borrowed", "read_only"]

Array = NDArray[Any]

# Arrays kept for the next product.
_SPARE = 4

_spare: list[Array] = []
_lock = threading.Lock()


def aligned(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an uninitialised array at an address that vector instructions, and TensorFlow, take without a copy."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.empty(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    array: Array = memory[start : start + size].view(dtype).reshape(shape)
    return array


def read_only(array: Array) -> Array:
    """Return the array as one the loops were compiled for: in C order, not to be written."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


@contextmanager
def borrowed(shape: tuple[int, ...], dtype: Any) -> Iterator[Array]:
    """Lend an array for the time of one product; fresh memory would cost more than the product of a small layer."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    with _lock:
        fitting = [place for place, memory in enumerate(_spare) if size <= memory.size <= 2 * size + 2**16]
        memory = _spare.pop(fitting[0]) if fitting else None
    if memory is None:
        memory = aligned((size,), np.uint8)
    try:
        yield memory[:size].view(dtype).reshape(shape)
    finally:
        with _lock:
            _spare.append(memory)
            while len(_spare) > _SPARE:
                _spare.pop(0)
