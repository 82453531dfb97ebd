"""Auxiliary heads: predictions of parts of a network that are trained, and never returned.

A layer hands them on with the prediction, and a functional Keras model adds their losses to its own. The
heads travel as an attribute of the tensor of predictions, as Keras lets logits travel with the output of a softmax:
the model returns its prediction alone, in training too.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vnn.basics.errors import ModelError, VNNWarning
from keras_vnn.layers._anchored import SoftLinkModel

_ATTRIBUTE = "_keras_vnn_auxiliary"
# For tensors that take no attributes: the predictions by the id of the tensor, as long as it lives.
_beside: dict[int, AuxiliaryPredictions] = {}


@dataclass(frozen=True, eq=False)
class AuxiliaryPredictions:
    """What the auxiliary heads predict for a batch.

    Attributes
    ----------
    values
        Tensor ``(batch, heads, outputs)``.
    weights
        ``(heads,)`` weight of each head's loss.
    prediction_weight
        Weight of the loss of the prediction itself.
    """

    values: Any
    weights: np.ndarray[Any, Any]
    prediction_weight: float


@keras.saving.register_keras_serializable(package="keras_vnn")
class AuxiliaryHeads(keras.layers.Layer):
    """Passes the first of its inputs on; in training, the others travel with it to the loss of `AuxiliaryModel`.

    Parameters
    ----------
    outputs
        Number of outputs of every head.
    weights
        Weight of the loss of each head, a number for each further input.
    activation
        Of the heads, over their outputs.
    prediction_weight
        Weight of the loss of the prediction itself.
    **kwargs
        Further arguments of ``keras.layers.Layer``.

    Input shape
    -----------
    A list: the prediction ``(batch, outputs)``, then tensors ``(batch, heads × outputs)``.

    Output shape
    ------------
    ``(batch, outputs)``: the prediction.
    """

    def __init__(
        self,
        outputs: int,
        weights: Sequence[float],
        *,
        activation: Any = None,
        prediction_weight: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.outputs = int(outputs)
        self.head_weights = tuple(float(weight) for weight in weights)
        self.activation = keras.activations.get(activation)
        self.prediction_weight = float(prediction_weight)

    def call(self, inputs: Sequence[Any], training: bool = False) -> Any:
        """Return the prediction."""
        prediction, *heads = inputs
        if training:
            counts = [head.shape[-1] // self.outputs for head in heads]
            values = ops.reshape(ops.concatenate(heads, axis=-1), (-1, sum(counts), self.outputs))
            weights = np.repeat(np.array(self.head_weights, np.float32), counts)
            _attach(prediction, AuxiliaryPredictions(self.activation(values), weights, self.prediction_weight))
        return prediction

    def compute_output_shape(self, input_shape: Sequence[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """Return the shape of the prediction."""
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        """Return a JSON value from which `from_config` makes the same layer."""
        return {
            **super().get_config(),
            "outputs": self.outputs,
            "weights": list(self.head_weights),
            "activation": keras.activations.serialize(self.activation),
            "prediction_weight": self.prediction_weight,
        }


@keras.saving.register_keras_serializable(package="keras_vnn")
class AuxiliaryModel(SoftLinkModel):
    """A functional Keras model whose loss, in training, counts the auxiliary heads too.

    ``fit``, ``evaluate``, ``predict``, ``save`` and all else are Keras's. Each head has the loss the model was compiled
    with, its reduction and ``loss_weights`` included, on the same targets and row weights, times its own weight.
    ``val_loss`` and ``evaluate`` give the loss of the prediction alone.

    Parameters
    ----------
    inputs, outputs, name, **kwargs
        As ``keras.Model`` takes them; the output comes from an `AuxiliaryHeads` layer, or from another such model.

    Warns
    -----
    VNNWarning
        It becomes a part of another model, whose loss does not know of the heads unless it is of this class too.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the prediction; see ``keras.Model``."""
        if any(isinstance(tensor, keras.KerasTensor) for tensor in keras.tree.flatten((args, kwargs))):
            warnings.warn(
                f"The auxiliary heads of {self.name!r} are not trained by a model that it becomes a part of, unless "
                "that is an AuxiliaryModel too.\n"
                "Fit the model itself, or wrap it by keras_vnn.layers.AuxiliaryModel(inputs, model(inputs)).",
                VNNWarning,
                stacklevel=2,
            )
        return super().__call__(*args, **kwargs)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the loss of the prediction and, in training, those of the auxiliary heads.

        Raises
        ------
        ModelError
            The model was compiled with several losses or one that does not reduce to a number, or ``y_pred`` is not
            what the model gave in training.
        """
        total = super().compute_loss(x, y, y_pred, sample_weight, training)
        if not training:
            return total
        heads = auxiliary_predictions(y_pred)
        if heads is None:
            raise ModelError(
                "The predictions carry no auxiliary heads.\nPass what the model itself gave: model(x, training=True)"
            )
        loss = _loss_of(self.loss)
        more = _weighted(loss, y, heads.values, heads.weights, sample_weight)
        if heads.prediction_weight != 1:
            own = _weighted(loss, y, y_pred[:, None], np.ones(1, np.float32), sample_weight)
            more = more + (heads.prediction_weight - 1) * own
        # Keras has no public way to them: `get_compile_config` reads the optimizer's variables, which a graph cannot.
        weights = keras.tree.flatten(self._compile_loss._user_loss_weights)
        return total + ops.cast(more if weights in ([], [None]) else more * weights[0], total.dtype)


