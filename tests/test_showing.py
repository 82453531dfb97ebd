"""What a prompt, a notebook and a terminal show: short texts, tables, figures, a line that moves."""

from __future__ import annotations

import dataclasses
import importlib
import subprocess
import sys
import types
from html.parser import HTMLParser

import anndata
import numpy as np
import pandas as pd
import pytest

import keras_vnn as vnn
from keras_vnn.basics.errors import ConfigError, OutputError
from keras_vnn.basics.progress import LOGGER, progressing
from keras_vnn.basics.public_names import names_in
from keras_vnn.basics.showing import Shown

GENES = [f"<b>G{n}</b>" for n in range(60)]


@pytest.fixture(scope="module")
def arch():
    sets = {f"S{n}": GENES[n : n + 30] for n in range(30)}
    return vnn.wire.gene_sets([*GENES, "ALONE"], sets)


@pytest.fixture(scope="module")
def cells():
    random = np.random.default_rng(0)
    kind = np.arange(120) % 2
    values = random.normal(size=(120, 61)) + kind[:, None] * (np.arange(61) < 5)
    return anndata.AnnData(
        values.astype(np.float32),
        obs=pd.DataFrame({"kind": np.array(["a", "b"])[kind]}, index=[f"c{n}" for n in range(120)]),
        var=pd.DataFrame(index=[*GENES, "ALONE"]),
    )


@pytest.fixture(scope="module")
def result(arch, cells):
    return vnn.train(arch, cells, "kind", training=vnn.training_options(epochs=3))


def values(arch, cells, result):
    """Everything a user meets on the main path and looks at."""
    ppi = vnn.read.interactions(pd.DataFrame({"a": GENES[:-1], "b": GENES[1:]}))
    regulation = vnn.read.regulation(pd.DataFrame({"tf": GENES[:-1], "target": GENES[1:]}))
    labels = vnn.pp.labels_of(cells, "kind")
    normalization = vnn.pp.fit_normalization("zscore", cells, arch.layers[0].ids)
    return [
        *(
            ppi,
            regulation,
            labels,
            vnn.pp.split_cells(labels, seed=0),
            normalization,
            vnn.pp.alignment_report(cells, arch),
        ),
        *(arch, arch.layers[0], arch.audit, arch.summary(), vnn.read.gene_list(GENES)),
        *(
            result,
            result.metrics,
            vnn.tl.inspect_node(result, "S3", cells, "kind"),
            vnn.tl.judge(result, cells, "kind"),
        ),
    ]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag, attrs) -> None:
        self.found.add(tag)


def test_a_prompt_shows_what_print_does_on_one_screen_and_a_notebook_shows_tables(arch, cells, result) -> None:
    for value in values(arch, cells, result):
        shown = repr(value)
        lines = shown.split("\n")
        assert len(lines) <= 25 and max(map(len, lines)) <= 200, shown
        assert shown == str(value) or lines[-1].startswith("… and ") or lines[0].endswith(" …"), shown
        page = value._repr_html_()
        tags = Tags()
        tags.feed(page)
        # Names of genes are no tags, whatever they hold.
        assert tags.found <= {"pre", "p", "table", "thead", "tbody", "tr", "th", "td"}, tags.found
        assert len(page) < 20_000
    assert "<td>1</td>" in arch.summary()._repr_html_() or "<th>1</th>" in arch.summary()._repr_html_()


def test_a_text_longer_than_a_screen_says_how_much_is_left() -> None:
    class Long(Shown):
        def __str__(self) -> str:
            return "\n".join(f"line {n}\x1b[2J" for n in range(40))

    lines = repr(Long()).split("\n")
    assert (lines[0], lines[23], len(lines)) == (r"line 0\x1b[2J", r"line 23\x1b[2J", 25)
    assert lines[-1] == "… and 16 more lines: print() shows them"


def test_every_public_value_with_a_text_is_shown_by_it() -> None:
    for namespace in ("", ".read", ".pp", ".wire", ".tl", ".pl"):
        for name, (module, own) in names_in(f"keras_vnn{namespace}").items():
            value = getattr(importlib.import_module(module), own) if own else None
            if dataclasses.is_dataclass(value) and value.__str__ is not object.__str__:
                # What these three are made of is as short as their texts.
                assert issubclass(value, Shown) or name in ("AuditEntry", "Classes", "UnitFormula"), name
                assert not issubclass(value, Shown) or value.__repr__ is Shown.__repr__, f"{name} needs repr=False"


