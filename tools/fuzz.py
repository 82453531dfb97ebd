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
import io
import json
import multiprocessing
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from formats_page import EXAMPLES

DATA = Path(__file__).parents[1] / "data"
CONFIGS = Path(__file__).parents[1] / "configs"
LONGEST_SECONDS = 10
MEMORY = 4 << 30
READERS = (
    "read_annotations",
    "read_expression",
    "read_gene_sets",
    "read_genes",
    "read_hierarchy",
    "read_identifier_map",
    "read_interactions",
    "read_ontology",
    "read_regulation",
)
GROUPS = ("text", "real", "recipe", "architecture", "h5ad", "model")
# Of 100 cases; a model takes a thousand times longer to load than a table of ten rows.
SHARES = {"text": 66, "real": 12, "recipe": 8, "architecture": 8, "h5ad": 4, "model": 2}


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
        return (Seed("small.vnn", _architecture_bytes(), "load_architecture"),)
    if group == "h5ad":
        content = _h5ad_bytes()
        return tuple(Seed("cells.h5ad", content, target) for target in ("read_expression", "read_genes"))
    return (Seed("small.keras", _model_bytes(), "load_model"),)


def _real() -> Iterator[Seed]:
    """Yield the beginnings of the bundled files, and the whole ones packed."""
    readers = {
        "go-basic.obo.gz": "read_ontology",
        "goa_human_demo.gaf.gz": "read_annotations",
        "ppi_human_goa_ipi.tsv": "read_interactions",
        "tf_target_human_goa.tsv": "read_regulation",
        "kang_ifnb_cd4t_expression.csv.gz": "read_expression",
        "kang_ifnb_cd4t_cells.csv": "read_genes",
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
    ppi = vnn.Interactions.from_pairs(["G0", "G1", "G3"], ["G1", "G2", "G4"])
    tf = vnn.Regulation.from_pairs(["G5", "G5"], ["G0", "G4"])
    return vnn.interaction_architecture(genes, ppi, tf, min_targets=1)


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

    model = vnn.build_model(_architecture(), vnn.classes(["a", "b"]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.keras"
        vnn.save_model(model, path)
        return path.read_bytes()


# ---- mutations -------------------------------------------------------------------------------------------------

Mutation = Callable[[random.Random, bytes], bytes]
NUMBERS = (b"1e999", b"-1e999", b"nan", b"inf", b"99999999999999999999999", b"-1", b"1_000", b"0x1F", b"1e-400", b"")
WORDS = (
    "\x00",
    "\x1b[31m",
    "\u202e",
    "﷽",
    "'",
    '"',
    '""',
    "\\",
    "=1+1",
    "|",
    ";",
    ",",
    "\t",
    "  ",
    "NA",
    "-",
    "é" * 50,
)


def _lines(content: bytes) -> list[bytes]:
    return content.split(b"\n")


def _at(rng: random.Random, content: bytes) -> int:
    return rng.randrange(len(content)) if content else 0


def _mark(content: bytes) -> bytes:
    return max((b"\t", b",", b";", b" "), key=content.count)


def truncated(rng: random.Random, content: bytes) -> bytes:
    """Cut the file anywhere."""
    return content[: _at(rng, content)]


def flipped_bits(rng: random.Random, content: bytes) -> bytes:
    """Flip up to a few dozen bits."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 30)) if changed else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def random_bytes(rng: random.Random, content: bytes) -> bytes:
    """Overwrite a stretch with noise."""
    at, length = _at(rng, content), rng.choice((1, 4, 64, 1000))
    return content[:at] + rng.randbytes(length) + content[at + length :]


def ragged_rows(rng: random.Random, content: bytes) -> bytes:
    """Add or remove fields in some rows."""
    mark, rows = _mark(content), _lines(content)
    for _ in range(rng.randint(1, 3)):
        n = rng.randrange(len(rows))
        fields = rows[n].split(mark)
        if rng.random() < 0.5 and len(fields) > 1:
            del fields[rng.randrange(len(fields))]
        else:
            fields.insert(rng.randint(0, len(fields)), rng.choice((b"", b"extra", b"7")))
        rows[n] = mark.join(fields)
    return b"\n".join(rows)


def emptied_fields(rng: random.Random, content: bytes) -> bytes:
    """Empty a field, here or in the whole column."""
    mark, rows = _mark(content), _lines(content)
    column, whole = rng.randrange(6), rng.random() < 0.3
    for n in range(len(rows)) if whole else [rng.randrange(len(rows))]:
        fields = rows[n].split(mark)
        if column < len(fields):
            fields[column] = rng.choice((b"", b" "))
            rows[n] = mark.join(fields)
    return b"\n".join(rows)


def numeric_overflow(rng: random.Random, content: bytes) -> bytes:
    """Replace numbers by impossible ones."""
    share = rng.choice((0.1, 1.0))
    return re.sub(rb"\b\d+(\.\d+)?\b", lambda old: rng.choice(NUMBERS) if rng.random() < share else old[0], content)


def strange_words(rng: random.Random, content: bytes) -> bytes:
    """Insert control characters, quotes, marks, scripts that run from right to left."""
    for _ in range(rng.randint(1, 4)):
        at = _at(rng, content)
        content = content[:at] + rng.choice(WORDS).encode() + content[at:]
    return content


def nul_bytes(rng: random.Random, content: bytes) -> bytes:
    """Insert NUL bytes."""
    at = _at(rng, content)
    return content[:at] + b"\0" * rng.choice((1, 2, 512)) + content[at:]


def mixed_line_ends(rng: random.Random, content: bytes) -> bytes:
    """End each line as on one system or another."""
    return b"".join(line + rng.choice((b"\n", b"\r\n", b"\r")) for line in _lines(content))


def byte_order_mark(rng: random.Random, content: bytes) -> bytes:
    """Put a mark in front, of UTF-8 or of another encoding."""
    return rng.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf" * 2)) + content


def other_encoding(rng: random.Random, content: bytes) -> bytes:
    """Write the text in another encoding."""
    encoding = rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp037"))
    changed = content.decode("utf-8", "replace").encode(encoding, "replace")
    return changed[:-1] if rng.random() < 0.2 else changed


def long_line(rng: random.Random, content: bytes) -> bytes:
    """Make one field very long, or one line of very many fields."""
    at = _at(rng, content)
    size = rng.choice((1 << 12, 1 << 17, 1 << 17, 10 << 20) if rng.random() < 0.05 else (1 << 12, 1 << 15, 1 << 17))
    unit = rng.choice((b"A", b"A" + _mark(content), b"\xc3\xa9"))
    return content[:at] + unit * (size // len(unit)) + content[at:]


def repeated_header(rng: random.Random, content: bytes) -> bytes:
    """Repeat the first line, or a field of it."""
    rows = _lines(content)
    if rng.random() < 0.5:
        rows.insert(rng.randint(0, len(rows)), rows[0])
    else:
        fields = rows[0].split(_mark(content))
        rows[0] = _mark(content).join([fields[0]] * len(fields))
    return b"\n".join(rows)


def moved_lines(rng: random.Random, content: bytes) -> bytes:
    """Remove, repeat or shuffle lines."""
    rows = _lines(content)
    what = rng.randrange(3)
    if what == 0:
        del rows[rng.randrange(len(rows))]
    elif what == 1:
        rows += [rng.choice(rows)] * rng.choice((1, 50))
    else:
        rng.shuffle(rows)
    return b"\n".join(rows)


def other_delimiter(rng: random.Random, content: bytes) -> bytes:
    """Part the fields by something else, everywhere or in a few rows."""
    new = rng.choice((b",", b";", b"\t", b" ", b"|", b""))
    if rng.random() < 0.5:
        return content.replace(_mark(content), new)
    rows = _lines(content)
    n = rng.randrange(len(rows))
    rows[n] = rows[n].replace(_mark(content), new)
    return b"\n".join(rows)


def spliced(rng: random.Random, content: bytes) -> bytes:
    """Go on with a piece of a file of another format."""
    other = rng.choice(seeds("text")).content
    return content[: _at(rng, content)] + other[_at(rng, other) :]


def deep_nesting(rng: random.Random, content: bytes) -> bytes:
    """Nest brackets beyond what a recursive parser can take."""
    depth = rng.choice((100, 3_000, 100_000))
    return rng.choice((b"[" * depth, b'{"a":' * depth, b"- " * depth, content + b"(" * depth))


def gzip_cut(rng: random.Random, content: bytes) -> bytes:
    """Pack the file, and cut or damage the packed bytes."""
    packed = gzip.compress(content, mtime=0)
    return truncated(rng, packed) if rng.random() < 0.5 else packed[:3] + flipped_bits(rng, packed[3:])


def gzip_bomb(rng: random.Random, content: bytes) -> bytes:
    """Pack a file that unpacks to a thousand times its size."""
    line = rng.choice((b"A\tB\n", b"\n", b"A", b"\0"))
    return gzip.compress(content + line * ((96 << 20) // len(line)), compresslevel=1, mtime=0)


def zip_escape(rng: random.Random, content: bytes) -> bytes:
    """Put the file into a zip archive under a name that leads out, perhaps beside others."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))) as archive:
        archive.writestr(rng.choice(("../../escaped.txt", "/escaped.txt", "a/../../escaped", "..\\escaped")), content)
        if rng.random() < 0.3:
            archive.writestr(rng.choice(("other.txt", "../x", "xl/workbook.xml", "architecture.json")), content)
    packed = stream.getvalue()
    return flipped_bits(rng, packed) if rng.random() < 0.3 else packed


def zip_members(rng: random.Random, content: bytes) -> bytes:
    """Mutate what is inside a zip archive (an architecture, a model), and close it again."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # noqa: BLE001 - an earlier mutation broke the archive, in whatever way
        return flipped_bits(rng, content)
    if not members:
        return content
    name = rng.choice(sorted(members))
    what = rng.randrange(5)
    if what == 0:
        del members[name]
    elif what == 1:
        members[f"../../{name}"] = members.pop(name)
    elif name.endswith(".json") and what in (2, 3):
        members[name] = _mutated_json(rng, members[name])
    else:
        members[name] = rng.choice((flipped_bits, truncated, numeric_overflow, random_bytes))(rng, members[name])
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, inside in members.items():
            archive.writestr(member, inside)
    return stream.getvalue()


def _mutated_json(rng: random.Random, content: bytes) -> bytes:
    """Replace one value somewhere in a JSON document by another."""
    try:
        tree = json.loads(content)
    except ValueError:
        return flipped_bits(rng, content)
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            places.append((node, key))
            if isinstance(value, dict | list):
                walk(value)

    if isinstance(tree, dict | list):
        walk(tree)
    if places:
        node, key = rng.choice(places)
        values: tuple[Any, ...] = (None, -1, 10**18, "x", [], {}, [[]], 1.5, True, "../../x", "os.system", "Lambda")
        node[key] = rng.choice(values)
        if isinstance(node, dict) and rng.random() < 0.2:
            del node[key]
    return json.dumps(tree).encode()


def yaml_aliases(rng: random.Random, content: bytes) -> bytes:
    """Add anchors that refer to each other, a thousand million words when written out."""
    rows = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol]"]
    depth = rng.choice((2, 5, 12))
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]" for n in range(1, depth)]
    return rng.choice((b"", content + b"\n")) + "\n".join([*rows, f"build: *a{depth - 1}", ""]).encode()


def yaml_tags(rng: random.Random, content: bytes) -> bytes:
    """Ask the YAML parser to make a Python object."""
    return content + rng.choice(
        (
            b'\nx: !!python/object/apply:os.system ["touch escaped"]\n',
            b"\nx: !!python/name:os.system\n",
            b"\n? [a, b]\n: c\n",
            b"\n1: 2\n",
            b"\ntrain: !!binary aGVsbG8=\n",
            b"\nbuild: 2020-01-01\n",
            b"\nbuild: {genes: [1, 2], units: .inf, window: [1]}\n",
        )
    )


TEXT: tuple[Mutation, ...] = (
    truncated,
    flipped_bits,
    random_bytes,
    ragged_rows,
    emptied_fields,
    numeric_overflow,
    strange_words,
    nul_bytes,
    mixed_line_ends,
    byte_order_mark,
    other_encoding,
    long_line,
    repeated_header,
    moved_lines,
    other_delimiter,
    spliced,
    deep_nesting,
    gzip_cut,
    zip_escape,
)
BINARY: tuple[Mutation, ...] = (truncated, flipped_bits, flipped_bits, random_bytes, nul_bytes, gzip_cut)
MUTATIONS: dict[str, tuple[Mutation, ...]] = {
    "text": TEXT,
    "real": TEXT,
    "recipe": (*TEXT, yaml_aliases, yaml_aliases, yaml_tags, yaml_tags),
    "architecture": (*BINARY, zip_members, zip_members, zip_members, zip_members, zip_escape),
    "h5ad": BINARY,
    "model": (*BINARY, zip_members, zip_members, zip_members, zip_members, zip_escape),
}


# ---- running ---------------------------------------------------------------------------------------------------


def make_case(seed: int, case: int, groups: tuple[str, ...] = GROUPS) -> tuple[str, str, str, bytes, tuple[str, ...]]:
    """Return group, target, file name, content and names of the mutations of one case; the same every time."""
    rng = random.Random(f"{seed}/{case}")
    group = rng.choices(groups, [SHARES[one] for one in groups])[0]
    good = rng.choice(seeds(group))
    target = good.target
    if group in ("text", "real") and rng.random() < 0.3:
        target = rng.choice(READERS)
    content = good.content
    done = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        mutation = rng.choice(MUTATIONS[group])
        content = mutation(rng, content)
        done.append(mutation.__name__)
    if group in ("text", "architecture") and rng.random() < 0.002:
        content = gzip_bomb(rng, content)
        done.append("gzip_bomb")
    return group, target, good.name, content, tuple(done)


def function_of(target: str) -> Callable[[Path], object]:
    """Return the function a target names."""
    import keras_vnn as vnn

    if target == "read_recipe":
        from keras_vnn.recipes.read import read_recipe

        return read_recipe
    function: Callable[[Path], object] = getattr(vnn, target)
    return function


def judge(target: str, path: Path) -> tuple[str, str]:
    """Call the function of a target with a file; return the verdict and why."""
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
            function_of(target)(path)
    except VNNError as error:
        text = str(error)
        verdict = "refused"
        if path.name not in text:
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
    group, target, name, content, mutations = make_case(seed, case, groups)
    place = folder / f"case{case}"
    place.mkdir(parents=True, exist_ok=True)
    path = place / name
    path.write_bytes(content)
    started = time.process_time()
    verdict, why = judge(target, path)
    if sorted(entry.name for entry in place.iterdir()) != [name]:
        verdict, why = "failed", "left other files behind"
    outcome = Outcome(case, group, target, mutations, verdict, why, time.process_time() - started)
    if verdict != "failed":
        shutil.rmtree(place)
    return outcome


def _worker(seed: int, folder: str, groups: tuple[str, ...], start: int, step: int, end: int, results: Any) -> None:
    from keras_vnn.basics import unpacking

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
            {"case": o.case, "group": o.group, "target": o.target, "mutations": o.mutations, "verdict": o.verdict}
            for o in outcomes
        ]
        options.json.write_text(json.dumps(rows), encoding="utf-8")
    return any(outcome.verdict == "failed" for outcome in outcomes)


if __name__ == "__main__":
    sys.exit(main())
