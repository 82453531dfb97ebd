"""Does the importance of nodes find what is there? ``python -m benchmarks.planted_truth``.

A term is drawn, labels are made from the expression of its genes and noise, a network is trained on them, and its
nodes are ranked by every method. A method finds the term when it, or a direct relative of it, is among the first five
nodes of its layer. The same is done with a network whose genes are permuted: there the term's name stands on other
genes, and a method that finds it is fooled by something else.

Expression is that of 1,000 T cells (Kang et al. 2018, bundled), each gene scaled to mean 0 and variance 1 over the
cells. The label of a cell is whether the mean of the term's genes (all genes below it), scaled to variance 1, plus
normal noise of standard deviation 0.5, lies above the median. Terms are drawn once each, by the seed, among those of a
range of sizes in layers of 50 nodes or more; relatives count in such layers only, as every node is among the first five
of few. A relative is a term above or below in the network; in the network of interactions, the group of a partner of
the protein. Importance is measured on the cells that had no part in training.

Runs and models are kept: a repeated call goes on with those that are missing, and measures what is new.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["main", "planted", "relatives_of", "summarised"]

HERE = Path(__file__).parent
ROOT = HERE.parent
RECIPES = {"Gene Ontology": "kang-go", "interactions": "kang-ppi-tf"}
SIZES = {"Gene Ontology": (15, 60), "interactions": (10, 30)}
# Beside the recipe's own model: every node learns to predict by itself, as in DCell.
MODELS: Mapping[str, dict[str, Any]] = {
    "as in the recipe": {},
    "auxiliary heads": {"auxiliary_heads": "linear", "aux_root": True, "aux_weight": 0.3},
}
WIRINGS = ("real prior", "genes permuted")
CORRECTIONS = ("none", "pnet", "binn", "reach")
EVIDENCE = "evidence"
# What is said of a node by its genes and units, not by what it does to the output; the second is of release 0.1.
FROM_GENES = (EVIDENCE, "activity difference")
NOISE, FIRST, LARGE = 0.5, 5, 50


def main() -> None:
    """Run what is asked for, and write JSON, a table and a figure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted_truth", description=__doc__)
    parser.add_argument("--draws", type=int, default=20, help="terms per architecture (default %(default)s)")
    parser.add_argument("--only", choices=list(RECIPES), help="one architecture")
    parser.add_argument("--model", choices=list(MODELS), help="one kind of model")
    parser.add_argument("--runs", type=Path, default=HERE / "results" / "planted_truth", help="folder of the runs")
    parser.add_argument("--limit", type=int, help="stop after so many new runs; 0: only write what there is")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from keras_vnn.inspection import IMPORTANCE_METHODS

    parser.add_argument("--methods", nargs="+", default=list(IMPORTANCE_METHODS), help="of rank_nodes")
    parser.add_argument("--draw", action="store_true", help="only draw what planted_truth.json holds")
    arguments = parser.parse_args()
    if arguments.draw:
        kept = json.loads((HERE / "planted_truth.json").read_text(encoding="utf-8"))
        return _draw(pd.DataFrame(kept["summary"]))
    arguments.runs.mkdir(parents=True, exist_ok=True)
    names = [arguments.only] if arguments.only else list(RECIPES)
    left = arguments.limit
    for name in names if left != 0 else []:
        for path, run in _runs(name, arguments.draws, arguments.runs, arguments.methods, arguments.model):
            if left == 0:
                break
            path.write_text(json.dumps(run(), indent=1) + "\n", encoding="utf-8")
            print(path.stem, flush=True)
            left = None if left is None else left - 1
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(arguments.runs.glob("*.json"))]
    table = summarised(records)
    # A run is a line.
    runs, summary = ("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]" for rows in (records, table.to_dict("records")))
    (HERE / "planted_truth.json").write_text(f'{{"summary": {summary},\n"runs": {runs}}}\n', encoding="utf-8")
    print(table.to_string())
    _draw(table)


