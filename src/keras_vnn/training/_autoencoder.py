"""`train_autoencoder`: from expression alone to latent values that are named after what they stand for.

`tl.map_data` puts cells of a new batch on a trained one, of which only what it knows of batches grows.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

import keras
import numpy as np
from numpy.typing import NDArray

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import DataError, ModelError
from keras_vnn.basics.progress import Say
from keras_vnn.basics.remedies import by_place, remedy
from keras_vnn.data import Labels, Normalization, Side, Split, Targets, labels_given
from keras_vnn.data.metrics import ReconstructionMetrics, reconstruction_metrics
from keras_vnn.layers import CovariateAdversary
from keras_vnn.models import ModelView, build_autoencoder, compile_model, view
from keras_vnn.options import (
    AutoencoderOptions,
    AutoencoderTraining,
    TrainingOptions,
    autoencoder_options,
    autoencoder_preset,
    training_given,
    training_options,
)
from keras_vnn.training._fit import make_optimizer, predicted_by
from keras_vnn.training._run import TrainingResult, run_training, split_of

if TYPE_CHECKING:
    from keras_vnn.options._changes import RestorerChanges, TrainingChanges

# A gene that no training cell has begins as if it had so many counts in each.
_LEAST_COUNT = 1e-6
# Test cells that are dense in memory together.
_AT_ONCE = 1024


def train_autoencoder(
    arch: Architecture,
    data: Any,
    labels: Labels | Targets | str | Sequence[Any] | None = None,
    *,
    training: TrainingOptions | Mapping[str, Any] | None = None,
    split: Split | None = None,
    group: str | None = None,
    missing: str = "raise",
    covariate: str | Sequence[str] = (),
    preset: str | None = None,
    center: bool = True,
    warmup_epochs: int = 0,
    progress: bool = True,
    what: str = "training",
    checkpoint: str | os.PathLike[str] | None = None,
    logs: str | os.PathLike[str] | None = None,
    say: Say | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    **options: Unpack[RestorerChanges],
) -> TrainingResult:
    """Align data by name, normalise, and train an autoencoder of `build_autoencoder` with early stopping.

    The same arguments give the same result. Training stops by the squared error of the validation cells, restored from
    the means of their latent values.

    Parameters
    ----------
    arch, data, group, missing, progress, what, checkpoint, logs, say, callbacks
        As in `train`. Data on disk are read batch by batch.
    labels
        If given, only the labelled cells are used, and the split has the classes in proportion. The network does not
        see them.
    training
        How to train; by default as the preset was trained, see ``TRAINING_PRESETS``, and without one as VEGA was, of
        counts as expiMap was.
    split
        Which cells are for training, early stopping and scoring; 70, 15 and 15 % drawn by the seed by default.
    covariate
        Columns of ``data.obs`` that encoder and decoder read, such as the batch: categories as one-hot columns, numbers
        standardised. The model remembers them, and finds them in other data by name.
    preset
        As in `build_autoencoder`.
    **options
        Fields of `AutoencoderOptions`, as in `build_autoencoder`, and of `TrainingOptions`, as in `train`.
    center
        Begin with the mean of the training cells as what each gene is without any activity (its bias), so that latent
        values stand for deviations from it; VEGA and OntoVAE begin near 0.
    warmup_epochs
        Epochs in which ``beta`` rises to its full weight, from 0 in the first; 0 for full weight throughout, as VEGA
        and OntoVAE have it.

    Returns
    -------
    TrainingResult
        The model, its history (``loss``: error and weighted divergence of the training cells, with dropout and noise;
        ``val_loss``: error of the validation cells, without), and how well genes of the test cells are restored. Of
        counts, the error is minus their log-likelihood.

    Raises
    ------
    VNNError
        The data and the architecture do not fit together; see the functions this one calls.
    """
    objective = AutoencoderTraining(center=center, warmup_epochs=warmup_epochs)
    usual = training_options(autoencoder_preset(preset, options.get("reconstruction")))
    chosen, model_options = training_given(training, options, AutoencoderOptions, usual)
    known = None if labels is None else labels_given(data, labels)
    remember: dict[str, Any] = {}
    beside = None
    if covariate:
        split = split_of(data, known, split, group, chosen.seed)
        cells = np.arange(len(data)) if known is None else known.cells
        side = Side.fit(data, None, covariate, cells, cells[split.train])
        beside, remember = side.values(data, cells), {"side": side.to_json()}
        model_options["side_features"] = side.width
    choices = autoencoder_options(preset, model_options)
    if choices.side_features and beside is None:
        raise DataError(
            f"The model reads {choices.side_features:,} covariates, but there are no data for them.\n"
            + remedy("Name columns of the cells: {covariate}", covariate=...)
        )

    def build(*, normalization: Normalization, **how: Any) -> keras.Model:
        model = build_autoencoder(arch, preset=preset, normalization=normalization, **how, **model_options)
        if center:
            _center(model, _means(normalization))
        return model

    return run_training(
        arch,
        data,
        known,
        build,
        choices,
        targets=None,
        objective=("autoencoder", objective.to_json()),
        training=chosen,
        split=split,
        group=group,
        missing=missing,
        inputs=lambda values: values if beside is None else [values, beside],
        remember=remember,
        score=lambda model, cells, _: score_restored(model, cells),
        progress=progress,
        what=what,
        checkpoint=checkpoint,
        logs=logs,
        say=say,
        callbacks=[*callbacks, *([_Warmup(warmup_epochs)] if warmup_epochs else [])],
    )


def _center(model: keras.Model, means: NDArray[np.float64]) -> None:
    """Let each gene of an untrained model be at its mean where no node is active."""
    likelihood = view(model).likelihood_layer
    if likelihood is None:
        view(model).sparse_layer(0).bias.assign(np.where(restored_genes(model), means, 0.0))
    else:
        likelihood.level.assign(np.log(np.maximum(np.expm1(means), _LEAST_COUNT)))


def score_restored(model: keras.Model, cells: Any) -> ReconstructionMetrics:
    """Return how well cells are restored, a part of them in memory at a time."""
    genes, likelihood = restored_genes(model), view(model).likelihood_layer
    likely: list[NDArray[Any]] = []

    def restored(read: list[Any]) -> Any:
        part = read if len(read) > 1 else read[0]
        if likelihood is None:
            return predicted_by(model, part)
        values, of_cells = predicted_by(keras.Model(model.inputs, likelihood.output), part)
        likely.append(of_cells)
        return values

    parts = cells if isinstance(cells, list) else [cells]
    rows = [slice(start, start + _AT_ONCE) for start in range(0, len(parts[0]), _AT_ONCE)]
    each = ([np.asarray(part[some]) for part in parts] for some in rows)
    found = reconstruction_metrics((read[0][:, genes], restored(read)[:, genes]) for read in each)
    return replace(found, log_likelihood=float(np.concatenate(likely).mean(dtype=np.float64)) if likely else None)


def restored_genes(model: keras.Model) -> NDArray[np.bool_]:
    """Return ``(genes,)``, whether any node reads the gene, so that it can be restored."""
    fan_in: NDArray[np.integer] = view(model).sparse_layer(0).connections.fan_in
    return fan_in > 0


def _means(normalization: Normalization) -> NDArray[np.float64]:
    """Return the mean of each gene in the training cells, as the network reads it."""
    return np.zeros(len(normalization.genes)) if normalization.needs_fit else np.asarray(normalization.mean)


class _Warmup(keras.callbacks.Callback):
    """Lets the weight of the divergence rise from 0 in the first epoch to 1 after so many.

    Parameters
    ----------
    epochs
        How many.
    """

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs = epochs

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the share of the epoch, known from its number alone."""
        latent = view(self.model).latent_layer
        if latent is not None:
            latent.share.assign(min(1.0, epoch / self.epochs))


