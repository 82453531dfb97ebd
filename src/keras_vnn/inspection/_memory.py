"""What a model keeps of its nodes, so that its file alone can answer: `Findings` and tables of nodes as JSON values.

In: a model and what was measured of it. Out: the same model, which remembers; and what it remembers.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_vnn.basics.errors import ModelError
from keras_vnn.basics.keras_import import keras
from keras_vnn.data import Split
from keras_vnn.inspection._cells import cells_of
from keras_vnn.inspection._findings import ClassStatistics, Findings, findings_of
from keras_vnn.inspection._methods import Importance
from keras_vnn.inspection._node_table import NodeTable, measured
from keras_vnn.models import Embedding, ModelView, view, weights_digest

_OF_ACTIVITY = ("mean", "deviation", "effect_size")
_OF_IMPORTANCE = ("score", "effects")
_BY_GROUP = ("excess", "p", "size", "error", "mean", "learned", "learned_p", "of_a_gene")


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
    how: Any = {"batch_size": batch_size, "progress": progress}
    found = findings_of(seen, cells, layers, layers[1:], method=method, orientation=True, **how)
    table = None
    if not isinstance(seen.outputs, Embedding) or labels is not None:
        table = _packed_table(measured(seen, cells, split=split, **how))
    seen.card.remember(
        inspection={
            "weights": weights_digest(seen.model),
            "method": found.method,
            "cells": found.cells,
            "classes": list(found.classes),
            "class_cells": found.statistics[0].cells.tolist(),
            "statistics": {
                str(number): _packed_fields(part, _OF_ACTIVITY) for number, part in found.statistics.items()
            },
            "importance": {
                str(number): _packed_fields(part, _OF_IMPORTANCE) for number, part in found.importance.items()
            },
            "orientation": {str(number): _packed(signs) for number, signs in found.orientation.items()},
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
        return [_unpacked_table(table, nodes) for table in (kept["nodes"], *kept.get("runs", ()))]
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
        # Of the genes it is not known here: they may have several numbers each.
        units = [None, *(int(layer.units.sum()) for layer in seen.architecture.hidden_layers)]
        statistics = {
            int(number): ClassStatistics(
                cells, *(_unpacked(part[name], len(classes), units[int(number)]) for name in _OF_ACTIVITY)
            )
            for number, part in kept["statistics"].items()
        }
        importance = {
            int(number): Importance(
                _unpacked(part["score"], 1)[0], _unpacked(part["effects"], len(seen.architecture.layers[int(number)]))
            )
            for number, part in kept["importance"].items()
        }
        orientation = {
            int(number): _unpacked(text, 1, units[int(number)])[0].astype(np.int8)
            for number, text in kept.get("orientation", {}).items()
        }
        return Findings(kept["method"], int(kept["cells"]), classes, statistics, importance, orientation)
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise _damaged(error) from error


def _kept(seen: ModelView) -> Mapping[str, Any] | None:
    kept: Mapping[str, Any] | None = seen.card.metadata.get("inspection")
    return kept if kept is not None and kept["weights"] == weights_digest(seen.model) else None


def _damaged(error: Exception) -> ModelError:
    return ModelError(f"What the model remembers of its nodes is damaged: {error}.\nPass data to measure it again.")


def _packed_table(table: NodeTable) -> dict[str, Any]:
    return {
        **{"groups": list(table.groups), "are_classes": table.are_classes, "facts": table.facts},
        **_packed_fields(table, (*_BY_GROUP, "use")),
        "lead": _packed(table.lead, "<i4"),
    }


def _unpacked_table(kept: Mapping[str, Any], nodes: int) -> NodeTable:
    groups = tuple(map(str, kept["groups"]))
    arrays = {name: _unpacked(kept[name], len(groups), nodes) for name in _BY_GROUP}
    lead = _unpacked(kept["lead"], len(groups) + 1, nodes, "<i4").astype(np.int32)
    if lead.size and not 0 <= lead.min() <= lead.max() < nodes:
        raise ValueError("a node is folded under one that is not there")
    use = _unpacked(kept["use"], 1, nodes)[0]
    return NodeTable(groups, bool(kept["are_classes"]), **arrays, use=use, lead=lead, facts=dict(kept["facts"]))


def _packed_fields(value: Any, names: Iterable[str]) -> dict[str, str]:
    return {name: _packed(getattr(value, name)) for name in names}


def _packed(values: NDArray[Any], kind: str = "<f4") -> str:
    """Return numbers as a short text."""
    return base64.b64encode(zlib.compress(np.ascontiguousarray(values, kind).tobytes(), 6)).decode("ascii")


def _unpacked(text: str, rows: int, columns: int | None = None, kind: str = "<f4") -> NDArray[np.float64]:
    """Return numbers that were packed; where it is known how many there must be, no more are unpacked."""
    expected = None if columns is None else rows * columns * np.dtype(kind).itemsize
    content = zlib.decompressobj().decompress(
        base64.b64decode(text, validate=True), 0 if expected is None else expected + 1
    )
    if expected is not None and len(content) != expected:
        raise ValueError(f"{expected:,} bytes were expected")
    return np.frombuffer(content, kind).reshape(rows, -1).astype(np.float64)
