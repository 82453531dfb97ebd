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
from keras_vnn.basics.errors import ArchitectureError, ModelError, ReadError, VNNError


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    genes = [f"G{n}" for n in range(6)]
    arch = vnn.wire.interactions(genes, vnn.read.Interactions.from_pairs(["G0", "G1"], ["G1", "G2"]))
    path = tmp_path_factory.mktemp("models") / "good.keras"
    vnn.save_model(vnn.build_model(arch, vnn.pp.classes(["a", "b"]), tail=(4,), dropout=0.1), path)
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
    "a layer of TensorFlow's own format": ("keras.layers", "TFSMLayer", {"filepath": "saved"}),
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
    assert str(caught.value).endswith(
        "Such a file can run code or read other files when it is loaded, so it is not.\n"
        f"If you know who made it, and trust them: keras.saving.load_model('{path}')"
    )
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


def function(name, module, registered=None):
    return {"class_name": "function", "config": name, "module": module, "registered_name": registered}


def thing(name, module, config=None, registered=None):
    return {"class_name": name, "config": config or {}, "module": module, "registered_name": registered}


def as_layer(node):
    """Add a layer to the model that is called with arguments of the file."""
    call = {"args": [["touch", "escaped"]], "kwargs": {}}
    return lambda tree: tree["config"]["layers"].append({**node, "name": "extra", "inbound_nodes": [call]})


def in_dense(**changes):
    return lambda tree: layer(tree, "Dense")["config"].update(changes)


def compiled(**changes):
    return lambda tree: tree.update(compile_config={"optimizer": "adam", "loss": "mse", **changes})


OURS = "keras_vnn>SparselyConnected"
DISGUISED = {
    "a function under a name of ours": (as_layer(function("Popen", "subprocess", OURS)), "function('Popen')"),
    "a function beside a name of ours": (as_layer(function(OURS, "subprocess", "Popen")), OURS),
    "another class under a name of ours": (as_layer(thing("Lambda", "keras.layers", {}, OURS)), "keras.layers.Lambda"),
    "a lambda under a name of ours": (in_dense(activation=LAMBDA | {"registered_name": OURS}), "__lambda__"),
    "a name that is not a string": (as_layer(thing(["Dense"], "keras.layers")), "keras.layers.['Dense']"),
    "a registered name that is not a string": (
        in_dense(activation={"class_name": "Dense", "module": "keras.layers", "registered_name": LAMBDA}),
        "keras.layers.Dense",
    ),
    "Lambda by a dot": (as_layer(thing("layers.Lambda", "keras", {"function": "relu"})), "keras.layers.Lambda"),
    "StringLookup by a dot": (as_layer(thing("layers.StringLookup", "keras")), "keras.layers.StringLookup"),
    "TFSMLayer by a dot": (as_layer(thing("layers.TFSMLayer", "keras")), "keras.layers.TFSMLayer"),
    "get_file by a dot": (as_layer(function("utils.get_file", "keras")), "keras.function('utils.get_file')"),
    "Lambda by its source": (as_layer(thing("Lambda", "keras.src.layers.core.lambda_layer")), "lambda_layer.Lambda"),
    "a module within the source of models": (
        as_layer(thing("serialization_lib", "keras.src.models.functional")),
        "keras.src.models.functional.serialization_lib",
    ),
    "a second name for the second look": (
        as_layer(thing("SGD", "keras.src.backend.torch.optimizers.torch_adam", {}, "torch")),
        "torch_adam.SGD",
    ),
    "a layer that is not on the list": (as_layer(thing("RandomFlip", "keras.layers")), "keras.layers.RandomFlip"),
    "no module, which older formats do": (as_layer({"class_name": "Lambda", "config": {}}), "Lambda"),
    "no module, and a plain layer": (as_layer({"class_name": "Dense", "config": {"units": 1}}), "Dense"),
    "the way into everything else": (as_layer(function("deserialize", "keras.losses")), "function('deserialize')"),
    "the same without its module": (as_layer(function("get", "builtins")), "builtins.function('get')"),
    "a function of operations": (as_layer(function("arange", "keras.ops")), "keras.ops.function('arange')"),
    "the loading of models": (as_layer(function("load_model", "keras.models")), "function('load_model')"),
    "a type of TensorFlow": (
        in_dense(kernel_initializer={"class_name": "__typespec__", "spec_name": "Popen", "module": "subprocess"}),
        "subprocess.__typespec__",
    ),
    "a loss": (compiled(loss=function("system", "os")), "os.function('system')"),
    "a list of metrics": (compiled(metrics=[["acc"], [{"x": function("system", "os")}]]), "os.function('system')"),
    "an optimizer": (compiled(optimizer=thing("Popen", "subprocess")), "subprocess.Popen"),
    "a metric of any size": (compiled(metrics=[thing("MeanIoU", "keras.metrics")]), "keras.metrics.MeanIoU"),
    "a metric of a billion thresholds": (
        compiled(metrics=[thing("AUC", "keras.metrics", {"num_thresholds": 10**9})]),
        "keras.metrics.AUC",
    ),
    "how a layer is built": (
        lambda tree: layer(tree, "Dense").update(build_config={"input_shape": thing("Popen", "subprocess")}),
        "subprocess.Popen",
    ),
    "arguments of a call": (
        lambda tree: layer(tree, "Dense")["inbound_nodes"][0]["args"].append([function("system", "os")]),
        "os.function('system')",
    ),
    "where no name is looked for": (
        in_dense(activation={"class_name": "Activation", "module": "keras.layers", "x": thing("Popen", "subprocess")}),
        "subprocess.Popen",
    ),
    "an object met before": (
        in_dense(kernel_initializer=thing("Popen", "subprocess") | {"shared_object_id": 1}),
        "subprocess.Popen",
    ),
    "an array of large items": (
        in_dense(bias_initializer={"class_name": "__numpy__", "config": {"value": [0], "dtype": "V2000000000"}}),
        "__numpy__",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "said"), DISGUISED.values(), ids=DISGUISED)
