"""The graph of named nodes, for other programs: networkx, GraphML, CX2, DOT, JSON Graph, edge lists.

In: a `Content`. Out: text. Characters that a format forbids appear as their symbols, and names stay unique. Formats:
http://graphml.graphdrawing.org, https://cytoscape.org/cx/cx2/specification, https://graphviz.org/doc/info/lang.html,
https://jsongraphformat.info.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterable, Mapping
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas as pd

from keras_vnn.export._content import KIND_COLOURS, NEGATIVE, POSITIVE, Content

if TYPE_CHECKING:
    import networkx

_OF_DOT = ("kind", "layer", "units", "evidence", "q", "higher_in", "importance")


def graph_of(content: Content) -> networkx.DiGraph:
    """Return the directed graph, gene → … → outputs.

    Nodes have ``label``, ``kind``, ``layer``, ``units`` and what else is known (``strength``, ``importance``, …);
    edges, with a model, ``weight`` and ``strength``, which are the weight and its size where both nodes have one unit,
    else the mean and the root of the sum of squares. Outputs are nodes ``class:NAME`` or ``number:NAME`` where a
    linear head reads the named nodes.
    """
    graph = content.architecture.to_networkx()
    extra = content.nodes.drop(columns=["label", "kind", "layer", "units", "inputs", "outputs", "names"])
    for name in extra:
        for id, value in extra[name].items():
            if not pd.isna(value):
                graph.nodes[id][str(name)] = value.item() if hasattr(value, "item") else value
    if content.weights is None:
        return graph
    last = len(content.architecture.layers)
    ids = _output_ids(graph, content)
    if (content.edges["target_layer"] == last).any():
        for output, id in ids.items():
            graph.add_node(id, label=output, kind=content.output_kind, layer=last, units=1)
    for edge in content.node_edges.itertuples():
        target = edge.target if edge.target_layer < last else ids[edge.target]
        origin = {"origin": edge.origin} if hasattr(edge, "origin") else {}
        graph.add_edge(edge.source, target, weight=float(edge.weight), strength=float(edge.strength), **origin)
    return graph


def to_graphml(content: Content) -> str:
    """Return the graph as a GraphML document.

    Characters that XML forbids, and line ends, appear as their symbols (␀ … ␟) in names.
    """
    import networkx as nx

    graph = _legal(graph_of(content))
    stream = io.BytesIO()
    nx.write_graphml_xml(graph, stream, infer_numeric_types=False)
    return stream.getvalue().decode("utf-8") + "\n"


def _output_ids(graph: networkx.DiGraph, content: Content) -> dict[str, str]:
    """Return an id for each output that no node has."""
    ids = {}
    for output in content.outputs:
        id = f"{content.output_kind}:{output}"
        while id in graph:
            id += "'"
        ids[output] = id
    return ids


def _legal(graph: networkx.DiGraph) -> networkx.DiGraph:
    """Return the graph with names that XML can hold, still unique."""
    import networkx as nx

    relabelled = nx.relabel_nodes(graph, legal_ids(graph), copy=True)
    for _, attributes in relabelled.nodes(data=True):
        legal = {legal_text(k): legal_text(v) if isinstance(v, str) else v for k, v in attributes.items()}
        attributes.clear()
        attributes.update(legal)
    return relabelled


def to_dot(content: Content) -> str:
    """Return the graph for Graphviz: genes at the left, a column per layer, edges coloured by sign.

    A backslash in an id is doubled, as DOT has no other way to hold it. ``dot`` draws networks of some hundred edges
    well; for larger ones take `draw_layers`, or CX2 and Cytoscape.
    """
    graph = graph_of(content)
    ids = {id: _quoted(name) for id, name in legal_ids(graph).items()}
    strongest = max((edge.get("strength", 0.0) for *_, edge in graph.edges(data=True)), default=0.0)
    lines = [
        "digraph vnn {",
        f"  graph [rankdir=LR, fingerprint={_quoted(content.architecture.fingerprint)}];",
        '  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=10, color="#8a9299"];',
        '  edge [color="#8a9299", arrowsize=0.5];',
    ]
    layers: dict[int, list[str]] = {}
    for id, facts in graph.nodes(data=True):
        layers.setdefault(facts["layer"], []).append(ids[id])
        shown: dict[str, Any] = {"label": facts["label"], "fillcolor": KIND_COLOURS[facts["kind"]]}
        shown |= {name: facts[name] for name in _OF_DOT if name in facts}
        lines.append(f"  {ids[id]} [{_attributes(shown)}];")
    lines += [f"  {{ rank=same; {'; '.join(members)} }}" for _, members in sorted(layers.items())]
    for source, target, facts in graph.edges(data=True):
        drawn = {}
        if "weight" in facts:
            share = facts["strength"] / strongest if strongest else 0.0
            drawn = {
                "signed_weight": facts["weight"],
                "color": POSITIVE if facts["weight"] > 0 else NEGATIVE,
                "penwidth": round(0.3 + 2.7 * share, 3),
            }
        lines.append(f"  {ids[source]} -> {ids[target]}{f' [{_attributes(drawn)}]' if drawn else ''};")
    return "\n".join([*lines, "}", ""])


def to_jgf(content: Content) -> str:
    """Return the graph in JSON Graph Format, version 2 (https://jsongraphformat.info)."""
    graph = graph_of(content)
    arch = content.architecture
    document = {
        "graph": {
            "directed": True,
            "type": "visible neural network",
            "label": str((content.facts or {}).get("name", "")) or "visible neural network",
            "metadata": {
                "fingerprint": arch.fingerprint,
                "layers": [layer.name for layer in arch.layers],
                "sources": [source.to_json() for source in arch.sources],
            },
            "nodes": {
                id: {"label": facts["label"], "metadata": _finite(facts, "label")}
                for id, facts in graph.nodes(data=True)
            },
            "edges": [
                {"source": source, "target": target, "relation": "feeds", "metadata": _finite(facts)}
                for source, target, facts in graph.edges(data=True)
            ],
        }
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def to_edge_list(content: Content) -> str:
    """Return a line per edge: source, target and, with a model, weight, separated by tabs; no header.

    Line ends, tabs and other control characters in names appear as their symbols (␀ … ␟).
    """
    import networkx as nx

    lines = nx.generate_edgelist(_legal(graph_of(content)), "\t", data=["weight"])
    return "".join(f"{line}\n" for line in lines)


def _finite(facts: networkx.DiGraph, *without: str) -> dict[str, Any]:
    return {name: None if _is_missing(value) else value for name, value in facts.items() if name not in without}


def _attributes(values: dict[str, Any]) -> str:
    return ", ".join(
        f"{name}={_quoted(legal_text(value)) if isinstance(value, str) else value}" for name, value in values.items()
    )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def legal_ids(ids: Iterable[str]) -> Mapping[str, str]:
    """Return for each id a name that files of text and XML can hold, no two the same."""
    known = list(ids)
    present = set(known)
    names: dict[str, str] = {}
    taken: set[str] = set()
    for id in known:
        name = legal_text(id)
        while name in taken or (name != id and name in present):
            name += "'"
        taken.add(name)
        names[id] = name
    return names


def legal_text(text: str) -> str:
    """Return a text in which control characters and line ends are their symbols (␀ … ␟)."""
    return text.translate(_LEGAL)


_REPLACED = (
    range(0x80, 0xA0),
    range(0xD800, 0xE000),
    *(range(end - 2, end) for end in range(2**16, 18 * 2**16, 2**16)),
)
_LEGAL = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}
_LEGAL |= {code: 0xFFFD for codes in _REPLACED for code in codes}

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
        others = {name: value for name, value in attributes.items() if name != "label" and not _is_missing(value)}
        x, y = places[id]
        values = {"represents": id, "name": attributes["label"], **others}
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
    """Return the style of ``cx2_style.json``, with the kinds there are and edges as wide as they are strong."""
    style: dict[str, Any] = json.loads(files("keras_vnn.export").joinpath("cx2_style.json").read_text("utf-8"))
    kinds = dict.fromkeys(kind for _, kind in graph.nodes(data="kind"))
    colours = [{"v": kind, "vp": KIND_COLOURS[kind]} for kind in kinds]
    of_kind = {"attribute": "kind", "type": "string", "map": colours}
    style["nodeMapping"]["NODE_BACKGROUND_COLOR"] = {"type": "DISCRETE", "definition": of_kind}
    if strongest > 0:
        signs = [(-strongest / 3, NEGATIVE), (0.0, "#dddddd"), (strongest / 3, POSITIVE)]
        style["edgeMapping"] = {
            "EDGE_WIDTH": _continuous("strength", [(0.0, 0.3), (strongest, 5.0)]),
            "EDGE_LINE_COLOR": _continuous("weight", signs),
        }
    return style


def _continuous(attribute: str, points: list[tuple[float, Any]]) -> dict[str, Any]:
    """Return a mapping that is linear between points and constant outside of them."""
    first, last = points[0], points[-1]
    pieces: list[dict[str, Any]] = [{"max": first[0], "maxVPValue": first[1], "includeMin": False, "includeMax": False}]
    for number, (low, high) in enumerate(pairwise(points), start=2):
        ends = {"min": low[0], "minVPValue": low[1], "max": high[0], "maxVPValue": high[1]}
        pieces.append({**ends, "includeMin": True, "includeMax": number == len(points)})
    pieces.append({"min": last[0], "minVPValue": last[1], "includeMin": False, "includeMax": False})
    return {"type": "CONTINUOUS", "definition": {"attribute": attribute, "type": "double", "map": pieces}}
