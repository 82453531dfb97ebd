"""scikit-learn's own list of checks of an estimator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from keras_vnn.architecture import Architecture
from keras_vnn.architecture.wiring import interaction_architecture
from keras_vnn.estimators import VNNAutoencoder, VNNClassifier, VNNEmbedder, VNNRegressor
from keras_vnn.priors import Interactions

with pytest.MonkeyPatch.context() as patch:
    patch.setenv("SCIPY_ARRAY_API", "1")  # scikit-learn 1.6 wants it where array-api-compat is installed
    from sklearn.utils.estimator_checks import estimator_checks_generator

OPTIONS = {"epochs": 20, "patience": 0, "learning_rate": 0.05, "batch_size": 16, "random_state": 0}

# What does not hold, and why; docs/howto/scikit-learn.md says the same.
EXPECTED_FAILED_CHECKS = {
    "check_sample_weight_equivalence_on_dense_data": "a cell twice is in two batches, a cell of weight 2 in one",
    "check_sample_weight_equivalence_on_sparse_data": "a cell twice is in two batches, a cell of weight 2 in one",
    "check_fit2d_1feature": "one gene has no neighbour: the wiring refuses it before the network is built",
}
# Some of each kind, for every run: parameters, input that is refused, columns, pickles. The rest is slow.
REPRESENTATIVE = {
    "check_estimator_cloneable",
    "check_parameters_default_constructible",
    "check_no_attributes_set_in_init",
    "check_set_params",
    "check_estimators_unfitted",
    "check_estimators_pickle",
    "check_n_features_in_after_fitting",
    "check_fit1d",
}


def neighbours(names: Sequence[str]) -> Architecture:
    """Wire each column with the next: a prior for columns that mean nothing."""
    ring = Interactions.from_pairs(list(names), [*names[1:], names[0]])
    return interaction_architecture(list(names), ring, dense_units=8)


def checks() -> list[Any]:
    found = []
    for kind in (VNNClassifier, VNNRegressor, VNNEmbedder, VNNAutoencoder):
        further = {"encoder": (8,)} if kind is VNNAutoencoder else {}
        pairs = estimator_checks_generator(
            kind(neighbours, **OPTIONS, **further), expected_failed_checks=EXPECTED_FAILED_CHECKS, mark=None
        )
        for estimator, check in pairs:
            name = getattr(check, "func", check).__name__
            reason = EXPECTED_FAILED_CHECKS.get(name)
            marks = [pytest.mark.xfail(reason=reason)] if reason else []
            if name not in REPRESENTATIVE:
                marks.append(pytest.mark.slow)
            found.append(pytest.param(estimator, check, marks=marks, id=f"{kind.__name__}-{len(found)}-{name}"))
    return found


@pytest.mark.parametrize(("estimator", "check"), checks())
def test_scikit_learn_accepts(estimator: Any, check: Any) -> None:
    check(estimator)
