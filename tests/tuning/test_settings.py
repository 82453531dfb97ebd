"""Recipes with other values, and recipes as text that is read again elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from keras_vnn.basics.bundled import config_names
from keras_vnn.experiments.tuning._trials import changed_recipe, own_values
from keras_vnn.recipes.read import content_of, read_recipe, recipe_text
from keras_vnn.recipes.schema import BuildRecipe, Recipe, TrainingRecipe, TrainRecipe
from keras_vnn.recipes.space import Choices, Range

START = TrainingRecipe(
    build=BuildRecipe(genes="g.txt", gene_sets="s.gmt", max_genes=50),
    train=TrainRecipe(
        data="d.h5ad", label="type", dropout=0.5, tail=(8,), epochs=4, model={"head": "linear"}, training={"decay": 0.1}
    ),
)


def test_values_take_their_places():
    found = changed_recipe(START, {"build.min_genes": 7, "learning_rate": 0.5, "model.aux_weight": 0.1})
    assert (found.build.wiring, found.train.training["learning_rate"]) == ({"min_genes": 7, "max_genes": 50}, 0.5)
    assert found.train.model == {"head": "linear", "aux_weight": 0.1, "dropout": 0.5, "tail": (8,)}
    assert START.train.model == {"head": "linear", "dropout": 0.5, "tail": (8,)}
    assert START.build.wiring == {"max_genes": 50}


def test_an_option_of_a_group_is_not_hidden_by_that_of_the_section():
    found = changed_recipe(START, {"model.dropout": 0.1, "training.epochs": 9}).train
    assert found.model["dropout"] == 0.1
    assert found.training_options().epochs == 9
    assert found.training_options().decay == 0.1


def test_no_tail_and_no_limit_are_values_too():
    found = changed_recipe(START, {"tail": [], "build.max_genes": None})
    assert found.train.model["tail"] == ()
    assert found.build.wiring["max_genes"] is None


@pytest.mark.parametrize("name", config_names())
def test_a_recipe_is_read_as_it_was_written_wherever_it_is_put(name: str, tmp_path: Path) -> None:
    recipe = read_recipe(name.removesuffix(".yaml"))
    (tmp_path / "deep").mkdir()
    path = tmp_path / "deep" / "again.yaml"
    path.write_text(recipe_text(recipe, path.parent, note="Said."), encoding="utf-8")
    again = read_recipe(path)
    assert again.notes == f"{recipe.notes.strip()} Said."
    assert (again.title, again.reference, again.compare) == (recipe.title, recipe.reference, recipe.compare)
    assert content_of(again) == content_of(recipe)
    assert again.train.model_dump(exclude={"data", "cells"}) == recipe.train.model_dump(exclude={"data", "cells"})
    assert again.train.data.resolve() == recipe.train.data.resolve()


def test_files_nearby_are_named_from_the_folder(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "runs" / "tuned").mkdir(parents=True)
    train = TrainRecipe(data=tmp_path / "data" / "cells.h5ad", label="type", output="model.keras")
    text = recipe_text(Recipe(train=train), tmp_path / "runs" / "tuned", note="Said.")
    assert "data: ../../data/cells.h5ad" in text
    assert "output" not in text
    far = TrainRecipe(data="/elsewhere/cells.h5ad", label="type")
    assert "data: /elsewhere/cells.h5ad" in recipe_text(Recipe(train=far), tmp_path, note="Said.")


def test_the_recipes_own_values_and_whether_they_lie_in_the_space():
    space = {
        "learning_rate": Range(low=1e-3, high=1e-1),
        "tail": Choices(([], [8])),
        "build.max_genes": Range(low=10, high=100, step=10),
        "training.decay": Choices((0.1, 0.2)),
        "model.head": Choices(("linear", "linear-tanh-linear")),
        "pretrain": Choices(("none", "all")),
        "dropout": Range(low=0.0, high=0.4),
        "build.min_genes": Range(low=2, high=9),
        "embedding.margin": Range(low=0.1, high=1),
    }
    own = own_values(START, space)
    assert own == {
        "learning_rate": 0.1,  # that of TrainingOptions
        "tail": [8],
        "build.max_genes": 50,
        "training.decay": 0.1,
        "model.head": "linear",
        "pretrain": "none",
        "dropout": 0.5,
        "build.min_genes": 2,  # that of the wiring of interactions
        "embedding.margin": None,
    }
    assert [name for name in space if not space[name].holds(own[name])] == [*("dropout", "embedding.margin")]
    assert not Range(low=15, high=95, step=10).holds(50)
