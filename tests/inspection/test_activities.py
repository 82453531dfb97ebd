"""`node_activities`, `activities_by_class` and `predict` against the network evaluated by name."""

import anndata
import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import ConfigError, DataError, ModelError
from keras_vnn.data import Classes, fit_normalization
from keras_vnn.inspection import activities_by_class, node_activities, predict, predicted_classes
from keras_vnn.models import Embedding, build_model

UPSTREAM = {"SET:repair": "AB", "SET:growth": "BC", "TF:A": "AD", "cycle": "ABCE", "stress": "BC"}


@pytest.mark.parametrize("batch_size", [1, 10, 512])
def test_every_unit_by_name(model, frame, values, by_name, batch_size):
    found = node_activities(model, frame, batch_size=batch_size)
    network = by_name(model)
    network(values)
    assert found.var_names.tolist() == [
        *("SET:repair [0]", "SET:repair [1]", "SET:growth", "TF:A", "cycle [0]", "cycle [1]", "stress")
    ]
    for position, row in enumerate(found.var.itertuples()):
        np.testing.assert_allclose(found.X[:, position], network.states[row.node, row.unit], atol=1e-5)
        z = (values - values.mean(axis=0)) / values.std(axis=0)
        own = z[:, ["ABCDE".index(gene) for gene in UPSTREAM[row.node]]].mean(axis=1)
        assert row.orientation == (1 if np.corrcoef(own, found.X[:, position])[0, 1] >= 0 else -1)
    assert found.var.loc["cycle [1]"].to_dict() == {
        "node": "cycle",
        "label": "cell cycle",
        "kind": "term",
        "layer": 2,
        "unit": 1,
        "orientation": found.var.loc["cycle [1]", "orientation"],
    }
    assert found.obs_names.tolist() == frame.index.tolist()
    assert found.X.dtype == np.float32
    assert found.uns["keras_vnn"]["fingerprint"] == by_name(model).view.architecture.fingerprint


def test_the_cell_table_is_kept_and_the_file_can_be_written(model, frame, labels, tmp_path):
    adata = anndata.AnnData(frame.drop(columns="other"), obs=pd.DataFrame({"type": labels}, index=frame.index))
    found = node_activities(model, adata)
    assert found.obs["type"].tolist() == labels.tolist()
    found.write_h5ad(tmp_path / "activities.h5ad")
    again = anndata.read_h5ad(tmp_path / "activities.h5ad")
    np.testing.assert_array_equal(again.X, found.X)
    assert again.var["node"].tolist() == found.var["node"].tolist()


def test_names_for_display_are_unique():
    layers = (
        Layer("genes", (Node("g", kind="gene"),)),
        Layer("sets", (Node("a", units=2), Node("a [1]"))),
    )
    model = build_model(Architecture(layers, {(0, 1): np.ones((1, 2))}), 2)
    found = node_activities(model, np.zeros((2, 1)))
    assert found.var_names.is_unique
    assert found.var["node"].tolist() == ["a", "a", "a [1]"]


def test_the_normalisation_of_the_model_is_applied(arch, frame, values):
    norm = fit_normalization("zscore", frame, arch, cells=range(20))
    model = build_model(arch, 2, normalization=norm, seed=0)
    scaled = (values - values[:20].mean(axis=0, dtype=float)) / values[:20].std(axis=0, dtype=float)
    np.testing.assert_allclose(
        node_activities(model, frame).X, node_activities(model, scaled.astype(np.float32)).X, atol=1e-5
    )


def test_means_by_class(model, frame, labels):
    activities = node_activities(model, frame)
    table = activities_by_class(activities, labels)
    assert table.columns.tolist() == ["B", "NK", "T"] and table.index.tolist() == activities.var_names.tolist()
    expected = (activities.to_df() * activities.var["orientation"]).groupby(labels).mean().T
    np.testing.assert_allclose(table, expected, rtol=1e-4, atol=1e-6)
    with pytest.raises(DataError, match=r"^Got 30 labels for 31 cells"):
        activities_by_class(activities, labels[:-1])
    with pytest.raises(DataError) as error:
        activities_by_class(frame, labels)
    assert str(error.value) == (
        "Expected the AnnData of vnn.tl.node_activities, got DataFrame.\nMake it: vnn.tl.node_activities(model, data)"
    )


def test_predictions_by_name(model, frame, values, by_name):
    table = predict(model, frame)
    logits = by_name(model)(values)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(table, odds / odds.sum(axis=1, keepdims=True), atol=1e-5)
    assert table.columns.tolist() == ["T", "B", "NK"] and table.index.tolist() == frame.index.tolist()
    np.testing.assert_allclose(table, model.predict(values, verbose=0), atol=1e-6)
    classes = predicted_classes(model, frame)
    assert classes.tolist() == [("T", "B", "NK")[i] for i in logits.argmax(axis=1)]
    assert classes.cat.categories.tolist() == ["T", "B", "NK"]


def test_an_embedding_predicts_units(arch, make, frame, values):
    model = make(arch, Embedding(), tail=(3,))
    table = predict(model, frame)
    assert table.columns.tolist() == ["unit 0", "unit 1", "unit 2"]
    np.testing.assert_allclose(table, model.predict(values, verbose=0), atol=1e-6)
    with pytest.raises(ModelError) as error:
        predicted_classes(model, frame)
    assert str(error.value) == (
        "The model predicts no classes but an embedding.\nIts outputs: keras_vnn.inspection.predict(model, data)"
    )


def test_several_numbers_per_gene_need_an_array():
    layers = (
        Layer("genes", (Node("g", kind="gene", units=3), Node("h", kind="gene", units=3))),
        Layer("sets", (Node("a"),)),
    )
    model = build_model(Architecture(layers, {(0, 1): np.ones((2, 1))}), Classes(("x", "y")))
    assert predict(model, np.zeros((2, 6))).shape == (2, 2)
    with pytest.raises(DataError) as error:
        predict(model, pd.DataFrame(np.zeros((2, 2)), columns=["g", "h"]))
    assert str(error.value) == (
        "The model reads more than one number per gene; a table of genes has one.\nPass an array of shape (cells, 6)."
    )


def test_no_cell(model):
    with pytest.raises(DataError) as error:
        predict(model, np.zeros((0, 5)))
    assert str(error.value) == "There is no cell in the data."


@pytest.mark.parametrize("function", [predict, predicted_classes, node_activities])
def test_batches_have_a_cell_at_least(model, values, function):
    with pytest.raises(ConfigError) as error:
        function(model, values, batch_size=0)
    assert str(error.value) == "batch_size must be at least 1, got 0."
