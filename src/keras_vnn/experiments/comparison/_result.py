"""`Comparison`: the scores of all who took part, the nodes, and what they show."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from keras_vnn.basics.csv_tables import csv_text
from keras_vnn.basics.runs import write_text
from keras_vnn.experiments._measures import is_better_when_smaller, named
from keras_vnn.experiments.comparison._contenders import REAL
from keras_vnn.experiments.comparison._page import page_of
from keras_vnn.experiments.comparison._tables import LEVEL

__all__ = ["FILES", "Comparison", "verdict_of"]

FILES = ("comparison.json", "comparison.html", "summary.csv", "runs.csv", "nodes.csv")


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
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
        there are (Holm); stability of its ranking of nodes by corrected importance.
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

    def __str__(self) -> str:
        shown = self.summary[["mean", "sd", "difference", "low", "high", "adjusted_p", "spearman", "top_overlap"]]
        table = shown.round(4).to_string(na_rep="–")
        return f"{self.metric}\n{table}\n\n{self.verdict}"

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "schema": "keras-vnn comparison 1",
            "metric": self.metric,
            "verdict": self.verdict,
            "about": dict(self.about),
            "summary": _records(self.summary),
            "place": _records(self.place),
            "runs": _records(self.runs),
            "nodes": _records(self.nodes),
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


def verdict_of(summary: pd.DataFrame, metric: str) -> str:
    """Return in words how the real prior does compared with its controls and baselines."""
    own = summary.loc[REAL]
    sentences = [f"The real prior has a mean {named(metric)} of {own['mean']:.3f} over {own['runs']} runs."]
    if own["runs"] < 2:
        return f"{sentences[0]} One run cannot show a difference from anything: ask for more seeds."
    sign = -1 if is_better_when_smaller(metric) else 1
    for kind, plural in (("control", "controls"), ("baseline", "baselines")):
        others = summary[summary["kind"] == kind]
        if len(others):
            sentences.append(_compared_with(others, plural, sign))
    controls = summary[summary["kind"] == "control"]
    if len(controls):
        beaten = (controls["adjusted_p"] < LEVEL) & (sign * controls["difference"] > 0)
        sentences.append(
            "What the prior knows and these controls do not helps to predict."
            if beaten.all()
            else f"As it is not better than {_listed(controls.index[~beaten])}, these data do not show that the "
            "biology of the prior helps to predict."
        )
    return " ".join(sentences)


def _compared_with(others: pd.DataFrame, plural: str, sign: int) -> str:
    significant = others["adjusted_p"] < LEVEL
    better = list(others.index[significant & (sign * others["difference"] > 0)])
    worse = list(others.index[significant & (sign * others["difference"] < 0)])
    same = [f"{name}{_interval_words(row)}" for name, row in others.iterrows() if name not in (*better, *worse)]
    if len(better) == len(others):
        return f"It predicts better than all {plural} ({', '.join(better)})."
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


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    flat = table.reset_index() if table.index.name else table
    records: list[dict[str, Any]] = json.loads(flat.to_json(orient="records", double_precision=12))
    return records
