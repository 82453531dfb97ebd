"""How good an embedding of cells is: the two evaluations of Lin et al., from coordinates and labels alone.

In: ``(cells, units)`` coordinates and a label per cell. Out: scores of k-means clustering and of retrieval by distance.
Knows nothing of networks: PCA and any other embedding are judged alike.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from keras_vnn.basics.errors import DataError, counted
from keras_vnn.basics.remedies import by_place
from keras_vnn.basics.showing import Shown

# Queries that are compared with all cells at once.
BLOCK = 256


@dataclass(frozen=True, slots=True, repr=False)
class ClusteringScores(Shown):
    """How well the clusters of an embedding agree with known types of cells.

    Attributes
    ----------
    homogeneity, completeness, v_measure
        0 to 1; a cluster holds one type only, a type lies in one cluster only, and their harmonic mean.
    adjusted_rand, adjusted_mutual_information
        1 for the same partition, about 0 for a random one.
    fowlkes_mallows
        0 to 1; geometric mean of precision and recall of pairs of cells.
    types, cells
        How many there were.
    """

    homogeneity: float
    completeness: float
    v_measure: float
    adjusted_rand: float
    adjusted_mutual_information: float
    fowlkes_mallows: float
    types: int
    cells: int

    def __str__(self) -> str:
        return (
            f"{counted(self.types, 'type')}, {counted(self.cells, 'cell')}: homogeneity {self.homogeneity:.3f}, "
            "completeness "
            f"{self.completeness:.3f}, V {self.v_measure:.3f}, adjusted Rand {self.adjusted_rand:.3f}, adjusted mutual "
            f"information {self.adjusted_mutual_information:.3f}, Fowlkes-Mallows {self.fowlkes_mallows:.3f}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the scores as plain JSON values."""
        return asdict(self)


def clustering_scores(
    embedding: ArrayLike, labels: ArrayLike, *, clusters: ArrayLike | None = None, starts: int = 10, seed: int = 0
) -> ClusteringScores:
    """Cluster an embedding by k-means, k being the true number of types, and compare clusters with types.

    Parameters
    ----------
    embedding
        ``(cells, units)`` coordinates, or an AnnData that holds them in ``X``.
    labels
        The type of each cell.
    clusters
        The cluster of each cell, if they are known already; k-means is then left out.
    starts
        Initialisations of k-means, of which the tightest is taken.
    seed
        Of the initialisations.

    Raises
    ------
    DataError
        Embedding and labels do not fit together, or there is one type only.

    References
    ----------
    Lin et al. 2017, Nucleic Acids Research 45:e156, doi:10.1093/nar/gkx681.

    Examples
    --------
    >>> scores = clustering_scores([[0.0], [0.1], [5.0], [5.1]], ["B", "B", "T", "T"])
    >>> scores.adjusted_rand
    1.0
    """
    from sklearn import metrics
    from sklearn.cluster import KMeans

    values, names = _coordinates_and_labels(embedding, labels)
    types = sorted(set(names))
    if len(types) < 2:
        raise DataError(f"The cells are of one type only, {types[0]}: there is nothing to tell apart.")
    if clusters is None:
        # The order of cells must not decide where k-means begins.
        order = np.lexsort(values.T[::-1])
        found = np.empty(len(values), np.intp)
        found[order] = KMeans(len(types), n_init=starts, random_state=seed).fit_predict(values[order])
    else:
        found = np.asarray(clusters)
        if found.shape != names.shape:
            raise DataError(
                f"Got {counted(found.size, 'cluster')} for {counted(names.size, 'cell')}. Pass one per cell."
            )
    homogeneity, completeness, v_measure = metrics.homogeneity_completeness_v_measure(names, found)
    return ClusteringScores(
        float(homogeneity),
        float(completeness),
        float(v_measure),
        float(metrics.adjusted_rand_score(names, found)),
        float(metrics.adjusted_mutual_info_score(names, found)),
        float(metrics.fowlkes_mallows_score(names, found)),
        len(types),
        len(names),
    )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RetrievalScores(Shown):
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
            f"{counted(self.queries, 'query')}, {self.top} nearest: mean average precision "
            f"{self.mean_average_precision:.3f}, over types {self.mean_over_types:.3f}{left}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the scores as plain JSON values."""
        return {
            "mean_average_precision": self.mean_average_precision,
            "mean_over_types": self.mean_over_types,
            "by_type": self.by_type.to_dict("index"),
            "top": self.top,
            "queries": self.queries,
            "without_match": self.without_match,
        }


