"""Memory and threads for compiled loops that release the interpreter lock.

Memory is at addresses that vector instructions take, and used again once it is free. Threads are a team: several
callers may share it at once; a caller always works itself, so it never waits for a thread that is busy elsewhere. After
a fork the child starts a team of its own when it needs one.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Sequence
from functools import cache
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


_VARIABLE = "KERAS_VNN_THREADS"


def thread_count() -> int:
    """Return how many threads to use: ``KERAS_VNN_THREADS``, or as many as this process may use processors."""
    asked = os.environ.get(_VARIABLE, "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def run_in_parts(work: Callable[[int, int], None], cuts: Sequence[int]) -> None:
    """Call ``work(start, stop)`` for each pair of neighbouring cuts, in any order, and return when all are done."""
    if len(cuts) == 2:
        work(cuts[0], cuts[1])
        return
    pairs = list(itertools.pairwise(cuts))
    parts, outcomes = iter(pairs), SimpleQueue[BaseException | None]()

    def work_on() -> None:
        """Do the next part, until there is none left; several threads may."""
        for start, stop in parts:
            try:
                work(start, stop)
            except BaseException as error:  # noqa: BLE001 - raised again where the work was given
                outcomes.put(error)
            else:
                outcomes.put(None)

    size, queue = _team()
    for _ in range(min(size, len(pairs)) - 1):
        queue.put(work_on)
    work_on()
    for outcome in [outcomes.get() for _ in pairs]:
        if outcome is not None:
            raise outcome


@cache
def _team() -> tuple[int, SimpleQueue[Callable[[], None]]]:
    """Return how many threads work, the caller one of them, and the queue that the others wait at."""
    size, queue = thread_count(), SimpleQueue[Callable[[], None]]()

    def serve() -> None:
        while True:
            queue.get()()

    for number in range(size - 1):
        threading.Thread(target=serve, name=f"keras-vnn-{number}", daemon=True).start()
    return size, queue


if hasattr(os, "register_at_fork"):  # the threads of a parent process are not in its child
    os.register_at_fork(after_in_child=_team.cache_clear)
