"""Survival: how long each cell, or patient, was followed and whether an event ended that; and how well it is predicted.

In: two columns of a cell table; predicted log hazards. Out: `SurvivalTimes`, which are learned as `Targets` are, and
`SurvivalMetrics`. Knows nothing of models.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from keras_vnn.basics.errors import DataError, counted, sample
from keras_vnn.basics.showing import Shown
from keras_vnn.data.labels import Targets, column_of, targets_of

# Pairs of cells that are compared at once.
_PAIRS = 2**24


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SurvivalTimes(Targets):
    """Follow-up of each cell: a time, and whether the event came then (1) or the cell was censored (0).

    Attributes
    ----------
    names
        The columns of time and event.
    values
        float32 ``(cells with both, 2)``: time, event.
    """

    usual_score: ClassVar[str] = "c_index"

    def __str__(self) -> str:
        missing = f"; {counted(self.n_missing, 'cell')} without both left out" if self.n_missing else ""
        return (
            f"{', '.join(self.names)}: {counted(int(self.strata.sum()), 'event')} in "
            f"{counted(len(self), 'cell')}{missing}"
        )

    @property
    def strata(self) -> NDArray[np.int32]:
        """Whether each cell had the event, ``(cells,)``: a split has its share of events in every part."""
        return self.values[:, 1].astype(np.int32)


def survival_of(data: Any, time: str, event: str, *, missing_labels: str = "raise") -> SurvivalTimes:
    """Return the follow-up that stands in two columns of the cell table, to be predicted as a log hazard.

    Parameters
    ----------
    data
        AnnData, or the DataFrame of its cells.
    time
        Column with the time to the event or to the end of the follow-up, in any unit, above 0.
    event
        Column that is 1 or true where the event came, 0 or false where the cell was censored.
    missing_labels
        ``"raise"``, or ``"drop"`` to leave out cells that lack either.

    Raises
    ------
    DataError
        What `pp.targets_of` raises; a time is not above 0, an event is neither 0 nor 1, or there is no event.

    Examples
    --------
    >>> import pandas as pd
    >>> print(survival_of(pd.DataFrame({"months": [5.0, 8.0, 2.5], "died": [1, 0, 1]}), "months", "died"))
    months, died: 2 events in 3 cells
    """
    found = targets_of(data, (time, event), missing_labels=missing_labels)
    cells = column_of(data, time)[0].index[found.cells].astype(str)
    times, events = found.values.T
    for wrong, what in (
        (times <= 0, f"a time in {time!r} that is not above 0"),
        ((events != 0) & (events != 1), f"a value in {event!r} that is neither 0 (censored) nor 1 (event)"),
    ):
        if wrong.any():
            raise DataError(f"{wrong.sum():,} of {counted(len(wrong), 'cell')} have {what}: {sample(cells[wrong])}.")
    if not events.any():
        raise DataError(f"No cell has the event: {event!r} is 0 for all {len(events):,}. 1 stands for the event.")
    return SurvivalTimes(found.names, found.values, found.cells, found.n_missing)


def null_residuals(truth: ArrayLike) -> NDArray[np.float64]:
    """Return ``(cells,)`` martingale residuals of the model without covariates: events less those expected.

    Expected by then is the Nelson-Aalen estimate of the cumulative hazard at the cell's time. The sum of a covariate
    times these is its score in the Cox model (ties by Breslow), so that its correlation with them is the score test.

    Parameters
    ----------
    truth
        ``(cells, 2)``: time, event.

    References
    ----------
    Therneau, Grambsch & Fleming 1990, Biometrika 77:147, doi:10.1093/biomet/77.1.147.

    Examples
    --------
    >>> null_residuals([[1.0, 1], [2.0, 0], [3.0, 1]]).round(3).tolist()  # hazards 1/3 at 1, and 1 at 3
    [0.667, -0.333, -0.333]
    """
    times, events = np.asarray(truth, np.float64).T
    different, place = np.unique(times, return_inverse=True)
    died = np.bincount(place, events, minlength=len(different))
    at_risk = np.bincount(place, minlength=len(different))[::-1].cumsum()[::-1]
    return np.asarray(events - np.cumsum(died / at_risk)[place])


@dataclass(frozen=True, slots=True, repr=False)
class SurvivalMetrics(Shown):
    """How well log hazards order cells by their survival; NaN where no two cells can be compared.

    Attributes
    ----------
    cells, events
        Number of cells judged, and of events among them.
    c_index
        Harrell's concordance index: of the pairs whose order of events is known, the share in which the cell with the
        higher log hazard has the event first; equal ones count half. 0.5 is chance.
    standard_error
        Of the index, over cells.
    """

    cells: int
    events: int
    c_index: float
    standard_error: float

    def __str__(self) -> str:
        error = f" (standard error {self.standard_error:.3f})"
        return f"c-index {self.c_index:.3f}{error}, {counted(self.events, 'event')} in {counted(self.cells, 'cell')}"

    def to_json(self) -> dict[str, float | int | None]:
        """Return everything as plain JSON values, NaN as ``None``."""
        return {name: None if math.isnan(value) else value for name, value in asdict(self).items()}


def survival_metrics(truth: ArrayLike, log_hazards: ArrayLike) -> SurvivalMetrics:
    """Judge predicted log hazards by Harrell's concordance index.

    Parameters
    ----------
    truth
        ``(cells, 2)``: time, event. Of two cells with one time, an event is before a censoring; two events of one time
        are not compared.
    log_hazards
        ``(cells,)`` or ``(cells, 1)``.

    Raises
    ------
    DataError
        The shapes do not fit, or a number is not finite.

    References
    ----------
    Harrell et al. 1982, JAMA 247:2543. The standard error is that of a ratio of U-statistics, by the sums over the
    pairs of each cell.

    Examples
    --------
    >>> survival_metrics([[1.0, 1], [2.0, 1], [3.0, 0]], [0.3, 0.5, -1.0]).c_index
    0.6666666666666666
    """
    known, risks = np.asarray(truth, np.float64), np.asarray(log_hazards, np.float64)
    risks = risks[:, 0] if risks.ndim == 2 and risks.shape[1] == 1 else risks
    if known.ndim != 2 or known.shape[1] != 2 or risks.shape != known.shape[:1]:
        raise DataError(
            f"Expected times and events (cells, 2) and log hazards (cells,), got {known.shape}, {risks.shape}."
        )
    if not (np.isfinite(known).all() and np.isfinite(risks).all()):
        raise DataError("Times, events and log hazards must be finite numbers. Did the training diverge?")
    times, events = known[:, 0], known[:, 1] > 0
    pairs, right = np.zeros((2, len(times)))
    step = max(1, _PAIRS // max(len(times), 1))
    with_event = np.flatnonzero(events)
    for start in range(0, len(with_event), step):
        first = with_event[start : start + step, None]
        later = (times > times[first]) | ((times == times[first]) & ~events)
        higher = later * ((risks[first] > risks) + 0.5 * (risks[first] == risks))
        for sums, part in ((pairs, later), (right, higher)):
            sums += part.sum(axis=0)
            sums[first[:, 0]] += part.sum(axis=1)
    total = pairs.sum() / 2
    index = float(right.sum() / 2 / total) if total else math.nan
    error = float(np.sqrt(np.square(right - index * pairs).sum()) / total) if total else math.nan
    return SurvivalMetrics(len(times), int(events.sum()), index, error)
