"""The methods of importance: what the nodes of a layer do to the outputs.

In: a `LayerView`, a recorded network opened at the units of one layer; what the cells weigh. Out: contributions of its
nodes cell by cell, in blocks, and their sums, an `Importance`.
To add a method, write a function that yields blocks and name it in `IMPORTANCE_METHODS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from keras_vnn.basics.errors import ConfigError, DataError, ModelError, check_choice
from keras_vnn.data import Classes, SurvivalTimes, Targets, null_residuals
from keras_vnn.inspection._cells import Cells, class_labels
from keras_vnn.inspection._evidence import Groups
from keras_vnn.inspection._forward_pass import ForwardPass, Numbers, forward_pass
from keras_vnn.inspection._record import (
    Floats,
    OutputWeights,
    Record,
    Segment,
    check_finite,
    from_layer,
    output_weights,
    score_gradients,
    scores_of,
)
from keras_vnn.inspection._spread import Spread
from keras_vnn.models import ModelView, Regression, Survival

# Some cells, some nodes by position in their layer, and ``(nodes, outputs, cells)`` contributions to the outputs.
Block: TypeAlias = tuple[slice, NDArray[np.intp], Floats]


@dataclass(frozen=True, eq=False)
class Network:
    """A network, and what is found out of it once for all layers and cells.

    Attributes
    ----------
    model_view
        The model.
    means
        By number of the layer, ``(units,)`` mean activity of each unit over all cells that are asked about.
    batch_size
        Rows in one call of the network.
    room
        The part of the usual memory that nodes and cells handled together may take.
    """

    model_view: ModelView
    means: Mapping[int, Floats]
    batch_size: int
    room: float = 1.0

    @cached_property
    def weights(self) -> OutputWeights:
        """From features to scores."""
        return output_weights(self.model_view)

    @cached_property
    def forward(self) -> ForwardPass:
        """What it computes."""
        return forward_pass(self.model_view)

    @cached_property
    def _spreads(self) -> dict[int, Spread]:
        return {}

    def spread(self, number: int) -> Spread:
        """Return what follows changes of the nodes of a layer."""
        if number not in self._spreads:
            self._spreads[number] = Spread(self.model_view, self.forward, number, self.room)
        return self._spreads[number]


@dataclass(frozen=True, eq=False)
class LayerView:
    """A recorded network, opened at the units of one layer.

    Attributes
    ----------
    network
        The network.
    done
        What it did on the cells.
    number
        The layer; 0 is the genes.
    """

    network: Network
    done: Record
    number: int

    @property
    def means(self) -> Floats:
        """``(units,)`` mean activity of each unit of the layer, over all cells that are asked about."""
        return self.network.means[self.number]

    @cached_property
    def starts(self) -> NDArray[np.intp]:
        """``(nodes,)`` first unit of each node of the layer."""
        units = self.network.model_view.architecture.layers[self.number].units
        return np.asarray(np.cumsum(units) - units, np.intp)

    @property
    def kernel(self) -> Floats:
        """``(features, outputs)`` from features to scores."""
        return self.network.weights.kernel

    @cached_property
    def rest(self) -> tuple[Segment, list[Floats]]:
        """The segment from the units of the layer to the features, and its inputs."""
        return from_layer(self.network.model_view, self.done, self.number)

    @cached_property
    def cost(self) -> int:
        """Numbers that one row needs on its way through the rest of the network."""
        seen = self.network.model_view
        later = range(self.number + 1, len(seen.architecture.layers))
        connections = sum(int(seen.sparse_layer(number).connections.count) for number in later)
        return connections + sum(int(values.shape[1]) for values in self.rest[1])

    def summed(self, cells: slice, values: Numbers) -> Block:
        """Return ``(outputs, cells, units)`` contributions of units as those of their nodes, all nodes of the layer."""
        by_node = np.add.reduceat(values, self.starts, axis=2)
        nodes = np.arange(len(self.starts))
        return cells, nodes, np.ascontiguousarray(by_node.transpose(2, 0, 1), np.float32)

    def batches(self, numbers_per_cell: int, budget: int) -> list[slice]:
        """Return the cells in slices whose arrays stay within a budget of numbers, at least one cell each."""
        cells = len(self.done.features)
        step = max(1, min(cells, int(budget * self.network.room) // max(1, numbers_per_cell)))
        return [slice(start, min(start + step, cells)) for start in range(0, cells, step)]


# Numbers in the gradients of a block: 64 MB in single precision, as much again where all points of a way are run.
_GRADIENTS, _WAYS = 2**24, 2**23
# Points of Gauss and Legendre on the way: for the smooth activations of these networks more than enough.
_POINTS = 20
# Step of the derivatives along the way, in double precision.
_STEP = 1e-5
# Shift of a node by KPNN, in double precision too.
_EPSILON = 0.001


def knockout(view: LayerView, levels: Floats) -> Iterator[Block]:
    """Yield scores as they are less scores with all units of each node held at levels."""

    def to_level(activities: Numbers, units: NDArray[np.intp]) -> Numbers:
        return levels[units][:, None] - activities

    output = view.network.forward.output
    for cells in view.batches(1, view.network.batch_size):
        for nodes, before, (after,) in view.network.spread(view.number).follow(view.done, cells, to_level):
            lost = output.scores(before) - output.scores(after)
            check_finite(lost)
            yield cells, nodes, np.asarray(lost, np.float32)


def epsilon(view: LayerView) -> Iterator[Block]:
    """Yield [ŷ(n + ε) − ŷ(n − ε)] / 2ε of the predictions ŷ, all units of a node shifted: node weights of KPNN."""

    def up(activities: Numbers, units: NDArray[np.intp]) -> Numbers:
        return np.full_like(activities, _EPSILON)

    def down(activities: Numbers, units: NDArray[np.intp]) -> Numbers:
        return np.full_like(activities, -_EPSILON)

    predictions = view.network.forward.output.predictions
    for cells in view.batches(1, view.network.batch_size):
        ways = view.network.spread(view.number).follow(view.done, cells, up, down, precision=np.float64)
        for nodes, _, (above, below) in ways:
            slope = (predictions(above) - predictions(below)) / (2 * _EPSILON)
            check_finite(slope)
            yield cells, nodes, np.asarray(slope, np.float32)


def gradient(view: LayerView, levels: Floats) -> Iterator[Block]:
    """Yield gradient × (activity − level), summed over the units of each node: to first order those of a knock-out."""
    yield from _along(view, levels, np.ones(1), np.ones(1))


def integrated_gradients(view: LayerView, levels: Floats) -> Iterator[Block]:
    """Yield (activity − level) × the mean gradient on the straight way there, all units of the layer moving together.

    They add up to the difference of the scores exactly.
    """
    yield from _along(view, levels, *_quadrature())


def _along(view: LayerView, levels: Floats, points: Numbers, weights: Numbers) -> Iterator[Block]:
    segment, values = view.rest
    activities = view.done.units[view.number]
    count, outputs = len(points), view.kernel.shape[1]
    for cells in view.batches(count * max(activities.shape[1] * outputs, view.cost), _GRADIENTS):
        own, *others = [array[cells] for array in values]
        distance = own - levels
        # All points of the way are rows of one call: a deep network is many small steps, which cost what they cost.
        there = np.asarray(levels + points[:, None, None] * distance, np.float32).reshape(-1, own.shape[1])
        slopes = score_gradients(segment, [there, *(_repeated(other, count) for other in others)], view.kernel)
        mean = np.einsum("p,opcu->ocu", np.asarray(weights, np.float32), slopes.reshape(outputs, count, *own.shape))
        yield view.summed(cells, mean * distance)


def conductance(view: LayerView, levels: Floats) -> Iterator[Block]:
    """Yield what flows through each node when the genes go from levels to what they are, on the straight way.

    A node is credited with its own change on that way times the slope of the scores in it. For the genes themselves,
    these are integrated gradients.
    """
    forward, done, number = view.network.forward, view.done, view.number
    per_cell = sum(values.shape[1] for values in done.units.values())
    outputs = view.kernel.shape[1]
    points, weights = _quadrature()
    for cells in view.batches(len(points) * per_cell * (4 + outputs), _WAYS):
        genes = done.units[0][cells].T.astype(np.float64)
        start = levels[:, None].astype(np.float64)
        # All points of the way are cells of one run.
        places = np.repeat(points, genes.shape[1])
        genes, start = np.tile(genes, len(points)), np.tile(start, len(places))
        units = forward.run(start + places * (genes - start), number)
        ahead, behind = (
            forward.run(start + (places + step) * (genes - start), number)[number] for step in (_STEP, -_STEP)
        )
        there = replace(
            done,
            steps={layer: np.ascontiguousarray(values.T, np.float32) for layer, values in units.items()},
            side=tuple(_repeated(part[cells], len(points)) for part in done.side),
        )
        segment, values = from_layer(view.network.model_view, there, number)
        slopes = score_gradients(segment, values, view.kernel) * ((ahead - behind) / (2 * _STEP)).T
        slopes = slopes.reshape(outputs, len(points), -1, len(view.means))
        yield view.summed(cells, np.einsum("p,opcu->ocu", weights, slopes))


def _quadrature() -> tuple[Numbers, Numbers]:
    """Return points between 0 and 1, and their weights."""
    points, weights = np.polynomial.legendre.leggauss(_POINTS)
    return (points + 1) / 2, weights / 2


def _repeated(values: Floats, times: int) -> Floats:
    """Return ``(times × cells, …)``: the cells again and again."""
    return np.tile(values, (times, *np.ones(values.ndim - 1, int)))


# From a recorded network to contributions of the nodes of a layer, cell by cell.
Contributions: TypeAlias = Callable[[LayerView], Iterator[Block]]


@dataclass(frozen=True, slots=True)
class ImportanceMethod:
    """A way to measure what nodes do to the outputs.

    Attributes
    ----------
    words
        What a contribution is.
    unit
        What it is counted in.
    contributions
        From a recorded network to contributions of nodes, cell by cell; ``None`` where the method has none.
    is_slope
        Whether contributions are slopes that are averaged over all cells, with their signs, before they are judged.
    """

    words: str
    unit: str
    contributions: Contributions | None
    is_slope: bool = False


def _pair(
    name: str, method: Callable[[LayerView, Floats], Iterator[Block]], mean: str, zero: str, layer: int | None = None
) -> dict[str, ImportanceMethod]:
    """Return a method that starts at means, of the layer that is looked at or of another, and one that does at zero."""

    def means(view: LayerView) -> Floats:
        return view.network.means[view.number if layer is None else layer]

    return {
        name: ImportanceMethod(mean, "score", lambda view: method(view, means(view))),
        f"{name}-zero": ImportanceMethod(zero, "score", lambda view: method(view, np.zeros_like(means(view)))),
    }


_HELD = "output lost when the node is held at"
_INTEGRATED = "integrated gradients of the layer, from"
IMPORTANCE_METHODS: Mapping[str, ImportanceMethod] = MappingProxyType(
    _pair("knockout", knockout, f"{_HELD} its mean", f"{_HELD} zero")
    | _pair("gradient", gradient, "gradient × (activity − mean)", "gradient × activity")
    | _pair("integrated-gradients", integrated_gradients, f"{_INTEGRATED} its mean", f"{_INTEGRATED} zero")
    | _pair("conductance", conductance, "conductance, genes from their means", "conductance, genes from zero", 0)
    | {
        "epsilon": ImportanceMethod(
            "[ŷ(n + ε) − ŷ(n − ε)] / 2ε, ε = 0.001", "prediction per unit of activity", epsilon, is_slope=True
        ),
        "rlipp": ImportanceMethod("ρ of the node less ρ of its children", "Spearman's ρ", None),
    }
)


def contributions_of(method: str) -> Contributions:
    """Return what yields the contributions of a method.

    Raises
    ------
    ConfigError
        There is no such method, or it has no contributions of single cells.
    """
    per_cell = {name: known.contributions for name, known in IMPORTANCE_METHODS.items() if known.contributions}
    if method in IMPORTANCE_METHODS and method not in per_cell:
        raise ConfigError(f"The method {method} has no contributions of single cells.\nTake {', '.join(per_cell)}.")
    check_choice("method", method, per_cell)
    return per_cell[method]


DEFAULT_METHOD = "knockout"


@dataclass(frozen=True, slots=True, eq=False)
class Importance:
    """What the nodes of one layer do to the outputs.

    Attributes
    ----------
    score
        ``(nodes,)``: mean over cells and outputs of the absolute contribution.
    effects
        ``(nodes, outputs)`` signed contributions; NaN for a class without cells.
    """

    score: NDArray[np.float64]
    effects: NDArray[np.float64]

    def __add__(self, other: Importance) -> Importance:
        """Return the sum of the shares of different cells."""
        return Importance(self.score + other.score, self.effects + other.effects)

    @property
    def ranks(self) -> NDArray[np.int64]:
        """``(nodes,)`` places by score, from 1; equal scores in the order of the nodes."""
        ranks = np.empty(len(self.score), np.int64)
        ranks[(-self.score).argsort(kind="stable")] = np.arange(1, len(self.score) + 1)
        return ranks


@dataclass(frozen=True, slots=True, eq=False)
class Goal:
    """What weighs the signed contributions of cells.

    Of classes, those to the class of a cell count, in the mean over the cells of the class; of numbers, contributions
    are slopes along the standardised target.

    Attributes
    ----------
    targets
        ``(cells, outputs)``: 1 for the class of a cell, 0 for the others; or the standardised target, over the number
        of cells.
    sizes
        ``(outputs,)`` how many cells each class has; 1 for a number.
    """

    targets: NDArray[np.float64]
    sizes: NDArray[np.float64]

    def weights(self, rows: slice) -> NDArray[np.float64]:
        """Return ``(rows, outputs)`` of some cells."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.targets[rows] / self.sizes


