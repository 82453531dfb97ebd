"""What all commands do about the files they are given, before anything slow is imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from keras_vnn.basics.files import existing_file, existing_path, protect

__all__ = ["Command", "take_inputs"]

_OUTPUTS = {"output", "logs"}
_WORDS = {
    "architecture": "architecture file",
    "cells": "table of cells",
    "comparison": "comparison",
    "data": "data file",
    "model": "model file",
    "source": "model or architecture",
}


class Command(typer.core.TyperCommand):
    """A command whose inputs are looked for first, and never written onto."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        take_inputs(ctx.params)
        return super().invoke(ctx)


def take_inputs(options: Mapping[str, Any]) -> None:
    """See that the input files among options are there, and protect them from being written onto.

    Raises
    ------
    ReadError
        One of them is not there, or not a file that can be read.
    """
    for name, path in _inputs(options):
        found = existing_path(path, _WORDS.get(name, "file"))
        if not found.is_dir():
            existing_file(found, _WORDS.get(name, "file"))
        # A page about a comparison may well lie in its folder.
        protect([found / "comparison.json" if name == "comparison" and found.is_dir() else found])


def _inputs(options: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    for name, value in options.items():
        if name not in _OUTPUTS:
            yield from (
                (name, part)
                for part in (value if isinstance(value, list | tuple) else [value])
                if isinstance(part, Path)
            )
