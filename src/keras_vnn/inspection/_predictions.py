"""What a model predicts for named cells, by name."""

from __future__ import annotations

from typing import Any

import keras
import pandas as pd

from keras_vnn.basics.errors import ModelError
from keras_vnn.data import Classes
from keras_vnn.inspection._cells import cells_of
from keras_vnn.inspection._record import evaluate
from keras_vnn.inspection._segment import Segment
from keras_vnn.models import Embedding, ModelView, Reconstruction, view

__all__ = ["predict", "predicted_classes"]


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
        What to do about genes the data lack: ``"raise"``, ``"zero"`` or ``"mean"``; see `align`.
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
    (values,) = evaluate(Segment(model.inputs, model.outputs), [cells.values, *cells.side], batch_size=batch_size)
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
        As in `predict`.

    Returns
    -------
    pandas.Series
        Names of classes, a categorical with the classes of the model in their order.

    Raises
    ------
    ModelError
        The model does not predict classes; or as `predict`.
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
