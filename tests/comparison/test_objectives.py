"""Embeddings, autoencoders and pretrained networks are compared as networks that predict are."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score
from sklearn.neighbors import KNeighborsClassifier

from keras_vnn import Architecture, VNNError, compare, train, train_autoencoder, train_embedding, training_options
from keras_vnn.architecture.wiring import gene_set_architecture
from keras_vnn.data import align
from keras_vnn.experiments.comparison import REAL
from keras_vnn.experiments.comparison._runs import _reconstruction
from keras_vnn.models import save_model
from keras_vnn.options import PretrainingOptions
from keras_vnn.pp import labels_of, split_cells, targets_of
from keras_vnn.recipes.run import recipe_of_model

GENES = tuple(f"G{i}" for i in range(9))
QUICK = training_options(epochs=2, batch_size=16, learning_rate=0.02, seed=5, normalization="none")

UNREAD = pytest.mark.filterwarnings("ignore:.*no node:keras_vnn.basics.errors.VNNWarning")


@pytest.fixture(scope="module")
def arch() -> Architecture:
    """Three sets of three genes that share one with the next; the last gene feeds nothing."""
    return gene_set_architecture(GENES, {"A": GENES[:3], "B": GENES[2:5], "C": GENES[4:8]})


@pytest.fixture(scope="module")
def cells() -> anndata.AnnData:
    rng = np.random.default_rng(0)
    # No two distances between cells are equal, so that there is one order of neighbours.
    values = (rng.poisson(3.0, size=(80, 9)) + rng.random((80, 9))).astype("float32")
    values[:40, 2:5] += 2
    obs = pd.DataFrame({"type": ["T"] * 40 + ["B"] * 40, "dose": values[:, 2]}, index=[f"c{i}" for i in range(80)])
    return anndata.AnnData(values, obs=obs, var=pd.DataFrame(index=GENES))


@pytest.mark.slow
def test_an_embedding_is_judged_by_whom_test_cells_find_among_those_of_the_training(arch, cells, tmp_path):
    found = compare(
        arch, cells, "type", tmp_path, objective="triplet", embedding={"margin": 0.5}, controls=("swap", "input"),
        baselines=("dense width", "pca", "all genes"), seeds=2, training=QUICK,
    )  # fmt: skip
    assert found.metric == "average_precision"
    assert list(found.summary.index) == [REAL, "swap", "input", "dense width", "pca", "all genes"]
    assert found.verdict.startswith("The real prior has a mean average precision of ")
    x, kinds = cells.X, cells.obs["type"].to_numpy()
    for seed in (5, 6):
        split = split_cells(labels_of(cells, "type"), seed=seed)
        run = found.runs[found.runs["seed"] == seed].set_index("contender").loc["all genes"]
        knn = KNeighborsClassifier(1).fit(x[split.train], kinds[split.train])
        assert run["nearest_neighbour_accuracy"] == pytest.approx(knn.score(x[split.test], kinds[split.test]))
        distances = np.linalg.norm(x[split.test][:, None] - x[split.train], axis=2)
        each = [
            average_precision_score(kinds[split.train] == kinds[c], -d)
            for c, d in zip(split.test, distances, strict=True)
        ]
        assert run["average_precision"] == pytest.approx(np.mean(each))
    network = train_embedding(arch, cells, "type", objective="triplet", margin=0.5, training=QUICK, progress=False)
    width = network.model.output_shape[-1]
    assert found.summary.loc["pca", "weights"] == width * len(GENES) + len(GENES)
    assert set(found.nodes.index) == {"A", "B", "C"}
    assert found.about["measure"] == "learned" and found.summary.loc[[REAL, "swap"], "found"].notna().all()


@pytest.mark.slow
@UNREAD
def test_an_autoencoder_is_judged_by_what_it_restores_of_all_genes(arch, cells, tmp_path):
    found = compare(
        arch, cells, "type", tmp_path, objective="autoencoder", controls=("genes",), seeds=1, training=QUICK, encoder=4
    )
    assert found.metric == "explained_variance"
    runs = found.runs.set_index("contender")["explained_variance"]
    assert list(runs.index) == [REAL, "genes", "dense width", "dense weights", "pca", "constant"]
    split = split_cells(labels_of(cells, "type"), seed=5)
    train_cells, test = cells.X[split.train].astype(float), cells.X[split.test].astype(float)
    mean = train_cells.mean(axis=0)
    spread = np.square(test - test.mean(axis=0)).sum()
    assert runs["constant"] == pytest.approx(1 - np.square(test - mean).sum() / spread, abs=1e-5)
    axes = np.linalg.svd(train_cells - mean)[2][:3]
    left = (test - mean) - (test - mean) @ axes.T @ axes
    assert runs["pca"] == pytest.approx(1 - np.square(left).sum() / spread, abs=1e-5)
    alone = train_autoencoder(arch, cells, "type", split=split, training=QUICK, encoder=4, progress=False)
    restored = alone.model.predict(align(cells, arch)[split.test], verbose=0)
    restored[:, 8] = mean[8]
    assert runs[REAL] == pytest.approx(1 - np.square(test - restored).sum() / spread, abs=1e-4)
    assert set(found.nodes.index) == {"A", "B", "C"} and found.nodes["corrected"].notna().all()


@pytest.mark.slow
@UNREAD
def test_without_labels_nothing_is_said_of_nodes(arch, cells, tmp_path):
    how = {"objective": "autoencoder", "controls": (), "baselines": ("constant",), "seeds": 2, "training": QUICK}
    found = compare(arch, cells, None, tmp_path, **how)
    said = []
    compare(arch, cells, None, tmp_path, say=said.append, **how)
    assert said == ["4 of 4 runs were done before"]
    assert list(found.nodes.columns) == ["label", "kind", "layer", "genes"] and found.place.empty


def test_what_no_node_reads_counts_as_its_mean_in_the_training():
    split = split_cells(np.arange(4), fractions=(0.5, 0, 0.5), seed=0, stratify=False)
    matrix = np.zeros((4, 2))
    matrix[split.train], matrix[split.test] = [[0, 1], [0, 3]], [[1, 2], [3, 4]]
    found = _reconstruction(matrix, np.array([[1.0, 0], [2, 0]]), split, np.array([True, False]))
    assert found["squared_error"] == pytest.approx((0 + 1 + 0 + 4) / 2)
    assert found["explained_variance"] == pytest.approx(1 - 5 / 4)


@pytest.mark.slow
def test_pretraining_takes_part(arch, cells, tmp_path):
    pretraining = PretrainingOptions(layers="all", epochs=2, learning_rate=0.05)
    few = {"controls": (), "seeds": 1, "training": QUICK, "anchor": "none"}
    found = compare(arch, cells, "type", tmp_path, pretraining=pretraining, baselines=("dense width",), **few)
    split = split_cells(labels_of(cells, "type"), seed=5)
    how = {"split": split, "training": QUICK, "anchor": "none", "progress": False}
    with_it = train(arch, cells, "type", pretraining=pretraining, **how).metrics.log_loss
    without = train(arch, cells, "type", **how).metrics.log_loss
    assert found.runs["log_loss"][0] == pytest.approx(with_it, rel=1e-4)
    assert with_it != pytest.approx(without, rel=1e-3)
    with pytest.raises(VNNError, match="The folder holds another comparison"):
        compare(arch, cells, "type", tmp_path, baselines=("dense width",), **few)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (
            {"objective": "triplets"},
            "objective must be one of prediction, siamese, triplet, autoencoder; got 'triplets'",
        ),
        (
            {"objective": "triplet", "baselines": ("linear",)},
            "A baseline of an embedding must be one of dense width, dense weights, pca, all genes; got 'linear'",
        ),
        (
            {"objective": "autoencoder", "baselines": ("forest",)},
            "A baseline of an autoencoder must be one of dense width, dense weights, pca, constant; got 'forest'",
        ),
        ({"baselines": ("pca",)}, "A baseline must be one of dense width, dense weights, linear, forest, constant"),
        (
            {"objective": "siamese", "measure": "importance"},
            "An embedding has no outputs, so its nodes have no importance. Rank them by what they learned",
        ),
        (
            {"objective": "triplet", "covariate": "type"},
            "An embedding reads genes alone. Leave out side and covariate.",
        ),
        (
            {"objective": "autoencoder", "pretraining": PretrainingOptions()},
            "An autoencoder is not pretrained. Leave out the pretraining.",
        ),
        ({"labels": None}, "A prediction needs labels: the name of a column, or one per cell."),
        ({"objective": "triplet", "labels": None}, "An embedding is trained on classes of cells:"),
        ({"objective": "triplet", "embedding": {"margins": 1}}, "Unknown option of an embedding 'margins'"),
        ({"embedding": {"margin": 1}}, "A prediction has no options of its own, got embedding={'margin': 1}."),
    ],
)
def test_what_cannot_be_compared_is_said(how, message, arch, cells, tmp_path):
    given = {"labels": "type", "controls": ("swap",), "training": QUICK, **how}
    with pytest.raises(VNNError) as error:
        compare(arch, cells, folder=tmp_path, **given)
    assert str(error.value).startswith(message)
    assert not any(tmp_path.rglob("*.json"))


def test_numbers_are_no_types_of_cells(arch, cells, tmp_path):
    with pytest.raises(VNNError, match="An embedding is trained on classes of cells"):
        compare(arch, cells, targets_of(cells, "dose"), tmp_path, objective="triplet", controls=())


@pytest.mark.slow
@UNREAD
def test_a_saved_model_says_how_it_is_trained_again(arch, cells, tmp_path):
    pretraining = PretrainingOptions(layers="all", epochs=1, noise=0.3)
    embedding = train_embedding(
        arch, cells, "type", objective="siamese", margin=2.0, pretraining=pretraining, training=QUICK, progress=False
    )
    save_model(embedding.model, tmp_path / "embedding.keras")
    found = recipe_of_model(tmp_path / "embedding.keras", tmp_path / "cells.h5ad").train
    assert (found.objective, found.embedding["margin"], found.pretraining_options()) == ("siamese", 2.0, pretraining)
    assert found.training_options() == QUICK
    found.check()
    how = {"epochs": 2, "normalization": "none", "center": False}
    autoencoder = train_autoencoder(arch, cells, "type", encoder=4, progress=False, **how)
    save_model(autoencoder.model, tmp_path / "autoencoder.keras")
    found = recipe_of_model(tmp_path / "autoencoder.keras", tmp_path / "cells.h5ad").train
    assert (found.objective, found.embedding["center"], found.model) == ("autoencoder", False, {"encoder": (4,)})
    assert found.training == {"epochs": 2, "normalization": "none"}
    found.check()
