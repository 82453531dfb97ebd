"""`Comparison`: the scores of all who took part, the nodes, and what they show; as tables and JSON."""

from __future__ import annotations

import json
import math
import os
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keras_vnn.architecture import Architecture, gene_counts, node_degrees
from keras_vnn.basics.csv_tables import csv_text, plain
from keras_vnn.basics.errors import counted
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


FILES = ("comparison.json", "summary.csv", "runs.csv", "nodes.csv")


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
        table = self._table().drop(columns=["spearman", "top_overlap"], errors="ignore")  # for 80 columns
        return f"{self.metric}\n{table.round(3).to_string(na_rep='–')}\n\n{textwrap.fill(self.verdict, 80)}"

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
        """Write ``comparison.json`` and the tables as CSV into a folder that exists.

        A page of it: ``vnn.pl.write_report(arch, "comparison.html", comparison=found)``.
        """
        texts = (
            json.dumps(self.to_json(), indent=1, ensure_ascii=False),
            csv_text(self.summary),
            csv_text(self.runs, index=False),
            csv_text(self.nodes),
        )
        for name, text in zip(FILES, texts, strict=True):
            write_text(Path(folder) / name, text)


def verdict_of(summary: pd.DataFrame, metric: str, well: str = "predict") -> str:
    """Return in words how the real prior does, ``well`` being what it is for, next to its controls and baselines."""
    own = summary.loc[REAL]
    sentences = [f"The real prior has a mean {named(metric)} of {own['mean']:.3f} over {counted(own['runs'], 'run')}."]
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
