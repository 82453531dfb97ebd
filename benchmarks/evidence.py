"""Is what is said of a named node true? ``python -m benchmarks.evidence [PART …]``.

* ``direction``: in how many nodes with |t| > 4 `higher_in` is the class with the highest mean z-score of the genes.
* ``interferon``: how many of the 23 processes under *response to virus*, *response to cytokine* and *response to type I
  interferon* are found in T cells under interferon-β, by evidence and by what is used without a network: a t test of
  the mean z-score, of the first principal component, and over-representation; and how many nodes
  are called significant when genes, or labels, are permuted.
* ``planted``: four of five genes of ten of 300 sets are shifted, and a set is right if half of its genes are; and the
  same with the shift in 150 random genes, where no set is right. Half of the genes of every set are co-expressed.
* ``xor``: the exclusive or of two gene sets makes the label; is their parent found beyond the mean?
* ``discover``: the same for seeds 700 to 709, then the pair of sets itself, and pairs when labels are shuffled.
* ``identified``: which nodes of three of these networks students find again.
* ``halves``: overlap of the first ten nodes over random halves of the cells, and over five seeds of the network.

Seeds are 0, 1, … of each part, chosen before any result was seen. Results are kept in ``benchmarks/evidence.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse, stats

__all__ = ["main"]

HERE = Path(__file__).parent
LEVEL = 0.05


def main() -> None:
    """Run the parts that are named, print and keep what they give."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evidence", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to measure (default: all)")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    target = HERE / "evidence.json"
    for name in parser.parse_args().parts or PARTS:
        found = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}
        started = time.process_time()
        found[name] = PARTS[name]()
        found[name]["processor seconds"] = round(time.process_time() - started)
        target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(name, json.dumps(found[name], indent=1))


def kang(recipe: str) -> tuple[Any, Any, Any]:
    """Return the architecture, cells and labels of a bundled recipe."""
    from keras_vnn.recipes.read import read_recipe
    from keras_vnn.recipes.run import build_architecture, read_training_data

    known = read_recipe(recipe)
    arch = build_architecture(known.build, say=lambda _: None)  # type: ignore[arg-type]
    data, labels = read_training_data(known.train, arch, say=lambda _: None)  # type: ignore[arg-type]
    return arch, data, labels.names  # type: ignore[union-attr]


def blood() -> tuple[Any, Any, Any]:
    """Return a network of interactions and regulation, and the cells of ten types of blood."""
    import keras_vnn as vnn

    cells = vnn.read.expression(vnn.data_path("pbmc68k_reduced.h5ad"))
    ppi = vnn.read.interactions(vnn.data_path("ppi_human_goa_ipi.tsv"))
    tf = vnn.read.regulation(vnn.data_path("tf_target_human_goa.tsv"))
    return vnn.wire.interactions(cells.var_names, ppi, tf), cells, cells.obs["bulk_labels"].astype(str).to_numpy()


DATA: dict[str, Callable[[], Any]] = {
    "demo": lambda: kang("kang-ppi-tf"),
    "ontology demo": lambda: kang("kang-go"),
    "pbmc68k": blood,
}


def table_of(arch: Any, data: Any, labels: Any, seed: int = 0, **how: Any) -> pd.DataFrame:
    """Return the table of nodes of an untrained network: no weight has a part in evidence."""
    from keras_vnn import build_model
    from keras_vnn.pp import classes
    from keras_vnn.tl import rank_nodes

    model = build_model(arch, classes(labels), seed=seed)
    return rank_nodes(model, data, labels, replicate="cells", **how)


def scores_of(arch: Any, data: Any) -> tuple[pd.DataFrame, sparse.csc_array, np.ndarray]:
    """Return the mean z-score of the genes of every node, which genes these are, and the z-scores, by the plain way."""
    import networkx as nx

    from keras_vnn.pp import align

    values = np.asarray(align(data, arch), np.float64)
    deviation = values.std(axis=0)
    z = (values - values.mean(axis=0)) / np.where(deviation > 0, deviation, np.inf)
    graph = arch.to_networkx()
    place = {gene: number for number, gene in enumerate(arch.genes)}
    upstream: dict[str, set[int]] = {gene: {number} for gene, number in place.items()}
    for node in nx.topological_sort(graph):
        if node not in place:
            upstream[node] = set().union(*(upstream[child] for child in graph.predecessors(node)))
    ids = [node.id for layer in arch.hidden_layers for node in layer]
    rows = np.concatenate([sorted(upstream[name]) for name in ids]).astype(int)
    columns = np.repeat(np.arange(len(ids)), [len(upstream[name]) for name in ids])
    sets = sparse.csc_array((np.ones(len(rows)), (rows, columns)), shape=(len(place), len(ids)))
    sizes = np.maximum(np.diff(sets.indptr), 1)
    return pd.DataFrame((sets.T @ z.T).T / sizes, columns=ids), sets, z


