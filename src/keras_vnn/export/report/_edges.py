"""The connections of a network, node by node, the strongest first.

In: an `Architecture`, and a model or none. Out: plain JSON values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.architecture import Architecture
from keras_vnn.export.report._columns import rounded, whole
from keras_vnn.export.report._nodes import starts_of

if TYPE_CHECKING:
    from keras_vnn.models import ModelView

__all__ = ["EDGE_LIMIT", "edge_columns", "readout_columns"]

# About ten bytes each.
EDGE_LIMIT = 250_000


def edge_columns(arch: Architecture, weights: pd.DataFrame | None, *, limit: int = EDGE_LIMIT) -> dict[str, Any]:
    """Return the inputs of every node.

    Parameters
    ----------
    arch
        The network.
    weights
        What `edge_weights` gave; ``None`` without a model.
    limit
        Connections to keep; of a network with more, each node keeps as many of its strongest inputs as fit.

    Returns
    -------
    dict
        ``count``: inputs listed, by node; ``source``: number of the node, node after node; ``weight``, with a model:
        the weight where both have one unit, else the root of the sum of the squared weights between their units, which
        has no sign; ``total``: connections there are; ``limit``: inputs listed of a node at most, ``None`` if all are.
    """
    starts = starts_of(arch)
    sources, targets = [], []
    for (lower, upper), matrix in arch.connections.items():
        edges = matrix.tocoo()
        sources.append(starts[lower] + edges.row.astype(np.int64))
        targets.append(starts[upper] + edges.col.astype(np.int64))
    source, target = np.concatenate(sources), np.concatenate(targets)
    size = int(starts[-1])
    weight = None if weights is None else _weights(arch, weights, source, target, size)
    strength = np.zeros(len(source)) if weight is None else -np.abs(weight)
    order = np.lexsort((source, strength, target))
    source, target = source[order], target[order]
    count = np.bincount(target, minlength=size)
    most = _inputs_each(count, limit)
    if most is not None:
        place = np.arange(len(target)) - np.repeat(np.cumsum(count) - count, count)
        kept = place < most
        source, order = source[kept], order[kept]
        count = np.minimum(count, most)
    columns: dict[str, Any] = {"total": arch.edge_count, "limit": most, "count": whole(count), "source": whole(source)}
    if weight is not None:
        columns["weight"] = rounded(weight[order])
    return columns


def _inputs_each(count: NDArray[np.int64], limit: int) -> int | None:
    """Return the largest number of inputs per node that keeps all nodes together within the limit."""
    if int(count.sum()) <= limit:
        return None
    low, high = 1, int(count.max())
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if int(np.minimum(count, middle).sum()) <= limit else (low, middle - 1)
    return low


def _weights(
    arch: Architecture, weights: pd.DataFrame, source: NDArray[np.int64], target: NDArray[np.int64], size: int
) -> NDArray[np.float64]:
    """Return the weight of every edge, or its length where it joins several units."""
    index = pd.Index([position.node.id for position in arch.nodes()])
    kernel = weights[(weights["parameter"] == "kernel") & weights["source"].notna()]
    rows, columns = index.get_indexer(kernel["source"]), index.get_indexer(kernel["target"])
    known = (rows >= 0) & (columns >= 0)
    key = rows[known].astype(np.int64) * size + columns[known]
    values = kernel["weight"].to_numpy(float)[known]
    pairs, place, repeats = np.unique(key, return_inverse=True, return_counts=True)
    length = np.sqrt(np.bincount(place, values**2, len(pairs)))
    total = np.bincount(place, values, len(pairs))
    of_pair = np.where(repeats == 1, total, length)
    where = np.searchsorted(pairs, source * size + target)
    where = np.minimum(where, max(len(pairs) - 1, 0))
    found = pairs[where] == source * size + target
    return np.where(found, of_pair[where], np.nan)


def readout_columns(model_view: ModelView, weights: pd.DataFrame) -> dict[str, Any]:
    """Return what reads the nodes behind the last: the outputs, or dense layers without names.

    Returns
    -------
    dict
        ``tail``: units of the dense layers before the head; ``nodes``: numbers of the nodes that are read; ``weight``:
        when there is no tail, a row per such node, a column per output, flat (several units as for edges).
    """
    arch = model_view.architecture
    sinks = np.concatenate([arch.sink_nodes(number) & (number > 0) for number in range(len(arch.layers))])
    tail, head = [int(layer.units) for layer in model_view.tail_layers], model_view.roles.find("head")
    columns: dict[str, Any] = {"tail": tail, "nodes": whole(np.flatnonzero(sinks))}
    if tail or head is None:
        return columns
    index = pd.Index([position.node.id for position in arch.nodes()])
    of_head = weights[(weights["block"] == head.name) & (weights["parameter"] == "kernel")]
    rows = index.get_indexer(of_head["source"])
    read = of_head[rows >= 0].assign(node=rows[rows >= 0])
    names = list(dict.fromkeys(of_head["target"]))
    grouped = read["weight"].astype(float).groupby([read["node"], read["target"]])
    table = grouped.agg(lambda w: w.iloc[0] if len(w) == 1 else float(np.sqrt((w**2).sum()))).unstack()
    columns["weight"] = rounded(table.reindex(index=columns["nodes"], columns=names).to_numpy(float))
    columns["outputs"] = [str(name) for name in names]
    return columns
