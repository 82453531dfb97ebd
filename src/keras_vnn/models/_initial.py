"""Initial weights as `ModelOptions` ask for them."""

from __future__ import annotations

import keras

from keras_vnn.basics.errors import ModelError, did_you_mean
from keras_vnn.layers import check_initializer
from keras_vnn.options import LINEAR_UNIFORM, AutoencoderOptions, ModelOptions

# Functions of Keras that are not activations, or not of a single unit without further arguments.
_NO_ACTIVATIONS = ("deserialize", "get", "glu", "serialize", "threshold")


def kernel_initializer(options: ModelOptions) -> keras.initializers.Initializer:
    """Return a new Keras initializer.

    Raises
    ------
    ModelError
        The initializer is unknown, or cannot be scaled.
    """
    found = initializer_named(options.kernel_initializer)
    if options.initial_scale == 1:
        return found
    if not isinstance(found, keras.initializers.VarianceScaling):
        raise ModelError(
            f"initial_scale cannot scale the initializer {options.kernel_initializer!r}; "
            f"take one that scales by fan-in or fan-out, e.g. glorot_uniform or {LINEAR_UNIFORM}."
        )
    return keras.initializers.VarianceScaling(
        found.scale * options.initial_scale**2, found.mode, found.distribution, seed=found.seed
    )


def initializer_named(name: str) -> keras.initializers.Initializer:
    """Return a new Keras initializer by its name, or that of PyTorch's ``Linear``.

    Raises
    ------
    ModelError
        The initializer is unknown, or makes nothing but matrices.
    """
    if name == LINEAR_UNIFORM:
        return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
    try:
        found = keras.initializers.get(name)
    except ValueError as error:
        raise ModelError(
            f"kernel_initializer must be {LINEAR_UNIFORM} or a name that Keras knows, "
            f"e.g. glorot_uniform; got {name!r}."
        ) from error
    check_initializer(found)
    return found


def check_functions(options: ModelOptions | AutoencoderOptions) -> None:
    """Raise a `ModelError` unless Keras has the activations and the initializer that options name, and they serve."""
    known = [each for each in dir(keras.activations) if each.islower() and not each.startswith("_")]
    known = [each for each in known if each not in _NO_ACTIVATIONS]
    for name in options.names():
        value = getattr(options, name) if name.endswith("activation") else None
        if value is not None and value not in known:
            problem = "a name that Keras knows"
            if value in _NO_ACTIVATIONS:
                problem = "one that takes each unit to one, without further arguments"
            hint = did_you_mean(str(value), known) or f"Known: {', '.join(known)}."
            raise ModelError(f"{name} must be {problem}, got {value!r}. {hint}")
    if isinstance(options, ModelOptions):
        kernel_initializer(options)
    else:
        initializer_named(options.kernel_initializer)