def hidden_layers(seen: ModelView, layers: Sequence[int] | None) -> list[int]:
    last = len(seen.architecture.layers) - 1
    every = range(1, last + 1)
    chosen = set(every if layers is None else layers)
    wrong = [number for number in chosen if number not in every]
    if wrong:
        raise ModelError(f"There is no hidden layer {wrong[0]!r}: they are numbered 1 to {last}.")
    if not chosen:
        raise ModelError("No layer is named.")
    return sorted(chosen)


def goal_of(seen: ModelView, cells: Cells, scores: Floats) -> Goal:
    """Return what weighs the signed contributions, from labels or from the ``(cells, outputs)`` scores."""
    outputs = len(output_weights(seen).names)
    if isinstance(seen.outputs, Classes):
        codes = scores.argmax(axis=1) if cells.labels is None else class_labels(seen.outputs, cells).codes
        return Goal(np.eye(outputs)[codes], np.bincount(codes, minlength=outputs).astype(np.float64))
    targets = scores.astype(np.float64) if cells.labels is None else targets_given(seen, cells)
    centred = targets - targets.mean(axis=0)
    deviation = centred.std(axis=0)
    slopes = np.divide(centred, deviation * len(cells), out=np.zeros_like(centred), where=deviation > 0)
    return Goal(slopes, np.ones(outputs))


