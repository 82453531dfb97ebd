"""What `keras_vnn.inspection` holds, and the modules it comes from."""

from ._activities import (
    activities_by_class,
    activity_table,
    embed,
    embedding_units,
    node_activities,
    predict,
    predicted_classes,
    unit_table,
)
from ._connectivity import CORRECTIONS, against_decoys, corrected_importance, path_weights, prior_support, soft_links
from ._findings import turned_weights
from ._identification import identify
from ._interactions import interactions
from ._judgement import Judgement, judge, untrained_warning
from ._keeping import inspected_cells, keep_inspection
from ._latent import autoencoder_activities, differential_activity, perturb_genes
from ._memory import remember_inspection, remember_runs
from ._methods import IMPORTANCE_METHODS, ImportanceMethod
from ._node import NodeImportance, NodeInspection, inspect_node
from ._node_table import FALSE_DISCOVERY_RATE
from ._ranking import node_contributions, nodes_by_class, rank_genes, rank_nodes, ranked_nodes
from ._rlipp import RLIPP_TARGETS, rlipp

__all__ = [
    "CORRECTIONS",
    "FALSE_DISCOVERY_RATE",
    "IMPORTANCE_METHODS",
    "RLIPP_TARGETS",
    "ImportanceMethod",
    "Judgement",
    "NodeImportance",
    "NodeInspection",
    "activities_by_class",
    "activity_table",
    "against_decoys",
    "autoencoder_activities",
    "corrected_importance",
    "differential_activity",
    "embed",
    "embedding_units",
    "identify",
    "inspect_node",
    "inspected_cells",
    "interactions",
    "judge",
    "keep_inspection",
    "node_activities",
    "node_contributions",
    "nodes_by_class",
    "path_weights",
    "perturb_genes",
    "predict",
    "predicted_classes",
    "prior_support",
    "rank_genes",
    "rank_nodes",
    "ranked_nodes",
    "remember_inspection",
    "remember_runs",
    "rlipp",
    "soft_links",
    "turned_weights",
    "unit_table",
    "untrained_warning",
]
