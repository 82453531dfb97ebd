"""Activities of units by class. In: activities and class codes. Out: means, deviations, effect sizes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_vnn.basics.errors import DataError

__all__ = ["ClassMoments", "ClassStatistics", "class_statistics"]

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


class ClassMoments:
    """Means and squares of units by class over all cells seen, merged as by Chan, Golub and LeVeque.

    Parameters
    ----------
    classes
        How many there are.
    """

    def __init__(self, classes: int) -> None:
        self._cells = np.zeros(classes, np.int64)
        self._mean: Doubles | None = None
        self._squares: Doubles | None = None
        self._sum: Doubles | None = None

    def see(self, activities: NDArray[np.floating], codes: NDArray[np.integer]) -> None:
        """Take in ``(cells, units)`` activities and the class of each cell."""
        units, classes = activities.shape[1], len(self._cells)
        if self._mean is None or self._squares is None or self._sum is None:
            self._mean, self._squares = np.zeros((classes, units)), np.zeros((classes, units))
            self._sum = np.zeros(units)
        self._sum += activities.sum(axis=0, dtype=np.float64)
        counts = np.bincount(codes, minlength=classes)
        for code in np.flatnonzero(counts):
            of_class = activities[codes == code].astype(np.float64)
            mean = of_class.mean(axis=0)
            before, count = self._cells[code], counts[code]
            step = mean - self._mean[code]
            self._mean[code] += step * (count / (before + count))
            self._squares[code] += ((of_class - mean) ** 2).sum(axis=0) + step**2 * (before * count / (before + count))
        self._cells += counts

    @property
    def means(self) -> NDArray[np.float32]:
        """``(units,)`` means over all cells."""
        return np.asarray(self._sum / self._cells.sum(), np.float32)

    def statistics(self) -> ClassStatistics:
        """Return what can be said of the cells seen."""
        if self._mean is None or self._squares is None:
            raise DataError("There is no cell to describe.")
        cells = self._cells
        empty = (cells == 0)[:, None]
        mean, squares = np.where(empty, np.nan, self._mean), np.where(empty, np.nan, self._squares)
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


def class_statistics(activities: NDArray[np.floating], codes: NDArray[np.integer], classes: int) -> ClassStatistics:
    """Return the statistics of ``(cells, units)`` activities by class."""
    moments = ClassMoments(classes)
    moments.see(activities, codes)
    return moments.statistics()
