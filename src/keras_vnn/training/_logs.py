"""What a long training writes while it runs: a table of its epochs, and TensorBoard's files."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from keras_vnn.basics.csv_tables import csv_text
from keras_vnn.basics.errors import ConfigError
from keras_vnn.basics.files import replacing

__all__ = ["EpochTable", "log_callbacks"]


class EpochTable(keras.callbacks.Callback):
    """Writes a CSV of all epochs after every epoch; Keras's own would repeat rows when a training is continued.

    Parameters
    ----------
    path
        The file; an existing one is replaced.
    before
        Gives the rows of the epochs before this run, when a training is continued.
    """

    def __init__(self, path: Path, before: Callable[[], Sequence[dict[str, float]]]) -> None:
        super().__init__()
        self.path = path
        self._before = before
        self._rows: list[dict[str, float]] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Take over the epochs of before."""
        self._rows = list(self._before())

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the epochs so far."""
        found = {name: float(value) for name, value in (logs or {}).items()}
        found["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        self._rows = [*self._rows[:epoch], found]
        with replacing(self.path, overwrite=True, durable=False) as partial:
            table = pd.DataFrame(self._rows).rename_axis("epoch")
            partial.write_text(csv_text(table), encoding="utf-8", newline="\n")


def log_callbacks(
    folder: str | os.PathLike[str], before: Callable[[], Sequence[dict[str, float]]]
) -> list[keras.callbacks.Callback]:
    """Return what writes ``epochs.csv`` and, where TensorBoard is installed, ``tensorboard/`` into a folder.

    Raises
    ------
    ConfigError
        The folder cannot be made.
    """
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"The folder for logs cannot be made: {place}\n    {error.strerror}") from error
    found: list[keras.callbacks.Callback] = [EpochTable(place / "epochs.csv", before)]
    if importlib.util.find_spec("tensorboard") is not None:
        found.append(keras.callbacks.TensorBoard(str(place / "tensorboard"), write_graph=False))
    return found
