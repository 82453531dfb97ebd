"""A comparison as a page: one HTML file that needs nothing else and runs nothing, with its figure as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from keras_vnn.experiments.comparison._result import Comparison

__all__ = ["page_of"]

_STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.verdict { border-left: 4px solid #0072b2; padding: .5rem 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .875rem; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child, td.text { text-align: left; }
svg { width: 100%; height: auto; } svg text { fill: currentColor; font: 13px system-ui, sans-serif; }
.note { color: color-mix(in srgb, currentColor 75%, transparent); font-size: .875rem; }
"""
_NODES = 50
_COLOURS = {"prior": "#0072b2", "control": "#d55e00", "baseline": "#777777"}
_NAMES, _WIDTH, _GAP, _STEP = 140, 360, 50, 28
_LEAST = 0.001
_NOTHING: Mapping[str, int] = MappingProxyType({})


def page_of(found: Comparison) -> str:
    """Return the HTML."""
    metric = escape(found.metric.replace("_", " "))
    judged = found.summary[found.summary["kind"] != "input"]
    named = found.summary[found.summary["spearman"].notna()]
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            f"<title>Real prior against controls</title><style>{_STYLE}</style></head><body>",
            "<h1>The real prior against its controls and baselines</h1>",
            f'<p class="verdict">{escape(found.verdict)}</p>',
            f"<h2>{metric[:1].upper()}{metric[1:]} on cells held out</h2>",
            _score_figure(judged.drop(index="constant", errors="ignore"), found.runs, found.metric),
            '<p class="note">Left: a dot is a run, the bar the mean; <span style="color:#0072b2">blue</span> the real '
            'prior, <span style="color:#d55e00">orange</span> controls, grey baselines. Right: how much the real prior '
            "scores above each, with a 95 % confidence interval for all controls, or baselines, together; where it "
            "holds 0, the two are not distinguishable.</p>",
            _table(
                judged,
                ["runs", "mean", "sd", "difference", "low", "high", "adjusted_p", "weights"],
                {"difference": "real prior − this", "low": "95 % from", "high": "to", "adjusted_p": "adjusted p"},
                dict.fromkeys(("mean", "sd", "difference", "low", "high"), _decimals(judged["sd"])),
            ),
            '<p class="note">Differences on the same splits: corrected resampled t test, which knows that training '
            "cells overlap (Nadeau and Bengio 2003), adjusted for the number of controls, and of baselines (Holm 1979)."
            "</p>",
            _meanings(found.summary),
            "<h2>How stable the ranking of nodes is from run to run</h2>",
            _table(
                named,
                ["spearman", "top_overlap", "rank_biased_overlap"],
                {
                    "spearman": "rank correlation",
                    "top_overlap": f"shared of the first {found.about.get('top', '')}",
                    "rank_biased_overlap": "rank-biased overlap",
                },
            ),
            '<p class="note">Means over all pairs of runs, of corrected importance; 1 is the same ranking.</p>',
            "<h2>How far importance follows the place in the network</h2>",
            _table(found.place, list(found.place.columns), {}),
            '<p class="note">Rank correlations. Where a control gives nodes the importance that they have under the '
            "real prior, that importance is not due to biology.</p>",
            f"<h2>The first {min(_NODES, len(found.nodes))} nodes of the real prior</h2>",
            _table(found.nodes.head(_NODES), _node_columns(found.nodes), {"rank": "mean rank in its layer"}),
            '<p class="note">Effect sizes (Hedges’ g) and p values compare the importance with that of the node of the '
            "same name under a control, over the runs; p values are adjusted for the number of nodes (Benjamini and "
            "Hochberg 1995).</p>",
            f'<p class="note">{_facts(found.about)}</p>' if found.about else "",
            "</body></html>",
        ]
    )


def _meanings(summary: pd.DataFrame) -> str:
    said = [f"<b>{escape(str(name))}</b>: {escape(row['description'])}" for name, row in summary.iterrows()]
    return f'<p class="note">{"; ".join(said)}.</p>'


def _facts(about: Mapping[str, object]) -> str:
    return escape("; ".join(f"{name.replace('_', ' ')}: {value}" for name, value in about.items())) + "."


