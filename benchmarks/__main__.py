"""Runs the contenders side by side, in turns A B A B, and writes tables, JSON and a figure.

python -m benchmarks [--only WORD] [--rounds N] [--torch-python PATH] [--drugcell FILE] [--output FOLDER]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from scipy import sparse

from benchmarks.cases import CASES, Case
from benchmarks.report import write_report

HERE = Path(__file__).parent


class Worker:
    """A contender in a process of its own."""

    def __init__(self, python: str, name: str, adjacency: Path, batch: int) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [python, str(HERE / "worker.py"), name, str(adjacency), str(batch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.runs: list[str] = self._answer() or []

    def ask(self, what: str) -> Any:
        """Return the answer, or None when the process is gone."""
        try:
            self._process.stdin.write(what + "\n")  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]
        except BrokenPipeError:
            return None
        return self._answer()

    def _answer(self) -> Any:
        line = self._process.stdout.readline()  # type: ignore[union-attr]
        return json.loads(line) if line else None

    def stop(self) -> None:
        """End the process."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()  # type: ignore[union-attr]
        if self._process.wait():
            print(f"{self.name} failed; see worker.py", file=sys.stderr)


def time_case(case: Case, rounds: int, pythons: dict[str, str], limit: Path | None) -> dict[str, Any]:
    """Return, for each contender, medians in milliseconds and facts."""
    matrix = case.adjacency()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "adjacency.npz"
        sparse.save_npz(path, matrix)
        names = ["keras-vnn", *case.rivals]
        workers = [
            Worker(pythons.get(name, sys.executable), name, path, case.batch) for name in names if _has(name, pythons)
        ]
        workers = [worker for worker in workers if worker.runs]
        times: dict[str, dict[str, list[float]]] = {worker.name: {} for worker in workers}
        times["C limit"] = {"step": []}
        for turn in range(rounds + 2):
            for what in ("bare", "step", "predict", "fit"):
                for worker in workers:
                    # A whole fit is many steps: once in four turns is enough.
                    if what not in worker.runs or (what == "fit" and (worker.name != "keras-vnn" or turn % 4)):
                        continue
                    seconds = worker.ask(what)
                    if seconds is not None and turn >= 2:
                        times[worker.name].setdefault(what, []).append(1e3 * seconds)
            if limit and turn >= 2:
                times["C limit"]["step"].append(_limit(limit, case, matrix.nnz))
        found: dict[str, Any] = {}
        for worker in workers:
            facts = worker.ask("facts") or {}
            found[worker.name] = {
                **{what: round(median(values), 3) for what, values in times[worker.name].items()},
                "peak MB": round(worker.ask("peak") or 0),
                **facts,
            }
            if "fit" in found[worker.name]:
                found[worker.name]["fit"] /= facts["steps"]
            worker.stop()
    if limit:
        found["C limit"] = {"step": round(median(times["C limit"]["step"]), 3)}
    return {"connections": int(matrix.nnz), "batch": case.batch, "contenders": found}


def _has(name: str, pythons: dict[str, str]) -> bool:
    return name not in ("kpnn2", "torch CSR") or name in pythons


def _limit(program: Path, case: Case, connections: int) -> float:
    share = connections / case.inputs / case.outputs
    done = subprocess.run(
        [program, str(case.inputs), str(case.outputs), str(share), str(case.batch)], capture_output=True, text=True
    )
    return float(re.search(r"total ([\d.]+) ms", done.stdout)[1])  # type: ignore[index]


def compiled_limit(folder: Path) -> Path | None:
    """Return the C program, compiled for this machine, or None where there is no compiler."""
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    program = folder / "limit"
    options = ["-O3", "-march=native", "-ffast-math", "-fopenmp", "-w"]
    done = subprocess.run([compiler, *options, str(HERE / "limit.c"), "-o", str(program), "-lm"])
    return program if done.returncode == 0 else None


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", default="", help="run the cases whose name holds this word")
    parser.add_argument("--rounds", type=int, default=11, help="turns of each contender")
    parser.add_argument("--torch-python", help="a Python that has torch and kpnn2, for those two")
    parser.add_argument("--drugcell", type=Path, help="DrugCell's topology file, drugcell_ont.txt")
    parser.add_argument("--output", type=Path, default=HERE / "results")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    pythons = dict.fromkeys(("kpnn2", "torch CSR"), arguments.torch_python) if arguments.torch_python else {}
    arguments.output.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {"machine": machine(), "cases": {}}
    with tempfile.TemporaryDirectory() as folder:
        limit = compiled_limit(Path(folder))
        for name, case in CASES.items():
            if arguments.only.casefold() not in name.casefold():
                continue
            results["cases"][name] = time_case(case, arguments.rounds, pythons, limit)
            print(name, json.dumps(results["cases"][name]["contenders"]), flush=True)
            _keep(results, arguments.output)
    for name, option in (("DrugCell", arguments.drugcell), ("DCell size", True)):
        if option and arguments.only.casefold() in name.casefold():
            results[name] = json.loads(_alone(name, option))
            print(name, results[name], flush=True)
    _keep(results, arguments.output)
    print(write_report(results, arguments.output))


def _keep(results: dict[str, Any], folder: Path) -> None:
    (folder / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")


def _alone(name: str, option: Any) -> str:
    call = f"time_drugcell(Path({str(option)!r}))" if name == "DrugCell" else "time_dcell()"
    code = f"import json\nfrom pathlib import Path\nfrom benchmarks.hierarchies import *\nprint(json.dumps({call}))"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True, cwd=HERE.parent)
    return done.stdout.splitlines()[-1]


def machine() -> dict[str, Any]:
    """Return what the numbers depend on."""
    from importlib.metadata import version

    model = ""
    if Path("/proc/cpuinfo").exists():
        model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())[1]  # type: ignore[index]
    packages = {name: version(name) for name in ("keras", "tensorflow", "numba", "numpy")}
    return {"processor": model, "processors": os.cpu_count(), "python": platform.python_version(), **packages}


if __name__ == "__main__":
    main()
