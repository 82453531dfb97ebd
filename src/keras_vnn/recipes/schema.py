"""Recipes: every option of the command line, in a YAML file, checked before anything runs.

In: YAML text and options given by name. Out: frozen, validated `BuildRecipe` and `TrainRecipe`.
Knows nothing of how a recipe is carried out (`keras_vnn.recipes.run` does).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    create_model,
    model_validator,
)

from keras_vnn.basics.errors import ConfigError, did_you_mean
from keras_vnn.options import (
    AutoencoderOptions,
    AutoencoderTraining,
    EmbeddingOptions,
    GeneSetOptions,
    InteractionOptions,
    ModelOptions,
    OntologyOptions,
    Options,
    Positive,
    PretrainingOptions,
    TrainingOptions,
    as_tuple,
    autoencoder_options,
    autoencoder_preset,
    check_counts_are_read,
    model_options,
    training_options,
)
from keras_vnn.recipes.prior_fields import HEADINGS, LIMITS, OWN_LIMITS, headings_by_need, needed_by_fields
from keras_vnn.recipes.section import RecipeSection
from keras_vnn.recipes.space import setting_of

Paths = Annotated[tuple[Path, ...], as_tuple]
Words = Annotated[tuple[str, ...], as_tuple]


def _numbered(column: Any) -> Any:
    """Return the number of a column that was given as a text."""
    return int(column) if isinstance(column, str) and column.isdigit() else column


def _delimiter(word: str) -> str:
    """Return the delimiter that a word stands for, or a character as it is."""
    return {"tab": "\t", "comma": ",", "semicolon": ";", "space": " "}.get(word, word)


Column = Annotated[int | str, BeforeValidator(_numbered)]
Columns = Annotated[tuple[Column, ...], as_tuple]
Changes = dict[str, Any]

GENE_COLUMN = "Column of the gene names, by name or number from 1; of an .h5ad a column of var."
_COLUMNS = "Columns of a table, by name or number from 1"


def _of_family(option: str) -> Any:
    """Return the declaration of an option of the wiring for one family of priors among several."""
    return Field(default=None, description=f"{option} of this family alone, where several are joined.")


class BuildRecipe(RecipeSection):
    """Options of ``vnn build``: which files, and how they become layers."""

    groups: ClassVar[Mapping[str, tuple[type[Options], ...]]] = {
        "wiring": (InteractionOptions, OntologyOptions, GeneSetOptions)
    }
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = needed_by_fields() | {
        "id_policy": ("id_map", "ignore_case", "ignore_version"),
        "id_from": ("id_map",),
        "id_to": ("id_map",),
        **{f"{prefix}_{limit}": files for prefix, files in OWN_LIMITS.items() for limit in LIMITS},
    }
    headings: ClassVar[Mapping[str, str]] = HEADINGS | headings_by_need(needs)

    genes: Path = Field(description="Gene list, or expression data whose genes are used.")
    gene_column: Column | None = Field(default=None, description=GENE_COLUMN)
    malformed: Literal["raise", "skip"] = Field(
        default="raise", description="Malformed rows of files: an error, or counted in the audit and left out."
    )
    duplicates: Literal["raise", "first"] = Field(default="raise", description="What to do with repeated gene names.")
    orientation: Literal["auto", "genes-in-rows", "genes-in-columns"] = Field(
        default="auto", description="Orientation of a CSV or TSV the genes come from."
    )
    interactions: Paths = Field(default=(), description="Protein interactions: {formats}.")
    interactions_format: str = Field(default="auto", description="Format of the interactions, if it is not recognised.")
    interactions_columns: Columns = Field(default=(), description=f"{_COLUMNS}: two of names, and the score.")
    interaction_types: Words = Field(default=(), description="Types to take from SIF, BioGRID, PSI-MITAB, STRING.")
    min_score: float | None = Field(default=None, description="Leave out interactions with a lower score.")
    regulation: Paths = Field(default=(), description="Regulators and their targets: {formats}.")
    regulation_format: str = Field(default="auto", description="Format of the regulation, if it is not recognised.")
    regulation_columns: Columns = Field(default=(), description=f"{_COLUMNS}: regulator, target, effect or weight.")
    regulation_types: Words = Field(default=(), description="Types to take from SIF.")
    drem_id: Literal["symbol", "ensembl"] = Field(default="symbol", description="Which names of targets DREM gives.")
    delimiter: Annotated[str, AfterValidator(_delimiter)] | None = Field(
        default=None, description="Delimiter of tables of interactions and regulation: tab, comma, semicolon, space."
    )
    header: bool | None = Field(
        default=None, description="Whether the first row of these tables names the columns; else that is told."
    )
    ontology: Path | None = Field(default=None, description="Terms: {formats}.")
    ontology_format: str = Field(default="auto", description="Format of the ontology, if it is not recognised.")
    ontology_columns: Columns = Field(default=(), description=f"{_COLUMNS}: child, parent.")
    annotations: Path | None = Field(default=None, description="Genes of the terms: {formats}.")
    annotations_format: str = Field(default="auto", description="Format of the annotations, if it is not recognised.")
    annotations_columns: Columns = Field(default=(), description=f"{_COLUMNS}: gene, term.")
    hierarchy: Path | None = Field(default=None, description="Terms and genes in one file: {formats}.")
    hierarchy_format: str = Field(default="auto", description="Format of the hierarchy, if it is not recognised.")
    gene_sets: Path | None = Field(default=None, description="Gene sets: {formats}.")
    gene_sets_format: str = Field(default="auto", description="Format of the gene sets, if it is not recognised.")
    repeated_sets: Literal["raise", "merge", "number"] = Field(
        default="raise", description="What to do with gene sets of one name."
    )
    gene_id: Literal["symbol", "accession", "synonym"] | None = Field(
        default=None, description="Which gene names of the annotations to use."
    )
    taxon: str | None = Field(default=None, description="Only interactions and annotations of this species, e.g. 9606.")
    exclude_evidence: Words = Field(default=("ND",), description="Leave out annotations with these evidence codes.")
    include_evidence: Words = Field(default=(), description="Use only annotations with these evidence codes.")
    interaction_id: str | None = Field(
        default=None,
        description="Names to take where the format has several: symbol, entrez, accession, ensembl …",
    )
    id_map: Path | None = Field(
        default=None,
        description="Table of identifiers that translates the names of the prior: {formats}.",
    )
    id_map_format: str = Field(default="auto", description="Format of the table, if it is not recognised.")
    id_map_columns: Columns = Field(default=(), description=f"{_COLUMNS} to take of it.")
    id_policy: Literal["merge", "unique", "first", "all", "raise"] = Field(
        default="merge", description="What to do with names of several genes, and genes of several names."
    )
    id_from: str | None = Field(
        default=None, description="Column of the table with the prior's names; by default the one that matches best."
    )
    id_to: str | None = Field(
        default=None, description="Column of the table with the genes' names; by default the one that matches best."
    )
    ignore_case: bool = Field(default=False, description="Match names of the prior and the genes ignoring case.")
    ignore_version: bool = Field(
        default=False, description="Match them without version or isoform (ENSG….16, P04637-2)."
    )
    interactions_min_genes: Positive | None = _of_family("min_genes")
    interactions_max_genes: Positive | None = _of_family("max_genes")
    ontology_min_genes: Positive | None = _of_family("min_genes")
    ontology_max_genes: Positive | None = _of_family("max_genes")
    hierarchy_min_genes: Positive | None = _of_family("min_genes")
    hierarchy_max_genes: Positive | None = _of_family("max_genes")
    gene_sets_min_genes: Positive | None = _of_family("min_genes")
    gene_sets_max_genes: Positive | None = _of_family("max_genes")
    wiring: Changes = Field(default={}, description="How the priors become layers, by the names of the wiring options.")
    output: Path | None = Field(default=None, description="Where to write the architecture.")

    @property
    def families(self) -> tuple[str, ...]:
        """The families of priors that are named."""
        named = {
            "interactions": bool(self.interactions or self.regulation),
            "ontology": self.ontology is not None or self.annotations is not None,
            "hierarchy": self.hierarchy is not None,
            "gene sets": self.gene_sets is not None,
        }
        return tuple(family for family, is_named in named.items() if is_named)

    def applying(self, group: str) -> tuple[type[Options], ...]:
        """Return the options of the families of priors."""
        return tuple(dict.fromkeys(_WIRING[family] for family in self.families)) or self.groups[group]

    def wiring_of(self, family: str) -> Changes:
        """Return those of the wiring options that a family has; dense units stand next to one family only."""
        known = set(_WIRING[family].names())
        prefix = family.replace(" ", "_")
        own = {name: getattr(self, f"{prefix}_{name}") for name in LIMITS}
        if family != next((one for one in self.families if one in ("ontology", "hierarchy")), self.families[0]):
            known.remove("dense_units")
        shared = {name: value for name, value in self.wiring.items() if name in known}
        return shared | {name: value for name, value in own.items() if value is not None}

    def because(self, group: str) -> str:
        """Name the family of priors."""
        return f": the nodes are wired by {' and '.join(self.families)}"


_WIRING: Mapping[str, type[Options]] = {
    "interactions": InteractionOptions,
    "ontology": OntologyOptions,
    "hierarchy": OntologyOptions,
    "gene sets": GeneSetOptions,
}


class TrainRecipe(RecipeSection):
    """Options of ``vnn train``: which data, which model, and how it is trained."""

    groups: ClassVar[Mapping[str, tuple[type[Options], ...]]] = {
        "training": (TrainingOptions,),
        "model": (ModelOptions, AutoencoderOptions),
        "embedding": (EmbeddingOptions, AutoencoderTraining),
        "pretraining": (PretrainingOptions,),
    }
    elsewhere: ClassVar[tuple[str, ...]] = ("seed", "layers")
    prefixed: ClassVar[tuple[str, ...]] = ("pretraining",)

    architecture: Path | None = Field(default=None, description="Saved architecture; not needed with a build section.")
    data: Path = Field(description="Expression: .h5ad, CSV or TSV in either orientation.")
    cells: Path | None = Field(default=None, description="Table of cells with their labels, for CSV and TSV.")
    label: str = Field(description="Column with the labels; an autoencoder needs none.")
    task: Literal["classification", "regression", "survival"] = Field(
        default="classification", description="What to predict; of survival, the log hazard of an event."
    )
    time: str | None = Field(
        default=None, description="Column with the time to the event, or to the end of the follow-up; of survival."
    )
    event: str | None = Field(default=None, description="Column with 1 for the event and 0 for censored; of survival.")
    group: str | None = Field(
        default=None, description="Column of the donor or batch, whose cells stay in one part of the split."
    )
    side: str | None = Field(default=None, description="Array of obsm that the model reads next to the genes.")
    covariate: Words = Field(default=(), description="Column of the cells it reads there too, such as age or sex.")
    gene_column: Column | None = Field(
        default=None, description=f"{GENE_COLUMN} By default that of the network, where it has more of its genes."
    )
    layer: str = Field(default="X", description="Values of an .h5ad to use: X, raw, or the name of a layer.")
    backed: Literal["auto", "always", "never"] = Field(
        default="auto", description="Read an .h5ad or zarr store from disk while it is needed; auto: when it is large."
    )
    orientation: Literal["auto", "genes-in-rows", "genes-in-columns"] = Field(
        default="auto", description="Orientation of a CSV or TSV."
    )
    metadata: Words = Field(default=(), description="Non-gene columns of a CSV or TSV.")
    duplicates: Literal["raise", "first", "sum", "mean"] = Field(
        default="raise", description="What to do with repeated genes of the data."
    )
    missing: Literal["raise", "zero", "mean"] = Field(
        default="raise", description="How to treat genes missing from the data."
    )
    missing_labels: Literal["raise", "drop"] = Field(default="raise", description="What becomes of cells without one.")
    preset: str | None = Field(
        default=None,
        description="Published model and training options, e.g. lin2017, dcell-code; or discover, for what no mean of "
        "genes shows.",
    )
    objective: Literal["prediction", "siamese", "triplet", "autoencoder"] = Field(
        default="prediction",
        description="prediction; siamese or triplet, which bring cells of one type close together; autoencoder.",
    )
    pretrain: Literal["none", "dense", "all"] = Field(
        default="none",
        description="Layers that begin as denoising autoencoders: the dense units, or all hidden layers.",
    )
    training: Changes = Field(default={}, description="How the model is trained, by the names of TrainingOptions.")
    model: Changes = Field(default={}, description="What the model is like, by the names of ModelOptions.")
    embedding: Changes = Field(default={}, description="Options of the objective, by name.")
    pretraining: Changes = Field(
        default={}, description="How layers are pretrained, by the names of PretrainingOptions."
    )
    logs: Path | None = Field(default=None, description="Folder for a table of the epochs, and TensorBoard's files.")
    validation: float = Field(
        default=0.15, ge=0, lt=1, description="Validation fraction: cells held out for early stopping."
    )
    test: float = Field(default=0.15, ge=0, lt=1, description="Test fraction: cells held out for the scores.")
    seed: int = Field(default=0, ge=0, description="Seed of the split, the initial weights and the order of cells.")
    repeats: int = Field(
        default=1,
        ge=1,
        description="Trainings on the same split, each with the next seed; the model is that of the first, and keeps "
        "what the nodes of all say.",
    )
    output: Path | None = Field(default=None, description="Where to write the model.")

    @model_validator(mode="before")
    @classmethod
    def _labelled_by_time(cls, given: Any) -> Any:
        """Take the time of survival for the label; an autoencoder needs none."""
        known = given if isinstance(given, Mapping) else {}
        if isinstance(known.get("time"), str):
            return {**known, "label": known["time"]}
        return {"label": "", **known} if known.get("objective") == "autoencoder" else given

    def applying(self, group: str) -> tuple[type[Options], ...]:
        """Return the options that go with the objective."""
        predicting, autoencoding = self.groups[group] if group in ("model", "embedding") else (None, None)
        if group == "embedding" and self.objective == "prediction":
            return ()
        if predicting is not None and autoencoding is not None:
            return (autoencoding if self.objective == "autoencoder" else predicting,)
        if group == "pretraining" and self.pretrain == "none":
            return ()
        return self.groups[group]

    def because(self, group: str) -> str:
        """Name the objective, or that nothing is pretrained."""
        if group == "pretraining":
            return ": nothing is pretrained without pretrain: dense or all"
        return f" with objective: {self.objective}"

    @property
    def fractions(self) -> tuple[float, float, float]:
        """The fractions of cells for training, validation and test."""
        return 1 - self.validation - self.test, self.validation, self.test

    def check(self) -> None:
        """Check what options say about each other, before any file is read.

        Raises
        ------
        VNNError
            One has no effect with the others, or they exclude each other.
        """
        check_counts_are_read(self.training_options(), self.model_options())
        if self.objective == "autoencoder" and self.pretraining_options() is not None:
            raise ConfigError("An autoencoder is not pretrained. Leave out pretrain.")
        if self.objective != "prediction" and self.side is not None:
            raise ConfigError(f"side goes with objective: prediction only, got {self.objective}.")
        if self.objective in ("siamese", "triplet") and self.covariate:
            raise ConfigError(f"covariate goes with objective: prediction or autoencoder, got {self.objective}.")
        if self.objective in ("siamese", "triplet") and self.task != "classification":
            raise ConfigError(
                f"An embedding is trained on classes of cells, got task: {self.task}. Leave out the task."
            )
        if self.task != "survival" and (self.time or self.event):
            raise ConfigError(f"time and event are for task: survival, got task: {self.task}.")
        if self.task == "survival" and not (self.time and self.event):
            raise ConfigError("task: survival needs two columns, time and event.")
        if self.task == "survival" and self.objective != "prediction":
            raise ConfigError(f"task: survival goes with objective: prediction only, got {self.objective}.")

    def training_options(self) -> TrainingOptions:
        """Return how the model is trained: the preset, with what the recipe sets itself."""
        preset = self.preset
        if self.objective == "autoencoder":
            preset = autoencoder_preset(preset, self.model.get("reconstruction"))
        return training_options(preset, **self.training, seed=self.seed)

    def model_options(self) -> ModelOptions | AutoencoderOptions:
        """Return what the model is like: the preset, with what the recipe sets itself."""
        options_of = autoencoder_options if self.objective == "autoencoder" else model_options
        return options_of(self.preset, self.model)

    def pretraining_options(self) -> PretrainingOptions | None:
        """Return how layers are pretrained; ``None`` when they are not."""
        return None if self.pretrain == "none" else PretrainingOptions(layers=self.pretrain, **self.pretraining)


# How the data of a model are read, by every command that takes some: these fields of training.
_OF_DATA = ("cells", "layer", "gene_column", "orientation", "metadata", "missing")
_FIELDS: dict[str, Any] = {
    name: (TrainRecipe.model_fields[name].annotation, TrainRecipe.model_fields[name]) for name in _OF_DATA
}
CellsRecipe: Any = create_model("CellsRecipe", __base__=RecipeSection, **_FIELDS)


class CompareRecipe(RecipeSection):
    """Options of ``vnn compare``: what a network is compared with, and how often."""

    controls: Words = Field(
        default=("swap", "genes", "density"), description="swap, genes, expression, modules, density, input."
    )
    baselines: Words | None = Field(
        default=None,
        description="dense width, dense weights; of predictions also linear, forest, constant; of embeddings pca, all "
        "genes; of autoencoders pca, constant. By default all that apply.",
    )
    seeds: int = Field(default=5, ge=1, description="Number of seeds: of splits, initial weights and controls.")
    folds: int = Field(default=0, ge=0, description="Folds per seed; 0 for one random split per seed.")
    metric: str | None = Field(
        default=None,
        description="Score of the test cells; by default balanced_accuracy, r2 or c_index, of embeddings "
        "average_precision, of autoencoders explained_variance.",
    )
    method: str | None = Field(default=None, description="How importance is measured.")
    measure: Literal["importance", "evidence", "learned"] | None = Field(
        default=None,
        description="What nodes are ranked by: what they do to the outputs (importance, the default of predictions), "
        "what their genes say (evidence), what they learned (learned, the default without outputs).",
    )
    correction: Literal["none", "pnet", "binn", "reach"] = Field(
        default="binn", description="Correction of importance for hubs."
    )
    top: int = Field(default=10, ge=1, description="Number of top nodes whose overlap between runs is measured.")
    jobs: int | None = Field(
        default=None, ge=-1, description="Runs in parallel, as processes; -1 for one per processor."
    )
    output: Path | None = Field(default=None, description="Folder for tables, the page and the runs.")


# What says which cells there are and how good a model is stays the same in all trials of a search.
_FIXED = (
    *(
        "architecture",
        "data",
        "cells",
        "label",
        "task",
        "time",
        "event",
        "layer",
        "backed",
        "orientation",
        "metadata",
        "duplicates",
    ),
    *("missing", "missing_labels", "objective", "logs", "group", "validation", "test", "seed", "output"),
)
_FIXED_BUILD = ("genes", "gene_column", "duplicates", "orientation", "output")
_FILES = ("interactions", "regulation", "ontology", "annotations", "hierarchy", "gene_sets", "id_map")


def _searchable(name: str) -> str:
    """Return the name of a field that may be searched.

    Raises
    ------
    ConfigError
        There is no such field, or it may not.
    """
    group, _, field = name.rpartition(".")
    if group == "build" and field in _FILES:
        raise ConfigError(f"{name!r} is a file, and files are not searched. Write a recipe for each")
    if (group in ("", "train") and field in _FIXED) or (group == "build" and field in _FIXED_BUILD):
        raise ConfigError(f"{name!r} cannot be searched: all trials have the same cells and the same split")
    if name in SEARCHABLE or (group in TrainRecipe.groups and field in TrainRecipe.names_in(group)):
        return name
    near = did_you_mean(field if group in ("train", *TrainRecipe.groups) else name, SEARCHABLE)
    fields = "fields of train, build.FIELD, " + ", ".join(f"{part}.OPTION" for part in TrainRecipe.groups)
    raise ConfigError(f"There is no field {name!r} to search. {near or f'Known: {fields}'}")


SEARCHABLE = (
    *(name for name in TrainRecipe.option_names() if name not in _FIXED and not name.startswith("pretraining_")),
    *(f"build.{name}" for name in BuildRecipe.option_names() if name not in (*_FIXED_BUILD, *_FILES)),
)


Searched = Annotated[Any, BeforeValidator(setting_of), PlainSerializer(lambda setting: setting.to_json())]


class TuneRecipe(RecipeSection):
    """Options of ``vnn tune``: which fields of the recipe are searched, and how."""

    space: dict[Annotated[str, AfterValidator(_searchable)], Searched] = Field(
        default={}, description="Fields to search: a range {low, high, step or log} or a list of choices for each."
    )
    trials: int = Field(default=20, ge=1, description="Number of settings to try, including those of an earlier run.")
    measure: str | None = Field(
        default=None, description="Score of the validation cells; balanced_accuracy, r2, c_index or loss."
    )
    pruning: Literal["none", "median"] = Field(
        default="none",
        description="median: stop a trial whose loss is above the median of earlier trials at the same epoch.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of the search; that of train is the same in all trials.")
    output: Path | None = Field(default=None, description="Folder for the trials, the best recipe and its model.")


class Recipe(RecipeSection):
    """A whole recipe: what it is, and the options of each command."""

    title: str = Field(default="", description="One line.")
    reference: str = Field(default="", description="The paper, with DOI.")
    notes: str = Field(default="", description="What follows the paper, what the code, what neither.")
    build: BuildRecipe | None = None
    train: TrainRecipe | None = None
    compare: CompareRecipe | None = None
    tune: TuneRecipe | None = None

    @property
    def commands(self) -> dict[str, BuildRecipe | TrainRecipe | CompareRecipe]:
        """The sections that carry out a command by themselves, as far as they are there, by its name."""
        sections = {"build": self.build, "train": self.train, "compare": self.compare}
        return {name: section for name, section in sections.items() if section is not None}

    def for_training(self, what: str, name: str = "this one") -> TrainingRecipe:
        """Return the recipe as one that has a train section.

        Raises
        ------
        ConfigError
            It has none; ``what`` needs it, and ``name`` is what the recipe is called.
        """
        if self.train is None:
            raise ConfigError(f"{what} needs a recipe with a train section; {name} has none.")
        return TrainingRecipe.model_construct(self.model_fields_set, **dict(self))


class TrainingRecipe(Recipe):
    """A recipe that says how a network is trained."""

    train: TrainRecipe
