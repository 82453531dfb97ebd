"""The methods of importance, by numbers worked by hand on a five-gene network and by independent ways to get them.

The network by hand: genes A to E; ``p = tanh(A + B)``, ``q = tanh(C + D − E)``, ``r = tanh(ln 3 · p + ½ ln 3 · q)``;
the output is r. As tanh(ln 2) = 3/5, tanh(ln 3) = 4/5 and tanh(½ ln 3) = 1/2, a cell with A + B = ln 2 and C + D − E =
ln 3 has p = 0.6, q = 0.8, and r = tanh(0.6 ln 3 + 0.4 ln 3) = tanh(ln 3) = 0.8.
"""

import math

import keras
import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import ConfigError, DataError, VNNWarning
from keras_vnn.data import Classes
from keras_vnn.inspection import IMPORTANCE_METHODS, predict, rank_nodes, rlipp
from keras_vnn.inspection._cells import Cells
from keras_vnn.inspection._methods import LayerView, Network
from keras_vnn.inspection._record import Segment, from_layer, hidden_tensor, output_weights, record
from keras_vnn.inspection._rlipp import ALPHAS, improvements, rank_correlations, ridge_predictions
from keras_vnn.inspection._spread import plain_sums
from keras_vnn.layers import SparselyConnected
from keras_vnn.models import Regression, build_model, edge_weights, set_edge_weights, view

LN2, LN3 = math.log(2), math.log(3)
CELL = np.array([[LN2 / 2, LN2 / 2, LN3, LN2, LN2]], np.float32)
NODES = ["SET:repair", "SET:growth", "TF:A", "cycle", "stress"]


def layer_view(model, data, number, room=1.0):
    """Return a network that has run on data, opened at a layer."""
    seen = view(model)
    arrays = data if isinstance(data, list) else [data]
    cells = Cells(arrays[0], pd.DataFrame(index=range(len(arrays[0]))), tuple(arrays[1:]))
    done = record(seen, cells, batch_size=64)
    means = {layer: np.asarray(units.mean(axis=0), np.float32) for layer, units in done.units.items()}
    return LayerView(Network(seen, means, 64, room), done, number)


def contributions(model, data, method, number, room=1.0):
    """Return the ``(nodes, outputs, cells)`` contributions of a layer."""
    view = layer_view(model, data, number, room)
    found = np.full((len(view.starts), view.kernel.shape[1], len(view.done.features)), np.nan)
    for place, nodes, values in IMPORTANCE_METHODS[method].contributions(view):
        found[nodes, :, place] = values
    return found


def test_the_network_by_hand(by_hand):
    assert predict(by_hand, CELL).to_numpy() == pytest.approx(0.8, abs=1e-6)


@pytest.mark.parametrize(
    ("method", "p", "q"),
    [
        # Without p, r = tanh(0.4 ln 3) = (3^0.8 − 1) / (3^0.8 + 1); without q, tanh(0.6 ln 3).
        ("knockout-zero", 0.8 - (3**0.8 - 1) / (3**0.8 + 1), 0.8 - (3**1.2 - 1) / (3**1.2 + 1)),
        # The slope of tanh at 0.8 is 1 − 0.64 = 0.36.
        ("gradient-zero", 0.6 * 0.36 * LN3, 0.8 * 0.36 * LN3 / 2),
        ("epsilon", 0.36 * LN3, 0.36 * LN3 / 2),
        # On the way from 0 the sum into r grows evenly, 0.6 of it from p: 0.6 and 0.4 of 0.8.
        ("integrated-gradients-zero", 0.48, 0.32),
    ],
)
def test_importance_by_hand(by_hand, method, p, q):
    table = rank_nodes(by_hand, CELL, [1.0], by=method)
    assert table.loc["p", "importance"] == pytest.approx(p, rel=1e-5)
    assert table.loc["q", "importance"] == pytest.approx(q, rel=1e-5)
    assert contributions(by_hand, CELL, method, 1)[:, 0, 0] == pytest.approx([p, q], rel=1e-5)


def test_a_node_held_at_its_mean_by_hand(by_hand):
    """A second cell with A = B = 0 has p = 0 and r = tanh(0.4 ln 3): the mean of p is 0.3."""
    cells = np.concatenate([CELL, CELL * [[0, 0, 1, 1, 1]]]).astype(np.float32)
    at_mean = np.tanh(0.3 * LN3 + 0.4 * LN3)
    lost = contributions(by_hand, cells, "knockout", 1)[0, 0]
    assert lost == pytest.approx([0.8 - at_mean, np.tanh(0.4 * LN3) - at_mean], rel=1e-5)


