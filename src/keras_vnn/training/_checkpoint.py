"""What lets an interrupted training be resumed as if nothing had happened: its state after every epoch, in one file.

In: the model and the callbacks of a run. Out: a zip of JSON and ``.npy`` arrays, whole or not there.
`keras.callbacks.BackupAndRestore` keeps weights and the optimizer; this keeps the rest too: the states of the random
generators, what early stopping has seen with its best weights, and the history. The order of cells needs no state
(`keras_vnn.training._order`). So the final weights are those of a run that was never interrupted.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from pydantic import FiniteFloat

from keras_vnn.basics.errors import OutputError, ReadError, VNNWarning, counted
from keras_vnn.basics.progress import Say, log_info
from keras_vnn.basics.runs import Count, Kept, KeptState, differing, read_state, write_state

_LARGEST_SHARE = 0.1


class _Stopping(Kept):
    wait: Count
    best: FiniteFloat | None
    best_epoch: Count
    stopped_epoch: Count


class _State(KeptState):
    identity: dict[str, str]
    history: list[dict[str, FiniteFloat]]
    stopped: bool
    early_stopping: _Stopping | None


class Checkpoint(keras.callbacks.Callback):
    """Keeps the state of a training in a file after its epochs, and resumes from there when ``fit`` begins.

    Must come after early stopping among the callbacks.

    Parameters
    ----------
    path
        The file. It is left behind when the training ends, so that its result can be written first: see `discard`.
    identity
        What must be equal for a training to be resumed; see `keras_vnn.basics.runs`.
    stopping
        The callback of early stopping.
    say
        Called with a sentence when a training is resumed, or cannot be.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        identity: Mapping[str, str],
        *,
        stopping: keras.callbacks.EarlyStopping | None = None,
        say: Say = log_info,
    ) -> None:
        super().__init__()
        self.path = Path(path)
        self.identity = dict(identity)
        self.history: list[dict[str, float]] = []
        self.kept = 0
        self._stopping = stopping
        self._say = say
        self._arrays: dict[str, NDArray[Any]] = {}
        self._state: _State | None = None
        self._began = self._spent = 0.0
        self._failed = False

    def first_epoch(self, epochs: int, model: keras.Model) -> int:
        """Return the epoch to begin with: 0, or the one after the last that the file holds; ``epochs`` if none is left.

        A file that cannot be used is said to be so, and ignored.
        """
        if not self.path.is_file():
            return 0
        try:
            state, self._arrays = read_state(self.path, _State)
            reason = self._mismatch(state, epochs, model)
        except ReadError as error:
            reason = str(error)
        if reason:
            self._arrays = {}
            self._say(f"starting from scratch: {self.path} is not resumed, as {reason}")
            return 0
        self._state = state
        self.kept = done = len(state.history)
        self._say(f"continuing after epoch {done} of an unfinished training: {self.path}")
        return epochs if state.stopped else done

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Put the state of the file, if there is one, into the model and the callbacks."""
        self._began = time.perf_counter()
        if self._state is None:
            return
        for name, variable in _variables(self.model).items():
            variable.assign(self._arrays[name])
        self.history = list(self._state.history)
        known = self._state.early_stopping
        if self._stopping is not None and known is not None:
            for name in type(known).model_fields:
                setattr(self._stopping, name, getattr(known, name))
            best = [self._arrays[name] for name in self._arrays if name.startswith("best_")]
            self._stopping.best_weights = best or None
        self._arrays = {}

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the state, unless writing takes more than a tenth of the time: then after some epochs only."""
        self.history.append({name: float(value) for name, value in (logs or {}).items()})
        now = time.perf_counter()
        if self._failed or self._spent > _LARGEST_SHARE * (now - self._began):
            return
        try:
            self._write()
        except OutputError as error:
            self._failed = True
            warnings.warn(
                f"The state of the training cannot be kept; it goes on, but could not be resumed if it were "
                f"stopped. {error}",
                VNNWarning,
                stacklevel=2,
            )
        self._spent += time.perf_counter() - now

    def discard(self) -> None:
        """Remove the file, once the result is safe."""
        self.path.unlink(missing_ok=True)

    def _write(self) -> None:
        arrays = {name: keras.ops.convert_to_numpy(value) for name, value in _variables(self.model).items()}
        stopping: dict[str, Any] | None = None
        if self._stopping is not None:
            best = self._stopping.best
            stopping = {name: int(getattr(self._stopping, name)) for name in ("wait", "best_epoch", "stopped_epoch")}
            stopping["best"] = None if best is None or not np.isfinite(best) else float(best)
            arrays |= {f"best_{n:05}": np.asarray(a) for n, a in enumerate(self._stopping.best_weights or ())}
        values = {
            "identity": self.identity,
            "history": self.history,
            "stopped": bool(self.model.stop_training),
            "early_stopping": stopping,
        }
        write_state(self.path, values, arrays)
        self.kept = len(self.history)

    def _mismatch(self, state: _State, epochs: int, model: keras.Model) -> str:
        """Say why the file does not fit this run, or nothing."""
        if others := differing(state.identity, self.identity):
            return f"another {' and '.join(others)} {'was' if len(others) == 1 else 'were'} used"
        if len(state.history) > epochs:
            return f"it has run {counted(len(state.history), 'epoch')} already, more than the {epochs} wanted"
        if (self._stopping is None) != (state.early_stopping is None):
            return "it stops early in another way"
        expected = {name: (variable.shape, variable.dtype) for name, variable in _variables(model).items()}
        best = [name for name in self._arrays if name.startswith("best_")]
        if best:
            weights = zip(sorted(best), model.weights, strict=False)
            expected |= {name: (variable.shape, variable.dtype) for name, variable in weights}
        if expected.keys() != self._arrays.keys() or (best and len(best) != len(model.weights)):
            return "it holds other weights"
        for name, (shape, dtype) in expected.items():
            array = self._arrays[name]
            if array.shape != tuple(shape) or str(array.dtype) != keras.backend.standardize_dtype(dtype):
                return "its weights have other shapes or types"
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                return "its weights are not all finite"
        return ""


def _variables(model: keras.Model) -> dict[str, Any]:
    """Return all that changes in training: weights, states of random generators, the optimizer's variables."""
    return {
        **{f"model_{number:05}": variable for number, variable in enumerate(model.variables)},
        **{f"optimizer_{number:05}": variable for number, variable in enumerate(model.optimizer.variables)},
    }
