"""What holds connections that no prior supports at 0 until the data ask for them.

In: which weights are candidates, a penalty, an optimizer. Out: a constraint of Keras; a model whose layers know its
optimizer.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops
from numpy.typing import NDArray

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