def auxiliary_predictions(prediction: Any) -> AuxiliaryPredictions | None:
    """Return what travels with a tensor of predictions; ``None`` outside of training."""
    found: AuxiliaryPredictions | None = getattr(prediction, _ATTRIBUTE, None) or _beside.get(id(prediction))
    return found


def _attach(tensor: Any, heads: AuxiliaryPredictions) -> None:
    try:
        setattr(tensor, _ATTRIBUTE, heads)
    except AttributeError:
        _beside[id(tensor)] = heads
        weakref.finalize(tensor, _beside.pop, id(tensor), None)


class _FunctionLoss(keras.losses.Loss):
    """A function of targets and predictions as a loss."""

    def __init__(self, function: Any) -> None:
        super().__init__(name="function")
        self.call = function


def _loss_of(loss: Any) -> keras.losses.Loss:
    """Return the loss a model was compiled with."""
    found = keras.losses.get(loss) if isinstance(loss, str) else loss
    if isinstance(found, keras.losses.Loss) and found.reduction not in (None, "none"):
        return found
    if isinstance(found, keras.losses.Loss) or not callable(found):
        raise ModelError(
            "A model with auxiliary heads takes one loss for all of them, which reduces to a number: "
            "model.compile(loss='mse')"
        )
    return _FunctionLoss(found)


def _weighted(loss: keras.losses.Loss, y: Any, predictions: Any, weights: Any, sample_weight: Any) -> Any:
    """Return the sum of the losses of ``(batch, heads, outputs)`` predictions, each times its weight."""
    rows = ops.ones_like(predictions[:, :, 0]) * ops.cast(weights, predictions.dtype)
    if sample_weight is not None:
        rows = rows * ops.cast(ops.reshape(sample_weight, (-1, 1)), rows.dtype)
    # A mean over batch and heads, or over all weights, becomes a sum over the heads of means over the batch.
    factor = {"sum": 1.0, "mean_with_sample_weight": float(weights.sum())}.get(loss.reduction, float(len(weights)))
    return factor * loss(_repeated(y, predictions), predictions, rows)


def _repeated(y: Any, predictions: Any) -> Any:
    """Return the targets once per head: ``(batch, heads, numbers)`` or ``(batch, heads)`` codes of classes."""
    y = ops.convert_to_tensor(y)
    _, heads, outputs = predictions.shape
    if len(y.shape) == 1 and outputs == 1:
        y = y[:, None]
    # Several numbers per row may be of one output: time and event.
    if len(y.shape) == 2 and (y.shape[1] == outputs or y.shape[1] > 1):
        return ops.repeat(ops.cast(y, predictions.dtype)[:, None, :], heads, axis=1)
    return ops.repeat(ops.reshape(y, (-1, 1)), heads, axis=1)
