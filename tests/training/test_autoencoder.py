"""Autoencoders trained on cells in memory and on disk, interrupted and not."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from keras_vnn.architecture import Architecture
from keras_vnn.architecture.wiring import gene_set_architecture
from keras_vnn.basics.errors import DataError, ModelError
from keras_vnn.data import align, labels_of, read_expression, reconstruction_metrics, split_cells
from keras_vnn.inspection import embed, predict
from keras_vnn.models import edge_weights, view
from keras_vnn.options import TRAINING_PRESETS, training_options
from keras_vnn.training import train_autoencoder

GENES = tuple(f"G{i}" for i in range(8))
QUICK = training_options("vega", learning_rate=0.01, epochs=4, batch_size=16, patience=0, seed=3)
SMALL = {"training": QUICK, "encoder": (6,), "dropout": 0.1, "latent_dropout": 0.0}


@pytest.fixture(scope="module")
def arch() -> Architecture:
    return gene_set_architecture(GENES, {"on": GENES[:4], "off": GENES[4:]})


@pytest.fixture(scope="module")
def cells() -> anndata.AnnData:
    """Half of the cells have ten times as much of the first four genes."""
    random = np.random.default_rng(1)
    treated = np.arange(80) % 2 == 1
    rates = np.full((80, 9), 3.0)
    rates[treated, :4] = 30
    rates[:, 8] = 5000  # a gene that is no input, so that more of some genes is not less of the others
    return anndata.AnnData(
        sparse.csr_matrix(random.poisson(rates), dtype=np.float32),
        obs=pd.DataFrame({"treatment": np.where(treated, "yes", "no")}, index=[f"c{i}" for i in range(80)]),
        var=pd.DataFrame(index=[*GENES, "ACTB"]),
    )


@pytest.fixture(scope="module")
def trained(arch, cells):
    return train_autoencoder(arch, cells, **SMALL)


@pytest.fixture(scope="module")
def heavy(arch, cells):
    """The divergence counts for more than the error."""
    return train_autoencoder(arch, cells, beta=1000.0, **SMALL)


def weights(result) -> np.ndarray:
    return edge_weights(result.model, dense=True)["weight"].to_numpy()


def test_the_same_call_gives_the_same_model(arch, cells, trained) -> None:
    np.testing.assert_array_equal(weights(train_autoencoder(arch, cells, **SMALL)), weights(trained))


@pytest.mark.slow
def test_a_killed_training_goes_on_as_if_nothing_had_happened(arch, cells, tmp_path) -> None:
    options = {**SMALL, "warmup_epochs": 3}
    whole = train_autoencoder(arch, cells, **options)
    file = tmp_path / "state"
    train_autoencoder(arch, cells, checkpoint=file, **{**options, "training": options["training"].changed(epochs=3)})
    said: list[str] = []
    resumed = train_autoencoder(arch, cells, checkpoint=file, say=said.append, **options)
    assert len(said) == 1
    np.testing.assert_array_equal(weights(resumed), weights(whole))
    pd.testing.assert_frame_equal(resumed.history, whole.history)


def test_cells_on_disk_give_what_they_give_in_memory(arch, cells, trained, tmp_path) -> None:
    cells.write_h5ad(tmp_path / "cells.h5ad")
    data = read_expression(tmp_path / "cells.h5ad", backed=True)
    result = train_autoencoder(arch, data, **SMALL)
    np.testing.assert_array_equal(weights(result), weights(trained))
    pd.testing.assert_frame_equal(result.history, trained.history)
    assert result.metrics == trained.metrics


def test_a_set_follows_its_genes(arch, cells) -> None:
    options = {**SMALL, "training": training_options("vega", learning_rate=0.01, epochs=25, batch_size=28, patience=0)}
    result = train_autoencoder(arch, cells, "treatment", **options)
    embedded = embed(result.model, cells[result.split.test])
    treated = embedded.obs["treatment"] == "yes"
    activity = embedded[:, "on"].X.ravel()
    assert activity[treated].min() > activity[~treated].max()
    assert result.history["loss"].iloc[-1] < result.history["loss"].iloc[0]
    assert edge_weights(result.model).query("parameter == 'kernel'")["weight"].min() >= 0


def test_the_model_remembers_how_it_was_trained_and_treats_new_cells_alike(arch, cells, trained) -> None:
    seen = view(trained.model)
    record = seen.card.metadata["training"]
    assert (record["objective"], record["label"], record["cells"]) == (
        "autoencoder",
        [],
        {"train": 56, "validation": 12, "test": 12},
    )
    assert record["metrics"] == trained.metrics.to_json()
    assert seen.normalization is not None
    aligned = align(cells, arch, normalization=seen.normalization)
    pd.testing.assert_frame_equal(
        predict(trained.model, cells).reset_index(drop=True), predict(trained.model, aligned).reset_index(drop=True)
    )


def test_scores_are_of_the_test_cells_by_hand(arch, cells, trained) -> None:
    held_out = cells[trained.split.test]
    truth = align(held_out, arch, normalization=view(trained.model).normalization).astype(float)
    error = ((truth - predict(trained.model, held_out).to_numpy()) ** 2).sum(axis=1).mean()
    assert trained.metrics.squared_error == pytest.approx(error)
    assert trained.metrics.explained == pytest.approx(1 - error / truth.var(axis=0).sum())
    parts = [(np.array([[0.0, 2.0]]), np.array([[0.0, 2.0]])), (np.array([[2.0, 2.0]]), np.array([[1.0, 2.0]]))]
    assert str(reconstruction_metrics(parts)) == "squared error 0.5 a cell; 50.0 % of the variance of 2 genes restored"
    still = reconstruction_metrics(parts[:1])
    assert (still.explained, str(still)) == (None, "squared error 0 a cell; nothing varies among 2 genes")


def test_validation_is_by_restoring_alone(arch, cells, trained, heavy) -> None:
    """Whatever the weight of the divergence, the error of the validation cells counts it for nothing."""
    validation = align(cells[heavy.split.validation], arch, normalization=view(heavy.model).normalization)
    restored = heavy.model.predict(validation, verbose=0)
    error = ((validation - restored) ** 2).sum(axis=1).mean()
    assert heavy.history["val_loss"].iloc[-1] == pytest.approx(error, rel=1e-5)
    assert heavy.history["loss"].iloc[0] > 1.2 * trained.history["loss"].iloc[0]


def test_the_divergence_warms_up_by_the_number_of_the_epoch(arch, cells, trained, heavy) -> None:
    cold = train_autoencoder(arch, cells, beta=1000.0, warmup_epochs=2, **SMALL)
    # In the first epoch it counts for nothing, as it nearly does with the usual weight of 5e-5.
    assert cold.history["loss"].iloc[0] == pytest.approx(trained.history["loss"].iloc[0], rel=1e-3)
    assert cold.history["loss"].iloc[0] < heavy.history["loss"].iloc[0]
    assert float(view(cold.model).latent_layer.share.value) == 1.0


def test_genes_begin_at_their_means_unless_told_otherwise(arch, cells) -> None:
    """Without an epoch that changes anything: a step size of nothing."""
    still = training_options("vega", learning_rate=1e-30, epochs=1, patience=0)
    means = align(cells, arch, normalization="log1p-cpm")
    for center, expected in ((True, True), (False, False)):
        result = train_autoencoder(arch, cells, center=center, training=still, encoder=(2,))
        bias = edge_weights(result.model).query("parameter == 'bias'")["weight"]
        assert np.allclose(bias, means[result.split.train].mean(axis=0), rtol=1e-5) == expected
    scaled = training_options("vega", normalization="zscore", learning_rate=1e-30, epochs=1, patience=0)
    result = train_autoencoder(arch, cells, training=scaled, encoder=(2,))
    np.testing.assert_allclose(edge_weights(result.model).query("parameter == 'bias'")["weight"], 0, atol=1e-20)


def test_only_labelled_cells_are_used(arch, cells) -> None:
    some = cells.copy()
    some.obs["treatment"] = some.obs["treatment"].where(np.arange(80) >= 20)
    result = train_autoencoder(arch, some, labels_of(some, "treatment", missing_labels="drop"), **SMALL)
    assert len(result.split) == 60
    alone = train_autoencoder(arch, cells[20:], "treatment", **SMALL)
    np.testing.assert_array_equal(weights(result), weights(alone))


def test_presets_train_as_their_authors_did() -> None:
    found = {name: TRAINING_PRESETS[name] for name in ("vega", "onto-vae")}
    assert [(one.optimizer, one.learning_rate, one.batch_size, one.epochs) for one in found.values()] == [
        ("adam", 1e-4, 128, 500),
        ("adamw", 1e-4, 128, 300),
    ]


def test_what_does_not_fit_is_said(arch, cells) -> None:
    with pytest.raises(ModelError, match="warmup_epochs must be an integer of at least 0, got -1"):
        train_autoencoder(arch, cells, warmup_epochs=-1, **SMALL)
    split = split_cells(range(10), seed=0, stratify=False)
    with pytest.raises(DataError, match=r"The split is of 10 cells, the data of 80\."):
        train_autoencoder(arch, cells, split=split, **SMALL)