def test_a_result_goes_wherever_a_model_goes(cells, result, tmp_path) -> None:
    model = result.model
    for call in (
        lambda one: vnn.tl.rank_nodes(one, cells, "kind"),
        lambda one: vnn.tl.rank_genes(one, cells, "kind"),
        lambda one: vnn.tl.predict(one, cells),
        lambda one: vnn.tl.predicted_classes(one, cells),
        lambda one: vnn.tl.edge_weights(one),
        lambda one: vnn.tl.node_activities(one, cells).to_df(),
        lambda one: vnn.tl.embed(one, cells).to_df(),
        lambda one: vnn.tl.interactions(one, cells, "kind"),
    ):
        pd.testing.assert_frame_equal(pd.DataFrame(call(result)), pd.DataFrame(call(model)))
    vnn.tl.remember_inspection(result, cells, "kind")
    vnn.save_model(result, tmp_path / "model.keras")
    vnn.pl.write_report(result, tmp_path / "report.html", cells, "kind")
    vnn.pl.export_summary(result, path=tmp_path / "nodes.graphml")
    vnn.pl.draw_layers(result)
    assert vnn.tl.view(vnn.load_model(tmp_path / "model.keras")).architecture == vnn.tl.view(result).architecture


@pytest.fixture
def notebook(monkeypatch):
    """What a notebook shows: an IPython with a kernel, as far as anything here looks at it."""
    said: list[object] = []

    class Handle:
        def update(self, data, raw) -> None:
            said.append(data["text/plain"])

    def display(data, raw=False, display_id=False):
        said.append(data["text/plain"] if raw else data)
        return Handle()

    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell, version_info=(8, 30)))
    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=display))
    return said


def test_figures_show_themselves_in_notebooks_and_are_written_where_asked(notebook, tmp_path) -> None:
    history = {"loss": [0.9, 0.5], "val_loss": [0.8, 0.6]}
    # What is shown is not the value of the cell too.
    assert vnn.pl.training_history(history, save=tmp_path / "loss.svg") is None
    assert (tmp_path / "loss.svg").read_bytes() == vnn.pl.picture_bytes(notebook[0], "svg")
    axes = vnn.pl.training_history(history, show=False)
    assert vnn.pl.training_history(history, ax=axes) is axes
    assert len(notebook) == 1
    assert vnn.pl.training_history(history, ax=axes, show=True, save=tmp_path / "loss.PNG") is None
    assert len(notebook) == 2 and (tmp_path / "loss.PNG").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(OutputError, match=r"the ending of save must be one of png, svg, pdf; got 'jpeg'"):
        vnn.pl.training_history(history, save=tmp_path / "loss.jpeg")


def test_where_there_is_no_notebook_a_figure_can_only_be_written() -> None:
    with pytest.raises(OutputError, match="There is no notebook"):
        vnn.pl.training_history({"loss": [0.9, 0.5]}, show=True)


def test_a_notebook_has_a_line_that_ends_with_what_was_done(notebook, monkeypatch) -> None:
    monkeypatch.setattr(vnn.settings, "progress", False)
    with progressing("nodes", 4, is_wanted=True) as advance:
        advance(4)
    assert notebook == []
    monkeypatch.setattr(vnn.settings, "progress", True)
    with progressing("no\x07des", 4, is_wanted=True) as advance:
        advance(1)
        with progressing("part of it", 9, is_wanted=True) as inner:
            inner(1)
        advance(2, "loss 0.5")
    assert notebook == [r"no\x07des", r"no\x07des: 3 of 4"]


def test_at_80_columns_what_is_done_and_the_time_left_stay_and_scores_give_way(capsys, monkeypatch) -> None:
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)
    with progressing("kang-ppi-tf, fold 3 of 5", 200, is_wanted=True) as advance:
        advance(34, "accuracy 0.967  loss 0.1234  val accuracy 0.953  val loss 0.0281")
    shown = capsys.readouterr().err
    assert "kang-ppi-tf, fold 3 of 5" in shown and " 34/200" in shown and "accuracy 0." in shown
    assert "val loss 0.0281" not in shown


def test_verbosity_says_which_sentences_are_printed(capsys, monkeypatch) -> None:
    before = LOGGER.level, list(LOGGER.handlers)
    try:
        assert vnn.settings.verbosity == "warning"
        vnn.settings.verbosity = "info"
        assert vnn.settings.verbosity == "info"
        with pytest.raises(ConfigError, match="verbosity must be one of warning, info, debug; got 'loud'"):
            vnn.settings.verbosity = "loud"
    finally:
        LOGGER.setLevel(before[0])
        LOGGER.handlers = before[1]
        vnn.settings._handler = None


def test_what_a_backend_writes_while_it_starts_is_not_shown() -> None:
    code = "import keras_vnn as vnn; print(vnn.SparselyConnected.__name__); import keras; keras.ops.zeros(3)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_plain())
    assert (done.stdout, done.stderr) == ("SparselyConnected\n", "")


def _plain() -> dict[str, str]:
    import os

    return {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
