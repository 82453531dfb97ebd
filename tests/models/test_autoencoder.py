"""Autoencoders whose decoder is an architecture read backwards."""

from __future__ import annotations

import subprocess
import sys
import warnings

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.architecture.wiring import gene_set_architecture
from keras_vnn.basics.errors import ModelError, VNNWarning
from keras_vnn.inspection import embed, node_activities, predict
from keras_vnn.layers import LatentSample, ReconstructionError
from keras_vnn.models import (
    build_autoencoder,
    build_model,
    edge_weights,
    load_model,
    save_model,
    set_edge_weights,
    view,
)
from keras_vnn.options import AUTOENCODER_PRESETS

GENES = ("ATM", "BRCA1", "CHEK2", "MDM2", "TP53")
SMALL = {"encoder": (4,), "dropout": 0.0, "latent_dropout": 0.0, "seed": 1}


@pytest.fixture
def sets() -> Architecture:
    """Five genes, two sets, one latent value that all genes read."""
    return gene_set_architecture(GENES, {"repair": ["ATM", "BRCA1"], "stop": ["BRCA1", "MDM2", "TP53"]}, dense_units=1)


@pytest.fixture
def terms() -> Architecture:
    """A root of two units over two terms; one gene reads the root itself, one term has nothing above it."""
    genes = Layer("genes", tuple(Node(gene, kind="gene") for gene in GENES))
    lower = Layer("height 1", (Node("T1", units=2), Node("T2"), Node("alone")))
    root = Layer("height 2", (Node("ROOT", units=2),))
    return Architecture(
        (genes, lower, root),
        {
            (0, 1): sparse.csr_array(np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1], [0, 0, 0]])),
            (0, 2): sparse.csr_array(np.array([[0], [0], [0], [0], [1]])),
            (1, 2): sparse.csr_array(np.array([[1], [1], [0]])),
        },
    )


def cells(count: int = 6, genes: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(1.0, size=(count, genes)).astype("float32")


def test_five_genes_by_hand(sets) -> None:
    """repair = 1, stop = 2, shared = 0.5: each gene is the sum of its weights times these, plus a bias."""
    model = build_autoencoder(sets, **SMALL)
    weights = [
        *(("repair", gene, weight) for gene, weight in (("ATM", 1.0), ("BRCA1", 2.0))),
        *(("stop", gene, weight) for gene, weight in (("BRCA1", 3.0), ("MDM2", 0.5), ("TP53", 0.0))),
        *(("layer_1_dense", gene, 2.0) for gene in GENES),
        *((None, gene, 10.0) for gene in GENES),
    ]
    table = pd.DataFrame(weights, columns=["source", "target", "weight"])
    table.insert(0, "block", "reconstruction")
    table.insert(1, "parameter", np.where(table["source"].isna(), "bias", "kernel"))
    assert set_edge_weights(model, table) == 15
    decoder = keras.Model(model.get_layer("latent").output, model.output)
    restored = keras.ops.convert_to_numpy(decoder(np.array([[1.0, 2.0, 0.5]], "float32")))
    assert restored.tolist() == [[10 + 1 + 1, 10 + 2 + 6 + 1, 10 + 1, 10 + 1 + 1, 10 + 1 + 0]]
    assert edge_weights(model)["source"].isna().sum() == 5, "no other weights than those of sets, and biases"


def test_kullback_leibler_by_hand() -> None:
    """Of N(1, 1): 1/2. Of N(0, 4): (4 - 1 - ln 4) / 2. Summed over the values of a cell, averaged over cells."""
    layer = LatentSample(beta=0.1, seed=0)
    mean, log_variance = np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[0.0, np.log(4)], [0.0, 0.0]])
    np.testing.assert_array_equal(layer([mean, log_variance]), mean)
    assert layer.losses == []
    layer([mean, log_variance], training=True)
    expected = 0.1 * (0.5 + (3 - np.log(4)) / 2) / 2
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer.losses[0]), expected, rtol=1e-6)
    layer.share.assign(0.5)
    layer([mean, log_variance], training=True)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer.losses[0]), expected / 2, rtol=1e-6)


def test_draws_have_the_mean_and_variance_they_should() -> None:
    layer = LatentSample(seed=3)
    ones = np.ones((20_000, 1), "float32")
    drawn = keras.ops.convert_to_numpy(layer([3 * ones, np.log(0.25) * ones], training=True))
    assert drawn.mean() == pytest.approx(3, abs=0.02)
    assert drawn.std() == pytest.approx(0.5, abs=0.02)
    again = keras.ops.convert_to_numpy(LatentSample(seed=3)([3 * ones, np.log(0.25) * ones], training=True))
    np.testing.assert_array_equal(drawn, again)


