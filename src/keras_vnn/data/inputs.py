"""The input of a network that stays as it is stored until it is read: rows aligned and normalised on the way.

In: a matrix on disk, or a sparse one in memory, and a `Treatment` of its rows. Out: `StoredInputs`, which stands where
an aligned array would. Knows nothing of models or labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_vnn.basics.runs import digest_of
from keras_vnn.data._matrix import Measured

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from keras_vnn.data._stored import Held, Stored
    from keras_vnn.data._treatment import Treatment
    from keras_vnn.data.normalization import Normalization

__all__ = ["StoredInputs", "is_on_disk"]


def is_on_disk(data: Any) -> bool:
    """Return whether the matrix of an AnnData lies on disk, to be read when it is needed."""
    from keras_vnn.data._stored import stored

    return stored(data) is not None


class StoredInputs:
    """Rows ``(cells, input genes)`` of data on disk, or sparse in memory, float32 when they are read.

    Indexing by rows gives the same of fewer or other rows without reading them; `numpy.asarray` reads.

    Parameters
    ----------
    table
        The data.
    treatment
        From rows of the data to the input of the network.
    normalization
        What the treatment follows; knows which values it cannot take.
    rows
        ``(cells,)`` numbers of rows of the data; all when ``None``.
    """

    def __init__(
        self,
        table: Stored | Held,
        treatment: Treatment,
        normalization: Normalization,
        rows: NDArray[np.intp] | None = None,
    ) -> None:
        import numpy as np

        self._table, self._treatment, self._normalization = table, treatment, normalization
        self._rows = np.arange(len(table.cells)) if rows is None else rows

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self._rows)

    @property
    def shape(self) -> tuple[int, int]:
        """``(cells, input genes)``."""
        return len(self), len(self._treatment.mean)

    @property
    def on_disk(self) -> bool:
        """Whether the rows lie on disk, where neighbours are read together."""
        return self._table.on_disk

    @property
    def bytes_per_cell(self) -> float:
        """What a cell takes in memory as it is stored, on average."""
        return self._table.bytes_per_cell

    @property
    def cells_per_chunk(self) -> int:
        """How many of these cells come from one chunk of the file, in which all are read together."""
        share = len(self) / len(self._table.cells)
        return max(1, round(self._table.cells_per_chunk * share))

    def __getitem__(self, rows: Any) -> StoredInputs:
        """Return other rows: a slice, row numbers or a mask."""
        return StoredInputs(self._table, self._treatment, self._normalization, self._rows[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Read all rows."""
        import numpy as np

        return np.asarray(self.aligned(self.raw()), dtype)

    def in_memory(self) -> NDArray[np.float32] | StoredInputs:
        """Return the same rows in memory: as an array when they are dense on disk, and sparse as ever when not."""
        import numpy as np
        import scipy.sparse

        from keras_vnn.data._stored import Held

        if not self.on_disk:
            return self
        raw = self.raw()
        if not scipy.sparse.issparse(raw):
            return self.aligned(raw)
        cells = tuple(self._table.cells[row] for row in self._rows)
        held = Held(raw, cells, self._table.genes)
        return StoredInputs(held, self._treatment, self._normalization, np.arange(len(cells)))

    def raw(self) -> Any:
        """Read all rows as they are stored, an array or a CSR matrix of all genes of the data; check those from disk.

        Raises
        ------
        DataError
            A value is not finite, or is negative where counts are needed.
        """
        values = self._table.take(self._rows)
        if not self.on_disk:
            return values  # checked as a whole
        cells = tuple(self._table.cells[row] for row in self._rows)
        self._normalization.check(Measured(values, cells, self._table.genes))
        return values

    def aligned(self, raw: Any) -> NDArray[np.float32]:
        """Return float32 ``(rows, input genes)`` of rows that `raw` gave, or of some of them."""
        return self._treatment(raw)

    def digest(self) -> str:
        """Return what tells these inputs from others: cells, sizes, genes, and what the normalisation learned."""
        table, treatment = self._table, self._treatment
        named = [list(table.cells), list(table.genes)]
        return digest_of([*named, *table.contents(), self._rows, treatment.mean, treatment.scale])
