"""How long the texts of values are at a prompt, and how long commands take that only read files.

Out: a table of letters and lines of each ``repr``; the processor time of each command as a ratio to that of importing
what reads files at all, interleaved.

    python tools/at_home.py
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ROUNDS = 5
BASE = ["-c", "import pandas, scipy.sparse, h5py"]
VNN = ["-c", "from keras_vnn.cli import main; main()"]


def main() -> None:
    """Print both tables."""
    import keras_vnn as vnn

    expression, table = vnn.data_path("kang_ifnb_cd4t_expression.csv.gz"), vnn.data_path("kang_ifnb_cd4t_cells.csv")
    cells = vnn.read.expression(expression, cells=table)
    ppi = vnn.read.interactions(vnn.data_path("ppi_human_goa_ipi.tsv"))
    arch = vnn.wire.interactions(cells, ppi)
    result = vnn.train(arch, cells, "condition", normalization="none", epochs=2)
    vnn.tl.remember_inspection(result, cells, "condition")
    values = {
        **{"interactions": ppi, "architecture": arch, "layer": arch.layers[1], "audit": arch.audit},
        **{"summary": arch.summary(), "result": result, "metrics": result.metrics, "split": result.split},
        **{"node": vnn.tl.inspect_node(result, "PPI:IFIT3")},
    }
    print(f"{'value':<14} {'letters':>8} {'lines':>6}")
    for name, value in values.items():
        print(f"{name:<14} {len(repr(value)):>8,} {len(repr(value).splitlines()):>6}")
    with tempfile.TemporaryDirectory() as folder:
        model = str(Path(folder) / "model.keras")
        vnn.save_model(result, model)
        commands = {
            "inspect": ["inspect", model],
            "inspect a node": ["inspect", model, "PPI:IFIT3"],
            "export tables": ["export", model, "-o", str(Path(folder) / "tables"), "--force"],
            "report": ["report", model, "-o", str(Path(folder) / "page.html"), "--force"],
            "check": ["check", model],
        }
        taken: dict[str, list[float]] = {name: [] for name in ("base", *commands)}
        for _ in range(ROUNDS):
            taken["base"].append(seconds(BASE))
            for name, words in commands.items():
                taken[name].append(seconds([*VNN, *words]))
    base = median(taken.pop("base"))
    print(f"\n{'command':<16} {'seconds':>8} {'ratio':>6}   to {base:.2f} s of {BASE[-1]}")
    for name, times in taken.items():
        print(f"{name:<16} {median(times):>8.2f} {median(times) / base:>6.1f}")


def seconds(words: list[str]) -> float:
    """Return the processor time of a Python process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime


if __name__ == "__main__":
    main()
