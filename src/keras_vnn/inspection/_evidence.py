"""Whether the genes of a node differ between classes more than such genes would anyway; no network is asked.

In: which genes reach which node, cells, what they are told apart by. Out: an `Evidence`, by class and node. Each node
is compared with decoys: as many genes of like expression, drawn from the genes of all nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.inspection._cells import Cells

Doubles = NDArray[np.float64]

DECOYS = 30_000
# A share of discoveries below α needs decoys enough that two nodes alone can reach it.
_DECOYS_PER_NODE = 10
_LEVELS = 10
# With 400, the places of nodes change with the decoys that are drawn; with 4,000 hardly.
_NEAREST = 4_000
_DRAWN_TOGETHER = 500
_SETS_TOGETHER = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """What cells are told apart by.

    Attributes
    ----------
    weights
        ``(cells, groups)``: 1 for the class of a cell, 0 for the others; or the numbers of a regression.
    are_classes
        Whether they are classes.
    """

    weights: Doubles
    are_classes: bool

    @property
    def codes(self) -> NDArray[np.intp]:
        """``(cells,)`` the class of each cell."""
        return np.asarray(self.weights.argmax(axis=1))

    def __getitem__(self, rows: Any) -> Groups:
        return Groups(self.weights[rows], self.are_classes)


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """How sets of genes differ; ``(groups, sets)`` each, NaN where there are too few cells.

    Attributes
    ----------
    statistic
        Welch's t of a class against all other cells; of a regression the t of a correlation.
    p
        Of the statistic, two-sided.
    size
        Cohen's d, or Pearson's r.
    mean
        Mean z-score of the genes in the cells of the class; of a regression r again.
    """

    statistic: Doubles
    p: Doubles
    size: Doubles
    mean: Doubles


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What the genes of each node say, ``(groups, nodes)``.

    Attributes
    ----------
    excess
        The statistic of a node above that of the decoys nearest in size, in their standard deviations.
    p
        The larger of that of the statistic and of the share of decoys that stand out as much.
    difference
        Of the nodes.
    """

    excess: Doubles
    p: Doubles
    difference: Difference


def evidence_of(
    upstream: sparse.csc_array, cells: Cells, groups: Groups, levels: Doubles, *, replicates: Any = None, seed: int = 0
) -> Evidence:
    """Return what the genes of nodes say of groups of cells.

    Parameters
    ----------
    upstream
        ``(genes, nodes)`` of 1 and 0.
    cells
        Values ``(cells, genes)`` or ``(cells, genes, features)``.
    groups
        What the cells are told apart by.
    levels
        ``(genes,)`` mean expression, by which decoys are matched.
    replicates
        ``(cells,)`` numbers of the donor or batch of each cell: means over these are compared, not cells.
    seed
        Of the decoys.
    """
    decoys = decoys_like(upstream, levels, seed)
    sets = sparse.csc_array(sparse.hstack([upstream, decoys]))
    difference = difference_of(sets, cells, groups, replicates)
    nodes = upstream.shape[1]
    sizes = np.diff(sets.indptr)
    excess = np.stack([excess_of(row, sizes, nodes) for row in difference.statistic])
    p = np.full((len(excess), nodes), np.nan)
    for row, of_group in enumerate(excess):
        by_chance = np.sort(np.abs(of_group[nodes:][np.isfinite(of_group[nodes:])]))
        own = np.abs(of_group[:nodes])
        beyond = len(by_chance) - np.searchsorted(by_chance, own, side="left")
        competitive = (1 + beyond) / (1 + len(by_chance))
        p[row] = np.where(np.isfinite(own), np.maximum(difference.p[row, :nodes], competitive), np.nan)
    own_difference = Difference(*(getattr(difference, name)[:, :nodes] for name in Difference.__slots__))
    return Evidence(excess[:, :nodes], p, own_difference)


def adjusted(p: Doubles) -> Doubles:
    """Return Benjamini and Hochberg's false discovery rate along the last axis; NaN where there is no p."""
    q = np.full(p.shape, np.nan)
    for row, known in zip(q.reshape(-1, p.shape[-1]), p.reshape(-1, p.shape[-1]), strict=True):
        there = np.isfinite(known)
        # As scipy.stats.false_discovery_control does, whose import takes as long as all else of `vnn inspect`.
        order = np.argsort(known[there])[::-1]
        rates = known[there][order] * len(order) / np.arange(len(order), 0, -1)
        row[np.flatnonzero(there)[order]] = np.minimum(np.minimum.accumulate(rates), 1)
    return q


