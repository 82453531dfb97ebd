"""A matrix of cells and genes whose axes have names: in memory, or on disk where some rows are taken at a time.

In: an AnnData or a DataFrame, cells in rows. Out: `Measured`; `Stored`, where ``X`` lies in an HDF5 file or a zarr
store, by rows or dense; and checks of their values. Both give rows in the same way.
Knows nothing of files, networks, labels or normalisation.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from keras_vnn.basics.errors import DataError, counted
from keras_vnn.basics.remedies import called, remedy
from keras_vnn.basics.untrusted import check_compressed


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Values ``(cells, genes)`` in memory, dense or scipy sparse (CSR or CSC), with the names of both axes."""

    values: Any
    cells: tuple[str, ...]
    genes: tuple[str, ...]
    on_disk: ClassVar[bool] = False
    # Any cell is as near as any other.
    cells_per_chunk: ClassVar[int] = 1

    @property
    def bytes_per_cell(self) -> float:
        """What a cell takes in memory, on average."""
        if not sparse.issparse(self.values):
            return float(self.values.shape[1] * self.values.itemsize)
        size = int(self.values.data.itemsize) + int(self.values.indices.itemsize)
        return max(1.0, float(self.values.nnz) / len(self.cells)) * size

    def rows(self, start: int, stop: int) -> Any:
        """Return the cells from ``start`` to ``stop``, an array or a sparse matrix."""
        return self.values[start:stop]

    def take(self, rows: NDArray[np.intp]) -> Any:
        """Return the cells with these numbers, in this order."""
        return self.values[rows]

    def contents(self) -> Iterator[NDArray[Any]]:
        """Yield what tells this matrix, dense or CSR, from others of the same names."""
        if not sparse.issparse(self.values):
            yield self.values
            return
        yield from (self.values.data, self.values.indices, self.values.indptr)


def layer_names(data: Any) -> list[str]:
    """Return the names of the layers of an AnnData; anndata 0.13 counts ``X`` among them, as ``None``."""
    return [name for name in getattr(data, "layers", ()) if name is not None]


def not_cells(data: Any) -> DataError:
    """Return what to say of data that are neither an AnnData nor a DataFrame, with what they seem to be."""
    kind, advice = type(data).__name__, "Name the genes of an array: pandas.DataFrame(values, columns=genes)."
    if isinstance(data, str | os.PathLike):
        advice = f"Read the file: vnn.read.expression({os.fspath(data)!r})"
    elif hasattr(data, "layers") or hasattr(data, "model"):
        advice = "Look at the order: vnn.train(arch, data, labels), vnn.tl.predict(model, data)."
    return DataError(f"Expected an AnnData or a DataFrame (cells, genes), got {kind}.\n{advice}")


def measured(data: Any) -> Measured:
    """Return the named matrix of an AnnData (its ``X``) or of a DataFrame (cells, genes).

    Raises
    ------
    DataError
        The data are of another type, have no matrix, no cell or no gene, a column is not numeric, or a sparse matrix
        points outside of itself.
    """
    if hasattr(data, "var_names") and hasattr(data, "obs_names"):
        values = (data.to_memory() if data.isbacked or (not data.is_view and is_on_disk(data.X)) else data).X
        if values is None:
            known = [*(["raw"] if data.raw is not None else []), *layer_names(data)]
            advice = called("vnn.read.expression", layer=known[0] if known else "raw")
            has = f"Its layers are: {', '.join(known)}. Take" if known else "Name"
            raise DataError(f"The AnnData has no X.\n{has} a layer it has: {advice}.")
        cells, genes = data.obs_names, data.var_names
    elif hasattr(data, "columns") and hasattr(data, "index"):
        values = _frame_values(data) if 0 not in data.shape else np.empty(data.shape)
        cells, genes = data.index, data.columns
    else:
        raise not_cells(data)
    if sparse.issparse(values):
        values = values if values.format in ("csr", "csc") else values.tocsr()
        check_sparse(values)
    else:
        values = np.asarray(values)
    check_numbers(values.dtype)
    _check_filled(values.shape)
    return Measured(values, tuple(map(str, cells)), tuple(map(str, genes)))


def is_on_disk(values: Any) -> bool:
    """Return whether a matrix is one of h5py, of zarr, or a sparse one of anndata that lies in either."""
    return hasattr(values, "group") or type(values).__module__.partition(".")[0] in ("h5py", "zarr")


def _check_filled(shape: tuple[int, ...]) -> None:
    if 0 in shape:
        raise DataError(
            f"The data have {counted(shape[0], 'cell')} and {counted(shape[1], 'gene')}, expected some of both.\nWas "
            "everything filtered out?"
        )


def check_numbers(kind: Any) -> None:
    """Raise a `DataError` unless a NumPy type is one of real numbers."""
    if kind.kind not in "biuf":
        raise DataError(
            f"The values of the data are of type {kind}, expected numbers.\n"
            f"Name a layer that holds counts or expression: {remedy('{layer}', layer=...)}"
        )


