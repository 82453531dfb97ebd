"""Are signs, missing edges and needless edges found? ``python -m benchmarks.edges``.

Every draw makes cells, a teacher and a prior with known faults, by its seed. Genes are normal and independent; the
activity of a node is the sum of its genes over the root of their number; ten numbers are linear in the hyperbolic
tangents of all activities, with normal noise of half their standard deviation.

``signs``: 20 regulators of 15 of 200 genes, one edge in three represses; of 30 % of the edges the prior does not know
the sign, and of a tenth of the others it has the wrong one. Counted is how many weights have the sign of the teacher.
``links``: 30 nodes of 20 neighbours among 300 genes on a circle; the prior lacks a fifth of the edges. Counted is how
many of the first 50 edges of `tl.soft_links` are among these.
``decoys``: the same nodes; a third of the edges of the prior are drawn at random. Counted is how many of the edges with
q below 0.1 are of the teacher.

Runs are kept: a repeated call goes on with those that are missing.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["drawn_links", "drawn_signs", "main"]

HERE = Path(__file__).parent
OUTPUTS, NOISE = 10, 0.5
SIGNS = ("ignore", "respect", "prefer")
Numbers = Any


def main() -> None:
    """Run what is asked for, and write JSON and a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.edges", description=__doc__)
    parser.add_argument("parts", nargs="*", default=["signs", "links", "decoys"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[100, 101, 102, 103, 104], help="of the draws")
    parser.add_argument("--trainings", type=int, default=3, help="per draw, for links and decoys")
    parser.add_argument("--output", type=Path, default=HERE / "edges.json")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    records = json.loads(arguments.output.read_text(encoding="utf-8")) if arguments.output.exists() else []
    for part in arguments.parts:
        for seed in arguments.seeds:
            if any((one["part"], one["seed"]) == (part, seed) for one in records):
                continue
            run = {"signs": _signs, "links": _links, "decoys": _decoys}[part]
            found = [{"part": part, "seed": seed, **one} for one in run(seed, arguments.trainings)]
            print(*found, sep="\n", flush=True)
            records += found
            lines = ",\n".join(map(json.dumps, records))
            arguments.output.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    for part, rows in pd.DataFrame(records).groupby("part", sort=False):
        numbers = rows.dropna(axis=1, how="all").drop(columns=["part", "seed"])
        print(f"\n{part}\n{numbers.groupby('model', sort=False).mean(numeric_only=True).round(3).to_string()}")


def drawn_signs(seed: int, cells: int = 1500) -> tuple[pd.DataFrame, Numbers, pd.DataFrame]:
    """Return expression, numbers to predict, and a row per edge: source, target, known weight, truth."""
    random = np.random.default_rng([seed, *b"signs"])
    x = random.normal(size=(cells, 200))
    rows, activity = [], np.zeros((cells, 20))
    for regulator in range(20):
        for gene in random.choice(200, 15, replace=False):
            truth = int(random.choice([1, -1], p=[2 / 3, 1 / 3]))
            activity[:, regulator] += truth * x[:, gene] / np.sqrt(15)
            known = 0 if random.random() < 0.3 else truth if random.random() < 0.9 else -truth
            rows.append((f"R{regulator:02}", f"G{gene:03}", known, truth))
    table = pd.DataFrame(rows, columns=["source", "target", "weight", "truth"])
    return _expression(x), _taught(activity, random), table


def drawn_links(seed: int, cells: int = 3000) -> tuple[pd.DataFrame, Numbers, dict[str, list[str]]]:
    """Return expression, numbers to predict, and the genes of each node."""
    random = np.random.default_rng([seed, *b"links"])
    x = random.normal(size=(cells, 300))
    nodes = {}
    for number in range(30):
        away = np.abs((np.arange(300) - random.uniform(0, 300) + 150) % 300 - 150)
        nodes[f"S{number:02}"] = np.sort(np.argsort(away * random.uniform(0.3, 1.7, 300))[:20])
    activity = np.stack([x[:, genes].sum(axis=1) / np.sqrt(20) for genes in nodes.values()], axis=1)
    y = _taught(activity, random)
    return _expression(x), y, {name: [f"G{gene:03}" for gene in genes] for name, genes in nodes.items()}


def _expression(x: Numbers) -> pd.DataFrame:
    return pd.DataFrame(x.astype("float32"), columns=[f"G{gene:03}" for gene in range(x.shape[1])])


def _taught(activity: Numbers, random: np.random.Generator) -> Numbers:
    weights = random.normal(size=(activity.shape[1], OUTPUTS)) / np.sqrt(activity.shape[1])
    y = np.tanh(activity) @ weights
    return (y + NOISE * y.std() * random.normal(size=y.shape)).astype("float32")


def _trained(arch: Any, x: pd.DataFrame, y: Numbers, seed: int, **options: Any) -> tuple[Any, float]:
    """Return a model, and its mean R² on the test cells."""
    import keras

    import keras_vnn as vnn

    keras.backend.clear_session()
    targets = vnn.pp.Targets(tuple(f"y{number}" for number in range(OUTPUTS)), y, np.arange(len(y)))
    result = vnn.train(arch, x, targets, seed=seed, progress=False, remember=False, **options)
    rows = result.split.test
    values = x.to_numpy()[rows]
    predicted = vnn.tl.predict(result.model, x.iloc[rows]).to_numpy() if len(values) else values
    rest = ((y[rows] - predicted) ** 2).sum(axis=0) / ((y[rows] - y[rows].mean(axis=0)) ** 2).sum(axis=0)
    return result.model, float(1 - rest.mean())


def _signs(seed: int, _: int) -> list[dict[str, Any]]:
    import keras_vnn as vnn

    x, y, edges = drawn_signs(seed)
    arch = vnn.wire.interactions(list(x.columns), regulation=vnn.read.regulation(edges[["source", "target", "weight"]]))
    found = []
    for signs in SIGNS:
        model, r2 = _trained(arch, x, y, seed, signs=signs)
        weights = vnn.tl.edge_weights(model).query("parameter == 'kernel'").set_index(["target", "source"])["weight"]
        own = weights.reindex([(f"TF:{a}", b) for a, b in zip(edges["source"], edges["target"], strict=True)])
        is_right = np.sign(own.to_numpy()) == edges["truth"].to_numpy()
        kinds = {"unknown": edges["weight"] == 0, "right": edges["weight"] == edges["truth"]}
        kinds["wrong"] = ~(kinds["unknown"] | kinds["right"])
        shares = {f"sign_{kind}": float(is_right[rows.to_numpy()].mean()) for kind, rows in kinds.items()}
        found.append({"model": signs, "r2": r2, "sign": float(is_right.mean()), **shares})
    return found


def _links(seed: int, trainings: int) -> list[dict[str, Any]]:
    import keras_vnn as vnn

    x, y, nodes = drawn_links(seed)
    random = np.random.default_rng([seed, *b"missing"])
    missing = {(str(gene), name) for name, genes in nodes.items() for gene in random.choice(genes, 4, replace=False)}
    prior = {name: [gene for gene in genes if (gene, name) not in missing] for name, genes in nodes.items()}
    arch = vnn.wire.gene_sets(list(x.columns), prior)
    plain = np.mean([_trained(arch, x, y, number)[1] for number in range(1)])
    made = [_trained(arch, x, y, number, soft_links="near") for number in range(trainings)]
    table = vnn.tl.soft_links([model for model, _ in made])
    is_true = np.array([pair in missing for pair in zip(table["source"], table["target"], strict=True)])
    facts = {"r2": float(np.mean([r2 for _, r2 in made])), "r2_without": float(plain), "found": len(table)}
    facts |= {f"precision_{n}": float(is_true[:n].mean()) for n in (20, 50, 100)}
    one = vnn.tl.soft_links(made[0][0])
    first = np.array([pair in missing for pair in zip(one["source"], one["target"], strict=True)][:50])
    return [{"model": "near", **facts, "precision_50_of_one": float(first.mean())}]


def _decoys(seed: int, trainings: int) -> list[dict[str, Any]]:
    import keras_vnn as vnn

    x, y, nodes = drawn_links(seed)
    random = np.random.default_rng([seed, *b"needless"])
    prior, true = {}, set()
    for name, genes in nodes.items():
        kept = random.choice(genes, 14, replace=False)
        true |= {(str(gene), name) for gene in kept}
        others = [gene for gene in x.columns if gene not in genes]
        prior[name] = sorted([*map(str, kept), *map(str, random.choice(others, 6, replace=False))])
    arch = vnn.wire.gene_sets(list(x.columns), prior)
    found = []
    for name, how in {"anchored": {}, "L2": {"anchor_pull": 0.0, "l2": 0.003}}.items():
        made = [_trained(arch, x, y, number, decoy_edges=True, **how) for number in range(trainings)]
        table = vnn.tl.prior_support([model for model, _ in made])
        is_true = np.array([pair in true for pair in zip(table["source"], table["target"], strict=True)])
        supported = (table["q"] < 0.1).to_numpy()
        found.append(
            {
                "model": name,
                "r2": float(np.mean([r2 for _, r2 in made])),
                "supported": int(supported.sum()),
                "false": float(1 - is_true[supported].mean()) if supported.any() else 0.0,
                "true_found": float(supported[is_true].mean()),
                "last_100_false": float(1 - is_true[-100:].mean()),
                "false_by_chance": float(1 - is_true.mean()),
            }
        )
    return found


if __name__ == "__main__":
    main()
