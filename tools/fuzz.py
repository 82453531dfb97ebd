"""Broken, strange and hostile files against every function that reads one.

In: the examples of docs/formats.md, the bundled data and recipes, an architecture, an ``.h5ad`` and a ``.keras`` made
here; a seed. Out: how many mutated files were read, how many refused as they should be, and each case that was neither.
A case is right when the function returns, or raises a `VNNError` that names the file and says what to do on a further
line; within ten seconds, within a limit of memory, without another warning than ours.

Run it with ``make fuzz``, or ``python tools/fuzz.py --cases 20000 --seed 0``. A case is found again by its number:
``python tools/fuzz.py --seed 0 --only 1234 --keep folder``.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import io
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
import types
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any, NoReturn

import fuzz_structures as structures
from formats_page import EXAMPLES
from fuzz_mutations import MUTATIONS, gzip_bomb

DATA = Path(__file__).parents[1] / "data"
CONFIGS = Path(__file__).parents[1] / "configs"
LONGEST_SECONDS = 10
MEMORY = 4 << 30
READERS = (
    "read.annotations",
    "read.expression",
    "read.gene_sets",
    "read.genes",
    "read.hierarchy",
    "read.identifier_map",
    "read.interactions",
    "read.ontology",
    "read.regulation",
)
GROUPS = (
    *("text", "real", "recipe", "architecture", "h5ad", "model", "columns"),
    *("zarr", "unfinished", "search", "comparison", "downloads", "genotypes"),
)
# Of 100 cases; a model takes a thousand times longer to load than a table of ten rows.
SHARES = {
    **{"text": 46, "real": 11, "recipe": 6, "architecture": 7, "h5ad": 8, "model": 2, "columns": 7},
    **{"zarr": 4, "unfinished": 1, "search": 1, "comparison": 3, "downloads": 2, "genotypes": 2},
}
BY_NAME = {
    "go on training": structures.read_unfinished,
    "go on searching": structures.read_database,
    "finished": structures.read_runs,
    "fetch": structures.read_downloads,
    "genotypes": structures.read_genotypes,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case: ``read``, ``refused`` or ``failed``; of a failure, why."""

    case: int
    group: str
    target: str
    mutations: tuple[str, ...]
    verdict: str
    why: str = ""
    seconds: float = 0.0


class _TooLongError(BaseException):
    """The clock ran out; no `Exception`, so that nothing catches it."""


# ---- what is mutated -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seed:
    """A good file: its name, its bytes, the function that reads it."""

    name: str
    content: bytes
    target: str


@cache
def seeds(group: str) -> tuple[Seed, ...]:
    """Return the good files of a group."""
    if group == "text":
        return tuple(Seed(example.name, example.content.encode(), example.reader) for example in EXAMPLES)
    if group == "real":
        return tuple(_real())
    if group == "recipe":
        return tuple(Seed(path.name, path.read_bytes(), "read_recipe") for path in sorted(CONFIGS.glob("*.yaml")))
    if group == "architecture":
        return (Seed("small.vnn", _architecture_bytes(), "read.architecture"),)
    if group == "h5ad":
        content = _h5ad_bytes()
        return tuple(
            Seed("cells.h5ad", content, target) for target in ("read.expression", "read.genes", "read.check_file")
        )
    if group == "columns":
        return tuple(
            Seed(name, content, target)
            for name, content in structures.tables_by_columns().items()
            for target in ("read.interactions", "read.expression", "read.genes", "read.check_file")
        )
    if group in structures.FOLDERS:
        content = structures.folder_seed(group, _h5ad_bytes() if group == "zarr" else b"")
        return (Seed("cells.zarr", content, structures.FOLDERS[group]),)
    if group == "unfinished":
        return (Seed("x.unfinished", structures.unfinished_seed(), "go on training"),)
    if group == "search":
        return (Seed("study.db", structures.database_seed(), "go on searching"),)
    return (Seed("small.keras", _model_bytes(), "load_model"),)


