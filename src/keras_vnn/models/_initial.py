"""Initial weights as `ModelOptions` ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from keras_vnn.errors import ModelError
from keras_vnn.layers import check_initializer

if TYPE_CHECKING:
    from keras_vnn.models._options import ModelOptions

__all__ = ["LINEAR_UNIFORM", "initializer_named", "kernel_initializer"]

LINEAR_UNIFORM = "linear_uniform"


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
