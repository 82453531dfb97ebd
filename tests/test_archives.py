"""Every file that a release has written is read by this version, and gives what it gave then."""

import json
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import make_archives
from keras_vnn import load_model, training_options
from keras_vnn.pp import labels_of
from keras_vnn.read import architecture as load_architecture
from keras_vnn.tl import predict, view
from keras_vnn.training import train

TOP = Path(__file__).parents[1]
ARCHIVES = TOP / "tests" / "archives"
EXPECTED = {
    folder.name: json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    for folder in sorted(ARCHIVES.iterdir())
}


def files(kind):
    return [
        pytest.param(version, name, id=f"{version}/{name}") for version in EXPECTED for name in EXPECTED[version][kind]
    ]


def cells_of(version):
    table = EXPECTED[version]["cells"]
    return pd.DataFrame(table["data"], table["index"], table["columns"])


def test_every_release_has_left_its_files():
    version = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert version in EXPECTED, "run: python tools/make_archives.py"
    for folder, expected in EXPECTED.items():
        named = {"expected.json", "stopped.unfinished", *expected["architectures"], *expected["models"]}
        assert named == {path.name for path in (ARCHIVES / folder).iterdir()}


def test_what_was_released_does_not_change(tmp_path, monkeypatch):
    monkeypatch.setattr(make_archives, "ARCHIVES", ARCHIVES)
    with pytest.raises(SystemExit, match="is there already: what a release has written does not change"):
        make_archives.main()


@pytest.mark.parametrize(("version", "name"), files("architectures"))
def test_architectures(version, name):
    arch = load_architecture(ARCHIVES / version / name)
    found = json.loads(json.dumps(make_archives.architecture_facts(arch)))
    assert found == EXPECTED[version]["architectures"][name]


@pytest.mark.parametrize(("version", "name"), files("models"))
def test_models(version, name):
    expected = EXPECTED[version]["models"][name]
    found = make_archives.model_facts(load_model(ARCHIVES / version / name), cells_of(version))
    assert list(found["ranks"]) == list(expected["ranks"])
    for key in ("predictions", "ranks", "sum of weights"):
        here, there = found.pop(key), expected[key]
        if key == "ranks":
            here, there = list(here.values()), list(there.values())
        np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-6, err_msg=key)
    assert found == {key: expected[key] for key in found}


@pytest.mark.parametrize(("version", "name"), files("models"))
def test_a_model_is_trained_again_as_it_was(version, name):
    from keras_vnn.recipes.run import recipe_of_model

    kept = view(load_model(ARCHIVES / version / name)).card.metadata
    found = recipe_of_model(ARCHIVES / version / name, Path("cells.h5ad")).train
    for options, were in (
        (found.model_options(), {"anchor": "none", **kept["options"]}),
        (found.training_options(), kept["training"]["options"]),
    ):
        now = options.to_json()
        assert {option: now[option] for option in were} == were


@pytest.mark.parametrize("version", EXPECTED)
def test_a_model_opens_in_keras_alone(version):
    import keras

    name, expected = next(iter(EXPECTED[version]["models"].items()))
    model = keras.saving.load_model(ARCHIVES / version / name)
    np.testing.assert_allclose(predict(model, cells_of(version)), expected["predictions"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("version", EXPECTED)
def test_a_stopped_training_is_continued_or_said_to_begin_anew(version, tmp_path):
    cells, said = cells_of(version), []
    state = shutil.copy(ARCHIVES / version / "stopped.unfinished", tmp_path)
    types = pd.DataFrame({"type": ["T"] * 12 + ["B"] * 12}, index=cells.index)
    done = train(
        load_architecture(ARCHIVES / version / "interactions.vnn"),
        cells,
        labels_of(types, "type"),
        training=training_options(epochs=2, batch_size=8, normalization="zscore"),
        checkpoint=state,
        say=said.append,
        tail=(3,),
        dropout=0.2,
    )
    (sentence,) = said
    if sentence.startswith("continuing after epoch 2"):
        expected = EXPECTED[version]["models"]["feed-forward.keras"]["predictions"]
        np.testing.assert_allclose(predict(done.model, cells), expected, rtol=1e-4, atol=1e-6)
    else:
        assert sentence.startswith(f"starting from scratch: {state} is not resumed, as another ")
