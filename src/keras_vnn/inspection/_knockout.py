"""Importance by exact knock-out: all units of a node held at their means, or at zero.

In: a `LayerView`. Out: contributions of its nodes, in blocks.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from keras_vnn.inspection._forward_pass import Numbers
from keras_vnn.inspection._layer_view import Block, LayerView
from keras_vnn.inspection._record import check_finite

__all__ = ["knockout", "knockout_zero"]


def knockout(view: LayerView) -> Iterator[Block]:
    """Yield scores as they are less scores with each node held at its mean over all cells."""
    yield from _knockout(view, view.means)


def knockout_zero(view: LayerView) -> Iterator[Block]:
    """Yield scores as they are less scores with each node held at zero."""
    yield from _knockout(view, np.zeros_like(view.means))


def _knockout(view: LayerView, levels: Numbers) -> Iterator[Block]:
    def to_level(activities: Numbers, units: NDArray[np.intp]) -> Numbers:
        return levels[units][:, None] - activities

    output = view.network.forward.output
    for cells in view.batches(1, view.network.batch_size):
        for nodes, before, (after,) in view.network.spread(view.number).follow(view.done, cells, to_level):
            lost = output.scores(before) - output.scores(after)
            check_finite(lost)
            yield cells, nodes, np.asarray(lost, np.float32)
