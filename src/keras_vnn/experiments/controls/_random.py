"""Adjacencies with the same number of edges, and genes that take each other's places.

In: an adjacency and a generator. Out: another of the same shape.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["correlated_sets", "permutation_within_bins", "scattered"]

# Cells that the correlation of genes is taken from, at most, and sets worked on at once.
_CELLS, _SETS_AT_ONCE = 2_000, 256


def scattered(adjacency: sparse.csr_array, rng: np.random.Generator, *, keeps_sources: bool) -> sparse.csr_array:
    """Return a random adjacency with as many edges.

    Every target that had an input has one; with ``keeps_sources``, every source that fed something still does, so
    that no node becomes an end of the network that was none. All other edges fall anywhere.
    """
    sources, targets = adjacency.shape
    fed = np.flatnonzero(np.bincount(adjacency.indices, minlength=targets))
    feeding = np.flatnonzero(np.diff(adjacency.indptr)) if keeps_sources else np.empty(0, np.int64)
    first_count = max(len(fed), len(feeding))
    fed, feeding = rng.permutation(fed), rng.permutation(feeding)
    columns = fed[np.arange(first_count) % len(fed)] if len(fed) else fed
    # Beyond those that must feed something, any source will do.
    rows = np.concatenate([feeding, rng.integers(sources, size=first_count - len(feeding))])
    taken = np.unique(rows.astype(np.int64) * targets + columns)
    while len(taken) < adjacency.nnz:
        more = rng.integers(sources * targets, size=2 * (adjacency.nnz - len(taken)) + 16)
        new = np.setdiff1d(more, taken)
        taken = np.union1d(taken, rng.permutation(new)[: adjacency.nnz - len(taken)])
    coordinates = np.divmod(taken, targets)
    return sparse.csr_array((np.ones(len(taken), bool), coordinates), shape=adjacency.shape)


def permutation_within_bins(values: NDArray[np.floating], bins: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return a permutation of positions that stays within bins of about the same number of nearly equal values."""
    order = np.argsort(values, kind="stable")
    place = np.arange(len(values))
    for members in np.array_split(order, min(bins, len(values))):
        place[members] = rng.permutation(members)
    return place


def correlated_sets(
    sizes: NDArray[np.int64], expression: NDArray[np.floating], rng: np.random.Generator
) -> sparse.csr_array:
    """Return ``(genes, sets)``: sets of these sizes, each of a gene and those most correlated with it.

    Parameters
    ----------
    sizes
        ``(sets,)`` number of genes.
    expression
        ``(cells, genes)``; a sample of the cells is used where there are many.
    rng
        Draws the gene each set begins with, among genes that vary.
    """
    if len(expression) > _CELLS:
        expression = expression[np.sort(rng.choice(len(expression), _CELLS, replace=False))]
    genes = expression.shape[1]
    deviations = np.asarray(expression, np.float64)
    deviations = deviations - deviations.mean(axis=0)
    spread = np.sqrt((deviations**2).sum(axis=0))
    varies = spread > 1e-6 * max(float(spread.max(initial=0)), 1e-30)
    scaled: NDArray[np.float32] = np.zeros(deviations.shape, np.float32)
    np.divide(deviations, spread, out=scaled, where=varies, casting="same_kind")
    candidates = np.flatnonzero(varies) if varies.any() else np.arange(genes)
    centres = rng.choice(candidates, len(sizes), replace=len(sizes) > len(candidates))
    # Genes that do not vary come last, in an order that is drawn.
    tie = 1e-6 * rng.random(genes, np.float32)
    rows: list[NDArray[np.int64]] = []
    for start in range(0, len(sizes), _SETS_AT_ONCE):
        some = centres[start : start + _SETS_AT_ONCE]
        correlation = scaled[:, some].T @ scaled + tie
        correlation[np.arange(len(some)), some] = 2
        for line, size in zip(correlation, sizes[start : start + _SETS_AT_ONCE], strict=True):
            nearest = np.argpartition(-line, size - 1)[:size] if 0 < size < genes else np.arange(size)
            rows.append(np.sort(nearest))
    indices = np.concatenate(rows) if rows else np.empty(0, np.int64)
    pointers = np.concatenate([[0], np.cumsum(sizes)])
    sets = sparse.csr_array((np.ones(len(indices), bool), indices, pointers), shape=(len(sizes), genes))
    return sparse.csr_array(sets.T)
