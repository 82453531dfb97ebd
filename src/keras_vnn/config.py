"""Recipes: every option of the command line, in a YAML file, checked before anything runs.

In: YAML text and options given by name. Out: frozen, validated `BuildRecipe` and `TrainRecipe`.
Knows nothing of how a recipe is carried out (`keras_vnn.workflow` does).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from keras_vnn.bundled import config_names, config_path
from keras_vnn.errors import ConfigError, VNNError, did_you_mean
from keras_vnn.files import existing_file, read_lines
from keras_vnn.search_space import setting_of

__all__ = [
    "BuildRecipe",
    "CompareRecipe",
    "Recipe",
    "TrainRecipe",
    "TuneRecipe",
    "changed_section",
    "make_section",
    "read_recipe",
]


# No recipe has a thousandth of it.
_LARGEST_RECIPE = 1 << 20


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str | os.PathLike | int) else value


Paths = Annotated[tuple[Path, ...], BeforeValidator(_as_tuple)]
Widths = Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(_as_tuple)]


Words = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]


class _Section(BaseModel):
    """Options of one command; unknown names are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BuildRecipe(_Section):
    """Options of ``vnn build``: which files, and how they become layers."""

    genes: Path = Field(description="Gene list, or expression data whose genes are taken.")
    gene_column: str | None = Field(None, description="Column of the gene names, by name or number from 1.")
    duplicates: Literal["raise", "first"] = Field("raise", description="What to do with repeated gene names.")
    orientation: Literal["auto", "genes-in-rows", "genes-in-columns"] = Field(
        "auto", description="Of a CSV or TSV the genes are taken from."
    )
    interactions: Paths = Field(
        (), description="Protein interactions: TSV, CSV, SIF, STRING, BioGRID, PSI-MITAB, HIPPIE."
    )
    interactions_format: str = Field("auto", description="Format of the interactions, if it is not recognised.")
    min_score: float | None = Field(None, description="Leave out interactions with a lower score.")
    regulation: Paths = Field((), description="Regulators and their targets: TRRUST, source/target tables.")
    regulation_format: str = Field("auto", description="Format of the regulation, if it is not recognised.")
    grouping: Literal["edge", "neighbourhood", "clique", "community"] = Field(
        "neighbourhood", description="What interactions become a hidden node."
    )
    min_targets: int = Field(2, ge=1, description="Leave out regulators with fewer genes of the list.")
    max_targets: int | None = Field(None, ge=1, description="Leave out regulators with more genes of the list.")
    include_regulator: bool = Field(True, description="A regulator's own gene joins its targets.")
    ontology: Path | None = Field(None, description="Terms: OBO, Reactome relations, child/parent table.")
    ontology_format: str = Field("auto", description="Format of the ontology, if it is not recognised.")
    annotations: Path | None = Field(None, description="Genes of the terms: GAF, GPAD, gene2go, gene/term table.")
    annotations_format: str = Field("auto", description="Format of the annotations, if it is not recognised.")
    hierarchy: Path | None = Field(None, description="Terms and genes in one file: DrugCell, DCell, CX2, KPNN, GenNet.")
    hierarchy_format: str = Field("auto", description="Format of the hierarchy, if it is not recognised.")
    gene_sets: Path | None = Field(None, description="GMT, a group file, JSON.")
    gene_sets_format: str = Field("auto", description="Format of the gene sets, if it is not recognised.")
    gene_id: Literal["symbol", "accession", "synonym"] | None = Field(
        None, description="What names a gene in the annotations."
    )
    taxon: str | None = Field(None, description="Only interactions and annotations of this species, e.g. 9606.")
    exclude_evidence: Words = Field(("ND",), description="Leave out annotations by these evidence codes.")
    include_evidence: Words = Field((), description="Take annotations by these evidence codes only.")
    not_rule: Literal["pair", "branch"] = Field("pair", description="What NOT removes: the pair, or terms below too.")
    namespace: Words = Field((), description="Take terms of these namespaces only, e.g. biological_process.")
    relations: Words = Field(("is_a", "part_of"), description="Relations between terms to follow.")
    min_new_genes: int = Field(0, ge=0, description="Leave out terms with fewer genes more than a child.")
    redundancy: Literal["same genes", "none"] | float = Field(
        "same genes", description="Merge a term into a child: same genes, a Jaccard index, none."
    )
    root: Literal["one"] | None = Field(None, description="one: put a term over all roots.")
    layering: Literal["height", "depth", "level", "flat"] = Field("height", description="What a term's layer goes by.")
    window: tuple[int, int] | None = Field(None, description="Only terms whose depth, level or height lies between.")
    skip_edges: Literal["keep", "passthrough", "drop"] = Field("keep", description="Edges that skip layers.")
    term_genes: Literal["direct", "specific", "all"] = Field("direct", description="Genes a term reads itself.")
    unannotated: Literal["unconnected", "node", "dense"] = Field("unconnected", description="Genes no term reads.")
    units: int | str = Field(1, description="Units of a term: a number, dcell-paper, dcell-code.")
    min_genes: int | None = Field(None, ge=1, description="Leave out nodes with fewer genes of the list.")
    max_genes: int | None = Field(None, ge=1, description="Leave out nodes with more genes of the list.")
    dense_units: int = Field(0, ge=0, description="Fully connected units beside the nodes.")
    interaction_id: str | None = Field(
        None, description="Names to take from BioGRID, PSI-MITAB or HIPPIE: symbol, entrez, accession, ensembl …"
    )
    id_map: Path | None = Field(
        None, description="Table of identifiers that translates the names of the prior: HGNC, two columns, GAF, GTF …"
    )
    id_policy: Literal["merge", "unique", "first", "all", "raise"] = Field(
        "merge", description="What happens to names of several genes, and genes of several names."
    )
    id_from: str | None = Field(None, description="Column of the table with the prior's names, if not the fitting one.")
    id_to: str | None = Field(None, description="Column of the table with the genes' names, if not the fitting one.")
    ignore_case: bool = Field(False, description="Match names of the prior and the genes ignoring case.")
    ignore_version: bool = Field(False, description="Match them without version or isoform (ENSG….16, P04637-2).")
    seed: int = Field(0, ge=0, description="Seed of the search for communities.")
    output: Path | None = Field(None, description="Where to write the architecture.")


