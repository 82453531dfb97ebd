"""The main job, small, where Keras has one backend and TensorFlow is not installed: `make test-smoke`.

In: a folder, made into an environment where it is none; a backend; what pip installs for it. Out: exit code 0, and how
large the environment is.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
# As docs/guide/start.md says it.
OTHERS = """
from importlib.metadata import requires
print(*(r for r in requires("keras-vnn") if "extra ==" not in r and not r.startswith("tensorflow")))
"""
STEPS = (
    "build --genes data/kang_ifnb_cd4t_expression.csv.gz --regulation data/tf_target_human_goa.tsv -o {0}/tf.vnn",
    "train {0}/tf.vnn data/kang_ifnb_cd4t_expression.csv.gz --cells data/kang_ifnb_cd4t_cells.csv --label condition"
    " --normalization none --epochs 2 -o {0}/model.keras",
    "inspect {0}/model.keras",
    "explain {0}/model.keras data/kang_ifnb_cd4t_expression.csv.gz --cells data/kang_ifnb_cd4t_cells.csv"
    " --label condition --method gradient --gene-method gradient -o {0}/explained",
    "export {0}/model.keras -o {0}/model.graphml",
    "report {0}/model.keras -o {0}/report.html",
)


def main(environment: Path, backend: str, packages: list[str]) -> None:
    """Install, run every step, and say how large the installation is."""
    python = environment / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet"]
    if not python.exists():
        venv.create(environment, with_pip=True)
        subprocess.run([*pip, *packages], check=True)
        subprocess.run([*pip, "--no-deps", str(TOP)], check=True)
        others = subprocess.run([python, "-c", OTHERS], check=True, capture_output=True, text=True).stdout.split()
        subprocess.run([*pip, *others], check=True)
    subprocess.run(
        [python, "-c", "import sys, importlib.util as u; sys.exit(bool(u.find_spec('tensorflow')))"], check=True
    )
    with tempfile.TemporaryDirectory() as folder:
        for step in STEPS:
            sys.stderr.write(f"{backend}: vnn {step.format('…')}\n")
            command = [str(environment / "bin" / "vnn"), *step.format(folder).split()]
            subprocess.run(command, check=True, cwd=TOP, env=os.environ | {"KERAS_BACKEND": backend})
    size = sum(path.lstat().st_size for path in environment.rglob("*") if path.is_file())
    sys.stderr.write(f"{backend}: all steps ran, without TensorFlow, from {size / 1e9:.1f} GB\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