def test_what_a_config_may_not_name_in_any_disguise(good, tmp_path, monkeypatch, change, said):
    monkeypatch.chdir(tmp_path)
    path = rewritten(good, tmp_path / "bad.keras", change)
    with pytest.raises(ModelError) as caught:
        vnn.load_model(path)
    assert said in str(caught.value).splitlines()[1]
    assert "other than plain layers, weights and functions" in str(caught.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["bad.keras"]


def test_classes_of_the_user_are_left_to_keras(good, tmp_path):
    @keras.saving.register_keras_serializable(package="my_lab")
    class Dense(keras.layers.Dense):
        pass

    @keras.saving.register_keras_serializable(package="my_lab")
    def danger(x):
        return x

    def other_class(tree):
        layer(tree, "Dense").update(module="my_lab", class_name="Dense", registered_name="my_lab>Dense")

    try:
        for change, said in ((other_class, r"my_lab\.Dense"), (compiled(loss="my_lab>danger"), "my_lab>danger")):
            path = rewritten(good, tmp_path / "own.keras", change)
            with pytest.raises(ModelError, match=said) as caught:
                vnn.load_model(path)
            assert str(caught.value).endswith(f"keras.saving.load_model('{path}')")
            assert keras.saving.load_model(path).count_params() > 0
    finally:
        for name in ("my_lab>Dense", "my_lab>danger"):
            keras.saving.get_custom_objects().pop(name, None)


def test_a_model_of_plain_layers_around_one_of_ours(good, tmp_path):
    inner = vnn.load_model(good)
    outputs = keras.layers.LayerNormalization()(keras.layers.PReLU()(inner.layers[-1].output))
    outputs = keras.layers.Dense(3, "gelu", kernel_regularizer="l2", bias_constraint="non_neg")(outputs)
    model = keras.Model(inner.inputs, outputs)
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    model.compile(
        keras.optimizers.AdamW(schedule),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["acc", keras.metrics.AUC(), keras.metrics.MeanMetricWrapper(keras.losses.log_cosh)],
    )
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "own.keras")
    assert vnn.load_model(tmp_path / "own.keras").optimizer.learning_rate is not None


