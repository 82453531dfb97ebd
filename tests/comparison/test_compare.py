"""Whole comparisons of a small network: the tables, what is resumed, what is said."""

from __future__ import annotations

import json
import math
import re
import signal
import subprocess
import sys
import time

import anndata
import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from keras_vnn import Architecture, VNNError, compare, training_options
from keras_vnn.architecture.wiring import interaction_architecture
from keras_vnn.basics.files import alone_at
from keras_vnn.data import Split
from keras_vnn.experiments.comparison import REAL, Contender, contenders_of
from keras_vnn.experiments.comparison._result import summarised, verdict_of
from keras_vnn.experiments.comparison._runs import Job, Record, finished, keep
from keras_vnn.pp import labels_of, targets_of
from keras_vnn.priors import Interactions

GENES = tuple(f"G{i}" for i in range(8))
QUICK = training_options(epochs=4, batch_size=16, learning_rate=0.02, seed=5, normalization="none")
FEW = {
    "controls": ("swap", "modules", "input"),
    "baselines": ("dense weights", "linear", "constant"),
    "training": QUICK,
}


@pytest.fixture(scope="module")
def arch() -> Architecture:
    return interaction_architecture(GENES, Interactions.from_pairs(GENES, [*GENES[1:], GENES[0]]))


@pytest.fixture(scope="module")
def cells() -> anndata.AnnData:
    """Eighty cells of two types that differ in two neighbouring genes."""
    rng = np.random.default_rng(0)
    values = rng.gamma(2.0, 1.0, size=(80, 8)).astype("float32")
    values[:40, 2:4] += 3
    obs = pd.DataFrame({"type": ["T"] * 40 + ["B"] * 40, "dose": values[:, 2]}, index=[f"c{i}" for i in range(80)])
    return anndata.AnnData(values, obs=obs, var=pd.DataFrame(index=GENES))


@pytest.fixture(scope="module")
def done(arch, cells, tmp_path_factory):
    """A finished comparison and its folder."""
    folder = tmp_path_factory.mktemp("comparison")
    found = compare(arch, cells, labels_of(cells, "type"), folder, seeds=2, **FEW)
    found.save(folder)
    return found, folder


def test_all_take_part_in_the_same_splits(done, arch):
    found, _ = done
    names = [REAL, "swap", "modules", "input", "dense weights", "linear", "constant"]
    assert list(found.summary.index) == names
    assert len(found.runs) == 14
    assert (found.runs.groupby("replicate")["seed"].nunique() == 1).all()
    assert list(found.runs["seed"].unique()) == [5, 6]
    assert set(found.nodes.index) == set(arch.layers[1].ids)
    assert found.summary.loc["constant", "mean"] == 0.5
    weights = found.summary["weights"]
    assert weights[REAL] == weights["swap"] == weights["modules"]
    assert weights["linear"] == len(GENES) + 1


def test_the_tables_hold_what_the_runs_gave(done):
    found, folder = done
    records = [json.loads(path.read_text()) for path in sorted((folder / "runs").glob("*.json"))]
    assert len(records) == 14
    for record in records:
        row = found.runs[
            (found.runs["contender"] == record["contender"]) & (found.runs["replicate"] == record["replicate"])
        ].iloc[0]
        assert row["balanced_accuracy"] == record["metrics"]["balanced_accuracy"]
    per_run = [
        pd.read_csv(folder / "runs" / f"real-prior-00{i}.nodes.csv", index_col="id")["importance"] for i in range(2)
    ]
    mean = pd.concat(per_run, axis=1).mean(axis=1)
    pd.testing.assert_series_equal(found.nodes["importance"].sort_index(), mean.sort_index(), check_names=False)


def test_what_is_written_can_be_read(done):
    found, folder = done
    again = json.loads((folder / "comparison.json").read_text())
    assert again["schema"] == "keras-vnn comparison 1"
    assert again["verdict"] == found.verdict
    assert [row["contender"] for row in again["summary"]] == list(found.summary.index)
    nodes = pd.read_csv(folder / "nodes.csv", index_col="id")
    np.testing.assert_allclose(nodes["importance"], found.nodes["importance"])


def test_a_run_that_is_there_is_not_repeated_and_one_that_is_missing_is(done, arch, cells, tmp_path):
    found, folder = done
    gone = folder / "runs" / "swap-001.json"
    gone.unlink()
    before = {path: path.stat().st_mtime_ns for path in (folder / "runs").iterdir() if "swap-001" not in path.name}
    said = []

    again = compare(arch, cells, labels_of(cells, "type"), folder, seeds=2, say=said.append, **FEW)

    assert said[0] == "13 of 14 runs were done before"
    assert len(said) == 2
    assert gone.exists()
    assert before == {
        path: path.stat().st_mtime_ns for path in (folder / "runs").iterdir() if "swap-001" not in path.name
    }
    left_out = ["seconds"]
    pd.testing.assert_frame_equal(again.runs.drop(columns=left_out), found.runs.drop(columns=left_out))
    pd.testing.assert_frame_equal(again.nodes, found.nodes)


