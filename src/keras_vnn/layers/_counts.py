"""Counts and covariates of cells: how likely counts are, and what a batch adds to units.

In: logarithms of counts, of means and of dispersions. Out: log-likelihoods of the negative binomial distribution, in
nats, on every backend. A check, too, that units do not tell a covariate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

# Logarithms of dispersions beyond these count as these: at one end a Poisson distribution, at the other nearly zeros.
_LEAST, _MOST = -16.0, 16.0
# Stirling's series is taken this far from 0, where what it leaves out is below 1e-9.
_SHIFT = 5
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680)
_NO_COUNTS = 1e-8


def log_rising(base: Any, count: Any) -> Any:
    """Return ``log Γ(base + count) - log Γ(base)`` for ``base > 0`` and ``count >= 0``.

    Not as a difference, which would lose all digits of single precision where ``base`` is large.
    """
    shifted = base + _SHIFT
    # Γ(x) = Γ(x + 5) / (x (x + 1) … (x + 4)); the first of the factors may be so large that it stands alone.
    factors = (1 + count / (base + 1)) * (1 + count / (base + 2)) * (1 + count / (base + 3)) * (1 + count / (base + 4))
    near = ops.log1p(count / base) + ops.log(factors)
    far = count * ops.log(shifted + count) + (shifted - 0.5) * ops.log1p(count / shifted) - count
    return far + _stirling_rest(shifted + count) - _stirling_rest(shifted) - near


def _stirling_rest(value: Any) -> Any:
    """Return what Stirling's series adds to its first terms."""
    inverse = 1 / value
    square, power, total = inverse * inverse, inverse, 0.0
    for factor in _STIRLING:
        total = total + factor * power
        power = power * square
    return total


def nb_log_likelihood(counts: Any, log_mean: Any, log_dispersion: Any) -> Any:
    """Return the log-likelihood of counts by a negative binomial distribution.

    Parameters
    ----------
    counts
        Numbers of at least 0, of any shape.
    log_mean
        Natural logarithm of the mean, of the same shape.
    log_dispersion
        Natural logarithm of the dispersion ``θ``, by which the variance is ``mean + mean² / θ``; of a shape that
        broadcasts to it. Beyond ±16 it counts as that.

    References
    ----------
    Lopez et al. 2018, Nature Methods 15:1053, doi:10.1038/s41592-018-0229-2.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.array([0.0])  # mean 1 and dispersion 1: half of all counts are 0, a quarter 1
    >>> np.exp(nb_log_likelihood(np.array([0.0, 1.0]), one, one)).round(3).tolist()
    [0.5, 0.25]
    """
    log_dispersion = ops.clip(log_dispersion, _LEAST, _MOST)
    dispersion = ops.exp(log_dispersion)
    odds = log_mean - log_dispersion
    ways = log_rising(dispersion, counts) - log_rising(ops.ones_like(counts), counts)
    return ways - dispersion * ops.softplus(odds) - counts * ops.softplus(-odds)


def zinb_log_likelihood(counts: Any, log_mean: Any, log_dispersion: Any, logit: Any) -> Any:
    """Return the log-likelihood of counts, some of which are 0 whatever the mean.

    Parameters
    ----------
    counts, log_mean, log_dispersion
        As in `nb_log_likelihood`.
    logit
        Log odds of such a zero.

    References
    ----------
    Lopez et al. 2018, Nature Methods 15:1053, doi:10.1038/s41592-018-0229-2.
    """
    counted = nb_log_likelihood(counts, log_mean, log_dispersion)
    return ops.where(counts > 0, counted, ops.logaddexp(counted, logit)) - ops.softplus(logit)


@keras.saving.register_keras_serializable(package="keras_vnn")
class CountLikelihood(keras.layers.Layer):
    """Expects counts of genes in cells, and adds to the loss how unlikely those are that were counted.

    A cell's expected counts are its library size, the sum of all its counts, shared out among the genes by a softmax.
    Each gene has a level of its own, from which decoded values move it, and a dispersion. Minus the log-likelihood,
    summed over genes and averaged over cells, joins the loss of the model, in training or not.

    Parameters
    ----------
    zero_inflated
        Each gene has a probability of zeros that its mean does not explain.
    **kwargs
        Further arguments of ``keras.layers.Layer``.

    Input shape
    -----------
    A list: ``log(1 + counts)`` of each gene and decoded values, each ``(batch, genes)``; and, if there is such a thing,
    what covariates of the cells add to the logarithms of dispersions.

    Output shape
    ------------
    ``(batch, genes)``, ``log(1 + expected counts)``; and ``(batch,)``, the log-likelihood of each cell in nats.

    Attributes
    ----------
    level, log_dispersion, zero_logit
        ``(genes,)`` weights; the last of zero-inflated counts only.

    References
    ----------
    Lopez et al. 2018, Nature Methods 15:1053, doi:10.1038/s41592-018-0229-2; Lotfollahi et al. 2023, Nature Cell
    Biology 25:337, doi:10.1038/s41556-022-01072-x.
    """

    def __init__(self, *, zero_inflated: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.zero_inflated = bool(zero_inflated)
        self.level: Any = None
        self.log_dispersion: Any = None
        self.zero_logit: Any = None

    def build(self, input_shape: Sequence[tuple[int | None, ...]]) -> None:
        """Create the weights of the genes."""
        genes = (input_shape[0][-1],)
        self.level = self.add_weight(name="level", shape=genes, initializer="zeros")
        self.log_dispersion = self.add_weight(name="log_dispersion", shape=genes, initializer="zeros")
        if self.zero_inflated:
            start = keras.initializers.Constant(-4.0)
            self.zero_logit = self.add_weight(name="zero_logit", shape=genes, initializer=start)
        self.built = True

    def call(self, inputs: Sequence[Any]) -> tuple[Any, Any]:
        """Return expected counts, and the log-likelihood of each cell."""
        log_counts, decoded, *added = inputs
        counts = ops.expm1(log_counts)
        library = ops.maximum(ops.sum(counts, axis=-1, keepdims=True), _NO_COUNTS)
        log_mean = ops.log(library) + ops.log_softmax(decoded + self.level, axis=-1)
        expected = ops.exp(log_mean)
        log_dispersion = sum(added, ops.convert_to_tensor(self.log_dispersion))
        if self.zero_inflated:
            each = zinb_log_likelihood(counts, log_mean, log_dispersion, self.zero_logit)
            expected = expected * ops.sigmoid(-ops.convert_to_tensor(self.zero_logit))
        else:
            each = nb_log_likelihood(counts, log_mean, log_dispersion)
        likelihood = ops.sum(each, axis=-1)
        self.add_loss(-ops.mean(likelihood))
        return ops.log1p(expected), likelihood

    def compute_output_shape(self, input_shape: Sequence[tuple[int | None, ...]]) -> Any:
        """Return the shapes of the expected counts and of the log-likelihoods."""
        return tuple(input_shape[0]), (input_shape[0][0],)

    def get_config(self) -> dict[str, Any]:
        """Return a JSON value from which `from_config` makes the same layer."""
        return {**super().get_config(), "zero_inflated": self.zero_inflated}


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
