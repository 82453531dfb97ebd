"""`Comparison`: the scores of all who took part, the nodes, and what they show."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keras_vnn.comparison._contenders import REAL, Contender
from keras_vnn.comparison._stability import Stability
from keras_vnn.files import replacing

__all__ = ["LOWER_IS_BETTER", "Comparison", "summarised", "verdict_of"]

LOWER_IS_BETTER = ("log_loss", "mse", "rmse", "mae", "mean_squared_error", "mean_absolute_error")
# A difference is called one below this adjusted p.
LEVEL = 0.05
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A network beside its controls and baselines.

    Attributes
    ----------
    metric
        The score they are compared by.
    runs
        A row per run: contender, kind, replicate, seed, weights, epochs, seconds, and every score.
    summary
        A row per contender: ``mean``, ``sd``, ``min`` and ``max`` of the score, ``runs``, ``weights``; ``difference``
        of the real prior from it, with a 95 % confidence interval (``low``, ``high``), ``p`` of a corrected resampled t
        test over the same splits (Nadeau and Bengio 2003, doi:10.1023/A:1024068626366) and ``adjusted_p`` for the
        number of contenders (Benjamini and Hochberg 1995); stability of its ranking of nodes.
    nodes
        A row per hidden node: its importance in the real network (mean, sd, mean rank in its layer), corrected
        importance, and for each control the mean there, the difference, its effect size and adjusted p.
    place
        By contender, how far the importance of nodes follows their place in the network: rank correlation with the
        degree and with the number of nodes they are joined with on any path.
    verdict
        What this shows, in words.
    """

    metric: str
    runs: pd.DataFrame
    summary: pd.DataFrame
    nodes: pd.DataFrame
    place: pd.DataFrame
    verdict: str

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
            "summary": _records(self.summary),
            "place": _records(self.place),
            "runs": _records(self.runs),
            "nodes": _records(self.nodes),
        }

    def save(self, folder: Path) -> None:
        """Write ``comparison.json``, the tables as CSV, and a page, ``comparison.html``."""
        from keras_vnn.comparison._page import page_of

        texts = {
            "comparison.json": json.dumps(self.to_json(), indent=1, ensure_ascii=False),
            "comparison.html": page_of(self),
            "summary.csv": self.summary.to_csv(),
            "runs.csv": self.runs.to_csv(index=False),
            "nodes.csv": self.nodes.to_csv(),
        }
        for name, text in texts.items():
            with replacing(folder / name, overwrite=True) as partial:
                partial.write_text(text, encoding="utf-8", newline="\n")


def summarised(
    runs: pd.DataFrame, contenders: Sequence[Contender], metric: str, stability: Mapping[str, Stability]
) -> pd.DataFrame:
    """Return the table of contenders."""
    from scipy.stats import false_discovery_control

    scores = runs.pivot(index="replicate", columns="contender", values=metric)
    shares = runs.groupby("replicate")[["test", "train"]].first()
    ratio = float((shares["test"] / shares["train"]).mean())
    rows = {}
    for contender in contenders:
        own = scores[contender.name]
        known = stability.get(contender.name)
        rows[contender.name] = {
            "kind": contender.kind,
            "description": contender.description,
            "runs": len(own),
            "mean": own.mean(),
            "sd": own.std() if len(own) > 1 else np.nan,
            "min": own.min(),
            "max": own.max(),
            "weights": _median(runs.loc[runs["contender"] == contender.name, "weights"]),
            **_difference((scores[REAL] - own).to_numpy(), ratio),
            "adjusted_p": np.nan,
            "spearman": known.spearman if known else np.nan,
            "top_overlap": known.top_overlap if known else np.nan,
            "rank_biased_overlap": known.rank_biased_overlap if known else np.nan,
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("contender")
    tested = table["p"].notna()
    if tested.any():
        table.loc[tested, "adjusted_p"] = false_discovery_control(table.loc[tested, "p"].to_numpy(float))
    table.loc[REAL, ["difference", "low", "high", "p", "adjusted_p"]] = np.nan
    return table


def _median(numbers: pd.Series) -> float:
    known = [number for number in numbers if not pd.isna(number)]
    return float(np.median(known)) if known else math.nan


def _difference(differences: np.ndarray, ratio: float) -> dict[str, float]:
    """Return mean difference, its interval and p; training sets overlap, which the variance is corrected for."""
    from scipy.stats import t

    count, mean = len(differences), float(np.mean(differences))
    if count < 2:
        return {"difference": mean, "low": math.nan, "high": math.nan, "p": math.nan}
    error = math.sqrt((1 / count + ratio) * float(np.var(differences, ddof=1)))
    error, mean = (0.0 if error < _ROUNDING else error), (0.0 if abs(mean) < _ROUNDING else mean)
    reach = float(t.ppf(0.975, count - 1)) * error
    # Nothing varies: equal scores are no difference, unequal ones cannot be tested.
    p = float(2 * t.sf(abs(mean) / error, count - 1)) if error > 0 else (1.0 if mean == 0 else math.nan)
    return {"difference": mean, "low": mean - reach, "high": mean + reach, "p": p}


def verdict_of(summary: pd.DataFrame, metric: str) -> str:
    """Return in words how the real prior does beside its controls and baselines."""
    own = summary.loc[REAL]
    sentences = [f"The real prior has a mean {metric.replace('_', ' ')} of {own['mean']:.3f} over {own['runs']} runs."]
    if own["runs"] < 2:
        return f"{sentences[0]} One run cannot show a difference from anything: ask for more seeds."
    sign = -1 if metric in LOWER_IS_BETTER else 1
    for kind, plural in (("control", "controls"), ("baseline", "baselines")):
        others = summary[summary["kind"] == kind]
        if others.empty:
            continue
        significant = others["adjusted_p"] < LEVEL
        better = others.index[significant & (sign * others["difference"] > 0)]
        worse = others.index[significant & (sign * others["difference"] < 0)]
        same = [name for name in others.index if name not in better and name not in worse]
        if len(better) == len(others):
            sentences.append(f"It predicts better than all {plural} ({', '.join(better)}).")
            continue
        parts = [
            f"{words} {', '.join(names)}"
            for words, names in (
                ("is better than", better),
                ("is not distinguishable from", same),
                ("is worse than", worse),
            )
            if len(names)
        ]
        sentences.append(f"Beside the {plural} it {'; it '.join(parts)}.")
    controls = summary[summary["kind"] == "control"]
    if not controls.empty and not ((controls["adjusted_p"] < LEVEL) & (sign * controls["difference"] > 0)).any():
        sentences.append("These data do not show that the biology of the prior helps to predict.")
    return " ".join(sentences)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    flat = table.reset_index() if table.index.name else table
    records: list[dict[str, Any]] = json.loads(flat.to_json(orient="records", double_precision=12))
    return records
