"""What a terminal helps with: pages of help that fit it, and words for the tab key."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from typer.main import get_command

from keras_vnn.architecture import load_architecture
from keras_vnn.cli import app
from keras_vnn.inspection import IMPORTANCE_METHODS
from keras_vnn.options import MODEL_PRESETS

COMMANDS = get_command(app).commands
EVERY = [(), *((name,) for name in COMMANDS), *(("evaluate", name) for name in COMMANDS["evaluate"].commands)]


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_help_fits_eighty_columns_with_whole_names(vnn: Callable, words: tuple[str, ...], monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    command = get_command(app)
    for word in words:
        command = command.commands[word]
    # As they are declared: what is shown must not be what is asked about.
    flags = {flag for one in command.params if one.opts[0][:1] == "-" for flag in (*one.opts, *one.secondary_opts)}
    shown = vnn(*words, "--help").out
    assert max(map(len, shown.splitlines())) <= 80
    assert "<bool>" not in shown
    assert [flag for flag in flags if not re.search(rf"{re.escape(flag)}(?![\w-])", shown)] == []


@pytest.fixture
def offered(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return what bash would offer for the last word."""

    def offer(*words: object) -> list[str]:
        monkeypatch.setenv("_VNN_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", " ".join(["vnn", *map(str, words)]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        with pytest.raises(SystemExit):
            app([], prog_name="vnn")
        printed = capfd.readouterr()
        assert printed.err == ""
        return list(filter(None, printed.out.splitlines()))

    return offer


def test_names_of_ours_are_offered(offered: Callable, job: Path) -> None:
    assert offered("train", "kang") == ["kang-go", "kang-ppi-tf"]
    Path("kang.vnn").touch()
    Path("kang.txt").touch()
    assert offered("compare", "kang") == ["kang-go", "kang-ppi-tf", "kang.vnn"], "files that will do are offered too"
    assert offered("train", "a.vnn", "b.csv", "--preset", "dcell") == [
        name for name in MODEL_PRESETS if name.startswith("dcell")
    ]
    assert set(offered("explain", "a.keras", "b.csv", "--method", "")) == set(IMPORTANCE_METHODS)
    assert offered("inspect", "a.keras", "--by", "evi") == ["evidence"]
    assert offered("export", "a.keras", "--format", "c") == ["card", "csv", "cx2"]
    assert offered("build", "--grouping", "cl") == ["clique"]


def test_columns_of_the_data_are_offered(offered: Callable, job: Path) -> None:
    values = pd.DataFrame(np.ones((2, 1), "float32"), ["a", "b"], ["GENE1"])
    obs = pd.DataFrame({"cell_type": ["T", "B"], "age": [1, 2], "cell cycle": [1, 2]}, values.index)
    anndata.AnnData(values, obs).write_h5ad("cells.h5ad")
    assert offered("train", "ring.vnn", "cells.h5ad", "--label", "") == list(obs.columns)
    assert offered("inspect", "m.keras", "--data", "cells.h5ad", "--replicate", "ce") == ["cell_type", "cell cycle"]
    assert offered("train", "ring.vnn", "expression.csv", "--cells", "cells.csv", "--group", "") == ["type", "dose"]


def test_nodes_and_classes_of_the_model_are_offered(offered: Callable, trained: Path) -> None:
    hidden, genes = (
        {node.id for layer in layers for node in layer}
        for arch in [load_architecture(trained / "ring.vnn")]
        for layers in (arch.hidden_layers, arch.layers[:1])
    )
    model = trained / "model.keras"
    assert set(offered("inspect", model, "")) == hidden
    assert set(offered("inspect", model, "GENE")) == genes
    assert set(offered("export", model, "--class", "")) == {"B", "T"}


def test_nothing_is_said_of_what_cannot_be_read(offered: Callable, job: Path) -> None:
    for name in ("broken.keras", "broken.h5ad", "broken.csv"):
        Path(name).write_bytes(b"\xff\x00")
    assert offered("inspect", "broken.keras", "") == []
    assert offered("inspect", "absent.keras", "") == []
    assert offered("train", "a.vnn", "broken.h5ad", "--label", "") == []
    assert offered("train", "a.vnn", "expression.csv", "--cells", "broken.csv", "--label", "") == []


def test_no_keras_is_imported_for_it(trained: Path) -> None:
    code = (
        "import sys, types; from keras_vnn.cli import _options\n"
        f"ctx = types.SimpleNamespace(params={{'model': {str(trained / 'model.keras')!r}}}, args=[])\n"
        "assert _options.nodes(ctx, '') and _options.classes(ctx, '') and _options.methods(ctx, '')\n"
        "print(sorted({'keras', 'tensorflow', 'torch', 'jax'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
