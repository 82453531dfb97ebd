"""The real prior against its controls and baselines, run by run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import DataError
from keras_vnn.export._canvas import new_axes, shortened, without_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from keras_vnn.experiments.comparison import Comparison

__all__ = ["real_against_null"]

# By colour and by mark, so that print and colour blindness lose nothing.
_LOOKS = {"prior": ("#0072b2", "o"), "control": ("#d55e00", "s"), "baseline": ("#6b6b6b", "^")}


def real_against_null(comparison: Comparison, *, ax: Axes | None = None) -> Axes:
    """Draw the score of every run: the real prior first, then its controls and the baselines.

    A row per contender. A small mark is a run, the line its mean, the band the range from the lowest to the highest
    run of the real prior. Next to it are the difference from the real prior with its 95 % interval, and ``*``
    where the adjusted p is below 0.05.

    Parameters
    ----------
    comparison
        What `compare` gave.
    ax
        Axes to draw on.

    Raises
    ------
    DataError
        The comparison has no run.
    """
    runs, summary = comparison.runs, comparison.summary
    if runs.empty or summary.empty:
        raise DataError("The comparison has no run: there is nothing to draw.")
    kinds = list(_LOOKS)
    order = sorted(
        summary.index, key=lambda name: (kinds.index(summary.at[name, "kind"]), list(summary.index).index(name))
    )
    texts = [shortened(name, 30) for name in order]
    axes = new_axes(5.4 + 0.08 * max(map(len, texts)), 0.95 + 0.36 * len(order)) if ax is None else ax
    own = runs.loc[runs["kind"] == "prior", comparison.metric]
    if len(own):
        axes.axvspan(own.min(), own.max(), color=_LOOKS["prior"][0], alpha=0.1, linewidth=0)
    for row, name in enumerate(order):
        colour, mark = _LOOKS[summary.at[name, "kind"]]
        values = runs.loc[runs["contender"] == name, comparison.metric].to_numpy(float)
        # Runs of equal score side by side, from top to bottom by replicate.
        offsets = np.linspace(-0.2, 0.2, len(values)) if len(values) > 1 else np.zeros(1)
        axes.plot(values, row + offsets, mark, color=colour, markersize=4.5, alpha=0.75, markeredgewidth=0)
        axes.plot([values.mean()] * 2, [row - 0.34, row + 0.34], color=colour, linewidth=2)
        axes.text(1.02, row, _difference(summary.loc[name]), transform=_beside(axes), va="center", fontsize=8)
    axes.text(1.02, -0.75, "real − this [95 %]", transform=_beside(axes), va="center", fontsize=8, color="#555555")
    axes.set_yticks(range(len(order)), texts, fontsize=8.5)
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.set_xlabel(comparison.metric.replace("_", " "), fontsize=8.5)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)
    _legend(axes, [kind for kind in kinds if (summary["kind"] == kind).any()])
    without_frame(axes, "top", "right", "left")
    return axes


def _beside(axes: Axes) -> Any:
    """Return coordinates: across in parts of the axes, down in rows."""
    return axes.get_yaxis_transform()


def _difference(row: pd.Series) -> str:
    if pd.isna(row["difference"]):
        return ""
    text = f"{row['difference']:+.3f}"
    if not pd.isna(row["low"]):
        text += f" [{row['low']:+.3f}, {row['high']:+.3f}]"
    is_found = not pd.isna(row["adjusted_p"]) and row["adjusted_p"] < 0.05
    return (text + (" *" if is_found else "")).replace("-", "−")


def _legend(axes: Axes, kinds: list[str]) -> None:
    from matplotlib.lines import Line2D

    called = {"prior": "real prior", "control": "control", "baseline": "baseline"}
    marks = [
        Line2D([], [], color=_LOOKS[kind][0], marker=_LOOKS[kind][1], linestyle="", label=called[kind])
        for kind in kinds
    ]
    axes.legend(handles=marks, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, frameon=False, fontsize=8)
