"""`train`: from data and labels to a scored model in one call; `tl.cross_validate`, the same for every fold."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

import keras
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import DataError, counted
from keras_vnn.basics.progress import Say
from keras_vnn.basics.remedies import by_place, remedy
from keras_vnn.data import (
    Labels,
    Side,
    Split,
    SurvivalTimes,
    Targets,
    folds,
    groups_in,
    labels_given,
)
from keras_vnn.data.metrics import numbers_of, scores
from keras_vnn.models import Regression, Survival, build_model
from keras_vnn.options import ModelOptions, PretrainingOptions, TrainingOptions, training_given
from keras_vnn.options import model_options as options_of
from keras_vnn.training._fit import predicted_by
from keras_vnn.training._run import TrainingResult, run_training, split_of

if TYPE_CHECKING:
    from keras_vnn.options._changes import PredictorChanges


def train(
    arch: Architecture,
    data: Any,
    labels: Labels | Targets | str | Sequence[Any],
    *,
    training: TrainingOptions | Mapping[str, Any] | None = None,
    split: Split | None = None,
    group: str | None = None,
    missing: str = "raise",
    side: str | NDArray[np.floating] | None = None,
    covariate: str | Sequence[str] = (),
    sample_weight: ArrayLike | None = None,
    preset: str | None = None,
    pretraining: PretrainingOptions | None = None,
    progress: bool = True,
    what: str = "training",
    checkpoint: str | os.PathLike[str] | None = None,
    logs: str | os.PathLike[str] | None = None,
    say: Say | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    **options: Unpack[PredictorChanges],
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
        `Labels` for classification, `Targets` for regression, `SurvivalTimes` for survival; the name of a column of
        labels, or one label per cell.
    training
        How to train: `TrainingOptions`, or options by name; ``TrainingOptions()`` by default.
    split
        Which cells are for training, early stopping and scoring; 70, 15 and 15 % drawn by the seed by default.
    group
        Column of ``data.obs`` with the donor or batch, whose cells stay in one part of the split.
    missing
        ``"raise"``, ``"zero"`` or ``"mean"``: what to do for input genes that the data lack.
    side
        What the model reads next to the genes: ``(cells of the data, side features)``, or its name in ``data.obsm``.
        The model remembers the name, and finds it in other data by it.
    covariate
        Columns of ``data.obs`` that it reads there too, such as age and sex: numbers are standardised, categories have
        a feature each. Without ``side_layers`` the head reads them directly.
    sample_weight
        ``(cells of the data,)`` weight of each in the loss; not of survival.
    preset
        As in `build_model`.
    **options
        Fields of `ModelOptions`, as in `build_model`, and of `TrainingOptions`, which change ``training``:
        ``epochs=20``.
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
    chosen, model_options = training_given(training, options, ModelOptions)
    if sample_weight is not None and isinstance(known, SurvivalTimes):
        raise DataError("sample_weight has no meaning for those at risk: leave it out of a training on survival.")
    outputs = known.classes if isinstance(known, Labels) else _numbers_of(known)
    remember: dict[str, Any] = {}
    beside, asked = None, int(model_options.get("side_features") or 0)
    if side is not None or covariate:
        split = split_of(data, known, split, group, chosen.seed)
        read = Side.fit(data, side, covariate, known.cells, known.cells[split.train])
        if asked and asked not in (read.features, read.width):
            raise DataError(
                f"{remedy('{side_features}', side_features=asked)}, but the side data have "
                f"{counted(read.features or read.width, 'feature')}."
            )
        beside, remember = read.values(data, known.cells, array=side), {"side": read.to_json()}
        model_options["side_features"] = read.width
    choices = options_of(preset, model_options)
    if choices.side_features and beside is None:
        raise DataError(
            f"The model has a side branch of {counted(choices.side_features, 'feature')}, but there are no data for "
            "it.\n"
            + remedy("Name the array of obsm it reads: {side}", side=...)
            + by_place(".", "; without the branch: side_features=0, side_layers=().")
        )

    return run_training(
        arch,
        data,
        known,
        partial(build_model, arch, outputs, preset=preset, **model_options),
        choices,
        targets=known.truth,
        objective=("prediction", repr(outputs)),
        training=chosen,
        split=split,
        group=group,
        missing=missing,
        inputs=lambda values: values if beside is None else [values, beside],
        sample_weight=sample_weight,
        remember=remember,
        score=lambda model, x, truth: scores(known, truth, predicted_by(model, x)),
        pretraining=pretraining,
        progress=progress,
        what=what,
        checkpoint=checkpoint,
        logs=logs,
        say=say,
        callbacks=callbacks,
    )


def _numbers_of(known: Targets) -> Regression:
    """Return what a model of such targets predicts."""
    return Survival() if isinstance(known, SurvivalTimes) else Regression(known.names)


def cross_validate(
    arch: Architecture,
    data: Any,
    labels: Labels | Targets | str | Sequence[Any],
    *,
    training: TrainingOptions | Mapping[str, Any] | None = None,
    n_folds: int = 5,
    group: str | None = None,
    preset: str | None = None,
    progress: bool = True,
    what: str = "fold",
    side: str | NDArray[np.floating] | None = None,
    covariate: str | Sequence[str] = (),
    **options: Unpack[PredictorChanges],
) -> pd.DataFrame:
    """Train a new model per fold and score it on the cells it has not seen.

    Parameters
    ----------
    arch, data, labels, training, preset, progress, side, covariate, **options
        As in `train`; fold ``k`` uses the seed of ``training`` plus ``k``.
    n_folds
        Number of folds.
    group
        Column of ``data.obs`` with the donor or batch, whose cells are tested in the same fold.
    what
        What to call the runs in the progress line.

    Returns
    -------
    pandas.DataFrame
        A row per fold: accuracy, balanced accuracy, macro F1, log loss, or of numbers their correlations, R² and
        squared error; cells, epochs.
    """
    chosen, model_options = training_given(training, options, ModelOptions)
    known = labels_given(data, labels)
    groups = groups_in(data, group, known.cells)
    rows = []
    for number, split in enumerate(folds(known, n_folds, seed=chosen.seed, groups=groups)):
        result = train(
            arch,
            data,
            known,
            training=chosen.changed(seed=chosen.seed + number),
            split=split,
            group=group,
            side=side,
            covariate=covariate,
            preset=preset,
            progress=progress,
            what=f"{what} {number + 1}/{n_folds}",
            **model_options,
        )
        if result.metrics is not None:
            counts = {"cells": len(split.test), "epochs": len(result.history)}
            rows.append({"fold": number + 1, **numbers_of(result.metrics.to_json()), **counts})
        keras.backend.clear_session()
    return pd.DataFrame(rows).set_index("fold")
