"""A comparison as a page: one HTML file that needs nothing else and runs nothing."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from keras_vnn.comparison._result import Comparison

__all__ = ["page_of"]

_STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.verdict { border-left: 4px solid #0072b2; padding: .5rem 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .875rem; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
svg { width: 100%; height: auto; } svg text { fill: currentColor; font: 13px system-ui, sans-serif; }
.note { opacity: .75; font-size: .875rem; }
"""
_COLOURS = {"prior": "#0072b2", "control": "#d55e00", "baseline": "#777777"}
_NODES = 50


def page_of(found: Comparison) -> str:
    """Return the HTML."""
    metric = escape(found.metric.replace("_", " "))
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            f"<title>Real prior against controls</title><style>{_STYLE}</style></head><body>",
            "<h1>The real prior against its controls and baselines</h1>",
            f'<p class="verdict">{escape(found.verdict)}</p>',
            f"<h2>{metric[:1].upper()}{metric[1:]} of every run</h2>",
            _dots(found),
            '<p class="note">A dot is a run, a bar the mean. Blue: real prior; orange: controls; grey: baselines.</p>',
            "<h2>Scores</h2>",
            _table(
                found.summary,
                ["runs", "mean", "sd", "difference", "low", "high", "adjusted_p", "weights"],
                {
                    "difference": "real prior − this",
                    "low": "95 % from",
                    "high": "to",
                    "adjusted_p": "adjusted p",
                },
            ),
            '<p class="note">Differences over the same splits; corrected resampled t test (Nadeau and Bengio 2003), '
            "adjusted for the number of contenders (Benjamini and Hochberg 1995).</p>",
            "<h2>How stable the ranking of nodes is from run to run</h2>",
            _table(
                found.summary[found.summary["spearman"].notna()],
                ["spearman", "top_overlap", "rank_biased_overlap"],
                {"spearman": "rank correlation", "top_overlap": "overlap of the first", "rank_biased_overlap": "RBO"},
            ),
            "<h2>How far importance follows the place in the network</h2>",
            _table(found.place, list(found.place.columns), {}),
            f"<h2>The first {min(_NODES, len(found.nodes))} nodes of the real prior</h2>",
            _table(
                found.nodes.head(_NODES), _node_columns(found.nodes), {"importance": "importance", "rank": "mean rank"}
            ),
            "</body></html>",
        ]
    )


def _node_columns(nodes: pd.DataFrame) -> list[str]:
    wanted = ["label", "layer", "genes", "corrected", "importance", "sd", "rank"]
    return [*wanted, *(name for name in nodes.columns if name.startswith(("effect_size ", "adjusted_p ")))]


def _table(table: pd.DataFrame, columns: list[str], names: dict[str, str]) -> str:
    head = "".join(f'<th scope="col">{escape(names.get(name, name.replace("_", " ")))}</th>' for name in columns)
    rows = "".join(
        f"<tr><td>{escape(str(index))}</td>{''.join(f'<td>{_worded(row[name])}</td>' for name in columns)}</tr>"
        for index, row in table.iterrows()
    )
    return f'<div class="wide"><table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _worded(value: object) -> str:
    if isinstance(value, str):
        return escape(value)
    if value is None or pd.isna(value):
        return "–"
    number = float(value)  # type: ignore[arg-type]
    return f"{number:,.0f}" if number == int(number) and abs(number) >= 1 else f"{number:.3g}"


def _dots(found: Comparison) -> str:
    """Draw the score of every run, a line per contender."""
    values = found.runs[found.metric]
    low, high = float(values.min()), float(values.max())
    pad = 0.05 * (high - low) or 0.01
    low, high = low - pad, high + pad
    left, width, step = 180, 640, 28

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * width

    parts, height = [], step * len(found.summary) + 40
    for line, (name, row) in enumerate(found.summary.iterrows()):
        y, colour = 20 + line * step, _COLOURS[row["kind"]]
        parts.append(f'<text x="{left - 12}" y="{y + 5}" text-anchor="end">{escape(str(name))}</text>')
        parts.append(f'<line x1="{left}" x2="{left + width}" y1="{y}" y2="{y}" stroke="currentColor" opacity=".15"/>')
        parts += [
            f'<circle cx="{x(value):.1f}" cy="{y}" r="4.5" fill="{colour}" opacity=".6"/>'
            for value in values[found.runs["contender"] == name]
        ]
        mean = x(row["mean"])
        parts.append(f'<rect x="{mean - 1.5:.1f}" y="{y - 9}" width="3" height="18" fill="{colour}"/>')
    for share in (0, 0.5, 1):
        value = low + share * (high - low)
        parts.append(f'<text x="{x(value):.1f}" y="{height - 6}" text-anchor="middle">{value:.3f}</text>')
    label = f"{found.metric.replace('_', ' ')} of each run by contender"
    box = f"0 0 {left + width + 30} {height}"
    return f'<svg viewBox="{box}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'