def test_nodes_are_ranked_by_how_well_each_tells_the_classes_apart(done, arch, cells):
    _, folder = done
    said = []
    found = compare(
        arch, cells, labels_of(cells, "type"), folder, seeds=2, say=said.append, measure="evidence",
        correction="none", **FEW,
    )  # fmt: skip
    assert said == ["14 of 14 runs were done before"]
    per_run = [
        pd.read_csv(folder / "runs" / f"real-prior-00{i}.nodes.csv", index_col="id")["evidence"] for i in range(2)
    ]
    expected = pd.concat(per_run, axis=1).mean(axis=1).sort_values(ascending=False)
    pd.testing.assert_series_equal(found.nodes["corrected"], expected, check_names=False)
    with pytest.raises(VNNError, match=re.escape("must be one of importance, evidence, learned; got 'activity'")):
        compare(arch, cells, labels_of(cells, "type"), folder, measure="activity")


def test_a_folder_of_another_comparison_is_left_alone(done, arch, cells, tmp_path):
    _, folder = done
    other = cells.copy()
    other.X[0, 0] += 1
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(VNNError) as error:
        compare(arch, other, labels_of(other, "type"), folder, **FEW | {"training": QUICK.changed(epochs=9)})
    first, data, training, remedy = str(error.value).splitlines()
    assert first == f"The folder holds another comparison, 2 differences: {folder}"
    assert re.fullmatch(r"    data: [0-9a-f]{32} there, [0-9a-f]{32} here", data)
    assert training == "    training.epochs: 4 there, 9 here"
    assert remedy == "Name another folder, or remove this one."
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (tmp_path / "nodes.csv").write_text("mine")
    with pytest.raises(VNNError, match=r"^The folder holds files of these names, but no comparison: .*nodes\.csv\n"):
        compare(arch, cells, labels_of(cells, "type"), tmp_path, **FEW)
    assert (tmp_path / "nodes.csv").read_text() == "mine"


def test_two_comparisons_do_not_share_a_folder(done, arch, cells):
    _, folder = done
    with alone_at(folder), pytest.raises(VNNError, match=r"^Another process is writing .* at this moment\."):
        compare(arch, cells, labels_of(cells, "type"), folder, seeds=2, **FEW)


@pytest.mark.slow
def test_numbers_are_predicted_too(arch, cells, tmp_path):
    found = compare(
        arch, cells, targets_of(cells, "dose"), tmp_path, seeds=1, training=QUICK, controls=("genes",),
        baselines=("linear", "forest", "constant"),
    )  # fmt: skip
    assert found.metric == "r2"
    assert found.summary.loc["linear", "mean"] > 0.99
    assert "One run cannot show a difference" in found.verdict


@pytest.mark.slow
def test_processes_give_what_one_gives(done, arch, cells, tmp_path):
    found, _ = done
    with joblib.parallel_config(backend="loky"):
        again = compare(arch, cells, labels_of(cells, "type"), tmp_path, seeds=2, jobs=2, **FEW)
    columns = ["contender", "replicate", "balanced_accuracy", "log_loss"]
    pd.testing.assert_frame_equal(again.runs[columns], found.runs[columns], rtol=1e-4)


@pytest.mark.slow
def test_folds_are_disjoint_and_all_cells_are_judged(arch, cells, tmp_path):
    found = compare(
        arch, cells, labels_of(cells, "type"), tmp_path, seeds=1, n_folds=3, training=QUICK, controls=(),
        baselines=("linear",),
    )  # fmt: skip
    assert found.runs.groupby("contender")["test"].sum().to_dict() == {REAL: 80, "linear": 80}


def scores(**values):
    """Return a table of runs with these scores."""
    rows = [
        {"contender": name, "replicate": i, "test": 15, "train": 70, "weights": 1, "accuracy": value}
        for name, listed in values.items()
        for i, value in enumerate(listed)
    ]
    return pd.DataFrame(rows).replace({"contender": {"real": REAL}})