def _runs(name: str, draws: int, folder: Path, methods: Sequence[str], only: str | None) -> Iterator[tuple[Path, Any]]:
    """Yield the runs that are missing, and where they are kept."""
    from keras_vnn.experiments.controls import randomize
    from keras_vnn.recipes.read import read_recipe
    from keras_vnn.recipes.run import build_architecture, read_training_data

    recipe = read_recipe(RECIPES[name])
    arch = build_architecture(recipe.build)
    data, _ = read_training_data(recipe.train, arch)
    values = np.asarray(data.X.toarray() if hasattr(data.X, "toarray") else data.X, np.float64)
    scaled = (values - values.mean(axis=0)) / np.where(values.std(axis=0) > 0, values.std(axis=0), 1)
    data.X = scaled.astype(np.float32)
    members, layers = _members(arch), _layers(arch)
    low, high = SIZES[name]
    kinds = {place.node.id: place.node.kind for place in arch.nodes()}
    known = [
        term
        for term, genes in members.items()
        if low <= len(genes) <= high
        and (layers == layers[term]).sum() >= LARGE
        and kinds[term] in ("term", "interaction")
    ]
    chosen = [str(term) for term in np.random.default_rng(0).permutation(known)[:draws]]
    for model, options in MODELS.items():
        if only not in (None, model):
            continue
        for draw, term in enumerate(chosen):
            about = {
                "architecture": name,
                "draw": draw,
                "model": model,
                "term": term,
                "label": arch.find(term).node.label,
                "genes": len(members[term]),
                "layer": int(layers[term]),
                "nodes_of_layer": int((layers == layers[term]).sum()),
                "relatives": relatives_of(arch, term),
            }
            is_high = planted(scaled, members[term], np.random.default_rng([draw, *b"planted"]))
            data.obs["planted"] = np.where(is_high, "high", "low")
            for wiring in WIRINGS:
                path = folder / f"{RECIPES[name]}-{draw:02}-{model}-{wiring}.json".replace(" ", "_")
                known_places = json.loads(path.read_text(encoding="utf-8"))["places"] if path.exists() else {}
                new = [method for method in methods if f"{method}, {CORRECTIONS[0]}" not in known_places]
                if new:
                    network = arch if wiring == WIRINGS[0] else randomize(arch, "genes", draw)
                    facts = {**about, "wiring": wiring, "places": known_places}
                    yield path, partial(_run, network, data, recipe, options, facts, new, path.with_suffix(".keras"))


def planted(scaled: Any, genes: Sequence[int], rng: np.random.Generator) -> Any:
    """Return whether the mean of some genes, plus noise, is above its median; ``(cells,)``."""
    signal = scaled[:, genes].mean(axis=1)
    signal = (signal - signal.mean()) / signal.std()
    noisy = signal + NOISE * rng.normal(size=len(signal))
    return noisy > np.median(noisy)


def _run(
    network: Any,
    data: Any,
    recipe: Any,
    options: dict[str, Any],
    about: dict[str, Any],
    methods: Sequence[str],
    kept: Path,
) -> dict[str, Any]:
    """Train on planted labels, unless the model is kept; return the places of a term and its relatives by method."""
    import keras

    from keras_vnn import load_model, save_model, train
    from keras_vnn.pp import labels_of, split_cells
    from keras_vnn.tl import corrected_importance, rank_nodes, view

    labels, seed = labels_of(data, "planted"), about["draw"]
    split = split_cells(labels, seed=seed)
    if not kept.exists():
        chosen = recipe.train.training_options().changed(seed=seed)
        result = train(network, data, labels, training=chosen, split=split, **{**recipe.train.model, **options})
        save_model(result.model, kept)
    model = load_model(kept)
    held_out = data[np.concatenate([split.validation, split.test])]
    scores: dict[str, Any] = {}
    for method in methods:
        ranking = rank_nodes(model, held_out, "planted", by=method)
        # RLIPP is a difference and can be negative; there is nothing of a hub to divide out.
        for rule in CORRECTIONS[:1] if method == "rlipp" else CORRECTIONS:
            scores[f"{method}, {rule}"] = corrected_importance(network, ranking["importance"], rule)
    scores[EVIDENCE] = rank_nodes(model, held_out, "planted", replicate="cells")["evidence"].fillna(0.0)
    layers = _layers(network)
    sizes = layers.value_counts()
    term = about["term"]
    near = [name for name in about["relatives"] if sizes[layers[name]] >= LARGE]
    places = dict(about["places"])
    for method, values in scores.items():
        ranks = values.groupby(layers.reindex(values.index)).rank(ascending=False, method="average")
        places[method] = {"term": float(ranks[term]), "relatives": [float(ranks[name]) for name in near]}
    record = view(model).card.metadata["training"]
    keras.backend.clear_session()
    return {
        **about,
        "relatives": near,
        "by_chance": float(1 - np.prod([1 - FIRST / sizes[layers[name]] for name in (term, *near)])),
        "accuracy": record["metrics"]["accuracy"],
        "epochs": len(record["history"]["loss"]),
        "places": places,
    }


