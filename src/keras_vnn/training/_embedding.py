"""`train_embedding`: a network whose last hidden layer puts cells of one type close together."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import keras
import numpy as np

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import DataError, ModelError, did_you_mean
from keras_vnn.data import Labels, Split, labels_given, split_cells
from keras_vnn.layers import BatchHardTriplet, ContrastivePairs
from keras_vnn.models import Embedding, build_model, view
from keras_vnn.options import PretrainingOptions, TrainingOptions
from keras_vnn.options import model_options as options_of
from keras_vnn.training._fit import fit_model, make_optimizer, precision, rows_of
from keras_vnn.training._pretraining import pretrain
from keras_vnn.training._samplers import PairOrder, TripletOrder
from keras_vnn.training._stream import is_stored
from keras_vnn.training._train import TrainingResult, training_record, values_of

if TYPE_CHECKING:
    from keras_vnn.options._changes import ModelChanges

__all__ = ["EMBEDDING_OBJECTIVES", "train_embedding"]

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
    training: TrainingOptions | None = None,
    split: Split | None = None,
    missing: str = "raise",
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
    """Train a network without a head, so that the activities of its last hidden layer tell types of cells apart.

    Keras's ``fit`` does the work: batches are drawn by type, and the loss compares the cells of a batch.

    Parameters
    ----------
    arch, data, labels, training, split, missing, preset, progress, what, checkpoint, logs, say, callbacks
        As in `train`, and so are the ``model_options``. ``batch_size`` is the number of pairs of a siamese network;
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
        Let layers begin as encoders of autoencoders, see `pretrain`.

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
    if objective not in EMBEDDING_OBJECTIVES:
        hint = did_you_mean(objective, EMBEDDING_OBJECTIVES)
        raise ModelError(f"objective must be siamese or triplet, got {objective!r}. {hint}".rstrip())
    chosen = training or TrainingOptions()
    known = labels_given(data, labels)
    if not isinstance(known, Labels):
        raise DataError("An embedding is trained on classes of cells: labels_of(data, column).")
    parts = split or split_cells(known, seed=chosen.seed)
    choices = options_of(preset, model_options)
    if choices.side_features:
        raise ModelError("An embedding is trained on cells alone: leave out side_features and side_layers.")
    inputs, normalization = values_of(arch, data, known, parts, chosen, choices, missing)
    values = inputs.in_memory() if is_stored(inputs) else inputs
    with precision(chosen):
        model = build_model(
            arch, Embedding(), preset=preset, normalization=normalization, seed=chosen.seed, **model_options
        )
    loss: keras.losses.Loss = BatchHardTriplet(margin)
    if objective == "siamese":
        loss = ContrastivePairs(1.0 if margin is None else margin)
    if pretraining is not None:
        pretrain(model, rows_of(values, parts.train), options=pretraining, seed=chosen.seed, progress=progress, say=say)

    def order_of(cells: Any) -> tuple[PairOrder | TripletOrder, int]:
        if objective == "siamese":
            return PairOrder(known.codes[cells], chosen.seed), 2 * chosen.batch_size
        triplets = TripletOrder(known.codes[cells], chosen.seed, types=types_per_batch, per_type=cells_per_type)
        return triplets, triplets.batch_size

    order, batch_size = order_of(parts.train)
    # A schedule counts steps: so many rows of the batches of TrainingOptions as there are steps here.
    rows = -(-order.cells // batch_size) * chosen.batch_size
    model.compile(optimizer=make_optimizer(chosen, rows), loss=loss)
    model.optimizer.build(model.trainable_variables)
    validation = None
    if len(np.unique(known.codes[parts.validation])) > 1:
        # The same pairs or triplets of validation cells in every epoch.
        cells = parts.validation[order_of(parts.validation)[0].current()]
        validation = (values[cells], known.codes[cells])
    history = fit_model(
        model,
        rows_of(values, parts.train),
        known.codes[parts.train],
        validation=validation,
        training=chosen,
        progress=progress,
        what=what,
        checkpoint=checkpoint,
        identity={
            "architecture": arch.fingerprint,
            "model_options": choices.to_json(),
            "objective": [objective, margin, types_per_batch, cells_per_type],
            "pretraining": None if pretraining is None else pretraining.to_json(),
        },
        logs=logs,
        say=say,
        callbacks=callbacks,
        order=order,
        batch_size=batch_size,
    )
    view(model).card.remember(
        training=training_record(chosen, known, parts, history, None, pretraining=pretraining, objective=objective)
    )
    return TrainingResult(model, history, None, parts)
