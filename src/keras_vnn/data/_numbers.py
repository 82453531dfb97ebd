"""What kind of numbers a matrix holds, told by simple facts: counts, logarithms, z-scores.

In: values ``(cells, genes)``. Out: `Numbers`, kept with a model, and sentences about numbers that do not fit.
Knows nothing of names, files or networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Numbers"]

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
        import numpy as np
        import scipy.sparse

        size = int(values.shape[0]) * int(values.shape[1])
        stored = values.data if scipy.sparse.issparse(values) else values
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
        if needs_counts and self.kind == "logarithms":
            return (
                f"normalization={method!r} is for counts, but the values look like logarithms: "
                f"fractions, none beyond {_LARGEST_LOGARITHM}.\n"
                'Take the counts, layer="raw" or the name of a layer (command line: --layer), '
                'or normalization="zscore" or "none".'
            )
        if method == "none" and self.integers and self.smallest >= 0 and self.largest > _LARGEST_LOGARITHM:
            return (
                "The values look like raw counts, which normalization='none' leaves as they are: "
                "few genes outweigh all others.\n"
                'Take normalization="log1p-cpm" (command line: --normalization log1p-cpm).'
            )
        return ""

    def strange_to(self, trained: Numbers) -> str:
        """Return why these numbers are of another kind than those a model was trained on, or an empty string."""
        is_many = self.values >= _FEW
        other_kind = (
            self.smallest < 0 <= trained.smallest
            or (trained.integers and not self.integers)
            or (is_many and trained.largest > 0 == self.smallest == self.largest)
            or (is_many and trained.smallest < 0 <= self.smallest)
            or (is_many and self.integers and self.largest > 1 and not trained.integers)
            or (not self.integers and self.largest > _LARGEST_LOGARITHM >= trained.largest)
            or (is_many and not trained.integers and self.largest <= _LARGEST_LOGARITHM < trained.largest / 5)
        )
        if not other_kind:
            return ""
        return (
            "The data are of another kind than those the model was trained on.\n"
            f"    trained on {trained}\n"
            f"    given      {self}\n"
            "Give it values treated alike: another layer of the data, layer=… (command line: --layer)."
        )

    def to_json(self) -> dict[str, Any]:
        """Return the facts as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Numbers:
        """Return the facts that `to_json` gave; of wrong types a `TypeError` or `ValueError`."""
        return cls(
            int(fields["values"]),
            int(fields["zeros"]),
            bool(fields["integers"]),
            float(fields["smallest"]),
            float(fields["largest"]),
        )
