"""Roles of layers stand in the card: what Keras calls a layer changes nothing that is said of a model."""

import keras
import numpy as np
import pandas as pd
import pytest

from keras_vnn.basics.errors import ModelError
from keras_vnn.data import Classes
from keras_vnn.inspection import (
    autoencoder_activities,
    embed,
    inspect_node,
    node_activities,
    node_contributions,
    path_weights,
    predict,
    rank_genes,
    rank_nodes,
)
from keras_vnn.models import (
    Embedding,
    Regression,
    build_autoencoder,
    edge_weights,
    load_model,
    save_model,
    set_edge_weights,
    view,
)
from keras_vnn.options import AUTOENCODER_PRESETS, MODEL_PRESETS

SIZES = {"drugcell": {"side_features": 5, "side_layers": (4, 3)}, "pnet": {"level_weights": (1, 1, 1)}}
OPTIONS = {name: {"preset": name, **SIZES.get(name, {})} for name in MODEL_PRESETS}
OPTIONS["before"] = {"batch_normalization": "before", "tail": (4, 3), "dropout": 0.2, "auxiliary_heads": "linear"}
CELLS = np.random.default_rng(7).normal(size=(12, 5)).astype("float32")


def renamed(model):
    """Call the layers something else, in an order of its own."""
    for place, layer in enumerate(model.layers):
        layer.name = f"layer_{(place * 7 + 3) % 100}_batch_normalization"
    return model


def said(model):
    """Return whatever is said of a model that predicts."""
    rng = np.random.default_rng(0)
    data = [rng.normal(size=(12, *tensor.shape[1:])).astype("float32") for tensor in model.inputs]
    data = data if len(data) > 1 else data[0]
    tables = {
        "predictions": predict(model, data),
        "weights": edge_weights(model, dense=True),
        "edges": edge_weights(model),
        "genes": rank_genes(model, data, method="gradient"),
        "activities": node_activities(model, data).to_df(),
        "embedding": embed(model, data).to_df(),
        "contributions": node_contributions(model, data, method="conductance").to_df(),
        **{method: rank_nodes(model, data, by=method) for method in ("knockout", "gradient", "epsilon")},
    }
    if not view(model).card.metadata["options"]["level_heads"]:
        tables["paths"] = path_weights(model, "B")
    return tables, str(inspect_node(model, "cycle", data)), str(inspect_node(model, "C"))


def check_equal(before, after):
    (tables, *pages), (others, *other_pages) = before, after
    assert pages == other_pages
    assert tables.keys() == others.keys()
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, others[name], rtol=1e-5, atol=1e-6, obj=name)


# The others differ from these in sizes and rates.
_OF_EACH_KIND = ("lin2017", "dcell-paper", "drugcell", "pnet", "discover", "before")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in _OF_EACH_KIND else pytest.mark.slow) for name in OPTIONS]
)
def test_names_of_keras_layers_say_nothing(arch, make, name, tmp_path):
    model = make(arch, Regression(("y",)), **OPTIONS[name])
    before = said(model)
    check_equal(before, said(renamed(model)))
    save_model(model, tmp_path / "renamed.keras")
    check_equal(before, said(renamed(load_model(tmp_path / "renamed.keras"))))


@pytest.mark.parametrize("preset", AUTOENCODER_PRESETS)
def test_nor_do_those_of_an_autoencoder(arch, preset):
    model = build_autoencoder(arch, preset=preset, seed=0)
    before = edge_weights(model, dense=True), autoencoder_activities(model, CELLS).to_df()
    renamed(model)
    pd.testing.assert_frame_equal(before[0], edge_weights(model, dense=True))
    pd.testing.assert_frame_equal(before[1], autoencoder_activities(model, CELLS).to_df())


def test_weights_are_written_by_the_names_of_the_table(arch, make):
    model = renamed(make(arch, Classes(("a", "b")), batch_normalization="after", tail=(4,)))
    table = edge_weights(model, dense=True)
    doubled = table.assign(weight=2 * table["weight"])
    assert set_edge_weights(model, doubled) == len(table)
    np.testing.assert_allclose(edge_weights(model, dense=True)["weight"], doubled["weight"])


def test_a_model_made_of_parts_finds_what_it_has(arch, make):
    whole = make(arch, Classes(("a", "b")))
    part = keras.Model(whole.inputs, view(whole).state_layer(1).output)
    assert view(part).sparse_layer(1) is view(whole).sparse_layer(1)
    with pytest.raises(ModelError) as error:
        _ = view(part).head
    assert str(error.value) == (
        f"The model {part.name!r} has no layer 'head': it is made of parts of another model.\n"
        "Pass the model that vnn.build_model or vnn.load_model gave."
    )


def test_an_embedding_names_its_units(arch, make):
    model = make(arch, Embedding())
    before = embed(model, CELLS).var
    pd.testing.assert_frame_equal(before, embed(renamed(model), CELLS).var)
