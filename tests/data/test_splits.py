import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_vnn.basics.errors import DataError
from keras_vnn.data import Split, folds, labels_of, split_cells, targets_of

LABELS = ["a"] * 60 + ["b"] * 30 + ["c"] * 10


def parts(split):
    return split.train, split.validation, split.test


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(12, 40), min_size=2, max_size=4), st.integers(0, 2**32 - 1), st.booleans())
def test_parts_are_disjoint_and_hold_every_cell(sizes, seed, stratify):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    split = split_cells(labels, fractions=(0.5, 0.25, 0.25), seed=seed, stratify=stratify)
    assert sorted(np.concatenate(parts(split)).tolist()) == list(range(len(labels)))
    assert len(split.test) == len(split.validation) == round(len(labels) / 4)
    if stratify:
        assert set(labels[split.train]) == set(labels)


def test_proportions():
    split = split_cells(LABELS, seed=3)
    assert str(split) == "70 training, 15 validation, 15 test cells (seed 3)"
    labels = np.array(LABELS)
    assert [(labels[split.train] == name).sum() for name in "abc"] == [42, 21, 7]


def test_seed():
    assert split_cells(LABELS, seed=1) == split_cells(LABELS, seed=1)
    assert split_cells(LABELS, seed=1) != split_cells(LABELS, seed=2)
    again = [list(map(Split.to_json, folds(LABELS, 3, seed=1))) for _ in range(2)]
    assert again[0] == again[1]


def test_parts_may_be_left_out():
    assert (
        str(split_cells(LABELS, fractions=(0.8, 0, 0.2), seed=1)) == "80 training, 0 validation, 20 test cells (seed 1)"
    )
    assert str(split_cells(LABELS, fractions=(1, 0, 0), seed=1)) == "100 training, 0 validation, 0 test cells (seed 1)"


def test_labels_targets_and_missing_ones():
    cells = pd.DataFrame({"t": [*LABELS, None], "y": np.arange(101.0)})
    labels = labels_of(cells, "t", missing_labels="drop")
    assert split_cells(labels, seed=1) == split_cells(LABELS, seed=1)
    assert len(split_cells(targets_of(cells, "y"), seed=1)) == 101
    assert [len(split.test) for split in folds(targets_of(cells, "y"), 4, seed=1)] == [26, 25, 25, 25]


def test_folds():
    drawn = list(folds(LABELS, 5, seed=1))
    assert sorted(np.concatenate([split.test for split in drawn]).tolist()) == list(range(100))
    labels = np.array(LABELS)
    for split in drawn:
        assert [len(part) for part in parts(split)] == [68, 12, 20]
        assert [(labels[split.test] == name).sum() for name in "abc"] == [12, 6, 2]
        assert len(split) == 100
    assert all(not split.validation.size for split in folds(LABELS, 5, seed=1, validation=0))


def test_json():
    split = split_cells(LABELS, seed=5)
    assert Split.from_json(json.loads(json.dumps(split.to_json()))) == split
    assert Split.from_json(split.to_json()).digest == split.digest
    others = [Split([0, 1], [2], []), Split([0, 1], [], [2]), Split([0], [1], [2])]
    assert len({other.digest for other in others}) == 3


