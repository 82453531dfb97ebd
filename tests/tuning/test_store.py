"""Trials on disk: kept whole, found again, readable by Optuna itself, and not by two processes at once."""

from __future__ import annotations

import math

import optuna
import pytest

from keras_vnn.basics.errors import ConfigError, OutputError
from keras_vnn.experiments.tuning._store import open_store
from keras_vnn.experiments.tuning._trials import Outcome
from keras_vnn.recipes.space import Choices, Range

SPACE = {"a": Range(low=1, high=3), "tail": Choices(([], [64]))}
GOOD = Outcome(values={"a": 2, "tail": [64]}, state="finished", score=0.5, scores={"r2": 0.5}, losses=(2.0, 1.0))
CUT = Outcome(values={"a": 3, "tail": []}, state="pruned", losses=(9.0,), epochs=1)
BAD = Outcome(values={"a": 1, "tail": []}, state="failed", reason="no node is left")


def opened(folder, search=None, measure="r2"):
    return open_store(folder, search or {"seed": 0}, SPACE, measure)


def test_what_is_kept_is_found_again(tmp_path):
    with opened(tmp_path) as store:
        for outcome in (GOOD, CUT, BAD):
            store.keep(outcome)
    with opened(tmp_path) as store:
        assert [repr(outcome) for outcome in store.outcomes] == [repr(outcome) for outcome in (GOOD, CUT, BAD)]


def test_optuna_reads_the_same_trials(tmp_path):
    with opened(tmp_path) as store:
        for outcome in (GOOD, CUT, BAD):
            store.keep(outcome)
    storage = optuna.storages.RDBStorage(f"sqlite:///{tmp_path / 'study.db'}")
    study = optuna.load_study(study_name="tune", storage=storage)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED", "FAIL"]
    assert study.best_trial.params == {"a": 2, "tail": "[64]"}
    assert study.best_value == 0.5
    assert study.trials[0].intermediate_values == {0: -2.0, 1: -1.0}  # of r2 more is better
    storage.remove_session()
    storage.engine.dispose()


def test_optuna_is_as_talkative_afterwards_as_before(tmp_path, capfd):
    before = optuna.logging.get_verbosity()
    with opened(tmp_path) as store:
        store.keep(GOOD)
    assert optuna.logging.get_verbosity() == before
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", ["odd {a}?b %20", "ü#x's"])
def test_a_folder_may_have_any_name(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    with opened(folder) as store:
        store.keep(GOOD)
    assert [path.name for path in folder.iterdir()] == ["study.db"]
    with opened(folder) as store:
        assert len(store.outcomes) == 1


def test_two_processes_do_not_write_at_once(tmp_path):
    with opened(tmp_path) as store:
        with opened(tmp_path) as other:
            other.keep(GOOD)
        with pytest.raises(OutputError) as error:
            store.keep(BAD)
    assert str(error.value) == (
        f"Another process searches in the same folder: {tmp_path}\nWait for it, or name another folder."
    )
    with opened(tmp_path) as store:
        assert len(store.outcomes) == 1


def test_a_long_list_of_differences_is_cut(tmp_path):
    with opened(tmp_path, {"train": {f"field{i}": i for i in range(9)}}):
        pass
    with pytest.raises(ConfigError) as error, opened(tmp_path, {"train": {"field0": "x" * 99}}):
        pass
    assert str(error.value) == (
        f"The folder holds another search, 9 differences: {tmp_path}\n"
        f"    train.field0: 0 there, {'x' * 60}… here\n"
        "    train.field1: 1 there, nothing here\n"
        "    train.field2: 2 there, nothing here\n"
        "    train.field3: 3 there, nothing here\n"
        "    train.field4: 4 there, nothing here\n"
        "    and 4 more\n"
        "Name another folder: vnn tune RECIPE -o another"
    )


def test_a_loss_that_is_no_number_is_kept(tmp_path):
    with opened(tmp_path, measure="loss") as store:
        store.keep(Outcome(values={"a": 1, "tail": []}, state="failed", losses=(math.nan, 1.0), reason="diverged"))
    with opened(tmp_path, measure="loss") as store:
        assert math.isnan(store.outcomes[0].losses[0])
