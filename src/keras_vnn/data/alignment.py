"""Data meet the network: the columns it reads, by name, in its order, normalised.

In: an AnnData or DataFrame and the input genes. Out: a float32 matrix that a model takes.
Knows nothing of files, labels or models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_vnn.basics.errors import DataError
from keras_vnn.data._matrix import Measured
from keras_vnn.data._stored import Stored, held, named_matrix
from keras_vnn.data._treatment import Treatment
from keras_vnn.data.inputs import StoredInputs
from keras_vnn.data.matching import gene_ids, positions
from keras_vnn.data.normalization import Normalization, checked_pieces

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["align", "inputs_of"]


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
    """Return what `align` returns, or what reads the same when it is asked for: from disk, or a large sparse matrix.

    Parameters, errors
        As `align`; values on disk are checked when they are read.
    """
    table, treatment, chosen = _matched(data, genes, missing, duplicates, normalization)
    if isinstance(table, Stored):
        return StoredInputs(table, treatment, chosen)
    sparse = held(table, len(treatment.picked.columns))
    if sparse is None:
        return _aligned(table, treatment, chosen)
    chosen.check(table)
    return StoredInputs(sparse, treatment, chosen)


def _matched(
    data: Any, genes: Any, missing: str, duplicates: str, normalization: Normalization | str | None
) -> tuple[Measured | Stored, Treatment, Normalization]:
    """Return the matrix of the data, and what makes the input of a network of its rows."""
    ids, table = gene_ids(genes), named_matrix(data)
    columns = positions(data, table, ids, missing, duplicates)
    chosen = _fitted(normalization, ids, missing, any_absent=not all(columns))
    chosen.check_kind(table)
    return table, chosen.treatment(columns, len(table.genes), duplicates, fill_mean=missing == "mean"), chosen


def _aligned(table: Measured | Stored, treatment: Treatment, chosen: Normalization) -> NDArray[np.float32]:
    """Return the input for all rows of a matrix."""
    import numpy as np

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
            'missing="mean" needs the means of the training cells, which only a fitted normalisation knows.\n'
            f'Fit it: align(…, normalization=fit_normalization("{chosen.method}", data, genes, cells=train))'
        )
    return chosen.for_genes(ids) if chosen.needs_fit or chosen.is_fitted else chosen
