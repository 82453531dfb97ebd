"""The figure of a comparison, as SVG: scores of all runs, and how far the real prior is from each contender.

In: tables of a `Comparison`. Out: text.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape

import numpy as np
import pandas as pd

__all__ = ["score_figure"]

_COLOURS = {"prior": "#0072b2", "control": "#d55e00", "baseline": "#777777"}
_NAMES, _WIDTH, _GAP, _STEP = 140, 360, 50, 28


def score_figure(summary: pd.DataFrame, runs: pd.DataFrame, metric: str) -> str:
    """Return an SVG element with a line per contender.

    Parameters
    ----------
    summary
        Contenders whose scores can be compared, the real prior first.
    runs
        A row per run.
    metric
        The column of the score.
    """
    shown = runs[runs["contender"].isin(summary.index)]
    values = shown[metric].dropna()
    score, score_ticks = _axis(float(values.min()), float(values.max()), _NAMES)
    spans = summary[["low", "high", "difference"]].to_numpy(float)
    far = float(np.nanmax(np.abs(spans), initial=0.0)) or 0.01
    apart, apart_ticks = _axis(-far, far, _NAMES + _WIDTH + _GAP)
    bottom = 24 + _STEP * len(summary)
    parts = []
    for ticks, place in ((score_ticks, score), (apart_ticks, apart)):
        for tick in ticks:
            x = place(tick)
            weight = ".5" if tick == 0 and place is apart else ".12"
            parts.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="22" y2="{bottom}" stroke="currentColor" opacity="{weight}"/>'
            )
            parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{_number(tick)}</text>')
    for title, left in (
        (metric.replace("_", " "), _NAMES),
        (f"real prior − this, in {metric.replace('_', ' ')}", _NAMES + _WIDTH + _GAP),
    ):
        parts.append(f'<text x="{left + _WIDTH / 2:.0f}" y="12" text-anchor="middle">{escape(title)}</text>')
    for line, (name, row) in enumerate(summary.iterrows()):
        y, colour = 24 + _STEP // 2 + line * _STEP, _COLOURS[row["kind"]]
        parts.append(f'<text x="{_NAMES - 12}" y="{y + 5}" text-anchor="end">{escape(str(name))}</text>')
        parts += [
            f'<circle cx="{score(value):.1f}" cy="{y}" r="4" fill="{colour}" opacity=".55"/>'
            for value in shown.loc[shown["contender"] == name, metric].dropna()
        ]
        if not math.isnan(row["mean"]):
            parts.append(
                f'<rect x="{score(row["mean"]) - 1.5:.1f}" y="{y - 9}" width="3" height="18" fill="{colour}"/>'
            )
        if math.isnan(row["difference"]):
            continue
        if not math.isnan(row["low"]):
            parts.append(
                f'<line x1="{apart(row["low"]):.1f}" x2="{apart(row["high"]):.1f}" y1="{y}" y2="{y}" '
                f'stroke="{colour}" stroke-width="2.5"/>'
            )
        parts.append(
            f'<rect x="{apart(row["difference"]) - 3:.1f}" y="{y - 5}" width="6" height="10" fill="{colour}"/>'
        )
    label = f"{metric.replace('_', ' ')} of every run by contender, and the difference of the real prior from each"
    box = f"0 0 {_NAMES + 2 * _WIDTH + _GAP + 30} {bottom + 26}"
    return f'<svg viewBox="{box}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'


def _axis(low: float, high: float, left: float) -> tuple[Callable[[float], float], list[float]]:
    """Return the place of a value in a panel, and round values to mark."""
    pad = 0.06 * (high - low) or 0.01
    start, end = low - pad, high + pad
    rough = (end - start) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * min((1, 2, 5, 10), key=lambda factor: abs(factor * power - rough))
    first = math.ceil(start / step)
    ticks = [step * number for number in range(first, math.floor(end / step) + 1)]
    return lambda value: left + (value - start) / (end - start) * _WIDTH, ticks


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")
