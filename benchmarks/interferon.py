"""Which processes a network finds in T cells treated with interferon-β: ``python -m benchmarks.interferon``.

Takes the runs of ``vnn compare kang-go -o FOLDER``: a network of biological processes, real and with each control, over
several seeds. Counts how many of the ten most important processes lie under *response to virus*, *response to cytokine*
or *response to type I interferon* (is_a and part_of; a merged term counts when one of its ids does), for every
correction for hubs. Terms that join everything, the last node of the network, are left out: they are no finding.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

__all__ = ["EXPECTED", "counts_of", "main", "terms_under"]

HERE = Path(__file__).parent
ROOT = HERE.parent
EXPECTED = {
    "GO:0009615": "response to virus",
    "GO:0034097": "response to cytokine",
    "GO:0034340": "response to type I interferon",
}
TOP = 10
NETWORKS = ("real prior", "swap", "genes", "expression", "modules", "density")
RULES = {
    "none": "as measured",
    "pnet": "P-NET's rule",
    "binn": "BINN's rule, degree",
    "reach": "BINN's rule, reach",
    "input": "less that on a control input",
    "evidence": "evidence of the genes",
}
# A measure of release 0.1 is kept with its runs.
KNOWN = {**RULES, "activity": "difference in activity"}


def main() -> None:
    """Count, print, and write JSON and a figure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.interferon", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="the folder `vnn compare kang-go` wrote into")
    parser.add_argument("--draw", action="store_true", help="only draw what interferon.json holds")
    arguments = parser.parse_args()
    if arguments.draw:
        kept = json.loads((HERE / "interferon.json").read_text(encoding="utf-8"))
        return _draw(pd.DataFrame(kept["runs"]), kept["by chance"])
    if arguments.folder is None:
        parser.error("name the folder that `vnn compare kang-go -o FOLDER` wrote into, or --draw")
    folder = arguments.folder
    from keras_vnn.read import ontology as read_ontology
    from keras_vnn.recipes.read import read_recipe
    from keras_vnn.recipes.run import build_architecture

    recipe = read_recipe("kang-go").build
    assert recipe is not None and recipe.ontology is not None
    arch = build_architecture(recipe)
    under = terms_under(read_ontology(recipe.ontology), list(EXPECTED))
    summary = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
    replicates = sorted({int(row["replicate"]) for row in summary["runs"]})
    found = counts_of(folder / "runs", arch, under, replicates)
    place = found.groupby(["network", "rule"], sort=False)["count"]
    table = pd.DataFrame({"mean": place.mean(), "sd": place.std(), "runs": place.size()}).reset_index()
    known = _nodes(arch)
    share = float(np.mean([bool(_ids(node) & under) for node in known]))
    result = {
        "expected": EXPECTED,
        "terms": len(known),
        "terms under": round(share * len(known)),
        "by chance": TOP * share,
        "counts": table.to_dict("records"),
        "runs": found.to_dict("records"),
        "first": {rule: _first(folder / "runs", arch, under, rule, replicates) for rule in RULES},
        "scores": summary["summary"],
        "verdict": summary["verdict"],
    }
    (HERE / "interferon.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(
        table.pivot(index="network", columns="rule", values="mean").reindex(NETWORKS)[list(RULES)].round(2).to_string()
    )
    print(f"by chance {TOP * share:.2f}; {result['terms under']} of {len(known)} terms")
    _draw(found, TOP * share)


def terms_under(ontology: Any, roots: list[str]) -> set[str]:
    """Return the ids of terms at or below some terms, by is_a and part_of."""
    followed = ontology.edges[np.isin(ontology.relation.astype(str), ["is_a", "part_of"])]
    graph = nx.DiGraph((ontology.ids[child], ontology.ids[parent]) for child, parent in followed)
    return set(roots).union(*(nx.ancestors(graph, root) for root in roots))


