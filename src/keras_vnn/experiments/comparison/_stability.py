"""How much a ranking of nodes depends on the run it comes from.

In: importance of nodes in several runs. Out: numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import DataError

__all__ = ["Stability", "rank_biased_overlap", "rank_stability"]


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
        Of `rank_biased_overlap`.

    Raises
    ------
    DataError
        There are fewer than two runs or nodes, or a value is missing.
    """
    from scipy.stats import spearmanr

    if importance.shape[1] < 2 or importance.shape[0] < 2:
        raise DataError(f"Rankings are compared of two or more runs and nodes, got {importance.shape[::-1]}.")
    if importance.isna().to_numpy().any():
        raise DataError(f"{int(importance.isna().to_numpy().sum())} values of importance are missing.")
    values = importance.to_numpy(float)
    orders = [list(np.argsort(-values[:, run], kind="stable")) for run in range(values.shape[1])]
    length = min(top, len(values))
    pairs = list(combinations(range(values.shape[1]), 2))
    correlations = [
        0.0
        if np.ptp(values[:, a]) == 0 or np.ptp(values[:, b]) == 0
        else float(spearmanr(values[:, a], values[:, b]).statistic)
        for a, b in pairs
    ]
    overlaps = [len(set(orders[a][:length]) & set(orders[b][:length])) / length for a, b in pairs]
    biased = [rank_biased_overlap(orders[a], orders[b], persistence=persistence) for a, b in pairs]
    return Stability(
        values.shape[1], float(np.mean(correlations)), float(np.mean(overlaps)), length, float(np.mean(biased))
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
    seen_first: set[Any] = set()
    seen_second: set[Any] = set()
    common, total = 0, 0.0
    for depth, (one, other) in enumerate(zip(first, second, strict=True), 1):
        common += one == other or one in seen_second
        common += one != other and other in seen_first
        seen_first.add(one)
        seen_second.add(other)
        total += common / depth * persistence**depth
    depth = len(first)
    return float(common / depth * persistence**depth + (1 - persistence) / persistence * total)
