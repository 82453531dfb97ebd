"""What cannot be searched is said before any trial, in Python and on the command line."""

from __future__ import annotations

import sys

import pytest

from keras_vnn import VNNError, tune
from keras_vnn.basics.errors import ConfigError, OutputError
from keras_vnn.cli import main
from keras_vnn.recipes.schema import Recipe

GRID = {"learning_rate": [0.03, 0.1], "model.activation": ["tanh", "relu"]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["toy.yaml"], "error: Name the folder to write into: -o tuned"),
        (["nowhere.yaml", "-o", "made"], "error: No such recipe: nowhere.yaml."),
        (["toy.yaml", "-o", "made"], "error: There is nothing to search: the recipe names no fields."),
        (["bare.yaml", "-o", "made"], "error: A search needs a recipe with a train section; bare.yaml has none."),
        (
            ["slip.yaml", "-o", "made"],
            "error: There is no field 'learning_rte' to search: slip.yaml:6\nDid you mean learning_rate?",
        ),
        (
            ["flat.yaml", "-o", "made"],
            "error: Unknown option 'dropout': flat.yaml:5\nFields to search stand under space, e.g. space: {dropout: "
            "…}.",
        ),
        (
            ["range.yaml", "-o", "made"],
            "error: dropout: low must be below high, got 0.5 and 0.1: range.yaml:6",
        ),
        (
            ["toy.yaml", "-o", "made", "--trials", "0"],
            "error: trials must be an integer of at least 1, got 0: the command line",
        ),
        (
            ["toy.yaml", "-o", "made", "--pruning", "mean"],
            "error: pruning must be one of none, median; got 'mean': the command line\nDid you mean median?",
        ),
    ],
)
def test_slips_on_the_command_line(write_toy, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    write_toy(tmp_path)
    start = "train:\n  data: cells.csv\n  label: type\ntune:\n"
    for name, text in {
        "bare": "build:\n  genes: cells.csv\n",
        "slip": start + "  space:\n    learning_rte: [0.1, 0.2]\n",
        "flat": start + "  dropout: [0.1, 0.2]\n",
        "range": start + "  space:\n    dropout: {low: 0.5, high: 0.1}\n",
    }.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    with pytest.raises(SystemExit) as stop:
        main(["tune", *arguments])
    assert stop.value.code == 1
    assert capsys.readouterr().err.splitlines()[: message.count("\n") + 1] == message.splitlines()
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (
            {"learning_rte": [1, 2]},
            "There is no field 'learning_rte' to search: tune()\nDid you mean learning_rate?",
        ),
        (
            {"seed": [1, 2]},
            "'seed' cannot be searched: all trials have the same cells and the same split: tune()",
        ),
        (
            {"dropout": [0.1, 1.5]},
            "The field dropout cannot have the value 1.5:\n"
            "    dropout must be a number of at least 0 and below 1, or a list, each a number of at least 0 and below "
            "1, got 1.5: the search space",
        ),
        (
            {"batch_size": {"low": 8.0, "high": 64.0}},
            "The field batch_size cannot have the value 29.39:\n    batch_size must be an integer of at "
            "least 1, got 29.39: the search space",
        ),
        (
            {"build.grouping": ["clique", "cliqes"]},
            "The field build.grouping cannot have the value 'cliqes':\n    grouping must be one of edge, "
            "neighbourhood, clique, community; got 'cliqes': the search space\n    Did you mean clique?",
        ),
        (
            {"model.drpout": [0, 0.5]},
            "There is no field 'model.drpout' to search: tune()\nDid you mean dropout or dropout_of or dropout_from?",
        ),
        (
            {"training.momentun": [0, 0.5]},
            "There is no field 'training.momentun' to search: tune()\nDid you mean momentum or batch_momentum?",
        ),
        (
            {"model.head": ["linear", "round"]},
            "The field model.head cannot have the value 'round':\n"
            "    head must be one of linear, linear-tanh-linear; got 'round': the search space",
        ),
        (
            {"activation": ["tanh", "tnah"]},
            "The field activation cannot have the value 'tnah':\n"
            "    activation must be a name that Keras knows, got 'tnah'. Did you mean tanh?",
        ),
        (
            {"dropout": [0, 0.5], "model.dropout": [0, 0.1]},
            "model.dropout and dropout are the same option. Search one of them.",
        ),
    ],
)
def test_what_cannot_be_searched_is_said_before_any_trial(toy, tmp_path, space, message):
    with pytest.raises(ConfigError) as error:
        tune(toy, tmp_path / "made", space=space)
    assert str(error.value) == message
    assert not (tmp_path / "made" / "trials.csv").exists()


def test_a_recipe_without_fields_to_search(toy, tmp_path):
    with pytest.raises(ConfigError, match=r"^There is nothing to search: the recipe names no fields\.\nAdd to it"):
        tune(toy, tmp_path)


def test_a_measure_of_another_task(toy, tmp_path):
    with pytest.raises(ConfigError) as error:
        tune(toy, tmp_path, space=GRID, measure="balanced_acuracy")
    assert str(error.value) == (
        "The measure of classification must be one of balanced_accuracy, accuracy, macro_f1, log_loss, loss; got "
        "'balanced_acuracy'. Did you mean balanced_accuracy or accuracy?"
    )


def test_recipes_that_cannot_be_searched(toy, tmp_path):
    with pytest.raises(ConfigError, match=r"^A search needs a recipe with a train section; this one has none\.$"):
        tune(Recipe(build=toy.build), tmp_path, space=GRID)
    bare = toy.model_copy(update={"train": toy.train.model_copy(update={"validation": 0.0})})
    with pytest.raises(ConfigError, match=r"^Trials are judged by validation cells, and the recipe has none"):
        tune(bare, tmp_path, space=GRID)
    with pytest.raises(ConfigError) as error:
        tune(Recipe(train=toy.train), tmp_path, space={"build.min_genes": [2, 3]})
    assert str(error.value) == (
        "build.min_genes cannot be searched: the network is not built by this recipe.\n"
        "Put a build section in the place of architecture."
    )


def test_a_folder_that_is_none_of_ours(toy, tmp_path):
    (tmp_path / "best.yaml").write_text("mine")
    with pytest.raises(OutputError, match=r"^The folder holds files of these names, but no search: .*best\.yaml"):
        tune(toy, tmp_path, space=GRID)
    assert (tmp_path / "best.yaml").read_text() == "mine"
    with pytest.raises(VNNError, match=r"^All 2 trials failed"):
        tune(toy, tmp_path / "other", space={"build.min_genes": [99, 100]}, trials=2)
    (tmp_path / "other" / "study.db").write_text("this is no database, it is a text that is long enough" * 20)
    with pytest.raises(OutputError) as error:
        tune(toy, tmp_path / "other", space={"build.min_genes": [99, 100]}, trials=2)
    assert str(error.value) == (
        f"The database of trials cannot be used: {tmp_path / 'other' / 'study.db'}\n    file is not a database\n"
        "If it is damaged, remove it, and the search starts from scratch; else name another folder."
    )
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"^Cannot make the folder"):
        tune(toy, tmp_path / "file", space=GRID)


def test_without_optuna_it_is_said_what_to_install(toy, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError) as error:
        tune(toy, tmp_path / "made", space=GRID)
    assert str(error.value) == (
        "Searching hyper-parameters needs Optuna, which is not installed.\n    pip install 'keras-vnn[tune]'"
    )
    assert not (tmp_path / "made").exists()
