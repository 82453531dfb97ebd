"""Inspection of the published kinds of models: batch normalisation, auxiliary heads, several inputs, heads on levels.

Where batch normalisation comes last, a node is held at a level by a scale of 0 and that level as its shift: an
independent way to knock it out.
"""

import numpy as np
import pandas as pd
import pytest

from keras_vnn.basics.errors import DataError
from keras_vnn.data import Classes
from keras_vnn.inspection import inspect_node, node_activities, predict, rank_nodes
from keras_vnn.models import Regression, view

NODES = ["SET:repair", "SET:growth", "TF:A", "cycle", "stress"]


def inputs_of(model, cells=23):
    random = np.random.default_rng(5)
    arrays = [random.normal(size=(cells, *tensor.shape[1:])).astype(np.float32) for tensor in model.inputs]
    return arrays if len(arrays) > 1 else arrays[0]


def held(model, node, data):
    """Return the predictions with the units of a node held at their means, by its batch normalisation."""
    activities = node_activities(model, data)
    is_own = (activities.var["node"] == node).to_numpy()
    number = int(activities.var.loc[is_own, "layer"].iloc[0])
    layer = view(model).state_layer(number)
    own = is_own[activities.var["layer"].to_numpy() == number]
    gamma, beta = np.array(layer.gamma), np.array(layer.beta)
    try:
        layer.gamma.assign(np.where(own, 0, gamma))
        level = np.zeros(len(own), np.float32)
        level[own] = activities.X[:, is_own].mean(axis=0)
        layer.beta.assign(np.where(own, level, beta))
        return predict(model, data).to_numpy(np.float64)
    finally:
        layer.gamma.assign(gamma)
        layer.beta.assign(beta)


def scores(predictions):
    """Return logits less their mean over the classes."""
    logits = np.log(predictions)
    return logits - logits.mean(axis=1, keepdims=True)


@pytest.mark.parametrize(
    "options",
    [
        {"batch_normalization": "after"},
        {"batch_normalization": "after", "tail": (4,), "auxiliary_heads": "linear", "dropout": 0.3},
        {"preset": "dcell-paper"},
    ],
    ids=["head", "tail", "dcell"],
)
def test_knockout_with_batch_normalisation(arch, make, options):
    model = make(arch, Classes(("T", "B", "NK")), **options)
    data = inputs_of(model)
    table = rank_nodes(model, data, by="knockout")
    before = scores(predict(model, data).to_numpy(np.float64))
    for node in NODES:
        lost = before - scores(held(model, node, data))
        assert table.loc[node, "importance"] == pytest.approx(np.abs(lost).mean(), rel=1e-3, abs=1e-6)


def test_knockout_of_drugcell_with_its_two_inputs(arch, make):
    model = make(arch, Regression(), preset="drugcell", side_features=7, side_layers=(4, 3), tail=(2,), initial_scale=1)
    data = inputs_of(model)
    table = rank_nodes(model, data, by="knockout")
    before = predict(model, data).to_numpy(np.float64)
    # The difference of two predictions is no more exact than these are, which are float32.
    exact = np.finfo(np.float32).eps * np.abs(before).max()
    for node in NODES:
        lost = np.abs(before - held(model, node, data)).mean()
        assert table.loc[node, "importance"] == pytest.approx(lost, rel=1e-3, abs=exact)
    page = str(inspect_node(model, "SET:growth", data))
    assert "importance" in page and "nan" not in page
    with pytest.raises(DataError) as error:
        predict(model, data[0])
    assert str(error.value) == "The model has 2 inputs, got 1.\nPass a list of 2 arrays."
    with pytest.raises(DataError) as error:
        predict(model, [data[0], data[1][:-1]])
    assert str(error.value) == "The inputs have different numbers of cells: 23, 22."


def test_a_model_that_predicts_by_the_mean_of_its_heads(arch, make):
    """Its scores are its predictions; knock-out of the last layer is that of the last head alone."""
    model = make(arch, Regression(), level_heads=True, gene_features=("mutation", "expression"))
    data = inputs_of(model)
    assert data.shape == (23, 5, 2)
    table = rank_nodes(model, data, by="knockout")
    activities = node_activities(model, data)
    kernel = np.array(view(model).head.kernel)[:, 0]
    stress = activities[:, "stress"].X[:, 0]
    # TF:A, two dense units, cycle with two units; then stress. Heads: genes, layer 1, and the last.
    expected = np.abs((stress - stress.mean()) * kernel[5]).mean() / 3
    assert table.loc["stress", "importance"] == pytest.approx(expected, rel=1e-4)
    gene = inspect_node(model, "E", data).activity
    assert len(gene) == 1 and np.isfinite(gene["mean"]).all()
    with pytest.raises(DataError) as error:
        predict(model, pd.DataFrame(np.zeros((2, 5)), columns=list("ABCDE")))
    assert str(error.value).startswith(
        "2 of 2 gene features are not a layer of the data: expression, mutation; it has no layers."
    )


@pytest.mark.parametrize("preset", ["dcell-code", "pnet", "nest", "kpnn"])
def test_gradient_is_knockout_where_cells_are_close(arch, make, preset):
    options = {"level_weights": (1, 1, 1)} if preset == "pnet" else {}
    outputs = Classes(("T", "B")) if preset in ("pnet", "kpnn") else Regression()
    model = make(arch, outputs, preset=preset, **options)
    data = inputs_of(model)
    close = data[:1] + 1e-2 * data
    exact = rank_nodes(model, close, by="knockout")
    slope = rank_nodes(model, close, by="gradient").loc[exact.index]
    np.testing.assert_allclose(exact["importance"], slope["importance"], rtol=0.05, atol=1e-6)