def _node_columns(nodes: pd.DataFrame) -> list[str]:
    wanted = ["label", "layer", "genes", "corrected", "importance", "sd", "rank"]
    return [*wanted, *(name for name in nodes.columns if name.startswith(("effect_size ", "adjusted_p ")))]


def _decimals(spread: pd.Series) -> int:
    """Return how many decimals show two digits of a typical spread."""
    typical = float(spread[spread > 0].median()) if (spread > 0).any() else 0.01
    return min(max(1 - math.floor(math.log10(typical)), 0), 8)


def _table(
    table: pd.DataFrame, columns: list[str], names: dict[str, str], decimals: Mapping[str, int] = _NOTHING
) -> str:
    head = "".join(f'<th scope="col">{escape(names.get(name, name.replace("_", " ")))}</th>' for name in columns)

    def cell(value: object, name: str) -> str:
        kind = ' class="text"' if isinstance(value, str) else ""
        return f"<td{kind}>{_worded(value, decimals.get(name), name)}</td>"

    rows = "".join(
        f"<tr><td>{escape(str(index))}</td>{''.join(cell(row[name], name) for name in columns)}</tr>"
        for index, row in table.iterrows()
    )
    return f'<div class="wide"><table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _worded(value: object, decimals: int | None, column: str) -> str:
    if isinstance(value, str):
        return escape(value)
    if value is None or pd.isna(value):
        return "–"
    number = float(value)  # type: ignore[arg-type]
    if decimals is not None:
        return f"{number:.{decimals}f}".replace("-", "−")
    if column.startswith("adjusted_p") and number < _LEAST:
        return f"&lt; {_LEAST}"
    text = f"{number:,.0f}" if number == int(number) and abs(number) >= 1 else f"{number:.3g}"
    return text.replace("-", "−")


def _score_figure(summary: pd.DataFrame, runs: pd.DataFrame, metric: str) -> str:
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
            x, opacity = place(tick), ".5" if tick == 0 and place is apart else ".12"
            parts.append(_shape("line", x1=x, x2=x, y1=22, y2=bottom, stroke="currentColor", opacity=opacity))
            parts.append(_shape("text", f"{tick:.4g}".replace("-", "−"), x=x, y=bottom + 18, text_anchor="middle"))
    title = metric.replace("_", " ")
    for text, left in ((title, _NAMES), (f"real prior − this, in {title}", _NAMES + _WIDTH + _GAP)):
        parts.append(_shape("text", text, x=left + _WIDTH // 2, y=12, text_anchor="middle"))
    for line, (name, row) in enumerate(summary.iterrows()):
        y, colour = 24 + _STEP // 2 + line * _STEP, _COLOURS[row["kind"]]
        parts.append(_shape("text", str(name), x=_NAMES - 12, y=y + 5, text_anchor="end"))
        for value in shown.loc[shown["contender"] == name, metric].dropna():
            parts.append(_shape("circle", cx=score(value), cy=y, r=4, fill=colour, opacity=".55"))
        low, high, difference = (apart(row[part]) for part in ("low", "high", "difference"))
        parts.append(_shape("rect", x=score(row["mean"]) - 1.5, y=y - 9, width=3, height=18, fill=colour))
        parts.append(_shape("line", x1=low, x2=high, y1=y, y2=y, stroke=colour, stroke_width="2.5"))
        parts.append(_shape("rect", x=difference - 3, y=y - 5, width=6, height=10, fill=colour))
    label = f"{title} of every run by contender, and the difference of the real prior from each"
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


def _shape(tag: str, text: str = "", **values: str | float) -> str:
    """Return an element of SVG; nothing for one whose place is not known."""
    if any(isinstance(value, float) and math.isnan(value) for value in values.values()):
        return ""
    written = {name: f"{value:.1f}" if isinstance(value, float) else value for name, value in values.items()}
    attributes = " ".join(f'{name.replace("_", "-")}="{value}"' for name, value in written.items())
    return f"<{tag} {attributes}>{escape(text)}</{tag}>" if text else f"<{tag} {attributes}/>"
