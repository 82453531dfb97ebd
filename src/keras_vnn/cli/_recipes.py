"""Options from a recipe, and those of the command line that replace them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_vnn.basics.files import protect
from keras_vnn.cli._inputs import take_inputs

if TYPE_CHECKING:
    from keras_vnn.recipes.read import Section
    from keras_vnn.recipes.schema import BuildRecipe, CompareRecipe, Recipe, TrainRecipe, TuneRecipe

__all__ = ["build_options", "compare_options", "is_recipe", "recipe_of", "train_options", "tune_options"]


def is_recipe(name: str | None) -> bool:
    """Return whether an argument names a recipe rather than a saved architecture."""
    if name is None:
        return False
    from keras_vnn.basics.bundled import config_names

    return Path(name).suffix in (".yaml", ".yml") or (not Path(name).exists() and f"{name}.yaml" in config_names())


def recipe_of(name: str | None) -> Recipe | None:
    """Read the recipe an argument names, if it names one."""
    if name is None:
        return None
    from keras_vnn.recipes.read import read_recipe

    protect([Path(name)])
    return read_recipe(name)


def build_options(recipe: Recipe | None, options: dict[str, Any]) -> BuildRecipe:
    """Return the options of ``vnn build``."""
    from keras_vnn.recipes.schema import BuildRecipe

    return _section(BuildRecipe, None if recipe is None else recipe.build, options)


def compare_options(recipe: Recipe | None, options: dict[str, Any]) -> CompareRecipe:
    """Return the options of ``vnn compare``."""
    from keras_vnn.recipes.schema import CompareRecipe

    return _section(CompareRecipe, None if recipe is None else recipe.compare, options)


def train_options(recipe: Recipe | None, options: dict[str, Any]) -> TrainRecipe:
    """Return the options of ``vnn train``."""
    from keras_vnn.recipes.schema import TrainRecipe

    return _section(TrainRecipe, None if recipe is None else recipe.train, options)


def tune_options(recipe: Recipe | None, options: dict[str, Any]) -> TuneRecipe:
    """Return the options of ``vnn tune``."""
    from keras_vnn.recipes.schema import TuneRecipe

    return _section(TuneRecipe, None if recipe is None else recipe.tune, options)


def _section(kind: type[Section], known: Section | None, options: dict[str, Any]) -> Section:
    from keras_vnn.recipes.read import make_section

    section = make_section(kind, known, options, "the command line")
    take_inputs(dict(section))
    return section
