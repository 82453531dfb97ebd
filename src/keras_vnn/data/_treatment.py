"""What becomes of the rows of a matrix before a network reads them: genes picked by place, cells scaled, z-scores.

In: a piece of a matrix, dense or CSR. Out: a float32 array with a column per input gene, the same to the last bit
whichever of the two it was; or, in training, the mean and the spread of each gene.
Knows nothing of names, files or which cells are for training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_vnn.data._matrix import totals

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COUNTS_PER_CELL = 1e6
# Genes that are dense at a time: a piece of 4,096 cells takes 16 MB in double precision.
_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Steps:
    """What a method of normalisation does."""

    per_cell: bool = False
    log: bool = False
    per_gene: bool = False


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
        import numpy as np
        import scipy.sparse

        self.columns = columns
        self.steps = steps
        self._duplicates = duplicates
        self._place = np.full(n_columns, -1, np.int64)
        self._join = None
        is_combined = duplicates != "first" and any(len(places) > 1 for places in columns)
        if is_combined:
            entries = [(column, gene, len(of_gene)) for gene, of_gene in enumerate(columns) for column in of_gene]
            of_matrix, gene, count = (np.array(part) for part in zip(*entries, strict=True))
            weights = 1 / count if duplicates == "mean" else np.ones(len(count))
            self._join = scipy.sparse.csr_matrix((weights, (of_matrix, gene)), shape=(n_columns, len(columns)))
        else:
            for number, of_gene in enumerate(columns):
                if of_gene:
                    self._place[of_gene[0]] = number

    def entries(self, values: Any) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return row, input gene and value of every entry of a CSR matrix that an input gene has."""
        import numpy as np

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
        import numpy as np

        factor = self._factor(values)
        for start in range(0, len(self.columns), _BLOCK):
            of_block = self.columns[start : start + _BLOCK]
            block = np.zeros((len(values), len(of_block)))
            present = [j for j, places in enumerate(of_block) if places]
            block[:, present] = values[:, [of_block[j][0] for j in present]]
            for j, places in enumerate(of_block):
                if len(places) > 1 and self._duplicates != "first":
                    combined = values[:, list(places)].astype(np.float64)
                    block[:, j] = combined.sum(axis=1) if self._duplicates == "sum" else combined.mean(axis=1)
            if factor is not None:
                block *= factor[:, None]
            yield slice(start, start + len(of_block)), np.log1p(block) if self.steps.log else block

    def _factor(self, values: Any) -> NDArray[np.float64] | None:
        import numpy as np

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
        import numpy as np
        import scipy.sparse

        genes = len(self.picked.columns)
        aligned = np.empty((values.shape[0], genes), np.float32)
        z_score = self.picked.steps.per_gene
        if scipy.sparse.issparse(values):
            aligned[:] = self._of_zero()
            rows, places, numbers = self.picked.entries(values)
            if z_score:
                numbers -= self.mean[places]
                numbers /= self.scale[places]
            aligned.reshape(-1)[rows * genes + places] = numbers
            return aligned
        for place, block in self.picked.blocks(values):
            if self.fill_mean:
                absent = [j for j, of_gene in enumerate(self.picked.columns[place]) if not of_gene]
                block[:, absent] = self.mean[place][absent]
            if z_score:
                block -= self.mean[place]
                block /= self.scale[place]
            aligned[:, place] = block
        return aligned

    def _of_zero(self) -> NDArray[np.float64]:
        """Return ``(input genes,)`` what becomes of a zero, or of a gene that is not there."""
        import numpy as np

        start = np.zeros(len(self.picked.columns))
        if self.fill_mean:
            absent = [j for j, of_gene in enumerate(self.picked.columns) if not of_gene]
            start[absent] = self.mean[absent]
        return (start - self.mean) / self.scale if self.picked.steps.per_gene else start


class Moments:
    """Mean and spread of each input gene over all pieces seen, merged as by Chan, Golub and LeVeque.

    References
    ----------
    Chan, Golub and LeVeque (1983), The American Statistician 37:242, https://doi.org/10.1080/00031305.1983.10483115
    """

    def __init__(self, picked: Picked) -> None:
        import numpy as np

        self._picked = picked
        self.cells = 0
        self.mean = np.zeros(len(picked.columns))
        self._squares = np.zeros(len(picked.columns))

    def see(self, values: Any) -> None:
        """Take in rows of a matrix, dense or CSR."""
        import numpy as np
        import scipy.sparse

        count, genes = values.shape[0], len(self.mean)
        if not count:
            return
        if scipy.sparse.issparse(values):
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
        import numpy as np

        return np.asarray(np.sqrt(self._squares / max(self.cells, 1)))
