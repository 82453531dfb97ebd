"""Clustering of an embedding, compared with known types."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from keras_vnn.basics.errors import DataError
from keras_vnn.experiments.evaluation._coordinates import coordinates_and_labels

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["ClusteringScores", "clustering_scores"]


@dataclass(frozen=True, slots=True)
class ClusteringScores:
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
            f"{self.types} types, {self.cells:,} cells: homogeneity {self.homogeneity:.3f}, completeness "
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
    import numpy as np
    from sklearn import metrics
    from sklearn.cluster import KMeans

    values, names = coordinates_and_labels(embedding, labels)
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
            raise DataError(f"There are {found.size:,} clusters for {names.size:,} cells. Pass one per cell.")
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
