"""Kills `vnn build` and `vnn train` at random moments, and checks that nothing is lost.

    python tools/kills.py --kills 50 --seed 0

The training is killed with data in memory and with data on disk. Each run is a process of its own, killed by SIGKILL
after a random part of the time that an undisturbed run takes.
After each kill, a file that was there before must be as it was, or be replaced by the complete new one; after the
last, a run that is left alone must give what an undisturbed one gives: the same bytes of an architecture, the same
weights, history and scores of a model. Prints one JSON object with the counts. POSIX only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

OLD = b"a file that was here before"
BUILD = (
    "build --genes expression.csv --interactions ppi.tsv --regulation tf.tsv -o ring.vnn --force"
).split()  # fmt: skip
TRAIN = (
    "train ring.vnn expression.csv --cells cells.csv --label type --normalization none --batch-size 10 --dropout 0.3 "
    "--epochs 40 --patience 30 -o model.keras --force"
).split()

FROM_DISK = (
    "train ring.vnn expression.h5ad --backed always --label type --normalization zscore --batch-size 10 --dropout 0.3 "
    "--epochs 40 --patience 30 -o disk.keras --force"
).split()


def main() -> None:
    """Run the experiment that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=50, help="of each command")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=list(JOBS), action="append", help="may be given again")
    given = parser.parse_args()
    # Once, for all processes that are forked off this one. Keras starts the threads of TensorFlow when it is imported,
    # and threads do not survive a fork: every process imports it anew.
    import anndata  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import sklearn.metrics  # noqa: F401
    import tensorflow  # noqa: F401

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        _write_job()
        counts = {}
        for name, (command, target, content) in JOBS.items():
            if not given.only or name in given.only:
                counts[name] = _killed_often(command, Path(target), content, given.kills, random.Random(given.seed))
            elif name == "build":
                _wait(_start(command))  # what the others train
    print(json.dumps(counts))


def _killed_often(
    command: Sequence[str], target: Path, content: Callable[[Path], str], kills: int, rng: random.Random
) -> dict[str, Any]:
    began = time.perf_counter()
    _wait(_start(command))
    taken = time.perf_counter() - began
    expected = content(target)
    finished = target.read_bytes()
    inputs = {path: _bytes_of(path) for path in sorted(Path().iterdir()) if path not in (target, Path("log.txt"))}
    target.write_bytes(OLD)
    counts: Counter[str] = Counter()
    for _ in range(kills):
        process = _start(command)
        time.sleep(rng.uniform(0, taken))
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        counts["killed" if os.WIFSIGNALED(status) else "had finished"] += 1
        for path, digest in inputs.items():
            _check(_bytes_of(path) == digest, f"{path} was changed")
        if target.read_bytes() == OLD:
            counts["old file intact"] += 1
        else:
            _check(content(target) == expected, f"{target} is neither the old nor the new file")
            counts["new file complete"] += 1
            target.write_bytes(OLD)
        counts["log says: continuing"] = Path("log.txt").read_text().count("continuing after epoch")
    target.write_bytes(OLD)
    _wait(_start(command))
    _check(content(target) == expected, f"the run after the kills gave another {target}")
    left = sorted(path.name for path in Path().glob(".*.part*")) + sorted(path.name for path in Path().glob("*.unf*"))
    _check(not left, f"left behind: {left}")
    target.write_bytes(finished)
    return {**counts, "seconds of a run": round(taken, 2)}


def _start(command: Sequence[str]) -> int:
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        log = os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        from keras_vnn.cli import main as vnn

        vnn(list(command))
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    finally:
        os._exit(code)


def _wait(process: int) -> None:
    _, status = os.waitpid(process, 0)
    _check(os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0, "an undisturbed run failed:\n" + _log())


def _check(holds: bool, failure: str) -> None:
    if not holds:
        sys.exit(failure)


def _log() -> str:
    return Path("log.txt").read_text()[-2000:]


def _bytes_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _numbers_of(path: Path) -> str:
    """Return a digest of the weights, the history and the scores of a model, read in a process of its own."""
    receiver, sender = os.pipe()
    process = os.fork()
    if not process:
        code = 1
        try:
            import keras_vnn as vnn

            model = vnn.load_model(path)
            found = hashlib.sha256()
            for array in model.get_weights():
                found.update(array.tobytes())
            facts = vnn.tl.view(model).card.metadata["training"]
            found.update(json.dumps([facts["history"], facts["metrics"]], sort_keys=True).encode())
            os.write(sender, found.hexdigest().encode())
            code = 0
        finally:
            os._exit(code)
    os.close(sender)
    digest = os.read(receiver, 100).decode()
    os.close(receiver)
    os.waitpid(process, 0)
    _check(bool(digest), f"{path} cannot be read")
    return digest


def _write_job() -> None:
    """Write 80 cells of two types, a ring of interactions, one regulator."""
    import anndata
    import numpy as np
    import pandas as pd
    from scipy import sparse

    rng = np.random.default_rng(0)
    genes = [f"GENE{i}" for i in range(12)]
    cells = [f"cell{i}" for i in range(80)]
    values = rng.gamma(2.0, 1.0, size=(80, 12)).round(3)
    pd.DataFrame(values.T, index=pd.Index(genes, name="gene"), columns=cells).to_csv("expression.csv")
    types = pd.DataFrame({"type": ["T"] * 40 + ["B"] * 40}, index=pd.Index(cells, name="cell"))
    types.to_csv("cells.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cells_on_disk = anndata.AnnData(sparse.csr_matrix(values, dtype="float32"), obs=types)
        cells_on_disk.var_names = genes
        cells_on_disk.write_h5ad("expression.h5ad")
    ring = pd.DataFrame({"gene_a": genes[:10], "gene_b": [*genes[1:10], genes[0]]})
    ring.to_csv("ppi.tsv", sep="\t", index=False)
    edges = pd.DataFrame({"tf": ["STAT1"] * 4, "target": genes[2:6], "effect": ["activation"] * 4})
    edges.to_csv("tf.tsv", sep="\t", index=False)
    Path("log.txt").touch()


# Command, file it writes, and what must be the same of it.
JOBS: dict[str, tuple[list[str], str, Callable[[Path], str]]] = {
    "build": (BUILD, "ring.vnn", _bytes_of),
    "train": (TRAIN, "model.keras", _numbers_of),
    "train from disk": (FROM_DISK, "disk.keras", _numbers_of),
}

if __name__ == "__main__":
    main()
