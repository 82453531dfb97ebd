"""What kernels start from and what holds them.

In: connections, scales, signs, candidates. Out: initializers by the real number of connections or at the mean of a
node's genes, which keep the meaning of its name; regularizers and constraints that hold a known sign, or hold
connections that no prior supports at 0 until the data ask for them.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_vnn.basics.errors import ModelError
from keras_vnn.layers._connections import Connections

Signs = NDArray[np.int8]


@keras.saving.register_keras_serializable(package="keras_vnn")
class MeanOfInputs(keras.initializers.Initializer):
    """Positive weights of `SparselyConnected` by which a unit starts as the mean of the genes and nodes it reads.

    A weight is ``scale / (u sqrt(n))`` for a unit that reads ``n`` genes, or nodes, and ``u`` units of this one: units
    of one node start alike, so their mean is what the node says.

    Parameters
    ----------
    scale
        Of inputs that are units of nodes.
    genes
        The first so many inputs are genes.
    gene_scale
        Of these.
    spread
        Weights are drawn uniformly within this part of their mean, to tell the units of one node apart; 0 for none.
    seed
        As in other initializers of Keras.
    """

    def __init__(
        self, scale: float = 0.35, *, genes: int = 0, gene_scale: float = 0.25, spread: float = 0.0, seed: Any = None
    ) -> None:
        self.scale = scale
        self.genes = genes
        self.gene_scale = gene_scale
        self.spread = spread
        self.seed = seed
        self._factors = keras.initializers.RandomUniform(1 - spread, 1 + spread, seed=seed)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Raise a `ModelError`: without connections there is no mean."""
        raise ModelError("MeanOfInputs is for SparselyConnected: the mean depends on what a unit reads.")

    def counts(self, connections: Connections) -> NDArray[np.float64]:
        """Return, for each connection, by how many inputs of the same kind its output unit divides: ``n u²``."""
        units = np.repeat(connections.input_units, connections.input_units)[connections.rows]
        is_gene, columns = connections.rows < self.genes, connections.columns
        genes = np.bincount(columns, is_gene / units, connections.outputs)
        nodes = np.bincount(columns, ~is_gene / units, connections.outputs)
        counts: NDArray[np.float64] = np.where(is_gene, genes[columns], nodes[columns]) * units**2
        return counts

    def means(self, connections: Connections) -> NDArray[np.float64]:
        """Return the mean weight of each connection."""
        scales = np.where(connections.rows < self.genes, self.gene_scale, self.scale)
        weights: NDArray[np.float64] = scales / np.sqrt(self.counts(connections))
        return weights

    def on(self, connections: Connections, dtype: Any = None) -> Any:
        """Return a weight for each connection."""
        means = ops.cast(self.means(connections), dtype or keras.config.floatx())
        return means * self._factors((connections.count,), dtype=means.dtype) if self.spread else means

    def get_config(self) -> dict[str, Any]:
        """Return a JSON value from which `from_config` makes the same."""
        return {name: getattr(self, name) for name in ("scale", "genes", "gene_scale", "spread", "seed")}


