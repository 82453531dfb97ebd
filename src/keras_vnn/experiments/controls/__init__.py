"""Controls: networks of the same sizes whose wiring says nothing of biology, and data that tell nothing of it.

In: an `Architecture`, a method, a seed; or expression and classes. Out: another `Architecture` with its provenance;
simulated expression. Knows nothing of Keras, files or scores.
"""

from keras_vnn.experiments.controls._dense import dense_like
from keras_vnn.experiments.controls._input import control_input
from keras_vnn.experiments.controls._randomize import CONTROL_METHODS, randomize

__all__ = ["CONTROL_METHODS", "control_input", "dense_like", "randomize"]
