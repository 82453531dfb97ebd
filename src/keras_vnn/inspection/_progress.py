"""A live line of progress for work on many nodes, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["progressing"]


@contextmanager
def progressing(what: str, total: int, *, is_wanted: bool) -> Iterator[Callable[[float], None]]:
    """Give a function that takes how many nodes are done since its last call.

    Nothing is shown unless it is wanted and there is a terminal to show it on.
    """
    console = Console(stderr=True)
    if not is_wanted or not console.is_terminal:
        yield lambda done: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        done = 0.0

        def advance(nodes: float) -> None:
            nonlocal done
            done += nodes
            bar.update(task, completed=round(done))

        yield advance
