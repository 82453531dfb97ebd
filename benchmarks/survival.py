"""Survival with a planted truth, compared with Cox regression: ``python -m benchmarks.survival``.

The follow-up of the recipe ``cox-pathway`` is simulated again from other seeds, on the same cells. Each is asked: does
the network order test cells better than a Cox ridge regression on principal components (lifelines), a ridge on the
martingale residuals of all genes, or the same network wired at random; and do the planted processes have evidence, and
none where the follow-up is permuted?
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["survival"]

ROOT = Path(__file__).parents[1]


def survival(seeds: range) -> dict[str, Any]:
    """Return what was found for every seed."""
    from sklearn.linear_model import RidgeCV
    from sklearn.preprocessing import StandardScaler
    from tools.make_simulated_data import PLANTED, simulated_survival

    import keras_vnn as vnn
    from keras_vnn.data import null_residuals, survival_metrics
    from keras_vnn.inspection import judge, ranked_nodes
    from keras_vnn.recipes.read import read_recipe
    from keras_vnn.recipes.run import build_architecture

    recipe = read_recipe("cox-pathway")
    arch = build_architecture(recipe.build)
    cells = vnn.read.expression(recipe.train.data)
    genes = StandardScaler().fit_transform(vnn.pp.align(cells, arch))
    rows = []
    for seed in seeds:
        cells.obs = simulated_survival(seed)
        known = vnn.pp.survival_of(cells, "weeks", "event")
        options = {"seed": seed, "progress": False, "remember": False}
        result = vnn.train(arch, cells, known, **options)
        split, truth = result.split, known.values
        swapped = vnn.train(vnn.wire.randomize(arch, "swap", seed), cells, known, split=split, **options)
        ridge = RidgeCV(10.0 ** np.arange(2, 8)).fit(genes[split.train], null_residuals(truth[split.train]))
        judged = judge(result.model, cells, known, split=split)
        table = ranked_nodes(result.model, cells, known, progress=False)
        permuted = cells.copy()
        permuted.obs = cells.obs.sample(frac=1, random_state=seed).set_axis(cells.obs_names)
        nothing = ranked_nodes(result.model, permuted, vnn.pp.survival_of(permuted, "weeks", "event"), progress=False)
        rows.append(
            {
                "seed": seed,
                "network": result.metrics.c_index,
                "swapped": swapped.metrics.c_index,
                "cox": judged.cox,
                "ridge": survival_metrics(truth[split.test], ridge.predict(genes[split.test])).c_index,
                "places": [int(table.index.get_loc(term)) + 1 for term in PLANTED],
                "directions": [str(table.loc[term, "higher_with"]) for term in PLANTED],
                "found": int(table.attrs["found"]),
                "found in permuted": int(nothing.attrs["found"]),
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    table = pd.DataFrame(rows).set_index("seed")
    return {"mean": table[["network", "swapped", "cox", "ridge"]].mean().round(3).to_dict(), "runs": rows}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    print(json.dumps(survival(range(100, 100 + parser.parse_args().seeds))["mean"]))
