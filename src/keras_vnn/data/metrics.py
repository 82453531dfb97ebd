"""How good predictions are, on cells a model has not seen, and what simple methods reach on the same cells.

In: the truth, predictions, class names; training and test matrices. Out: immutable results that print and turn into
tables and JSON. Knows nothing of models; the numbers, and the simple methods, are those of scikit-learn and scipy.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from keras_vnn.basics.errors import DataError, counted
from keras_vnn.basics.showing import Shown
from keras_vnn.data.labels import Classes, Labels, Targets
from keras_vnn.data.survival import SurvivalMetrics, SurvivalTimes, survival_metrics


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClassificationMetrics(Shown):
    """How well classes were told apart.

    Attributes
    ----------
    cells
        Number of cells judged.
    accuracy
        Share of cells whose most probable class is the true one.
    balanced_accuracy
        Mean recall of the classes that occur in the truth.
    macro_f1
        Mean F1 of the classes that occur in truth or prediction.
    log_loss
        Mean negative logarithm of the probability of the true class.
    per_class
        DataFrame, a row per class: precision, recall, f1, support (cells of that class).
    confusion
        DataFrame (true class, predicted class) of numbers of cells.
    """

    cells: int
    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    log_loss: float
    per_class: pd.DataFrame
    confusion: pd.DataFrame

    def __str__(self) -> str:
        return (
            f"accuracy {self.accuracy:.3f}, balanced {self.balanced_accuracy:.3f}, macro F1 {self.macro_f1:.3f}, log "
            f"loss {self.log_loss:.3f} ({counted(self.cells, 'cell')})"
        )

    def _shown_parts(self) -> Iterable[str | pd.DataFrame]:
        yield str(self)
        yield self.per_class
        yield self.confusion.rename_axis(index="true \\ predicted")

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            **{
                name: getattr(self, name) for name in ("cells", "accuracy", "balanced_accuracy", "macro_f1", "log_loss")
            },
            "per_class": [{"class": name, **row} for name, row in self.per_class.to_dict("index").items()],
            "confusion": {"classes": list(self.confusion.index), "cells": self.confusion.to_numpy().tolist()},
        }


@dataclass(frozen=True, slots=True, repr=False)
class RegressionMetrics(Shown):
    """How well numbers were predicted; a correlation with something constant is NaN.

    Attributes
    ----------
    cells
        Number of cells judged.
    pearson, spearman
        Correlations of prediction and truth.
    r2
        Share of variance explained; below 0 when worse than the mean.
    mse
        Mean squared error.
    """

    cells: int
    pearson: float
    spearman: float
    r2: float
    mse: float

    def __str__(self) -> str:
        return (
            f"Pearson {self.pearson:.3f}, Spearman {self.spearman:.3f}, R² {self.r2:.3f}, MSE {self.mse:.4g} "
            f"({counted(self.cells, 'cell')})"
        )

    def to_json(self) -> dict[str, float | int | None]:
        """Return everything as plain JSON values, NaN as ``None``."""
        return {name: None if math.isnan(value) else value for name, value in asdict(self).items()}


def classification_metrics(
    y_true: Labels | ArrayLike, probabilities: ArrayLike, classes: Classes
) -> ClassificationMetrics:
    """Judge predicted probabilities of classes.

    Parameters
    ----------
    y_true
        `Labels`, integer codes or names of classes, (cells,).
    probabilities
        Shape (cells, classes), rows that sum to 1; or (cells,) or (cells, 1), the probability of the second of two
        classes.
    classes
        The classes, in the order of the columns.

    Raises
    ------
    DataError
        The shapes do not fit, there is no cell, or the numbers are not probabilities.

    Examples
    --------
    >>> judged = classification_metrics(["B", "T"], [[0.9, 0.1], [0.6, 0.4]], Classes(("B", "T")))
    >>> print(judged)
    accuracy 0.500, balanced 0.500, macro F1 0.333, log loss 0.511 (2 cells)
    >>> judged.confusion
    predicted  B  T
    true
    B          1  0
    T          1  0
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    codes, chances = _known_codes(y_true, classes), _probabilities(probabilities, classes)
    if len(codes) != len(chances):
        raise DataError(f"Got {counted(len(codes), 'true label')} and {counted(len(chances), 'row')} of probabilities.")
    predicted = chances.argmax(axis=1)
    labels = list(range(len(classes)))
    precision, recall, f1, support = precision_recall_fscore_support(codes, predicted, labels=labels, zero_division=0)
    names = list(classes)
    occurs = support > 0
    true_chance = np.maximum(chances[np.arange(len(codes)), codes], np.finfo(np.float32).eps)
    confusion = confusion_matrix(codes, predicted, labels=labels)
    return ClassificationMetrics(
        cells=len(codes),
        accuracy=float((predicted == codes).mean()),
        balanced_accuracy=float(recall[occurs].mean()),
        macro_f1=float(f1[occurs | np.isin(labels, predicted)].mean()),
        log_loss=float(-np.log(true_chance).mean()),
        per_class=pd.DataFrame(
            {"precision": precision, "recall": recall, "f1": f1, "support": support},
            index=pd.Index(names, name="class"),
        ),
        confusion=pd.DataFrame(
            confusion, index=pd.Index(names, name="true"), columns=pd.Index(names, name="predicted")
        ),
    )


