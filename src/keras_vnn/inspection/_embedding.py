"""Where a network puts cells: the activities of its last hidden layer, with the names of its units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import pandas as pd

from keras_vnn.inspection._cells import cells_of
from keras_vnn.inspection._record import evaluate, features_tensor
from keras_vnn.inspection._segment import Segment
from keras_vnn.models import feature_names, view

if TYPE_CHECKING:
    import anndata

__all__ = ["embed", "embedding_units"]


def embed(model: keras.Model, data: Any, *, missing: str = "raise", batch_size: int = 512) -> anndata.AnnData:
    """Return the activities of the last hidden layer: what the head reads, or what a model without a head gives.

    Parameters
    ----------
    model
        A model of `build_model`.
    data
        AnnData or DataFrame (cells, genes), aligned by name and normalised as the model's training data were; or an
        aligned and normalised array ``(cells, input units)``.
    missing
        What to do about genes the data lack: ``"raise"``, ``"zero"`` or ``"mean"``; see `align`.
    batch_size
        Cells in one call of the network.

    Returns
    -------
    anndata.AnnData
        ``X`` float32 ``(cells, units)``. ``var`` tells what a unit is: ``node`` (id of a node, or the name of a dense
        layer) and ``unit`` (number within it); ``var_names`` are for display. ``obs`` is that of the data.

    Raises
    ------
    GeneError, DataError, ModelError
        As `predict`.
    """
    import anndata

    seen = view(model)
    cells = cells_of(seen, data, missing=missing)
    segment = Segment(model.inputs, [features_tensor(seen) if seen.head is None else seen.head.input])
    (values,) = evaluate(segment, [cells.values, *cells.side], batch_size=batch_size)
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
