"""One run of a comparison: a contender trained on one split, scored, and what its nodes say; kept in files.

In: a `Job` and what all jobs share. Out: a `Run`, and files of it: JSON of its scores and, where nodes have names, a
table of importance. A run whose files are there is not repeated, so that a comparison that was stopped goes on with
what is missing. Runs may be carried out anywhere; their files are written where the comparison was started.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, NonNegativeInt

from keras_vnn.architecture import Architecture
from keras_vnn.basics.csv_tables import csv_text
from keras_vnn.basics.errors import VNNError
from keras_vnn.basics.files import replacing
from keras_vnn.basics.identity import digest_of
from keras_vnn.basics.quiet import import_keras
from keras_vnn.data import Labels, Split, Targets, align, fit_normalization, folds, split_cells
from keras_vnn.experiments.comparison._contenders import Contender, baseline_estimator, network_of
from keras_vnn.experiments.controls import control_input

__all__ = ["Job", "Run", "Shared", "finished", "keep", "run_job", "splits_of"]


class _Cells(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    train: NonNegativeInt
    test: NonNegativeInt


class _Record(BaseModel):
    """A record is believed only if it is of these kinds: a file may have been damaged or edited."""

    model_config = ConfigDict(extra="forbid", strict=True)

    contender: str
    kind: str
    replicate: int
    seed: int
    cells: _Cells
    metrics: dict[str, float]
    epochs: NonNegativeInt | None
    weights: NonNegativeInt | None
    seconds: float
    identity: str


@dataclass(frozen=True, eq=False)
class Shared:
    """What all runs of a comparison have in common.

    Attributes
    ----------
    arch
        The real prior.
    data
        AnnData or DataFrame, cells × genes.
    labels
        What is predicted.
    training
        Fields of `TrainingOptions`.
    preset, model_options, missing
        As in `train`.
    method
        How importance is measured; `None` for the default of `rank_nodes`.
    identity
        Digest of all of the above: runs of another comparison are not taken for those of this one.
    """

    arch: Architecture
    data: Any
    labels: Labels | Targets
    training: Mapping[str, Any]
    preset: str | None
    model_options: Mapping[str, Any]
    missing: str
    method: str | None
    identity: str


@dataclass(frozen=True, eq=False)
class Job:
    """A contender and a split.

    Attributes
    ----------
    contender
        Who.
    replicate
        Number of the split, from 0.
    seed
        Of the initial weights, and of a control.
    split
        The cells.
    """

    contender: Contender
    replicate: int
    seed: int
    split: Split

    @property
    def name(self) -> str:
        """Of the files of the run, without ending."""
        return f"{self.contender.name.replace(' ', '-')}-{self.replicate:03}"


def splits_of(
    labels: Labels | Targets, *, seeds: int, n_folds: int, first_seed: int, fractions: tuple[float, float, float]
) -> list[tuple[int, Split]]:
    """Return seeds and splits: for every seed a random one, or all folds."""
    if n_folds:
        return [
            (first_seed + seed, split)
            for seed in range(seeds)
            for split in folds(labels, n_folds, seed=first_seed + seed, validation=max(fractions[1], 0.0))
        ]
    return [
        (first_seed + seed, split_cells(labels, fractions=fractions, seed=first_seed + seed)) for seed in range(seeds)
    ]


def finished(folder: Path, job: Job, identity: str) -> dict[str, Any] | None:
    """Return the record of a run that was done before; None if there is none, or it is of something else."""
    try:
        record = _Record.model_validate_json((folder / f"{job.name}.json").read_bytes())
    except (OSError, ValueError):
        return None
    known = (record.contender, record.kind, record.replicate, record.seed, record.identity)
    asked = (job.contender.name, job.contender.kind, job.replicate, job.seed, _identity_of(job, identity))
    if known != asked or (job.contender.has_named_nodes and not (folder / f"{job.name}.nodes.csv").exists()):
        return None
    return record.model_dump()


@dataclass(frozen=True, eq=False)
class Run:
    """What a job gave.

    Attributes
    ----------
    name
        Of the job.
    record
        Plain JSON values.
    nodes
        By id of the hidden node its ``importance``, and what else `rank_nodes` measures; None for those whose nodes
        have no names.
    """

    name: str
    record: Mapping[str, Any]
    nodes: pd.DataFrame | None


def run_job(shared: Shared, job: Job, threads: int | None = None) -> Run:
    """Carry out a job.

    Parameters
    ----------
    threads
        Threads to use, where several runs share a machine.
    """
    if threads is not None:
        for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "KERAS_VNN_THREADS", "OMP_NUM_THREADS"):
            os.environ.setdefault(name, str(threads))
    start = time.perf_counter()
    facts, nodes = _network_run(shared, job) if job.contender.is_network else (_baseline_run(shared, job), None)
    record = {
        "contender": job.contender.name,
        "kind": job.contender.kind,
        "replicate": job.replicate,
        "seed": job.seed,
        "cells": {"train": len(job.split.train), "test": len(job.split.test)},
        **facts,
        "seconds": round(time.perf_counter() - start, 2),
        "identity": _identity_of(job, shared.identity),
    }
    return Run(job.name, record, nodes)


def keep(folder: Path, run: Run) -> None:
    """Write the files of a run; the record last, as it says that all is there."""
    if run.nodes is not None:
        with replacing(folder / f"{run.name}.nodes.csv", overwrite=True) as partial:
            partial.write_text(csv_text(run.nodes), encoding="utf-8", newline="\n")
    with replacing(folder / f"{run.name}.json", overwrite=True) as partial:
        partial.write_text(json.dumps(run.record, indent=1), encoding="utf-8")


def _network_run(shared: Shared, job: Job) -> tuple[dict[str, Any], pd.DataFrame | None]:
    import_keras()
    import keras

    from keras_vnn.inspection import rank_nodes
    from keras_vnn.options import TrainingOptions
    from keras_vnn.training import train

    options = TrainingOptions(**shared.training).changed(seed=job.seed)
    data, labels = shared.data, shared.labels
    if job.contender.kind == "input" and isinstance(labels, Labels):
        data, labels = control_input(data, labels, job.seed)
    rows = labels.cells[job.split.train]
    needs_data = job.contender.name in ("expression", "modules")
    expression = align(data[rows], shared.arch, missing=_filled(shared.missing)) if needs_data else None
    network = network_of(job.contender, shared.arch, job.seed, expression)
    result = train(
        network,
        data,
        labels,
        training=options,
        split=job.split,
        missing=shared.missing,
        preset=shared.preset,
        **shared.model_options,
    )
    if result.metrics is None:
        raise VNNError("A comparison needs test cells to judge by; the split has none.")
    nodes = None
    if job.contender.has_named_nodes:
        test = labels.cells[job.split.test]
        truth = labels.names[job.split.test] if isinstance(labels, Labels) else labels.values[job.split.test]
        ranking = rank_nodes(result.model, data[test], truth, method=shared.method, missing=_filled(shared.missing))
        order = [node.id for layer in shared.arch.hidden_layers for node in layer]
        nodes = ranking.drop(columns=["label", "kind", "layer", "genes", "rank"]).reindex(order)
    weights = int(result.model.count_params())
    keras.backend.clear_session()
    facts = {"metrics": _numbers(result.metrics.to_json()), "epochs": len(result.history), "weights": weights}
    return facts, nodes


def _baseline_run(shared: Shared, job: Job) -> dict[str, Any]:
    from keras_vnn.data import classification_metrics, regression_metrics

    labels = shared.labels
    train, test = job.split.train, job.split.test
    fitted = fit_normalization(
        shared.training["normalization"],
        shared.data,
        shared.arch,
        cells=labels.cells[train],
        missing=_filled(shared.missing),
    )
    matrix = align(shared.data, shared.arch, missing=shared.missing, normalization=fitted)[labels.cells]
    is_classification = isinstance(labels, Labels)
    is_weighted = shared.training["class_weights"] == "balanced"
    estimator = baseline_estimator(
        job.contender.name, is_classification=is_classification, is_weighted=is_weighted, seed=job.seed
    )
    # The validation cells stop a network; other methods have no use for them.
    if isinstance(labels, Labels):
        estimator.fit(matrix[train], labels.codes[train])
        probabilities = np.zeros((len(test), len(labels.classes)))
        probabilities[:, estimator.classes_] = estimator.predict_proba(matrix[test])
        metrics: Any = classification_metrics(labels.codes[test], probabilities, labels.classes).to_json()
    else:
        truth = labels.values
        wanted = truth[train] if truth.shape[1] > 1 else truth[train, 0]
        predicted = estimator.fit(matrix[train], wanted).predict(matrix[test]).reshape(len(test), -1)
        scores = [regression_metrics(truth[test][:, i], predicted[:, i]).to_json() for i in range(truth.shape[1])]
        metrics = scores[0] if len(scores) == 1 else dict(zip(labels.names, scores, strict=True))
    last = estimator[-1] if job.contender.name == "linear" else None
    weights = None if last is None else int(last.coef_.size + np.size(last.intercept_))
    return {"metrics": _numbers(metrics), "epochs": None, "weights": weights}


def _filled(missing: str) -> str:
    """Return the policy for genes the data lack, where training means are not known."""
    return "zero" if missing == "mean" else missing


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return the scores that are numbers; of several targets, their means."""
    nested = [value for value in metrics.values() if isinstance(value, Mapping)]
    if nested and all(isinstance(value, Mapping) for value in metrics.values()):
        return {str(k): float(v) for k, v in pd.DataFrame([_numbers(value) for value in nested]).mean().items()}
    return {name: float(value) for name, value in metrics.items() if isinstance(value, int | float)}


def _identity_of(job: Job, identity: str) -> str:
    return digest_of([identity, job.contender, job.seed, job.replicate, job.split.to_json()])
