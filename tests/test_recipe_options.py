"""What a training recipe says, as the options that functions take."""

from __future__ import annotations

import pytest

from keras_vnn.config import TrainRecipe
from keras_vnn.errors import ConfigError, ModelError
from keras_vnn.recipe_options import embedding_choices, model_changes, pretraining_choices, training_choices

KNOWN = {"data": "cells.h5ad", "label": "type"}


def test_options_of_training_by_either_name():
    recipe = TrainRecipe(
        **KNOWN,
        preset="lin2017",
        schedule="cosine",
        warmup=0.1,
        clip_norm=1.0,
        precision="mixed_bfloat16",
        training={"decay": 0.0, "momentum": 0.5, "epochs": 7},
        epochs=3,
        seed=4,
    )
    found = training_choices(recipe)
    assert (found.schedule, found.warmup, found.clip_norm, found.precision) == ("cosine", 0.1, 1.0, "mixed_bfloat16")
    assert (found.momentum, found.decay, found.epochs, found.seed) == (0.5, 0.0, 3, 4)
    assert found.nesterov and found.normalization == "lin2017"


def test_an_unknown_option_of_training():
    with pytest.raises(ModelError) as error:
        training_choices(TrainRecipe(**KNOWN, training={"momentun": 0.5}))
    assert str(error.value) == "Unknown training option 'momentun'. Did you mean momentum?"


def test_pretraining():
    assert pretraining_choices(TrainRecipe(**KNOWN)) is None
    found = pretraining_choices(TrainRecipe(**KNOWN, pretrain="all", pretraining={"noise": 0.2, "epochs": 5}))
    assert (found.layers, found.noise, found.epochs, found.clip) == ("all", 0.2, 5, 1.0)
    with pytest.raises(ConfigError) as error:
        pretraining_choices(TrainRecipe(**KNOWN, pretrain="dense", pretraining={"noize": 0.2}))
    assert str(error.value) == (
        "Unknown option of pretraining: 'noize'. Did you mean noise?\n"
        "Known: noise, clip, epochs, batch_size, optimizer, learning_rate."
    )
    with pytest.raises(ConfigError, match="nothing is pretrained"):
        pretraining_choices(TrainRecipe(**KNOWN, pretraining={"noise": 0.2}))


def test_autoencoders():
    recipe = TrainRecipe(**KNOWN, objective="autoencoder", embedding={"warmup_epochs": 3})
    assert embedding_choices(recipe) == {"warmup_epochs": 3}
    assert training_choices(recipe).learning_rate == 1e-4, "as VEGA, if nothing else is said"
    with pytest.raises(ConfigError) as error:
        embedding_choices(TrainRecipe(**KNOWN, objective="autoencoder", embedding={"margin": 0.5}))
    assert str(error.value) == "Unknown option of an autoencoder: 'margin'.\nKnown: warmup_epochs, center."


def test_embeddings():
    assert embedding_choices(TrainRecipe(**KNOWN, embedding={"margin": 0.5})) == {"margin": 0.5}
    with pytest.raises(ConfigError) as error:
        embedding_choices(TrainRecipe(**KNOWN, embedding={"margins": 0.5}))
    assert str(error.value) == (
        "Unknown option of an embedding: 'margins'. Did you mean margin?\n"
        "Known: margin, types_per_batch, cells_per_type."
    )


def test_options_of_the_model():
    recipe = TrainRecipe(**KNOWN, dropout=0.2, tail=[8], model={"dense_activation": "tanh"})
    assert model_changes(recipe) == {"dense_activation": "tanh", "tail": (8,), "dropout": 0.2}
