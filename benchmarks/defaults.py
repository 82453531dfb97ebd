"""Do networks of named nodes learn one gene? What the defaults of model and training were decided by.

    python -m benchmarks.defaults --seeds 0-9            # to choose by
    python -m benchmarks.defaults --seeds 100-119 --only "the default"

A task is 20 gene sets and 400 cells of two classes: in half of the cells one gene of the third set is shifted by two
standard deviations. Sets have 3, 10, 100 or 1,000 genes; networks have one layer of named nodes, three (groups of four
sets and a root above) or ten (each node reads two of the layer below). `train` splits, stops early and scores by its
defaults but for what a contender changes. By an optimal rule .841 of the cells can be told.

Runs are kept: a repeated call goes on with those that are missing.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["main", "planted_task", "summarised"]

HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / "shared" / "data" / "more"
SETS, CELLS, SHIFT, CHOSEN = 20, 400, 2.0, 2
SIZES, DEPTHS = (3, 10, 100, 1000), (1, 3, 10)
# As published networks are trained, from which the others differ.
_KERAS: Mapping[str, Any] = {"normalization": "zscore", "epsilon": 1e-7, "batch_size": 32}
CONTENDERS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "the default": ({}, {}),
    "at random, Adam .001": (
        {"anchor": "none", "reads": "last"},
        {**_KERAS, "learning_rate": 0.001, "patience": 10},
    ),
    "anchored, Adam .01": ({"reads": "last"}, {**_KERAS, "learning_rate": 0.01}),
    "Adam .01": ({}, {"epsilon": 1e-7, "learning_rate": 0.01}),
    "z-scores": ({}, {"normalization": "zscore"}),
    "head on the last nodes": ({"reads": "last"}, {}),
    "32 cells a step": ({}, {"batch_size": 32}),
    "no anchor": ({"anchor": "none"}, {}),
    "no pull": ({"anchor_pull": 0.0}, {}),
}
DATA = ("kang-ppi-tf", "kang-go", "pbmc-ppi-tf", "pbmc-go", "lines-go")


def planted_task(genes: int, layers: int, seed: int) -> tuple[Any, pd.DataFrame, list[str], str]:
    """Return a network, cells, their labels, and the gene that tells them apart.

    Parameters
    ----------
    genes
        Of each of the sets, which share none.
    layers
        Of named nodes.
    seed
        Of the cells.
    """
    import keras_vnn as vnn

    names = [f"G{number}" for number in range(SETS * genes)]
    random = np.random.default_rng([seed, genes, layers])
    is_second = random.permutation(CELLS) < CELLS // 2
    values = random.normal(size=(CELLS, len(names))).astype(np.float32)
    gene = CHOSEN * genes + genes // 2
    values[is_second, gene] += SHIFT
    adjacencies = [np.kron(np.eye(SETS), np.ones((genes, 1)))]
    if layers > 1:
        middle = [_neighbours()] * (layers - 2) if layers > 3 else [np.kron(np.eye(SETS // 4), np.ones((4, 1)))]
        adjacencies += [*middle, np.ones((middle[-1].shape[1], 1))]
    parts = [vnn.wire.Layer("genes", tuple(vnn.wire.Node(name, kind="gene") for name in names))]
    for number, matrix in enumerate(adjacencies, start=1):
        nodes = tuple(vnn.wire.Node(f"N{number}.{place}") for place in range(matrix.shape[1]))
        parts.append(vnn.wire.Layer(f"layer {number}", nodes))
    arch = vnn.Architecture(tuple(parts), {(n, n + 1): matrix for n, matrix in enumerate(adjacencies)})
    cells = pd.DataFrame(values, columns=names, index=[f"cell {number}" for number in range(CELLS)])
    return arch, cells, np.where(is_second, "second", "first").tolist(), names[gene]


def _neighbours() -> Any:
    return np.eye(SETS) + np.roll(np.eye(SETS), 1, axis=1)


def run(genes: int, layers: int, seed: int, model: Mapping[str, Any], training: Mapping[str, Any]) -> dict[str, Any]:
    """Train on a planted task; return scores, epochs and the rank of the gene."""
    import keras

    import keras_vnn as vnn

    arch, cells, labels, gene = planted_task(genes, layers, seed)
    result = vnn.train(
        arch, cells, labels, training=vnn.training_options(seed=seed, **training), remember=False, **model
    )
    ranked = vnn.tl.rank_genes(result.model, cells, labels)
    keras.backend.clear_session()
    return {
        "accuracy": result.metrics.accuracy,
        "validation loss": float(result.history["val_loss"].min()),
        "epochs": len(result.history),
        "rank": int(ranked.loc[gene, "rank"]),
    }


def data_set(name: str, folder: Path) -> tuple[Any, Any, Any]:
    """Return a network, cells and labels: those of a recipe, blood cells by other priors, or cell lines of plate 1.

    Parameters
    ----------
    name
        One of `DATA`.
    folder
        As `benchmarks.embeddings` takes it.
    """
    import keras_vnn as vnn
    from keras_vnn.recipes.read import read_recipe
    from keras_vnn.recipes.run import build_architecture, read_training_data

    if name.startswith("lines"):
        from benchmarks.embeddings import LINES, Bench

        bench = Bench(folder, vnn.data_path("go-basic.obo.gz"), ["go"])
        return bench.architectures["go"], bench.p1, vnn.pp.labels_of(bench.p1, LINES)
    recipe = read_recipe(name.replace("pbmc", "kang"))
    if name.startswith("pbmc"):
        cells = vnn.read.expression(vnn.data_path("pbmc68k_reduced.h5ad"))
        return (
            build_architecture(recipe.build.model_copy(update={"genes": vnn.data_path("pbmc68k_reduced.h5ad")})),
            cells,
            vnn.pp.labels_of(cells, "bulk_labels"),
        )
    arch = build_architecture(recipe.build)
    return arch, *read_training_data(recipe.train, arch)


def run_on_data(
    name: str, folder: Path, seed: int, model: Mapping[str, Any], training: Mapping[str, Any]
) -> dict[str, Any]:
    """Train on a data set; return scores on validation and test cells."""
    import keras

    import keras_vnn as vnn

    arch, cells, labels = data_set(name, folder)
    result = vnn.train(
        arch, cells, labels, training=vnn.training_options(seed=seed, **training), remember=False, **model
    )
    best = result.history["val_loss"].idxmin()
    keras.backend.clear_session()
    return {
        "validation loss": float(result.history["val_loss"].min()),
        "validation accuracy": float(result.history.loc[best, "val_accuracy"]),
        "accuracy": result.metrics.accuracy,
        "balanced accuracy": result.metrics.balanced_accuracy,
        "epochs": len(result.history),
    }


def summarised(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return a row per task and contender: means over seeds, the lowest accuracy, how often the gene is first."""
    table = pd.DataFrame(records)
    if "rank" in table:
        table["first"] = (table.pop("rank") == 1).astype(float)
    keys = [name for name in ("data", "layers", "genes", "contender") if name in table]
    grouped = table.groupby(keys, sort=False)
    found = grouped.mean().drop(columns="seed")
    return found.assign(lowest=grouped["accuracy"].min(), runs=grouped.size()).round(3).reset_index()


