"""What hierarchical models promise as Keras models: saving, fitting, heads, dropout, presets, sizes, errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.architecture.wiring import hierarchy_architecture
from keras_vnn.basics.errors import ModelError, VNNWarning
from keras_vnn.data import classes
from keras_vnn.layers import AuxiliaryHeads, AuxiliaryModel, NodeDropout, auxiliary_predictions
from keras_vnn.models import Embedding, Regression, build_model, edge_weights, set_edge_weights, view
from keras_vnn.options import AUTOENCODER_PRESETS, MODEL_PRESETS, TRAINING_PRESETS, model_options
from keras_vnn.readers import read_genes, read_hierarchy

DRUGCELL = Path(__file__).parents[3] / "shared" / "data" / "more" / "drugcell"
DCELL = {"preset": "dcell-paper"}
SMALL_DRUGCELL = {"preset": "drugcell", "side_features": 8, "side_layers": (4, 3)}


def values(rows: int, model: keras.Model, seed: int = 0) -> list[np.ndarray] | np.ndarray:
    rng = np.random.default_rng(seed)
    made = [rng.normal(size=(rows, *tensor.shape[1:])).astype("float32") for tensor in model.inputs]
    return made if len(made) > 1 else made[0]


def number(tensor: Any) -> float:
    return float(keras.ops.convert_to_numpy(tensor))


# ---- Keras's contract ----------------------------------------------------------------------------------------

LOAD = """
import sys
import keras_vnn
import keras
import numpy as np

model = keras.saving.load_model(sys.argv[1])
with np.load(sys.argv[2]) as saved:
    arrays = [saved[name] for name in saved]
