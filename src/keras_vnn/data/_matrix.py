"""One view of an AnnData and of a DataFrame: a matrix of cells and genes whose axes have names.

In: an AnnData or a DataFrame, cells in rows. Out: `Measured`, and checks of its values.
Knows nothing of files, labels or normalisation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_vnn.basics.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Values ``(cells, genes)``, dense or scipy sparse (CSR or CSC), with the names of both axes."""

    values: Any
    cells: tuple[str, ...]
    genes: tuple[str, ...]


def layer_names(data: Any) -> list[str]:
    """Return the names of the layers of an AnnData; anndata 0.13 counts ``X`` among them, as ``None``."""
    return [name for name in getattr(data, "layers", ()) if name is not None]


def measured(data: Any) -> Measured:
    """Return the named matrix of an AnnData (its ``X``) or of a DataFrame (cells, genes).

    Raises
    ------
    DataError
        The data are of another type, have no matrix, no cell or no gene, a column is not numeric, or a sparse matrix
        points outside of itself.
    """
    import numpy as np
    import scipy.sparse

    if hasattr(data, "var_names") and hasattr(data, "obs_names"):
        values = (data.to_memory() if data.isbacked or (not data.is_view and is_on_disk(data.X)) else data).X
        if values is None:
            raise DataError('The AnnData has no X.\nName a layer it has: read_expression(path, layer="raw").')
        cells, genes = data.obs_names, data.var_names
    elif hasattr(data, "columns") and hasattr(data, "index"):
        values = _frame_values(data) if 0 not in data.shape else np.empty(data.shape)
        cells, genes = data.index, data.columns
    else:
        raise DataError(
            f"Expected an AnnData or a DataFrame (cells, genes), got {type(data).__name__}: "
            "its columns have no names.\n"
            "Name them: pandas.DataFrame(values, columns=genes)."
        )
    if scipy.sparse.issparse(values):
        values = values if values.format in ("csr", "csc") else values.tocsr()
        check_sparse(values)
    else:
        values = np.asarray(values)
    check_numbers(values.dtype)
    if 0 in values.shape:
        raise DataError(
            f"The data have {values.shape[0]} cells and {values.shape[1]} genes, expected some of both.\n"
            "Was everything filtered out?"
        )
    return Measured(values, tuple(map(str, cells)), tuple(map(str, genes)))


def is_on_disk(values: Any) -> bool:
    """Return whether a matrix is one of h5py, of zarr, or a sparse one of anndata that lies in either."""
    return hasattr(values, "group") or type(values).__module__.partition(".")[0] in ("h5py", "zarr")


def check_numbers(kind: Any) -> None:
    """Raise a `DataError` unless a NumPy type is one of real numbers."""
    if kind.kind not in "biuf":
        raise DataError(
            f"The values of the data are of type {kind}, expected numbers.\n"
            "Name a layer that holds counts or expression: layer=…"
        )


def check_sparse(values: Any) -> None:
    """Raise a `DataError` when a CSR or CSC matrix points outside of itself, which kills Python when it is used."""
    try:
        values.check_format()
    except ValueError as error:
        raise damaged_sparse(error) from error


def damaged_sparse(reason: object) -> DataError:
    """Return the error about a sparse matrix that points outside of itself."""
    return DataError(f"The sparse matrix is damaged: {reason}.\nRead or download the data again.")


def check_finite(table: Measured, where: str = "") -> None:
    """Raise a `DataError` naming the first value that is NaN, infinite, or so large that it is as float32."""
    import numpy as np

    largest = np.finfo(np.float32).max
    is_wider = table.values.dtype.kind == "f" and table.values.dtype.itemsize > 4
    row, column, count = _first(
        table.values, lambda values: ~(np.abs(values) <= largest) if is_wider else ~np.isfinite(values)
    )
    if count:
        raise not_a_number(table.genes[column], table.cells[row], table.values[row, column], count, table, where)


