"""The demo: the main job from end to end, quickly with one epoch, and in full as users run it."""

from __future__ import annotations

import json
from pathlib import Path

import networkx as nx
import pandas as pd
import pytest

from keras_vnn.architecture import load_architecture
from keras_vnn.basics.errors import ConfigError, OutputError
from keras_vnn.cli.demo import run_demo
from keras_vnn.models import load_model
from keras_vnn.recipes.read import changed_section, read_recipe
from keras_vnn.recipes.schema import Recipe

FILES = {
    "activities.png",
    "architecture.vnn",
    "confusion.png",
    "history.csv",
    "layers.png",
    "layers.svg",
    "model.keras",
    "network.graphml",
    "nodes_ranked.csv",
    "report.html",
    "results.json",
    "scores.csv",
    "summary.json",
    "summary.md",
    "summary.txt",
    "tables",
    "top_nodes.png",
    "training.png",
}


def shortened(name: str = "kang-ppi-tf") -> Recipe:
    recipe = read_recipe(name)
    return recipe.model_copy(update={"train": changed_section(recipe.train, {"epochs": 1}, "the test")})


@pytest.mark.slow
def test_everything_is_left_and_opens(tmp_path: Path) -> None:
    said: list[str] = []
    result = run_demo(tmp_path / "out", recipe=shortened(), full=True, say=said.append)
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    assert (result.interactions, result.interacting_genes) == (4348, 2581)
    assert any("4,348 interactions on 2,581 genes" in line for line in said)
    assert load_model(
        tmp_path / "out" / "model.keras", architecture=load_architecture(tmp_path / "out" / "architecture.vnn")
    )
    assert nx.read_graphml(tmp_path / "out" / "network.graphml").has_edge("IFIT1", "PPI:IFIT3")
    found = json.loads((tmp_path / "out" / "results.json").read_text())
    assert found["five_folds"]["nearest centroid"]["accuracy"] == pytest.approx(0.983, abs=0.01)
    more = found["five_folds"]["named nodes and 100 dense units"]["parameters"]
    assert more - found["five_folds"]["named nodes alone"]["parameters"] > 100 * 2581
    assert pd.read_csv(tmp_path / "out" / "nodes_ranked.csv", index_col=0).index[0] == found["top_nodes"][0]


def test_without_folds_it_says_how_the_model_does_and_what_was_found(tmp_path: Path) -> None:
    result = run_demo(tmp_path / "out", style="ontology", recipe=shortened("kang-go"))
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES - {"scores.csv"}
    assert result.scores is None and result.judgement.startswith("test accuracy ")
    first, *rest = result.verdict.split("\n")
    assert " of 2,620 nodes have evidence" in first
    # Interferon-β is what was added: nothing that answers to it is higher in cells without it.
    assert any(line.startswith("Higher in stimulated: ") and "interferon" in line for line in rest), rest
    assert json.loads((tmp_path / "out" / "results.json").read_text())["five_folds"] is None


def test_results_are_not_replaced_unasked(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(OutputError) as error:
        run_demo(tmp_path, recipe=shortened())
    assert str(error.value) == (
        f"The folder is not empty: {tmp_path}\nName another one, or add --force to replace its results."
    )
    with pytest.raises(OutputError, match="a file has that name"):
        run_demo(tmp_path / "mine.txt", recipe=shortened())


def test_a_recipe_without_training_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs a recipe with a build and a train section"):
        run_demo(tmp_path, recipe=shortened().model_copy(update={"train": None}))


@pytest.mark.slow
def test_the_whole_demo_reaches_its_accuracy(tmp_path: Path) -> None:
    scores = run_demo(tmp_path / "out", full=True).scores
    assert scores.loc["named nodes alone", "accuracy"] >= 0.95
    assert scores.loc["named nodes and 100 dense units", "accuracy"] >= 0.97
