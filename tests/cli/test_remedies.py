"""What the command line says to do is done, word by word, and helps; no remedy is worded that no fault here shows.

The faults are in ``remedies/readers.yaml``, of files of priors, and ``remedies/commands.yaml``, of all else.
"""

import ast
import re
import shlex
import sys
from contextlib import chdir
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
from keras_vnn.basics.errors import ReadError
from keras_vnn.readers import read_interactions

from .conftest import GENES, main_quietly, write_job

PACKAGE = Path(keras_vnn.__file__).parent
FILES = [Path(__file__).parent / "remedies" / name for name in ("readers.yaml", "commands.yaml")]
FAULTS = [fault for file in FILES for fault in yaml.safe_load(file.read_text(encoding="utf-8"))]
CASES = {fault["fault"]: fault for fault in FAULTS}
assert len(CASES) == len(FAULTS)  # each has a name of its own
FAST = "--epochs 1 -o out.keras --force"
BUILD = "build --genes genes.txt --interactions prior.txt --dry-run"
REGULATED = "build --genes genes.txt --regulation prior.txt --min-targets 1 --dry-run"
WORDS = {
    "$BUILD": BUILD,
    "$REGULATED": REGULATED,
    "$GENES": "build --genes prior.txt --interactions pairs.txt --dry-run",
    "$ANNOTATED": "build --genes genes.txt --ontology go.obo --annotations",
    "$TRAIN_ON": "train ring.vnn $FAST",
    "$TRAIN": "train ring.vnn cells.h5ad --label type $FAST",
    "$AUTO": "train ring.vnn cells.h5ad --objective autoencoder $FAST",
    "$COMPARED": "--seeds 1 --controls swap --baselines constant",
    "$FAST": FAST,
}
PYTHON = re.compile(r"\b[a-z_]+=|\bvnn\.|\bread_\w+")


def _words(line):
    """Return the words of a command."""
    for name, meaning in WORDS.items():
        line = line.replace(name, meaning)
    return shlex.split(line)


