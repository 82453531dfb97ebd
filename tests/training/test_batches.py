"""Autoencoders that read the batch of a cell: what it explains, what is refused, and new batches on a trained model."""

from __future__ import annotations

import anndata
import keras
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import silhouette_score
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC

from keras_vnn.architecture import Architecture
from keras_vnn.architecture.wiring import gene_set_architecture
from keras_vnn.basics.errors import DataError, ModelError
from keras_vnn.data import split_cells
from keras_vnn.inspection import autoencoder_activities, differential_activity, predict
from keras_vnn.layers import CovariateAdversary
from keras_vnn.models import build_autoencoder, edge_weights, load_model, save_model, view
from keras_vnn.training import map_data, train_autoencoder

GENES = tuple(f"G{i}" for i in range(40))
SETS = {"first": GENES[:8], "second": GENES[8:16], "third": GENES[16:24], "none": GENES[24:]}
PROGRAMS = ("first", "second", "third")
QUICK = {"patience": 0, "batch_size": 64, "progress": False}
SMALL = {"encoder": (16,), "epochs": 40, "learning_rate": 0.01, **QUICK}


@pytest.fixture(scope="module")
def arch() -> Architecture:
    return gene_set_architecture(GENES, SETS)


def cells(count: int, batches: str, seed: int, by_type: bool = False) -> anndata.AnnData:
    """Types of cells that differ by three programs, in batches of which each shifts the genes, or each type's."""
    random, world = np.random.default_rng(seed), np.random.default_rng(0)
    level, weights = world.normal(0, 1, 40), world.uniform(0.4, 1, 24)
    shifts = {batch: world.normal(0, 0.8, (3, 40)) for batch in "abcd"}
    types, batch = random.integers(0, 3, count), random.choice(list(batches), count)
    activity = 2 * np.eye(3)[types] + random.gamma(1, 0.5, (count, 3))
    shares = level + np.pad(np.repeat(activity, 8, axis=1) * weights, ((0, 0), (0, 16)))
    changed = types if by_type else np.zeros(count, int)
    shares = np.exp(shares + np.array([shifts[one][kind] for one, kind in zip(batch, changed, strict=True)]))
    means = shares / shares.sum(axis=1, keepdims=True) * np.exp(random.normal(6.5, 0.5, (count, 1)))
    obs = pd.DataFrame(activity, columns=list(PROGRAMS), index=[f"{batches}{i}" for i in range(count)])
    obs = obs.assign(batch=batch, type=[f"type {one}" for one in types], age=random.normal(50, 9, count))
    counts = random.negative_binomial(3, 3 / (3 + means)).astype("float32")
    return anndata.AnnData(counts, obs=obs, var=pd.DataFrame(index=list(GENES)))


@pytest.fixture(scope="module")
def first() -> anndata.AnnData:
    return cells(400, "ab", 1)


@pytest.fixture(scope="module")
def second() -> anndata.AnnData:
    return cells(120, "cd", 2)


@pytest.fixture(scope="module")
def trained(arch, first):
    return train_autoencoder(
        arch, first, reconstruction="nb", covariate=["age", "batch"], dispersion="covariates", **SMALL
    )


def latent(model, data) -> np.ndarray:
    return autoencoder_activities(model, data).obsm["latent"]


def test_batches_mix_and_programs_stay(arch, first, trained) -> None:
    without = train_autoencoder(arch, first, reconstruction="nb", split=trained.split, **SMALL)
    mixed, apart = (silhouette_score(latent(one.model, first), first.obs["batch"]) for one in (trained, without))
    assert mixed < apart / 2
    assert trained.metrics.log_likelihood > without.metrics.log_likelihood
    found = autoencoder_activities(trained.model, first[trained.split.test])
    for name in PROGRAMS:
        assert stats.spearmanr(found[:, name].X.ravel(), found.obs[name]).statistic > 0.7


