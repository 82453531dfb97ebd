"""`Findings`: activity and importance of every node, measured on data or remembered by the model.

In: a model, cells, labels. Out: a `Findings`, and a model that keeps one, so that its file alone can answer; means,
deviations and effect sizes of units by class; a table of them.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.basics.errors import ConfigError, DataError, ModelError, check_choice
from keras_vnn.basics.keras_import import keras
from keras_vnn.basics.progress import progressing
from keras_vnn.data import Classes, Split
from keras_vnn.inspection._cells import Cells, cells_of, class_codes
from keras_vnn.inspection._importance import (
    DEFAULT_METHOD,
    Importance,
    goal_of,
    groups_of,
    hidden_layers,
    layer_importance,
    settled,
)
from keras_vnn.inspection._methods import IMPORTANCE_METHODS, LayerView, Network
from keras_vnn.inspection._node_table import NodeTable, node_table_of, packed, replicates_of
from keras_vnn.inspection._orientation import Signs, orientation_of
from keras_vnn.inspection._record import Recording, output_weights, without_outputs
from keras_vnn.inspection._rlipp import improvements_of
from keras_vnn.models import Embedding, ModelView, view, weights_digest

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
# What is remembered of a layer.
_OF_ACTIVITY = ("mean", "deviation", "effect_size")
_OF_IMPORTANCE = ("score", "effects")


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
    data: Any,
    labels: Any,
    *,
    method: str | None,
    layers: Sequence[int],
    missing: str,
    batch_size: int,
    cells: Cells | None = None,
    importance: bool = True,
    orientation: bool = False,
    genes: bool = False,
    progress: bool = False,
) -> Findings:
    """Measure activity and importance of the nodes of some layers, and what else is asked for.

    ``cells`` are those of the data where they are known already; ``orientation`` is for units that are to be shown.
    """
    chosen = method or DEFAULT_METHOD
    check_choice("method", chosen, IMPORTANCE_METHODS)
    cells = cells_of(seen, data, labels, missing=missing) if cells is None else cells
    is_embedding = isinstance(seen.outputs, Embedding)
    # The classes of the cells, as far as they are known before the network has run.
    known = seen.outputs if isinstance(seen.outputs, Classes) else None
    codes = None
    if labels is not None and (is_embedding or known is not None):
        known, codes = class_codes(known, labels, cells, data)
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
    if is_embedding or not importance:
        return Findings(chosen, len(cells), classes, statistics, {}, signs)
    goal = goal_of(seen, labels, cells, data, np.concatenate(scores))
    ranked = [number for number in layers if number or genes]
    network = Network(seen, {number: moment.means for number, moment in moments.items()}, batch_size)
    total = sum(len(seen.architecture.layers[number]) for number in ranked)
    with progressing(chosen, total, is_wanted=progress) as advance:
        if IMPORTANCE_METHODS[chosen].contributions is None:
            targets = goal.targets if labels is not None else np.concatenate(scores).astype(np.float64)
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


def measured(
    seen: ModelView,
    data: Any,
    labels: Any,
    *,
    replicate: Any = None,
    split: Split | None = None,
    missing: str,
    batch_size: int,
    cells: Cells | None = None,
    progress: bool = False,
) -> NodeTable:
    """Measure what may be said of all hidden nodes: evidence, what they learned, use."""
    cells = cells_of(seen, data, labels, missing=missing) if cells is None else cells
    is_embedding = isinstance(seen.outputs, Embedding)
    if is_embedding and labels is None:
        raise without_outputs(seen)
    names, groups, drawn_by = groups_of(seen, cells, labels, data, batch_size)
    replicates, called = (None, None) if replicate is None else replicates_of(cells, replicate)

    def use(some: Cells) -> Any:
        """Return the importance of all hidden nodes by knock-out."""
        layers = hidden_layers(seen, None)
        if is_embedding:
            return np.full(sum(len(seen.architecture.layers[number]) for number in layers), np.nan)
        how: Any = {"missing": missing, "batch_size": batch_size, "progress": progress}
        found = findings_of(seen, None, None, method=None, layers=layers, cells=some, **how)
        return np.concatenate([found.importance[number].score for number in layers])

    return node_table_of(
        seen, cells, names, groups, use,
        labels=drawn_by, split=split, replicates=replicates, replicate=called, batch_size=batch_size,
    )  # fmt: skip


def remember_inspection(
    model: keras.Model,
    data: Any,
    labels: Any = None,
    *,
    method: str | None = None,
    split: Split | None = None,
    missing: str = "raise",
    batch_size: int = 512,
    progress: bool = True,
) -> None:
    """Measure all nodes, as `tl.rank_nodes` and `tl.inspect_node` do, and keep that in the model, saved with it.

    `tl.inspect_node` and `tl.rank_nodes` then answer without data. A model that is trained further forgets.

    Parameters
    ----------
    model
        A model of `build_model`; it is changed.
    data, labels, method, missing, batch_size, progress
        As in `tl.rank_nodes`.
    split
        Which of these cells the model was trained on; found again from what the model remembers of its training when
        ``None``.

    Raises
    ------
    ConfigError, DataError, GeneError, ModelError
        As `tl.rank_nodes`.
    """
    seen = view(model)
    layers = range(len(seen.architecture.layers))
    cells = cells_of(seen, data, labels, missing=missing)
    how: Any = {"cells": cells, "missing": missing, "batch_size": batch_size, "progress": progress}
    found = findings_of(seen, data, labels, method=method, layers=layers, orientation=True, **how)
    table = None
    if not isinstance(seen.outputs, Embedding) or labels is not None:
        table = measured(seen, data, labels, split=split, **how).packed()
    seen.card.remember(
        inspection={
            "weights": weights_digest(seen.model),
            "method": found.method,
            "cells": found.cells,
            "classes": list(found.classes),
            "class_cells": found.statistics[0].cells.tolist(),
            "statistics": {
                str(number): {name: packed(getattr(part, name), "<f4") for name in _OF_ACTIVITY}
                for number, part in found.statistics.items()
            },
            "importance": {
                str(number): {name: packed(getattr(part, name), "<f4") for name in _OF_IMPORTANCE}
                for number, part in found.importance.items()
            },
            "orientation": {str(number): packed(signs, "<f4") for number, signs in found.orientation.items()},
            "nodes": table,
        }
    )


def recalled_tables(seen: ModelView) -> list[NodeTable]:
    """Return the tables of nodes a model remembers, its own and of further runs; none if it was trained since."""
    kept = _kept(seen)
    if kept is None or kept.get("nodes") is None:
        return []
    nodes = sum(len(layer) for layer in seen.architecture.hidden_layers)
    try:
        return [NodeTable.unpacked(table, nodes) for table in (kept["nodes"], *kept.get("runs", ()))]
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise _damaged(error) from error


def remember_runs(model: keras.Model, others: Sequence[keras.Model]) -> None:
    """Keep the tables of nodes of further trainings with a model that remembers its own."""
    card = view(model).card
    tables = [view(other).card.metadata["inspection"]["nodes"] for other in others]
    card.remember(inspection={**card.metadata["inspection"], "runs": tables})


def recalled(seen: ModelView) -> Findings | None:
    """Return what a model remembers of its nodes; ``None`` when it does not, or was trained further since."""
    kept = _kept(seen)
    if kept is None:
        return None
    try:
        classes = tuple(kept["classes"])
        cells = np.array(kept["class_cells"], np.int64)
        statistics = {
            int(number): ClassStatistics(cells, *(_unpacked(part[name], len(classes)) for name in _OF_ACTIVITY))
            for number, part in kept["statistics"].items()
        }
        importance = {
            int(number): Importance(
                _unpacked(part["score"], 1)[0], _unpacked(part["effects"], len(seen.architecture.layers[int(number)]))
            )
            for number, part in kept["importance"].items()
        }
        orientation = {
            int(number): _unpacked(text, 1)[0].astype(np.int8) for number, text in kept.get("orientation", {}).items()
        }
        return Findings(kept["method"], int(kept["cells"]), classes, statistics, importance, orientation)
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise _damaged(error) from error


def _kept(seen: ModelView) -> Mapping[str, Any] | None:
    kept: Mapping[str, Any] | None = seen.card.metadata.get("inspection")
    return kept if kept is not None and kept["weights"] == weights_digest(seen.model) else None


def _damaged(error: Exception) -> ModelError:
    return ModelError(f"What the model remembers of its nodes is damaged: {error}.\nPass data to measure it again.")


def _unpacked(text: str, rows: int) -> NDArray[np.float64]:
    content = zlib.decompress(base64.b64decode(text, validate=True))
    return np.frombuffer(content, "<f4").reshape(rows, -1).astype(np.float64)


def activity_table(
    model: keras.Model, data: Any = None, labels: Any = None, *, missing: str = "raise", batch_size: int = 512
) -> pd.DataFrame | None:
    """Return how active every unit of every node is in the cells of each class; genes are among the nodes.

    Parameters
    ----------
    model
        A model of `build_model`.
    data, labels, missing, batch_size
        As in `tl.rank_nodes`. When ``data`` is ``None``: what the model remembers.

    Returns
    -------
    pandas.DataFrame or None
        A row per unit and class, in the order of the architecture: ``node`` (id), ``layer``, ``unit``, ``class``
        (``all cells`` where there are none), ``mean``, ``sd``, ``cells``, ``effect_size`` (Cohen's d of the class
        against all other cells), ``turned``: whether the unit is shown with the other sign, so that it rises with the
        mean of the genes of its node; a unit has no sign of its own. ``None`` without data when the model remembers
        nothing, or was trained further since.

    Raises
    ------
    DataError, GeneError, ModelError
        As `tl.rank_nodes`.
    """
    seen = view(model)
    arch = seen.architecture
    if data is None:
        found = recalled(seen)
        if found is None:
            return None
    else:
        layers = range(len(arch.layers))
        found = findings_of(
            seen,
            data,
            labels,
            method=None,
            layers=layers,
            missing=missing,
            batch_size=batch_size,
            importance=False,
            orientation=True,
        )
    names = np.array(found.classes, dtype=object)
    parts = []
    for number, layer in enumerate(arch.layers):
        statistics, signs = found.turned(number), found.orientation.get(number)
        ids, units = layer.unit_table()
        if len(ids) != statistics.mean.shape[1]:  # several numbers per gene
            repeats = statistics.mean.shape[1] // len(layer)
            ids = tuple(np.repeat(np.array(layer.ids, dtype=object), repeats))
            units = np.tile(np.arange(repeats), len(layer))
        parts.append(
            pd.DataFrame(
                {
                    "node": np.repeat(np.array(ids, dtype=object), len(names)),
                    "layer": number,
                    "unit": np.repeat(units, len(names)),
                    "class": np.tile(names, len(ids)),
                    "mean": statistics.mean.T.ravel(),
                    "sd": statistics.deviation.T.ravel(),
                    "cells": np.tile(statistics.cells, len(ids)),
                    "effect_size": statistics.effect_size.T.ravel(),
                    "turned": False if signs is None else np.repeat(signs < 0, len(names)),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
