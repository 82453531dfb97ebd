"""Controls: networks of the same sizes whose wiring says nothing of biology, and data that tell nothing of it.

In: an `Architecture`, a method, a seed; or expression and classes. Out: another `Architecture` with its provenance;
simulated expression. Knows nothing of Keras, files or scores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import ArchitectureError, DataError, check_choice, counted
from keras_vnn.basics.machine_code import compiled
from keras_vnn.basics.remedies import by_place
from keras_vnn.data import Labels, align, as_expression

if TYPE_CHECKING:
    import anndata


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
    values = expression if isinstance(expression, np.ndarray) else align(expression, arch, missing="zero")
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
        drawn = {
            pair: _correlated_sets(np.bincount(matrix.indices, minlength=matrix.shape[1]), values, rng)
            for pair, matrix in arch.connections.items()
            if pair[0] == 0
        }
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


# Ten rounds suffice in the experiments of Carstens et al.; that is where the overlap with the original ends to fall.
_ROUNDS = 40


def swap_edges(adjacency: sparse.csr_array, rng: np.random.Generator, *, rounds: int = _ROUNDS) -> sparse.csr_array:
    """Return a random adjacency ``(sources, targets)`` with the degrees of this one.

    Parameters
    ----------
    adjacency
        ``(sources, targets)`` of booleans.
    rng
        Where chance comes from.
    rounds
        How often nodes trade, the sources and the targets in turns.
    """
    graph = sparse.csr_array(adjacency)
    starts, other_starts = (
        np.concatenate([[0], np.cumsum(degrees)])
        for degrees in (np.diff(graph.indptr), np.bincount(graph.indices, minlength=graph.shape[1]))
    )
    neighbours, spare = graph.indices.astype(np.int32), np.empty(graph.nnz, np.int32)
    trade_all, transpose = swap_loops()
    # Both sides take turns: a hub among nodes of few neighbours would take long to trade all of its own.
    for _ in range(2 * (rounds // 2)):
        transpose(neighbours, starts, other_starts, spare)
        neighbours, spare, starts, other_starts = spare, neighbours, other_starts, starts
        traders = rng.permutation(np.flatnonzero(np.diff(starts)))
        trade_all(neighbours, starts, traders, rng.random(graph.nnz // 2), np.zeros(len(other_starts) - 1, np.uint8))
    mixed = sparse.csr_array((np.ones(graph.nnz, bool), neighbours, starts), shape=graph.shape)
    mixed.sort_indices()
    return mixed


@cache
def swap_loops() -> tuple[Callable[..., None], Callable[..., None]]:
    """Return the two loops of swaps, compiled where numba is installed."""

    def trade_all(neighbours, starts, order, chance, state):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
        """Let nodes in ``order`` trade, two and two, as ``chance`` has it; ``state`` is 0 for every neighbour."""
        drawn = 0
        for pair in range(len(order) // 2):
            first, second = order[2 * pair], order[2 * pair + 1]
            if starts[first + 1] - starts[first] > starts[second + 1] - starts[second]:
                first, second = second, first
            # What both have moves to the end of either list, where it stays.
            end, other_end = starts[first + 1], starts[second + 1]
            for place in range(starts[first], end):
                state[neighbours[place]] = 1
            place = starts[second]
            while place < other_end:
                node = neighbours[place]
                if state[node]:
                    state[node] = 2
                    other_end -= 1
                    neighbours[place], neighbours[other_end] = neighbours[other_end], node
                else:
                    place += 1
            place = starts[first]
            while place < end:
                node = neighbours[place]
                if state[node] == 2:
                    end -= 1
                    neighbours[place], neighbours[end] = neighbours[end], node
                else:
                    place += 1
                state[node] = 0
            # The first one draws as many as it had from what either has alone.
            mine = end - starts[first]
            both = mine + other_end - starts[second]
            for number in range(mine):
                place, taken = starts[first] + number, number + int(chance[drawn] * (both - number))
                drawn += 1
                taken += starts[first] if taken < mine else starts[second] - mine
                neighbours[place], neighbours[taken] = neighbours[taken], neighbours[place]

    def transpose(neighbours, starts, other_starts, found):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
        """Set ``found`` to the neighbours of the other side."""
        places = other_starts[:-1].copy()
        for node in range(len(starts) - 1):
            for place in range(starts[node], starts[node + 1]):
                neighbour = neighbours[place]
                found[places[neighbour]] = node
                places[neighbour] += 1

    return compiled(trade_all), compiled(transpose)


def dense_like(arch: Architecture, *, same: str = "width") -> Architecture:
    """Return a fully connected architecture: every layer reads the whole layer before it.

    Parameters
    ----------
    arch
        The architecture to compare with.
    same
        ``"width"``: as many units in each layer, and so many more weights. ``"weights"``: as many layers, made narrower
        by one factor until there are about as many weights, at least one unit each.

    Returns
    -------
    Architecture
        Its hidden nodes stand for nothing and are called ``dense 1.1``, ``dense 1.2``, ….

    Raises
    ------
    ArchitectureError
        ``same`` is neither.
    """
    check_choice("same", same, ("width", "weights"), ArchitectureError)
    widths = np.array([max(layer.width, 1) for layer in arch.hidden_layers])
    if same == "weights":
        widths = _narrowed(len(arch.genes), widths, _weights(arch))
    layers = [arch.layers[0]]
    for number, (layer, width) in enumerate(zip(arch.hidden_layers, widths, strict=True), 1):
        nodes = tuple(Node(f"dense {number}.{unit}", kind="unannotated") for unit in range(1, int(width) + 1))
        layers.append(Layer(layer.name, nodes))
    connections = {
        (number, number + 1): sparse.csr_array(np.ones((len(first), len(second)), bool))
        for number, (first, second) in enumerate(pairwise(layers))
    }
    facts = {"method": f"dense, same {same}", "of": arch.fingerprint}
    return replace(arch, layers=tuple(layers), connections=connections, parameters={"control": facts})


def _weights(arch: Architecture) -> int:
    """Return the number of weights of connections between units, those of dense units included."""
    named = sum(
        int(arch.layers[source].units[matrix.tocoo().row] @ arch.layers[target].units[matrix.tocoo().col])
        for (source, target), matrix in arch.connections.items()
    )
    return named + sum(layer.dense_units for layer in arch.hidden_layers) * len(arch.genes)


def _narrowed(genes: int, widths: np.ndarray, weights: int) -> np.ndarray:
    """Return the widths times the largest factor that leaves at most so many weights."""

    def scaled(factor: float) -> np.ndarray:
        return np.maximum(np.floor(widths * factor), 1).astype(int)

    def count(candidate: np.ndarray) -> int:
        return int(np.sum(np.concatenate([[genes], candidate[:-1]]) * candidate))

    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if count(scaled(middle)) <= weights else (low, middle)
    return scaled(low)


# Genes whose reads are dealt out at once, and what no logarithm of a count exceeds.
_GENES_AT_ONCE, _LARGEST_LOGARITHM = 256, 30.0
_FACTORS = (0.5, 2.0)


def control_input(data: Any, labels: Labels, seed: int) -> tuple[anndata.AnnData, Labels]:
    """Return data and labels to measure what importance of a node is due to its place in the network alone.

    The classes are drawn again, with equally many cells. Every gene keeps its total of reads; of one class, drawn for
    each gene, the expected reads are halved or doubled, and the reads are dealt out to the cells at random. So all
    genes differ by the same factor, and nothing that joins them is biology. The *differential* importance of a node is
    that on the data less that on the control input.

    Parameters
    ----------
    data
        AnnData or DataFrame (cells, genes): counts, or their logarithms, ``log(1 + x)`` after each cell was scaled. Of
        logarithms the counts are estimated: the least value of a cell is taken to be one read. The result is on the
        same scale.
    labels
        The classes of the cells.
    seed
        Of all that is drawn.

    Returns
    -------
    anndata.AnnData
        The cells that have a label, and all genes; float32.
    Labels
        With the same classes, of these cells.

    Raises
    ------
    DataError
        There are negative values, as after z-scores: reads cannot be told from them.

    References
    ----------
    Fortelny & Bock 2020, Genome Biology 21:190, doi:10.1186/s13059-020-02100-5.

    Examples
    --------
    >>> import pandas as pd
    >>> from keras_vnn.pp import classes
    >>> counts = pd.DataFrame(np.full((6, 2), 10.0), columns=["A", "B"])
    >>> known = Labels("type", classes(["B", "T"]), [0, 0, 0, 0, 1, 1], range(6))
    >>> simulated, drawn = control_input(counts, known, seed=1)
    >>> simulated.X.sum(axis=0).tolist(), drawn.counts()
    ([60.0, 60.0], {'B': 3, 'T': 3})
    """
    import anndata

    table = as_expression(data)[labels.cells]
    values = table.X.toarray() if hasattr(table.X, "toarray") else np.asarray(table.X)
    counts, scale = _counts(values.astype(np.float64))
    rng = np.random.default_rng([seed, *b"control input"])
    codes = rng.permutation(np.arange(len(values)) % len(labels.classes)).astype(np.int32)
    totals = np.rint(counts.sum(axis=0)).astype(np.int64)
    simulated = _dealt(totals, codes, len(labels.classes), rng)
    if scale is not None:
        depth = np.maximum(simulated.sum(axis=1, keepdims=True, dtype=np.float64), 1)
        simulated = np.log1p(simulated / depth * scale).astype(np.float32)
    obs = pd.DataFrame({labels.name: labels.classes.decode(codes)}, index=table.obs_names.copy())
    made = anndata.AnnData(simulated, obs=obs, var=table.var[[]].copy())
    return made, replace(labels, codes=codes, cells=np.arange(len(codes), dtype=np.intp), n_missing=0)


def _counts(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], float | None]:
    """Return reads, and what cells were scaled to before logarithms were taken; None for counts."""
    if values.size and values.min() < 0:
        raise DataError(
            f"{int((values < 0).sum()):,} of {counted(values.size, 'value')} are negative: a control input is made of "
            "counts or of their logarithms.\nGive those, and let the training scale them"
            + by_place(".", ': training_options(normalization="zscore")')
        )
    if (values == np.rint(values)).all():
        return values, None
    if values.max() > _LARGEST_LOGARITHM:
        # Scaled, or otherwise not whole: the least value of a cell is one read here too.
        raw, scale = values, None
    else:
        raw = np.expm1(values)
        scale = float(np.median(raw.sum(axis=1)))
    least = np.where(raw > 0, raw, np.inf).min(axis=1, initial=np.inf, keepdims=True)
    return raw / np.where(np.isfinite(least), least, 1), scale


def _dealt(totals: NDArray[np.int64], codes: NDArray[np.int32], classes: int, rng: np.random.Generator) -> Any:
    """Return ``(cells, genes)`` reads that sum to these totals, one class of each gene with half or twice as many."""
    genes = len(totals)
    chosen, factor = rng.integers(classes, size=genes), rng.choice(_FACTORS, genes)
    weights = np.where(codes[:, None] == chosen, factor, 1.0)
    dealt = np.empty((len(codes), genes), np.float32)
    for start in range(0, genes, _GENES_AT_ONCE):
        some = slice(start, start + _GENES_AT_ONCE)
        chances = (weights[:, some] / weights[:, some].sum(axis=0)).T
        dealt[:, some] = rng.multinomial(totals[some], chances).T
    return dealt