def groups_of(seen: ModelView, cells: Cells, batch_size: int) -> tuple[tuple[str, ...], Groups, Any]:
    """Return the names of what cells are told apart by, that of the cells, and labels that a split was drawn by.

    Where there are no labels, what the model says of the cells takes their place.
    """
    scores: Any = scores_of(seen, cells, batch_size) if cells.labels is None else None
    if isinstance(seen.outputs, Regression):
        names = seen.outputs.names
        values = targets_given(seen, cells) if scores is None else scores
        drawn = cells.labels if isinstance(cells.labels, SurvivalTimes) else None
        return names, Groups(np.asarray(values, np.float64), are_classes=False), drawn
    known = seen.outputs if isinstance(seen.outputs, Classes) else None
    if known is not None and scores is not None:
        return known.names, Groups(np.eye(len(known))[scores.argmax(axis=1)], are_classes=True), None
    drawn_by = class_labels(known, cells)
    known = drawn_by.classes
    return known.names, Groups(np.eye(len(known))[drawn_by.codes], are_classes=True), drawn_by


def layer_importance(
    view: LayerView, weights: NDArray[np.float64], method: str, cells: int, advance: Callable[[float], None]
) -> Importance:
    """Return the share that the cells of a view have in the importance of all nodes of its layer.

    ``weights`` are those of a goal for these cells, ``cells`` the number of all cells. Shares add up; for slopes,
    `settled` makes importance of the sum.
    """
    outputs = weights.shape[1]
    nodes = len(view.starts)
    score, effects = np.zeros(nodes), np.zeros((nodes, outputs))
    is_slope = IMPORTANCE_METHODS[method].is_slope
    for place, chosen, contributions in contributions_of(method)(view):
        if is_slope:
            effects[chosen] += contributions.sum(axis=2, dtype=np.float64) / cells
        else:
            score[chosen] += np.abs(contributions).sum(axis=(1, 2), dtype=np.float64) / (cells * outputs)
            effects[chosen] += np.einsum("noc,co->no", contributions, weights[place])
        advance(len(chosen) * contributions.shape[2] / cells)
    return Importance(score, effects)


