"""`train`: from data and labels to a scored model in one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.architecture import Architecture
from keras_vnn.data import (
    ClassificationMetrics,
    Labels,
    RegressionMetrics,
    Split,
    Targets,
    align,
    class_weights,
    classification_metrics,
    fit_normalization,
    labels_of,
    regression_metrics,
    split_cells,
)
from keras_vnn.errors import DataError
from keras_vnn.models import Regression, build_model, view
from keras_vnn.training._options import TrainingOptions
from keras_vnn.training._progress import RichProgress

__all__ = ["TrainingResult", "fit", "make_optimizer", "train"]


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
    metrics: ClassificationMetrics | RegressionMetrics | None
    split: Split


def train(
    arch: Architecture,
    data: Any,
    labels: Labels | Targets | str,
    *,
    training: TrainingOptions | None = None,
    split: Split | None = None,
    missing: str = "raise",
    preset: str | None = None,
    progress: bool = False,
    what: str = "training",
    **model_options: Any,
) -> TrainingResult:
    """Align data by name, normalise, build a model, train it with early stopping, and score it on held-out cells.

    The same arguments give the same result.

    Parameters
    ----------
    arch
        The architecture.
    data
        AnnData or DataFrame, cells × genes, with every gene that was measured.
    labels
        `Labels` for classification, `Targets` for regression, or the name of a column of labels.
    training
        How to train; `TrainingOptions()` by default.
    split
        Which cells are for training, early stopping and scoring; 70, 15 and 15 % drawn by the seed by default.
    missing
        ``"raise"``, ``"zero"`` or ``"mean"``: what to do for input genes that the data lack.
    preset, **model_options
        As in `build_model`.
    progress
        Show a live line on standard error.
    what
        What to call the run there.

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
    known = labels_of(data, labels) if isinstance(labels, str) else labels
    parts = split or split_cells(known, seed=chosen.seed)
    if len(parts) != len(known):
        raise DataError(
            f"The split is of {len(parts):,} cells, the labels of {len(known):,}. Draw the split from these labels."
        )
    normalization = fit_normalization(
        chosen.normalization,
        data,
        arch,
        cells=known.cells[parts.train],
        missing="raise" if missing == "raise" else "zero",
    )
    values = align(data, arch, missing=missing, normalization=normalization)[known.cells]
    outputs = known.classes if isinstance(known, Labels) else Regression(known.names)
    truth = known.codes if isinstance(known, Labels) else known.values
    model = build_model(
        arch,
        outputs,
        preset=preset,
        normalization=normalization,
        optimizer=make_optimizer(chosen),
        seed=chosen.seed,
        **model_options,
    )
    history = fit(model, values, truth, known, parts, chosen, progress=progress, what=what)
    metrics = None
    if parts.test.size:
        predicted = model.predict(values[parts.test], batch_size=512, verbose=0)
        metrics = (
            classification_metrics(truth[parts.test], predicted, known.classes)
            if isinstance(known, Labels)
            else regression_metrics(truth[parts.test], predicted)
        )
    view(model).card.remember(
        training={
            "options": chosen.to_json(),
            "cells": {"train": len(parts.train), "validation": len(parts.validation), "test": len(parts.test)},
            "label": known.name if isinstance(known, Labels) else list(known.names),
            "split": parts.to_json(),
            "history": {name: [float(value) for value in history[name]] for name in history},
            "metrics": None if metrics is None else metrics.to_json(),
        }
    )
    return TrainingResult(model, history, metrics, parts)


def fit(
    model: keras.Model,
    values: NDArray[np.float32],
    truth: NDArray[Any],
    labels: Labels | Targets,
    split: Split,
    options: TrainingOptions,
    *,
    progress: bool,
    what: str,
) -> pd.DataFrame:
    """Fit a compiled model on aligned values and return a row of losses per epoch."""
    callbacks: list[Any] = []
    if options.patience and split.validation.size:
        callbacks.append(
            keras.callbacks.EarlyStopping("val_loss", patience=options.patience, restore_best_weights=True)
        )
    if progress:
        callbacks.append(RichProgress(what))
    weights = None
    if options.class_weights == "balanced" and isinstance(labels, Labels):
        weights = class_weights(labels, cells=split.train)
    validation = (values[split.validation], truth[split.validation]) if split.validation.size else None
    record = model.fit(
        values[split.train],
        truth[split.train],
        batch_size=options.batch_size,
        epochs=options.epochs,
        validation_data=validation,
        callbacks=callbacks,
        class_weight=weights,
        verbose=0,
    )
    return pd.DataFrame(record.history).rename_axis("epoch")


def make_optimizer(options: TrainingOptions) -> keras.optimizers.Optimizer:
    """Return a new Keras optimizer as the options ask for it."""
    rate: Any = options.learning_rate
    if options.decay:
        rate = keras.optimizers.schedules.InverseTimeDecay(options.learning_rate, 1, options.decay)
    if options.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=options.momentum, nesterov=options.nesterov)
    if options.optimizer == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=options.weight_decay)
    return keras.optimizers.Adam(rate)
