"""`cross_validate`: every cell is predicted once by a model that has not seen it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import keras
import pandas as pd

from keras_vnn.architecture import Architecture
from keras_vnn.data import ClassificationMetrics, Labels, folds
from keras_vnn.options import TrainingOptions
from keras_vnn.training._train import train

if TYPE_CHECKING:
    from keras_vnn.options._changes import ModelChanges

__all__ = ["cross_validate"]


def cross_validate(
    arch: Architecture,
    data: Any,
    labels: Labels,
    *,
    training: TrainingOptions | None = None,
    n_folds: int = 5,
    preset: str | None = None,
    progress: bool = False,
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
