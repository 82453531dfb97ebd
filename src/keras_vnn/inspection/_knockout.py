"""Importance by exact knock-out: a node held at its mean.

In: a `Cut`, the recorded network opened at one layer. Out: contributions of its nodes, in blocks.
"""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
from numpy.typing import NDArray

from keras_vnn.inspection._cut import Block, Cut
from keras_vnn.inspection._record import Floats, check_finite, has_one_head, to_numpy
from keras_vnn.inspection._segment import Segment

__all__ = ["knockout"]

# Numbers in the largest array of a block: 32 MB in single precision.
_BLOCK = 2**23


def knockout(cut: Cut) -> Iterator[Block]:
    """Yield scores as they are less scores with each node held at its mean.

    Nodes that only dense layers read change the first of these by a product of rank one, whatever its width; a
    linear head is exact at once. The others go through the rest of the network, many nodes in a call.
    """
    reads = cut.readout.rows[cut.number]
    read_by_dense = (reads[cut.starts] >= 0) & _feeds_nothing_else(cut)
    for units, nodes in _by_units(cut, np.flatnonzero(read_by_dense)):
        yield from _through_readout(cut, nodes, units, reads[units])
    for units, nodes in _by_units(cut, np.flatnonzero(~read_by_dense)):
        yield from _through_network(cut, nodes, units)


def _feeds_nothing_else(cut: Cut) -> NDArray[np.bool_]:
    """Return which nodes of the layer the first dense layer alone reads."""
    if not has_one_head(cut.seen):
        return np.zeros(len(cut.starts), bool)
    return cut.seen.architecture.sink_nodes(cut.number)


def _by_units(cut: Cut, nodes: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the units ``(nodes, units of each)`` of nodes that have equally many, and the nodes."""
    counts = cut.seen.architecture.layers[cut.number].units[nodes]
    for count in np.unique(counts):
        chosen = nodes[counts == count]
        yield cut.starts[chosen][:, None] + np.arange(count), chosen


def _through_readout(
    cut: Cut, nodes: NDArray[np.intp], units: NDArray[np.intp], rows: NDArray[np.intp]
) -> Iterator[Block]:
    activities = cut.done.units[cut.number]
    is_head = cut.readout.layer is cut.seen.head
    kernel = (cut.weights.kernel if is_head else cut.readout.kernel)[rows]
    after = None if is_head else _after_readout(cut)
    step = max(1, min(len(activities), cut.batch_size))
    width = kernel.shape[2]
    for start in range(0, len(activities), step):
        cells = slice(start, min(start + step, len(activities)))
        before = None if is_head else cut.done.read[cells] @ cut.readout.kernel + cut.readout.bias
        scores = None if is_head else cut.scores(cells)
        at_once = max(1, _BLOCK // ((cells.stop - start) * width))
        for first in range(0, len(nodes), at_once):
            part = slice(first, first + at_once)
            change = cut.means[units[part]] - activities[cells][:, units[part]]
            moved = np.einsum("cnu,nuh->cnh", change, kernel[part])
            if before is None or scores is None or after is None:
                yield cells, nodes[part], -moved
                continue
            hidden = (before[:, None, :] + moved).reshape(-1, width)
            knocked = after(hidden).reshape(*moved.shape[:2], -1)
            yield cells, nodes[part], scores[:, None, :] - knocked


def _after_readout(cut: Cut) -> _AfterReadout:
    tail = cut.seen.tail_layers[0]
    rest = Segment([tail.output], [cut.features])
    return _AfterReadout(cut, tail, rest)


class _AfterReadout:
    """From the pre-activations of the first dense layer to scores."""

    def __init__(self, cut: Cut, layer: keras.layers.Dense, rest: Segment) -> None:
        self._layer, self._rest, self._weights = layer, rest, cut.weights

    def __call__(self, before: Floats) -> Floats:
        active = self._layer.activation(keras.ops.convert_to_tensor(before))
        values = to_numpy(self._rest([active])[0])
        check_finite(values)
        return self._weights.scores(values)


def _through_network(cut: Cut, nodes: NDArray[np.intp], units: NDArray[np.intp]) -> Iterator[Block]:
    segment, values = cut.rest
    rows = max(cut.batch_size, _BLOCK // cut.cost)
    step = max(1, min(len(values[0]), rows))
    for start in range(0, len(values[0]), step):
        cells = slice(start, min(start + step, len(values[0])))
        count = cells.stop - start
        at_once = max(1, rows // count)
        scores = cut.scores(cells)
        for first in range(0, len(nodes), at_once):
            part = slice(first, first + at_once)
            own = units[part]
            repeated = [np.tile(array[cells], (len(own), 1)) for array in values]
            held = repeated[0].reshape(len(own), count, -1)
            held[np.arange(len(own))[:, None, None], np.arange(count)[:, None], own[:, None, :]] = cut.means[own][
                :, None, :
            ]
            features = to_numpy(segment([keras.ops.convert_to_tensor(array) for array in repeated])[0])
            check_finite(features)
            knocked = cut.weights.scores(features).reshape(len(own), count, -1)
            yield cells, nodes[part], scores[:, None, :] - knocked.transpose(1, 0, 2)
