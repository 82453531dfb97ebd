"""The contenders of one case side by side: a process each, in turns A B A B."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from scipy import sparse

from benchmarks.cases import Case
from benchmarks.machine import busy, limit_milliseconds

__all__ = ["time_case"]

ROOT = Path(__file__).parents[1]
LIMIT = "C limit"
IN_A_ROW, SECONDS_IN_A_ROW = 20, 0.1


class Worker:
    """A contender in a process of its own."""

    def __init__(self, python: str, name: str, adjacency: Path, batch: int) -> None:
        self.name = name
        self.runs: list[str] = []
        self.facts: dict[str, Any] = {}
        self.in_a_row: dict[str, int] = {}
        self._log = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.worker", name, str(adjacency), str(batch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=ROOT,
        )

    def ask(self, what: str = "") -> Any:
        """Return the answer to a command, or None when the process is gone; without one, wait for its first word."""
        try:
            if what:
                self._process.stdin.write(what + "\n")  # type: ignore[union-attr]
                self._process.stdin.flush()  # type: ignore[union-attr]
        except BrokenPipeError:
            return None
        line = self._process.stdout.readline()  # type: ignore[union-attr]
        return json.loads(line) if line else None

    def time(self, what: str) -> float | None:
        """Return milliseconds of one run; short ones are done many in a row, as training does."""
        if what not in self.in_a_row:
            self.ask(f"{what} 1")  # it compiles
            seconds = self.ask(f"{what} 1") or 1.0
            self.in_a_row[what] = max(1, min(IN_A_ROW, round(SECONDS_IN_A_ROW / seconds)))
        seconds = self.ask(f"{what} {self.in_a_row[what]}")
        return None if seconds is None else 1e3 * float(seconds)

    def stop(self) -> str:
        """End the process; return what it said if it failed."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()  # type: ignore[union-attr]
        code = self._process.wait()
        self._log.seek(0)
        said = self._log.read().strip().splitlines()
        self._log.close()
        if not code:
            return ""
        killed = "killed, most likely for want of memory" if code == -9 else f"exit code {code}"
        return f"{killed}: {said[-1] if said else 'it said nothing'}" if code != -9 else killed


def time_case(case: Case, rounds: int, seconds: float, pythons: dict[str, str], limit: Path | None) -> dict[str, Any]:
    """Return, for each contender, medians and quartiles in milliseconds and facts.

    Parameters
    ----------
    case
        What is timed.
    rounds, seconds
        Turns that count, of each contender; after this many seconds, at least three are enough.
    pythons
        The Python of contenders that have an environment of their own.
    limit
        The C program.
    """
    others = busy()
    matrix = case.adjacency()
    found: dict[str, Any] = {"connections": int(matrix.nnz), "batch": case.batch, "others": others, "failed": {}}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "adjacency.npz"
        sparse.save_npz(path, matrix)
        workers = [
            Worker(pythons.get(name, sys.executable), name, path, case.batch)
            for name in ("keras-vnn", *case.rivals)
            if name not in ("kpnn2", "torch CSR") or name in pythons
        ]
        for worker in workers:
            worker.ask()
        for worker in workers:
            worker.runs = worker.ask("make") or []
            worker.facts = worker.ask("facts") or {}
        times = _take_turns(case, workers, rounds, seconds, limit, int(matrix.nnz))
        contenders = found["contenders"] = {name: _summary(each) for name, each in times.items() if each}
        for worker in workers:
            numbers = contenders.setdefault(worker.name, {})
            numbers["peak MB"] = worker.ask("peak")
            numbers.update(worker.facts)
            numbers.update(worker.ask("files") or {})
            if failure := worker.stop():
                found["failed"][worker.name] = failure
                contenders.pop(worker.name)
    return found


def _take_turns(
    case: Case, workers: list[Worker], rounds: int, seconds: float, limit: Path | None, connections: int
) -> dict[str, dict[str, list[float]]]:
    times: dict[str, dict[str, list[float]]] = {worker.name: {} for worker in workers}
    start = time.monotonic()
    for turn in range(rounds + 1):  # the first does not count: it compiles
        if turn > 3 and time.monotonic() - start > seconds:
            break
        for what in case.runs:
            for worker in workers:
                # A whole fit is many steps: once in three turns is enough.
                if what not in worker.runs or (what == "fit" and turn % 3 != 1):
                    continue
                found = worker.time(what)
                if found is not None and turn:
                    times[worker.name].setdefault(what, []).append(
                        found / (worker.facts["steps of fit"] if what == "fit" else 1)
                    )
            if what == "step" and limit and case.limit_repeats and turn:
                times.setdefault(LIMIT, {}).setdefault("step", []).append(limit_milliseconds(limit, case, connections))
    return times


def _summary(times: dict[str, list[float]]) -> dict[str, Any]:
    return {
        **{what: round(median(values), 4) for what, values in times.items()},
        "quartiles": {
            what: [round(value, 4) for value in quantiles(values, n=4, method="inclusive")[::2]]
            for what, values in times.items()
            if len(values) > 1
        },
        "turns": {what: len(values) for what, values in times.items()},
    }