def test_scores_are_compared_by_the_corrected_test():
    """Differences 0.1, 0.2, 0.3: mean 0.2, variance 0.01; (1/3 + 15/70) 0.01 is the square of the error."""
    runs = scores(real=[0.8, 0.9, 0.9], swap=[0.7, 0.7, 0.6])
    row = summarised(runs, contenders_of(("swap",), ()), "accuracy", {}).loc["swap"]
    error = math.sqrt((1 / 3 + 15 / 70) * 0.01)
    assert row["difference"] == pytest.approx(0.2)
    assert row["p"] == pytest.approx(2 * stats.t.sf(0.2 / error, 2))
    assert row["high"] - row["low"] == pytest.approx(2 * stats.t.ppf(0.975, 2) * error)
    two = summarised(
        scores(real=[0.8, 0.9, 0.9], swap=[0.7, 0.7, 0.6], genes=[0.7, 0.6, 0.7]),
        contenders_of(("swap", "genes"), ()),
        "accuracy",
        {},
    ).loc["swap"]
    assert two["high"] - two["low"] == pytest.approx(2 * stats.t.ppf(1 - 0.0125, 2) * error)


def test_the_verdict_says_what_the_numbers_do():
    rng = np.random.default_rng(0)
    real = list(0.9 + 0.002 * rng.normal(size=6))
    low, same = list(0.7 + 0.002 * rng.normal(size=6)), list(0.9 + 0.002 * rng.normal(size=6))
    contenders = contenders_of(("swap", "genes"), ("linear",))

    def verdict(swap, genes, linear):
        return verdict_of(
            summarised(scores(real=real, swap=swap, genes=genes, linear=linear), contenders, "accuracy", {}),
            "accuracy",
        )

    assert verdict(low, low, low).endswith(
        "It predicts better than all controls (swap, genes). It predicts better than all baselines (linear). "
        "What the prior knows and these controls do not helps to predict."
    )
    found = verdict(low, same, low)
    assert re.search(
        r"Compared with the controls it is better than swap; it is not distinguishable from genes "
        r"\(difference [-−+]0\.00\d to \+0\.00\d\)\.", found
    ), found  # fmt: skip
    assert found.endswith(
        "As it is not better than genes, these data do not show that the biology of the prior helps to predict."
    )
    high = [value + 0.08 for value in same]
    found = verdict(same, high, high)
    assert re.search(r"it is not distinguishable from swap \(.*\); it is worse than genes\.", found)
    assert found.endswith(
        "As it is not better than swap and genes, these data do not show that the biology of the prior helps to "
        "predict."
    )


def test_a_difference_without_spread_is_said_but_not_judged():
    runs = scores(real=[0.8, 0.9, 0.85], swap=[0.9, 1.0, 0.95])
    summary = summarised(runs, contenders_of(("swap",), ()), "accuracy", {})
    assert (
        "it is not distinguishable from swap (difference −0.100 on every split, which no test can judge)."
        in verdict_of(summary, "accuracy")
    )


def test_a_lower_loss_is_better():
    runs = scores(real=[0.1, 0.11, 0.1, 0.12], swap=[0.5, 0.52, 0.51, 0.5]).rename(columns={"accuracy": "log_loss"})
    summary = summarised(runs, contenders_of(("swap",), ()), "log_loss", {})
    assert "It predicts better than all controls (swap)." in verdict_of(summary, "log_loss")


def test_what_is_said_of_wrong_names(arch, cells, tmp_path):
    labels = labels_of(cells, "type")
    with pytest.raises(VNNError, match=re.escape("A control must be one of swap, genes, expression,")):
        compare(arch, cells, labels, tmp_path, controls=("swaps",))
    with pytest.raises(VNNError, match=re.escape("A baseline must be one of dense width,")):
        compare(arch, cells, labels, tmp_path, baselines=("dens width",))
    with pytest.raises(VNNError, match=re.escape("seeds must be an integer of at least 1, got 0")):
        compare(arch, cells, labels, tmp_path, seeds=0)


# Elsewhere, stopped and resumed.

