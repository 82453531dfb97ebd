"""What is tried next: within the space, never twice, the same after a stop, and better than chance where it is easy."""

from __future__ import annotations

import json
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_vnn.experiments.tuning._optuna import next_values, pruner
from keras_vnn.experiments.tuning._trials import Failed, Finished, Pruned
from keras_vnn.recipes.space import Choices, Range

WIDE = {
    "rate": Range(low=1e-4, high=1.0, log=True),
    "units": Range(low=1, high=64),
    "kind": Choices(("a", ["b"], None)),
}


def finished(values, score):
    return Finished(values=values, scores={"accuracy": score, "loss": score})


def searched(space, score, trials, *, seed=0, measure="accuracy", before=()):
    outcomes = list(before)
    while len(outcomes) < trials:
        values = next_values(space, outcomes, measure=measure, seed=seed)
        if values is None:
            break
        outcomes.append(finished(values, score(values)))
    return outcomes


def test_values_lie_in_the_space_and_are_of_its_kinds():
    for outcome in searched(WIDE, lambda values: values["rate"], 15):
        rate, units, kind = outcome.values["rate"], outcome.values["units"], outcome.values["kind"]
        assert 1e-4 <= rate <= 1 and float(f"{rate:.4g}") == rate
        assert isinstance(units, int) and 1 <= units <= 64
        assert kind in ("a", ["b"], None)


@settings(max_examples=5)
@given(st.integers(2, 4), st.lists(st.integers(0, 9), min_size=2, max_size=3, unique=True), st.integers(0, 2**31))
def test_a_space_with_an_end_is_tried_whole_and_nothing_twice(high, choices, seed):
    space = {"a": Range(low=1, high=high), "b": Choices(tuple(choices))}
    outcomes = searched(space, lambda values: values["a"] * values["b"], 100, seed=seed)
    tried = {(outcome.values["a"], outcome.values["b"]) for outcome in outcomes}
    assert len(outcomes) == len(tried) == high * len(choices)


def test_a_search_in_two_parts_is_that_in_one():
    def score(values):
        return -abs(math.log(values["rate"] / 0.01))

    whole = searched(WIDE, score, 14, seed=4)
    first = [Finished.model_validate(json.loads(json.dumps(outcome.model_dump()))) for outcome in whole[:12]]
    assert searched(WIDE, score, 14, seed=4, before=first) == whole
    assert searched(WIDE, score, 2, seed=5) != whole[:2]


def test_failed_trials_are_not_tried_again():
    space = {"a": Range(low=1, high=3)}
    outcomes = [Failed(values={"a": 1}, reason="no"), finished({"a": 3}, 0.5)]
    assert next_values(space, outcomes, measure="accuracy", seed=0) == {"a": 2}
    assert next_values(space, [*outcomes, finished({"a": 2}, 0.1)], measure="accuracy", seed=0) is None


def test_it_keeps_away_from_where_trials_fail():
    space = {"x": Range(low=0.0, high=1.0), "y": Range(low=0.0, high=1.0)}
    outcomes = []
    while len(outcomes) < 40:
        values = next_values(space, outcomes, measure="accuracy", seed=0)
        fails = values["x"] < 0.5
        outcomes.append(Failed(values=values, reason="no") if fails else finished(values, values["y"]))
    failed = [isinstance(outcome, Failed) for outcome in outcomes]
    # The first ten are drawn at random. Had failures taught nothing, all of the last twenty would fail.
    assert sum(failed[:10]) >= 3
    assert sum(failed[20:]) <= 6


def test_it_goes_where_the_score_is_good_whichever_way_is_good():
    space = {"x": Range(low=0.0, high=1.0), "y": Range(low=0.0, high=1.0)}

    def distance(values):
        return (values["x"] - 0.3) ** 2 + (values["y"] - 0.8) ** 2

    for measure, sign in (("loss", 1), ("accuracy", -1)):
        outcomes = searched(space, lambda values, sign=sign: sign * distance(values), 40, measure=measure)
        tried = np.array([distance(outcome.values) for outcome in outcomes])
        # The first ten are drawn at random.
        assert tried[30:].mean() < 0.5 * tried[:10].mean()


def with_losses(losses):
    return Finished(values={"a": 1}, scores={"accuracy": 0.5}, losses=losses)


def test_a_trial_is_hopeless_above_the_median_of_five_from_the_fourth_epoch_on():
    before = [with_losses([9.0, 9.0, 9.0, loss, loss]) for loss in (1.0, 2.0, 3.0, 4.0, 5.0)]
    before.append(Pruned(values={"a": 1}, losses=[0.0] * 5))  # does not count

    def stopped_at(losses, outcomes):
        is_hopeless = pruner(outcomes)
        return next((epoch for epoch in range(1, len(losses) + 1) if is_hopeless(losses[:epoch])), None)

    assert stopped_at([99.0, 99.0, 99.0, 3.1, 3.1], before) == 4
    assert stopped_at([99.0, 99.0, 99.0, 2.9, 3.1], before) is None  # its best counts
    assert stopped_at([99.0, 99.0, 99.0, 99.0, 99.0], before[1:5]) is None
    # Nobody came as far as the sixth epoch.
    assert stopped_at([3.0, 3.0, 3.0, 3.0, 3.0, 99.0], before) is None
