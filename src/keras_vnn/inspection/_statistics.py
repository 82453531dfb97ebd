"""Activities of units by class. In: activities and class codes. Out: means, deviations, effect sizes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ClassStatistics", "class_statistics"]

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ClassStatistics:
    """Activities of units by class; NaN where there are too few cells to say.

    Attributes
    ----------
    cells
        ``(classes,)`` numbers of cells.
    mean, deviation
        ``(classes, units)`` mean, and standard deviation (n - 1).
    effect_size
        ``(classes, units)`` Cohen's d of the cells of the class against all others: difference of the means in
        pooled standard deviations; 0 where the means are equal.
    """

    cells: NDArray[np.int64]
    mean: Doubles
    deviation: Doubles
    effect_size: Doubles


def class_statistics(activities: NDArray[np.floating], codes: NDArray[np.integer], classes: int) -> ClassStatistics:
    """Return the statistics of ``(cells, units)`` activities by class."""
    cells = np.bincount(codes, minlength=classes).astype(np.int64)
    units = activities.shape[1]
    mean, squares = np.full((classes, units), np.nan), np.full((classes, units), np.nan)
    for code in np.flatnonzero(cells):
        of_class = activities[codes == code].astype(np.float64)
        mean[code] = of_class.mean(axis=0)
        squares[code] = ((of_class - mean[code]) ** 2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        n = cells[:, None].astype(np.float64)
        deviation = np.where(n > 1, np.sqrt(squares / (n - 1)), np.nan)
        sums, total = np.nansum(mean * n, axis=0), n.sum()
        rest, n_rest = (sums - np.where(n > 0, mean * n, 0)) / (total - n), total - n
        # Squares of the rest around its own mean, from those of each class around its own.
        all_squares = np.nansum(squares + n * (mean - sums / total) ** 2, axis=0)
        rest_squares = all_squares - squares - n * n_rest / total * (mean - rest) ** 2
        pooled = np.sqrt(np.maximum(squares + rest_squares, 0) / (total - 2))
        difference = mean - rest
        scale = np.maximum(np.abs(mean), np.abs(rest))
        same = np.abs(difference) <= 1e-6 * scale
        effect = np.where(same, 0.0, np.where(pooled > 1e-7 * scale, difference / pooled, np.nan))
        effect = np.where((n > 0) & (n_rest > 0), effect, np.nan)
    return ClassStatistics(cells, mean, deviation, effect)
