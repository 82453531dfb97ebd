"""What `keras_vnn.models` holds, and the modules it comes from."""

from ._anchor import check_functions
from ._autoencoder import build_autoencoder
from ._build import build_model
from ._builder import compile_model
from ._outputs import Embedding, Outputs, Reconstruction, Regression, Survival
from ._roles import LayerRole
from ._saving import check_architecture, load_model, model_file, save_model
from ._stored import read_model
from ._view import ModelView, view
from ._weights import DECOY, PRIOR, SOFT_LINK, edge_weights, feature_names, set_edge_weights, weights_digest

__all__ = [
    "DECOY",
    "PRIOR",
    "SOFT_LINK",
    "Embedding",
    "LayerRole",
    "ModelView",
    "Outputs",
    "Reconstruction",
    "Regression",
    "Survival",
    "build_autoencoder",
    "build_model",
    "check_architecture",
    "check_functions",
    "compile_model",
    "edge_weights",
    "feature_names",
    "load_model",
    "model_file",
    "read_model",
    "save_model",
    "set_edge_weights",
    "view",
    "weights_digest",
]
