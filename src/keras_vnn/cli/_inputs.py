"""What commands are given: files, recipes, cells, and options that several of them have.

Files are looked for before anything slow is imported, and never written onto.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from keras_vnn.basics.bundled import config_names
from keras_vnn.basics.errors import USUAL_NAMES
from keras_vnn.basics.files import existing_file, existing_path, protect
from keras_vnn.basics.keras_import import import_keras
from keras_vnn.basics.remedies import on_command_line
from keras_vnn.cli._console import say
from keras_vnn.cli._options import classes, columns
from keras_vnn.recipes.read import Section, make_section, read_recipe
from keras_vnn.recipes.schema import BuildRecipe, CellsRecipe, Recipe, TrainingRecipe, TrainRecipe

CellTable = Annotated[Path | None, typer.Option(help="Table of cells with their labels, for CSV and TSV.")]
ClassName = Annotated[
    str | None,
    typer.Option(
        "--class", help="Describe nodes for this class; by default each for its best one.", autocompletion=classes
    ),
]
MaybeLabel = Annotated[
    str | None,
    typer.Option(help="Column with the labels; by default the predicted classes.", autocompletion=columns),
]
Force = Annotated[bool, typer.Option("--force", help="Replace existing files.")]
SameArchitecture = Annotated[Path | None, typer.Option(help="Fail unless the model was built from this architecture.")]

_OUTPUTS = {"activities", "output", "logs"}
_WORDS = {
    "architecture": "architecture file",
    "cells": "table of cells",
    "comparison": "comparison",
    "data": "data file",
    "model": "model file",
    "source": "model or architecture",
}


_METAVARS = {"path": "FILE", "int": "N", "float": "NUMBER"}


class _Plain:
    """Help that says of an option what it takes in one word, and has room for its name and the rest in 80 columns."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        self.describe(ctx)
        super().format_help(ctx, formatter)  # type: ignore[misc]

    def describe(self, ctx: Any) -> None:
        """Say it of all options, with the formats of files: only when asked, as the readers take a while to import."""
        for option in self.get_params(ctx):  # type: ignore[attr-defined]
            text = getattr(option, "help", None) or ""
            if option.param_type_name == "option":
                if option.metavar is None:
                    # Where the type is depends on the release of Typer.
                    descriptor = getattr(option, "type_descriptor", None)
                    kind = f"{getattr(option, 'type', '')} {getattr(descriptor, 'annotation', '')}".lower()
                    word = next((word for key, word in _METAVARS.items() if key in kind), "TEXT")
                    option.metavar = "" if getattr(option, "is_flag", False) else word
                if option.secondary_opts:
                    # They would have a column of their own, and names would be cut.
                    text = f"{text} Opposite: {', '.join(option.secondary_opts)}."
                    option.secondary_opts = []
            if "{formats}" in text:
                from keras_vnn.readers.registry import titles

                text = text.replace("{formats}", titles(str(option.name).replace("_", "-")))
            if text:
                setattr(option, "help", text)  # noqa: B010 - arguments have no help


class HelpedGroup(_Plain, typer.core.TyperGroup):
    """Commands with such a help."""


class Helped(_Plain, typer.core.TyperCommand):
    """A command with such a help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options; one that is called so elsewhere is told by the name it has here."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            asked = str(getattr(error, "option_name", "")).lstrip("-").replace("-", "_")
            flag = f"--{USUAL_NAMES.get(asked, '').replace('_', '-')}"
            if any(flag in option.opts for option in self.params):
                setattr(error, "possibilities", [flag])  # noqa: B010 - Typer has its own class of it, or Click's
            raise


class Command(Helped):
    """A command whose inputs are looked for first, and never written onto."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        # Earlier releases of Typer make paths of texts only when they call the function.
        kinds = {param.name: getattr(getattr(param, "type", None), "name", "") for param in self.params}
        on_command_line(
            {str(param.name): max(param.opts, key=len) for param in self.params if param.opts[0][:1] == "-"}
        )
        take_inputs({name: _paths(value) if kinds.get(name) == "path" else value for name, value in ctx.params.items()})
        return super().invoke(ctx)


