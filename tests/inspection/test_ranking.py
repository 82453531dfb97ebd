"""`rank_nodes` against a float64 evaluation of the same network by name."""

import keras
import numpy as np
import pandas as pd
import pytest

from keras_vnn.basics.errors import ConfigError, DataError, GeneError, ModelError
from keras_vnn.data import Classes, Labels
from keras_vnn.inspection import IMPORTANCE_METHODS, rank_nodes
from keras_vnn.inspection._cells import Cells
from keras_vnn.inspection._record import from_layer, output_weights, record, score_gradients
from keras_vnn.models import Embedding, Regression, view

NODES = ["SET:repair", "SET:growth", "TF:A", "cycle", "stress"]


def message(error):
    return str(error.value)


@pytest.mark.parametrize("which", ["model", "linear"])
@pytest.mark.parametrize("batch_size", [7, 512])
def test_knockout_is_holding_the_node_at_its_mean(request, values, labels, by_name, which, batch_size):
    model = request.getfixturevalue(which)
    table = rank_nodes(model, values, labels, batch_size=batch_size, by="knockout")
    network = by_name(model)
    assert sorted(table.index) == sorted(NODES)
    for node in NODES:
        lost = network.knocked_out(values, node)
        # Both are differences of sums in float32.
        assert table.loc[node, "importance"] == pytest.approx(np.abs(lost).mean(), rel=1e-5, abs=1e-7)
        for output, name in enumerate(("T", "B", "NK")):
            expected = lost[labels == name, output].mean()
            assert table.loc[node, f"effect_{name}"] == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_a_node_is_knocked_out_as_if_it_were_deleted_and_its_mean_made_a_bias(linear, values, by_name):
    """Delete ``stress`` from the head: its mean times its weights moves into the biases."""
    network = by_name(linear)
    before = network(values)
    level = network.states["stress", 0].mean()
    head = view(linear).head
    kernel, bias = (np.array(weight) for weight in head.get_weights())
    row = 1 + 2 + 2  # TF:A, two dense units, cycle with two units; then stress
    cut = kernel.copy()
    cut[row] = 0
    try:
        head.set_weights([cut, bias + level * kernel[row]])
        lost = before - by_name(linear)(values)
    finally:
        head.set_weights([kernel, bias])
    lost -= lost.mean(axis=1, keepdims=True)
    assert rank_nodes(linear, values, by="knockout").loc["stress", "importance"] == pytest.approx(
        np.abs(lost).mean(), rel=1e-5
    )


def test_gradients_are_those_of_finite_differences(model, values):
    seen = view(model)
    cells = Cells(values, pd.DataFrame(index=range(len(values))))
    done = record(seen, cells, batch_size=64)
    for number in (1, 2):
        segment, inputs = from_layer(seen, done, number)
        kernel = output_weights(seen).kernel
        slopes = score_gradients(segment, inputs, kernel)
        assert slopes.shape == (3, 31, inputs[0].shape[1])
        step = 1e-2
        for unit in range(inputs[0].shape[1]):
            moved = []
            for sign in (1, -1):
                shifted = inputs[0].copy()
                shifted[:, unit] += sign * step
                features = keras.ops.convert_to_numpy(segment([shifted, *inputs[1:]])[0])
                moved.append(features.astype(float) @ kernel)
            expected = (moved[0] - moved[1]) / (2 * step)
            np.testing.assert_allclose(slopes[:, :, unit].T, expected, atol=2e-4)


def test_gradient_is_knockout_where_the_rest_is_linear(linear, values, labels):
    exact = rank_nodes(linear, values, labels, layers=[2], by="knockout")
    slope = rank_nodes(linear, values, labels, layers=[2], by="gradient")
    assert list(exact.index) == list(slope.index)
    numbers = ["importance", "effect_T", "effect_B", "effect_NK"]
    np.testing.assert_allclose(exact[numbers], slope[numbers], rtol=1e-4, atol=1e-6)


def test_gradient_is_knockout_for_small_distances(model, values):
    """Cells next to each other: the rest of the network is linear there."""
    close = values[:1] + 1e-2 * values
    exact = rank_nodes(model, close, by="knockout")
    slope = rank_nodes(model, close, by="gradient").loc[exact.index]
    np.testing.assert_allclose(exact["importance"], slope["importance"], rtol=0.05)


