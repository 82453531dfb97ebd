"""What genes say of a node, against SciPy, a plain loop over nodes, and truth that was planted."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse, stats

from keras_vnn.inspection._cells import Cells
from keras_vnn.inspection._evidence import Groups, adjusted, decoys_like, difference_of, evidence_of, excess_of


def cells_of(values):
    return Cells(np.asarray(values, np.float32), pd.DataFrame(index=[str(i) for i in range(len(values))]))


def classes_of(codes):
    return Groups(np.eye(max(codes) + 1)[np.asarray(codes)], are_classes=True)


def sets_of(rng, genes, sizes):
    return sparse.csc_array(np.stack([np.isin(np.arange(genes), rng.choice(genes, n, False)) for n in sizes], 1) * 1.0)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    values = rng.gamma(2.0, size=(90, 60)).astype(np.float32)
    return values, rng.integers(0, 3, 90), sets_of(rng, 60, [1, 4, 9, 30, 60])


def mean_z(values, sets, node):
    z = (values - values.mean(axis=0)) / values.std(axis=0)
    return z[:, sets[:, [node]].toarray().ravel() > 0].mean(axis=1)


def test_the_difference_of_a_class_is_that_of_scipy(data):
    values, codes, sets = data
    found = difference_of(sets, cells_of(values), classes_of(codes), None)
    for node in range(4):
        score = mean_z(values, sets, node)
        for code in range(3):
            inside, rest = score[codes == code], score[codes != code]
            expected = stats.ttest_ind(inside, rest, equal_var=False)
            assert found.statistic[code, node] == pytest.approx(expected.statistic, rel=1e-4)
            assert found.p[code, node] == pytest.approx(expected.pvalue, rel=1e-3)
            squares = ((inside - inside.mean()) ** 2).sum() + ((rest - rest.mean()) ** 2).sum()
            pooled = np.sqrt(squares / (len(score) - 2))
            assert found.size[code, node] == pytest.approx((inside.mean() - rest.mean()) / pooled, rel=1e-4)
            assert found.mean[code, node] == pytest.approx(inside.mean(), abs=1e-5)


def test_the_difference_along_a_number_is_pearsons(data):
    values, _, sets = data
    target = np.random.default_rng(0).normal(size=(90, 1)) + values[:, :5].sum(axis=1, keepdims=True)
    found = difference_of(sets, cells_of(values), Groups(target, are_classes=False), None)
    for node in range(4):
        expected = stats.pearsonr(mean_z(values, sets, node), target[:, 0])
        assert found.size[0, node] == pytest.approx(expected.statistic, abs=1e-5)
        assert found.p[0, node] == pytest.approx(expected.pvalue, rel=1e-3)


def test_replicates_are_compared_by_their_means(data):
    values, codes, sets = data
    codes, donors = codes % 2, np.arange(90) % 7
    found = difference_of(sets, cells_of(values), classes_of(codes), donors)
    for node in range(4):
        means = pd.Series(mean_z(values, sets, node)).groupby([codes, donors]).mean()
        expected = stats.ttest_ind(means[0], means[1], equal_var=False)
        assert found.statistic[0, node] == pytest.approx(expected.statistic, rel=1e-3)
        assert found.p[0, node] == pytest.approx(expected.pvalue, rel=1e-3)


def test_nothing_is_said_of_constant_genes_and_lone_cells(data):
    values, _, sets = data
    constant = difference_of(sets, cells_of(np.ones_like(values)), classes_of(np.arange(90) % 2), None)
    assert np.isnan(constant.statistic).all()
    alone = difference_of(sets, cells_of(values), classes_of([1, *[0] * 89]), None)
    assert np.isnan(alone.statistic).all()


def test_decoys_have_the_sizes_and_the_levels_of_nodes():
    rng = np.random.default_rng(0)
    sets, levels = sets_of(rng, 50, [2, 7, 20]), np.arange(50.0)
    sets = sparse.csc_array(np.where(np.arange(50)[:, None] < 40, sets.toarray(), 0))  # ten genes feed nothing
    decoys = decoys_like(sets, levels, seed=1).toarray()
    assert decoys.shape[1] == 30_000 and not decoys[40:].any()
    pool = np.flatnonzero(sets.toarray().any(axis=1))
    blocks = np.array_split(pool, 10)
    of_nodes = {tuple(sets.toarray()[block, node].sum() for block in blocks) for node in range(3)}
    of_decoys = {tuple(column) for column in np.stack([decoys[block].sum(axis=0) for block in blocks], axis=1)}
    assert of_decoys == of_nodes
    np.testing.assert_array_equal(decoys, decoys_like(sets, levels, seed=1).toarray())
    # Within a level every gene is drawn alike.
    often = decoys[blocks[4]].sum(axis=1)
    if often.sum():
        assert stats.chisquare(often).pvalue > 1e-3


@given(st.integers(0, 1_000), st.integers(20, 300))
def test_the_excess_is_that_of_a_loop_over_nodes(seed, decoys):
    rng = np.random.default_rng(seed)
    sizes = np.concatenate([[3, 0, 8, 5], rng.choice([3, 5, 8], decoys)])
    statistic = rng.normal(size=len(sizes)) * np.sqrt(np.maximum(sizes, 1))
    found = excess_of(statistic, sizes, 4)
    assert np.isnan(found[1])
    if decoys <= 4_000:  # all of them are near
        own = statistic[4:]
        for node in (0, 2, 3):
            assert found[node] == pytest.approx((statistic[node] - own.mean()) / own.std(), rel=1e-6)


def test_the_false_discovery_rate_leaves_out_what_is_not_known():
    p = np.array([[0.01, np.nan, 0.03, 0.5], [np.nan] * 4])
    found = adjusted(p)
    np.testing.assert_allclose(found[0, [0, 2, 3]], stats.false_discovery_control([0.01, 0.03, 0.5]))
    assert np.isnan(found[0, 1]) and np.isnan(found[1]).all()


def planted(seed, shift):
    """400 cells, 600 genes with a common factor, 120 sets of 15 genes, of which 8 are higher in half of the cells."""
    rng = np.random.default_rng(seed)
    codes = np.arange(400) % 2
    values = rng.normal(size=(400, 600)) + 0.6 * rng.normal(size=(400, 1)) * rng.random(600)
    sets = sets_of(rng, 600, [15] * 120)
    true = np.asarray(sets[:, :8].sum(axis=1)).ravel() > 0
    values[codes == 1] += shift * true
    return values, codes, sets


@pytest.mark.parametrize("seed", [11, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (12, 13))])
def test_what_is_planted_is_found_and_nothing_else(seed):
    values, codes, sets = planted(seed, shift=1.0)
    levels = np.zeros(600)
    q = adjusted(evidence_of(sets, cells_of(values), classes_of(codes), levels).p)[1]
    overlap = np.asarray((sets.T @ sets[:, :8]).todense()).sum(axis=1)
    assert (q[:8] < 0.05).sum() >= 5
    assert not (q[overlap <= 3] < 0.05).any()  # as by chance
    rng = np.random.default_rng(seed)
    shuffled = evidence_of(sets, cells_of(values), classes_of(rng.permutation(codes)), levels)
    permuted = evidence_of(sets, cells_of(values[:, rng.permutation(600)]), classes_of(codes), levels)
    assert not (adjusted(shuffled.p) < 0.05).any() and not (adjusted(permuted.p) < 0.05).any()


def test_a_signal_in_all_genes_is_evidence_for_none():
    values, codes, sets = planted(5, shift=0.0)
    values[codes == 1] += 0.7 * (np.random.default_rng(5).random(600) < 0.3)
    found = evidence_of(sets, cells_of(values), classes_of(codes), np.zeros(600))
    assert (found.difference.p < 0.01).sum() > 100  # each alone would be called significant
    assert not (adjusted(found.p) < 0.05).any()


def test_genes_without_levels_are_not_sorted_into_any(data):
    _, _, sets = data
    decoys = decoys_like(sets, np.zeros(60), seed=0).toarray()
    four = decoys[:, decoys.sum(axis=0) == 4]
    assert stats.chisquare(four.sum(axis=1)).pvalue > 1e-3  # any gene, not those next to the node's
