"""`Comparison`: the scores of all who took part, the nodes, and what they show; as tables, JSON and a page."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from keras_vnn.architecture import Architecture, gene_counts, node_degrees
from keras_vnn.basics.csv_tables import csv_text, plain
from keras_vnn.basics.runs import write_text
from keras_vnn.basics.showing import Shown
from keras_vnn.data.metrics import is_better_when_smaller, named
from keras_vnn.experiments.comparison._contenders import REAL, Contender
from keras_vnn.experiments.comparison._runs import Record
from keras_vnn.experiments.comparison._statistics import Stability, holm_adjusted, node_differences, resampled_t_test

# A difference is called one below this adjusted p.
LEVEL = 0.05


def runs_table(records: Sequence[Record]) -> pd.DataFrame:
    """Return who was trained on which split, the scores, how large and how long."""
    rows = [
        {
            **record.model_dump(include={"contender", "kind", "replicate", "seed"}),
            **record.cells.model_dump(),
            **record.metrics,
            **record.model_dump(include={"weights", "epochs", "seconds"}),
        }
        for record in records
    ]
    return pd.DataFrame(rows).astype({"weights": "Float64", "epochs": "Int64"})


def summarised(
    runs: pd.DataFrame, contenders: Sequence[Contender], metric: str, stability: Mapping[str, Stability]
) -> pd.DataFrame:
    """Return the table of contenders."""
    scores = runs.pivot(index="replicate", columns="contender", values=metric)
    weights = runs.astype({"weights": float}).groupby("contender")["weights"].median()
    families = Counter(contender.kind for contender in contenders)
    rows = {}
    for contender in contenders:
        own = scores[contender.name]
        row = {"kind": contender.kind, "description": contender.description, "runs": len(own)}
        row |= {name: getattr(own, how)(skipna=False) for name, how in _SPREAD.items()}
        row |= {"weights": float(weights[contender.name]), **dict.fromkeys(_APART, np.nan)}
        if contender.is_judged and contender.name != REAL:
            # A family each: what the biology adds is one question, whether a network is needed another. Intervals hold
            # for all of a family together.
            confidence = 1 - LEVEL / families[contender.kind]
            apart = resampled_t_test((scores[REAL] - own).to_numpy(float), test_to_train(runs), confidence=confidence)
            row |= {name: float(getattr(apart, name)) for name in _APART[:-1]}
        known = stability.get(contender.name)
        row |= {name: getattr(known, name, np.nan) for name in ("spearman", "top_overlap", "rank_biased_overlap")}
        rows[contender.name] = row
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("contender")
    for kind in ("control", "baseline"):
        members = table["kind"] == kind
        table.loc[members, "adjusted_p"] = holm_adjusted(table.loc[members, "p"].to_numpy(float))
    return table


_SPREAD = {"mean": "mean", "sd": "std", "min": "min", "max": "max"}
_APART = ("difference", "low", "high", "p", "adjusted_p")


def test_to_train(runs: pd.DataFrame) -> float:
    """Return the number of test cells over that of training cells, a mean over the splits."""
    shares = runs.groupby("replicate")[["test", "train"]].first()
    return float((shares["test"] / shares["train"]).mean())


def node_table(
    arch: Architecture,
    importance: Mapping[str, pd.DataFrame],
    corrected: Mapping[str, pd.DataFrame],
    contenders: Sequence[Contender],
    ratio: float,
) -> pd.DataFrame:
    """Return importance in the real network, and against each control, of every hidden node.

    Parameters
    ----------
    importance
        By contender, a row per node and a column per run; none without labels, when there is nothing to say.
    corrected
        The same, corrected for hubs.
    ratio
        Number of test cells over that of training cells.
    """
    known = arch.node_table()
    table = known.loc[known["layer"] > 0, ["label", "kind", "layer"]]
    table["genes"] = np.concatenate(gene_counts(arch)[1:])
    if REAL not in importance:
        return table
    real = importance[REAL]
    ranks = real.groupby(table["layer"]).rank(ascending=False, method="average")
    table = table.assign(
        importance=real.mean(axis=1),
        sd=real.std(axis=1),
        rank=ranks.mean(axis=1),
        rank_sd=ranks.std(axis=1),
        corrected=corrected[REAL].mean(axis=1),
    )
    for contender in contenders:
        if contender.kind in ("control", "input"):
            other = importance[contender.name]
            against = node_differences(real, other, test_to_train=ratio)
            table[f"importance {contender.name}"] = other.mean(axis=1)
            for column in ("difference", "effect_size", "p", "adjusted_p"):
                table[f"{column} {contender.name}"] = against[column]
    return table.sort_values("corrected", ascending=False, kind="stable")


def place_table(arch: Architecture, importance: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return how importance correlates with degree and reach; controls by swaps and permuted genes keep both."""
    places = node_degrees(arch)
    means = {name: table.mean(axis=1) for name, table in importance.items()}
    rows = {
        name: {
            "with the degree": _correlation(mean, places["degree"]),
            "with nodes on any path": _correlation(mean, places["upstream"] + places["downstream"]),
            "with importance under the real prior": np.nan if name == REAL else _correlation(mean, means[REAL]),
        }
        for name, mean in means.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("contender")


def _correlation(one: pd.Series, other: pd.Series) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(one, other).statistic) if np.ptp(one) > 0 and np.ptp(other) > 0 else np.nan


