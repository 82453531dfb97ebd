"""Coordinates and labels of cells, checked once for all scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_vnn.basics.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["coordinates_and_labels"]


def coordinates_and_labels(
    embedding: Any, labels: Any, what: str = "embedding"
) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Return ``(cells, units)`` float64 and ``(cells,)`` labels as text.

    Raises
    ------
    DataError
        The embedding is not a matrix or not finite, a label is missing, or their numbers differ.
    """
    import numpy as np
    import pandas as pd

    values = np.asarray(embedding.X if hasattr(embedding, "obs_names") else embedding)
    if values.ndim != 2 or values.dtype.kind not in "biuf" or 0 in values.shape:
        raise DataError(f"The {what} must be numbers of shape (cells, units), got {values.dtype} of {values.shape}.")
    names = np.asarray(getattr(labels, "names", labels), dtype=object)
    if names.shape != (len(values),):
        raise DataError(
            f"The {what} has {len(values):,} cells, and there are {len(names) if names.ndim else 0:,} labels.\n"
            "Pass one label per cell, in the same order."
        )
    missing = int(pd.isna(names).sum())
    if missing:
        raise DataError(f"{missing:,} of {len(names):,} labels are missing. Leave these cells out.")
    if not np.isfinite(values).all():
        raise DataError(f"{int((~np.isfinite(values)).sum()):,} of {values.size:,} coordinates are not finite numbers.")
    return values.astype(np.float64), np.array([str(name) for name in names], dtype=object)
