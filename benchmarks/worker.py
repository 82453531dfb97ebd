"""A process that holds one contender and runs it when told, so that contenders take turns and share nothing.

It reads the name of what to run from standard input, a line each, and answers with one line of JSON.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def _peak() -> float:
    """Return the largest resident size so far, in MB."""
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 2**20


def main() -> None:
    """Serve one contender: ``worker.py NAME ADJACENCY.npz BATCH``."""
    name, path, batch = sys.argv[1:]
    if name in ("kpnn2", "torch CSR"):
        import torch  # noqa: F401
    elif name != "scipy":
        import keras  # noqa: F401
    from scipy import sparse

    from contenders import make_contender

    adjacency = sparse.csc_array(sparse.load_npz(path))
    before = _peak()
    runs = make_contender(name, adjacency, int(batch))
    print(json.dumps(sorted(runs)), flush=True)
    for line in sys.stdin:
        wanted = line.strip()
        if wanted == "peak":
            answer = _peak() - before
        elif wanted == "facts":
            answer = runs["facts"]() if "facts" in runs else {}
        else:
            start = time.perf_counter()
            runs[wanted]()
            answer = time.perf_counter() - start
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
