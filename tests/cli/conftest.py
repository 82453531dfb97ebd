"""A small but real job on disk, and a way to run the command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from keras_vnn.cli import main
from message_words import commands, not_there, words_of_python


@dataclass(frozen=True)
class Ran:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def vnn(capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run ``vnn`` in this process."""

    def run(*arguments: object) -> Ran:
        code = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capfd.readouterr()
        if code == 1:
            _check_words(captured.err, [str(argument) for argument in arguments])
        return Ran(code, captured.out, captured.err)

    return run


def _check_words(said: str, arguments: list[str]) -> None:
    """Fail unless an error tells to do what the command line has, in its words."""
    command = " ".join(arguments[:2]) if " ".join(arguments[:2]) in commands() else arguments[0]
    # What is said of files is for the command that builds of them.
    command = {"check": "build"}.get(command, command)
    assert (not_there(said, command), words_of_python(said)) == ([], []), said


GENES = tuple(f"GENE{i}" for i in range(12))


def write_job(folder: Path) -> None:
    """Write 80 cells of two types, a ring of interactions, one regulator."""
    rng = np.random.default_rng(0)
    values = rng.gamma(2.0, 1.0, size=(80, 12)).round(3)
    values[:40, 2:5] += 3
    cells = [f"cell{i}" for i in range(80)]
    pd.DataFrame(values.T, index=pd.Index(GENES, name="gene"), columns=cells).to_csv(folder / "expression.csv")
    pd.DataFrame({"type": ["T"] * 40 + ["B"] * 40, "dose": values[:, 2]}, index=pd.Index(cells, name="cell")).to_csv(
        folder / "cells.csv"
    )
    ring = pd.DataFrame({"gene_a": GENES[:10], "gene_b": [*GENES[1:10], GENES[0]]})
    ring.to_csv(folder / "ppi.tsv", sep="\t", index=False)
    tf = pd.DataFrame({"tf": ["STAT1"] * 4, "target": GENES[2:6], "effect": ["activation"] * 4})
    tf.to_csv(folder / "tf.tsv", sep="\t", index=False)


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own folder with the files of a small job, made current."""
    write_job(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the job, its architecture and a trained model."""
    folder = tmp_path_factory.mktemp("trained")
    write_job(folder)
    for arguments in (
        [
            "build",
            "--genes",
            folder / "expression.csv",
            "--interactions",
            folder / "ppi.tsv",
            "--regulation",
            folder / "tf.tsv",
            "-o",
            folder / "ring.vnn",
        ],
        [
            "train",
            folder / "ring.vnn",
            folder / "expression.csv",
            "--cells",
            folder / "cells.csv",
            "--label",
            "type",
            "--epochs",
            "15",
            "--learning-rate",
            "0.02",
            "-o",
            folder / "model.keras",
        ],
    ):
        main_quietly([str(argument) for argument in arguments])
    return folder


def main_quietly(arguments: list[str]) -> None:
    """Run a command that must end well."""
    try:
        main(arguments)
    except SystemExit as stop:
        assert not stop.code, arguments
