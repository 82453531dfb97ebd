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
    job = _Job(work, cuts)
    for _ in range(min(_team.size, len(cuts) - 1) - 1):
        _team.queue().put(job)
    job.work_on()
    job.wait()


class _Job:
    """Parts of one piece of work; whoever is free takes the next."""

    def __init__(self, work: Callable[[int, int], None], cuts: Sequence[int]) -> None:
        self._work, self._cuts = work, cuts
        self._next = itertools.count()
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()

    def work_on(self) -> None:
        parts = len(self._cuts) - 1
        while (part := next(self._next)) < parts:
            try:
                self._work(self._cuts[part], self._cuts[part + 1])
            except BaseException as error:  # noqa: BLE001 - raised again where the job was given
                self._done.put(error)
            else:
                self._done.put(None)

    def wait(self) -> None:
        outcomes = [self._done.get() for _ in range(len(self._cuts) - 1)]
        for outcome in outcomes:
            if outcome is not None:
                raise outcome


class _Team:
    """Threads that wait for jobs; started at the first job."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start anew: the threads of a parent process are not in its child."""
        self.size = thread_count()
        self._lock = threading.Lock()
        self._queue: SimpleQueue[_Job] | None = None

    def queue(self) -> SimpleQueue[_Job]:
        if self._queue is None:
            with self._lock:
                if self._queue is None:
                    queue: SimpleQueue[_Job] = SimpleQueue()
                    for number in range(self.size - 1):
                        name = f"keras-vnn-{number}"
                        threading.Thread(target=self._serve, args=(queue,), name=name, daemon=True).start()
                    self._queue = queue
        return self._queue

    @staticmethod
    def _serve(queue: SimpleQueue[_Job]) -> None:
        while True:
            queue.get().work_on()


_team = _Team()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_team.forget)
