"""Wiring: priors become an `Architecture`; what it is made of; the same wired at random, for controls.

Each function takes the genes of the data first, then what the function of the same name in `keras_vnn.read` gave.

    arch = vnn.wire.interactions(cells.var_names, ppi, tf)
"""

from keras_vnn.basics.public_names import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
