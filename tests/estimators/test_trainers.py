"""A model that was trained and saved in Python answers at the command line without data, and without Keras."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

import anndata
import numpy as np
import pandas as pd
import pytest

import keras_vnn as vnn
from keras_vnn import training
from keras_vnn.inspection import ranked_nodes
from keras_vnn.pp import survival_of, targets_of

GENES = [f"G{i}" for i in range(8)]
ARCH = vnn.wire.gene_sets(GENES, {"left": GENES[:4], "right": GENES[4:], "middle": GENES[2:6]})
SHORT = {"epochs": 3, "batch_size": 16, "normalization": "none", "progress": False}


def patients() -> anndata.AnnData:
    """Ninety cells of two types that differ in the genes of `left`, with whatever a model may read or learn."""
    random = np.random.default_rng(0)
    kinds = np.array(["ill", "well"])[np.arange(90) % 2]
    values = random.normal(size=(90, 8)).astype("float32") + 2 * ((kinds == "ill")[:, None] & (np.arange(8) < 3))
    obs = {
        "kind": kinds,
        "dose": values[:, 0],
        "age": random.normal(size=90),
        "months": random.integers(1, 40, 90),
        "died": random.integers(0, 2, 90),
    }
    data = anndata.AnnData(
        values, obs=pd.DataFrame(obs, index=[f"c{i}" for i in range(90)]), var=pd.DataFrame(index=GENES)
    )
    data.obsm["drug"] = random.normal(size=(90, 2)).astype("float32")
    data.layers.update(mutation=(values > 0).astype("float32"), deletion=(values < -1).astype("float32"))
    return data


DATA = patients()
TRAININGS = {
    "classes": lambda: vnn.train(ARCH, DATA, "kind", **SHORT),
    "a table and labels": lambda: vnn.train(ARCH, DATA.to_df(), list(DATA.obs["kind"]), **SHORT),
    "numbers": lambda: vnn.train(ARCH, DATA, targets_of(DATA, ["dose", "age"]), **SHORT),
    "survival": lambda: vnn.train(ARCH, DATA, survival_of(DATA, "months", "died"), **SHORT),
    "a drug and age": lambda: vnn.train(ARCH, DATA, "kind", side="drug", covariate="age", side_layers=(2,), **SHORT),
    "genotypes": lambda: vnn.train(ARCH, DATA, "kind", gene_features=("mutation", "deletion"), **SHORT),
    "an embedding": lambda: vnn.train_embedding(ARCH, DATA, "kind", types_per_batch=2, cells_per_type=2, **SHORT),
    "an autoencoder": lambda: vnn.train_autoencoder(ARCH, DATA, **SHORT),
}

READ = """
import contextlib, io, json, sys
from keras_vnn.cli import main
said = {}
for path in json.loads(sys.argv[1]):
    page = path.replace(".keras", ".html")
    said[path] = []
    for command in (["report", path, "-o", page], ["inspect", path, "--json"], ["inspect", path, "left"]):
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
            main(command)
        said[path].append(out.getvalue())
print(json.dumps({"said": said, "imported": sorted({"keras", "tensorflow", "torch", "jax"} & sys.modules.keys())}))
"""


@pytest.fixture(scope="module")
def results():
    return {kind: trained() for kind, trained in TRAININGS.items()}


def test_a_saved_model_is_inspected_and_reported_without_data_and_without_keras(results, tmp_path):
    paths = {kind: tmp_path / f"{kind}.keras" for kind in results}
    for kind, result in results.items():
        vnn.save_model(result, paths[kind])
    given = json.dumps([str(path) for path in paths.values()])
    done = subprocess.run([sys.executable, "-c", READ, given], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["imported"] == []
    for kind, path in paths.items():
        _, table, node = found["said"][str(path)]
        page = path.with_suffix(".html").read_text(encoding="utf-8")
        data = json.loads(page.split('<script id="data" type="application/json">')[1].split("</script>")[0])
        assert data["activity"] and node.startswith("left\ngene set"), kind
        if kind == "an autoencoder":
            assert "remembers the importance of its nodes, but no evidence: it was given no labels." in table
        else:
            assert data["findings"] and all(f'"{name}"' in table for name in ("left", "right", "middle")), kind


@pytest.mark.parametrize("kind", ["classes", "survival"])
def test_it_is_what_is_found_when_the_data_are_passed(results, kind):
    labels = {"classes": "kind", "survival": survival_of(DATA, "months", "died")}[kind]
    there, here = ranked_nodes(results[kind]), ranked_nodes(results[kind], DATA, labels, progress=False)
    pd.testing.assert_frame_equal(there, here, rtol=1e-4, atol=1e-6)


def test_classifiers_and_survival_are_judged(results):
    facts = {kind: vnn.tl.view(result).card.metadata for kind, result in results.items()}
    judged = {kind for kind, known in facts.items() if known.get("judgement")}
    assert judged == {"classes", "a table and labels", "survival", "a drug and age", "genotypes"}
    assert facts["classes"]["judgement"]["cells"] == len(results["classes"].split.test)


def test_it_can_be_left_out_and_an_array_without_a_name_keeps_nothing():
    said: list[str] = []
    for further in ({"remember": False}, {"side": DATA.obsm["drug"], "side_layers": (2,), "say": said.append}):
        result = vnn.train(ARCH, DATA, "kind", **further, **SHORT)
        assert "inspection" not in vnn.tl.view(result).card.metadata
    assert said == [
        "inspection    not kept: the array next to the genes has no name; put it into data.obsm, side='drug'"
    ]


def test_of_a_large_file_some_cells_are_measured(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_vnn.inspection._keeping.MOST_INSPECTED", 30)
    DATA.write_h5ad(tmp_path / "cells.h5ad")
    on_disk = vnn.read.expression(tmp_path / "cells.h5ad", backed=True)
    for trainer, labels in ((vnn.train, ("kind",)), (vnn.train_autoencoder, ())):
        said: list[str] = []
        result = trainer(ARCH, on_disk, *labels, say=said.append, **SHORT)
        assert said[-1] == "inspection    of 30 cells spread over the file"
        assert vnn.tl.view(result).card.metadata["inspection"]["cells"] == 30


@pytest.mark.parametrize("name", ["train", "train_embedding", "train_autoencoder"])
def test_signature_and_docstring_are_those_of_the_training(name):
    public, plain = getattr(vnn, name), getattr(training, name)
    names = list(inspect.signature(public).parameters)
    assert [n for n in names if n != "remember"] == list(inspect.signature(plain).parameters)
    assert names[-2:] == ["remember", "options"]
    assert set(inspect.cleandoc(plain.__doc__).split("\n")) < set(public.__doc__.split("\n"))
    assert "\nremember\n    Keep with the model" in public.__doc__