def main() -> None:
    """Run what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0-3", help="first and last (default %(default)s)")
    parser.add_argument("--only", nargs="+", choices=list(CONTENDERS), default=list(CONTENDERS))
    parser.add_argument("--genes", nargs="+", type=int, default=list(SIZES[:3]))
    parser.add_argument("--layers", nargs="+", type=int, default=list(DEPTHS))
    parser.add_argument("--data", nargs="*", choices=DATA, help="train on these data instead; no name: on all")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of the cell lines (default %(default)s)")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "defaults.json")
    given = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    first, last = map(int, given.seeds.split("-"))
    tasks: list[dict[str, Any]] = [{"genes": n, "layers": depth} for depth in given.layers for n in given.genes]
    if given.data is not None:
        tasks = [{"data": name} for name in given.data or DATA]
    records = json.loads(given.out.read_text(encoding="utf-8")) if given.out.exists() else []
    done = {_key(record) for record in records}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    for seed in range(first, last + 1):
        for task in tasks:
            for name in given.only:
                about = {"contender": name, "seed": seed, **task}
                if _key(about) in done:
                    continue
                if "data" in task:
                    scores = run_on_data(task["data"], given.folder, seed, *CONTENDERS[name])
                else:
                    scores = run(task["genes"], task["layers"], seed, *CONTENDERS[name])
                records.append(about | scores)
                given.out.write_text(json.dumps(records, indent=0) + "\n", encoding="utf-8")
    print(summarised([record for record in records if ("data" in record) == (given.data is not None)]).to_string())


def _key(record: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(record.get(name) for name in ("contender", "seed", "data", "genes", "layers"))


if __name__ == "__main__":
    main()