@keras.saving.register_keras_serializable(package="keras_vnn")
class Oriented(keras.initializers.Initializer):
    """The weights of another initializer without their signs, or with the signs of edges.

    Parameters
    ----------
    initializer
        Gives the weights.
    signs
        ``(connections,)`` of 1, -1, and 0 where either may be; or what `packed_signs` made of that. ``None``: all 1.
    """

    def __init__(self, initializer: Any, signs: Any = None) -> None:
        self.initializer = keras.initializers.get(initializer)
        self.signs = unpacked_signs(signs)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Return weights."""
        return self.oriented(self.initializer(shape, dtype=dtype))

    def oriented(self, weights: Any) -> Any:
        """Return weights with the signs."""
        if self.signs is None:
            return ops.abs(weights)
        signs = ops.cast(self.signs, weights.dtype)
        return ops.where(ops.equal(signs, 0), weights, ops.abs(weights) * signs)

    def get_config(self) -> dict[str, Any]:
        """Return a JSON value from which `from_config` makes the same."""
        initializer = keras.initializers.serialize(self.initializer)
        return {"initializer": initializer, "signs": packed_signs(self.signs)}


@keras.saving.register_keras_serializable(package="keras_vnn")
class PullToMean(keras.regularizers.Regularizer):
    """L2 penalty of the distance of weights from those of `MeanOfInputs`; of the weights themselves, if wanted, too.

    The distance is relative: the weights of a unit that reads ``n`` inputs are ``sqrt(n)`` times smaller than those of
    one that reads one, and their squared distances count ``n`` times.

    Parameters
    ----------
    strength
        Factor of the sum of squared relative distances.
    start
        Gives the weights to stay near.
    signs
        As in `Oriented`; where they leave a weight free, its mean is positive.
    l2
        Factor of the sum of squared weights.
    """

    def __init__(self, strength: float, start: Any = None, signs: Any = None, l2: float = 0.0) -> None:
        self.strength = strength
        self.start = MeanOfInputs() if start is None else keras.initializers.get(start)
        self.signs = unpacked_signs(signs)
        self.l2 = l2

    def on(self, connections: Connections) -> Any:
        """Return a function from the weights of these connections to the penalty; candidates are not held."""
        means, counts = np.zeros(connections.count), np.zeros(connections.count)
        held, prior = ~connections.is_candidate, connections.prior
        means[held], counts[held] = self.start.means(prior), self.start.counts(prior)
        if self.signs is not None:
            means = np.where(self.signs < 0, -means, means)

        def penalty(weights: Any) -> Any:
            distances = ops.square(weights - ops.cast(means, weights.dtype))
            pull = self.strength * ops.sum(ops.cast(counts, weights.dtype) * distances)
            return pull + self.l2 * ops.sum(ops.square(weights)) if self.l2 else pull

        return penalty

    def __call__(self, x: Any) -> Any:
        """Raise a `ModelError`: without connections there is no mean."""
        raise ModelError("PullToMean is for SparselyConnected: the mean depends on what a unit reads.")

    def get_config(self) -> dict[str, Any]:
        """Return a JSON value from which `from_config` makes the same."""
        start, signs = keras.initializers.serialize(self.start), packed_signs(self.signs)
        return {"strength": self.strength, "start": start, "signs": signs, "l2": self.l2}


@keras.saving.register_keras_serializable(package="keras_vnn")
class OtherSigns(keras.regularizers.Regularizer):
    """L1 penalty of weights with the other sign than that of their edge, which may yet be what the data say.

    It is relative, as that of `PullToMean`: a weight of a unit that reads ``n`` inputs counts ``sqrt(n)`` times.

    Parameters
    ----------
    strength
        Factor of the sum of relative weights of the other sign.
    signs
        As in `Oriented`; weights of the sign 0 are free.
    also
        A further regularizer.
    """

    def __init__(self, strength: float, signs: Any, also: Any = None) -> None:
        self.strength = strength
        self.signs: Any = unpacked_signs(signs)
        self.also = keras.regularizers.get(also)

    def on(self, connections: Connections) -> Any:
        """Return a function from the weights of these connections to the penalty."""
        factors = -self.strength * self.signs * np.sqrt(connections.prior.fan_in[connections.columns])
        also = penalty_on(self.also, connections)

        def penalty(weights: Any) -> Any:
            own = ops.sum(ops.relu(ops.cast(factors, weights.dtype) * weights))
            return own if also is None else own + also(weights)

        return penalty

    def __call__(self, x: Any) -> Any:
        """Raise a `ModelError`: without connections the number of inputs is not known."""
        raise ModelError("OtherSigns is for SparselyConnected: the penalty depends on what a unit reads.")

    def get_config(self) -> dict[str, Any]:
        """Return a JSON value from which `from_config` makes the same."""
        also = keras.regularizers.serialize(self.also) if self.also is not None else None
        return {"strength": self.strength, "signs": packed_signs(self.signs), "also": also}


def penalty_on(regularizer: Any, connections: Connections) -> Any:
    """Return a regularizer as a function of the weights of a layer; ``None`` as it is."""
    return regularizer.on(connections) if isinstance(regularizer, PullToMean | OtherSigns) else regularizer


@keras.saving.register_keras_serializable(package="keras_vnn")
class SignsOfEdges(keras.constraints.Constraint):
    """Weights keep the signs of their edges; one that would change its sign becomes 0.

    Parameters
    ----------
    signs
        As in `Oriented`.
    """

    def __init__(self, signs: Any) -> None:
        self.signs = unpacked_signs(signs)

    def __call__(self, w: Any) -> Any:
        """Return the weights, 0 where the sign is wrong."""
        w = ops.convert_to_tensor(w)
        return w * ops.cast(w * ops.cast(self.signs, w.dtype) >= 0, w.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return a JSON value from which `from_config` makes the same."""
        return {"signs": packed_signs(self.signs)}


