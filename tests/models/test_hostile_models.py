"""A model or an architecture from a stranger is data: it runs nothing, reaches no other file, fills no memory."""

import io
import json
import pickle
import zipfile

import h5py
import keras
import numpy as np
import pytest

import keras_vnn as vnn
from keras_vnn.errors import ArchitectureError, ModelError, ReadError, VNNError
from keras_vnn.models._safety import check_model_file


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    genes = [f"G{n}" for n in range(6)]
    arch = vnn.interaction_architecture(genes, vnn.Interactions.from_pairs(["G0", "G1"], ["G1", "G2"]))
    path = tmp_path_factory.mktemp("models") / "good.keras"
    vnn.save_model(vnn.build_model(arch, vnn.classes(["a", "b"]), tail=(4,), dropout=0.1), path)
    return path


def rewritten(good, path, change=None, **members):
    """Write the model again with its config changed, and members added."""
    with zipfile.ZipFile(good) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    if change is not None:
        config = json.loads(content["config.json"])
        change(config)
        content["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (content | members).items():
            archive.writestr(name, data)
    return path


def layer(config, class_name):
    return next(one for one in config["config"]["layers"] if one["class_name"] == class_name)


def test_the_good_model_is_loaded(good, tmp_path):
    assert vnn.load_model(good).count_params() > 0
    assert vnn.load_model(rewritten(good, tmp_path / "same.keras")).count_params() > 0


LAMBDA = {"class_name": "__lambda__", "config": {"value": "4wEAAAA=", "defaults": None, "closure": None}}
HOSTILE = {
    "a Lambda layer": ("keras.layers", "Lambda", {"function": LAMBDA}),
    "a module of the system": ("os", "system", {"command": "touch escaped"}),
    "a function of Keras that fetches files": (
        "keras.utils",
        "get_file",
        {"fname": "x", "origin": "file:///etc/passwd"},
    ),
    "the switch of the safe mode": ("keras.config", "enable_unsafe_deserialization", {}),
    "a layer of TensorFlow's own format": ("keras.layers", "TFSMLayer", {"filepath": "/tmp/x"}),
    "a pickled PyTorch module": ("keras.layers", "TorchModuleWrapper", {"module": "gASV"}),
    "a vocabulary from a local file": ("keras.layers", "StringLookup", {"vocabulary": "/etc/passwd"}),
    "a builtin": ("builtins", "eval", {}),
    "keras.src by the back door": ("keras.src.legacy.saving.legacy_h5_format", "load_model_from_hdf5", {}),
}


@pytest.mark.parametrize(("module", "name", "config"), HOSTILE.values(), ids=HOSTILE)
def test_what_a_config_may_not_name(good, tmp_path, monkeypatch, module, name, config):
    monkeypatch.chdir(tmp_path)

    def change(tree):
        dense = layer(tree, "Dense")
        dense |= {"module": module, "class_name": name, "config": {"name": dense["config"]["name"], **config}}
        dense["registered_name"] = None

    path = rewritten(good, tmp_path / "bad.keras", change)
    with pytest.raises(ModelError) as caught:
        vnn.load_model(path)
    assert f"{module}.{name}" in str(caught.value)
    assert "so it is not.\nIf it is your own class, import it first" in str(caught.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["bad.keras"]


def test_functions_are_those_of_keras(good, tmp_path):
    def named(function):
        def change(tree):
            layer(tree, "Dense")["config"]["activation"] = {
                "module": "builtins", "class_name": "function", "config": function, "registered_name": "function"
            }  # fmt: skip

        return change

    vnn.load_model(rewritten(good, tmp_path / "relu.keras", named("relu")))
    for function in ("eval", "exec", "__import__", "system"):
        with pytest.raises(ModelError, match=function):
            vnn.load_model(rewritten(good, tmp_path / f"{function}.keras", named(function)))


def test_a_class_of_ones_own_is_accepted_once_it_is_registered(good, tmp_path):
    def change(tree):
        dense = layer(tree, "Dense")
        dense |= {"module": "my_lab", "class_name": "MyDense", "registered_name": "my_lab>MyDense"}

    path = rewritten(good, tmp_path / "own.keras", change)
    with pytest.raises(ModelError, match=r"my_lab\.MyDense"):
        vnn.load_model(path)

    @keras.saving.register_keras_serializable(package="my_lab")
    class MyDense(keras.layers.Dense):
        pass

    try:
        check_model_file(path)  # now it is code of the user's own that runs
    finally:
        keras.saving.get_custom_objects().pop("my_lab>MyDense", None)


@pytest.mark.parametrize("name", ["../../escaped", "/escaped", "assets/../../escaped", "..\\escaped", "C:\\escaped"])
def test_members_that_lead_out(good, tmp_path, name):
    path = rewritten(good, tmp_path / "out.keras", **{name: b"x"})
    with pytest.raises(ModelError, match="lead out of it"):
        vnn.load_model(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.keras"]


def test_weights_of_another_file(good, tmp_path):
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["x"] = np.ones(3)
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file["layers"] = h5py.ExternalLink(str(secret), "/x")
    path = rewritten(good, tmp_path / "linked.keras", **{"model.weights.h5": stream.getvalue()})
    with pytest.raises(ReadError, match=r"takes /layers from another file: .*linked\.keras\n"):
        vnn.load_model(path)


def test_a_bomb(good, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_vnn.unpacking.LARGEST_FREE", 1 << 20)
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (8 << 20))
        archive.writestr("model.weights.h5", b"")
    with pytest.raises(ReadError, match=r"unpacks to more than 1,\d+,\d+ bytes.*bomb\.keras\nIt looks made to fill"):
        vnn.load_model(path)


def test_an_architecture_holds_no_pickle(tmp_path):
    """Object arrays are how numpy runs code; they are refused as damage."""

    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "escaped"), "w"))

    arch = vnn.interaction_architecture(["A", "B"], vnn.Interactions.from_pairs(["A"], ["B"]))
    arch.save(tmp_path / "good.vnn")
    with zipfile.ZipFile(tmp_path / "good.vnn") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.array([None, None], dtype=object), allow_pickle=True)
    npy = stream.getvalue()
    header = npy[: npy.index(b"\n") + 1]
    victim = next(name for name in content if name.endswith("indices.npy"))
    content[victim] = header + pickle.dumps(np.array([Evil()], dtype=object))
    with zipfile.ZipFile(tmp_path / "bad.vnn", "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    with pytest.raises(ArchitectureError, match="allow_pickle"):
        vnn.load_architecture(tmp_path / "bad.vnn")
    assert not (tmp_path / "escaped").exists()


def test_a_pickle_under_any_name_is_not_opened(tmp_path):
    path = tmp_path / "genes.txt"
    path.write_bytes(pickle.dumps(["TP53"] * 100))
    for reader in (vnn.read_genes, vnn.read_interactions, vnn.read_gene_sets, vnn.load_architecture, vnn.load_model):
        with pytest.raises(VNNError):
            reader(path)


def test_an_h5ad_that_links_to_another_file(tmp_path):
    import anndata

    adata = anndata.AnnData(np.ones((2, 3), np.float32))
    adata.write_h5ad(tmp_path / "secret.h5ad")
    adata.write_h5ad(tmp_path / "cells.h5ad")
    with h5py.File(tmp_path / "cells.h5ad", "a") as file:
        del file["X"]
        file["X"] = h5py.ExternalLink(str(tmp_path / "secret.h5ad"), "/X")
    for reader in (vnn.read_expression, vnn.read_genes):
        with pytest.raises(ReadError, match=r"takes /X from another file: .*cells\.h5ad\n"):
            reader(tmp_path / "cells.h5ad")


def test_an_archive_whose_table_of_contents_is_damaged(tmp_path):
    """It ends as an archive does, and so is one at first sight."""
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02")] = 0
    path.write_bytes(content)
    assert zipfile.is_zipfile(path)
    with pytest.raises(ModelError) as error:
        vnn.load_model(path)
    assert str(error.value) == (
        f"Not a saved Keras model, or a truncated one: {path}\nExpected a .keras file written by `vnn train … -o FILE`."
    )
