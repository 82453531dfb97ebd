"""Losses and metrics: concordance, pairs and triplets, reconstruction, Cox partial likelihood; on every backend."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


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


_LEAST = 1e-12


@keras.saving.register_keras_serializable(package="keras_vnn")
class ContrastivePairs(keras.losses.Loss):
    """The contrastive loss of a siamese network, on a batch whose rows 2 i and 2 i + 1 are a pair.

    ``y d² + (1 - y) max(margin - d, 0)²``, where ``d`` is the Euclidean distance of the embeddings of a pair, and ``y``
    is 1 for two cells of one type. Both halves of a siamese network are the same network, so pairs stand in one batch.

    Parameters
    ----------
    margin
        Distance beyond which cells of different types are far enough apart.
    **kwargs
        Further arguments of ``keras.losses.Loss``.

    References
    ----------
    Hadsell et al. 2006, CVPR, doi:10.1109/CVPR.2006.100; Alavi et al. 2018, Nature Communications 9:4768,
    doi:10.1038/s41467-018-07165-2.

    Examples
    --------
    >>> import numpy as np
    >>> cells = np.array([[0.0, 0.0], [0.3, 0.4], [0.0, 0.0], [0.3, 0.4]], "float32")  # two pairs, distance 0.5
    >>> round(float(ContrastivePairs()(np.array([0, 0, 0, 1]), cells)), 3)  # a like pair and one unlike
    0.25
    """

    def __init__(self, margin: float = 1.0, name: str = "contrastive_pairs", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.margin = margin

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each pair, ``(rows / 2,)``."""
        codes = ops.reshape(y_true, (-1, 2))
        cells = ops.reshape(y_pred, (-1, 2, y_pred.shape[-1]))
        is_like = ops.cast(ops.equal(codes[:, 0], codes[:, 1]), y_pred.dtype)
        squares = ops.sum(ops.square(cells[:, 0] - cells[:, 1]), axis=-1)
        gaps = ops.maximum(self.margin - ops.sqrt(ops.maximum(squares, _LEAST)), 0.0)
        return is_like * squares + (1 - is_like) * ops.square(gaps)

    def get_config(self) -> dict[str, Any]:
        """Return a JSON value from which `from_config` makes the same loss."""
        return {**super().get_config(), "margin": self.margin}


@keras.saving.register_keras_serializable(package="keras_vnn")
class BatchHardTriplet(keras.losses.Loss):
    """The triplet loss of each cell with the farthest cell of its type and the nearest of another in the batch.

    ``ln(1 + exp(d_farthest - d_nearest))``, the soft margin; with a number for ``margin``
    ``max(margin + d_farthest - d_nearest, 0)``. Distances are Euclidean. A cell without another type in the batch
    counts 0.

    Parameters
    ----------
    margin
        ``None`` for the soft margin.
    **kwargs
        Further arguments of ``keras.losses.Loss``.

    References
    ----------
    Hermans et al. 2017, arXiv:1703.07737; Alavi et al. 2018, doi:10.1038/s41467-018-07165-2.

    Examples
    --------
    >>> import numpy as np
    >>> cells = np.array([[0.0], [1.0], [3.0], [7.0]], "float32")
    >>> loss = BatchHardTriplet(margin=2.0)  # cell by cell 2+1-3, 2+1-2, 2+4-2, 2+4-6
    >>> float(loss(np.array([0, 0, 1, 1]), cells))
    1.25
    """

    def __init__(self, margin: float | None = None, name: str = "batch_hard_triplet", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.margin = margin

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each cell, ``(rows,)``."""
        codes = ops.reshape(y_true, (-1,))
        is_like = ops.equal(codes[:, None], codes[None, :])
        squares = ops.sum(ops.square(y_pred[:, None, :] - y_pred[None, :, :]), axis=-1)
        distances = ops.sqrt(ops.maximum(squares, _LEAST))
        farthest = ops.max(ops.where(is_like, distances, 0.0), axis=1)
        nearest = ops.min(ops.where(is_like, float("inf"), distances), axis=1)
        has_other = ops.any(ops.logical_not(is_like), axis=1)
        gaps = farthest - ops.where(has_other, nearest, farthest)
        losses = ops.softplus(gaps) if self.margin is None else ops.maximum(self.margin + gaps, 0.0)
        return ops.where(has_other, losses, 0.0)

    def get_config(self) -> dict[str, Any]:
        """Return a JSON value from which `from_config` makes the same loss."""
        return {**super().get_config(), "margin": self.margin}


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


_LEAST_AT_RISK = 1e-30


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
        shares = events[:, None] * (ops.log(ops.maximum(at_risk, _LEAST_AT_RISK)) - hazards)
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
