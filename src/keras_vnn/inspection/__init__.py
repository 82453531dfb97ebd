"""What the named nodes of a trained model say: activities, weights, importance, predictions; all by name.

In: a model of `keras_vnn.models` and cells. Out: pandas tables, AnnData and pages of text.
Knows nothing of files and figures.
"""

from keras_vnn.inspection._activities import (
    activities_by_class,
    embed,
    embedding_units,
    node_activities,
    predict,
    predicted_classes,
    unit_table,
)
from keras_vnn.inspection._connectivity import CORRECTIONS, corrected_importance, path_weights
from keras_vnn.inspection._findings import activity_table, remember_inspection, remember_runs
from keras_vnn.inspection._identification import identify
from keras_vnn.inspection._interactions import interactions
from keras_vnn.inspection._judgement import Judgement, judge, untrained_warning
from keras_vnn.inspection._latent import autoencoder_activities, differential_activity, perturb_genes
from keras_vnn.inspection._methods import IMPORTANCE_METHODS, ImportanceMethod
from keras_vnn.inspection._node import NodeImportance, NodeInspection, inspect_node
from keras_vnn.inspection._orientation import turned_weights
from keras_vnn.inspection._ranking import node_contributions, nodes_by_class, rank_genes, rank_nodes, ranked_nodes
from keras_vnn.inspection._rlipp import RLIPP_TARGETS, rlipp

__all__ = [
    "CORRECTIONS",
    "IMPORTANCE_METHODS",
    "RLIPP_TARGETS",
    "ImportanceMethod",
    "Judgement",
    "NodeImportance",
    "NodeInspection",
    "activities_by_class",
    "activity_table",
    "autoencoder_activities",
    "corrected_importance",
    "differential_activity",
    "embed",
    "embedding_units",
    "identify",
    "inspect_node",
    "interactions",
    "judge",
    "node_activities",
    "node_contributions",
    "nodes_by_class",
    "path_weights",
    "perturb_genes",
    "predict",
    "predicted_classes",
    "rank_genes",
    "rank_nodes",
    "ranked_nodes",
    "remember_inspection",
    "remember_runs",
    "rlipp",
    "turned_weights",
    "unit_table",
    "untrained_warning",
]
