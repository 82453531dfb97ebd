"""What trained nodes know of other cells, against scikit-learn and SciPy."""

import numpy as np
import pytest
from scipy import sparse, stats

from keras_vnn.inspection._evidence import Groups
from keras_vnn.inspection._learned import learned_by, learned_rate
from keras_vnn.inspection._node_table import best_gene

RNG = np.random.default_rng(8)
CODES = RNG.integers(0, 3, 120)
UNITS = RNG.normal(size=(120, 7)).astype(np.float32)
UNITS[:, 1] += CODES == 1
UNITS[:, 5] = 0
FITTED, TESTED = np.arange(0, 120, 2), np.arange(1, 120, 2)
CLASSES = Groups(np.eye(3)[CODES], are_classes=True)


def test_one_unit_is_mann_and_whitneys_test_in_the_direction_of_the_other_cells():
    found = learned_by(UNITS, np.ones(7, int), CLASSES, FITTED, TESTED)
    for unit in (0, 1, 2):
        for code in range(3):
            train, test = CODES[FITTED] == code, CODES[TESTED] == code
            values = UNITS[FITTED, unit]
            sign = np.sign(values[train].mean() - values[~train].mean())
            score = sign * UNITS[TESTED, unit]
            expected = stats.mannwhitneyu(score[test], score[~test], method="asymptotic", use_continuity=False)
            z = stats.norm.isf(expected.pvalue / 2) * np.sign(expected.statistic - test.sum() * (~test).sum() / 2)
            assert found[code, unit] == pytest.approx(z, abs=1e-6)
    assert (found[:, 5] == 0).all()


def test_several_units_are_a_shrunken_discriminant():
    from sklearn.covariance import shrunk_covariance

    found = learned_by(UNITS, np.array([3, 4]), CLASSES, FITTED, TESTED)
    x, y = UNITS[FITTED, :3].astype(float), CODES[FITTED]
    within = np.concatenate([x[y == code] - x[y == code].mean(axis=0) for code in range(3)])
    covariance = within.T @ within / len(x)
    mu = np.trace(covariance) / 3
    assert np.allclose(shrunk_covariance(covariance, shrinkage=0.1), 0.9 * covariance + 0.1 * mu * np.eye(3))
    direction = np.linalg.solve(covariance + 0.1 * mu * np.eye(3), x[y == 1].mean(axis=0) - x[y != 1].mean(axis=0))
    score, test = UNITS[TESTED, :3] @ direction, CODES[TESTED] == 1
    z = stats.norm.isf(
        stats.mannwhitneyu(
            score[test], score[~test], use_continuity=False, alternative="greater", method="asymptotic"
        ).pvalue
    )
    assert found[1, 0] == pytest.approx(z, abs=1e-6)
    assert z > 2


def test_a_number_is_spearmans_correlation():
    target = RNG.normal(size=(120, 1)) + UNITS[:, [0]]
    found = learned_by(UNITS, np.ones(7, int), Groups(target, are_classes=False), FITTED, TESTED)
    rho = stats.spearmanr(UNITS[TESTED, 0], target[TESTED, 0]).statistic
    assert found[0, 0] == pytest.approx(rho * np.sqrt(59), abs=1e-6)
    assert found[0, 5] == 0


def test_a_class_of_one_part_only_is_not_tested():
    only = Groups(np.eye(2)[(np.arange(120) >= 119).astype(int)], are_classes=True)
    assert (learned_by(UNITS, np.ones(7, int), only, np.arange(60), np.arange(60, 119)) == 0).all()


def test_a_node_stands_out_from_those_of_like_size():
    z = np.random.default_rng(0).normal(6.0, 1.0, size=(1, 80))
    z[0, 3] = 14.0
    p = learned_rate(z, np.full(80, 10))
    assert p[0].argmin() == 3 and p[0, 3] < 1e-4 and np.median(p) > 0.3
    few = learned_rate(z[:, :5], np.full(5, 10))
    np.testing.assert_allclose(few, stats.norm.sf(z[:, :5]))


def test_the_best_gene_of_a_node():
    upstream = sparse.csc_array(np.array([[1, 0, 1], [1, 1, 0], [0, 1, 0.0]]))
    np.testing.assert_array_equal(best_gene(upstream, np.array([2.0, -1.0, -3.0])), [2.0, 0.0, 2.0])
