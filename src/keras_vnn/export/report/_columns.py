"""What the report shows of nodes and connections, column by column, as short JSON.

In: an `Architecture`, tables by node name. Out: plain JSON values: three significant digits, ``null`` for what is not
finite; nodes are numbered as `Architecture.nodes` gives them, genes first.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from keras_vnn.architecture import Architecture, gene_counts
from keras_vnn.export._content import numbered_edges, single_biases, tree_parents

if TYPE_CHECKING:
    from keras_vnn.models import ModelView


def rounded(values: ArrayLike, digits: int = 3) -> list[float | int | None]:
    """Return the numbers, flat, rounded to significant digits.

    Examples
    --------
    >>> rounded([0.123456, 1234.5, float("nan"), 2.0, 0.0])
    [0.123, 1230, None, 2, 0]
    """
    numbers = np.asarray(values, dtype=np.float64).ravel()
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(numbers == 0, 1.0, np.abs(numbers))
        power = digits - 1 - np.floor(np.log10(size))
    # Halves of a power of ten are exact neither way; the text of the number decides, as for a reader.
    return [_short(number, places) for number, places in zip(numbers.tolist(), power.tolist(), strict=True)]


def _short(number: float, places: float) -> float | int | None:
    if not math.isfinite(number):
        return None
    short = round(number, int(places))
    return int(short) if short == int(short) else short


def whole(values: Any) -> list[int]:
    """Return whole numbers, flat, as Python integers."""
    numbers: list[int] = np.asarray(values, dtype=np.int64).ravel().tolist()
    return numbers


def ids_of(arch: Architecture) -> pd.Index:
    """Return the ids of all nodes, in the order of their numbers."""
    return pd.Index([position.node.id for position in arch.nodes()])


def node_columns(arch: Architecture) -> dict[str, Any]:
    """Return what is known of the nodes without a model.

    Returns
    -------
    dict
        Lists with an entry per node: ``id``, ``label`` (``None`` where it is the id), ``kind`` (number in ``kinds``),
        ``layer``, ``units``, ``genes`` (upstream, on any path), ``inputs``, ``outputs`` (named nodes next to it),
        ``parent`` (number of a node, -1 for none). ``kinds``; ``names``: the ids of merged nodes by number of the node.
    """
    table = arch.node_table()
    codes, kinds = pd.factorize(table["kind"])
    counts = gene_counts(arch)
    merged = [[name for name in node.names if name != node.id] for _, _, node in arch.nodes()]
    return {
        "kinds": list(kinds),
        "id": list(table.index),
        "label": [None if label == id else label for id, label in table["label"].items()],
        "kind": whole(codes),
        "layer": whole(table["layer"]),
        "units": whole(table["units"]),
        "genes": whole(np.concatenate(counts)),
        "inputs": whole(table["inputs"]),
        "outputs": whole(table["outputs"]),
        "parent": whole(tree_parents(arch, counts)),
        "names": {str(number): names for number, names in enumerate(merged) if names},
    }


# About ten bytes each.
EDGE_LIMIT = 250_000


def edge_columns(arch: Architecture, weights: pd.DataFrame | None, *, limit: int = EDGE_LIMIT) -> dict[str, Any]:
    """Return the inputs of every node.

    Parameters
    ----------
    arch
        The network.
    weights
        What `tl.edge_weights` gave; ``None`` without a model.
    limit
        Connections to keep; of a network with more, each node keeps as many of its strongest inputs as fit.

    Returns
    -------
    dict
        ``count``: inputs listed, by node; ``source``: number of the node, node after node; ``weight``, with a model:
        the weight where both have one unit, else the root of the sum of the squared weights between their units, which
        has no sign; ``total``: connections there are; ``limit``: inputs listed of a node at most, ``None`` if all are.
    """
    source, target = numbered_edges(arch)
    size = sum(map(len, arch.layers))
    weight = None if weights is None else _weights(ids_of(arch), weights, source, target)
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
    # By number of inputs, from 1: how many nodes have as many or more.
    nodes = np.cumsum(np.bincount(count)[::-1])[-2::-1]
    return max(1, int(np.searchsorted(np.cumsum(nodes), limit, side="right")))


def _weights(
    ids: pd.Index, weights: pd.DataFrame, source: NDArray[np.int64], target: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the weight of every edge, or its length where it joins several units."""
    kernel = weights[(weights["parameter"] == "kernel") & weights["source"].notna()]
    rows, columns = ids.get_indexer(kernel["source"]), ids.get_indexer(kernel["target"])
    known = (rows >= 0) & (columns >= 0)
    key, values = (rows * len(ids) + columns)[known], kernel["weight"].astype(float)[known]
    by_edge, squares = values.groupby(key), (values**2).groupby(key)
    of_edge = by_edge.sum().where(by_edge.size() == 1, np.sqrt(squares.sum()))
    return np.asarray(of_edge.reindex(source * len(ids) + target), np.float64)


