"""Products of nodes that each read the one node in their place: no index, no tiles, the batch is read as it lies."""

# Types of compiled functions are those of numba, which ordinary annotations cannot say.
# ruff: noqa: ANN001, ANN202
# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False, disallow-untyped-calls=False

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from keras_vnn.layers._connections import Connections
from keras_vnn.layers.kernels._memory import Array, aligned, read_only
from keras_vnn.layers.kernels._products import even_cuts
from keras_vnn.layers.kernels._threads import run_in_parts

__all__ = ["PairProducts"]


class PairProducts:
    """What `Products` does, for connections in pairs; `backward` takes the input where that takes tiles."""

    reads_sources = True

    def __init__(self, connections: Connections) -> None:
        self.outputs, self.inputs = connections.outputs, connections.inputs
        self._pair = connections.pair or (1, 1)

    def forward(self, sources: Sequence[Array], parameters: Sequence[Array]) -> tuple[Array, Array]:
        """Return the product ``(batch, outputs)``, and nothing to be kept."""
        x, weights = read_only(sources[0]), read_only(parameters[0])
        bias = read_only(parameters[1] if len(parameters) > 1 else np.zeros(self.outputs, x.dtype))
        product = aligned((len(x), self.outputs), x.dtype)
        loop = _loops(*self._pair)[0]
        run_in_parts(lambda start, stop: loop(x, weights, bias, product, start, stop), even_cuts(len(x), x.size))
        return product, np.zeros(0, x.dtype)

    def backward(
        self,
        upstream: Array,
        inputs: Array,
        parameters: Sequence[Array],
        *,
        needs: Sequence[bool],
        needs_parameters: bool,
    ) -> list[Array]:
        """Return the gradients of the input, of the weights and of the bias, those that are needed."""
        g, x, weights = read_only(upstream), read_only(inputs), read_only(parameters[0])
        dx, dw, sums = aligned(x.shape, x.dtype), np.zeros_like(weights), np.zeros(self.outputs, x.dtype)
        loop = _loops(*self._pair)[1]
        nodes = self.inputs // self._pair[0]
        run_in_parts(lambda start, stop: loop(g, x, weights, dx, dw, sums, start, stop), even_cuts(nodes, x.size))
        found = [dx] if needs[0] else []
        return [*found, *([dw, sums][: len(parameters)] if needs_parameters else [])]


@cache
def _loops(read: int, made: int) -> tuple[Callable[..., None], Callable[..., None]]:
    """Return the products of nodes of ``made`` units that read one node of ``read`` units each, and their gradients.

    The first is for a range of examples, the second for a range of nodes.
    """
    from keras_vnn.layers.kernels._loops import compiled

    def pair_products(x, weights, bias, outputs, start, stop):
        nodes = x.shape[1] // read
        for example in range(start, stop):
            row, made_row = x[example], outputs[example]
            for node in range(nodes):
                for unit in range(made):
                    total = bias[node * made + unit]
                    for number in range(read):
                        total += row[node * read + number] * weights[(node * made + unit) * read + number]
                    made_row[node * made + unit] = total

    def pairs_back(g, x, weights, dx, dw, sums, start, stop):
        parts, of_parts, of_units = weights[start * made * read :], dw[start * made * read :], sums[start * made :]
        for example in range(g.shape[0]):
            row, upstream, found = x[example, start * read :], g[example, start * made :], dx[example, start * read :]
            for node in range(stop - start):
                for number in range(read):
                    total = 0 * row[0]
                    value = row[node * read + number]
                    for unit in range(made):
                        place = node * made + unit
                        total += upstream[place] * parts[place * read + number]
                        of_parts[place * read + number] += upstream[place] * value
                    found[node * read + number] = total
                for unit in range(made):
                    of_units[node * made + unit] += upstream[node * made + unit]

    return compiled(pair_products), compiled(pairs_back)
