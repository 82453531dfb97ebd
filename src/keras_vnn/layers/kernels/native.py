"""The native kernel: compiled loops over the connections, on the processors of this machine.

In: tensors of any backend that live in main memory. Out: the product and both gradients, computed on the
connections alone by `_loops`, in as many threads as there are processors. The order of every sum is fixed, so the
same numbers give the same bits at every run.
"""

from __future__ import annotations

import importlib.util
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.layers._connections import Connections
from keras_vnn.layers.kernels._threads import run_in_parts, thread_count

if TYPE_CHECKING:
    from keras_vnn.layers.kernels._loops import Loops

__all__ = ["NativeKernel", "Products", "aligned", "even_cuts", "host_register", "read_only", "unavailable_loops"]

Array = NDArray[Any]
_BACKENDS = ("tensorflow", "torch", "jax")
# Products (connections × examples) below which a second thread costs more than it saves, and above which work is
# cut finer than threads, so that one slow thread does not hold up the others.
_ALONE, _FINE = 300_000, 30_000_000
# Arrays kept for the next product.
_SPARE = 4


class NativeKernel:
    """Best for sparse layers on a CPU, in training and in prediction."""

    name: ClassVar[str] = "native"
    supports_jit: ClassVar[bool] = False
    is_portable: ClassVar[bool] = False

    def __init__(self, connections: Connections, *, is_exported: bool = False) -> None:
        from keras_vnn.layers.kernels import _hosts

        self._product = _hosts.differentiable(Products(connections))

    @classmethod
    def unavailable(cls, connections: Connections, *, backend: str, device: str) -> str:
        """Return why the compiled loops cannot serve here, if so."""
        if backend not in _BACKENDS:
            return f"it serves {', '.join(_BACKENDS)}, and Keras runs on {backend}"
        return unavailable_loops(connections, device)

    def __call__(self, inputs: Any, weights: Any) -> Any:
        """Return the product; half precision is computed in single precision."""
        return self._product(inputs, weights)


def unavailable_loops(connections: Connections, device: str) -> str:
    """Return why the compiled loops cannot serve these connections on this device, if so."""
    if device != "cpu":
        return f"it computes on the CPU, and this layer is on the {device.upper()}"
    if max(connections.count, connections.inputs, connections.outputs) >= 2**31:
        return f"it counts to 2^31, and the layer has {connections.count:,} connections"
    return "" if importlib.util.find_spec("numba") else "numba is not installed"


