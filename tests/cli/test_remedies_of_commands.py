"""What commands say to do is done, word by word, and helps; no remedy is worded that no command below shows.

The faults are in ``remedies/commands.yaml``; those of readers, with a file each, are in `test_remedies`.
"""

import ast
import shlex
import sys
from pathlib import Path

import anndata
import keras
import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import sparse

import keras_vnn
from keras_vnn.basics import remedies

from .conftest import GENES, main_quietly, with_options, write_job

PACKAGE = Path(keras_vnn.__file__).parent
CASES = {case["fault"]: case for case in yaml.safe_load((Path(__file__).parent / "remedies/commands.yaml").read_text())}
FAST = "--epochs 1 -o out.keras --force"
WORDS = {
    "$TRAIN_ON": "train ring.vnn",
    "$TRAIN": f"train ring.vnn cells.h5ad --label type {FAST}",
    "$AUTO": f"train ring.vnn cells.h5ad --objective autoencoder {FAST}",
    "$FAST": FAST,
    "$COMPARED": "--seeds 1 --controls swap --baselines constant",
}


def _words(line):
    """Return the words of a command."""
    short = line.startswith("$TRAIN_ON")
    for name, meaning in WORDS.items():
        line = line.replace(name, meaning)
    words = shlex.split(line)
    if short:
        words += [*([] if "--label" in words else ["--label", "type"]), *shlex.split(FAST)]
        if "--epochs" in words[: words.index("-o")][:-2]:
            words = words[: -len(shlex.split(FAST))] + shlex.split(FAST)[2:]
    return words


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with all that the faults are made of."""
    folder = tmp_path_factory.mktemp("remedies")
    write_job(folder)
    rng = np.random.default_rng(1)
    (folder / "genes.txt").write_text("\n".join(GENES) + "\n")
    terms = "".join(
        f"\n[Term]\nid: GO:000000{i}\nname: {name}\n" + parent
        for i, name, parent in (
            (1, "all", ""),
            (2, "one", "is_a: GO:0000001\n"),
            (3, "two", "is_a: GO:0000002\nis_a: GO:0000001\n"),
        )
    )
    (folder / "go.obo").write_text(f"format-version: 1.2\n{terms}")
    (folder / "go.tsv").write_text("".join(f"{gene}\tGO:000000{2 + i % 2}\n" for i, gene in enumerate(GENES)))
    table = pd.read_csv(folder / "expression.csv", index_col=0).T
    obs = pd.read_csv(folder / "cells.csv", index_col=0)
    obs["gaps"] = [None, *obs["type"][1:]]
    obs["age"] = [np.nan, *rng.integers(20, 80, 79)]
    obs["batch"], obs["one"], obs["donor"] = ["a", "b"] * 40, "all", [f"d{i % 8}" for i in range(80)]
    obs["rare"] = ["one of a kind", *obs["type"][1:]]
    obs["days"], obs["event"] = rng.integers(1, 90, 80), rng.integers(0, 2, 80)
    counts = rng.poisson(np.expm1(np.minimum(table.to_numpy(), 5)))
    cells = anndata.AnnData(table.to_numpy(np.float32), obs, pd.DataFrame(index=list(table.columns)))
    cells.layers["counts"], cells.layers["scaled"] = counts.astype(np.float32), (table - table.mean()).to_numpy()
    cells.obsm["drug"] = rng.normal(size=(80, 3))
    cells.raw = anndata.AnnData(counts.astype(np.float32), obs, cells.var)
    cells.write_h5ad(folder / "cells.h5ad")
    cells.write_h5ad(folder / "rare.h5ad")
    newer = cells.copy()
    newer.X = newer.layers["counts"]
    newer.obs["batch"] = "c"
    newer.write_h5ad(folder / "newer.h5ad")
    layers = anndata.AnnData(None, obs, cells.var, layers={"counts": counts.astype(np.float32)})
    layers.write_h5ad(folder / "layers.h5ad")
    doubled = anndata.AnnData(sparse.csr_matrix(cells.X[:, [*range(12), 0]]), obs)
    doubled.var_names = [f"column{i}" for i in range(13)]
    doubled.var["gene"] = [*GENES, GENES[0]]
    doubled.write_h5ad(folder / "doubled.h5ad")
    ensembl = cells.copy()
    ensembl.raw = None
    ensembl.var = pd.DataFrame({"symbol": cells.var_names}, index=[f"ENSG{i:011}" for i in range(12)])
    ensembl.write_h5ad(folder / "ensembl.h5ad")
    noise = anndata.AnnData(rng.normal(size=(80, 12)).astype(np.float32), obs, cells.var)
    noise.write_h5ad(folder / "noise.h5ad")
    many = anndata.concat([cells] * 10, index_unique="-")
    many.X = np.log1p(many.layers["counts"])
    many.raw = anndata.AnnData(many.layers["counts"] * 10, many.obs, many.var)
    many.write_h5ad(folder / "many.h5ad")
    table.iloc[:, :8].T.to_csv(folder / "fewer.csv")
    noted = table.T
    noted.insert(0, "note", "text")
    noted.to_csv(folder / "noted.csv")
    ring = "build: {genes: genes.txt, interactions: ppi.tsv}\n"
    small = f"{ring}train: {{data: cells.h5ad, label: type, epochs: 1}}\n"
    (folder / "small.yaml").write_text(small)
    (folder / "dose.yaml").write_text(small.replace("label: type", "label: dose, task: regression"))
    (folder / "tuned.yaml").write_text(f"{small}tune: {{space: {{learning_rate: [0.01, 0.02]}}}}\n")
    pairs = [f"{a}\t{b}" for i, a in enumerate(GENES) for b in GENES[i + 1 :]]
    (folder / "full.tsv").write_text("\n".join(pairs) + "\n")
    here = Path.cwd()
    try:
        import os

        os.chdir(folder)
        for line in (
            "build --genes genes.txt --interactions ppi.tsv --regulation tf.tsv -o ring.vnn",
            "build --genes genes.txt --interactions ppi.tsv -o plain.vnn",
            "build --genes genes.txt --interactions full.tsv -o full.vnn",
            "build --genes genes.txt --interactions ppi.tsv --dense-units 50 -o wide.vnn",
            "build --genes genes.txt --ontology go.obo --annotations go.tsv --min-genes 1 -o terms.vnn",
            "train ring.vnn cells.h5ad --label type --epochs 3 -o model.keras",
            "train ring.vnn cells.h5ad --label type --activation softmax --epochs 1 -o softmax.keras",
            "train ring.vnn many.h5ad --label type --epochs 1 -o many.keras",
            "train ring.vnn cells.h5ad --label type --objective triplet --epochs 1 -o embedding.keras",
            "train ring.vnn cells.h5ad --layer counts --normalization log1p --objective autoencoder --covariate batch "
            "--encoder 8 --epochs 1 -o batches.keras",
        ):
            main_quietly(shlex.split(line))
        model = keras_vnn.build_model(keras_vnn.read.architecture("plain.vnn"), keras_vnn.pp.classes(["B", "T"]))
        keras_vnn.save_model(model, "plain.keras")
        model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])
        keras_vnn.save_model(model, "diverged.keras")
        keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]).save("other.keras")
    finally:
        os.chdir(here)
    return folder


def _sites(package=PACKAGE):
    """Yield the calls that word a remedy for the command line: module, function, first and last line."""
    for path in sorted(package.rglob("*.py")):
        module = path.relative_to(package).as_posix()
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                for call in ast.walk(function):
                    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _WORDING:
                        yield module, function.name, call.lineno, call.end_lineno


# Functions that word a remedy which no fault below asks for: why not.
_PYTHON = "commands refuse it before, or have nothing to say of it: the words are for Python"
NOT_EXECUTED = {
    ("architecture/wiring/_groupings.py", "cliques"): "half a million cliques",
    ("architecture/wiring/_ontology.py", "_laid_out"): "no ontology is known that loses every term",
    ("architecture/_candidates.py", "candidate_edges"): "twenty million candidates",
    ("data/_matrix.py", "check_numbers"): "a matrix of complex numbers, which AnnData does not write",
    ("data/labels.py", "class_weights"): "an option is to be left out",
    ("data/genotypes.py", "read_drug_responses"): "files are to be put next to another, which its readers test",
    ("experiments/comparison/_compare.py", "_check"): _PYTHON,
    ("experiments/controls.py", "_counts"): _PYTHON,
    ("inspection/_latent.py", "_autoencoder"): _PYTHON,
    ("inspection/_ranking.py", "_say_what_is_assumed"): _PYTHON,
    ("inspection/_record.py", "score_gradients"): "a backend without gradients",
    ("inspection/_rlipp.py", "rlipp"): _PYTHON,
    ("layers/kernels.py", "choose_kernel"): "a machine on which a kernel cannot serve",
    ("priors/_annotations.py", "with_evidence"): _PYTHON,
    ("training/_train.py", "train_embedding"): _PYTHON,
}
_WORDING = ("remedy", "by_place", "called", "reader_called")
_NOTED = set()


@pytest.fixture(autouse=True)
def noted(folder, monkeypatch):
    """Note which calls word something, and be in the folder."""
    monkeypatch.chdir(folder)

    def noting(function):
        def of(*arguments, **options):
            frame = sys._getframe(1)
            path = Path(frame.f_code.co_filename)
            if PACKAGE in path.parents:
                _NOTED.add((path.relative_to(PACKAGE).as_posix(), frame.f_lineno))
            return function(*arguments, **options)

        return of

    for name in _WORDING:
        original = getattr(remedies, name)
        replacement = noting(original)
        for module in list(sys.modules.values()):
            if getattr(module, "__name__", "").startswith("keras_vnn") and vars(module).get(name) is original:
                monkeypatch.setattr(module, name, replacement)


@pytest.mark.parametrize(
    "fault",
    [pytest.param(fault, marks=pytest.mark.slow) if case.get("slow") else fault for fault, case in CASES.items()],
)
def test_what_is_said_helps(fault, folder, vnn, monkeypatch):
    case = CASES[fault]
    for name, content in case.get("files", {}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    monkeypatch.setattr("keras_vnn.inspection._ranking._SAID", [])
    for line in case.get("before", ()):
        assert vnn(*_words(line)).code == 0
    failed = vnn(*_words(case["command"]))
    said = failed.out + failed.err
    assert failed.code == (0 if case.get("warns") else 1), said
    assert " ".join(case["says"].split()) in " ".join(said.split()), said
    if "with" in case:
        options = shlex.split(case["with"])
        assert any(word in case["says"] for word in options if word.startswith("--")) or case.get("shows")
        runs = [with_options(_words(case["command"]), options)]
    else:
        runs = [_words(line) for line in case["run"]]
    for words in runs:
        helped = vnn(*words)
        assert helped.code == 0, (words, helped.err)
    assert " ".join(case["says"].split()) not in " ".join((helped.out + helped.err).split()) or "run" in case


def test_every_remedy_is_among_them():
    noted = {
        (module, function)
        for module, function, first, last in _sites()
        if any(of == module and first <= line <= last for of, line in _NOTED)
    }
    slow = {tuple(site.split()) for case in CASES.values() for site in case.get("covers", ())}
    there = {
        (module, function) for module, function, *_ in _sites() if not module.startswith(("readers", "basics/rem"))
    }
    assert there - noted - slow == NOT_EXECUTED.keys()