def test_the_columns_of_the_table(model, frame, labels):
    table = rank_nodes(model, frame, labels, by="knockout")
    assert list(table.columns) == [
        *("label", "kind", "layer", "genes", "importance", "rank"),
        *("effect_T", "effect_B", "effect_NK"),
    ]
    assert table.index.name == "id"
    assert table["importance"].is_monotonic_decreasing
    assert table["genes"].to_dict() == {"SET:repair": 2, "SET:growth": 2, "TF:A": 2, "cycle": 4, "stress": 2}
    assert table["layer"].to_dict() == {"SET:repair": 1, "SET:growth": 1, "TF:A": 1, "cycle": 2, "stress": 2}
    assert sorted(table.loc[table["layer"] == 1, "rank"]) == [1, 2, 3]
    assert sorted(table.loc[table["layer"] == 2, "rank"]) == [1, 2]


def test_named_data_are_aligned_by_name(model, frame, values, labels):
    by_name = rank_nodes(model, frame, labels, by="knockout")
    pd.testing.assert_frame_equal(by_name, rank_nodes(model, values, labels, by="knockout"))


def test_named_labels_are_aligned_by_name(model, frame, labels):
    shuffled = pd.Series(labels, index=frame.index).sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(
        rank_nodes(model, frame, shuffled, by="knockout"), rank_nodes(model, frame, labels, by="knockout")
    )


def test_a_column_of_the_cells_names_the_labels(model, frame, labels):
    import anndata

    adata = anndata.AnnData(frame.drop(columns="other"), obs=pd.DataFrame({"type": labels}, index=frame.index))
    pd.testing.assert_frame_equal(
        rank_nodes(model, adata, "type", by="knockout"), rank_nodes(model, frame, labels, by="knockout")
    )


def test_labels_with_cells_left_out(model, frame, labels):
    kept = np.arange(31) % 5 > 0
    known = Classes(("T", "B", "NK"))
    some = Labels("type", known, known.encode(labels[kept]), np.flatnonzero(kept), int((~kept).sum()))
    pd.testing.assert_frame_equal(
        rank_nodes(model, frame, some, by="knockout"), rank_nodes(model, frame[kept], labels[kept], by="knockout")
    )


def test_without_labels_the_predictions_decide_the_signs_only(model, values, labels):
    from keras_vnn.inspection import predicted_classes

    own = rank_nodes(model, values, by="knockout")
    pd.testing.assert_frame_equal(own, rank_nodes(model, values, predicted_classes(model, values), by="knockout"))
    np.testing.assert_array_equal(own["importance"], rank_nodes(model, values, labels, by="knockout")["importance"])


def test_the_same_call_gives_the_same_table(model, values, labels):
    for method in IMPORTANCE_METHODS:
        first = rank_nodes(model, values, labels, by=method, layers=[2])
        pd.testing.assert_frame_equal(first, rank_nodes(model, values, labels, by=method, layers=[2]))


def test_a_class_without_cells_is_not_a_number(model, values):
    table = rank_nodes(model, values, ["T", "B"] * 15 + ["T"], by="knockout")
    assert table["effect_NK"].isna().all()
    assert table[["importance", "effect_T", "effect_B"]].notna().all(axis=None)


def test_one_cell_and_one_class(model, values):
    table = rank_nodes(model, values[:1], ["T"], by="knockout")
    assert (table["importance"] < 1e-6).all()


def test_top_and_layers(model, values):
    assert list(rank_nodes(model, values, top=2, by="knockout").index) == list(
        rank_nodes(model, values, by="knockout").index[:2]
    )
    assert set(rank_nodes(model, values, layers=[2], by="knockout")["layer"]) == {2}


def test_regression(arch, make, values, by_name):
    model = make(arch, Regression(("growth rate",)), tail=(4,))
    target = values[:, 0] * 2 + 1
    table = rank_nodes(model, values, target, by="knockout")
    network = by_name(model)
    before = network(values)
    states = dict(network.states)
    for node in NODES:
        means = {key: float(np.mean(state)) for key, state in states.items() if key[0] == node}
        lost = before - network(values, means)
        assert table.loc[node, "importance"] == pytest.approx(np.abs(lost).mean(), rel=1e-4)
        z = (target - target.mean()) / target.std()
        assert table.loc[node, "effect_growth rate"] == pytest.approx((lost[:, 0] * z).mean(), rel=1e-3, abs=1e-5)