x = arrays if len(arrays) > 1 else arrays[0]
np.save(sys.argv[3], model.predict(x, verbose=0))
np.save(sys.argv[4], model.fit(x, np.zeros((9, 1)), verbose=0).history["loss"])
"""


@pytest.mark.slow
@pytest.mark.parametrize("options", [SMALL_DRUGCELL, {"preset": "nest"}], ids=["drugcell", "nest"])
def test_a_new_process_needs_the_import_and_nothing_else(layered: Architecture, tmp_path: Path, options: dict) -> None:
    model = build_model(layered, Regression("auc"), seed=0, **{**options, "dropout": 0.0})
    x = values(9, model)
    model.fit(x, np.arange(9.0)[:, None], verbose=0)
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "x.npz", *(x if isinstance(x, list) else [x]))
    files = [tmp_path / name for name in ("model.keras", "x.npz", "y.npy", "loss.npy")]
    subprocess.run([sys.executable, "-c", LOAD, *files], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), model.predict(x, verbose=0))
    again = model.fit(x, np.zeros((9, 1)), verbose=0)
    np.testing.assert_allclose(np.load(tmp_path / "loss.npy"), again.history["loss"], rtol=1e-5)


def test_predict_gives_the_prediction_alone_and_fit_trains_the_heads(layered: Architecture) -> None:
    model = build_model(layered, Regression("growth"), seed=0, **DCELL)
    assert type(model) is AuxiliaryModel
    assert model.output_shape == (None, 1)
    x, y = values(32, model), np.linspace(-1, 1, 32)
    head = view(model).auxiliary_layer(1)
    before = [variable.numpy() for variable in head.weights]
    history = model.fit(x, y, validation_data=(x, y), epochs=2, verbose=0).history
    assert model.predict(x, verbose=0).shape == (32, 1)
    assert all((old != new.numpy()).all() for old, new in zip(before, head.weights, strict=True))
    assert history["val_loss"][-1] == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-5)
    assert history["val_loss"][-1] == pytest.approx(np.mean((model.predict(x, verbose=0)[:, 0] - y) ** 2), rel=1e-4)


def test_without_heads_it_is_a_model_of_keras_alone(layered: Architecture) -> None:
    assert type(build_model(layered, 2, batch_normalization="after")) is type(build_model(layered, 2))


def test_a_clone_trains_its_heads_too(layered: Architecture) -> None:
    model = build_model(layered, 3, seed=0, **DCELL)
    copy = keras.models.clone_model(model)
    assert type(copy) is AuxiliaryModel
    assert view(copy).architecture == layered
    copy.compile("sgd", "sparse_categorical_crossentropy")
    x = values(6, model)
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy.predict(x, verbose=0), model.predict(x, verbose=0))
    assert copy.fit(x, np.arange(6) % 3, verbose=0).history["loss"][0] > 1.5, "more than the loss of the head alone"


@pytest.mark.filterwarnings("ignore::UserWarning")  # what torch.compile has to say of Keras
@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_loss_is_the_same_compiled_and_eager(layered: Architecture, jit_compile: bool) -> None:
    model = build_model(layered, Regression("growth"), seed=0, kernel="dense", **DCELL)
    x, y = values(16, model), np.linspace(-1, 1, 16)[:, None].astype("float32")
    eager = number(model.compute_loss(x, y, model(x, training=True), training=True))
    model.compile(keras.optimizers.SGD(0.0), "mse", jit_compile=jit_compile)
    assert model.train_on_batch(x, y) == pytest.approx(eager, rel=1e-5)


def test_rows_are_weighed_in_every_head(layered: Architecture) -> None:
    """A row of weight 2 counts as the row given twice; without batch normalisation rows do not touch each other."""
    model = build_model(layered, 3, seed=0, auxiliary_heads="linear")
    x, y = values(4, model), np.array([0, 1, 2, 0])

    def loss(rows: list[int], weights: np.ndarray | None = None) -> float:
        prediction = model(x[rows], training=True)
        return number(model.compute_loss(x[rows], y[rows], prediction, weights, training=True)) * len(rows)

    weighted = loss([0, 1, 2, 3], np.array([2.0, 1.0, 1.0, 0.0], "float32"))
    assert weighted == pytest.approx(loss([0, 0, 1, 2]), rel=1e-5)
    history = model.fit(x, y, class_weight={0: 2.0, 1: 1.0, 2: 1.0}, shuffle=False, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def test_labels_in_a_column_and_loss_objects_are_taken_too(layered: Architecture) -> None:
    model = build_model(layered, 3, seed=0, **DCELL)
    x, y = values(6, model), np.arange(6) % 3
    prediction = model(x, training=True)
    flat, column = (number(model.compute_loss(x, truth, prediction, training=True)) for truth in (y, y[:, None]))
    assert flat == pytest.approx(column, rel=1e-6)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy())
    assert number(model.compute_loss(x, y, prediction, training=True)) == pytest.approx(flat, rel=1e-6)
    model.compile("sgd", "categorical_crossentropy")
    one_hot = np.eye(3, dtype="float32")[y]
    assert number(model.compute_loss(x, one_hot, prediction, training=True)) == pytest.approx(flat, rel=1e-6)


@pytest.mark.slow
def test_mixed_precision_predicts_in_single(layered: Architecture) -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build_model(layered, Regression("growth"), seed=0, **SMALL_DRUGCELL)
    finally:
        keras.config.set_dtype_policy("float32")
    x = values(8, model)
    history = model.fit(x, np.linspace(0, 1, 8), verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert model.predict(x, verbose=0).dtype == np.float32
    beside = auxiliary_predictions(model(x, training=True)).values
    assert keras.backend.standardize_dtype(beside.dtype) == "float32"


@pytest.mark.tensorflow
def test_an_export_predicts(layered: Architecture, tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    model = build_model(layered, Regression("growth"), seed=0, **DCELL)
    x = values(5, model)
    model.export(tmp_path / "saved", verbose=False)
    served = tf.saved_model.load(tmp_path / "saved")
    np.testing.assert_allclose(np.asarray(served.serve(x)), model.predict(x, verbose=0), atol=1e-6)


def test_predictions_of_others_are_refused(layered: Architecture) -> None:
    model = build_model(layered, Regression("growth"), seed=0, **DCELL)
    with pytest.raises(ModelError) as error:
        model.compute_loss(None, np.zeros((2, 1)), np.zeros((2, 1)), training=True)
    assert str(error.value) == (
        "The predictions carry no auxiliary heads.\nPass what the model itself gave: model(x, training=True)"
    )


# ---- heads ---------------------------------------------------------------------------------------------------


def test_heads_by_name(layered: Architecture) -> None:
    model = build_model(layered, Regression(("a", "b")), seed=0, auxiliary_heads="linear", aux_root=False)
    seen = view(model)
    heads = seen.auxiliary_layer(1)
    assert seen.auxiliary_layer(2) is None, "the root has the head of the model"
    assert heads.connections.nodes.shape == (2, 2), "lonely is read by the head"
    table = edge_weights(model, dense=True).query("block == 'layer_1_auxiliary' and parameter == 'kernel'")
    assert (table["source"] == table["target"]).all()
    assert list(table["target"].unique()) == ["T1", "T2"]
    assert set(zip(table["source_unit"], table["target_unit"], strict=True)) == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_level_heads_are_averaged_and_weighed(layered: Architecture) -> None:
    """P-NET: the prediction is the mean of the heads, the loss the weighed sum of theirs."""
    model = build_model(
        layered,
        Regression("dead"),
        seed=0,
        loss="binary_crossentropy",
        level_heads=True,
        level_weights=(2.0, 7.0),
        anchor="none",
    )
    seen = view(model)
    x, y = values(10, model), (np.arange(10) % 2)[:, None].astype("float32")
    first = np.tanh(x @ seen.sparse_layer(1).kernel_matrix().toarray())
    root = np.tanh(np.hstack([x, first]) @ seen.sparse_layer(2).kernel_matrix().toarray())
    logits = [
        first @ seen.auxiliary_layer(1).kernel.numpy(),
        np.hstack([first[:, 4:], root]) @ seen.head.kernel.numpy(),
    ]
    chances = [1 / (1 + np.exp(-logit)) for logit in logits]
    np.testing.assert_allclose(model.predict(x, verbose=0), np.mean(chances, axis=0), atol=1e-6)
    losses = [-np.mean(y * np.log(chance) + (1 - y) * np.log(1 - chance)) for chance in chances]
    loss = model.compute_loss(x, y, model(x, training=True), training=True)
    assert number(loss) == pytest.approx(2 * losses[0] + 7 * losses[1], rel=1e-4)


def test_pnet_has_a_head_on_the_genes_and_on_each_layer(layered: Architecture) -> None:
    model = build_model(layered, 2, preset="pnet", level_weights=(2, 7, 20))
    assert [role.number for role in view(model).roles.all("auxiliary")] == [0, 1]
    assert model.input_shape == (None, 4, 3)
    rates = [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.5, 0.1, 0.1]


# ---- dropout -------------------------------------------------------------------------------------------------


def test_the_rule_of_kpnn() -> None:
    genes = Layer("genes", tuple(Node(name, kind="gene") for name in "ABCDEFGH"))
    lower = Layer("one", tuple(Node(f"T{i}") for i in range(6)))
    upper = Layer("two", tuple(Node(name) for name in ("alone", "pair", "many")))
    to_upper = np.array([[1, 0, 1], [0, 1, 0], [0, 1, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1]])
    arch = Architecture(
        (genes, lower, upper), {(0, 1): sparse.csr_array(np.ones((8, 6))), (1, 2): sparse.csr_array(to_upper)}
    )
    model = build_model(arch, 2, preset="kpnn", dropout=0.6)
    lower, upper = (layer.rates for layer in model.layers if isinstance(layer, NodeDropout))
    assert lower == (0.0, 0.1, 0.1, 0.6, 0.6, 0.6), "an only child stays, T2 has a sibling"
    assert upper == (0.3, 0.3, 0.3), "the head reads three"


def test_dropout_of_inputs_stands_before_the_linear_step(layered: Architecture) -> None:
    model = build_model(layered, 2, dropout=0.2, dropout_of="inputs", dropout_from=2)
    names = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert names == ["layer_2_inputs_dropout"]


def test_dropout_before_the_activation_when_batch_normalisation_is(layered: Architecture) -> None:
    """BINN: linear, batch normalisation, dropout, activation."""
    model = build_model(layered, 2, dropout=0.2, batch_normalization="before")
    names = [layer.name for layer in model.layers if layer.name.startswith("layer_1")]
    assert names[:4] == ["layer_1", "layer_1_batch_normalization", "layer_1_dropout", "layer_1_activation"]
    assert view(model).sparse_layer(1).activation is keras.activations.linear
    assert view(model).state_layer(1).name == "layer_1_activation"


# ---- weights and sizes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", MODEL_PRESETS)
def test_every_weight_of_every_preset_goes_out_and_in_by_name(layered: Architecture, preset: str) -> None:
    changes = {"side_features": 5, "side_layers": (3,)} if preset == "drugcell" else {}
    changes |= {"level_weights": ()} if preset == "pnet" else {}
    model, other = (
        build_model(layered, Regression(("a", "b")), preset=preset, seed=seed, **changes) for seed in (0, 1)
    )
    table = edge_weights(model, dense=True)
    assert len(table) == model.count_params()
    assert not table.duplicated(["block", "parameter", "source", "source_unit", "target", "target_unit"]).any()
    assert set_edge_weights(other, table.sample(frac=1, random_state=0)) == len(table)
    for ours, theirs in zip(model.variables, other.variables, strict=True):
        if "seed" not in ours.path:
            np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_annotation_units_have_names(layered: Architecture) -> None:
    model = build_model(layered, Regression("auc"), seed=0, annotation_units=True)
    table = pd.DataFrame(
        {
            "block": "layer_1_annotations",
            "parameter": ["kernel", "bias"],
            "source": "B",
            "source_unit": 0,
            "target": "T2",
            "target_unit": 0,
            "weight": [5.0, -3.0],
        }
    )
    assert set_edge_weights(model, table, partial=True) == 2
    layer = model.get_layer("layer_1_annotations")
    pairs = keras.Model(model.inputs[0], layer.output)
    moved = keras.ops.convert_to_numpy(pairs(np.array([[0, 0, 0, 0], [0, 1, 0, 0]], "float32")))
    assert moved.shape == (2, 5), "five annotations in layer 1"
    assert (moved[0] == -3).sum() == 1
    assert moved[1, moved[0] == -3].tolist() == [2.0]


def test_the_number_of_layers_grows_with_levels_not_with_terms() -> None:
    def layers(terms: int, levels: int) -> int:
        made = [Layer("genes", (Node("A", kind="gene"), Node("B", kind="gene")))]
        connections = {}
        for number in range(1, levels + 1):
            made.append(Layer(str(number), tuple(Node(f"T{number}.{i}", units=3) for i in range(terms))))
            connections[number - 1, number] = sparse.csr_array(np.ones((len(made[-2]), terms)))
        return len(build_model(Architecture(tuple(made), connections), Regression("y"), **SMALL_DRUGCELL).layers)

    assert layers(2, 2) == layers(50, 2)
    assert layers(2, 4) - layers(2, 3) == layers(2, 3) - layers(2, 2)


@pytest.mark.slow
@pytest.mark.skipif(not DRUGCELL.is_dir(), reason="the files of DrugCell are not at hand")
def test_drugcell_has_its_published_number_of_parameters() -> None:
    ontology, annotations = read_hierarchy(DRUGCELL / "drugcell_ont.txt.gz")
    arch = hierarchy_architecture(read_genes(DRUGCELL / "gene2ind.txt"), ontology, annotations, units=6)
    model = build_model(arch, Regression("auc"), preset="drugcell")
    trained = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    assert trained == 859_190
    table = edge_weights(model, dense=True)
    sizes = table[~table["parameter"].str.startswith("moving")].groupby(["block", "parameter"]).size()
    of_terms = [f"layer_{number}" for number in range(1, 7)]
    assert sum(sizes[f"{name}_annotations"].sum() for name in of_terms) == 119_506
    assert sum(sizes[name, "kernel"] for name in of_terms) == 472_530
    assert sum(sizes[name, "bias"] for name in of_terms) == 12_516
    assert sum(sizes[f"{name}_batch_normalization"].sum() for name in of_terms) == 25_032
    assert sum(sizes[f"{name}_auxiliary{part}"].sum() for name in of_terms for part in ("", "_hidden")) == 18_774
    sides = [f"side_{number}" for number in (1, 2, 3)]
    assert sum(sizes[name].sum() for name in sides) == 210_256
    assert sum(sizes[f"{name}_batch_normalization"].sum() for name in sides) == 312
    assert sum(sizes[f"{name}_auxiliary{part}"].sum() for name in sides for part in ("", "_hidden")) == 165
    assert (sizes["tail_1"].sum(), sizes["tail_1_batch_normalization"].sum()) == (78, 12)
    assert sizes["head_hidden"].sum() + sizes["head"].sum() == 9
    kernels = table[(table["block"] == "layer_1") & (table["parameter"] == "kernel")]["weight"]
    assert kernels.abs().max() <= 0.1, "a tenth of PyTorch's uniform weights"


def test_initial_weights_are_scaled(layered: Architecture) -> None:
    usual, tenth = (
        build_model(layered, 2, seed=0, anchor="none", kernel_initializer="linear_uniform", initial_scale=scale)
        for scale in (1.0, 0.1)
    )
    for name in ("layer_1", "head"):
        one, other = (np.asarray(model.get_layer(name).kernel) for model in (usual, tenth))
        np.testing.assert_allclose(other, 0.1 * one, rtol=1e-5)
    root = view(usual).sparse_layer(2)
    assert np.abs(root.kernel.numpy()).max() <= 1 / np.sqrt(5), "the root reads one gene and four units"


# ---- presets and errors --------------------------------------------------------------------------------------


def test_one_unit_a_node_is_said_to_be_too_few_to_discover(layered: Architecture) -> None:
    with pytest.warns(VNNWarning, match=r"Every node has one unit.*\n.*arch\.with_units\(6\)"):
        build_model(layered.with_units(1), 2, preset="discover")
    assert view(build_model(layered, 2, preset="discover")).auxiliary_layer(1) is not None


def test_every_published_model_has_its_training() -> None:
    assert [*MODEL_PRESETS, *AUTOENCODER_PRESETS] == list(TRAINING_PRESETS)
    dcell, nest = model_options("dcell-code", {}), model_options("nest", {})
    assert (dcell.aux_weight, dcell.aux_reads, dcell.initial_scale) == (0.5, "before", 0.001)
    assert (nest.loss, nest.gene_features, nest.aux_weight) == (
        "concordance",
        ("mutation", "deletion", "amplification"),
        0.3,
    )
    assert TRAINING_PRESETS["drugcell"].epsilon == 1e-5
    assert MODEL_PRESETS["drugcell"].changed(tail=()).side_layers == (100, 50, 6)


@pytest.mark.parametrize(
    ("outputs", "options", "message"),
    [
        (2, {"batch_normalization": "befor"}, "batch_normalization must be one of none, before, after; got 'befor'. "),
        (2, {"batch_momentum": 1.0}, "batch_momentum must be a number of at least 0 and below 1, got 1.0."),
        (
            2,
            {"dropout": (0.5, 1.5)},
            "dropout must be a number of at least 0 and below 1, or a list, ",
        ),
        (
            2,
            {"side_layers": (3,)},
            "side_layers are layers behind side_features: name their number too, or leave side_layers out.",
        ),
        (
            2,
            {"side_features": 3, "side_layers": (0,)},
            "side_layers must be a list, each an integer of at least 1, got 0.",
        ),
        (2, {"gene_features": ("a",)}, "gene_features needs two or more different names, got ['a']."),
        (2, {"initial_scale": 0}, "initial_scale must be a number above 0, got 0."),
        (
            2,
            {"initial_scale": 0.1, "kernel_initializer": "zeros"},
            "initial_scale cannot scale the initializer 'zeros'; take one that scales by fan-in or fan-out, ",
        ),
        (2, {"kernel_initializer": "glorot"}, "kernel_initializer must be linear_uniform or a name that Keras knows, "),
        (
            2,
            {"level_heads": True, "auxiliary_heads": "linear"},
            "level_heads and auxiliary_heads exclude each other: choose a head per layer or per node.",
        ),
        (2, {"level_weights": (1,)}, "level_weights is for level_heads=True."),
        (
            2,
            {"level_heads": True, "level_weights": (1, 2, 3)},
            "level_weights must be as many as there are level heads: expected 2, got 3.",
        ),
        (2, {"level_heads": True, "tail": (3,)}, "level_heads goes with neither a tail, a side branch nor another "),
        (2, {"loss": "concordance"}, "The loss concordance is not for classes; take auto or sparse_categorical_cross"),
        (
            Regression("y"),
            {"loss": "sparse_categorical_crossentropy"},
            "The loss sparse_categorical_crossentropy is not for numbers; take auto or another.",
        ),
        (2, {"auxiliary_heads": "linear-tanh"}, 'auxiliary_heads="linear-tanh" gives numbers between -1 and 1, not '),
        (
            Regression("y"),
            {"preset": "dcell-code", "loss": "binary_crossentropy"},
            'auxiliary_heads="linear-tanh" gives numbers between -1 and 1, not probabilities.\n'
            'For classes, or numbers that are 0 or 1, take auxiliary_heads="linear".',
        ),
        (
            Embedding(),
            {"auxiliary_heads": "linear"},
            "An embedding predicts nothing, so it has no auxiliary and no level heads.",
        ),
    ],
)
def test_wrong_options_are_named(layered: Architecture, outputs: object, options: dict, message: str) -> None:
    with pytest.raises(ModelError) as error:
        build_model(layered, outputs, **options)
    assert str(error.value).startswith(message)


def test_one_loss_for_all_heads(layered: Architecture) -> None:
    model = build_model(layered, classes(["a", "b"]), seed=0, **DCELL)
    model.compile("sgd", ["sparse_categorical_crossentropy"])
    x = values(4, model)
    with pytest.raises(ModelError, match="takes one loss for all of them"):
        model.compute_loss(x, np.arange(4) % 2, model(x, training=True), training=True)


@pytest.mark.parametrize("options", [{"auxiliary_heads": "linear", "aux_weight": 0.4}, {"level_heads": True}])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
@pytest.mark.parametrize("loss_weights", [None, 3.0, [3.0]])
def test_heads_follow_the_compiled_loss(
    layered: Architecture, options: dict, reduction: str, loss_weights: Any
) -> None:
    """Every head counts as a prediction of its own would, times its weight."""
    model = build_model(layered, Regression(("a", "b")), seed=0, anchor="none", **options)
    x = values(6, model)
    rng = np.random.default_rng(1)
    y, rows = rng.normal(size=(6, 2)).astype("float32"), rng.random(6).astype("float32")
    loss = keras.losses.MeanSquaredError(reduction=reduction)
    model.compile("sgd", loss, loss_weights=loss_weights)
    prediction = model(x, training=True)
    heads = auxiliary_predictions(prediction)
    for sample_weight in (None, rows):
        parts = [number(loss(y, heads.values[:, place], sample_weight)) for place in range(len(heads.weights))]
        expected = heads.prediction_weight * number(loss(y, prediction, sample_weight)) + parts @ heads.weights
        got = number(model.compute_loss(x, y, prediction, sample_weight, training=True))
        assert got == pytest.approx((3 if loss_weights else 1) * expected, rel=1e-5)


def test_a_loss_that_does_not_reduce_is_refused(layered: Architecture) -> None:
    model = build_model(layered, Regression("growth"), seed=0, **DCELL)
    model.compile("sgd", keras.losses.MeanSquaredError(reduction=None))
    x = values(4, model)
    with pytest.raises(ModelError, match="takes one loss for all of them, which reduces to a number"):
        model.compute_loss(x, np.zeros((4, 1)), model(x, training=True), training=True)


def test_heads_of_a_model_inside_another(layered: Architecture) -> None:
    """A model of Keras would train none of them, in silence; one of ours trains them."""
    model = build_model(layered, Regression("growth"), seed=0, auxiliary_heads="linear")
    inputs = keras.Input((4,))
    with pytest.warns(VNNWarning, match="The auxiliary heads of 'vnn' are not trained by a model that it becomes a pa"):
        outputs = model(inputs)
    outer = AuxiliaryModel(inputs, outputs)
    outer.compile("sgd", "mse")
    x, y = values(6, model), np.linspace(-1, 1, 6)[:, None]
    both = [number(one.compute_loss(x, y, one(x, training=True), training=True)) for one in (model, outer)]
    assert both[0] == pytest.approx(both[1], rel=1e-6)
    head = view(model).auxiliary_layer(1)
    before = keras.ops.convert_to_numpy(head.kernel)
    outer.fit(x, y, verbose=0)
    assert (keras.ops.convert_to_numpy(head.kernel) != before).all()


def test_only_the_first_input_of_heads_is_passed_on() -> None:
    layer = AuxiliaryHeads(2, [0.5, 2.0])
    prediction, heads, more = np.zeros((3, 2), "float32"), np.ones((3, 4), "float32"), np.ones((3, 2), "float32")
    given = layer([prediction, heads, more], training=True)
    assert given.shape == (3, 2)
    carried = auxiliary_predictions(given)
    assert carried.values.shape == (3, 3, 2)
    assert carried.weights.tolist() == [0.5, 0.5, 2.0]
    assert auxiliary_predictions(layer([prediction, heads, more], training=False)) is None
