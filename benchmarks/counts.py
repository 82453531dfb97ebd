"""Whether counts and batches are worth a likelihood of their own: ``python -m benchmarks.counts``.

Trains the recipe ``expimap`` on simulated counts of which the truth is known, with and without the batch, and with the
squared error of logarithms in place of the likelihood. On the test cells: log-likelihood of the counts; how programs
follow those that were planted (Spearman, mean of the four that are named, and of the one that is not, whatever its
sign); how many of the eight programs that are active in no cell are silent (standard deviation below 0.3); how batches
mix and types stay apart, also in principal components. The normal distribution of logarithms is given the probability
between a half less and a half more of each count. And the milliseconds of a training step.

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
from scipy import stats

HERE = Path(__file__).parent
NETWORKS: dict[str, dict[str, Any]] = {
    "nb, batch": {},
    "nb": {"covariate": (), "dispersion": "gene"},
    "normal, batch": {"reconstruction": "normal", "dispersion": "gene", "beta": 0.01},
}
MEASURES = ("log-likelihood", "named", "unnamed", "silent", "mixed", "types", "step, ms")


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.counts", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "counts.json")
    given = parser.parse_args()
    runs: list[dict[str, Any]] = json.loads(given.out.read_text("utf-8")) if given.out.exists() else []
    done = {(run["network"], run["seed"]) for run in runs}
    for seed in range(given.seeds):
        for network in ("PCA", *NETWORKS):
            if (network, seed) not in done:
                runs.append({"network": network, "seed": seed, **run_of(network, seed)})
                given.out.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
                print(runs[-1], flush=True)
    table = pd.DataFrame(runs).groupby("network", sort=False)[list(MEASURES)]
    print(table.mean().round(3).to_string(), "\n\nstandard deviation\n", table.std().round(3).to_string())


def run_of(network: str, seed: int) -> dict[str, Any]:
    """Train one network, or none, and return what is measured of it."""
    from sklearn.decomposition import PCA

    from keras_vnn.pp import align
    from keras_vnn.recipes.read import read_recipe
    from keras_vnn.recipes.run import build_architecture, read_training_data, split_of, trained_network
    from keras_vnn.tl import autoencoder_activities, mixing_scores

    recipe = read_recipe("expimap")
    assert recipe.build is not None and recipe.train is not None
    arch = build_architecture(recipe.build)
    changes = dict(NETWORKS.get(network, {}))
    train = recipe.train.model_copy(
        update={"seed": seed, "covariate": changes.pop("covariate", recipe.train.covariate)}
        | {"model": recipe.train.model | changes}
    )
    data, labels = read_training_data(train, arch)
    split = split_of(train, data, labels)
    test = data[split.test]
    batches, types = test.obs["batch"].to_numpy(), test.obs["type"].to_numpy()
    if network == "PCA":
        values = align(data, arch, normalization="log1p-cpm")
        found = PCA(13, random_state=seed).fit(values[split.train]).transform(values[split.test])
        mixing = mixing_scores(found, batches, types)
        return {"mixed": mixing.batch_mixing, "types": mixing.type_separation}
    began = time.perf_counter()
    result = trained_network(train, arch, data, labels, split)
    seconds = time.perf_counter() - began
    activities = autoencoder_activities(result.model, test)
    latent = activities.obsm["latent"]
    mixing = mixing_scores(latent, batches, types)
    named = [name for name in test.obs if name.startswith("program")]
    follow = [stats.spearmanr(activities[:, name].X.ravel(), test.obs[name]).statistic for name in named]
    spread = pd.Series(np.asarray(activities.X).std(axis=0), index=activities.var_names)
    steps = len(result.history) * -(-len(split.train) // train.training_options().batch_of(len(split.train)))
    return {
        "epochs": len(result.history),
        "log-likelihood": likelihood(result, data, split),
        "named": float(np.mean(follow)),
        "unnamed": float(abs(stats.spearmanr(latent[:, -1], test.obs["unnamed program"]).statistic)),
        "silent": int((spread.drop(named) < 0.3).sum()),
        "mixed": mixing.batch_mixing,
        "types": mixing.type_separation,
        "step, ms": 1000 * seconds / steps,
    }


def likelihood(result: Any, data: Any, split: Any) -> float:
    """Return the log-likelihood of the counts of a test cell, in nats."""
    from keras_vnn.tl import predict

    assert result.metrics is not None
    if result.metrics.log_likelihood is not None:
        return float(result.metrics.log_likelihood)
    train, test = (np.asarray(data[rows].X, float) for rows in (split.train, split.test))
    spread = (predict(result.model, data[split.train]).to_numpy() - np.log1p(train)).std(axis=0)
    restored = predict(result.model, data[split.test]).to_numpy()
    upper = stats.norm.cdf((np.log1p(test + 0.5) - restored) / spread)
    lower = np.where(test > 0, stats.norm.cdf((np.log1p(np.maximum(test - 0.5, 0)) - restored) / spread), 0)
    return float(np.log(np.maximum(upper - lower, 1e-12)).sum(axis=1).mean())


if __name__ == "__main__":
    main()
