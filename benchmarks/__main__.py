"""Runs the contenders side by side, in turns A B A B, and writes tables, JSON and figures.

Ends with a table of what the layer is held to: demand, measured, met or not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.backends import time_backend
from benchmarks.cases import CASES
from benchmarks.claims import judged
from benchmarks.machine import compiled_limit, machine, rival_versions
from benchmarks.report import write_documents, write_report
from benchmarks.turns import time_case

HERE = Path(__file__).parent
ROOT = HERE.parent
DRUGCELL = ROOT.parent / "shared" / "data" / "more" / "drugcell" / "drugcell_ont.txt.gz"
RIVALS = ROOT / ".venv-rivals" / "bin" / "python"
PAGE, IMAGES = ROOT / "docs" / "performance.md", ROOT / "docs" / "images"


def main() -> None:
    """Run what is asked for."""
    arguments = _arguments()
    if arguments.write_docs:
        write_documents(json.loads(arguments.write_docs.read_text(encoding="utf-8")), PAGE, IMAGES)
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    rounds, seconds = (3, 5.0) if arguments.quick else (arguments.rounds, arguments.seconds)
    versions = rival_versions(arguments.torch_python)
    if not versions:
        print(f"{arguments.torch_python} has no torch and kpnn2: they do not take part. See --help.", file=sys.stderr)
    pythons = dict.fromkeys(("kpnn2", "torch CSR"), arguments.torch_python) if versions else {}
    arguments.output.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    results: dict[str, Any] = {
        "machine": {**machine(), **versions},
        "started": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "niceness": os.nice(0) if hasattr(os, "nice") else 0,
        "rounds": rounds,
        "minutes": 0.0,
        "cases": {},
    }

    def keep() -> None:
        results["minutes"] = (time.monotonic() - begin) / 60
        (arguments.output / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")

    def is_wanted(name: str) -> bool:
        return not arguments.only or any(word.casefold() in name.casefold() for word in arguments.only)

    with tempfile.TemporaryDirectory() as folder:
        limit = compiled_limit(Path(folder))
        for name, case in CASES.items():
            if is_wanted(name):
                results["cases"][name] = time_case(case, rounds, seconds, pythons, limit)
                print(f"{time.monotonic() - begin:5.0f} s  {name}: {_line(results['cases'][name])}", flush=True)
                keep()
    for name, call in _whole(arguments.drugcell).items():
        if is_wanted(name):
            results[name] = _alone(call)
            print(f"{time.monotonic() - begin:5.0f} s  {name}: {results[name]}", flush=True)
            keep()
    for name, python in _backends(arguments.backend).items():
        if is_wanted(f"backend {name}"):
            results.setdefault("Backends", {})[name] = time_backend(name, python)
            print(f"{time.monotonic() - begin:5.0f} s  backend {name}: {results['Backends'][name]}", flush=True)
            keep()
    report = write_report(results, arguments.output)
    print(f"\n{report}\n" + "\n".join(judged(results)))
    print(
        f"\nWritten: {arguments.output}/results.json, report.md, performance-*.png; {results['minutes']:.1f} minutes."
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", help="run the cases whose name holds this word; may be repeated")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each contender (default %(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=30, help="after which three turns are enough, for a case (default %(default)s)"
    )
    parser.add_argument("--quick", action="store_true", help="three turns, to see that all works")
    parser.add_argument(
        "--torch-python",
        default=str(RIVALS),
        help="a Python that has torch and kpnn2, for those two (default .venv-rivals, made by `make bench`)",
    )
    parser.add_argument(
        "--backend",
        action="append",
        metavar="NAME=PYTHON",
        help="a backend of Keras and a Python that has it (default .venv-jax and .venv-torch, made by `make test-jax`)",
    )
    parser.add_argument(
        "--drugcell", type=Path, default=DRUGCELL, help="DrugCell's topology file (default %(default)s)"
    )
    parser.add_argument("--output", type=Path, default=HERE / "results")
    parser.add_argument(
        "--write-docs",
        type=Path,
        metavar="RESULTS.json",
        help="run nothing; put these numbers into docs/performance.md",
    )
    return parser.parse_args()


def _backends(asked: list[str] | None) -> dict[str, str]:
    """Return the Python of each backend: that of this process has TensorFlow."""
    usual = {name: str(ROOT / f".venv-{name}" / "bin" / "python") for name in ("jax", "torch")}
    found = {name: python for name, python in usual.items() if Path(python).exists()}
    return {"tensorflow": sys.executable, **found, **dict(one.split("=", 1) for one in asked or ())}


def _line(found: dict[str, Any]) -> str:
    said = [f"{name} {numbers['step']:.2f} ms" for name, numbers in found["contenders"].items() if "step" in numbers]
    return ", ".join([*said, *(f"{name} failed ({why})" for name, why in found["failed"].items())])


def _whole(drugcell: Path) -> dict[str, str]:
    """Return the calls that time whole models, each to be made in a process of its own."""
    calls = {"DCell size": "time_dcell()"}
    if drugcell.exists():
        return {"DrugCell": f"time_drugcell(Path({str(drugcell)!r}))", **calls}
    print(f"{drugcell} is absent: DrugCell is not timed. See --drugcell.", file=sys.stderr)
    return calls


def _alone(call: str) -> dict[str, Any]:
    code = f"import json\nfrom pathlib import Path\nfrom benchmarks.hierarchies import *\nprint(json.dumps({call}))"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    return dict(json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
