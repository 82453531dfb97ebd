"""A recipe as text that can be read again, and as what its results depend on.

In: a `Recipe`. Out: YAML with paths as seen from a folder; JSON values with files by digest.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from keras_vnn.basics.runs import digest_of
from keras_vnn.recipes.schema import Recipe


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
