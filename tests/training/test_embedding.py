"""Pretraining, pairs, triplets, and networks trained on them."""

from __future__ import annotations

import anndata
import keras
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import DataError, ModelError
from keras_vnn.data import align, split_cells, targets_of
from keras_vnn.experiments.evaluation import clustering_scores
from keras_vnn.inspection import embed
from keras_vnn.layers import SparselyConnected
from keras_vnn.models import Embedding, build_model, load_model, save_model, view
from keras_vnn.options import PretrainingOptions, training_options
from keras_vnn.training import pretrain, train, train_embedding
from keras_vnn.training._order import PairOrder, TripletOrder
from keras_vnn.training._pretraining import denoising_autoencoder

GENES = tuple(f"G{i}" for i in range(6))
QUICK = training_options(normalization="zscore", epochs=20, batch_size=8, patience=0, learning_rate=0.01, seed=3)


@pytest.fixture
def arch() -> Architecture:
    """Three pairs of genes, a node of two units for each, one above two of them, three dense units beside."""
    genes = Layer("genes", tuple(Node(gene, kind="gene") for gene in GENES))
    pairs = Layer("pairs", tuple(Node(f"P{i}", units=2) for i in range(3)), dense_units=3)
    top = Layer("top", (Node("TOP"),))
    connections = {(0, 1): sparse.csr_array(np.repeat(np.eye(3), 2, axis=0)), (1, 2): sparse.csr_array([[1], [1], [0]])}
    return Architecture((genes, pairs, top), connections)


@pytest.fixture
def cells() -> anndata.AnnData:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 6)).astype("float32")
    kinds = np.repeat(["a", "b", "c"], 20)
    for number, kind in enumerate("abc"):
        values[kinds == kind, 2 * number] += 6
    return anndata.AnnData(
        values,
        obs=pd.DataFrame({"kind": kinds, "dose": values[:, 0]}, index=map(str, range(60))),
        var=pd.DataFrame(index=list(GENES)),
    )


def test_pairs_are_half_like_and_no_cell_is_its_own_partner() -> None:
    codes = np.array([0, 0, 0, 1, 1, 2])
    order = PairOrder(codes, seed=1)
    rows = order.current().reshape(-1, 2)
    assert 2 * len(rows) == order.cells == 22
    is_like = codes[rows[:, 0]] == codes[rows[:, 1]]
    assert sorted(rows[is_like, 0]) == [0, 1, 2, 3, 4], "the only cell of type 2 has no partner"
    assert sorted(rows[~is_like, 0]) == [0, 1, 2, 3, 4, 5]
    assert (rows[:, 0] != rows[:, 1]).all()
    np.testing.assert_array_equal(order.current(), PairOrder(codes, seed=1).current())
    order.on_epoch_begin(1)
    assert not np.array_equal(order.current(), rows.ravel())


def test_batches_hold_p_types_and_k_cells_of_each() -> None:
    codes = np.repeat([0, 1, 2, 3, 4], [10, 10, 10, 10, 1])
    order = TripletOrder(codes, seed=0, types=3, per_type=4)
    batches = order.current().reshape(-1, 12)
    assert order.batch_size == 12
    assert len(batches) == 4, "as many rows as cells, up to a batch"
    for batch in batches:
        found, counts = np.unique(codes[batch], return_counts=True)
        assert (len(found), set(counts)) == (3, {4})
        for code in found[found < 4]:
            assert len(set(batch[codes[batch] == code])) == 4, "no cell twice where there are enough"
    assert TripletOrder(codes, 0).batch_size == 5 * 4, "all types where there are fewer than 18"


@pytest.mark.parametrize("order", [PairOrder, TripletOrder])
def test_one_type_cannot_be_told_apart(order) -> None:
    with pytest.raises(DataError, match=r"^The training cells are all of one class: there is nothing to tell apart\.$"):
        order(np.zeros(5, int), 0)


@pytest.mark.parametrize("is_sparse", [True, False])
def test_an_autoencoder_restores_by_the_transpose_of_its_encoder(is_sparse: bool) -> None:
    adjacency = np.array([[1, 0, 1], [0, 1, 0], [1, 1, 0], [0, 0, 1]])
    encoder = SparselyConnected(adjacency, (1, 2, 1), activation="tanh") if is_sparse else keras.layers.Dense(3)
    model = denoising_autoencoder(encoder, 4, noise=0.1)
    assert len(model.trainable_variables) == 3, "kernel and bias of the encoder, a bias to restore with"
    x = np.random.default_rng(0).uniform(-1, 1, size=(5, 4)).astype("float32")
    kernel = encoder.kernel_matrix().toarray() if is_sparse else encoder.get_weights()[0]
    hidden = np.tanh(x @ kernel) if is_sparse else x @ kernel
    np.testing.assert_allclose(model.predict(x, verbose=0), np.tanh(hidden @ kernel.T), atol=1e-6)


