"""Whether a trained model is worth asking: its scores next to those of methods that know nothing of its wiring.

In: a model and the cells it was trained on. Out: a `Judgement`, or of survival a `SurvivalJudgement`, which prints as
sentences and is kept with the model.
"""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from keras_vnn.basics.errors import DataError, ModelError, counted
from keras_vnn.basics.keras_import import keras
from keras_vnn.basics.remedies import by_place, remedy
from keras_vnn.basics.showing import Shown
from keras_vnn.data import Classes, Split, SurvivalTimes, baseline_scores, survival_metrics
from keras_vnn.inspection._cells import Cells, cells_of, class_labels, evenly, known_split
from keras_vnn.inspection._record import values_of
from keras_vnn.models import ModelView, Survival, view

# More cells or genes than this make a logistic regression slow; it is then fitted to fewer.
_MOST_CELLS, _MOST_GENES = 2_000, 2_000
_LEVEL = 0.05


@dataclass(frozen=True, slots=True, repr=False)
class Judgement(Shown):
    """How well a classifier does on its test cells, and what else would.

    Attributes
    ----------
    cells
        Number of test cells.
    accuracy, training_accuracy
        Of the model on the test cells and on those of the training.
    most_frequent, nearest_centroid, logistic_regression
        Accuracy of these on the same test cells, fitted to the same cells of the training.
    genes, unconnected
        Numbers of genes, and of those that feed no node.
    dense_units
        Whether units without a name read all genes.
    """

    cells: int
    accuracy: float
    training_accuracy: float
    most_frequent: float
    nearest_centroid: float
    logistic_regression: float
    genes: int
    unconnected: int
    dense_units: bool

    @property
    def is_better(self) -> bool:
        """Whether the model is better than the most frequent class (binomial test, one-sided, 5 %)."""
        return is_better(self.accuracy, self.most_frequent, self.cells)

    def __str__(self) -> str:
        """Return sentences, with no more digits than the cells support."""
        digits = 2 if self.cells < 1_000 else 3
        low, high = scipy.stats.binomtest(round(self.accuracy * self.cells), self.cells).proportion_ci(method="wilson")
        lines = [
            f"test accuracy {self.accuracy:.{digits}f} of {counted(self.cells, 'cell')} (95 %: {low:.{digits}f} to "
            f"{high:.{digits}f}); most frequent class {self.most_frequent:.{digits}f}, nearest centroid "
            f"{self.nearest_centroid:.{digits}f}, logistic regression {self.logistic_regression:.{digits}f}"
        ]
        if not self.is_better:
            longer = remedy(
                "Train longer ({patience}, {epochs}), with another {learning_rate}, or on more cells.",
                "Train longer, with another learning rate, or on more cells.",
                **{"patience": ..., "epochs": ..., "learning_rate": ...},
            )
            lines.append(
                "That is not shown to be better than the most frequent class: the nodes learned nothing to explain.\n"
                + longer
            )
        elif max(self.nearest_centroid, self.logistic_regression) > high:
            lines.append("A method without wiring does better: what the nodes learned is not all there is to learn.")
        if self.training_accuracy > high + 0.05:
            narrowed = remedy(
                "More cells, {dropout} or {weight_decay} ({optimizer}) narrow the gap.",
                "More cells, dropout or weight decay narrow the gap.",
                **{"dropout": ..., "weight_decay": ..., "optimizer": "adamw"},
            )
            lines.append(
                f"In training it is {self.training_accuracy:.{digits}f}: it knows its cells by heart. {narrowed}"
            )
        if self.unconnected and not self.dense_units:
            dense = by_place("vnn build … --dense-units 100", "dense_units=100 of the architecture")
            lines.append(
                f"{self.unconnected:,} of {counted(self.genes, 'gene')} feed no node; another prior connects them, or "
                f"{dense} reads them without a name."
            )
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {**asdict(self), "is_better": self.is_better, "text": str(self)}


