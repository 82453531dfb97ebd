"""Follow-up: what is refused, residuals and concordance against their definitions and lifelines."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from keras_vnn.basics.errors import DataError
from keras_vnn.data import SurvivalTimes, null_residuals, split_cells, survival_metrics, survival_of


def followed_cells(count, seed, times=12):
    random = np.random.default_rng(seed)
    return np.column_stack([random.integers(1, times, count), random.random(count) < 0.5]), random.normal(size=count)


def index_of(followed, risks):
    """Harrell's index, pair by pair."""
    right = pairs = 0.0
    for one, other in combinations(range(len(risks)), 2):
        if followed[one][0] > followed[other][0] or (followed[one][0] == followed[other][0] and not followed[one][1]):
            one, other = other, one
        (first, event), (later, other_event) = followed[one], followed[other]
        if event and (later > first or not other_event):
            pairs += 1
            right += 0.5 if risks[one] == risks[other] else risks[one] > risks[other]
    return right / pairs


@pytest.mark.parametrize("seed", range(4))
def test_the_index_is_its_definition_and_that_of_lifelines(seed):
    followed, risks = followed_cells(60, seed)
    risks = risks.round(1)
    found = survival_metrics(followed, risks).c_index
    assert found == pytest.approx(index_of(followed.tolist(), risks.tolist()), abs=1e-12)
    lifelines = pytest.importorskip("lifelines.utils")
    assert found == pytest.approx(lifelines.concordance_index(followed[:, 0], -risks, followed[:, 1]), abs=1e-12)


def test_the_standard_error_is_that_of_resampled_cells():
    followed, noise = followed_cells(150, 5, times=1000)
    risks = noise - followed[:, 0] / 400
    random = np.random.default_rng(0)
    drawn = [random.integers(0, 150, 150) for _ in range(400)]
    resampled = np.std([survival_metrics(followed[cells], risks[cells]).c_index for cells in drawn])
    assert survival_metrics(followed, risks).standard_error == pytest.approx(resampled, rel=0.15)


def test_no_pair_is_no_number_and_null_in_json():
    alone = survival_metrics([[3.0, 0], [2.0, 0]], [0.1, 0.2])
    assert np.isnan(alone.c_index)
    assert alone.to_json() == {"cells": 2, "events": 0, "c_index": None, "standard_error": None}


def test_residuals_times_a_covariate_are_its_score():
    """The derivative of the partial likelihood at 0: at each event the covariate, less its mean over those at risk."""
    followed, covariate = followed_cells(80, 6)
    times, events = followed.T
    score = sum(covariate[cell] - covariate[times >= times[cell]].mean() for cell in np.flatnonzero(events))
    residuals = null_residuals(followed)
    assert residuals @ covariate == pytest.approx(score, rel=1e-9)
    assert residuals.sum() == pytest.approx(0, abs=1e-9)


def test_every_part_of_a_split_has_its_share_of_events():
    events = np.arange(200) % 10 == 0
    table = pd.DataFrame({"t": np.arange(200) + 1.0, "e": events})
    known = survival_of(table, "t", "e")
    assert isinstance(known, SurvivalTimes)
    assert str(known) == "t, e: 20 events in 200 cells"
    split = split_cells(known, fractions=(0.5, 0.25, 0.25), seed=1)
    assert [int(events[part].sum()) for part in (split.train, split.validation, split.test)] == [10, 5, 5]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"t": [0.0, 2, 3]}, "1 of 3 cells have a time in 't' that is not above 0: a."),
        ({"e": [1, 2, 0]}, "1 of 3 cells have a value in 'e' that is neither 0 (censored) nor 1 (event): b."),
        ({"e": [0, 0, 0]}, "No cell has the event: 'e' is 0 for all 3. 1 stands for the event."),
        ({"e": ["dead", "alive", "alive"]}, "The targets 'e' are not numbers: 'dead' is that of a."),
    ],
)
def test_what_is_no_follow_up(changes, message):
    table = pd.DataFrame({"t": [1.0, 2, 3], "e": [1, 0, 1]} | changes, index=["a", "b", "c"])
    with pytest.raises(DataError) as error:
        survival_of(table, "t", "e")
    assert str(error.value).startswith(message)


def test_cells_without_follow_up_may_be_left_out():
    table = pd.DataFrame({"t": [1.0, np.nan, 3], "e": [True, True, False]})
    known = survival_of(table, "t", "e", missing_labels="drop")
    assert known.cells.tolist() == [0, 2]
    assert known.values.tolist() == [[1, 1], [3, 0]]
    assert "1 cell without both left out" in str(known)
