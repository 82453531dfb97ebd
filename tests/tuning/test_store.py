"""Trials on disk: kept whole, found again, and readable by Optuna itself."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from pathlib import Path

import optuna
import pytest

from keras_vnn.basics.errors import OutputError
from keras_vnn.experiments.tuning._optuna import open_store
from keras_vnn.experiments.tuning._trials import Failed, Finished, Pruned
from keras_vnn.recipes.space import Choices, Range

SPACE = {"a": Range(low=1, high=3), "tail": Choices(([], [64]))}
GOOD = Finished(values={"a": 2, "tail": [64]}, scores={"r2": 0.5}, losses=[2.0, 1.0])
CUT = Pruned(values={"a": 3, "tail": []}, losses=[9.0], epochs=1)
BAD = Failed(values={"a": 1, "tail": []}, reason="no node is left")


def opened(folder, measure="r2"):
    return open_store(folder, SPACE, measure)


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


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="reads from /proc which files are open")
def test_no_connection_is_left_open(tmp_path):
    def open_connections():
        return [path for path in Path("/proc/self/fd").iterdir() if path.resolve().name == "study.db"]

    with opened(tmp_path) as store:
        store.keep(GOOD)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "study.db").write_bytes(b"this is no database, it is a text" * 40)
    with pytest.raises(OutputError, match="file is not a database") as error, opened(tmp_path / "damaged"):
        pass
    assert error.value.__traceback__ is not None and open_connections() == []


def test_what_goes_wrong_in_a_trial_is_not_said_of_the_database(tmp_path):
    with pytest.raises(RuntimeError, match=r"^out of memory$"), opened(tmp_path):
        raise RuntimeError("out of memory")


def test_a_loss_that_is_no_number_is_kept(tmp_path):
    with opened(tmp_path, measure="loss") as store:
        store.keep(Failed(values={"a": 1, "tail": []}, losses=[math.nan, 1.0], reason="diverged"))
    with opened(tmp_path, measure="loss") as store:
        assert math.isnan(store.outcomes[0].losses[0])


@pytest.mark.parametrize(
    "record",
    [
        '{"values": {}}',
        "[]",
        '{"values": {}, "state": "finished", "scores": {"r2": "x"}, "losses": []}',
        '{"state": 1}',
    ],
)
def test_a_trial_that_is_none_is_said_with_the_file(record, tmp_path):
    with opened(tmp_path) as store:
        store.keep(GOOD)
    with closing(sqlite3.connect(tmp_path / "study.db")) as base, base:
        base.execute("UPDATE trial_user_attributes SET value_json = ?", (record,))
    with pytest.raises(OutputError, match=r"The database of trials cannot be used: .*study\.db\n"), opened(tmp_path):
        pass
