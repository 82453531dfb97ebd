"""What scikit-learn hands over becomes cells whose genes have names.

In: an AnnData, a DataFrame, an array or a scipy sparse matrix. Out: an AnnData, and an architecture for its genes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import validate_data

from keras_vnn.architecture import Architecture, load_architecture
from keras_vnn.basics.errors import ConfigError, DataError

if TYPE_CHECKING:
    import anndata

__all__ = ["Wiring", "architecture_for", "cells_and_targets", "cells_of", "is_anndata"]

Wiring = Architecture | str | os.PathLike[str] | Callable[[Sequence[str]], Architecture] | None

_VALUES = {"accept_sparse": ("csr", "csc"), "dtype": (np.float64, np.float32)}


def is_anndata(data: Any) -> bool:
    """Return whether data are an AnnData."""
    return hasattr(data, "var_names") and hasattr(data, "obs_names")


def cells_and_targets(estimator: Any, data: Any, y: Any, **options: Any) -> tuple[anndata.AnnData, Any]:
    """Return cells and targets for ``fit``, and let the estimator remember the names of its columns.

    The values of an AnnData stay where they are, sparse or on disk.

    Raises
    ------
    DataError
        Data and targets have different numbers of cells.
    ValueError
        As scikit-learn words it.
    """
    if not is_anndata(data):
        checked = validate_data(estimator, data, y, **_VALUES, **options) if y is not None else None
        values, targets = checked if checked is not None else (validate_data(estimator, data, **_VALUES), None)
        return _named(estimator, values), targets
    estimator.n_features_in_ = data.n_vars
    estimator.feature_names_in_ = np.asarray(data.var_names.astype(str), dtype=object)
    if isinstance(y, str):
        if y not in data.obs:
            raise DataError(
                f"The cells have no column {y!r}. The columns are: {', '.join(map(str, data.obs.columns))}."
            )
        y = data.obs[y]
    targets = None if y is None else np.asarray(y)
    if targets is not None and len(targets) != data.n_obs:
        raise DataError(f"There are {len(targets):,} targets for {data.n_obs:,} cells. Pass one per cell.")
    return data, targets


def cells_of(estimator: Any, data: Any) -> anndata.AnnData:
    """Return cells for a fitted estimator: an AnnData as it is, found by name; others as they were in ``fit``."""
    if is_anndata(data):
        return data
    return _named(estimator, validate_data(estimator, data, reset=False, **_VALUES))


def architecture_for(estimator: Any, wiring: Wiring) -> Architecture:
    """Return the architecture of an estimator for the columns it was given.

    Raises
    ------
    ConfigError
        There is none, or it is none of what an estimator takes.
    DataError
        Columns without names are not as many as the genes of the architecture.
    """
    if isinstance(wiring, Architecture):
        return _checked(estimator, wiring)
    if isinstance(wiring, str | os.PathLike):
        return _checked(estimator, load_architecture(wiring))
    if callable(wiring):
        found = wiring(_column_names(estimator))
        if isinstance(found, Architecture):
            return found
        raise ConfigError(
            f"The function given as architecture must return an Architecture, got {type(found).__name__}.\n"
            "For example: functools.partial(vnn.wire.interactions, interactions=ppi)"
        )
    if wiring is not None:
        raise ConfigError(
            f"architecture must be an Architecture, the file of one, or a function of gene names that makes one; "
            f"got {type(wiring).__name__}."
        )
    raise ConfigError(
        f"{type(estimator).__name__} needs an architecture: without prior knowledge its nodes would have no names.\n"
        f"    {type(estimator).__name__}(vnn.wire.interactions(genes, ppi, tf))\n"
        f"    {type(estimator).__name__}(functools.partial(vnn.wire.interactions, interactions=ppi))"
    )


def _checked(estimator: Any, arch: Architecture) -> Architecture:
    if not hasattr(estimator, "feature_names_in_") and estimator.n_features_in_ != len(arch.genes):
        raise DataError(
            f"The data have {estimator.n_features_in_:,} columns without names, the architecture "
            f"{len(arch.genes):,} genes.\nPass a DataFrame or an AnnData: its columns are found by name."
        )
    if not hasattr(estimator, "feature_names_in_"):
        estimator._column_names = arch.genes
    return arch


def _column_names(estimator: Any) -> tuple[str, ...]:
    """Return names of the columns; ``x0``, ``x1``, … where there are none, as everywhere in scikit-learn."""
    known = getattr(estimator, "feature_names_in_", None)
    if known is not None:
        return tuple(map(str, known))
    return tuple(getattr(estimator, "_column_names", None) or (f"x{i}" for i in range(estimator.n_features_in_)))


def _named(estimator: Any, values: Any) -> anndata.AnnData:
    import anndata

    names = pd.DataFrame(index=list(_column_names(estimator)))
    return anndata.AnnData(values, obs=pd.DataFrame(index=pd.RangeIndex(values.shape[0]).astype(str)), var=names)
