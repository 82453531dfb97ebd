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

from keras_vnn.inspection._forward_pass import ForwardPass, Numbers
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
    for number in range(len(network.nodes) + 1):
        now = network.nodes[number].after(network.sums(number, units), None) if number else done.units[0].T
        units[number] = np.array(now, np.float64)
        if number in held:
            own, levels = held[number]
            units[number][own] = levels[:, None]
    dense = {layer: each.after(network.sums(layer, units, dense=True), None) for layer, each in network.dense.items()}
    sums = [kernel.T @ units[layer] for layer, kernel in network.output.kernels.items()]
    sums += [kernel.T @ dense[layer] for layer, kernel in network.output.dense_kernels.items()]
    return np.asarray(np.sum(sums, axis=0))


def output_sums(
    network: ForwardPass, done: Record, cells: slice, units: Mapping[int, Numbers], precision: type[np.floating]
) -> Numbers:
    """Return ``(width, cells)`` sums at the output step as they are, from the ``(units, cells)`` units."""
    output = network.output
    total: Numbers = output.bias[:, None].astype(precision)
    if output.whole is not None:
        return np.asarray(total + output.whole.T.astype(precision) @ done.read[cells].T.astype(precision))
    for number, kernel in output.kernels.items():
        total = total + kernel.T.astype(precision) @ units[number]
    for number, kernel in output.dense_kernels.items():
        total = total + kernel.T.astype(precision) @ done.dense[number][cells].T.astype(precision)
    return total


