"""What a long computation says while it runs: sentences for the log, and a live line on standard error.

The logger is ``keras_vnn``: steps are logged as ``INFO``, what belongs to a step of something larger as ``DEBUG``. The
command line prints the former. A function that takes ``say`` hands its sentences to that instead.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from keras_vnn.basics.errors import readable

__all__ = ["LOGGER", "Say", "log_debug", "log_info", "progressing"]

LOGGER = logging.getLogger("keras_vnn")

Say = Callable[[str], None]


def log_info(sentence: str) -> None:
    """Log a sentence about a step."""
    LOGGER.info("%s", readable(sentence, keep="\n\t"))


def log_debug(sentence: str) -> None:
    """Log a sentence about a step of something larger."""
    LOGGER.debug("%s", readable(sentence, keep="\n\t"))


@contextmanager
def progressing(what: str, total: int, *, is_wanted: bool) -> Iterator[Callable[..., None]]:
    """Give a function that takes how much is done since its last call and, if there are any, the latest scores.

    Nothing is shown unless it is wanted and there is a terminal to show it on.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not is_wanted or not console.is_terminal:
        yield lambda done, scores="": None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[scores]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(readable(what), total=total, scores="")
        so_far = 0.0

        def advance(done: float, scores: str = "") -> None:
            nonlocal so_far
            so_far += done
            bar.update(task, completed=round(so_far), scores=readable(scores))

        yield advance