ERRORS = {
    "one cell": (
        lambda: split_cells([*LABELS, "d"], seed=1),
        "1 of 4 labels have too few cells for a split into 3 parts, which needs 3 of each: d (1 cell).\n"
        "Leave their cells out, for example adata[adata.obs[label] != name], or merge them with another label; "
        "or pass stratify=False.",
    ),
    "few for folds": (
        lambda: folds([*LABELS, "d", "d", "e", "e", "e"], 5, seed=1),
        "2 of 5 labels have too few cells for 5 folds, which needs 5 of each: d (2 cells), e (3 cells).\n"
        "Leave their cells out, for example adata[adata.obs[label] != name], or merge them with another label; "
        "or pass stratify=False.",
    ),
    "fractions": (
        lambda: split_cells(LABELS, fractions=(0.5, 0.2, 0.2), seed=1),
        "The fractions of training, validation and test cells must be three numbers whose sum is 1, the first above 0; "
        "got 0.5, 0.2, 0.2.",
    ),
    "small part": (
        lambda: split_cells(list("aaabbbccc"), seed=1),
        "A test part of 1 of 9 cells cannot hold, and leave, 3 labels.\n"
        "Change its fraction, leave it out (0), or pass stratify=False.",
    ),
    "left too few": (
        lambda: split_cells([*"a" * 40, *"bbb"], fractions=(0.1, 0.1, 0.8), seed=1),
        "1 of 2 labels have too few cells for drawing a validation part, which needs 2 of each: b (1 cell).\n"
        "Leave their cells out, for example adata[adata.obs[label] != name], or merge them with another label; "
        "or pass stratify=False.",
    ),
    "one fold": (lambda: folds(LABELS, 1, seed=1), "The number of folds must be 2 to 100, that of the cells, got 1."),
    "validation": (
        lambda: folds(LABELS, 5, seed=1, validation=1.0),
        "validation must be a fraction from 0 to below 1, got 1.0.",
    ),
    "seed": (lambda: split_cells(LABELS, seed=-1), "seed must be an integer from 0 to 4294967295, got -1."),
    "overlap": (
        lambda: Split([0, 1], [1], []),
        "The parts of a split must be disjoint and together hold every cell once.",
    ),
    "nothing to train": (lambda: Split([], [0], []), "The training part of the split is empty."),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    act, expected = ERRORS[case]
    with pytest.raises(DataError) as error:
        act()
    assert str(error.value) == expected


def test_few_cells_without_stratification():
    assert len(split_cells([*LABELS, "d"], seed=1, stratify=False)) == 101
    assert len(list(folds([*LABELS, "d"], 5, seed=1, stratify=False))) == 5


DONORS = np.repeat(np.arange(12), [40, 30, 20, 20, 15, 15, 10, 10, 10, 10, 10, 10])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=4, max_size=30), st.integers(0, 1000))
def test_groups_stay_together(sizes, seed):
    groups = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    split = split_cells(np.zeros(len(groups)), seed=seed, groups=groups, stratify=False)
    names = [set(groups[part]) for part in parts(split)]
    assert all(names), "no part is empty"
    assert sum(map(len, names)) == len(sizes)
    tested = [
        set(groups[fold.test])
        for fold in folds(np.zeros(len(groups)), 3, seed=seed, groups=groups, stratify=False, validation=0)
    ]
    assert sum(map(len, tested)) == len(sizes) == len(set.union(*tested))


def test_groups_are_spread_so_that_sizes_and_classes_are_as_asked():
    """Of all ways to put twelve donors into three parts none of a thousand drawn at random comes much nearer."""
    labels = np.where(np.random.default_rng(0).random(200) < (DONORS % 3 + 1) / 4, "a", "b")
    wanted = np.outer([0.7, 0.15, 0.15], [(labels == name).sum() for name in "ab"])

    def off(places):
        found = [[((labels == name) & (places == part)).sum() for name in "ab"] for part in range(3)]
        return float(((found - wanted) ** 2 / wanted).sum())

    split = split_cells(labels, seed=1, groups=DONORS)
    places = np.zeros(200, int)
    places[split.validation], places[split.test] = 1, 2
    rng = np.random.default_rng(1)
    drawn = [off(rng.choice(3, 12, p=[0.7, 0.15, 0.15])[DONORS]) for _ in range(1000)]
    assert off(places) < np.quantile(drawn, 0.02)
    assert split_cells(labels, seed=1, groups=DONORS) == split
    assert any(split_cells(labels, seed=seed, groups=DONORS) != split for seed in range(2, 6))


def test_groups_of_cells_with_labels_only():
    cells = pd.DataFrame({"t": ["a", "b", None, "a", "b", "a", "b", "a"]})
    labels = labels_of(cells, "t", missing_labels="drop")
    groups = ["d1", "d1", "d9", "d2", "d2", "d3", "d3", "d1"]
    assert split_cells(labels, seed=1, groups=groups) == split_cells(
        labels, seed=1, groups=[group for group in groups if group != "d9"]
    )


@pytest.mark.parametrize(
    ("labels", "groups", "message"),
    [
        ("abab", "ddee", "2 groups cannot be split into 3 parts: cells of a group stay together."),
        ("abab", "dde", "Got 3 groups for 4 cells. Pass one per cell."),
        ("abab", ["d", None, "e", "f"], "1 of 4 cells have no group. Fill it in, or leave these cells out."),
        ("abc", "def", "All cells of the label "),
    ],
)
def test_groups_that_cannot_be_split(labels, groups, message):
    with pytest.raises(DataError) as error:
        for seed in range(20):
            split_cells(list(labels), seed=seed, groups=list(groups))
    assert str(error.value).startswith(message)
