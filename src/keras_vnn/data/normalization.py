"""What is done to expression values before a network reads them, fitted on the training cells only.

In: a method's name, data, genes, the rows of the training cells. Out: a `Normalization` that is kept with the model,
with simple facts of the numbers it was fitted on, by which data of another kind are told. Knows nothing of labels,
splits or networks.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from keras_vnn.basics.errors import DataError, VNNError, VNNWarning, check_choice, counted, sample
from keras_vnn.basics.remedies import remedy
from keras_vnn.basics.showing import Shown
from keras_vnn.data._matrix import Measured, Stored, check_counts, check_finite, named_matrix, pieces, row_numbers
from keras_vnn.data.inputs import Moments, Picked, Steps, Treatment
from keras_vnn.data.matching import gene_ids, positions

# A standard deviation at most this part of the mean is rounding: of sums in double precision, and of values stored in
# less, half of what tells two of them apart.
_ROUNDING = 1e-11

# Of the standard deviations of all genes, twice this percentile is what `centered` divides all by.
_MOST_VARIABLE = 0.999

# The kind of numbers is told by so many cells.
_TO_TELL = 256

_STEPS = {
    "none": Steps(),
    "log1p": Steps(log=True),
    "log1p-cpm": Steps(per_cell=True, log=True),
    "lin2017": Steps(per_cell=True, per_gene=True),
    "zscore": Steps(per_gene=True),
    "centered": Steps(per_gene=True),
}
NORMALIZATIONS = tuple(_STEPS)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Normalization(Shown):
    """One of six treatments of expression values, with what it learned from the training cells.

    =============  ===================================================================================
    method         promise
    =============  ===================================================================================
    ``none``       values as they are
    ``log1p``      ``log(1 + x)``, as autoencoders read counts that they restore
    ``log1p-cpm``  each cell to 1e6 counts over **all** genes of the data, then ``log(1 + x)``
    ``lin2017``    each cell to 1e6 counts over **all** genes of the data, then z-score of each gene; no log
    ``zscore``     z-score of each gene
    ``centered``   each gene less its mean, all divided by twice the standard deviation of the most variable
    =============  ===================================================================================

    The sum of a cell is taken over every gene measured, before alignment, spike-ins included; a cell whose sum
    is 0 stays 0. Means and scales are those of the training cells; a gene that is constant in them up to rounding
    has scale 1, so it is 0 in every training cell. What `centered` divides by is the 99.9th percentile of the standard
    deviations of all genes that vary: genes that hardly vary stay quieter than those that do, and one that few cells
    express is not as loud as the others. It is for values on one scale, such as logarithms of expression.

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
    numbers
        Facts of the values of the training cells as they were measured, by which data of another kind are told.

    References
    ----------
    Lin et al. (2017), Nucleic Acids Research 45:e156, https://doi.org/10.1093/nar/gkx681 (``lin2017``).
    """

    method: str
    genes: tuple[str, ...] = ()
    mean: NDArray[np.float64] | None = None
    scale: NDArray[np.float64] | None = None
    cells: int = 0
    numbers: Numbers | None = None

    def __post_init__(self) -> None:
        check_choice("normalization", self.method, NORMALIZATIONS, DataError)
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
        fitted = (
            f", fitted on {counted(self.cells, 'cell')} for {counted(len(self.genes), 'gene')}"
            if self.is_fitted
            else ""
        )
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
                f'Fit it on the training cells: vnn.pp.fit_normalization("{self.method}", data, genes, cells=train)'
            )
        if ids == self.genes:
            return self
        at = {gene: i for i, gene in enumerate(self.genes)}
        unknown = [gene for gene in ids if gene not in at]
        if unknown:
            raise DataError(
                f"{len(unknown):,} of {counted(len(ids), 'input gene')} have no mean and scale in the normalisation "
                f"{self.method!r}: {sample(unknown)}.\n"
                f'Fit it for these genes: vnn.pp.fit_normalization("{self.method}", data, genes, cells=train)'
            )
        order = [at[gene] for gene in ids]
        mean, scale = self._arrays()
        return Normalization(self.method, ids, mean[order], scale[order], self.cells, self.numbers)

    def treatment(
        self, columns: Sequence[Sequence[int]], n_columns: int, duplicates: str, *, fill_mean: bool = False
    ) -> Treatment:
        """Return what turns rows of a matrix into the input of a network.

        ``columns`` are those of each gene of the normalisation among the ``n_columns`` of the matrix; a gene with
        none is 0 before the z-score, or its mean when ``fill_mean``.
        """
        return Treatment(
            Picked(columns, n_columns, duplicates, _STEPS[self.method]), *self._arrays(), fill_mean=fill_mean
        )

    def check(self, table: Measured) -> None:
        """Raise a `DataError` when values are not finite, or negative where the method needs counts."""
        check_finite(table)
        if _STEPS[self.method].of_counts:
            check_counts(table, self.method)

    def check_counts(self) -> None:
        """Raise a `DataError` when the values it was fitted on are not counts."""
        if self.numbers is not None and not (self.numbers.integers and self.numbers.smallest >= 0):
            raise DataError(
                f"The model restores counts, but the values are not: expected integers of at least 0, got "
                f"{self.numbers}.\n"
                + remedy("Take the counts, {layer} or the name of a layer; ", layer="raw")
                + remedy("for values without counts: {reconstruction}.", reconstruction="normal")
            )

    def check_kind(self, table: Measured | Stored) -> None:
        """Warn when the first cells of a matrix are of another kind than those it was fitted on."""
        if self.numbers is None:
            return
        is_by_genes = not table.on_disk and getattr(table.values, "format", "") == "csc"
        values = table.values if is_by_genes else table.rows(0, min(_TO_TELL, len(table.cells)))
        _warn(Numbers.of(values).strange_to(self.numbers))

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain JSON values; numbers survive the round trip exactly."""
        mean, scale = self._arrays()
        return {
            "method": self.method,
            "genes": list(self.genes),
            "mean": mean.tolist(),
            "scale": scale.tolist(),
            "cells": self.cells,
            "numbers": None if self.numbers is None else self.numbers.to_json(),
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
            numbers = fields.get("numbers")  # models of early versions have none
            return cls(
                fields["method"],
                tuple(fields["genes"]),
                fields["mean"],
                fields["scale"],
                int(fields["cells"]),
                None if numbers is None else Numbers.from_json(numbers),
            )
        except KeyError as error:
            raise DataError(f"The saved normalisation has no field {error}. Is it complete?") from error
        except VNNError:
            raise
        except (TypeError, ValueError) as error:
            raise DataError(f"The saved normalisation is damaged: {error}") from error

    def _arrays(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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

    Other cells have no influence on the result. A `VNNWarning` says when the method does not fit the values: logarithms
    that would be taken again, raw counts that would be left as they are, zeros only.

    Parameters
    ----------
    method
        ``none``, ``log1p``, ``log1p-cpm``, ``lin2017``, ``zscore`` or ``centered``; see `Normalization`.
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
    check_choice("normalization", method, NORMALIZATIONS, DataError)
    check_choice("missing", missing, ("raise", "zero"), DataError)
    ids, table = gene_ids(genes), named_matrix(data)
    columns = positions(data, table, ids, missing, duplicates)
    is_fitted_on = np.zeros(len(table.cells), bool)
    is_fitted_on[row_numbers(cells, len(table.cells))] = True
    steps = _STEPS[method]
    moments, numbers = Moments(Picked(columns, len(table.genes), duplicates, steps)), []
    rounding = _ROUNDING
    for rows, values in checked_pieces(table, Normalization(method)):
        chosen = is_fitted_on[rows]
        if not chosen.any():
            continue
        fitted_on = values if chosen.all() else values[chosen]
        moments.see(fitted_on)
        numbers.append(Numbers.of(fitted_on))
        if values.dtype.kind == "f":
            rounding = max(rounding, float(np.finfo(values.dtype).eps) / 2)
    scale = np.ones(len(ids))
    if steps.per_gene:
        varies = moments.deviation > rounding * np.abs(moments.mean)
        scale[varies] = moments.deviation[varies]
        if method == "centered" and varies.any():
            scale[:] = 2 * np.quantile(moments.deviation[varies], _MOST_VARIABLE)
    seen = reduce(add, numbers)
    _warn(seen.misfit(method, needs_counts=steps.of_counts))
    return Normalization(method, ids, moments.mean, scale, moments.cells, seen)


def checked_pieces(table: Measured | Stored, normalization: Normalization) -> Iterator[tuple[slice, Any]]:
    """Yield the rows of a matrix in pieces, and which they are; a matrix in memory is checked first, as a whole.

    Raises
    ------
    DataError
        A value is not finite, or is negative where counts are needed.
    """
    if isinstance(table, Measured):
        normalization.check(table)
    for rows, values in pieces(table):
        if isinstance(table, Stored):
            normalization.check(Measured(values, table.cells[rows], table.genes))
        yield rows, values


def _warn(text: str) -> None:
    if text:
        warnings.warn(text, VNNWarning, stacklevel=3)


# Logarithms of expression end below: log2 of a million is 20. Nobody counts so little in thousands of genes.
_LARGEST_LOGARITHM = 20
# Of fewer values it means nothing that none is negative, a fraction, or large.
_FEW = 100


@dataclass(frozen=True, slots=True)
class Numbers:
    """Facts of the values of a matrix: how many, how many zeros, whether all are integers, smallest and largest."""

    values: int
    zeros: int
    integers: bool
    smallest: float
    largest: float

    @classmethod
    def of(cls, values: Any) -> Numbers:
        """Return the facts of an array or a sparse matrix ``(cells, genes)``, of at least one value."""
        size = int(values.shape[0]) * int(values.shape[1])
        stored = values.data if sparse.issparse(values) else values
        if not stored.size:
            return cls(size, size, True, 0.0, 0.0)
        smallest, largest = float(stored.min()), float(stored.max())
        if stored.size < size:
            smallest, largest = min(smallest, 0.0), max(largest, 0.0)
        integers = stored.dtype.kind in "biu" or bool((stored == np.rint(stored)).all())
        return cls(size, size - int(np.count_nonzero(stored)), integers, smallest, largest)

    def __add__(self, other: Numbers) -> Numbers:
        return Numbers(
            self.values + other.values,
            self.zeros + other.zeros,
            self.integers and other.integers,
            min(self.smallest, other.smallest),
            max(self.largest, other.largest),
        )

    def __str__(self) -> str:
        what = "integers" if self.integers else "fractions"
        return f"{self.kind}: {what} from {self.smallest:g} to {self.largest:g}, {self.zeros / self.values:.0%} zeros"

    @property
    def kind(self) -> str:
        """What they look like, in the words of a warning."""
        if self.smallest == self.largest == 0:
            return "zeros only"
        if self.smallest < 0:
            return "z-scores or otherwise centred"
        if self.integers:
            return "counts" if self.largest > 1 else "zeros and ones"
        return "logarithms" if 1 < self.largest <= _LARGEST_LOGARITHM else "neither counts nor logarithms"

    def misfit(self, method: str, *, needs_counts: bool) -> str:
        """Return why a normalisation does not fit these numbers of the training cells, or an empty string."""
        if self.values < _FEW:
            return ""
        if self.kind == "zeros only":
            return "All values of the training cells are 0: there is nothing to learn from.\nIs it the right layer?"
        asked = remedy("{normalization}", method, normalization=method)
        if needs_counts and self.kind == "logarithms":
            return (
                f"{asked} is for counts, but the values look like logarithms: "
                f"fractions, none beyond {_LARGEST_LOGARITHM}.\n"
                f"Take the counts, {remedy('{layer}', layer='raw')} or the name of a layer"
                + remedy(', or {normalization} or "none"', normalization="zscore")
                + "."
            )
        is_large = self.smallest >= 0 and self.largest > _LARGEST_LOGARITHM
        if is_large and (method == "centered" or (method == "none" and self.integers)):
            return (
                f"The values look like raw counts, or others without a logarithm, and {asked} leaves "
                "them on their scale: few genes outweigh all others.\n"
                + remedy("Take {normalization}.", normalization="log1p-cpm")
            )
        return ""

    def strange_to(self, trained: Numbers) -> str:
        """Return why these numbers are of another kind than those a model was trained on, or an empty string."""
        is_many = self.values >= _FEW
        # How large centred values are says nothing: few cells may lack the outliers.
        has_scale = trained.smallest >= 0
        far_smaller = self.largest <= _LARGEST_LOGARITHM < trained.largest / 5
        other_kind = (
            self.smallest < 0 <= trained.smallest
            or (trained.integers and not self.integers)
            or (is_many and trained.largest > 0 == self.smallest == self.largest)
            or (is_many and trained.smallest < 0 <= self.smallest)
            or (is_many and self.integers and self.largest > 1 and not trained.integers)
            or (has_scale and not self.integers and self.largest > _LARGEST_LOGARITHM >= trained.largest)
            or (has_scale and is_many and not trained.integers and far_smaller)
        )
        if not other_kind:
            return ""
        return (
            "The data are of another kind than those the model was trained on.\n"
            f"    trained on {trained}\n"
            f"    given      {self}\n"
            "Give it values treated alike: another layer of the data" + remedy(", {layer}", layer=...) + "."
        )

    def to_json(self) -> dict[str, Any]:
        """Return the facts as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Numbers:
        """Return the facts that `to_json` gave; of wrong types a `TypeError` or `ValueError`."""
        kinds = {"values": int, "zeros": int, "integers": bool, "smallest": float, "largest": float}
        return cls(**{name: kind(fields[name]) for name, kind in kinds.items()})
