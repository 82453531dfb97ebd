"""`tl.fit_model`: fitting a compiled model to arrays, with early stopping, a state to resume from, and logs."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.basics.csv_tables import csv_text
from keras_vnn.basics.errors import ConfigError, DataError
from keras_vnn.basics.files import replacing
from keras_vnn.basics.progress import Say, log_info, progressing
from keras_vnn.basics.runs import alone_at, identity_of
from keras_vnn.options import TrainingOptions
from keras_vnn.training._checkpoint import Checkpoint
from keras_vnn.training._order import CellOrder, StoredBatches, is_stored, ordered_batches, stored_order


def fit_model(
    model: keras.Model,
    x: Any,
    y: Any,
    *,
    validation: tuple[Any, Any] | None = None,
    training: TrainingOptions | None = None,
    class_weight: Mapping[int, float] | None = None,
    sample_weight: Any = None,
    progress: bool = True,
    what: str = "training",
    checkpoint: str | os.PathLike[str] | None = None,
    identity: Mapping[str, Any] | None = None,
    say: Say | None = None,
    order: CellOrder | None = None,
    batch_size: int | None = None,
    logs: str | os.PathLike[str] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> pd.DataFrame:
    """Fit a compiled model to arrays that are aligned already; ``model.fit`` does the work.

    Every epoch has an order of cells of its own, drawn by the seed of ``training`` and the number of the epoch.

    Parameters
    ----------
    model
        A model of `build_model`; its optimizer is the one it was compiled with, see `make_optimizer`.
    x
        What the model reads: an array with a row per cell, `StoredInputs` of `inputs_of`, which are read from disk
        batch by batch, or a list of these for several inputs.
    y
        Codes of classes ``(cells,)`` or numbers ``(cells, outputs)``; or ``x`` itself, in ``validation`` too, for a
        model that restores what it reads.
    validation
        ``(x, y)`` of the validation cells, for early stopping.
    training
        Batch size, epochs, patience and seed are taken from it; `TrainingOptions()` by default.
    class_weight
        Weight of each class by its code.
    sample_weight
        ``(cells,)`` weight of each in the loss.
    progress
        Show a live line, on a terminal or in a notebook.
    what
        What to call the run there.
    checkpoint
        File to keep the state of the training in, epoch by epoch. If it is there already, and of the same training,
        the training is resumed from it and ends with the weights of a run that was never interrupted; it is for the
        caller to remove it when the result is safe.
    identity
        JSON values that make it the same training, with the data and ``training``: the architecture, options of the
        model.
    say
        Called with a sentence when a training is resumed, or cannot be; by default it is logged.
    order
        Another order of the cells, in which some may stand more than once; of cells in memory.
    batch_size
        Another number of cells per step than that of ``training``.
    logs
        Folder to write ``epochs.csv`` into after every epoch, and TensorBoard's files where it is installed.
    callbacks
        Further ones of Keras; what they do must follow from the number of the epoch alone.

    Returns
    -------
    pandas.DataFrame
        A row of losses per epoch. ``val_loss`` is that of the prediction alone; ``loss`` counts auxiliary heads and
        penalties of weights too.

    Raises
    ------
    DataError
        The inputs and the targets have different numbers of rows.
    OutputError
        Another process keeps its training in the same checkpoint.
    """
    options = training or TrainingOptions()
    for name, (inputs, targets) in {"training": (x, y), "validation": validation or ((), ())}.items():
        lengths = [len(part) for part in (*_parts(inputs), targets)]
        if len({*lengths}) > 1:
            counts = ", ".join(map(str, lengths))
            raise DataError(f"The inputs and targets for {name} have different numbers of rows: {counts}.")
    if sample_weight is not None:
        weights = checked_weights(sample_weight, len(y))
        if class_weight is not None:
            weights = weights * np.array([class_weight[code] for code in np.asarray(y).tolist()], np.float32)
        sample_weight, class_weight = weights, None
    size = batch_size or options.batch_of(len(y))
    if order is None:
        order = stored_order(x, options.seed, size) if is_stored(x) else CellOrder(len(y), options.seed)
    # First, so that all that follow see the loss of the prediction.
    called: list[Any] = [_WithoutPenalties(), order, *callbacks]
    stopping = None
    if options.patience and validation is not None:
        stopping = keras.callbacks.EarlyStopping("val_loss", patience=options.patience, restore_best_weights=True)
        called.append(stopping)
    first = 0
    kept: Checkpoint | None = None
    writers = [] if logs is None else _log_callbacks(logs, lambda: [] if kept is None else kept.history)
    with ExitStack() as open_files:
        if checkpoint is not None:
            open_files.enter_context(alone_at(checkpoint))
            # More epochs may be asked for than before, unless the learning rate depends on their number.
            choices = {
                name: value
                for name, value in options.to_json().items()
                if name != "epochs" or options.schedule != "constant"
            }
            same = identity_of(
                data=[x, y],
                validation_data=validation,
                training_options=[choices, class_weight, *([] if sample_weight is None else [sample_weight])],
                version_of_Keras=f"{keras.__version__} on {keras.backend.backend()}",
                **(identity or {}),
            )
            kept = Checkpoint(checkpoint, same, stopping=stopping, say=say or log_info)
            first = kept.first_epoch(options.epochs, model)
            called.append(kept)
        called += writers
        if progress:
            advance = open_files.enter_context(progressing(what, options.epochs, is_wanted=True))
            advance(first)
            called.append(
                keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: advance(1, _scores_text(logs or {})))
            )
        held_out: dict[str, Any] = {"validation_data": validation, "validation_batch_size": size}
        if is_stored(x):
            batches: Any = open_files.enter_context(StoredBatches(x, _targets(y), size, order, sample_weight))
        else:
            batches = ordered_batches(x, y, order, size, sample_weight)
        if validation is not None and is_stored(validation[0]):
            parts = StoredBatches(validation[0], _targets(validation[1]), size)
            held_out = {"validation_data": open_files.enter_context(parts)}
        try:
            record = model.fit(
                batches,
                epochs=options.epochs,
                initial_epoch=first,
                shuffle=False,
                callbacks=called,
                class_weight=None if class_weight is None else dict(class_weight),
                verbose=0,
                **held_out,
            )
        except KeyboardInterrupt:
            if kept is None or not kept.path.is_file():
                raise
            raise KeyboardInterrupt(f"in epoch {len(kept.history) + 1}; the same command goes on from there") from None
    history = pd.DataFrame(record.history) if kept is None else pd.DataFrame(kept.history)
    return history.rename_axis("epoch")


def checked_weights(weights: Any, cells: int) -> NDArray[np.float32]:
    """Return one weight per cell as float32.

    Raises
    ------
    DataError
        There are more or fewer, or one is negative or not a number.
    """
    given = np.asarray(weights)
    if given.shape != (cells,) or given.dtype.kind not in "biuf":
        raise DataError(f"sample_weight must be a number for each of {cells:,} cells, got shape {given.shape}.")
    if not (np.isfinite(given) & (given >= 0)).all() or not given.any():
        raise DataError("sample_weight must be numbers of at least 0, not all of them 0.")
    return given.astype(np.float32)


def _scores_text(logs: Mapping[str, float]) -> str:
    shown = {name: value for name, value in logs.items() if name != "learning_rate"}
    return "  ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in shown.items())


def rows_of(x: Any, rows: Any) -> Any:
    """Return some rows of an array, or of each array of a list."""
    return [part[rows] for part in x] if isinstance(x, list) else x[rows]


def predicted_by(model: keras.Model, x: Any, batch_size: int = 512) -> Any:
    """Return what a model predicts from aligned inputs, in memory or stored: an array, or one for each output."""
    if not is_stored(x):
        return model.predict(x, batch_size=batch_size, verbose=0)
    with StoredBatches(x, None, batch_size) as batches:
        return model.predict(batches, verbose=0)


def make_optimizer(options: TrainingOptions, steps: int = 1) -> keras.optimizers.Optimizer:
    """Return a new Keras optimizer as the options ask for it.

    Parameters
    ----------
    options
        The choices.
    steps
        Of an epoch; schedules that end with the training need to know.
    """
    clipped = {"global_clipnorm": options.clip_norm or None}
    rate = _rate(options, options.epochs * steps)
    if options.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=options.momentum, nesterov=options.nesterov, **clipped)
    betas = {"beta_1": options.beta_1, "beta_2": options.beta_2, "epsilon": options.adam_epsilon, **clipped}
    if options.optimizer == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=options.weight_decay, **betas)
    return keras.optimizers.Adam(rate, **betas)


def _rate(options: TrainingOptions, steps: int) -> Any:
    """Return a learning rate, or its schedule."""
    schedules, first = keras.optimizers.schedules, options.learning_rate
    if options.schedule == "exponential":
        return schedules.ExponentialDecay(first, steps, 0.01)
    if options.schedule == "cosine":
        rising = round(options.warmup * steps)
        if not rising:
            return schedules.CosineDecay(first, steps)
        return schedules.CosineDecay(0.0, max(steps - rising, 1), warmup_target=first, warmup_steps=rising)
    return schedules.InverseTimeDecay(first, 1, options.decay) if options.decay else first


class _WithoutPenalties(keras.callbacks.Callback):
    """Takes the penalties of weights, which Keras counts, out of the validation loss.

    Weights that grow away from where a penalty holds them would else end a training that still learns.
    """

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Change the entry that later callbacks, the history and early stopping read."""
        if logs and "val_loss" in logs:
            held = [weight for weight in self.model.trainable_variables if weight.regularizer is not None]
            logs["val_loss"] -= sum(
                float(keras.ops.convert_to_numpy(weight.regularizer(keras.ops.convert_to_tensor(weight))))
                for weight in held
            )


class _EpochTable(keras.callbacks.Callback):
    """Writes a CSV of all epochs after every epoch; Keras's own would repeat rows when a training is resumed.

    Parameters
    ----------
    path
        The file; an existing one is replaced.
    before
        Gives the rows of the epochs before this run, when a training is resumed.
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


def _log_callbacks(
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
    found: list[keras.callbacks.Callback] = [_EpochTable(place / "epochs.csv", before)]
    if importlib.util.find_spec("tensorboard") is not None:
        found.append(keras.callbacks.TensorBoard(str(place / "tensorboard"), write_graph=False))
    return found


@contextmanager
def precision(options: TrainingOptions) -> Iterator[None]:
    """Let layers that are made meanwhile compute in the precision of the options."""
    before = keras.config.dtype_policy()
    if options.precision != "float32":
        keras.config.set_dtype_policy(options.precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _parts(x: Any) -> list[Any]:
    return list(x) if isinstance(x, list | tuple) else [_targets(x)]


def _targets(y: Any) -> Any:
    """Return values as an array, unless they are inputs that lie on disk."""
    return y if is_stored(y) else np.asarray(y)
