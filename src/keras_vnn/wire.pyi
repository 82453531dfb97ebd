"""Wiring: what `keras_vnn.wire` holds, and the modules it comes from."""

from .architecture import Layer, Node, Summary, gene_counts, node_degrees
from .architecture.wiring import UnitFormula
from .architecture.wiring import architecture_on_features as on_features
from .architecture.wiring import gene_set_architecture as gene_sets
from .architecture.wiring import hierarchy_architecture as hierarchy
from .architecture.wiring import interaction_architecture as interactions
from .architecture.wiring import join_architectures as join
from .architecture.wiring import ontology_architecture as ontology
from .experiments.controls import CONTROL_METHODS, control_input, dense_like, randomize

__all__ = [
    "CONTROL_METHODS",
    "Layer",
    "Node",
    "Summary",
    "UnitFormula",
    "control_input",
    "dense_like",
    "gene_counts",
    "gene_sets",
    "hierarchy",
    "interactions",
    "join",
    "node_degrees",
    "on_features",
    "ontology",
    "randomize",
]
