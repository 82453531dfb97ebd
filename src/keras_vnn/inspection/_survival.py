"""Whether a model of survival orders its test cells better than chance, and than a Cox model without wiring.

In: follow-up and log hazards of the test cells, what the network reads. Out: a `SurvivalJudgement`.
"""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_vnn.basics.errors import counted
from keras_vnn.basics.showing import Shown
from keras_vnn.data import survival_metrics

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