class TrainRecipe(_Section):
    """Options of ``vnn train``: which data, which model, and how it is trained."""

    architecture: Path | None = Field(None, description="Saved architecture; not needed beside a build section.")
    data: Path = Field(description="Expression: .h5ad, CSV or TSV in either orientation.")
    cells: Path | None = Field(None, description="Table of cells with their labels, for CSV and TSV.")
    label: str = Field(description="Column of the labels.")
    task: Literal["classification", "regression"] = Field("classification", description="What to predict.")
    layer: str = Field("X", description="Values of an .h5ad to use: X, raw, or the name of a layer.")
    backed: Literal["auto", "always", "never"] = Field(
        "auto", description="Read an .h5ad or zarr store from disk while it is needed; auto: when it is large."
    )
    orientation: Literal["auto", "genes-in-rows", "genes-in-columns"] = Field("auto", description="Of a CSV or TSV.")
    metadata: Words = Field((), description="Columns of a CSV or TSV that are no genes.")
    duplicates: Literal["raise", "first", "sum", "mean"] = Field(
        "raise", description="What to do with repeated genes of the data."
    )
    missing: Literal["raise", "zero", "mean"] = Field("raise", description="What to do for genes not in the data.")
    missing_labels: Literal["raise", "drop"] = Field("raise", description="What to do with cells without a label.")
    normalization: Literal["none", "log1p-cpm", "lin2017", "zscore"] | None = Field(
        None, description="Of the expression; fitted on the training cells and kept with the model."
    )
    preset: str | None = Field(None, description="Published model and training options, e.g. lin2017, dcell-code.")
    model: dict[str, Any] = Field({}, description="Further options of the model, by the names of ModelOptions.")
    tail: Widths | None = Field(None, description="Units of dense layers before the head.")
    activation: str | None = Field(None, description="Of the named nodes.")
    dropout: float | None = Field(None, ge=0, lt=1, description="Share of hidden units dropped in training.")
    l2: float | None = Field(None, ge=0, description="Weight of the squared weights in the loss.")
    optimizer: Literal["adam", "adamw", "sgd"] | None = Field(None, description="How weights are learned.")
    learning_rate: float | None = Field(None, gt=0, description="Step of the optimizer.")
    epochs: int | None = Field(None, ge=1, description="Passes over the training cells, at most.")
    batch_size: int | None = Field(None, ge=1, description="Cells per step.")
    patience: int | None = Field(None, ge=0, description="Stop after this many epochs without progress; 0 never.")
    class_weights: Literal["none", "balanced"] | None = Field(None, description="Weigh rare classes up.")
    schedule: Literal["constant", "cosine", "exponential"] | None = Field(
        None, description="How the step of the optimizer goes down."
    )
    warmup: float | None = Field(None, ge=0, lt=1, description="Share of the steps in which a cosine rises first.")
    clip_norm: float | None = Field(None, ge=0, description="Shorten longer gradients to this length; 0 never.")
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] | None = Field(
        None, description="Of the products; weights stay in single precision."
    )
    training: dict[str, Any] = Field({}, description="Further options of training, by the names of TrainingOptions.")
    objective: Literal["prediction", "siamese", "triplet", "autoencoder"] = Field(
        "prediction",
        description="prediction; siamese or triplet, which bring cells of one type close together; autoencoder.",
    )
    embedding: dict[str, Any] = Field(
        {}, description="Options of an embedding: margin, types_per_batch, cells_per_type; warmup_epochs, center."
    )
    pretrain: Literal["none", "dense", "all"] = Field(
        "none", description="Layers that begin as denoising autoencoders: the dense units, or all hidden layers."
    )
    pretraining: dict[str, Any] = Field(
        {}, description="Further options of pretraining, by the names of PretrainingOptions."
    )
    logs: Path | None = Field(None, description="Folder for a table of the epochs, and TensorBoard's files.")
    validation: float = Field(0.15, ge=0, lt=1, description="Share of the cells to stop early by.")
    test: float = Field(0.15, ge=0, lt=1, description="Share of the cells to judge by.")
    seed: int = Field(0, ge=0, description="Of the split, the initial weights and the order of cells.")
    output: Path | None = Field(None, description="Where to write the model.")


