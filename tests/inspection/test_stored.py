"""A model file is looked at without Keras, and says what the loaded model says; where it cannot, Keras is asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture.wiring import gene_set_architecture, hierarchy_architecture
from keras_vnn.basics.errors import ModelError, ReadError
from keras_vnn.data import Classes
from keras_vnn.export.report import report_data
from keras_vnn.inspection import inspect_node, ranked_nodes, remember_inspection
from keras_vnn.models import Regression, build_model, edge_weights, load_model, read_model, save_model, view
from keras_vnn.priors import Annotations, Ontology

GENES = [f"G{n}" for n in range(12)]
ONTOLOGY = Ontology.from_mapping({"A": ["ROOT"], "B": ["ROOT"], "AA": ["A"], "AB": ["A", "B"]})
KNOWN = Annotations.from_mapping(
    {"G0": ["AA"], "G1": ["AA"], "G2": ["AB"], "G3": ["AB", "B"], "G4": ["B"], "G5": ["A"], "G6": ["ROOT"]}
)
FLAT = gene_set_architecture(GENES, {f"S{n}": GENES[n : n + 4] for n in range(8)}, dense_units=3)
DEEP = hierarchy_architecture(GENES, ONTOLOGY, KNOWN, units=2)
KINDS = {
    "flat": (FLAT, Classes(("x", "y", "z")), {}),
    "flat, a tail": (FLAT, Classes(("x", "y", "z")), {"tail": (4, 3), "dropout": 0.2}),
    "numbers": (FLAT, Regression(("height",)), {"reads": "last"}),
    "deep": (DEEP, Classes(("x", "y", "z")), {"preset": "dcell-code", "auxiliary_heads": "linear"}),
    "annotation units": (
        DEEP,
        Regression(("response",)),
        {"preset": "drugcell", "side_features": 0, "side_layers": ()},
    ),
    "features": (FLAT, Classes(("x", "y", "z")), {"gene_features": ("a", "b")}),
}


@pytest.fixture(scope="module", params=list(KINDS))
def saved(request, tmp_path_factory):
    arch, outputs, options = KINDS[request.param]
    model = build_model(arch, outputs, seed=1, **options)
    random = np.random.default_rng(0)
    for weight in model.weights:  # such as a training leaves them: no zeros, no ones
        if weight.dtype == "float32":
            weight.assign(np.asarray(weight) + 0.1 * random.normal(size=weight.shape))
    shape = (60, 12, 2) if "gene_features" in options else (60, 12)
    cells = random.normal(size=shape).astype("float32")
    labels = random.integers(0, 3, 60)
    labels = outputs.decode(labels) if isinstance(outputs, Classes) else labels.astype("float32")[:, None]
    remember_inspection(model, cells, labels)
    path = tmp_path_factory.mktemp("stored") / "model.keras"
    save_model(model, path)
    return path


def test_it_says_what_the_loaded_model_says(saved) -> None:
    stored, loaded = read_model(saved), load_model(saved)
    assert type(stored).__name__ == "StoredModel"
    assert stored.count_params() == loaded.count_params() and stored.name == loaded.name
    pd.testing.assert_frame_equal(edge_weights(stored, dense=True), edge_weights(loaded, dense=True))
    pd.testing.assert_frame_equal(ranked_nodes(stored), ranked_nodes(loaded))
    pd.testing.assert_frame_equal(ranked_nodes(stored, by="knockout"), ranked_nodes(loaded, by="knockout"))
    nodes = [layer.ids[0] for layer in view(loaded).architecture.layers]
    assert [str(inspect_node(stored, node)) for node in nodes] == [str(inspect_node(loaded, node)) for node in nodes]
    assert json.dumps(report_data(stored)) == json.dumps(report_data(loaded))
    assert read_model(saved, architecture=view(loaded).architecture).name == loaded.name
    with pytest.raises(ModelError, match="another architecture"):
        read_model(saved, architecture=gene_set_architecture(GENES, {"S": GENES}))


def test_weights_that_are_not_those_of_the_findings_are_left_to_keras(saved, tmp_path) -> None:
    model = load_model(saved)
    kernel = view(model).sparse_layer(1).kernel
    kernel.assign(np.asarray(kernel) + 1)
    model.save(tmp_path / "further.keras")
    found = read_model(tmp_path / "further.keras")
    assert type(found).__name__ != "StoredModel"
    with pytest.raises(ModelError, match="remembers"):
        ranked_nodes(found)


@pytest.mark.parametrize("kind", ["nothing remembered", "a card that is null", "no weights", "no model"])
def test_what_is_not_whole_is_worded_as_by_load_model(saved, kind, tmp_path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w") as new:
        config = json.loads(old.read("config.json"))
        card = next(one for one in config["config"]["layers"] if one["class_name"] == "ArchitectureCard")["config"]
        if kind == "nothing remembered":
            card["metadata"].pop("inspection")
        if kind == "a card that is null":
            card["metadata"] = None
        new.writestr("metadata.json", old.read("metadata.json"))
        new.writestr("config.json", json.dumps(None if kind == "no model" else config))
        new.writestr("model.weights.h5", b"" if kind == "no weights" else old.read("model.weights.h5"))
    if kind == "nothing remembered":
        assert type(read_model(path)).__name__ != "StoredModel"
        return
    with pytest.raises(ReadError if kind == "no weights" else ModelError) as error:
        read_model(path)
    with pytest.raises(type(error.value)) as expected:
        load_model(path)
    assert str(error.value) == str(expected.value)


def test_commands_that_only_look_import_no_keras(saved, tmp_path) -> None:
    commands = [
        ["inspect", saved],
        ["inspect", saved, "AB" if "AB" in Path(saved).read_bytes().decode("latin-1") else "ROOT"],
        ["export", saved, "-o", tmp_path / "nodes"],
        ["report", saved, "-o", tmp_path / "page.html"],
        ["check", saved],
        ["inspect", tmp_path / "no_model.keras"],
    ]
    (tmp_path / "no_model.keras").write_text("no archive")
    code = """
import json, sys
from keras_vnn.cli import main
for command in json.loads(sys.argv[1]):
    try:
        main(command)
    except SystemExit as stop:
        assert not stop.code or "inspect" in command, command
print(json.dumps(sorted({"keras", "tensorflow", "torch", "jax", "matplotlib", "sklearn"} & sys.modules.keys())))
"""
    given = json.dumps([[str(part) for part in command] for command in commands])
    done = subprocess.run(
        [sys.executable, "-c", code, given], capture_output=True, text=True, check=True, env=os.environ
    )
    assert json.loads(done.stdout.splitlines()[-1]) == []
