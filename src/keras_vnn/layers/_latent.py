"""The middle of a variational autoencoder, and what its end is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

__all__ = ["LatentSample", "ReconstructionError"]


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


@keras.saving.register_keras_serializable(package="keras_vnn")
class ReconstructionError(keras.losses.Loss):
    """The sum of squared differences over the genes of a cell, averaged over cells.

    Parameters
    ----------
    name, **kwargs
        Arguments of ``keras.losses.Loss``.

    Examples
    --------
    >>> import numpy as np
    >>> float(ReconstructionError()(np.array([[1.0, 2.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [1.0, 0.0]])))
    3.0
    """

    def __init__(self, name: str = "reconstruction_error", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return ``(cells,)``."""
        return ops.sum(ops.square(ops.cast(y_true, y_pred.dtype) - y_pred), axis=-1)
