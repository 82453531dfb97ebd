"""Importance by exact knock-out: all units of a node held at their means, or at zero.

In: a `Cut`. Out: contributions of its nodes, in blocks.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from keras_vnn.inspection._arithmetic import Numbers
from keras_vnn.inspection._cut import Block, Cut
from keras_vnn.inspection._record import check_finite

__all__ = ["knockout", "knockout_zero"]


def knockout(cut: Cut) -> Iterator[Block]:
    """Yield scores as they are less scores with each node held at its mean over all cells."""
    yield from _knockout(cut, cut.means)


def knockout_zero(cut: Cut) -> Iterator[Block]:
    """Yield scores as they are less scores with each node held at zero."""
    yield from _knockout(cut, np.zeros_like(cut.means))


def _knockout(cut: Cut, levels: Numbers) -> Iterator[Block]:
    def to_level(activities: Numbers, units: NDArray[np.intp]) -> Numbers:
        return levels[units][:, None] - activities

    reader = cut.network.arithmetic.reader
    for cells in cut.batches(1, cut.network.batch_size):
        for nodes, before, (after,) in cut.network.spread(cut.number).follow(cut.done, cells, to_level):
            lost = reader.scores(before) - reader.scores(after)
            check_finite(lost)
            yield cells, nodes, np.asarray(lost, np.float32)
