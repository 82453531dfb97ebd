import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_vnn.basics import errors
from keras_vnn.basics.errors import VNNError, VNNWarning, did_you_mean, sample


def test_one_tree():
    classes = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]
    assert len(classes) == 10
    assert all(issubclass(one, VNNError) for one in classes)
    assert issubclass(VNNError, ValueError)
    assert issubclass(VNNWarning, UserWarning)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["B", "A"], "A, B"),
        (list("EDCBA"), "A, B, C, D, E"),
        (list("GFEDCBA"), "A, B, C, D, E and 2 more"),
        ([10, 9], "10, 9"),
    ],
)
def test_sample(names, text):
    assert sample(names) == text


@given(st.sets(st.text(min_size=1), max_size=12), st.integers(1, 6))
def test_sample_does_not_depend_on_the_order(names, limit):
    assert sample(names, limit) == sample(sorted(names, reverse=True), limit)


@pytest.mark.parametrize(
    ("wrong", "known", "text"),
    [
        ("cliqe", ["clique", "edge"], "Did you mean clique?"),
        ("STAT", ["STAT1", "STAT2", "TP53"], "Did you mean STAT2 or STAT1?"),
        ("stat1", ["TP53", "STAT1"], "Did you mean STAT1?"),
        ("qqq", ["clique", "edge"], ""),
        ("x", [], ""),
        ("", ["edge"], ""),
    ],
)
def test_did_you_mean(wrong, known, text):
    assert did_you_mean(wrong, known) == text


def test_a_line_too_long_to_be_read_keeps_its_beginning_and_its_end():
    message = f"The score is {'x' * 5000}: scores.tsv:3\nExpected a number."
    first, second = str(VNNError(message)).splitlines()
    assert first == f"The score is {'x' * 487} … {'x' * 386}: scores.tsv:3"
    assert second == "Expected a number."
