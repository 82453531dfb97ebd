"""`SelectUnits`: passes on some of its input units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

__all__ = ["SelectUnits"]


@keras.saving.register_keras_serializable(package="keras_vnn")
class SelectUnits(keras.layers.Layer):
    """Returns the named units of its input, in the given order; no weights.

    Parameters
    ----------
    units
        Positions on the last axis.
    **kwargs
        Further arguments of ``keras.layers.Layer``.
    """

    def __init__(self, units: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = tuple(int(unit) for unit in units)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        """Return ``(batch, units)``."""
        return ops.take(inputs, self.units, axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return ``(batch, …, units)``."""
        return (*input_shape[:-1], len(self.units))

    def get_config(self) -> dict[str, Any]:
        """Return a JSON value from which `from_config` makes the same layer."""
        return {**super().get_config(), "units": list(self.units)}
