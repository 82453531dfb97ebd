"""`NodeDropout`: drops whole nodes, each with a rate of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vnn.basics.errors import ModelError

__all__ = ["NodeDropout"]


@keras.saving.register_keras_serializable(package="keras_vnn")
class NodeDropout(keras.layers.Layer):
    """In training, sets all units of randomly chosen nodes to 0 and scales the others up by ``1 / (1 - rate)``.

    Parameters
    ----------
    rates
        ``(nodes,)`` probability of each node to be dropped, 0 to below 1.
    units_per_node
        Units of each node: one number, or one per node.
    seed
        Of the random choice; drawn from Keras's global state when ``None``.
    **kwargs
        Further arguments of ``keras.layers.Layer``.

    Raises
    ------
    ModelError
        A rate is out of range, or the numbers of rates and of nodes differ.

    Examples
    --------
    >>> import numpy as np
    >>> layer = NodeDropout([0.0, 0.5], units_per_node=[1, 2], seed=1)
    >>> layer(np.ones((2, 3)), training=False).shape[1]
    3
    """

    def __init__(
        self,
        rates: Sequence[float],
        units_per_node: int | Sequence[int] = 1,
        *,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rates = tuple(float(rate) for rate in rates)
        units = [units_per_node] * len(self.rates) if isinstance(units_per_node, int) else list(units_per_node)
        self.units_per_node = tuple(int(count) for count in units)
        if any(not 0 <= rate < 1 for rate in self.rates):
            raise ModelError("The rates of NodeDropout must be at least 0 and below 1.")
        if len(self.units_per_node) != len(self.rates):
            raise ModelError(
                f"NodeDropout needs the units of every node: "
                f"expected {len(self.rates)} numbers, got {len(self.units_per_node)}."
            )
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self._keep = np.array([1 - rate for rate in self.rates])
        self._node_of_unit = np.repeat(np.arange(len(self.rates)), self.units_per_node)
        self.supports_masking = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return ``(batch, units)``."""
        if not training or not any(self.rates):
            return inputs
        draws = keras.random.uniform((ops.shape(inputs)[0], len(self.rates)), seed=self.seed_generator)
        kept = ops.cast(draws < ops.cast(self._keep, draws.dtype), inputs.dtype)
        scaled = kept * ops.cast(1 / self._keep, inputs.dtype)
        return inputs * ops.take(scaled, self._node_of_unit, axis=1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the inputs."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return a JSON value from which `from_config` makes the same layer."""
        return {
            **super().get_config(),
            "rates": list(self.rates),
            "units_per_node": list(self.units_per_node),
            "seed": self.seed,
        }
