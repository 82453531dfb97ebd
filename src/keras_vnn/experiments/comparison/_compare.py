"""`compare`: all runs of a comparison, in parallel, and the tables they give; `compare_networks`, as a recipe asks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.architecture import Architecture
from keras_vnn.basics.csv_tables import read_table
from keras_vnn.basics.errors import ConfigError, check_choice, counted
from keras_vnn.basics.files import made_folder
from keras_vnn.basics.progress import Say, log_info
from keras_vnn.basics.remedies import by_place, remedy
from keras_vnn.basics.runs import alone_at, claim, digest_of
from keras_vnn.data import Labels, Targets, groups_in, labels_given
from keras_vnn.data.metrics import named
from keras_vnn.experiments.comparison._contenders import TASKS, contenders_of
from keras_vnn.experiments.comparison._result import (
    FILES,
    LEVEL,
    Comparison,
    node_table,
    place_table,
    runs_table,
    summarised,
    test_to_train,
    verdict_of,
)
from keras_vnn.experiments.comparison._runs import (
    Job,
    Shared,
    finished,
    keep,
    nodes_file,
    parallel_runs,
    splits_of,
)
from keras_vnn.experiments.comparison._statistics import rank_stability
from keras_vnn.options import (
    AutoencoderOptions,
    AutoencoderTraining,
    EmbeddingOptions,
    ModelOptions,
    PretrainingOptions,
    TrainingOptions,
    training_given,
    training_options,
)
from keras_vnn.recipes.read import changed_section
from keras_vnn.recipes.run import network_of, read_training_data
from keras_vnn.recipes.schema import CompareRecipe, TrainingRecipe

if TYPE_CHECKING:
    from keras_vnn.options._changes import PredictorChanges

MEASURES = ("importance", "evidence", "learned")


def compare(
    arch: Architecture,
    data: Any,
    labels: Labels | Targets | str | Sequence[Any] | None,
    folder: str | os.PathLike[str],
    *,
    objective: str = "prediction",
    controls: Sequence[str] = ("swap", "genes", "density"),
    baselines: Sequence[str] | None = None,
    seeds: int = 5,
    n_folds: int = 0,
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15),
    training: TrainingOptions | Mapping[str, Any] | None = None,
    group: str | None = None,
    preset: str | None = None,
    pretraining: PretrainingOptions | None = None,
    embedding: Mapping[str, Any] | None = None,
    missing: str = "raise",
    side: str | NDArray[np.floating] | None = None,
    covariate: str | Sequence[str] = (),
    metric: str | None = None,
    method: str | None = None,
    measure: str | None = None,
    correction: str = "binn",
    top: int = 10,
    jobs: int | None = None,
    say: Say = log_info,
    **further: Unpack[PredictorChanges],
) -> Comparison:
    """Train a network, its controls and its baselines on the same splits, and compare them.

    Every run is kept in ``folder/runs`` when it is done: the same call, repeated after it was stopped, resumes with
    those that are missing.

    Parameters
    ----------
    arch, data, labels, training, group, preset, pretraining, missing, side, covariate, **further
        As in `train`, `train_embedding` or `train_autoencoder`, of which the last needs no labels; without any, there
        is nothing to say of nodes. Linear models and forests read ``side`` and ``covariate`` too. Of fully connected
        networks all layers are pretrained.
    folder
        Where runs are kept; made if it is not there.
    objective
        ``"prediction"``; ``"siamese"`` or ``"triplet"``: embeddings, by how well test cells find cells of their type
        among those of the training (`tl.retrieval_scores`); ``"autoencoder"``, by how much of the variance of all genes
        is restored in test cells, where genes that no node reads count as their means.
    embedding
        Options of the objective by name, such as ``{"margin": 0.5}`` or ``{"warmup_epochs": 10}``.
    controls
        Of `CONTROLS`: those of `wire.randomize`, and ``"input"``, the real prior on a `wire.control_input`.
        Each run draws its
        own.
    baselines
        Of `BASELINES`: ``"dense width"``, ``"dense weights"``; of predictions ``"linear"``, ``"forest"``,
        ``"constant"``; of embeddings ``"pca"``, ``"all genes"``; of autoencoders ``"pca"``, ``"constant"``. All that
        apply if ``None``.
    seeds
        Number of seeds: of splits, initial weights and controls; from that of ``training`` on.
    n_folds
        0: a random split per seed; else this many folds per seed.
    fractions
        Of training, validation and test cells.
    metric
        A score of the test cells; ``"balanced_accuracy"`` or ``"r2"`` if None, of embeddings
        ``"average_precision"``, of autoencoders ``"explained_variance"``.
    method
        How importance is measured, as in `tl.rank_nodes`; on the test cells.
    measure
        What nodes are ranked by, of `MEASURES`: ``"importance"``, ``"evidence"`` or ``"learned"``; runs are kept with
        all. Embeddings and autoencoders have no outputs, hence no importance: ``"learned"`` if None.
    correction
        Of `CORRECTIONS`; nodes are sorted by it.
    top
        Length of the list of nodes whose overlap is counted.
    jobs
        Runs at once, in processes of joblib; -1 for one a processor. When None, what a ``joblib.parallel_config``
        around the call says, of dask or ray for instance, else one.
    say
        Called with a sentence when a run is done; by default they are logged.

    Raises
    ------
    ConfigError
        A name is unknown or has no effect on the objective, there are no seeds, or the folder holds another comparison.
    OutputError
        Another process is at the folder, or it cannot be written.
    VNNError
        What `train` raises.
    """
    asked = {"controls": controls, "baselines": baselines, "seeds": seeds, "folds": n_folds, "metric": metric}
    asked |= {"method": method, "measure": measure, "correction": correction, "top": top, "jobs": jobs}
    options = changed_section(CompareRecipe(), asked, "compare()")
    check_choice("objective", objective, TASKS)
    of_objective = _checked_objective(objective, embedding or {})
    restores = objective == "autoencoder"
    usual = training_options(preset or "vega") if restores else None
    chosen, changes = training_given(training, further, AutoencoderOptions if restores else ModelOptions, usual)
    how = {"preset": preset, "side": side, "covariate": covariate, "pretraining": pretraining, **changes}
    with alone_at(made_folder(folder)):
        return _compared(
            *(arch, data, labels, Path(folder), options, chosen, fractions, group, missing, objective),
            {**how, **of_objective},
            say,
        )


def compare_networks(
    recipe: TrainingRecipe, comparison: CompareRecipe, folder: Path
) -> tuple[Architecture, Comparison]:
    """Return the network a recipe trains, and how it compares with controls and baselines; write tables.

    Parameters
    ----------
    recipe
        How the network is built and trained.
    comparison
        What it is compared with.
    folder
        For tables and the runs; runs that are there already are not repeated.

    Raises
    ------
    VNNError
        A file cannot be read or written, or the data do not fit the architecture.
    """
    train = recipe.train
    training = train.training_options()
    with alone_at(made_folder(folder)):
        network = network_of(recipe)
        data, labels = read_training_data(train, network, in_memory=True)
        how = {"preset": train.preset, "side": train.side, "covariate": train.covariate, **train.model}
        how |= {"pretraining": train.pretraining_options(), **train.embedding}
        asked = (comparison, training, train.fractions, train.group, train.missing, train.objective)
        found = _compared(network, data, labels, folder, *asked, how, log_info)
        found.save(folder)
    return network, found


def _compared(
    arch: Architecture,
    data: Any,
    labels: Any,
    folder: Path,
    options: CompareRecipe,
    training: TrainingOptions,
    fractions: tuple[float, float, float],
    group: str | None,
    missing: str,
    objective: str,
    how: Mapping[str, Any],
    say: Say,
) -> Comparison:
    from keras_vnn.inspection import corrected_importance

    task = TASKS[objective]
    contenders = contenders_of(options.controls, options.baselines, task)
    labels = None if labels is None else labels_given(data, labels)
    measure = options.measure or task.measure
    check_choice("The measure", measure, MEASURES)
    if not isinstance(labels, Labels) and not all(one.is_judged for one in contenders):
        raise ConfigError(
            "The control input is made for classes of cells; there is none for numbers.\n"
            + remedy("Leave it out: {controls}", controls=("swap", "genes", "modules"))
        )
    how = {name: value for name, value in how.items() if value is not None and not (name == "covariate" and not value)}
    _check(objective, labels, how, options)
    split_by = np.arange(len(data)) if labels is None else labels
    groups = groups_in(data, group, split_by if labels is None else labels.cells)
    if how.keys() & {"side", "covariate"} and not all(one.is_judged for one in contenders):
        raise ConfigError(
            "The control input makes genes alone, not what is read next to them. Leave it out of controls."
        )
    chosen = range(training.seed, training.seed + options.seeds)
    splits = splits_of(split_by, chosen, n_folds=options.folds, fractions=fractions, groups=groups)
    all_jobs = [Job(one, number, seed, split) for number, (seed, split) in enumerate(splits) for one in contenders]
    data = _in_memory(data)
    pretraining = how.get("pretraining")
    what = {} if objective == "prediction" else {"objective": objective}
    what |= {} if pretraining is None else {"pretraining": pretraining.to_json()}
    identity = {
        "architecture": arch.fingerprint,
        "data": digest_of(data),
        "labels": digest_of(labels),
        "training": training.to_json(),
        "model": {**how, **what, "missing": missing, "method": options.method},
        "version": version("keras-vnn"),
    }
    claim(folder, "comparison", identity, (*FILES, "comparison.html", "runs/*.json"))
    place = made_folder(folder / "runs")
    shared = Shared(arch, data, labels, training, objective, missing, how, options.method, digest_of(identity))
    known = partial(finished, place, shared=shared.identity, are_labelled=labels is not None)
    missing_jobs = [job for job in all_jobs if known(job) is None]
    done = len(all_jobs) - len(missing_jobs)
    if done:
        say(f"{done} of {counted(len(all_jobs), 'run')} were done before")
    for record, nodes in parallel_runs(shared, missing_jobs, options.jobs):
        keep(place, record, nodes)
        done += 1
        scores = ", ".join(f"{named(name)} {value:.3f}" for name, value in record.metrics.items())
        say(f"run {done:>3}/{len(all_jobs)}  {record.contender}, replicate {record.replicate + 1}: {scores}")
    records = [one for job in all_jobs if (one := known(job)) is not None]
    runs = runs_table(records)
    score = task.metric or ("" if labels is None else labels.usual_score)
    if options.metric is not None:
        check_choice("The metric", score := options.metric, records[0].metrics)
    nodes_of = {
        one.name: {job.replicate: read_table(nodes_file(place, job)) for job in all_jobs if job.contender is one}
        for one in contenders
        if one.has_named_nodes and labels is not None
    }
    # A node whose activity does not vary has no importance.
    importance = {name: _by_replicate(tables, measure).fillna(0.0) for name, tables in nodes_of.items()}
    corrected = {
        name: table.apply(lambda column: corrected_importance(arch, column, options.correction))
        for name, table in importance.items()
    }
    stability = {
        name: rank_stability(table, top=options.top)
        for name, table in corrected.items()
        if table.shape[1] > 1 and table.shape[0] > 1
    }
    summary = summarised(runs, contenders, score, stability)
    for column, rate in (("found", "q"), ("learned", "learned_q")):
        # The mean number over the runs.
        counts = {name: (_by_replicate(tables, rate) < LEVEL).sum().mean() for name, tables in nodes_of.items()}
        summary[column] = pd.Series(counts)
    nodes = node_table(arch, importance, corrected, contenders, test_to_train(runs))
    about = {
        "objective": objective,
        **options.model_dump(include={"seeds", "folds", "correction", "top"}),
        "measure": measure,
        "method": options.method or "the default of the model",
        "first_seed": training.seed,
        "fingerprint": arch.fingerprint,
        "version": version("keras-vnn"),
    }
    return Comparison(
        score, runs, summary, nodes, place_table(arch, importance), verdict_of(summary, score, task.well), about
    )


def _checked_objective(objective: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return options of an objective, checked."""
    if objective == "prediction":
        if given:
            raise ConfigError(f"A prediction has no options of its own, got embedding={dict(given)}. Leave it out.")
        return given
    (AutoencoderTraining if objective == "autoencoder" else EmbeddingOptions)().changed(**given)
    return given


