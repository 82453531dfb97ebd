"""`train`: from data and labels to a scored model in one call."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import DataError, did_you_mean, sample
from keras_vnn.data import (
    Labels,
    Normalization,
    Split,
    Targets,
    align_features,
    class_weights,
    fit_normalization,
    inputs_of,
    labels_given,
    split_cells,
)
from keras_vnn.models import Regression, build_model, view
from keras_vnn.options import ModelOptions, PretrainingOptions, TrainingOptions
from keras_vnn.options import model_options as options_of
from keras_vnn.training._fit import fit_model, make_optimizer, precision, predicted_by, rows_of
from keras_vnn.training._pretraining import pretrain
from keras_vnn.training._scores import Metrics, scores

if TYPE_CHECKING:
    from keras_vnn.options._changes import ModelChanges

__all__ = ["TrainingResult", "train", "training_record", "values_of"]


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """A trained model and how it came out.

    Attributes
    ----------
    model
        The Keras model; it carries the architecture, the classes, the normalisation and this record.
    history
        A row per epoch: loss and accuracy on training and validation cells.
    metrics
        Scores on the test cells, which had no part in training; ``None`` where the split has none.
    split
        Which cells were used for what, as positions in the labels.
    """

    model: keras.Model
    history: pd.DataFrame
    metrics: Metrics | None
    split: Split


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
    progress: bool = False,
    what: str = "training",
    checkpoint: str | os.PathLike[str] | None = None,
    logs: str | os.PathLike[str] | None = None,
    say: Callable[[str], None] | None = None,
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
        (``read_expression(path, backed=True)``) is read from there batch by batch. For a model with
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
        Let layers begin as encoders of autoencoders of the training cells, see `pretrain`.
    progress
        Show a live line on standard error.
    what
        What to call the run there.
    checkpoint
        File to keep the state in after every epoch, and to continue from when it is there: the same call, repeated
        after it was killed, gives the result of a run that was never interrupted. Remove it when the result is safe.
    logs
        Folder to write ``epochs.csv`` into after every epoch, and TensorBoard's files where it is installed.
    say
        Called with a sentence when a training is continued, or cannot be.
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
    chosen = training or TrainingOptions()
    known = labels_given(data, labels)
    parts = split or split_cells(known, seed=chosen.seed)
    if len(parts) != len(known):
        raise DataError(
            f"The split is of {len(parts):,} cells, the labels of {len(known):,}. Draw the split from these labels."
        )
    model_choices = options_of(preset, model_options)
    values, normalization = values_of(arch, data, known, parts, chosen, model_choices, missing)
    if model_choices.side_features:
        values = [values, _side_values(data, side, model_choices.side_features)[known.cells]]
    outputs = known.classes if isinstance(known, Labels) else Regression(known.names)
    truth = known.codes if isinstance(known, Labels) else known.values
    with precision(chosen):
        model = build_model(
            arch,
            outputs,
            preset=preset,
            normalization=normalization,
            optimizer=make_optimizer(chosen, len(parts.train)),
            seed=chosen.seed,
            **model_options,
        )
    if pretraining is not None:
        pretrain(model, rows_of(values, parts.train), options=pretraining, seed=chosen.seed, progress=progress, say=say)
    history = fit_model(
        model,
        rows_of(values, parts.train),
        truth[parts.train],
        validation=(rows_of(values, parts.validation), truth[parts.validation]) if parts.validation.size else None,
        training=chosen,
        class_weight=class_weights(known, cells=parts.train)
        if chosen.class_weights == "balanced" and isinstance(known, Labels)
        else None,
        progress=progress,
        what=what,
        checkpoint=checkpoint,
        identity={"architecture": arch.fingerprint, "model_options": model_choices.to_json(), "outputs": repr(outputs)}
        | ({} if pretraining is None else {"pretraining": pretraining.to_json()}),
        logs=logs,
        say=say,
        callbacks=callbacks,
    )
    metrics = None
    if parts.test.size:
        predicted = predicted_by(model, rows_of(values, parts.test))
        metrics = scores(known, truth[parts.test], predicted)
    view(model).card.remember(training=training_record(chosen, known, parts, history, metrics, pretraining=pretraining))
    return TrainingResult(model, history, metrics, parts)


def training_record(
    options: TrainingOptions,
    known: Labels | Targets | None,
    split: Split,
    history: pd.DataFrame,
    metrics: Metrics | None,
    *,
    pretraining: PretrainingOptions | None = None,
    objective: str = "",
) -> dict[str, Any]:
    """Return what a model remembers of its training, as JSON values."""
    label = known.name if isinstance(known, Labels) else [] if known is None else list(known.names)
    record = {
        "options": options.to_json(),
        "cells": {"train": len(split.train), "validation": len(split.validation), "test": len(split.test)},
        "label": label,
        "split": {"seed": split.seed, "sha256": split.digest},
        "history": {name: [float(value) for value in history[name]] for name in history},
        "metrics": None if metrics is None else metrics.to_json(),
    }
    if pretraining is not None:
        record["pretraining"] = pretraining.to_json()
    if objective:
        record["objective"] = objective
    return record


def values_of(
    arch: Architecture,
    data: Any,
    known: Labels | Targets,
    split: Split,
    training: TrainingOptions,
    options: ModelOptions,
    missing: str,
) -> tuple[Any, Normalization | None]:
    """Return what the network reads of the labelled cells, and the normalisation fitted for it."""
    if options.gene_features:
        if training.normalization != "none":
            raise DataError(
                f"Several features per gene are taken as they are, got normalization={training.normalization!r}.\n"
                "Pass training=training_options(normalization='none'), and scale the layers of the data yourself."
            )
        return align_features(data, arch, options.gene_features, missing=missing)[known.cells], None
    return cells_read(arch, data, known.cells, split, training, missing)


def cells_read(
    arch: Architecture, data: Any, cells: Any, split: Split, training: TrainingOptions, missing: str
) -> tuple[Any, Normalization]:
    """Return what a network reads of some cells, one number per gene, and the normalisation fitted to the training."""
    normalization = fit_normalization(
        training.normalization,
        data,
        arch,
        cells=cells[split.train],
        missing="raise" if missing == "raise" else "zero",
    )
    return inputs_of(data, arch, missing=missing, normalization=normalization)[cells], normalization


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
