"""`Findings`: activity and importance of every node, measured on data or remembered by the model.

In: a model, cells, labels. Out: a `Findings`, and a model that keeps one, so that its file alone can answer.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_vnn.basics.errors import ConfigError, ModelError
from keras_vnn.basics.progress import progressing
from keras_vnn.data import Classes
from keras_vnn.inspection._cells import cells_of, class_codes
from keras_vnn.inspection._importance import Goal, Importance, chosen_method, goal_of, layer_importance, settled
from keras_vnn.inspection._layer_view import LayerView, Network
from keras_vnn.inspection._methods import IMPORTANCE_METHODS
from keras_vnn.inspection._record import Record, output_weights, record
from keras_vnn.inspection._rlipp import improvements
from keras_vnn.inspection._statistics import ClassMoments, ClassStatistics
from keras_vnn.models import Embedding, ModelView, view

__all__ = ["Findings", "findings_of", "recalled", "remember_inspection"]

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
    """

    method: str
    cells: int
    classes: tuple[str, ...]
    statistics: Mapping[int, ClassStatistics]
    importance: Mapping[int, Importance]


def findings_of(
    seen: ModelView,
    data: Any,
    labels: Any,
    *,
    method: str | None,
    layers: Sequence[int],
    missing: str,
    batch_size: int,
    importance: bool = True,
    genes: bool = False,
    progress: bool = False,
) -> Findings:
    """Measure activity and importance of the nodes of some layers; activity alone, or genes too, if asked for."""
    chosen = chosen_method(seen, method)
    if batch_size < 1:
        raise ConfigError(f"batch_size must be at least 1, got {batch_size}.")
    cells = cells_of(seen, data, labels, missing=missing)
    is_embedding = isinstance(seen.outputs, Embedding)
    # The classes of the cells, as far as they are known before the network has run.
    known = seen.outputs if isinstance(seen.outputs, Classes) else None
    codes = None
    if is_embedding or (known is not None and labels is not None):
        known, codes = class_codes(known, labels, cells, data)
    classes = _NO_CLASSES if known is None else known.names
    head = None if is_embedding else output_weights(seen)
    moments = {number: ClassMoments(len(classes)) for number in sorted({0, *layers})}
    scores = []
    for rows, part in cells.parts():
        done = record(seen, part, batch_size=batch_size)
        groups = np.zeros(len(part), np.int32) if codes is None else codes[rows]
        if head is not None:
            scores.append(head.scores(done.features))
            groups = scores[-1].argmax(axis=1).astype(np.int32) if known is not None and codes is None else groups
        for number, moment in moments.items():
            moment.see(done.units[number], groups)
    statistics = {number: moments[number].statistics() for number in layers}
    if is_embedding or not importance:
        return Findings(chosen, len(cells), classes, statistics, {})
    goal = goal_of(seen, labels, cells, data, np.concatenate(scores))
    ranked = [number for number in layers if number or genes]
    network = Network(seen, {number: moment.means for number, moment in moments.items()}, batch_size)

    def records() -> Iterator[tuple[slice, Record]]:
        for rows, part in cells.parts():
            # What is in memory was one part, and is recorded already.
            yield rows, done if len(part) == len(cells) else record(seen, part, batch_size=batch_size)

    total = sum(len(seen.architecture.layers[number]) for number in ranked)
    with progressing(chosen, total, is_wanted=progress) as advance:
        if IMPORTANCE_METHODS[chosen].contributions is None:
            targets = goal.targets if labels is not None else np.concatenate(scores).astype(np.float64)
            measured = _improvements(seen, [found for _, found in records()], targets, ranked, advance)
        else:
            measured = _contributions(network, records(), goal, ranked, chosen, len(cells), advance)
    return Findings(chosen, len(cells), classes, statistics, measured)


