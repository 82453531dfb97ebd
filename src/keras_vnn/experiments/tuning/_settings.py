"""Recipes with other values in some fields, as text too, and the check that a search space makes sense for a recipe."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from keras_vnn.basics.errors import ConfigError, VNNError, check_choice
from keras_vnn.basics.runs import digest_of
from keras_vnn.recipes.read import changed_section
from keras_vnn.recipes.schema import Recipe, TrainingRecipe, TrainRecipe
from keras_vnn.recipes.space import Setting

SomeRecipe = TypeVar("SomeRecipe", bound=Recipe)

# These change what the loss counts, so that losses of two trials are not of one kind.
_LOSS = ("l2", "model.l2", "model.loss")
_CLASSES = ("balanced_accuracy", "accuracy", "macro_f1", "log_loss", "loss")
_NUMBERS = ("r2", "pearson", "spearman", "mse", "loss")


def measure_of(recipe: TrainRecipe, measure: str | None) -> str:
    """Return the measure of a search: that asked for, else the one of the task.

    Raises
    ------
    ConfigError
        The task has no such measure.
    """
    known = ("loss",) if recipe.objective != "prediction" else _CLASSES if recipe.task == "classification" else _NUMBERS
    of = recipe.task if recipe.objective == "prediction" else f"{recipe.objective} embeddings"
    check_choice(f"The measure of {of}", measure or known[0], known)
    return measure or known[0]


def changed_recipe(recipe: SomeRecipe, values: Mapping[str, Any]) -> SomeRecipe:
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
        for name, section in recipe.commands.items()
        if sections.get(name)
    }
    return recipe.model_copy(update=changes)


def check_space(recipe: TrainingRecipe, space: Mapping[str, Setting]) -> None:
    """Check that fields of a recipe can be searched as asked.

    Raises
    ------
    ConfigError
        There is nothing to search, a field is named twice or is not there, or a value is impossible.
    """
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
    _check_examples(recipe, space, lambda changed: None)


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


def check_options(recipe: TrainingRecipe, space: Mapping[str, Setting]) -> None:
    """Check the names and values that only the models and the training know; imports Keras.

    Raises
    ------
    ConfigError
        An option is unknown, or a value is impossible.
    """
    from keras_vnn.models import check_functions

    def check(train: TrainRecipe) -> None:
        train.check()
        train.pretraining_options()
        check_functions(train.model_options())

    _check_examples(recipe, {name: space[name] for name in space if not name.startswith("build.")}, check)


def _check_examples(recipe: TrainingRecipe, space: Mapping[str, Setting], check: Callable[[TrainRecipe], None]) -> None:
    for name, value in ((name, value) for name, setting in space.items() for value in setting.examples):
        try:
            check(changed_recipe(recipe, {name: value}).train)
        except (VNNError, TypeError) as error:
            raise ConfigError(f"The field {name} cannot have the value {value!r}:\n    {error}") from error


def own_values(recipe: TrainingRecipe, space: Mapping[str, Setting]) -> dict[str, Any]:
    """Return the values that a recipe has where it is searched, be they within the space or not. Imports Keras."""
    train, build = recipe.train, recipe.build
    pretraining = train.pretraining_options()
    model, training = train.model_options().model_dump(), train.training_options().model_dump()
    own = {"preset": train.preset, "pretrain": train.pretrain, **model, **training}
    wiring = {} if build is None else build.applying("wiring")[0]().model_dump() | build.wiring
    of_group: dict[str, Mapping[str, Any]] = {
        "": own,
        "train": own,
        "build": {} if build is None else build.model_dump() | wiring,
        "model": model,
        "training": training,
        "pretraining": {} if pretraining is None else pretraining.model_dump(),
        "embedding": train.embedding,
    }
    found = {name: of_group[name.rpartition(".")[0]].get(name.rpartition(".")[2]) for name in space}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


def recipe_text(recipe: Recipe, folder: Path, *, note: str) -> str:
    """Return a recipe as YAML, to be written into a folder; paths are relative to it where they can be.

    Parameters
    ----------
    recipe
        Its ``tune`` section is left out.
    folder
        Where the text is to be written.
    note
        A sentence for the notes.
    """
    content = _plain(_without(recipe), lambda path: _path_from(folder, path))
    content["notes"] = f"{recipe.notes.strip()} {note}".strip()
    order = [name for name in Recipe.model_fields if name in content]
    text: str = yaml.safe_dump(
        {name: content[name] for name in order}, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None
    )
    return text


def content_of(recipe: Recipe) -> dict[str, Any]:
    """Return what the trials of a search depend on, as JSON values; files by name and digest, wherever they lie."""
    content = _plain(_without(recipe), lambda path: [path.name, digest_of(path)])
    return {name: content[name] for name in ("build", "train") if name in content}


def _without(recipe: Recipe) -> dict[str, Any]:
    """Return the options a recipe sets, but for the search and for where results go."""
    content = recipe.model_dump(exclude_unset=True, exclude={"tune"}, exclude_none=False)
    content = {name: value for name, value in content.items() if value is not None}
    for section in recipe.commands:
        for name in ("output", "logs"):
            content[section].pop(name, None)
    return content


def _plain(value: Any, path_as: Callable[[Path], Any]) -> Any:
    if isinstance(value, Path):
        return path_as(value)
    if isinstance(value, dict):
        return {name: _plain(part, path_as) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part, path_as) for part in value]
    return value


def _path_from(folder: Path, path: Path) -> str:
    own, other = folder.resolve(), path.resolve()
    shared = [part for part in other.parents if part in own.parents or part == own]
    # A way that leads over the root of the disk holds on this machine only, as the whole path does.
    if not shared or shared[0] == Path(other.anchor):
        return other.as_posix()
    return Path(os.path.relpath(other, own)).as_posix()
