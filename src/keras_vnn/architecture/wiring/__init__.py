"""Wiring: prior tables become an `Architecture`.

In: a gene list and prior tables (`keras_vnn.priors`) or plain gene sets. Out: layers of named nodes with the
sparse adjacency between them, and an audit of all that was dropped on the way. One module per family of priors.
Knows nothing of files and nothing of Keras.
"""

from keras_vnn.architecture.wiring._groupings import GROUPINGS
from keras_vnn.architecture.wiring._interactions import gene_set_architecture, interaction_architecture
from keras_vnn.architecture.wiring._joining import architecture_on_features, join_architectures
from keras_vnn.architecture.wiring._layering import UNIT_FORMULAS, UnitFormula
from keras_vnn.architecture.wiring._ontology import hierarchy_architecture, ontology_architecture

__all__ = [
    "GROUPINGS",
    "UNIT_FORMULAS",
    "UnitFormula",
    "architecture_on_features",
    "gene_set_architecture",
    "hierarchy_architecture",
    "interaction_architecture",
    "join_architectures",
    "ontology_architecture",
]