class CompareRecipe(_Section):
    """Options of ``vnn compare``: what a network is compared with, and how often."""

    controls: Words = Field(
        ("swap", "genes", "density"), description="swap, genes, expression, modules, density, input."
    )
    baselines: Words = Field(
        ("dense width", "dense weights", "linear", "forest", "constant"),
        description="dense width, dense weights, linear, forest, constant.",
    )
    seeds: int = Field(5, ge=1, description="Number of seeds: of splits, initial weights and controls.")
    folds: int = Field(0, ge=0, description="Folds per seed; 0 for one random split per seed.")
    metric: str | None = Field(None, description="Score of the test cells; balanced_accuracy or r2 if not named.")
    method: str | None = Field(None, description="How importance is measured.")
    measure: Literal["importance", "activity_difference"] = Field(
        "importance", description="What nodes are ranked by; the latter: how well a node alone tells the classes apart."
    )
    correction: Literal["none", "pnet", "binn", "reach"] = Field("binn", description="For hubs, of importance.")
    top: int = Field(10, ge=1, description="Nodes whose overlap between runs is counted.")
    jobs: int | None = Field(None, ge=-1, description="Runs at once, as processes; -1 for one a processor.")
    output: Path | None = Field(None, description="Folder for tables, the page and the runs.")


# What says which cells there are and how good a model is stays the same in all trials of a search.
_FIXED = (
    *("architecture", "data", "cells", "label", "task", "layer", "backed", "orientation", "metadata", "duplicates"),
    *("missing", "missing_labels", "objective", "logs", "validation", "test", "seed", "output"),
)
_GROUPS = ("model", "training", "embedding", "pretraining")
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
    if name in _SEARCHABLE or (group in _GROUPS and field and field not in _FIXED):
        return name
    near = did_you_mean(field if group == "train" else name, _SEARCHABLE)
    fields = "fields of train, build.FIELD, " + ", ".join(f"{part}.OPTION" for part in _GROUPS)
    raise ConfigError(f"There is no field {name!r} to search. {near or f'Known: {fields}'}")


_SEARCHABLE = (
    *(name for name in TrainRecipe.model_fields if name not in (*_FIXED, *_GROUPS)),
    *(f"build.{name}" for name in BuildRecipe.model_fields if name not in (*_FIXED_BUILD, *_FILES)),
)


Searched = Annotated[Any, BeforeValidator(setting_of), PlainSerializer(lambda setting: setting.to_json())]


