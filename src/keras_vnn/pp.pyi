"""Preparing data: what `keras_vnn.pp` holds, and the modules it comes from."""

from .data import (
    Classes,
    Labels,
    Normalization,
    Split,
    SurvivalTimes,
    Targets,
    align,
    align_features,
    alignment_report,
    classes,
    fit_normalization,
    folds,
    labels_of,
    modalities,
    split_cells,
    survival_of,
    targets_of,
)
from .priors.identifiers import IdentifierMap, IdentifierTable, identifier_map, map_identifiers
from .priors.kinds import Identified, identify

__all__ = [
    "Classes",
    "Identified",
    "IdentifierMap",
    "IdentifierTable",
    "Labels",
    "Normalization",
    "Split",
    "SurvivalTimes",
    "Targets",
    "align",
    "align_features",
    "alignment_report",
    "classes",
    "fit_normalization",
    "folds",
    "identifier_map",
    "identify",
    "labels_of",
    "map_identifiers",
    "modalities",
    "split_cells",
    "survival_of",
    "targets_of",
]
