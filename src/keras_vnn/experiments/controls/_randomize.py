"""`wire.randomize`: an architecture of the same sizes that does not know the biology."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import ArchitectureError, DataError, check_choice
from keras_vnn.experiments.controls._edge_swaps import swap_edges

__all__ = ["CONTROL_METHODS", "permutation_within_bins", "randomize"]

Connections = dict[tuple[int, int], sparse.csr_array]

CONTROL_METHODS: Mapping[str, str] = MappingProxyType(
    {
        "swap": "edges swapped; every node keeps its numbers of inputs and outputs",
        "genes": "genes take each other's places",
        "expression": "genes take the places of genes with about their mean expression",
        "modules": "the genes of a node are a co-expression module of the same size",
        "density": "as many edges, anywhere",
    }
)
_NEEDS_EXPRESSION = ("expression", "modules")
# Cells that the correlation of genes is taken from, at most, and sets worked on at once.
_CELLS, _SETS_AT_ONCE = 2_000, 256


def randomize(
    arch: Architecture, method: str, seed: int, *, expression: Any | None = None, bins: int = 20
) -> Architecture:
    """Return a control: the nodes of an architecture, wired at random.

    Nodes keep their ids, labels, units and order, and layers their dense units, so that results can be compared node by
    node. Every pair of layers keeps its number of edges.

    Parameters
    ----------
    arch
        The architecture to compare with.
    method
        ``"swap"``
            Edges of each pair of layers are swapped: both nodes' numbers of inputs and outputs stay, no edge occurs
            twice (by trades, Strona et al. 2014, doi:10.1038/ncomms5114).
        ``"genes"``
            A permutation of the genes: the network is the same, and other genes enter where one did.
        ``"expression"``
            The same among genes of about the same mean expression.
        ``"modules"``
            What each node reads of the genes becomes a gene drawn at random and those most correlated with it, as many
            as it read before. A strong control: it knows the data, not the literature. Edges between nodes stay.
        ``"density"``
            As many edges between each pair of layers, anywhere, but every node keeps an input and every hidden node
            that fed another feeds one.
    seed
        Of what is drawn: the same seed gives the same control.
    expression
        ``(training cells, genes)`` for ``"expression"`` and ``"modules"``: an array in the order of ``arch.genes``, as
        `pp.align` gives it, or an AnnData or DataFrame with them.
    bins
        Number of bins of mean expression.

    Returns
    -------
    Architecture
        With what was done, the seed and the fingerprint of the original in ``parameters["control"]``.

    Raises
    ------
    ArchitectureError
        There is no such method.
    DataError
        The method needs expression, or its shape does not fit.

    Examples
    --------
    >>> import keras_vnn as vnn
    >>> import pandas as pd
    >>> from keras_vnn.read import Interactions, gene_list
    >>> pairs = Interactions.from_pairs(["A", "B", "C"], ["B", "C", "D"])
    >>> arch = vnn.wire.interactions(gene_list(["A", "B", "C", "D"]), pairs)
    >>> control = randomize(arch, "swap", seed=1)
    >>> control.edge_count == arch.edge_count, control.parameters["control"]["method"]
    (True, 'swap')
    """
    check_choice("The method of a control", method, CONTROL_METHODS, ArchitectureError)
    if bins < 1:
        raise DataError(f"bins must be at least 1, got {bins}.")
    values = _matrix(arch, method, expression) if method in _NEEDS_EXPRESSION else np.empty((0, 0))
    rng = np.random.default_rng([seed, *method.encode()])
    connections = _rewired(arch, method, rng, values, bins)
    facts: dict[str, Any] = {"method": method, "seed": seed, "of": arch.fingerprint}
    if method == "expression":
        facts["bins"] = bins
    return replace(arch, connections=connections, parameters={**arch.parameters, "control": facts})


def _matrix(arch: Architecture, method: str, expression: Any) -> NDArray[np.floating]:
    if expression is None:
        raise DataError(
            f'The control "{method}" is drawn from expression data, and none are given.\n'
            "Pass expression=vnn.pp.align(training_cells, arch)."
        )
    if isinstance(expression, np.ndarray):
        values = expression
    else:
        from keras_vnn.data import align

        values = align(expression, arch, missing="zero")
    if values.ndim != 2 or values.shape[1] != len(arch.genes) or not len(values):
        raise DataError(
            f"expression must have shape (cells, {len(arch.genes):,}), a column for each gene of the architecture; got "
            f"{values.shape}."
        )
    return values


def _rewired(
    arch: Architecture, method: str, rng: np.random.Generator, values: NDArray[np.floating], bins: int
) -> Connections:
    if method == "swap":
        return {pair: swap_edges(matrix, rng) for pair, matrix in arch.connections.items()}
    if method == "density":
        return {pair: _scattered(matrix, rng, keeps_sources=pair[0] > 0) for pair, matrix in arch.connections.items()}
    if method == "modules":
        sizes = {
            pair: np.bincount(matrix.indices, minlength=matrix.shape[1]) for pair, matrix in arch.connections.items()
        }
        drawn = {pair: _correlated_sets(sizes[pair], values, rng) for pair in arch.connections if pair[0] == 0}
        return {**arch.connections, **drawn}
    if method == "genes":
        order = rng.permutation(len(arch.genes))
    else:
        order = permutation_within_bins(values.mean(axis=0, dtype=np.float64), bins, rng)
    # Gene i is wired as gene order[i] was.
    return {
        pair: sparse.csr_array(matrix[order]) if pair[0] == 0 else matrix for pair, matrix in arch.connections.items()
    }


def _scattered(adjacency: sparse.csr_array, rng: np.random.Generator, *, keeps_sources: bool) -> sparse.csr_array:
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


def _correlated_sets(
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
