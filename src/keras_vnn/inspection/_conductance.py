"""Conductance: the part of a difference of outputs that flows through a node.

In: a `LayerView`. Out: contributions of its nodes, in blocks. The genes go from their means, or zero, to what they are
on the straight way; each node is credited with its own change on that way times the slope of the scores in it. For the
genes themselves, these are integrated gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from keras_vnn.inspection._backends import score_gradients
from keras_vnn.inspection._gradient import quadrature, repeated
from keras_vnn.inspection._layer_view import Block, LayerView
from keras_vnn.inspection._record import Floats, from_layer

__all__ = ["conductance", "conductance_zero"]

_BLOCK = 2**23
# Step of the derivatives along the way, in double precision.
_STEP = 1e-5


def conductance(view: LayerView) -> Iterator[Block]:
    """Yield what flows through each node when the genes go from their means to what they are."""
    yield from _conductance(view, view.network.means[0])


def conductance_zero(view: LayerView) -> Iterator[Block]:
    """Yield what flows through each node when the genes go from zero to what they are."""
    yield from _conductance(view, np.zeros_like(view.network.means[0]))


def _conductance(view: LayerView, levels: Floats) -> Iterator[Block]:
    forward, done, number = view.network.forward, view.done, view.number
    nodes = np.arange(len(view.starts))
    per_cell = sum(values.shape[1] for values in done.units.values())
    outputs = view.kernel.shape[1]
    points, weights = quadrature()
    for cells in view.batches(len(points) * per_cell * (4 + outputs), _BLOCK):
        genes = done.units[0][cells].T.astype(np.float64)
        start = levels[:, None].astype(np.float64)
        # All points of the way are cells of one run.
        places = np.repeat(points, genes.shape[1])
        genes, start = np.tile(genes, len(points)), np.tile(start, len(places))
        units, dense = forward.run(start + places * (genes - start), number)
        ahead, behind = (
            forward.run(start + (places + step) * (genes - start), number)[0][number] for step in (_STEP, -_STEP)
        )
        there = replace(
            done,
            units={layer: _cells_first(values) for layer, values in units.items()},
            dense={layer: _cells_first(values) for layer, values in dense.items()},
            side=tuple(repeated(part[cells], len(points)) for part in done.side),
        )
        segment, values = from_layer(view.network.model_view, there, number)
        slopes = score_gradients(segment, values, view.kernel) * ((ahead - behind) / (2 * _STEP)).T
        total = np.einsum("p,opcu->ocu", weights, slopes.reshape(outputs, len(points), -1, len(view.means)))
        by_node = np.add.reduceat(total, view.starts, axis=2)
        yield cells, nodes, np.ascontiguousarray(by_node.transpose(2, 0, 1), np.float32)


def _cells_first(values: np.ndarray) -> Floats:
    return np.ascontiguousarray(values.T, np.float32)
