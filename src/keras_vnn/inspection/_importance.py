"""What the nodes of a layer do to the outputs: sums of their contributions, whatever the method.

In: a `LayerView`, the name of a method, what the cells weigh. Out: an `Importance`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_vnn.basics.errors import DataError, ModelError, counted
from keras_vnn.data import Classes, SurvivalTimes, Targets, null_residuals
from keras_vnn.inspection._cells import Cells, class_labels
from keras_vnn.inspection._evidence import Groups
from keras_vnn.inspection._methods import IMPORTANCE_METHODS, LayerView, contributions_of
from keras_vnn.inspection._record import Floats, output_weights, scores_of
from keras_vnn.models import ModelView, Regression, Survival

DEFAULT_METHOD = "knockout"


@dataclass(frozen=True, slots=True, eq=False)
class Importance:
    """What the nodes of one layer do to the outputs.

    Attributes
    ----------
    score
        ``(nodes,)``: mean over cells and outputs of the absolute contribution.
    effects
        ``(nodes, outputs)`` signed contributions; NaN for a class without cells.
    """

    score: NDArray[np.float64]
    effects: NDArray[np.float64]

    def __add__(self, other: Importance) -> Importance:
        """Return the sum of the shares of different cells."""
        return Importance(self.score + other.score, self.effects + other.effects)

    @property
    def ranks(self) -> NDArray[np.int64]:
        """``(nodes,)`` places by score, from 1; equal scores in the order of the nodes."""
        ranks = np.empty(len(self.score), np.int64)
        ranks[(-self.score).argsort(kind="stable")] = np.arange(1, len(self.score) + 1)
        return ranks


@dataclass(frozen=True, slots=True, eq=False)
class Goal:
    """What weighs the signed contributions of cells.

    Of classes, those to the class of a cell count, in the mean over the cells of the class; of numbers, contributions
    are slopes along the standardised target.

    Attributes
    ----------
    targets
        ``(cells, outputs)``: 1 for the class of a cell, 0 for the others; or the standardised target, over the number
        of cells.
    sizes
        ``(outputs,)`` how many cells each class has; 1 for a number.
    """

    targets: NDArray[np.float64]
    sizes: NDArray[np.float64]

    def weights(self, rows: slice) -> NDArray[np.float64]:
        """Return ``(rows, outputs)`` of some cells."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.targets[rows] / self.sizes


def hidden_layers(seen: ModelView, layers: Sequence[int] | None) -> list[int]:
    last = len(seen.architecture.layers) - 1
    every = range(1, last + 1)
    chosen = set(every if layers is None else layers)
    wrong = [number for number in chosen if number not in every]
    if wrong:
        raise ModelError(f"There is no hidden layer {wrong[0]!r}: they are numbered 1 to {last}.")
    if not chosen:
        raise ModelError("No layer is named.")
    return sorted(chosen)


def goal_of(seen: ModelView, cells: Cells, scores: Floats) -> Goal:
    """Return what weighs the signed contributions, from labels or from the ``(cells, outputs)`` scores."""
    outputs = len(output_weights(seen).names)
    if isinstance(seen.outputs, Classes):
        codes = scores.argmax(axis=1) if cells.labels is None else class_labels(seen.outputs, cells).codes
        return Goal(np.eye(outputs)[codes], np.bincount(codes, minlength=outputs).astype(np.float64))
    targets = scores.astype(np.float64) if cells.labels is None else targets_given(seen, cells)
    centred = targets - targets.mean(axis=0)
    deviation = centred.std(axis=0)
    slopes = np.divide(centred, deviation * len(cells), out=np.zeros_like(centred), where=deviation > 0)
    return Goal(slopes, np.ones(outputs))


def groups_of(seen: ModelView, cells: Cells, batch_size: int) -> tuple[tuple[str, ...], Groups, Any]:
    """Return the names of what cells are told apart by, that of the cells, and labels that a split was drawn by.

    Where there are no labels, what the model says of the cells takes their place.
    """
    scores: Any = scores_of(seen, cells, batch_size) if cells.labels is None else None
    if isinstance(seen.outputs, Regression):
        names = seen.outputs.names
        values = targets_given(seen, cells) if scores is None else scores
        drawn = cells.labels if isinstance(cells.labels, SurvivalTimes) else None
        return names, Groups(np.asarray(values, np.float64), are_classes=False), drawn
    known = seen.outputs if isinstance(seen.outputs, Classes) else None
    if known is not None and scores is not None:
        return known.names, Groups(np.eye(len(known))[scores.argmax(axis=1)], are_classes=True), None
    drawn_by = class_labels(known, cells)
    known = drawn_by.classes
    return known.names, Groups(np.eye(len(known))[drawn_by.codes], are_classes=True), drawn_by


def layer_importance(
    view: LayerView, weights: NDArray[np.float64], method: str, cells: int, advance: Callable[[float], None]
) -> Importance:
    """Return the share that the cells of a view have in the importance of all nodes of its layer.

    ``weights`` are those of a goal for these cells, ``cells`` the number of all cells. Shares add up; for slopes,
    `settled` makes importance of the sum.
    """
    outputs = weights.shape[1]
    nodes = len(view.starts)
    score, effects = np.zeros(nodes), np.zeros((nodes, outputs))
    is_slope = IMPORTANCE_METHODS[method].is_slope
    for place, chosen, contributions in contributions_of(method)(view):
        if is_slope:
            effects[chosen] += contributions.sum(axis=2, dtype=np.float64) / cells
        else:
            score[chosen] += np.abs(contributions).sum(axis=(1, 2), dtype=np.float64) / (cells * outputs)
            effects[chosen] += np.einsum("noc,co->no", contributions, weights[place])
        advance(len(chosen) * contributions.shape[2] / cells)
    return Importance(score, effects)


def settled(importance: Importance, method: str) -> Importance:
    """Return the importance that the shares of all cells add up to."""
    if IMPORTANCE_METHODS[method].is_slope:
        return Importance(np.abs(importance.effects).mean(axis=1), importance.effects)
    return importance


def targets_given(seen: ModelView, cells: Cells) -> NDArray[np.float64]:
    """Return the ``(cells, outputs)`` numbers that labels of a regression give; of survival, martingale residuals."""
    values = np.asarray(cells.labels.values if isinstance(cells.labels, Targets) else cells.labels)
    if values.dtype.kind not in "biuf":
        raise DataError(f"The model predicts numbers, but the labels are of type {values.dtype}.\nPass the numbers.")
    values = values.astype(np.float64).reshape(len(values), -1)
    of_survival = isinstance(seen.outputs, Survival)
    count, what = (2, "time and event") if of_survival else (len(output_weights(seen).names), "outputs")
    if values.shape != (len(cells), count):
        expected = f"(cells, {what}) = ({len(cells)}, {count})"
        raise DataError(f"The targets have shape {values.shape}, expected {expected}.")
    if not np.isfinite(values).all():
        raise DataError(
            f"{int((~np.isfinite(values)).sum())} of {counted(values.size, 'target')} are not finite numbers."
        )
    return null_residuals(values)[:, None] if of_survival else values
