"""What a long computation says while it runs: sentences for the log, and a live line where a person waits.

The logger is ``keras_vnn``: steps are logged as ``INFO``, what belongs to a step of something larger as ``DEBUG``. The
command line prints the former. A function that takes ``say`` hands its sentences to that instead. The live line is on
the terminal of standard error, or in the notebook; elsewhere, in scripts whose output goes to a file, there is none.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from typing import Any

from keras_vnn.basics.errors import check_choice, readable

LOGGER = logging.getLogger("keras_vnn")
VERBOSITIES = {"warning": logging.WARNING, "info": logging.INFO, "debug": logging.DEBUG}

Say = Callable[[str], None]
_SECONDS_BETWEEN = 0.5
_is_shown: ContextVar[bool] = ContextVar("is_shown", default=False)


class Settings:
    """What is said while something runs, in Python; `keras_vnn.settings` is the one there is.

    Attributes
    ----------
    progress
        Whether functions that take long show a live line on terminals and in notebooks; ``True`` at first.

    Examples
    --------
    >>> import keras_vnn as vnn
    >>> vnn.settings.verbosity
    'warning'
    """

    def __init__(self) -> None:
        self.progress = True
        self._handler: logging.Handler | None = None

    @property
    def verbosity(self) -> str:
        """Which sentences are printed on standard error: ``warning``, ``info`` (steps too) or ``debug`` (all)."""
        level = LOGGER.getEffectiveLevel()
        return next((name for name, value in reversed(VERBOSITIES.items()) if value >= level), "warning")

    @verbosity.setter
    def verbosity(self, name: str) -> None:
        check_choice("verbosity", name, VERBOSITIES)
        if self._handler is None:
            self._handler = logging.StreamHandler()
            LOGGER.addHandler(self._handler)
        LOGGER.setLevel(VERBOSITIES[name])

    def __repr__(self) -> str:
        return f"progress = {self.progress}, verbosity = {self.verbosity!r}"


settings = Settings()


def log_info(sentence: str) -> None:
    """Log a sentence about a step."""
    LOGGER.info("%s", readable(sentence, keep="\n\t"))


def log_debug(sentence: str) -> None:
    """Log a sentence about a step of something larger."""
    LOGGER.debug("%s", readable(sentence, keep="\n\t"))


@contextmanager
def progressing(what: str, total: int, *, is_wanted: bool) -> Iterator[Callable[..., None]]:
    """Give a function that takes how much is done since its last call and, if there are any, the latest scores.

    Nothing is shown unless it is wanted, there is a terminal or a notebook to show it in, and no other line is there.
    """
    shown = _line_of(readable(what), total) if is_wanted and settings.progress and not _is_shown.get() else None
    if shown is None:
        yield lambda done, scores="": None
        return
    so_far = 0.0
    mark = _is_shown.set(True)
    try:
        with shown as update:

            def advance(done: float, scores: str = "") -> None:
                nonlocal so_far
                so_far += done
                update(round(so_far), readable(scores))

            yield advance
    finally:
        _is_shown.reset(mark)


def _line_of(what: str, total: int) -> Any:
    """Return what shows a line while it is open, and gives what changes it; nothing where there is no place for it."""
    if (place := notebook()) is not None:
        return _notebook_line(place, what, total)
    from rich.console import Console

    console = Console(stderr=True)
    return _terminal_line(console, what, total) if console.is_terminal else None


@contextmanager
def _terminal_line(console: Any, what: str, total: int) -> Iterator[Callable[[int, str], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    # The scores give way first where the terminal is narrow, then the bar.
    columns = (
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(bar_width=24 if console.width > 100 else 12),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[scores]}", markup=False, table_column=Column(ratio=1, no_wrap=True)),
    )
    with Progress(*columns, console=console, transient=True, expand=True) as bar:
        task = bar.add_task(what, total=total, scores="")
        yield lambda done, scores: bar.update(task, completed=done, scores=scores)


def notebook() -> Any:
    """Return the module ``IPython.display`` if a notebook runs this, else ``None``."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return None if getattr(shell, "kernel", None) is None else import_module("IPython.display")


@contextmanager
def _notebook_line(place: Any, what: str, total: int) -> Iterator[Callable[[int, str], None]]:
    """Show a line that updates, by the display of the notebook; it stays when all is done, without scores and times."""
    line = place.display({"text/plain": what}, raw=True, display_id=True)
    begin = last = time.monotonic()
    reached = 0

    def update(done: int, scores: str) -> None:
        nonlocal last, reached
        reached, now = done, time.monotonic()
        if now - last < _SECONDS_BETWEEN:
            return
        last = now
        left = (now - begin) * (total - done) / max(done, 1)
        text = f"{what}  {done:,} of {total:,}, at most {left:.0f} s left  {scores}"
        line.update({"text/plain": text.rstrip()}, raw=True)

    try:
        yield update
    finally:
        line.update({"text/plain": f"{what}: {reached:,} of {total:,}"}, raw=True)
