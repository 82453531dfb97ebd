"""The evaluations of Lin et al., and how batches mix, against numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import comb
from sklearn.metrics import average_precision_score

from keras_vnn.basics.errors import DataError
from keras_vnn.experiments.evaluation import clustering_scores, held_out_types, mixing_scores, retrieval_scores

TYPES = ["B", "B", "B", "T", "T", "T"]


def test_clusters_of_types_are_perfect_whatever_they_are_called() -> None:
    scores = clustering_scores(np.zeros((6, 1)), TYPES, clusters=[7, 7, 7, 2, 2, 2])
    assert (scores.homogeneity, scores.completeness, scores.v_measure) == (1, 1, 1)
    assert (scores.adjusted_rand, scores.adjusted_mutual_information, scores.fowlkes_mallows) == (1, 1, 1)


def test_one_misplaced_cell_by_hand() -> None:
    # Clusters {B B}, {B T T T}. Entropy of the types: ln 2. Given the clusters: 4/6 times that of (1/4, 3/4).
    scores = clustering_scores(np.zeros((6, 1)), TYPES, clusters=[0, 0, 1, 1, 1, 1])
    of_types = np.log(2)
    given_clusters = 4 / 6 * -(1 / 4 * np.log(1 / 4) + 3 / 4 * np.log(3 / 4))
    of_clusters = -(1 / 3 * np.log(1 / 3) + 2 / 3 * np.log(2 / 3))
    shared = of_types - given_clusters
    homogeneity, completeness = shared / of_types, shared / of_clusters
    assert scores.homogeneity == pytest.approx(homogeneity)
    assert scores.completeness == pytest.approx(completeness)
    assert scores.v_measure == pytest.approx(2 * homogeneity * completeness / (homogeneity + completeness))
    # Pairs together in both: 1 + 3; by type: 3 + 3; by cluster: 1 + 6; of 15.
    both, types, clusters, pairs = 4, 6, 7, comb(6, 2)
    assert scores.fowlkes_mallows == pytest.approx(both / np.sqrt(types * clusters))
    expected = types * clusters / pairs
    assert scores.adjusted_rand == pytest.approx((both - expected) / ((types + clusters) / 2 - expected))


def test_k_means_finds_clusters_whatever_the_order_of_cells() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(centre, 1.0, size=(30, 4)) for centre in (0, 1.5, 3)])
    names = np.repeat(["a", "b", "c"], 30)
    order = rng.permutation(90)
    assert clustering_scores(values, names) == clustering_scores(values[order], names[order])
    assert 0.5 < clustering_scores(values, names).adjusted_rand < 1


def test_retrieval_by_hand() -> None:
    # On a line: data set 1 asks at 0 (B) and 10 (T); data set 2 answers with B 1, T 2, B 3, T 11.
    places = np.array([[0.0], [10.0], [1.0], [2.0], [3.0], [11.0]])
    types = np.array(["B", "T", "B", "T", "B", "T"])
    sets = np.array([1, 1, 2, 2, 2, 2])
    scores = retrieval_scores(places, types, batches=sets, top=3)
    # 0 (B): B T B, two of two found: (1/1 + 2/3) / 2. 10 (T): T(11) B(3) T(2): the same.
    # Data set 2 asks 0 (B) and 10 (T), one right answer each: 1, 2 and 3 find 0 first; 11 finds 10 first.
    # 1 (B) 1; 2 (T): B first, T second: 1/2; 3 (B): 1; 11 (T): 1.
    first = (1 + 2 / 3) / 2
    assert scores.mean_average_precision == pytest.approx((first + first + 1 + 1 / 2 + 1 + 1) / 6)
    assert scores.by_type.loc["T"].tolist() == pytest.approx([3, (first + 1 / 2 + 1) / 3])
    assert (scores.queries, scores.without_match) == (6, 0)
    asking = retrieval_scores(places, types, batches=sets, queries=sets == 1, top=3)
    assert (asking.mean_average_precision, asking.queries) == (pytest.approx(first), 2)
    # Only the nearest counts, and one right answer is all there could be.
    assert retrieval_scores(places, types, batches=sets, top=1).mean_average_precision == pytest.approx(5 / 6)


@given(st.integers(0, 1000))
def test_all_cells_ranked_is_the_average_precision_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, names = rng.normal(size=(12, 3)), rng.choice(["a", "b"], 12)
    names[:4] = ["a", "a", "b", "b"]
    scores = retrieval_scores(values, names, top=100)
    expected = []
    for i in range(12):
        others = np.arange(12) != i
        distance = np.linalg.norm(values[others] - values[i], axis=1)
        expected.append(average_precision_score(names[others] == names[i], -distance))
    assert scores.mean_average_precision == pytest.approx(np.mean(expected))


def test_retrieval_does_not_depend_on_where_the_origin_is() -> None:
    rng = np.random.default_rng(0)
    values, names = rng.normal(size=(60, 3)), rng.choice(["a", "b", "c"], 60)
    assert retrieval_scores(values + 1e8, names).by_type.equals(retrieval_scores(values, names).by_type)


def test_a_type_of_one_data_set_is_left_out_and_counted() -> None:
    scores = retrieval_scores([[0.0], [1.0], [2.0]], ["B", "B", "T"], batches=["x", "y", "y"])
    assert (scores.queries, scores.without_match) == (2, 1)
    assert list(scores.by_type.index) == ["B"]
    assert str(scores) == (
        "2 queries, 100 nearest: mean average precision 1.000, over types 1.000; 1 without a match left out"
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: clustering_scores([[0.0]], ["B"]), "The cells are of one type only, B: there is nothing to tell"),
        (lambda: clustering_scores([0.0], ["B"]), "The embedding must be numbers of shape (cells, units), got float64"),
        (lambda: clustering_scores([[0.0]], ["B", "T"]), "The embedding has 1 cell, and there are 2 labels.\n"),
        (lambda: clustering_scores([[0.0], [np.nan]], ["B", "T"]), "1 of 2 coordinates are not finite numbers."),
        (lambda: clustering_scores([[0.0], [1.0]], ["B", None]), "1 of 2 labels are missing."),
        (lambda: clustering_scores([[0.0], [1.0]], ["B", "T"], clusters=[1]), "Got 1 cluster for 2 cells."),
        (lambda: retrieval_scores([[0.0], [1.0]], ["B", "T"]), "No cell has one of its type in another data set"),
        (lambda: retrieval_scores([[0.0], [1.0]], ["B", "B"], batches=[1, 1]), "All cells are of one data set: "),
        (lambda: retrieval_scores([[0.0], [1.0]], ["B", "B"], batches=[1]), "Got 1 batch for 2 cells."),
        (lambda: retrieval_scores([[0.0], [1.0]], ["B", "B"], batches=["a", None]), "1 of 2 cells have no batch."),
        (lambda: retrieval_scores([[0.0], [1.0]], ["B", "B"], top=0), "top must be at least 1, got 0."),
        (
            lambda: retrieval_scores([[0.0], [1.0]], ["B", "B"], queries=[1, 0]),
            "queries must be a mask of 2 cells, got int64 of shape (2,).",
        ),
        (lambda: held_out_types(["abcde"], 4, repeat=0), "Of 1 type, 2 to 0 can be held out"),
        (lambda: held_out_types(list("abcde"), 4, repeat=0), "Of 5 types, 2 to 3 can be held out so that 2 are left"),
    ],
)
def test_what_cannot_be_scored_is_said(call, message: str) -> None:
    with pytest.raises(DataError) as error:
        call()
    assert str(error.value).startswith(message)


def test_held_out_types_depend_on_types_and_seeds_alone() -> None:
    first = held_out_types(list("abcdef"), 3, repeat=1, seed=2)
    assert first == held_out_types(list("ffedcbaa"), 3, repeat=1, seed=2)
    assert len({held_out_types(list("abcdef"), 3, repeat=n) for n in range(10)}) > 3


def test_batches_that_mix_and_batches_that_do_not():
    """Two types; within a type, cells of both batches at the same two places, or each batch at its own."""
    values, types = np.array([[0.0], [1], [0], [1], [100], [101], [100], [101]]), ["T"] * 4 + ["B"] * 4
    mixed = mixing_scores(values, ["a", "a", "b", "b"] * 2, types)
    apart = mixing_scores(values, ["a", "b", "a", "b"] * 2, types)
    # Of each cell, its own batch is at distance 1, the other at 1/2: a silhouette width of -1/2. Apart: 1.
    assert (mixed.batch_mixing, apart.batch_mixing) == (0.5, 0.0)
    # Own type 2/3 away, the other 99, 100 and 101: widths of 1 - (2/3) / 99.5 to 1 - (2/3) / 100.5.
    assert mixed.type_separation == apart.type_separation == pytest.approx(1 - 1 / 300, abs=1e-4)
    assert str(mixed) == "2 batches, 8 cells: batches mixed 0.500, types apart 0.997"
    alone = mixing_scores(values, types)
    assert alone.type_separation is None
    assert alone.batch_mixing == pytest.approx(2 / 300, abs=1e-4)
    with pytest.raises(DataError, match="No type has several cells of two batches"):
        mixing_scores(values, types, types)
