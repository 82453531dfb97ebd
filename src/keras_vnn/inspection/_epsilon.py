"""Node weights of KPNN: what a small shift of a node does to the prediction.

In: a `Cut`. Out: slopes of its nodes, in blocks.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from keras_vnn.inspection._arithmetic import Numbers
from keras_vnn.inspection._cut import Block, Cut
from keras_vnn.inspection._record import check_finite

__all__ = ["EPSILON", "epsilon"]

EPSILON = 0.001


def epsilon(cut: Cut) -> Iterator[Block]:
    """Yield [ŷ(n + ε) − ŷ(n − ε)] / 2ε of the predictions ŷ, all units of a node shifted; in double precision."""

    def up(activities: Numbers, units: NDArray[np.intp]) -> Numbers:
        return np.full_like(activities, EPSILON)

    def down(activities: Numbers, units: NDArray[np.intp]) -> Numbers:
        return np.full_like(activities, -EPSILON)

    reader = cut.network.arithmetic.reader
    spread = cut.network.spread(cut.number)
    for cells in cut.batches(1, cut.network.batch_size):
        ways = spread.follow(cut.done, cells, up, down, precision=np.float64)
        for nodes, _, (above, below) in ways:
            slope = (reader.predictions(above) - reader.predictions(below)) / (2 * EPSILON)
            check_finite(slope)
            yield cells, nodes, np.asarray(slope, np.float32)
