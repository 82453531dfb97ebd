"""How good a model is on cells it has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from keras_vnn.data import (
    ClassificationMetrics,
    Labels,
    RegressionMetrics,
    Targets,
    classification_metrics,
    regression_metrics,
)

__all__ = ["Metrics", "TargetMetrics", "scores"]


@dataclass(frozen=True, slots=True, eq=False)
class TargetMetrics:
    """How well several numbers were predicted.

    Attributes
    ----------
    by_target
        The scores of each, by its name.
    """

    by_target: Mapping[str, RegressionMetrics]

    def __str__(self) -> str:
        return "; ".join(f"{name}: {metrics}" for name, metrics in self.by_target.items())

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {name: metrics.to_json() for name, metrics in self.by_target.items()}


Metrics = ClassificationMetrics | RegressionMetrics | TargetMetrics


def scores(known: Labels | Targets, truth: NDArray[Any], predicted: NDArray[Any]) -> Metrics:
    """Return the scores that fit what was predicted."""
    if isinstance(known, Labels):
        return classification_metrics(truth, predicted, known.classes)
    by_target = {name: regression_metrics(truth[:, i], predicted[:, i]) for i, name in enumerate(known.names)}
    return TargetMetrics(by_target) if len(by_target) > 1 else by_target[known.names[0]]
