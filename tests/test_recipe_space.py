"""Ranges and choices: what they hold, and what is not a range."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_vnn.basics.errors import ConfigError
from keras_vnn.recipes.space import Choices, Range, grid, setting_of


def test_whole_numbers_stay_whole():
    setting = setting_of({"low": 5, "high": 50, "step": 15})
    assert setting.values == (5, 20, 35, 50)
    assert all(isinstance(value, int) for value in (*setting.values, *setting.examples, setting.settled(20.0)))
    assert not Range(low=5, high=50, step=0.5).is_whole


def test_steps_of_fractions_have_no_tails():
    assert Range(low=0, high=0.6, step=0.1).values == (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)


def test_a_number_between_is_of_four_digits_and_never_outside():
    setting = Range(low=0.00012345678, high=0.1)
    assert setting.settled(0.0123456) == 0.01235
    assert setting.settled(0.000123421) == 0.00012345678
    assert setting.values is None


def test_texts_that_yaml_makes_of_exponents_are_numbers():
    assert setting_of(["1e-4", "1E-3", "relu", "1e"]) == Choices((1e-4, 1e-3, "relu", "1e"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (0.5, "expected a range, {low: 1, high: 9}, or choices, [1, 3, 9]; got 0.5"),
        ("adam", "expected a range, {low: 1, high: 9}, or choices, [1, 3, 9]; got 'adam'"),
        ([1], "there must be two values or more to choose from, got [1]"),
        ([1, 2, 1], "the value 1 is a duplicate"),
        ({"low": 1}, "a range needs low and high, high is not there"),
        ({"low": 1, "hgh": 2}, "a range has no 'hgh'. Did you mean high?"),
        ({"low": 1, "high": 2, "zzz": 2}, "a range has no 'zzz'. Known: low, high, step, log"),
        ({"low": 2, "high": 1}, "low must be below high, got 2 and 1"),
        ({"low": 1, "high": 1}, "low must be below high, got 1 and 1"),
        ({"low": "a", "high": 1}, "low must be a number, got 'a'"),
        ({"low": True, "high": 2}, "low must be a number, got True"),
        ({"low": 0, "high": float("inf")}, "high must be a number, got inf"),
        ({"low": 0, "high": 1, "log": True}, "low must be above 0 where log is true, got 0"),
        ({"low": 1, "high": 2, "log": "yes"}, "log must be true or false, got 'yes'"),
        ({"low": 1, "high": 3, "log": True, "step": 1}, "step and log exclude each other"),
        ({"low": 1, "high": 8, "step": 3}, "step must lead from low to high, got 3 from 1 to 8"),
        ({"low": 1, "high": 8, "step": 0}, "step must lead from low to high, got 0 from 1 to 8"),
        ({"low": 1, "high": 8, "step": 9}, "step must lead from low to high, got 9 from 1 to 8"),
    ],
)
def test_what_is_neither(given, message):
    with pytest.raises(ConfigError) as error:
        setting_of(given)
    assert str(error.value) == message


@given(
    st.one_of(
        st.builds(lambda low, more: Range(low=low, high=low + more), st.integers(-9, 9), st.integers(1, 9)),
        st.builds(lambda low, n: Range(low=low, high=low + n * 0.25, step=0.25), st.integers(-9, 9), st.integers(1, 9)),
        st.builds(lambda values: Choices(tuple(values)), st.lists(st.integers(), min_size=2, max_size=5, unique=True)),
    )
)
def test_json_gives_a_setting_back_and_its_values_are_settled(setting):
    assert setting_of(setting.to_json()) == setting
    if isinstance(setting, Range):
        assert [setting.settled(value) for value in setting.values] == list(setting.values)
        assert set(setting.examples) <= set(setting.values)
        assert (setting.values[0], setting.values[-1]) == (setting.low, setting.high)


def test_a_grid_ends_only_if_every_field_does():
    assert len(list(grid({"a": Range(low=1, high=3), "b": Choices(("x", "y"))}))) == 6
    assert grid({"a": Range(low=0.1, high=3), "b": Choices(("x", "y"))}) is None
