"""Every weight of a model with the names of what it joins, one table per Keras layer.

In: a `ModelView` and the roles of its layers. Out: tables in the order of the weights of each layer, and the way
back from such a column of numbers to the layer.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.basics.errors import ModelError
from keras_vnn.layers import SparselyConnected
from keras_vnn.models._axes import Names
from keras_vnn.models._roles import LayerRole
from keras_vnn.models._view import ModelView

__all__ = ["COLUMNS", "KEYS", "feature_names", "weight_table", "write_weights"]

KEYS = ["block", "parameter", "source", "source_unit", "target", "target_unit"]
COLUMNS = [*KEYS, "weight"]


def weight_table(model_view: ModelView, role: LayerRole) -> pd.DataFrame:
    """Return a row per weight of one Keras layer, in the order `write_weights` takes them."""
    layer = model_view.layer_with(role)
    targets = role.outputs.names(model_view.architecture, model_view.outputs, are_targets=True)
    if isinstance(layer, keras.layers.BatchNormalization):
        none = np.full(len(targets[0]), None, dtype=object), np.zeros(len(targets[0]), np.int64)
        parts = [_rows(role, name, none, targets, variable) for name, variable in _variables(layer)]
    else:
        sources = role.inputs.names(model_view.architecture, model_view.outputs)
        rows, columns = _kernel_places(layer)
        kernel, *bias = _variables(layer)
        parts = [_rows(role, kernel[0], _picked(sources, rows), _picked(targets, columns), kernel[1])]
        # A pair of gene and node has a bias of its own, which only the gene tells from those of the node's other genes.
        of_pairs = role.part == "annotations"
        read = _picked(sources, rows) if of_pairs else (np.full(len(targets[0]), None, dtype=object), None)
        source = read[0], np.zeros(len(targets[0]), np.int64)
        parts += [_rows(role, name, source, targets, variable) for name, variable in bias]
    return pd.concat(parts, ignore_index=True)


def feature_names(model_view: ModelView) -> Names:
    """Return id and number of unit of each unit of the last hidden layer, ``(units,)``.

    Units without a name of their own are called by their dense layer.

    Raises
    ------
    ModelError
        The model was made before this was written down, and has no head from which it could be told.
    """
    head = model_view.roles.find("head")
    axis = model_view.roles.features if head is None else head.inputs
    if axis is None:
        raise ModelError("The units of this embedding have no names: it was made by release 0.1.0. Build it again.")
    return axis.names(model_view.architecture, model_view.outputs)


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


def _rows(role: LayerRole, parameter: str, source: Names, target: Names, variable: Any) -> pd.DataFrame:
    stored = keras.ops.convert_to_numpy(variable).ravel()
    values = stored if stored.dtype == np.float64 else stored.astype(np.float32)
    columns = [role.name, parameter, source[0], source[1].astype(np.int32)]
    columns += [target[0], target[1].astype(np.int32), values]
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def _picked(names: Names, places: NDArray[Any]) -> Names:
    return names[0][places], names[1][places]
