"""Retrieval of cells of the same type by distance in an embedding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_vnn.basics.errors import DataError
from keras_vnn.experiments.evaluation._coordinates import coordinates_and_labels

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

__all__ = ["RetrievalScores", "average_precision", "retrieval_scores"]

BLOCK = 256


@dataclass(frozen=True, slots=True, eq=False)
class RetrievalScores:
    """How well cells find others of their type.

    Attributes
    ----------
    mean_average_precision
        Mean over the queries.
    by_type
        A row per type: ``queries`` and ``average_precision``, their mean.
    top
        Number of nearest cells that were looked at.
    queries
        Cells that asked.
    without_match
        Cells that were left out, as no other data set has a cell of their type.
    """

    mean_average_precision: float
    by_type: pd.DataFrame
    top: int
    queries: int
    without_match: int

    @property
    def mean_over_types(self) -> float:
        """Mean of the types' means, in which a rare type counts as much as a common one."""
        return float(self.by_type["average_precision"].mean())

    def __str__(self) -> str:
        left = f"; {self.without_match:,} without a match left out" if self.without_match else ""
        return (
            f"{self.queries:,} queries, {self.top} nearest: mean average precision {self.mean_average_precision:.3f}, "
            f"over types {self.mean_over_types:.3f}{left}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the scores as plain JSON values."""
        return {
            "mean_average_precision": self.mean_average_precision,
            "mean_over_types": self.mean_over_types,
            "by_type": {
                str(name): {"queries": int(count), "average_precision": float(score)}
                for name, count, score in self.by_type.itertuples()
            },
            "top": self.top,
            "queries": self.queries,
            "without_match": self.without_match,
        }


def average_precision(is_hit: NDArray[np.bool_], relevant: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return ``(queries,)`` average precision of ranked answers.

    The mean of the precision at each hit, over as many hits as there could have been among the answers.

    Parameters
    ----------
    is_hit
        ``(queries, answers)``, nearest first.
    relevant
        ``(queries,)`` number of right answers there are.

    Examples
    --------
    >>> import numpy as np
    >>> average_precision(np.array([[True, False, True]]), np.array([2])).round(4)  # (1/1 + 2/3) / 2
    array([0.8333])
    """
    import numpy as np

    precision = np.cumsum(is_hit, axis=1) / np.arange(1, is_hit.shape[1] + 1)
    return np.asarray((precision * is_hit).sum(axis=1) / np.minimum(relevant, is_hit.shape[1]))


def retrieval_scores(
    embedding: ArrayLike,
    labels: ArrayLike,
    *,
    batches: ArrayLike | None = None,
    queries: ArrayLike | None = None,
    top: int = 100,
) -> RetrievalScores:
    """Let each cell rank the cells of other data sets by Euclidean distance, and score the nearest by type.

    Parameters
    ----------
    embedding
        ``(cells, units)`` coordinates, or an AnnData that holds them in ``X``.
    labels
        The type of each cell.
    batches
        The data set of each cell; a cell is compared with those of other data sets only. ``None`` compares it with
        all cells but itself, which overstates how well types are found across data sets.
    queries
        ``(cells,)`` whether each cell asks; all do when ``None``. All cells answer.
    top
        Number of nearest cells that count. Their average precision is divided by the number of cells of the type
        there are, or by ``top`` where there are more.

    Raises
    ------
    DataError
        Embedding, labels and batches do not fit together, or no cell has one of its type in another data set.

    References
    ----------
    Lin et al. 2017, Nucleic Acids Research 45:e156, doi:10.1093/nar/gkx681.

    Examples
    --------
    >>> scores = retrieval_scores([[0.0], [0.1], [5.0], [5.1]], ["B", "B", "T", "T"], batches=[1, 2, 1, 2], top=2)
    >>> scores.mean_average_precision
    1.0
    """
    import numpy as np
    import pandas as pd

    values, names = coordinates_and_labels(embedding, labels)
    if top < 1:
        raise DataError(f"top must be at least 1, got {top}.")
    sets = np.arange(len(names)) if batches is None else pd.factorize(np.asarray(batches, dtype=object))[0]
    if sets.shape != names.shape:
        raise DataError(f"There are {sets.size:,} batches for {names.size:,} cells. Pass one per cell.")
    if batches is not None and sets.max() == 0:
        raise DataError(
            "All cells are of one data set: there is no other to search.\nCompare cells within it: batches=None"
        )
    asking = np.ones(len(names), bool) if queries is None else np.asarray(queries)
    if asking.shape != names.shape or asking.dtype != bool:
        raise DataError(f"queries must be a mask of {names.size:,} cells, got {asking.dtype} of shape {asking.shape}.")
    codes = pd.factorize(names)[0]
    scores = np.full(len(names), np.nan)
    # Differences of squares far from the origin would lose the digits of the distances.
    values = values - values.mean(axis=0)
    squares = (values**2).sum(axis=1)
    for rows in np.array_split(np.flatnonzero(asking), -(-int(asking.sum()) // BLOCK) or 1):
        is_other = sets[rows, None] != sets
        is_match = is_other & (codes[rows, None] == codes)
        distances = squares[rows, None] - 2 * values[rows] @ values.T + squares
        distances[~is_other] = np.inf
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :top]
        relevant = is_match.sum(axis=1)
        asks = relevant > 0
        hits = np.take_along_axis(is_match, nearest, axis=1)
        scores[rows[asks]] = average_precision(hits[asks], relevant[asks])
    asked = ~np.isnan(scores)
    if not asked.any():
        raise DataError("No cell has one of its type in another data set: nothing can be found.")
    grouped = pd.Series(scores[asked]).groupby(names[asked])
    by_type = pd.DataFrame({"queries": grouped.size(), "average_precision": grouped.mean()}).rename_axis("type")
    return RetrievalScores(float(scores[asked].mean()), by_type, top, int(asked.sum()), int((asking & ~asked).sum()))
