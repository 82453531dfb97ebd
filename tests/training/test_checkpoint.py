"""The state of an unfinished training, as a stranger may have written it."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import OutputError
from keras_vnn.basics.files import alone_at
from keras_vnn.data import labels_of
from keras_vnn.training import TrainingResult, train, training_options


def run(epochs: int, state: Path, say: Callable[[str], None]) -> TrainingResult:
    genes = Layer("genes", tuple(Node(gene, kind="gene") for gene in "ABC"))
    arch = Architecture((genes, Layer("nodes", (Node("N"), Node("M")))), {(0, 1): sparse.eye_array(3, 2)})
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 3)), columns=list("ABC"))
    labels = labels_of(pd.DataFrame({"kind": np.where(frame["A"] > 0, "up", "down")}), "kind")
    options = training_options(epochs=epochs, batch_size=16, patience=9)
    return train(arch, frame, labels, training=options, checkpoint=state, say=say)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state after one epoch."""
    path = tmp_path_factory.mktemp("stopped") / "model.unfinished"
    run(1, path, lambda _: None)
    return path


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    """The weights of two epochs from scratch."""
    return run(2, tmp_path_factory.mktemp("scratch") / "state", lambda _: None).model.get_weights()


def altered(path: Path, source: Path, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> None:
    """Write a state with another header or other arrays."""
    with zipfile.ZipFile(source) as archive:
        header = json.loads(archive.read("state.json"))
        arrays = {name: np.load(io.BytesIO(archive.read(f"{name}.npy"))) for name in header["arrays"]}
    change(header, arrays)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("state.json", json.dumps(header))
        for name, array in arrays.items():
            stream = io.BytesIO()
            np.save(stream, array)
            archive.writestr(f"{name}.npy", stream.getvalue())


def test_the_state_as_it_was_written_is_resumed(stopped: Path, scratch: list[np.ndarray], tmp_path: Path) -> None:
    said: list[str] = []
    state = Path(tmp_path / "model.unfinished")
    altered(state, stopped, lambda header, arrays: None)
    resumed = run(2, state, said.append)
    assert said == [f"continuing after epoch 1 of an unfinished training: {state}"]
    for here, there in zip(resumed.model.get_weights(), scratch, strict=True):
        np.testing.assert_array_equal(here, there)


def _set(name: str, value: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    return lambda header, arrays: header.update({name: value})


def _weights(make: Callable[[np.ndarray], np.ndarray], name: str = "model_00000") -> Callable[..., None]:
    return lambda header, arrays: arrays.update({name: make(arrays[name])})


def _rename(header: dict[str, Any], arrays: dict[str, Any]) -> None:
    header["arrays"][0] = "model_x"
    arrays["model_x"] = arrays.pop("model_00000")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_set("history", 3), "it is damaged (history: Input should be a valid array)"),
        (_set("history", [{"loss": float("nan")}]), "it is damaged (history.0.loss: Input should be a finite number)"),
        (_set("history", [{"loss": "1"}]), "it is damaged (history.0.loss: Input should be a valid number)"),
        (_set("history", [None]), "it is damaged (history.0: Input should be an object)"),
        (_set("early_stopping", []), "it is damaged (early_stopping: Input should be an object)"),
        (
            lambda header, arrays: header["early_stopping"].update(on_epoch_end=1),
            "it is damaged (early_stopping.on_epoch_end: Extra inputs are not permitted)",
        ),
        (
            lambda header, arrays: header["early_stopping"].update(wait="0"),
            "it is damaged (early_stopping.wait: Input should be a valid integer)",
        ),
        (_set("early_stopping", None), "it stops early in another way"),
        (_set("identity", None), "it is damaged (identity: Input should be an object)"),
        (_set("identity", {"data": 1}), "it is damaged (identity.data: Input should be a valid string)"),
        (_set("stopped", "no"), "it is damaged (stopped: Input should be a valid boolean)"),
        (_set("arrays", {"model_00000": 1}), "it is damaged (arrays: Input should be a valid array)"),
        (_set("arrays", []), "it holds other weights"),
        (_rename, "it holds other weights"),
        (_weights(lambda array: array.astype(str)), "its weights have other shapes or types"),
        (_weights(lambda array: array.astype(complex)), "its weights have other shapes or types"),
        (_weights(lambda array: array[:1]), "its weights have other shapes or types"),
        (_weights(lambda array: array[:1], "best_00000"), "its weights have other shapes or types"),
        (_weights(lambda array: array * np.float32("nan")), "its weights are not all finite"),
    ],
)
def test_a_state_of_wrong_types_is_said_to_be_so_and_never_used(
    stopped: Path, scratch: list[np.ndarray], tmp_path: Path, change: Callable[..., None], reason: str
) -> None:
    said: list[str] = []
    state = tmp_path / "model.unfinished"
    altered(state, stopped, change)
    result = run(2, state, said.append)
    assert len(said) == 1
    assert said[0].startswith(f"starting from scratch: {state} is not resumed, as {reason}")
    assert len(result.history) == 2
    for here, there in zip(result.model.get_weights(), scratch, strict=True):
        np.testing.assert_array_equal(here, there)


def test_a_packed_state_is_not_unpacked(stopped: Path, tmp_path: Path) -> None:
    said: list[str] = []
    state = tmp_path / "model.unfinished"
    with zipfile.ZipFile(stopped) as old, zipfile.ZipFile(state, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    run(1, state, said.append)
    assert said == [f"starting from scratch: {state} is not resumed, as it is packed"]


def test_two_trainings_do_not_share_a_state(stopped: Path, tmp_path: Path) -> None:
    state = Path(shutil.copy(stopped, tmp_path / "state"))
    with alone_at(state), pytest.raises(OutputError) as error:
        run(1, state, lambda _: None)
    assert str(error.value).startswith(f"Another process is writing {state} at this moment.")
