"""Runs of a comparison: a contender trained on one split, scored, and what its nodes say; in parallel, kept in files.

In: a `Job` and what all jobs share. Out: a `Record` of its scores and, where nodes have names, a table of importance,
as JSON and CSV. A run whose files are there is not repeated. Runs may be carried out anywhere, by processes of this
machine or workers of dask or ray; their files are written where the comparison was started.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from keras_vnn.architecture import Architecture
from keras_vnn.basics.csv_tables import csv_text
from keras_vnn.basics.errors import VNNError, check_choice
from keras_vnn.basics.keras_import import import_keras
from keras_vnn.basics.runs import Count, Kept, digest_of, read_result, write_result, write_text
from keras_vnn.data import Labels, Side, Split, Targets, align, fit_normalization, folds, split_cells
from keras_vnn.data.metrics import numbers_of, scores
from keras_vnn.experiments.controls import CONTROL_METHODS, control_input, dense_like, randomize
from keras_vnn.options import TrainingOptions

REAL = "real prior"
_INPUT = "input"
_DENSE = {"dense width": "width", "dense weights": "weights"}

CONTROLS: Mapping[str, str] = MappingProxyType(
    {**CONTROL_METHODS, _INPUT: "the real prior trained on data in which all genes tell as much"}
)

BASELINES: Mapping[str, str] = MappingProxyType(
    {
        "dense width": "fully connected network of the same width",
        "dense weights": "fully connected network of the same number of weights",
        "linear": "logistic regression, or ridge regression",
        "forest": "random forest of 500 trees",
        "constant": "most frequent class, or the mean",
    }
)


@dataclass(frozen=True, slots=True)
class Contender:
    """One that takes part.

    Attributes
    ----------
    name
        In tables.
    kind
        ``prior``, ``control``, ``input`` (the real prior on a control input) or ``baseline``.
    description
        For people.
    """

    name: str
    kind: str
    description: str

    @property
    def is_network(self) -> bool:
        """Whether a network is trained."""
        return self.kind != "baseline" or self.name in _DENSE

    @property
    def is_judged(self) -> bool:
        """Whether its score can be compared: a control input is another task."""
        return self.kind != "input"

    @property
    def has_named_nodes(self) -> bool:
        """Whether its nodes are those of the real prior."""
        return self.kind != "baseline"


def contenders_of(controls: tuple[str, ...], baselines: tuple[str, ...]) -> tuple[Contender, ...]:
    """Return all that take part, the real prior first.

    Raises
    ------
    ConfigError
        A name is unknown.
    """
    found = [Contender(REAL, "prior", "the architecture as it was built")]
    for kind, names, known in (("control", controls, CONTROLS), ("baseline", baselines, BASELINES)):
        for name in dict.fromkeys(names):
            check_choice(f"A {kind}", name, known)
            found.append(Contender(name, "input" if kind == "control" and name == _INPUT else kind, known[name]))
    return tuple(found)


def baseline_estimator(name: str, *, is_classification: bool, is_weighted: bool, seed: int) -> Any:
    """Return a scikit-learn estimator."""
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    weights = "balanced" if is_weighted else None
    if name == "forest":
        if is_classification:
            return RandomForestClassifier(500, class_weight=weights, random_state=seed, n_jobs=1)
        return RandomForestRegressor(500, random_state=seed, n_jobs=1)
    if name == "constant":
        return DummyClassifier(strategy="prior") if is_classification else DummyRegressor()
    ridge = RidgeCV([10.0**power for power in range(-2, 6)])
    logistic = LogisticRegression(max_iter=2000, class_weight=weights, random_state=seed)
    return make_pipeline(StandardScaler(), logistic if is_classification else ridge)


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
        As in `train`.
    missing, how
        The policy for missing genes, and further arguments of `train`.
    method
        How importance is measured; `None` for the default of `tl.rank_nodes`.
    identity
        Digest of all of the above.
    """

    arch: Architecture
    data: Any
    labels: Labels | Targets
    training: TrainingOptions
    missing: str
    how: Mapping[str, Any]
    method: str | None
    identity: str

    @property
    def filled(self) -> str:
        """The policy for genes the data lack, where training means are not known."""
        return "zero" if self.missing == "mean" else self.missing


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
    labels: Labels | Targets, seeds: Sequence[int], *, n_folds: int, fractions: tuple[float, float, float], groups: Any
) -> list[tuple[int, Split]]:
    """Return seeds and splits: for every seed a random one, or all folds; of whole groups of cells, if there are."""
    if not n_folds:
        return [(seed, split_cells(labels, fractions=fractions, seed=seed, groups=groups)) for seed in seeds]
    held_out = max(fractions[1], 0.0)
    return [
        (seed, split)
        for seed in seeds
        for split in folds(labels, n_folds, seed=seed, validation=held_out, groups=groups)
    ]