def standardised(cells: Cells) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yield z-scores ``(cells, genes)`` part by part; 0 for a gene that is constant, the mean of several features."""
    total, squares, count = np.zeros(()), np.zeros(()), 0
    shift: Any = None
    for _, part in cells.parts():
        values = np.asarray(part.values, np.float64)
        shift = values.mean(axis=0) if shift is None else shift
        total = total + (values - shift).sum(axis=0)
        squares = squares + ((values - shift) ** 2).sum(axis=0)
        count += len(values)
    mean = shift + total / count
    deviation = np.sqrt(np.maximum(squares / count - (total / count) ** 2, 0))
    scale = np.where(deviation > 1e-6 * np.maximum(np.abs(mean), 1e-6), deviation, np.inf)
    for rows, part in cells.parts():
        z = ((part.values - mean) / scale).astype(np.float32)
        yield rows, z if z.ndim == 2 else z.mean(axis=2)


def set_scores(sets: sparse.csc_array, z: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean z-score ``(cells, sets)`` of the genes of each set; 0 for a set without genes."""
    sizes = np.maximum(np.diff(sets.indptr), 1).astype(np.float32)
    return np.asarray((sets.T @ z.T).T / sizes, np.float32)


def decoys_like(upstream: sparse.csc_array, levels: Doubles, seed: int) -> sparse.csc_array:
    """Return sets ``(genes, decoys)`` with as many genes of each level of expression as some node has."""
    random = np.random.default_rng(seed)
    genes, nodes = upstream.shape
    sizes = np.diff(upstream.indptr)
    pool = np.flatnonzero(np.asarray(upstream.sum(axis=1)).ravel())
    with_genes = np.flatnonzero(sizes)
    if not len(with_genes):
        return sparse.csc_array((genes, 0), dtype=np.float32)
    # Without levels there is one: parts in the order of the genes would be like what they are named and sorted by.
    count = _LEVELS if np.ptp(levels[pool]) > 0 else 1
    by_level = np.array_split(pool[np.argsort(levels[pool], kind="stable")], count)
    level_of = np.zeros(genes, np.intp)
    for level, members in enumerate(by_level):
        level_of[members] = level
    membership = sparse.csr_array((np.ones(genes), (level_of, np.arange(genes))), shape=(count, genes))
    wanted = np.asarray((membership @ upstream).todense(), np.intp)
    weights = 1 / np.sqrt(sizes[with_genes])
    drawn = random.choice(
        with_genes, size=max(DECOYS, _DECOYS_PER_NODE * nodes), p=weights / weights.sum(), replace=True
    )
    parts = []
    for start in range(0, len(drawn), _DRAWN_TOGETHER):
        like = drawn[start : start + _DRAWN_TOGETHER]
        rows, columns = [], []
        for level, members in enumerate(by_level):
            shuffled = random.permuted(np.tile(members.astype(np.int32), (len(like), 1)), axis=1)
            column, place = np.nonzero(np.arange(len(members)) < wanted[level, like][:, None])
            rows.append(shuffled[column, place])
            columns.append(column)
        row, column = np.concatenate(rows), np.concatenate(columns)
        parts.append(sparse.csc_array((np.ones(len(row), np.float32), (row, column)), shape=(genes, len(like))))
    return sparse.csc_array(sparse.hstack(parts))


def difference_of(sets: sparse.csc_array, cells: Cells, groups: Groups, replicates: Any) -> Difference:
    """Return how the mean z-scores of sets of genes differ between the groups."""
    parts = standardised(cells)
    if replicates is not None:
        z, groups = _pseudobulk(parts, groups, np.asarray(replicates))
        parts = iter([(slice(0, len(z)), z)])
    weights = groups.weights.astype(np.float32)
    if not groups.are_classes:
        weights = weights - groups.weights.mean(axis=0).astype(np.float32)
    count = sets.shape[1]
    sums = np.zeros((2, weights.shape[1], count))
    whole = np.zeros((2, count))
    for rows, z in parts:
        for start in range(0, count, _SETS_TOGETHER):
            some = slice(start, min(start + _SETS_TOGETHER, count))
            scores = set_scores(sets[:, some], z)
            squares = scores**2
            sums[0, :, some] += weights[rows].T @ scores
            if groups.are_classes:
                sums[1, :, some] += weights[rows].T @ squares
            else:
                whole[0, some] += scores.sum(axis=0, dtype=np.float64)
                whole[1, some] += squares.sum(axis=0, dtype=np.float64)
    if groups.are_classes:
        return _of_classes(groups.weights.sum(axis=0)[:, None], *sums)
    return _of_numbers(groups.weights, sums[0], *whole)


