"""Expression that stays on disk: a matrix of cells and genes, read a run of rows at a time.

In: an AnnData whose ``X`` lies in an HDF5 file or a zarr store, sparse by rows or dense. Out: `Stored`, and its rows.
Knows nothing of networks, labels or normalisation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_vnn.data._matrix import Measured, check_numbers, is_on_disk, measured
from keras_vnn.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Numbers of one piece, were it dense: 64 MB in single precision.
_PIECE = 2**24
_MOST_ROWS = 4096
# Cells that are not wanted, but cost less to read than a new start.
_GAP = 16


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
        return scipy.sparse.csr_matrix(
            (*parts, self.starts[start : stop + 1] - first), shape=(stop - start, len(self.genes))
        )

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


def stored(data: Any) -> Stored | None:
    """Return the matrix of an AnnData when it lies on disk; ``None`` for what is in memory.

    Raises
    ------
    DataError
        The matrix is kept by columns, or does not hold numbers.
    """
    if not (hasattr(data, "var_names") and hasattr(data, "obs_names")) or data.is_view:
        return None
    values = data.X
    if values is None or not is_on_disk(values):
        return None
    cells, genes = tuple(map(str, data.obs_names)), tuple(map(str, data.var_names))
    if 0 in values.shape:
        raise DataError(f"The data have {values.shape[0]} cells and {values.shape[1]} genes, expected some of both.")
    check_numbers(values.dtype)
    if not hasattr(values, "group"):
        return Stored(values, cells, genes, None)
    if values.format != "csr":
        raise DataError(
            "The matrix on disk is kept by genes (CSC): single cells cannot be read from it.\n"
            "Read it into memory, adata.to_memory(), or write it by cells: adata.X = adata.X.tocsr()"
        )
    import numpy as np

    return Stored(values.group, cells, genes, np.asarray(values.group["indptr"][:], dtype=np.int64))


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