def settled(importance: Importance, method: str) -> Importance:
    """Return the importance that the shares of all cells add up to."""
    if IMPORTANCE_METHODS[method].is_slope:
        return Importance(np.abs(importance.effects).mean(axis=1), importance.effects)
    return importance


def targets_given(seen: ModelView, cells: Cells) -> NDArray[np.float64]:
    """Return the ``(cells, outputs)`` numbers that labels of a regression give; of survival, martingale residuals."""
    values = np.asarray(cells.labels.values if isinstance(cells.labels, Targets) else cells.labels)
    if values.dtype.kind not in "biuf":
        raise DataError(f"The model predicts numbers, but the labels are of type {values.dtype}.\nPass the numbers.")
    values = values.astype(np.float64).reshape(len(values), -1)
    of_survival = isinstance(seen.outputs, Survival)
    count, what = (2, "time and event") if of_survival else (len(output_weights(seen).names), "outputs")
    if values.shape != (len(cells), count):
        expected = f"(cells, {what}) = ({len(cells)}, {count})"
        raise DataError(f"The targets have shape {values.shape}, expected {expected}.")
    if not np.isfinite(values).all():
        raise DataError(f"{int((~np.isfinite(values)).sum())} of {values.size} targets are not finite numbers.")
    return null_residuals(values)[:, None] if of_survival else values