def regression_metrics(y_true: ArrayLike, y_predicted: ArrayLike) -> RegressionMetrics:
    """Judge predicted numbers.

    Parameters
    ----------
    y_true, y_predicted
        Shape (cells,) or (cells, 1).

    Raises
    ------
    DataError
        The shapes differ or hold several targets, there are fewer than two cells, or a number is not finite.

    Examples
    --------
    >>> print(regression_metrics([1.0, 2.0, 3.0], [1.0, 2.0, 6.0]))
    Pearson 0.945, Spearman 1.000, R² -3.500, MSE 3 (3 cells)
    """
    from scipy.stats import pearsonr, spearmanr
    from sklearn.metrics import mean_squared_error, r2_score

    true, predicted = _one_target(y_true, "true"), _one_target(y_predicted, "predicted")
    if len(true) != len(predicted) or len(true) < 2:
        raise DataError(
            f"There are {len(true):,} true and {counted(len(predicted), 'predicted number')}, expected two or more."
        )
    varies = bool(np.ptp(true) > 0 and np.ptp(predicted) > 0)
    return RegressionMetrics(
        cells=len(true),
        pearson=float(pearsonr(true, predicted).statistic) if varies else math.nan,
        spearman=float(spearmanr(true, predicted).statistic) if varies else math.nan,
        r2=float(r2_score(true, predicted)) if np.ptp(true) > 0 else math.nan,
        mse=float(mean_squared_error(true, predicted)),
    )


def _known_codes(y_true: Any, classes: Classes) -> Any:
    if isinstance(y_true, Labels):
        return classes.encode(y_true)
    given = np.asarray(y_true)
    if given.dtype.kind not in "iu":
        return classes.encode(given)
    classes.decode(given)
    return given.reshape(-1)


def _probabilities(given: ArrayLike, classes: Classes) -> Any:
    chances = np.asarray(given, dtype=np.float64)
    if len(classes) == 2 and (chances.ndim == 1 or chances.shape[1:] == (1,)):
        second = chances.reshape(-1)
        chances = np.column_stack([1 - second, second])
    if chances.ndim != 2 or chances.shape[1] != len(classes) or not len(chances):
        raise DataError(f"Probabilities must have shape (cells, classes) = (…, {len(classes)}), got {np.shape(given)}.")
    if not np.isfinite(chances).all():
        raise DataError("Probabilities are NaN or infinite. Did the training diverge? Try a smaller learning rate.")
    if chances.min() < 0 or np.abs(chances.sum(axis=1) - 1).max() > 1e-2:
        raise DataError(
            f"The rows are not probabilities: they sum to {chances.sum(axis=1).min():.3g} and more, the smallest "
            f"number is {chances.min():.3g}.\nAre they logits? Apply keras.ops.softmax first."
        )
    return chances / chances.sum(axis=1, keepdims=True)


def _one_target(given: ArrayLike, what: str) -> Any:
    numbers = np.asarray(given, dtype=np.float64)
    if numbers.ndim == 2 and numbers.shape[1] == 1:
        numbers = numbers[:, 0]
    if numbers.ndim != 1:
        raise DataError(
            f"The {what} numbers must have shape (cells,), got {numbers.shape}. Judge each target by itself."
        )
    if not np.isfinite(numbers).all():
        raise DataError(f"{int((~np.isfinite(numbers)).sum()):,} of {numbers.size:,} {what} numbers are not finite.")
    return numbers