def _check(objective: str, labels: Any, how: Mapping[str, Any], options: CompareRecipe) -> None:
    """Raise unless what was asked for has an effect on what the networks are trained for."""
    if objective == "prediction":
        if labels is None:
            raise ConfigError("A prediction needs labels: the name of a column, or one per cell.")
        return
    noun = "An autoencoder" if objective == "autoencoder" else "An embedding"
    if objective != "autoencoder" and not isinstance(labels, Labels):
        way = by_place("", ": vnn.pp.labels_of(data, column)")
        raise ConfigError(f"{noun} is trained on classes of cells{way}.")
    if how.keys() & ({"side"} if objective == "autoencoder" else {"side", "covariate"}):
        raise ConfigError(f"{noun} reads genes alone. Leave out side and covariate.")
    if objective == "autoencoder" and "pretraining" in how:
        raise ConfigError("An autoencoder is not pretrained. Leave out the pretraining.")
    if options.measure == "importance" or options.method is not None:
        raise ConfigError(
            f"{noun} has no outputs, so its nodes have no importance. Rank them by what they learned or by the "
            "evidence of their genes: measure: learned, measure: evidence; and leave out method."
        )


def _in_memory(data: Any) -> Any:
    """Return data that lie on disk as data that can be sent to processes; others as they are."""
    from scipy import sparse

    is_there = isinstance(data, pd.DataFrame) or isinstance(data.X, np.ndarray) or sparse.issparse(data.X)
    return data if is_there else data.to_memory()


def _by_replicate(tables: Mapping[int, pd.DataFrame], column: str) -> pd.DataFrame:
    """Return a column of the tables of nodes, ``(nodes, replicates)``."""
    columns = {replicate: table.set_index("id")[column] for replicate, table in tables.items()}
    return pd.DataFrame(columns).apply(pd.to_numeric, errors="coerce")