def readout_columns(model_view: ModelView, weights: pd.DataFrame) -> dict[str, Any]:
    """Return what reads the nodes behind the last: the outputs, or dense layers without names.

    Returns
    -------
    dict
        ``tail``: units of the dense layers before the head. When there is none, ``nodes``: numbers of the nodes that
        the head reads; ``weight``: a row per such node, a column per output, flat (several units as for edges).
    """
    arch = model_view.architecture
    tail, head = [int(layer.units) for layer in model_view.tail_layers], model_view.roles.find("head")
    columns: dict[str, Any] = {"tail": tail, "nodes": []}
    if tail or head is None:
        return columns
    of_head = weights[(weights["block"] == head.name) & (weights["parameter"] == "kernel")]
    rows = ids_of(arch).get_indexer(of_head["source"])
    read = of_head[rows >= 0].assign(node=rows[rows >= 0])
    names = list(dict.fromkeys(of_head["target"]))
    grouped = read["weight"].astype(float).groupby([read["node"], read["target"]])
    table = grouped.agg(lambda w: w.iloc[0] if len(w) == 1 else float(np.sqrt((w**2).sum()))).unstack()
    columns["nodes"] = whole(table.index.to_numpy())
    columns["weight"] = rounded(table.reindex(index=columns["nodes"], columns=names).to_numpy(float))
    columns["outputs"] = [str(name) for name in names]
    return columns


# About six bytes each.
ACTIVITY_LIMIT = 400_000
_EFFECT = "effect_"


def bias_column(arch: Architecture, weights: pd.DataFrame) -> list[float | int | None]:
    """Return the bias of every node with one unit."""
    return rounded(single_biases(arch, weights).to_numpy(float))


def importance_columns(arch: Architecture, ranking: pd.DataFrame) -> dict[str, Any]:
    """Return what `tl.rank_nodes` gave, an entry per node; ``None`` where it says nothing.

    Returns
    -------
    dict
        ``method`` (``None`` if not known), ``importance``, ``rank`` (in its layer); ``outputs``: names; ``effects``: a
        list per output.
    """
    table = ranking.reindex(ids_of(arch))
    outputs = [name.removeprefix(_EFFECT) for name in table.columns if name.startswith(_EFFECT)]
    return {
        "method": ranking.attrs.get("method"),
        "outputs": outputs,
        "importance": rounded(table["importance"], 4),
        "rank": rounded(table["rank"], 9),
        "effects": [rounded(table[_EFFECT + name]) for name in outputs],
    }


def finding_columns(arch: Architecture, table: pd.DataFrame, *, hidden: bool = False) -> dict[str, Any]:
    """Return the table of `tl.rank_nodes`, an entry per node, genes among them or ``hidden`` ones alone.

    ``None`` stands where it says nothing.

    Returns
    -------
    dict
        ``facts``: numbers of nodes, of those found, of cells, of those held out, what replicates are called; ``group``:
        the class it is about, if one; ``names``: what nodes are higher in, or with; ``higher``: a number of these;
        ``size`` (d or r), ``evidence``, ``q``, ``learned``, ``learned_q``, ``beyond_the_mean``, ``use``, ``similar``
        (``None`` for a node that is folded under another).
    """
    rows = table.reindex([position.node.id for position in arch.nodes() if position.layer or not hidden])
    is_number = "r" in table
    higher = rows["higher_with" if is_number else "higher_in"]
    names = sorted(set(higher.dropna()))
    code = {name: number for number, name in enumerate(names)}
    return {
        "facts": {name: table.attrs.get(name) for name in ("nodes", "found", "cells", "held_out", "replicate")},
        "group": table.attrs.get("group"),
        "size_is": "r" if is_number else "d",
        "names": names,
        "higher": [code.get(name) for name in higher],
        "size": rounded(rows["r" if is_number else "d"]),
        **{name: rounded(rows[name]) for name in ("evidence", "q", "learned", "learned_q", "use")},
        "beyond_the_mean": [bool(value) if value == value else None for value in rows["beyond_the_mean"]],
        "similar": [None if pd.isna(value) else int(value) for value in rows["similar"]],
    }


def activity_columns(activity: pd.DataFrame, *, limit: int = ACTIVITY_LIMIT) -> dict[str, Any]:
    """Return what `tl.activity_table` gave, unit by unit and class by class.

    Parameters
    ----------
    activity
        The table.
    limit
        Numbers to keep; of larger tables first the deviations, then the genes, then the means are left out.

    Returns
    -------
    dict
        ``classes``, ``cells`` (of each), ``first`` (number of the layer the lists begin with: 1 without the genes),
        ``units`` (listed), ``left_out``; ``mean``, ``sd``, ``effect_size``: flat, a row per unit, a column per class.
    """
    classes = list(dict.fromkeys(activity["class"]))
    kept, left_out, first = activity, [], 0
    names = ["effect_size", "mean", "sd"]
    if len(names) * len(kept) > limit:
        names.remove("sd")
        left_out.append("standard deviations")
    if len(names) * len(kept) > limit:
        kept, first = activity[activity["layer"] > 0], 1
        left_out.append("expression of the genes")
    if len(names) * len(kept) > limit:
        names.remove("mean")
        left_out.append("means")
    return {
        "classes": [str(name) for name in classes],
        "cells": whole(activity["cells"].to_numpy()[: len(classes)]),
        "first": first,
        "units": len(kept) // max(len(classes), 1),
        "left_out": left_out,
        **{name: rounded(np.asarray(kept[name], float)) for name in names},
    }