def test_errors_say_what_is_wrong(arch, make, model, frame, values, labels):
    with pytest.raises(ConfigError) as error:
        rank_nodes(model, values, by="knokout")
    assert message(error) == (
        "by must be one of label, genes, higher_in, d, evidence, q, learned, learned_q, beyond_the_mean, use, similar, "
        f"kind, layer, higher_with, r, {', '.join(IMPORTANCE_METHODS)}; got 'knokout'. "
        "Did you mean knockout or knockout-zero?"
    )
    with pytest.raises(ConfigError) as error:
        rank_nodes(model, values, top=0, by="knockout")
    assert message(error) == "top must be at least 1, got 0."
    with pytest.raises(ConfigError) as error:
        rank_nodes(model, values, batch_size=0, by="knockout")
    assert message(error) == "batch_size must be at least 1, got 0."
    with pytest.raises(ModelError) as error:
        rank_nodes(model, values, layers=[3], by="knockout")
    assert message(error) == "There is no hidden layer 3: they are numbered 1 to 2."
    with pytest.raises(DataError) as error:
        rank_nodes(model, values, labels[:-1], by="knockout")
    assert message(error) == "Got 30 labels for 31 cells.\nPass one label per cell, in the order of the data."
    with pytest.raises(DataError) as error:
        rank_nodes(model, values, ["T", "b"] * 15 + ["T"], by="knockout")
    assert message(error) == (
        "15 of 31 labels are not a class of the model: b.\nThe classes are: T, B, NK.\nDid you mean B?"
    )
    with pytest.raises(GeneError, match="1 of 5 input genes of the model are missing from the data: B"):
        rank_nodes(model, frame.drop(columns="B"), labels, by="knockout")
    with pytest.raises(DataError) as error:
        rank_nodes(model, frame, "type", by="knockout")
    assert message(error) == (
        "The label 'type' names a column of data.obs, but the data are a DataFrame.\n"
        "Pass the labels themselves, one per cell."
    )
    with pytest.raises(DataError) as error:
        rank_nodes(model, values[:, :4], by="knockout")
    assert message(error) == (
        "Expected an AnnData, a DataFrame or an aligned array of shape (cells, 5), got ndarray of shape (31, 4).\n"
        "Align named data: vnn.pp.align(data, arch, normalization=…)"
    )
    with pytest.raises(DataError) as error:
        rank_nodes(model, np.where(values > 2, np.nan, values), by="knockout")
    count = int((values > 2).sum())
    assert message(error) == f"{count} of 155 values are not finite numbers.\nDrop these cells or genes."
    with pytest.raises(ModelError) as error:
        rank_nodes(make(arch, Embedding(), tail=(2,)), values, by="knockout")
    assert message(error) == (
        "The model is an embedding: it has no outputs whose change could rank its nodes.\n"
        "Look at single nodes (vnn inspect MODEL NODE), score it (vnn evaluate clustering MODEL DATA --label COLUMN), "
        "or build one that predicts: vnn.build_model(arch, outputs=vnn.pp.classes(labels))"
    )


def test_a_model_whose_training_diverged(arch, make, values):
    model = make(arch, 2)
    layer = view(model).sparse_layer(1)
    layer.kernel.assign(np.full(layer.kernel.shape, np.nan))
    with pytest.raises(ModelError) as error:
        rank_nodes(model, values, by="knockout")
    assert message(error) == (
        "The units of the model are not finite numbers: its training has diverged.\n"
        'Train again with a lower learning rate, or normalise the data: normalization="zscore".'
    )


def test_missing_genes_can_be_filled(model, frame, labels):
    without = frame.drop(columns="B")
    filled = frame.assign(B=0.0)
    pd.testing.assert_frame_equal(
        rank_nodes(model, without, labels, missing="zero", by="knockout"),
        rank_nodes(model, filled, labels, by="knockout"),
    )


def test_ranking_leaves_the_model_as_it_is(arch, make, values, labels, tmp_path):
    import json

    model = make(arch, 3, tail=(4,))
    before = model.to_json(), [np.array(weight) for weight in model.weights]
    rank_nodes(model, values, by="knockout")
    rank_nodes(model, values, by="gradient")
    assert json.loads(model.to_json()) == json.loads(before[0])
    for weight, old in zip(model.weights, before[1], strict=True):
        np.testing.assert_array_equal(np.array(weight), old)
