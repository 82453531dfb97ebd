"""Autoencoders that restore counts: what they need, what they find, what they keep."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

from keras_vnn.architecture import Architecture
from keras_vnn.architecture.wiring import gene_set_architecture
from keras_vnn.basics.errors import DataError, ModelError
from keras_vnn.data import read_expression
from keras_vnn.inspection import autoencoder_activities, predict
from keras_vnn.models import edge_weights, load_model, save_model, view
from keras_vnn.options import AUTOENCODER_PRESETS, TRAINING_PRESETS
from keras_vnn.training import train_autoencoder

GENES = tuple(f"G{i}" for i in range(40))
# The genes of the last are at one level, so that more of some genes is not less of all others.
SETS = {"first": GENES[:8], "second": GENES[8:16], "third": GENES[16:24], "none": GENES[24:]}
PROGRAMS = ("first", "second", "third")
SMALL = {"encoder": (16,), "epochs": 30, "patience": 0, "learning_rate": 0.01, "batch_size": 64, "progress": False}


@pytest.fixture(scope="module")
def arch() -> Architecture:
    return gene_set_architecture(GENES, SETS)


@pytest.fixture(scope="module")
def planted() -> anndata.AnnData:
    """Three programs raise the shares of their genes; library sizes differ by a factor of four and more."""
    random = np.random.default_rng(1)
    activity = random.gamma(1, 1, (400, 3))
    shares = np.exp(random.normal(0, 1, 40))
    shares = shares * np.exp(np.pad(np.repeat(activity, 8, axis=1) * random.uniform(0.4, 1, 24), ((0, 0), (0, 16))))
    means = shares / shares.sum(axis=1, keepdims=True) * np.exp(random.normal(6.5, 0.7, (400, 1)))
    counts = random.negative_binomial(3, 3 / (3 + means))
    return anndata.AnnData(
        sparse.csr_matrix(counts, dtype=np.float32),
        obs=pd.DataFrame(activity, columns=list(PROGRAMS), index=[f"c{i}" for i in range(400)]),
        var=pd.DataFrame(index=list(GENES)),
    )


@pytest.fixture(scope="module")
def trained(arch, planted):
    return train_autoencoder(arch, planted, reconstruction="nb", **SMALL)


def test_planted_programs_are_recovered(planted, trained) -> None:
    test = planted[trained.split.test]
    found = autoencoder_activities(trained.model, test)
    for name in PROGRAMS:
        assert stats.spearmanr(found[:, name].X.ravel(), test.obs[name]).statistic > 0.75
    assert edge_weights(trained.model)["parameter"].eq("kernel").all(), "levels of genes are the likelihood's"


def test_scores_are_of_the_counts_by_scipy(planted, trained) -> None:
    test = planted[trained.split.test]
    counts, expected = test.X.toarray(), np.expm1(predict(trained.model, test).to_numpy().astype(float))
    weights = (
        edge_weights(trained.model, dense=True)
        .query("block == 'likelihood'")
        .pivot(index="target", columns="parameter", values="weight")
    )
    dispersion = np.exp(weights["log_dispersion"][list(GENES)].to_numpy(float))
    likely = stats.nbinom.logpmf(counts, dispersion, dispersion / (dispersion + expected)).sum(axis=1)
    assert trained.metrics.log_likelihood == pytest.approx(likely.mean(), rel=1e-4)
    np.testing.assert_allclose(expected.sum(axis=1), counts.sum(axis=1), rtol=1e-3)
    assert str(trained.metrics).startswith(f"log-likelihood {trained.metrics.log_likelihood:.6g} a cell; squared error")
    assert trained.history["val_loss"].iloc[-1] == pytest.approx(-trained.metrics.log_likelihood, rel=0.1)


def test_counts_are_more_likely_than_by_a_normal_distribution(arch, planted, trained) -> None:
    """The normal distribution of log values is given the probability between a half less and a half more."""
    normal = train_autoencoder(arch, planted, normalization="log1p", split=trained.split, **SMALL)
    train, test = (planted[getattr(trained.split, part)] for part in ("train", "test"))
    spread = (predict(normal.model, train).to_numpy() - np.log1p(train.X.toarray())).std(axis=0)
    counts, restored = test.X.toarray(), predict(normal.model, test).to_numpy()
    lower = np.where(counts > 0, stats.norm.cdf((np.log1p(np.maximum(counts - 0.5, 0)) - restored) / spread), 0)
    between = stats.norm.cdf((np.log1p(counts + 0.5) - restored) / spread) - lower
    likely = np.log(np.maximum(between, 1e-12)).sum(axis=1).mean()
    assert trained.metrics.log_likelihood > likely + 1


@pytest.mark.slow
@pytest.mark.parametrize("reconstruction", ["nb", "zinb"])
def test_it_is_saved_and_opens_again(arch, planted, reconstruction, tmp_path) -> None:
    result = train_autoencoder(arch, planted, reconstruction=reconstruction, **{**SMALL, "epochs": 2})
    save_model(result.model, tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    pd.testing.assert_frame_equal(predict(again, planted), predict(result.model, planted))
    assert view(again).likelihood_layer.zero_inflated == (reconstruction == "zinb")


@pytest.mark.slow
def test_cells_on_disk_give_what_they_give_in_memory(arch, planted, tmp_path) -> None:
    quick = {**SMALL, "epochs": 2}
    planted.write_h5ad(tmp_path / "cells.h5ad")
    stored = train_autoencoder(
        arch, read_expression(tmp_path / "cells.h5ad", backed=True), reconstruction="nb", **quick
    )
    assert stored.metrics == train_autoencoder(arch, planted, reconstruction="nb", **quick).metrics


def test_what_is_no_count_is_refused(arch, planted) -> None:
    logs = planted.copy()
    logs.X = np.log1p(planted.X.toarray()) / 2
    with (
        pytest.warns(match="look like logarithms"),
        pytest.raises(DataError, match=r"The model restores counts, but the values are not: .*got logarithms: frac"),
    ):
        train_autoencoder(arch, logs, reconstruction="nb", **SMALL)
    message = (
        r"reconstruction=\"nb\" restores counts, which the network reads as log\(1 \+ count\): expected the "
        r"normalisation log1p, got log1p-cpm\.\nPass normalization=\"log1p\", with data that are counts\."
    )
    with pytest.raises(ModelError, match=message):
        train_autoencoder(arch, planted, preset="vega", reconstruction="nb", **SMALL)
    with pytest.raises(ModelError, match="batch_normalization and layer_normalization exclude each other"):
        train_autoencoder(arch, planted, layer_normalization=True, **SMALL)


def test_counts_are_restored_as_expimap_does() -> None:
    model, training = AUTOENCODER_PRESETS["expimap"], TRAINING_PRESETS["expimap"]
    assert (model.encoder, model.dropout, model.beta, model.reconstruction) == ((256, 256), 0.05, 0.5, "nb")
    assert model.layer_normalization
    told = (training.optimizer, training.learning_rate, training.adam_epsilon, training.batch_size, training.epochs)
    assert told == ("adam", 1e-3, 0.01, 128, 400)
