"""`Spread`: what changes in the outputs when nodes change, one at a time, followed only where each of them reaches.

In: a recorded network, a layer, a change of each of its nodes. Out: sums at the dense layers behind the nodes.

Many nodes are followed together: each has a row of its own for every unit it reaches, and one sparse product takes the
changes of all of them from a layer to a later one. A network of terms has few units above a term, so the work grows
with the number of pairs of a node and a unit above it, not with the number of nodes times the size of the network: on
2,620 terms and 1,000 cells it takes 12 seconds where `plain_sums`, which says in a dozen lines what is computed and
which the tests compare it with, takes 52 minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.inspection._forward_pass import ForwardPass, Numbers, OutputStep
from keras_vnn.inspection._record import Record
from keras_vnn.models import ModelView

# Numbers that a group of nodes may need at once: changes of units in some cells, and weights on their way. 32 MB each.
_NUMBERS = 2**23
_WEIGHTS = 2**22

Places = NDArray[np.intp]


def plain_sums(network: ForwardPass, done: Record, held: Mapping[int, tuple[Places, Numbers]]) -> Numbers:
    """Return ``(width, cells)`` of what units give to the output step when some are held at a level each.

    All of the network is run. ``held`` has units and their levels by number of the layer.
    """
    units: dict[int, Numbers] = {}
    for number in (0, *network.steps):
        now = network.steps[number].after(network.sums(number, units), None) if number else done.units[0].T
        units[number] = np.array(now, np.float64)
        if number in held:
            own, levels = held[number]
            units[number][own] = levels[:, None]
    return np.asarray(sum(kernel.T @ units[number] for number, kernel in network.output.kernels.items()))


def output_sums(
    output: OutputStep, read: Numbers, units: Mapping[int, Numbers], precision: type[np.floating]
) -> Numbers:
    """Return ``(width, cells)`` sums at the output step as they are, from what it reads, or the ``(units, cells)``."""
    total: Numbers = output.bias[:, None].astype(precision)
    if output.whole is not None:
        return np.asarray(total + output.whole.T.astype(precision) @ read.T.astype(precision))
    for number, kernel in output.kernels.items():
        total = total + kernel.T.astype(precision) @ units[number]
    return total


@dataclass(frozen=True, slots=True, eq=False)
class _Reached:
    """The units of a step that each of some nodes reaches, a row each, node by node.

    Attributes
    ----------
    of
        Which of the nodes that change.
    units
        Which unit is reached.
    width
        Units of the step.
    """

    of: Places
    units: Places
    width: int

    @property
    def keys(self) -> Places:
        """A number for each row, in order."""
        return self.of * self.width + self.units


class Spread:
    """Follows changes of the nodes of a layer through the rest of a network.

    Parameters
    ----------
    seen
        The model.
    network
        Its forward pass.
    number
        The layer whose nodes change; 0 is the genes.
    room
        The part of the usual memory that a group of nodes may take.
    """

    def __init__(self, seen: ModelView, network: ForwardPass, number: int, room: float = 1.0) -> None:
        self._network, self._number, self._room = network, number, room
        self._arch = seen.architecture
        self._kernels = {
            source: sparse.csr_array(kernel) for source, kernel in network.output.kernels.items() if kernel.any()
        }

    @cached_property
    def _nodes_reached(self) -> Mapping[int, sparse.csr_array]:
        """By number of the step, ``(nodes of the first, its nodes)``: who reaches whom."""
        layers = self._arch.layers
        size = len(layers[self._number])
        reached = {self._number: sparse.csr_array(sparse.eye_array(size, dtype=np.float32))}
        for target in range(self._number + 1, len(layers)):
            total = sparse.csr_array((size, len(layers[target])), dtype=np.float32)
            for (source, end), matrix in self._arch.connections.items():
                if end == target and source in reached:
                    total = total + reached[source] @ matrix.astype(np.float32)
            total = sparse.csr_array(total)
            total.data = np.ones_like(total.data)
            total.sort_indices()
            reached[target] = total
        if self._number == 0:
            # Genes change the dense units next to the nodes too, all of them each, as if these were one node.
            everything = sparse.csr_array(np.ones((size, 1), np.float32))
            reached |= {target: everything for target in self._network.steps if target < 0}
        return reached

    def _units(self, number: int) -> NDArray[np.int64]:
        """Return the number of units of each node of a step."""
        return self._arch.layers[number].units if number >= 0 else np.array([len(self._network.steps[number].bias)])

    @cached_property
    def _costs(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """``(nodes,)`` units that change with each node, and weights on their way."""
        size = len(self._arch.layers[self._number])
        units, weights = np.full(size, float(len(self._network.output.bias))), np.zeros(size)
        for number, reached in self._nodes_reached.items():
            onward = [step.weights[number] for step in self._network.steps.values() if number in step.weights]
            onward += [self._kernels[number]] if number in self._kernels else []
            counts = self._units(number)
            fans = sum((np.diff(matrix.indptr) for matrix in onward), np.zeros(int(counts.sum())))
            units += reached @ counts.astype(np.float64)
            weights += reached @ np.add.reduceat(fans, np.cumsum(counts) - counts)
        return units, weights

    def groups(self, cells: int) -> list[Places]:
        """Return the nodes in groups that can be followed together in so many cells."""
        units, weights = self._costs
        share = np.maximum(units * cells / _NUMBERS, weights / _WEIGHTS) / self._room
        groups: list[Places] = []
        start, filled = 0, 0.0
        for node, part in enumerate(share):
            if filled + part > 1 and node > start:
                groups.append(np.arange(start, node))
                start, filled = node, 0.0
            filled += part
        return [*groups, np.arange(start, len(share))]

    def follow(
        self,
        done: Record,
        cells: slice,
        *changes: Callable[[Numbers, Places], Numbers],
        precision: type[np.floating] = np.float32,
    ) -> Iterator[tuple[Places, Numbers, list[Numbers]]]:
        """Yield some nodes, the sums at the output step as they are, and those with each of the nodes changed.

        Parameters
        ----------
        done
            What the network did.
        cells
            Which of its cells.
        *changes
            Each a function from ``(units, cells)`` activities and the positions of these units to what to add to them.
        precision
            Of the computation.

        Yields
        ------
        tuple
            ``(nodes,)`` positions; ``(width, cells)``; for each change ``(nodes, width, cells)``.
        """
        later = [number for number in self._network.steps if number in self._nodes_reached and number != self._number]
        units: dict[int, Numbers] = {
            number: np.ascontiguousarray(values[cells].T, precision)
            for number, values in done.steps.items()
            if number not in later
        }
        sums: dict[int, Numbers] = {}
        for number in later:
            sums[number] = self._network.sums(number, units)
            units[number] = self._network.steps[number].after(sums[number], None)
        before = output_sums(self._network.output, done.read[cells], units, precision)
        for nodes in self.groups(cells.stop - cells.start):
            reached = {number: self._reached(number, nodes) for number in self._nodes_reached}
            routes = _Routes(self._network, self._kernels, reached, len(nodes))
            own = reached[self._number].units
            moved = [routes.follow(change(units[self._number][own], own), units, sums) for change in changes]
            yield nodes, before, [before + part for part in moved]

    def _reached(self, number: int, nodes: Places) -> _Reached:
        """Return the units of a step that each of some nodes reaches."""
        counts = self._units(number)
        node_of = np.repeat(np.arange(len(counts)), counts)
        found = self._nodes_reached[number][nodes][:, node_of]
        # Rows are looked for in order; SciPy before 1.16 leaves columns that are taken several times as they come.
        found.sort_indices()
        return _Reached(np.repeat(np.arange(len(nodes)), np.diff(found.indptr)), found.indices, len(node_of))


class _Routes:
    """The ways of the changes of some nodes through the network, as sparse matrices between what each reaches.

    Parameters
    ----------
    network
        The forward pass.
    kernels
        Those of its output step that are not zero.
    reached
        By number of the step; first the nodes themselves.
    count
        How many nodes change.
    """

    def __init__(
        self, network: ForwardPass, kernels: Mapping[int, sparse.csr_array], reached: Mapping[int, _Reached], count: int
    ) -> None:
        self._network, self._reached, self._count = network, reached, count
        self._first = next(iter(reached))
        self._ways = {
            target: [
                (source, _between(reached[source], weights, reached[target]))
                for source, weights in step.weights.items()
                if source in reached
            ]
            for target, step in network.steps.items()
            if target in reached and target != self._first
        }
        width = len(network.output.bias)
        every, output = np.indices((count, width)).reshape(2, -1)
        outputs = _Reached(every, output, width)
        self._ends = [
            (source, _between(reached[source], kernel, outputs))
            for source, kernel in kernels.items()
            if source in reached
        ]

    def follow(self, first: Numbers, units: Mapping[int, Numbers], sums: Mapping[int, Numbers]) -> Numbers:
        """Return ``(nodes, width, cells)`` changes at the output step.

        Parameters
        ----------
        first
            ``(units of the nodes, cells)`` changes of the nodes themselves.
        units, sums
            By number of the step, ``(units, cells)`` activities, and sums before these, as they are.
        """
        changes = {self._first: first}
        for target, ways in self._ways.items():
            own = self._reached[target].units
            if not len(own):
                changes[target] = np.zeros((0, first.shape[1]), first.dtype)
                continue
            moved = sums[target][own]
            for source, matrix in ways:
                moved += _product(matrix, changes[source])
            changes[target] = self._network.steps[target].after(moved, own) - units[target][own]
        total = np.zeros((self._count * len(self._network.output.bias), first.shape[1]), first.dtype)
        for source, matrix in self._ends:
            total += _product(matrix, changes[source])
        return total.reshape(self._count, -1, first.shape[1])


def _between(source: _Reached, weights: sparse.csr_array, target: _Reached) -> sparse.csc_array:
    """Return ``(units reached, units reached before)``: for each node the weights of the units it reaches."""
    onward = weights[source.units]
    of = np.repeat(source.of, np.diff(onward.indptr))
    rows = np.searchsorted(target.keys, of * target.width + onward.indices)
    return sparse.csc_array((onward.data, rows, onward.indptr), shape=(len(target.units), len(source.units)))


def _product(matrix: sparse.csc_array, changes: Numbers) -> Numbers:
    """Return a sparse product in the precision of the changes."""
    return np.asarray(matrix.astype(changes.dtype, copy=False) @ changes)
