"""Networks as scikit-learn estimators, and one call for those who work with AnnData.

In: tables, arrays or AnnData, and labels. Out: fitted estimators; an AnnData that holds what the network says.
Nothing is computed here: `keras_vnn.training` trains, `keras_vnn.inspection` asks the network.
"""

from keras_vnn.estimators._anndata import annotate_cells, train_cells
from keras_vnn.estimators._predictors import VNNAutoencoder, VNNClassifier, VNNEmbedder, VNNRegressor

__all__ = ["VNNAutoencoder", "VNNClassifier", "VNNEmbedder", "VNNRegressor", "annotate_cells", "train_cells"]
