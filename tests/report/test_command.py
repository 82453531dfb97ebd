"""``vnn report``."""

import json

import pytest

from keras_vnn import save_model
from keras_vnn.cli import main


@pytest.fixture
def vnn(capfd):
    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return int(stopped.value.code or 0), captured.out, captured.err

    return run


def data_of(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(text.split('<script id="data" type="application/json">')[1].split("</script>")[0])


def test_an_architecture(vnn, arch, tmp_path):
    arch.save(tmp_path / "mine.vnn")
    code, out, err = vnn("report", tmp_path / "mine.vnn", "-o", tmp_path / "r.html")
    assert (code, out) == (0, "")
    assert "open " in err and "MB)" in err
    assert data_of(tmp_path / "r.html")["title"] == "mine"
    code, _, err = vnn("report", tmp_path / "mine.vnn", "-o", tmp_path / "r.html")
    assert code == 1 and "The file exists already" in err


def test_a_model_with_data_and_a_comparison(vnn, model, cells, comparison, tmp_path):
    save_model(model, tmp_path / "m.keras")
    cells.to_csv(tmp_path / "cells.csv", index_label="cell")
    (tmp_path / "comparison.json").write_text(json.dumps(comparison))
    code, out, err = vnn(
        "report", tmp_path / "m.keras", tmp_path / "cells.csv", "--comparison", tmp_path, "--title", "T", "--json",
        "-o", tmp_path / "r.html",
    )  # fmt: skip
    assert code == 0, err
    assert json.loads(out) == {"written": str(tmp_path / "r.html"), "bytes": (tmp_path / "r.html").stat().st_size}
    told = data_of(tmp_path / "r.html")
    assert told["comparison"]["metric"] == "balanced_accuracy"
    assert told["importance"]["method"] == "knockout"
    assert sum(told["activity"]["cells"]) == 40
