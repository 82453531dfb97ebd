"""What the named nodes of a trained model say: activities, weights, importance, predictions; all by name.

In: a model of `keras_vnn.models` and cells. Out: pandas tables, AnnData and pages of text.
Knows nothing of files and figures.
"""

from keras_vnn.basics.public_names import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
