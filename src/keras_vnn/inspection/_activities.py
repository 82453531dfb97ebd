"""What a model predicts, and the activities of its named units and of the last hidden layer, cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import DataError, ModelError, sample
from keras_vnn.basics.keras_import import keras
from keras_vnn.data import Classes
from keras_vnn.inspection._cells import Cells, cells_of, class_labels, labelled_only
from keras_vnn.inspection._findings import findings_of, orientation_of
from keras_vnn.inspection._memory import recalled
from keras_vnn.inspection._record import features_tensor, hidden_tensor, values_of
from keras_vnn.models import Embedding, ModelView, Reconstruction, feature_names, view

if TYPE_CHECKING:
    import anndata

    from keras_vnn.architecture import Architecture


def node_activities(model: keras.Model, data: Any, *, missing: str = "raise", batch_size: int = 512) -> anndata.AnnData:
    """Return the activity of every unit of every named hidden node in every cell.

    Parameters
    ----------
    model, data, missing, batch_size
        As in `tl.predict`.

    Returns
    -------
    anndata.AnnData
        ``X`` float32 ``(cells, units)``, layer by layer in the order of the architecture. ``var`` tells what a unit
        is: ``node`` (id), ``label``, ``kind``, ``layer``, ``unit`` (number within the node), and ``orientation``: -1
        for units that fall where the genes of their node rise on average, else 1. A unit has no sign of its own;
        figures and means by class turn it. ``var_names`` are for display: the id, and the unit in brackets where a node
        has several. ``obs`` is that of the data.

    Raises
    ------
    GeneError, DataError, ModelError
        As `tl.predict`.
    """
    import anndata

    seen = view(model)
    cells = cells_of(seen, data, missing=missing)
    arch = seen.architecture
    ends = [hidden_tensor(seen, number) for number in range(1, len(arch.layers))]
    values = values_of(seen, ends, cells, batch_size=batch_size)
    found = orientation_of(arch, cells, lambda rows: {n: layer[rows] for n, layer in enumerate(values, start=1)})
    return anndata.AnnData(
        values[0] if len(values) == 1 else np.concatenate(values, axis=1),
        obs=cells.obs,
        var=unit_table(arch).assign(orientation=np.concatenate([found[number] for number in sorted(found)])),
        uns={"keras_vnn": {"fingerprint": arch.fingerprint}},
    )


def unit_table(arch: Architecture) -> pd.DataFrame:
    """Return a row per unit of the hidden nodes: node, label, kind, layer, unit."""
    rows = [
        (f"{node.id} [{unit}]" if node.units > 1 else node.id, node.id, node.label, node.kind, number, unit)
        for number, layer in enumerate(arch.layers)
        if number
        for node in layer
        for unit in range(node.units)
    ]
    table = pd.DataFrame(rows, columns=["name", "node", "label", "kind", "layer", "unit"])
    # A node may be called like a unit of another: "a [1]".
    names = table.pop("name")
    repeats = names.groupby(names).cumcount()
    return table.set_axis(names.where(repeats == 0, names + " (" + repeats.astype(str) + ")").to_list(), axis=0)


def embed(model: keras.Model, data: Any, *, missing: str = "raise", batch_size: int = 512) -> anndata.AnnData:
    """Return the activities of the last hidden layer: what the head reads, or what a model without a head gives.

    Parameters
    ----------
    model, data, missing, batch_size
        As in `tl.predict`.

    Returns
    -------
    anndata.AnnData
        ``X`` float32 ``(cells, units)``. ``var`` tells what a unit is: ``node`` (id of a node, or the name of a dense
        layer) and ``unit`` (number within it); ``var_names`` are for display. ``obs`` is that of the data.

    Raises
    ------
    GeneError, DataError, ModelError
        As `tl.predict`.
    """
    import anndata

    seen = view(model)
    cells = cells_of(seen, data, missing=missing)
    end = features_tensor(seen) if seen.head is None else seen.head.input
    (values,) = values_of(seen, [end], cells, batch_size=batch_size)
    return anndata.AnnData(
        values,
        obs=cells.obs,
        var=embedding_units(model),
        uns={"keras_vnn": {"fingerprint": seen.architecture.fingerprint}},
    )


def embedding_units(model: keras.Model) -> pd.DataFrame:
    """Return a row per unit of the last hidden layer: ``node`` and ``unit``, with names for display as index."""
    nodes, units = feature_names(view(model))
    table = pd.DataFrame({"node": nodes, "unit": units})
    several = table["node"].duplicated(keep=False)
    names = table["node"].where(~several, table["node"] + " [" + table["unit"].astype(str) + "]")
    return table.set_axis(names.to_list(), axis=0)


def activities_by_class(activities: anndata.AnnData, labels: Any) -> pd.DataFrame:
    """Return the mean activity of each unit in the cells of each class, units turned by their ``orientation``.

    Parameters
    ----------
    activities
        What `tl.node_activities` gave.
    labels
        A name per cell, or the name of a column of ``activities.obs``.

    Returns
    -------
    pandas.DataFrame
        A row per unit (index as ``activities.var_names``), a column per class.

    Raises
    ------
    DataError
        There are more or fewer labels than cells, a label is missing, or there is no such column.

    Examples
    --------
    >>> import anndata, numpy, pandas
    >>> activities = anndata.AnnData(numpy.array([[0.0, 1.0], [0.5, 1.0], [1.0, 0.0]], "float32"))
    >>> activities.obs["type"] = ["B", "B", "T"]
    >>> activities_by_class(activities, "type")
          B    T
    0  0.25  1.0
    1  1.00  0.0
    """
    if not hasattr(activities, "obs_names"):
        raise DataError(
            f"Expected the AnnData of vnn.tl.node_activities, got {type(activities).__name__}.\n"
            "Make it: vnn.tl.node_activities(model, data)"
        )
    cells = labelled_only(Cells(np.asarray(activities.X), activities.obs, labels=labels, source=activities))
    if labels is None:
        raise DataError(f"There are no labels for the {len(cells):,} cells: {sample(activities.obs.columns)}.")
    of, values = class_labels(None, cells), np.asarray(cells.values)
    signs = activities.var["orientation"].to_numpy() if "orientation" in activities.var else 1
    means = [signs * values[of.codes == code].mean(axis=0, dtype=np.float64) for code in range(len(of.classes))]
    return pd.DataFrame(np.column_stack(means), index=activities.var_names, columns=list(of.classes.names))


def activity_table(
    model: keras.Model, data: Any = None, labels: Any = None, *, missing: str = "raise", batch_size: int = 512
) -> pd.DataFrame | None:
    """Return how active every unit of every node is in the cells of each class; genes are among the nodes.

    Parameters
    ----------
    model
        A model of `build_model`.
    data, labels, missing, batch_size
        As in `tl.rank_nodes`. When ``data`` is ``None``: what the model remembers.

    Returns
    -------
    pandas.DataFrame or None
        A row per unit and class, in the order of the architecture: ``node`` (id), ``layer``, ``unit``, ``class``
        (``all cells`` where there are none), ``mean``, ``sd``, ``cells``, ``effect_size`` (Cohen's d of the class
        against all other cells), ``turned``: whether the unit is shown with the other sign, so that it rises with the
        mean of the genes of its node; a unit has no sign of its own. ``None`` without data when the model remembers
        nothing, or was trained further since.

    Raises
    ------
    DataError, GeneError, ModelError
        As `tl.rank_nodes`.
    """
    seen = view(model)
    arch = seen.architecture
    if data is None:
        found = recalled(seen)
        if found is None:
            return None
    else:
        cells = cells_of(seen, data, labels, missing=missing)
        found = findings_of(seen, cells, range(len(arch.layers)), batch_size=batch_size, orientation=True)
    names = np.array(found.classes, dtype=object)
    parts = []
    for number, layer in enumerate(arch.layers):
        statistics, signs = found.turned(number), found.orientation.get(number)
        ids, units = layer.unit_table()
        if len(ids) != statistics.mean.shape[1]:  # several numbers per gene
            repeats = statistics.mean.shape[1] // len(layer)
            ids = tuple(np.repeat(np.array(layer.ids, dtype=object), repeats))
            units = np.tile(np.arange(repeats), len(layer))
        parts.append(
            pd.DataFrame(
                {
                    "node": np.repeat(np.array(ids, dtype=object), len(names)),
                    "layer": number,
                    "unit": np.repeat(units, len(names)),
                    "class": np.tile(names, len(ids)),
                    "mean": statistics.mean.T.ravel(),
                    "sd": statistics.deviation.T.ravel(),
                    "cells": np.tile(statistics.cells, len(ids)),
                    "effect_size": statistics.effect_size.T.ravel(),
                    "turned": False if signs is None else np.repeat(signs < 0, len(names)),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def predict(model: keras.Model, data: Any, *, missing: str = "raise", batch_size: int = 512) -> pd.DataFrame:
    """Return what a model predicts for each cell.

    Parameters
    ----------
    model
        A model of `build_model`.
    data
        AnnData or DataFrame (cells, genes), aligned by name and normalised as the model's training data were; or an
        aligned and normalised array ``(cells, input units)``.
    missing
        What to do about genes the data lack: ``"raise"``, ``"zero"`` or ``"mean"``; see `pp.align`.
    batch_size
        Cells in one call of the network.

    Returns
    -------
    pandas.DataFrame
        A row per cell; a column per class with its probability, per number predicted, per unit of an embedding
        (``unit 0``, …), or per gene that an autoencoder restores.

    Raises
    ------
    GeneError
        Genes of the model are missing from the data.
    DataError
        The data are not such a table or array, or hold values that are not finite.
    ModelError
        The model was not made by `build_model`, or its outputs are not finite.
    """
    seen = view(model)
    cells = cells_of(seen, data, missing=missing)
    (values,) = values_of(seen, seen.model.outputs, cells, batch_size=batch_size)
    return pd.DataFrame(values, index=cells.names, columns=_names(seen, values.shape[1]))


def _names(seen: ModelView, width: int) -> list[str]:
    """Return what the columns of a prediction are called."""
    if isinstance(seen.outputs, Reconstruction):
        return list(seen.architecture.layers[0].unit_table()[0])
    if isinstance(seen.outputs, Embedding):
        return [f"unit {number}" for number in range(width)]
    return list(seen.outputs.names)


def predicted_classes(model: keras.Model, data: Any, *, missing: str = "raise", batch_size: int = 512) -> pd.Series:
    """Return the most probable class of each cell, by name of the cell.

    Parameters
    ----------
    model, data, missing, batch_size
        As in `tl.predict`.

    Returns
    -------
    pandas.Series
        Names of classes, a categorical with the classes of the model in their order.

    Raises
    ------
    ModelError
        The model does not predict classes; or as `tl.predict`.
    """
    outputs = view(model).outputs
    if not isinstance(outputs, Classes):
        raise ModelError(
            f"The model predicts no classes but {'an embedding' if isinstance(outputs, Embedding) else 'numbers'}.\n"
            "Its outputs: keras_vnn.inspection.predict(model, data)"
        )
    table = predict(model, data, missing=missing, batch_size=batch_size)
    codes = table.to_numpy().argmax(axis=1)
    return pd.Series(pd.Categorical.from_codes(codes, list(outputs.names)), index=table.index, name="predicted class")
