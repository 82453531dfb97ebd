"""Recipes with other values in some fields, and the check that a search space makes sense for a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras_vnn.basics.errors import ConfigError, VNNError
from keras_vnn.recipes.read import changed_section
from keras_vnn.recipes.schema import Recipe, TrainRecipe
from keras_vnn.recipes.space import Setting

# These change what the loss counts, so that losses of two trials are not of one kind.
_LOSS = ("l2", "model.l2", "model.loss")

__all__ = ["changed_recipe", "check_options", "check_pruning", "check_space", "own_values"]


def changed_recipe(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """Return a recipe with other values in some fields.

    Parameters
    ----------
    recipe
        With a train section.
    values
        By name of the field: ``learning_rate`` of train, ``build.min_genes``, ``model.head`` and the like.

    Raises
    ------
    ConfigError
        A value is impossible.
    """
    sections: dict[str, dict[str, Any]] = {"build": {}, "train": {}}
    for name, value in values.items():
        group, _, field = name.rpartition(".")
        if group in ("", *sections):
            sections[group or "train"][field] = value
        else:
            sections["train"].setdefault(group, {})[field] = value
    changes = {
        name: changed_section(section, sections[name], "the search space")
        for name in sections
        if sections[name] and (section := getattr(recipe, name)) is not None
    }
    return recipe.model_copy(update=changes)


def check_space(recipe: Recipe, space: Mapping[str, Setting]) -> TrainRecipe:
    """Return the train section of a recipe whose fields can be searched as asked.

    Raises
    ------
    ConfigError
        There is nothing to search, a field is named twice or is not there, or a value is impossible.
    """
    if recipe.train is None:
        raise ConfigError("A search needs a recipe with a train section; this one has none.")
    if not space:
        raise ConfigError(
            "There is nothing to search: the recipe names no fields.\nAdd to it, for example:\n"
            "    tune:\n      space:\n        learning_rate: {low: 0.0001, high: 0.01, log: true}\n"
            "        dropout: [0, 0.2, 0.5]"
        )
    if recipe.train.validation == 0:
        raise ConfigError(
            "Trials are judged by validation cells, and the recipe has none: validation: 0.\n"
            "Give it some: validation: 0.15"
        )
    for name in space:
        group, _, field = name.rpartition(".")
        if group == "build" and (recipe.build is None or recipe.train.architecture is not None):
            raise ConfigError(
                f"{name} cannot be searched: the network is not built by this recipe.\n"
                "Put a build section in the place of architecture."
            )
        if group in ("model", "training") and field in space:
            raise ConfigError(f"{name} and {field} are the same option. Search one of them.")
    for name, value in ((name, value) for name, setting in space.items() for value in setting.examples):
        try:
            changed_recipe(recipe, {name: value})
        except ConfigError as error:
            raise ConfigError(f"The field {name} cannot have the value {value!r}:\n    {error}") from error
    return recipe.train


def check_pruning(space: Mapping[str, Setting]) -> None:
    """Check that losses of trials can be compared.

    Raises
    ------
    ConfigError
        A field is searched that changes what the loss counts.
    """
    changing = [name for name in space if name in _LOSS or name.startswith("embedding.")]
    if changing:
        raise ConfigError(
            f"Trials are pruned by their losses, and {changing[0]} changes what the loss counts.\n"
            "Search without it, or without pruning: pruning: none"
        )


def check_options(recipe: Recipe, space: Mapping[str, Setting]) -> None:
    """Check the names and values that only the models and the training know; imports Keras.

    Raises
    ------
    ConfigError
        An option is unknown, or a value is impossible.
    """
    from keras_vnn.models import check_functions

    for name, value in ((name, value) for name, setting in space.items() for value in setting.examples):
        train = changed_recipe(recipe, {name: value}).train
        if train is None or name.startswith("build."):
            continue
        try:
            train.training_options()
            train.pretraining_options()
            check_functions(train.model_options())
        except (VNNError, TypeError) as error:
            raise ConfigError(f"The field {name} cannot have the value {value!r}:\n    {error}") from error


def own_values(recipe: Recipe, space: Mapping[str, Setting]) -> dict[str, Any]:
    """Return the values that a recipe has where it is searched, be they within the space or not. Imports Keras."""
    train = recipe.train
    if train is None:
        return {}
    pretraining = train.pretraining_options()
    build: dict[str, Any] = {}
    if recipe.build is not None:
        kinds = recipe.build.applying("wiring")
        build = {**recipe.build.model_dump(), **kinds[0]().model_dump(), **recipe.build.wiring}
    of_group: dict[str, Mapping[str, Any]] = {
        "build": build,
        "model": train.model_options().model_dump(),
        "training": train.training_options().model_dump(),
        "pretraining": {} if pretraining is None else pretraining.model_dump(),
        "embedding": train.embedding,
    }
    of_group[""] = {"preset": train.preset, "pretrain": train.pretrain, **of_group["model"], **of_group["training"]}
    of_group["train"] = of_group[""]
    found = {}
    for name in space:
        group, _, field = name.rpartition(".")
        value = of_group[group].get(field)
        found[name] = list(value) if isinstance(value, tuple) else value
    return found