@dataclass(frozen=True, slots=True, repr=False)
class MixingScores(Shown):
    """How well batches mix in an embedding, and types of cells stay apart.

    Attributes
    ----------
    batch_mixing
        0 to 1: one less the absolute silhouette width of cells by batch within their type, averaged over cells, then
        over types; 1 where batches cannot be told apart.
    type_separation
        0 to 1: silhouette width of cells by type, moved from -1 … 1; ``None`` without types.
    batches, cells
        How many there were.
    """

    batch_mixing: float
    type_separation: float | None
    batches: int
    cells: int

    def __str__(self) -> str:
        types = "" if self.type_separation is None else f", types apart {self.type_separation:.3f}"
        return (
            f"{counted(self.batches, 'batch')}, {counted(self.cells, 'cell')}: batches mixed "
            f"{self.batch_mixing:.3f}{types}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the scores as plain JSON values."""
        return asdict(self)


def mixing_scores(embedding: ArrayLike, batches: ArrayLike, labels: ArrayLike | None = None) -> MixingScores:
    """Return how well batches mix in an embedding, and whether types of cells stay apart, by silhouette widths.

    Parameters
    ----------
    embedding
        ``(cells, units)`` coordinates, or an AnnData that holds them in ``X``.
    batches
        The batch of each cell.
    labels
        The type of each cell; batches are then compared within types, those of two batches and more.

    Raises
    ------
    DataError
        Embedding, batches and labels do not fit together, or no type has cells of two batches.

    References
    ----------
    Luecken et al. 2022, Nature Methods 19:41, doi:10.1038/s41592-021-01336-8 (scIB; its package scib-metrics has more
    such scores).

    Examples
    --------
    >>> mixing_scores([[0.0], [1.0], [0.0], [1.0]], ["a", "a", "b", "b"]).batch_mixing
    0.5
    """
    from sklearn.metrics import silhouette_samples, silhouette_score

    values, of_batch = _coordinates_and_labels(embedding, batches)
    if labels is None:
        types = np.zeros(len(values), np.intp)
    else:
        _, names = _coordinates_and_labels(embedding, labels)
        types = pd.factorize(names)[0]
    mixed = []
    for one in np.unique(types):
        own, there = values[types == one], of_batch[types == one]
        if 1 < len(set(there)) < len(there):
            mixed.append(float((1 - np.abs(silhouette_samples(own, there))).mean()))
    if not mixed:
        raise DataError(
            "No type has several cells of two batches, so that it cannot be told how they mix.\n"
            "Pass batches that have cells of the same types; or leave out the labels."
        )
    several = labels is not None and len(np.unique(types)) > 1
    apart = (float(silhouette_score(values, types)) + 1) / 2 if several else None
    return MixingScores(float(np.mean(mixed)), apart, len(set(of_batch)), len(values))


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
    values, names = _coordinates_and_labels(embedding, labels)
    if top < 1:
        raise DataError(f"top must be at least 1, got {top}.")
    sets = np.arange(len(names)) if batches is None else pd.factorize(np.asarray(batches, dtype=object))[0]
    if sets.shape != names.shape:
        raise DataError(f"Got {counted(sets.size, 'batch')} for {counted(names.size, 'cell')}. Pass one per cell.")
    if missing := int((sets < 0).sum()):
        raise DataError(f"{missing:,} of {counted(names.size, 'cell')} have no batch. Leave these cells out.")
    if batches is not None and sets.max() == 0:
        raise DataError(
            "All cells are of one data set: there is no other to search.\n"
            + by_place("Leave --batch out to compare cells within it.", "Compare cells within it: batches=None")
        )
    asking = np.ones(len(names), bool) if queries is None else np.asarray(queries)
    if asking.shape != names.shape or asking.dtype != bool:
        raise DataError(
            f"queries must be a mask of {counted(names.size, 'cell')}, got {asking.dtype} of shape {asking.shape}."
        )
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


def held_out_types(labels: ArrayLike, count: int, *, repeat: int, seed: int = 0) -> tuple[str, ...]:
    """Draw types of cells to hold out.

    Parameters
    ----------
    labels
        The type of each cell.
    count
        How many types to hold out; at least two are left to train on.
    repeat
        Number of the draw.
    seed
        Of all draws.

    Returns
    -------
    tuple of str
        Names, sorted; the same for the same types, ``count``, ``repeat`` and ``seed``.

    Raises
    ------
    DataError
        There are too few types.

    Examples
    --------
    >>> held_out_types(["B", "T", "NK", "Mono", "DC"], 2, repeat=0)
    ('Mono', 'T')
    """
    types = sorted({str(name) for name in np.asarray(getattr(labels, "names", labels), dtype=object)})
    if not 2 <= count <= len(types) - 2:
        raise DataError(
            f"Of {counted(len(types), 'type')}, 2 to {max(len(types) - 2, 0)} can be held out so that 2 are left to "
            f"train on; got {count}."
        )
    drawn = np.random.default_rng([seed, count, repeat]).permutation(len(types))[:count]
    return tuple(types[number] for number in sorted(drawn))


def _coordinates_and_labels(embedding: Any, labels: Any) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Return ``(cells, units)`` float64 and ``(cells,)`` labels as text.

    Raises
    ------
    DataError
        The embedding is not a matrix or not finite, a label is missing, or their numbers differ.
    """
    values = np.asarray(embedding.X if hasattr(embedding, "obs_names") else embedding)
    if values.ndim != 2 or values.dtype.kind not in "biuf" or 0 in values.shape:
        raise DataError(f"The embedding must be numbers of shape (cells, units), got {values.dtype} of {values.shape}.")
    names = np.asarray(getattr(labels, "names", labels), dtype=object)
    if names.shape != (len(values),):
        raise DataError(
            f"The embedding has {counted(len(values), 'cell')}, and there are "
            f"{counted(len(names) if names.ndim else 0, 'label')}.\n"
            "Pass one label per cell, in the same order."
        )
    missing = int(pd.isna(names).sum())
    if missing:
        raise DataError(f"{missing:,} of {counted(len(names), 'label')} are missing. Leave these cells out.")
    if not np.isfinite(values).all():
        raise DataError(
            f"{int((~np.isfinite(values)).sum()):,} of {counted(values.size, 'coordinate')} are not finite numbers."
        )
    return values.astype(np.float64), np.array([str(name) for name in names], dtype=object)
