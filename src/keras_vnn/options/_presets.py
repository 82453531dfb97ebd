"""The published models, and one to discover by, as sets of options of model and training, by the same names.

Numbers of units per term, dense units next to the nodes and layers are the architecture's. Where paper and released
code differ, the comment says which is meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from keras_vnn.basics.errors import ModelError, check_choice
from keras_vnn.basics.remedies import by_place, remedy
from keras_vnn.options._base import Options, unknown_name
from keras_vnn.options._model import LINEAR_UNIFORM, AutoencoderOptions, ModelOptions
from keras_vnn.options._training import ADAM_EPSILON, TrainingOptions

if TYPE_CHECKING:
    from keras_vnn.options._changes import TrainingChanges

Kind = TypeVar("Kind", bound=Options)

# Kuenzi et al. 2020, Cancer Cell, doi:10.1016/j.ccell.2020.09.014, and its released code. Every parameter starts at a
# tenth of PyTorch's usual value, the scale of batch normalisation included (code). Biases start at 0 here.
_DRUGCELL: Mapping[str, Any] = {
    "batch_normalization": "after",
    "kernel_initializer": LINEAR_UNIFORM,
    "initial_scale": 0.1,
    "initial_gamma": 0.1,
    "head": "linear-tanh-linear",
    "auxiliary_heads": "linear-tanh-linear",
    "annotation_units": True,
}

# What papers leave at the defaults of their time: weights that start at random, and in training Adam's own rate.
_PUBLISHED = ModelOptions(anchor="none", reads="last")
_PUBLISHED_TRAINING = TrainingOptions(
    normalization="zscore", learning_rate=1e-3, epsilon=ADAM_EPSILON, batch_size=32, patience=10
)

MODEL_PRESETS: Mapping[str, ModelOptions] = MappingProxyType(
    {
        # Lin et al. 2017, doi:10.1093/nar/gkx681: tanh on sparse nodes and tail, the 100 dense units linear (code).
        "lin2017": _PUBLISHED,
        "lin2017-two-layer": _PUBLISHED.changed(tail=(100,)),
        # Alavi et al. 2018, doi:10.1038/s41467-018-07165-2. Flat: 300 terms and 100 dense units. Hierarchical: terms
        # of depth 4, 3, 2, and 31 dense units on the genes joined to the last of them. Both are the architecture's.
        "scquery-go-flat": _PUBLISHED,
        "scquery-go-hierarchical": _PUBLISHED,
        # Ma et al. 2018, doi:10.1038/nmeth.4627. Paper: linear heads on the normalised units, weight 0.3, summed. Its
        # L2 was found by cross-validation and is left to the user. Units: dcell-paper, max(20, ceil(0.3 n)).
        "dcell-paper": _PUBLISHED.changed(batch_normalization="after", auxiliary_heads="linear", aux_root=False),
        # Released code: tanh(linear) heads that read the units before batch normalisation, weight 0.5, weights of the
        # linear steps times 0.001. Units: dcell-code, max(10, floor(0.2 n)).
        "dcell-code": _PUBLISHED.changed(
            batch_normalization="after",
            auxiliary_heads="linear-tanh",
            aux_reads="before",
            aux_root=False,
            aux_weight=0.5,
            kernel_initializer=LINEAR_UNIFORM,
            initial_scale=0.001,
        ),
        "drugcell": _PUBLISHED.changed(
            **_DRUGCELL, aux_weight=0.2, tail=(6,), side_features=2048, side_layers=(100, 50, 6)
        ),
        # NeST-VNN (released code): dropout of what a system reads, from the third layer of systems on (2 from 0).
        # Systems of a layer that read the same unit lose it together here; there, each by itself.
        "nest": _PUBLISHED.changed(
            **_DRUGCELL,
            aux_weight=0.3,
            gene_features=("mutation", "deletion", "amplification"),
            dropout=0.3,
            dropout_from=3,
            dropout_of="inputs",
            loss="concordance",
        ),
        # Elmarakeby et al. 2021, doi:10.1038/s41586-021-03922-4: six heads (genes, five layers of pathways), a sigmoid
        # each; two classes by softmax, as here, are the same. For yes/no numbers: loss="binary_crossentropy".
        "pnet": _PUBLISHED.changed(
            dropout=(0.5, 0.1),
            dropout_from=0,
            l2=0.001,
            gene_features=("mutation", "amplification", "deletion"),
            level_heads=True,
            level_weights=(2, 7, 20, 54, 148, 400),
        ),
        # Fortelny & Bock 2020, doi:10.1186/s13059-020-02100-5: keep-probability 0.4 to 0.9, by data set; 0.7 here.
        "kpnn": _PUBLISHED.changed(activation="sigmoid", dropout=0.3, dropout_of="nodes"),
        # This project's, for what no mean of genes shows: every node predicts, from the anchored start. Nodes need
        # several units, which are the architecture's: 6 of them find a planted exclusive or (docs/interpretation.md).
        "discover": ModelOptions(auxiliary_heads="linear", aux_weight=0.3, reads="last"),
    }
)

AUTOENCODER_PRESETS: Mapping[str, AutoencoderOptions] = MappingProxyType(
    {
        # Seninge et al. 2021, doi:10.1038/s41467-021-26017-0, and the code of its figures: two layers of 800, dropout
        # of 0.5 there and of the latent values, weight of the divergence 5e-5 (the package has 0.3 and 1e-4). The node
        # per gene set and those that read all genes are the architecture's: gene_set_architecture(…, dense_units=1).
        "vega": AutoencoderOptions(),
        # Doncevic & Herrmann 2023, doi:10.1093/bioinformatics/btad387, and its code: latent values are the units of the
        # terms without a parent, an encoder of one layer as wide, dropout 0.2 and of the latent values 0.5, divergence
        # 1e-4. Terms, their limits and three units each are the architecture's.
        "onto-vae": AutoencoderOptions(encoder=("latent",), dropout=0.2, beta=1e-4),
        # Lotfollahi et al. 2023, doi:10.1038/s41556-022-01072-x, and its code: two layers of 256 with layer
        # normalisation and dropout 0.05, counts by a negative binomial distribution, weight of the divergence 0.5. Not
        # from it: weights of the decoder that are never negative, where it turns nodes afterwards; no group lasso.
        "expimap": AutoencoderOptions(
            reconstruction="nb",
            encoder=(256, 256),
            batch_normalization=False,
            layer_normalization=True,
            dropout=0.05,
            latent_dropout=0.0,
            beta=0.5,
        ),
    }
)

_LIN2017 = TrainingOptions(
    normalization="lin2017",
    optimizer="sgd",
    learning_rate=0.1,
    decay=1e-6,
    momentum=0.9,
    nesterov=True,
    batch_size=10,
    epochs=100,
    patience=0,
)
_SCQUERY = _LIN2017.changed(momentum=0.0, nesterov=False)
_DCELL = _PUBLISHED_TRAINING.changed(normalization="none", beta_2=0.99, batch_size=800, epochs=200, patience=0)
_AUTOENCODER = _PUBLISHED_TRAINING.changed(normalization="log1p-cpm", learning_rate=1e-4, batch_size=128)
TRAINING_PRESETS: Mapping[str, TrainingOptions] = MappingProxyType(
    {
        "lin2017": _LIN2017,
        "lin2017-two-layer": _LIN2017,
        # SGD at 0.1 for the networks that classify (code); what is not known of them is as in Lin et al.
        "scquery-go-flat": _SCQUERY,
        "scquery-go-hierarchical": _SCQUERY,
        # Adam 0.001, betas 0.9 and 0.99, batches of 800, 200 epochs (code). The paper does not say; the same is taken.
        "dcell-paper": _DCELL,
        "dcell-code": _DCELL,
        # Code; 300 epochs of which the best on the validation data is kept: patience ends them here.
        "drugcell": _DCELL.changed(epsilon=1e-5, batch_size=5000, epochs=300, patience=30),
        # Code: AdamW, weight decay as large as the learning rate, batches of 64, patience 30.
        "nest": _DCELL.changed(
            optimizer="adamw", weight_decay=1e-3, epsilon=1e-5, batch_size=64, epochs=300, patience=30
        ),
        # Adam 0.001, batches of 50; epochs and patience are this project's.
        "pnet": _PUBLISHED_TRAINING.changed(normalization="none", batch_size=50, epochs=300, patience=20),
        # The paper tunes all of it by data set; these are this project's defaults.
        "kpnn": _PUBLISHED_TRAINING.changed(normalization="log1p-cpm"),
        # Heads of lower nodes, which learn nothing at first, would end the training at the usual patience.
        "discover": _PUBLISHED_TRAINING.changed(learning_rate=0.01, epochs=120, patience=40),
        # Code: Adam 1e-4, batches of 128, patience 10, up to 500 epochs (300 in the paper). Its L2 of 5e-4 on a loss
        # summed over the batch, 4e-6 of ours, is left out; log-normalised counts of 10,000 a cell, a million here.
        "vega": _AUTOENCODER.changed(epochs=500),
        # Code: AdamW 1e-4 with PyTorch's weight decay of 0.01, batches of 128, 300 epochs of which the best on the
        # validation data is kept: patience ends them here.
        "onto-vae": _AUTOENCODER.changed(optimizer="adamw", weight_decay=0.01, epochs=300, patience=30),
        # Code: Adam 1e-3 with an epsilon of 0.01, batches of 128, up to 400 epochs; patience is this project's.
        "expimap": _AUTOENCODER.changed(
            normalization="log1p", learning_rate=1e-3, epsilon=0.01, epochs=400, patience=30
        ),
    }
)


def model_options(preset: str | None, changes: Mapping[str, Any]) -> ModelOptions:
    """Return the options of a preset (or the defaults) with some changed.

    Raises
    ------
    ModelError
        The preset or an option is unknown, or a value is out of range.
    """
    if preset in AUTOENCODER_PRESETS:
        raise ModelError(
            f"The preset {preset!r} is of autoencoders, not of models that predict.\n"
            + by_place(
                "Train one: vnn train … --objective autoencoder",
                f"Build one: vnn.build_autoencoder(arch, preset={preset!r})",
            )
        )
    return _of_preset(MODEL_PRESETS, preset, ModelOptions()).changed(**changes)


def autoencoder_options(preset: str | None, changes: Mapping[str, Any]) -> AutoencoderOptions:
    """Return the options of a preset of autoencoders (or the defaults) with some changed.

    Raises
    ------
    ModelError
        The preset or an option is unknown, or a value is out of range.
    """
    usual = autoencoder_preset(preset, changes.get("reconstruction"))
    return _of_preset(AUTOENCODER_PRESETS, usual, AutoencoderOptions(), "preset of an autoencoder").changed(**changes)


def autoencoder_preset(preset: str | None, reconstruction: str | None = None) -> str:
    """Return the preset of an autoencoder for which none is named: ``expimap`` of counts, ``vega`` of other values."""
    return preset or ("vega" if reconstruction in (None, "normal") else "expimap")


def check_counts_are_read(training: TrainingOptions, model: Options) -> None:
    """Raise a `ModelError` unless a model that restores counts reads what it can tell them by."""
    if isinstance(model, AutoencoderOptions) and model.restores_counts and training.normalization != "log1p":
        raise ModelError(
            remedy("{reconstruction}", reconstruction=model.reconstruction)
            + " restores counts, which the network reads as log(1 + count): expected the normalisation log1p, got "
            f"{training.normalization}.\n"
            + remedy("Pass {normalization}, with data that are counts.", normalization="log1p")
        )


def training_options(preset: str | None = None, **changes: Unpack[TrainingChanges]) -> TrainingOptions:
    """Return the options of a preset (or the defaults) with some changed; ``None`` changes nothing.

    Raises
    ------
    ModelError
        The preset or an option is unknown, or a value is out of range.
    """
    return _of_preset(TRAINING_PRESETS, preset, TrainingOptions()).changed(**changes)


# What functions that train take besides, for who misspells it.
_OF_TRAINERS = ("progress", "split", "group", "missing", "preset", "side", "covariate", "sample_weight", "callbacks")


def training_given(
    training: TrainingOptions | Mapping[str, Any] | None,
    options: Mapping[str, Any],
    model: type[Options],
    default: TrainingOptions | None = None,
) -> tuple[TrainingOptions, dict[str, Any]]:
    """Return how to train, and the options of the model, of what a function was told by name.

    Parameters
    ----------
    training
        Options, or changes of the default by name.
    options
        Of training and model together.
    model
        What the model can be told.
    default
        How to train by default.

    Raises
    ------
    ModelError
        An option is unknown, or a value is out of range.
    """
    if not isinstance(training, TrainingOptions | Mapping | None):
        raise ModelError(
            f"training must be TrainingOptions, or options by name, got {type(training).__name__}.\n"
            "For example: training={'epochs': 20}"
        )
    known = (*TrainingOptions.names(), *model.names())
    for name in options:
        if name not in known:
            raise ModelError(unknown_name(model, name, TrainingOptions, also=_OF_TRAINERS))
    chosen = training if isinstance(training, TrainingOptions) else default or TrainingOptions()
    changes = {name: value for name, value in options.items() if name in TrainingOptions.model_fields}
    given = {} if training is None or isinstance(training, TrainingOptions) else training
    return chosen.changed(**{**given, **changes}), {n: value for n, value in options.items() if n not in changes}


def _of_preset(presets: Mapping[str, Kind], preset: str | None, default: Kind, what: str = "preset") -> Kind:
    if preset is None:
        return default
    check_choice(what, preset, presets, ModelError)
    return presets[preset]
