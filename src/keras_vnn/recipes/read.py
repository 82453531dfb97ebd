"""Recipes read from YAML, and options given by name, with errors that name the line; recipes written as text again."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from keras_vnn.basics.bundled import config_names, config_path
from keras_vnn.basics.errors import ConfigError, VNNError, did_you_mean
from keras_vnn.basics.files import existing_file, read_lines
from keras_vnn.basics.remedies import by_place, option_named
from keras_vnn.basics.runs import digest_of
from keras_vnn.options import shortened, worded
from keras_vnn.recipes.schema import SEARCHABLE, BuildRecipe, CompareRecipe, Recipe, TrainRecipe, TuneRecipe
from keras_vnn.recipes.section import Misuse, RecipeSection

# No recipe has a thousandth of it.
_LARGEST_RECIPE = 1 << 20

_SECTIONS: Mapping[str, type[RecipeSection]]
_SECTIONS = {"build": BuildRecipe, "train": TrainRecipe, "compare": CompareRecipe, "tune": TuneRecipe}

Section = TypeVar("Section", bound=RecipeSection)


def read_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Read and check a recipe.

    Input paths in it are taken relative to its folder, the output relative to the current one.

    Parameters
    ----------
    path
        A YAML file, or the name of a recipe that comes with the package, e.g. ``lin2017-ppi-tf``.

    Raises
    ------
    ConfigError
        The text is not YAML, an option is unknown, or a value is impossible; with line and nearest name.
    ReadError
        There is no such file.
    """
    given = Path(path)
    if not given.exists() and f"{given.name.removesuffix('.yaml')}.yaml" in config_names():
        given = config_path(given.name)
    found = existing_file(given, "recipe")
    text = "\n".join(read_lines(found, limit=_LARGEST_RECIPE))
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        if _written_out(tree) > _LARGEST_RECIPE:
            raise ConfigError(
                f"The recipe refers to its own parts so often that it would not fit the memory: {found}\n"
                "Write it out without anchors (&) and aliases (*)."
            )
        content = yaml.safe_load(text)
    except RecursionError as error:
        raise ConfigError(f"The recipe is nested too deeply: {found}\nExpected: build: option: value") from error
    except (ValueError, OverflowError) as error:
        if isinstance(error, VNNError):
            raise
        raise ConfigError(f"A value of the recipe cannot be read: {found}\n    {error}\nQuote it.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = shortened(str(getattr(error, "problem", None) or error))
        raise ConfigError(f"Not a YAML file: {found}{line}\n    {problem}") from error
    if not isinstance(content, Mapping):
        raise ConfigError(f"A recipe needs a build or a train section: {found}\nSee `vnn build --help` for an example.")
    recipe = _validated(Recipe, dict(content), str(found), tree)
    return recipe.model_copy(
        update={name: _relative_to(section, found.parent) for name, section in recipe.commands.items()}
    )


def _written_out(tree: Any) -> int:
    """Return how many values a YAML tree has when every alias is written out; stops at more than can be."""
    sizes: dict[int, int] = {}

    def size(node: Any) -> int:
        if id(node) not in sizes:
            sizes[id(node)] = _LARGEST_RECIPE + 1  # A part that contains itself never ends.
            value = getattr(node, "value", ())
            parts = () if isinstance(value, str) else value
            inside = (part for pair in parts for part in (pair if isinstance(pair, tuple) else (pair,)))
            sizes[id(node)] = min(1 + sum(map(size, inside)), _LARGEST_RECIPE + 1)
        return sizes[id(node)]

    return size(tree)


def make_section(kind: type[Section], start: Section | None, options: Mapping[str, Any], where: str) -> Section:
    """Return the options of a command: those of a recipe, replaced by those given by name.

    Parameters
    ----------
    kind
        `BuildRecipe` or `TrainRecipe`.
    start
        The section of a recipe, or ``None``.
    options
        Values by name; ``None`` and empty sequences count as not given.
    where
        What to call the place in an error, e.g. ``the command line``.

    Raises
    ------
    ConfigError
        An option is unknown, missing, or has an impossible value.
    """
    given = {name: value for name, value in options.items() if value is not None and value != () and value != []}
    return _validated(kind, _merged(start, given), where)


def changed_section(section: Section, changes: Mapping[str, Any], where: str) -> Section:
    """Return a section with other values; unlike `make_section` it takes ``None`` and empty lists as they are.

    Parameters
    ----------
    section
        The options.
    changes
        Values by name.
    where
        What to call the place in an error.

    Raises
    ------
    ConfigError
        A value is impossible.
    """
    return _validated(type(section), _merged(section, changes), where)


def _merged(section: RecipeSection | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a section says with changes, which may be of options in its groups."""
    merged = {} if section is None else section.model_dump(exclude_unset=True)
    for name, value in changes.items():
        is_group = section is not None and name in section.groups
        merged[name] = {**merged.get(name, {}), **value} if is_group else value
    return merged


def _validated(kind: type[Section], content: dict[str, Any], where: str, tree: Any = None) -> Section:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        problems = [_worded(kind, problem, where, tree) for problem in error.errors()[:5]]
        raise ConfigError("\n".join(problems)) from error


def _worded(kind: type[RecipeSection], problem: Any, where: str, tree: Any) -> str:
    keys = [str(key) for key in problem["loc"]]
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, Misuse):
        keys = [*keys, cause.option]
    owner, name = _owner(kind, keys)
    line = _line_of(tree, keys)
    place = f"{where}:{line}" if line else where
    if isinstance(cause, Misuse):
        return _placed(_as_asked(str(cause)) if where == "the command line" else str(cause), place)
    is_there = name in owner.model_fields or problem["type"] in ("value_error", "missing")
    if problem["type"] == "extra_forbidden" or not is_there:
        hint = did_you_mean(name, owner.option_names())
        if owner is TuneRecipe and name in SEARCHABLE:
            hint = f"Fields to search stand under space, e.g. space: {{{name}: …}}."
        return _placed(f"Unknown option {name!r}. {hint or 'Known: ' + ', '.join(owner.option_names())}", place)
    if problem["type"] == "missing":
        asked = by_place(f"--{name.replace('_', '-')}", repr(name))
        return _placed(f"The option {asked} is needed. {owner.model_fields[name].description or ''}", place)
    if owner is TuneRecipe and problem["type"] == "value_error":
        field = "" if keys[-1] == "[key]" else f"{keys[keys.index('space') + 1]}: "
        return _placed(f"{field}{cause}", place)
    return _placed(worded(owner, {**problem, "loc": (name,)}), place)


def _as_asked(text: str) -> str:
    """Return a text about options of a recipe with options of the command that has them."""

    def flag(found: re.Match[str]) -> str:
        name = found[1] or found[0]
        return found[0] if option_named(name) == name else option_named(name)

    return re.sub(r"'([a-z_]+)'|(?<=without )[a-z_]+|(?<= or )[a-z_]+", flag, text)


def _placed(text: str, place: str) -> str:
    """Return what is wrong and where, and in a line of its own what to do, if a second sentence of the text says it."""
    fact, _, hint = text.partition(". ")
    end = "." if hint and not hint.endswith(("?", ".")) else ""
    return f"{fact.removesuffix('.')}: {place}\n{hint}{end}".rstrip()


def _owner(kind: type[RecipeSection], keys: list[str]) -> tuple[type[RecipeSection], str]:
    """Return the section a problem lies in, and the name of the option."""
    if kind is Recipe and keys[0] in _SECTIONS and len(keys) > 1:
        return _SECTIONS[keys[0]], keys[1]
    return kind, keys[0]


def _line_of(node: Any, keys: list[str]) -> int | None:
    """Return the line of a key in a composed YAML tree, or of the nearest key above it."""
    line = None
    for key in keys:
        pairs = [pair for pair in getattr(node, "value", ()) if isinstance(pair, tuple) and pair[0].value == key]
        if not pairs:
            break
        line, node = pairs[0][0].start_mark.line + 1, pairs[0][1]
    return line


def _relative_to(section: Section, folder: Path) -> Section:
    def moved(value: Any) -> Any:
        if isinstance(value, Path):
            return folder / value
        return tuple(moved(part) for part in value) if isinstance(value, tuple) else value

    return section.model_copy(
        update={name: moved(getattr(section, name)) for name in section.model_fields_set - {"output", "logs"}}
    )


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
    ordered = {name: content[name] for name in Recipe.model_fields if name in content}
    text: str = yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
    return text


def content_of(recipe: Recipe) -> dict[str, Any]:
    """Return what the trials of a search depend on, as JSON values; files by name and digest, wherever they lie."""
    content = _plain(_without(recipe), lambda path: [path.name, digest_of(path)])
    return {name: content[name] for name in ("build", "train") if name in content}


def _without(recipe: Recipe) -> dict[str, Any]:
    """Return the options a recipe sets, but for the search and for where results go."""
    content = recipe.model_dump(exclude_unset=True, exclude={"tune"})
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
