"""Training by name: the same result from the same seed, whatever the order of the columns."""

from __future__ import annotations

import anndata
import keras
import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture import Architecture
from keras_vnn.architecture.wiring import interaction_architecture
from keras_vnn.basics.errors import DataError, GeneError, ModelError
from keras_vnn.data import align, folds, labels_of, split_cells, targets_of
from keras_vnn.models import build_model, view
from keras_vnn.options import training_options
from keras_vnn.priors import Interactions
from keras_vnn.training import cross_validate, make_optimizer, train

GENES = tuple(f"G{i}" for i in range(8))
QUICK = training_options(epochs=15, batch_size=16, learning_rate=0.02, seed=5)


@pytest.fixture
def arch() -> Architecture:
    """A ring of eight interacting genes."""
    ring = Interactions.from_pairs(GENES, [*GENES[1:], GENES[0]])
    return interaction_architecture(GENES, ring)


@pytest.fixture
def cells() -> anndata.AnnData:
    """Sixty cells of two types that differ in two neighbouring genes, with one gene too many."""
    rng = np.random.default_rng(0)
    values = rng.gamma(2.0, 1.0, size=(60, 9)).astype("float32")
    values[:30, 2:4] += 3
    obs = pd.DataFrame({"type": ["T"] * 30 + ["B"] * 30, "dose": values[:, 2]}, index=[f"c{i}" for i in range(60)])
    return anndata.AnnData(values, obs=obs, var=pd.DataFrame(index=[*GENES, "EXTRA"]))


def test_a_signal_is_learned_and_scored_on_held_out_cells(arch: Architecture, cells: anndata.AnnData) -> None:
    result = train(arch, cells, "type", training=QUICK)
    assert result.metrics.accuracy >= 0.85
    assert result.metrics.cells == 9
    assert list(result.metrics.confusion.index) == ["B", "T"]
    facts = view(result.model).card.metadata["training"]
    assert facts["cells"] == {"train": 42, "validation": 9, "test": 9}
    # Of a million cells, their positions would be most of the file.
    assert facts["split"] == {"seed": result.split.seed, "sha256": result.split.digest}
    assert facts["metrics"]["accuracy"] == result.metrics.accuracy


