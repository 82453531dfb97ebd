"""One node of a model: what it reads, what it feeds, when it is active, how much it matters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd

from keras_vnn.architecture import Node, NodePosition, gene_counts
from keras_vnn.basics.errors import ConfigError
from keras_vnn.data import Classes
from keras_vnn.inspection._findings import Findings, findings_of, recalled
from keras_vnn.inspection._forward_pass import readout
from keras_vnn.inspection._methods import check_method
from keras_vnn.models import Embedding, ModelView, edge_weights, view

__all__ = ["NodeImportance", "NodeInspection", "inspect_node"]


@dataclass(frozen=True, slots=True)
class NodeImportance:
    """How much a node matters to the outputs; see `rank_nodes`.

    Attributes
    ----------
    method
        How it was measured.
    score
        Mean absolute contribution.
    rank, of
        Place in its layer, from 1, among how many nodes.
    effects
        Signed contribution by output; NaN for a class without cells.
    """

    method: str
    score: float
    rank: int
    of: int
    effects: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class NodeInspection:
    """What a model knows of one node; ``print`` shows a page.

    Attributes
    ----------
    node
        The node.
    layer
        Number of its layer; 0 is the genes.
    layers
        Number of the last layer.
    genes
        Number of genes upstream, on any path.
    inputs
        DataFrame, largest absolute weight first: ``source`` (id), ``label``, ``kind``, ``source_unit``, ``unit`` (of
        the node), ``weight``. Empty for a gene.
    outputs
        DataFrame, largest absolute weight first: ``target`` (id of a node, name of an output, or ``tail_1``),
        ``label``, ``kind`` (of the node; ``class``, ``number`` or ``tail``), ``unit`` (of the node), ``target_unit``,
        ``weight``.
    bias
        Of each of its units; empty for a gene.
    dense_targets
        Number of units without a name that it feeds as well: dense units next to the nodes.
    activity
        DataFrame, a row per class and unit: ``class``, ``unit``, ``mean``, ``sd``, ``cells``, ``effect_size`` (Cohen's
        d of the class against all other cells). ``None`` without data.
    importance
        How much it matters; ``None`` without data, for a gene, and for an embedding.
    namesakes
        Other nodes with the same name, such as ``PPI:STAT1`` and ``TF:STAT1`` of the gene ``STAT1``.
    top
        Rows of each table that the page shows.
    """

    node: Node
    layer: int
    layers: int
    genes: int
    inputs: pd.DataFrame
    outputs: pd.DataFrame
    bias: tuple[float, ...]
    dense_targets: int
    activity: pd.DataFrame | None
    importance: NodeImportance | None
    namesakes: tuple[NodePosition, ...]
    top: int

    def __str__(self) -> str:
        """Return the page as plain text."""
        from keras_vnn.inspection._page import page

        return page(self)

    def __rich__(self) -> Any:
        """Return the page for a rich console."""
        from keras_vnn.inspection._page import renderable

        return renderable(self)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values; ``null`` where there is no finite number."""
        return {
            "id": self.node.id,
            "label": self.node.label,
            "kind": self.node.kind,
            "layer": self.layer,
            "units": self.node.units,
            "names": list(self.node.names),
            "attributes": dict(self.node.attributes),
            "genes": self.genes,
            "bias": [_plain(value) for value in self.bias],
            "inputs": _records(self.inputs),
            "outputs": _records(self.outputs),
            "dense_targets": self.dense_targets,
            "activity": None if self.activity is None else _records(self.activity),
            "importance": None
            if self.importance is None
            else {
                "method": self.importance.method,
                "score": _plain(self.importance.score),
                "rank": self.importance.rank,
                "of": self.importance.of,
                "effects": {name: _plain(value) for name, value in self.importance.effects.items()},
            },
            "namesakes": [p.node.id for p in self.namesakes],
        }


def inspect_node(
    model: keras.Model,
    query: str,
    data: Any = None,
    labels: Any = None,
    *,
    top: int = 20,
    method: str | None = None,
    missing: str = "raise",
    batch_size: int = 512,
) -> NodeInspection:
    """Return what a model knows of one node: inputs, outputs, activity by class, importance.

    Parameters
    ----------
    model
        A model of `build_model`.
    query
        Id, label, merged name, or a unique part of one, of a hidden node or a gene.
    data
        AnnData, DataFrame or aligned array as in `rank_nodes`. When ``None``, activity and importance are what the
        model remembers, if it does.
    labels
        The class of each cell, as in `rank_nodes`; as the model predicts them when ``None``. A model without classes
        takes any names.
    top
        Rows of each table that the page shows; the tables are complete.
    method
        How importance is measured, as in `rank_nodes`.
    missing, batch_size
        As in `rank_nodes`.

    Returns
    -------
    NodeInspection
        Prints as a page.

    Raises
    ------
    ArchitectureError
        No node, or several, answer to the query; with the candidates.
    ConfigError
        The method is unknown, or ``top`` is below 1.
    DataError, GeneError, ModelError
        As `rank_nodes`.
    """
    if method is not None:
        check_method(method)
    if top < 1:
        raise ConfigError(f"top must be at least 1, got {top}.")
    seen = view(model)
    arch = seen.architecture
    found = arch.find(query)
    if data is None:
        measured = recalled(seen)
    else:
        layers = [found.layer]
        measured = findings_of(seen, data, labels, method=method, layers=layers, missing=missing, batch_size=batch_size)
    inputs, outputs, bias = _weights(seen, found)
    return NodeInspection(
        node=found.node,
        layer=found.layer,
        layers=len(arch.layers) - 1,
        genes=int(gene_counts(arch)[found.layer][found.position]),
        inputs=inputs,
        outputs=outputs,
        bias=bias,
        dense_targets=0 if found.layer else sum(layer.dense_units for layer in arch.hidden_layers),
        activity=None if measured is None else _activity(seen, found, measured),
        importance=None if measured is None else _importance(found, measured, seen),
        namesakes=_namesakes(seen, found),
        top=top,
    )


