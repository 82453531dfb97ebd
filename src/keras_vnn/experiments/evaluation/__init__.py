"""How good an embedding of cells is: the two evaluations of Lin et al., from coordinates and labels alone.

In: ``(cells, units)`` coordinates and a label per cell. Out: scores.
Knows nothing of networks: PCA and any other embedding are judged alike.
"""

from keras_vnn.experiments.evaluation._clustering import ClusteringScores, clustering_scores
from keras_vnn.experiments.evaluation._held_out import held_out_types
from keras_vnn.experiments.evaluation._retrieval import RetrievalScores, retrieval_scores

__all__ = ["ClusteringScores", "RetrievalScores", "clustering_scores", "held_out_types", "retrieval_scores"]
