"""What is said while something runs: sentences in the log, and a live line where there is a terminal."""

from __future__ import annotations

import logging
import threading

import keras
import numpy as np
import pytest

from keras_vnn.basics.progress import LOGGER, log_debug, log_info, progressing
from keras_vnn.cli import main
from keras_vnn.options import training_options
from keras_vnn.training import fit_model


def test_sentences_are_logged_and_safe_to_show(caplog) -> None:
    with caplog.at_level(logging.INFO, "keras_vnn"):
        log_info("genes         \x1b[2J 3 %s")
        log_debug("of something larger")
    assert caplog.record_tuples == [("keras_vnn", logging.INFO, r"genes         \x1b[2J 3 %s")]


def test_the_command_line_prints_what_is_logged_and_then_no_more(tmp_path, capsys) -> None:
    before = [LOGGER.level, list(LOGGER.handlers)]
    with pytest.raises(SystemExit):
        main(["build", "kang-ppi-tf", "-o", str(tmp_path / "demo.vnn")])
    assert "\ninteractions  " in capsys.readouterr().err
    assert [LOGGER.level, list(LOGGER.handlers)] == before
    log_info("after it")
    assert capsys.readouterr().err == ""


@pytest.fixture
def terminal(monkeypatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")


def test_the_line_shows_what_is_done_on_terminals_only(capsys, monkeypatch) -> None:
    for is_wanted in (True, False):
        with progressing("nodes", 4, is_wanted=is_wanted) as advance:
            advance(1)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progressing("no\x07des", 4, is_wanted=True) as advance:
        advance(2)
        advance(1, "loss 0.5")
    shown = capsys.readouterr().err
    assert "3/4" in shown
    assert "loss 0.5" in shown
    assert r"no\x07des" in shown


def test_the_line_of_a_training_ends_when_it_is_stopped(capsys, terminal) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", loss="mean_squared_error")

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None) -> None:
            if epoch == 1:
                raise KeyboardInterrupt

    x = np.ones((4, 2), np.float32)
    with pytest.raises(KeyboardInterrupt):
        fit_model(model, x, x[:, :1], training=training_options(epochs=3), progress=True, callbacks=[Stop()])
    assert "1/3" in capsys.readouterr().err
    assert not [thread for thread in threading.enumerate() if type(thread).__module__.startswith("rich")]