def _real() -> Iterator[Seed]:
    """Yield the beginnings of the bundled files, and the whole ones packed."""
    readers = {
        "go-basic.obo.gz": "read.ontology",
        "goa_human_demo.gaf.gz": "read.annotations",
        "ppi_human_goa_ipi.tsv": "read.interactions",
        "tf_target_human_goa.tsv": "read.regulation",
        "kang_ifnb_cd4t_expression.csv.gz": "read.expression",
        "kang_ifnb_cd4t_cells.csv": "read.genes",
    }
    for name, target in readers.items():
        raw = (DATA / name).read_bytes()
        text = gzip.decompress(raw) if name.endswith(".gz") else raw
        yield Seed(name.removesuffix(".gz"), text[: 1 << 16].rpartition(b"\n")[0] + b"\n", target)
        if len(raw) < 1 << 20:
            yield Seed(name, raw, target)


def _architecture() -> Any:
    import keras_vnn as vnn

    genes = [f"G{n}" for n in range(6)]
    ppi = vnn.read.Interactions.from_pairs(["G0", "G1", "G3"], ["G1", "G2", "G4"])
    tf = vnn.read.Regulation.from_pairs(["G5", "G5"], ["G0", "G4"])
    return vnn.wire.interactions(genes, ppi, tf, min_targets=1)


def _architecture_bytes() -> bytes:
    from keras_vnn.architecture import architecture_to_bytes

    return architecture_to_bytes(_architecture())


def _h5ad_bytes() -> bytes:
    import anndata
    import numpy as np
    import pandas as pd
    from scipy import sparse

    values = sparse.csr_matrix(np.arange(24, dtype=np.float32).reshape(4, 6) % 5)
    cells = pd.DataFrame({"kind": pd.Categorical(["a", "b", "a", "b"])}, index=[f"c{n}" for n in range(4)])
    adata = anndata.AnnData(values, obs=cells, var=pd.DataFrame(index=[f"G{n}" for n in range(6)]))
    adata.layers["dense"] = values.toarray()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cells.h5ad"
        adata.write_h5ad(path)
        return path.read_bytes()


