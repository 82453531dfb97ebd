"""The commands as a user types them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import anndata
import keras
import networkx as nx
import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture import load_architecture
from keras_vnn.basics.bundled import config_names
from keras_vnn.models import view
from keras_vnn.options import AUTOENCODER_PRESETS, MODEL_PRESETS

BUILD = ("build", "--genes", "expression.csv", "--interactions", "ppi.tsv", "--regulation", "tf.tsv")
TRAIN = ("train", "ring.vnn", "expression.csv", "--cells", "cells.csv", "--label", "type", "--epochs", "3")


def test_build_says_what_it_read_and_writes_the_architecture(vnn: Callable, job: Path) -> None:
    ran = vnn(*BUILD, "-o", "ring.vnn")
    assert ran.code == 0, ran.err
    assert "10 interactions of 10 genes (ppi.tsv)" in ran.err
    assert "4 edges from 1 regulator to 4 targets (tf.tsv)" in ran.err
    arch = load_architecture("ring.vnn")
    assert arch.genes == tuple(f"GENE{i}" for i in range(12))
    assert arch.unconnected_genes == ("GENE10", "GENE11")
    assert f"fingerprint           {arch.fingerprint[:16]}" in ran.out


def test_a_dry_run_writes_nothing_and_imports_no_keras(job: Path) -> None:
    code = (
        "import sys; from keras_vnn.cli import main\n"
        f"try: main({[*BUILD, '--dry-run']!r})\n"
        "except SystemExit as stop: assert not stop.code, stop.code\n"
        "heavy = {'keras', 'tensorflow', 'torch', 'jax'} & set(sys.modules)\n"
        "print('heavy:', sorted(heavy))"
    )
    before = sorted(path.name for path in job.iterdir())
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("heavy: []\n")
    assert "dry run: nothing was written" in done.stderr
    assert sorted(path.name for path in job.iterdir()) == before


def test_a_missing_package_is_named(vnn: Callable, job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    anndata.AnnData(np.ones((2, 1)), var=pd.DataFrame(index=["GENE1"])).write_h5ad("cells.h5ad")
    monkeypatch.setitem(sys.modules, "h5py", None)
    ran = vnn("build", "--genes", "cells.h5ad", "--interactions", "ppi.tsv", "--dry-run")
    assert ran.code == 1
    assert ran.err.endswith(
        "error: A package that keras-vnn needs is missing or does not work: import of h5py halted; "
        "None in sys.modules\n    pip install keras-vnn\n"
    )


def test_json_for_machines(vnn: Callable, job: Path) -> None:
    summary = json.loads(vnn(*BUILD, "--dry-run", "--json").out)
    assert summary["layers"][1]["edges"] == 34
    assert summary["unconnected_genes"] == 2
    error = json.loads(vnn("build", "--genes", "nowhere.txt", "--dry-run", "--json").out)
    assert error["kind"] == "ReadError"
    assert error["error"].startswith("No such")


def test_an_existing_file_is_kept_unless_forced(vnn: Callable, job: Path) -> None:
    Path("ring.vnn").write_text("precious")
    ran = vnn(*BUILD, "-o", "ring.vnn")
    assert (ran.code, ran.err.splitlines()[0]) == (1, "error: The file exists already: ring.vnn")
    assert Path("ring.vnn").read_text() == "precious"
    assert vnn(*BUILD, "-o", "ring.vnn", "--force").code == 0
    assert len(load_architecture("ring.vnn").genes) == 12


def test_training_scores_and_keeps_what_the_nodes_say(vnn: Callable, trained: Path) -> None:
    model = keras.saving.load_model(trained / "model.keras")
    facts = view(model).card.metadata["training"]
    assert facts["metrics"]["accuracy"] > 0.7
    ranking = vnn("inspect", trained / "model.keras", "--json", "--top", "3")
    assert ranking.code == 0, ranking.err
    assert len(json.loads(ranking.out)) == 3


def test_inspect_shows_a_node_by_any_of_its_names(vnn: Callable, trained: Path) -> None:
    page = vnn("inspect", trained / "model.keras", "STAT1 targets")
    assert page.code == 0, page.err
    for word in ("TF:STAT1", "regulator", "GENE2", "GENE3", "GENE4"):
        assert word in page.out
    with_data = vnn(
        "inspect",
        trained / "model.keras",
        "TF:STAT1",
        "--data",
        trained / "expression.csv",
        "--cells",
        trained / "cells.csv",
        "--label",
        "type",
        "--json",
    )
    assert with_data.code == 0, with_data.err
    assert json.loads(with_data.out)["id"] == "TF:STAT1"


def test_an_unknown_node_gets_a_suggestion(vnn: Callable, trained: Path) -> None:
    ran = vnn("inspect", trained / "model.keras", "TF:STAT2")
    assert ran.code == 1
    assert "No node is called 'TF:STAT2'" in ran.err
    assert "Did you mean TF:STAT1" in ran.err


def test_exports_open_elsewhere(vnn: Callable, trained: Path, tmp_path: Path) -> None:
    for name in ("m.graphml", "m.png", "m.svg", "m.json", "m.md", "m.txt"):
        ran = vnn("export", trained / "model.keras", "-o", tmp_path / name)
        assert ran.code == 0, ran.err
        assert (tmp_path / name).stat().st_size > 100
    graph = nx.read_graphml(tmp_path / "m.graphml")
    assert graph.has_edge("GENE2", "TF:STAT1")
    assert vnn("export", trained / "model.keras", "--format", "csv", "-o", tmp_path / "tables").code == 0
    edges = pd.read_csv(tmp_path / "tables" / "edges.csv")
    assert {"source", "target", "weight"} <= set(edges.columns)
    assert vnn("export", trained / "ring.vnn", "-o", tmp_path / "arch.graphml").code == 0


def test_a_model_of_another_architecture_is_refused(vnn: Callable, trained: Path, job: Path) -> None:
    assert vnn(*BUILD, "--grouping", "edge", "-o", "edges.vnn").code == 0
    ran = vnn("inspect", trained / "model.keras", "--architecture", "edges.vnn")
    assert ran.code == 1
    assert "The model was built from another architecture" in ran.err


def test_permuted_columns_change_nothing_and_a_missing_gene_is_named(vnn: Callable, trained: Path, job: Path) -> None:
    table = pd.read_csv("expression.csv", index_col=0)
    table.sample(frac=1, random_state=0).to_csv("permuted.csv")
    table.drop(index="GENE4").to_csv("lacking.csv")

    def inspected(data: str) -> object:
        return vnn(
            "inspect", trained / "model.keras", "--data", data, "--cells", "cells.csv", "--label", "type", "--json"
        )

    assert json.loads(inspected("permuted.csv").out) == json.loads(inspected("expression.csv").out)
    lacking = inspected("lacking.csv")
    assert lacking.code == 1
    assert "1 of 12 input genes of the model are missing from the data: GENE4." in json.loads(lacking.out)["error"]


def test_a_recipe_does_both(vnn: Callable, job: Path) -> None:
    Path("recipe.yaml").write_text(
        "build:\n  genes: expression.csv\n  interactions: ppi.tsv\n"
        "train:\n  data: expression.csv\n  cells: cells.csv\n  label: type\n  epochs: 2\n",
        encoding="utf-8",
    )
    ran = vnn("train", "recipe.yaml", "-o", "model.keras")
    assert ran.code == 0, ran.err
    assert "test: accuracy" in ran.out
    assert "confusion" in ran.out


def test_numbers_are_predicted_too(vnn: Callable, job: Path) -> None:
    assert vnn(*BUILD, "-o", "ring.vnn").code == 0
    ran = vnn(*TRAIN[:5], "--label", "dose", "--task", "regression", "--epochs", "3", "-o", "dose.keras")
    assert ran.code == 0, ran.err
    assert "Pearson" in ran.out


@pytest.mark.parametrize(
    ("arguments", "first_line"),
    [
        (("build", "--genes", "nowhere.txt", "--dry-run"), "error: No such file: nowhere.txt."),
        (("build", "--genes", "empty.txt", "--dry-run"), "error: The file empty.txt is empty (0 bytes)."),
        (
            ("build", "--genes", ".", "--interactions", "ppi.tsv", "--dry-run"),
            "error: Expected a file, got a directory: .",
        ),
        (
            ("build", "--genes", "expression.csv", "--dry-run"),
            "error: There is no prior to wire: name interactions and regulation, ontology and annotations, "
            "a hierarchy or gene sets.",
        ),
        ((*BUILD,), "error: Name the file to write, -o lin.vnn, or look first with --dry-run."),
        ((*BUILD, "-o", "no/folder/x.vnn"), "error: The folder does not exist: no/folder"),
        (
            (*BUILD, "--grouping", "cliques", "--dry-run"),
            "error: grouping must be one of edge, neighbourhood, clique, community; got 'cliques': the command line",
        ),
        (("train", "cells.csv", *TRAIN[2:]), "error: Name the file to write: -o model.keras"),
        (
            ("train", "cells.csv", *TRAIN[2:], "-o", "model.h5"),
            "error: The file name of a model must end in .keras, got 'model.h5'.",
        ),
        (
            ("train", "cells.csv", *TRAIN[2:], "-o", "m.keras"),
            "error: A file of data, not a saved architecture: cells.csv",
        ),
        (("inspect", "cells.csv"), "error: A file of data, not a model: cells.csv"),
        (("export", "nowhere.keras"), "error: No such model or architecture: nowhere.keras"),
    ],
)
def test_wrong_input_is_explained(vnn: Callable, job: Path, arguments: tuple[str, ...], first_line: str) -> None:
    Path("empty.txt").touch()
    ran = vnn(*arguments)
    assert ran.code == 1
    assert next(line for line in ran.err.splitlines() if line.startswith("error")).startswith(first_line)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            ("--momentum", "0.9"),
            "error: --momentum goes with --optimizer sgd only, got --optimizer adam. Leave --momentum out.",
        ),
        (("--objective", "triplet", "--task", "regression"), "error: An embedding is trained on classes of cells, got"),
        (("--objective", "autoencoder", "--pretrain", "all"), "error: An autoencoder is not pretrained. Leave out"),
    ],
)
def test_options_without_effect_are_refused_before_data_are_read(
    vnn: Callable, job: Path, options: tuple[str, ...], line: str
) -> None:
    (job / "lin.vnn").write_text("no architecture")
    (job / "cells.h5ad").write_text("no data")
    (job / "train.yaml").write_text(
        "build: {genes: cells.h5ad, interactions: ppi.tsv}\ntrain: {data: cells.h5ad, label: t}\n"
    )
    for start in (("lin.vnn", "cells.h5ad", "--label", "type"), ("train.yaml",)):
        done = vnn("train", *start, *options, "-o", "model.keras")
        assert done.code == 1
        assert done.err.startswith(line)


def test_a_wrong_option_is_a_usage_error(vnn: Callable) -> None:
    assert vnn("build", "--gene", "x").code == 2
    assert vnn("biuld").code == 2


def test_labels_that_cannot_be_split_are_named(vnn: Callable, job: Path) -> None:
    assert vnn(*BUILD, "-o", "ring.vnn").code == 0
    cells = pd.read_csv("cells.csv")
    cells.loc[0, "type"] = "lonely"
    cells.to_csv("cells.csv", index=False)
    ran = vnn(*TRAIN, "-o", "m.keras")
    assert ran.code == 1
    assert "lonely (1 cell)" in ran.err
    assert not Path("m.keras").exists()


@pytest.mark.parametrize("command", ["build", "train", "inspect", "export", "demo"])
def test_every_command_has_a_worked_example(vnn: Callable, command: str) -> None:
    ran = vnn(command, "--help")
    assert ran.code == 0
    assert f"vnn {command} " in ran.out


def test_help_and_version_are_quick_and_import_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['vnn', '--help']\n"
        "from keras_vnn.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'keras', 'tensorflow', 'pandas', 'numpy', 'anndata'} & set(sys.modules)))"
    )
    times = []
    for _ in range(3):
        before = os.times()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        after = os.times()
        # Processor time: it waits for nothing, and tests may run next to others.
        times.append(sum(after[2:4]) - sum(before[2:4]))
        assert done.stdout.endswith("[]\n")
    # 0.6 s on a quiet machine.
    assert 0 < min(times) < 2


@pytest.mark.slow
def test_predictions_of_a_loaded_model_are_those_of_the_saved_one(trained: Path, tmp_path: Path) -> None:
    code = (
        "import sys, keras_vnn, keras, numpy as np\n"
        "model = keras.saving.load_model(sys.argv[1])\n"
        "np.save(sys.argv[2], model.predict(np.eye(12, dtype='float32'), verbose=0))"
    )
    subprocess.run(
        [sys.executable, "-c", code, trained / "model.keras", tmp_path / "y.npy"], check=True, env=dict(os.environ)
    )
    here = keras.saving.load_model(trained / "model.keras").predict(np.eye(12, dtype="float32"), verbose=0)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), here)


@pytest.mark.slow
def test_training_from_disk_gives_the_same_scores(vnn: Callable, job: Path) -> None:
    import anndata

    table, cells = pd.read_csv("expression.csv", index_col=0), pd.read_csv("cells.csv", index_col=0)
    anndata.AnnData(table.T.to_numpy("float32"), obs=cells, var=table[[]]).write_h5ad("cells.h5ad")
    vnn(*BUILD, "-o", "ring.vnn")
    train = ("train", "ring.vnn", "cells.h5ad", "--label", "type", "--epochs", "2", "--json")
    from_disk = vnn(*train, "--backed", "always", "-o", "disk.keras")
    assert from_disk.code == 0, from_disk.err
    assert "80 cells, 12 genes, read from disk while they are needed" in from_disk.err
    assert from_disk.out == vnn(*train, "-o", "memory.keras").out
    ranks = vnn("inspect", "disk.keras").out
    assert ranks and ranks == vnn("inspect", "memory.keras").out


def test_fetch_lists_and_takes_what_is_there_already(vnn: Callable, job: Path) -> None:
    listed = vnn("fetch", "--list", "goa", "zebrafish").out
    assert listed == "goa-zebrafish  current  GO annotations of zebrafish genes (ZFIN). CC BY 4.0\n"
    place = job / "priors" / "go-basic" / "current"
    place.mkdir(parents=True)
    (place / "go-basic.obo").write_text("format-version: 1.2\n")
    ran = vnn("fetch", "go-basic", "--folder", "priors")
    assert ran.out == "priors/go-basic/current/go-basic.obo\n"
    assert "put there by hand" in ran.err
    assert "cite        Gene Ontology Consortium (2023)" in ran.err
    (found,) = json.loads(vnn("fetch", "go-basic", "--folder", "priors", "--json").out)
    assert found["file"]["licence"] == "CC BY 4.0"
    assert vnn("fetch").err.startswith("error: Name what to fetch")


@pytest.mark.slow
def test_evaluate_scores_where_a_model_puts_cells(vnn: Callable, job: Path) -> None:
    assert vnn(*BUILD, "-o", "ring.vnn").code == 0
    assert vnn(*TRAIN, "-o", "m.keras").code == 0
    given = ("m.keras", "expression.csv", "--cells", "cells.csv", "--label", "type")
    scores = json.loads(vnn("evaluate", "clustering", *given, "--json").out)
    assert (scores["types"], scores["cells"]) == (2, 80)
    found = vnn("evaluate", "retrieval", *given, "--top", "5")
    assert found.code == 0, found.err
    assert found.out.startswith("80 queries, 5 nearest: mean average precision ")
    assert "average_precision" in found.out
    failed = vnn("evaluate", "retrieval", *given, "--batch", "typ")
    assert "The cells have no column 'typ'. Did you mean type?" in failed.err


EMBED = (*TRAIN, "--objective", "siamese", "--pretrain", "all", "--validation", "0.2", "--patience", "0")


@pytest.mark.slow
def test_an_embedding_through_the_command_line(vnn: Callable, job: Path) -> None:
    vnn(*BUILD, "-o", "ring.vnn")
    ran = vnn(*EMBED, "--schedule", "cosine", "--clip-norm", "1", "--logs", "logs", "-o", "embedding.keras")
    assert ran.code == 0, ran.err
    assert "pretraining   layer_1: mean squared error" in ran.err
    units = keras.saving.load_model("embedding.keras").output_shape[-1]
    assert ran.out.splitlines()[-1] == f"embedding: {units} dimensions"
    assert "vnn evaluate clustering embedding.keras DATA --label COLUMN" in ran.err
    assert len(pd.read_csv("logs/epochs.csv")) == 3
    scored = vnn(
        "evaluate", "clustering", "embedding.keras", "expression.csv", "--cells", "cells.csv", "--label", "type"
    )
    assert scored.code == 0 and "adjusted Rand" in scored.out
    ranked = vnn("inspect", "embedding.keras")
    assert ranked.code == 0 and "evidence" in ranked.out
    refused = vnn("inspect", "embedding.keras", "--by", "knockout")
    assert refused.code == 1 and "vnn inspect MODEL NODE" in refused.err
    node = view(keras.saving.load_model("embedding.keras")).architecture.layers[1].ids[0]
    assert vnn("inspect", "embedding.keras", node).code == 0


@pytest.mark.slow
def test_an_autoencoder_is_trained_scored_and_looked_at(vnn: Callable, job: Path) -> None:
    vnn(*BUILD, "-o", "ring.vnn")
    ran = vnn(
        *(*TRAIN, "--objective", "autoencoder", "--preset", "vega", "--normalization", "zscore"),
        *("-o", "autoencoder.keras"),
    )
    assert ran.code == 0, ran.err
    latents = view(keras.saving.load_model("autoencoder.keras")).latent_layer.output.shape[-1]
    assert f"embedding: {latents} dimensions" in ran.out
    assert ran.out.splitlines()[-1].startswith("test: squared error ")
    scored = vnn(
        "evaluate", "clustering", "autoencoder.keras", "expression.csv", "--cells", "cells.csv", "--label", "type"
    )
    assert scored.code == 0 and "adjusted Rand" in scored.out
    node = view(keras.saving.load_model("autoencoder.keras")).architecture.layers[1].ids[0]
    shown = vnn("inspect", "autoencoder.keras", node)
    assert shown.code == 0 and "Activity by class" in shown.out
    exported = vnn("export", "autoencoder.keras", "--format", "graphml", "-o", "autoencoder.graphml")
    assert exported.code == 0, exported.err
    written = vnn("report", "autoencoder.keras", "-o", "autoencoder.html")
    assert written.code == 0, written.err
    refused = vnn(*TRAIN, "--objective", "autoencoder", "--pretrain", "all", "-o", "other.keras")
    assert refused.code == 1 and "An autoencoder is not pretrained. Leave out pretrain." in refused.err
    wrong = vnn(*TRAIN, "--preset", "vega", "-o", "other.keras")
    assert wrong.code == 1 and "Train one: vnn train … --objective autoencoder" in wrong.err


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_training_of_an_embedding_goes_on(vnn: Callable, job: Path, stop: signal.Signals) -> None:
    """Stopped after its first epochs, the same command gives the weights of a run that was never stopped."""
    vnn(*BUILD, "-o", "ring.vnn")
    command = [*TRAIN[:-1], "15", "--objective", "triplet", "--patience", "0"]
    program = [sys.executable, "-c", f"from keras_vnn.cli import main; main({[*command, '-o', 'killed.keras']!r})"]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
        unfinished = Path("killed.keras.unfinished")
        while not unfinished.exists() and running.poll() is None:
            time.sleep(0.02)
        running.send_signal(stop)
        said = running.communicate()[1]
    if stop == signal.SIGINT:  # Ctrl-C
        assert re.search(r"\nstopped after epoch \d+; the same command resumes there\n$", said), said
    assert unfinished.exists() and not Path("killed.keras").exists()
    resumed, whole = vnn(*command, "-o", "killed.keras"), vnn(*command, "-o", "whole.keras")
    assert resumed.code == whole.code == 0
    assert "continuing" in resumed.err and "continuing" not in whole.err
    for one, other in zip(
        keras.saving.load_model("killed.keras").get_weights(),
        keras.saving.load_model("whole.keras").get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_a_model_is_a_recipe_and_is_compared_without_one(vnn, trained, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    ran = vnn("export", trained / "model.keras", "-o", recipe)
    assert ran.code == 0, ran.err
    text = recipe.read_text()
    assert "label: type" in text and "data: cells.h5ad" in text and "architecture: " in text
    cells = ("--cells", trained / "cells.csv")
    few = ("--seeds", "2", "--controls", "genes", "--baselines", "constant", "--jobs", "1", "-o")
    ran = vnn("compare", trained / "model.keras", trained / "expression.csv", *cells, *few, tmp_path / "compared")
    assert ran.code == 0, ran.err
    assert "real prior" in ran.out and "found" in ran.out
    refused = vnn("compare", trained / "model.keras", *few, tmp_path / "b")
    assert refused.code == 1 and "vnn compare model.keras cells.h5ad --label cell_type" in refused.err
    refused = vnn("compare", "kang-go", trained / "expression.csv", *few, tmp_path / "c")
    assert refused.code == 1 and "A recipe names its data itself" in refused.err


@pytest.mark.slow
def test_repeats_are_kept_with_the_model(vnn, trained, tmp_path):
    model = tmp_path / "model.keras"
    how = ("--cells", trained / "cells.csv", "--label", "type", "--epochs", "2", "--normalization", "none")
    ran = vnn("train", trained / "ring.vnn", trained / "expression.csv", *how, "--repeats", "2", "-o", model)
    assert ran.code == 0, ran.err
    assert "run           2 of 2, seed 1, the same split" in ran.err and "judgement     test accuracy" in ran.err
    listed = vnn("inspect", model)
    assert listed.code == 0 and " of 2" in listed.out and "means of 2 trainings" in listed.err
    both = vnn("inspect", trained / "model.keras", "--with", trained / "model.keras")
    assert both.code == 0 and " of 2" in both.out


def test_recipes_and_presets_are_listed(vnn: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ran = vnn("recipes")
    assert not ran.code and max(map(len, ran.out.splitlines())) <= 80
    for name in (*config_names(), *MODEL_PRESETS, *AUTOENCODER_PRESETS):
        assert name.removesuffix(".yaml") in ran.out
    assert json.loads(vnn("recipes", "--json").out)["recipes"]["vega"]["title"].startswith("Seninge et al. 2021")


def test_arguments_that_are_swapped_or_missing_are_told_so(vnn: Callable, job: Path) -> None:
    assert vnn(*BUILD, "-o", "ring.vnn").code == 0
    swapped = vnn("train", "expression.csv", "ring.vnn", "--label", "type", "-o", "model.keras")
    assert "A file of data, not a saved architecture: expression.csv" in swapped.err
    assert "The architecture comes first: vnn train net.vnn expression.csv" in swapped.err
    said = "The name of the file must end in .csv, got 'p.h5ad'."
    assert said in vnn("predict", "ring.vnn", "expression.csv", "-o", "p.h5ad").err
    assert "Name the data to train on: vnn train ring.vnn cells.h5ad --label COLUMN" in vnn("train", "ring.vnn").err
    assert "The model comes first: vnn predict model.keras" in vnn("inspect", "expression.csv").err
    without = vnn("train", "ring.vnn", "expression.csv", "--cells", "cells.csv", "-o", "model.keras")
    assert "--label COLUMN" in without.err and "type" in without.err.splitlines()[-1]
    assert vnn("train", "ring.vnn", "expression.csv", "-o", "model.keras").err.endswith("--cells FILE\n")
    values = pd.DataFrame(np.ones((3, 2)), [f"c{n}" for n in range(3)], ["GENE0", "GENE1"])
    cells = anndata.AnnData(values, obs=pd.DataFrame({"age": [1.5, 2.5, 3.5], "kind": list("aab")}, values.index))
    cells.write_h5ad("cells.h5ad")
    said = vnn("train", "ring.vnn", "cells.h5ad", "-o", "model.keras").err
    assert "The cells of cells.h5ad: 3, described by age (numbers), kind (a, b)." in said
