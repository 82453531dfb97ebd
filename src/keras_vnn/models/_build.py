"""`build_model`: an architecture becomes a Keras model."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Unpack

import keras

from keras_vnn.architecture import Architecture, check_architecture_given
from keras_vnn.basics.errors import ModelError, VNNWarning
from keras_vnn.basics.remedies import by_place, option_named, remedy
from keras_vnn.data import Classes, Normalization
from keras_vnn.layers import AuxiliaryModel, Concordance, ConcordanceIndex, CoxPartialLikelihood, SoftLinkModel
from keras_vnn.models._anchor import check_functions
from keras_vnn.models._builder import Builder, check_normalization, compile_model
from keras_vnn.models._outputs import Embedding, Outputs, Survival, as_outputs, outputs_to_json
from keras_vnn.models._roles import Roles
from keras_vnn.options import ModelOptions, TrainingOptions, model_options

if TYPE_CHECKING:
    from keras_vnn.options._changes import ModelChanges


def build_model(
    arch: Architecture,
    outputs: Outputs | int,
    *,
    preset: str | None = None,
    normalization: Normalization | None = None,
    optimizer: Any = None,
    seed: int | None = None,
    name: str = "vnn",
    **options: Unpack[ModelChanges],
) -> keras.Model:
    """Return a compiled Keras model wired like the architecture.

    Genes feed named nodes through sparse layers, one for each layer of the architecture whatever its number of nodes;
    dense units are next to them; a head reads every node (with ``reads="last"`` those that feed no other node), and the
    dense units of each layer, directly or through a dense tail. Auxiliary heads take part in training only.

    Parameters
    ----------
    arch
        The architecture.
    outputs
        What to predict: `pp.classes(labels)`, `Regression`, `Embedding`, or a number of classes.
    preset
        Name of a published set of options, one of `MODEL_PRESETS`, e.g. ``lin2017`` or ``drugcell``; or ``discover``,
        for what no mean of genes shows, with nodes of several units.
    normalization
        The normalisation of the training data, kept with the model so that new data are treated alike.
    optimizer
        A Keras optimizer or its name; by default Adam as `TrainingOptions` has it, and Keras's own for a preset.
    seed
        Seed of the initial weights; ``None`` draws from Keras's global state.
    name
        Name of the Keras model.
    **options
        Any field of `ModelOptions`, e.g. ``tail=(100,)``.

    Returns
    -------
    keras.Model
        From ``(cells, genes)`` to ``(cells, classes)`` probabilities, ``(cells, numbers)``, or, for an embedding,
        ``(cells, units)``. With several features per gene the input is ``(cells, genes, features)``; with a side branch
        it is a list of that and ``(cells, side features)``. The model carries the architecture: it can be saved,
        loaded and inspected by name.

    Raises
    ------
    ModelError
        The outputs, the preset or an option is unknown, out of range, or does not fit the others.
    """
    wanted = as_outputs(outputs)
    check_architecture_given(arch)
    check_normalization(arch, normalization)
    chosen = model_options(preset, options)
    _check_outputs(chosen, wanted)
    check_functions(chosen)
    if preset == "discover" and all((layer.units == 1).all() for layer in arch.hidden_layers):
        warnings.warn(
            "Every node has one unit, which can hardly hold more than a mean of its genes.\n"
            "The preset discover is for nodes of several: " + by_place("vnn build … --units 6", "arch.with_units(6)"),
            VNNWarning,
            stacklevel=2,
        )
    if seed is not None:
        keras.utils.set_random_seed(seed)
    builder = Builder(arch, chosen, wanted)
    prediction = builder.prediction()
    kind = SoftLinkModel if builder.has_soft_links else keras.Model
    if builder.has_auxiliary_heads:
        kind = AuxiliaryModel
    model = kind(builder.inputs if len(builder.inputs) > 1 else builder.inputs[0], prediction, name=name)
    builder.card.remember(
        outputs=outputs_to_json(wanted),
        normalization=None if normalization is None else normalization.to_json(),
        roles=Roles.of(model, builder.roles, builder.features).to_json(),
        options=chosen.to_json(),
    )
    if not isinstance(wanted, Embedding):
        # By its class: of a name Keras makes the variables within the first step, which it then traces twice.
        accuracy = keras.metrics.SparseCategoricalAccuracy("accuracy")
        metrics = [accuracy] if isinstance(wanted, Classes) else []
        metrics = [ConcordanceIndex()] if isinstance(wanted, Survival) else metrics
        if optimizer is None and preset is None:
            usual = TrainingOptions()
            optimizer = keras.optimizers.Adam(usual.learning_rate, epsilon=usual.adam_epsilon)
        compile_model(model, optimizer, loss=_loss(chosen, wanted), metrics=metrics)
    return model


def _check_outputs(options: ModelOptions, outputs: Outputs) -> None:
    is_classifier, is_embedding = isinstance(outputs, Classes), isinstance(outputs, Embedding)
    if options.side_layers and not options.side_features:
        layers, features = option_named("side_layers"), option_named("side_features")
        raise ModelError(f"{layers} are layers behind {features}: name their number too, or leave {layers} out.")
    if is_embedding and (options.auxiliary_heads != "none" or options.level_heads):
        raise ModelError("An embedding predicts nothing, so it has no auxiliary and no level heads.")
    if options.loss != "auto" and is_classifier != (options.loss == "sparse_categorical_crossentropy"):
        what = "classes" if is_classifier else "numbers"
        right = "auto or sparse_categorical_crossentropy" if is_classifier else "auto or another"
        raise ModelError(f"The loss {options.loss} is not for {what}; take {right}.")
    if options.loss != "auto" and isinstance(outputs, Survival):
        wanted = remedy("{loss}", loss="auto")
        raise ModelError(f"The loss of Survival is the Cox partial likelihood: {wanted}, got {options.loss!r}.")
    if options.auxiliary_heads == "linear-tanh" and (is_classifier or options.loss == "binary_crossentropy"):
        raise ModelError(
            remedy(
                "{auxiliary_heads} gives numbers between -1 and 1, not probabilities.\n", auxiliary_heads="linear-tanh"
            )
            + remedy("For classes, or numbers that are 0 or 1, take {auxiliary_heads}.", auxiliary_heads="linear")
        )


def _loss(options: ModelOptions, outputs: Outputs) -> Any:
    if isinstance(outputs, Survival):
        return CoxPartialLikelihood()
    if options.loss == "auto":
        return "sparse_categorical_crossentropy" if isinstance(outputs, Classes) else "mean_squared_error"
    return Concordance() if options.loss == "concordance" else options.loss
