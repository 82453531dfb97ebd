"""Carrying out recipes: from validated options to an architecture, and from that to a trained model.

In: `BuildRecipe` and `TrainRecipe`. Out: an `Architecture`, a training result.
Knows the order of the steps, nothing of how they are done. Keras is imported only to train.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from keras_vnn.architecture import Architecture, load_architecture
from keras_vnn.architecture.wiring import gene_set_architecture, interaction_architecture, ontology_architecture
from keras_vnn.basics.errors import ConfigError
from keras_vnn.basics.quiet import import_keras
from keras_vnn.priors import Annotations, GeneSets, Interactions, Regulation
from keras_vnn.priors.genes import GeneList
from keras_vnn.priors.identifiers import identifier_map, map_identifiers, names_in
from keras_vnn.readers import (
    read_annotations,
    read_gene_sets,
    read_genes,
    read_hierarchy,
    read_identifier_map,
    read_interactions,
    read_ontology,
    read_regulation,
)
from keras_vnn.recipes.schema import BuildRecipe, TrainRecipe

if TYPE_CHECKING:
    import anndata

    from keras_vnn.data import Labels, Split, Targets
    from keras_vnn.training import TrainingResult

__all__ = ["architecture_of", "build_architecture", "read_training_data", "train_model"]

Say = Callable[[str], None]
Prior = TypeVar("Prior", Interactions, Regulation, Annotations, GeneSets)

MOST_INSPECTED = 20_000
_BACKED: dict[str, bool | str] = {"auto": "auto", "always": True, "never": False}


def silent(_: str) -> None:
    """Say nothing."""


def build_architecture(recipe: BuildRecipe, *, say: Say = silent) -> Architecture:
    """Read the priors a recipe names and wire them.

    Parameters
    ----------
    recipe
        The options.
    say
        Called with one sentence per file read.

    Raises
    ------
    VNNError
        A file cannot be read, or the priors cannot be wired as asked.
    """
    genes = read_genes(
        recipe.genes, column=recipe.gene_column, duplicates=recipe.duplicates, orientation=recipe.orientation
    )
    say(f"genes         {genes}")
    return WIRINGS[_family(recipe)](recipe, genes, say)


def _family(recipe: BuildRecipe) -> str:
    """Return which family of priors a recipe names."""
    chosen = recipe.families
    if len(chosen) == 1:
        return chosen[0]
    if not chosen:
        raise ConfigError(
            "There is no prior to wire: name interactions and regulation, ontology and annotations, a hierarchy or "
            "gene sets.\n    vnn build --genes cells.h5ad --interactions ppi.tsv --regulation tf.tsv -o lin.vnn"
        )
    raise ConfigError(f"Name priors of one family, got {' and '.join(chosen)}.\nBuild one architecture for each.")


def _wire_interactions(recipe: BuildRecipe, genes: GeneList, say: Say) -> Architecture:
    interactions = None
    if recipe.interactions:
        interactions = read_interactions(
            list(recipe.interactions),
            format=recipe.interactions_format,
            min_score=recipe.min_score,
            id=recipe.interaction_id,
            taxon=recipe.taxon,
        )
        say(f"interactions  {interactions}")
        interactions = in_names_of(interactions, genes, recipe, say)
    regulation = None
    if recipe.regulation:
        regulation = read_regulation(list(recipe.regulation), format=recipe.regulation_format)
        say(f"regulation    {regulation}")
        regulation = in_names_of(regulation, genes, recipe, say)
    return interaction_architecture(genes, interactions, regulation, **recipe.wiring)


def _wire_ontology(recipe: BuildRecipe, genes: GeneList, say: Say) -> Architecture:
    if recipe.ontology is None or recipe.annotations is None:
        missing = "ontology" if recipe.ontology is None else "annotations"
        raise ConfigError(
            f"An ontology needs annotations, and the other way round; {missing} is not named.\n"
            "    vnn build --genes cells.h5ad --ontology go-basic.obo.gz --annotations goa_human.gaf.gz -o go.vnn"
        )
    ontology = read_ontology(recipe.ontology, format=recipe.ontology_format)
    say(f"ontology      {ontology}")
    annotations = read_annotations(
        recipe.annotations,
        format=recipe.annotations_format,
        id=recipe.gene_id,
        genes=None if _translates(recipe) else genes,
        taxon=recipe.taxon,
        include_evidence=recipe.include_evidence or None,
        exclude_evidence=recipe.exclude_evidence,
        **{name: recipe.wiring[name] for name in ("not_rule",) if name in recipe.wiring},
    )
    say(f"annotations   {annotations}")
    if _translates(recipe):
        annotations = in_names_of(annotations, genes, recipe, say).among(genes)
    return ontology_architecture(genes, ontology, annotations, **recipe.wiring)


def _wire_hierarchy(recipe: BuildRecipe, genes: GeneList, say: Say) -> Architecture:
    if recipe.hierarchy is None:
        raise ConfigError("There is no hierarchy to wire.")
    terms, annotations = read_hierarchy(recipe.hierarchy, format=recipe.hierarchy_format)
    say(f"hierarchy     {terms}; {annotations}")
    annotations = in_names_of(annotations, genes, recipe, say)
    # Somebody prepared the hierarchy: it is taken as it is unless limits are asked for.
    options = {"min_genes": 1, "redundancy": None, "relations": tuple(sorted({*terms.relation})), **recipe.wiring}
    return ontology_architecture(genes, terms, annotations, **options)


def _wire_gene_sets(recipe: BuildRecipe, genes: GeneList, say: Say) -> Architecture:
    if recipe.gene_sets is None:
        raise ConfigError("There are no gene sets to wire.")
    sets = read_gene_sets(recipe.gene_sets, format=recipe.gene_sets_format)
    say(f"gene sets     {sets}")
    sets = in_names_of(sets, genes, recipe, say)
    return gene_set_architecture(genes, sets, sources=sets.sources, **recipe.wiring)


def _translates(recipe: BuildRecipe) -> bool:
    return recipe.id_map is not None or recipe.ignore_case or recipe.ignore_version


def in_names_of(prior: Prior, genes: GeneList, recipe: BuildRecipe, say: Say = silent) -> Prior:
    """Return a prior in the names of the genes, translated as a recipe says; the prior itself if it says nothing.

    Raises
    ------
    VNNError
        The table cannot be read, or does not have the names.
    """
    if not _translates(recipe):
        if recipe.id_from is not None or recipe.id_to is not None:
            raise ConfigError("Columns of identifiers were named, but no table: add --id-map FILE.")
        return prior
    table = None if recipe.id_map is None else read_identifier_map(recipe.id_map, taxon=recipe.taxon)
    mapping = identifier_map(
        names_in(prior),
        genes,
        table,
        source=recipe.id_from,
        target=recipe.id_to,
        ignore_case=recipe.ignore_case,
        ignore_version=recipe.ignore_version,
    )
    for number, line in enumerate(str(mapping).splitlines()):
        say(f"{'' if number else 'identifiers':<13} {line}")
    return map_identifiers(prior, mapping, policy=recipe.id_policy)


WIRINGS: dict[str, Callable[[BuildRecipe, GeneList, Say], Architecture]] = {
    "interactions": _wire_interactions,
    "ontology": _wire_ontology,
    "hierarchy": _wire_hierarchy,
    "gene sets": _wire_gene_sets,
}


def read_training_data(
    recipe: TrainRecipe, arch: Architecture, *, in_memory: bool = False, say: Say = silent
) -> tuple[anndata.AnnData, Labels | Targets]:
    """Read the expression and the labels a recipe names; all of it when ``in_memory``.

    Raises
    ------
    VNNError
        A file cannot be read, or the labels cannot be used.
    """
    from keras_vnn.data import alignment_report, labels_of, read_expression, targets_of, without_duplicates

    data = read_expression(
        recipe.data,
        genes=arch.genes,
        orientation=recipe.orientation,
        layer=recipe.layer,
        cells=recipe.cells,
        metadata=recipe.metadata,
        backed=False if in_memory else _BACKED[recipe.backed],
    )
    for note in ("read", "cells"):
        if note in data.uns["keras_vnn"]:
            say(f"data          {data.uns['keras_vnn'][note]}")
    if recipe.duplicates != "raise":
        data = without_duplicates(data, recipe.duplicates)
    say(f"genes         {alignment_report(data, arch)}")
    labels: Labels | Targets
    if recipe.task == "classification":
        labels = labels_of(data, recipe.label, missing_labels=recipe.missing_labels)
        say(f"labels        {labels}")
    else:
        labels = targets_of(data, recipe.label, missing_labels=recipe.missing_labels)
        say(f"targets       {', '.join(labels.names)} of {len(labels):,} cells")
    return data, labels


def train_model(
    recipe: TrainRecipe,
    arch: Architecture | None = None,
    *,
    progress: bool = False,
    checkpoint: Path | None = None,
    say: Say = silent,
) -> TrainingResult:
    """Read the data a recipe names, train a model on them, and keep what its nodes say with the model.

    Parameters
    ----------
    recipe
        The options.
    arch
        The architecture; read from the recipe's file when ``None``.
    progress
        Show a live line on standard error.
    checkpoint
        File to keep the state of the training in, and to continue from if it is there; remove it when the model is
        written.
    say
        Called with one sentence per step.

    Raises
    ------
    VNNError
        A file cannot be read, or the data do not fit the architecture.
    """
    network = arch if arch is not None else architecture_of(recipe)
    data, labels = read_training_data(recipe, network, say=say)
    split = split_of(recipe, labels)
    say(f"split         {split}")
    # Takes seconds; what is wrong with the files has been said by now.
    import_keras()
    from keras_vnn.inspection import remember_inspection

    result = trained_network(
        recipe, network, data, labels, split, progress=progress, checkpoint=checkpoint, logs=recipe.logs, say=say
    )
    asked = some_cells(labels, data)
    if len(asked) < len(labels):
        say(f"inspection    of {len(asked):,} cells spread over the file")
    remember_inspection(result.model, data, asked, missing=recipe.missing, progress=progress)
    return result


def split_of(recipe: TrainRecipe, labels: Labels | Targets) -> Split:
    """Return which cells a recipe trains, stops and judges by."""
    from keras_vnn.data import split_cells

    fractions = (1 - recipe.validation - recipe.test, recipe.validation, recipe.test)
    return split_cells(labels, fractions=fractions, seed=recipe.seed)


def trained_network(
    recipe: TrainRecipe,
    network: Architecture,
    data: anndata.AnnData,
    labels: Labels | Targets,
    split: Split,
    *,
    say: Say = silent,
    **how: Any,
) -> TrainingResult:
    """Train a network on data that were read, as a recipe says; ``how`` are further arguments of `train`.

    Raises
    ------
    VNNError
        The data do not fit the architecture, or the options do not fit together.
    """
    from keras_vnn.data import Targets
    from keras_vnn.training import train, train_autoencoder, train_embedding

    how |= {
        "training": recipe.training_options(),
        "split": split,
        "missing": recipe.missing,
        "preset": recipe.preset,
        "pretraining": recipe.pretraining_options(),
        "say": say,
        **recipe.model,
    }
    if recipe.objective == "prediction":
        return train(network, data, labels, **how)
    if recipe.objective == "autoencoder":
        if how.pop("pretraining") is not None:
            raise ConfigError("An autoencoder is not pretrained. Leave out pretrain.")
        return train_autoencoder(network, data, labels, **recipe.embedding, **how)
    if isinstance(labels, Targets):
        raise ConfigError(f"An embedding is trained on classes of cells, got task: {recipe.task}. Leave out the task.")
    return train_embedding(network, data, labels, objective=recipe.objective, **recipe.embedding, **how)


def some_cells(labels: Labels | Targets, data: anndata.AnnData) -> Labels | Targets:
    """Return the labels of as many cells as nodes are measured on: of data on disk 20,000, evenly spread.

    Taking out every node in every cell of a million would take longer than the training.
    """
    from keras_vnn.data import is_on_disk

    if len(labels) <= MOST_INSPECTED or not is_on_disk(data):
        return labels
    chosen = [number * len(labels) // MOST_INSPECTED for number in range(MOST_INSPECTED)]
    return labels_at(labels, chosen, data.n_obs)


def labels_at(labels: Labels | Targets, chosen: Any, n_cells: int) -> Labels | Targets:
    """Return the labels at some positions, of data with so many cells; the classes stay the same."""
    values = "values" if hasattr(labels, "values") else "codes"
    parts = {values: getattr(labels, values)[chosen], "cells": labels.cells[chosen]}
    return replace(labels, **parts, n_missing=n_cells - len(chosen))


def architecture_of(recipe: TrainRecipe) -> Architecture:
    """Load the architecture a recipe names."""
    if recipe.architecture is None:
        raise ConfigError("There is no architecture to train: name a saved one, or a recipe with a build section.")
    return load_architecture(recipe.architecture)