@dataclass(frozen=True, slots=True, eq=False)
class _Reached:
    """The units of a step that each of some nodes reaches, one row each, node by node.

    Attributes
    ----------
    count
        Number of nodes that change.
    of
        Which of them.
    units
        Which unit is reached.
    places
        ``(nodes that change, nodes)``: the row of the first unit of a node; -1 where it is not reached.
    starts, node_of
        The first unit of each node, and the node of each unit.
    """

    count: int
    of: Places
    units: Places
    places: NDArray[np.int32]
    starts: Places
    node_of: Places


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
        self._seen, self._network, self._number, self._room = seen, network, number, room
        self._arch = seen.architecture
        self._last = len(self._arch.layers)
        self.starts: Places = _starts(self._arch.layers[number].units)

    @cached_property
    def _nodes_reached(self) -> Mapping[int, sparse.csr_array]:
        """By number of the layer, ``(nodes of the first, its nodes)``: who reaches whom."""
        size = len(self._arch.layers[self._number])
        reached = {self._number: sparse.csr_array(sparse.eye_array(size, dtype=np.float32))}
        for target in range(self._number + 1, self._last):
            total = sparse.csr_array((size, len(self._arch.layers[target])), dtype=np.float32)
            for (source, end), matrix in self._arch.connections.items():
                if end == target and source in reached:
                    total = total + reached[source] @ matrix.astype(np.float32)
            total = sparse.csr_array(total)
            total.data = np.ones_like(total.data)
            total.sort_indices()
            reached[target] = total
        return reached

    @cached_property
    def _costs(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """``(nodes,)`` units that change with each node, and weights on their way."""
        width = len(self._network.output.bias)
        size = len(self.starts)
        units, weights = np.full(size, float(width)), np.zeros(size)
        for number, reached in self._nodes_reached.items():
            fans = (self._network.output.kernels[number].any(axis=1) * width if number in self._read else 0) + sum(
                np.diff(step.weights[number].indptr) for step in self._network.nodes.values() if number in step.weights
            )
            counts = self._arch.layers[number].units
            fans = np.broadcast_to(np.asarray(fans, np.float64), (int(counts.sum()),))
            units += reached @ counts.astype(np.float64)
            weights += reached @ np.add.reduceat(fans, _starts(counts))
        if self._number == 0:
            dense = sum(len(step.bias) for step in self._network.dense.values())
            units += dense
            weights += dense * (width + 1)
        return units, weights

    @property
    def _read(self) -> set[int]:
        return {number for number, kernel in self._network.output.kernels.items() if kernel.any()}

    def groups(self, cells: int) -> list[Places]:
        """Return the nodes in groups that can be followed together in so many cells."""
        units, weights = self._costs
        places = sum(len(layer) for layer in self._arch.layers[self._number :])
        share = np.maximum((units * cells + places) / _NUMBERS, weights / _WEIGHTS) / self._room
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
        units: dict[int, Numbers] = {
            number: np.ascontiguousarray(done.units[number][cells].T, precision) for number in range(self._number + 1)
        }
        sums: dict[int, Numbers] = {}
        for number in range(self._number + 1, self._last):
            sums[number] = self._network.sums(number, units)
            units[number] = self._network.nodes[number].after(sums[number], None)
        dense: dict[int, Numbers] = {}
        if self._number == 0:
            dense = {number: self._network.sums(number, units, dense=True) for number in self._network.dense}
        before = output_sums(self._network, done, cells, units, precision)
        for nodes in self.groups(cells.stop - cells.start):
            reached = {
                layer: _reached(of, who, len(nodes), self._arch.layers[layer].units)
                for layer, (of, who) in self._pairs(nodes)
            }
            routes = _Routes(self._network, self._number, reached)
            own = reached[self._number].units
            moved = [routes.follow(change(units[self._number][own], own), units, sums, dense) for change in changes]
            yield nodes, before, [before + part for part in moved]

    def _pairs(self, nodes: Places) -> Iterator[tuple[int, tuple[Places, Places]]]:
        """Yield by layer the pairs of one of some nodes, counted from 0, and a node it reaches."""
        for layer, matrix in self._nodes_reached.items():
            rows = matrix[nodes]
            yield layer, (np.repeat(np.arange(len(nodes)), np.diff(rows.indptr)), rows.indices.astype(np.intp))


class _Routes:
    """The ways of the changes of some nodes through the network, as sparse matrices between what each reaches."""

    def __init__(self, network: ForwardPass, number: int, reached: Mapping[int, _Reached]) -> None:
        self._network, self._number, self._reached = network, number, reached
        self._count = reached[number].count
        self._width = len(network.output.bias)
        self._steps = {
            target: [
                (source, _between(reached[source], step.weights[source], reached[target]))
                for source in step.weights
                if source in reached
            ]
            for target, step in network.nodes.items()
            if target > number
        }
        # Genes change the dense units next to the nodes too, all of them each.
        self._dense = {}
        if number == 0:
            for target, step in network.dense.items():
                everything = _everything(self._count, len(step.bias))
                self._dense[target] = everything, _between(reached[0], step.weights[0], everything)
        self._ends = [
            (source, self._to_output(reached[source], kernel))
            for source, kernel in network.output.kernels.items()
            if source in reached and kernel.any()
        ]
        self._dense_ends = [
            (target, self._to_output(self._dense[target][0], kernel))
            for target, kernel in network.output.dense_kernels.items()
            if target in self._dense
        ]

    def follow(
        self, first: Numbers, units: Mapping[int, Numbers], sums: Mapping[int, Numbers], dense: Mapping[int, Numbers]
    ) -> Numbers:
        """Return ``(nodes, width, cells)`` changes at the output step.

        Parameters
        ----------
        first
            ``(units of the nodes, cells)`` changes of the nodes themselves.
        units, sums
            By number of the layer, ``(units, cells)`` activities, and sums before these, as they are.
        dense
            The sums of the dense units.
        """
        changes = {self._number: first}
        for target, steps in self._steps.items():
            own = self._reached[target].units
            if not len(own):
                changes[target] = np.zeros((0, first.shape[1]), first.dtype)
                continue
            moved = sums[target][own]
            for source, matrix in steps:
                moved += _product(matrix, changes[source])
            changes[target] = self._network.nodes[target].after(moved, own) - units[target][own]
        total = np.zeros((self._count * self._width, first.shape[1]), first.dtype)
        for source, matrix in self._ends:
            total += _product(matrix, changes[source])
        for target, matrix in self._dense_ends:
            after = self._network.dense[target].after
            everything, way = self._dense[target]
            now = dense[target][everything.units]
            moved = after(now + _product(way, first), everything.units) - after(now, everything.units)
            total += _product(matrix, moved)
        return total.reshape(self._count, self._width, -1)

    def _to_output(self, reached: _Reached, kernel: Numbers) -> sparse.csc_array:
        """Return ``(nodes × width, units reached)``."""
        width = self._width
        is_read = np.asarray(kernel.any(axis=1))[reached.units]
        counts = np.where(is_read, width, 0)
        read = np.flatnonzero(is_read)
        rows = (reached.of[read, None] * width + np.arange(width)).ravel()
        pointers = np.concatenate([[0], np.cumsum(counts)])
        values = kernel[reached.units[read]].ravel()
        return sparse.csc_array((values, rows, pointers), shape=(self._count * width, len(reached.units)))


def _between(reached: _Reached, weights: sparse.csr_array, target: _Reached) -> sparse.csc_array:
    """Return ``(units reached, units reached before)``: for each node the weights of the units it reaches."""
    lengths = np.diff(weights.indptr)[reached.units]
    taken = _ranges(weights.indptr[:-1][reached.units], lengths)
    unit, of = weights.indices[taken], np.repeat(reached.of, lengths)
    node = target.node_of[unit]
    rows = target.places[of, node] + (unit - target.starts[node])
    pointers = np.concatenate([[0], np.cumsum(lengths)])
    return sparse.csc_array((weights.data[taken], rows, pointers), shape=(len(target.units), len(reached.units)))


def _product(matrix: sparse.csc_array, changes: Numbers) -> Numbers:
    """Return a sparse product in the precision of the changes."""
    return np.asarray(matrix.astype(changes.dtype, copy=False) @ changes)


def _reached(of: Places, nodes: Places, count: int, counts: Places) -> _Reached:
    """Return the units of pairs of a changed node and a node it reaches.

    Parameters
    ----------
    of, nodes
        The pairs, in order.
    count
        Number of changed nodes.
    counts
        Units of every node of the layer that is reached.
    """
    starts = _starts(counts)
    own = counts[nodes]
    places = np.full((count, len(counts)), -1, np.int32)
    places[of, nodes] = _starts(own)
    node_of = np.repeat(np.arange(len(counts)), counts)
    return _Reached(count, np.repeat(of, own), _ranges(starts[nodes], own), places, starts, node_of)


def _everything(count: int, units: int) -> _Reached:
    """Return all of some units, for each of the nodes."""
    of, nodes = np.indices((count, units)).reshape(2, -1)
    return _reached(of, nodes, count, np.ones(units, np.intp))


def _starts(counts: NDArray[np.integer]) -> Places:
    return np.asarray(np.cumsum(counts) - counts, np.intp)


def _ranges(starts: NDArray[np.integer], lengths: NDArray[np.integer]) -> Places:
    """Return ``start, …, start + length - 1`` of each pair, one after the other."""
    return np.arange(int(lengths.sum())) + np.repeat(starts - _starts(lengths), lengths)