def nodes_file(folder: Path, run: Job | Record) -> Path:
    """Return where the nodes of a run are kept, next to its record."""
    who = run.contender if isinstance(run, Record) else run.contender.name
    return folder / f"{who.replace(' ', '-')}-{run.replicate:03}.nodes.csv"


def _record_file(folder: Path, run: Job | Record) -> Path:
    return nodes_file(folder, run).with_suffix("").with_suffix(".json")


def finished(folder: Path, job: Job, shared: str) -> Record | None:
    """Return the record of a run that was done before; None if there is none, or it is of something else."""
    record = read_result(_record_file(folder, job), Record)
    wanted = (job.identity(shared), job.contender.name, job.replicate)
    if record is None or (record.identity, record.contender, record.replicate) != wanted:
        return None
    return None if job.contender.has_named_nodes and not nodes_file(folder, job).exists() else record


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

    from keras_vnn.inspection import ranked_nodes
    from keras_vnn.training import train

    arch, data, labels, contender = shared.arch, shared.data, shared.labels, job.contender
    network = arch
    if contender.kind == "input" and isinstance(labels, Labels):
        data, labels = control_input(data, labels, job.seed)
    elif contender.kind == "control":
        needs_expression = contender.name in ("expression", "modules")
        train_cells = labels.cells[job.split.train]
        expression = align(data[train_cells], arch, missing=shared.filled) if needs_expression else None
        network = randomize(arch, contender.name, job.seed, expression=expression)
    elif contender.kind == "baseline":
        network = dense_like(arch, same=_DENSE[contender.name])
    options = shared.training.changed(seed=job.seed)
    result = train(
        network, data, labels, training=options, split=job.split, missing=shared.missing, progress=False, **shared.how
    )
    if result.metrics is None:
        raise VNNError("A comparison needs test cells for its scores; the split has none.")
    nodes = None
    if contender.has_named_nodes:
        test = labels.cells[job.split.test]
        truth = (labels.names if isinstance(labels, Labels) else labels.values)[job.split.test]
        order = [node.id for layer in arch.hidden_layers for node in layer]
        asked = (result.model, data[test], truth)
        ranking = ranked_nodes(*asked, by=shared.method or "knockout", missing=shared.filled)
        said = ranked_nodes(*asked, missing=shared.filled)
        nodes = ranking.drop(columns=["label", "kind", "layer", "genes", "rank"]).reindex(order)
        nodes = nodes.join(said[["evidence", "q", "learned", "learned_q"]])
    weights = int(result.model.count_params())
    keras.backend.clear_session()
    return {"metrics": numbers_of(result.metrics.to_json()), "epochs": len(result.history), "weights": weights}, nodes


def _baseline_run(shared: Shared, job: Job) -> dict[str, Any]:
    arch, data, labels, training = shared.arch, shared.data, shared.labels, shared.training
    train, test = job.split.train, job.split.test
    fitted = fit_normalization(training.normalization, data, arch, cells=labels.cells[train], missing=shared.filled)
    matrix = align(data, arch, missing=shared.missing, normalization=fitted)[labels.cells]
    side = Side.fit(data, shared.how.get("side"), shared.how.get("covariate", ()), labels.cells, labels.cells[train])
    if side.width:
        matrix = np.hstack([matrix, side.values(data, labels.cells, array=shared.how.get("side"))])
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
        predicted = estimator.fit(matrix[train], wanted).predict(matrix[test]).reshape(len(test), -1)
    metrics = scores(labels, truth[test], predicted).to_json()
    last = estimator[-1] if job.contender.name == "linear" else None
    weights = None if last is None else int(last.coef_.size + np.size(last.intercept_))
    return {"metrics": numbers_of(metrics), "epochs": None, "weights": weights}
