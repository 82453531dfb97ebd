"""Statistics by class against plain numpy on the two groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from keras_vnn.inspection._findings import ClassMoments


def class_statistics(activities, codes, classes):
    moments = ClassMoments(classes)
    moments.see(activities, codes)
    return moments.statistics()


def cohen(inside, outside):
    squares = ((inside - inside.mean()) ** 2).sum() + ((outside - outside.mean()) ** 2).sum()
    return (inside.mean() - outside.mean()) / np.sqrt(squares / (len(inside) + len(outside) - 2))


def test_against_the_formulas():
    random = np.random.default_rng(0)
    activities, codes = random.normal(3, 2, (40, 3)), random.integers(0, 4, 40)
    found = class_statistics(activities, codes, 4)
    for code in range(4):
        inside, outside = activities[codes == code], activities[codes != code]
        assert found.cells[code] == len(inside)
        np.testing.assert_allclose(found.mean[code], inside.mean(axis=0))
        np.testing.assert_allclose(found.deviation[code], inside.std(axis=0, ddof=1))
        for unit in range(3):
            assert found.effect_size[code, unit] == pytest.approx(cohen(inside[:, unit], outside[:, unit]))


def test_what_cannot_be_said_is_not_a_number():
    found = class_statistics(np.array([[1.0, 5.0], [1.0, 5.0], [1.0, 7.0]]), np.array([0, 0, 1]), 3)
    assert found.cells.tolist() == [2, 1, 0]
    np.testing.assert_array_equal(found.mean, [[1, 5], [1, 7], [np.nan, np.nan]])
    np.testing.assert_array_equal(found.deviation, [[0, 0], [np.nan, np.nan], [np.nan, np.nan]])
    # Equal means differ by nothing; unequal ones without any spread by no finite number of deviations.
    np.testing.assert_array_equal(found.effect_size, [[0, np.nan], [0, np.nan], [np.nan, np.nan]])


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 8), st.integers(1, 3)), elements=st.floats(-1e3, 1e3, width=32)),
    st.data(),
)
def test_never_a_warning_and_never_infinite(activities, data):
    codes = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(activities), max_size=len(activities))))
    found = class_statistics(activities, codes, 3)
    assert not np.isinf(found.effect_size).any()
    assert (found.cells == 0).tolist() == np.isnan(found.mean).any(axis=1).tolist()
