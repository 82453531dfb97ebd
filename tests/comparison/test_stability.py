"""Stability of rankings and differences of nodes, against numbers worked by hand."""

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
from keras_vnn.tl import node_differences, rank_biased_overlap, rank_stability


def test_rank_biased_overlap_by_hand():
    """Depths 1, 2, 3 have 0, 2, 3 in common: 1·p³ + (1-p)/p·(0 + p² + p³) with p = 0.9."""
    assert rank_biased_overlap("ABC", "BAC") == pytest.approx(0.729 + (0.1 / 0.9) * (0.81 + 0.729))
    assert rank_biased_overlap("AB", "CD") == 0
    assert rank_biased_overlap("ABCD", "ABCD") == pytest.approx(1)


@given(st.permutations(range(8)), st.permutations(range(8)), st.floats(0.05, 0.95))
def test_rank_biased_overlap_counts_what_prefixes_share(first, second, persistence):
    common = [len(set(first[:d]) & set(second[:d])) / d for d in range(1, 9)]
    expected = common[-1] * persistence**8 + (1 - persistence) / persistence * sum(
        share * persistence**d for d, share in enumerate(common, 1)
    )
    found = rank_biased_overlap(first, second, persistence=persistence)
    assert found == pytest.approx(expected)
    assert found == pytest.approx(rank_biased_overlap(second, first, persistence=persistence))


def test_stability_by_hand():
    importance = pd.DataFrame({0: [4.0, 3, 2, 1], 1: [4.0, 3, 1, 2], 2: [1.0, 2, 3, 4]}, index=list("abcd"))
    found = rank_stability(importance, top=2)
    assert found.runs == 3
    assert found.spearman == pytest.approx((0.8 - 1.0 - 0.8) / 3)
    assert found.top_overlap == pytest.approx((1 + 0 + 0) / 3)


def test_a_node_without_any_difference_has_no_correlation():
    flat = pd.DataFrame({0: [1.0, 1, 1], 1: [1.0, 2, 3]})
    assert rank_stability(flat).spearman == 0


def test_what_is_said_of_rankings_that_cannot_be_compared():
    with pytest.raises(VNNError, match=re.escape("of two or more runs and nodes, got (1, 3).")):
        rank_stability(pd.DataFrame({0: [1.0, 2, 3]}))
    with pytest.raises(VNNError, match=re.escape("1 value of importance is missing.")):
        rank_stability(pd.DataFrame({0: [1.0, np.nan], 1: [1.0, 2]}))
    with pytest.raises(VNNError, match=re.escape("Something occurs twice in a ranking.")):
        rank_biased_overlap("AAB", "ABC")


def test_differences_of_nodes_are_those_of_scipy():
    rng = np.random.default_rng(0)
    real = pd.DataFrame(rng.normal(size=(6, 5)), index=list("abcdef"))
    real.loc["a"] += 5
    control = pd.DataFrame(rng.normal(size=(6, 4)), index=list("abcdef"))
    real.loc["f"], control.loc["f"] = 1.0, 1.0

    found = node_differences(real, control)

    expected = [stats.ttest_ind(real.loc[n], control.loc[n], equal_var=False).pvalue for n in "abcde"]
    np.testing.assert_allclose(found["p"].dropna(), expected)
    np.testing.assert_allclose(found["adjusted_p"].dropna(), stats.false_discovery_control(expected))
    assert found["adjusted_p"].idxmin() == "a"
    assert found["effect_size"]["a"] > 2
    assert math.isnan(found["p"]["f"])
    assert found["difference"]["f"] == 0
