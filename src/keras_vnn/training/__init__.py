"""Training: the choices, one call from data to a scored model, and cross-validation.

In: an architecture, expression data and labels. Out: a trained Keras model with its history and its scores.
There is no training loop here: ``keras.Model.fit`` does the work.
"""

from keras_vnn.training._autoencoder import map_data, restored_genes, train_autoencoder
from keras_vnn.training._fit import fit_model, make_optimizer
from keras_vnn.training._pretraining import pretrain
from keras_vnn.training._run import TrainingResult
from keras_vnn.training._train import EMBEDDING_OBJECTIVES, cross_validate, train, train_embedding

__all__ = [
    "EMBEDDING_OBJECTIVES",
    "TrainingResult",
    "cross_validate",
    "fit_model",
    "make_optimizer",
    "map_data",
    "pretrain",
    "restored_genes",
    "train",
    "train_autoencoder",
    "train_embedding",
]
