"""Trainings whose models keep what their nodes say, networks as scikit-learn estimators, and one call for AnnData.

In: tables, arrays or AnnData, and labels. Out: trained models; fitted estimators; an AnnData that holds what a network
says. Nothing is computed here: `keras_vnn.training` trains, `keras_vnn.inspection` asks the network.
"""

from keras_vnn.estimators._anndata import annotate_cells, train_cells
from keras_vnn.estimators._predictors import VNNAutoencoder, VNNClassifier, VNNEmbedder, VNNRegressor
from keras_vnn.estimators._trainers import train, train_autoencoder, train_embedding

__all__ = [
    "VNNAutoencoder",
    "VNNClassifier",
    "VNNEmbedder",
    "VNNRegressor",
    "annotate_cells",
    "train",
    "train_autoencoder",
    "train_cells",
    "train_embedding",
]
