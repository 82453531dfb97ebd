"""What is upstream of a node and what is downstream, on any path. In: an `Architecture`. Out: numbers by node."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.architecture._value import Architecture

__all__ = ["gene_counts", "node_degrees"]


def gene_counts(arch: Architecture) -> list[NDArray[np.int64]]:
    """Return, for each layer, the number of genes that reach each of its nodes; 1 for a gene itself."""
    upstream = _upstream(arch, first_layers=1)
    return [np.ones(len(arch.genes), np.int64), *(np.diff(matrix.indptr).astype(np.int64) for matrix in upstream[1:])]


def node_degrees(arch: Architecture) -> pd.DataFrame:
    """Return how well each hidden node is connected.

    Returns
    -------
    pandas.DataFrame
        By id: ``layer``, ``inputs``, ``outputs``, ``degree`` (their sum), ``upstream`` and ``downstream`` (nodes, genes
        among them, that reach it and that it reaches, on any path).
    """
    table = arch.node_table()[["layer", "inputs", "outputs"]].copy()
    table["degree"] = table["inputs"] + table["outputs"]
    everything = sparse.csc_array(sparse.hstack(_upstream(arch, first_layers=len(arch.layers))))
    table["upstream"] = np.diff(everything.indptr)
    table["downstream"] = np.asarray(everything.sum(axis=1), np.int64).ravel()
    return table[table["layer"] > 0]


def _upstream(arch: Architecture, *, first_layers: int) -> list[sparse.csc_array]:
    """Return, for each layer, ``(nodes of so many first layers, its nodes)``: 1 where the first is upstream."""
    sizes = [len(layer) for layer in arch.layers]
    starts = np.concatenate([[0], np.cumsum(sizes[:first_layers])])
    total = int(starts[-1])
    handed_on: list[sparse.csc_array] = []
    upstream = []
    for number, size in enumerate(sizes):
        found = sparse.csc_array((total, size), dtype=np.float32)
        for source, target in arch.connections:
            if target == number:
                found = found + handed_on[source] @ arch.adjacency(source, target)
        found = sparse.csc_array(found)
        found.data = np.ones_like(found.data)
        upstream.append(found)
        if number < first_layers:
            own = (np.arange(size) + starts[number], np.arange(size))
            found = found + sparse.coo_array((np.ones(size, np.float32), own), shape=(total, size)).tocsc()
        handed_on.append(found)
    return upstream