def _paths(value: Any) -> Any:
    """Return texts as paths."""
    if isinstance(value, list | tuple):
        return [_paths(part) for part in value]
    return Path(value) if isinstance(value, str) else value


def take_inputs(options: Mapping[str, Any]) -> None:
    """See that the input files among options are there, and protect them from being written onto.

    Raises
    ------
    ReadError
        One of them is not there, or not a file that can be read.
    """
    for name, value in options.items():
        what = _WORDS.get(name, "file")
        for path in value if isinstance(value, list | tuple) else [value]:
            if name in _OUTPUTS or not isinstance(path, Path):
                continue
            found = existing_path(path, what)
            if not found.is_dir():
                existing_file(found, what)
            # A page about a comparison may well lie in its folder.
            protect([found / "comparison.json" if name == "comparison" and found.is_dir() else found])


def model_of(path: Path, architecture: Path | None = None, *, computes: bool) -> Any:
    """Return the model of a file; what the file holds of it is enough, and takes no Keras, where nothing is computed.

    Raises
    ------
    VNNError
        It cannot be read, or was built from another architecture.
    """
    from keras_vnn.architecture import load_architecture
    from keras_vnn.models import model_file, read_model

    found = existing_file(path, "model file")
    expected = None if architecture is None else load_architecture(architecture)
    if not computes:
        return read_model(found, architecture=expected)
    model_file(found)
    import_keras()  # takes seconds; by now it may be a model
    from keras_vnn.models import load_model

    return load_model(found, architecture=expected)


def is_recipe(name: str) -> bool:
    """Return whether an argument names a recipe rather than a saved architecture."""
    return Path(name).suffix in (".yaml", ".yml") or (not Path(name).exists() and f"{name}.yaml" in config_names())


def recipe_of(name: str) -> Recipe:
    """Read the recipe an argument names, and never write onto it."""
    protect([Path(name)])
    return read_recipe(name)


def section_of(kind: type[Section], known: Section | None, options: Mapping[str, Any]) -> Section:
    """Return the options of a command: those of its section of a recipe, replaced by those that were given."""
    section = make_section(kind, known, options, "the command line")
    take_inputs(dict(section))
    return section


def training_recipe(recipe: Recipe | None, options: Mapping[str, Any]) -> TrainingRecipe:
    """Return what is trained, and how: a recipe with options of its train section replaced."""
    train = section_of(TrainRecipe, None if recipe is None else recipe.train, options)
    if recipe is None or recipe.build is None or train.architecture is not None:
        return TrainingRecipe(train=train)
    return TrainingRecipe(train=train, build=section_of(BuildRecipe, recipe.build, {}))


def read_cells(network: Any, data: Path, label: str | None, options: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the expression of the genes of a model, and labels or targets if a column of them is named."""
    from keras_vnn.data import Classes, labels_of, read_expression, survival_of, targets_of
    from keras_vnn.models import Embedding, Survival, view

    seen = view(network)
    how = dict(section_of(CellsRecipe, None, options))
    del how["missing"]
    values = read_expression(data, genes=seen.architecture, **how)
    for note in ("read", "cells"):
        if note in values.uns["keras_vnn"]:
            say(f"data          {values.uns['keras_vnn'][note]}")
    if label is None:
        return values, None
    if isinstance(seen.outputs, Classes):
        return values, labels_of(values, label, classes=seen.outputs)
    if isinstance(seen.outputs, Embedding):
        return values, labels_of(values, label)
    if isinstance(seen.outputs, Survival):
        # The label names the time; the event has the name it had in the training.
        known = (seen.card.metadata.get("training") or {}).get("label") or ("", "event")
        return values, survival_of(values, label, known[1])
    return values, targets_of(values, label)


def missing_policy(options: Mapping[str, Any]) -> str:
    """Return what is to be done with genes that the data lack."""
    return str(section_of(CellsRecipe, None, options).missing)
