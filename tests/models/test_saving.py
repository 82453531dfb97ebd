"""Saved models load anywhere, whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import keras
import numpy as np
import pytest

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import ModelError, OutputError, ReadError
from keras_vnn.data import classes
from keras_vnn.models import build_model, check_architecture, load_model, save_model, view

LOAD = """
import sys
import keras_vnn
import keras
import numpy as np

model = keras.saving.load_model(sys.argv[1])
np.save(sys.argv[3], model.predict(np.load(sys.argv[2]), verbose=0))
"""


def test_a_new_process_needs_the_import_and_nothing_else(layered: Architecture, tmp_path: Path) -> None:
    model = build_model(layered, classes(["T", "B"]), seed=0)
    x = np.random.default_rng(0).normal(size=(7, 4)).astype("float32")
    model.fit(x, np.arange(7) % 2, verbose=0)
    save_model(model, tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", x)
    subprocess.run(
        [sys.executable, "-c", LOAD, tmp_path / "model.keras", tmp_path / "x.npy", tmp_path / "y.npy"], check=True
    )
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), model.predict(x, verbose=0))


def test_names_and_classes_survive(flat: Architecture, tmp_path: Path) -> None:
    save_model(build_model(flat, classes(["T", "B"]), seed=0), tmp_path / "m.keras")
    seen = view(load_model(tmp_path / "m.keras", architecture=flat))
    assert seen.architecture == flat
    assert seen.outputs.names == ("B", "T")


def test_a_clone_keeps_the_names(flat: Architecture) -> None:
    copy = keras.models.clone_model(build_model(flat, 2))
    assert view(copy).architecture == flat


def test_an_existing_file_is_kept(flat: Architecture, tmp_path: Path) -> None:
    target = tmp_path / "m.keras"
    target.write_text("precious")
    with pytest.raises(OutputError, match="exists already"):
        save_model(build_model(flat, 2), target)
    assert target.read_text() == "precious"
    save_model(build_model(flat, 2), target, overwrite=True)
    assert load_model(target).count_params() == build_model(flat, 2).count_params()
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]


def test_another_architecture_is_refused(flat: Architecture, layered: Architecture, tmp_path: Path) -> None:
    model = build_model(flat, 2)
    check_architecture(model, flat)
    with pytest.raises(ModelError) as error:
        check_architecture(model, layered)
    lines = str(error.value).splitlines()
    assert lines[0] == (
        "The model was built from another architecture: "
        f"expected fingerprint {layered.fingerprint[:16]}, got {flat.fingerprint[:16]}."
    )
    assert lines[-1] == "Load the architecture the model was trained with, or train a model for this one."


def test_damaged_files_are_errors_of_ours(flat: Architecture, tmp_path: Path) -> None:
    good = tmp_path / "good.keras"
    save_model(build_model(flat, 2), good)
    content = good.read_bytes()
    bad = tmp_path / "bad.keras"
    for wrong in (
        content[: len(content) // 2],
        b"not a model",
        content[:-30],
        content[:200] + b"\0" * 400 + content[600:],
    ):
        bad.write_bytes(wrong)
        with pytest.raises(ModelError, match=r"bad\.keras"):
            load_model(bad)
    bad.write_bytes(b"")
    with pytest.raises(ReadError, match="empty"):
        load_model(bad)
    with pytest.raises(ReadError, match=r"^No such model file"):
        load_model(tmp_path / "none.keras")
    with pytest.raises(ReadError, match="got a directory"):
        load_model(tmp_path)


def test_a_missing_package_is_no_damage_of_the_file(
    flat: Architecture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_model(build_model(flat, 2), tmp_path / "a.keras")
    monkeypatch.setattr(keras.saving, "load_model", Mock(side_effect=ImportError("No module named 'h5py'")))
    with pytest.raises(ImportError, match="No module named 'h5py'"):
        load_model(tmp_path / "a.keras")


def test_an_architecture_is_not_a_model(flat: Architecture, tmp_path: Path) -> None:
    flat.save(tmp_path / "a.vnn")
    with pytest.raises(ModelError) as error:
        load_model(tmp_path / "a.vnn")
    assert str(error.value) == (
        f"A saved architecture, not a model: {tmp_path / 'a.vnn'}\n"
        f"Train one: vnn train {tmp_path / 'a.vnn'} cells.h5ad --label cell_type -o model.keras"
    )


def test_the_name_must_end_in_keras(flat: Architecture, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        save_model(build_model(flat, 2), tmp_path / "model.h5")
    assert str(error.value) == "The file name of a model must end in .keras, got 'model.h5'."


def test_a_model_without_names_is_refused(tmp_path: Path) -> None:
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]).save(tmp_path / "plain.keras")
    with pytest.raises(ModelError, match="carries no architecture"):
        load_model(tmp_path / "plain.keras")


def test_weights_of_other_names_are_refused(flat: Architecture, tmp_path: Path) -> None:
    """The wiring is the same; what each weight is about is not."""
    genes, groups = flat.layers
    other = Architecture((replace(genes, nodes=genes.nodes[::-1]), groups), flat.connections)
    build_model(flat, 2).save_weights(tmp_path / "one.weights.h5")
    with pytest.raises(ValueError, match="The weights are those of another architecture than those of this model"):
        build_model(other, 2).load_weights(tmp_path / "one.weights.h5")
    build_model(flat, 2).load_weights(tmp_path / "one.weights.h5")
