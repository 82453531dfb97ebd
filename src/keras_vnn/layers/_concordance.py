"""`Concordance`: one minus the concordance correlation coefficient, as a loss."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = ["Concordance"]


@keras.saving.register_keras_serializable(package="keras_vnn")
class Concordance(keras.losses.Loss):
    """``1 - CCC`` of predictions and targets within a batch: 0 for equal numbers, 1 for unrelated ones.

    It is the mean over the rows of ``(y - ŷ)² / (var y + var ŷ + (mean y - mean ŷ)²)``, so it can be weighted by row
    like any loss. Variances and means are those of the batch: batches of a few rows are too small for it.

    Parameters
    ----------
    epsilon
        Added to the denominator; a batch of equal targets would divide by zero.
    **kwargs
        Further arguments of ``keras.losses.Loss``.

    References
    ----------
    Lin 1989, Biometrics 45:255, doi:10.2307/2532051.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.array([[1.0], [2.0], [3.0]], "float32")
    >>> float(Concordance()(truth, truth)), round(float(Concordance()(truth, truth + 1)), 3)
    (0.0, 0.429)
    """

    def __init__(self, epsilon: float = 1e-8, name: str = "concordance", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.epsilon = epsilon

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the share of every row, ``(rows, …)`` of ``(rows, …, outputs)``; their mean is ``1 - CCC``."""
        y_true = ops.cast(y_true, y_pred.dtype)
        spread = ops.var(y_true, axis=0, keepdims=True) + ops.var(y_pred, axis=0, keepdims=True)
        shift = ops.mean(y_true, axis=0, keepdims=True) - ops.mean(y_pred, axis=0, keepdims=True)
        shares = ops.square(y_true - y_pred) / (spread + ops.square(shift) + self.epsilon)
        return ops.mean(shares, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return a JSON value from which `from_config` makes the same loss."""
        return {**super().get_config(), "epsilon": self.epsilon}
