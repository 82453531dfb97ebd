"""What models read next to one number per gene, and genotypes, on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from keras_vnn.models import load_model, view

TRAIN = ("train", "ring.vnn", "cells.h5ad", "--label", "type", "--epochs", "3")


@pytest.fixture
def cells(job: Path, vnn: Callable) -> anndata.AnnData:
    """The cells of the job with donors, ages and drugs, in a file; and their network."""
    values = pd.read_csv("expression.csv", index_col=0).T
    data = anndata.AnnData(
        values.to_numpy("float32"), obs=pd.read_csv("cells.csv", index_col=0), var=pd.DataFrame(index=values.columns)
    )
    data.obs["age"] = np.arange(80.0)
    data.obs["sex"] = ["f", "m"] * 40
    mixed = np.random.default_rng(1).permutation(80)
    # One donor of 44 cells, four of nine.
    data.obs["donor"] = np.repeat([f"d{i}" for i in range(5)], [44, 9, 9, 9, 9])[mixed]
    data.obsm["drug"] = np.random.default_rng(0).normal(size=(80, 4))
    data.write_h5ad("cells.h5ad")
    assert vnn("build", "--genes", "cells.h5ad", "--interactions", "ppi.tsv", "-o", "ring.vnn").code == 0
    return data


@pytest.mark.slow
def test_covariates_and_a_side_branch_are_found_again(vnn: Callable, cells: anndata.AnnData) -> None:
    trained = vnn(*TRAIN, "--covariate", "age", "--covariate", "sex", "--side", "drug", "-o", "m.keras")
    assert trained.code == 0, trained.err
    assert [tuple(part.shape[1:]) for part in load_model("m.keras").inputs] == [(12,), (7,)]
    predicted = vnn("predict", "m.keras", "cells.h5ad", "--activities", "nodes.h5ad", "-o", "p.csv")
    assert predicted.code == 0, predicted.err
    assert len(pd.read_csv("p.csv")) == 80
    assert vnn("inspect", "m.keras", "PPI:GENE3", "--data", "cells.h5ad", "--label", "type").code == 0
    explained = vnn("explain", "m.keras", "cells.h5ad", "--label", "type", "-o", "tables")
    assert explained.code == 0, explained.err
    compared = vnn(
        "compare", "m.keras", "cells.h5ad", "-o", "c", "--seeds", "1", "--controls", "swap", "--baselines", "linear"
    )
    assert compared.code == 0, compared.err
    del cells.obs["age"]
    cells.write_h5ad("without.h5ad")
    ran = vnn("predict", "m.keras", "without.h5ad", "-o", "q.csv")
    assert "error: The cells have no column 'age'" in ran.err


def test_an_array_that_is_not_there_is_named(vnn: Callable, cells: anndata.AnnData) -> None:
    ran = vnn(*TRAIN, "--side", "no_such_key", "-o", "m.keras")
    assert ran.code == 1
    assert "error: The data have no obsm 'no_such_key'.\nTheir obsm: drug." in ran.err
    ran = vnn(*TRAIN, "--preset", "drugcell", "-o", "m.keras")
    assert "The model has a side branch of 2,048 features, but there are no data for it.\n" in ran.err
    assert "--side" in ran.err and "side_features=0" not in ran.err
    assert (
        "side goes with objective: prediction only"
        in vnn(*TRAIN, "--side", "drug", "--objective", "triplet", "-o", "m.keras").err
    )


@pytest.mark.slow
def test_donors_stay_together(vnn: Callable, cells: anndata.AnnData) -> None:
    trained = vnn(*TRAIN, "--group", "donor", "-o", "m.keras")
    assert trained.code == 0, trained.err
    kept = view(load_model("m.keras")).card.metadata["training"]["split"]
    assert kept["group"] == "donor"
    assert kept["test"] and kept["validation"] and "d0" not in kept["test"] + kept["validation"]
    assert (
        "error: The cells have no column 'donr'. Did you mean donor?"
        in vnn(*TRAIN, "--group", "donr", "-o", "n.keras").err
    )
    compared = vnn(
        "compare", "m.keras", "cells.h5ad", "-o", "c", "--folds", "5", "--seeds", "1", "--controls", "swap",
        "--baselines", "linear",
    )  # fmt: skip
    assert compared.code == 0, compared.err
    tested = pd.read_csv("c/runs.csv").query("contender == 'linear'")["test"]
    assert sorted(tested) == [9, 9, 9, 9, 44]


def test_genotypes_of_dcell_are_trained_and_predicted(
    vnn: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    genes = [f"YAL{i:03}C" for i in range(12)]
    pairs = [sorted(rng.choice(genes, 2, replace=False)) for _ in range(80)]
    rows = [f"2 {a} {b} {-0.1 * (a < 'YAL006C'):.2f}\n" for a, b in pairs]
    Path("train.txt").write_text("".join(rows))
    Path("new.txt").write_text("".join(f"2 {a} {b}\n" for a, b in pairs[:5]))
    edges = [f"ROOT\tS{i}\tdefault\n" for i in range(2)] + [f"S{i % 2}\t{gene}\tgene\n" for i, gene in enumerate(genes)]
    Path("ont.txt").write_text("".join(edges))
    Path("genes.txt").write_text("".join(f"{gene}\n" for gene in genes))
    assert vnn("build", "--genes", "genes.txt", "--hierarchy", "ont.txt", "-o", "d.vnn").code == 0
    trained = vnn(
        "train", "d.vnn", "train.txt", "--label", "phenotype", "--task", "regression", "--preset", "dcell-code",
        "--epochs", "2", "--batch-size", "16", "--missing", "zero", "-o", "d.keras",
    )  # fmt: skip
    assert trained.code == 0, trained.err
    assert "DCell genotypes of train.txt: 80 rows, 12 genes" in trained.err
    predicted = vnn("predict", "d.keras", "new.txt", "--missing", "zero", "-o", "p.csv")
    assert predicted.code == 0, predicted.err
    assert pd.read_csv("p.csv").shape == (5, 2)


def write_drugs(genes: list[str]) -> None:
    """Write the files of NeST-VNN and DrugCell by their published names."""
    rng = np.random.default_rng(0)
    lines, drugs = [f"LINE{i}" for i in range(10)], ["CCO", "CN"]
    for name, ids in (("gene", genes), ("cell", lines), ("drug", drugs)):
        Path(f"{name}2ind.txt").write_text("".join(f"{i}\t{each}\n" for i, each in enumerate(ids)))
    for name in ("cell2mutation", "cell2cndeletion", "cell2cnamplification"):
        np.savetxt(f"{name}.txt", rng.integers(0, 2, (10, len(genes))), fmt="%d", delimiter=",")
    np.savetxt("drug2fingerprint.txt", rng.integers(0, 2, (2, 8)), fmt="%d", delimiter=",")
    pairs = [(line, drug) for line in lines for drug in drugs] * 3
    Path("train.txt").write_text("".join(f"{line}\t{drug}\t{rng.random():.3f}\tGDSC1\n" for line, drug in pairs))
    Path("new.txt").write_text("".join(f"{line}\t{drug}\n" for line, drug in pairs[:7]))


@pytest.mark.parametrize("preset", ["nest", pytest.param("drugcell", marks=pytest.mark.slow)])
def test_responses_to_drugs_are_trained_and_predicted(
    vnn: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    monkeypatch.chdir(tmp_path)
    genes = [f"G{i}" for i in range(6)]
    write_drugs(genes)
    Path("sets.gmt").write_text("S1\t\tG0\tG1\tG2\nS2\t\tG3\tG4\tG5\n")
    assert vnn("build", "--genes", "gene2ind.txt", "--gene-sets", "sets.gmt", "-o", "s.vnn").code == 0
    if preset == "drugcell":  # which reads mutations alone
        Path("cell2cndeletion.txt").unlink()
        Path("cell2cnamplification.txt").unlink()
    trained = vnn(
        "train", "s.vnn", "train.txt", "--label", "response", "--task", "regression", "--preset", preset, "--side",
        "drug", "--side-layers", "4", "--epochs", "2", "--batch-size", "16", "-o", "n.keras",
    )  # fmt: skip
    assert trained.code == 0, trained.err
    predicted = vnn("predict", "n.keras", "new.txt", "-o", "p.csv", "--activities", "a.h5ad")
    assert predicted.code == 0, predicted.err
    assert pd.read_csv("p.csv").shape == (7, 2)
    assert anndata.read_h5ad("a.h5ad").shape == (7, 2)
    page = vnn("inspect", "n.keras", "S1", "--data", "train.txt", "--label", "response")
    assert page.code == 0, page.err
    assert vnn("explain", "n.keras", "train.txt", "--label", "response", "-o", "tables").code == 0


@pytest.mark.parametrize(
    ("wrong", "right"), [("--lr", "--learning-rate"), ("--n-epochs", "--epochs"), ("--n-hidden", "--tail")]
)
def test_options_that_are_called_otherwise_elsewhere(vnn: Callable, job: Path, wrong: str, right: str) -> None:
    ran = vnn("train", "ring.vnn", "expression.csv", wrong, "1")
    assert ran.code == 2
    # Older releases of Typer put it into a box, and a break where they like.
    assert "No such option" in ran.err and wrong in ran.err and right.rpartition("-")[2] in ran.err
