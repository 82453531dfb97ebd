"""Expression that is not made dense as a whole: a matrix of cells and genes of which some rows are taken at a time.

In: an AnnData whose ``X`` lies in an HDF5 file or a zarr store, sparse by rows or dense: `Stored`; or a sparse matrix
in memory: `Held`. Out: rows of either. Knows nothing of networks, labels or normalisation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from keras_vnn.basics.errors import DataError
from keras_vnn.data._matrix import Measured, check_numbers, check_sparse, damaged_sparse, is_on_disk, measured

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Numbers of one piece, were it dense: 64 MB in single precision.
_PIECE = 2**24
_MOST_ROWS = 4096
# Cells that are not wanted, but cost less to read than a new start.
_GAP = 16
# A sparse matrix in memory is made dense as a whole if that takes less: batches of a dense one are made faster.
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
        import numpy as np
        import scipy.sparse

        if self.starts is None:
            return np.asarray(self.values[start:stop])
        first, last = int(self.starts[start]), int(self.starts[stop])
        parts = (self.values["data"][first:last], self.values["indices"][first:last])
        values = scipy.sparse.csr_matrix(
            (*parts, self.starts[start : stop + 1] - first), shape=(stop - start, len(self.genes))
        )
        check_sparse(values)
        return values

    def take(self, rows: NDArray[np.intp]) -> Any:
        """Return the cells with these numbers, in this order; neighbours on disk are read together."""
        import numpy as np
        import scipy.sparse

        ascending, places = np.unique(rows, return_inverse=True)
        ends = np.flatnonzero(np.diff(ascending) > _GAP) + 1
        runs = []
        for run in np.split(ascending, ends):
            values = self.rows(int(run[0]), int(run[-1]) + 1)
            runs.append(values if values.shape[0] == len(run) else values[run - run[0]])
        if len(runs) == 1:
            joined = runs[0]
        else:
            joined = np.concatenate(runs) if self.starts is None else scipy.sparse.vstack(runs, format="csr")
        in_order = len(rows) == len(ascending) and bool((places == np.arange(len(rows))).all())
        return joined if in_order else joined[places]

    def contents(self) -> Iterator[NDArray[Any]]:
        """Yield what tells this matrix from others of the same names, as far as it is known without reading all."""
        if self.starts is not None:
            yield self.starts


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A sparse matrix ``(cells, genes)`` in memory, CSR, with the names of both axes."""

    values: Any
    cells: tuple[str, ...]
    genes: tuple[str, ...]
    on_disk: ClassVar[bool] = False

    @property
    def bytes_per_cell(self) -> float:
        """What a cell takes in memory, on average."""
        size = int(self.values.data.itemsize) + int(self.values.indices.itemsize)
        return max(1.0, float(self.values.nnz) / len(self.cells)) * size

    @property
    def cells_per_chunk(self) -> int:
        """One: any cell is as near as any other."""
        return 1

    def take(self, rows: NDArray[np.intp]) -> Any:
        """Return the cells with these numbers, in this order."""
        return self.values[rows]

    def contents(self) -> Iterator[NDArray[Any]]:
        """Yield what tells this matrix from others of the same names."""
        yield from (self.values.data, self.values.indices, self.values.indptr)


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
    if 0 in values.shape:
        raise DataError(
            f"The data have {values.shape[0]} cells and {values.shape[1]} genes, expected some of both.\n"
            "Was everything filtered out?"
        )
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
    import numpy as np

    starts = np.asarray(group["indptr"][:], dtype=np.int64)
    ends = {group[name].shape for name in ("data", "indices")}
    if not starts.size or starts[0] or ends != {(int(starts[-1]),)} or (np.diff(starts) < 0).any():
        raise damaged_sparse(f"indptr must rise from 0 to {' or '.join(str(end[0]) for end in ends)}, its entries")
    return starts


def held(table: Measured, width: int) -> Held | None:
    """Return a matrix in memory by rows when it is sparse and ``width`` of its genes would be large dense."""
    import scipy.sparse

    if not scipy.sparse.issparse(table.values) or len(table.cells) * width * 4 <= DENSE_BYTES:
        return None
    return Held(table.values.tocsr(), table.cells, table.genes)


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
    import scipy.sparse

    values = table.values
    if isinstance(table, Measured) and scipy.sparse.issparse(values):
        values = values.tocsr()
    step = max(1, min(_MOST_ROWS, _PIECE // len(table.genes)))
    for start in range(0, len(table.cells), step):
        stop = min(start + step, len(table.cells))
        yield slice(start, stop), table.rows(start, stop) if isinstance(table, Stored) else values[start:stop]
