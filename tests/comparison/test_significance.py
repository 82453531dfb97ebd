"""Tests over several splits, by hand and against what they are known to be without overlap."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from keras_vnn import VNNError
from keras_vnn.experiments.comparison import holm_adjusted
from keras_vnn.tl import node_differences, resampled_t_test


def test_the_corrected_test_by_hand():
    """Differences 0.1, 0.2, 0.3: mean 0.2, variance 0.01; (1/3 + 1/4) 0.01 is the square of the error."""
    error = math.sqrt((1 / 3 + 1 / 4) * 0.01)
    found = resampled_t_test([0.1, 0.2, 0.3], 0.25)
    assert found.difference == pytest.approx(0.2)
    assert found.p == pytest.approx(2 * stats.t.sf(0.2 / error, 2))
    assert found.high - found.difference == pytest.approx(4.302653 * error)
    assert found.difference - found.low == pytest.approx(4.302653 * error)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=12).filter(lambda values: np.ptp(values) > 1e-3))
def test_without_overlap_it_is_the_paired_test_and_with_overlap_it_finds_less(differences):
    plain = stats.ttest_1samp(differences, 0)
    assert resampled_t_test(differences, 0).p == pytest.approx(plain.pvalue, rel=1e-6)
    assert resampled_t_test(differences, 0.2).p >= plain.pvalue - 1e-12


def test_rows_are_tested_each_by_itself():
    differences = np.array([[0.1, 0.2, 0.3], [0.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.1, np.nan, 0.2]])
    found = resampled_t_test(differences, 0.25)
    assert found.p[0] == pytest.approx(float(resampled_t_test(differences[0], 0.25).p))
    assert found.p[1] == 1
    assert np.isnan(found.p[2:]).all()
    assert found.difference[2] == 0.5


def test_overlapping_training_parts_make_the_plain_test_find_too_much():
    """Two methods that are equally good: 40 random halves of 60 cells, 400 times."""
    rng = np.random.default_rng(0)
    plain, corrected = [], []
    for _ in range(400):
        # What a method gets right of each cell depends on the cell; halves drawn of the same cells overlap.
        right = rng.integers(0, 2, (60, 2))
        halves = np.array([rng.permutation(60)[:30] for _ in range(40)])
        differences = right[halves].mean(axis=1) @ [1, -1]
        plain.append(stats.ttest_1samp(differences, 0).pvalue)
        corrected.append(float(resampled_t_test(differences, 1.0).p))
    assert np.mean(np.array(plain) < 0.05) > 0.3
    assert np.mean(np.array(corrected) < 0.05) < 0.1


def test_one_split_tests_nothing():
    found = resampled_t_test([0.3], 0.2)
    assert found.difference == 0.3
    assert np.isnan([found.low, found.high, found.p]).all()
    with pytest.raises(VNNError, match=re.escape("got shape (0,), 0.2 and 0.95.")):
        resampled_t_test([], 0.2)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_in_steps(p):
    adjusted = holm_adjusted(p)
    for level in (0.01, 0.05, 0.3):
        rejected, order = set(), np.argsort(p, kind="stable")
        for step, place in enumerate(order):
            if p[place] * (len(p) - step) >= level:
                break
            rejected.add(int(place))
        assert {int(i) for i in np.flatnonzero(adjusted < level)} == rejected


def test_a_test_that_cannot_be_done_does_not_count():
    np.testing.assert_allclose(holm_adjusted([0.02, np.nan, 0.04]), [0.04, np.nan, 0.04])


def test_an_easy_win_does_not_make_others_easier():
    """Three comparisons that anything wins: Benjamini and Hochberg would call the other two found."""
    easy = [1e-9, 1e-9, 1e-9]
    assert holm_adjusted([*easy, 0.03, 0.03])[-1] == pytest.approx(0.06)
    assert stats.false_discovery_control([*easy, 0.03, 0.03])[-1] == pytest.approx(0.03)


def test_nodes_in_pairs_are_tested_by_the_corrected_test():
    rng = np.random.default_rng(1)
    real, control = (pd.DataFrame(rng.normal(size=(4, 5)), index=list("abcd")) for _ in range(2))
    real.loc["a"] += 6
    found = node_differences(real, control, test_to_train=0.2)
    expected = [float(resampled_t_test(real.loc[name] - control.loc[name], 0.2).p) for name in "abcd"]
    np.testing.assert_allclose(found["p"], expected)
    np.testing.assert_allclose(found["adjusted_p"], stats.false_discovery_control(expected))
    assert (found["p"] > node_differences(real, control)["p"]).mean() > 0.5
    with pytest.raises(VNNError, match=re.escape("The runs of the two tables are not the same")):
        node_differences(real, control.iloc[:, :4], test_to_train=0.2)