def _activity(seen: ModelView, found: NodePosition, measured: Findings) -> pd.DataFrame:
    """Return mean, deviation and effect size by class and unit."""
    statistics = measured.statistics[found.layer]
    units = found.node.units
    first = int(seen.architecture.layers[found.layer].units[: found.position].sum())
    own = slice(first, first + units)
    return pd.DataFrame(
        {
            "class": np.repeat(np.array(measured.classes, dtype=object), units),
            "unit": np.tile(np.arange(units), len(measured.classes)),
            "mean": statistics.mean[:, own].ravel(),
            "sd": statistics.deviation[:, own].ravel(),
            "cells": np.repeat(statistics.cells, units),
            "effect_size": statistics.effect_size[:, own].ravel(),
        }
    )


def _importance(found: NodePosition, measured: Findings, seen: ModelView) -> NodeImportance | None:
    ranked = measured.importance.get(found.layer)
    if ranked is None or isinstance(seen.outputs, Embedding):
        return None
    effects = dict(zip(seen.outputs.names, ranked.effects[found.position].tolist(), strict=True))
    score, rank = float(ranked.score[found.position]), int(ranked.ranks[found.position])
    return NodeImportance(measured.method, score, rank, len(ranked.score), effects)


def _weights(seen: ModelView, found: NodePosition) -> tuple[pd.DataFrame, pd.DataFrame, tuple[float, ...]]:
    """Return the tables of inputs and outputs, and the biases."""
    nodes = seen.architecture.node_table()[["label", "kind"]]
    edges = edge_weights(seen.model)
    name = found.node.id
    own = edges[edges["target"] == name]
    bias = own[own["source"].isna()].sort_values("target_unit")["weight"]
    into = own[own["source"].notna()].join(nodes, on="source").rename(columns={"target_unit": "unit"})
    into = into.fillna({"label": into["source"], "kind": "unit"})
    out_of = edges[(edges["source"] == name).fillna(False)].join(nodes, on="target")
    out_of = out_of.rename(columns={"source_unit": "unit"})
    out_of = out_of[["target", "label", "kind", "unit", "target_unit", "weight"]]
    dense = _readout_weights(seen, found)
    return (
        _by_size(into[["source", "label", "kind", "source_unit", "unit", "weight"]]),
        _by_size(out_of if dense.empty else dense if out_of.empty else pd.concat([out_of, dense])),
        tuple(float(value) for value in bias),
    )


def _readout_weights(seen: ModelView, found: NodePosition) -> pd.DataFrame:
    """Return the weights from the node to the tail or, without one, to the outputs."""
    behind = readout(seen)
    columns = ["target", "label", "kind", "unit", "target_unit", "weight"]
    if behind is None or found.layer == 0:
        return pd.DataFrame(columns=columns)
    units = seen.architecture.layers[found.layer].units
    first = int(units[: found.position].sum())
    rows = behind.rows[found.layer][first : first + found.node.units]
    if (rows < 0).any():
        return pd.DataFrame(columns=columns)
    weights = behind.kernel[rows]
    unit, target = np.indices(weights.shape).reshape(2, -1)
    if behind.role.part == "head" and not isinstance(seen.outputs, Embedding):
        names = np.array(seen.outputs.names, dtype=object)[target]
        kind, target_unit = ("class" if isinstance(seen.outputs, Classes) else "number"), np.zeros_like(target)
    else:
        names, kind, target_unit = np.full(len(target), behind.role.name, dtype=object), "tail", target
    values = [names, names, kind, unit, target_unit, weights.ravel()]
    return pd.DataFrame(dict(zip(columns, values, strict=True)))


def _by_size(table: pd.DataFrame) -> pd.DataFrame:
    """Sort by absolute weight, the largest first."""
    order = (-table["weight"].abs().to_numpy(float)).argsort(kind="stable")
    return table.iloc[order].reset_index(drop=True)


def _namesakes(seen: ModelView, found: NodePosition) -> tuple[NodePosition, ...]:
    """Return the other nodes one of whose ids, less its prefix, is one of this node's."""
    own = _bare_names(found.node)
    return tuple(p for p in seen.architecture.nodes() if p.node.id != found.node.id and own & _bare_names(p.node))


def _bare_names(node: Node) -> set[str]:
    """Return the ids a node stands for without their prefixes: ``PPI:STAT1`` is ``STAT1``."""
    if node.kind == "term":
        return {node.id}
    return {name.partition(":")[2] or name for name in (node.id, *node.names)}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{name: _plain(value) for name, value in row.items()} for row in table.to_dict("records")]


def _plain(value: Any) -> Any:
    """Return a JSON value; numbers in single precision keep their few digits."""
    if isinstance(value, np.float32):
        value = float(str(value))
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