def _contributions(
    network: Network,
    records: Iterable[tuple[slice, Record]],
    goal: Goal,
    layers: Sequence[int],
    method: str,
    cells: int,
    advance: Callable[[float], None],
) -> dict[int, Importance]:
    total: dict[int, Importance] = {}
    for rows, done in records:
        weights = goal.weights(rows)
        for number in layers:
            share = layer_importance(LayerView(network, done, number), weights, method, cells, advance)
            total[number] = total[number] + share if number in total else share
    return {number: settled(found, method) for number, found in total.items()}


def _improvements(
    seen: ModelView,
    records: Sequence[Record],
    targets: NDArray[np.float64],
    layers: Sequence[int],
    advance: Callable[[float], None],
) -> dict[int, Importance]:
    if 0 in layers:
        raise ConfigError("rlipp compares a node with its children, and genes have none.\nTake another method.")
    arch = seen.architecture
    units = {number: np.concatenate([done.units[number] for done in records]) for number in range(len(arch.layers))}
    found = improvements(arch, units, targets, layers, advance=advance)
    return {number: Importance(part.difference.mean(axis=1), part.difference) for number, part in found.items()}


def remember_inspection(
    model: keras.Model,
    data: Any,
    labels: Any = None,
    *,
    method: str | None = None,
    missing: str = "raise",
    batch_size: int = 512,
    progress: bool = False,
) -> None:
    """Measure activity and importance of all nodes and keep them in the model, saved with it.

    `inspect_node` and `rank_nodes` then answer without data. A model that is trained further forgets.

    Parameters
    ----------
    model
        A model of `build_model`; it is changed.
    data, labels, method, missing, batch_size, progress
        As in `rank_nodes`.

    Raises
    ------
    ConfigError, DataError, GeneError, ModelError
        As `rank_nodes`.
    """
    seen = view(model)
    layers = range(len(seen.architecture.layers))
    found = findings_of(
        seen,
        data,
        labels,
        method=method,
        layers=layers,
        missing=missing,
        batch_size=batch_size,
        progress=progress,
    )
    seen.card.remember(
        inspection={
            "weights": _weights_digest(model),
            "method": found.method,
            "cells": found.cells,
            "classes": list(found.classes),
            "class_cells": found.statistics[0].cells.tolist(),
            "statistics": {
                str(number): {name: _packed(getattr(part, name)) for name in ("mean", "deviation", "effect_size")}
                for number, part in found.statistics.items()
            },
            "importance": {
                str(number): {name: _packed(getattr(part, name)) for name in ("score", "effects")}
                for number, part in found.importance.items()
            },
        }
    )


def recalled(seen: ModelView) -> Findings | None:
    """Return what a model remembers of its nodes; ``None`` when it does not, or was trained further since."""
    kept = seen.card.metadata.get("inspection")
    if kept is None or kept["weights"] != _weights_digest(seen.model):
        return None
    try:
        classes = tuple(kept["classes"])
        cells = np.array(kept["class_cells"], np.int64)
        statistics = {
            int(number): ClassStatistics(
                cells, *(_unpacked(part[name], len(classes)) for name in ("mean", "deviation", "effect_size"))
            )
            for number, part in kept["statistics"].items()
        }
        importance = {
            int(number): Importance(
                _unpacked(part["score"], 1)[0],
                _unpacked(part["effects"], len(seen.architecture.layers[int(number)])),
            )
            for number, part in kept["importance"].items()
        }
        return Findings(kept["method"], int(kept["cells"]), classes, statistics, importance)
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise ModelError(
            f"What the model remembers of its nodes is damaged: {error}.\nPass data to measure it again."
        ) from error


def _weights_digest(model: keras.Model) -> str:
    digest = hashlib.sha256()
    for weight in model.weights:
        digest.update(np.ascontiguousarray(keras.ops.convert_to_numpy(weight)).tobytes())
    return digest.hexdigest()


def _packed(values: NDArray[np.float64]) -> str:
    return base64.b64encode(zlib.compress(values.astype("<f4").tobytes(), 6)).decode("ascii")


def _unpacked(text: str, rows: int) -> NDArray[np.float64]:
    content = zlib.decompress(base64.b64decode(text, validate=True))
    return np.frombuffer(content, "<f4").reshape(rows, -1).astype(np.float64)
