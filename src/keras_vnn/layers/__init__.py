"""Keras layers: the sparsely connected layer, its kernels, and the card that carries names with a model.

In: an adjacency. Out: ordinary Keras layers, registered so that saved models load without ``custom_objects``.
So are the other things a saved model of ours may hold: the losses `Concordance`,
`ContrastivePairs`, `BatchHardTriplet`, `ReconstructionError` and the class `AuxiliaryModel`.
Knows nothing of biology; runs on every Keras backend.
"""

from keras_vnn.layers._anchored import MeanOfInputs, Oriented, PullToMean, SignsOfEdges
from keras_vnn.layers._auxiliary import AuxiliaryHeads, AuxiliaryModel, auxiliary_predictions
from keras_vnn.layers._card import ArchitectureCard
from keras_vnn.layers._connections import Connections
from keras_vnn.layers._initial import check_initializer
from keras_vnn.layers._losses import BatchHardTriplet, Concordance, ContrastivePairs, ReconstructionError
from keras_vnn.layers._node_layers import LatentSample, NodeDropout, SelectUnits
from keras_vnn.layers._sparsely_connected import SparselyConnected

__all__ = [
    "ArchitectureCard",
    "AuxiliaryHeads",
    "AuxiliaryModel",
    "BatchHardTriplet",
    "Concordance",
    "Connections",
    "ContrastivePairs",
    "LatentSample",
    "MeanOfInputs",
    "NodeDropout",
    "Oriented",
    "PullToMean",
    "ReconstructionError",
    "SelectUnits",
    "SignsOfEdges",
    "SparselyConnected",
    "auxiliary_predictions",
    "check_initializer",
]