def test_pretraining_lowers_the_error_and_touches_only_what_it_should(arch: Architecture, cells) -> None:
    x = align(cells, arch) / 3
    model = build_model(arch, 3, seed=0)
    before = {layer.name: layer.get_weights() for layer in model.layers}
    table = pretrain(model, x, options=PretrainingOptions(epochs=15, learning_rate=0.01))
    assert list(table["layer"].unique()) == ["layer_1_dense"]
    assert table["loss"].iloc[-1] < table["loss"].iloc[0]
    changed = {
        name
        for name, weights in before.items()
        if any(not np.array_equal(a, b) for a, b in zip(weights, model.get_layer(name).get_weights(), strict=True))
    }
    assert changed == {"layer_1_dense"}


def test_greedy_pretraining_goes_from_the_genes_up(arch: Architecture, cells) -> None:
    options = PretrainingOptions(layers="all", epochs=1)
    whole = pretrain(build_model(arch, 3, tail=(2,), seed=0), align(cells, arch), options=options)
    assert set(whole["layer"]) == {"layer_1", "layer_1_dense", "layer_2", "tail_1"}
    assert list(whole["layer"])[-1] == "tail_1"


@pytest.mark.slow
def test_pretraining_is_a_step_of_training(arch: Architecture, cells) -> None:
    options, training = PretrainingOptions(epochs=2), training_options(epochs=1, patience=0)
    said: list[str] = []
    plain = train(arch, cells, "kind", training=training)
    results = [train(arch, cells, "kind", training=training, pretraining=options, say=said.append) for _ in range(2)]
    assert view(results[0].model).card.metadata["training"]["pretraining"] == options.to_json()
    assert said[0].startswith("pretraining   layer_1_dense: mean squared error ")
    first, again, without = ([*map(np.ravel, one.model.get_weights())] for one in (*results, plain))
    np.testing.assert_array_equal(np.concatenate(first), np.concatenate(again))
    assert not np.array_equal(np.concatenate(first), np.concatenate(without))


@pytest.mark.parametrize("objective", [pytest.param("siamese", marks=pytest.mark.slow), "triplet"])
def test_cells_of_a_type_come_together(objective: str, arch: Architecture, cells, tmp_path) -> None:
    split = split_cells(cells.obs["kind"], fractions=(0.6, 0.2, 0.2), seed=0)
    result = train_embedding(arch, cells, "kind", objective=objective, training=QUICK, split=split, tail=(4,))
    assert result.history["loss"].iloc[-1] < result.history["loss"].iloc[0] / 2
    assert "val_loss" in result.history
    found = embed(result.model, cells)
    assert list(found.var_names) == [f"tail_1 [{i}]" for i in range(4)]
    held_out = split.test
    assert clustering_scores(found.X[held_out], cells.obs["kind"].iloc[held_out]).adjusted_rand > 0.6
    save_model(result.model, tmp_path / "embedding.keras")
    np.testing.assert_allclose(embed(load_model(tmp_path / "embedding.keras"), cells).X, found.X, atol=1e-6)


@pytest.mark.slow
def test_a_stopped_training_goes_on_with_the_same_pairs(arch: Architecture, cells, tmp_path) -> None:
    whole = train_embedding(arch, cells, "kind", training=QUICK)
    state = tmp_path / "state"
    train_embedding(arch, cells, "kind", training=QUICK.changed(epochs=5), checkpoint=state)
    said: list[str] = []
    resumed = train_embedding(arch, cells, "kind", training=QUICK, checkpoint=state, say=said.append)
    assert said[0].startswith("continuing after epoch 5 ")
    for a, b in zip(whole.model.get_weights(), resumed.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_units_of_an_embedding_have_the_names_of_nodes(arch: Architecture, cells) -> None:
    names = ["P2 [0]", "P2 [1]", *(f"layer_1_dense [{i}]" for i in range(3)), "TOP"]
    for outputs, reads in ((Embedding(), "all"), (3, "last")):
        found = embed(build_model(arch, outputs, seed=0, reads=reads), cells)
        assert list(found.var_names) == names
        assert found.shape == (60, 6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda a, c: train_embedding(a, c, "kind", objective="tripel"),
            "objective must be one of siamese, triplet; got 'tripel'. Did you mean triplet?",
        ),
        (
            lambda a, c: train_embedding(a, c, "kind", split=split_cells(c.obs["kind"][:40], seed=0)),
            "The split is of 40 cells, the labels of 60. Draw the split from these cells.",
        ),
        (lambda a, c: train_embedding(a, c, targets_of(c, "dose")), "An embedding is trained on classes of cells"),
        (
            lambda a, c: pretrain(build_model(_bare(a), 3), align(c, a)),
            "The model has no dense units to pretrain.",
        ),
        (lambda a, c: PretrainingOptions(layers="dens"), "layers must be one of dense, all; got 'dens'."),
        (lambda a, c: PretrainingOptions(clip=2.0), "clip must be a number above 0 and of at most 1, got 2.0."),
        (lambda a, c: PretrainingOptions(epochs=0), "epochs must be an integer of at least 1, got 0."),
    ],
)
def test_what_cannot_be_trained_is_said(call, message: str, arch: Architecture, cells) -> None:
    with pytest.raises((ModelError, DataError)) as error:
        call(arch, cells)
    assert str(error.value).startswith(message)


def _bare(arch: Architecture) -> Architecture:
    layers = tuple(Layer(layer.name, layer.nodes) for layer in arch.layers)
    return Architecture(layers, arch.connections)
