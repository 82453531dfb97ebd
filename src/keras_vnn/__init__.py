"""Visible neural networks for Keras: sparse layers wired by biological prior knowledge, with named nodes.

Every public name is available here and imported on first use; ``import keras_vnn`` alone imports no Keras.
"""

from __future__ import annotations

import importlib
from typing import Any

from keras_vnn import _registration as _registration

_MODULES: dict[str, tuple[str, ...]] = {
    "architecture": ("Architecture", "Layer", "Node", "Summary", "gene_counts", "load_architecture", "node_degrees"),
    "bundled": ("config_path", "data_path"),
    "checking": ("FileReport", "check_file", "check_files", "suggested_command"),
    "comparison": (
        "Comparison",
        "Stability",
        "compare",
        "node_differences",
        "rank_biased_overlap",
        "rank_stability",
        "resampled_t_test",
    ),
    "controls": ("CONTROL_METHODS", "control_input", "dense_like", "randomize"),
    "csv_tables": ("read_table",),
    "data": (
        "Classes",
        "Labels",
        "Normalization",
        "Split",
        "Targets",
        "align",
        "align_features",
        "alignment_report",
        "classes",
        "fit_normalization",
        "folds",
        "labels_of",
        "read_drug_responses",
        "read_expression",
        "read_genotypes",
        "split_cells",
        "targets_of",
    ),
    "downloads": ("fetch", "remote_files"),
    "errors": ("VNNError", "VNNWarning"),
    "estimators": ("VNNAutoencoder", "VNNClassifier", "VNNEmbedder", "VNNRegressor", "annotate_cells", "train_cells"),
    "evaluation": ("ClusteringScores", "RetrievalScores", "clustering_scores", "held_out_types", "retrieval_scores"),
    "export": ("export_summary",),
    "genes": ("GeneList", "gene_list"),
    "hierarchies": ("Annotations", "GeneSets", "Ontology"),
    "identifiers": ("IdentifierMap", "IdentifierTable", "identifier_map", "map_identifiers"),
    "inspection": (
        "activities_by_class",
        "activity_table",
        "autoencoder_activities",
        "corrected_importance",
        "differential_activity",
        "embed",
        "inspect_node",
        "node_activities",
        "node_contributions",
        "path_weights",
        "perturb_genes",
        "predict",
        "predicted_classes",
        "rank_genes",
        "rank_nodes",
        "remember_inspection",
        "rlipp",
    ),
    "kinds": ("Identified", "identify"),
    "layers": ("SparselyConnected",),
    "models": (
        "Embedding",
        "Reconstruction",
        "Regression",
        "build_autoencoder",
        "build_model",
        "check_architecture",
        "edge_weights",
        "load_model",
        "save_model",
        "set_edge_weights",
        "view",
    ),
    "options": (
        "AutoencoderOptions",
        "ModelOptions",
        "PretrainingOptions",
        "TrainingOptions",
        "training_options",
    ),
    "priors": ("Interactions", "Regulation"),
    "provenance": ("Audit", "AuditEntry", "Source"),
    "report": ("report_data", "write_report"),
    "readers": (
        "read_annotations",
        "read_gene_sets",
        "read_genes",
        "read_hierarchy",
        "read_identifier_map",
        "read_interactions",
        "read_ontology",
        "read_regulation",
    ),
    "training": (
        "ReconstructionMetrics",
        "TrainingResult",
        "cross_validate",
        "fit_model",
        "pretrain",
        "train",
        "train_autoencoder",
        "train_embedding",
    ),
    "tuning": ("Tuning", "tune"),
    "wiring": (
        "UnitFormula",
        "gene_set_architecture",
        "hierarchy_architecture",
        "interaction_architecture",
        "ontology_architecture",
    ),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}
# Parts whose names are used behind the name of the part: keras_vnn.figures.sunburst.
_PARTS = ("figures",)

__all__ = sorted([*_HOME, *_PARTS, "__version__"])


def __getattr__(name: str) -> Any:
    """Import a public name from its module when it is first asked for."""
    if name == "__version__":
        from importlib.metadata import version

        return version("keras-vnn")
    if name in _PARTS:
        return importlib.import_module(f"keras_vnn.{name}")
    if name in _HOME:
        return getattr(importlib.import_module(f"keras_vnn.{_HOME[name]}"), name)
    raise AttributeError(f"module 'keras_vnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names."""
    return list(__all__)
