"""The concordance loss against the coefficient's definition."""

import keras
import numpy as np
import pytest

from keras_vnn.layers import Concordance


def coefficient(a, b):
    """Lin 1989: 2 cov / (var + var + squared difference of the means)."""
    covariance = ((a - a.mean()) * (b - b.mean())).mean()
    return 2 * covariance / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)


def test_it_is_one_minus_the_coefficient():
    rng = np.random.default_rng(0)
    truth = rng.normal(2, 1, (50, 1)).astype("float32")
    predicted = (0.5 * truth + rng.normal(0, 1, (50, 1))).astype("float32")
    assert float(Concordance()(truth, predicted)) == pytest.approx(1 - coefficient(truth, predicted), rel=1e-5)


def test_several_outputs_and_heads_are_averaged():
    rng = np.random.default_rng(1)
    truth, predicted = rng.normal(size=(2, 30, 4, 2)).astype("float32")
    expected = np.mean([[1 - coefficient(truth[:, i, j], predicted[:, i, j]) for j in range(2)] for i in range(4)])
    assert float(Concordance()(truth, predicted)) == pytest.approx(expected, rel=1e-5)


def test_constant_predictions_are_no_division_by_zero():
    ones = np.ones((5, 1), "float32")
    assert float(Concordance()(ones, ones)) == 0
    assert np.isfinite(float(Concordance()(ones, 2 * ones)))


def test_config_round_trip():
    loss = keras.losses.deserialize(keras.losses.serialize(Concordance(epsilon=0.5)))
    assert isinstance(loss, Concordance)
    assert loss.epsilon == 0.5
