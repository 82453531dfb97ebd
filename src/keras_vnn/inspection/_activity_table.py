"""Activity of every node by class, as one table: measured, or remembered by the model.

In: a model, and cells or nothing. Out: a table by node, unit and class.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pandas as pd

from keras_vnn.inspection._findings import findings_of, recalled
from keras_vnn.models import view

__all__ = ["activity_table"]


def activity_table(
    model: keras.Model,
    data: Any = None,
    labels: Any = None,
    *,
    missing: str = "raise",
    batch_size: int = 512,
) -> pd.DataFrame | None:
    """Return how active every unit of every node is in the cells of each class; genes are among the nodes.

    Parameters
    ----------
    model
        A model of `build_model`.
    data, labels, missing, batch_size
        As in `rank_nodes`. When ``data`` is ``None``: what the model remembers.

    Returns
    -------
    pandas.DataFrame or None
        A row per unit and class, in the order of the architecture: ``node`` (id), ``layer``, ``unit``, ``class``
        (``all cells`` where there are none), ``mean``, ``sd``, ``cells``, ``effect_size`` (Cohen's d of the class
        against all other cells). ``None`` without data when the model remembers nothing, or was trained further since.

    Raises
    ------
    DataError, GeneError, ModelError
        As `rank_nodes`.
    """
    seen = view(model)
    arch = seen.architecture
    if data is None:
        found = recalled(seen)
        if found is None:
            return None
    else:
        layers = range(len(arch.layers))
        found = findings_of(
            seen, data, labels, method=None, layers=layers, missing=missing, batch_size=batch_size, importance=False
        )
    names = np.array(found.classes, dtype=object)
    parts = []
    for number, layer in enumerate(arch.layers):
        statistics = found.statistics[number]
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
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
