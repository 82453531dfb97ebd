"""Node weights of KPNN: what a small shift of a node does to the prediction.

In: a `LayerView`. Out: slopes of its nodes, in blocks.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from keras_vnn.inspection._forward_pass import Numbers
from keras_vnn.inspection._layer_view import Block, LayerView
from keras_vnn.inspection._record import check_finite

__all__ = ["EPSILON", "epsilon"]

EPSILON = 0.001


def epsilon(view: LayerView) -> Iterator[Block]:
    """Yield [ŷ(n + ε) − ŷ(n − ε)] / 2ε of the predictions ŷ, all units of a node shifted; in double precision."""

    def up(activities: Numbers, units: NDArray[np.intp]) -> Numbers:
        return np.full_like(activities, EPSILON)

    def down(activities: Numbers, units: NDArray[np.intp]) -> Numbers:
        return np.full_like(activities, -EPSILON)

    output = view.network.forward.output
    spread = view.network.spread(view.number)
    for cells in view.batches(1, view.network.batch_size):
        ways = spread.follow(view.done, cells, up, down, precision=np.float64)
        for nodes, _, (above, below) in ways:
            slope = (output.predictions(above) - output.predictions(below)) / (2 * EPSILON)
            check_finite(slope)
            yield cells, nodes, np.asarray(slope, np.float32)
