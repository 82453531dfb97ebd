"""How well does a network of named nodes predict from few cells? ``python -m benchmarks.few_cells``.

So many cells of each class are drawn for training and 10 more (5 of fewer than 50) for early stopping, which other
methods train on as well; the rest of the cells is the test, 1,000 at most. A class that has fewer gives half of its
cells to training and a sixth to early stopping. Draws are seeds 0, 1, …; every method gets the same cells. Balanced
accuracy; the difference from logistic regression is paired, with a 95 % interval of Student's t. A network reads the
genes that feed a node, the other methods all genes, but for "genes read", which is of those alone. The same network is
trained next to 100 dense units, which read all genes, too. A draw that was measured before is not trained again.
"""

from __future__ import annotations

import argparse
import json
import os
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.evidence import DATA

__all__ = ["main"]

HERE = Path(__file__).parent
TEST = 1_000


def main() -> None:
    """Train, keep each draw in ``benchmarks/few_cells.json`` and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.few_cells", description=__doc__)
    parser.add_argument("--cells", type=int, nargs="+", default=[10, 20, 50, 100, 300], help="of each class")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--data", nargs="+", choices=list(DATA), default=list(DATA))
    parser.add_argument("--out", type=Path, default=HERE / "few_cells.json")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    rows: list[dict[str, Any]] = json.loads(arguments.out.read_text()) if arguments.out.exists() else []
    for name in arguments.data:
        arch, data, labels = DATA[name]()
        for cells in arguments.cells:
            if pd.Series(labels).value_counts().max() <= cells + 10:
                continue
            for draw in range(arguments.draws):
                if any((row["data"], row["cells"], row["draw"]) == (name, cells, draw) for row in rows):
                    continue
                found = {method: round(value, 4) for method, value in scores(arch, data, labels, cells, draw).items()}
                rows.append({"data": name, "cells": cells, "draw": draw, **found})
                arguments.out.write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n", encoding="utf-8")
    print(summary(pd.DataFrame(rows)).round(3).T.to_string())


def scores(arch: Any, data: Any, labels: Any, cells: int, draw: int) -> dict[str, float]:
    """Return the balanced accuracy of each method on the test cells of one draw."""
    import keras
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.neighbors import NearestCentroid

    from keras_vnn import train, training_options
    from keras_vnn.architecture import Layer
    from keras_vnn.pp import Split, align, labels_of
    from keras_vnn.tl import predict

    random, more = np.random.default_rng(draw), 5 if cells < 50 else 10
    parts: dict[str, list[Any]] = {"train": [], "validation": [], "test": []}
    for kind in np.unique(labels):
        drawn = random.permutation(np.flatnonzero(labels == kind))
        most, enough = min(cells, len(drawn) // 2), min(more, max(len(drawn) // 6, 1))
        parts["train"] += [drawn[:most]]
        parts["validation"] += [drawn[most : most + enough]]
        parts["test"] += [drawn[most + enough :]]
    split = Split(**{name: np.concatenate(rows) for name, rows in parts.items()}, seed=draw)
    named = data.copy()
    named.obs["kind"] = labels
    test = random.permutation(split.test)[:TEST]
    known = np.concatenate([split.train, split.validation])
    x, is_read = align(data, arch), np.isin(arch.genes, arch.unconnected_genes, invert=True)
    *before, last = arch.layers
    found = {}
    for name, wiring in {
        "network": arch,
        "next to dense units": replace(arch, layers=(*before, Layer(last.name, tuple(last), 100))),
    }.items():
        model = train(wiring, named, labels_of(named, "kind"), training=training_options(seed=draw), split=split).model
        chances = predict(model, named[test])
        found[name] = balanced_accuracy_score(labels[test], chances.columns[chances.to_numpy().argmax(axis=1)])
    for name, method in (
        ("logistic regression", LogisticRegression(max_iter=1_000)),
        ("nearest centroid", NearestCentroid()),
        ("forest", RandomForestClassifier(300, random_state=draw, n_jobs=2)),
        ("boosting", HistGradientBoostingClassifier(random_state=draw)),
    ):
        found[name] = balanced_accuracy_score(labels[test], method.fit(x[known], labels[known]).predict(x[test]))
    method, read = LogisticRegression(max_iter=1_000), x[:, is_read]
    found["logistic regression, genes read"] = balanced_accuracy_score(
        labels[test], method.fit(read[known], labels[known]).predict(read[test])
    )
    keras.backend.clear_session()
    return {name: float(value) for name, value in found.items()}


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Return means, and of the network the paired difference from logistic regression with its interval."""
    table = runs.set_index(["data", "cells", "draw"])
    difference = table["network"] - table["logistic regression"]
    grouped = difference.groupby(["data", "cells"], sort=False)
    half = grouped.std() / np.sqrt(grouped.size()) * stats.t.ppf(0.975, np.maximum(grouped.size() - 1, 1))
    means = table.groupby(["data", "cells"], sort=False).mean()
    return means.assign(difference=grouped.mean(), low=grouped.mean() - half, high=grouped.mean() + half)


if __name__ == "__main__":
    main()
