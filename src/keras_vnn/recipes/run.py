"""Carrying out recipes: from validated options to an architecture, and from that to a trained model.

In: `BuildRecipe` and `TrainRecipe`. Out: an `Architecture`, a training result.
Knows the order of the steps, nothing of how they are done. Keras is imported only to train.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from keras_vnn.architecture import Architecture, load_architecture
from keras_vnn.architecture.wiring import (
    gene_set_architecture,
    interaction_architecture,
    join_architectures,
    ontology_architecture,
)
from keras_vnn.basics.errors import ConfigError, GeneError, sample
from keras_vnn.basics.keras_import import import_keras
from keras_vnn.basics.progress import Say, log_debug, log_info
from keras_vnn.basics.remedies import option_named, options_called, remedy
from keras_vnn.priors import Annotations, GeneSets, Interactions, Regulation
from keras_vnn.priors.genes import GeneList
from keras_vnn.priors.identifiers import identifier_map, map_identifiers, names_in
from keras_vnn.priors.kinds import genes_known
from keras_vnn.recipes.prior_fields import FIELDS_OF_FILES, read_family
from keras_vnn.recipes.schema import BuildRecipe, TrainingRecipe, TrainRecipe

if TYPE_CHECKING:
    import anndata

    from keras_vnn.data import Labels, Split, Targets
    from keras_vnn.training import TrainingResult

Prior = TypeVar("Prior", Interactions, Regulation, Annotations, GeneSets)

_BACKED: dict[str, bool | str] = {"auto": "auto", "always": True, "never": False}


def build_architecture(recipe: BuildRecipe, *, say: Say = log_info) -> Architecture:
    """Read the priors a recipe names and wire them.

    Parameters
    ----------
    recipe
        The options.
    say
        Called with one sentence per file read; by default they are logged.

    Raises
    ------
    VNNError
        A file cannot be read, or the priors cannot be wired as asked.
    """
    _check_families(recipe)
    genes = read_named("genes", recipe.genes, recipe)
    say(f"genes         {genes}")
    with genes_known(genes):
        arch = join_architectures(*(_WIRINGS[family](recipe, genes, say) for family in recipe.families))
    if recipe.gene_column is None:
        return arch
    return replace(arch, parameters={**arch.parameters, "gene_column": recipe.gene_column})


def _check_families(recipe: BuildRecipe) -> None:
    """Raise unless there is a prior to wire, and an ontology has annotations; before anything is read."""
    if not recipe.families:
        raise ConfigError(
            "There is no prior to wire: name interactions and regulation, ontology and annotations, a hierarchy or "
            "gene sets.\n    vnn build --genes cells.h5ad --interactions ppi.tsv --regulation tf.tsv -o lin.vnn"
        )
    if (recipe.ontology is None) != (recipe.annotations is None):
        absent = "ontology" if recipe.ontology is None else "annotations"
        raise ConfigError(
            f"An ontology needs annotations, and the other way round; {absent} is not named.\n"
            "    vnn build --genes cells.h5ad --ontology go-basic.obo.gz --annotations goa_human.gaf.gz -o go.vnn"
        )


def _wire_interactions(recipe: BuildRecipe, genes: GeneList, say: Say) -> Architecture:
    pairs = {}
    for family in ("interactions", "regulation"):
        if files := getattr(recipe, family):
            pairs[family] = in_names_of(_read(family, list(files), recipe, say, genes), genes, recipe, say)
    return interaction_architecture(genes, **pairs, **recipe.wiring_of("interactions"))


def _wire_ontology(recipe: BuildRecipe, genes: GeneList, say: Say) -> Architecture:
    ontology = _read("ontology", recipe.ontology, recipe, say)
    rules = {name: recipe.wiring[name] for name in ("not_rule",) if name in recipe.wiring}
    wanted = None if _translates(recipe) else genes
    annotations = _read("annotations", recipe.annotations, recipe, say, genes, genes=wanted, **rules)
    if _translates(recipe):
        annotations = in_names_of(annotations, genes, recipe, say).among(genes)
    return ontology_architecture(genes, ontology, annotations, **recipe.wiring_of("ontology"))


def _wire_hierarchy(recipe: BuildRecipe, genes: GeneList, say: Say) -> Architecture:
    terms, annotations = read_named("hierarchy", recipe.hierarchy, recipe)
    say(f"hierarchy     {terms}; {annotations}")
    _suggest_column(annotations, genes, recipe)
    annotations = in_names_of(annotations, genes, recipe, say)
    # Somebody prepared the hierarchy: it is taken as it is unless limits are asked for.
    as_it_is: dict[str, Any] = {"min_genes": 1, "redundancy": None, "relations": tuple(sorted({*terms.relation}))}
    return ontology_architecture(genes, terms, annotations, **as_it_is | recipe.wiring_of("hierarchy"))


def _wire_gene_sets(recipe: BuildRecipe, genes: GeneList, say: Say) -> Architecture:
    sets = in_names_of(_read("gene-sets", recipe.gene_sets, recipe, say, genes), genes, recipe, say)
    return gene_set_architecture(genes, sets, **recipe.wiring_of("gene sets"))


_WIRINGS = {
    "interactions": _wire_interactions,
    "ontology": _wire_ontology,
    "hierarchy": _wire_hierarchy,
    "gene sets": _wire_gene_sets,
}


def _read(
    family: str, path: Any, recipe: BuildRecipe, say: Say, listed: GeneList | None = None, /, **options: Any
) -> Any:
    """Return what a recipe names of a family, and say what it is; look for its names among those of listed genes."""
    prior = read_named(family, path, recipe, **options)
    say(f"{family.replace('-', ' '):<13} {prior}")
    if listed is not None:
        _suggest_column(prior, listed, recipe)
    return prior


def _suggest_column(prior: Any, genes: GeneList, recipe: BuildRecipe) -> None:
    """Raise where no name of a prior is a gene, and a column of the data that the genes come from has such names."""
    names = set(names_in(prior))
    if recipe.gene_column is not None or _translates(recipe) or not names.isdisjoint(genes):
        return
    from keras_vnn.data._stores import gene_names_of

    met = {column: len(names.intersection(found)) for column, found in gene_names_of(recipe.genes).items()}
    best = max(met, key=lambda column: met[column], default="")
    if met.get(best):
        raise GeneError(
            f"No name of the prior is one of the genes, such as {sample(genes, 3)}: {recipe.genes}\n"
            f"{met[best]:,} of its {len(names):,} names are in the column {best!r} of the genes: "
            + remedy("{gene_column}", gene_column=best)
        )


def _translates(recipe: BuildRecipe) -> bool:
    return recipe.id_map is not None or recipe.ignore_case or recipe.ignore_version


def in_names_of(prior: Prior, genes: GeneList, recipe: BuildRecipe, say: Say = log_info) -> Prior:
    """Return a prior in the names of the genes, translated as a recipe says; the prior itself if it says nothing.

    Raises
    ------
    VNNError
        The table cannot be read, or does not have the names.
    """
    if not _translates(recipe):
        if recipe.id_from is not None or recipe.id_to is not None:
            raise ConfigError(f"Columns of identifiers were named, but no table: add {option_named('id_map')}.")
        return prior
    table = None if recipe.id_map is None else read_named("id-map", recipe.id_map, recipe)
    with options_called(source="id_from", target="id_to", policy="id_policy"):
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


def network_of(recipe: TrainingRecipe, *, say: Say = log_info) -> Architecture:
    """Return the network a recipe trains: built, or loaded if it names a saved one.

    Raises
    ------
    VNNError
        Options of the training have no effect, or the network cannot be read or built.
    """
    recipe.train.check()
    saved = recipe.train.architecture
    if saved is not None and saved.suffix == ".keras":
        from keras_vnn.models import read_model, view

        return view(read_model(saved)).architecture
    if saved is not None:
        return load_architecture(saved)
    if recipe.build is None:
        raise ConfigError("There is no architecture to train: name a saved one, or a recipe with a build section.")
    return build_architecture(recipe.build, say=say)


def recipe_of_model(model: Path, data: Path, **given: Any) -> TrainingRecipe:
    """Return how a model was trained, as a recipe that trains its network on some data.

    Parameters
    ----------
    model
        A `.keras` file.
    data
        The expression; a model does not keep where it was.
    **given
        Further fields of the train section, such as ``label``; ``None`` is what the model remembers.

    Raises
    ------
    ConfigError
        The model was not trained by `train`, `train_embedding` or `train_autoencoder`.
    """
    from keras_vnn.models import Regression, Survival, read_model, view

    seen = view(read_model(model))
    kept = seen.card.metadata.get("training")
    if not kept:
        raise ConfigError(f"{model} does not say how it was trained.\nWrite a recipe with a train section.")
    objective = kept.get("objective", "prediction")
    # What it would be trained by without options.
    reconstruction = seen.options.get("reconstruction", "normal")
    changes = {} if reconstruction == "normal" else {"reconstruction": reconstruction}
    usual = TrainRecipe(data=data, label="", objective=objective, model=changes)
    known = usual.model_options().to_json()
    cells = kept["cells"]
    total = sum(cells.values())
    how = {name: value for name, value in given.items() if value is not None}
    label = kept["label"] if isinstance(kept["label"], str) else next(iter(kept["label"]), "")
    task: dict[str, Any] = {"task": "regression" if isinstance(seen.outputs, Regression) else "classification"}
    if isinstance(seen.outputs, Survival):
        task = {"task": "survival", **dict(zip(("time", "event"), kept["label"], strict=True))}
    section = {
        "architecture": model,
        "data": data,
        "label": label,
        **task,
        "objective": objective,
        "embedding": kept.get("objective_options", {}),
        "validation": cells["validation"] / total,
        "test": cells["test"] / total,
        "seed": kept["split"]["seed"],
        "group": kept["split"].get("group"),
        "side": kept.get("side", {}).get("key") or None,
        "covariate": [one["name"] for one in kept.get("side", {}).get("covariates", ())],
        "training": _changed(kept["options"], usual.training_options().to_json(), leave_out=("seed",)),
        "model": changes | _changed({name: seen.options[name] for name in known if name in seen.options}, known),
        **how,
    }
    if (pretraining := dict(kept.get("pretraining", {}))) and "pretrain" not in section:
        section |= {"pretrain": pretraining.pop("layers"), "pretraining": pretraining}
    return TrainingRecipe(train=TrainRecipe(**section))


def _changed(options: Any, defaults: Any, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the options that are not what they are by default."""
    return {name: value for name, value in options.items() if name not in leave_out and value != defaults.get(name)}


