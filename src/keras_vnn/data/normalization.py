"""What is done to expression values before a network reads them, fitted on the training cells only.

In: a method's name, data, genes, the rows of the training cells. Out: a `Normalization` that is kept with the model.
Knows nothing of labels, splits or networks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_vnn.data._matrix import Measured, blocks, check_counts, check_finite, measured, row_numbers, totals
from keras_vnn.data.matching import check_policy, gene_ids, positions
from keras_vnn.errors import DataError, VNNError, sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["NORMALIZATIONS", "Normalization", "fit_normalization"]

COUNTS_PER_CELL = 1e6
CONSTANT = 1e-7


@dataclass(frozen=True, slots=True)
class _Steps:
    per_cell: bool = False
    log: bool = False
    per_gene: bool = False


_STEPS = {
    "none": _Steps(),
    "log1p-cpm": _Steps(per_cell=True, log=True),
    "lin2017": _Steps(per_cell=True, per_gene=True),
    "zscore": _Steps(per_gene=True),
}
NORMALIZATIONS = tuple(_STEPS)


@dataclass(frozen=True, slots=True, eq=False)
class Normalization:
    """One of four treatments of expression values, with what it learned from the training cells.

    =============  ===================================================================================
    method         promise
    =============  ===================================================================================
    ``none``       values as they are
    ``log1p-cpm``  each cell to 1e6 counts over **all** genes of the data, then ``log(1 + x)``
    ``lin2017``    each cell to 1e6 counts over **all** genes of the data, then z-score of each gene; no log
    ``zscore``     z-score of each gene
    =============  ===================================================================================

    The sum of a cell is taken over every gene measured, before alignment, spike-ins included; a cell whose sum
    is 0 stays 0. Means and scales are those of the training cells; a gene that is constant in them (standard
    deviation at most 1e-7 of its mean) has scale 1, so it is 0 in every training cell.

    Attributes
    ----------
    method
        Name of the treatment.
    genes
        Ids of the genes it was fitted for, in order; empty before fitting.
    mean, scale
        float64 ``(genes,)``: mean in the training cells, before the z-score, and divisor (standard deviation over
        cells, divided by n). The scale is 1 throughout for methods without a z-score.
    cells
        Number of training cells.

    References
    ----------
    Lin et al. (2017), Nucleic Acids Research 45:e156, https://doi.org/10.1093/nar/gkx681 (``lin2017``).
    """

    method: str
    genes: tuple[str, ...] = ()
    mean: NDArray[np.float64] | None = None
    scale: NDArray[np.float64] | None = None
    cells: int = 0

    def __post_init__(self) -> None:
        import numpy as np

        check_policy("normalization", self.method, NORMALIZATIONS)
        object.__setattr__(self, "genes", tuple(self.genes))
        for name in ("mean", "scale"):
            given = getattr(self, name)
            array = np.array([] if given is None else given, dtype=np.float64)
            if array.shape != (len(self.genes),):
                raise DataError(
                    f"{name} of the normalisation has shape {array.shape}, expected (genes,) = ({len(self.genes)},)."
                )
            if not np.isfinite(array).all() or (name == "scale" and (array <= 0).any()):
                raise DataError(f"{name} of the normalisation holds values that it cannot have. Fit it again.")
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Normalization) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.method, self.genes, self.cells))

    def __str__(self) -> str:
        fitted = f", fitted on {self.cells:,} cells for {len(self.genes):,} genes" if self.is_fitted else ""
        return self.method + fitted

    @property
    def is_fitted(self) -> bool:
        """Whether means and scales are there."""
        return bool(self.genes)

    @property
    def needs_fit(self) -> bool:
        """Whether the method cannot be applied before it is fitted."""
        return _STEPS[self.method].per_gene

    def for_genes(self, genes: Any) -> Normalization:
        """Return the same normalisation for some of its genes, in the order given.

        Raises
        ------
        DataError
            It has not been fitted, or was fitted without some of these genes.
        """
        ids = gene_ids(genes)
        if not self.is_fitted:
            raise DataError(
                f"The normalisation {self.method!r} has not been fitted.\n"
                f'Fit it on the training cells: fit_normalization("{self.method}", data, genes, cells=train)'
            )
        if ids == self.genes:
            return self
        at = {gene: i for i, gene in enumerate(self.genes)}
        unknown = [gene for gene in ids if gene not in at]
        if unknown:
            raise DataError(
                f"{len(unknown):,} of {len(ids):,} input genes have no mean and scale in the normalisation "
                f"{self.method!r}: {sample(unknown)}.\n"
                f'Fit it for these genes: fit_normalization("{self.method}", data, genes, cells=train)'
            )
        order = [at[gene] for gene in ids]
        mean, scale = self._arrays()
        return Normalization(self.method, ids, mean[order], scale[order], self.cells)

    def blocks(
        self, table: Measured, columns: Sequence[Sequence[int]], duplicates: str, *, fill_mean: bool = False
    ) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Yield normalised blocks ``(cells, up to 512 genes)`` of a named matrix, and where they belong.

        ``columns`` are those of each gene of the normalisation; a gene with none is 0 before the z-score, or its
        mean when ``fill_mean``.
        """
        mean, scale = self._arrays()
        for place, block in _before_genes(self.method, table, columns, duplicates, None):
            if fill_mean:
                absent = [j for j, of_gene in enumerate(columns[place]) if not of_gene]
                block[:, absent] = mean[place][absent]
            if self.needs_fit:
                block -= mean[place]
                block /= scale[place]
            yield place, block

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain JSON values; numbers survive the round trip exactly."""
        mean, scale = self._arrays()
        return {
            "method": self.method,
            "genes": list(self.genes),
            "mean": mean.tolist(),
            "scale": scale.tolist(),
            "cells": self.cells,
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Normalization:
        """Make a normalisation from what `to_json` gave.

        Raises
        ------
        DataError
            A field is missing or does not fit the others.
        """
        try:
            return cls(fields["method"], tuple(fields["genes"]), fields["mean"], fields["scale"], int(fields["cells"]))
        except KeyError as error:
            raise DataError(f"The saved normalisation has no field {error}. Is it complete?") from error
        except VNNError:
            raise
        except (TypeError, ValueError) as error:
            raise DataError(f"The saved normalisation is damaged: {error}") from error

    def _arrays(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        import numpy as np

        return np.asarray(self.mean), np.asarray(self.scale)


def fit_normalization(
    method: str,
    data: Any,
    genes: Any,
    *,
    cells: ArrayLike | None = None,
    missing: str = "raise",
    duplicates: str = "raise",
) -> Normalization:
    """Learn means and scales of the input genes from the training cells.

    Other cells have no influence on the result.

    Parameters
    ----------
    method
        ``none``, ``log1p-cpm``, ``lin2017`` or ``zscore``; see `Normalization`.
    data
        AnnData or DataFrame (cells, genes), with every gene that was measured.
    genes
        Gene ids, or any object whose ``genes`` are ids, such as an `Architecture`.
    cells
        Row numbers or mask of the training cells; all cells when ``None``.
    missing
        ``"raise"``, or ``"zero"``: a gene that the data lack has mean 0 and scale 1.
    duplicates
        ``"raise"``, ``"first"``, ``"sum"`` or ``"mean"`` of the columns of one gene, before anything else.

    Raises
    ------
    DataError
        A name is unknown, a value is not finite, or is negative where counts are needed.
    GeneError
        Genes are missing or occur more than once, and the policy is ``"raise"``.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"ATM": [1.0, 3.0, 9.0], "TP53": [2.0, 2.0, 5.0]}, index=["c1", "c2", "c3"])
    >>> fitted = fit_normalization("zscore", table, ["TP53", "ATM"], cells=[0, 1])
    >>> print(fitted)
    zscore, fitted on 2 cells for 2 genes
    >>> fitted.mean.tolist(), fitted.scale.tolist()
    ([2.0, 2.0], [1.0, 1.0])
    """
    import numpy as np

    check_policy("normalization", method, NORMALIZATIONS)
    check_policy("missing", missing, ("raise", "zero"))
    ids, table = gene_ids(genes), measured(data)
    columns = positions(data, table, ids, missing, duplicates)
    rows = row_numbers(cells, len(table.cells))
    mean, scale = np.zeros(len(ids)), np.ones(len(ids))
    for place, block in _before_genes(method, table, columns, duplicates, rows):
        mean[place] = block.mean(axis=0)
        if _STEPS[method].per_gene:
            deviation = block.std(axis=0)
            varies = deviation > CONSTANT * np.abs(mean[place])
            scale[place] = np.where(varies, deviation, 1.0)
    return Normalization(method, ids, mean, scale, rows.size)


def _before_genes(
    method: str, table: Measured, columns: Sequence[Sequence[int]], duplicates: str, rows: NDArray[np.intp] | None
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Yield blocks after the steps that need no fit: per-cell scaling and logarithm."""
    import numpy as np

    steps = _STEPS[method]
    check_finite(table)
    factor = None
    if steps.per_cell:
        check_counts(table, method)
        total = totals(table)[slice(None) if rows is None else rows]
        factor = np.divide(COUNTS_PER_CELL, total, out=np.zeros_like(total), where=total > 0)[:, None]
    for place, block in blocks(table, columns, duplicates, rows):
        if factor is not None:
            block *= factor
        yield place, np.log1p(block) if steps.log else block
