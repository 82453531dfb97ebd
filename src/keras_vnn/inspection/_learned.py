"""What a trained node knows of cells it never saw, and how far that is more than what nodes like it know.

In: activities of units, groups of cells, which cells to fit on and which to test on. Out: z of every group and node.
"""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from keras_vnn.inspection._evidence import Doubles, Groups
from keras_vnn.inspection._rlipp import rank_correlations

Floats = NDArray[np.float32]

_SHRINKAGE = 0.1
_LIKE = 100
_FEWEST = 20
_NODES_TOGETHER = 1_000


def learned_by(
    units: Floats, per_node: NDArray[np.integer], groups: Groups, fitted: NDArray[np.intp], tested: NDArray[np.intp]
) -> Doubles:
    """Return what the nodes of a layer know of cells that a rule on their units was not fitted on.

    For a class: Mann and Whitney's statistic of a linear discriminant with shrunken covariance, as a z-score; for a
    number: Spearman's ρ of a ridge regression times √(cells - 1).

    Parameters
    ----------
    units
        ``(cells, units)``.
    per_node
        ``(nodes,)`` units of each node; they follow each other.
    groups
        Of the cells.
    fitted, tested
        Positions of the cells to fit on, and of the others.

    Returns
    -------
    numpy.ndarray
        ``(groups, nodes)``; 0 where nothing can be said.
    """
    found = np.zeros((groups.weights.shape[1], len(per_node)))
    starts = np.cumsum(per_node) - per_node
    for count in np.unique(per_node[per_node > 0]):
        alike = np.flatnonzero(per_node == count)
        for first in range(0, len(alike), _NODES_TOGETHER):
            some = alike[first : first + _NODES_TOGETHER]
            values = units[:, starts[some][:, None] + np.arange(count)].astype(np.float64)
            found[:, some] = _of_units(values, groups, fitted, tested)
    return found


def learned_rate(z: Doubles, sizes: NDArray[np.integer]) -> Doubles:
    """Return p that a node knows nothing, or no more than a hundred nodes of like size; ``(groups, nodes)``.

    Every node of a network that is wired to the genes of many knows something of the classes; a node stands out when
    it is far above the mean of those like it, itself among them, in their standard deviations (at least 1). With fewer
    than 20 nodes there is nothing to compare with, and a node is tested alone.
    """
    alone = scipy.stats.norm.sf(z)
    nodes = z.shape[1]
    if nodes < _FEWEST:
        return np.asarray(alone)
    order = np.argsort(sizes, kind="stable")
    near = min(_LIKE, nodes)
    start = np.clip(np.arange(nodes) - near // 2, 0, nodes - near)
    like = np.lib.stride_tricks.sliding_window_view(z[:, order], near, axis=1)[:, start]
    p = np.empty_like(z)
    p[:, order] = scipy.stats.norm.sf((z[:, order] - like.mean(axis=2)) / np.maximum(like.std(axis=2), 1))
    return np.asarray(np.maximum(alone, p))


def _of_units(values: Doubles, groups: Groups, fitted: NDArray[np.intp], tested: NDArray[np.intp]) -> Doubles:
    """Return z ``(groups, nodes)`` of nodes that have as many units each: ``(cells, nodes, units)``."""
    train, test = values[fitted], values[tested]
    weights = groups.weights[fitted]
    centred = train - train.mean(axis=0)
    if groups.are_classes:
        counts = np.maximum(weights.sum(axis=0), 1)
        means = np.einsum("cg,cnu->gnu", weights, train) / counts[:, None, None]
        centred = train - means[groups.codes[fitted]]
    covariance = np.einsum("cnu,cnv->nuv", centred, centred) / len(fitted)
    trace = np.trace(covariance, axis1=1, axis2=2) / values.shape[2]
    covariance = covariance + (_SHRINKAGE * trace + 1e-12)[:, None, None] * np.eye(values.shape[2])
    found = np.zeros((weights.shape[1], values.shape[1]))
    for group in range(weights.shape[1]):
        of_group = groups.weights[:, group]
        if groups.are_classes:
            inside, all_cells = of_group[fitted].sum(), len(fitted)
            if inside in (0, all_cells):
                continue
            rest = (train.sum(axis=0) - means[group] * inside) / (all_cells - inside)
            slope = means[group] - rest
        else:
            slope = np.einsum("c,cnu->nu", of_group[fitted] - of_group[fitted].mean(), centred) / len(fitted)
        direction = np.linalg.solve(covariance, slope[:, :, None])[:, :, 0]
        scores = np.einsum("cnu,nu->cn", test, direction)
        if groups.are_classes:
            found[group] = _mann_whitney(scores, of_group[tested] > 0)
        else:
            rho = rank_correlations(scores, of_group[tested, None])
            found[group] = rho * np.sqrt(max(len(tested) - 1, 0))
    return found


def _mann_whitney(scores: Doubles, inside: NDArray[np.bool_]) -> Doubles:
    """Return the z of rank sums ``(nodes,)`` of some cells, corrected for ties."""
    cells, within = len(inside), int(inside.sum())
    if within in (0, cells):
        return np.zeros(scores.shape[1])
    ranks = scipy.stats.rankdata(scores, axis=0) - (cells + 1) / 2
    variance = within * (cells - within) / (cells * (cells - 1)) * (ranks**2).sum(axis=0)
    scale = np.sqrt(variance)
    return np.asarray(np.divide(ranks[inside].sum(axis=0), scale, out=np.zeros(len(scale)), where=scale > 0))
