"""`train_embedding`: a network whose last hidden layer puts cells of one type close together."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import keras
import numpy as np
from numpy.typing import NDArray

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import DataError, ModelError, check_choice
from keras_vnn.basics.progress import Say
from keras_vnn.basics.remedies import by_place, remedy
from keras_vnn.data import Labels, Split, labels_given
from keras_vnn.layers import BatchHardTriplet, ContrastivePairs
from keras_vnn.models import Embedding, build_model
from keras_vnn.options import EmbeddingOptions, ModelOptions, PretrainingOptions, TrainingOptions, training_given
from keras_vnn.options import model_options as options_of
from keras_vnn.training._order import CellOrder, PairOrder, TripletOrder
from keras_vnn.training._run import TrainingResult, run_training
from keras_vnn.training._stream import is_stored

if TYPE_CHECKING:
    from keras_vnn.options._changes import PredictorChanges

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
