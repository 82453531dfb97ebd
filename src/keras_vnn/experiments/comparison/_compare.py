"""`compare`: all runs of a comparison, in parallel, and the tables they give."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from keras_vnn.architecture import Architecture, gene_counts, node_degrees
from keras_vnn.basics.csv_tables import read_table
from keras_vnn.basics.errors import ConfigError, check_choice
from keras_vnn.basics.files import alone_at, check_target, made_folder
from keras_vnn.basics.identity import digest_of, identity_of
from keras_vnn.basics.progress import Say, log_info
from keras_vnn.data import Labels, Targets, labels_given
from keras_vnn.experiments.comparison._contenders import REAL, Contender, contenders_of
from keras_vnn.experiments.comparison._nodes import node_differences
from keras_vnn.experiments.comparison._parallel import parallel_runs
from keras_vnn.experiments.comparison._result import FILES, Comparison, summarised, test_to_train, verdict_of
from keras_vnn.experiments.comparison._runs import Job, Shared, finished, keep, splits_of
from keras_vnn.experiments.comparison._stability import rank_stability

if TYPE_CHECKING:
    from keras_vnn.options import TrainingOptions
    from keras_vnn.options._changes import ModelChanges

__all__ = ["MEASURES", "compare"]

MEASURES = ("importance", "activity_difference")


def compare(
    arch: Architecture,
    data: Any,
    labels: Labels | Targets | str | Sequence[Any],
    folder: str | os.PathLike[str],
    *,
    controls: Sequence[str] = ("swap", "genes", "density"),
    baselines: Sequence[str] = ("dense width", "dense weights", "linear", "forest", "constant"),
    seeds: int = 5,
    n_folds: int = 0,
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15),
    training: TrainingOptions | None = None,
    preset: str | None = None,
    missing: str = "raise",
    metric: str | None = None,
    method: str | None = None,
    measure: str = "importance",
    correction: str = "binn",
    top: int = 10,
    jobs: int | None = None,
    say: Say = log_info,
    **model_options: Unpack[ModelChanges],
) -> Comparison:
    """Train a network, its controls and its baselines on the same splits, and compare them.

    Every run is kept in ``folder/runs`` when it is done: the same call, repeated after it was stopped, goes on with
    those that are missing.

    Parameters
    ----------
    arch, data, labels, training, preset, missing, **model_options
        As in `train`.
    folder
        Where runs are kept; made if it is not there.
    controls
        Of `CONTROLS`: those of `randomize`, and ``"input"``, the real prior on a `control_input`. Each run draws its
        own.
    baselines
        Of `BASELINES`.
    seeds
        Number of seeds: of splits, initial weights and controls; from that of ``training`` on.
    n_folds
        0: a random split per seed; else this many folds per seed.
    fractions
        Of training, validation and test cells.
    metric
        A score of the test cells; ``"balanced_accuracy"`` or ``"r2"`` if None.
    method
        How importance is measured, as in `rank_nodes`; on the test cells.
    measure
        What nodes are ranked by, of `MEASURES`: ``"importance"``, or ``"activity_difference"``, which says how well the
        node alone tells the classes apart. Runs are kept with both.
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
        A name is unknown, or there are no seeds.
    OutputError
        Another process compares in the same folder, or it cannot be written.
    VNNError
        What `train` raises.
    """
    from keras_vnn.inspection import corrected_importance
    from keras_vnn.options import TrainingOptions

    if seeds < 1:
        raise ConfigError(f"seeds must be at least 1, got {seeds}.")
    chosen = training or TrainingOptions()
    contenders = contenders_of(tuple(controls), tuple(baselines))
    labels = labels_given(data, labels)
    corrected_importance(arch, pd.Series(dtype=float), correction)
    check_choice("The measure", measure, MEASURES if isinstance(labels, Labels) else MEASURES[:1])
    if not isinstance(labels, Labels) and not all(one.is_judged for one in contenders):
        raise ConfigError(
            "The control input is made for classes of cells; there is none for numbers.\nLeave it out: "
            'controls=("swap", "genes", "modules")'
        )
    runs_folder = made_folder(Path(folder) / "runs")
    for file in FILES:
        check_target(Path(folder) / file, overwrite=True)
    data = _in_memory(data)
    options = chosen.to_json()
    depends = {"preset": preset, "missing": missing, "method": method, "model_options": dict(model_options)}
    identity = digest_of(identity_of(architecture=arch, data=data, labels=labels, training=options, **depends))
    shared = Shared(arch, data, labels, options, preset, model_options, missing, method, identity)
    splits = splits_of(labels, seeds=seeds, n_folds=n_folds, first_seed=chosen.seed, fractions=fractions)
    all_jobs = [
        Job(contender, replicate, seed, split)
        for replicate, (seed, split) in enumerate(splits)
        for contender in contenders
    ]
    with alone_at(runs_folder):
        known = {job.name: finished(runs_folder, job, identity) for job in all_jobs}
        missing_jobs = [job for job in all_jobs if known[job.name] is None]
        done = len(all_jobs) - len(missing_jobs)
        if done:
            say(f"{done} of {len(all_jobs)} runs were done before")
        for run in parallel_runs(shared, missing_jobs, jobs):
            keep(runs_folder, run)
            done, known[run.name] = done + 1, dict(run.record)
            said = f"{run.record['contender']}, replicate {run.record['replicate'] + 1}: {_scores(run.record)}"
            say(f"run {done:>3}/{len(all_jobs)}  {said}")
    runs = _runs_table([known[job.name] for job in all_jobs])
    score = _metric(metric, runs, labels)
    importance = {
        contender.name: _importance(runs_folder, [job for job in all_jobs if job.contender is contender], measure)
        for contender in contenders
        if contender.has_named_nodes
    }
    corrected = {
        name: table.apply(lambda column: corrected_importance(arch, column, correction))
        for name, table in importance.items()
    }
    stability = {
        name: rank_stability(table, top=top)
        for name, table in corrected.items()
        if table.shape[1] > 1 and table.shape[0] > 1
    }
    summary = summarised(runs, contenders, score, stability)
    nodes = _node_table(arch, importance, corrected[REAL], contenders, test_to_train(runs))
    about = {
        "seeds": seeds,
        "folds": n_folds,
        "first_seed": chosen.seed,
        "measure": measure,
        "method": method or "the default of the model",
        "correction": correction,
        "top": top,
        "fingerprint": arch.fingerprint,
        "version": version("keras-vnn"),
    }
    return Comparison(score, runs, summary, nodes, _place(arch, importance), verdict_of(summary, score), about)


def _in_memory(data: Any) -> Any:
    """Return data that lie on disk as data that can be sent to processes; others as they are."""
    from scipy import sparse

    is_there = isinstance(data, pd.DataFrame) or isinstance(data.X, np.ndarray) or sparse.issparse(data.X)
    return data if is_there else data.to_memory()


def _scores(record: Mapping[str, Any]) -> str:
    shown = list(record["metrics"].items())
    return ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in shown if name != "cells")


def _runs_table(records: Sequence[Any]) -> pd.DataFrame:
    rows = [
        {
            **{name: record[name] for name in ("contender", "kind", "replicate", "seed")},
            **record["cells"],
            **{name: value for name, value in record["metrics"].items() if name != "cells"},
            **{name: record[name] for name in ("weights", "epochs", "seconds")},
        }
        for record in records
    ]
    return pd.DataFrame(rows).astype({"weights": "Float64", "epochs": "Int64"})


def _metric(metric: str | None, runs: pd.DataFrame, labels: Labels | Targets) -> str:
    other = ("contender", "kind", "replicate", "seed", "train", "test", "weights", "epochs", "seconds")
    known = [name for name in runs.columns if name not in other]
    if metric is None:
        return "balanced_accuracy" if isinstance(labels, Labels) else "r2"
    check_choice("The metric", metric, known)
    return metric


def _importance(folder: Path, jobs: Sequence[Job], measure: str) -> pd.DataFrame:
    """Return importance by node and replicate; a node whose activity does not vary has none."""
    columns = {job.replicate: read_table(folder / f"{job.name}.nodes.csv").set_index("id")[measure] for job in jobs}
    return pd.DataFrame(columns).apply(pd.to_numeric, errors="coerce").fillna(0.0)


def _place(arch: Architecture, importance: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return how importance correlates with degree and reach; controls by swaps and permuted genes keep both."""
    from scipy.stats import spearmanr

    places = node_degrees(arch)
    reach = places["upstream"] + places["downstream"]
    real = importance[REAL].mean(axis=1)
    rows = {}
    for name, table in importance.items():
        mean = table.mean(axis=1)
        varies = np.ptp(mean) > 0
        rows[name] = {
            "with the degree": spearmanr(mean, places["degree"]).statistic
            if varies and np.ptp(places["degree"])
            else np.nan,
            "with nodes on any path": spearmanr(mean, reach).statistic if varies and np.ptp(reach) else np.nan,
            "with importance under the real prior": spearmanr(mean, real).statistic
            if name != REAL and varies and np.ptp(real)
            else np.nan,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("contender")


def _node_table(
    arch: Architecture,
    importance: Mapping[str, pd.DataFrame],
    corrected: pd.DataFrame,
    contenders: Sequence[Contender],
    ratio: float,
) -> pd.DataFrame:
    real = importance[REAL]
    layers = arch.node_table().loc[real.index, ["label", "kind", "layer"]]
    ranks = real.groupby(layers["layer"]).rank(ascending=False, method="average")
    table = layers.assign(
        genes=_genes(arch),
        importance=real.mean(axis=1),
        sd=real.std(axis=1) if real.shape[1] > 1 else np.nan,
        rank=ranks.mean(axis=1),
        rank_sd=ranks.std(axis=1) if real.shape[1] > 1 else np.nan,
        corrected=corrected.mean(axis=1),
    )
    for contender in contenders:
        if contender.kind not in ("control", "input"):
            continue
        other = importance[contender.name]
        against = node_differences(real, other, test_to_train=ratio)
        table[f"importance {contender.name}"] = other.mean(axis=1)
        for column in ("difference", "effect_size", "p", "adjusted_p"):
            table[f"{column} {contender.name}"] = against[column]
    return table.sort_values("corrected", ascending=False, kind="stable")


def _genes(arch: Architecture) -> list[int]:
    return [int(count) for counts in gene_counts(arch)[1:] for count in counts]
