"""Keras layers: the sparsely connected layer, its kernels, and the card that carries names with a model.

In: an adjacency. Out: ordinary Keras layers, registered so that saved models load without ``custom_objects``.
So are the other things a saved model of ours may hold: the losses `Concordance`, `ContrastivePairs`,
`BatchHardTriplet`, `ReconstructionError`, `CoxPartialLikelihood`, its metric and the classes `AuxiliaryModel` and
`SoftLinkModel`.
Knows nothing of biology; runs on every Keras backend.
"""

from keras_vnn.basics.public_names import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