def packed_signs(signs: Signs | None) -> dict[str, Any] | None:
    """Return signs, if there are any, as a small JSON value."""
    if signs is None:
        return None
    content = base64.b64encode(zlib.compress((signs + 1).astype("u1").tobytes(), 6)).decode("ascii")
    return {"count": len(signs), "packed": content}


def unpacked_signs(signs: Any) -> Signs | None:
    """Return what `packed_signs` was given; signs that are not packed as they are.

    Raises
    ------
    ModelError
        They are damaged.
    """
    if not isinstance(signs, dict):
        return None if signs is None else np.asarray(signs, np.int8)
    try:
        count = int(signs["count"])
        content = zlib.decompressobj().decompress(base64.b64decode(signs["packed"], validate=True), count + 1)
        values = np.frombuffer(content, "u1")
        if len(values) != count or (values > 2).any():
            raise ValueError(f"expected {count:,} signs")
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise ModelError(f"The signs of a layer's edges are damaged: {error}.\nTrain the model again.") from error
    return values.astype(np.int8) - np.int8(1)


_FOR_MATRICES = ("Identity", "Orthogonal", "STFT")


def check_initializer(initializer: Any) -> None:
    """Raise a `ModelError` when an initializer makes nothing but matrices."""
    name = type(initializer).__name__.removesuffix("Initializer")
    if name in _FOR_MATRICES:
        raise ModelError(
            f"The initializer {name} makes matrices, and a sparse layer has a vector of one weight per connection.\n"
            "Take one that draws each weight by itself, e.g. glorot_uniform, he_normal or random_normal."
        )


def check_regularizer(regularizer: Any) -> None:
    """Raise a `ModelError` when a regularizer knows nothing but matrices."""
    if isinstance(regularizer, keras.regularizers.OrthogonalRegularizer):
        raise ModelError(
            "The regularizer OrthogonalRegularizer is for matrices, and a sparse layer has a vector of one weight per "
            "connection.\nTake one that sums over single weights: keras.regularizers.L1, L2 or L1L2."
        )


def initial_weights(initializer: Any, connections: Connections, dtype: Any) -> Any:
    """Return ``(connections,)`` initial weights.

    Initializers that scale by fan-in or fan-out (Glorot, He, LeCun, any `keras.initializers.VarianceScaling`) use,
    for each connection, the real fan-in of its output unit and the real fan-out of its input unit, where a dense
    layer of the same shape would use the numbers of all inputs and outputs. Other initializers are called as
    they are, with the shape ``(connections,)``; those that make nothing but matrices are refused. Candidates start at
    0, and the others as if there were none.
    """
    check_initializer(initializer)
    if isinstance(initializer, Oriented):
        return initializer.oriented(initial_weights(initializer.initializer, connections, dtype))
    if connections.candidates is not None:
        weights = initial_weights(initializer, connections.prior, dtype)
        places = np.where(connections.is_candidate, weights.shape[0], np.cumsum(~connections.is_candidate) - 1)
        return ops.take(ops.append(weights, ops.zeros((1,), weights.dtype)), places.astype(np.int32))
    if isinstance(initializer, MeanOfInputs):
        return initializer.on(connections, dtype)
    if not isinstance(initializer, keras.initializers.VarianceScaling):
        return initializer((connections.count,), dtype=dtype)
    unscaled = keras.initializers.VarianceScaling(
        initializer.scale, "fan_in", initializer.distribution, seed=initializer.seed
    )((1, connections.count), dtype=dtype)
    return ops.reshape(unscaled, (connections.count,)) * ops.cast(_scale(initializer.mode, connections), dtype)


