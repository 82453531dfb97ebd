"""The cells a model is asked about: its inputs, their names, and the class of each.

In: data and labels of users. Out: `Cells` and class codes, checked once for every function of this package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.data import Classes, Labels, Targets, align, labels_of
from keras_vnn.data import classes as classes_of_labels
from keras_vnn.errors import DataError
from keras_vnn.models import ModelView

__all__ = ["Cells", "cells_of", "class_codes"]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The input of a model.

    Attributes
    ----------
    values
        float32 ``(cells, input units)``, as the model reads them.
    obs
        A row per cell: the cell table of an AnnData, or only the names of the cells.
    """

    values: NDArray[np.float32]
    obs: pd.DataFrame

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.values)

    @property
    def names(self) -> pd.Index:
        """Names of the cells."""
        return self.obs.index


def cells_of(seen: ModelView, data: Any, labels: Any = None, *, missing: str = "raise") -> Cells:
    """Return the input of a model for named data, aligned and normalised, or for an array that is both already.

    Where `Labels` or `Targets` leave cells out, so does this.

    Raises
    ------
    DataError
        An array has another shape than ``(cells, input units)`` or holds a value that is not finite; or the model
        reads several numbers per gene and the data have one.
    GeneError
        Genes of the model are missing from the data.
    """
    cells = _all_cells(seen, data, missing)
    if isinstance(labels, Labels | Targets) and labels.n_missing and len(labels) + labels.n_missing == len(cells):
        return Cells(cells.values[labels.cells], cells.obs.iloc[labels.cells])
    return cells


def _all_cells(seen: ModelView, data: Any, missing: str) -> Cells:
    width = int(seen.architecture.layers[0].units.sum())
    if hasattr(data, "obs_names") or hasattr(data, "columns"):
        if width != len(seen.architecture.genes):
            raise DataError(
                f"The model reads {width:,} numbers of {len(seen.architecture.genes):,} genes per cell.\n"
                f"Pass an array of shape (cells, {width})."
            )
        values = align(data, seen.architecture, normalization=seen.normalization, missing=missing)
        obs = data.obs.copy() if hasattr(data, "obs") else pd.DataFrame(index=data.index)
        return Cells(values, obs.set_axis(obs.index.astype(str), axis=0))
    values = np.asarray(data)
    if values.ndim != 2 or values.shape[1] != width or values.dtype.kind not in "biuf":
        raise DataError(
            f"Expected an AnnData, a DataFrame or an aligned array of shape (cells, {width}), "
            f"got {type(data).__name__} of shape {values.shape}.\n"
            "Align named data: keras_vnn.align(data, arch, normalization=…)"
        )
    if not len(values):
        raise DataError("There is no cell in the data.")
    values = values.astype(np.float32)
    if not np.isfinite(values).all():
        wrong = int((~np.isfinite(values)).sum())
        raise DataError(f"{wrong:,} of {values.size:,} values are not finite numbers.\nDrop these cells or genes.")
    return Cells(values, pd.DataFrame(index=pd.RangeIndex(len(values)).astype(str)))


def class_codes(
    known: Classes | None, labels: Any, cells: Cells, data: Any, predicted: NDArray[np.intp] | None = None
) -> tuple[Classes | None, NDArray[np.int32] | None]:
    """Return the classes and the code of each cell; of the labels, or else as predicted.

    Parameters
    ----------
    known
        The classes of the model; ``None`` when it has none, and the labels may name any.
    labels
        A name per cell, a pandas Series of them, `Labels`, the name of a column of ``data.obs``, or ``None``.
    cells, data
        The cells, and the data they come from.
    predicted
        Codes to use when there are no labels.

    Raises
    ------
    DataError
        There are more or fewer labels than cells, a label is missing or no class of the model, or the data have no
        such column.
    """
    if labels is None:
        return (None, None) if known is None or predicted is None else (known, predicted.astype(np.int32))
    given = _one_per_cell(labels, cells, data)
    wanted = classes_of_labels(given) if known is None else known
    return wanted, wanted.encode(given)


def _one_per_cell(labels: Any, cells: Cells, data: Any) -> Any:
    """Return a label per cell in the order of the cells, by name where the labels have names."""
    if isinstance(labels, str):
        if not hasattr(data, "obs"):
            raise DataError(
                f"The label {labels!r} names a column of data.obs, but the data are a {type(data).__name__}.\n"
                "Pass the labels themselves, one per cell."
            )
        labels = labels_of(data, labels)
    if isinstance(labels, Labels):
        labels = labels.names
    if np.ndim(labels) == 0 or len(labels) != len(cells):
        count = "one value" if np.ndim(labels) == 0 else f"{len(labels):,} labels"
        raise DataError(
            f"There are {count} for {len(cells):,} cells.\nPass one label per cell, in the order of the data."
        )
    is_named = hasattr(data, "obs_names") or hasattr(data, "columns")
    if is_named and isinstance(labels, pd.Series) and labels.index.is_unique:
        index = labels.index.astype(str)
        if not index.equals(cells.names) and set(index) == set(cells.names):
            return labels.set_axis(index).loc[cells.names]
    return labels
