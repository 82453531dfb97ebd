"""Whether an autoencoder that never saw the labels finds interferon-β: ``python -m benchmarks.autoencoders``.

Trains the recipes ``vega`` and ``onto-vae`` on CD4 T cells with and without interferon-β, over several seeds, each also
with genes in each other's places (a control of the same sizes). On the test cells: how much of the variance is
restored; how well k-means tells the conditions apart in the latent space, compared with PCA of the same cells; how
well the best of the terms under *response to virus*, *to cytokine* or *to type I interferon* does alone (area under
the ROC curve, higher in treated cells); and how many of the ten terms with the largest Bayes factors lie there.

Runs that the file holds already are not repeated.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.interferon import EXPECTED, TOP, terms_under

HERE = Path(__file__).parent
RECIPES = ("vega", "onto-vae")
MEASURES = ("restored", "V-measure", "PCA V-measure", "best AUC", "terms above 0.95", "of the first ten")


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.autoencoders", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "autoencoders.json")
    parser.add_argument("--most", type=int, default=1000, help="runs in this call; the next one goes on")
    given = parser.parse_args()
    runs: list[dict[str, Any]] = json.loads(given.out.read_text("utf-8")) if given.out.exists() else []
    done = {(run["recipe"], run["network"], run["seed"]) for run in runs}
    for name in RECIPES:
        for seed in range(given.seeds):
            for network in ("real", "genes"):
                if (name, network, seed) not in done and len(runs) - len(done) < given.most:
                    runs.append(run_of(name, network, seed))
                    given.out.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
                    print(runs[-1], flush=True)
    table = pd.DataFrame(runs).groupby(["recipe", "network"], sort=False)[list(MEASURES)]
    print(table.mean().round(3).to_string(), "\n\nstandard deviation\n", table.std().round(3).to_string())


def run_of(name: str, network: str, seed: int) -> dict[str, Any]:
    """Train one network and return what is measured of it."""
    from sklearn.decomposition import PCA
    from sklearn.metrics import roc_auc_score

    from keras_vnn.pp import align
    from keras_vnn.read import ontology as read_ontology
    from keras_vnn.recipes.read import read_recipe
    from keras_vnn.recipes.run import build_architecture, read_training_data, split_of, trained_network
    from keras_vnn.tl import autoencoder_activities, clustering_scores, differential_activity
    from keras_vnn.wire import randomize

    began = time.perf_counter()
    recipe = read_recipe(name)
    assert recipe.build is not None and recipe.train is not None and recipe.build.ontology is not None
    arch = build_architecture(recipe.build)
    if network != "real":
        arch = randomize(arch, network, seed)
    train = recipe.train.model_copy(update={"seed": seed})
    data, labels = read_training_data(train, arch)
    split = split_of(train, labels)
    result = trained_network(train, arch, data, labels, split)
    test = data[split.test]
    is_treated = (test.obs["condition"] == "stimulated").to_numpy()
    activities = autoencoder_activities(result.model, test)
    area = pd.Series([roc_auc_score(is_treated, column) for column in activities.X.T], index=activities.var_names)
    under = terms_under(read_ontology(recipe.build.ontology), list(EXPECTED))
    nodes = {node.id: node for layer in arch.hidden_layers for node in layer}
    found = [id for id, node in nodes.items() if under & {id, *node.names}]
    ranked = differential_activity(result.model, test, "condition", "stimulated", "control", seed=seed)
    values = align(data, arch)
    pca = PCA(min(50, len(split.train)), random_state=seed).fit(values[split.train]).transform(values[split.test])
    truth = test.obs["condition"].to_numpy()
    assert result.metrics is not None
    best = area[found].idxmax()
    return {
        "recipe": name,
        "network": network,
        "seed": seed,
        "epochs": len(result.history),
        "restored": result.metrics.to_json()["explained"],
        "V-measure": clustering_scores(activities.obsm["latent"], truth).v_measure,
        "PCA V-measure": clustering_scores(pca, truth).v_measure,
        "best AUC": float(area[best]),
        "best term": nodes[best].label,
        "terms above 0.95": int((np.maximum(area, 1 - area) > 0.95).sum()),
        "terms": len(nodes),
        "terms under": len(found),
        "of the first ten": int(ranked.index[:TOP].isin(found).sum()),
        "first": [nodes[id].label for id in ranked.index[:TOP]],
        "seconds": round(time.perf_counter() - began, 1),
    }


if __name__ == "__main__":
    main()