def _scale(mode: str, connections: Connections) -> np.ndarray[Any, Any]:
    fan_in = connections.fan_in[connections.columns]
    if mode == "fan_in":
        fan = fan_in.astype(float)
    else:
        fan_out = connections.fan_out[connections.rows]
        fan = fan_out.astype(float) if mode == "fan_out" else (fan_in + fan_out) / 2
    scale: np.ndarray[Any, Any] = 1 / np.sqrt(fan)
    return scale


# Of the Adam of Keras, for a layer in a model that does not tell its layers about its optimizer.
_USUAL_RATE = 0.001


class SoftThreshold(keras.constraints.Constraint):
    """The proximal step of an L1 penalty: after each update, candidates come nearer to 0 and stop there.

    A candidate leaves 0 where the loss falls by more than ``penalty`` per unit of its weight, and shrinks as under an
    L1 penalty of that factor in the loss, whatever the optimizer and its learning rate.

    Parameters
    ----------
    is_candidate
        ``(connections,)`` which weights it is for.
    penalty
        Factor of the sum of absolute weights.
    also
        A further constraint, of all weights.

    References
    ----------
    Yun et al. 2021, Advances in Neural Information Processing Systems 34 (proximal steps under Adam).
    """

    def __init__(self, is_candidate: NDArray[Any], penalty: float, also: Any = None) -> None:
        self.is_candidate = is_candidate
        self.penalty = penalty
        self.also = also
        self._follows: tuple[Any, Any] | None = None

    def follow(self, optimizer: Any, weights: Any) -> None:
        """Take learning rate and preconditioner from an optimizer of these weights from now on."""
        self._follows = getattr(optimizer, "inner_optimizer", optimizer), weights

    def __call__(self, w: Any) -> Any:
        """Return the weights after the step."""
        w = ops.convert_to_tensor(w)
        rates = _USUAL_RATE if self._follows is None else rates_of(*self._follows)
        size = ops.cast(self.penalty * rates, w.dtype)
        shrunk = ops.sign(w) * ops.relu(ops.abs(w) - size)
        weights = ops.where(ops.convert_to_tensor(self.is_candidate), shrunk, w)
        return weights if self.also is None else self.also(weights)


def rates_of(optimizer: Any, weights: Any) -> Any:
    """Return how far an optimizer moves weights per unit of a gradient that stays as it is: one number, or one each."""
    rate = ops.convert_to_tensor(optimizer.learning_rate)
    if isinstance(optimizer, keras.optimizers.Adam):
        # Keras has no public way to the second moments.
        moments = optimizer._velocities[optimizer._get_variable_index(weights)]
        steps = ops.cast(optimizer.iterations + 1, moments.dtype)
        corrected = ops.sqrt(1 - ops.power(ops.cast(optimizer.beta_2, moments.dtype), steps))
        return ops.cast(rate, moments.dtype) * corrected / (ops.sqrt(moments) + optimizer.epsilon)
    return rate / (1 - getattr(optimizer, "momentum", 0.0))


@keras.saving.register_keras_serializable(package="keras_vnn")
class SoftLinkModel(keras.Model):
    """A functional Keras model that tells its layers with candidates which optimizer moves their weights.

    Parameters
    ----------
    inputs, outputs, name, **kwargs
        As ``keras.Model`` takes them.
    """

    def make_train_function(self, force: bool = False) -> Any:
        """Return what ``fit`` calls; see ``keras.Model``."""
        for layer in self.layers:
            if hasattr(layer, "follow"):
                layer.follow(self.optimizer)
        return super().make_train_function(force)
