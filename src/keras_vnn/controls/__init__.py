"""Controls: networks of the same sizes whose wiring says nothing of biology.

In: an `Architecture`, a method, a seed. Out: another `Architecture` with its provenance.
Knows nothing of Keras, files or scores.
"""

from keras_vnn.controls._dense import dense_like
from keras_vnn.controls._randomize import CONTROL_METHODS, randomize

__all__ = ["CONTROL_METHODS", "dense_like", "randomize"]