def check_sparse(values: Any) -> None:
    """Raise a `DataError` when a CSR or CSC matrix points outside of itself, which kills Python when it is used."""
    try:
        check_compressed(values)
    except ValueError as error:
        raise damaged_sparse(error) from error


def damaged_sparse(reason: object) -> DataError:
    """Return the error about a sparse matrix that points outside of itself."""
    return DataError(f"The sparse matrix is damaged: {reason}.\nRead or download the data again.")


def check_finite(table: Measured, where: str = "") -> None:
    """Raise a `DataError` naming the first value that is NaN, infinite, or so large that it is as float32."""
    if table.values.dtype.kind in "biu":
        return
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
        f"{count:,} of {counted(total, 'value')} {verb}{where and f': {where}'}\n"
        f"    gene {gene}, cell {cell}: {shown}\n"
        "Drop these genes or cells, or write 0 where a gene was not detected."
    )


def check_counts(table: Measured, method: str) -> None:
    """Raise a `DataError` when a value is negative, as counts and logarithms of counts cannot be."""
    row, column, count = _first(table.values, lambda values: values < 0)
    if count:
        total = len(table.cells) * len(table.genes)
        raise DataError(
            f"{count:,} of {counted(total, 'value')} {'is' if count == 1 else 'are'} negative, {method} needs counts.\n"
            f"    gene {table.genes[column]}, cell {table.cells[row]}: {table.values[row, column]:g}\n"
            f"The values look scaled. Read the counts with {remedy('{layer}', layer='raw')}"
            + remedy(', or take {normalization} or "zscore"', normalization="none")
            + "."
        )


def totals(values: Any) -> NDArray[np.float64]:
    """Return the sum of each cell over all its genes, shape ``(cells,)``."""
    return np.asarray(values.sum(axis=1, dtype=np.float64), dtype=np.float64).reshape(-1)


def row_numbers(cells: ArrayLike | None, n_cells: int) -> NDArray[np.intp]:
    """Return row numbers from row numbers, a boolean mask, or ``None`` for all.

    Raises
    ------
    DataError
        The mask has another length, a number is out of range, or no cell is left.
    """
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
    wrong = is_wrong(values.data if sparse.issparse(values) else values)
    if not wrong.any():
        return 0, 0, 0
    if sparse.issparse(values):
        wrong = type(values)((wrong, values.indices, values.indptr), shape=values.shape)
    rows, columns = wrong.nonzero()
    at = np.lexsort((columns, rows))[0]
    return int(rows[at]), int(columns[at]), int(rows.size)


def _frame_values(frame: Any) -> Any:
    from pandas import SparseDtype
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    wrong = [str(name) for name, kind in frame.dtypes.items() if not is_numeric_dtype(kind) or is_bool_dtype(kind)]
    if wrong:
        raise DataError(
            f"{len(wrong):,} of {counted(frame.shape[1], 'column')} of the table are not numbers: "
            f"{', '.join(wrong[:5])}.\n"
            "Pass the genes only: data[genes]; labels and other columns belong in cells=…"
        )
    if all(isinstance(kind, SparseDtype) for kind in frame.dtypes) and frame.shape[1]:
        return frame.sparse.to_coo().tocsr()
    return frame.to_numpy(dtype="float64", na_value=float("nan"))


