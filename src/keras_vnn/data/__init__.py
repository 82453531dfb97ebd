"""Expression data and labels: read, aligned to the genes of a network by name, normalised, split and scored.

In: files and tables of users. Out: float32 matrices, integer codes, row numbers and scores.
Knows nothing of layers or models; imports neither Keras nor the readers of priors.
"""

from keras_vnn.data.alignment import align, align_features, inputs_of, without_duplicates
from keras_vnn.data.expression import as_expression, read_expression
from keras_vnn.data.genotypes import read_drug_responses, read_genotypes, read_plink
from keras_vnn.data.inputs import StoredInputs, is_on_disk
from keras_vnn.data.labels import (
    Classes,
    Labels,
    Targets,
    class_weights,
    classes,
    labels_given,
    labels_of,
    targets_of,
)
from keras_vnn.data.matching import alignment_report
from keras_vnn.data.metrics import (
    ClassificationMetrics,
    ReconstructionMetrics,
    baseline_scores,
    classification_metrics,
    reconstruction_metrics,
    regression_metrics,
)
from keras_vnn.data.normalization import Normalization, fit_normalization
from keras_vnn.data.side import Side, modalities
from keras_vnn.data.splits import Split, folds, groups_in, labels_at, split_cells
from keras_vnn.data.survival import SurvivalMetrics, SurvivalTimes, null_residuals, survival_metrics, survival_of

__all__ = [
    "Classes",
    "ClassificationMetrics",
    "Labels",
    "Normalization",
    "ReconstructionMetrics",
    "Side",
    "Split",
    "StoredInputs",
    "SurvivalMetrics",
    "SurvivalTimes",
    "Targets",
    "align",
    "align_features",
    "alignment_report",
    "as_expression",
    "baseline_scores",
    "class_weights",
    "classes",
    "classification_metrics",
    "fit_normalization",
    "folds",
    "groups_in",
    "inputs_of",
    "is_on_disk",
    "labels_at",
    "labels_given",
    "labels_of",
    "modalities",
    "null_residuals",
    "read_drug_responses",
    "read_expression",
    "read_genotypes",
    "read_plink",
    "reconstruction_metrics",
    "regression_metrics",
    "split_cells",
    "survival_metrics",
    "survival_of",
    "targets_of",
    "without_duplicates",
]
