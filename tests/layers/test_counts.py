"""How likely counts are, against scipy and by hand, on whatever backend Keras runs on."""

import keras
import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from keras_vnn.layers import CountLikelihood, nb_log_likelihood, zinb_log_likelihood

RNG = np.random.default_rng(0)
# Zeros, huge counts, tiny and huge dispersions and means, and what is usual.
HARD = np.array(
    [
        *[(0, 0, 0), (0, 5, 15.9), (1, 0, -15.9), (5, 2, 3), (1e5, 11, 0), (1e6, 14, 15)],
        *[(3, -20, -15), (1e6, -5, -10), (0, -30, 0), (1, -15, 0), (0, 14, -16), (0, 14, 16)],
    ]
)
USUAL = np.column_stack([RNG.poisson(RNG.gamma(0.5, 20, 60)), RNG.normal(1, 2, 60), RNG.normal(0, 3, 60)])


def numbers(tensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)


def tensors(columns) -> list:
    return [keras.ops.convert_to_tensor(np.asarray(column, "float32")) for column in columns]


def by_scipy(count, log_mean, log_dispersion) -> np.ndarray:
    mean, dispersion = np.exp(log_mean), np.exp(log_dispersion)
    return stats.nbinom.logpmf(count, dispersion, dispersion / (dispersion + mean))


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-8), ("float32", 2e-4)])
@pytest.mark.parametrize("values", [HARD, USUAL], ids=["hard", "usual"])
def test_negative_binomial_by_scipy(values, dtype, tolerance) -> None:
    found = numbers(nb_log_likelihood(*(keras.ops.convert_to_tensor(column.astype(dtype)) for column in values.T)))
    if found.dtype != dtype:
        pytest.skip("JAX computes in single precision unless it is told otherwise")
    np.testing.assert_allclose(found, by_scipy(*values.T), rtol=tolerance, atol=tolerance)


def test_zeros_of_their_own_by_hand() -> None:
    count, log_mean, log_dispersion = USUAL.T
    share = 0.3
    counted = np.exp(by_scipy(count, log_mean, log_dispersion))
    expected = np.log(np.where(count == 0, share + (1 - share) * counted, (1 - share) * counted))
    logit = np.full(len(count), np.log(share / (1 - share)))
    found = numbers(zinb_log_likelihood(*tensors([*USUAL.T, logit])))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_without_overdispersion_it_is_poisson() -> None:
    count, log_mean = np.arange(20.0), np.full(20, np.log(4))
    found = numbers(nb_log_likelihood(*tensors([count, log_mean, np.full(20, 99.0)])))
    np.testing.assert_allclose(found, stats.poisson.logpmf(count, 4), atol=1e-4)


@pytest.mark.parametrize("zero_inflated", [False, True])
def test_slopes_are_finite_where_numbers_are_extreme(zero_inflated) -> None:
    """One step of training on cells without counts, with a million of one gene, and by every dispersion."""
    layer = CountLikelihood(zero_inflated=zero_inflated, name="likelihood")
    counts, decoded = (keras.Input((4,)) for _ in range(2))
    model = keras.Model([counts, decoded], layer([counts, decoded])[0])
    model.compile(keras.optimizers.SGD(1e-12))
    layer.log_dispersion.assign([-40.0, -10.0, 0.0, 40.0])
    rows = np.log1p([[0, 0, 0, 0], [1e6, 0, 1, 2], [0, 1e6, 0, 1e6], [1, 1, 1, 1]]).astype("float32")
    moved = np.array([[0, 0, 0, 0], [-80, 80, 0, 0], [80, 0, -80, 0], [0, 0, 0, 80]], "float32")
    loss = model.fit([rows, moved], rows, epochs=1, verbose=0).history["loss"][0]
    assert np.isfinite(loss)
    assert all(np.isfinite(numbers(weight)).all() for weight in model.trainable_weights)


def test_expected_counts_share_out_the_library(tmp_path) -> None:
    layer = CountLikelihood(zero_inflated=True, name="likelihood")
    counts = np.array([[3.0, 0, 5], [0, 0, 0]], "float32")
    decoded = np.array([[0.0, 1, 0], [0, 0, 0]], "float32")
    layer([np.log1p(counts), decoded])
    layer.level.assign(np.log([1.0, 2.0, 4.0]))
    layer.log_dispersion.assign([0.0, 1.0, 2.0])
    restored, likely = map(numbers, layer([np.log1p(counts), decoded]))
    share = np.array([1, 2 * np.e, 4]) / (5 + 2 * np.e)
    zeros = expit(-4.0)
    np.testing.assert_allclose(np.expm1(restored[0]), (1 - zeros) * 8 * share, rtol=1e-5)
    each = np.exp(by_scipy(counts[0], np.log(8 * share), np.array([0.0, 1.0, 2.0])))
    each = np.where(counts[0] == 0, zeros + (1 - zeros) * each, (1 - zeros) * each)
    np.testing.assert_allclose(likely, [np.log(each).sum(), 0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(numbers(layer.losses[0]), -likely.mean(), rtol=1e-6)
    again = CountLikelihood.from_config(layer.get_config())
    assert again.zero_inflated
    assert again.compute_output_shape([(None, 3), (None, 3)]) == ((None, 3), (None,))
