"""What simple methods reach on the same cells: the numbers a network has to be compared with.

In: training and test matrices as the network reads them. Out: a table of scores.
Knows nothing of networks; the methods are scikit-learn's.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from keras_vnn.basics.errors import DataError

if TYPE_CHECKING:
    import pandas
    from numpy.typing import ArrayLike

__all__ = ["baseline_scores"]


def baseline_scores(
    x_train: ArrayLike, y_train: ArrayLike, x_test: ArrayLike, y_test: ArrayLike, *, seed: int
) -> pandas.DataFrame:
    """Train simple classifiers and score them on the test cells.

    Parameters
    ----------
    x_train, x_test
        Shape (cells, genes), as `align` gives them.
    y_train, y_test
        Codes or names of classes, (cells,).
    seed
        Seed of the logistic regression.

    Returns
    -------
    pandas.DataFrame
        A row for ``most frequent class``, ``nearest centroid`` (Euclidean) and ``logistic regression`` (L2, C = 1,
        at most 1,000 iterations); columns accuracy, balanced_accuracy, macro_f1, converged.

    Raises
    ------
    DataError
        Numbers of cells or genes differ, or the training cells are of one class.

    Examples
    --------
    >>> x, y = [[0.0], [0.1], [1.0], [1.1]], ["B", "B", "T", "T"]
    >>> baseline_scores(x, y, x, y, seed=1)["accuracy"].tolist()
    [0.5, 1.0, 1.0]
    """
    import numpy as np
    import pandas as pd
    from sklearn.dummy import DummyClassifier
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, f1_score, recall_score
    from sklearn.neighbors import NearestCentroid

    train, test = np.asarray(x_train), np.asarray(x_test)
    y, truth = np.asarray(y_train), np.asarray(y_test)
    if len(train) != len(y) or len(test) != len(truth) or train.shape[1:] != test.shape[1:]:
        raise DataError(
            f"Training {train.shape} with {len(y):,} labels and test {test.shape} with {len(truth):,} do not fit."
        )
    if len(np.unique(y)) < 2:
        raise DataError("The training cells are of one class: there is nothing to tell apart.")
    methods: dict[str, Any] = {
        "most frequent class": DummyClassifier(strategy="most_frequent"),
        "nearest centroid": NearestCentroid(),
        "logistic regression": LogisticRegression(max_iter=1000, random_state=seed),
    }
    rows = {}
    for name, method in methods.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            # A gene that is constant within every class makes scikit-learn doubt a statistic that is not used here.
            warnings.filterwarnings("ignore", message=".*within_class_std_dev_", category=UserWarning)
            predicted = method.fit(train, y).predict(test)
        rows[name] = {
            "accuracy": accuracy_score(truth, predicted),
            "balanced_accuracy": recall_score(
                truth, predicted, labels=np.unique(truth), average="macro", zero_division=0
            ),
            "macro_f1": f1_score(truth, predicted, average="macro", zero_division=0),
            "converged": not any(issubclass(one.category, ConvergenceWarning) for one in caught),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")
