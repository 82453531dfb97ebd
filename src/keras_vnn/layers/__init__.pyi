"""What `keras_vnn.layers` holds, and the modules it comes from."""

from ._anchored import MeanOfInputs, Oriented, OtherSigns, PullToMean, SignsOfEdges, SoftLinkModel, check_initializer
from ._auxiliary import AuxiliaryHeads, AuxiliaryModel, auxiliary_predictions
from ._card import ArchitectureCard
from ._connections import Connections
from ._counts import CountLikelihood, CovariateAdversary, CovariateEffect, nb_log_likelihood, zinb_log_likelihood
from ._losses import (
    BatchHardTriplet,
    Concordance,
    ConcordanceIndex,
    ContrastivePairs,
    CoxPartialLikelihood,
    ReconstructionError,
)
from ._node_layers import LatentSample, NodeDropout, SelectUnits
from ._sparsely_connected import SparselyConnected

__all__ = [
    "ArchitectureCard",
    "AuxiliaryHeads",
    "AuxiliaryModel",
    "BatchHardTriplet",
    "Concordance",
    "ConcordanceIndex",
    "Connections",
    "ContrastivePairs",
    "CountLikelihood",
    "CovariateAdversary",
    "CovariateEffect",
    "CoxPartialLikelihood",
    "LatentSample",
    "MeanOfInputs",
    "NodeDropout",
    "Oriented",
    "OtherSigns",
    "PullToMean",
    "ReconstructionError",
    "SelectUnits",
    "SignsOfEdges",
    "SoftLinkModel",
    "SparselyConnected",
    "auxiliary_predictions",
    "check_initializer",
    "nb_log_likelihood",
    "zinb_log_likelihood",
]