class TuneRecipe(_Section):
    """Options of ``vnn tune``: which fields of the recipe are searched, and how."""

    space: dict[Annotated[str, AfterValidator(_searchable)], Searched] = Field(
        {}, description="Fields to search: a range {low, high, step or log} or a list of choices for each."
    )
    trials: int = Field(20, ge=1, description="Number of settings to try, those of an earlier run counted.")
    measure: str | None = Field(None, description="Score of the validation cells; balanced_accuracy, r2 or loss.")
    pruning: Literal["none", "median"] = Field(
        "none", description="median: stop a trial whose loss is above the median of those before at the same epoch."
    )
    seed: int = Field(0, ge=0, description="Of the search; that of train is the same in all trials.")
    output: Path | None = Field(None, description="Folder for the trials, the best recipe and its model.")


class Recipe(_Section):
    """A whole recipe: what it is, and the options of each command."""

    title: str = Field("", description="One line.")
    reference: str = Field("", description="The paper, with DOI.")
    notes: str = Field("", description="What follows the paper, what the code, what neither.")
    build: BuildRecipe | None = None
    train: TrainRecipe | None = None
    compare: CompareRecipe | None = None
    tune: TuneRecipe | None = None


Section = TypeVar("Section", bound=_Section)


def read_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Read and check a recipe.

    Input paths in it are taken relative to its folder, the output relative to the current one.

    Parameters
    ----------
    path
        A YAML file, or the name of a recipe that comes with the package, e.g. ``lin2017-ppi-tf``.

    Raises
    ------
    ConfigError
        The text is not YAML, an option is unknown, or a value is impossible; with line and nearest name.
    ReadError
        There is no such file.
    """
    given = Path(path)
    if not given.exists() and f"{given.name.removesuffix('.yaml')}.yaml" in config_names():
        given = config_path(given.name)
    found = existing_file(given, "recipe")
    text = "\n".join(read_lines(found, limit=_LARGEST_RECIPE))
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        if _written_out(tree) > _LARGEST_RECIPE:
            raise ConfigError(
                f"The recipe refers to its own parts so often that it would not fit the memory: {found}\n"
                "Write it out without anchors (&) and aliases (*)."
            )
        content = yaml.safe_load(text)
    except RecursionError as error:
        raise ConfigError(f"The recipe is nested too deeply: {found}\nExpected: build: option: value") from error
    except (ValueError, OverflowError) as error:
        if isinstance(error, VNNError):
            raise
        raise ConfigError(f"A value of the recipe cannot be read: {found}\n    {error}\nQuote it.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigError(
            f"Not a YAML file: {found}{line}\n    {_shortened(str(getattr(error, 'problem', None) or error))}"
        ) from error
    if not isinstance(content, Mapping):
        raise ConfigError(f"A recipe needs a build or a train section: {found}\nSee `vnn build --help` for an example.")
    recipe = _validated(Recipe, dict(content), str(found), lambda keys: _line_of(tree, keys))
    return recipe.model_copy(
        update={
            name: _relative_to(section, found.parent)
            for name in ("build", "train", "compare")
            if (section := getattr(recipe, name)) is not None
        }
    )


def _written_out(tree: Any) -> int:
    """Return how many values a YAML tree has when every alias is written out; stops at more than can be."""
    sizes: dict[int, int] = {}

    def size(node: Any) -> int:
        if id(node) not in sizes:
            sizes[id(node)] = _LARGEST_RECIPE + 1  # A part that contains itself never ends.
            value = getattr(node, "value", ())
            parts = () if isinstance(value, str) else value
            inside = (part for pair in parts for part in (pair if isinstance(pair, tuple) else (pair,)))
            sizes[id(node)] = min(1 + sum(map(size, inside)), _LARGEST_RECIPE + 1)
        return sizes[id(node)]

    return size(tree)


def make_section(kind: type[Section], start: Section | None, options: Mapping[str, Any], where: str) -> Section:
    """Return the options of a command: those of a recipe, replaced by those given by name.

    Parameters
    ----------
    kind
        `BuildRecipe` or `TrainRecipe`.
    start
        The section of a recipe, or ``None``.
    options
        Values by name; ``None`` and empty sequences count as not given.
    where
        What to call the place in an error, e.g. ``the command line``.

    Raises
    ------
    ConfigError
        An option is unknown, missing, or has an impossible value.
    """
    given = {name: value for name, value in options.items() if value is not None and value != () and value != []}
    base = {} if start is None else start.model_dump(exclude_unset=True)
    return _validated(kind, {**base, **given}, where, lambda keys: None)


def changed_section(
    section: Section, changes: Mapping[str, Any], where: str, *, without: Iterable[str] = ()
) -> Section:
    """Return a section with other values; unlike `make_section` it takes ``None`` and empty lists as they are.

    Parameters
    ----------
    section
        The options.
    changes
        Values by name.
    where
        What to call the place in an error.
    without
        Options to leave at their defaults.

    Raises
    ------
    ConfigError
        A value is impossible.
    """
    base = {name: value for name, value in section.model_dump(exclude_unset=True).items() if name not in without}
    return _validated(type(section), {**base, **changes}, where, lambda keys: None)


def _validated(kind: type[Section], content: dict[str, Any], where: str, line_of: Any) -> Section:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        problems = [_worded(kind, problem, where, line_of) for problem in error.errors()[:5]]
        raise ConfigError("\n".join(problems)) from error


def _worded(kind: type[_Section], problem: Any, where: str, line_of: Any) -> str:
    keys = [str(key) for key in problem["loc"]]
    owner, name = _owner(kind, keys)
    line = line_of(keys)
    place = f"{where}:{line}" if line else where
    if problem["type"] == "extra_forbidden":
        hint = did_you_mean(name, list(owner.model_fields))
        if owner is TuneRecipe and name in _SEARCHABLE:
            hint = f"Fields to search stand under space, e.g. space: {{{name}: …}}."
        return f"Unknown option {name!r}: {place}. {hint or 'Known: ' + ', '.join(owner.model_fields) + '.'}"
    if problem["type"] == "missing":
        return f"The option {name!r} is needed: {place}. {owner.model_fields[name].description or ''}".rstrip()
    if problem["type"] == "literal_error":
        known = _choices(owner.model_fields[name].annotation)
        hint = did_you_mean(str(problem["input"]), known)
        return f"{name} must be one of {', '.join(known)}; got {_shown(problem['input'])}: {place}. {hint}".rstrip()
    if owner is TuneRecipe and problem["type"] == "value_error":
        field = keys[keys.index("space") + 1]
        text = str(problem["ctx"]["error"])
        fact, _, hint = text.partition(". ")
        end = "" if not hint or hint.endswith("?") else "."
        return f"{fact if keys[-1] == '[key]' else f'{field}: {fact}'}: {place}. {hint}{end}".rstrip()
    message = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{name}: {message}; got {_shown(problem['input'])}: {place}."


def _shortened(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:300]}…"


def _shown(value: Any) -> str:
    """Return a value as messages show it: what a stranger's recipe holds may be long."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):
        text = f"a {type(value).__name__}"
    return text if len(text) <= 100 else f"{text[:100]}…"


