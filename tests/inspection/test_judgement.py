"""Whether a model is worth asking, against scikit-learn and truth that was planted."""

import anndata
import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import DataError, ModelError, VNNWarning
from keras_vnn.data import align
from keras_vnn.inspection import Judgement, judge, rank_nodes
from keras_vnn.models import Regression, build_model, view
from keras_vnn.options import training_options
from keras_vnn.training import train

GENES = [f"g{i}" for i in range(40)]


@pytest.fixture(scope="module")
def arch():
    """Ten sets of three genes; the last ten genes feed nothing."""
    matrix = np.zeros((40, 10))
    matrix[:30] = np.repeat(np.eye(10), 3, axis=0)
    layers = (
        Layer("genes", tuple(Node(name, kind="gene") for name in GENES)),
        Layer("sets", tuple(Node(f"S{i}", kind="gene set") for i in range(10))),
    )
    return Architecture(layers, {(0, 1): matrix})


def cells_of(shift):
    rng = np.random.default_rng(0)
    kinds = np.array(["B", "T", "T"])[np.arange(240) % 3]
    values = rng.normal(size=(240, 40)).astype(np.float32)
    values[kinds == "B", :9] += shift
    obs = pd.DataFrame({"kind": kinds}, index=[f"c{i}" for i in range(240)])
    return anndata.AnnData(values, obs=obs, var=pd.DataFrame(index=GENES))


def trained(arch, cells, **changes):
    options = training_options(seed=1, normalization="none", learning_rate=0.02, epochs=20, **changes)
    return train(arch, cells, "kind", training=options)


def test_scores_are_those_of_scikit_learn_on_the_same_split(arch):
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import NearestCentroid

    cells = cells_of(2.0)
    result = trained(arch, cells)
    found = judge(result.model, cells, "kind")
    assert found == judge(result.model, cells, "kind", split=result.split)
    x, y = align(cells, arch), cells.obs["kind"].to_numpy()
    train_rows, test = result.split.train, result.split.test
    assert found.accuracy == pytest.approx(result.metrics.accuracy)
    assert found.cells == len(test) == 36
    assert found.most_frequent == pytest.approx((y[test] == "T").mean())
    for method, value in (
        (NearestCentroid(), found.nearest_centroid),
        (LogisticRegression(max_iter=1000, random_state=0), found.logistic_regression),
    ):
        assert value == pytest.approx(method.fit(x[train_rows], y[train_rows]).score(x[test], y[test]))
    assert found.is_better and (found.genes, found.unconnected) == (40, 10)
    text = str(found)
    assert f"test accuracy {found.accuracy:.2f} of 36 cells" in text
    assert "10 of 40 genes feed no node" in text and "not shown" not in text
    assert view(result.model).card.metadata["judgement"]["text"] == text


def test_a_model_that_learned_nothing_says_so_before_it_ranks(arch):
    cells = cells_of(0.0)
    result = trained(arch, cells)
    found = judge(result.model, cells, "kind")
    assert not found.is_better and "not shown to be better" in str(found)
    with pytest.warns(VNNWarning, match="not shown to be better than the most frequent class"):
        rank_nodes(result.model, cells, "kind", replicate="cells")


def test_digits_are_as_many_as_the_cells_support():
    facts = dict(
        training_accuracy=0.99,
        most_frequent=0.5,
        nearest_centroid=0.9,
        logistic_regression=0.9,
        genes=10,
        unconnected=0,
        dense_units=False,
    )
    assert str(Judgement(cells=150, accuracy=0.9466666, **facts)).startswith("test accuracy 0.95 of 150 cells")
    assert str(Judgement(cells=15_000, accuracy=0.9466, **facts)).startswith("test accuracy 0.947 of 15,000 cells")
    assert "knows its cells by heart" in str(Judgement(cells=150, accuracy=0.8, **facts))
    assert "A method without wiring does better" in str(Judgement(cells=150, accuracy=0.7, **facts))


def test_other_cells_are_refused(arch):
    cells = cells_of(2.0)
    result = trained(arch, cells)
    with pytest.raises(DataError, match="not those that the model was trained and tested on"):
        judge(result.model, cells[:100].copy(), "kind")
    numbers = build_model(arch, Regression(("dose",)))
    with pytest.raises(ModelError, match="Only models of classes or survival are compared"):
        judge(numbers, cells, cells.X[:, 0])
