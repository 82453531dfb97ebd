"""Genes that occur more than once in expression data, made one.

In: AnnData. Out: AnnData with each gene once. Knows nothing of networks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_vnn.basics.errors import DataError, GeneError, sample
from keras_vnn.data._stored import stored
from keras_vnn.data.matching import check_policy

if TYPE_CHECKING:
    import anndata

__all__ = ["without_duplicates"]

POLICIES = ("raise", "first", "sum", "mean")


def without_duplicates(data: anndata.AnnData, duplicates: str = "raise") -> anndata.AnnData:
    """Return the data with each gene once, in the order of first mention.

    Parameters
    ----------
    data
        Cells × genes; it is not changed.
    duplicates
        ``"raise"``, ``"first"`` to keep the first column of each gene, ``"sum"`` (for counts) or ``"mean"``.

    Returns
    -------
    anndata.AnnData
        The same object where no gene is repeated; else a new one with the cell table and ``uns``, without layers.

    Raises
    ------
    GeneError
        Genes are repeated and ``duplicates`` is ``"raise"``.
    DataError
        There is no such policy, or the data lie on disk.
    """
    import anndata
    import numpy as np
    import pandas as pd
    from scipy import sparse

    check_policy("duplicates", duplicates, POLICIES)
    codes, names = pd.factorize(np.asarray(data.var_names, dtype=object))
    if len(names) == data.n_vars:
        return data
    if duplicates == "raise":
        repeated = names[np.bincount(codes) > 1]
        raise GeneError(
            f"{len(repeated):,} of {len(names):,} genes occur more than once in the data: {sample(repeated)}.\n"
            'Combine them with duplicates="sum" (counts) or "mean", or keep the first with duplicates="first" '
            "(command line: --duplicates sum)."
        )
    if stored(data) is not None:
        raise DataError(
            f"{data.n_vars - len(names):,} columns of the data are a gene again; they can be made one in memory only.\n"
            "Read the data with backed=False (command line: --backed never), or make the genes unique in the file."
        )
    if duplicates == "first":
        return data[:, np.unique(codes, return_index=True)[1]].copy()
    weights = np.ones(data.n_vars) if duplicates == "sum" else 1 / np.bincount(codes)[codes]
    join = sparse.csr_array((weights, (np.arange(data.n_vars), codes)), shape=(data.n_vars, len(names)))
    return anndata.AnnData(data.X @ join, obs=data.obs, var=pd.DataFrame(index=list(names)), uns=data.uns)