def direction() -> dict[str, Any]:
    """Compare `higher_in` with the class in which the genes have the highest mean z-score."""
    found = {}
    for name, make in DATA.items():
        arch, data, labels = make()
        table, (scores, _, _) = table_of(arch, data, labels), scores_of(arch, data)
        kinds = np.unique(labels)
        t = np.stack([
            stats.ttest_ind(scores[labels == kind], scores[labels != kind], equal_var=False).statistic
            for kind in kinds
        ])  # fmt: skip
        mean = np.stack([scores[labels == kind].mean() for kind in kinds])
        clear = np.nanmax(np.abs(t), axis=0) > 4
        highest = pd.Series(kinds[mean.argmax(axis=0)], scores.columns)
        agrees = (table.loc[scores.columns, "higher_in"] == highest)[clear]
        found[name] = {"nodes": int(clear.sum()), "agree": int(agrees.sum())}
    return found


def rivals(scores: pd.DataFrame, sets: sparse.csc_array, z: np.ndarray, labels: Any) -> dict[str, Any]:
    """Return (order of the nodes, number called significant) of methods without a network and without decoys."""
    inside = labels == np.unique(labels)[1]
    test = stats.ttest_ind(scores[inside], scores[~inside], equal_var=False)
    single = stats.ttest_ind(z[inside], z[~inside], equal_var=False)
    differs = stats.false_discovery_control(np.nan_to_num(single.pvalue, nan=1)) < 0.01
    sizes, hits = np.diff(sets.indptr), np.asarray(sets.T @ differs.astype(float))
    ora = stats.hypergeom.sf(hits - 1, len(differs), differs.sum(), sizes)
    # The first component of each set, by the plain way.
    component = np.empty(scores.shape)
    for node in range(sets.shape[1]):
        genes = z[:, sets.indices[sets.indptr[node] : sets.indptr[node + 1]]]
        left, values, _ = np.linalg.svd(genes, full_matrices=False) if genes.shape[1] < 200 else (genes[:, :1], [1], 0)
        component[:, node] = left[:, 0] * values[0]
    first = stats.ttest_ind(component[inside], component[~inside], equal_var=False)
    found = {}
    for name, p, worth in (
        ("mean z-score, t test", test.pvalue, np.abs(test.statistic)),
        ("first principal component, t test", first.pvalue, np.abs(first.statistic)),
        ("over-representation", ora, -ora),
    ):
        q = stats.false_discovery_control(np.nan_to_num(p, nan=1))
        found[name] = scores.columns[np.argsort(-np.nan_to_num(worth), kind="stable")], int((q < LEVEL).sum())
    return found


def interferon(permutations: int = 20) -> dict[str, Any]:
    """Count expected processes, and what is called significant where nothing is."""
    from benchmarks.interferon import EXPECTED, terms_under
    from keras_vnn.read import ontology
    from keras_vnn.recipes.read import read_recipe

    arch, data, labels = kang("kang-go")
    under = terms_under(ontology(read_recipe("kang-go").build.ontology), list(EXPECTED))  # type: ignore[union-attr]
    expected = {node.id for layer in arch.hidden_layers for node in layer if {node.id, *node.names} & under}

    def said(order: Any, significant: int) -> dict[str, Any]:
        places = [list(order).index(name) + 1 for name in expected]
        return {
            "significant": significant,
            "of the first ten expected": len(set(order[:10]) & expected),
            "median place": float(np.median(places)),
        }

    started = time.process_time()
    table = table_of(arch, data, labels)
    seconds = time.process_time() - started
    found = {"evidence": said(table.index, int((table["q"] < LEVEL).sum()))}
    found["evidence"]["expected, significant"] = len(set(table.index[table["q"] < LEVEL]) & expected)
    found["evidence"]["processor seconds"] = round(seconds, 1)
    for name, (order, significant) in rivals(*scores_of(arch, data), labels).items():
        found[name] = said(order, significant)
    nothing: dict[str, list[int]] = {"labels permuted": [], "genes permuted": []}
    beyond: list[int] = []
    for seed in range(permutations):
        random = np.random.default_rng(seed)
        shuffled = table_of(arch, data, random.permutation(labels))
        other = data[:, random.permutation(data.n_vars)].copy()
        other.var_names = data.var_names
        permuted = table_of(arch, other, labels)
        nothing["labels permuted"].append(int((shuffled["q"] < LEVEL).sum()))
        nothing["genes permuted"].append(int((permuted["q"] < LEVEL).sum()))
        beyond += [int(table["beyond_the_mean"].sum()) for table in (shuffled, permuted)]
    return {"expected": len(expected), "found": found, "significant without meaning": {**nothing, "beyond": beyond}}


