"""How fast edges are swapped, and how well they are mixed: ``python -m benchmarks.swaps``.

A network of 600,000 edges between 20,000 and 20,000 nodes, with hubs among the sources, and the processes of the Gene
Ontology of ``kang-go``. Mixed means that the swapped network has no more edges in common with the original than two
networks that were swapped apart.
"""

from __future__ import annotations

import time
from itertools import combinations
from typing import Any

import numpy as np
from scipy import sparse

__all__ = ["drawn_with_hubs", "main", "shared_edges"]

DRAWS = 3


def main() -> None:
    """Swap, and print a row for each network."""
    from keras_vnn.experiments.controls import swap_edges
    from keras_vnn.recipes.read import read_recipe
    from keras_vnn.recipes.run import build_architecture
    from keras_vnn.wire import randomize

    swap_edges(sparse.csr_array(np.eye(4, dtype=bool)), np.random.default_rng(0))  # compiled once
    large = drawn_with_hubs(600_000, 20_000)
    start = time.perf_counter()
    draws = [swap_edges(large, np.random.default_rng(seed)) for seed in range(DRAWS)]
    _say("600,000 edges", [large], [[draw] for draw in draws], (time.perf_counter() - start) / DRAWS)

    recipe = read_recipe("kang-go").build
    assert recipe is not None
    arch = build_architecture(recipe)
    start = time.perf_counter()
    others = [randomize(arch, "swap", seed) for seed in range(DRAWS)]
    seconds = (time.perf_counter() - start) / DRAWS
    _say("processes", list(arch.connections.values()), [list(o.connections.values()) for o in others], seconds)


def drawn_with_hubs(edges: int, nodes: int) -> Any:
    """Return a random adjacency of so many edges whose sources have degrees of a heavy tail."""
    rng = np.random.default_rng(0)
    weight = rng.pareto(1.2, nodes) + 0.05
    rows = rng.choice(nodes, 2 * edges, p=weight / weight.sum())
    pairs = np.unique(rows.astype(np.int64) * nodes + rng.integers(nodes, size=2 * edges))
    kept = np.divmod(rng.permutation(pairs)[:edges], nodes)
    return sparse.csr_array((np.ones(len(kept[0]), bool), kept), shape=(nodes, nodes))


def shared_edges(first: list[Any], second: list[Any]) -> float:
    """Return the share of the edges of one network that another has."""
    pairs = zip(first, second, strict=True)
    return sum(one.multiply(other).nnz for one, other in pairs) / sum(one.nnz for one in first)


def _say(name: str, original: list[Any], draws: list[list[Any]], seconds: float) -> None:
    for draw in draws:
        for one, other in zip(original, draw, strict=True):
            assert (one.sum(axis=0) == other.sum(axis=0)).all() and (one.sum(axis=1) == other.sum(axis=1)).all()
            assert other.has_canonical_format or other.nnz == sparse.csr_array(other, copy=True).nnz
    with_original = np.mean([shared_edges(original, draw) for draw in draws])
    apart = np.mean([shared_edges(one, other) for one, other in combinations(draws, 2)])
    edges = sum(matrix.nnz for matrix in original)
    print(
        f"{name}: {edges:,} edges, {seconds:.1f} s; of the edges {with_original:.2%} are those of the original, "
        f"{apart:.2%} of those of another draw"
    )


if __name__ == "__main__":
    main()
