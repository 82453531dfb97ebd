"""Runs of a comparison: a contender trained on one split, scored, and what its nodes say; in parallel, kept in files.

In: a `Job` and what all jobs share. Out: a `Record` of its scores and, where nodes have names, a table of importance,
as JSON and CSV. A run whose files are there is not repeated. Runs may be carried out anywhere, by processes of this
machine or workers of dask or ray; their files are written where the comparison was started.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.architecture import Architecture
from keras_vnn.basics.csv_tables import csv_text
from keras_vnn.basics.errors import VNNError
from keras_vnn.basics.keras_import import import_keras
from keras_vnn.basics.runs import Count, Kept, digest_of, read_result, write_result, write_text
from keras_vnn.data import (
    Labels,
    Side,
    Split,
    SurvivalTimes,
    Targets,
    align,
    fit_normalization,
    folds,
    null_residuals,
    split_cells,
)
from keras_vnn.data.metrics import numbers_of, reconstruction_metrics, scores
from keras_vnn.experiments.comparison._contenders import DENSE, Contender, baseline_estimator
from keras_vnn.experiments.controls import control_input, dense_like, randomize
from keras_vnn.experiments.evaluation import clustering_scores, retrieval_scores
from keras_vnn.options import ModelOptions, TrainingOptions, model_options
from keras_vnn.recipes.run import trainer_of


class _Cells(Kept):
    train: Count
    test: Count


class Record(Kept):
    """Who took part in a run, and its scores of the test cells."""

    contender: str
    kind: str
    replicate: int
    seed: int
    cells: _Cells
    metrics: dict[str, float]
    epochs: Count | None
    weights: Count | None
    seconds: float
    identity: str


# With the record, by id of the hidden node, its importance and what else `tl.rank_nodes` measures; None without names.
Run = tuple[Record, pd.DataFrame | None]


@dataclass(frozen=True, eq=False)
class Shared:
    """What all runs of a comparison have in common.

    Attributes
    ----------
    arch
        The real prior.
    data, labels, training
        As in `train`; an autoencoder may have no labels.
    objective
        Of `TASKS`.
    missing, how
        The policy for missing genes, and further arguments of the function that trains for the objective.
    method
        How importance is measured; `None` for the default of `tl.rank_nodes`.
    identity
        Digest of all of the above.
    """

    arch: Architecture
    data: Any
    labels: Labels | Targets | None
    training: TrainingOptions
    objective: str
    missing: str
    how: Mapping[str, Any]
    method: str | None
    identity: str

    @property
    def filled(self) -> str:
        """The policy for genes the data lack, where training means are not known."""
        return "zero" if self.missing == "mean" else self.missing

    @property
    def cells(self) -> NDArray[np.intp]:
        """Positions in the data of the cells that are split."""
        return np.arange(len(self.data)) if self.labels is None else self.labels.cells


@dataclass(frozen=True, eq=False)
class Job:
    """A contender and a split, whose seed is that of the initial weights, and of a control; replicates count from 0."""

    contender: Contender
    replicate: int
    seed: int
    split: Split

    def identity(self, shared: str) -> str:
        """Return a digest of the run, from that of what all runs share."""
        return digest_of([shared, self.contender, self.seed, self.replicate, self.split.to_json()])


def splits_of(
    labels: Labels | Targets | NDArray[np.intp],
    seeds: Sequence[int],
    *,
    n_folds: int,
    fractions: tuple[float, float, float],
    groups: Any,
) -> list[tuple[int, Split]]:
    """Return seeds and splits: for every seed a random one, or all folds; of whole groups of cells, if there are.

    Cells without labels are given by their positions.
    """
    how: dict[str, Any] = {"groups": groups, "stratify": not isinstance(labels, np.ndarray)}
    if not n_folds:
        return [(seed, split_cells(labels, fractions=fractions, seed=seed, **how)) for seed in seeds]
    held_out = max(fractions[1], 0.0)
    return [(seed, split) for seed in seeds for split in folds(labels, n_folds, seed=seed, validation=held_out, **how)]


def nodes_file(folder: Path, run: Job | Record) -> Path:
    """Return where the nodes of a run are kept, next to its record."""
    who = run.contender if isinstance(run, Record) else run.contender.name
    return folder / f"{who.replace(' ', '-')}-{run.replicate:03}.nodes.csv"


def _record_file(folder: Path, run: Job | Record) -> Path:
    return nodes_file(folder, run).with_suffix("").with_suffix(".json")


def finished(folder: Path, job: Job, shared: str, *, are_labelled: bool = True) -> Record | None:
    """Return the record of a run that was done before; None if there is none, or it is of something else.

    Without labels there is nothing to say of nodes.
    """
    has_nodes = job.contender.has_named_nodes and are_labelled
    record = read_result(_record_file(folder, job), Record)
    wanted = (job.identity(shared), job.contender.name, job.replicate)
    if record is None or (record.identity, record.contender, record.replicate) != wanted:
        return None
    return None if has_nodes and not nodes_file(folder, job).exists() else record


def keep(folder: Path, record: Record, nodes: pd.DataFrame | None) -> None:
    """Write the files of a run; the record last, as it says that all is there."""
    if nodes is not None:
        write_text(nodes_file(folder, record), csv_text(nodes))
    write_result(_record_file(folder, record), record)


def parallel_runs(shared: Shared, work: Sequence[Job], jobs: int | None) -> Iterator[Run]:
    """Yield the results of jobs as they are done, so that each can be kept at once.

    Parameters
    ----------
    shared
        What they have in common.
    work
        The jobs.
    jobs
        How many at once; None for what a ``joblib.parallel_config`` says, or one.
    """
    from joblib import Parallel, delayed, effective_n_jobs
    from joblib.parallel import get_active_backend

    backend, configured = get_active_backend()
    asked = jobs if jobs is not None else configured if configured is not None else backend.default_n_jobs
    at_once = max(1, effective_n_jobs(asked))
    # Processes of this machine share its processors; what a cluster gives its workers is theirs.
    is_local = type(backend).__module__.startswith("joblib._parallel_backends")
    threads = max(1, (os.cpu_count() or 1) // at_once) if is_local and at_once > 1 else None
    # Not every backend hands out results as they come: then in portions, so that what is done is kept.
    yields = bool(getattr(backend, "supports_return_generator", False))
    step = max(1, len(work)) if yields else at_once
    for start in range(0, len(work), step):
        yield from Parallel(n_jobs=jobs, return_as="generator_unordered" if yields else "list", batch_size=1)(
            delayed(_run_job)(shared, job, threads) for job in work[start : start + step]
        )


def _run_job(shared: Shared, job: Job, threads: int | None) -> Run:
    """Train and score a contender on a split, with so many threads where this process has not used any yet."""
    if threads is not None:
        for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "KERAS_VNN_THREADS", "OMP_NUM_THREADS"):
            os.environ.setdefault(name, str(threads))
    start = time.perf_counter()
    facts, nodes = _network_run(shared, job) if job.contender.is_network else (_baseline_run(shared, job), None)
    record = Record(
        contender=job.contender.name,
        kind=job.contender.kind,
        replicate=job.replicate,
        seed=job.seed,
        cells=_Cells(train=len(job.split.train), test=len(job.split.test)),
        **facts,
        seconds=round(time.perf_counter() - start, 2),
        identity=job.identity(shared.identity),
    )
    return record, nodes


def _network_run(shared: Shared, job: Job) -> tuple[dict[str, Any], pd.DataFrame | None]:
    import_keras()
    import keras

    contender, how = job.contender, shared.how
    network, shared = _contender(shared, job)
    pretraining = how.get("pretraining")
    if contender.kind == "baseline" and pretraining is not None:
        # All that a fully connected network has are dense units.
        how = {**how, "pretraining": pretraining.changed(layers="all")}
    result = trainer_of(shared.objective)(
        network,
        shared.data,
        shared.labels,
        training=shared.training.changed(seed=job.seed),
        split=job.split,
        missing=shared.missing,
        progress=False,
        **how,
    )
    if not len(job.split.test):
        raise VNNError("A comparison needs test cells for its scores; the split has none.")
    metrics = _network_scores(shared, job, result)
    nodes = _nodes(shared, job, result.model) if contender.has_named_nodes and shared.labels is not None else None
    weights = int(result.model.count_params())
    keras.backend.clear_session()
    return {"metrics": metrics, "epochs": len(result.history), "weights": weights}, nodes


def _contender(shared: Shared, job: Job) -> tuple[Architecture, Shared]:
    """Return the network that is trained, and what runs share with the data it is trained on."""
    arch, contender = shared.arch, job.contender
    if contender.kind == "input" and isinstance(shared.labels, Labels):
        data, labels = control_input(shared.data, shared.labels, job.seed)
        return arch, replace(shared, data=data, labels=labels)
    if contender.kind == "control":
        needs_expression = contender.name in ("expression", "modules")
        train_cells = shared.cells[job.split.train]
        expression = align(shared.data[train_cells], arch, missing=shared.filled) if needs_expression else None
        return randomize(arch, contender.name, job.seed, expression=expression), shared
    return (dense_like(arch, same=DENSE[contender.name]) if contender.kind == "baseline" else arch), shared


def _network_scores(shared: Shared, job: Job, result: Any) -> dict[str, float]:
    from keras_vnn.inspection import embed, predict
    from keras_vnn.models import view
    from keras_vnn.training import restored_genes

    if shared.objective == "prediction":
        return numbers_of(result.metrics.to_json())
    if shared.objective == "autoencoder":
        matrix = _expression(shared, view(result.model).normalization)
        test = shared.data[shared.cells[job.split.test]]
        restored = predict(result.model, test, missing=shared.filled).to_numpy()
        return _reconstruction(matrix, restored, job.split, restored_genes(result.model))
    embedded = embed(result.model, shared.data[shared.cells], missing=shared.filled).X
    return _embedding_scores(np.asarray(embedded), shared.labels, job)


def _embedding_scores(embedded: NDArray[Any], labels: Any, job: Job) -> dict[str, float]:
    """Return how well test cells find cells of their type among those of the training, and gather by type."""
    train, test = job.split.train, job.split.test
    both = np.concatenate([train, test])
    is_test = np.arange(len(both)) >= len(train)
    names = labels.names[both]
    asked: Any = {"batches": is_test, "queries": is_test}
    found = retrieval_scores(embedded[both], names, **asked)
    nearest = retrieval_scores(embedded[both], names, **asked, top=1)
    scores = {
        "average_precision": found.mean_average_precision,
        "average_precision_over_types": found.mean_over_types,
        "nearest_neighbour_accuracy": nearest.mean_average_precision,
    }
    clusters = {"v_measure": math.nan, "adjusted_rand": math.nan}
    if len(set(names[is_test])) > 1:
        gathered = clustering_scores(embedded[test], names[is_test], seed=job.seed)
        clusters = {name: getattr(gathered, name) for name in clusters}
    return scores | clusters


def _reconstruction(
    matrix: NDArray[Any], restored: NDArray[Any], split: Split, is_restored: NDArray[np.bool_] | None = None
) -> dict[str, float]:
    """Return how well all genes of the test cells are restored; what is not restored counts as its mean.

    All contenders are so judged by the same genes, whichever their nodes read.
    """
    if is_restored is not None:
        restored = np.where(is_restored, restored, matrix[split.train].mean(axis=0))
    scores = numbers_of(reconstruction_metrics([(matrix[split.test], restored)]).to_json())
    return {"explained_variance": scores["explained"], "squared_error": scores["squared_error"]}


def _nodes(shared: Shared, job: Job, model: Any) -> pd.DataFrame:
    """Return what the named nodes of a model say in the test cells, in the order of the architecture."""
    from keras_vnn.inspection import ranked_nodes

    labels = shared.labels
    test = shared.cells[job.split.test]
    truth = (labels.names if isinstance(labels, Labels) else labels.values)[job.split.test]  # type: ignore[union-attr]
    order = [node.id for layer in shared.arch.hidden_layers for node in layer]
    asked = (model, shared.data[test], truth)
    said = ranked_nodes(*asked, missing=shared.filled)[["evidence", "q", "learned", "learned_q"]]
    if shared.objective != "prediction":
        return said.reindex(order)
    ranking = ranked_nodes(*asked, by=shared.method or "knockout", missing=shared.filled)
    return ranking.drop(columns=["label", "kind", "layer", "genes", "rank"]).reindex(order).join(said)


def _expression(shared: Shared, normalization: Any) -> NDArray[np.float32]:
    """Return ``(cells that are split, genes)`` as a network reads it."""
    return align(shared.data, shared.arch, missing=shared.missing, normalization=normalization)[shared.cells]


def _baseline_run(shared: Shared, job: Job) -> dict[str, Any]:
    arch, data, training, cells = shared.arch, shared.data, shared.training, shared.cells
    train, test = job.split.train, job.split.test
    fitted = fit_normalization(training.normalization, data, arch, cells=cells[train], missing=shared.filled)
    matrix = _expression(shared, fitted)
    if shared.objective != "prediction":
        return _compressed(shared, job, matrix)
    labels: Any = shared.labels
    side = Side.fit(data, shared.how.get("side"), shared.how.get("covariate", ()), cells, cells[train])
    if side.width:
        matrix = np.hstack([matrix, side.values(data, cells, array=shared.how.get("side"))])
    estimator = baseline_estimator(
        job.contender.name,
        is_classification=isinstance(labels, Labels),
        is_weighted=training.class_weights == "balanced",
        seed=job.seed,
    )
    # The validation cells stop a network; other methods have no use for them.
    truth = labels.truth
    if isinstance(labels, Labels):
        estimator.fit(matrix[train], truth[train])
        predicted = np.zeros((len(test), len(labels.classes)))
        predicted[:, estimator.classes_] = estimator.predict_proba(matrix[test])
    else:
        wanted = truth[train] if truth.shape[1] > 1 else truth[train, 0]
        wanted = null_residuals(wanted) if isinstance(labels, SurvivalTimes) else wanted
        predicted = estimator.fit(matrix[train], wanted).predict(matrix[test]).reshape(len(test), -1)
    metrics = scores(labels, truth[test], predicted).to_json()
    last = estimator[-1] if job.contender.name == "linear" else None
    weights = None if last is None else int(last.coef_.size + np.size(last.intercept_))
    return {"metrics": numbers_of(metrics), "epochs": None, "weights": weights}


def _compressed(shared: Shared, job: Job, matrix: NDArray[np.float32]) -> dict[str, Any]:
    """Return the scores of what, as an embedding or an autoencoder does, makes fewer numbers of the genes."""
    from sklearn.decomposition import PCA

    train, test = job.split.train, job.split.test
    found: Any = matrix
    weights = None
    if job.contender.name == "pca":
        components = min(_dimensions(shared), *matrix[train].shape)
        pca = PCA(components, svd_solver="full").fit(matrix[train])
        found, weights = pca.transform(matrix), int(pca.components_.size + pca.mean_.size)
        restored = pca.inverse_transform(found[test])
    else:
        restored = np.broadcast_to(matrix[train].mean(axis=0), matrix[test].shape)
    metrics = (
        _reconstruction(matrix, restored, job.split)
        if shared.objective == "autoencoder"
        else _embedding_scores(found, shared.labels, job)
    )
    return {"metrics": metrics, "epochs": None, "weights": weights}


def _dimensions(shared: Shared) -> int:
    """Return how many numbers the network makes of a cell: its last units, or the latent values."""
    if shared.objective != "autoencoder":
        changes = {name: value for name, value in shared.how.items() if name in ModelOptions.model_fields}
        if tail := model_options(shared.how.get("preset"), changes).tail:
            return tail[-1]
    arch = shared.arch
    named = (layer.units[arch.sink_nodes(number)].sum() for number, layer in enumerate(arch.hidden_layers, start=1))
    return int(sum(named) + sum(layer.dense_units for layer in arch.hidden_layers))
