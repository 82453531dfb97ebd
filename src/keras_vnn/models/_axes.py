"""`Axis`: what the rows, or the columns, of the weights of a layer are.

In: runs of units, as a builder lays them side by side. Out: their names and places, for an architecture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.architecture import Architecture
from keras_vnn.models._outputs import Outputs, output_names

# Ids and numbers of units, one of each per unit.
Names = tuple[NDArray[np.object_], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Run:
    """Units side by side that are of one kind.

    Attributes
    ----------
    kind
        ``nodes``: of all nodes of a layer of the architecture; ``sinks``: of those that feed no other; ``inner``: of
        those that do; ``pairs``: annotation units of a layer, one per gene and node; ``dense``: dense units next to a
        layer; ``units``: others without a name of their own; ``outputs``: the outputs of the model.
    of
        Number of the layer of the architecture; of ``units`` what they are called.
    units
        How many; of nodes, how many each, ``None`` for their own number.
    """

    kind: str
    of: Any = None
    units: int | None = None

    def nodes(self, arch: Architecture) -> NDArray[np.bool_]:
        """Return which nodes of their layer the units are of."""
        if self.kind == "nodes":
            return np.ones(len(arch.layers[self.of]), bool)
        return np.asarray(arch.sink_nodes(self.of) == (self.kind == "sinks"))

    def counts(self, arch: Architecture) -> NDArray[np.int64]:
        """Return how many units each of these nodes has."""
        own = arch.layers[self.of].units
        return np.asarray(own if self.units is None else np.full(len(own), self.units))[self.nodes(arch)]

    def size(self, arch: Architecture) -> int:
        """Return the number of units."""
        if self.kind in ("dense", "units"):
            return int(self.units or 0)
        return int(arch.connections[0, self.of].nnz if self.kind == "pairs" else self.counts(arch).sum())

    def names(self, arch: Architecture, outputs: Outputs, *, are_targets: bool) -> Names:
        """Return the id, and the number within the node, of each unit."""
        if self.kind == "outputs":
            names = output_names(outputs)
            return np.array(names, dtype=object), np.zeros(len(names), np.int64)
        if self.kind in ("dense", "units"):
            name, count = f"layer_{self.of}_dense" if self.kind == "dense" else self.of, self.size(arch)
            return np.full(count, name, dtype=object), np.arange(count)
        if self.kind == "pairs":
            pairs = sparse.csc_array(arch.connections[0, self.of]).tocoo()
            ids = np.array(arch.layers[self.of if are_targets else 0].ids, dtype=object)
            return ids[pairs.col if are_targets else pairs.row], np.zeros(pairs.nnz, np.int64)
        counts = self.counts(arch)
        starts = np.repeat(np.cumsum(counts) - counts, counts)
        ids = np.array(arch.layers[self.of].ids, dtype=object)[self.nodes(arch)]
        return np.repeat(ids, counts), np.arange(len(starts)) - starts


@dataclass(frozen=True, slots=True)
class Axis:
    """What the rows, or the columns, of the weights of a layer are, run by run."""

    runs: tuple[Run, ...] = ()

    def __add__(self, other: Axis) -> Axis:
        """Return both, one after the other."""
        return Axis(self.runs + other.runs)

    def places(self, arch: Architecture) -> Iterator[tuple[Run, slice]]:
        """Yield every run and where it stands."""
        start = 0
        for run in self.runs:
            end = start + run.size(arch)
            yield run, slice(start, end)
            start = end

    def names(self, arch: Architecture, outputs: Outputs, *, are_targets: bool = False) -> Names:
        """Return the id, and the number within the node, of each unit.

        Parameters
        ----------
        arch, outputs
            Of the model.
        are_targets
            Name annotation units by their nodes, not by their genes.
        """
        parts = [run.names(arch, outputs, are_targets=are_targets) for run in self.runs]
        return np.concatenate([ids for ids, _ in parts]), np.concatenate([units for _, units in parts])

    def to_json(self) -> list[list[Any]]:
        """Return a JSON value."""
        return [[run.kind, run.of, run.units] for run in self.runs]

    @classmethod
    def from_json(cls, value: Sequence[Sequence[Any]]) -> Axis:
        """Return what `to_json` was given."""
        return cls(tuple(Run(*run) for run in value))

    @classmethod
    def of(cls, kind: str, of: Any = None, units: int | None = None) -> Axis:
        """Return an axis of one run."""
        return cls((Run(kind, of, units),))
