"""RLIPP: how much better the units of a node predict a target than those of its children do.

In: activities of the units, a target. Out: rank correlations by node and output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import ConfigError
from keras_vnn.inspection._ridge import ridge_predictions

__all__ = ["Improvement", "improvements", "rank_correlations"]

Doubles = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Improvement:
    """How well the nodes of a layer, and their children, predict a target.

    Attributes
    ----------
    node, children
        ``(nodes, outputs)`` Spearman's ρ of prediction and target; 0 where the prediction does not vary.
    """

    node: Doubles
    children: Doubles

    @property
    def difference(self) -> Doubles:
        """``(nodes, outputs)``: ρ of the node less ρ of its children."""
        return self.node - self.children

    @property
    def ratio(self) -> Doubles:
        """``(nodes, outputs)``: ρ of the node over ρ of its children; NaN where that is not above 0."""
        ratio = np.full(self.node.shape, np.nan)
        return np.asarray(np.divide(self.node, self.children, out=ratio, where=self.children > 0))


def improvements(
    arch: Architecture,
    units: Mapping[int, NDArray[np.floating]],
    targets: Doubles,
    layers: Sequence[int],
    *,
    folds: int = 5,
    reduce_children: bool = False,
    seed: int = 0,
    advance: Callable[[float], None] = lambda nodes: None,
) -> dict[int, Improvement]:
    """Return the improvements of the nodes of some layers.

    Parameters
    ----------
    arch
        The network.
    units
        ``(cells, units)`` by number of the layer.
    targets
        ``(cells, outputs)``.
    layers
        Which to look at; not the genes, which have no children.
    folds
        Parts of the cells, each predicted from the others; ρ is the mean of those of the parts. 0 to predict the cells
        the regression was fitted to.
    reduce_children
        Reduce the units of the children to as many principal components as the node has units.
    seed
        Of the folds.
    advance
        Is told of nodes that are done.
    """
    cells = len(targets)
    if folds == 1 or folds < 0 or folds > cells // 3:
        raise ConfigError(
            f"RLIPP needs at least 2 folds of at least 3 cells, or folds=0 to score the cells it was fitted to; "
            f"got folds={folds} for {cells} cells."
        )
    parts = list(_parts(cells, folds, seed))
    found = {}
    for number in layers:
        starts = np.cumsum(arch.layers[number].units) - arch.layers[number].units
        rho = np.zeros((2, len(starts), targets.shape[1]))
        children = list(_children(arch, number))
        for node, (start, count) in enumerate(zip(starts, arch.layers[number].units, strict=True)):
            own = np.asarray(units[number][:, start : start + count], np.float64)
            read = [units[layer][:, places] for layer, places in children[node]]
            # A node without input has no children: what a constant predicts stands for them.
            theirs = np.concatenate(read or [np.zeros((cells, 1))], axis=1).astype(np.float64)
            if reduce_children:
                theirs = _principal(theirs, int(count))
            for place, features in enumerate((own, theirs)):
                for train, test in parts:
                    predicted = ridge_predictions(features[train], targets[train], features[test])
                    rho[place, node] += rank_correlations(predicted, targets[test]) / len(parts)
            advance(1)
        found[number] = Improvement(rho[0], rho[1])
    return found


def rank_correlations(first: Doubles, second: Doubles) -> Doubles:
    """Return Spearman's ρ of each column of one matrix with that of another; 0 where one does not vary."""
    from scipy.stats import rankdata

    one, other = (rankdata(values, axis=0) for values in (first, second))
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    scale = np.sqrt((one**2).sum(axis=0) * (other**2).sum(axis=0))
    rho = np.divide((one * other).sum(axis=0), scale, out=np.zeros(first.shape[1]), where=scale > 0)
    return np.asarray(rho)


def _parts(cells: int, folds: int, seed: int) -> Iterator[tuple[Places, Places]]:
    """Yield cells to fit and cells to predict."""
    everything = np.arange(cells)
    if not folds:
        yield everything, everything
        return
    fold = np.random.default_rng(seed).permutation(cells) % folds
    for number in range(folds):
        yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)


def _children(arch: Architecture, number: int) -> Iterator[list[tuple[int, Places]]]:
    """Yield layers and units of the nodes that each node reads; of the genes it reads where it reads no other node."""
    read = [
        (source, matrix.tocsc(), arch.layers[source].units)
        for (source, target), matrix in sorted(arch.connections.items())
        if target == number
    ]
    for node in range(len(arch.layers[number])):
        found = []
        for source, matrix, counts in read:
            nodes = matrix.indices[matrix.indptr[node] : matrix.indptr[node + 1]]
            is_own = np.zeros(len(counts), bool)
            is_own[nodes] = True
            if len(nodes):
                found.append((source, np.flatnonzero(np.repeat(is_own, counts))))
        yield [part for part in found if part[0]] or found


def _principal(values: Doubles, count: int) -> Doubles:
    """Return the first principal components of some columns."""
    if values.shape[1] <= count:
        return values
    centred = values - values.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(centred @ directions[:count].T)
