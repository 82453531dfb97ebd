"""Which genes a node hears, on any path. In: an `Architecture`. Out: numbers of genes by node."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.architecture._value import Architecture

__all__ = ["gene_counts"]


def gene_counts(arch: Architecture) -> list[NDArray[np.int64]]:
    """Return, for each layer, the number of genes that reach each of its nodes; 1 for a gene itself."""
    reached = [sparse.csc_array(sparse.eye_array(len(arch.genes), dtype=np.float32))]
    for number in range(1, len(arch.layers)):
        total = sparse.csc_array((len(arch.genes), len(arch.layers[number])), dtype=np.float32)
        for source, target in arch.connections:
            if target == number:
                total = total + reached[source] @ arch.adjacency(source, target)
        total = sparse.csc_array(total)
        total.data = np.ones_like(total.data)
        reached.append(total)
    return [np.diff(matrix.indptr).astype(np.int64) for matrix in reached]
