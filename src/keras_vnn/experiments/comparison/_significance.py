"""Whether a difference over several splits is more than chance.

In: differences of two methods on the same splits. Out: means, intervals, p values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from keras_vnn.basics.errors import DataError

__all__ = ["PairedTest", "holm_adjusted", "resampled_t_test"]

# Differences below this are those of rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class PairedTest:
    """A corrected resampled t test, or one for each row.

    Attributes
    ----------
    difference
        Mean.
    low, high
        Confidence interval of it.
    p
        Two-sided. NaN with fewer than two splits, and where all differences are the same but not 0.
    """

    difference: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p: NDArray[np.float64]


def resampled_t_test(differences: ArrayLike, test_to_train: float, *, confidence: float = 0.95) -> PairedTest:
    """Test whether two methods differ, from their differences on random splits or folds of the same cells.

    Training parts of such splits overlap, so the differences are not independent and a plain paired t test finds too
    much. Their variance is taken times ``1 / n + test_to_train`` instead of ``1 / n``.

    Parameters
    ----------
    differences
        ``(…, splits)``: score of one less that of the other, on each split; repeated cross-validation counts each fold.
    test_to_train
        Number of test cells over the number of training cells; ``1 / (k - 1)`` for k folds.
    confidence
        Of the interval.

    Raises
    ------
    DataError
        There is no split, the ratio is negative, or the confidence is not between 0 and 1.

    References
    ----------
    Nadeau & Bengio 2003, Machine Learning 52:239, doi:10.1023/A:1024068626366; for repeated cross-validation
    Bouckaert & Frank 2004, doi:10.1007/978-3-540-24775-3_3.

    Examples
    --------
    >>> found = resampled_t_test([0.1, 0.2, 0.3], test_to_train=0.25)
    >>> round(float(found.difference), 3), round(float(found.p), 3)
    (0.2, 0.12)
    """
    from scipy.stats import t

    values = np.asarray(differences, np.float64)
    if not values.ndim or not values.shape[-1] or test_to_train < 0 or not 0 < confidence < 1:
        raise DataError(
            f"A test needs differences on one or more splits, a ratio of 0 or more and a confidence below 1, got shape "
            f"{values.shape}, {test_to_train} and {confidence}."
        )
    count = values.shape[-1]
    mean = values.mean(axis=-1)
    unknown = np.full(mean.shape, np.nan)
    if count < 2:
        return PairedTest(mean, unknown, unknown.copy(), unknown.copy())
    scale = _ROUNDING * np.maximum(np.abs(values).max(axis=-1), 1)
    mean = np.where(np.abs(mean) < scale, 0.0, mean)
    error = np.sqrt((1 / count + test_to_train) * values.var(axis=-1, ddof=1))
    error = np.where(error < scale, 0.0, error)
    reach = t.ppf((1 + confidence) / 2, count - 1) * error
    # Nothing varies: no difference at all is none, one that is always the same cannot be tested.
    certain = np.where(mean == 0, 1.0, np.nan)
    ratio = np.divide(np.abs(mean), error, out=np.zeros_like(error), where=error > 0)
    p = np.where(error > 0, 2 * t.sf(ratio, count - 1), np.where(np.isnan(mean), np.nan, certain))
    return PairedTest(mean, mean - reach, mean + reach, p)


def holm_adjusted(p: ArrayLike) -> NDArray[np.float64]:
    """Return p values for as many tests as there are; NaN stays NaN and does not count.

    The chance that any difference is found where there is none stays below the level, whatever the others show. (What
    controls the false discovery rate instead would find more once a comparison that is won easily is added.)

    References
    ----------
    Holm 1979, Scandinavian Journal of Statistics 6:65.

    Examples
    --------
    >>> holm_adjusted([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, np.float64)
    adjusted: NDArray[np.float64] = np.full(values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    stepped = np.maximum.accumulate(values[order] * np.arange(len(order), 0, -1))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
