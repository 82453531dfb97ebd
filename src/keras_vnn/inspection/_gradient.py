"""Importance by gradient: the slope of the scores in the units of a node, times the distance of these from a level.

In: a `LayerView`. Out: contributions of its nodes, in blocks. To first order these are those of a knock-out;
integrated along the way from the level, they add up exactly.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from keras_vnn.inspection._backends import score_gradients
from keras_vnn.inspection._layer_view import Block, LayerView
from keras_vnn.inspection._record import Floats

__all__ = ["gradient", "gradient_zero", "integrated_gradients", "integrated_gradients_zero", "quadrature", "repeated"]

# Numbers in the gradients of a block: 64 MB in single precision.
_BLOCK = 2**24
# Points of Gauss and Legendre on the way: for the smooth activations of these networks more than enough.
_POINTS = 20


def gradient(view: LayerView) -> Iterator[Block]:
    """Yield gradient × (activity − mean), summed over the units of each node."""
    yield from _along(view, view.means, np.ones(1), np.ones(1))


def gradient_zero(view: LayerView) -> Iterator[Block]:
    """Yield gradient × activity, summed over the units of each node."""
    yield from _along(view, np.zeros_like(view.means), np.ones(1), np.ones(1))


def integrated_gradients(view: LayerView) -> Iterator[Block]:
    """Yield (activity − mean) × the mean gradient on the straight way there, all units of the layer moving together."""
    yield from _along(view, view.means, *quadrature())


def integrated_gradients_zero(view: LayerView) -> Iterator[Block]:
    """Yield activity × the mean gradient on the straight way from zero, all units of the layer moving together."""
    yield from _along(view, np.zeros_like(view.means), *quadrature())


def quadrature() -> tuple[np.ndarray, np.ndarray]:
    """Return points between 0 and 1, and their weights."""
    points, weights = np.polynomial.legendre.leggauss(_POINTS)
    return (points + 1) / 2, weights / 2


def _along(view: LayerView, levels: Floats, points: np.ndarray, weights: np.ndarray) -> Iterator[Block]:
    segment, values = view.rest
    activities = view.done.units[view.number]
    nodes = np.arange(len(view.starts))
    count, outputs = len(points), view.kernel.shape[1]
    for cells in view.batches(count * max(activities.shape[1] * outputs, view.cost), _BLOCK):
        own, *others = [array[cells] for array in values]
        distance = own - levels
        # All points of the way are rows of one call: a deep network is many small steps, which cost what they cost.
        there = np.asarray(levels + points[:, None, None] * distance, np.float32).reshape(-1, own.shape[1])
        slopes = score_gradients(segment, [there, *(repeated(other, count) for other in others)], view.kernel)
        mean = np.einsum("p,opcu->ocu", np.asarray(weights, np.float32), slopes.reshape(outputs, count, *own.shape))
        by_node = np.add.reduceat(mean * distance, view.starts, axis=2)
        yield cells, nodes, np.ascontiguousarray(by_node.transpose(2, 0, 1))


def repeated(values: Floats, times: int) -> Floats:
    """Return ``(times × cells, …)``: the cells again and again."""
    return np.tile(values, (times, *np.ones(values.ndim - 1, int)))
