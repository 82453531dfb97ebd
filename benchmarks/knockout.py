"""Exact knock-out of every term of a Gene Ontology network: seconds, compared with those of the gradient.

    python -m benchmarks.knockout                    # min_genes chosen for about 1,700 terms, 1,000 cells
    python -m benchmarks.knockout --terms 900 --cells 200 --method gradient

The architecture is that of the bundled recipe ``kang-go`` but for ``min_genes``; the weights are not trained, as the
work does not depend on them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from typing import Any

import numpy as np

__all__ = ["knockout_of_terms"]


def knockout_of_terms(terms: int, cells: int, methods: tuple[str, ...], repeats: int = 3) -> dict[str, Any]:
    """Return the size of the network and, by method, seconds of each run.

    Parameters
    ----------
    terms
        About how many; the smallest ``min_genes`` with no more.
    cells
        Drawn from the data without replacement, again and again where there are too few.
    methods
        Of `rank_nodes`.
    repeats
        Runs of each, in turns.
    """
    from keras_vnn.basics.bundled import config_path
    from keras_vnn.data import align, classes, labels_of, read_expression
    from keras_vnn.inspection import rank_nodes
    from keras_vnn.models import build_model
    from keras_vnn.recipes.read import changed_section, read_recipe
    from keras_vnn.recipes.run import build_architecture

    recipe = read_recipe(config_path("kang-go.yaml"))
    for min_genes in range(2, 40):
        arch = build_architecture(changed_section(recipe.build, {"min_genes": min_genes}, "the benchmark"))
        if sum(map(len, arch.hidden_layers)) <= terms * 1.02:
            break
    data = read_expression(recipe.train.data, cells=recipe.train.cells)
    labels = labels_of(data, recipe.train.label)
    values = align(data, arch, normalization=None)
    rows = np.concatenate([np.random.default_rng(i).permutation(len(values)) for i in range(-(-cells // len(values)))])
    values = values[rows[:cells]]
    model = build_model(arch, classes(labels), seed=0)
    seconds: dict[str, list[float]] = {method: [] for method in methods}
    for _ in range(repeats):
        for method in methods:
            start = time.perf_counter()
            rank_nodes(model, values, by=method)
            seconds[method].append(round(time.perf_counter() - start, 3))
    return {
        "terms": sum(map(len, arch.hidden_layers)),
        "min_genes": min_genes,
        "layers": len(arch.hidden_layers),
        "units": int(sum(layer.units.sum() for layer in arch.hidden_layers)),
        "connections": int(sum(model.get_layer(f"layer_{i}").connections.count for i in range(1, len(arch.layers)))),
        "cells": cells,
        "cores": os.cpu_count(),
        "seconds": seconds,
        "megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--terms", type=int, default=1700)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--method", action="append")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    methods = tuple(given.method or ("knockout", "gradient"))
    print(json.dumps(knockout_of_terms(given.terms, given.cells, methods, given.repeats), indent=1))
