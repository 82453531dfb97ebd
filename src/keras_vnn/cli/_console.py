"""What the command line says, and where: results on standard output, all else on standard error.

Everything passes `readable`, as names come from files that anybody may have written.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from keras_vnn.basics.errors import OutputError, VNNError, readable
from keras_vnn.basics.progress import LOGGER, VERBOSITIES, settings

if TYPE_CHECKING:
    import pandas as pd

_LINES = "\n\t"


def show(text: object) -> None:
    """Print a result for people on standard output."""
    _print(readable(text, keep=_LINES))


def say(sentence: str) -> None:
    """Print one sentence for people on standard error, unless they want quiet."""
    if LOGGER.isEnabledFor(logging.INFO):
        _say(readable(sentence, keep=_LINES))


class _Sentences(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage())


@contextmanager
def sentences_printed() -> Iterator[None]:
    """Print in the block what is logged about steps on standard error."""
    handler, level, progress = _Sentences(), LOGGER.level, settings.progress
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOGGER.setLevel(level)
        LOGGER.removeHandler(handler)
        settings.progress = progress


def print_less_or_more(verbosity: str) -> None:
    """Print no sentences and no progress in such a block (``warning``), or steps within steps too (``debug``)."""
    LOGGER.setLevel(VERBOSITIES[verbosity])
    settings.progress = settings.progress and verbosity != "warning"


def say_warning(sentence: str) -> None:
    """Print a warning on standard error."""
    _say(typer.style("warning: ", fg="yellow") + readable(sentence, keep=_LINES))


def print_json(value: Any) -> None:
    """Print a JSON value for machines on standard output."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    # Only inside of strings is there anything that cannot be printed.
    _print("".join(letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1] for letter in text))


def show_result(value: Any, *, as_json: bool) -> None:
    """Print a value that has both forms, for people or for machines."""
    if as_json:
        print_json(value.to_json())
    else:
        show(value)


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON values; ``None`` for what is missing."""
    rows: list[dict[str, Any]] = table.astype(object).where(table.notna(), None).to_dict(orient="records")
    return rows


def report_error(error: VNNError, *, as_json: bool) -> None:
    """Print an error: a JSON object on standard output for machines, else text on standard error.

    When nothing can be said on standard error, people read it on standard output.
    """
    if as_json:
        print_json({"error": str(error), "kind": type(error).__name__})
    elif not _say(typer.style("error: ", fg="red") + str(error)):
        show(f"error: {error}")


def open_closed_streams() -> None:
    """Open what the shell has closed (``2>&-``), lest a file that is written later takes its place."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _print(text: str) -> None:
    try:
        typer.echo(text)
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        # Python would try once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputError(
            f"Cannot print on standard output: {error.strerror}.\nSend the output to another place."
        ) from error


def _say(text: str) -> bool:
    """Print a text on standard error if that is possible; say whether it was."""
    try:
        typer.echo(text, err=True)
    except OSError:
        return False
    return sys.stderr is not None
