"""Whole searches: the best is the best, test cells have no part, what was stopped is resumed, what fails is said."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from keras_vnn import VNNError, load_model, tune
from keras_vnn.basics.errors import ConfigError, OutputError
from keras_vnn.basics.files import alone_at
from keras_vnn.cli import main
from keras_vnn.pp import labels_of, split_cells
from keras_vnn.read import expression as read_expression
from keras_vnn.read import table as read_table
from keras_vnn.recipes.read import read_recipe
from keras_vnn.recipes.schema import Recipe
from keras_vnn.tl import predict

GRID = {"learning_rate": [0.03, 0.1], "model.activation": ["tanh", "relu"]}
ENDLESS = {"learning_rate": {"low": 0.01, "high": 0.1, "log": True}, "dropout": {"low": 0.0, "high": 0.6}}


def longer(recipe: Recipe, epochs: int) -> Recipe:
    options = {**recipe.train.training, "epochs": epochs}
    return recipe.model_copy(update={"train": recipe.train.model_copy(update={"training": options})})


def without_time(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns="seconds")


@pytest.fixture(scope="module")
def searched(toy, tmp_path_factory):
    """A finished search of four settings, and its folder."""
    folder = tmp_path_factory.mktemp("searched") / "made"
    said = []
    return tune(toy, folder, space=GRID, trials=10, say=said.append), folder, said


@pytest.fixture(scope="module")
def trained_apart(write_toy, tmp_path_factory):
    """The four settings trained by ``vnn train``, one recipe each: by setting the model and its validation scores."""
    folder = tmp_path_factory.mktemp("apart")
    write_toy(folder)
    cells = read_expression(folder / "cells.csv", genes=[f"G{i}" for i in range(8)], cells=folder / "types.csv")
    labels = labels_of(cells, "type")
    judged = split_cells(labels, fractions=(0.6, 0.2, 0.2), seed=3).validation
    found = {}
    for rate in (0.03, 0.1):
        for activation in ("tanh", "relu"):
            options = f"  learning_rate: {rate}\n  activation: {activation}\n"
            recipe = write_toy(folder, options)
            model = folder / f"{rate}-{activation}.keras"
            _run("train", recipe, "-o", model)
            chances = predict(load_model(model), cells[judged])
            said = np.asarray(chances.columns)[chances.to_numpy().argmax(axis=1)]
            truth = labels.names[judged]
            found[rate, activation] = (
                load_model(model),
                balanced_accuracy_score(list(truth), list(said)),
                -np.mean([np.log(chances.loc[cell, name]) for cell, name in zip(chances.index, truth, strict=True)]),
            )
    return found


def _run(*arguments) -> None:
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as stop:
        assert not stop.code, arguments


def test_every_setting_is_tried_once_and_judged_as_a_training_apart(searched, trained_apart):
    found, _, said = searched
    assert len(found.trials) == 4
    assert "all 4 settings that there are were tried" in said
    for _, row in found.trials.iterrows():
        _, balanced, loss = trained_apart[row["learning_rate"], row["model.activation"]]
        assert row["balanced_accuracy"] == balanced
        np.testing.assert_allclose(row["validation log_loss"], loss, rtol=1e-6)
    # 0.1 and tanh are the defaults, so the recipe as it stands comes first.
    assert (found.trials["learning_rate"][1], found.trials["model.activation"][1]) == (0.1, "tanh")
    assert found.score == max(balanced for _, balanced, _ in trained_apart.values())
    best = found.trials["balanced_accuracy"].idxmax()  # the first of equal ones
    assert found.best == best


def test_the_best_recipe_trained_as_it_is_gives_the_best_model_and_the_test_scores(searched, trained_apart, tmp_path):
    found, folder, _ = searched
    _run("train", folder / "best.yaml", "-o", tmp_path / "again.keras")
    again, kept = load_model(tmp_path / "again.keras"), load_model(folder / "best.keras")
    apart, _, _ = trained_apart[found.values["learning_rate"], found.values["model.activation"]]
    for one, other, third in zip(again.get_weights(), kept.get_weights(), apart.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one, third)
    recipe = read_recipe(folder / "best.yaml")
    assert recipe.train.training["learning_rate"] == found.values["learning_rate"]
    assert recipe.tune is None
    assert recipe.notes.startswith(f"Chosen by vnn tune: trial {found.best} of 4, balanced accuracy of the validation")


def test_the_files_say_what_the_result_says(searched):
    found, folder, _ = searched
    table = read_table(folder / "trials.csv").set_index("trial")
    pd.testing.assert_frame_equal(table, found.trials, check_dtype=False)
    facts = json.loads((folder / "tuning.json").read_text())
    assert facts["best"] == {"trial": found.best, "score": found.score, "values": dict(found.values)}
    assert facts["test"] == found.test
    assert [row["trial"] for row in facts["trials"]] == [1, 2, 3, 4]


def test_what_is_said_at_the_end(searched):
    found, _, said = searched
    lines = str(found).splitlines()
    assert lines[0] == "4 trials: 4 finished; all finished trials:"
    assert lines[1].split() == ["balanced", "accuracy", "learning_rate", "activation", "epochs", "seconds"]
    assert lines[-4] == f"as it was     trial 1: balanced accuracy {found.trials['balanced_accuracy'][1]:.4f}"
    assert lines[-3].startswith(f"best          trial {found.best}: learning_rate ")
    assert lines[-1] == "test          " + ", ".join(f"{k.replace('_', ' ')} {v:.4f}" for k, v in found.test.items())
    assert "trial 1 is the recipe as it stands" in said
    assert said[-1] == f"trial {found.best} is the best and trained once more, now for the test cells"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The data are of another kind")  # test cells are made so, to be told apart
def test_test_cells_have_no_part_in_the_search(toy, write_toy, searched, tmp_path):
    found, _, _ = searched
    before = pd.read_csv(toy.train.data, index_col="gene")
    labels = labels_of(pd.read_csv(toy.train.cells, index_col="cell"), "type")
    split = split_cells(labels, fractions=(0.6, 0.2, 0.2), seed=3)

    def searched_with_noise_in(part, folder, trials):
        folder.mkdir()
        recipe = read_recipe(write_toy(folder))
        values = before.copy()
        values.iloc[:, part] = np.random.default_rng(7).gamma(2.0, 50.0, size=(8, len(part))).round(3)
        values.to_csv(folder / "cells.csv")
        return tune(recipe, folder / "made", space=GRID, trials=trials)

    noisy_test = searched_with_noise_in(split.test, tmp_path / "test", 2)
    pd.testing.assert_frame_equal(without_time(noisy_test.trials), without_time(found.trials)[:2])
    # The comparison would see it if the cells were used: a first trial with other validation cells has other scores.
    noisy_validation = searched_with_noise_in(split.validation, tmp_path / "validation", 1)
    assert noisy_validation.trials["validation log_loss"][1] != found.trials["validation log_loss"][1]


def test_the_same_call_again_trains_nothing(toy, searched, monkeypatch):
    found, folder, _ = searched
    monkeypatch.setattr(keras.Model, "fit", None)
    said = []
    again = tune(toy, folder, space=GRID, trials=4, say=said.append)
    pd.testing.assert_frame_equal(again.trials, found.trials)
    assert (again.best, again.test) == (found.best, found.test)
    assert said == ["4 of 4 trials were done before"]


@pytest.mark.slow
def test_a_search_that_was_killed_goes_on_as_if_it_had_not_been(write_toy, searched, tmp_path):
    whole, _, _ = searched
    folder = tmp_path / "killed"
    recipe = write_toy(tmp_path, f"tune:\n  space: {json.dumps(GRID)}\n")
    _killed_after(1, recipe, folder, 10)
    assert not (folder / "trials.csv").exists()
    said = []
    further = tune(recipe, folder, trials=10, say=said.append)
    assert said[0] == "1 of 10 trials were done before"
    pd.testing.assert_frame_equal(without_time(further.trials), without_time(whole.trials))
    assert further.test == whole.test


def _killed_after(trials, recipe, folder, wanted, wait=0.0):
    command = [sys.executable, "-c", "from keras_vnn.cli import main; main()", "tune", recipe, "-o", folder]
    with subprocess.Popen(
        [*map(str, command), "--trials", str(wanted)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        heard = []
        for line in process.stderr:
            heard.append(line)
            if re.match(rf"trial +{trials}/", line):
                time.sleep(wait)
                process.kill()
        assert process.wait() == -signal.SIGKILL, "".join(heard)


@pytest.mark.slow
def test_a_search_that_is_killed_again_and_again_ends_as_one_that_is_not(toy, write_toy, tmp_path):
    whole = tune(toy, tmp_path / "whole", space=ENDLESS, trials=14, seed=1, pruning="median")
    recipe = write_toy(tmp_path, f"tune:\n  seed: 1\n  pruning: median\n  space: {json.dumps(ENDLESS)}\n")
    # Some time into a trial, and some when one is just written.
    for trials, wait in ((1, 0.0), (2, 0.2), (4, 0.5), (6, 0.9), (9, 1.3), (12, 0.05)):
        _killed_after(trials, recipe, tmp_path / "killed", 500, wait)
    further = tune(recipe, tmp_path / "killed", trials=14)
    pd.testing.assert_frame_equal(without_time(further.trials), without_time(whole.trials))
    assert further.test == whole.test
    assert further.trials["learning_rate"].is_unique


def test_the_value_of_the_recipe_is_a_choice_however_it_is_written(toy, tmp_path):
    """A dropout of 0.0, the default, is the 0 among the choices."""
    found = tune(toy, tmp_path, space={"dropout": [0, 0.3]}, trials=1)
    assert list(found.trials["dropout"]) == [0]


@pytest.mark.slow
def test_trials_are_pruned_by_their_losses(toy, tmp_path):
    recipe = longer(toy, 8)
    space = {"learning_rate": [0.1, 0.03, 0.01, 0.003, 0.001, 0.0001, 0.00001]}
    said = []
    found = tune(recipe, tmp_path / "pruned", space=space, trials=7, pruning="median", say=said.append)
    full = tune(recipe, tmp_path / "full", space=space, trials=7)
    pruned = found.trials[found.trials["state"] == "pruned"]
    assert len(pruned) and (pruned["epochs"] < 8).all() and pruned["balanced_accuracy"].isna().all()
    assert any(re.match(r"trial [67]/7  stopped after [4-7] epochs: its loss is above the median  ", s) for s in said)
    others = found.trials["state"] == "finished"
    rates = found.trials["learning_rate"][others]
    by_rate = full.trials.set_index("learning_rate")["balanced_accuracy"]
    assert list(by_rate[rates]) == list(found.trials["balanced_accuracy"][others])
    assert f"{len(pruned)} pruned" in str(found)


def test_losses_of_two_kinds_do_not_prune(toy, tmp_path):
    with pytest.raises(ConfigError) as error:
        tune(toy, tmp_path, space={"l2": [0.1, 0.2]}, pruning="median")
    assert str(error.value) == (
        "Trials are pruned by their losses, and l2 changes what the loss counts.\n"
        "Search without it, or without pruning: pruning: none"
    )


@pytest.mark.slow
def test_data_on_disk_give_what_data_in_memory_give(toy, searched, tmp_path):
    found, _, _ = searched
    cells = read_expression(toy.train.data, genes=[f"G{i}" for i in range(8)], cells=toy.train.cells)
    cells.uns.clear()
    cells.write_h5ad(tmp_path / "cells.h5ad")
    train = toy.train.model_copy(update={"data": tmp_path / "cells.h5ad", "cells": None, "backed": "always"})
    stored = tune(toy.model_copy(update={"train": train}), tmp_path / "made", space=GRID, trials=10)
    pd.testing.assert_frame_equal(without_time(stored.trials), without_time(found.trials))
    assert stored.test == found.test


@pytest.mark.slow
def test_a_trial_that_fails_is_kept_with_its_reason_and_the_search_goes_on(toy, tmp_path):
    said = []
    found = tune(toy, tmp_path, space={"build.min_genes": [2, 100]}, trials=5, say=said.append)
    states = found.trials.set_index("build.min_genes")["state"].to_dict()
    assert states == {2: "finished", 100: "failed"}
    assert "the recipe as it stands is outside of the space and not tried: build.min_genes null" not in said
    reason = found.trials.set_index("build.min_genes").loc[100, "reason"]
    assert "No hidden node is left" in reason
    assert any(line.startswith("trial ") and f"failed: {reason}" in line for line in said)
    assert found.values == {"build.min_genes": 2}


def test_if_all_fail_there_is_no_best(toy, tmp_path):
    with pytest.raises(VNNError) as error:
        tune(toy, tmp_path, space={"build.min_genes": [99, 100]}, trials=5)
    assert str(error.value).startswith("All 2 trials failed. The first: No hidden node is left")
    assert str(error.value).endswith(
        f"Look at the reasons in {tmp_path / 'trials.csv'}, and correct the recipe or its search space."
    )
    assert len(read_table(tmp_path / "trials.csv")) == 2
    assert not (tmp_path / "best.yaml").exists()


@pytest.mark.parametrize(
    ("measure", "column", "best"), [(None, "r2", "max"), pytest.param("mse", "mse", "min", marks=pytest.mark.slow)]
)
def test_numbers_are_judged_by_measures_of_numbers(toy, tmp_path, measure, column, best):
    recipe = toy.model_copy(update={"train": toy.train.model_copy(update={"label": "dose", "task": "regression"})})
    found = tune(recipe, tmp_path, space={"learning_rate": [0.01, 0.03]}, measure=measure)
    assert found.measure == column
    assert found.score == getattr(found.trials[column], best)()
    assert set(found.test) == {"pearson", "spearman", "r2", "mse"}


@pytest.mark.slow
def test_embeddings_are_judged_by_their_loss(toy, tmp_path):
    train = toy.train.model_copy(update={"objective": "triplet", "embedding": {"cells_per_type": 4}})
    found = tune(toy.model_copy(update={"train": train}), tmp_path, space={"embedding.types_per_batch": [2, 3]})
    assert found.measure == "loss"
    assert found.score == found.trials["loss"].min()
    assert found.test is None
    assert str(found).endswith("test          embeddings are scored by vnn evaluate")


def test_the_command_says_the_same_to_people_and_to_machines(write_toy, searched, tmp_path, capsys):
    found, folder, _ = searched
    recipe = write_toy(tmp_path, f"tune:\n  trials: 4\n  space: {json.dumps(GRID)}\n")
    _run("tune", recipe, "-o", folder)
    printed = capsys.readouterr()
    assert printed.out == f"{found}\n"
    assert printed.err.splitlines() == [
        "4 of 4 trials were done before",
        f"written       {folder}: trials.csv, best.yaml, best.keras, search.html",
        f"next          open {folder / 'search.html'} in a browser",
        f"              vnn inspect {folder / 'best.keras'}",
    ]
    _run("tune", recipe, "-o", folder, "--json")
    assert json.loads(capsys.readouterr().out) == found.to_json()


def test_a_search_that_is_interrupted_says_how_to_go_on(write_toy, tmp_path, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "fit", interrupted)
    recipe = write_toy(tmp_path, f"tune:\n  space: {json.dumps(GRID)}\n")
    with pytest.raises(SystemExit) as stop:
        main(["tune", str(recipe), "-o", str(tmp_path / "made")])
    assert stop.value.code == 130  # as shells know it
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == f"the trials so far are kept in {tmp_path / 'made'}; the same command resumes from them"


def test_a_folder_of_another_search_is_left_alone(toy, searched):
    _, folder, _ = searched
    before = (folder / "study.db").read_bytes()
    other = longer(toy, 9)
    with pytest.raises(ConfigError) as error:
        tune(other, folder, space=GRID | {"dropout": [0, 0.5]}, measure="log_loss")
    assert str(error.value) == (
        f"The folder holds another search, 3 differences: {folder}\n"
        "    measure: balanced_accuracy there, log_loss here\n"
        "    space.dropout: nothing there, [0, 0.5] here\n"
        '    train.training: {"normalization": "none", "epochs": 2, "batch_size": 16} there, '
        '{"normalization": "none", "epochs": 9, "batch_size": 16} here\n'
        "Name another folder, or remove this one."
    )
    assert (folder / "study.db").read_bytes() == before


def test_two_searches_do_not_share_a_folder(toy, searched):
    _, folder, _ = searched
    with alone_at(folder), pytest.raises(OutputError, match=r"^Another process is writing .* at this moment\."):
        tune(toy, folder, space=GRID)


def test_other_data_of_the_same_name_are_another_search(write_toy, searched, tmp_path):
    _, folder, _ = searched
    recipe = read_recipe(write_toy(tmp_path))
    again = tune(recipe, folder, space=GRID)  # the same files in another place are the same
    assert len(again.trials) == 4
    (tmp_path / "types.csv").write_text((tmp_path / "types.csv").read_text().replace("c1,T", "c1,B"))
    with pytest.raises(ConfigError, match=r"1 difference: .*\n    train\.cells: \[\"types.csv\", "):
        tune(recipe, folder, space=GRID)


def test_help_imports_neither_keras_nor_optuna():
    code = (
        "import sys; from keras_vnn.cli import main\n"
        "try: main(['tune', '--help'])\n"
        "except SystemExit as stop: assert not stop.code\n"
        "print('heavy:', sorted({'keras', 'tensorflow', 'optuna', 'sqlalchemy', 'anndata'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("heavy: []\n")


@pytest.mark.slow
def test_autoencoders_are_searched_by_how_well_they_restore(write_toy, tmp_path):
    options = "  objective: autoencoder\n  preset: vega\n  model: {encoder: [6]}\n"
    recipe = write_toy(tmp_path, options)
    space = {"learning_rate": [0.01, 0.03], "model.beta": [5.0e-5, 0.1], "embedding.warmup_epochs": [0, 2]}
    found = tune(recipe, tmp_path / "tuned", space=space, trials=2)
    assert found.trials["state"].tolist() == ["finished", "finished"]
    assert found.measure == "loss"
    assert found.score == found.trials["loss"].min() > 0
    assert {"squared_error", "explained", "genes"} == set(found.test)
    pruned = tune(recipe, tmp_path / "pruned", space={"learning_rate": [0.01, 0.03]}, trials=2, pruning="median")
    assert pruned.trials["state"].tolist() == ["finished", "finished"]
