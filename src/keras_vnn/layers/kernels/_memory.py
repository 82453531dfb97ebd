"""Memory for compiled loops: at addresses that vector instructions take, and lent where it would not last."""

from __future__ import annotations

import sys
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

# Bytes of a cache line; below which fresh memory is as good; and of all that is kept.
_LINE, _SMALL, _MOST = 64, 2**17, 2**28
_HELD_BY_NONE = 3

_spare: list[Array] = []
_kept: list[Array] = []
_lock = threading.Lock()


def aligned(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an uninitialised array at an address that vector instructions, and TensorFlow, take without a copy.

    Memory of earlier arrays that nobody holds any more is taken again: the system gives fresh memory page by page, at
    first touch, which takes longer than most products.
    """
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    memory = _memory(size + _LINE)
    start = -memory.ctypes.data % _LINE
    array: Array = memory[start : start + size].view(dtype).reshape(shape)
    return array


def _memory(size: int) -> Array:
    if size < _SMALL:
        return np.empty(size, np.uint8)
    with _lock:
        for place in range(len(_kept)):
            memory = _kept[place]
            # Held by the list, by this name and as an argument: by no array.
            if size <= memory.size <= size + size // 4 and sys.getrefcount(memory) <= _HELD_BY_NONE:
                _kept.append(_kept.pop(place))
                return memory
        memory = np.empty(size, np.uint8)
        _kept.append(memory)
        while sum(each.size for each in _kept) > _MOST:
            _kept.pop(0)
        return memory


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
