"""Initial weights as `ModelOptions` ask for them."""

from __future__ import annotations

import keras

from keras_vnn.errors import ModelError, did_you_mean
from keras_vnn.options import LINEAR_UNIFORM, ModelOptions, Options

__all__ = ["check_activations", "initializer_named", "kernel_initializer"]


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
        The initializer is unknown.
    """
    if name == LINEAR_UNIFORM:
        return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
    try:
        return keras.initializers.get(name)
    except ValueError as error:
        raise ModelError(
            f"kernel_initializer must be {LINEAR_UNIFORM} or a name that Keras knows, "
            f"e.g. glorot_uniform; got {name!r}."
        ) from error


def check_activations(options: Options) -> None:
    """Raise a `ModelError` unless Keras knows the activations that options of a model name."""
    names = [known for known in dir(keras.activations) if known.islower() and not known.startswith("_")]
    known = [name for name in names if name not in ("get", "serialize", "deserialize")]
    for option in options.names():
        value = getattr(options, option) if option.endswith("activation") else None
        if value is not None and value not in known:
            hint = did_you_mean(str(value), known) or f"Known: {', '.join(known)}."
            raise ModelError(f"{option} must be a name that Keras knows, got {value!r}. {hint}")
