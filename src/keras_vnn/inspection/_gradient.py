"""Importance by gradient: the slope of the scores in the units of a node, times the distance of these from their mean.

In: a `Cut`. Out: contributions of its nodes, in blocks. To first order these are the contributions of a knock-out.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from keras_vnn.inspection._backends import score_gradients
from keras_vnn.inspection._cut import Block, Cut

__all__ = ["gradient"]

# Numbers in the gradients of a block: 64 MB in single precision.
_BLOCK = 2**24


def gradient(cut: Cut) -> Iterator[Block]:
    """Yield gradient × (activity − mean), summed over the units of each node."""
    segment, values = cut.rest
    activities = cut.done.units[cut.number]
    nodes = np.arange(len(cut.starts))
    widest = max(activities.shape[1] * cut.weights.kernel.shape[1], cut.cost)
    step = max(1, min(len(activities), max(1, _BLOCK // widest)))
    for start in range(0, len(activities), step):
        cells = slice(start, min(start + step, len(activities)))
        slopes = score_gradients(segment, [array[cells] for array in values], cut.weights.kernel)
        by_unit = slopes * (activities[cells] - cut.means)
        by_node = np.add.reduceat(by_unit, cut.starts, axis=2)
        yield cells, nodes, np.ascontiguousarray(by_node.transpose(1, 2, 0))
