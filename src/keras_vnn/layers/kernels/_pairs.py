"""Products of nodes that each read the one node in their place: no index, no tiles, the batch is read as it lies."""

from __future__ import annotations

from collections.abc import Sequence

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
        from keras_vnn.layers.kernels._columnwise import pair_loops

        x, weights = read_only(sources[0]), read_only(parameters[0])
        bias = read_only(parameters[1] if len(parameters) > 1 else np.zeros(self.outputs, x.dtype))
        product = aligned((len(x), self.outputs), x.dtype)
        loop = pair_loops(*self._pair)[0]
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
        from keras_vnn.layers.kernels._columnwise import pair_loops

        g, x, weights = read_only(upstream), read_only(inputs), read_only(parameters[0])
        dx, dw, sums = aligned(x.shape, x.dtype), np.zeros_like(weights), np.zeros(self.outputs, x.dtype)
        loop = pair_loops(*self._pair)[1]
        nodes = self.inputs // self._pair[0]
        run_in_parts(lambda start, stop: loop(g, x, weights, dx, dw, sums, start, stop), even_cuts(nodes, x.size))
        found = [dx] if needs[0] else []
        return [*found, *([dw, sums][: len(parameters)] if needs_parameters else [])]
