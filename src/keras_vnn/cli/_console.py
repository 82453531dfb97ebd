"""What the command line says, and where: results on standard output, all else on standard error."""

from __future__ import annotations

import json
from typing import Any

import typer

from keras_vnn.errors import VNNError

__all__ = ["print_json", "report_error", "say", "say_warning"]


def say(sentence: str) -> None:
    """Print one sentence for people on standard error."""
    typer.echo(sentence, err=True)


def say_warning(sentence: str) -> None:
    """Print a warning on standard error."""
    typer.echo(typer.style("warning: ", fg="yellow") + sentence, err=True)


def print_json(value: Any) -> None:
    """Print a JSON value for machines on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def report_error(error: VNNError, *, as_json: bool) -> None:
    """Print an error: a JSON object on standard output for machines, else text on standard error."""
    if as_json:
        print_json({"error": str(error), "kind": type(error).__name__})
    else:
        typer.echo(typer.style("error: ", fg="red") + str(error), err=True)