def test_genes_by_hand(by_hand):
    """``E`` at zero: q = tanh(ln 6) = 35/37. Integrated gradients of A and B are equal."""
    lost = contributions(by_hand, CELL, "knockout-zero", 0)[:, 0, 0]
    assert lost[4] == pytest.approx(0.8 - np.tanh(0.6 * LN3 + 35 / 37 * LN3 / 2), rel=1e-5)
    parts = contributions(by_hand, CELL, "integrated-gradients-zero", 0)[:, 0, 0]
    assert parts[0] == pytest.approx(parts[1], rel=1e-5) and parts.sum() == pytest.approx(0.8, rel=1e-5)


def test_node_weights_of_classes_are_those_of_the_prediction_over_all_cells(by_hand):
    """KPNN's node weight is the mean over all cells, whatever their class, and keeps its sign."""
    cells = np.concatenate([CELL, -CELL, 0 * CELL]).astype(np.float32)
    table = rank_nodes(by_hand, cells, [0.0, 1.0, 2.0], by="epsilon")
    expected = (0.36 + 0.36 + 1) / 3 * LN3
    assert table.loc["p", "effect_y"] == pytest.approx(expected, rel=1e-5)
    assert table.loc["p", "importance"] == pytest.approx(expected, rel=1e-5)


# ---- RLIPP -----------------------------------------------------------------------------------------------------


def test_rlipp_by_hand(five_genes):
    """Five cells; p and q are orthogonal, so a ridge on both weighs them by (9, −3) over their squares and the penalty.

    For every penalty it ranks the cells 1 2 3 4 5, the target 1 2 3 5 4: ρ = 1 − 6 · 2 / (5 · 24) = 0.9. The units of r
    rank as the target does: ρ = 1.
    """
    p, q = np.array([-2.0, -1, 0, 1, 2]), np.array([2.0, -1, -2, -1, 2])
    target = np.array([[1.0], [2], [3], [5], [4]])
    r = np.array([0.1, 0.2, 0.4, 0.9, 0.5])
    genes = np.column_stack([p, p, q, q, q])
    units = {0: genes, 1: np.column_stack([p, q]), 2: r[:, None]}
    found = improvements(five_genes, units, target, [1, 2], folds=0)
    assert found[2].node == pytest.approx(1) and found[2].children == pytest.approx(0.9)
    assert found[2].difference == pytest.approx(0.1) and found[2].ratio == pytest.approx(1 / 0.9)
    # A node without child nodes is compared with its genes: p is one of its own, and no better.
    assert found[1].difference == pytest.approx(0) and found[1].ratio[0] == pytest.approx(1)
    # Reduced to one principal component, the children are q, whose squares are larger: its ridge has slope −3.
    (reduced,) = improvements(five_genes, units, target, [2], folds=0, reduce_children=True).values()
    from scipy.stats import spearmanr

    assert reduced.children == pytest.approx(spearmanr(-q, target[:, 0]).statistic)


def test_rlipp_out_of_fold_against_scikit_learn(five_genes):
    from scipy.stats import spearmanr
    from sklearn.linear_model import RidgeCV

    random = np.random.default_rng(0)
    units = {0: random.normal(size=(60, 5)), 1: random.normal(size=(60, 2)), 2: random.normal(size=(60, 1))}
    targets = units[1] @ [[1.0, 0.1], [-0.5, 1]] + random.normal(size=(60, 2))
    (found,) = improvements(five_genes, units, targets, [2], folds=4, seed=3).values()
    fold = np.random.default_rng(3).permutation(60) % 4
    for features, rho in ((units[2], found.node), (units[1], found.children)):
        parts = []
        for number in range(4):
            train, test = fold != number, fold == number
            ridge = RidgeCV(alphas=ALPHAS, alpha_per_target=True).fit(features[train], targets[train])
            predicted = ridge.predict(features[test])
            parts.append([spearmanr(predicted[:, i], targets[test, i]).statistic for i in range(2)])
        np.testing.assert_allclose(rho[0], np.mean(parts, axis=0), atol=1e-12)