def judge(
    model: keras.Model,
    data: Any,
    labels: Any,
    *,
    split: Split | None = None,
    missing: str = "raise",
    batch_size: int = 512,
) -> Judgement | SurvivalJudgement:
    """Compare a model with methods without wiring, on its own split, and keep the answer with the model.

    They read what the model reads: the genes, and the covariates and the array next to them.

    Parameters
    ----------
    model
        A model of `train` that predicts classes or survival; it is changed.
    data, labels, missing, batch_size
        As in `tl.rank_nodes`: all cells it was trained with, in their order.
    split
        Which cells were used for what; found again from what the model remembers when ``None``.

    Raises
    ------
    DataError
        These are not the cells of the training, or none of them is a test cell.
    ModelError
        The model predicts neither classes nor survival.
    """
    seen = view(model)
    if not isinstance(seen.outputs, Classes | Survival):
        raise ModelError(
            "Only models of classes or survival are compared with other methods; scores of others: result.metrics"
        )
    cells = cells_of(seen, data, labels, missing=missing)
    if isinstance(seen.outputs, Survival) and not isinstance(labels, SurvivalTimes):
        raise DataError("Pass the follow-up of the cells as labels: vnn.pp.survival_of(data, time, event)")
    of: Any = cells.labels if isinstance(seen.outputs, Survival) else class_labels(seen.outputs, cells)
    parts = split or known_split(seen, of, cells)
    if parts is None or not len(parts.test):
        raise DataError(
            "The cells are not those that the model was trained and tested on.\n"
            "Pass all of them in their order, or the split: "
            "vnn.tl.judge(result.model, data, labels, split=result.split)"
        )
    train, test = parts.train, parts.test
    shown = np.concatenate([train, test])
    (scores,) = values_of(seen, seen.model.outputs, cells.at(shown), batch_size=batch_size)
    if isinstance(seen.outputs, Survival):
        some = evenly(train, _MOST_CELLS)
        of_some = np.isin(train, some)
        risks = scores[: len(train)][of_some], scores[len(train) :]
        fitted, tested = _what_is_read(cells, some, test)
        of_survival = judge_survival((of.values[some], risks[0], fitted), (of.values[test], risks[1], tested))
        seen.card.remember(judgement=of_survival.to_json())
        return of_survival
    codes = of.codes
    right = scores.argmax(axis=1) == codes[shown]
    others = _others(cells, codes, train, test)
    found = Judgement(
        cells=len(test),
        accuracy=float(right[len(train) :].mean()),
        training_accuracy=float(right[: len(train)].mean()),
        **others,
        genes=len(seen.architecture.genes),
        unconnected=len(seen.architecture.unconnected_genes),
        dense_units=any(layer.dense_units for layer in seen.architecture.hidden_layers),
    )
    seen.card.remember(judgement=found.to_json())
    return found


def is_better(accuracy: float, by_chance: float, cells: int) -> bool:
    """Return whether so many cells are told right more often than by chance (binomial test, one-sided, 5 %)."""
    return bool(scipy.special.bdtrc(round(accuracy * cells) - 1, cells, min(by_chance, 1.0)) < _LEVEL)


def untrained_warning(seen: ModelView) -> str | None:
    """Return what to say of a model whose test cells are not told better than by the most frequent class."""
    metrics = (seen.card.metadata.get("training") or {}).get("metrics") or {}
    index = metrics.get("c_index")
    if isinstance(seen.outputs, Survival) and index is not None:
        if is_above_chance(index, metrics["standard_error"]):
            return None
        return (
            f"The model is not shown to be better than chance: c-index {index:.2f} of "
            f"{counted(metrics['events'], 'event')} in {counted(metrics['cells'], 'test cell')}. What its nodes "
            "learned, and their use, mean nothing.\n"
            "Train on more cells or with more regularisation; evidence is of the genes alone."
        )
    table = metrics.get("confusion")
    if not isinstance(seen.outputs, Classes) or not table:
        return None
    cells = np.asarray(table["cells"], np.int64)
    total = int(cells.sum())
    if not total or is_better(float(np.trace(cells)) / total, float(cells.sum(axis=1).max()) / total, total):
        return None
    return (
        f"The model is not shown to be better than the most frequent class: of {counted(total, 'test cell')} "
        f"{np.trace(cells):,} are told right, {cells.sum(axis=1).max():,} are of that class. What its nodes learned, "
        "and their use, mean nothing.\n"
        "Train longer (patience, epochs), with another learning rate, or on more cells; evidence is of the genes "
        "alone."
    )


def _others(
    cells: Cells, codes: NDArray[np.int32], train: NDArray[np.intp], test: NDArray[np.intp]
) -> dict[str, float]:
    """Return the accuracy of methods without wiring, fitted to some of many cells."""
    some = evenly(train, _MOST_CELLS)
    fitted, tested = _what_is_read(cells, some, test)
    if len(np.unique(codes[some])) < 2:
        raise DataError("The cells of the training are of one class: there is nothing to tell apart.")
    found = baseline_scores(fitted, codes[some], tested, codes[test], seed=0)["accuracy"]
    return {
        "most_frequent": float(found["most frequent class"]),
        "nearest_centroid": float(found["nearest centroid"]),
        "logistic_regression": float(found["logistic regression"]),
    }


