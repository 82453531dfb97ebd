"""Autoencoders of counts on the command line: trained with a batch, and a new batch mapped onto them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from keras_vnn.models import load_model, view

OF_CELLS = ("--cells", "cells.csv", "--orientation", "genes-in-columns")
TRAIN = ("train", "sets.vnn", "first.csv", *OF_CELLS, "--label", "type", "--objective", "autoencoder", "--epochs", "2")
EXPIMAP = ("--preset", "expimap", "--covariate", "batch")


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vnn: Callable) -> None:
    """Counts of eight genes in two files, whose cells are of batches that the other does not have."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    genes = [f"GENE{i}" for i in range(8)]
    cells = pd.Index([f"cell{i}" for i in range(60)], name="cell")
    counts = pd.DataFrame(random.poisson(random.gamma(2, 4, (60, 8))), index=cells, columns=genes)
    counts[:40].to_csv("first.csv")
    counts[40:].to_csv("second.csv")
    batch = np.repeat(["a", "b", "c"], 20)
    pd.DataFrame({"type": random.choice(["B", "T"], 60), "batch": batch}, index=cells).to_csv("cells.csv")
    Path("sets.gmt").write_text("\t".join(["one", "", *genes[:4]]) + "\n" + "\t".join(["two", "", *genes[4:]]) + "\n")
    build = ("build", "--genes", "first.csv", "--orientation", "genes-in-columns", "--gene-sets", "sets.gmt")
    assert vnn(*build, "--min-genes", "1", "-o", "sets.vnn").code == 0


def test_a_new_batch_is_mapped(vnn: Callable, counted: None) -> None:
    ran = vnn(*TRAIN, *EXPIMAP, "-o", "first.keras", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["test"]["log_likelihood"] < 0
    ran = vnn("predict", "first.keras", "second.csv", *OF_CELLS, "-o", "restored.csv")
    assert ran.code == 1
    assert "It knows: a, b. Leave these cells out; an autoencoder can learn new values from them: vnn map" in ran.err
    ran = vnn("map", "first.keras", "second.csv", *OF_CELLS, "--epochs", "2", "-o", "both.keras")
    assert ran.code == 0, ran.err
    assert "test: log-likelihood -" in ran.out
    kept = view(load_model("both.keras")).card.metadata["training"]
    assert kept["side"]["covariates"][0]["levels"] == ["a", "b", "c"]
    assert (kept["objective"], len(kept["history"]["loss"])) == ("autoencoder", 2)
    assert vnn("predict", "both.keras", "second.csv", *OF_CELLS, "-o", "restored.csv").code == 0
    assert "Name the file to write: -o mapped.keras" in vnn("map", "both.keras", "second.csv").err


def test_what_does_not_fit_is_said_with_flags(vnn: Callable, counted: None) -> None:
    ran = vnn(*TRAIN, *EXPIMAP, "--normalization", "log1p-cpm", "-o", "m.keras")
    assert ran.code == 1
    assert "Pass --normalization log1p, with data that are counts." in ran.err
    ran = vnn(*TRAIN, "--preset", "expimap", "--dispersion", "covariates", "-o", "m.keras")
    assert "Name columns of the cells: --covariate …; or take --dispersion gene." in ran.err
