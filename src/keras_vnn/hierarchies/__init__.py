"""Hierarchical prior knowledge: canonical, immutable values beside `keras_vnn.priors`.

In: pairs of names from readers, a DataFrame, a networkx graph or a mapping. Out: `Ontology` (child → parent),
`Annotations` (gene → term) and `GeneSets` (name → genes), whose order does not depend on the order of the rows
they came from. Knows nothing of files or of layers.
"""

from keras_vnn.hierarchies._annotations import Annotations
from keras_vnn.hierarchies._gene_sets import GeneSets
from keras_vnn.hierarchies._ontology import Ontology

__all__ = ["Annotations", "GeneSets", "Ontology"]
