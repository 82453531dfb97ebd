"""GraphML: a graph of named nodes for Cytoscape, Gephi, yEd, igraph and networkx."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pandas as pd

from keras_vnn.export._content import Content
from keras_vnn.export._names import legal_ids, legal_text

if TYPE_CHECKING:
    import networkx

__all__ = ["graph_of", "to_graphml"]


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
                graph.nodes[id][str(name)] = value if isinstance(value, str) else _number(value)
    if content.weights is None:
        return graph
    last = len(content.architecture.layers)
    ids = _output_ids(graph, content)
    if (content.edges["target_layer"] == last).any():
        for output, id in ids.items():
            graph.add_node(id, label=output, kind=content.output_kind, layer=last, units=1)
    for edge in content.node_edges.itertuples():
        target = edge.target if edge.target_layer < last else ids[edge.target]
        graph.add_edge(edge.source, target, weight=float(edge.weight), strength=float(edge.strength))
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
        legal = {legal_text(name): _legal_value(value) for name, value in attributes.items()}
        attributes.clear()
        attributes.update(legal)
    return relabelled


def _legal_value(value: Any) -> Any:
    return legal_text(value) if isinstance(value, str) else value


def _number(value: Any) -> float | int:
    plain = value.item() if hasattr(value, "item") else value
    return plain if isinstance(plain, int) else float(plain)
