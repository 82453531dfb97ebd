"""Models that read more than a number per gene: what they read is found by name in other data, as in training."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture import Architecture
from keras_vnn.architecture.wiring import gene_set_architecture
from keras_vnn.basics.errors import DataError, ModelError
from keras_vnn.data import alignment_report, read_expression, split_cells, targets_of
from keras_vnn.inspection import inspect_node, judge, node_activities, predict, rank_nodes
from keras_vnn.models import load_model, save_model, view
from keras_vnn.training import cross_validate, train, train_autoencoder, train_embedding

GENES = tuple(f"G{i}" for i in range(6))
SETS = {"left": GENES[:3], "right": GENES[3:]}


@pytest.fixture
def arch() -> Architecture:
    return gene_set_architecture(GENES, SETS)


@pytest.fixture
def cells() -> anndata.AnnData:
    """Eighty cells of eight donors whose genes are noise: age and sex alone tell the types apart."""
    rng = np.random.default_rng(0)
    layers = {name: rng.integers(0, 2, (80, 6)).astype("float32") for name in ("mutation", "deletion")}
    age = rng.permutation(np.repeat([35.0, 65.0], 40)) + rng.normal(0, 4, 80)
    obs = pd.DataFrame(
        {
            "age": age,
            "sex": rng.choice(["f", "m"], 80),
            "type": np.where(age > 50, "old", "young"),
            "donor": [f"d{i % 8}" for i in range(80)],
            "response": layers["mutation"][:, 0] - layers["deletion"][:, 1],
        },
        index=[f"c{i}" for i in range(80)],
    )
    data = anndata.AnnData(rng.normal(size=(80, 6)).astype("float32"), obs=obs, var=pd.DataFrame(index=GENES))
    data.layers.update(layers)
    data.obsm["drug"] = rng.normal(size=(80, 4)).astype("float32")
    return data


@pytest.mark.slow
def test_covariates_reach_the_head(arch: Architecture, cells: anndata.AnnData) -> None:
    blind = train(arch, cells, "type", epochs=30)
    seeing = train(arch, cells, "type", epochs=30, covariate=["age", "sex"])
    assert seeing.metrics.accuracy > 0.9 > blind.metrics.accuracy
    assert [tuple(part.shape[1:]) for part in seeing.model.inputs] == [(6,), (3,)]
    head = view(seeing.model).head.kernel.shape[0]
    assert head == 2 + 3, "two sets, age and two sexes, without a layer between"


def test_simple_methods_read_the_covariates_that_the_model_reads(arch: Architecture, cells: anndata.AnnData) -> None:
    from sklearn.linear_model import LogisticRegression

    result = train(arch, cells, "type", epochs=1, normalization="none", covariate=["age", "sex"])
    rows, test = result.split.train, result.split.test
    age = cells.obs["age"] - cells.obs["age"].iloc[rows].mean()
    age /= cells.obs["age"].iloc[rows].std(ddof=0)
    x = np.column_stack([cells.X, age, cells.obs["sex"] == "f", cells.obs["sex"] == "m"])
    kinds = cells.obs["type"].to_numpy()
    fitted = LogisticRegression(max_iter=1000).fit(x[rows], kinds[rows])
    found = judge(result.model, cells, "type").logistic_regression
    assert found == pytest.approx(fitted.score(x[test], kinds[test]))
    assert found > 0.9, "the genes are noise"


def test_other_cells_are_read_as_those_of_the_training(arch: Architecture, cells: anndata.AnnData, tmp_path) -> None:
    result = train(arch, cells, "type", epochs=3, side="drug", covariate="age")
    save_model(result.model, tmp_path / "model.keras")
    model = load_model(tmp_path / "model.keras")
    train_age = cells.obs["age"].to_numpy()[result.split.train]
    age = (cells.obs["age"].to_numpy() - train_age.mean()) / train_age.std()
    from keras_vnn.data import align

    genes = align(cells, arch, normalization=view(model).normalization)
    arrays = [genes, np.column_stack([cells.obsm["drug"], age]).astype("float32")]
    mixed = cells[::-1, ::-1]
    np.testing.assert_allclose(predict(model, mixed).to_numpy()[::-1], predict(model, arrays).to_numpy(), atol=1e-5)
    np.testing.assert_allclose(node_activities(model, mixed).X[::-1], node_activities(model, arrays).X, atol=1e-5)
    assert set(rank_nodes(model, cells, "type").index) == {"left", "right"}
    assert "left" in str(inspect_node(model, "left", cells, "type"))
    assert judge(model, cells, "type").cells == result.metrics.cells
    without = cells.copy()
    del without.obsm["drug"]
    with pytest.raises(DataError, match=r"^The data have no obsm 'drug'\.\nTheir obsm: none\."):
        predict(model, without)


@pytest.mark.parametrize("preset", [pytest.param("nest", marks=pytest.mark.slow), "drugcell"])
def test_features_and_drugs_are_found_by_name(arch: Architecture, cells: anndata.AnnData, preset: str) -> None:
    features = ("mutation", "deletion") if preset == "nest" else ()
    result = train(
        arch, cells, targets_of(cells, "response"), preset=preset, side="drug", side_layers=(3,),
        gene_features=features, normalization="none", epochs=3, batch_size=16,
    )  # fmt: skip
    seen = predict(result.model, cells)
    genes = np.stack([cells.layers[name] for name in features], axis=-1) if features else cells.X
    np.testing.assert_allclose(seen, predict(result.model, [genes, cells.obsm["drug"]]), atol=1e-6)
    assert node_activities(result.model, cells).shape == (80, 2)
    assert set(rank_nodes(result.model, cells, targets_of(cells, "response")).index) == {"left", "right"}
    assert "right" in str(inspect_node(result.model, "right", cells))


def test_what_is_not_there_is_named(arch: Architecture, cells: anndata.AnnData) -> None:
    with pytest.raises(DataError, match=r"^The data have no obsm 'drugs'\. Did you mean drug\?\nTheir obsm: drug\."):
        train(arch, cells, "type", side="drugs")
    with pytest.raises(ModelError, match=r"^Unknown model option 'covariate'"):
        train_embedding(arch, cells, "type", covariate="age")


@pytest.mark.slow
def test_donors_stay_on_one_side(arch: Architecture, cells: anndata.AnnData) -> None:
    result = train(arch, cells, "type", epochs=2, group="donor")
    donors = cells.obs["donor"].to_numpy()
    names = [set(donors[part]) for part in (result.split.train, result.split.validation, result.split.test)]
    assert sum(map(len, names)) == 8
    assert result.split == split_cells(cells.obs["type"], seed=0, groups=donors)
    kept = view(result.model).card.metadata["training"]["split"]
    assert kept["group"] == "donor" and set(kept["test"]) == names[2]
    assert judge(result.model, cells, "type").cells == len(result.split.test), "the split is found again"
    table = cross_validate(arch, cells, "type", n_folds=4, group="donor", epochs=2)
    assert table["cells"].tolist() == [20] * 4
    with pytest.raises(DataError, match=r"^Cells of 8 groups of 'donor' are in several parts of the split: d0, d1"):
        train(arch, cells, "type", split=split_cells(cells.obs["type"], seed=0), group="donor")
    with pytest.raises(DataError, match=r"^The cells have no column 'donors'\. Did you mean donor\?"):
        train(arch, cells, "type", group="donors")


@pytest.mark.parametrize(
    "trainer", [train, *(pytest.param(other, marks=pytest.mark.slow) for other in (train_embedding, train_autoencoder))]
)
def test_options_of_training_are_taken_by_name(arch: Architecture, cells: anndata.AnnData, trainer) -> None:
    how = {"normalization": "zscore"}
    for given in ({"epochs": 2, "learning_rate": 0.01}, {"training": {"epochs": 2, "learning_rate": 0.01}}):
        result = trainer(arch, cells, "type", **given, **how)
        assert len(result.history) == 2
        assert view(result.model).card.metadata["training"]["options"]["learning_rate"] == 0.01
    both = trainer(arch, cells, "type", training={"epochs": 5}, epochs=1, **how)
    assert len(both.history) == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"lr": 0.1}, "Unknown model option 'lr'. Did you mean learning_rate?"),
        ({"n_epochs": 2}, "Unknown model option 'n_epochs'. Did you mean epochs?"),
        ({"verbose": 1}, "Unknown model option 'verbose'. Did you mean progress?"),
        ({"covariates": ["age"]}, "Unknown model option 'covariates'. Did you mean covariate?"),
        ({"n_hidden": 2}, "Unknown model option 'n_hidden'. Did you mean tail?"),
        ({"batchsize": 2}, "Unknown model option 'batchsize'. Did you mean batch_size"),
        ({"training": {"lr": 0.1}}, "Unknown training option 'lr'. Did you mean learning_rate?"),
        ({"training": 5}, "training must be TrainingOptions, or options by name, got int."),
        ({"epochs": 0}, "epochs must be an integer of at least 1, got 0."),
    ],
)
def test_other_names_of_options(arch: Architecture, cells: anndata.AnnData, wrong: dict, message: str) -> None:
    with pytest.raises(ModelError) as error:
        train(arch, cells, "type", **wrong)
    assert str(error.value).startswith(message)


@pytest.mark.slow
def test_weights_of_cells_count_in_the_loss(arch: Architecture, cells: anndata.AnnData) -> None:
    """A cell of weight 0 might as well have any label; weights of 1 change nothing."""
    wrong = cells.obs["type"].to_numpy().copy()
    wrong[:20] = "young"
    weights = np.where(np.arange(80) < 20, 0.0, 1.0)
    split = split_cells(np.zeros(80), seed=0, stratify=False, fractions=(1, 0, 0))
    how = {"epochs": 4, "covariate": "age", "split": split, "class_weights": "none"}
    first, second = (train(arch, cells, labels, sample_weight=weights, **how) for labels in ("type", wrong))
    for a, b in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    plain, ones = (train(arch, cells, "type", sample_weight=each, **how) for each in (None, np.ones(80)))
    np.testing.assert_allclose(plain.model.get_weights()[-1], ones.model.get_weights()[-1], rtol=1e-4)
    with pytest.raises(DataError, match=r"^sample_weight must be a number for each of 80 cells, got shape \(3,\)\."):
        train(arch, cells, "type", sample_weight=[1, 2, 3])
    with pytest.raises(DataError, match=r"^sample_weight must be numbers of at least 0"):
        train(arch, cells, "type", sample_weight=-weights)


@pytest.mark.parametrize(
    "how", [{"layer": "raw"}, {"backed": True}, pytest.param({"layer": "mutation"}, marks=pytest.mark.slow)]
)
def test_files_keep_what_is_read_next_to_the_genes(arch, cells, tmp_path, how) -> None:
    cells.raw = cells.copy()
    cells.write_h5ad(tmp_path / "cells.h5ad")
    read = read_expression(tmp_path / "cells.h5ad", **how)
    model = train(arch, read, "type", epochs=1, side="drug").model
    assert predict(model, read).shape == (80, 2)
    np.testing.assert_array_equal(read.obsm["drug"], cells.obsm["drug"])


def test_files_of_layers_alone_are_read_by_models_of_features(arch, cells, tmp_path) -> None:
    model = train(arch, cells, "type", gene_features=("mutation", "deletion"), normalization="none", epochs=1).model
    layers = {name: cells.layers[name] for name in ("mutation", "deletion")}
    without = anndata.AnnData(None, obs=cells.obs, var=cells.var, layers=layers)
    without.write_h5ad(tmp_path / "layers.h5ad")
    for backed in (False, "auto"):
        read = read_expression(tmp_path / "layers.h5ad", genes=arch, backed=backed)
        np.testing.assert_array_equal(predict(model, read), predict(model, cells))
        assert str(alignment_report(read, arch)) == "6 of 6 input genes are in the data"
    with pytest.raises(DataError, match=r"^The AnnData has no X\."):
        train(arch, read, "type")
