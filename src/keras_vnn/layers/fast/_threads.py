"""A team of threads for compiled loops that release the interpreter lock.

In: a function of a range, and where to cut the range. Out: the function has run on every part. Several callers
may share the team at once; a caller always works itself, so it never waits for a thread that is busy elsewhere.
After a fork the child starts a team of its own when it needs one.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Sequence
from functools import cache
from queue import SimpleQueue

__all__ = ["run_in_parts", "thread_count"]

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
