"""Prior knowledge as immutable values, whose order does not depend on that of the rows they came from.

In: pairs of names from readers, a DataFrame, a networkx graph or a mapping. Out: gene lists, `Interactions`,
`Regulation`, `Ontology` (child → parent), `Annotations` (gene → term), `GeneSets`. Knows nothing of files or of layers.
"""

from typing import TYPE_CHECKING

from keras_vnn.basics.public_names import imported_on_use

if TYPE_CHECKING:
    from keras_vnn.priors._annotations import Annotations, GeneSets
    from keras_vnn.priors._edges import EFFECTS, Interactions, Regulation
    from keras_vnn.priors._ontology import Ontology

__all__ = ["EFFECTS", "Annotations", "GeneSets", "Interactions", "Ontology", "Regulation"]

# Names of genes are looked at without pandas.
__getattr__ = imported_on_use(
    __name__,
    {
        "Annotations": (f"{__name__}._annotations", "Annotations"),
        "EFFECTS": (f"{__name__}._edges", "EFFECTS"),
        "GeneSets": (f"{__name__}._annotations", "GeneSets"),
        "Interactions": (f"{__name__}._edges", "Interactions"),
        "Ontology": (f"{__name__}._ontology", "Ontology"),
        "Regulation": (f"{__name__}._edges", "Regulation"),
    },
)
