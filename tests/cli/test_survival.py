"""Survival on the command line, from training to comparison."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from keras_vnn.models import Survival, load_model, view

OF_CELLS = ("--cells", "followed.csv", "--orientation", "genes-in-rows")
TRAIN = ("train", "ring.vnn", "expression.csv", *OF_CELLS, "--task", "survival", "--epochs", "3")


@pytest.fixture
def followed(job: Path, vnn: Callable) -> None:
    """The cells of the job with a follow-up, of which GENE2 knows; and their network."""
    random = np.random.default_rng(0)
    gene = pd.read_csv("expression.csv", index_col=0).loc["GENE2"]
    table = pd.DataFrame({"weeks": np.ceil(random.exponential(40 / gene)), "died": random.integers(0, 2, len(gene))})
    table.set_axis(gene.index).to_csv("followed.csv")
    assert vnn("build", "--genes", "expression.csv", "--interactions", "ppi.tsv", "-o", "ring.vnn").code == 0


def test_from_training_to_prediction(vnn: Callable, followed: None) -> None:
    ran = vnn(*TRAIN, "--time", "weeks", "--event", "died", "--json", "-o", "m.keras")
    assert ran.code == 0, ran.err
    said = json.loads(ran.out)
    assert said["test"]["cells"] == 12
    assert said["judgement"]["text"].startswith("test c-index 0.")
    assert view(load_model("m.keras")).outputs == Survival()
    assert "log_hazard" in vnn("inspect", "m.keras").out
    assert vnn("predict", "m.keras", "expression.csv", "-o", "risk.csv").code == 0
    assert list(pd.read_csv("risk.csv")) == ["cell", "log_hazard"]
    again = vnn("inspect", "m.keras", "--data", "expression.csv", *OF_CELLS, "--label", "weeks")
    assert again.code == 0, again.err
    assert "higher with" in again.out


@pytest.mark.slow
def test_it_is_reported_exported_and_compared(vnn: Callable, followed: None) -> None:
    assert vnn(*TRAIN, "--time", "weeks", "--event", "died", "-o", "m.keras").code == 0
    for command in (
        ("report", "m.keras", "-o", "report.html"),
        ("export", "m.keras", "--format", "graphml", "-o", "m.graphml"),
        ("explain", "m.keras", "expression.csv", *OF_CELLS, "--label", "weeks", "-o", "tables"),
    ):
        ran = vnn(*command)
        assert ran.code == 0, ran.err
    compared = vnn(
        *("compare", "m.keras", "expression.csv", "--cells", "followed.csv", "-o", "c", "--seeds", "2"),
        *("--controls", "swap", "--baselines", "linear", "--baselines", "constant"),
    )
    assert compared.code == 0, compared.err
    runs = pd.read_csv("c/runs.csv").set_index("contender")
    assert (runs.loc["constant", "c_index"] == 0.5).all()
    assert runs["c_index"].between(0, 1).all()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--time", "weeks"), "task: survival needs two columns, time and event."),
        (("--time", "weeks", "--event", "dead"), "The cells have no column 'dead'."),
        (("--time", "weeks", "--event", "died", "--objective", "autoencoder"), "task: survival goes with objective"),
        (("--task", "regression", "--label", "weeks", "--event", "died"), "time and event are for task: survival"),
    ],
)
def test_what_does_not_go_together(vnn: Callable, followed: None, options: tuple[str, ...], said: str) -> None:
    task = () if "--task" in options else ("--task", "survival")
    ran = vnn(*TRAIN[:-4], *task, *TRAIN[-2:], *options, "-o", "m.keras")
    assert ran.code == 1
    assert said in ran.err
