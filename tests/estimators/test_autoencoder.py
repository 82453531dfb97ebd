"""`VNNAutoencoder` on tables and AnnData."""

from __future__ import annotations

import pickle

import anndata
import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from keras_vnn.architecture.wiring import gene_set_architecture
from keras_vnn.basics.errors import ModelError
from keras_vnn.data import align
from keras_vnn.estimators import VNNAutoencoder
from keras_vnn.inspection import autoencoder_activities
from keras_vnn.models import view

SETS = {"low": ["G0", "G1", "G2"], "high": ["G3", "G4", "G5"]}
QUICK = {"encoder": (8,), "dropout": 0.0, "epochs": 60, "learning_rate": 0.01, "patience": 0, "random_state": 0}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Six genes that follow two hidden numbers."""
    random = np.random.default_rng(2)
    hidden = random.normal(size=(80, 2))
    values = np.repeat(hidden, 3, axis=1) + 0.1 * random.normal(size=(80, 6))
    return pd.DataFrame(values, columns=[f"G{i}" for i in range(6)])


@pytest.fixture(scope="module")
def fitted(table) -> VNNAutoencoder:
    arch = gene_set_architecture(table.columns, SETS)
    return VNNAutoencoder(arch, model={"latent_dropout": 0.0}, **QUICK).fit(table)


def test_activities_follow_the_hidden_numbers(table, fitted) -> None:
    found = pd.DataFrame(fitted.transform(table), columns=fitted.get_feature_names_out())
    assert list(found) == ["high", "low"]
    for name, genes in SETS.items():
        assert np.corrcoef(found[name], table[genes].mean(axis=1))[0, 1] > 0.95
    np.testing.assert_allclose(found, autoencoder_activities(fitted.model_, table).X, atol=1e-6)


def test_the_score_is_the_variance_that_is_restored(table, fitted) -> None:
    values = align(table, fitted.architecture_, normalization=view(fitted.model_).normalization)
    two = PCA(2).fit(values)
    assert 0.8 < fitted.score(table) <= two.explained_variance_ratio_.sum()
    restored = fitted.model_.predict(values, verbose=0)
    assert fitted.score(table) == pytest.approx(
        1 - (values - restored).var(axis=0).sum() / values.var(axis=0).sum(), abs=0.01
    )


def test_it_is_pickled_and_takes_an_anndata(table, fitted) -> None:
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.transform(table), fitted.transform(table))
    cells = anndata.AnnData(table.to_numpy("float32"), var=pd.DataFrame(index=list(table.columns)))
    np.testing.assert_allclose(fitted.transform(cells[:, ::-1].copy()), fitted.transform(table), atol=1e-5)


def test_latent_values_are_the_embedding(table) -> None:
    arch = gene_set_architecture(table.columns, SETS, dense_units=1)
    options = {**QUICK, "epochs": 1, "patience": 1}
    found = VNNAutoencoder(arch, output="embedding", preset="vega", normalization="none", **options).fit(table)
    assert found.get_feature_names_out().tolist() == ["high", "low", "layer_1_dense"]
    assert found.transform(table).shape == (80, 3)
    assert "val_loss" in found.history_
    with pytest.raises(ModelError, match="Unknown option of an autoencoder 'tail'"):
        VNNAutoencoder(arch, model={"tail": (4,)}).fit(table)
