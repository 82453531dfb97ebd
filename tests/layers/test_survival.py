"""The Cox partial likelihood against numbers worked by hand, the definition row by row, and lifelines."""

import keras
import numpy as np
import pytest

from keras_vnn.data import survival_metrics
from keras_vnn.layers import ConcordanceIndex, CoxPartialLikelihood

LN = np.log


def loss_of(followed, hazards):
    return float(CoxPartialLikelihood()(np.asarray(followed, "float32"), np.asarray(hazards, "float32")))


def by_definition(followed, hazards):
    """Minus the log partial likelihood per event, the tied events of a time together (Efron 1977)."""
    times, events = np.asarray(followed, float).T
    total = 0.0
    for time in np.unique(times[events > 0]):
        tied = np.flatnonzero((times == time) & (events > 0))
        risk, theirs = np.exp(hazards[times >= time]).sum(), np.exp(hazards[tied]).sum()
        total += hazards[tied].sum()
        total -= sum(LN(risk - place / len(tied) * theirs) for place in range(len(tied)))
    return -total / events.sum()


def followed_cells(count, seed, times=8):
    random = np.random.default_rng(seed)
    values = np.column_stack([random.integers(1, times, count), random.random(count) < 0.6])
    return values.astype("float32"), random.normal(size=count).astype("float32")


def test_ties_worked_by_hand():
    # Relative hazards 1, 2, 3, 4. Two events at time 1 among 10; of the second, half of the tied 3 is gone. The last
    # event has nobody else at risk.
    followed = [[1, 1], [1, 1], [2, 0], [3, 1]]
    expected = (LN(10) + LN(8.5) + LN(4) - LN(1) - LN(2) - LN(4)) / 3
    assert loss_of(followed, LN([[1], [2], [3], [4]])) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_definition_whatever_the_order_of_rows(seed):
    followed, hazards = followed_cells(50, seed)
    assert loss_of(followed, hazards[:, None]) == pytest.approx(by_definition(followed, hazards), rel=1e-5)
    order = np.random.default_rng(9).permutation(50)
    assert loss_of(followed[order], hazards[order, None]) == pytest.approx(by_definition(followed, hazards), rel=1e-5)


def test_every_head_is_scored_by_itself():
    followed, first = followed_cells(30, 1)
    second = 2 * first[::-1]
    both = loss_of(np.repeat(followed[:, None], 2, axis=1), np.stack([first, second], axis=1)[:, :, None])
    assert both == pytest.approx((by_definition(followed, first) + by_definition(followed, second)) / 2, rel=1e-5)


def test_the_gradient_is_that_of_the_definition():
    followed, hazards = followed_cells(20, 2)
    inputs = keras.Input((20,))
    layer = keras.layers.Dense(1, use_bias=False)
    model = keras.Model(inputs, layer(inputs))
    layer.set_weights([hazards[:, None]])
    # One cell per weight: a step of plain descent at rate 1 moves each by minus its gradient.
    model.compile(keras.optimizers.SGD(1.0), loss=CoxPartialLikelihood())
    model.fit(np.eye(20, dtype="float32"), followed, batch_size=20, epochs=1, verbose=0)
    gradient = hazards - layer.get_weights()[0][:, 0]
    wide, step = hazards.astype(float), 1e-5
    numeric = [
        (by_definition(followed, wide + step * one) - by_definition(followed, wide - step * one)) / (2 * step)
        for one in np.eye(20)
    ]
    np.testing.assert_allclose(gradient, numeric, atol=1e-5)


def test_a_batch_without_events_and_far_hazards_are_finite():
    assert loss_of([[1, 0], [2, 0]], [[0.3], [5.0]]) == 0
    assert np.isfinite(loss_of([[1, 1], [2, 1], [3, 1]], [[500.0], [0.0], [-500.0]]))


@pytest.mark.parametrize("name", ["rossi", "lung"])
def test_it_is_the_log_likelihood_of_lifelines(name):
    pytest.importorskip("lifelines")
    from lifelines import CoxPHFitter, datasets

    time, event = {"rossi": ("week", "arrest"), "lung": ("time", "status")}[name]
    table = getattr(datasets, f"load_{name}")().select_dtypes("number").dropna().astype(float)
    fitted = CoxPHFitter().fit(table, time, event)
    risks = (table[fitted.params_.index] - table[fitted.params_.index].mean()).to_numpy() @ fitted.params_.to_numpy()
    followed = table[[time, event]].to_numpy("float32")
    loss = loss_of(followed, risks[:, None])
    assert -loss * followed[:, 1].sum() == pytest.approx(fitted.log_likelihood_, rel=1e-6)
    assert survival_metrics(followed, risks).c_index == pytest.approx(fitted.concordance_index_, abs=1e-12)


def test_the_index_of_one_batch_is_that_of_all_cells():
    followed, risks = followed_cells(60, 3)
    risks = risks.round(1)
    metric = ConcordanceIndex()
    metric.update_state(followed, risks[:, None])
    assert float(metric.result()) == pytest.approx(survival_metrics(followed, risks).c_index, rel=1e-6)
    metric.reset_state()
    assert float(metric.result()) == 0


def test_loss_and_metric_come_back_from_their_configs():
    loss = keras.losses.deserialize(keras.losses.serialize(CoxPartialLikelihood()))
    metric = keras.metrics.deserialize(keras.metrics.serialize(ConcordanceIndex()))
    assert isinstance(loss, CoxPartialLikelihood)
    assert metric.name == "c_index"
