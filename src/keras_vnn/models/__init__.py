"""Keras models built from an architecture, their named weights, and saving and loading them.

In: an `Architecture` and what to predict. Out: plain ``keras.Model`` objects that know the names of their nodes.
Knows nothing of files of biology or of expression data.
"""

from keras_vnn.basics.public_names import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
