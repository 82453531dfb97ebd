"""The input of a network: rows of a matrix aligned and normalised, at once or when they are read.

In: a piece of a matrix, dense or CSR. Out: a float32 array with a column per input gene, the same to the last bit
whichever of the two it was; in training, the mean and the spread of each gene; and `StoredInputs`, which stands where
an aligned array would while the data stay on disk, sparse, or small integers. Knows nothing of names, files, models or
labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.basics.runs import digest_of
from keras_vnn.data._matrix import Measured, Stored, stored, totals

if TYPE_CHECKING:
    from keras_vnn.data.normalization import Normalization

COUNTS_PER_CELL = 1e6
# Genes that are dense at a time: a piece of 4,096 cells takes 16 MB in double precision.
_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Steps:
    """What a method of normalisation does."""

    per_cell: bool = False
    log: bool = False
    per_gene: bool = False

    @property
    def of_counts(self) -> bool:
        """Whether it is for counts, none of which is negative."""
        return self.per_cell or self.log


class Picked:
    """The input genes of a matrix, after the steps that need no fit: scaling of each cell, logarithm.

    Parameters
    ----------
    columns
        For each input gene, its columns in the matrix; none when it is not there.
    n_columns
        Of the matrix.
    duplicates
        What to do with several columns of a gene: ``first``, ``sum`` or ``mean``.
    steps
        What is done.
    """

    def __init__(self, columns: Sequence[Sequence[int]], n_columns: int, duplicates: str, steps: Steps) -> None:
        self.columns = columns
        self.steps = steps
        self._duplicates = duplicates
        self._place = np.full(n_columns, -1, np.int64)
        self._first = np.array([of_gene[0] if of_gene else -1 for of_gene in columns], np.int64)
        self._several = [] if duplicates == "first" else [j for j, of_gene in enumerate(columns) if len(of_gene) > 1]
        self._join = None
        if self._several:
            entries = [(column, gene, len(of_gene)) for gene, of_gene in enumerate(columns) for column in of_gene]
            of_matrix, gene, count = (np.array(part) for part in zip(*entries, strict=True))
            weights = 1 / count if duplicates == "mean" else np.ones(len(count))
            self._join = sparse.csr_matrix((weights, (of_matrix, gene)), shape=(n_columns, len(columns)))
        else:
            present = np.flatnonzero(self._first >= 0)
            self._place[self._first[present]] = present

    @property
    def is_absent(self) -> NDArray[np.bool_]:
        """``(input genes,)`` whether the matrix lacks each."""
        return self._first < 0

    def entries(self, values: Any) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return row, input gene and value of every entry of a CSR matrix that an input gene has."""
        factor = self._factor(values)
        if self._join is not None:
            values = (values @ self._join).tocsr()
        if not values.has_canonical_format:
            values = values.copy()
            values.sum_duplicates()
        rows = np.repeat(np.arange(values.shape[0]), np.diff(values.indptr))
        if self._join is not None:
            places, numbers = values.indices.astype(np.int64), values.data.astype(np.float64)
        else:
            places = self._place[values.indices]
            kept = places >= 0
            rows, places, numbers = rows[kept], places[kept], values.data[kept].astype(np.float64)
        if factor is not None:
            numbers *= factor[rows]
        return rows, places, np.log1p(numbers) if self.steps.log else numbers

    def blocks(self, values: NDArray[Any]) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Yield blocks ``(rows, up to 512 input genes)`` of a dense matrix, and which genes they are."""
        factor = self._factor(values)
        for start in range(0, len(self.columns), _BLOCK):
            first = self._first[start : start + _BLOCK]
            block = np.zeros((len(values), len(first)))
            block[:, first >= 0] = values[:, first[first >= 0]]
            for j in self._several:
                if start <= j < start + _BLOCK:
                    combined = values[:, list(self.columns[j])].astype(np.float64)
                    block[:, j - start] = combined.sum(axis=1) if self._duplicates == "sum" else combined.mean(axis=1)
            if factor is not None:
                block *= factor[:, None]
            yield slice(start, start + len(first)), np.log1p(block) if self.steps.log else block

    def _factor(self, values: Any) -> NDArray[np.float64] | None:
        if not self.steps.per_cell:
            return None
        total = totals(values)
        return np.divide(COUNTS_PER_CELL, total, out=np.zeros_like(total), where=total > 0)


@dataclass(frozen=True, eq=False)
class Treatment:
    """From rows of a matrix to the input of a network.

    Attributes
    ----------
    picked
        The input genes.
    mean, scale
        float64 ``(input genes,)``; used only by methods with a z-score, but for ``fill_mean``.
    fill_mean
        Give a gene that the matrix lacks its mean, rather than 0 before the z-score.
    """

    picked: Picked
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    fill_mean: bool = False

    def __call__(self, values: Any) -> NDArray[np.float32]:
        """Return float32 ``(rows, input genes)``."""
        genes = len(self.picked.columns)
        aligned = np.empty((values.shape[0], genes), np.float32)
        z_score = self.picked.steps.per_gene
        if sparse.issparse(values):
            aligned[:] = self._of_zero()
            rows, places, numbers = self.picked.entries(values)
            if z_score:
                numbers -= self.mean[places]
                numbers /= self.scale[places]
            aligned.reshape(-1)[rows * genes + places] = numbers
            return aligned
        for place, block in self.picked.blocks(values):
            if self.fill_mean:
                absent = self.picked.is_absent[place]
                block[:, absent] = self.mean[place][absent]
            if z_score:
                block -= self.mean[place]
                block /= self.scale[place]
            aligned[:, place] = block
        return aligned

    def _of_zero(self) -> NDArray[np.float64]:
        """Return ``(input genes,)`` what becomes of a zero, or of a gene that is not there."""
        start = np.zeros(len(self.picked.columns))
        if self.fill_mean:
            absent = self.picked.is_absent
            start[absent] = self.mean[absent]
        return (start - self.mean) / self.scale if self.picked.steps.per_gene else start


class Moments:
    """Mean and spread of each input gene over all pieces seen, merged as by Chan, Golub and LeVeque.

    References
    ----------
    Chan, Golub and LeVeque (1983), The American Statistician 37:242, https://doi.org/10.1080/00031305.1983.10483115
    """

    def __init__(self, picked: Picked) -> None:
        self._picked = picked
        self.cells = 0
        self.mean = np.zeros(len(picked.columns))
        self._squares = np.zeros(len(picked.columns))

    def see(self, values: Any) -> None:
        """Take in rows of a matrix, dense or CSR."""
        count, genes = values.shape[0], len(self.mean)
        if not count:
            return
        if sparse.issparse(values):
            _, places, numbers = self._picked.entries(values)
            mean = np.bincount(places, numbers, genes) / count
            around = np.bincount(places, (numbers - mean[places]) ** 2, genes)
            squares = around + (count - np.bincount(places, minlength=genes)) * mean**2
        else:
            mean, squares = np.empty(genes), np.empty(genes)
            for place, block in self._picked.blocks(values):
                mean[place] = block.mean(axis=0)
                squares[place] = ((block - mean[place]) ** 2).sum(axis=0)
        total = self.cells + count
        step = mean - self.mean
        self.mean = self.mean + step * (count / total)
        self._squares += squares + step**2 * (self.cells * count / total)
        self.cells = total

    @property
    def deviation(self) -> NDArray[np.float64]:
        """``(input genes,)`` standard deviation, divided by n."""
        return np.asarray(np.sqrt(self._squares / max(self.cells, 1)))


def is_on_disk(data: Any) -> bool:
    """Return whether the matrix of an AnnData lies on disk, to be read when it is needed."""
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
        table: Stored | Measured,
        treatment: Treatment,
        normalization: Normalization,
        rows: NDArray[np.intp] | None = None,
    ) -> None:
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
        return np.asarray(self.aligned(self.raw()), dtype)

    def in_memory(self) -> NDArray[np.float32] | StoredInputs:
        """Return the same rows in memory: as an array when they are dense on disk, and sparse as ever when not."""
        if not self.on_disk:
            return self
        raw = self.raw()
        if not sparse.issparse(raw):
            return self.aligned(raw)
        cells = tuple(self._table.cells[row] for row in self._rows)
        held = Measured(raw, cells, self._table.genes)
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