def test_the_same_seed_gives_the_same_numbers(arch: Architecture, cells: anndata.AnnData) -> None:
    first, again = (train(arch, cells, "type", training=QUICK, dropout=0.3) for _ in range(2))
    pd.testing.assert_frame_equal(first.history, again.history, check_exact=True)
    for a, b in zip(first.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    other = train(arch, cells, "type", training=training_options(epochs=15, seed=6))
    assert not np.array_equal(first.model.get_weights()[0], other.model.get_weights()[0])


@pytest.mark.slow
def test_the_order_of_columns_changes_nothing(arch: Architecture, cells: anndata.AnnData) -> None:
    shuffled = cells[:, np.random.default_rng(1).permutation(9)].copy()
    first, again = (train(arch, data, "type", training=QUICK) for data in (cells, shuffled))
    for a, b in zip(first.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_missing_gene_is_named(arch: Architecture, cells: anndata.AnnData) -> None:
    with pytest.raises(GeneError, match=r"^1 of 8 input genes of the model are missing from the data: G3\."):
        train(arch, cells[:, [g for g in cells.var_names if g != "G3"]].copy(), "type", training=QUICK)


@pytest.mark.filterwarnings("ignore:The data are of another kind")  # test cells are made so, to be told apart
def test_test_cells_do_not_touch_the_normalisation(arch: Architecture, cells: anndata.AnnData) -> None:
    labels = labels_of(cells, "type")
    split = split_cells(labels, seed=0)
    spoiled = cells.copy()
    spoiled.X[split.test] *= 100
    first, again = (train(arch, data, labels, training=QUICK, split=split) for data in (cells, spoiled))
    for a, b in zip(first.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_model_keeps_its_normalisation(arch: Architecture, cells: anndata.AnnData) -> None:
    result = train(arch, cells, "type", training=QUICK.changed(normalization="zscore"))
    kept = view(result.model).normalization
    train_cells = cells.X[result.split.train][:, :8]
    np.testing.assert_allclose(kept.mean, train_cells.mean(axis=0), rtol=1e-5)
    values = align(cells, arch, normalization=kept)
    np.testing.assert_allclose(values[result.split.train].std(axis=0), 1, rtol=1e-4)


@pytest.mark.slow
def test_numbers_are_predicted_too(arch: Architecture, cells: anndata.AnnData) -> None:
    result = train(arch, cells, targets_of(cells, "dose"), training=training_options(epochs=60, learning_rate=0.02))
    assert result.metrics.pearson > 0.6
    assert view(result.model).outputs.names == ("dose",)


@pytest.mark.slow
def test_folds_are_scored_on_cells_not_seen(arch: Architecture, cells: anndata.AnnData) -> None:
    labels = labels_of(cells, "type")
    table = cross_validate(arch, cells, labels, training=QUICK, n_folds=3)
    assert table["cells"].tolist() == [20, 20, 20]
    (first, *_) = folds(labels, 3, seed=QUICK.seed)
    alone = train(arch, cells, labels, training=QUICK, split=first)
    assert table.loc[1, "accuracy"] == alone.metrics.accuracy


@pytest.mark.slow
def test_folds_of_numbers_are_scored_too(arch: Architecture, cells: anndata.AnnData) -> None:
    table = cross_validate(arch, cells, targets_of(cells, "dose"), training=training_options(epochs=1), n_folds=2)
    assert (table.index.tolist(), table["cells"].tolist(), table["epochs"].tolist()) == ([1, 2], [30, 30], [1, 1])
    assert {"pearson", "spearman", "r2", "mse"} <= {*table.columns}


@pytest.mark.slow
def test_rare_classes_can_be_weighed_up(arch: Architecture, cells: anndata.AnnData) -> None:
    few = cells[:40].copy()
    plain = train(arch, few, "type", training=QUICK)
    balanced = train(arch, few, "type", training=training_options(epochs=15, seed=5, class_weights="balanced"))
    assert not np.array_equal(plain.model.get_weights()[0], balanced.model.get_weights()[0])


def test_a_split_of_other_cells_is_refused(arch: Architecture, cells: anndata.AnnData) -> None:
    split = split_cells(labels_of(cells[:40].copy(), "type"), seed=0)
    with pytest.raises(DataError, match="The split is of 40 cells, the labels of 60"):
        train(arch, cells, "type", split=split)


def test_optimizers_are_as_asked() -> None:
    lin = make_optimizer(training_options("lin2017"))
    assert isinstance(lin, keras.optimizers.SGD)
    assert (lin.momentum, lin.nesterov) == (0.9, True)
    rate = lin._learning_rate
    assert float(rate(0)) == pytest.approx(0.1)
    assert float(rate(1_000_000)) == pytest.approx(0.05)
    assert isinstance(make_optimizer(training_options(optimizer="adamw", weight_decay=0.1)), keras.optimizers.AdamW)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "adma"}, "optimizer must be one of adam, adamw, sgd; got 'adma'. Did you mean adam or adamw?"),
        ({"epochs": 0}, "epochs must be an integer of at least 1, got 0."),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0, got 0.0."),
        ({"epoch": 3}, "Unknown training option 'epoch'. Did you mean epochs?"),
        (
            {"preset": "lin"},
            "preset must be one of lin2017, lin2017-two-layer, scquery-go-flat, scquery-go-hierarchical, dcell-paper, "
            "dcell-code, drugcell, nest, pnet, kpnn, discover, vega, onto-vae, expimap; got 'lin'. "
            "Did you mean lin2017?",
        ),
        ({"beta_2": 1.0}, "beta_2 must be a number of at least 0 and below 1, got 1.0."),
    ],
)
def test_wrong_options_are_named(options: dict, message: str) -> None:
    with pytest.raises(ModelError) as error:
        training_options(**options)
    assert str(error.value) == message


def test_adamw_keeps_missing_connections_missing(arch: Architecture, cells: anndata.AnnData) -> None:
    model = build_model(arch, 2, optimizer=keras.optimizers.AdamW(0.01, weight_decay=0.1), seed=0)
    values = align(cells, arch)
    model.fit(values, np.arange(60) % 2, epochs=10, batch_size=6, verbose=0)
    assert model.optimizer.iterations == 100
    layer = view(model).sparse_layer(1)
    adjacency = arch.adjacency(0, 1).toarray().astype(bool)
    assert not layer.kernel_matrix().toarray()[~adjacency].any()
    seed_cell = values[:1]
    for gene in range(8):
        moved = seed_cell.copy()
        moved[0, gene] += 1
        changed = np.asarray(layer(moved) != layer(seed_cell))[0]
        assert (changed == adjacency[gene]).all(), "a gene moves its own nodes and no other"
