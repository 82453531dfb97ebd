"""CX2: the graph with a place and a style for every node, as Cytoscape and NDEx show it.

In: a `Content`. Out: the text of a CX2 document. Format: CX2 specification 1.0, https://cytoscape.org/cx/cx2/specification.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from keras_vnn.export._content import Content
from keras_vnn.export._graphml import graph_of
from keras_vnn.export._style import KIND_COLOURS, NEGATIVE, POSITIVE

if TYPE_CHECKING:
    import networkx

__all__ = ["to_cx2"]

_SHORT = {"name": "n", "represents": "r", "interaction": "i"}
# Distance of nodes and of layers, in the units of Cytoscape; nodes of a row before a layer takes another row.
_STEP, _ROW, _LAYER, _ROW_LENGTH = 110.0, 60.0, 320.0, 60


def to_cx2(content: Content) -> str:
    """Return the graph as CX2: ``represents`` is the id of a node, ``name`` its label.

    Genes stand in the lowest row, outputs in the highest. The style colours nodes by kind and edges by the sign of
    their weight; edges are as wide as they are strong.
    """
    graph = graph_of(content)
    numbers = {id: number for number, id in enumerate(graph)}
    places = _places(graph)
    nodes: list[dict[str, Any]] = []
    for id, attributes in graph.nodes(data=True):
        values = {"represents": id, "name": attributes["label"], **_without(attributes, "label")}
        x, y = places[id]
        nodes.append({"id": numbers[id], "x": x, "y": y, "v": values})
    edges: list[dict[str, Any]] = [
        {"id": number, "s": numbers[source], "t": numbers[target], "v": {"interaction": "feeds", **attributes}}
        for number, (source, target, attributes) in enumerate(graph.edges(data=True))
    ]
    network = {
        "name": str((content.facts or {}).get("name", "")) or "visible neural network",
        "description": "Written by keras-vnn; edges lead from genes to outputs.",
        "fingerprint": content.architecture.fingerprint,
        "sources": [" ".join((source.name, source.release)).strip() for source in content.architecture.sources],
    }
    declared = {
        "networkAttributes": _declared([network]),
        "nodes": _declared(node["v"] for node in nodes),
        "edges": _declared(edge["v"] for edge in edges),
    }
    strengths = [edge["v"]["strength"] for edge in edges if "strength" in edge["v"]]
    aspects: dict[str, list[Any]] = {
        "attributeDeclarations": [declared],
        "networkAttributes": [network],
        "nodes": [node | {"v": _shortened(node["v"])} for node in nodes],
        "edges": [edge | {"v": _shortened(edge["v"])} for edge in edges],
        "visualProperties": [_style(max(strengths, default=0.0), graph)],
        "visualEditorProperties": [{"properties": {"nodeSizeLocked": False, "arrowColorMatchesEdge": True}}],
    }
    document: list[dict[str, Any]] = [
        {"CXVersion": "2.0", "hasFragments": False},
        {"metaData": [{"name": name, "elementCount": len(aspect)} for name, aspect in aspects.items()]},
        *({name: aspect} for name, aspect in aspects.items()),
        {"status": [{"success": True}]},
    ]
    lines = ",\n".join(json.dumps(part, ensure_ascii=False, allow_nan=False) for part in document)
    return f"[{lines}]\n"


def _without(attributes: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in attributes.items() if key != name and not _is_missing(value)}


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def _shortened(values: Mapping[str, Any]) -> dict[str, Any]:
    return {_SHORT.get(name, name): value for name, value in values.items() if not _is_missing(value)}


def _declared(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Return the type of every attribute that occurs; a mixture of whole and other numbers is of the others."""
    kinds: dict[str, str] = {}
    for row in rows:
        for name, value in row.items():
            kind = _kind(value)
            if not _is_missing(value) and kinds.get(name) != "double":
                kinds[name] = kind
    return {name: {"a": _SHORT[name], "d": kind} if name in _SHORT else {"d": kind} for name, kind in kinds.items()}


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "list_of_string"
    if isinstance(value, bool):
        return "boolean"
    return "integer" if isinstance(value, int) else "double" if isinstance(value, float) else "string"


