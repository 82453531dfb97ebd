"""Every weight of a model with the names of what it joins, one table per Keras layer.

In: a `ModelView` and the record its builder left. Out: tables in the order of the weights of each layer, and the way
back from such a column of numbers to the layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.errors import ModelError
from keras_vnn.layers import SparselyConnected
from keras_vnn.models._outputs import output_names
from keras_vnn.models._view import ModelView

__all__ = ["COLUMNS", "KEYS", "feature_names", "weight_table", "write_weights"]

KEYS = ["block", "parameter", "source", "source_unit", "target", "target_unit"]
COLUMNS = [*KEYS, "weight"]

Names = tuple[NDArray[np.object_], NDArray[np.int64]]


def weight_table(seen: ModelView, block: dict[str, Any]) -> pd.DataFrame:
    """Return a row per weight of one Keras layer, in the order `write_weights` takes them."""
    layer = seen.model.get_layer(block["layer"])
    targets = _names(seen, block["outputs"], are_targets=True)
    if isinstance(layer, keras.layers.BatchNormalization):
        none = np.full(len(targets[0]), None, dtype=object), np.zeros(len(targets[0]), np.int64)
        parts = [_rows(block, name, none, targets, variable) for name, variable in _variables(layer)]
    else:
        sources = _names(seen, block["inputs"])
        rows, columns = _kernel_places(layer)
        kernel, *bias = _variables(layer)
        parts = [_rows(block, kernel[0], _picked(sources, rows), _picked(targets, columns), kernel[1])]
        # A pair of gene and node has a bias of its own, which only the gene tells from those of the node's other genes.
        of_pairs = block["outputs"][0][0] == "pairs"
        read = _picked(sources, rows) if of_pairs else (np.full(len(targets[0]), None, dtype=object), None)
        source = read[0], np.zeros(len(targets[0]), np.int64)
        parts += [_rows(block, name, source, targets, variable) for name, variable in bias]
    return pd.concat(parts, ignore_index=True)


def feature_names(seen: ModelView) -> Names:
    """Return id and number of unit of each unit of the last hidden layer, ``(units,)``.

    Units without a name of their own are called by their dense layer.

    Raises
    ------
    ModelError
        The model was made before this was written down, and has no head from which it could be told.
    """
    axis = seen.parts.get("features")
    if seen.head is not None:
        (axis,) = (block["inputs"] for block in seen.parts["blocks"] if block["layer"] == seen.head.name)
    if axis is None:
        raise ModelError("The units of this embedding have no names: it was made by release 0.1.0. Build it again.")
    return _names(seen, axis)


def write_weights(layer: keras.layers.Layer, values: NDArray[np.floating]) -> None:
    """Write the weights of one layer in the order of its table."""
    start = 0
    for _, variable in _variables(layer):
        size = int(np.prod(variable.shape))
        variable.assign(values[start : start + size].reshape(variable.shape))
        start += size


def _variables(layer: keras.layers.Layer) -> list[tuple[str, Any]]:
    names: tuple[str, ...] = ("kernel", "bias")
    if isinstance(layer, keras.layers.BatchNormalization):
        names = ("gamma", "beta", "moving_mean", "moving_variance")
    return [(name, getattr(layer, name)) for name in names if getattr(layer, name) is not None]


def _kernel_places(layer: keras.layers.Layer) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return input and output unit of each weight."""
    if isinstance(layer, SparselyConnected):
        return layer.connections.rows, layer.connections.columns
    rows, columns = np.indices(layer.kernel.shape).reshape(2, -1)
    return rows, columns


def _rows(block: dict[str, Any], parameter: str, source: Names, target: Names, variable: Any) -> pd.DataFrame:
    stored = keras.ops.convert_to_numpy(variable).ravel()
    values = stored if stored.dtype == np.float64 else stored.astype(np.float32)
    columns = [block["layer"], parameter, source[0], source[1].astype(np.int32)]
    columns += [target[0], target[1].astype(np.int32), values]
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def _picked(names: Names, places: NDArray[Any]) -> Names:
    return names[0][places], names[1][places]


def _names(seen: ModelView, axis: Sequence[Sequence[Any]], *, are_targets: bool = False) -> Names:
    """Return id and number of unit of each row, or column, of the weights of a layer."""
    parts = [_pairs(seen, run[1], are_targets) if run[0] == "pairs" else _run(seen, *run) for run in axis]
    return np.concatenate([ids for ids, _ in parts]), np.concatenate([units for _, units in parts])


def _run(seen: ModelView, kind: str, of: Any = None, units: int | None = None) -> Names:
    """Return ids and numbers of units of one run of an axis; see `keras_vnn.models._builder`."""
    arch = seen.architecture
    if kind == "outputs":
        names = output_names(seen.outputs)
        return np.array(names, dtype=object), np.zeros(len(names), np.int64)
    if kind == "units":
        count = int(units or 0)
        return np.full(count, of, dtype=object), np.arange(count)
    layer = arch.layers[of]
    chosen = np.ones(len(layer), bool)
    if kind in ("sinks", "inner"):
        chosen = arch.sink_nodes(of) == (kind == "sinks")
    counts = (layer.units if units is None else np.full(len(layer), units))[chosen]
    ids = np.array(layer.ids, dtype=object)[chosen]
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(ids, counts), np.arange(len(starts)) - starts


def _pairs(seen: ModelView, number: int, are_targets: bool) -> Names:
    """Return the gene of each annotation unit of a layer, or the node."""
    pairs = sparse.csc_array(seen.architecture.connections[0, number]).tocoo()
    ids = seen.architecture.layers[number if are_targets else 0].ids
    return np.array(ids, dtype=object)[pairs.col if are_targets else pairs.row], np.zeros(pairs.nnz, np.int64)
