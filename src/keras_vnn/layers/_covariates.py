"""Covariates of a cell, such as its batch: what they add to units, and a check that units do not tell them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray


@keras.saving.register_keras_serializable(package="keras_vnn")
class CovariateEffect(keras.layers.Layer):
    """A linear function of covariates without a bias, which begins at 0.

    Parameters
    ----------
    units
        Units of the output.
    **kwargs
        Further arguments of ``keras.layers.Layer``.

    Input shape
    -----------
    ``(batch, covariates)``

    Output shape
    ------------
    ``(batch, units)``

    Attributes
    ----------
    kernel
        ``(covariates, units)`` weights.
    is_fixed
        ``(covariates,)`` whose weights no training changes; none when ``None``. It is not saved.
    """

    bias = None

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = int(units)
        self.is_fixed: NDArray[np.bool_] | None = None
        self.kernel: Any = None

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights."""
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.units), initializer="zeros")
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return ``(batch, units)``."""
        kernel = ops.convert_to_tensor(self.kernel)
        if self.is_fixed is not None:
            kernel = ops.where(self.is_fixed[:, None], ops.stop_gradient(kernel), kernel)
        return ops.matmul(inputs, ops.cast(kernel, inputs.dtype))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return ``(batch, units)``."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return a JSON value from which `from_config` makes the same layer."""
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable(package="keras_vnn")
class CovariateAdversary(keras.layers.Layer):
    """Guesses covariates from units in training, and trains what gives the units to make that hard.

    A dense network learns the covariates by least squares. The gradient of its loss reaches the units with the other
    sign, so that what gives them learns to leave out what tells the covariates.

    Parameters
    ----------
    weight
        Weight of the squared error, summed over covariates and averaged over cells.
    width
        Units of the one hidden layer of the network.
    seed
        Of its initial weights; drawn from Keras's global state when ``None``.
    **kwargs
        Further arguments of ``keras.layers.Layer``.

    Input shape
    -----------
    A list of ``(batch, units)``, ``(batch, covariates)``, and what passes unchanged, so that the layer is on the way of
    the model to its output.

    Output shape
    ------------
    That of what passes.

    References
    ----------
    Ganin et al. 2016, Journal of Machine Learning Research 17:59, arXiv:1505.07818 (the reversal of gradients).
    """

    def __init__(self, weight: float, *, width: int = 64, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weight = float(weight)
        self.width = int(width)
        self.seed = seed
        self._guess: list[keras.layers.Dense] = []

    def build(self, input_shape: Sequence[tuple[int | None, ...]]) -> None:
        """Create the weights of the network."""
        (*_, units), (*_, covariates), _ = input_shape
        how = {"dtype": self.dtype_policy}
        self._guess = [
            keras.layers.Dense(
                size,
                name=name,
                activation=activation,
                kernel_initializer=keras.initializers.GlorotUniform(self.seed),
                **how,
            )
            for name, size, activation in (("hidden", self.width, "relu"), ("guess", covariates, None))
        ]
        for layer, size in zip(self._guess, (units, self.width), strict=True):
            layer.build((None, size))
        self.built = True

    def call(self, inputs: Sequence[Any], training: bool = False) -> Any:
        """Return what passes."""
        units, covariates, passes = inputs
        if not training:
            return passes
        # Each standardised within the batch and the guess bounded: larger units are no way to a larger error.
        spread = ops.std(units, axis=0) + keras.config.epsilon()
        guess = (units - ops.mean(units, axis=0)) / spread
        guess = ops.stop_gradient(2 * guess) - guess
        for layer in self._guess:
            guess = layer(guess)
        guess = 2 * ops.tanh(guess / 2)
        error = ops.sum(ops.square(guess - ops.cast(covariates, guess.dtype)), axis=-1)
        self.add_loss(self.weight * ops.mean(error))
        return passes

    def compute_output_shape(self, input_shape: Sequence[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """Return the shape of what passes."""
        return tuple(input_shape[2])

    def get_config(self) -> dict[str, Any]:
        """Return a JSON value from which `from_config` makes the same layer."""
        return {**super().get_config(), "weight": self.weight, "width": self.width, "seed": self.seed}