# Numbers of one piece, were it dense: 64 MB in single precision.
_PIECE = 2**24
_MOST_ROWS = 4096
# Cells that are not wanted, but cost less to read than a new start.
_GAP = 16
# What is sparse in memory, or of small integers, is made dense float32 as a whole if that takes less: batches are made
# faster.
DENSE_BYTES = 2**29


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A matrix ``(cells, genes)`` on disk, with the names of both axes.

    Attributes
    ----------
    values
        An array of h5py or zarr; or the group that holds ``data``, ``indices`` and ``indptr`` of a CSR matrix.
    cells, genes
        The names.
    starts
        ``(cells + 1,)`` where the entries of each cell begin; ``None`` when the matrix is dense.
    """

    values: Any
    cells: tuple[str, ...]
    genes: tuple[str, ...]
    starts: NDArray[np.int64] | None
    on_disk: ClassVar[bool] = True

    @property
    def bytes_per_cell(self) -> float:
        """What a cell takes in memory as it is on disk, on average."""
        if self.starts is None:
            return float(len(self.genes) * self.values.dtype.itemsize)
        size = int(self.values["data"].dtype.itemsize) + int(self.values["indices"].dtype.itemsize)
        return max(1.0, float(self.starts[-1]) / len(self.cells)) * size

    @property
    def cells_per_chunk(self) -> int:
        """How many cells one chunk of the file holds, on average; 1 when it is not in chunks."""
        chunks = (self.values if self.starts is None else self.values["data"]).chunks
        if chunks is None:
            return 1
        per_cell = 1.0 if self.starts is None else max(1.0, float(self.starts[-1]) / len(self.cells))
        return max(1, int(chunks[0] / per_cell))

    def rows(self, start: int, stop: int) -> Any:
        """Return the cells from ``start`` to ``stop``, an array or a CSR matrix."""
        if self.starts is None:
            return np.asarray(self.values[start:stop])
        first, last = int(self.starts[start]), int(self.starts[stop])
        parts = (self.values["data"][first:last], self.values["indices"][first:last])
        values = sparse.csr_matrix(
            (*parts, self.starts[start : stop + 1] - first), shape=(stop - start, len(self.genes))
        )
        check_sparse(values)
        return values

    def take(self, rows: NDArray[np.intp]) -> Any:
        """Return the cells with these numbers, in this order; neighbours on disk are read together."""
        ascending, places = np.unique(rows, return_inverse=True)
        ends = np.flatnonzero(np.diff(ascending) > _GAP) + 1
        runs = []
        for run in np.split(ascending, ends):
            values = self.rows(int(run[0]), int(run[-1]) + 1)
            runs.append(values if values.shape[0] == len(run) else values[run - run[0]])
        if len(runs) == 1:
            joined = runs[0]
        else:
            joined = np.concatenate(runs) if self.starts is None else sparse.vstack(runs, format="csr")
        in_order = len(rows) == len(ascending) and bool((places == np.arange(len(rows))).all())
        return joined if in_order else joined[places]

    def contents(self) -> Iterator[NDArray[Any]]:
        """Yield what tells this matrix from others of the same names, as far as it is known without reading all."""
        if self.starts is not None:
            yield self.starts


def stored(data: Any) -> Stored | None:
    """Return the matrix of an AnnData when it lies on disk; ``None`` for what is in memory.

    Raises
    ------
    DataError
        The matrix is kept by columns, does not hold numbers, or points outside of itself.
    """
    if not (hasattr(data, "var_names") and hasattr(data, "obs_names")) or data.is_view:
        return None
    values = data.X
    if values is None or not is_on_disk(values):
        return None
    cells, genes = tuple(map(str, data.obs_names)), tuple(map(str, data.var_names))
    _check_filled(values.shape)
    check_numbers(values.dtype)
    if not hasattr(values, "group"):
        return Stored(values, cells, genes, None)
    if values.format != "csr":
        raise DataError(
            "The matrix on disk is kept by genes (CSC): single cells cannot be read from it.\n"
            "Read it into memory, adata.to_memory(), or write it by cells: adata.X = adata.X.tocsr()"
        )
    return Stored(values.group, cells, genes, starts_of(values.group))


def starts_of(group: Any) -> NDArray[np.int64]:
    """Return where the entries of each row, or column, of a sparse matrix on disk begin, and where the last end.

    Raises
    ------
    DataError
        They fall, or do not go from 0 to the number of entries.
    """
    starts = np.asarray(group["indptr"][:], dtype=np.int64)
    ends = {group[name].shape for name in ("data", "indices")}
    if not starts.size or starts[0] or ends != {(int(starts[-1]),)} or (np.diff(starts) < 0).any():
        raise damaged_sparse(f"indptr must rise from 0 to {' or '.join(str(end[0]) for end in ends)}, its entries")
    return starts


def large_compact(table: Measured, width: int) -> Measured | None:
    """Return a matrix in memory by rows when ``width`` of its genes would be large as float32, and it is smaller."""
    is_sparse = sparse.issparse(table.values)
    if not (is_sparse or table.values.itemsize < 4) or len(table.cells) * width * 4 <= DENSE_BYTES:
        return None
    return Measured(table.values.tocsr() if is_sparse else table.values, table.cells, table.genes)


def named_matrix(data: Any) -> Measured | Stored:
    """Return the matrix of an AnnData or DataFrame with its names, wherever it lies.

    Raises
    ------
    DataError
        As `measured` and `stored`.
    """
    return stored(data) or measured(data)


def pieces(table: Measured | Stored) -> Iterator[tuple[slice, Any]]:
    """Yield the rows of a matrix, dense or CSR, in pieces small enough to be dense, and which rows they are.

    The pieces depend on the shape alone, so what is summed over them is the same in memory and on disk.
    """
    if isinstance(table, Measured) and sparse.issparse(table.values):
        table = Measured(table.values.tocsr(), table.cells, table.genes)
    step = max(1, min(_MOST_ROWS, _PIECE // len(table.genes)))
    for start in range(0, len(table.cells), step):
        stop = min(start + step, len(table.cells))
        yield slice(start, stop), table.rows(start, stop)


def texts_of(table: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Return the columns of texts of a table of genes: names of another kind may stand there."""
    kinds = ((name, table[name].dtype) for name in table.columns)
    texts = [name for name, kind in kinds if kind.kind in "OU" or kind in ("string", "category")]
    return [(str(name), table[name].astype(str).tolist()) for name in texts]
