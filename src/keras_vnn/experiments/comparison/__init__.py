"""Whether a prior is worth having: a network next to its controls and baselines, on the same cells, many times.

In: an architecture, data, labels. Out: tables of scores and nodes, and a sentence that says what they show.
"""

from keras_vnn.experiments.comparison._compare import compare, compare_networks
from keras_vnn.experiments.comparison._contenders import REAL, Contender, contenders_of
from keras_vnn.experiments.comparison._result import Comparison
from keras_vnn.experiments.comparison._statistics import (
    Stability,
    holm_adjusted,
    node_differences,
    rank_biased_overlap,
    rank_stability,
    resampled_t_test,
)

__all__ = [
    "REAL",
    "Comparison",
    "Contender",
    "Stability",
    "compare",
    "compare_networks",
    "contenders_of",
    "holm_adjusted",
    "node_differences",
    "rank_biased_overlap",
    "rank_stability",
    "resampled_t_test",
]