def _places(graph: networkx.DiGraph) -> dict[str, tuple[float, float]]:
    """Return a place for each node: layers from below, each in the order of what it feeds or is fed by."""
    layers: dict[int, list[str]] = {}
    for id, layer in graph.nodes(data="layer"):
        layers.setdefault(layer, []).append(id)
    positions: dict[str, float] = {}
    for layer in sorted(layers, reverse=True):
        heights = {}
        for number, id in enumerate(layers[layer]):
            fed = [positions[target] for target in graph.successors(id) if target in positions]
            heights[id] = (sum(fed) / len(fed) if fed else 0.5, number)
        layers[layer].sort(key=heights.__getitem__)
        positions |= {id: (number + 0.5) / len(layers[layer]) for number, id in enumerate(layers[layer])}
    places: dict[str, tuple[float, float]] = {}
    bottom = 0.0
    for layer in sorted(layers):
        ids = layers[layer]
        rows = math.ceil(len(ids) / _ROW_LENGTH)
        for number, id in enumerate(ids):
            column, row = divmod(number, rows)
            columns = math.ceil(len(ids) / rows)
            places[id] = (round((column - (columns - 1) / 2) * _STEP, 1), round(bottom - row * _ROW, 1))
        bottom -= (rows - 1) * _ROW + _LAYER
    return places


def _style(strongest: float, graph: networkx.DiGraph) -> dict[str, Any]:
    node: dict[str, Any] = {
        "NODE_SHAPE": "round-rectangle",
        "NODE_BACKGROUND_COLOR": "#f5f5f5",
        "NODE_BORDER_COLOR": "#8a9299",
        "NODE_BORDER_WIDTH": 1,
        "NODE_WIDTH": 96,
        "NODE_HEIGHT": 28,
        "NODE_LABEL_COLOR": "#222222",
        "NODE_LABEL_FONT_SIZE": 10,
        "NODE_LABEL_MAX_WIDTH": 90,
    }
    edge: dict[str, Any] = {
        "EDGE_LINE_COLOR": "#8a9299",
        "EDGE_WIDTH": 1,
        "EDGE_OPACITY": 0.7,
        "EDGE_TARGET_ARROW_SHAPE": "triangle",
    }
    kinds = dict.fromkeys(kind for _, kind in graph.nodes(data="kind"))
    node_mapping = {
        "NODE_LABEL": {"type": "PASSTHROUGH", "definition": {"attribute": "name", "type": "string"}},
        "NODE_BACKGROUND_COLOR": {
            "type": "DISCRETE",
            "definition": {
                "attribute": "kind",
                "type": "string",
                "map": [{"v": kind, "vp": KIND_COLOURS[kind]} for kind in kinds],
            },
        },
    }
    edge_mapping = {}
    if strongest > 0:
        edge_mapping["EDGE_WIDTH"] = _continuous("strength", [(0.0, 0.3), (strongest, 5.0)])
        edge_mapping["EDGE_LINE_COLOR"] = _continuous(
            "weight", [(-strongest / 3, NEGATIVE), (0.0, "#dddddd"), (strongest / 3, POSITIVE)]
        )
    return {
        "default": {"network": {"NETWORK_BACKGROUND_COLOR": "#ffffff"}, "node": node, "edge": edge},
        "nodeMapping": node_mapping,
        "edgeMapping": edge_mapping,
    }


def _continuous(attribute: str, points: list[tuple[float, Any]]) -> dict[str, Any]:
    """Return a mapping that is linear between points and constant outside of them."""
    first, last = points[0], points[-1]
    pieces: list[dict[str, Any]] = [{"max": first[0], "maxVPValue": first[1], "includeMin": False, "includeMax": False}]
    for number, (low, high) in enumerate(pairwise(points), start=2):
        pieces.append(
            {
                "min": low[0],
                "minVPValue": low[1],
                "max": high[0],
                "maxVPValue": high[1],
                "includeMin": True,
                "includeMax": number == len(points),
            }
        )
    pieces.append({"min": last[0], "minVPValue": last[1], "includeMin": False, "includeMax": False})
    return {"type": "CONTINUOUS", "definition": {"attribute": attribute, "type": "double", "map": pieces}}
