import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from keras_vnn.basics.errors import DataError
from keras_vnn.data import (
    Classes,
    align,
    baseline_scores,
    classification_metrics,
    folds,
    labels_of,
    read_expression,
    regression_metrics,
)

DATA = Path(__file__).parents[2] / "data"
KNOWN = Classes(("B", "NK", "T"))
TRUE = np.array([0, 0, 2, 2, 2])
CHANCES = np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4], [0.6, 0.2, 0.2]])


def test_classification_by_hand():
    judged = classification_metrics(TRUE, CHANCES, KNOWN)
    assert judged.accuracy == 0.6
    assert judged.balanced_accuracy == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert judged.macro_f1 == pytest.approx((1 / 2 + 0 + 4 / 5) / 3)
    assert judged.confusion.to_dict("index") == {
        "B": {"B": 1, "NK": 1, "T": 0},
        "NK": {"B": 0, "NK": 0, "T": 0},
        "T": {"B": 1, "NK": 0, "T": 2},
    }
    assert judged.log_loss == pytest.approx(-np.log([0.8, 0.2, 0.8, 0.4, 0.2]).mean())
    assert judged.per_class.loc["T"].tolist() == pytest.approx([1, 2 / 3, 0.8, 3])
    assert str(judged) == "accuracy 0.600, balanced 0.583, macro F1 0.433, log loss 0.916 (5 cells)"


def test_classification_is_that_of_scikit_learn():
    random = np.random.default_rng(1)
    true = random.integers(0, 3, 200)
    chances = random.dirichlet(np.ones(3), 200)
    judged = classification_metrics(true, chances, KNOWN)
    predicted = chances.argmax(axis=1)
    assert judged.accuracy == pytest.approx(metrics.accuracy_score(true, predicted))
    assert judged.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(true, predicted))
    assert judged.macro_f1 == pytest.approx(metrics.f1_score(true, predicted, average="macro"))
    assert judged.log_loss == pytest.approx(metrics.log_loss(true, chances))


def test_names_labels_and_one_column_of_probabilities():
    two = Classes(("B", "T"))
    by_code = classification_metrics([0, 1], [0.1, 0.3], two)
    for true in (["B", "T"], labels_of(pd.DataFrame({"t": ["B", "T"]}), "t")):
        assert classification_metrics(true, [[0.1], [0.3]], two).to_json() == by_code.to_json()
    assert by_code.confusion.to_numpy().tolist() == [[1, 0], [1, 0]]


def test_json_is_plain():
    fields = classification_metrics(TRUE, CHANCES, KNOWN).to_json()
    assert json.loads(json.dumps(fields)) == fields
    assert fields["per_class"][0] == {"class": "B", "precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2}
    assert fields["confusion"] == {"classes": ["B", "NK", "T"], "cells": [[1, 1, 0], [0, 0, 0], [1, 0, 2]]}


def test_a_certain_mistake_is_finite():
    assert classification_metrics([0], [[0.0, 1.0]], Classes(("B", "T"))).log_loss == pytest.approx(15.94, abs=0.01)


ERRORS = {
    "logits": (
        lambda: classification_metrics([0], [[3.0, -1.0, 1.0]], KNOWN),
        "The rows are not probabilities: they sum to 3 and more, the smallest number is -1.\n"
        "Are they logits? Apply keras.ops.softmax first.",
    ),
    "shape": (
        lambda: classification_metrics([0], [[0.5, 0.5]], KNOWN),
        "Probabilities must have shape (cells, classes) = (…, 3), got (1, 2).",
    ),
    "lengths": (
        lambda: classification_metrics([0], CHANCES, KNOWN),
        "Got 1 true label and 5 rows of probabilities.",
    ),
    "NaN": (
        lambda: classification_metrics(TRUE, CHANCES * np.nan, KNOWN),
        "Probabilities are NaN or infinite. Did the training diverge? Try a smaller learning rate.",
    ),
    "several targets": (
        lambda: regression_metrics(np.ones((3, 2)), np.ones((3, 2))),
        "The true numbers must have shape (cells,), got (3, 2). Judge each target by itself.",
    ),
    "regression NaN": (
        lambda: regression_metrics([1.0, 2.0], [1.0, np.nan]),
        "1 of 2 predicted numbers are not finite.",
    ),
    "regression lengths": (
        lambda: regression_metrics([1.0, 2.0], [1.0]),
        "There are 2 true and 1 predicted number, expected two or more.",
    ),
    "baseline shapes": (
        lambda: baseline_scores([[1.0]], [0], [[1.0, 2.0]], [0], seed=1),
        "Training (1, 1) with 1 label and test (1, 2) with 1 do not fit.",
    ),
    "baseline class": (
        lambda: baseline_scores([[1.0]], [0], [[1.0]], [0], seed=1),
        "The training cells are of one class: there is nothing to tell apart.",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    act, expected = ERRORS[case]
    with pytest.raises(DataError) as error:
        act()
    assert str(error.value) == expected


def test_regression_by_hand():
    judged = regression_metrics([1.0, 2.0, 3.0], [[1.0], [2.0], [6.0]])
    assert judged.mse == 3 and judged.r2 == -3.5 and judged.spearman == pytest.approx(1)
    assert judged.pearson == pytest.approx(np.corrcoef([1, 2, 3], [1, 2, 6])[0, 1])


def test_regression_of_a_constant():
    fields = regression_metrics([1.0, 2.0], [1.0, 1.0]).to_json()
    assert fields == {"cells": 2, "pearson": None, "spearman": None, "r2": -1.0, "mse": 0.5}


def nearest_centroid(adata, labels):
    x = align(adata, adata.var_names)
    scores = [
        baseline_scores(x[s.train], labels.codes[s.train], x[s.test], labels.codes[s.test], seed=1)
        for s in folds(labels, 5, seed=1, validation=0)
    ]
    return sum(scores) / 5


@pytest.mark.slow
def test_baselines_of_pbmc68k():
    adata = read_expression(DATA / "pbmc68k_reduced.h5ad")
    mean = nearest_centroid(adata, labels_of(adata, "bulk_labels"))
    assert mean.loc["nearest centroid", "accuracy"] == pytest.approx(0.792, abs=0.02)
    assert mean.loc["nearest centroid", "balanced_accuracy"] == pytest.approx(0.704, abs=0.05)
    assert mean.loc["most frequent class", "accuracy"] < 0.5 < mean.loc["logistic regression", "accuracy"]


@pytest.mark.slow
def test_baselines_of_kang():
    adata = read_expression(DATA / "kang_ifnb_cd4t_expression.csv.gz", cells=DATA / "kang_ifnb_cd4t_cells.csv")
    mean = nearest_centroid(adata, labels_of(adata, "condition"))
    assert mean.loc["nearest centroid", "accuracy"] == pytest.approx(0.983, abs=0.005)
    assert mean.loc["logistic regression", "accuracy"] > 0.97