FILES = ("comparison.json", "comparison.html", "summary.csv", "runs.csv", "nodes.csv")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Comparison(Shown):
    """A network compared with its controls and baselines.

    Attributes
    ----------
    metric
        The score they are compared by.
    runs
        A row per run: contender, kind, replicate, seed, weights, epochs, seconds, and every score.
    summary
        A row per contender: ``mean``, ``sd``, ``min`` and ``max`` of the score, ``runs``, ``weights``; ``difference``
        of the real prior from it, with a confidence interval (``low``, ``high``; 95 % for all controls, or all
        baselines, together: Bonferroni), ``p`` of a corrected resampled t
        test over the same splits (`tl.resampled_t_test`) and ``adjusted_p`` for as many controls, or as many baselines,
        as
        there are (Holm); stability of its ranking of nodes by corrected importance; ``found`` and ``learned``: the
        mean number of nodes with evidence, and of those that learned more than nodes of like size, at a false
        discovery rate of 5 %, on the test cells.
    nodes
        A row per hidden node: its importance in the real network (mean, sd, mean rank in its layer), corrected
        importance, and for each control the mean there, the difference, its effect size and adjusted p; against a
        control input that is the differential importance of KPNN.
    place
        By contender, how far the importance of nodes follows their place in the network: rank correlation with the
        degree, with the number of nodes they are joined with on any path, and with their importance under the real
        prior.
    verdict
        What this shows, in words.
    about
        How it was made: seeds, folds, how importance was measured and corrected, the fingerprint of the prior.
    """

    metric: str
    runs: pd.DataFrame
    summary: pd.DataFrame
    nodes: pd.DataFrame
    place: pd.DataFrame
    verdict: str
    about: Mapping[str, Any] = field(default_factory=dict)

    def _table(self) -> pd.DataFrame:
        columns = ["mean", "sd", "difference", "low", "high", "adjusted_p", "spearman", "top_overlap", "found"]
        return self.summary[[name for name in columns if name in self.summary]]

    def __str__(self) -> str:
        table = self._table().round(4).to_string(na_rep="–")
        return f"{self.metric}\n{table}\n\n{self.verdict}"

    def _shown_parts(self) -> Iterable[str | pd.DataFrame]:
        yield self.metric
        yield self._table()
        yield self.verdict

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "schema": "keras-vnn comparison 1",
            "metric": self.metric,
            "verdict": self.verdict,
            "about": dict(self.about),
            "summary": plain(self.summary.reset_index()),
            "place": plain(self.place.reset_index()),
            "runs": plain(self.runs),
            "nodes": plain(self.nodes.reset_index()),
        }

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write ``comparison.json``, the tables as CSV, and a page, ``comparison.html``, into a folder that exists."""
        texts = (
            json.dumps(self.to_json(), indent=1, ensure_ascii=False),
            page_of(self),
            csv_text(self.summary),
            csv_text(self.runs, index=False),
            csv_text(self.nodes),
        )
        for name, text in zip(FILES, texts, strict=True):
            write_text(Path(folder) / name, text)


def verdict_of(summary: pd.DataFrame, metric: str, well: str = "predict") -> str:
    """Return in words how the real prior does, ``well`` being what it is for, next to its controls and baselines."""
    own = summary.loc[REAL]
    sentences = [f"The real prior has a mean {named(metric)} of {own['mean']:.3f} over {own['runs']} runs."]
    if own["runs"] < 2:
        return f"{sentences[0]} One run cannot show a difference from anything: ask for more seeds."
    sign = -1 if is_better_when_smaller(metric) else 1
    for kind, plural in (("control", "controls"), ("baseline", "baselines")):
        others = summary[summary["kind"] == kind]
        if len(others):
            sentences.append(_compared_with(others, plural, sign, well))
    controls = summary[summary["kind"] == "control"]
    if len(controls):
        beaten = (controls["adjusted_p"] < LEVEL) & (sign * controls["difference"] > 0)
        sentences.append(
            f"What the prior knows and these controls do not helps to {well}."
            if beaten.all()
            else f"As it is not better than {_listed(controls.index[~beaten])}, these data do not show that the "
            f"biology of the prior helps to {well}."
        )
    return " ".join(sentences)


def _compared_with(others: pd.DataFrame, plural: str, sign: int, well: str) -> str:
    significant = others["adjusted_p"] < LEVEL
    better = list(others.index[significant & (sign * others["difference"] > 0)])
    worse = list(others.index[significant & (sign * others["difference"] < 0)])
    same = [f"{name}{_interval_words(row)}" for name, row in others.iterrows() if name not in (*better, *worse)]
    if len(better) == len(others):
        verb, _, rest = well.partition(" ")
        return f"It {verb}s {f'{rest} ' if rest else ''}better than all {plural} ({', '.join(better)})."
    parts = [
        f"{words} {', '.join(names)}"
        for words, names in (
            ("is better than", better),
            ("is not distinguishable from", same),
            ("is worse than", worse),
        )
        if names
    ]
    return f"Compared with the {plural} it {'; it '.join(parts)}."


def _interval_words(row: pd.Series) -> str:
    """Return a difference in brackets; nothing where none is known."""
    if math.isnan(row["low"]):
        return ""
    if math.isnan(row["p"]):
        return f" (difference {_signed(row['difference'])} on every split, which no test can judge)"
    return f" (difference {_signed(row['low'])} to {_signed(row['high'])})"


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _listed(names: Sequence[str]) -> str:
    words = [str(name) for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


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
            *(_of_nodes(found) if len(found.place) else ()),
            f'<p class="note">{_facts(found.about)}</p>' if found.about else "",
            "</body></html>",
        ]
    )


def _of_nodes(found: Comparison) -> Iterable[str]:
    """Yield what the page says of nodes; without labels there is nothing."""
    named = found.summary[found.summary["spearman"].notna()]
    yield from [
        "<h2>How many nodes have evidence, and how many learned something</h2>",
        _table(
            named,
            [name for name in ("found", "learned") if name in named],
            {"found": "with evidence at 5 %", "learned": "that learned more than nodes of like size"},
        ),
        '<p class="note">Mean numbers over the runs, on the test cells. Evidence is of the genes of a node, so it '
        "shows whether the wiring has biology in it; see vnn inspect for which nodes these are.</p>",
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
    ]


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
