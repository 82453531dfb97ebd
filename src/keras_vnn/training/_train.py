"""`train`: from data and labels to a scored model in one call; `train_embedding`, to an embedding of cells by type.

`tl.cross_validate` is the same for every fold.
"""

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
from keras_vnn.basics.errors import DataError, ModelError, check_choice
from keras_vnn.basics.progress import Say
from keras_vnn.basics.remedies import by_place, remedy
from keras_vnn.data import Labels, Side, Split, SurvivalTimes, Targets, folds, groups_in, labels_given
from keras_vnn.data.metrics import numbers_of, scores
from keras_vnn.layers import BatchHardTriplet, ContrastivePairs
from keras_vnn.models import Embedding, Regression, Survival, build_model
from keras_vnn.options import EmbeddingOptions, ModelOptions, PretrainingOptions, TrainingOptions, training_given
from keras_vnn.options import model_options as options_of
from keras_vnn.training._fit import predicted_by
from keras_vnn.training._order import CellOrder, PairOrder, TripletOrder, is_stored
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
                f"{read.features or read.width:,} features."
            )
        beside, remember = read.values(data, known.cells, array=side), {"side": read.to_json()}
        model_options["side_features"] = read.width
    choices = options_of(preset, model_options)
    if choices.side_features and beside is None:
        raise DataError(
            f"The model has a side branch of {choices.side_features:,} features, but there are no data for it.\n"
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


EMBEDDING_OBJECTIVES = ("siamese", "triplet")


def train_embedding(
    arch: Architecture,
    data: Any,
    labels: Labels | str | Sequence[Any],
    *,
    objective: str = "triplet",
    margin: float | None = None,
    types_per_batch: int = 18,
    cells_per_type: int = 4,
    training: TrainingOptions | Mapping[str, Any] | None = None,
    split: Split | None = None,
    group: str | None = None,
    missing: str = "raise",
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
    """Train a network without a head, so that the activities of its last hidden layer tell types of cells apart.

    Keras's ``fit`` does the work: batches are drawn by type, and the loss compares the cells of a batch.

    Parameters
    ----------
    arch, data, labels, training, split, group, missing, preset, progress, what, checkpoint, logs, say, callbacks
        As in `train`, and so are the ``options``. ``batch_size`` is the number of pairs of a siamese network;
        triplets have batches of ``types_per_batch * cells_per_type`` cells. Data on disk are read into memory,
        where those that are sparse stay so.
    objective
        ``siamese``: pairs and the contrastive loss; ``triplet``: each cell with the farthest of its type and the
        nearest of another in the batch.
    margin
        Of the loss: 1 for pairs if not given; triplets have the soft margin if not given.
    types_per_batch, cells_per_type
        P and K of the batches of triplets.
    pretraining
        Let layers begin as encoders of autoencoders, see `tl.pretrain`.

    Returns
    -------
    TrainingResult
        The model gives ``(cells, units)``; there are no scores of test cells, see `keras_vnn.experiments.evaluation`.

    Raises
    ------
    VNNError
        The data, the labels and the architecture do not fit together, or there is one type only.

    References
    ----------
    Alavi et al. 2018, Nature Communications 9:4768, doi:10.1038/s41467-018-07165-2; Hermans et al. 2017,
    arXiv:1703.07737.
    """
    check_choice("objective", objective, EMBEDDING_OBJECTIVES, ModelError)
    asked = EmbeddingOptions(margin=margin, types_per_batch=types_per_batch, cells_per_type=cells_per_type)
    chosen, model_options = training_given(training, options, ModelOptions)
    known = labels_given(data, labels)
    if not isinstance(known, Labels):
        way = by_place(remedy("{task}", "", task="classification"), "vnn.pp.labels_of(data, column)")
        raise DataError(f"An embedding is trained on classes of cells: {way}.")
    choices = options_of(preset, model_options)
    if choices.side_features:
        raise ModelError("An embedding is trained on cells alone: leave out side_features and side_layers.")
    is_siamese = objective == "siamese"
    loss = ContrastivePairs(1.0 if margin is None else margin) if is_siamese else BatchHardTriplet(margin)

    def build(*, optimizer: keras.optimizers.Optimizer, **how: Any) -> keras.Model:
        model = build_model(arch, Embedding(), preset=preset, **how, **model_options)
        model.compile(optimizer=optimizer, loss=loss)
        model.optimizer.build(model.trainable_variables)
        return model

    def sampler(cells: NDArray[np.integer]) -> tuple[CellOrder, int]:
        codes = known.codes[cells]
        if is_siamese:
            return PairOrder(codes, chosen.seed), 2 * chosen.batch_of(len(codes))
        triplets = TripletOrder(codes, chosen.seed, types=types_per_batch, per_type=cells_per_type)
        return triplets, triplets.batch_size

    return run_training(
        arch,
        data,
        known,
        build,
        choices,
        targets=known.codes,
        objective=(objective, asked.to_json()),
        training=chosen,
        split=split,
        group=group,
        missing=missing,
        inputs=lambda values: values.in_memory() if is_stored(values) else values,
        sampler=sampler,
        pretraining=pretraining,
        progress=progress,
        what=what,
        checkpoint=checkpoint,
        logs=logs,
        say=say,
        callbacks=callbacks,
    )