STOPPED = """
import sys, time
import numpy as np
import keras_vnn
from keras_vnn import compare, training_options
from keras_vnn.pp import labels_of
from keras_vnn.read import architecture as load_architecture
import anndata

cells = anndata.read_h5ad(sys.argv[2])
compare(
    load_architecture(sys.argv[1]), cells, labels_of(cells, "type"), sys.argv[3], seeds=2,
    controls=("swap", "modules", "input"), baselines=("dense weights", "linear", "constant"),
    training=training_options(epochs=4, batch_size=16, learning_rate=0.02, seed=5, normalization="none"),
)
"""


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_with_what_is_missing(done, arch, cells, tmp_path):
    found, _ = done
    arch.save(tmp_path / "arch.vnn")
    cells.write_h5ad(tmp_path / "cells.h5ad")
    folder = tmp_path / "comparison"
    command = [sys.executable, "-c", STOPPED, str(tmp_path / "arch.vnn"), str(tmp_path / "cells.h5ad"), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and len(list((folder / "runs").glob("[!.]*.json"))) < 2:
            time.sleep(0.02)
        process.kill()
        assert process.wait() == -signal.SIGKILL, process.stderr.read()
    kept = {path.name: path.read_bytes() for path in (folder / "runs").glob("[!.]*.json")}
    assert 2 <= len(kept) < 14
    said = []

    again = compare(arch, cells, labels_of(cells, "type"), folder, seeds=2, say=said.append, **FEW)

    assert said[0] == f"{len(kept)} of 14 runs were done before"
    assert len(said) == 1 + 14 - len(kept)
    assert {name: (folder / "runs" / name).read_bytes() for name in kept} == kept
    columns = ["contender", "replicate", "balanced_accuracy", "log_loss"]
    pd.testing.assert_frame_equal(again.runs[columns], found.runs[columns], rtol=1e-4)


@pytest.mark.slow
def test_a_backend_that_hands_out_results_at_the_end_works_in_portions(arch, cells, tmp_path):
    """Ray's is derived from this one."""
    said = []
    with joblib.parallel_config(backend="multiprocessing", n_jobs=1):
        found = compare(
            arch, cells, labels_of(cells, "type"), tmp_path, seeds=2, training=QUICK, controls=(),
            baselines=("linear", "constant"), say=said.append,
        )  # fmt: skip
    assert len(found.runs) == 6
    assert said[0].startswith("run   1/6")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_workers_of_dask_give_what_one_process_gives(done, arch, cells, tmp_path):
    distributed = pytest.importorskip("distributed", reason="dask's joblib backend needs distributed")
    found, _ = done
    said = []
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        again = compare(arch, cells, labels_of(cells, "type"), tmp_path, seeds=2, say=said.append, **FEW)
    assert len(said) == 14
    columns = ["contender", "replicate", "balanced_accuracy", "log_loss"]
    pd.testing.assert_frame_equal(again.runs[columns], found.runs[columns], rtol=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_workers_of_ray_give_what_one_process_gives(done, arch, cells, tmp_path):
    ray = pytest.importorskip("ray", reason="ray's joblib backend needs ray")
    from ray.util.joblib import register_ray

    found, _ = done
    said = []
    register_ray()
    ray.init(num_cpus=1, include_dashboard=False)
    try:
        with joblib.parallel_config(backend="ray"):
            again = compare(arch, cells, labels_of(cells, "type"), tmp_path, seeds=2, say=said.append, **FEW)
    finally:
        ray.shutdown()
    assert len(said) == 14
    columns = ["contender", "replicate", "balanced_accuracy", "log_loss"]
    pd.testing.assert_frame_equal(again.runs[columns], found.runs[columns], rtol=1e-4)


def test_a_control_input_is_another_task_for_the_same_network(done, arch, cells, tmp_path):
    found, folder = done
    row = found.summary.loc["input"]
    assert row["kind"] == "input"
    assert row[["difference", "p", "adjusted_p"]].isna().all()
    both = found.summary.loc[["swap", "modules"], ["p", "adjusted_p"]]
    assert both["adjusted_p"].min() == pytest.approx(min(2 * both["p"].min(), 1))
    nodes = found.nodes
    per_run = [pd.read_csv(folder / "runs" / f"input-00{i}.nodes.csv", index_col="id")["importance"] for i in range(2)]
    control = pd.concat(per_run, axis=1).mean(axis=1).reindex(nodes.index)
    np.testing.assert_allclose(nodes["difference input"], nodes["importance"] - control)
    assert "input" not in found.verdict
    with pytest.raises(VNNError, match=re.escape("The control input is made for classes of cells")):
        compare(arch, cells, targets_of(cells, "dose"), tmp_path, seeds=1, training=QUICK, controls=("input",))


@pytest.mark.parametrize(
    "change",
    [
        *({"metrics": None}, {"cells": []}, {"seconds": "x"}, {"contender": "other"}, {"replicate": 7}),
        *({"epochs": 10**23}, {"weights": 10**23}, {"epochs": -1}),
    ],
)
def test_a_record_of_other_kinds_is_not_believed(change, tmp_path):
    split = Split(train=np.arange(3), validation=np.arange(0), test=np.array([3]))
    job = Job(Contender("linear", "baseline", "x"), 0, 0, split)
    good = {
        **{"contender": "linear", "kind": "baseline", "replicate": 0, "seed": 0, "cells": {"train": 3, "test": 1}},
        **{"metrics": {"accuracy": 0.5}, "epochs": None, "weights": 7, "seconds": 1.0},
        "identity": job.identity("x"),
    }
    record = Record.model_validate(good)
    keep(tmp_path, record, None)
    assert finished(tmp_path, job, "x") == record
    assert finished(tmp_path, job, "y") is None
    (tmp_path / "linear-000.json").write_text(json.dumps(good | change))
    assert finished(tmp_path, job, "x") is None