@pytest.mark.parametrize("shape", [(40, 3), (12, 30), (20, 1)])
def test_ridge_is_that_of_scikit_learn(shape):
    from sklearn.linear_model import RidgeCV

    random = np.random.default_rng(1)
    train, test = random.normal(size=shape), random.normal(size=(7, shape[1]))
    targets = train[:, :1] * [1, -2] + random.normal(size=(shape[0], 2))
    expected = RidgeCV(alphas=ALPHAS, alpha_per_target=True).fit(train, targets).predict(test)
    np.testing.assert_allclose(ridge_predictions(train, targets, test), expected, atol=1e-8)


def test_what_does_not_vary_predicts_nothing(five_genes):
    assert rank_correlations(np.ones((4, 1)), np.arange(4.0)[:, None]).tolist() == [0]
    units = {0: np.zeros((9, 5)), 1: np.zeros((9, 2)), 2: np.zeros((9, 1))}
    (found,) = improvements(five_genes, units, np.arange(9.0)[:, None], [2], folds=3).values()
    assert found.difference.tolist() == [[0]] and np.isnan(found.ratio).all()
    with pytest.raises(ConfigError) as error:
        improvements(five_genes, units, np.arange(9.0)[:, None], [2], folds=4)
    assert str(error.value) == (
        "RLIPP needs at least 2 folds of at least 3 cells, or 0 folds, to score the cells it was fitted to; "
        "got 4 folds of 9 cells."
    )


def test_a_node_that_reads_nothing_predicts_nothing(five_genes):
    reads = {pair: matrix.toarray() for pair, matrix in five_genes.connections.items()}
    reads[0, 1][:, 1] = 0
    arch = Architecture(five_genes.layers, reads)
    with pytest.warns(VNNWarning, match="have no input"):
        model = build_model(arch, Regression(("y",)), seed=0)
    cells = np.random.default_rng(0).normal(size=(20, 5)).astype("float32")
    for reduce_children in (False, True):
        table = rlipp(model, cells, cells[:, 0], reduce_children=reduce_children)
        assert table.loc["q", ["rho", "rho_children", "difference"]].tolist() == [0, 0, 0]
    assert rank_nodes(model, cells, by="rlipp").loc["q", "importance"] == 0


def test_rlipp_of_a_model(model, values, labels):
    """Against labels where there are any, else against what the model predicts."""
    table = rank_nodes(model, values, labels, by="rlipp")
    effects = table[["effect_T", "effect_B", "effect_NK"]]
    np.testing.assert_allclose(table["importance"], effects.mean(axis=1))
    assert not np.allclose(table["importance"], rank_nodes(model, values, by="rlipp")["importance"][table.index])


def test_rlipp_by_name_holds_what_the_ranking_holds(model, values, labels):
    table = rlipp(model, values, labels)
    ranking = rank_nodes(model, values, labels, by="rlipp")
    for name in ("T", "B", "NK"):
        part = table[table["output"] == name]
        np.testing.assert_allclose(part["difference"], ranking.loc[part.index, f"effect_{name}"])
        assert (part["difference"].diff().dropna() <= 0).all()
    np.testing.assert_allclose(table["difference"], table["rho"] - table["rho_children"])
    known = table["rho_children"] > 0
    np.testing.assert_allclose(table["ratio"][known], (table["rho"] / table["rho_children"])[known])
    assert table["ratio"][~known].isna().all()


def test_rlipp_as_the_released_code_scores_it(model, values, labels):
    """On the model's own scores, of the cells it was fitted to: the labels do not matter, and ρ is higher."""
    options = {"target": "predictions", "folds": 0, "reduce_children": True}
    table = rlipp(model, values, labels, **options)
    pd.testing.assert_frame_equal(table, rlipp(model, values, **options))
    assert table["rho"].mean() > rlipp(model, values, target="predictions").loc[table.index, "rho"].mean()


def test_what_is_said_of_a_wrong_target(model, values):
    with pytest.raises(ConfigError) as error:
        rlipp(model, values, target="label")
    assert str(error.value) == "target must be one of labels, predictions; got 'label'. Did you mean labels?"
    with pytest.raises(DataError) as missing:
        rlipp(model, values)
    assert str(missing.value) == (
        'There are no labels to predict.\nPass labels, or take the model\'s scores: target="predictions"'
    )


# ---- on networks with everything a network may have -----------------------------------------------------------


