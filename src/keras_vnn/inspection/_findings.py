"""`Findings`: activity and importance of nodes, measured on data, and which way round each unit is.

In: a model and cells. Out: a `Findings`; means, deviations and effect sizes of units by class. A unit has no sign of
its own, so it is turned to rise with the mean of its genes; turned with its weights, it gives the same network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.architecture import Architecture, genes_upstream
from keras_vnn.basics.errors import ConfigError, DataError, check_choice
from keras_vnn.basics.progress import progressing
from keras_vnn.data import Classes
from keras_vnn.inspection._cells import Cells, class_labels
from keras_vnn.inspection._evidence import set_scores, standardised
from keras_vnn.inspection._methods import (
    DEFAULT_METHOD,
    IMPORTANCE_METHODS,
    Importance,
    LayerView,
    Network,
    goal_of,
    layer_importance,
    settled,
)
from keras_vnn.inspection._record import Recording, output_weights
from keras_vnn.inspection._rlipp import improvements_of
from keras_vnn.models import Embedding, ModelView

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ClassStatistics:
    """Activities of units by class; NaN where there are too few cells to say.

    Attributes
    ----------
    cells
        ``(classes,)`` numbers of cells.
    mean, deviation
        ``(classes, units)`` mean, and standard deviation (n - 1).
    effect_size
        ``(classes, units)`` Cohen's d of the cells of the class against all others: difference of the means in
        pooled standard deviations; 0 where the means are equal.
    """

    cells: NDArray[np.int64]
    mean: Doubles
    deviation: Doubles
    effect_size: Doubles


class ClassMoments:
    """Means and squares of units by class over all cells seen, merged as by Chan, Golub and LeVeque.

    Parameters
    ----------
    classes
        How many there are.
    """

    def __init__(self, classes: int) -> None:
        self._cells = np.zeros(classes, np.int64)
        self._mean: Doubles | None = None
        self._squares: Doubles | None = None
        self._sum: Doubles | None = None

    def see(self, activities: NDArray[np.floating], codes: NDArray[np.integer]) -> None:
        """Take in ``(cells, units)`` activities and the class of each cell."""
        units, classes = activities.shape[1], len(self._cells)
        if self._mean is None or self._squares is None or self._sum is None:
            self._mean, self._squares = np.zeros((classes, units)), np.zeros((classes, units))
            self._sum = np.zeros(units)
        self._sum += activities.sum(axis=0, dtype=np.float64)
        counts = np.bincount(codes, minlength=classes)
        for code in np.flatnonzero(counts):
            of_class = activities[codes == code].astype(np.float64)
            mean = of_class.mean(axis=0)
            before, count = self._cells[code], counts[code]
            step = mean - self._mean[code]
            self._mean[code] += step * (count / (before + count))
            self._squares[code] += ((of_class - mean) ** 2).sum(axis=0) + step**2 * (before * count / (before + count))
        self._cells += counts

    @property
    def means(self) -> NDArray[np.float32]:
        """``(units,)`` means over all cells."""
        return np.asarray(self._sum / self._cells.sum(), np.float32)

    def statistics(self) -> ClassStatistics:
        """Return what can be said of the cells seen."""
        if self._mean is None or self._squares is None:
            raise DataError("There is no cell to describe.")
        cells = self._cells
        empty = (cells == 0)[:, None]
        mean, squares = np.where(empty, np.nan, self._mean), np.where(empty, np.nan, self._squares)
        with np.errstate(divide="ignore", invalid="ignore"):
            n = cells[:, None].astype(np.float64)
            deviation = np.where(n > 1, np.sqrt(squares / (n - 1)), np.nan)
            sums, total = np.nansum(mean * n, axis=0), n.sum()
            rest, n_rest = (sums - np.where(n > 0, mean * n, 0)) / (total - n), total - n
            # Squares of the rest around its own mean, from those of each class around its own.
            all_squares = np.nansum(squares + n * (mean - sums / total) ** 2, axis=0)
            rest_squares = all_squares - squares - n * n_rest / total * (mean - rest) ** 2
            pooled = np.sqrt(np.maximum(squares + rest_squares, 0) / (total - 2))
            difference = mean - rest
            scale = np.maximum(np.abs(mean), np.abs(rest))
            same = np.abs(difference) <= 1e-6 * scale
            effect = np.where(same, 0.0, np.where(pooled > 1e-7 * scale, difference / pooled, np.nan))
            effect = np.where((n > 0) & (n_rest > 0), effect, np.nan)
        return ClassStatistics(cells, mean, deviation, effect)


_NO_CLASSES = ("all cells",)


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """Activity and importance of the nodes of a model.

    Attributes
    ----------
    method
        How importance was measured.
    cells
        Number of cells it was measured on.
    classes
        Names of the classes of the cells; ``all cells`` where there are none.
    statistics
        Activity of the units by class, by number of the layer; 0 is the genes.
    importance
        By number of the layer; none for an embedding.
    orientation
        By number of the hidden layer: -1 for units that fall where the genes of their node rise, else 1; empty where
        it is not known.
    """

    method: str
    cells: int
    classes: tuple[str, ...]
    statistics: Mapping[int, ClassStatistics]
    importance: Mapping[int, Importance]
    orientation: Mapping[int, Signs]

    def turned(self, number: int) -> ClassStatistics:
        """Return the statistics of a layer, units turned so that they rise with the genes of their nodes."""
        found, signs = self.statistics[number], self.orientation.get(number)
        if signs is None:
            return found
        return replace(found, mean=found.mean * signs, effect_size=found.effect_size * signs)


def findings_of(
    seen: ModelView,
    cells: Cells,
    layers: Sequence[int],
    ranked: Sequence[int] = (),
    *,
    method: str | None = None,
    batch_size: int,
    orientation: bool = False,
    progress: bool = False,
) -> Findings:
    """Measure activity of the nodes of some layers, and importance of those that are ``ranked``.

    ``orientation`` is for units that are to be shown.
    """
    chosen = method or DEFAULT_METHOD
    check_choice("method", chosen, IMPORTANCE_METHODS)
    is_embedding = isinstance(seen.outputs, Embedding)
    # The classes of the cells, as far as they are known before the network has run.
    known = seen.outputs if isinstance(seen.outputs, Classes) else None
    codes = None
    if cells.labels is not None and (is_embedding or known is not None):
        of = class_labels(known, cells)
        known, codes = of.classes, of.codes
    classes = _NO_CLASSES if known is None else known.names
    head = None if is_embedding else output_weights(seen)
    moments = {number: ClassMoments(len(classes)) for number in sorted({0, *layers})}
    recording = Recording(seen, cells, batch_size=batch_size)
    scores = []
    for rows, done in recording:
        groups = np.zeros(len(done.features), np.int32) if codes is None else codes[rows]
        if head is not None:
            scores.append(head.scores(done.features))
            groups = scores[-1].argmax(axis=1).astype(np.int32) if known is not None and codes is None else groups
        for number, moment in moments.items():
            moment.see(done.units[number], groups)
    statistics = {number: moments[number].statistics() for number in layers}
    signs = {}
    if orientation and any(layers):
        units = (done.units for _, done in recording)
        signs = orientation_of(seen.architecture, cells, lambda _: next(units))
    if is_embedding or not ranked:
        return Findings(chosen, len(cells), classes, statistics, {}, signs)
    goal = goal_of(seen, cells, np.concatenate(scores))
    network = Network(seen, {number: moment.means for number, moment in moments.items()}, batch_size)
    total = sum(len(seen.architecture.layers[number]) for number in ranked)
    with progressing(chosen, total, is_wanted=progress) as advance:
        if IMPORTANCE_METHODS[chosen].contributions is None:
            targets = goal.targets if cells.labels is not None else np.concatenate(scores).astype(np.float64)
            if 0 in ranked:
                raise ConfigError("rlipp compares a node with its children, and genes have none.\nTake another method.")
            found = improvements_of(seen.architecture, recording, targets, ranked, advance=advance)
            measured = {
                number: Importance(part.difference.mean(axis=1), part.difference) for number, part in found.items()
            }
        else:
            measured = {}
            for rows, done in recording:
                weights = goal.weights(rows)
                for number in ranked:
                    opened = LayerView(network, done, number)
                    share = layer_importance(opened, weights, chosen, len(cells), advance)
                    measured[number] = measured[number] + share if number in measured else share
            measured = {number: settled(total, chosen) for number, total in measured.items()}
    return Findings(chosen, len(cells), classes, statistics, measured, signs)


Signs = NDArray[np.int8]


def orientation_of(
    arch: Architecture, cells: Cells, units_of: Callable[[slice], Mapping[int, NDArray[np.floating]]]
) -> dict[int, Signs]:
    """Return, by hidden layer, 1 for a unit that rises with the mean z-score of the genes of its node, else -1.

    Parameters
    ----------
    arch, cells
        The network and its input.
    units_of
        Returns the units ``(rows, units)`` of some rows of the cells, by number of the layer.
    """
    upstream = genes_upstream(arch)
    ends = np.cumsum([len(layer) for layer in arch.hidden_layers])
    products = [np.zeros(int(layer.units.sum())) for layer in arch.hidden_layers]
    totals = [np.zeros((2, int(layer.units.sum()))) for layer in arch.hidden_layers]
    for rows, z in standardised(cells):
        scores, activities = set_scores(upstream, z), units_of(rows)
        for number, layer in enumerate(arch.hidden_layers):
            own = scores[:, ends[number] - len(layer) : ends[number]].repeat(layer.units, axis=1).astype(np.float64)
            units = np.asarray(activities[number + 1], np.float64)
            products[number] += (own * units).sum(axis=0)
            totals[number] += [own.sum(axis=0), units.sum(axis=0)]
    cells_seen = len(cells)
    return {
        number: np.where(product - total[0] * total[1] / cells_seen < 0, -1, 1).astype(np.int8)
        for number, (product, total) in enumerate(zip(products, totals, strict=True), start=1)
    }


def turned_units(arch: Architecture, orientation: Mapping[int, Signs]) -> dict[tuple[str, int], int]:
    """Return -1 by id of the node and number of the unit, for those that are turned."""
    turned = {}
    for number, signs in orientation.items():
        ids, units = arch.layers[number].unit_table()
        turned.update({(ids[place], int(units[place])): -1 for place in np.flatnonzero(signs < 0)})
    return turned


def turned_weights(weights: pd.DataFrame, turned: Mapping[tuple[str, int], int]) -> pd.DataFrame:
    """Return a table of weights, as `tl.edge_weights` gives it, in which each turns with the units at its ends."""
    if not turned:
        return weights

    def signs(node: Any, unit: Any) -> NDArray[np.int64]:
        pairs = zip(node.to_numpy(object), unit.fillna(-1).astype(int), strict=True)
        return np.array([turned.get(pair, 1) for pair in pairs], np.int64)

    both = signs(weights["source"], weights["source_unit"]) * signs(weights["target"], weights["target_unit"])
    return weights.assign(weight=weights["weight"] * both)
