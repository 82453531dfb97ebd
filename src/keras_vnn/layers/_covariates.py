"""What covariates of a cell, such as its batch, add to units."""

from __future__ import annotations

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