class Products:
    """The product of a batch with the weights of some connections, and its gradients, on numpy arrays.

    Arrays of examples are ``(batch, units)``, in C order, float32 or float64; arrays of weights ``(connections,)``.
    """

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self.inputs, self.outputs, self.count = connections.inputs, connections.outputs, connections.count
        self._is_simple = bool((connections.output_units == 1).all())

    def forward(self, inputs: Array, weights: Array) -> tuple[Array, Array]:
        """Return the product ``(batch, outputs)`` and the inputs in tiles, which `backward` can use."""
        weights, batch, dtype = read_only(weights), len(inputs), inputs.dtype
        loops = _loops_for(batch, dtype, self._is_simple)
        tiled = self._to_tiles(inputs, loops)
        tiles, x = len(tiled), read_only(tiled.reshape(-1))
        plan = self._by_output
        product = aligned((batch, self.outputs), dtype)
        with _borrowed((tiles, self.outputs, loops.width), dtype) as sums:
            self._run(
                lambda start, stop: loops.forward(
                    x, self.inputs, plan.rows, plan.row_pointers, plan.node_of, plan.unit_of,
                    plan.weight_starts, weights, sums.reshape(-1), self.outputs, tiles, start, stop,
                ),
                self.connections.pointers,
                batch,
            )  # fmt: skip
            self._from_tiles(sums, product, loops)
        return product, tiled.reshape(-1)

    def backward(
        self, upstream: Array, weights: Array, tiled: Array, *, needs_inputs: bool = True, needs_weights: bool = True
    ) -> tuple[Array | None, Array | None]:
        """Return the gradients of the inputs and of the weights; None for one that is not needed.

        Parameters
        ----------
        upstream
            ``(batch, outputs)`` gradient of the product.
        weights
            ``(connections,)``.
        tiled
            What `forward` gave, or an empty array when the gradient of the weights is not needed.
        needs_inputs, needs_weights
            Which of the two to compute.
        """
        weights, batch, dtype = read_only(weights), len(upstream), upstream.dtype
        loops = _loops_for(batch, dtype, self._is_simple)
        tiles = -(-batch // loops.width)
        x = read_only(tiled) if needs_weights else None
        dw = (aligned if batch else np.zeros)((self.count,), dtype) if needs_weights else None
        if not (needs_inputs or needs_weights):
            return None, None
        if not needs_inputs:
            with _borrowed((tiles, self.outputs, loops.width), dtype) as g:
                self._to_tiles(upstream, loops, g)
                self._weights(loops, x, g, dw, tiles, batch)
            return None, dw
        dx = aligned((batch, self.inputs), dtype)
        with (
            _borrowed((tiles, self.outputs, loops.width), dtype) as g,
            _borrowed((tiles, self.inputs, loops.width), dtype) as sums,
        ):
            self._to_tiles(upstream, loops, g)
            if self._is_simple and x is not None:
                self._rows(loops, x, g, weights, sums, dw, tiles, batch)
            else:
                self._scatter(loops, g, weights, sums, tiles, batch)
                if x is not None:
                    self._weights(loops, x, g, dw, tiles, batch)
            self._from_tiles(sums, dx, loops)
        return dx, dw

    def weights_gradient(self, upstream: Array, inputs: Array) -> Array:
        """Return the gradient of the weights from the inputs themselves."""
        with _borrowed((0,), inputs.dtype) as nothing:
            tiled = self._to_tiles(inputs, _loops_for(len(inputs), inputs.dtype, self._is_simple))
            dw = self.backward(upstream, nothing, tiled.reshape(-1), needs_inputs=False)[1]
        return np.zeros(self.count, inputs.dtype) if dw is None else dw

    def _rows(
        self, loops: Loops, x: Array, g: Array, weights: Array, dx: Array, dw: Array | None, tiles: int, batch: int
    ) -> None:
        pointers, outs, weight_of = self._by_input
        self._run(
            lambda start, stop: loops.backward_rows(
                g.reshape(-1), self.outputs, outs, weight_of, pointers, weights, x, dx.reshape(-1), dw,
                self.inputs, tiles, start, stop,
            ),
            pointers,
            2 * batch,
        )  # fmt: skip

    def _scatter(self, loops: Loops, g: Array, weights: Array, dx: Array, tiles: int, batch: int) -> None:
        plan = self._by_output
        alone = self.count * batch < _ALONE
        run_in_parts(
            lambda start, stop: loops.backward_inputs(
                g.reshape(-1), self.outputs, plan.rows, plan.row_pointers, plan.unit_of, plan.weight_starts, weights,
                dx.reshape(-1), self.inputs, start, stop,
            ),
            [0, tiles] if alone else range(tiles + 1),
        )  # fmt: skip

    def _weights(self, loops: Loops, x: Array | None, g: Array, dw: Array | None, tiles: int, batch: int) -> None:
        plan = self._by_output
        if self._is_simple:

            def work(start: int, stop: int) -> None:
                loops.weights_rows(
                    x, self.inputs, plan.rows, plan.row_pointers, g.reshape(-1), self.outputs, dw, tiles, start, stop
                )
        else:

            def work(start: int, stop: int) -> None:
                loops.backward_weights(
                    x, self.inputs, plan.rows, plan.row_pointers, plan.node_of, plan.unit_of, plan.weight_starts,
                    g.reshape(-1), self.outputs, dw, tiles, start, stop,
                )  # fmt: skip

        self._run(work, self.connections.pointers, batch)

    def _run(self, work: Callable[[int, int], None], pointers: Array, batch: int) -> None:
        run_in_parts(work, _cuts(pointers, self.count * batch))

    def _to_tiles(self, batch: Array, loops: Loops, tiled: Array | None = None) -> Array:
        batch = read_only(batch)
        examples, units = batch.shape
        if tiled is None:
            tiled = aligned((-(-examples // loops.width), units, loops.width), batch.dtype)
        run_in_parts(lambda start, stop: loops.to_tiles(batch, tiled, start, stop), even_cuts(units, examples * units))
        return tiled

    def _from_tiles(self, tiled: Array, batch: Array, loops: Loops) -> None:
        units = batch.shape[1]
        run_in_parts(lambda start, stop: loops.from_tiles(tiled, batch, start, stop), even_cuts(units, batch.size))

    @cached_property
    def _by_output(self) -> _NodePlan:
        return _NodePlan(self.connections)

    @cached_property
    def _by_input(self) -> tuple[Array, Array, Array]:
        """For each input: where its connections start, which output each feeds, and which weight it has."""
        weights = sparse.csc_array(
            (np.arange(self.count, dtype=np.int32), self.connections.rows, self.connections.pointers),
            shape=(self.inputs, self.outputs),
        ).tocsr()
        return weights.indptr.astype(np.int64), weights.indices.astype(np.int32), weights.data


class _NodePlan:
    """Where the loops find the inputs and the weights of each output node and unit."""

    def __init__(self, connections: Connections) -> None:
        nodes, units = connections.nodes, connections.output_units
        inputs_of_edges = connections.input_units[nodes.indices]
        totals = np.concatenate([[0], np.cumsum(inputs_of_edges)])
        self.row_pointers = totals[nodes.indptr]
        first_unit = np.cumsum(connections.input_units) - connections.input_units
        # The inputs of a node, once for all of its units.
        offsets = np.arange(totals[-1]) - np.repeat(totals[:-1], inputs_of_edges)
        self.rows = (np.repeat(first_unit[nodes.indices], inputs_of_edges) + offsets).astype(np.int32)
        self.unit_of = np.concatenate([[0], np.cumsum(units)])
        self.node_of = np.repeat(np.arange(len(units), dtype=np.int32), units)
        self.weight_starts = connections.pointers[self.unit_of]


def aligned(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an uninitialised array at an address that vector instructions, and TensorFlow, take without a copy."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.empty(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    array: Array = memory[start : start + size].view(dtype).reshape(shape)
    return array


def read_only(array: Array) -> Array:
    """Return the array as one the loops were compiled for: in C order, not to be written."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


_spare: list[Array] = []
_lock = threading.Lock()


@contextmanager
def _borrowed(shape: tuple[int, ...], dtype: Any) -> Iterator[Array]:
    """Lend an array for the time of one product; fresh memory would cost more than the product of a small layer."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    with _lock:
        fitting = [place for place, memory in enumerate(_spare) if size <= memory.size <= 2 * size + 2**16]
        memory = _spare.pop(fitting[0]) if fitting else None
    if memory is None:
        memory = aligned((size,), np.uint8)
    try:
        yield memory[:size].view(dtype).reshape(shape)
    finally:
        with _lock:
            _spare.append(memory)
            while len(_spare) > _SPARE:
                _spare.pop(0)


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


def _loops_for(batch: int, dtype: Any, is_simple: bool) -> Loops:
    from keras_vnn.layers.kernels._loops import make_loops

    width, block = host_register()
    lanes = width // np.dtype(dtype).itemsize
    if batch <= lanes:
        # One register, no wider than the batch needs.
        needed = 1 << max(batch - 1, 0).bit_length()
        return make_loops(1, max(min(lanes, needed), min(lanes, 4)), block)
    tiles_of_two = -(-batch // (2 * lanes))
    # The gradient of the inputs of wide nodes is shared out by tiles.
    if not is_simple and tiles_of_two < thread_count():
        return make_loops(1, lanes, block)
    return make_loops(2, lanes, block)
