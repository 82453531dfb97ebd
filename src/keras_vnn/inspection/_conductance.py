"""Conductance: the part of a difference of outputs that flows through a node.

In: a `Cut`. Out: contributions of its nodes, in blocks. The genes go from their means, or zero, to what they are on the
straight way; each node is credited with its own change on that way times the slope of the scores in it. For the genes
themselves, these are integrated gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from keras_vnn.inspection._backends import score_gradients
from keras_vnn.inspection._cut import Block, Cut
from keras_vnn.inspection._gradient import quadrature, repeated
from keras_vnn.inspection._record import Floats, from_layer

__all__ = ["conductance", "conductance_zero"]

_BLOCK = 2**23
# Step of the derivatives along the way, in double precision.
_STEP = 1e-5


def conductance(cut: Cut) -> Iterator[Block]:
    """Yield what flows through each node when the genes go from their means to what they are."""
    yield from _conductance(cut, cut.network.means[0])


def conductance_zero(cut: Cut) -> Iterator[Block]:
    """Yield what flows through each node when the genes go from zero to what they are."""
    yield from _conductance(cut, np.zeros_like(cut.network.means[0]))


def _conductance(cut: Cut, levels: Floats) -> Iterator[Block]:
    arithmetic, done, number = cut.network.arithmetic, cut.done, cut.number
    nodes = np.arange(len(cut.starts))
    per_cell = sum(values.shape[1] for values in done.units.values())
    outputs = cut.kernel.shape[1]
    points, weights = quadrature()
    for cells in cut.batches(len(points) * per_cell * (4 + outputs), _BLOCK):
        genes = done.units[0][cells].T.astype(np.float64)
        start = levels[:, None].astype(np.float64)
        # All points of the way are cells of one run.
        places = np.repeat(points, genes.shape[1])
        genes, start = np.tile(genes, len(points)), np.tile(start, len(places))
        units, beside = arithmetic.run(start + places * (genes - start), number)
        ahead, behind = (
            arithmetic.run(start + (places + step) * (genes - start), number)[0][number] for step in (_STEP, -_STEP)
        )
        there = replace(
            done,
            units={layer: _cells_first(values) for layer, values in units.items()},
            dense={layer: _cells_first(values) for layer, values in beside.items()},
            side=tuple(repeated(part[cells], len(points)) for part in done.side),
        )
        segment, values = from_layer(cut.network.seen, there, number)
        slopes = score_gradients(segment, values, cut.kernel) * ((ahead - behind) / (2 * _STEP)).T
        total = np.einsum("p,opcu->ocu", weights, slopes.reshape(outputs, len(points), -1, len(cut.means)))
        by_node = np.add.reduceat(total, cut.starts, axis=2)
        yield cells, nodes, np.ascontiguousarray(by_node.transpose(2, 0, 1), np.float32)


def _cells_first(values: np.ndarray) -> Floats:
    return np.ascontiguousarray(values.T, np.float32)
