"""`tl.map_data`: cells of a new batch on a trained autoencoder, of which only what it knows of batches grows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

import keras
import numpy as np

from keras_vnn.basics.errors import ModelError
from keras_vnn.basics.progress import Say
from keras_vnn.basics.remedies import by_place
from keras_vnn.data import Normalization, Side, Split
from keras_vnn.layers import CovariateAdversary
from keras_vnn.models import ModelView, build_autoencoder, compile_model, view
from keras_vnn.options import TrainingOptions, autoencoder_options
from keras_vnn.training._autoencoder import score_restored
from keras_vnn.training._fit import make_optimizer
from keras_vnn.training._run import TrainingResult, run_training

if TYPE_CHECKING:
    from keras_vnn.options._changes import TrainingChanges


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
