"""The architecture: layers of named nodes and the sparse adjacency between them.

In: nodes and connections from `keras_vnn.architecture.wiring`. Out: one immutable value that prints, compares, saves,
opens as a networkx graph, and is all a model needs to be built. Knows nothing of Keras.
"""

from keras_vnn.architecture._archive import architecture_from_bytes, architecture_to_bytes, load_architecture
from keras_vnn.architecture._candidates import candidate_edges, decoy_edges
from keras_vnn.architecture._nodes import NODE_KINDS, Layer, Node
from keras_vnn.architecture._summary import LayerSummary, Summary, gene_counts, genes_upstream, node_degrees
from keras_vnn.architecture._value import Architecture, NodePosition, check_architecture_given

__all__ = [
    "NODE_KINDS",
    "Architecture",
    "Layer",
    "LayerSummary",
    "Node",
    "NodePosition",
    "Summary",
    "architecture_from_bytes",
    "architecture_to_bytes",
    "candidate_edges",
    "check_architecture_given",
    "decoy_edges",
    "gene_counts",
    "genes_upstream",
    "load_architecture",
    "node_degrees",
]
