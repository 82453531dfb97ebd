"""The weights of a model by the names of the nodes they join."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.errors import ModelError, sample
from keras_vnn.models._outputs import output_names
from keras_vnn.models._view import ModelView, view

__all__ = ["edge_weights", "set_edge_weights"]

_KEYS = ["block", "source", "source_unit", "target", "target_unit"]


def edge_weights(model: keras.Model, *, dense: bool = False) -> pd.DataFrame:
    """Return every weight with the names of the nodes it joins.

    Parameters
    ----------
    model
        A model of `build_model`.
    dense
        Also list the dense parts: units beside the nodes, tail and head.

    Returns
    -------
    pandas.DataFrame
        A row per weight: ``block`` (Keras layer), ``source`` and ``target`` (ids of nodes, names of outputs, or the
        block for units without a name), ``source_unit``, ``target_unit`` (numbers within the node), ``weight``.
        A bias has no source (NA).

    Raises
    ------
    ModelError
        The model was not made by `build_model`.
    """
    seen = view(model)
    tables = [_sparse_table(seen, number) for number in range(1, len(seen.architecture.layers))]
    if dense:
        tables += _dense_tables(seen)
    return pd.concat(tables, ignore_index=True)


def set_edge_weights(model: keras.Model, table: pd.DataFrame, *, partial: bool = False) -> int:
    """Write weights back into a model by name.

    Parameters
    ----------
    model
        A model of `build_model`; it is changed.
    table
        Columns as `edge_weights` gives them; ``block``, ``source_unit`` and ``target_unit`` may be left out where
        the names alone tell (one unit per node).
    partial
        Allow weights of the listed blocks to be left as they are.

    Returns
    -------
    int
        How many weights were set.

    Raises
    ------
    ModelError
        A row names no weight of the model or one twice, a weight is not a finite number, or, unless ``partial``,
        a weight of a listed block is missing.
    """
    current = edge_weights(model, dense=True)
    keys = [key for key in _KEYS if key in table.columns]
    if "target" not in keys or "weight" not in table.columns:
        raise ModelError(
            f"The table needs columns source, target and weight; it has {', '.join(map(str, table.columns))}."
        )
    values = pd.to_numeric(table["weight"], errors="coerce").to_numpy(float)
    if not np.isfinite(values).all():
        raise ModelError(f"{int((~np.isfinite(values)).sum())} of {len(values)} weights are not finite numbers.")
    places = pd.MultiIndex.from_frame(_filled(current[keys]))
    wanted = pd.MultiIndex.from_frame(_filled(table[keys]))
    if not wanted.is_unique:
        raise ModelError(
            f"{int(wanted.duplicated().sum())} weights are given twice: {_pairs(wanted[wanted.duplicated()])}."
        )
    told_apart = ~places.duplicated(keep=False)
    if wanted.isin(places[~told_apart]).any():
        raise ModelError(
            f"The columns {', '.join(keys)} do not tell the weights apart; give all of {', '.join(_KEYS)}."
        )
    found = places[told_apart].get_indexer(wanted)
    positions = np.where(found < 0, -1, np.flatnonzero(told_apart)[found])
    if (positions < 0).any():
        unknown = wanted[positions < 0]
        raise ModelError(
            f"{len(unknown)} of {len(wanted)} rows name no weight of the model: {_pairs(unknown)}.\n"
            "Names of this model's weights: keras_vnn.edge_weights(model, dense=True)"
        )
    touched = current["block"].iloc[positions].unique()
    left = len(current[current["block"].isin(touched)]) - len(positions)
    if left and not partial:
        raise ModelError(
            f"{left} weights of {', '.join(touched)} are not in the table.\n"
            "Pass partial=True to leave them as they are."
        )
    weights = current["weight"].to_numpy(copy=True)
    weights[positions] = values
    for block in touched:
        _write(model.get_layer(block), weights[(current["block"] == block).to_numpy()])
    return len(positions)


def _sparse_table(seen: ModelView, number: int) -> pd.DataFrame:
    layer = seen.sparse_layer(number)
    arch = seen.architecture
    sources = [arch.layers[source].unit_table() for source, target in arch.connections if target == number]
    source_ids = np.array([name for names, _ in sources for name in names], dtype=object)
    source_units = np.concatenate([units for _, units in sources])
    target_ids, target_units = arch.layers[number].unit_table()
    connections = layer.connections
    kernel = _table(
        layer.name,
        source_ids[connections.rows],
        source_units[connections.rows],
        np.array(target_ids, dtype=object)[connections.columns],
        target_units[connections.columns],
        keras.ops.convert_to_numpy(layer.kernel),
    )
    return _with_bias(kernel, layer, np.array(target_ids, dtype=object), target_units)


def _dense_tables(seen: ModelView) -> list[pd.DataFrame]:
    arch = seen.architecture
    genes = _axis([arch.layers[0].unit_table()])
    tables = []
    last = []
    for number in range(1, len(arch.layers)):
        last.append(_head_axis(seen, number))
        beside = seen.dense_layer(number)
        if beside is not None:
            own = ((beside.name,) * beside.units, np.arange(beside.units))
            tables.append(_dense_table(beside, genes, _axis([own])))
            last.append(own)
    axis = _axis(last)
    for layer in seen.tail_layers:
        own = _axis([((layer.name,) * layer.units, np.arange(layer.units))])
        tables.append(_dense_table(layer, axis, own))
        axis = own
    if seen.head is not None:
        names = output_names(seen.outputs)
        tables.append(_dense_table(seen.head, axis, _axis([(names, np.zeros(len(names), int))])))
    return tables


def _head_axis(seen: ModelView, number: int) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return ids and unit numbers of the units of one layer that the head reads."""
    arch = seen.architecture
    ids, units = arch.layers[number].unit_table()
    read = np.repeat(arch.sink_nodes(number), arch.layers[number].units)
    return tuple(name for name, is_read in zip(ids, read, strict=True) if is_read), units[read]


