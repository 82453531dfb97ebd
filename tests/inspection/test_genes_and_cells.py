"""Genes by importance, contributions cell by cell, path weights: by hand and compared.

The network of five genes stands in conftest.
"""

import math

import numpy as np
import pandas as pd
import pytest

from keras_vnn.basics.errors import ConfigError, ModelError
from keras_vnn.inspection import node_contributions, path_weights, predict, rank_genes, rank_nodes
from keras_vnn.models import Regression, build_model

LN2, LN3 = math.log(2), math.log(3)
CELL = np.array([[LN2 / 2, LN2 / 2, LN3, LN2, LN2]], np.float32)


def test_genes_add_up_to_the_output(by_hand):
    """From zero, where the output is zero too."""
    table = rank_genes(by_hand, CELL, [1.0], method="integrated-gradients-zero")
    assert table["importance"].is_monotonic_decreasing and list(table["rank"]) == [1, 2, 3, 4, 5]
    cells = node_contributions(by_hand, CELL, method="integrated-gradients-zero", layers=[0])
    assert cells.X.sum() == pytest.approx(0.8, rel=1e-5)
    assert np.sort(np.abs(cells.X[0]))[::-1] == pytest.approx(table["importance"].to_numpy(), rel=1e-5)
    assert list(rank_genes(by_hand, CELL, [1.0], top=2).index) == list(rank_genes(by_hand, CELL, [1.0]).index[:2])


def test_contributions_by_hand(by_hand):
    found = node_contributions(by_hand, CELL, method="knockout-zero")
    assert list(found.var_names) == ["p", "q", "r"] and list(found.var["layer"]) == [1, 1, 2]
    lost = [0.8 - (3**0.8 - 1) / (3**0.8 + 1), 0.8 - (3**1.2 - 1) / (3**1.2 + 1), 0.8]
    assert found.X[0] == pytest.approx(lost, rel=1e-5)
    assert list(found.obs["output"]) == ["y"] and found.uns["keras_vnn"]["method"] == "knockout-zero"


@pytest.mark.parametrize("method", ["gradient", "knockout", "conductance"])
def test_contributions_of_cells_are_what_importance_is_made_of(model, method):
    """The importance is their mean size over cells and outputs; in each cell that of the predicted class by default."""
    cells = np.random.default_rng(3).normal(size=(7, 5)).astype(np.float32)
    single = {name: node_contributions(model, cells, method=method, output=name) for name in ("T", "B", "NK")}
    size = np.mean([np.abs(table.X).mean(axis=0) for table in single.values()], axis=0)
    expected = rank_nodes(model, cells, by=method)["importance"]
    assert pd.Series(size, index=single["T"].var_names)[expected.index].to_numpy() == pytest.approx(
        expected.to_numpy(), rel=1e-4, abs=1e-6
    )
    default = node_contributions(model, cells, method=method)
    classes = predict(model, cells).to_numpy().argmax(axis=1)
    for row, code in enumerate(classes):
        name = ("T", "B", "NK")[code]
        assert default.obs["output"].iloc[row] == name
        assert default.X[row] == pytest.approx(single[name].X[row], abs=1e-6)


def test_path_weights_by_hand(by_hand):
    table = path_weights(by_hand, "E")
    assert list(table.index) == ["E", "q", "r"]
    assert list(table["from_gene"]) == pytest.approx([1, -1, -LN3 / 2])
    assert list(table["through_y"]) == pytest.approx([-LN3 / 2] * 3)


def test_path_weights_are_the_slope_of_a_network_without_bends(arch):
    """Where every unit is linear, the sum over all paths is the gradient of the output; dense units are left out."""
    from keras_vnn.models import view

    model = build_model(arch, Regression(("x", "y")), seed=2, activation="linear", tail=(4,), tail_activation="linear")
    seen = view(model)
    for number in (1, 2):
        kernel = seen.dense_layer(number).kernel
        kernel.assign(np.zeros(kernel.shape))
    zero, one = np.zeros((1, 5), np.float32), np.eye(5, dtype=np.float32)[:1]
    slope = (predict(model, one).to_numpy() - predict(model, zero).to_numpy())[0]
    table = path_weights(model, "A")
    assert list(table.loc["A", ["through_x", "through_y"]]) == pytest.approx(list(slope), abs=1e-5)
    assert list(predict(model, one).columns) == ["x", "y"]


def test_errors_say_what_is_wrong(by_hand):
    with pytest.raises(ConfigError) as error:
        node_contributions(by_hand, CELL, method="rlipp")
    assert str(error.value).startswith("The method rlipp has no contributions of single cells.\nTake knockout, ")
    with pytest.raises(ModelError) as error:
        node_contributions(by_hand, CELL, output="z")
    assert str(error.value).startswith("The model has no output 'z'; it has y.")
    with pytest.raises(ModelError) as error:
        node_contributions(by_hand, CELL, layers=[3])
    assert str(error.value) == "There is no layer 3: they are numbered 0 to 2."
    with pytest.raises(ModelError) as error:
        path_weights(by_hand, "q")
    assert str(error.value) == "q is a node of layer 1, not a gene.\nName a gene."
    with pytest.raises(ConfigError) as error:
        rank_genes(by_hand, CELL, [1.0], method="rlipp")
    assert str(error.value) == "rlipp compares a node with its children, and genes have none.\nTake another method."
