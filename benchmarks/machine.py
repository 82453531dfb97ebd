"""The machine: what it is, how busy others keep it, and the physical limit of one layer on it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.cases import Case

__all__ = ["busy", "compiled_limit", "limit_milliseconds", "machine", "rival_versions"]

HERE = Path(__file__).parent
PACKAGES = ("keras-vnn", "keras", "tensorflow", "numba", "numpy", "scipy")


def machine() -> dict[str, Any]:
    """Return what the numbers depend on."""
    model, memory = platform.processor(), 0
    if Path("/proc/cpuinfo").exists():
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        model = (re.search(r"model name\s*: (.*)", text) or [None, model])[1]
        # A virtual machine may keep the name of its processor to itself; the family tells generations apart.
        family, number = (re.search(rf"^{word}\s*: (\d+)", text, re.M) for word in ("cpu family", "model"))
        model += f" (family {family[1]}, model {number[1]})" if family and number else ""
        model += ", AVX-512" if "avx512f" in text else ", AVX2" if "avx2" in text else ""
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = {}
    for name in PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "processor": model,
        "processors": os.cpu_count(),
        "memory GB": round(memory),
        "system": platform.system(),
        "python": platform.python_version(),
        **packages,
    }


def rival_versions(python: str) -> dict[str, str]:
    """Return the versions of torch and kpnn2 in the environment of this Python; empty if it lacks one."""
    code = "from importlib.metadata import version as v; print(v('torch'), v('kpnn2'))"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    except OSError:
        return {}
    return dict(zip(("torch", "kpnn2"), done.stdout.split(), strict=True)) if done.returncode == 0 else {}


def busy(seconds: float = 1.0) -> float | None:
    """Return how many processors are at work for others, while we wait; None where the system does not say."""
    if not Path("/proc/stat").exists():
        return None
    before = _times()
    time.sleep(seconds)
    idle, total = (after - earlier for after, earlier in zip(_times(), before, strict=True))
    return round((os.cpu_count() or 1) * (1 - idle / max(total, 1)), 2)


def _times() -> tuple[int, int]:
    numbers = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return numbers[3] + numbers[4], sum(numbers)


def compiled_limit(folder: Path, name: str = "limit") -> Path | None:
    """Return a C program, compiled for this machine, or None where there is no compiler."""
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        print("No C compiler: the limit is not measured.", file=sys.stderr)
        return None
    program = folder / name
    options = ["-O3", "-march=native", "-ffast-math", "-fopenmp", "-w"]
    done = subprocess.run([compiler, *options, str(HERE / f"{name}.c"), "-o", str(program), "-lm"])
    return program if done.returncode == 0 else None


def limit_milliseconds(program: Path, case: Case, connections: int) -> float:
    """Return the best of some steps of the C program on as many connections, evenly drawn.

    It gives every output the same number of them, a whole one; the time is scaled to the number asked for.
    """
    share = connections / case.inputs / case.outputs
    arguments = [case.inputs, case.outputs, share, case.batch, case.limit_repeats]
    done = subprocess.run([str(program), *map(str, arguments)], capture_output=True, text=True, check=True)
    found = re.search(r"nnz=(\d+) .* total ([\d.]+) ms", done.stdout)
    if found is None:
        raise RuntimeError(f"limit.c printed no total: {done.stdout!r}")
    return float(found[2]) * connections / int(found[1])
