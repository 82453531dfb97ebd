"""Keras models built from an architecture, their named weights, and saving and loading them.

In: an `Architecture` and what to predict. Out: plain ``keras.Model`` objects that know the names of their nodes.
Knows nothing of files of biology or of expression data.
"""

from keras_vnn.models._autoencoder import build_autoencoder
from keras_vnn.models._build import build_model
from keras_vnn.models._initial import check_functions
from keras_vnn.models._outputs import Embedding, Outputs, Reconstruction, Regression
from keras_vnn.models._roles import LayerRole
from keras_vnn.models._saving import check_architecture, load_model, save_model
from keras_vnn.models._view import ModelView, view
from keras_vnn.models._weights import edge_weights, feature_names, set_edge_weights

__all__ = [
    "Embedding",
    "LayerRole",
    "ModelView",
    "Outputs",
    "Reconstruction",
    "Regression",
    "build_autoencoder",
    "build_model",
    "check_architecture",
    "check_functions",
    "edge_weights",
    "feature_names",
    "load_model",
    "save_model",
    "set_edge_weights",
    "view",
]
