"""`train`: from data and labels to a scored model in one call; `tl.cross_validate`, the same for every fold."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import DataError, did_you_mean, sample
from keras_vnn.basics.progress import Say
from keras_vnn.data import ClassificationMetrics, Labels, Split, Targets, folds, labels_given
from keras_vnn.data.metrics import scores
from keras_vnn.models import Regression, build_model
from keras_vnn.options import PretrainingOptions, TrainingOptions
from keras_vnn.options import model_options as options_of
from keras_vnn.training._fit import predicted_by
from keras_vnn.training._run import TrainingResult, run_training

if TYPE_CHECKING:
    from keras_vnn.options._changes import ModelChanges

__all__ = ["cross_validate", "train"]


def train(
    arch: Architecture,
    data: Any,
    labels: Labels | Targets | str | Sequence[Any],
    *,
    training: TrainingOptions | None = None,
    split: Split | None = None,
    missing: str = "raise",
    side: str | NDArray[np.floating] | None = None,
    preset: str | None = None,
    pretraining: PretrainingOptions | None = None,
    progress: bool = True,
    what: str = "training",
    checkpoint: str | os.PathLike[str] | None = None,
    logs: str | os.PathLike[str] | None = None,
    say: Say | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    **model_options: Unpack[ModelChanges],
) -> TrainingResult:
    """Align data by name, normalise, build a model, train it with early stopping, and score it on held-out cells.

    The same arguments give the same result.

    Parameters
    ----------
    arch
        The architecture.
    data
        AnnData or DataFrame, cells × genes, with every gene that was measured. An AnnData whose matrix lies on disk
        (``read.expression(path, backed=True)``) is read from there batch by batch. For a model with
        ``gene_features``: an AnnData with a layer of each feature's name, whose values are taken as they are.
    labels
        `Labels` for classification, `Targets` for regression; the name of a column of labels, or one label per cell.
    training
        How to train; `TrainingOptions()` by default.
    split
        Which cells are for training, early stopping and scoring; 70, 15 and 15 % drawn by the seed by default.
    missing
        ``"raise"``, ``"zero"`` or ``"mean"``: what to do for input genes that the data lack.
    side
        What the side branch of the model reads: ``(cells of the data, side features)``, or its name in ``data.obsm``.
    preset, **model_options
        As in `build_model`.
    pretraining
        Let layers begin as encoders of autoencoders of the training cells, see `tl.pretrain`.
    progress
        Show a live line, on a terminal or in a notebook.
    what
        What to call the run there.
    checkpoint
        File to keep the state in after every epoch, and to resume from when it is there: the same call, repeated
        after it was killed, gives the result of a run that was never interrupted. Remove it when the result is safe.
    logs
        Folder to write ``epochs.csv`` into after every epoch, and TensorBoard's files where it is installed.
    say
        Called with a sentence when a training is resumed, or cannot be; by default it is logged.
    callbacks
        Further callbacks of Keras.

    Returns
    -------
    TrainingResult
        The model and its scores.

    Raises
    ------
    VNNError
        The data, the labels and the architecture do not fit together; see the functions this one calls.
    """
    known = labels_given(data, labels)
    choices = options_of(preset, model_options)
    outputs = known.classes if isinstance(known, Labels) else Regression(known.names)

    def inputs(values: Any) -> Any:
        if not choices.side_features:
            return values
        return [values, _side_values(data, side, choices.side_features)[known.cells]]

    return run_training(
        arch,
        data,
        known,
        partial(build_model, arch, outputs, preset=preset, **model_options),
        choices,
        targets=known.truth,
        objective=("prediction", repr(outputs)),
        training=training or TrainingOptions(),
        split=split,
        missing=missing,
        inputs=inputs,
        score=lambda model, x, truth: scores(known, truth, predicted_by(model, x)),
        pretraining=pretraining,
        progress=progress,
        what=what,
        checkpoint=checkpoint,
        logs=logs,
        say=say,
        callbacks=callbacks,
    )


def cross_validate(
    arch: Architecture,
    data: Any,
    labels: Labels,
    *,
    training: TrainingOptions | None = None,
    n_folds: int = 5,
    preset: str | None = None,
    progress: bool = True,
    what: str = "fold",
    **model_options: Unpack[ModelChanges],
) -> pd.DataFrame:
    """Train a new model per fold and score it on the cells it has not seen.

    Parameters
    ----------
    arch, data, labels, training, preset, progress, **model_options
        As in `train`; fold ``k`` uses the seed of ``training`` plus ``k``.
    n_folds
        Number of folds.
    what
        What to call the runs in the progress line.

    Returns
    -------
    pandas.DataFrame
        A row per fold: accuracy, balanced accuracy, macro F1, log loss, cells, epochs.
    """
    chosen = training or TrainingOptions()
    rows = []
    for number, split in enumerate(folds(labels, n_folds, seed=chosen.seed)):
        result = train(
            arch,
            data,
            labels,
            training=chosen.changed(seed=chosen.seed + number),
            split=split,
            preset=preset,
            progress=progress,
            what=f"{what} {number + 1}/{n_folds}",
            **model_options,
        )
        if isinstance(result.metrics, ClassificationMetrics):
            scores = {
                name: getattr(result.metrics, name)
                for name in ("accuracy", "balanced_accuracy", "macro_f1", "log_loss")
            }
            rows.append({"fold": number + 1, **scores, "cells": result.metrics.cells, "epochs": len(result.history)})
        keras.backend.clear_session()
    return pd.DataFrame(rows).set_index("fold")


def _side_values(data: Any, side: str | NDArray[np.floating] | None, width: int) -> NDArray[np.float32]:
    if side is None:
        raise DataError(
            f"The model has a side branch of {width:,} features, but there are no data for it.\n"
            "Pass side=array or its name in data.obsm; without the branch: side_features=0, side_layers=()."
        )
    if isinstance(side, str):
        names = list(getattr(data, "obsm", {}))
        if side not in names:
            hint = did_you_mean(side, names) or (f"It has {sample(names)}." if names else "It has none.")
            raise DataError(f"The data have no obsm {side!r}. {hint}")
        side = data.obsm[side]
    values = np.asarray(side.toarray() if hasattr(side, "toarray") else side, np.float32)
    if values.shape != (len(data), width):
        raise DataError(
            f"The side data must have shape (cells, features) = ({len(data)}, {width}), got {values.shape}."
        )
    if not np.isfinite(values).all():
        raise DataError(f"{int((~np.isfinite(values)).sum()):,} of {values.size:,} side values are not finite numbers.")
    return values
