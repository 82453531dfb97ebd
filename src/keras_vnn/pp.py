"""Preparing data: names translated, cells aligned with a network's genes, labels, splits, normalisation.

What comes between reading and wiring, or between reading and training. `keras_vnn.train` does all of it by itself; here
are its parts.

    ppi = vnn.pp.map_identifiers(ppi, vnn.pp.identifier_map(ppi.genes, genes, table))
"""

from keras_vnn.basics.public_names import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