def test_error_is_summed_over_genes_and_averaged_over_cells() -> None:
    truth, restored = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]), np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    assert float(ReconstructionError()(truth, restored)) == (4 + 9 + 3) / 2


def by_numpy(model: keras.Model, latent: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Decode by dense matrices made from the table of weights, node by node, from the end to the genes."""
    arch = view(model).architecture
    table = edge_weights(model)
    units: dict[tuple[str, int], np.ndarray] = {}
    names = embed(model, np.zeros((1, 5), "float32")).var
    for column, (node, unit) in enumerate(zip(names["node"], names["unit"], strict=True)):
        units[node, unit] = latent[:, column]
    for number in range(len(arch.layers) - 1, -1, -1):
        for node in arch.layers[number]:
            for unit in range(node.units):
                rows = table[(table["target"] == node.id) & (table["target_unit"] == unit)]
                if (node.id, unit) in units:
                    assert rows.empty, "latent values read nothing"
                    continue
                total = np.zeros(len(latent))
                for row in rows.itertuples():
                    value = 1.0 if row.parameter == "bias" else units[row.source, row.source_unit]
                    total = total + row.weight * value
                units[node.id, unit] = total
    hidden = {name: value for name, value in units.items() if name[0] not in GENES}
    return hidden, np.column_stack([units[gene, 0] for gene in arch.genes])


def test_the_whole_decoder_is_what_numpy_makes_of_its_weights(terms) -> None:
    model = build_autoencoder(terms, **SMALL)
    for layer in ("layer_1", "reconstruction"):
        bias = model.get_layer(layer).bias
        bias.assign(np.arange(1, bias.shape[0] + 1) / 10)
    x = cells()
    hidden, genes = by_numpy(model, embed(model, x).X)
    np.testing.assert_allclose(predict(model, x).to_numpy(), genes, rtol=1e-5)
    assert list(predict(model, x).columns) == list(GENES)
    activities = node_activities(model, x)
    keys = zip(activities.var["node"], activities.var["unit"], strict=True)
    np.testing.assert_allclose(activities.X, np.column_stack([hidden[key] for key in keys]), rtol=1e-5)


def test_latent_values_are_the_nodes_with_nothing_above(terms) -> None:
    found = embed(build_autoencoder(terms, **SMALL), cells()).var
    assert list(zip(found["node"], found["unit"], strict=True)) == [("alone", 0), ("ROOT", 0), ("ROOT", 1)]


def test_nodes_read_what_they_feed_in_the_architecture_and_nothing_else(terms) -> None:
    table = edge_weights(build_autoencoder(terms, **SMALL)).dropna()
    pairs = {(row.source, row.target) for row in table.itertuples()}
    edges = terms.edge_table()
    assert pairs == set(zip(edges["target"], edges["source"], strict=True))


@pytest.mark.parametrize(
    "preset",
    [pytest.param(name, marks=() if name == "vega" else pytest.mark.slow) for name in AUTOENCODER_PRESETS],
)
def test_weights_stay_non_negative_and_the_loss_falls(terms, preset) -> None:
    model = build_autoencoder(terms, preset=preset, encoder=(8,), dropout=0.0, latent_dropout=0.0, seed=0)
    x = cells(64)
    first = model.evaluate(x, x, verbose=0)
    model.optimizer.learning_rate.assign(0.02)
    model.fit(x, x, epochs=30, batch_size=16, verbose=0, shuffle=False)
    # A likelihood of counts cannot fall below their entropy.
    assert model.evaluate(x, x, verbose=0) < (0.95 if preset == "expimap" else 0.7) * first
    kernels = edge_weights(model).query("parameter == 'kernel'")["weight"]
    assert kernels.min() >= 0
    assert (kernels > 0).any()


def test_signs_are_free_where_asked_for(terms) -> None:
    kernels = edge_weights(build_autoencoder(terms, non_negative=False, **SMALL)).query("parameter == 'kernel'")
    assert kernels["weight"].min() < 0


def test_initial_scale_is_a_factor_of_the_decoder_alone(sets) -> None:
    whole = edge_weights(build_autoencoder(sets, initial_scale=1.0, **SMALL), dense=True)
    tenth = edge_weights(build_autoencoder(sets, initial_scale=0.1, **SMALL), dense=True)
    is_decoder = (whole["block"] == "reconstruction").to_numpy()
    np.testing.assert_allclose(tenth["weight"][is_decoder], 0.1 * whole["weight"][is_decoder], rtol=1e-6)
    np.testing.assert_array_equal(tenth["weight"][~is_decoder], whole["weight"][~is_decoder])


def test_the_same_seed_gives_the_same_model_and_the_same_training(sets) -> None:
    def trained() -> np.ndarray:
        model = build_autoencoder(sets, encoder=(4,), seed=5)
        model.fit(cells(32), cells(32), epochs=3, verbose=0, shuffle=False)
        return edge_weights(model, dense=True)["weight"].to_numpy()

    np.testing.assert_array_equal(trained(), trained())


@pytest.mark.slow
def test_it_is_saved_and_opens_anywhere(terms, tmp_path) -> None:
    model = build_autoencoder(terms, encoder=("latent",), seed=2)
    x = cells()
    model.fit(x, x, verbose=0)
    save_model(model, tmp_path / "model.keras")
    expected = predict(model, x)
    pd.testing.assert_frame_equal(predict(load_model(tmp_path / "model.keras", architecture=terms), x), expected)
    np.save(tmp_path / "cells.npy", x)
    code = (
        "import keras_vnn, keras, numpy as np, sys\n"
        "model = keras.saving.load_model(sys.argv[1] + '/model.keras')\n"
        "np.save(sys.argv[1] + '/restored.npy', model.predict(np.load(sys.argv[1] + '/cells.npy'), verbose=0))\n"
        "print(keras_vnn.tl.view(model).outputs, model.get_layer('reconstruction').kernel_constraint is not None)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["Reconstruction()", "True"]
    np.testing.assert_allclose(np.load(tmp_path / "restored.npy"), expected.to_numpy(), rtol=1e-6)


def test_genes_no_node_reads_are_named(terms) -> None:
    with pytest.warns(VNNWarning) as caught:
        build_autoencoder(gene_set_architecture(GENES, {"repair": ["ATM", "BRCA1"]}), **SMALL)
    assert str(caught[0].message) == (
        "3 of 5 genes are read by no node, so the autoencoder cannot restore them and gives 0: CHEK2, MDM2, TP53.\n"
        "Build the architecture with dense_units=1: a unit that all genes share; or build it from fewer genes."
    )
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"preset": "vegan"},
            "preset of an autoencoder must be one of vega, onto-vae, expimap; got 'vegan'. Did you mean vega?",
        ),
        ({"dropuot": 0.1}, "Unknown option of an autoencoder 'dropuot'. Did you mean dropout?"),
        ({"encoder": (0,)}, "encoder must be a list, each an integer of at least 1, or latent; got 0."),
        ({"beta": -1.0}, "beta must be a number of at least 0, got -1.0."),
        ({"dropout": 1.0}, "dropout must be a number of at least 0 and below 1, got 1.0."),
        ({"initial_scale": 0.0}, "initial_scale must be a number above 0, got 0.0."),
        (
            {"activation": "rellu"},
            "activation must be a name that Keras knows, got 'rellu'. Did you mean relu or relu6 or elu?",
        ),
    ],
)
def test_options_are_checked(sets, options, message) -> None:
    with pytest.raises(ModelError) as error:
        build_autoencoder(sets, **options)
    assert str(error.value) == message


def test_a_preset_of_autoencoders_is_not_one_of_models_that_predict(sets) -> None:
    with pytest.raises(ModelError) as error:
        build_model(sets, 2, preset="vega")
    assert str(error.value) == (
        "The preset 'vega' is of autoencoders, not of models that predict.\n"
        "Build one: vnn.build_autoencoder(arch, preset='vega')"
    )


@st.composite
def wirings(draw) -> Architecture:
    """Five genes and one to three layers of nodes with edges at random between any two."""
    sizes = [5, *draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))]
    layers = [Layer("genes", tuple(Node(gene, kind="gene") for gene in GENES))]
    for number, size in enumerate(sizes[1:], start=1):
        nodes = tuple(Node(f"N{number}.{i}", units=draw(st.integers(1, 2))) for i in range(size))
        layers.append(Layer(f"layer {number}", nodes, draw(st.integers(0, 1))))
    connections = {}
    for target in range(1, len(sizes)):
        for source in range(target):
            cut = draw(
                st.lists(st.booleans(), min_size=sizes[source] * sizes[target], max_size=sizes[source] * sizes[target])
            )
            connections[source, target] = sparse.csr_array(np.reshape(cut, (sizes[source], sizes[target])))
    # Each node reads a gene, so that there is something to learn.
    for target in range(1, len(sizes)):
        matrix = connections[0, target].tolil()
        matrix[0, :] = True
        connections[0, target] = sparse.csr_array(matrix)
    return Architecture(tuple(layers), connections)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(wirings())
def test_any_wiring_is_decoded_as_numpy_does(arch) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VNNWarning)
        model = build_autoencoder(arch, **SMALL)
    x = cells(3)
    hidden, genes = by_numpy(model, embed(model, x).X)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(x)), genes, rtol=1e-4, atol=1e-6)
    activities = node_activities(model, x)
    keys = zip(activities.var["node"], activities.var["unit"], strict=True)
    np.testing.assert_allclose(activities.X, np.column_stack([hidden[key] for key in keys]), rtol=1e-4, atol=1e-6)