def counts_of(runs: Path, arch: Any, under: set[str], replicates: list[int]) -> pd.DataFrame:
    """Return, by network, replicate and rule, how many of the first ten nodes are expected."""
    rows = []
    for network in NETWORKS:
        for replicate in replicates:
            for rule in RULES:
                first = _ranked(_path(runs, network, replicate), arch, rule).index[:TOP]
                count = sum(bool(_ids(arch.find(name).node) & under) for name in first)
                rows.append({"network": network, "replicate": replicate, "rule": rule, "count": count})
    return pd.DataFrame(rows)


def _path(runs: Path, network: str, replicate: int) -> Path:
    return runs / f"{network.replace(' ', '-')}-{replicate:03}.nodes.csv"


def _ranked(path: Path, arch: Any, rule: str) -> pd.Series:
    """Return the importance of the nodes of a run, the largest first; the last node of the network left out."""
    from keras_vnn.tl import corrected_importance

    table = pd.read_csv(path, index_col="id", na_filter=False)
    importance = pd.to_numeric(table["importance"])
    if rule == "evidence":
        values = pd.to_numeric(table["evidence"], errors="coerce").fillna(0.0)
    elif rule == "input":
        control = path.with_name(f"input-{path.name.split('.')[0].rsplit('-', 1)[1]}.nodes.csv")
        values = importance - pd.to_numeric(pd.read_csv(control, index_col="id", na_filter=False)["importance"])
    else:
        values = corrected_importance(arch, importance, rule)
    return values[[node.id for node in _nodes(arch)]].sort_values(ascending=False, kind="stable")


def _nodes(arch: Any) -> list[Any]:
    """Return the hidden nodes that feed another."""
    return [
        node
        for number, layer in enumerate(arch.layers)
        if number
        for node, is_last in zip(layer, arch.sink_nodes(number), strict=True)
        if not is_last
    ]


def _ids(node: Any) -> set[str]:
    return {node.id, *node.names}


def _first(runs: Path, arch: Any, under: set[str], rule: str, replicates: list[int]) -> list[dict[str, Any]]:
    """Return the first ten nodes by the mean over the replicates of the real prior."""
    paths = [_path(runs, NETWORKS[0], replicate) for replicate in replicates]
    mean = pd.concat([_ranked(path, arch, rule) for path in paths], axis=1).mean(axis=1)
    first = mean.sort_values(ascending=False, kind="stable").index[:TOP]
    nodes = [arch.find(name).node for name in first]
    return [{"id": node.id, "label": node.label, "expected": bool(_ids(node) & under)} for node in nodes]


def _draw(found: pd.DataFrame, by_chance: float) -> None:
    """Draw the counts of every run, a row per rule: above with the real prior, below with the controls."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.6), layout="constrained")
    ax = figure.subplots()
    rules = [rule for rule in KNOWN if (found["rule"] == rule).any()]
    is_real = found["network"] == NETWORKS[0]
    for kind, colour, below in (("real prior", "#0072b2", -0.17), ("five controls", "#d55e00", 0.17)):
        part = found[is_real == (kind == "real prior")]
        counts = part.groupby(["rule", "count"]).size()
        for (rule, count), runs in counts.items():
            ax.plot(count, rules.index(rule) + below, "o", color=colour, markersize=6 + 0.15 * runs, alpha=0.8)
            ax.text(
                count + 0.17,
                rules.index(rule) + below,
                f"{runs} runs" if runs > 1 else "1 run",
                fontsize=7,
                va="center",
            )
        ax.plot([], [], "o", color=colour, label=f"{kind}, {len(part) // len(rules)} runs")
    ax.axvline(by_chance, color="0.3", linewidth=0.8, linestyle=":", label="by chance")
    ax.set_yticks(range(len(rules)), [KNOWN[rule] for rule in rules], fontsize=9)
    ax.set_ylim(len(rules) - 0.5, -0.5)
    ax.set_xlim(-0.2, TOP)
    ax.set_xticks(range(TOP + 1))
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=9, loc="upper right")
    ax.set_xlabel(f"of the first {TOP} processes, those of the response to virus, cytokine, interferon", fontsize=9)
    for path in (HERE / "interferon.png", ROOT / "docs" / "images" / "interferon.png"):
        figure.savefig(path, dpi=160)


if __name__ == "__main__":
    main()
