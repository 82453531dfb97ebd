"""Data meet the network: the columns it reads, by name, in its order, normalised, each gene once.

In: an AnnData or DataFrame and the input genes. Out: a float32 matrix that a model takes; of several features per gene
``(cells, genes, features)``. Knows nothing of files, labels or models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.basics.errors import DataError, GeneError, check_choice, counted, sample
from keras_vnn.basics.remedies import by_place, remedy
from keras_vnn.data._matrix import Measured, Stored, large_compact, layer_names, named_matrix, stored
from keras_vnn.data.inputs import StoredInputs, Treatment
from keras_vnn.data.matching import DUPLICATE_POLICIES, combine_duplicates, gene_ids, inputs_called, positions
from keras_vnn.data.normalization import Normalization, checked_pieces

if TYPE_CHECKING:
    import anndata


def align(
    data: Any,
    genes: Any,
    *,
    missing: str = "raise",
    duplicates: str = "raise",
    normalization: Normalization | str | None = None,
) -> NDArray[np.float32]:
    """Return the input of a network: one column for each of its genes, found by name.

    The order of the columns of ``data`` and the genes it has beyond ``genes`` change nothing, except that the
    per-cell scaling of ``log1p-cpm`` and ``lin2017`` sums over all of them. A sparse AnnData is made dense for
    512 genes at a time. A `VNNWarning` says when the first cells hold numbers of another kind than those a
    normalisation was fitted on, such as counts where there were logarithms.

    Parameters
    ----------
    data
        AnnData or DataFrame, shape (cells, genes of the data).
    genes
        Gene ids, or any object whose ``genes`` are ids, such as an `Architecture`.
    missing
        What to do about genes the data lack: ``"raise"``; ``"zero"``, as if measured and not detected (before a
        z-score); ``"mean"``, the mean of the training cells (0 after a z-score), which a fitted ``normalization``
        knows. When no gene at all matches it is an error in any case.
    duplicates
        What to do about genes the data have more than once: ``"raise"``, or ``"first"``, ``"sum"``, ``"mean"`` of
        their columns, before normalisation.
    normalization
        A fitted `Normalization`; or ``"none"`` or ``"log1p-cpm"``, which need no fit. ``None`` is ``"none"``.

    Returns
    -------
    numpy.ndarray
        float32, shape (cells, input genes), rows in the order of ``data``.

    Raises
    ------
    GeneError
        Genes are missing or occur more than once, and the policy is ``"raise"``; or no gene matches.
    DataError
        A value is not finite, or is negative where counts are needed.
    DataError
        The normalisation has not been fitted, or was fitted for other genes.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame([[1, 2, 9], [3, 4, 9]], index=["c1", "c2"], columns=["TP53", "ATM", "ERCC-00002"])
    >>> align(table, ["ATM", "TP53"])
    array([[2., 1.],
           [4., 3.]], dtype=float32)
    """
    return _aligned(*_matched(data, genes, missing, duplicates, normalization))


def inputs_of(
    data: Any,
    genes: Any,
    *,
    missing: str = "raise",
    duplicates: str = "raise",
    normalization: Normalization | str | None = None,
) -> NDArray[np.float32] | StoredInputs:
    """Return what `pp.align` returns, or what reads the same when it is asked for: from disk, or a large sparse matrix.

    Parameters, errors
        As `pp.align`; values on disk are checked when they are read.
    """
    table, treatment, chosen = _matched(data, genes, missing, duplicates, normalization)
    if isinstance(table, Stored):
        return StoredInputs(table, treatment, chosen)
    large = large_compact(table, len(treatment.picked.columns))
    if large is None:
        return _aligned(table, treatment, chosen)
    chosen.check(table)
    return StoredInputs(large, treatment, chosen)


def _matched(
    data: Any, genes: Any, missing: str, duplicates: str, normalization: Normalization | str | None
) -> tuple[Measured | Stored, Treatment, Normalization]:
    """Return the matrix of the data, and what makes the input of a network of its rows."""
    ids, table = gene_ids(genes), named_matrix(data)
    columns = positions(data, table, ids, missing, duplicates, what=inputs_called(genes))
    chosen = _fitted(normalization, ids, missing, any_absent=not all(columns))
    chosen.check_kind(table)
    return table, chosen.treatment(columns, len(table.genes), duplicates, fill_mean=missing == "mean"), chosen


def _aligned(table: Measured | Stored, treatment: Treatment, chosen: Normalization) -> NDArray[np.float32]:
    """Return the input for all rows of a matrix."""
    aligned = np.empty((len(table.cells), len(treatment.picked.columns)), dtype=np.float32)
    for rows, values in checked_pieces(table, chosen):
        aligned[rows] = treatment(values)
    return aligned


def _fitted(
    normalization: Normalization | str | None, ids: tuple[str, ...], missing: str, *, any_absent: bool
) -> Normalization:
    """Return the normalisation for these genes, able to do what is asked of it."""
    chosen = normalization if isinstance(normalization, Normalization) else Normalization(normalization or "none")
    if missing == "mean" and any_absent and not chosen.is_fitted:
        raise DataError(
            f"{remedy('{missing}', missing='mean')} needs the means of the training cells, which only a fitted "
            "normalisation knows.\n"
            + by_place(
                remedy("Take {missing}, or train with a normalisation such as zscore.", missing="zero"),
                "Fit it: vnn.pp.align(…, normalization="
                f'vnn.pp.fit_normalization("{chosen.method}", data, genes, cells=train))',
            )
        )
    return chosen.for_genes(ids) if chosen.needs_fit or chosen.is_fitted else chosen


def align_features(
    data: Any, genes: Any, features: Sequence[str], *, missing: str = "raise", duplicates: str = "raise"
) -> NDArray[np.float32]:
    """Return the input of a network that reads several features per gene, found by name.

    Parameters
    ----------
    data
        AnnData with a layer of each feature's name.
    genes
        Gene ids, or any object whose ``genes`` are ids, such as an `Architecture`.
    features
        Names of the layers, in the order the network reads them.
    missing, duplicates
        As in `pp.align`, but without ``"mean"``.

    Returns
    -------
    numpy.ndarray
        float32, shape (cells, input genes, features).

    Raises
    ------
    DataError
        The data have no layers, or lack one of them.
    GeneError
        As `pp.align`.

    Examples
    --------
    >>> import anndata, numpy as np, pandas as pd
    >>> layers = {"mutation": np.array([[1.0, 0.0]]), "deletion": np.array([[0.0, 1.0]])}
    >>> genes = pd.DataFrame(index=["TP53", "ATM"])
    >>> data = anndata.AnnData(layers=layers, obs=pd.DataFrame(index=["c1"]), var=genes)
    >>> align_features(data, ["ATM"], ["mutation", "deletion"])
    array([[[0., 1.]]], dtype=float32)
    """
    import anndata

    known = layer_names(data)
    absent = [name for name in features if name not in known]
    if absent:
        have = f"its layers are {sample(known)}" if known else "it has no layers"
        raise DataError(
            f"{len(absent)} of {counted(len(features), 'gene feature')} are not a layer of the data: {sample(absent)}; "
            f"{have}.\n"
            + remedy("Name the layers that the network reads: {gene_features}, or add", "Add", gene_features=...)
            + " them: adata.layers[name] = values"
        )
    parts = []
    for name in features:
        one = anndata.AnnData(data.layers[name], obs=data.obs[[]], var=data.var[[]])
        parts.append(align(one, genes, missing=missing, duplicates=duplicates))
    return np.stack(parts, axis=-1)


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

    check_choice("duplicates", duplicates, DUPLICATE_POLICIES, DataError)
    codes, names = pd.factorize(np.asarray(data.var_names, dtype=object))
    if len(names) == data.n_vars:
        return data
    if duplicates == "raise":
        repeated = names[np.bincount(codes) > 1]
        raise GeneError(
            f"{len(repeated):,} of {counted(len(names), 'gene')} occur more than once in the "
            f"data: {sample(repeated)}.\n" + combine_duplicates()
        )
    if stored(data) is not None:
        raise DataError(
            f"{counted(data.n_vars - len(names), 'column of the data is', 'columns of the data are')} a gene again; "
            "they can be made one in memory only.\n"
            f"Read the data with {by_place('--backed never', 'backed=False')}, or make the genes unique in the file."
        )
    if duplicates == "first":
        return data[:, np.unique(codes, return_index=True)[1]].copy()
    weights = np.ones(data.n_vars) if duplicates == "sum" else 1 / np.bincount(codes)[codes]
    join = sparse.csr_array((weights, (np.arange(data.n_vars), codes)), shape=(data.n_vars, len(names)))
    return anndata.AnnData(data.X @ join, obs=data.obs, var=pd.DataFrame(index=list(names)), uns=data.uns)
