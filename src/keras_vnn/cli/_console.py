"""What the command line says, and where: results on standard output, all else on standard error."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from keras_vnn.errors import VNNError

__all__ = ["import_keras", "print_json", "report_error", "say", "say_warning"]


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


def import_keras() -> None:
    """Import Keras without the start-up messages of its backend, which no setting turns off."""
    import logging

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _standard_error_held_back():
        import keras

        keras.ops.zeros(1)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


@contextmanager
def _standard_error_held_back() -> Iterator[None]:
    """Keep what native code writes to standard error; show it only if the block fails."""
    try:
        descriptor = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        yield
        return
    sys.stderr.flush()
    saved = os.dup(descriptor)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), descriptor)
        try:
            yield
        except BaseException:
            os.dup2(saved, descriptor)
            held.seek(0)
            sys.stderr.write(held.read().decode(errors="replace"))
            raise
        finally:
            sys.stderr.flush()
            os.dup2(saved, descriptor)
            os.close(saved)
