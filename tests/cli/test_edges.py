"""`vnn train --soft-links`, `--decoy-edges`, and what `vnn inspect --edges` shows of them."""

import json

import pytest

from .conftest import main_quietly

QUICK = ("--label", "type", "--epochs", 2)
DECOYS = ("--decoy-edges",)


@pytest.fixture(scope="module")
def models(trained, tmp_path_factory):
    """A folder with two trainings with soft links that nothing holds back, and one with decoys."""
    folder = tmp_path_factory.mktemp("edges")
    files = (trained / "ring.vnn", trained / "expression.csv", "--cells", trained / "cells.csv", *QUICK)
    soft = ("--soft-links", "near", "--soft-link-penalty", 0)
    for name, options in {"soft0": (*soft, "--seed", 0), "soft1": (*soft, "--seed", 1), "decoys": DECOYS}.items():
        main_quietly([str(word) for word in ("train", *files, *options, "-o", folder / f"{name}.keras")])
    return folder


def test_links_of_two_trainings(models, vnn):
    ran = vnn("inspect", models / "soft0.keras", "--with", models / "soft1.keras", "--edges", "soft-links", "--json")
    rows = json.loads(ran.out)
    assert ran.code == 0 and {row["models"] for row in rows} == {2}
    shown = vnn("inspect", models / "soft0.keras", "--edges", "soft-links", "--top", 1)
    assert "found_in" in shown.out and "edges taken up" in shown.err


def test_edges_of_the_prior_against_decoys(models, vnn):
    rows = json.loads(vnn("inspect", models / "decoys.keras", "--edges", "prior", "--json").out)
    assert all(0 < row["q"] <= 1 for row in rows)
    assert "edges of the prior at FDR 5%" in vnn("inspect", models / "decoys.keras", "--edges", "prior").err


def test_models_without_them_and_other_words_are_refused(models, vnn):
    refused = vnn("inspect", models / "decoys.keras", "--edges", "soft-links")
    assert refused.code and "Train one: vnn train … --soft-links near" in refused.err
    refused = vnn("inspect", models / "decoys.keras", "--edges", "soft")
    assert refused.code and "soft-links" in refused.err