def _with(words, options):
    """Return a command with options, in place of those of the same names."""
    named = {word for word in options if word.startswith("--")}
    kept, skipping = [], False
    for word in words:
        skipping = word in named or (skipping and not word.startswith("-"))
        if not skipping:
            kept.append(word)
    return [*kept, *options]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with all that the faults are made of."""
    folder = tmp_path_factory.mktemp("remedies")
    write_job(folder)
    rng = np.random.default_rng(1)
    lists = {
        "genes": GENES,
        "numbers": ["GENE0", "GENE1", "1", "2"],
        "words": ["gene_a", "gene_b"],
        "versions": ["ENSG00000000000.1", "ENSG00000000001.2", "ENSG00000000002.3"],
        "ensembl-genes": ["ENSG00000000001", "ENSG00000000002"],
    }
    for name, names in lists.items():
        (folder / f"{name}.txt").write_text("\n".join(names) + "\n")
    (folder / "pairs.txt").write_text("gene_a\tgene_b\nGENE0\tGENE1\nGENE1\tGENE2\n")
    ones = "".join(f"GENE{i % 6}\t1\t0\n" for i in range(400))
    (folder / "far.txt").write_text(f"gene\tA\tB\n{ones}GENE0\t0.5\t0\n")
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
    cells.X = cells.X + 1j
    cells.raw = None
    cells.write_h5ad(folder / "complex.h5ad")
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
    # Everybody knows everybody but one: 2^19 maximal cliques. And 5,000 proteins in a ring, a node of each.
    party = [f"GUEST{i}" for i in range(38)]
    known = [(one, other) for i, one in enumerate(party) for other in party[i + 1 + (i % 2 == 0) :]]
    ring = [f"PROTEIN{i}" for i in range(5_000)]
    for name, edges in (("party", known), ("large", zip(ring, [*ring[1:], ring[0]], strict=True))):
        (folder / f"{name}.tsv").write_text("".join(f"{one}\t{other}\n" for one, other in edges))
    (folder / "party.txt").write_text("\n".join(party) + "\n")
    values = rng.normal(size=(20, len(ring))).astype(np.float32)
    large = pd.DataFrame({"type": ["T", "B"] * 10}, index=[f"c{i}" for i in range(20)])
    anndata.AnnData(values, large, pd.DataFrame(index=ring)).write_h5ad(folder / "large.h5ad")
    with chdir(folder):
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
    ("architecture/wiring/_ontology.py", "_laid_out"): "no ontology is known that loses every term",
    ("data/labels.py", "class_weights"): _PYTHON,
    ("data/genotypes.py", "read_drug_responses"): _PYTHON,
    ("experiments/comparison/_compare.py", "_check"): _PYTHON,
    ("experiments/controls.py", "_counts"): _PYTHON,
    ("inspection/_latent.py", "_autoencoder"): _PYTHON,
    ("inspection/_ranking.py", "_say_what_is_assumed"): _PYTHON,
    ("inspection/_record.py", "score_gradients"): "a backend without gradients",
    ("inspection/_rlipp.py", "rlipp"): _PYTHON,
    ("layers/kernels.py", "choose_kernel"): "a machine on which a kernel cannot serve",
    ("priors/_annotations.py", "with_evidence"): _PYTHON,
    ("readers/downloads/_fetch.py", "fetch"): "a network",
    ("readers/interactions.py", "_at_least"): _PYTHON,
    ("readers/layout.py", "column_number"): _PYTHON,
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
    for line in case.get("before", ()):
        assert vnn(*_words(line)).code == 0
    words = _words(case["command"])
    failed = vnn(*words)
    said = failed.out + failed.err
    assert failed.code == (0 if case.get("warns") else 1), said
    assert case["says"] in said
    assert PYTHON.search(failed.err) is None, failed.err
    options = shlex.split(case.get("with", ""))
    if options:
        assert case.get("shows") or any(word in case["says"] for word in options if word.startswith("--"))
    for helping in [_with(words, options)] if options else map(_words, case["run"]):
        helped = vnn(*helping)
        assert helped.code == 0, (helping, helped.err)
    if options:
        assert case["says"] not in helped.out + helped.err


def test_every_remedy_is_among_them():
    noted = {
        (module, function)
        for module, function, first, last in _sites()
        if any(of == module and first <= line <= last for of, line in _NOTED)
    }
    slow = {tuple(site.split()) for case in CASES.values() for site in case.get("covers", ())}
    there = {(module, function) for module, function, *_ in _sites() if module != "basics/remedies.py"}
    assert there - noted - slow == NOT_EXECUTED.keys()


def test_what_reads_another_file_is_an_option(folder, vnn):
    (folder / "prior.txt").write_text("GENE0 pd GENE1\nGENE1 pd GENE2\n")
    failed = vnn(*_words(BUILD))
    assert failed.code == 1
    assert "It holds regulation: read it with --regulation." in failed.err
    assert vnn(*_words(REGULATED)).code == 0


def test_sets_with_names_of_genes_are_renamed_in_the_file(folder, vnn):
    sets = "A\t-\tGENE0\tGENE1\nGENE2\t-\tGENE2\tGENE3\n"
    (folder / "sets.gmt").write_text(sets)
    build = ("build", "--genes", "genes.txt", "--gene-sets", "sets.gmt", "--dry-run")
    failed = vnn(*build)
    assert failed.code == 1
    assert failed.err.endswith("Rename these sets in the file, for example to SET:GENE2.\n")
    (folder / "sets.gmt").write_text(sets.replace("\nGENE2", "\nSET:GENE2"))
    assert vnn(*build).code == 0


def test_python_is_told_in_the_words_of_python(folder):
    (folder / "prior.txt").write_text("GENE0\tGENE1\nGENE3\t\n")
    with pytest.raises(ReadError, match='Pass malformed="skip" to count such rows in the audit'):
        read_interactions("prior.txt")