def _of_classes(cells: Doubles, total: Doubles, squares: Doubles) -> Difference:
    rest = cells.sum() - cells
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, mean_rest = total / cells, (total.sum(axis=0) - total) / rest
        within = squares - cells * mean**2
        within_rest = squares.sum(axis=0) - squares - rest * mean_rest**2
        variance, variance_rest = within / (cells - 1) / cells, within_rest / (rest - 1) / rest
        together = variance + variance_rest
        difference = mean - mean_rest
        statistic = difference / np.sqrt(together)
        freedom = together**2 / (variance**2 / (cells - 1) + variance_rest**2 / (rest - 1))
        size = difference / np.sqrt((within + within_rest) / (cells + rest - 2))
        known = (cells > 1) & (rest > 1) & (within + within_rest > 1e-9 * squares.sum(axis=0))
        p = 2 * scipy.stats.t.sf(np.abs(statistic), freedom)
    return Difference(*(np.where(known, values, np.nan) for values in (statistic, p, size, mean)))


def _of_numbers(targets: Doubles, products: Doubles, total: Doubles, squares: Doubles) -> Difference:
    cells = len(targets)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.maximum(squares - total**2 / cells, 0)
        r = products / np.sqrt(spread * ((targets - targets.mean(axis=0)) ** 2).sum(axis=0)[:, None])
        r = np.where((spread > 1e-9 * squares) & (cells > 2), np.clip(r, -1, 1), np.nan)
        statistic = r * np.sqrt((cells - 2) / np.maximum(1 - r**2, 1e-12))
    return Difference(statistic, 2 * scipy.stats.t.sf(np.abs(statistic), cells - 2), r, r)


def _pseudobulk(
    parts: Iterator[tuple[slice, NDArray[np.float32]]], groups: Groups, replicates: NDArray[np.integer]
) -> tuple[NDArray[np.float32], Groups]:
    """Return the mean z-scores of the cells of each replicate and class, or of each replicate, and their groups."""
    codes = groups.codes if groups.are_classes else np.zeros(len(replicates), np.intp)
    together, first, member = np.unique(replicates * (codes.max() + 1) + codes, return_index=True, return_inverse=True)
    total: Any = 0
    for rows, z in parts:
        ones = np.ones(len(z), np.float32)
        into = sparse.csr_array((ones, (member[rows], np.arange(len(z)))), shape=(len(together), len(z)))
        total = total + into @ z
    counts = np.bincount(member)[:, None]
    if groups.are_classes:
        weights = groups.weights[first]
    else:
        weights = np.stack([np.bincount(member, column) for column in groups.weights.T], axis=1) / counts
    return np.asarray(total / counts, np.float32), Groups(weights, groups.are_classes)


def excess_of(statistic: Doubles, sizes: NDArray[np.integer], nodes: int) -> Doubles:
    """Return statistics above those of the decoys nearest in size, which follow the nodes, in their deviations."""
    by_size = nodes + np.argsort(sizes[nodes:], kind="stable")
    by_size = by_size[np.isfinite(statistic[by_size])]
    if len(by_size) < 2:
        return np.full(len(statistic), np.nan)
    values, of_size = statistic[by_size], sizes[by_size]
    near = min(_NEAREST, len(values))
    sums = np.concatenate([[0.0], np.cumsum(values - values.mean())])
    squares = np.concatenate([[0.0], np.cumsum((values - values.mean()) ** 2)])
    different, which = np.unique(sizes, return_inverse=True)
    middle = (np.searchsorted(of_size, different, "left") + np.searchsorted(of_size, different, "right")) // 2
    start = np.clip(middle - near // 2, 0, len(values) - near)
    mean = (sums[start + near] - sums[start]) / near
    deviation = np.sqrt(np.maximum((squares[start + near] - squares[start]) / near - mean**2, 1e-12))
    excess = (statistic - values.mean() - mean[which]) / deviation[which]
    return np.where(sizes > 0, excess, np.nan)