def _what_is_read(
    cells: Cells, some: NDArray[np.intp], test: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the genes, of many those that vary most, and what the model reads next to them."""
    fitted = np.asarray(cells.values[some], np.float32).reshape(len(some), -1)
    tested = np.asarray(cells.values[test], np.float32).reshape(len(test), -1)
    if fitted.shape[1] > _MOST_GENES:
        most = np.sort(np.argsort(-fitted.var(axis=0), kind="stable")[:_MOST_GENES])
        fitted, tested = fitted[:, most], tested[:, most]
    fitted, tested = (
        np.concatenate([genes, *(part[rows] for part in cells.side)], axis=1)
        for genes, rows in ((fitted, some), (tested, test))
    )
    return fitted, tested


# Of the Cox model without wiring: components of the genes, and the L2 penalty of lifelines, chosen once for all data.
_COMPONENTS, _PENALTY = 20, 0.1
_ONE_SIDED = 1.645


@dataclass(frozen=True, slots=True, repr=False)
class SurvivalJudgement(Shown):
    """How well a model of survival orders its test cells, and what else would.

    Attributes
    ----------
    cells, events
        Number of test cells, and of events among them.
    c_index, standard_error, training_c_index
        Harrell's concordance index on the test cells, its standard error, and the index on the cells of the training.
    cox
        The index of a Cox ridge regression on principal components; ``None`` where lifelines is not installed or could
        not fit it.
    """

    cells: int
    events: int
    c_index: float
    standard_error: float
    training_c_index: float
    cox: float | None

    @property
    def is_better(self) -> bool:
        """Whether the model is better than chance (one-sided, 5 %)."""
        return is_above_chance(self.c_index, self.standard_error)

    def __str__(self) -> str:
        """Return sentences."""
        low, high = (self.c_index + sign * 1.96 * self.standard_error for sign in (-1, 1))
        beside = (
            "pip install 'keras-vnn[survival]' adds a Cox regression"
            if self.cox is None
            else (f"Cox ridge regression on {_COMPONENTS} principal components {self.cox:.2f}")
        )
        lines = [
            f"test c-index {self.c_index:.2f} of {counted(self.events, 'event')} in {counted(self.cells, 'cell')} (95 "
            f"%: {low:.2f} to {high:.2f}); chance 0.50, {beside}"
        ]
        if not self.is_better:
            lines.append("That is not shown to be better than chance: the nodes learned nothing to explain.")
        elif self.cox is not None and self.cox > high:
            lines.append("A method without wiring does better: what the nodes learned is not all there is to learn.")
        if self.training_c_index > high + 0.05:
            lines.append(f"In training it is {self.training_c_index:.2f}: it knows its cells by heart.")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {**asdict(self), "is_better": self.is_better, "text": str(self)}


def is_above_chance(c_index: float, standard_error: float) -> bool:
    """Return whether an index is above 0.5 (one-sided, 5 %)."""
    return bool(c_index - _ONE_SIDED * standard_error > 0.5)


def judge_survival(
    train: tuple[NDArray[Any], NDArray[Any], NDArray[Any]], test: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
) -> SurvivalJudgement:
    """Return the judgement, of the cells of the training and the test.

    Parameters
    ----------
    train, test
        ``(cells, 2)`` times and events, ``(cells, 1)`` log hazards of the model, ``(cells, features)`` what it reads.
    """
    found = survival_metrics(*test[:2])
    risks = _cox_risks(train[0], train[2], test[2]) if importlib.util.find_spec("lifelines") else None
    return SurvivalJudgement(
        cells=found.cells,
        events=found.events,
        c_index=found.c_index,
        standard_error=found.standard_error,
        training_c_index=survival_metrics(*train[:2]).c_index,
        cox=None if risks is None else survival_metrics(test[0], risks).c_index,
    )


def _cox_risks(truth: NDArray[Any], fitted: NDArray[Any], tested: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return the log hazards of a Cox ridge regression on principal components; ``None`` if it does not converge."""
    import pandas as pd
    from lifelines import CoxPHFitter
    from lifelines.exceptions import ConvergenceError
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    count = min(_COMPONENTS, len(fitted) - 1, fitted.shape[1])
    components = make_pipeline(StandardScaler(), PCA(count, random_state=0, svd_solver="full"), StandardScaler())
    table = (
        pd.DataFrame(components.fit_transform(fitted)).rename(columns=str).assign(time=truth[:, 0], event=truth[:, 1])
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            cox = CoxPHFitter(penalizer=_PENALTY).fit(table, "time", "event")
        except ConvergenceError:
            return None
    return np.asarray(components.transform(tested) @ cox.params_.to_numpy())
