"""What several runs show together: whether a difference is more than chance, and how stable a ranking of nodes is.

In: scores or importance of nodes, by run. Out: means, intervals, p values, agreement of rankings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from keras_vnn.basics.errors import DataError, counted

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


def node_differences(real: pd.DataFrame, control: pd.DataFrame, *, test_to_train: float | None = None) -> pd.DataFrame:
    """Compare the importance of each node with what it has under a control.

    Parameters
    ----------
    real, control
        A row per node, a column per run; the same nodes.
    test_to_train
        For runs in pairs, the same columns in both tables, each pair on a split of the same cells: the number of test
        cells over that of training cells. Then p is that of `tl.resampled_t_test`, which knows that the splits overlap.
        When None, runs are taken to be independent.

    Returns
    -------
    pandas.DataFrame
        By id: ``difference`` of the means; ``effect_size`` (Hedges' g: in pooled standard deviations, corrected for few
        runs); ``p``, of Welch's t test for independent runs; ``adjusted_p`` for as many tests as nodes (Benjamini and
        Hochberg 1995). They are NaN with fewer than two runs of either, and where nothing varies.

    Raises
    ------
    DataError
        The nodes are not the same; or, for pairs, the runs.
    """
    from scipy.stats import false_discovery_control, ttest_ind

    if not real.index.equals(control.index):
        raise DataError("The nodes of the two tables are not the same, or not in the same order.")
    if test_to_train is not None and list(real.columns) != list(control.columns):
        raise DataError("The runs of the two tables are not the same: without pairs, leave out test_to_train.")
    difference = real.mean(axis=1) - control.mean(axis=1)
    table = pd.DataFrame({"difference": difference, "effect_size": np.nan, "p": np.nan, "adjusted_p": np.nan})
    first, second = real.shape[1], control.shape[1]
    if first < 2 or second < 2:
        return table
    freedom = first + second - 2
    pooled = np.sqrt(((first - 1) * real.var(axis=1) + (second - 1) * control.var(axis=1)) / freedom)
    with np.errstate(divide="ignore", invalid="ignore"):
        table["effect_size"] = difference / pooled.where(pooled > 0) * (1 - 3 / (4 * freedom - 1))
    varies = (pooled > 0).to_numpy()
    if varies.any():
        one, other = real.to_numpy(float)[varies], control.to_numpy(float)[varies]
        p = (
            ttest_ind(one, other, axis=1, equal_var=False).pvalue
            if test_to_train is None
            else resampled_t_test(one - other, test_to_train).p
        )
        tested = np.flatnonzero(varies)[~np.isnan(p)]
        table.iloc[tested, table.columns.get_loc("p")] = p[~np.isnan(p)]
        table.iloc[tested, table.columns.get_loc("adjusted_p")] = false_discovery_control(p[~np.isnan(p)])
    return table


@dataclass(frozen=True, slots=True)
class Stability:
    """How well rankings of the same nodes agree; means over all pairs of runs.

    Attributes
    ----------
    runs
        Number of runs.
    spearman
        Rank correlation of importance; 1 if all runs agree, 0 if they have nothing in common.
    top_overlap
        Share of the ``top`` first nodes that two runs have in common.
    top
        How many that is.
    rank_biased_overlap
        Agreement that weighs the first places most, from 0 to 1 (Webber et al. 2010, doi:10.1145/1852102.1852106).
    """

    runs: int
    spearman: float
    top_overlap: float
    top: int
    rank_biased_overlap: float

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return asdict(self)


def rank_stability(importance: pd.DataFrame, *, top: int = 10, persistence: float = 0.9) -> Stability:
    """Compare the rankings of several runs, two by two.

    Parameters
    ----------
    importance
        A row per node, a column per run.
    top
        Length of the list whose overlap is counted; fewer if there are fewer nodes.
    persistence
        Of `tl.rank_biased_overlap`.

    Raises
    ------
    DataError
        There are fewer than two runs or nodes, or a value is missing.
    """
    from scipy.stats import rankdata

    if importance.shape[1] < 2 or importance.shape[0] < 2:
        raise DataError(f"Rankings are compared of two or more runs and nodes, got {importance.shape[::-1]}.")
    if missing := int(importance.isna().to_numpy().sum()):
        raise DataError(f"{counted(missing, 'value of importance is', 'values of importance are')} missing.")
    values = importance.to_numpy(float)
    orders = [list(np.argsort(-values[:, run], kind="stable")) for run in range(values.shape[1])]
    length = min(top, len(values))
    pairs = list(combinations(range(values.shape[1]), 2))
    with np.errstate(divide="ignore", invalid="ignore"):  # Importance that does not vary agrees with none.
        correlations = np.nan_to_num(np.corrcoef(rankdata(values, axis=0), rowvar=False))
    overlaps = [len(set(orders[a][:length]) & set(orders[b][:length])) / length for a, b in pairs]
    biased = [rank_biased_overlap(orders[a], orders[b], persistence=persistence) for a, b in pairs]
    return Stability(
        values.shape[1],
        float(correlations[np.triu_indices(len(orders), 1)].mean()),
        float(np.mean(overlaps)),
        length,
        float(np.mean(biased)),
    )


def rank_biased_overlap(first: Sequence[Any], second: Sequence[Any], *, persistence: float = 0.9) -> float:
    """Return the extrapolated rank-biased overlap of two rankings of the same length.

    Parameters
    ----------
    first, second
        Things, the first first; none twice.
    persistence
        How probable it is that a reader who has seen a place goes on to the next, below 1.

    Returns
    -------
    float
        1 for equal rankings, 0 for rankings without anything in common (Webber et al. 2010, equation 32,
        doi:10.1145/1852102.1852106).

    Raises
    ------
    DataError
        The rankings differ in length or are empty, something occurs twice, or ``persistence`` is not between 0 and 1.

    Examples
    --------
    >>> rank_biased_overlap("ABC", "ABC")
    1.0
    >>> round(rank_biased_overlap("ABC", "BAC", persistence=0.5), 3)
    0.5
    """
    if len(first) != len(second) or not len(first):
        raise DataError(f"The rankings must be of one length, and not empty; got {len(first)} and {len(second)}.")
    if not 0 < persistence < 1:
        raise DataError(f"persistence must lie between 0 and 1, got {persistence}.")
    if len(set(first)) < len(first) or len(set(second)) < len(second):
        raise DataError("Something occurs twice in a ranking.")
    places = {thing: place for place, thing in enumerate(second)}
    # What both rankings have is common to them from the later of its two places on.
    later = [max(place, places[thing]) for place, thing in enumerate(first) if thing in places]
    total, depth = 0.0, len(first)
    for place, common in enumerate(np.cumsum(np.bincount(np.array(later, int), minlength=depth)).tolist(), 1):
        total += common / place * persistence**place
    return float(common / depth * persistence**depth + (1 - persistence) / persistence * total)
