"""DOT, JSON Graph and edge lists: the graph of named nodes as plain text.

In: a `Content`. Out: text for Graphviz, for programs that read JSON Graph Format 2, and for everything that reads
an edge list.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from keras_vnn.export._content import Content
from keras_vnn.export._graphml import graph_of
from keras_vnn.export._names import legal_ids, legal_text
from keras_vnn.export._style import KIND_COLOURS, NEGATIVE, POSITIVE

if TYPE_CHECKING:
    import networkx

__all__ = ["to_dot", "to_edge_list", "to_jgf"]


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
        shown |= {name: facts[name] for name in ("kind", "layer", "units", "importance") if name in facts}
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
    graph = graph_of(content)
    ids = legal_ids(graph)
    return "".join(
        "\t".join([ids[source], ids[target], *([repr(facts["weight"])] if "weight" in facts else [])]) + "\n"
        for source, target, facts in graph.edges(data=True)
    )


def _finite(facts: networkx.DiGraph, *without: str) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in facts.items()
        if name not in without
    }


def _attributes(values: dict[str, Any]) -> str:
    return ", ".join(
        f"{name}={_quoted(legal_text(value)) if isinstance(value, str) else value}" for name, value in values.items()
    )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