def _owner(kind: type[_Section], keys: list[str]) -> tuple[type[_Section], str]:
    """Return the section a problem lies in, and the name of the option."""
    sections: dict[str, type[_Section]] = {
        "build": BuildRecipe,
        "train": TrainRecipe,
        "compare": CompareRecipe,
        "tune": TuneRecipe,
    }
    if kind is Recipe and keys[0] in sections and len(keys) > 1:
        return sections[keys[0]], keys[1]
    return kind, keys[0]


def _choices(annotation: Any) -> list[str]:
    found: list[str] = []
    for argument in get_args(annotation):
        found += [argument] if isinstance(argument, str) else _choices(argument)
    return found


def _line_of(node: Any, keys: list[str]) -> int | None:
    """Return the line of a key in a composed YAML tree, or of the nearest key above it."""
    line = None
    for key in keys:
        pairs = [pair for pair in getattr(node, "value", ()) if isinstance(pair, tuple) and pair[0].value == key]
        if not pairs:
            break
        line, node = pairs[0][0].start_mark.line + 1, pairs[0][1]
    return line


def _relative_to(section: Section, folder: Path) -> Section:
    def moved(value: Any) -> Any:
        if isinstance(value, Path):
            return folder / value
        return tuple(moved(part) for part in value) if isinstance(value, tuple) else value

    return section.model_copy(
        update={name: moved(getattr(section, name)) for name in section.model_fields_set - {"output", "logs"}}
    )
