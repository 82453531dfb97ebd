"""Visible neural networks for Keras: sparse layers wired by biological prior knowledge, with named nodes.

Here are the steps of the main path; the rest is in five namespaces: `read` files, prepare data (`pp`), `wire` priors to
an architecture, look into trained models (`tl`), draw and write (`pl`). A name is imported when it is first asked for;
``import keras_vnn`` alone imports no Keras. Names and their modules are listed in the stubs, ``__init__.pyi``,
``read.pyi`` and so on, where type checkers and editors look too.
"""

from __future__ import annotations

from typing import Any

from keras_vnn.basics.keras_import import register_layers
from keras_vnn.basics.public_names import place_of, public_names

register_layers()
_imported, _, __all__ = public_names(__name__)
__all__ += ["__version__"]

# What was here before 0.2 and is in a namespace now; found here until 0.4, as `docs/stability.md` promises.
_MOVED = frozenset(
    """
    Annotations Audit AuditEntry AutoencoderOptions CONTROL_METHODS Classes ClusteringScores Comparison Embedding
    FileReport GeneList GeneSets Identified IdentifierMap IdentifierTable Interactions Labels Layer ModelOptions
    Node Normalization Ontology PretrainingOptions Reconstruction ReconstructionMetrics Regression Regulation
    RetrievalScores Source Split Stability Summary Targets TrainingOptions TrainingResult Tuning UnitFormula
    activities_by_class activity_table align align_features alignment_report annotate_cells autoencoder_activities
    check_architecture check_file check_files classes clustering_scores control_input corrected_importance
    cross_validate dense_like differential_activity edge_weights embed export_summary fetch figures fit_model
    fit_normalization folds gene_counts gene_list gene_set_architecture held_out_types hierarchy_architecture
    identifier_map identify inspect_node interaction_architecture labels_of load_architecture map_identifiers
    node_activities node_contributions node_degrees node_differences ontology_architecture path_weights
    perturb_genes predict predicted_classes pretrain randomize rank_biased_overlap rank_genes rank_nodes
    rank_stability read_annotations read_drug_responses read_expression read_gene_sets read_genes read_genotypes
    read_hierarchy read_identifier_map read_interactions read_ontology read_regulation read_table
    remember_inspection remote_files report_data resampled_t_test retrieval_scores rlipp set_edge_weights
    split_cells suggested_command targets_of train_cells view write_report
    """.split()
)


def __getattr__(name: str) -> Any:
    """Import a public name from its module when it is first asked for; one that moved, with a warning."""
    if name == "__version__":
        from importlib.metadata import version

        return version("keras-vnn")
    if name not in _MOVED:
        return _imported(name)
    import warnings
    from importlib import import_module

    new = "keras_vnn.pl" if name == "figures" else place_of(name)
    warnings.warn(f"keras_vnn.{name} is now {new}; the old name works until 0.4", FutureWarning, stacklevel=2)
    module, _, public = new.rpartition(".")
    return getattr(import_module(module), public)


def __dir__() -> list[str]:
    """Return the public names."""
    return list(__all__)