def map_data(
    model: keras.Model,
    data: Any,
    *,
    training: TrainingOptions | Mapping[str, Any] | None = None,
    split: Split | None = None,
    group: str | None = None,
    missing: str = "raise",
    progress: bool = True,
    what: str = "mapping",
    say: Say | None = None,
    **options: Unpack[TrainingChanges],
) -> TrainingResult:
    """Teach a trained autoencoder the batches of new cells, and leave all it knew as it was.

    The model becomes one with a weight more for each new value of a covariate and each unit that covariates are added
    to; these start at the mean of those of the known values, and only they are trained. All other weights, and what
    the model says of cells it was trained on, are the same to the last bit, so activities of old and new cells can be
    compared.

    Parameters
    ----------
    model
        An autoencoder that was trained with a ``covariate``; it is not changed.
    data
        AnnData, cells × genes, with the same columns of covariates and values of them that the model has not seen.
    training
        How to train: `TrainingOptions`, or options by name; by default as the model was trained, by Adam.
    split, group, missing, progress, what, say
        As in `train_autoencoder`.
    **options
        Fields of `TrainingOptions`, which change ``training``: ``epochs=20``.

    Returns
    -------
    TrainingResult
        The new model; scores are of the test cells among the new ones.

    Raises
    ------
    ModelError
        The model is not an autoencoder, or was trained without covariates.
    DataError
        All values of the covariates are known already; or as `train_autoencoder`.

    References
    ----------
    Lotfollahi et al. 2022, Nature Biotechnology 40:121, doi:10.1038/s41587-021-01001-7 (scArches).
    """
    seen = view(model)
    record = seen.card.metadata.get("training") or {}
    if seen.latent_layer is None or "side" not in record:
        raise ModelError(
            f"The model {seen.model.name!r} was not trained as an autoencoder with covariates, so that there is "
            "nothing to learn of a new batch.\n"
            "Train one on the first data: "
            + by_place(
                "vnn train … --objective autoencoder --covariate batch",
                'vnn.train_autoencoder(arch, data, covariate="batch")',
            )
        )
    known = Side.from_json(record["side"])
    side = known.extended(data)
    before = TrainingOptions(**record["options"])
    if before.optimizer == "adamw":  # its decay would move what is to stay
        before = before.changed(optimizer="adam", weight_decay=0.0)
    chosen = training if isinstance(training, TrainingOptions) else before.changed(**dict(training or {}))
    chosen = chosen.changed(**options)
    # What is before the adversary does not learn any more.
    kept = {**seen.card.metadata["options"], "side_features": side.width, "adversary": 0.0}
    choices = autoencoder_options(None, kept)

    def build(*, normalization: Normalization, optimizer: Any, seed: int) -> keras.Model:
        wider = build_autoencoder(
            seen.architecture, normalization=normalization, seed=seed, name=seen.model.name, **dict(choices)
        )
        _inherit(seen, wider, known, side)
        compile_model(wider, optimizer)
        return wider

    values = side.values(data)
    result = run_training(
        seen.architecture,
        data,
        None,
        build,
        choices,
        targets=None,
        objective=("autoencoder", record["objective_options"]),
        training=chosen,
        split=split,
        group=group,
        missing=missing,
        normalization=seen.normalization,
        inputs=lambda read: [read, values],
        remember={"side": side.to_json()},
        score=lambda mapped, cells, _: score_restored(mapped, cells),
        progress=progress,
        what=what,
        say=say,
    )
    for layer in result.model.layers:
        layer.trainable = True
    for layer in view(result.model).covariate_layers:
        layer.is_fixed = None
    compile_model(result.model, make_optimizer(chosen))
    return result


def _inherit(seen: ModelView, wider: keras.Model, known: Side, side: Side) -> None:
    """Give a model for more covariates the weights of one for fewer, and let nothing but the new ones be trained."""
    places, starts = side.places_of(known), side.starts_from(known)
    is_known = np.isin(np.arange(side.width), places)
    grows = view(wider).covariate_layers
    stays = [layer for layer in seen.model.layers if not isinstance(layer, CovariateAdversary)]
    for old, new in zip(stays, wider.layers, strict=True):
        new.trainable = new in grows
        if not new.trainable:
            new.set_weights(old.get_weights())
            continue
        (kernel,) = old.get_weights()
        new.kernel.assign(starts @ kernel)
        new.is_fixed = is_known
