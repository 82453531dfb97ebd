"""Survival: the Cox partial likelihood as a loss, and the concordance index as a metric, on every backend."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

_LEAST = 1e-30


@keras.saving.register_keras_serializable(package="keras_vnn")
class CoxPartialLikelihood(keras.losses.Loss):
    """Minus the log partial likelihood of a Cox model within a batch, per event; ties by Efron's method.

    Those at risk when a cell has its event are the cells of the batch that are followed at least as long, so that a
    batch must hold many: the loss of batches is not the loss of all cells, but as good an estimate of it as batches
    are large. A batch without events counts 0. Memory grows with the square of the batch.

    Parameters
    ----------
    name, **kwargs
        Arguments of ``keras.losses.Loss``. Weights of rows weigh events, not those at risk.

    Notes
    -----
    Log hazards that are 69 below the highest of their batch or lower count as that.

    References
    ----------
    Cox 1972, J R Stat Soc B 34:187; Efron 1977, J Am Stat Assoc 72:557, doi:10.1080/01621459.1977.10480613.

    Examples
    --------
    >>> import numpy as np
    >>> followed = np.array([[1, 1], [1, 1], [2, 0]], "float32")  # two events at once, then one censored
    >>> zero = np.zeros((3, 1), "float32")
    >>> round(float(CoxPartialLikelihood()(followed, zero)), 4), round(float(np.log(6)) / 2, 4)
    (0.8959, 0.8959)
    """

    def __init__(self, name: str = "cox_partial_likelihood", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the share of every row; their mean is the loss.

        ``y_true`` is ``(rows, 2)``, time and event, and ``y_pred`` ``(rows, 1)``; or ``(rows, heads, 2)``, the same for
        every head, and ``(rows, heads, 1)``.
        """
        shape = ops.shape(y_pred)
        times, events = _times_and_events(y_true, y_pred.dtype)
        hazards = ops.reshape(y_pred, (shape[0], -1))
        hazards = hazards - ops.stop_gradient(ops.max(hazards, axis=0, keepdims=True))
        risks = ops.exp(hazards)
        are_tied = ops.cast(ops.equal(times[:, None], times), risks.dtype) * events[None, :]
        earlier = ops.sum(ops.tril(are_tied, -1), axis=1) / ops.maximum(ops.sum(are_tied, axis=1), 1.0)
        at_risk = ops.matmul(ops.cast(times >= times[:, None], risks.dtype), risks)
        at_risk = at_risk - earlier[:, None] * ops.matmul(are_tied, risks)
        shares = events[:, None] * (ops.log(ops.maximum(at_risk, _LEAST)) - hazards)
        # A mean over the rows becomes one over the events.
        per_event = ops.cast(shape[0], risks.dtype) / ops.maximum(ops.sum(events), 1.0)
        return ops.reshape(shares * per_event, shape[:-1])


@keras.saving.register_keras_serializable(package="keras_vnn")
class ConcordanceIndex(keras.metrics.Metric):
    """Harrell's concordance index of log hazards: of pairs of a batch whose order is known, those in this order.

    Pairs are those within batches, over all batches; with one batch it is `SurvivalMetrics.c_index`.

    Parameters
    ----------
    name, **kwargs
        Arguments of ``keras.metrics.Metric``.

    Examples
    --------
    >>> import numpy as np
    >>> index = ConcordanceIndex()
    >>> index.update_state(np.array([[1.0, 1], [2.0, 1], [3.0, 0]]), np.array([[0.3], [0.5], [-1.0]]))
    >>> round(float(index.result()), 3)
    0.667
    """

    def __init__(self, name: str = "c_index", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.pairs = self.add_weight(shape=(), initializer="zeros", name="pairs")
        self.right = self.add_weight(shape=(), initializer="zeros", name="right")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count the pairs of a batch: ``(rows, 2)`` times and events, ``(rows, 1)`` log hazards."""
        risks = ops.reshape(ops.cast(y_pred, self.dtype), (-1,))
        times, events = _times_and_events(ops.convert_to_tensor(y_true), risks.dtype)
        is_later = times > times[:, None]
        is_censored_then = ops.logical_and(ops.equal(times[:, None], times), ops.equal(events, 0.0))
        pairs = events[:, None] * ops.cast(ops.logical_or(is_later, is_censored_then), risks.dtype)
        order = 0.5 * (1.0 + ops.sign(risks[:, None] - risks))
        self.pairs.assign_add(ops.sum(pairs))
        self.right.assign_add(ops.sum(pairs * order))

    def result(self) -> Any:
        """Return the index; 0 where no pair can be compared."""
        return ops.divide_no_nan(self.right, self.pairs)


def _times_and_events(y_true: Any, dtype: Any) -> tuple[Any, Any]:
    """Return ``(rows,)`` each."""
    known = ops.reshape(ops.cast(y_true, dtype), (ops.shape(y_true)[0], -1))
    return known[:, 0], known[:, 1]
