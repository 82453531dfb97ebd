"""What a training recipe says, as the options that functions take.

In: a `TrainRecipe`. Out: options of training, pretraining, embeddings and models. Keras is imported only when asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from keras_vnn.config import TrainRecipe
from keras_vnn.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from keras_vnn.models import AutoencoderOptions, ModelOptions
    from keras_vnn.training import PretrainingOptions, TrainingOptions

__all__ = ["embedding_choices", "model_changes", "model_choices", "pretraining_choices", "training_choices"]

_TRAINING = (
    *("normalization", "optimizer", "learning_rate", "epochs", "batch_size", "patience", "class_weights"),
    *("schedule", "warmup", "clip_norm", "precision"),
)
_EMBEDDING = ("margin", "types_per_batch", "cells_per_type")
_AUTOENCODER = ("warmup_epochs", "center")


def training_choices(recipe: TrainRecipe) -> TrainingOptions:
    """Return how a recipe trains: its preset, with what it sets itself."""
    from keras_vnn.training import training_options

    own = {name: getattr(recipe, name) for name in _TRAINING if getattr(recipe, name) is not None}
    preset = recipe.preset or ("vega" if recipe.objective == "autoencoder" else None)
    return training_options(preset, **{**recipe.training, **own, "seed": recipe.seed})


def pretraining_choices(recipe: TrainRecipe) -> PretrainingOptions | None:
    """Return how a recipe pretrains; ``None`` when it does not."""
    from keras_vnn.training import PretrainingOptions

    if recipe.pretrain == "none":
        if recipe.pretraining:
            raise ConfigError(
                "There are options of pretraining, but nothing is pretrained. Add pretrain: dense or all."
            )
        return None
    known = [field.name for field in fields(PretrainingOptions) if field.name != "layers"]
    _check_names(recipe.pretraining, known, "pretraining")
    return PretrainingOptions(layers=recipe.pretrain, **recipe.pretraining)


def embedding_choices(recipe: TrainRecipe) -> dict[str, Any]:
    """Return the options of the objective of an embedding."""
    if recipe.objective == "autoencoder":
        _check_names(recipe.embedding, _AUTOENCODER, "an autoencoder")
    else:
        _check_names(recipe.embedding, _EMBEDDING, "an embedding")
    return dict(recipe.embedding)


def _check_names(given: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    unknown = [name for name in given if name not in known]
    if unknown:
        raise ConfigError(
            f"Unknown option of {what}: {unknown[0]!r}. {did_you_mean(unknown[0], known)}".rstrip()
            + f"\nKnown: {', '.join(known)}."
        )


def model_changes(recipe: TrainRecipe) -> dict[str, Any]:
    """Return the options of the model that a recipe sets."""
    names = ("tail", "activation", "dropout", "l2")
    return {**recipe.model, **{name: getattr(recipe, name) for name in names if getattr(recipe, name) is not None}}


def model_choices(recipe: TrainRecipe) -> ModelOptions | AutoencoderOptions:
    """Return how the model of a recipe is built: its preset, with what the recipe sets itself."""
    from keras_vnn.models import autoencoder_options, model_options

    options_of = autoencoder_options if recipe.objective == "autoencoder" else model_options
    return options_of(recipe.preset, model_changes(recipe))
