"""A live line of progress while Keras trains."""

from __future__ import annotations

from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from keras_vnn.basics.errors import readable

__all__ = ["RichProgress"]


class RichProgress(keras.callbacks.Callback):
    """Shows epochs done, time left and the latest losses on one line of the terminal, on standard error.

    Parameters
    ----------
    what
        What is being trained.
    """

    def __init__(self, what: str = "training") -> None:
        super().__init__()
        self._what = what
        self._bar: Progress | None = None
        self._task: Any = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Show an empty bar, if there is a terminal to show it on."""
        console = Console(stderr=True)
        if not console.is_terminal:
            return
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[scores]}", markup=False),
            console=console,
            transient=True,
        )
        self._bar.start()
        self._task = self._bar.add_task(readable(self._what), total=self.params.get("epochs"), scores="")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Advance, and show the losses and accuracies of the epoch."""
        if self._bar is None:
            return
        shown = {name: value for name, value in (logs or {}).items() if name != "learning_rate"}
        scores = "  ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in shown.items())
        self._bar.update(self._task, advance=1, scores=readable(scores))

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