def not_a_number(gene: str, cell: str, value: Any, count: int, table: Measured, where: str = "") -> DataError:
    """Return the error for ``count`` values that are not finite numbers of float32, the first of which is shown."""
    total = len(table.cells) * len(table.genes)
    verb = "is not a finite number" if count == 1 else "are not finite numbers"
    shown = repr(value) if isinstance(value, str) else format(value)
    if not isinstance(value, str) and 1 < abs(value) < math.inf:
        shown += ", beyond the 3.4e38 of single precision"
    return DataError(
        f"{count:,} of {total:,} values {verb}{where and f': {where}'}\n"
        f"    gene {gene}, cell {cell}: {shown}\n"
        "Drop these genes or cells, or write 0 where a gene was not detected."
    )


def check_counts(table: Measured, method: str) -> None:
    """Raise a `DataError` when a value is negative, as counts and logarithms of counts cannot be."""
    row, column, count = _first(table.values, lambda values: values < 0)
    if count:
        total = len(table.cells) * len(table.genes)
        raise DataError(
            f"{count:,} of {total:,} values {'is' if count == 1 else 'are'} negative, {method} needs counts.\n"
            f"    gene {table.genes[column]}, cell {table.cells[row]}: {table.values[row, column]:g}\n"
            'The values look scaled. Read the counts with layer="raw" (command line: --layer raw), '
            'or take normalization="none" or "zscore".'
        )


def totals(values: Any) -> NDArray[np.float64]:
    """Return the sum of each cell over all its genes, shape ``(cells,)``."""
    import numpy as np

    return np.asarray(values.sum(axis=1, dtype=np.float64), dtype=np.float64).reshape(-1)


def row_numbers(cells: ArrayLike | None, n_cells: int) -> NDArray[np.intp]:
    """Return row numbers from row numbers, a boolean mask, or ``None`` for all.

    Raises
    ------
    DataError
        The mask has another length, a number is out of range, or no cell is left.
    """
    import numpy as np

    if cells is None:
        return np.arange(n_cells)
    given = np.asarray(cells)
    if given.dtype == bool:
        if given.shape != (n_cells,):
            raise DataError(f"The mask of cells has shape {given.shape}, expected ({n_cells},).")
        given = np.flatnonzero(given)
    if given.size == 0:
        raise DataError("No cell is selected.")
    if given.ndim != 1 or not np.issubdtype(given.dtype, np.integer):
        raise DataError(f"Cells are selected by row numbers or a mask, got {given.dtype} of shape {given.shape}.")
    if given.min() < 0 or given.max() >= n_cells:
        wrong = given.min() if given.min() < 0 else given.max()
        raise DataError(f"There is no cell number {wrong}: the data have cells 0 to {n_cells - 1}.")
    return given.astype(np.intp)


def _first(values: Any, is_wrong: Any) -> tuple[int, int, int]:
    """Return row and column of the first wrong value in reading order, and how many there are."""
    import numpy as np
    import scipy.sparse

    if scipy.sparse.issparse(values):
        wrong = is_wrong(values.data)
        if not wrong.any():
            return 0, 0, 0
        entries = values.tocoo()
        rows, columns = entries.row[wrong], entries.col[wrong]
    else:
        rows, columns = np.nonzero(is_wrong(values))
        if not rows.size:
            return 0, 0, 0
    at = np.lexsort((columns, rows))[0]
    return int(rows[at]), int(columns[at]), int(rows.size)


def _frame_values(frame: Any) -> Any:
    from pandas import SparseDtype
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    wrong = [str(name) for name, kind in frame.dtypes.items() if not is_numeric_dtype(kind) or is_bool_dtype(kind)]
    if wrong:
        raise DataError(
            f"{len(wrong):,} of {frame.shape[1]:,} columns of the table are not numbers: {', '.join(wrong[:5])}.\n"
            "Pass the genes only: data[genes]; labels and other columns belong in cells=…"
        )
    if all(isinstance(kind, SparseDtype) for kind in frame.dtypes) and frame.shape[1]:
        return frame.sparse.to_coo().tocsr()
    return frame.to_numpy(dtype="float64", na_value=float("nan"))
