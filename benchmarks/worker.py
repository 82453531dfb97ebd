"""A process that holds one contender and runs it when told, so that contenders take turns and share nothing.

It reads commands from standard input, a line each, and answers with one line of JSON: ``make``, ``peak``, ``facts``,
``files``, or the name of a run and how often to do it.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def memory(field: str) -> float:
    """Return the resident size now (``VmRSS``) or the largest so far (``VmHWM``), in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(rf"{field}:\s+(\d+)", status.read_text(encoding="utf-8"))
        return int(found[1]) / 1024 if found else 0.0
    # Elsewhere only the largest is known; that of this process and of the one it came from.
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 2**20


def die_first() -> None:
    """Have Linux end this process, and not the one that keeps the results, when memory runs out."""
    path = Path("/proc/self/oom_score_adj")
    if path.exists():
        path.write_text("1000", encoding="utf-8")


def main() -> None:
    """Serve one contender: ``worker.py NAME ADJACENCY.npz BATCH``."""
    name, path, batch = sys.argv[1:]
    die_first()
    if name in ("kpnn2", "torch CSR"):
        import torch  # noqa: F401
    elif name != "scipy":
        import keras  # noqa: F401
    from scipy import sparse

    before = memory("VmRSS")
    adjacency = sparse.csc_array(sparse.load_npz(path))
    _say("ready")
    runs: dict[str, Any] = {}
    for line in sys.stdin:
        wanted, _, times = line.strip().partition(" ")
        if wanted == "make":
            from benchmarks.contenders import make_contender

            runs = make_contender(name, adjacency, int(batch))
            _say(sorted(runs))
        elif wanted == "peak":
            _say(memory("VmHWM") - before)
        elif wanted in ("facts", "files"):
            _say(runs[wanted]() if wanted in runs else {})
        else:
            _say(timed(runs[wanted], int(times)))


def timed(run: Any, times: int) -> float:
    """Return seconds of one run: the mean of so many in a row, after one that is not counted if they are short."""
    if times > 1:
        run()
    start = time.perf_counter()
    for _ in range(times):
        run()
    return (time.perf_counter() - start) / times


def _say(answer: Any) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