def relatives_of(arch: Any, term: str) -> list[str]:
    """Return the nodes a term feeds or reads; of a group of interactions, the groups of its partners."""
    place = arch.find(term)
    if place.node.kind == "interaction":
        hubs = {
            node.node.attributes.get("hub"): node.node.id for node in arch.nodes() if node.node.kind == "interaction"
        }
        own = place.node.attributes.get("hub")
        genes = arch.connections[0, 1].tocsc()[:, [place.position]].indices
        return sorted({hubs[arch.genes[g]] for g in genes if arch.genes[g] != own and arch.genes[g] in hubs} - {term})
    edges = arch.edge_table()
    hidden = edges[edges["source_layer"] > 0]
    above, below = hidden.loc[hidden["source"] == term, "target"], hidden.loc[hidden["target"] == term, "source"]
    return sorted({*above, *below})


def _members(arch: Any) -> dict[str, Any]:
    """Return the positions of the genes below each hidden node."""
    from scipy import sparse

    reached = [sparse.csc_array(sparse.eye_array(len(arch.genes), dtype=np.float32))]
    members = {}
    for number in range(1, len(arch.layers)):
        total = sparse.csc_array((len(arch.genes), len(arch.layers[number])), dtype=np.float32)
        for (source, target), matrix in arch.connections.items():
            if target == number:
                total = total + reached[source] @ matrix.astype(np.float32)
        reached.append(sparse.csc_array(total))
        for index, node in enumerate(arch.layers[number]):
            members[node.id] = np.sort(reached[number][:, [index]].indices)
    return members


def _layers(arch: Any) -> pd.Series:
    table = arch.node_table()
    return table.loc[table["layer"] > 0, "layer"]


def summarised(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return how often each method finds the term, or a relative, by architecture, model and wiring."""
    rows = [
        {
            **{name: record[name] for name in ("architecture", "model", "wiring")},
            "method": method,
            "term": place["term"] <= FIRST,
            "term or relative": min([place["term"], *place["relatives"]]) <= FIRST,
            "by chance": record["by_chance"],
            "place": place["term"],
        }
        for record in records
        for method, place in record["places"].items()
    ]
    keys = ["architecture", "model", "method", "wiring"]
    table = pd.DataFrame(rows).groupby(keys, sort=False)
    shares = table[["term", "term or relative", "by chance"]].mean()
    return shares.assign(draws=table.size(), **{"median place": table["place"].median()}).reset_index()


def _draw(table: pd.DataFrame) -> None:
    """Draw the share of draws in which each method finds the term or a relative, with the real and permuted genes."""
    from matplotlib.figure import Figure

    names = [name for name in RECIPES if (table["architecture"] == name).any()]
    models = [model for model in MODELS if (table["model"] == model).any()]
    methods = sorted(dict.fromkeys(table["method"]), key=lambda method: (method in FROM_GENES, _method_words(method)))
    figure = Figure(figsize=(9, 0.2 * len(methods) * len(models) + 1.4), layout="constrained")
    panels = figure.subplots(len(models), len(names), sharex=True, sharey=True, squeeze=False)
    y = np.arange(len(methods))
    for row, model in enumerate(models):
        for column, name in enumerate(names):
            ax = panels[row][column]
            part = table[(table["architecture"] == name) & (table["model"] == model)]
            wide = part.pivot(index="method", columns="wiring", values="term or relative").reindex(methods)
            for wiring, colour, below in zip(WIRINGS, ("#0072b2", "#d55e00"), (-0.2, 0.2), strict=True):
                ax.barh(y + below, wide[wiring], 0.4, color=colour, label=wiring)
            for place in y[wide[WIRINGS[0]].isna()]:
                ax.text(0.01, place, "not tried", fontsize=7, color="0.5", va="center")
            ax.set_yticks(y, [_method_words(text) for text in methods], fontsize=8)
            ax.tick_params(axis="y", length=0)
            ax.set(xlim=(0, 1), xticks=(0, 0.5, 1), xticklabels=("0", "0.5", "1"))
            ax.set_title(f"{name}; {model}", fontsize=9)
            ax.spines[["top", "right"]].set_visible(False)
    panels[0][0].invert_yaxis()
    figure.supxlabel("share of draws: term or a direct relative among the first five of its layer", fontsize=9)
    handles, texts = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    for path in (HERE / "planted_truth.png", ROOT / "docs" / "images" / "planted-truth.png"):
        figure.savefig(path, dpi=160)


def _method_words(name: str) -> str:
    method, _, rule = name.partition(", ")
    rules = {"pnet": "P-NET's rule", "binn": "BINN's, degree", "reach": "BINN's, reach"}
    return f"{method}, {rules[rule]}" if rule in rules else method


if __name__ == "__main__":
    main()