def _axis(parts: list[tuple[tuple[str, ...], NDArray[np.int64]]]) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    names = np.array([name for part, _ in parts for name in part], dtype=object)
    return names, np.concatenate([units for _, units in parts])


def _dense_table(
    layer: keras.layers.Dense,
    sources: tuple[NDArray[np.object_], NDArray[np.int64]],
    targets: tuple[NDArray[np.object_], NDArray[np.int64]],
) -> pd.DataFrame:
    weights = keras.ops.convert_to_numpy(layer.kernel)
    rows, columns = np.indices(weights.shape).reshape(2, -1)
    kernel = _table(
        layer.name, sources[0][rows], sources[1][rows], targets[0][columns], targets[1][columns], weights.ravel()
    )
    return _with_bias(kernel, layer, *targets)


def _with_bias(
    kernel: pd.DataFrame, layer: keras.layers.Layer, targets: NDArray[np.object_], units: NDArray[np.int64]
) -> pd.DataFrame:
    if layer.bias is None:
        return kernel
    none = np.full(len(targets), None, dtype=object)
    values = keras.ops.convert_to_numpy(layer.bias)
    return pd.concat(
        [kernel, _table(layer.name, none, np.zeros(len(targets), int), targets, units, values)], ignore_index=True
    )


def _table(
    block: str,
    source: NDArray[np.object_],
    source_unit: NDArray[np.int64],
    target: NDArray[np.object_],
    target_unit: NDArray[np.int64],
    weight: NDArray[np.floating],
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "block": block,
            "source": source,
            "source_unit": source_unit.astype(np.int32),
            "target": target,
            "target_unit": target_unit.astype(np.int32),
            "weight": weight.astype(np.float32),
        }
    )


def _write(layer: keras.layers.Layer, values: NDArray[np.floating]) -> None:
    """Write the weights of one layer in the order its table lists them: kernel, then bias."""
    size = int(np.prod(layer.kernel.shape))
    layer.kernel.assign(values[:size].reshape(layer.kernel.shape))
    if layer.bias is not None:
        layer.bias.assign(values[size:])


def _filled(keys: pd.DataFrame) -> pd.DataFrame:
    """Return the keys with a word for the missing source of a bias, which would compare unequal to itself."""
    return keys.assign(source=keys["source"].where(keys["source"].notna(), "")) if "source" in keys else keys


def _pairs(index: pd.MultiIndex) -> str:
    return sample(" ".join(str(part) for part in key) for key in index)
