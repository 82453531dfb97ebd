"""How good a model is on cells it has not seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_vnn.data.labels import Labels, Targets
from keras_vnn.data.metrics import (
    ClassificationMetrics,
    RegressionMetrics,
    classification_metrics,
    regression_metrics,
)

__all__ = ["Metrics", "ReconstructionMetrics", "TargetMetrics", "reconstruction_metrics", "scores"]


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


@dataclass(frozen=True, slots=True)
class ReconstructionMetrics:
    """How well an autoencoder restored genes of cells it had not seen.

    Attributes
    ----------
    squared_error
        Sum over genes of the squared difference, averaged over cells.
    explained
        Share of the variance over cells that is restored, all genes together: 1 less the squared error over the
        squared distance from the mean of each gene. ``None`` where no gene varies.
    genes
        Number of genes.
    """

    squared_error: float
    explained: float | None
    genes: int

    def __str__(self) -> str:
        share = "nothing varies among" if self.explained is None else f"{100 * self.explained:.1f} % of the variance of"
        end = "" if self.explained is None else " restored"
        return f"squared error {self.squared_error:.4g} a cell; {share} {self.genes:,} genes{end}"

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return asdict(self)


Metrics = ClassificationMetrics | ReconstructionMetrics | RegressionMetrics | TargetMetrics


def reconstruction_metrics(parts: Iterable[tuple[NDArray[Any], NDArray[Any]]]) -> ReconstructionMetrics:
    """Return how well ``(cells, genes)`` were restored; truth and what was restored come in parts, by cells."""
    cells, genes, error = 0, 0, 0.0
    first: Any = None
    total: Any = 0.0
    squares: Any = 0.0
    for truth, restored in parts:
        wide = np.asarray(truth, np.float64)
        error += float(np.square(wide - restored).sum())
        # Less the first cell, so that squares of large numbers that hardly differ are not taken from each other.
        first = wide[0] if first is None else first
        total = total + (wide - first).sum(axis=0)
        squares = squares + np.square(wide - first).sum(axis=0)
        cells, genes = cells + len(wide), wide.shape[1]
    spread = float((squares - np.square(total) / cells).sum())
    return ReconstructionMetrics(error / cells, 1 - error / spread if spread > 0 else None, genes)


def scores(known: Labels | Targets, truth: NDArray[Any], predicted: NDArray[Any]) -> Metrics:
    """Return the scores that fit what was predicted."""
    if isinstance(known, Labels):
        return classification_metrics(truth, predicted, known.classes)
    by_target = {name: regression_metrics(truth[:, i], predicted[:, i]) for i, name in enumerate(known.names)}
    return TargetMetrics(by_target) if len(by_target) > 1 else by_target[known.names[0]]
