"""The dropout rule of KPNN: how often each node of a layer is dropped."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from keras_vnn.architecture import Architecture

__all__ = ["node_rates"]

# Highest rate for a node whose parent reads so many nodes: an only child always stays.
_HIGHEST = {1: 0.0, 2: 0.1, 3: 0.3}


def node_rates(arch: Architecture, number: int, rate: float) -> NDArray[np.float64]:
    """Return ``(nodes,)`` dropout rates of a layer: ``rate``, or less for nodes whose parents read few others.

    What a parent reads counts nodes of all layers and genes; the parent with the fewest decides. The head is the parent
    of all nodes that feed no other.

    References
    ----------
    Fortelny & Bock 2020, Genome Biology 21:190, doi:10.1186/s13059-020-02100-5.
    """
    children = [np.zeros(len(layer), np.int64) for layer in arch.layers]
    for (_, target), matrix in arch.connections.items():
        children[target] += np.bincount(matrix.indices, minlength=len(arch.layers[target]))
    read_by_head = sum(int(arch.sink_nodes(layer).sum()) for layer in range(1, len(arch.layers)))
    fewest = np.full(len(arch.layers[number]), np.iinfo(np.int64).max)
    fewest[arch.sink_nodes(number)] = read_by_head
    for (source, target), matrix in arch.connections.items():
        if source == number:
            edges = matrix.tocoo()
            np.minimum.at(fewest, edges.row, children[target][edges.col])
    rates = np.full(len(fewest), rate)
    for count, highest in _HIGHEST.items():
        rates[fewest == count] = min(rate, highest)
    return rates
