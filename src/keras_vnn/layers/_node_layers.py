"""Layers that go with named nodes: units chosen, nodes dropped, latent values drawn, batches normalised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vnn.basics.errors import ModelError


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


@keras.saving.register_keras_serializable(package="keras_vnn")
class LatentSample(keras.layers.Layer):
    """Draws latent values from normal distributions in training; otherwise gives their means.

    In training, ``mean + exp(log_variance / 2) * noise`` is drawn, and ``beta`` times the Kullback-Leibler divergence
    from the standard normal distribution, summed over the values of a cell and averaged over cells, joins the loss.

    Parameters
    ----------
    beta
        Weight of the divergence.
    seed
        Of the noise; drawn from Keras's global state when ``None``.
    **kwargs
        Further arguments of ``keras.layers.Layer``.

    Input shape
    -----------
    A list of means and logarithms of variances, each ``(batch, values)``.

    Output shape
    ------------
    ``(batch, values)``

    Attributes
    ----------
    share
        Share of ``beta`` that counts at present, a weight that is not trained: 1 unless something changes it.

    References
    ----------
    Kingma & Welling 2014, arXiv:1312.6114, appendix B; Higgins et al. 2017, ICLR (``beta``).

    Examples
    --------
    >>> import numpy as np
    >>> layer = LatentSample(beta=0.1, seed=1)
    >>> np.asarray(layer([np.array([[1.0, -2.0]]), np.zeros((1, 2))])).tolist()
    [[1.0, -2.0]]
    """

    def __init__(self, beta: float = 1.0, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.beta = float(beta)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.share: Any = None

    def build(self, input_shape: Sequence[tuple[int | None, ...]]) -> None:
        """Create the weight that says how much of ``beta`` counts."""
        self.share = self.add_weight(name="share", shape=(), initializer="ones", trainable=False)
        self.built = True

    def call(self, inputs: Sequence[Any], training: bool = False) -> Any:
        """Return ``(batch, values)``."""
        mean, log_variance = inputs
        if not training:
            return mean
        divergence = ops.sum(ops.exp(log_variance) + ops.square(mean) - 1 - log_variance, axis=-1) / 2
        self.add_loss(self.beta * ops.cast(self.share, divergence.dtype) * ops.mean(divergence))
        noise = keras.random.normal(ops.shape(mean), dtype=mean.dtype, seed=self.seed_generator)
        return mean + ops.exp(log_variance / 2) * noise

    def compute_output_shape(self, input_shape: Sequence[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """Return the shape of the means."""
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        """Return a JSON value from which `from_config` makes the same layer."""
        return {**super().get_config(), "beta": self.beta, "seed": self.seed}


if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

_ATTRIBUTE = "_keras_vnn_normalized"


def normalizable(tensor: Any, normalized: Callable[[Any, Any, float], Any]) -> Any:
    """Return a tensor of TensorFlow that a `BatchNormalization` may have normalised by who made it.

    ``normalized(gamma, beta, epsilon)`` gives outputs, means and variances. Only in graphs, which drop the tensor
    itself when nobody else reads it.
    """
    if not tf.executing_eagerly() and tensor.dtype in (tf.float32, tf.float64):
        setattr(tensor, _ATTRIBUTE, normalized)
    return tensor


@keras.saving.register_keras_serializable(package="keras_vnn")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's own, with its numbers and its weights; in training it may be one operation with the layer before it."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return the normalised units."""
        normalized = getattr(inputs, _ATTRIBUTE, None)
        is_usual = self.scale and self.center and not (self.synchronized or getattr(self, "renorm", False))
        if normalized is None or mask is not None or not is_usual or not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        gamma, beta = (ops.cast(ops.convert_to_tensor(each), inputs.dtype) for each in (self.gamma, self.beta))
        outputs, *moments = normalized(gamma, beta, self.epsilon)
        for kept, found in zip((self.moving_mean, self.moving_variance), moments, strict=True):
            kept.assign(ops.cast(kept, found.dtype) * self.momentum + found * (1.0 - self.momentum))
        return outputs