def read_training_data(
    recipe: TrainRecipe, arch: Architecture, *, in_memory: bool = False, say: Say = log_info
) -> tuple[anndata.AnnData, Labels | Targets | None]:
    """Read the expression and the labels a recipe names, if it names some; all of it when ``in_memory``.

    Raises
    ------
    VNNError
        A file cannot be read, or the labels cannot be used.
    """
    from keras_vnn.data import alignment_report, labels_of, read_expression, survival_of, targets_of, without_duplicates

    data = read_expression(
        recipe.data,
        genes=arch,
        gene_column=recipe.gene_column,
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
    found = alignment_report(data, arch)
    say(f"{found.what + 's':<13} {found}")
    if not recipe.label:
        return data, None
    if recipe.task == "classification":
        labels = labels_of(data, recipe.label, missing_labels=recipe.missing_labels)
        say(f"labels        {labels}")
        return data, labels
    if recipe.task == "survival":
        followed = survival_of(data, str(recipe.time), str(recipe.event), missing_labels=recipe.missing_labels)
        say(f"survival      {followed}")
        return data, followed
    targets = targets_of(data, recipe.label, missing_labels=recipe.missing_labels)
    say(f"targets       {', '.join(targets.names)} of {len(targets):,} cells")
    return data, targets


def train_model(
    recipe: TrainRecipe,
    network: Architecture,
    *,
    progress: bool = False,
    checkpoint: Path | None = None,
    say: Say = log_info,
) -> TrainingResult:
    """Read the data a recipe names, train a model on them, and keep what its nodes say with the model.

    Parameters
    ----------
    recipe
        The options.
    network
        The architecture, see `network_of`.
    progress
        Show a live line, on a terminal or in a notebook.
    checkpoint
        File to keep the state of the training in, and to resume from if it is there; remove it when the model is
        written.
    say
        Called with one sentence per step; by default they are logged.

    Raises
    ------
    VNNError
        A file cannot be read, or the data do not fit the architecture.
    """
    recipe.check()
    data, labels = read_training_data(recipe, network, say=say)
    split = split_of(recipe, data, labels)
    say(f"split         {split}")
    # Takes seconds; what is wrong with the files has been said by now.
    import_keras()
    from keras_vnn.inspection import keep_inspection, remember_runs

    result = trained_network(
        recipe, network, data, labels, split, progress=progress, checkpoint=checkpoint, logs=recipe.logs, say=say
    )
    kept: Any = {"missing": recipe.missing, "progress": progress}
    keep_inspection(result, data, labels, say=say, **kept)
    others: list[Any] = []
    for seed in range(recipe.seed + 1, recipe.seed + recipe.repeats):
        again = recipe.model_copy(update={"seed": seed})
        run = trained_network(again, network, data, labels, split, progress=progress, say=log_debug)
        say(f"run           {len(others) + 2} of {recipe.repeats}, seed {seed}, the same split: {run.metrics}")
        keep_inspection(run, data, labels, say=log_debug, **kept)
        others.append(run.model)
    if others:
        remember_runs(result.model, others)
    return result


def split_of(recipe: TrainRecipe, data: anndata.AnnData, labels: Labels | Targets | None) -> Split:
    """Return which cells a recipe uses for training, validation and test."""
    from keras_vnn.data import groups_in, split_cells

    cells = np.arange(len(data)) if labels is None else labels.cells
    groups = groups_in(data, recipe.group, cells)
    return split_cells(
        cells if labels is None else labels,
        fractions=recipe.fractions,
        seed=recipe.seed,
        stratify=labels is not None,
        groups=groups,
    )


def trained_network(
    recipe: TrainRecipe,
    network: Architecture,
    data: anndata.AnnData,
    labels: Labels | Targets | None,
    split: Split,
    *,
    say: Say = log_info,
    **how: Any,
) -> TrainingResult:
    """Train a network on data that were read, as a recipe says; ``how`` are further arguments of `train`.

    Raises
    ------
    VNNError
        The data do not fit the architecture, or the options do not fit together.
    """
    recipe.check()
    trainer = trainer_of(recipe.objective)
    how |= {
        "labels": labels,
        "training": recipe.training_options(),
        "split": split,
        "group": recipe.group,
        "missing": recipe.missing,
        "preset": recipe.preset,
        "say": say,
        **recipe.model,
        **recipe.embedding,
    }
    if recipe.objective != "autoencoder":
        how["pretraining"] = recipe.pretraining_options()
    if recipe.objective in ("prediction", "autoencoder"):
        how["covariate"] = recipe.covariate
    if recipe.objective == "prediction":
        how["side"] = recipe.side
    return trainer(network, data, **how)


def trainer_of(objective: str) -> Callable[..., TrainingResult]:
    """Return the function that trains for an objective; imports Keras."""
    from keras_vnn.training import train, train_autoencoder, train_embedding

    if objective == "prediction":
        return train
    return train_autoencoder if objective == "autoencoder" else partial(train_embedding, objective=objective)


def read_named(family: str, path: Any, recipe: BuildRecipe, **options: Any) -> Any:
    """Read a file, or several, that a recipe names, as it says."""
    given = {
        option: getattr(recipe, field) for option, field in FIELDS_OF_FILES[family].items() if _is_said(recipe, field)
    }
    return read_family(family, path, **given, **options)


def _is_said(recipe: BuildRecipe, field: str) -> bool:
    """Say whether a list has a value; of what is left empty the function knows better."""
    value, default = getattr(recipe, field), BuildRecipe.model_fields[field].default
    return bool(value != () or default != ())