def junk_card(**changes):
    return lambda tree: layer(tree, "ArchitectureCard")["config"].update(changes)


@pytest.mark.parametrize(
    "change",
    [
        junk_card(architecture=None),
        junk_card(architecture={}),
        junk_card(architecture="junk"),
        junk_card(architecture="////"),
        junk_card(metadata=None),
        junk_card(metadata={}),
        junk_card(metadata=[1]),
        junk_card(metadata={"outputs": 1}),
        junk_card(metadata={"outputs": {"kind": "embedding"}}),
        junk_card(metadata={"outputs": {"kind": "embedding"}, "parts": {"sparse": {"1": "none"}}}),
        lambda tree: layer(tree, "ArchitectureCard").update(config=None),
        lambda tree: layer(tree, "ArchitectureCard").update(config={}),
    ],
)
def test_a_card_that_is_junk(good, tmp_path, change):
    with pytest.raises(
        ModelError, match=r"The model file (contradicts itself|cannot be loaded): .*junk\.keras\n    .+"
    ):
        vnn.load_model(rewritten(good, tmp_path / "junk.keras", change))


@pytest.mark.parametrize(
    "config", [b"null", b"{}", b"[]", b"3", b'"keras_vnn>ArchitectureCard"', b'{"class_name": "Dense"}']
)
def test_a_config_that_is_no_model(good, tmp_path, config):
    with pytest.raises(ModelError, match=r"config\.json of the model file describes no model: .*junk\.keras"):
        vnn.load_model(rewritten(good, tmp_path / "junk.keras", **{"config.json": config}))


def test_the_name_by_which_keras_would_read_another_format(good, tmp_path):
    """An HDF5 file with an archive behind it is both; by its name, Keras would read the first, unsafely."""
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file.attrs["model_config"] = "{}"
    with (tmp_path / "model.h5").open("ab") as file:
        file.write(good.read_bytes())
    with pytest.raises(ModelError, match=r"must end in \.keras: .*model\.h5\nRename it"):
        vnn.load_model(tmp_path / "model.h5")


@pytest.mark.parametrize(
    "name", ["../../escaped", "/escaped", "assets/../../escaped", "C:\\escaped", "assets/x.txt", "model.weights.npz"]
)
def test_members_that_are_not_of_a_model(good, tmp_path, name):
    path = rewritten(good, tmp_path / "out.keras", **{name: b"x"})
    with pytest.raises(ModelError) as caught:
        vnn.load_model(path)
    assert str(caught.value).startswith(
        f"The model file holds 1 file that is not part of a model, or a duplicate: {path}\n    {name}\n"
        "Expected config.json, metadata.json, model.weights.h5.\n"
    )
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.keras"]


def test_a_member_that_is_there_twice(good, tmp_path):
    path = rewritten(good, tmp_path / "twice.keras")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("config.json", b"{}")
    with pytest.raises(ModelError, match=r"or a duplicate: .*twice\.keras\n    config\.json"):
        vnn.load_model(path)


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


def test_a_bomb(tmp_path):
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

    arch = vnn.wire.interactions(["A", "B"], vnn.read.Interactions.from_pairs(["A"], ["B"]))
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
    with pytest.raises(ArchitectureError, match=r"an array of \(2,\) object, expected a list of int32"):
        vnn.read.architecture(tmp_path / "bad.vnn")
    assert not (tmp_path / "escaped").exists()


def test_a_pickle_under_any_name_is_not_opened(tmp_path):
    path = tmp_path / "genes.txt"
    path.write_bytes(pickle.dumps(["TP53"] * 100))
    for reader in (vnn.read.genes, vnn.read.interactions, vnn.read.gene_sets, vnn.read.architecture, vnn.load_model):
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
    for reader in (vnn.read.expression, vnn.read.genes):
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