def generated(seed: int, sets: int = 300, genes: int = 1_500, cells: int = 400) -> tuple[Any, Any, Any]:
    """Return an architecture of sets of 5 to 50 genes, expression with modules, and classes; nothing is shifted yet."""
    import anndata

    from keras_vnn.architecture import Architecture, Layer, Node

    random = np.random.default_rng(seed)
    matrix = np.zeros((genes, sets))
    modules = np.array_split(random.permutation(genes), 60)
    for column in range(sets):
        size = int(random.integers(5, 51))
        # Half of the genes of a set are of one module, so that innocent sets are co-expressed.
        own = random.permutation(modules[random.integers(60)])[: size // 2]
        matrix[np.unique([*own, *random.choice(genes, size - len(own), replace=False)]), column] = 1
    values = random.normal(size=(cells, genes))
    for members in modules:
        values[:, members] += random.normal(size=(cells, 1)) * 0.8
    names = [f"G{number}" for number in range(genes)]
    layers = (
        Layer("genes", tuple(Node(name, kind="gene") for name in names)),
        Layer("sets", tuple(Node(f"S{number}", kind="gene set") for number in range(sets))),
    )
    labels = np.array(["a", "b"])[np.arange(cells) % 2]
    data = anndata.AnnData(values.astype(np.float32), var=pd.DataFrame(index=names))
    return Architecture(layers, {(0, 1): matrix}), data, labels


def planted(seeds: int = 8) -> dict[str, Any]:
    """Shift genes of some sets, or of none in particular, and count what is called significant."""
    rows = []
    for seed in range(seeds):
        arch, data, labels = generated(seed)
        matrix = arch.adjacency(0, 1).toarray() > 0
        random = np.random.default_rng(1_000 + seed)
        true = random.choice(matrix.shape[1], 10, replace=False)
        shifted = np.zeros(len(matrix), bool)
        for column in true:
            members = np.flatnonzero(matrix[:, column])
            shifted[random.choice(members, max(3, int(0.8 * len(members))), replace=False)] = True
        share = matrix.T.astype(float) @ shifted / matrix.sum(axis=0)
        is_true = share >= 0.5
        for name, genes in (("planted", shifted), ("diffuse", np.isin(np.arange(len(matrix)), random.choice(
            len(matrix), 150, replace=False)))):  # fmt: skip
            cells = data.copy()
            cells.X[np.ix_(labels == "b", genes)] += 0.8
            table = table_of(arch, cells, labels)
            called = (table["q"] < LEVEL).loc[[f"S{number}" for number in range(matrix.shape[1])]].to_numpy()
            scores = scores_of(arch, cells)[0]
            p = stats.ttest_ind(scores[labels == "a"], scores[labels == "b"], equal_var=False).pvalue
            plain = int((stats.false_discovery_control(p) < LEVEL).sum())
            right = int((called & is_true).sum()) if name == "planted" else 0
            rows.append({"kind": name, "true": int(is_true.sum()) if name == "planted" else 0, "right": right,
                         "wrong": int(called.sum()) - right, "plain t test calls": plain})  # fmt: skip
    table = pd.DataFrame(rows)
    return {kind: part.drop(columns="kind").to_dict("list") for kind, part in table.groupby("kind")}


def exclusive_or(seed: int, cells: int = 800) -> tuple[Any, Any, Any, list[str], str]:
    """Return an architecture, expression, classes by the exclusive or of two sets, these sets, and their parent."""
    from keras_vnn.architecture import Architecture, Layer, Node

    random = np.random.default_rng(seed)
    genes, sets, parents = 240, 24, 8
    layers = (
        Layer("genes", tuple(Node(f"G{number}", kind="gene") for number in range(genes))),
        Layer("sets", tuple(Node(f"S{number}", units=6) for number in range(sets))),
        Layer("parents", tuple(Node(f"P{number}", units=6) for number in range(parents))),
    )
    connections = {(0, 1): np.repeat(np.eye(sets), 10, axis=0), (1, 2): np.repeat(np.eye(parents), 3, axis=0)}
    arch = Architecture(layers, connections)
    first = 3 * int(random.integers(parents))
    values = random.normal(size=(cells, genes))
    of_sets = random.normal(size=(cells, sets))
    values += np.repeat(of_sets, 10, axis=1)
    labels = np.where((of_sets[:, first] > 0) ^ (of_sets[:, first + 1] > 0), "yes", "no")
    data = pd.DataFrame(values.astype(np.float32), columns=list(arch.genes))
    return arch, data, labels, [f"S{first}", f"S{first + 1}"], f"P{first // 3}"


def trained_to_discover(seed: int, arch: Any, data: Any, labels: Any) -> Any:
    """Return what a training with the preset for discoveries gives."""
    from keras_vnn import train, training_options

    options = training_options("discover", seed=seed, normalization="none")
    return train(arch, data, labels, training=options, preset="discover")


def xor(seeds: Iterable[int] = range(10)) -> dict[str, Any]:
    """Train on the exclusive or of two sets, and look for their parent beyond the mean."""
    places = []
    for seed in seeds:
        arch, data, labels, _, right = exclusive_or(seed)
        result = trained_to_discover(seed, arch, data, labels)
        places.append(beyond_the_mean(result, data, labels, right))
    return {"found": sum(row["beyond the mean"] for row in places), "of": len(places), "runs": places}


def beyond_the_mean(result: Any, data: Any, labels: Any, right: str) -> dict[str, Any]:
    """Return whether the right node is beyond the mean, and what else is."""
    from keras_vnn.tl import rank_nodes

    table = rank_nodes(result.model, data, labels, replicate="cells", by="learned")
    beyond = table.index[table["beyond_the_mean"]]
    return {
        "accuracy": round(float(result.metrics.accuracy), 3),
        "beyond the mean": right in beyond, "others beyond": len(set(beyond) - {right}),
        "place by learned": table.index.get_loc(right) + 1, "evidence": bool(table.loc[right, "q"] < LEVEL),
    }  # fmt: skip


def discover(seeds: Iterable[int] = range(700, 710)) -> dict[str, Any]:
    """Find a planted exclusive or from end to end: the parent, then its pair; and pairs where labels are shuffled."""
    from keras_vnn.tl import interactions

    rows = []
    for seed in seeds:
        arch, data, labels, pair, right = exclusive_or(seed)
        result = trained_to_discover(seed, arch, data, labels)
        row = beyond_the_mean(result, data, labels, right)
        pairs = interactions(result.model, data, labels)
        called = pairs[pairs["q"] < LEVEL]
        is_right = (called["node"] == right) & (called["first"] == pair[0]) & (called["second"] == pair[1])
        row |= {"pair": bool(is_right.any()), "other pairs": int((~is_right).sum()), "of pairs": len(pairs)}
        row["z"] = round(float(pairs["z"].abs().max()), 1)
        largest = pairs.loc[pairs["non_additive"].idxmax()]
        row["most non-additive"] = [largest["first"], largest["second"]] == pair
        every = [node.id for node in arch.hidden_layers[-1]]
        shuffled = interactions(result.model, data, np.random.default_rng(seed).permutation(labels), every)
        row["pairs of shuffled labels"] = int((shuffled["q"] < LEVEL).sum())
        rows.append(row)
        print(seed, row, flush=True)
    counted = (
        "beyond the mean",
        "others beyond",
        "pair",
        "other pairs",
        "most non-additive",
        "pairs of shuffled labels",
    )
    return {**{name: sum(row[name] for row in rows) for name in counted}, "of": len(rows), "runs": rows}


def identified(seeds: Iterable[int] = range(700, 703)) -> dict[str, Any]:
    """Let students learn what networks that found a planted exclusive or say, and count the nodes they have again."""
    from keras_vnn.tl import identify

    rows = []
    for seed in seeds:
        arch, data, labels, pair, right = exclusive_or(seed)
        table = identify(trained_to_discover(seed, arch, data, labels).model, data)
        row = {"nodes": table["identified"].value_counts().to_dict()}
        row |= {
            name: table.loc[name, ["identified", "r", "same_sign", "r_at_start"]].tolist() for name in (right, *pair)
        }
        row |= {
            "median r": round(float(table["r"].median()), 3),
            "at start": round(float(table["r_at_start"].median()), 3),
        }
        row |= {name: np.round(table.attrs[name], 3).tolist() for name in ("r2", "agreement")}
        rows.append(row)
        print(seed, row, flush=True)
    return {"runs": rows}


def halves(seeds: int = 5) -> dict[str, Any]:
    """Return overlaps of the first ten nodes: of halves of the cells, and of networks of several seeds."""
    found = {}
    for name in ("ontology demo", "pbmc68k"):
        arch, data, labels = DATA[name]()
        tens: dict[str, list[set[str]]] = {"halves": [], "seeds": []}
        for seed in range(seeds):
            some = np.sort(np.random.default_rng(seed).permutation(data.n_obs)[: data.n_obs // 2])
            tens["halves"].append(set(table_of(arch, data[some].copy(), labels[some]).index[:10]))
            tens["seeds"].append(set(table_of(arch, data, labels, seed).index[:10]))
        found[name] = {
            what: float(np.mean([len(a & b) / 10 for i, a in enumerate(sets) for b in sets[:i]]))
            for what, sets in tens.items()
        }
    return found


PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    "direction": direction,
    "interferon": interferon,
    "planted": planted,
    "xor": xor,
    "discover": discover,
    "identified": identified,
    "halves": halves,
}


if __name__ == "__main__":
    main()
