"""Memory for compiled loops: at addresses that vector instructions take, and used again once it is free."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "aligned", "read_only"]

Array = NDArray[Any]

# Bytes of a cache line; below which fresh memory is as good; and of all that is kept for later.
_LINE, _SMALL, _MOST = 64, 2**17, 2**28

_free: list[Array] = []


class _Lent:
    """What all arrays over a piece of memory hold; the last of them to go gives the memory back."""

    def __init__(self, memory: Array) -> None:
        self._memory = memory
        self.__array_interface__ = memory.__array_interface__

    def __del__(self, free: list[Array] = _free) -> None:
        # No lock: this may run wherever Python collects garbage. Every step on the list is atomic.
        free.append(self._memory)
        while len(free) > 1 and sum(memory.size for memory in free.copy()) > _MOST:
            free.pop(0)


def aligned(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an uninitialised array at an address that vector instructions, and TensorFlow, take without a copy.

    The memory is that of an earlier array where one of about the size is free: the system gives fresh memory page by
    page, at first touch, which takes longer than most products.
    """
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.empty(size + _LINE, np.uint8) if size < _SMALL else np.asarray(_Lent(_taken(size + _LINE)))
    start = -memory.ctypes.data % _LINE
    array: Array = memory[start : start + size].view(dtype).reshape(shape)
    return array


def _taken(size: int) -> Array:
    """Return free memory of this many bytes and at most a quarter more, or fresh memory."""
    for _ in range(len(_free)):
        try:
            memory = _free.pop()
        except IndexError:  # another thread was faster
            break
        if size <= memory.size <= size + size // 4:
            return memory
        _free.insert(0, memory)
    return np.empty(size, np.uint8)


def read_only(array: Array) -> Array:
    """Return the array as one the loops were compiled for: in C order, not to be written."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
