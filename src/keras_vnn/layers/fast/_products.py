"""Products over connections and their gradients, on numpy arrays, by compiled loops in as many threads as processors.

In: connections, and where their inputs come from. Out: numbers, on the connections alone. The order of every sum is
fixed, so the same numbers give the same bits at every run. Knows nothing of Keras. A *relay* is a unit
that reads one other unit and passes it on, times a weight of its own, plus a bias: what reads the relay can read that
other unit instead, with the product of both weights.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.layers._connections import Connections
from keras_vnn.layers.fast._machine import Array, aligned, read_only, run_in_parts, thread_count

if TYPE_CHECKING:
    from keras_vnn.layers.fast._loops import Loops

# Neighbouring units that are brought into tiles together, if one of them is read.
GROUP = 16


@dataclass(frozen=True, eq=False)
class Arrangement:
    """What stands where a layer's inputs are.

    Attributes
    ----------
    sizes
        Units of each source; sources are counted side by side.
    columns
        ``(inputs,)`` the unit of the sources that each input is, or that its relay reads.
    relays
        ``(inputs,)`` number of the relay that an input is, -1 for none.
    """

    sizes: tuple[int, ...]
    columns: NDArray[np.int64]
    relays: NDArray[np.int32]

    @classmethod
    def simple(cls, inputs: int) -> Arrangement:
        """Return that of one source, read as it is."""
        return cls((inputs,), np.arange(inputs), np.full(inputs, -1, np.int32))

    @cached_property
    def has_relays(self) -> bool:
        """Whether an input is a relay."""
        return bool((self.relays >= 0).any())

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """``(sources,)`` the first unit of each source, side by side."""
        return np.cumsum((0, *self.sizes))[:-1]


@dataclass(frozen=True)
class Finish:
    """What a layer does with its sums.

    Attributes
    ----------
    has_tanh
        Whether their tanh is taken.
    epsilon
        Of the batch normalisation that follows in training; None without one.
    """

    has_tanh: bool = False
    epsilon: float | None = None

    @property
    def is_saved(self) -> bool:
        """Whether the units before normalisation are needed for the gradients."""
        return self.has_tanh or self.epsilon is not None


LINEAR = Finish()


class TilePlan:
    """Which units of the sources are brought into tiles, and to which row.

    Attributes
    ----------
    places
        For each source, the first row of each group of `GROUP` units, -1 for one that nothing reads.
    rows
        Rows of a tile.
    row_of_input
        ``(inputs,)`` the row of each input; of one that nothing reads, any.
    first_of_source
        Row at which each source starts, and the number of rows.
    """

    def __init__(self, connections: Connections, arrangement: Arrangement) -> None:
        is_read = np.zeros(sum(arrangement.sizes), bool)
        is_read[arrangement.columns[connections.rows]] = True
        row_of_column = np.zeros(len(is_read), np.int32)
        self.places: list[NDArray[np.int64]] = []
        self.first_of_source: list[int] = []
        self.rows = 0
        for start, size in zip(arrangement.starts, arrangement.sizes, strict=True):
            first = groups_of(size)
            lengths = np.minimum(first + GROUP, size) - first
            lengths[~np.logical_or.reduceat(is_read[start : start + size], first)] = 0
            places = self.rows + np.cumsum(lengths) - lengths
            units = np.arange(size)
            row_of_column[start : start + size] = places[units // GROUP] + units % GROUP
            self.places.append(np.where(lengths, places, -1))
            self.first_of_source.append(self.rows)
            self.rows += int(lengths.sum())
        self.first_of_source.append(self.rows)
        self.row_of_input = row_of_column[arrangement.columns]


def groups_of(units: int) -> NDArray[np.int64]:
    """Return the first unit of each group."""
    return np.arange(0, units, GROUP)


# Products (connections × examples) below which a second thread costs more than it saves, and above which work is
# cut finer than threads, so that one slow thread does not hold up the others.
_ALONE, _FINE = 300_000, 30_000_000


class Products:
    """The product of a batch with the weights of some connections, and its gradients, on numpy arrays.

    Arrays of examples are ``(batch, units)``, in C order, float32 or float64; arrays of weights ``(connections,)``.
    *Parameters* are the weights, then the weights and the biases of the relays if there are relays, then the bias of
    the outputs if there is one; where the outputs are normalised, gamma and beta come last.

    Parameters
    ----------
    connections
        The connections of the layer.
    arrangement
        What stands where its inputs are; one source unless said otherwise.
    finish
        What is done with the sums.
    """

    def __init__(
        self, connections: Connections, arrangement: Arrangement | None = None, finish: Finish = LINEAR
    ) -> None:
        self.connections = connections
        self.finish = finish
        self.arrangement = arrangement or Arrangement.simple(connections.inputs)
        self.inputs, self.outputs, self.count = connections.inputs, connections.outputs, connections.count
        self._is_simple = bool((connections.output_units == 1).all())
        self._output_places = groups_of(self.outputs)

    def forward(self, sources: Sequence[Array], parameters: Sequence[Array]) -> list[Array]:
        """Return the outputs ``(batch, outputs)``, then what `backward` takes, of which the first are tiles read.

        Then come the units before normalisation, if there is a finish, their means and their variances.
        """
        batch, dtype = len(sources[0]), sources[0].dtype
        weights, bias, normal = self._effective(parameters)
        loops = _loops_for(batch, dtype, self._is_simple)
        tiles = -(-batch // loops.width)
        rows = self._plan.rows
        tiled = aligned((tiles, rows, loops.width), dtype)
        for source, places in zip(sources, self._plan.places, strict=True):
            self._to_tiles(source, places, tiled, loops)
        x, plan = read_only(tiled.reshape(-1)), self._by_output
        product = aligned((batch, self.outputs), dtype)
        sums = aligned((tiles, self.outputs, loops.width), dtype)
        out = sums.reshape(-1)
        self._run(
            lambda start, stop: loops.forward(
                x, rows, plan.rows, plan.row_pointers, plan.node_of, plan.unit_of, plan.weight_starts, weights,
                bias, self.finish.has_tanh, out, self.outputs, tiles, start, stop,
            ),
            self.connections.pointers,
            batch,
        )  # fmt: skip
        found = [product, tiled.reshape(-1), *([out] if self.finish.is_saved else [])]
        if normal:
            sums = aligned((tiles, self.outputs, loops.width), dtype)
            moments = [aligned((self.outputs,), dtype) for _ in range(2)]
            self._over_units(
                lambda start, stop: loops.normalize(
                    out, *normal, self._numbers(batch, dtype), sums.reshape(-1), *moments, self.outputs, tiles, batch,
                    start, stop,
                ),
                batch,
            )  # fmt: skip
            found += moments
        self._from_tiles(sums, self._output_places, product, loops)
        return found

    def backward(
        self,
        upstream: Array,
        saved: Sequence[Array],
        parameters: Sequence[Array],
        *,
        needs: Sequence[bool] | None = None,
        needs_parameters: bool = True,
    ) -> list[Array]:
        """Return the gradients of the sources that are needed, then those of the parameters.

        Parameters
        ----------
        upstream
            ``(batch, outputs)`` gradient of the product.
        saved
            What `forward` gave besides the outputs; nothing, where neither the gradients of the parameters are needed
            nor is there a finish.
        parameters
            As for `forward`.
        needs
            Whether the gradient of each source is needed; of all, by default.
        needs_parameters
            Whether those of the parameters are.
        """
        batch, dtype = len(upstream), upstream.dtype
        needs = [True] * len(self.arrangement.sizes) if needs is None else needs
        loops = _loops_for(batch, dtype, self._is_simple)
        tiles = -(-batch // loops.width)
        x = read_only(saved[0]) if needs_parameters else None
        dw = (aligned if batch else np.zeros)((self.count,), dtype) if x is not None else None
        found = [
            aligned((batch, size), dtype) for size, need in zip(self.arrangement.sizes, needs, strict=True) if need
        ]
        g = aligned((tiles, self.outputs, loops.width), dtype)
        self._to_tiles(upstream, self._output_places, g, loops)
        of_normal = self._before_finish(loops, g.reshape(-1), saved[1:], parameters, tiles, batch)
        if any(needs):
            sums = aligned((tiles, self._plan.rows, loops.width), dtype)
            weights = self._effective(parameters)[0]
            if self._is_simple and dw is not None:
                self._rows(loops, x, g, weights, sums, dw, tiles, batch)
            else:
                self._scatter(loops, g, weights, sums, tiles, batch, needs)
                if dw is not None:
                    self._weights(loops, x, g, dw, tiles, batch)
            places = itertools.compress(self._plan.places, needs)
            for one, where in zip(found, places, strict=True):
                self._from_tiles(sums, where, one, loops)
        elif dw is not None:
            self._weights(loops, x, g, dw, tiles, batch)
        if dw is None:
            return found
        parameters = parameters[: len(parameters) - len(of_normal)]
        of_units = aligned((self.outputs,), dtype)
        if len(parameters) > 1:
            self._over_units(
                lambda start, stop: loops.bias_sums(g.reshape(-1), self.outputs, of_units, tiles, start, stop), batch
            )
        return [*found, *self._taken_apart(dw, of_units, parameters), *of_normal]

    def _before_finish(
        self, loops: Loops, g: Array, saved: Sequence[Array], parameters: Sequence[Array], tiles: int, batch: int
    ) -> list[Array]:
        """Make of gradients of the outputs those of the sums, in place; return those of gamma and beta."""
        of_normal: list[Array] = []
        if self.finish.epsilon is not None:
            units, *moments = map(read_only, saved)
            gamma, of_normal = read_only(parameters[-2]), [aligned((self.outputs,), g.dtype) for _ in range(2)]
            numbers = self._numbers(batch, g.dtype)
            self._over_units(
                lambda start, stop: loops.back_through_normalization(
                    g, units, gamma, *moments, numbers, *of_normal, self.outputs, tiles, batch, start, stop
                ),
                batch,
            )
        if self.finish.has_tanh:
            units = read_only(saved[0])
            self._over_units(
                lambda start, stop: loops.back_through_tanh(g, units, self.outputs, tiles, start, stop), batch
            )
        return of_normal

    def _numbers(self, batch: int, dtype: Any) -> Array:
        return np.array([self.finish.epsilon, max(batch, 1)], dtype)

    def weights_gradient(self, upstream: Array, inputs: Array) -> Array:
        """Return the gradient of the weights from the inputs themselves."""
        loops = _loops_for(len(inputs), inputs.dtype, self._is_simple)
        shape = (-(-len(inputs) // loops.width), self._plan.rows, loops.width)
        tiled = aligned(shape, inputs.dtype)
        self._to_tiles(inputs, self._plan.places[0], tiled, loops)
        (dw,) = self.backward(upstream, [tiled.reshape(-1)], [np.zeros(0, inputs.dtype)], needs=[False])
        return dw

    # ---- relays and bias --------------------------------------------------------------------------------------

    def _effective(self, parameters: Sequence[Array]) -> tuple[Array, Array, list[Array]]:
        """Return the weights of the sources themselves, what is added to each unit, and gamma and beta if there are."""
        normal: list[Array] = []
        if self.finish.epsilon is not None:
            *parameters, gamma, beta = parameters
            normal = [read_only(gamma), read_only(beta)]
        weights = read_only(parameters[0])
        if not self.arrangement.has_relays:
            bias = parameters[1] if len(parameters) > 1 else np.zeros(self.outputs, weights.dtype)
            return weights, read_only(bias), normal
        from keras_vnn.layers.fast._loops import folding_loops

        folded, added = np.empty_like(weights), np.empty(self.outputs, weights.dtype)
        scales, biases = read_only(parameters[1]), read_only(parameters[2])
        folding_loops()[0](weights, scales, biases, self._relay_of, self.connections.pointers, folded, added)
        if len(parameters) > 3:
            added += parameters[3]
        return read_only(folded), read_only(added), normal

    def _taken_apart(self, dw: Array, of_units: Array, parameters: Sequence[Array]) -> list[Array]:
        """Return the gradients of the parameters from those of the effective ones."""
        if len(parameters) == 1:
            return [dw]
        if not self.arrangement.has_relays:
            return [dw, of_units]
        from keras_vnn.layers.fast._loops import folding_loops

        weights, scales, biases = (read_only(each) for each in parameters[:3])
        found = [aligned(each.shape, each.dtype) for each in (weights, scales, biases)]
        pointers = self.connections.pointers
        folding_loops()[1](dw, of_units, weights, scales, biases, self._relay_of, pointers, *found)
        return found if len(parameters) == 3 else [*found, of_units]

    @cached_property
    def _relay_of(self) -> Array:
        """``(connections,)`` number of the relay each connection reads, -1 for none."""
        return read_only(self.arrangement.relays[self.connections.rows])

    # ---- loops in threads -------------------------------------------------------------------------------------

    def _rows(
        self, loops: Loops, x: Array | None, g: Array, weights: Array, dx: Array, dw: Array, tiles: int, batch: int
    ) -> None:
        pointers, outs, weight_of = self._by_input
        self._run(
            lambda start, stop: loops.backward_rows(
                g.reshape(-1), self.outputs, outs, weight_of, pointers, weights, x, dx.reshape(-1), dw,
                self._plan.rows, tiles, start, stop,
            ),
            pointers,
            2 * batch,
        )  # fmt: skip

    def _scatter(
        self, loops: Loops, g: Array, weights: Array, dx: Array, tiles: int, batch: int, needs: Sequence[bool]
    ) -> None:
        plan = self._by_output
        skipped = plan.first_inputs_before(self._plan.first_of_source[list(needs).index(True)])
        run_in_parts(
            lambda start, stop: loops.backward_inputs(
                g.reshape(-1), self.outputs, plan.rows, plan.row_pointers, skipped, plan.unit_of, plan.weight_starts,
                weights, dx.reshape(-1), self._plan.rows, start, stop,
            ),
            [0, tiles] if self.count * batch < _ALONE else range(tiles + 1),
        )  # fmt: skip

    def _weights(self, loops: Loops, x: Array | None, g: Array, dw: Array, tiles: int, batch: int) -> None:
        plan, rows = self._by_output, self._plan.rows
        # With one unit per node, the loops need not be told which node a unit is of.
        loop = loops.weights_rows if self._is_simple else loops.backward_weights
        nodes = () if self._is_simple else (plan.node_of, plan.unit_of, plan.weight_starts)

        def work(start: int, stop: int) -> None:
            loop(x, rows, plan.rows, plan.row_pointers, *nodes, g.reshape(-1), self.outputs, dw, tiles, start, stop)

        self._run(work, self.connections.pointers, batch)

    def _run(self, work: Callable[[int, int], None], pointers: Array, batch: int) -> None:
        run_in_parts(work, _cuts(pointers, self.count * batch))

    def _over_units(self, work: Callable[[int, int], None], batch: int) -> None:
        run_in_parts(work, even_cuts(self.outputs, self.outputs * batch))

    def _to_tiles(self, batch: Array, places: Array, tiled: Array, loops: Loops) -> None:
        batch = read_only(batch)
        run_in_parts(
            lambda start, stop: loops.to_tiles(batch, places, tiled, start, stop), even_cuts(len(places), batch.size)
        )

    def _from_tiles(self, tiled: Array, places: Array, batch: Array, loops: Loops) -> None:
        run_in_parts(
            lambda start, stop: loops.from_tiles(tiled, places, batch, start, stop), even_cuts(len(places), batch.size)
        )

    # ---- plans ------------------------------------------------------------------------------------------------

    @cached_property
    def _plan(self) -> TilePlan:
        return TilePlan(self.connections, self.arrangement)

    @cached_property
    def _by_output(self) -> _NodePlan:
        return _NodePlan(self.connections, self._plan.row_of_input)

    @cached_property
    def _by_input(self) -> tuple[Array, Array, Array]:
        """For each row of a tile: where its connections start, which output each feeds, and which weight it has."""
        rows = self._plan.row_of_input[self.connections.rows]
        weights = sparse.csc_array(
            (np.arange(self.count, dtype=np.int32), rows, self.connections.pointers),
            shape=(max(self._plan.rows, 1), self.outputs),
        ).tocsr()
        pointers = weights.indptr.astype(np.int64)[: self._plan.rows + 1]
        return pointers, weights.indices.astype(np.int32), weights.data


class _NodePlan:
    """Where the loops find the inputs and the weights of each output node and unit."""

    def __init__(self, connections: Connections, row_of_input: Array) -> None:
        units = connections.output_units
        self.row_pointers = connections.node_pointers
        self.rows = row_of_input[connections.node_inputs]
        self.unit_of = np.concatenate([[0], np.cumsum(units)])
        self.node_of = np.repeat(np.arange(len(units), dtype=np.int32), units)
        self.weight_starts = connections.pointers[self.unit_of]
        self._skipped: dict[int, Array] = {}

    def first_inputs_before(self, row: int) -> Array:
        """Return, for each node, how many of its first inputs lie in rows before the one given."""
        if row not in self._skipped:
            is_late = np.concatenate([self.rows >= row, [True]])
            late = np.append(np.flatnonzero(is_late), len(is_late))
            firsts = late[np.searchsorted(late, self.row_pointers[:-1])]
            self._skipped[row] = np.minimum(firsts, self.row_pointers[1:]) - self.row_pointers[:-1]
        return self._skipped[row]


def _cuts(pointers: Array, work: int) -> list[int]:
    """Cut a range of outputs or inputs into parts of about the same number of connections."""
    threads = thread_count()
    parts = 1 if work < _ALONE else threads if work < _FINE else 4 * threads
    if parts == 1:
        return [0, len(pointers) - 1]
    targets = pointers[-1] * np.arange(1, parts) // parts
    inner = np.searchsorted(pointers, targets)
    cuts = [0, *(int(cut) for cut in inner), len(pointers) - 1]
    return [cut for cut, following in itertools.pairwise(cuts) if cut < following] + [cuts[-1]]


def even_cuts(units: int, work: int) -> list[int]:
    """Cut a range of units into a part for each thread, or into one where that much work is done sooner alone."""
    parts = 1 if work < _ALONE else thread_count()
    return [units * part // parts for part in range(parts + 1)]


@cache
def host_register() -> tuple[int, int]:
    """Return the bytes of a vector register of this processor and how many rows to work on at once."""
    from llvmlite import binding  # type: ignore[import-untyped]

    features = binding.get_host_cpu_features()
    if features.get("avx512f"):
        return 64, 8
    return (32, 4) if features.get("avx") else (16, 4)


def _loops_for(batch: int, dtype: object, is_simple: bool) -> Loops:
    from keras_vnn.layers.fast._loops import make_loops

    width, block = host_register()
    lanes = width // np.dtype(dtype).itemsize  # type: ignore[call-overload]
    if batch <= lanes:
        # One register, no wider than the batch needs.
        needed = 1 << max(batch - 1, 0).bit_length()
        return make_loops(1, max(min(lanes, needed), min(lanes, 4)), block)
    tiles_of_two = -(-batch // (2 * lanes))
    # The gradient of the inputs of wide nodes is shared out by tiles.
    if not is_simple and tiles_of_two < thread_count():
        return make_loops(1, lanes, block)
    return make_loops(2, lanes, block)
