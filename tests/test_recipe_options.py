"""What a training recipe says, as the options that functions take."""

from __future__ import annotations

import pytest

from keras_vnn.basics.errors import ConfigError, ModelError
from keras_vnn.options import training_options
from keras_vnn.recipes.read import make_section
from keras_vnn.recipes.schema import BuildRecipe, TrainRecipe

KNOWN = {"data": "cells.h5ad", "label": "type"}


def refused(**options):
    with pytest.raises(ConfigError) as error:
        make_section(TrainRecipe, None, {**KNOWN, **options}, "here")
    return str(error.value)


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
    found = recipe.training_options()
    assert (found.schedule, found.warmup, found.clip_norm, found.precision) == ("cosine", 0.1, 1.0, "mixed_bfloat16")
    assert (found.momentum, found.decay, found.epochs, found.seed) == (0.5, 0.0, 3, 4)
    assert found.nesterov and found.normalization == "lin2017"


def test_an_unknown_option_of_training():
    assert refused(training={"momentun": 0.5}) == "Unknown training option 'momentun': here\nDid you mean momentum?"


def test_pretraining():
    assert TrainRecipe(**KNOWN).pretraining_options() is None
    found = TrainRecipe(**KNOWN, pretrain="all", pretraining={"noise": 0.2, "epochs": 5}).pretraining_options()
    assert (found.layers, found.noise, found.epochs, found.clip) == ("all", 0.2, 5, 1.0)
    assert refused(pretrain="dense", pretraining={"noize": 0.2}) == (
        "Unknown option of pretraining 'noize': here\nDid you mean noise?"
    )
    assert refused(pretraining={"noise": 0.2}) == (
        "'noise' has no effect: nothing is pretrained without pretrain: dense or all: here\nLeave it out."
    )


def test_autoencoders():
    recipe = TrainRecipe(**KNOWN, objective="autoencoder", warmup_epochs=3)
    assert recipe.embedding == {"warmup_epochs": 3}
    assert recipe.training_options().learning_rate == 1e-4, "as VEGA, if nothing else is said"
    assert refused(objective="autoencoder", margin=0.5) == (
        "'margin' has no effect with objective: autoencoder: here\nLeave it out."
    )


def test_embeddings():
    assert TrainRecipe(**KNOWN, objective="triplet", margin=0.5).embedding == {"margin": 0.5}
    assert refused(objective="triplet", embedding={"margins": 0.5}) == (
        "Unknown option of an embedding 'margins': here\nDid you mean margin?"
    )
    assert refused(margin=0.5) == "'margin' has no effect with objective: prediction: here\nLeave it out."


def test_options_of_the_model():
    recipe = TrainRecipe(**KNOWN, dropout=0.2, tail=[8], model={"dense_activation": "tanh"})
    assert recipe.model == {"dense_activation": "tanh", "tail": (8,), "dropout": 0.2}
    assert refused(dropout=2) == (
        "dropout must be a number of at least 0 and below 1, or a list, each a number of at least 0 and below 1, "
        "got 2: here"
    )


def test_options_of_another_family_of_priors_are_refused():
    with pytest.raises(ConfigError) as error:
        make_section(BuildRecipe, None, {"genes": "g", "interactions": "p", "units": 6, "layering": "flat"}, "here")
    assert str(error.value) == ("'layering' has no effect: the nodes are wired by interactions: here\nLeave it out.")
    with pytest.raises(ConfigError) as error:
        make_section(BuildRecipe, None, {"genes": "g", "gene_sets": "s.gmt", "min_score": 700}, "here")
    assert str(error.value) == "'min_score' has no effect without interactions: here\nLeave it out."


def test_an_option_without_effect_on_the_others_is_refused():
    with pytest.raises(ModelError) as error:
        training_options(momentum=0.9)
    assert str(error.value) == ("momentum goes with optimizer='sgd' only, got optimizer='adam'. Leave momentum out.")
    assert training_options("lin2017", optimizer="adam").momentum == 0.9, "of a preset it is without effect"