def kinds():
    three, number = Classes(("T", "B", "NK")), Regression()
    return {
        "tail": (three, {"tail": (4, 3)}),
        "head": (three, {}),
        "normalised-before": (three, {"batch_normalization": "before", "tail": (4,), "activation": "sigmoid"}),
        "dcell": (number, {"preset": "dcell-code", "initial_scale": 1}),
        "drugcell": (
            number,
            {"preset": "drugcell", "side_features": 7, "side_layers": (4, 3), "tail": (2,), "initial_scale": 1},
        ),
        "nest": (number, {"preset": "nest", "initial_scale": 2}),
        "pnet": (Classes(("T", "B")), {"preset": "pnet", "level_weights": (1, 1, 1)}),
        "kpnn": (Classes(("T", "B")), {"preset": "kpnn"}),
        "yes-or-no": (number, {"loss": "binary_crossentropy", "tail": (3,)}),
    }


@pytest.fixture(scope="module", params=list(kinds()))
def any_model(request, arch, make):
    outputs, options = kinds()[request.param]
    model = make(arch, outputs, **options)
    random = np.random.default_rng(2)
    for layer in model.layers:
        if "batch_normalization" in layer.name:
            layer.moving_mean.assign(random.normal(size=layer.moving_mean.shape))
            layer.moving_variance.assign(random.uniform(0.5, 2, size=layer.moving_variance.shape))
            layer.gamma.assign(random.uniform(0.5, 2, size=layer.gamma.shape))
    arrays = [random.normal(size=(23, *tensor.shape[1:])).astype(np.float32) for tensor in model.inputs]
    return model, arrays if len(arrays) > 1 else arrays[0]


def scores_of(model, data):
    seen = view(model)
    predictions = predict(model, data).to_numpy(np.float64)
    if "loss" in seen.card.metadata["options"] and seen.head.activation.__name__ == "sigmoid":
        return np.log(predictions / (1 - predictions))
    if not isinstance(seen.outputs, Classes):
        return predictions
    logits = predictions if seen.card.metadata["options"]["level_heads"] else np.log(predictions)
    return logits - logits.mean(axis=1, keepdims=True)


def without(model, node, data):
    """Return the scores with all weights out of a node set to zero: as if it were deleted."""
    table = edge_weights(model, dense=True)
    is_own = (table["source"] == node) & (table["parameter"] == "kernel")
    deleted = table.assign(weight=table["weight"].mask(is_own, 0))
    try:
        set_edge_weights(model, deleted)
        return scores_of(model, data)
    finally:
        set_edge_weights(model, table)


def test_knockout_is_deleting_the_node(any_model):
    """A node held at zero does what its deletion does; its outgoing weights are set to zero, the model predicts."""
    model, data = any_model
    before = scores_of(model, data)
    for number, nodes in ((1, NODES[:3]), (2, NODES[3:])):
        lost = contributions(model, data, "knockout-zero", number)
        for place, node in enumerate(nodes):
            expected = before - without(model, node, data)
            assert np.abs(expected).max() > 10 * 3e-5
            np.testing.assert_allclose(lost[place].T, expected, atol=3e-5)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_following_changes_where_they_go_is_the_plain_ablation(any_model, number):
    view = layer_view(*any_model, number)
    network, units = view.network.forward, view.network.model_view.architecture.layers[number].units
    (cells,) = view.batches(1, 64)
    ways = view.network.spread(number).follow(
        view.done, cells, lambda before, own: view.means[own][:, None] - before, precision=np.float64
    )
    for nodes, before, (after,) in ways:
        for node, change in zip(nodes, after - before, strict=True):
            own = np.arange(view.starts[node], view.starts[node] + units[node])
            held = {number: (own, view.means[own])}
            expected = plain_sums(network, view.done, held) - plain_sums(network, view.done, {})
            np.testing.assert_allclose(change, expected, atol=2e-6 * max(1, np.abs(expected).max()))


def test_a_gene_is_knocked_out_of_everything_that_reads_it(any_model):
    """Dense units next to the nodes read it too."""
    model, data = any_model
    before = scores_of(model, data)
    lost = contributions(model, data, "knockout-zero", 0)
    arrays = data if isinstance(data, list) else [data]
    for place in range(5):
        if arrays[0].ndim == 2:
            held = arrays[0].copy()
            held[:, place] = 0
            after = scores_of(model, [held, *arrays[1:]] if isinstance(data, list) else held)
        else:
            # Several numbers a gene become one activity, and that is what is held.
            genes = view(model).state_layer(0).output
            state = np.array(keras.ops.convert_to_numpy(keras.Model(model.inputs, genes)(arrays)))
            state[:, place] = 0
            rest = keras.Model([genes, *model.inputs[1:]], model.outputs[0])
            after = keras.ops.convert_to_numpy(rest([state, *arrays[1:]]))
            if isinstance(view(model).outputs, Classes):
                after = after - after.mean(axis=1, keepdims=True)
        np.testing.assert_allclose(lost[place].T, before - after, atol=3e-5)


