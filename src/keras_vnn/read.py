"""Reading files: genes, priors, cells, architectures; what a file is; priors from their providers.

Out: the values that are listed here with the functions, `GeneList`, `Interactions`, `Regulation`, `Ontology`,
`Annotations`, `GeneSets`, each with the `Source` it came from and the `Audit` of what was left out.

    ppi = vnn.read.interactions("string.links.txt.gz", min_score=700)
"""

from keras_vnn.basics.public_names import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
