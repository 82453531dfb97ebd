"""The tables of a comparison: its runs, its contenders, the nodes, and how importance follows the place of a node.

In: records of runs, importance by node and run. Out: tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from keras_vnn.architecture import Architecture, gene_counts, node_degrees
from keras_vnn.experiments.comparison._contenders import REAL, Contender
from keras_vnn.experiments.comparison._runs import Record
from keras_vnn.experiments.comparison._statistics import Stability, holm_adjusted, node_differences, resampled_t_test

__all__ = ["LEVEL", "node_table", "place_table", "runs_table", "summarised"]

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
    corrected: pd.DataFrame,
    contenders: Sequence[Contender],
    ratio: float,
) -> pd.DataFrame:
    """Return importance in the real network, and against each control, of every hidden node.

    Parameters
    ----------
    importance
        By contender, a row per node and a column per run.
    corrected
        The same of the real prior, corrected for hubs.
    ratio
        Number of test cells over that of training cells.
    """
    real = importance[REAL]
    layers = arch.node_table().loc[real.index, ["label", "kind", "layer"]]
    ranks = real.groupby(layers["layer"]).rank(ascending=False, method="average")
    table = layers.assign(
        genes=np.concatenate(gene_counts(arch)[1:]),
        importance=real.mean(axis=1),
        sd=real.std(axis=1),
        rank=ranks.mean(axis=1),
        rank_sd=ranks.std(axis=1),
        corrected=corrected.mean(axis=1),
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
