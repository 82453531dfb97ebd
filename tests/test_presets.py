"""Presets are what was published, whatever the defaults become."""

import pytest

from keras_vnn.options import AUTOENCODER_PRESETS, MODEL_PRESETS, TRAINING_PRESETS, ModelOptions, TrainingOptions

# Of release 0.2, from which presets tell their differences.
MODEL = {
    "activation": "tanh",
    "dense_activation": "linear",
    "tail": (),
    "tail_activation": "tanh",
    "batch_normalization": "none",
    "dropout": 0.0,
    "dropout_from": 1,
    "dropout_of": "outputs",
    "l2": 0.0,
    "kernel_initializer": "glorot_uniform",
    "initial_scale": 1.0,
    "initial_gamma": 1.0,
    "head": "linear",
    "loss": "auto",
    "auxiliary_heads": "none",
    "aux_reads": "after",
    "aux_root": True,
    "aux_weight": 0.3,
    "level_heads": False,
    "gene_features": (),
    "annotation_units": False,
    "side_features": 0,
    "side_layers": (),
    "anchor": "none",
    "reads": "last",
    "non_negative": False,
    "signs": "ignore",
}
DRUGCELL = {
    "batch_normalization": "after",
    "kernel_initializer": "linear_uniform",
    "initial_scale": 0.1,
    "initial_gamma": 0.1,
    "head": "linear-tanh-linear",
    "auxiliary_heads": "linear-tanh-linear",
    "annotation_units": True,
}
MODELS = {
    "lin2017": {},
    "lin2017-two-layer": {"tail": (100,)},
    "scquery-go-flat": {},
    "scquery-go-hierarchical": {},
    "dcell-paper": {"batch_normalization": "after", "auxiliary_heads": "linear", "aux_root": False},
    "dcell-code": {
        "batch_normalization": "after",
        "auxiliary_heads": "linear-tanh",
        "aux_reads": "before",
        "aux_root": False,
        "aux_weight": 0.5,
        "kernel_initializer": "linear_uniform",
        "initial_scale": 0.001,
    },
    "drugcell": {**DRUGCELL, "aux_weight": 0.2, "tail": (6,), "side_features": 2048, "side_layers": (100, 50, 6)},
    "nest": {
        **DRUGCELL,
        "gene_features": ("mutation", "deletion", "amplification"),
        "dropout": 0.3,
        "dropout_from": 3,
        "dropout_of": "inputs",
        "loss": "concordance",
    },
    "pnet": {
        "dropout": (0.5, 0.1),
        "dropout_from": 0,
        "l2": 0.001,
        "gene_features": ("mutation", "amplification", "deletion"),
        "level_heads": True,
    },
    "kpnn": {"activation": "sigmoid", "dropout": 0.3, "dropout_of": "nodes"},
    # This project's own.
    "discover": {"anchor": "mean", "auxiliary_heads": "linear"},
}
# Optimizer, learning rate, batch size, epochs, patience.
TRAININGS = {
    "lin2017": ("sgd", 0.1, 10, 100, 0),
    "lin2017-two-layer": ("sgd", 0.1, 10, 100, 0),
    "scquery-go-flat": ("sgd", 0.1, 10, 100, 0),
    "scquery-go-hierarchical": ("sgd", 0.1, 10, 100, 0),
    "dcell-paper": ("adam", 0.001, 800, 200, 0),
    "dcell-code": ("adam", 0.001, 800, 200, 0),
    "drugcell": ("adam", 0.001, 5000, 300, 30),
    "nest": ("adamw", 0.001, 64, 300, 30),
    "pnet": ("adam", 0.001, 50, 300, 20),
    "kpnn": ("adam", 0.001, 32, 100, 10),
    "discover": ("adam", 0.01, 32, 120, 40),
    "vega": ("adam", 0.0001, 128, 500, 10),
    "onto-vae": ("adamw", 0.0001, 128, 300, 30),
    "expimap": ("adam", 0.001, 128, 400, 30),
}


@pytest.mark.parametrize("name", MODELS)
def test_models_are_as_published(name):
    preset = MODEL_PRESETS[name]
    assert {option: getattr(preset, option) for option in MODEL} == MODEL | MODELS[name]


@pytest.mark.parametrize("name", TRAININGS)
def test_trainings_are_as_published(name):
    preset = TRAINING_PRESETS[name]
    told = (preset.optimizer, preset.learning_rate, preset.batch_size, preset.epochs, preset.patience)
    assert told == TRAININGS[name]
    epsilons = {"drugcell": 1e-5, "nest": 1e-5, "expimap": 0.01}
    assert preset.optimizer == "sgd" or preset.adam_epsilon == epsilons.get(name, 1e-7)
    own = {"discover": ["zscore"], "expimap": ["log1p"]}.get(name, [])
    assert preset.normalization in ("none", "log1p-cpm", "lin2017", *own)


def test_every_preset_is_in_the_tables():
    assert MODEL_PRESETS.keys() == MODELS.keys()
    assert TRAINING_PRESETS.keys() == TRAININGS.keys() == MODELS.keys() | AUTOENCODER_PRESETS.keys()


def test_the_defaults_are_those_of_no_paper():
    default = ModelOptions()
    assert (default.anchor, default.anchor_pull, default.kernel_initializer) == ("mean", 0.002, "glorot_uniform")
    assert default.reads == "all"
    training = TrainingOptions()
    assert (training.normalization, training.learning_rate, training.adam_epsilon) == ("centered", 0.1, 0.1)
    assert training.patience == 30
    assert TrainingOptions(learning_rate=0.001).adam_epsilon == 0.001