@pytest.mark.slow
def test_an_adversary_takes_out_what_a_sum_cannot(arch, tmp_path) -> None:
    """Batches that change each type of cells in its own way are told apart by what a covariate does not explain."""
    mixed = cells(400, "ab", 3, by_type=True)
    split = split_cells(mixed.obs["type"], seed=0)
    how = {**SMALL, "epochs": 150, "learning_rate": 0.005, "split": split}

    def told(model: keras.Model, column: str) -> float:
        return cross_val_score(SVC(), latent(model, mixed), mixed.obs[column], cv=5).mean()

    with_one, without = (
        train_autoencoder(arch, mixed, reconstruction="nb", covariate="batch", adversary=weight, **how)
        for weight in (6.0, 0.0)
    )
    assert told(with_one.model, "batch") < told(without.model, "batch") - 0.1
    assert told(with_one.model, "type") > 0.9
    new = cells(120, "cd", 4, by_type=True)
    mapped = map_data(with_one.model, new, epochs=2)
    np.testing.assert_array_equal(predict(mapped.model, mixed), predict(with_one.model, mixed))
    save_model(with_one.model, tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    pd.testing.assert_frame_equal(predict(again, mixed), predict(with_one.model, mixed))
    x = [np.zeros((4, 40), "float32"), np.eye(2, dtype="float32")[[0, 1, 0, 1]]]
    for one in (with_one.model, again):
        one(x, training=True)
    assert len(again.losses) == len(with_one.model.losses)


def test_a_step_with_an_adversary_is_that_of_numpy() -> None:
    """Least squares of standardised units: its own weights go down the loss, those before it go up."""
    random = np.random.default_rng(0)
    x, covariates = random.normal(size=(6, 3)).astype("float32"), random.normal(size=(6, 2)).astype("float32")
    inputs = [keras.Input((3,)), keras.Input((2,))]
    made = keras.layers.Dense(4, use_bias=False)(inputs[0])
    model = keras.Model(inputs, CovariateAdversary(3.0, width=5, seed=1)([made, inputs[1], made]))
    model.compile(keras.optimizers.SGD(0.1), loss=None)
    before, first, bias, second, last = (weight.astype(float) for weight in model.get_weights())
    units = x @ before
    spread = units.std(axis=0) + keras.config.epsilon()
    read = (units - units.mean(axis=0)) / spread
    hidden = np.maximum(read @ first + bias, 0)
    guess = 2 * np.tanh((hidden @ second + last) / 2)
    wrong = guess - covariates
    back = 3 * 2 / 6 * wrong * (1 - (guess / 2) ** 2)
    within = (back @ second.T) * (hidden > 0)
    # Of a standardisation, as in batch normalisation.
    of_read = within @ first.T
    of_units = (of_read - of_read.mean(axis=0) - read * (of_read * read).mean(axis=0)) / spread
    np.testing.assert_allclose(model.predict([x, covariates], verbose=0), x @ before, rtol=1e-5, atol=1e-6)
    loss = model.fit([x, covariates], batch_size=6, verbose=0).history["loss"]
    assert loss == [pytest.approx(3 * (wrong**2).sum(axis=1).mean(), rel=1e-5)]
    after = model.get_weights()
    np.testing.assert_allclose(after[0] - before, 0.1 * x.T @ of_units, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(after[1] - first, -0.1 * read.T @ within, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(after[3] - second, -0.1 * hidden.T @ back, rtol=1e-4, atol=1e-6)


def test_the_program_of_a_type_is_more_active_in_it(first, trained) -> None:
    table = differential_activity(trained.model, first, "type", "type 1")
    assert table.index[0] == "second"
    assert table["bayes_factor"].iloc[0] > 1
    between = differential_activity(trained.model, first, "batch", "a", "b")
    assert between["bayes_factor"].abs().max() < table["bayes_factor"].iloc[0]


def test_covariates_are_added_to_what_is_decoded(arch) -> None:
    """Without anything else that differs, a cell of another batch has other genes by the weights of its batch."""
    model = build_autoencoder(arch, encoder=(3,), side_features=2, dropout=0.0, latent_dropout=0.0, seed=0)
    seen = view(model)
    effect = np.arange(80, dtype="float32").reshape(2, 40)
    seen.layer("covariates", 2).kernel.assign(effect)
    genes = np.ones((2, 40), "float32")
    restored = model.predict([genes, np.eye(2, dtype="float32")], verbose=0)
    np.testing.assert_allclose(restored[1] - restored[0], effect[1] - effect[0], rtol=1e-5)
    assert seen.layer("covariates", 3) is None
    table = edge_weights(model, dense=True)
    assert table["block"].value_counts()[["encoder_covariates", "decoder_covariates"]].tolist() == [6, 80]


@pytest.mark.slow
def test_it_is_saved_with_its_batches(first, trained, second, tmp_path) -> None:
    save_model(trained.model, tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    pd.testing.assert_frame_equal(predict(again, first), predict(trained.model, first))
    with pytest.raises(DataError) as error:
        predict(again, second)
    assert str(error.value) == (
        "120 of 120 cells have a value of 'batch' that the model was not trained with: c, d.\nIt knows: a, b. Leave "
        "these cells out; an autoencoder can learn new values from them: vnn.tl.map_data(model, data)"
    )


def test_new_batches_are_learned_and_nothing_else_changes(first, second, trained, tmp_path) -> None:
    before = {layer.name: layer.get_weights() for layer in trained.model.layers}
    mapped = map_data(trained.model, second, epochs=25, learning_rate=0.02, optimizer="adamw", weight_decay=0.0)
    grown = ("encoder_covariates", "decoder_covariates", "dispersion_covariates")
    for layer in mapped.model.layers:
        if layer.name in grown:
            (old,), (new,) = before[layer.name], layer.get_weights()
            assert (old.shape[0], new.shape[0]) == (3, 5)
            np.testing.assert_array_equal(new[:3], old)
            assert not np.allclose(new[3], new[4]), "the new batches have weights of their own"
        else:
            for old, new in zip(before[layer.name], layer.get_weights(), strict=True):
                np.testing.assert_array_equal(new, old)
    np.testing.assert_array_equal(predict(mapped.model, first), predict(trained.model, first))
    assert mapped.history["val_loss"].iloc[-1] < mapped.history["val_loss"].iloc[0] - 5
    assert all(layer.trainable for layer in mapped.model.layers)
    found = autoencoder_activities(mapped.model, second)
    for name in PROGRAMS:
        assert stats.spearmanr(found[:, name].X.ravel(), found.obs[name]).statistic > 0.6
    save_model(mapped.model, tmp_path / "mapped.keras")
    pd.testing.assert_frame_equal(predict(load_model(tmp_path / "mapped.keras"), second), predict(mapped.model, second))


def test_what_does_not_fit_is_said(arch, first, trained) -> None:
    with pytest.raises(DataError) as known:
        map_data(trained.model, first)
    assert str(known.value) == (
        "All values of the covariates are known to the model, so that there is nothing to learn: batch: a, b.\n"
        "Ask it directly: vnn.tl.autoencoder_activities(model, data)"
    )
    with pytest.raises(
        ModelError, match=r"was not trained as an autoencoder with covariates, so that there is nothing"
    ):
        map_data(build_autoencoder(arch, encoder=(3,)), first)
    with pytest.raises(ModelError, match=r"needs covariates\.\nName columns of the cells: covariate=…; or take disp"):
        train_autoencoder(arch, first, reconstruction="nb", dispersion="covariates", **SMALL)
    with pytest.raises(ModelError, match=r"dispersion goes with reconstruction='nb' or reconstruction='zinb' only"):
        train_autoencoder(arch, first, covariate="batch", dispersion="covariates", **SMALL)
    with pytest.raises(DataError, match=r"The model reads 2 covariates, but there are no data for them\."):
        train_autoencoder(arch, first, side_features=2, **SMALL)
    with pytest.raises(ModelError, match=r"Covariates enter at the first layer of the encoder"):
        train_autoencoder(arch, first, covariate="batch", **{**SMALL, "encoder": ()})