def test_epsilon_is_the_slope_of_the_prediction(any_model):
    """Against slopes by finite differences of the recorded network from its middle on, with a larger step."""
    model, data = any_model
    seen = view(model)
    arrays = data if isinstance(data, list) else [data]
    done = record(seen, Cells(arrays[0], pd.DataFrame(index=range(23)), tuple(arrays[1:])), batch_size=64)
    for number in (1, 2):
        found = contributions(model, data, "epsilon", number)
        start = [hidden_tensor(seen, layer) for layer in range(number + 1)]
        values = [done.units[layer] for layer in range(number + 1)]
        start += [seen.dense_layer(layer).output for layer in done.dense] + list(model.inputs[1:])
        values += [*done.dense.values(), *done.side]
        segment = Segment(start, model.outputs)
        counts = seen.architecture.layers[number].units
        first = np.cumsum(counts) - counts
        for node in range(len(counts)):
            moved = []
            for sign in (1, -1):
                shifted = values[number].copy()
                shifted[:, first[node] : first[node] + counts[node]] += sign * 0.02
                given = [*values[:number], shifted, *values[number + 1 :]]
                moved.append(keras.ops.convert_to_numpy(segment(given)[0]).astype(np.float64))
            np.testing.assert_allclose(found[node].T, (moved[0] - moved[1]) / 0.04, atol=1e-3)


@pytest.mark.parametrize("method", ["integrated-gradients", "integrated-gradients-zero"])
def test_integrated_gradients_add_up(any_model, method):
    """Over the nodes of a layer they sum to the scores, less those with the whole layer at its mean or at zero."""
    model, data = any_model
    seen = view(model)
    arrays = data if isinstance(data, list) else [data]
    done = record(seen, Cells(arrays[0], pd.DataFrame(index=range(23)), tuple(arrays[1:])), batch_size=64)
    weights = output_weights(seen)
    for number in (0, 1, 2):
        segment, values = from_layer(seen, done, number)
        level = values[0].mean(axis=0) if method == "integrated-gradients" else np.zeros(values[0].shape[1], np.float32)
        there = weights.scores(
            keras.ops.convert_to_numpy(segment([np.broadcast_to(level, values[0].shape), *values[1:]])[0])
        )
        total = contributions(model, data, method, number).sum(axis=0).T
        np.testing.assert_allclose(total, weights.scores(done.features) - there, atol=1e-4)


@pytest.mark.parametrize("method", ["conductance", "conductance-zero"])
def test_conductance_adds_up(any_model, method):
    """Of the genes it is their integrated gradients; what no connection goes past carries the whole difference."""
    model, data = any_model
    genes = contributions(model, data, method, 0)
    of_genes = contributions(model, data, method.replace("conductance", "integrated-gradients"), 0)
    np.testing.assert_allclose(genes, of_genes, atol=1e-4)


@pytest.mark.parametrize("method", ["integrated-gradients", "conductance"])
def test_a_way_of_twenty_points_is_one_call(five_genes, by_hand, method, monkeypatch):
    """In a network of sixty layers, calls are what takes the time."""
    calls, call = [], SparselyConnected.call
    monkeypatch.setattr(SparselyConnected, "call", lambda layer, inputs: (calls.append(layer), call(layer, inputs))[1])
    rank_nodes(by_hand, CELL, by=method, layers=[1])
    assert len(calls) == 3, "both layers as they are, and the second on all points"


def test_conductance_of_every_layer_adds_up_where_no_connection_passes_it_by(by_hand):
    cells = np.random.default_rng(0).normal(size=(17, 5)).astype(np.float32)
    start = predict(by_hand, np.broadcast_to(cells.mean(axis=0), cells.shape)).to_numpy()
    difference = (predict(by_hand, cells).to_numpy() - start)[:, 0]
    for number in (0, 1, 2):
        total = contributions(by_hand, cells, "conductance", number).sum(axis=(0, 1))
        np.testing.assert_allclose(total, difference, atol=1e-5)


@pytest.mark.parametrize(("method", "number"), [("knockout", 0), ("knockout", 1), ("epsilon", 2), ("conductance", 1)])
def test_small_groups_and_batches_change_nothing(model, values, method, number):
    whole = contributions(model, values, method, number)
    np.testing.assert_allclose(contributions(model, values, method, number, room=5e-6), whole, atol=1e-5)
