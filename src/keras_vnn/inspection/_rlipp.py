"""RLIPP: how much better the units of a node predict a target than those of its children do.

In: a model, cells, labels; or activities of the units and a target. Out: a table, or rank correlations, by node and
output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import ConfigError, DataError, check_choice
from keras_vnn.basics.keras_import import keras
from keras_vnn.basics.progress import progressing
from keras_vnn.basics.remedies import by_place, remedy
from keras_vnn.inspection._cells import cells_of
from keras_vnn.inspection._methods import goal_of, hidden_layers
from keras_vnn.inspection._record import Record, Recording, output_weights
from keras_vnn.models import view

Doubles = NDArray[np.float64]

# Those of scikit-learn's RidgeCV, which the released code of DrugCell takes.
ALPHAS = (0.1, 1.0, 10.0)


def ridge_predictions(train: Doubles, targets: Doubles, test: Doubles) -> Doubles:
    """Return what ridge regressions with an intercept predict.

    Parameters
    ----------
    train
        ``(cells, features)``.
    targets
        ``(cells, outputs)``; each has a penalty of its own, one of `ALPHAS`.
    test
        ``(other cells, features)``.

    Returns
    -------
    numpy.ndarray
        ``(other cells, outputs)``.
    """
    middle, level = train.mean(axis=0), targets.mean(axis=0)
    centred, wanted = train - middle, targets - level
    left, values, right = np.linalg.svd(centred, full_matrices=False)
    projected = left.T @ wanted
    best = np.full(targets.shape[1], np.inf)
    weights = np.zeros((train.shape[1], targets.shape[1]))
    for alpha in ALPHAS:
        shrunk = values**2 / (values**2 + alpha)
        leverage = left**2 @ shrunk + 1 / len(train)
        left_out = (wanted - left @ (shrunk[:, None] * projected)) / (1 - leverage)[:, None]
        error = (left_out**2).mean(axis=0)
        is_better = error < best
        best = np.where(is_better, error, best)
        weights = np.where(is_better, right.T @ ((values / (values**2 + alpha))[:, None] * projected), weights)
    return np.asarray((test - middle) @ weights + level)


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
            "RLIPP needs at least 2 folds of at least 3 cells, or 0 folds, to score the cells it was fitted to; "
            f"got {folds} folds of {cells} cells."
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


def improvements_of(
    arch: Architecture, records: Iterable[tuple[slice, Record]], targets: Doubles, layers: Sequence[int], **options: Any
) -> dict[int, Improvement]:
    """Return the improvements of the nodes of some layers, of a network that was run on parts of the cells."""
    parts = [done.units for _, done in records]
    units = {number: np.concatenate([part[number] for part in parts]) for number in range(len(arch.layers))}
    return improvements(arch, units, targets, layers, **options)


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
    reads = [
        (source, arch.adjacency(source, target, units=True).tocsc())
        for source, target in sorted(arch.connections)
        if target == number
    ]
    for start in np.cumsum(arch.layers[number].units) - arch.layers[number].units:
        found = [(source, units.indices[units.indptr[start] : units.indptr[start + 1]]) for source, units in reads]
        found = [(source, places) for source, places in found if len(places)]
        yield [part for part in found if part[0]] or found


def _principal(values: Doubles, count: int) -> Doubles:
    """Return the first principal components of some columns."""
    if values.shape[1] <= count:
        return values
    centred = values - values.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(centred @ directions[:count].T)


RLIPP_TARGETS = ("labels", "predictions")


def rlipp(
    model: keras.Model,
    data: Any,
    labels: Any = None,
    *,
    target: str = "labels",
    folds: int = 5,
    reduce_children: bool = False,
    layers: Sequence[int] | None = None,
    missing: str = "raise",
    batch_size: int = 512,
    seed: int = 0,
    progress: bool = True,
) -> pd.DataFrame:
    """Return how much better the units of each node predict a target than those of its children do.

    The relative local improvement in predictive power: a ridge regression, its penalty chosen by leaving out one cell,
    on the units of a node, and one on all units of the nodes it reads (of its genes, where it reads no other node).
    Both are scored by Spearman's ρ of prediction and target. ``rank_nodes(method="rlipp")`` ranks by the difference.

    Parameters
    ----------
    model, data, labels, missing, batch_size
        As in `tl.rank_nodes`.
    target
        ``"labels"``: a class against the others, or the numbers of a regression, as the papers have it;
        ``"predictions"``: the model's own scores, as the released code of DrugCell and NeST-VNN has it.
    folds
        Parts of the cells, each predicted by regressions on the others; ρ is the mean of those of the parts. 0 scores
        the cells that the regression was fitted to, as papers and code do; it favours whoever has more units.
    reduce_children
        Take as many principal components of the children as the node has units, as the released code does.
    layers
        Numbers of the layers; all hidden ones when ``None``.
    seed
        Of the folds.
    progress
        Show a live line, on a terminal or in a notebook.

    Returns
    -------
    pandas.DataFrame
        By id of the node, a row per output: ``label``, ``layer``, ``output``, ``rho`` of the node, ``rho_children``,
        their ``difference`` and ``ratio``, which is NaN where the children predict nothing (ρ not above 0). Sorted by
        output, then difference, the largest first.

    Raises
    ------
    ConfigError
        The target is unknown, or the folds do not go with the number of cells.
    DataError
        The target is the labels and there are none.
    ModelError, GeneError
        As `tl.rank_nodes`.

    References
    ----------
    Ma et al. 2018, Using deep learning to model the hierarchical structure and function of a cell,
    doi:10.1038/nmeth.4627; Kuenzi et al. 2020, doi:10.1016/j.ccell.2020.09.014 (DrugCell)
    """
    check_choice("target", target, RLIPP_TARGETS)
    if target == "labels" and labels is None:
        raise DataError(
            "There are no labels to predict.\n"
            + by_place(
                remedy("Name their column: {label}", label=...),
                'Pass labels, or take the model\'s scores: target="predictions"',
            )
        )
    seen = view(model)
    arch, head = seen.architecture, output_weights(seen)
    numbers = hidden_layers(seen, layers)
    cells = cells_of(seen, data, labels, missing=missing)
    recording = list(Recording(seen, cells, batch_size=batch_size))
    scores = np.concatenate([head.scores(done.features) for _, done in recording])
    goal = goal_of(seen, cells, scores)
    targets = goal.targets if target == "labels" else scores.astype(np.float64)
    options = {"folds": folds, "reduce_children": reduce_children, "seed": seed}
    with progressing("rlipp", sum(len(arch.layers[number]) for number in numbers), is_wanted=progress) as advance:
        found = improvements_of(arch, recording, targets, numbers, advance=advance, **options)
    both = Improvement(*(np.concatenate([getattr(part, of) for part in found.values()]) for of in ("node", "children")))
    nodes = arch.node_table()
    nodes = nodes.loc[nodes["layer"].isin(numbers), ["label", "layer"]]
    tables = []
    for output, name in enumerate(head.names):
        table = nodes.assign(output=name, rho=both.node[:, output], rho_children=both.children[:, output])
        table = table.assign(difference=both.difference[:, output], ratio=both.ratio[:, output])
        tables.append(table.sort_values("difference", ascending=False, kind="stable"))
    return pd.concat(tables)