def _model_bytes() -> bytes:
    import keras_vnn as vnn

    model = vnn.build_model(_architecture(), vnn.pp.classes(["a", "b"]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.keras"
        vnn.save_model(model, path)
        return path.read_bytes()


# ---- running ---------------------------------------------------------------------------------------------------


def make_case(
    seed: int, case: int, groups: tuple[str, ...] = GROUPS
) -> tuple[str, str, str, bytes, dict[str, Any], tuple[str, ...]]:
    """Return group, target, file name, content, options and names of the mutations of one case; the same every time."""
    rng = random.Random(f"{seed}/{case}")
    group = rng.choices(groups, [SHARES[one] for one in groups])[0]
    good = rng.choice(seeds(group))
    target = good.target
    if group in ("text", "real") and rng.random() < 0.3:
        target = rng.choice(READERS)
    content = good.content
    chosen = [rng.choice(MUTATIONS[group]) for _ in range(rng.choice((1, 1, 2, 3)))]
    # What is opened to be changed must be whole: damaged HDF5 kills the process that makes the case.
    chosen.sort(key=lambda mutation: mutation.__module__ != structures.__name__)
    for mutation in chosen:
        content = mutation(rng, content)
    done = [mutation.__name__ for mutation in chosen]
    if group in ("text", "architecture") and rng.random() < 0.002:
        content = gzip_bomb(rng, content)
        done.append("gzip_bomb")
    options = structures.drawn_options(rng, target) if rng.random() < 0.4 else {}
    return group, target, good.name, content, options, (*done, *(f"{key}={value!r}" for key, value in options.items()))


def function_of(target: str) -> Callable[..., object]:
    """Return the function a target names."""
    import keras_vnn as vnn

    if target in BY_NAME:
        return BY_NAME[target]
    if target == "read_recipe":
        from keras_vnn.recipes.read import read_recipe

        return read_recipe
    function: Callable[..., object] = attrgetter(target)(vnn)
    return function


def judge(target: str, path: Path, options: dict[str, Any] | None = None) -> tuple[str, str]:
    """Call the function of a target with a file and options; return the verdict and why."""
    from keras_vnn.basics.errors import VNNError, VNNWarning

    def ring(*_: object) -> None:
        raise _TooLongError

    verdict, why = "read", ""
    started = time.process_time()
    # Seconds of the processor: a busy machine is no fault of a file. And of the clock, for what waits for ever.
    for name, clock, factor in ((signal.SIGPROF, signal.ITIMER_PROF, 1), (signal.SIGALRM, signal.ITIMER_REAL, 30)):
        signal.signal(name, ring)
        signal.setitimer(clock, factor * LONGEST_SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", VNNWarning)
            warnings.filterwarnings("ignore", message="__array__ implementation")
            warnings.filterwarnings("ignore", message="Skipping variable loading for optimizer")
            function_of(target)(path, **(options or {}))
    except VNNError as error:
        text = str(error)
        verdict = "refused"
        # An option that is wrong whatever the file is said by its name.
        if path.name not in text and not any(name in text for name in options or ()):
            verdict, why = "failed", f"the error does not name the file: {text[:300]}"
        elif not _advises(text):
            verdict, why = "failed", f"the error does not say what to do: {text[:300]}"
        elif len(text) > 6000:
            verdict, why = "failed", f"the error has {len(text):,} characters"
    except _TooLongError:
        verdict, why = "failed", f"took longer than {LONGEST_SECONDS} s"
    except BaseException:  # noqa: BLE001 - whatever else comes out is what is looked for
        verdict, why = "failed", traceback.format_exc()[-1500:]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
    seconds = time.process_time() - started
    return ("failed", f"took {seconds:.0f} s") if seconds > LONGEST_SECONDS and verdict != "failed" else (verdict, why)


def _advises(text: str) -> bool:
    """Say whether a message goes on after what is wrong: with what to do, what was expected, or what was meant."""
    return "\n" in text.strip() or any(
        word in text for word in ("Did you mean", "must be one of", "is needed", "got ", "Known: ")
    )


def run_case(seed: int, case: int, folder: Path, groups: tuple[str, ...] = GROUPS) -> Outcome:
    """Make one case, run it in a folder of its own, and judge it; the file stays if it failed."""
    group, target, name, content, options, mutations = make_case(seed, case, groups)
    place = folder / f"case{case}"
    place.mkdir(parents=True, exist_ok=True)
    path = place / name
    if group in structures.FOLDERS and zipfile.is_zipfile(io.BytesIO(content)):
        structures.unpack(content, path)
    else:
        path.write_bytes(content)
    started = time.process_time()
    verdict, why = judge(target, path, options)
    if sorted(entry.name for entry in place.iterdir()) != [name]:
        verdict, why = "failed", "left other files behind"
    outcome = Outcome(case, group, target, mutations, verdict, why, time.process_time() - started)
    if verdict != "failed":
        shutil.rmtree(place)
    return outcome


def _process_ready_to_look() -> Any:
    """Return what starts the process that looks at HDF5 files: a fork of one with h5py, in a tenth of the time."""
    ours, theirs = socket.socketpair()
    if not os.fork():
        ours.close()
        importlib.import_module("h5py")
        with theirs.makefile("rw", encoding="utf-8") as stream:
            for line in stream:
                if not (child := os.fork()):
                    _look(*json.loads(line))
                stream.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
                stream.flush()
        os._exit(0)
    theirs.close()
    stream = ours.makefile("rw", encoding="utf-8")

    def run(command: list[str], **_: Any) -> Any:
        stream.write(json.dumps(command[command.index("-c") + 1 :]) + "\n")
        stream.flush()
        return types.SimpleNamespace(returncode=int(stream.readline()), stdout=b"")

    return types.SimpleNamespace(run=run, DEVNULL=None, TimeoutExpired=TimeoutError)


def _look(code: str, *arguments: str) -> NoReturn:
    sys.argv = ["-c", *arguments]
    sys.stdout = sys.stderr = io.StringIO()
    try:
        exec(code, {"__name__": "__main__"})
    except SystemExit:
        os._exit(0)
    except BaseException:  # noqa: BLE001 - what the library says of the file
        os._exit(1)
    os._exit(0)


def _worker(seed: int, folder: str, groups: tuple[str, ...], start: int, step: int, end: int, results: Any) -> None:
    from keras_vnn.basics import unpacking, untrusted

    vars(untrusted)["subprocess"] = _process_ready_to_look()
    # Bombs of 100 MB instead of 1 GB: the same code, a tenth of the time.
    unpacking.LARGEST_FREE = 64 << 20
    if "model" not in groups:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.chdir(folder)
    for case in range(start, end, step):
        # A loop in a C library hears no signal of ours: the system ends the process, and the case counts as failed.
        spent = int(time.process_time())
        resource.setrlimit(resource.RLIMIT_CPU, (spent + 3 * LONGEST_SECONDS, resource.RLIM_INFINITY))
        results.put(run_case(seed, case, Path(folder), groups))


@dataclass(slots=True)
class _Lane:
    """Every so-many-th case, run by one process at a time."""

    next: int
    queue: Any = None
    process: Any = None


def run(seed: int, cases: range, groups: tuple[str, ...], jobs: int, folder: Path) -> list[Outcome]:
    """Run cases in several processes; a process that dies is a failure of its case, and is replaced."""
    context = multiprocessing.get_context("spawn")
    found: list[Outcome] = []
    lanes = [_Lane(cases.start + n) for n in range(jobs)]
    said = time.monotonic()

    def note(outcome: Outcome, lane: _Lane) -> None:
        found.append(outcome)
        lane.next = outcome.case + jobs
        if outcome.verdict == "failed":
            print(f"FAILED case {outcome.case} {outcome.target} {outcome.mutations}\n    {outcome.why}", flush=True)

    while any(lane.next < cases.stop for lane in lanes):
        for lane in lanes:
            if lane.next >= cases.stop:
                continue
            if lane.process is None:
                lane.queue = context.Queue()
                arguments = (seed, str(folder), groups, lane.next, jobs, cases.stop, lane.queue)
                lane.process = context.Process(target=_worker, args=arguments, daemon=True)
                lane.process.start()
            alive = lane.process.is_alive()
            while not lane.queue.empty():
                note(lane.queue.get(), lane)
            if not alive and lane.next < cases.stop:
                group, target, *_, mutations = make_case(seed, lane.next, groups)
                why = f"the process ended with {lane.process.exitcode}"
                note(Outcome(lane.next, group, target, mutations, "failed", why), lane)
                lane.process = None
        if time.monotonic() - said > 60:
            said = time.monotonic()
            print(f"{len(found):,} of {len(cases):,} cases", flush=True)
        time.sleep(0.05)
    return sorted(found, key=lambda outcome: outcome.case)


def table(outcomes: list[Outcome]) -> str:
    """Return how many cases were read, refused and failed, by function, as a Markdown table."""
    counts: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        counts.setdefault(outcome.target, Counter())[outcome.verdict] += 1
    rows = ["| function | cases | read | refused | failed |", "|---|---:|---:|---:|---:|"]
    for target, one in sorted(counts.items()):
        rows.append(f"| `{target}` | {one.total():,} | {one['read']:,} | {one['refused']:,} | {one['failed']:,} |")
    total = sum(counts.values(), Counter())
    rows.append(f"| together | {total.total():,} | {total['read']:,} | {total['refused']:,} | {total['failed']:,} |")
    return "\n".join(rows)


def main() -> int:
    """Run the program; 1 if a case failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--start", type=int, default=0, help="number of the first case")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--group", action="append", choices=GROUPS, help="only this group; may be given again")
    parser.add_argument("--only", type=int, help="run one case again, here")
    parser.add_argument("--keep", type=Path, help="folder for the files of failed cases")
    parser.add_argument("--json", type=Path, help="write the outcomes here")
    options = parser.parse_args()
    groups = tuple(options.group or GROUPS)
    folder = options.keep or Path(tempfile.mkdtemp(prefix="fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    if options.only is not None:
        outcomes = [run_case(options.seed, options.only, folder.resolve(), groups)]
        print(outcomes[0])
    else:
        cases = range(options.start, options.start + options.cases)
        outcomes = run(options.seed, cases, groups, options.jobs, folder.resolve())
    print(table(outcomes))
    slowest = max(outcomes, key=lambda outcome: outcome.seconds)
    print(
        f"seed {options.seed}, {time.monotonic() - started:.0f} s; slowest {slowest.seconds:.1f} s ({slowest.target})"
    )
    if options.json:
        rows = [
            {
                **{"case": o.case, "group": o.group, "target": o.target, "mutations": o.mutations},
                **{"verdict": o.verdict, "seconds": round(o.seconds, 4)},
            }
            for o in outcomes
        ]
        options.json.write_text(json.dumps(rows), encoding="utf-8")
    return any(outcome.verdict == "failed" for outcome in outcomes)


if __name__ == "__main__":
    sys.exit(main())