def baseline_scores(
    x_train: ArrayLike, y_train: ArrayLike, x_test: ArrayLike, y_test: ArrayLike, *, seed: int
) -> pd.DataFrame:
    """Train simple classifiers and score them on the test cells.

    Parameters
    ----------
    x_train, x_test
        Shape (cells, genes), as `pp.align` gives them.
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
    from sklearn.dummy import DummyClassifier
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, f1_score, recall_score
    from sklearn.neighbors import NearestCentroid

    train, test = np.asarray(x_train), np.asarray(x_test)
    y, truth = np.asarray(y_train), np.asarray(y_test)
    if len(train) != len(y) or len(test) != len(truth) or train.shape[1:] != test.shape[1:]:
        raise DataError(
            f"Training {train.shape} with {counted(len(y), 'label')} and test {test.shape} with {len(truth):,} do not "
            "fit."
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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TargetMetrics(Shown):
    """How well several numbers were predicted.

    Attributes
    ----------
    by_target
        The scores of each, by its name.
    """

    by_target: Mapping[str, RegressionMetrics]

    def __str__(self) -> str:
        return "; ".join(f"{name}: {metrics}" for name, metrics in self.by_target.items())

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {name: metrics.to_json() for name, metrics in self.by_target.items()}


@dataclass(frozen=True, slots=True, repr=False)
class ReconstructionMetrics(Shown):
    """How well an autoencoder restored genes of cells it had not seen.

    Attributes
    ----------
    squared_error
        Sum over genes of the squared difference, averaged over cells.
    explained
        Share of the variance over cells that is restored, all genes together: 1 less the squared error over the
        squared distance from the mean of each gene. ``None`` where no gene varies.
    genes
        Number of genes.
    log_likelihood
        Of the counts of a cell, in nats, averaged over cells; ``None`` where genes are not restored as counts. The
        others are then of ``log(1 + count)``.
    """

    squared_error: float
    explained: float | None
    genes: int
    log_likelihood: float | None = None

    def __str__(self) -> str:
        share = "nothing varies among" if self.explained is None else f"{100 * self.explained:.1f} % of the variance of"
        end = "" if self.explained is None else " restored"
        first = "" if self.log_likelihood is None else f"log-likelihood {self.log_likelihood:.6g} a cell; "
        return f"{first}squared error {self.squared_error:.4g} a cell; {share} {counted(self.genes, 'gene')}{end}"

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values, the log-likelihood where there is one."""
        return {name: value for name, value in asdict(self).items() if name != "log_likelihood" or value is not None}


Metrics = ClassificationMetrics | ReconstructionMetrics | RegressionMetrics | SurvivalMetrics | TargetMetrics


def reconstruction_metrics(parts: Iterable[tuple[NDArray[Any], NDArray[Any]]]) -> ReconstructionMetrics:
    """Return how well ``(cells, genes)`` were restored; truth and what was restored come in parts, by cells."""
    cells, genes, error = 0, 0, 0.0
    first: Any = None
    total: Any = 0.0
    squares: Any = 0.0
    for truth, restored in parts:
        wide = np.asarray(truth, np.float64)
        error += float(np.square(wide - restored).sum())
        # Less the first cell, so that squares of large numbers that hardly differ are not taken from each other.
        first = wide[0] if first is None else first
        total = total + (wide - first).sum(axis=0)
        squares = squares + np.square(wide - first).sum(axis=0)
        cells, genes = cells + len(wide), wide.shape[1]
    spread = float((squares - np.square(total) / cells).sum())
    return ReconstructionMetrics(error / cells, 1 - error / spread if spread > 0 else None, genes)


def scores(known: Labels | Targets, truth: NDArray[Any], predicted: NDArray[Any]) -> Metrics:
    """Return the scores that fit what was predicted."""
    if isinstance(known, Labels):
        return classification_metrics(truth, predicted, known.classes)
    if isinstance(known, SurvivalTimes):
        return survival_metrics(truth, predicted)
    by_target = {name: regression_metrics(truth[:, i], predicted[:, i]) for i, name in enumerate(known.names)}
    return TargetMetrics(by_target) if len(by_target) > 1 else by_target[known.names[0]]


_SMALLER = ("loss", "log_loss", "mse", "squared_error")


def is_better_when_smaller(measure: str) -> bool:
    """Return whether a measure is to be small."""
    return measure in _SMALLER


def named(measure: str) -> str:
    """Return a measure as people write it."""
    return measure.replace("_", " ")


def numbers_of(scores: Mapping[str, Any]) -> dict[str, float]:
    """Return the scores that are numbers; of several targets, their means; those that are not defined as NaN.

    Examples
    --------
    >>> numbers_of({"cells": 9, "r2": 0.5, "pearson": None, "confusion": {}})
    {'r2': 0.5, 'pearson': nan}
    >>> numbers_of({"AUC": {"cells": 9, "r2": 0.5}, "IC50": {"cells": 9, "r2": 0.25}})
    {'r2': 0.375}
    """
    if all(isinstance(part, Mapping) for part in scores.values()):
        parts = [numbers_of(part) for part in scores.values()]
        return {name: sum(part[name] for part in parts) / len(parts) for name in parts[0]}
    return {
        name: math.nan if value is None else float(value)
        for name, value in scores.items()
        if name not in ("cells", "events") and (value is None or isinstance(value, int | float))
    }
