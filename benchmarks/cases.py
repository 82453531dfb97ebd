"""The adjacencies that are timed: published sizes, power laws, and a table of densities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["CASES", "DENSITIES", "RUNS", "Case"]

RUNS = ("step", "first", "keras", "predict", "fit")
DENSITIES = (0.0001, 0.001, 0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.75, 0.9, 1.0)


@dataclass(frozen=True)
class Case:
    """One layer and one batch.

    Attributes
    ----------
    name
        As in the tables.
    inputs, outputs, connections, batch
        The sizes. Connections drawn twice are one.
    exponent
        Degrees fall with this power of the rank; 0 draws evenly.
    rivals
        Who takes part, besides ours.
    limit_repeats
        How often the C program runs its step in one turn, of which it reports the best; 0 leaves it out.
    runs
        What is timed, see `benchmarks.contenders`.
    """

    name: str
    inputs: int
    outputs: int
    connections: int
    batch: int
    exponent: float = 0.7
    rivals: tuple[str, ...] = ()
    limit_repeats: int = 10
    runs: tuple[str, ...] = RUNS

    def adjacency(self) -> sparse.csc_array:
        """Return the adjacency; the same at every run."""
        rng = np.random.default_rng(0)
        if self.connections >= self.inputs * self.outputs * 0.02:
            share = self.connections / (self.inputs * self.outputs)
            full = np.ones((self.inputs, self.outputs), bool)
            return sparse.csc_array(full if share >= 1 else rng.random(full.shape) < share)
        rows, columns = (_drawn(rng, size, self.connections, self.exponent) for size in (self.inputs, self.outputs))
        matrix = sparse.csc_array((np.ones(len(rows), bool), (rows, columns)), shape=(self.inputs, self.outputs))
        matrix.sum_duplicates()
        return matrix


def _drawn(rng: np.random.Generator, size: int, count: int, exponent: float) -> NDArray[np.int64]:
    weights = np.arange(1, size + 1) ** -exponent
    return rng.permutation(size)[rng.choice(size, count, p=weights / weights.sum())]


_SPARSE = ("tf.sparse", "kpnn2", "torch CSR", "scipy")
_FEW = ("step", "keras", "predict")
_LIN, _20K = (9437, 700, 66_000), (20_000, 20_000, 600_000)

CASES = {
    case.name: case
    for case in (
        Case("Lin, batch 10", *_LIN, 10, rivals=("masked dense",)),
        Case("Lin, batch 32", *_LIN, 32, rivals=("masked dense", "masked dense, XLA", *_SPARSE)),
        Case("Lin, batch 256", *_LIN, 256, rivals=("masked dense", "masked dense, XLA", *_SPARSE)),
        Case("20k, batch 1", *_20K, 1, rivals=_SPARSE),
        Case("20k, batch 32", *_20K, 32, rivals=("masked dense", *_SPARSE)),
        # Alone: two dense matrices of this size, with the state of Adam and gradients, are 20 GB.
        Case("20k, batch 32, XLA", *_20K, 32, rivals=("masked dense, XLA",)),
        Case("20k, batch 256", *_20K, 256, rivals=_SPARSE),
        Case("20k, batch 1,024", *_20K, 1024, rivals=("tf.sparse",), limit_repeats=3),
        # The others gather connections × batch numbers, 10 GB a time.
        Case("20k, batch 4,096", *_20K, 4096, limit_repeats=2),
        Case("100k, batch 32", 100_000, 20_000, 1_000_000, 32, rivals=_SPARSE),
        # Without torch's CSR, which takes 19 GB here.
        Case("200k SNPs, batch 32", 200_000, 20_000, 400_000, 32, 0.3, ("tf.sparse", "kpnn2", "scipy")),
        *(
            Case(f"2k, {100 * d:g} %", 2000, 2000, round(4e6 * d), 128, 0.0, ("dense", "masked dense"), 0, _FEW)
            for d in DENSITIES
        ),
    )
}
