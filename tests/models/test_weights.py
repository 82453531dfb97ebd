"""Weights go out and come in by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import ModelError
from keras_vnn.models import build_model, edge_weights, set_edge_weights, view


def test_every_weight_stands_once_in_the_table(layered: Architecture) -> None:
    model = build_model(layered, 3, tail=(2,), seed=0)
    table = edge_weights(model, dense=True)
    assert len(table) == model.count_params()
    assert not table.duplicated(["block", "parameter", "source", "source_unit", "target", "target_unit"]).any()


def test_a_weight_has_the_names_of_what_it_joins(layered: Architecture) -> None:
    model = build_model(layered, 2, seed=0)
    layer = view(model).sparse_layer(2)
    layer.kernel.assign(np.arange(layer.connections.count, dtype="float32"))
    matrix = layer.kernel_matrix().toarray()
    table = edge_weights(model).set_index(["source", "source_unit", "target", "target_unit"])["weight"]
    assert table["D", 0, "ROOT", 1] == matrix[3, 1], "gene D is input 3"
    assert table["T2", 1, "ROOT", 2] == matrix[4 + 3, 2], "T2's second unit is the fourth after four genes"
    assert ("A", 0, "ROOT", 0) not in table.index


def test_heads_read_named_nodes(flat: Architecture) -> None:
    model = build_model(flat, 2, seed=0)
    table = edge_weights(model, dense=True)
    head = table[(table["block"] == "head") & table["source"].notna()]
    assert list(head["source"].unique()) == ["PPI:ATM", "PPI:CHEK2", "PPI:MDM2", "layer_1_dense"]
    kernel = view(model).head.kernel.numpy()
    row = head[(head["source"] == "PPI:CHEK2") & (head["target"] == "1")]
    assert row["weight"].item() == kernel[1, 1]


def test_writing_back_in_any_order_restores_the_model(layered: Architecture) -> None:
    model, other = (build_model(layered, 3, tail=(2,), seed=seed) for seed in (0, 1))
    table = edge_weights(model, dense=True).sample(frac=1, random_state=0)
    assert set_edge_weights(other, table) == len(table)
    for ours, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_names_alone_suffice_where_nodes_have_one_unit(flat: Architecture) -> None:
    model = build_model(flat, 2, seed=0)
    table = pd.DataFrame({"source": ["ATM", "CHEK2"], "target": ["PPI:ATM", "PPI:MDM2"], "weight": [7.0, -7.0]})
    assert set_edge_weights(model, table, partial=True) == 2
    matrix = view(model).sparse_layer(1).kernel_matrix().toarray()
    assert matrix[0, 0] == 7
    assert matrix[2, 2] == -7


def test_names_alone_do_not_suffice_where_nodes_have_several_units(layered: Architecture) -> None:
    model = build_model(layered, 2, seed=0)
    table = pd.DataFrame({"source": ["A"], "target": ["T1"], "weight": [1.0]})
    with pytest.raises(ModelError) as error:
        set_edge_weights(model, table, partial=True)
    assert str(error.value) == (
        "The columns source, target do not tell the weights apart; "
        "give all of block, parameter, source, source_unit, target, target_unit."
    )


def test_wrong_tables_are_explained(flat: Architecture) -> None:
    model = build_model(flat, 2, seed=0)
    table = edge_weights(model)

    def message(wrong: pd.DataFrame) -> str:
        with pytest.raises(ModelError) as error:
            set_edge_weights(model, wrong)
        return str(error.value)

    assert message(table.drop(columns="weight")) == (
        "The table needs columns source, target and weight; "
        "it has block, parameter, source, source_unit, target, target_unit."
    )
    assert message(table.assign(weight=np.nan)) == "9 of 9 weights are not finite numbers."
    assert message(table.iloc[1:]).startswith("1 weight of layer_1 is not in the table.")
    assert message(pd.concat([table, table.iloc[:1]])).startswith(
        "1 weight is given twice: layer_1 kernel ATM 0 PPI:ATM 0."
    )
    assert message(table.assign(source=table["source"].replace("ATM", "ATR"))).startswith(
        "2 of 9 rows name no weight of the model: layer_1 kernel ATR 0 PPI:ATM 0, layer_1 kernel ATR 0 PPI:CHEK2 0."
    )
