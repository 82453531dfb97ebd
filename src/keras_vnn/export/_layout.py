"""What stands on a picture of the layers: the nodes of each, and the edges between those that are shown.

In: a `Content`. Out: columns of nodes, and a table of edges. Knows nothing of drawing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from keras_vnn.export._content import Content

__all__ = ["Column", "laid_out"]

# Edges drawn for each node: to outputs, and from genes where there are several layers.
_OUTPUTS_EACH, _GENES_EACH = 3, 3


@dataclass(slots=True)
class Column:
    """A column of the picture: what it is, and the nodes shown in it from top to bottom."""

    title: str
    subtitle: str
    shown: list[str]
    labels: dict[str, str]
    kinds: dict[str, str]
    hidden: int = 0
    boxes: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return len(self.shown) + bool(self.hidden) + len(self.boxes)


def laid_out(
    content: Content, top: int, *, genes: int | None = None, outputs_each: int = _OUTPUTS_EACH
) -> tuple[list[Column], pd.DataFrame]:
    """Return the columns and the edges between nodes that are shown."""
    arch = content.architecture
    nodes = content.top_nodes
    outputs = list(content.outputs[:top])
    last = len(arch.layers)
    columns = []
    for number, layer in enumerate(arch.hidden_layers, start=1):
        of_layer = nodes[nodes["layer"] == number].head(top)
        columns.append(
            Column(
                layer.name,
                f"{len(layer):,} {'node' if len(layer) == 1 else 'nodes'}",
                of_layer.index.tolist(),
                _distinct(of_layer),
                of_layer["kind"].to_dict(),
                len(layer) - len(of_layer),
                [f"+ {layer.dense_units:,} dense units"] if layer.dense_units else [],
            )
        )
    shown = {number: set(column.shown) for number, column in enumerate(columns, start=1)}
    shown[last] = set(outputs)
    edges = content.node_edges
    if "weight" not in edges:
        edges = edges.assign(weight=1.0, strength=1.0)
    kept = [target in shown[layer] for target, layer in zip(edges["target"], edges["target_layer"], strict=True)]
    edges = edges[kept]
    chosen = _chosen_genes(edges[edges["source_layer"] == 0], columns, top + top // 2 if genes is None else genes)
    columns.insert(
        0,
        Column(
            arch.layers[0].name,
            f"{len(arch.genes):,} genes" if arch.layers[0].name != "genes" else f"{len(arch.genes):,}",
            chosen,
            dict(zip(arch.layers[0].ids, arch.layers[0].labels, strict=True)),
            dict.fromkeys(chosen, "gene"),
            len(arch.genes) - len(chosen),
        ),
    )
    shown[0] = set(chosen)
    kept = [source in shown[layer] for source, layer in zip(edges["source"], edges["source_layer"], strict=True)]
    edges = edges[kept]
    to_outputs = edges[edges["target_layer"] == last].sort_values("strength", ascending=False, kind="stable")
    strongest = to_outputs[to_outputs.groupby("source").cumcount() < outputs_each]
    inner = edges[edges["target_layer"] < last]
    if len(arch.layers) > 2:
        ranked = inner.sort_values("strength", ascending=False, kind="stable")
        place = ranked.groupby(["source_layer", "target"]).cumcount()
        inner = ranked[(ranked["source_layer"] > 0) | (place < _GENES_EACH)]
    edges = pd.concat([inner, strongest])
    for width in content.tail:
        columns.append(Column("tail", "dense", [], {}, {}, boxes=[f"{width:,} dense units"]))
    of_each = f", the {outputs_each} largest weights of each node"
    if outputs:
        columns.append(
            Column(
                "classes" if content.output_kind == "class" else "numbers",
                f"{len(content.outputs):,}{of_each if len(outputs) > outputs_each and not content.tail else ''}",
                outputs,
                dict(zip(outputs, outputs, strict=True)),
                dict.fromkeys(outputs, content.output_kind),
                len(content.outputs) - len(outputs),
            )
        )
        edges.loc[edges["target_layer"] == last, "target_layer"] = len(columns) - 1
    return columns, edges


def _chosen_genes(edges: pd.DataFrame, columns: list[Column], top: int) -> list[str]:
    """Return the genes to show: of each node in turn the next strongest; ordered to cross few edges."""
    order = [id for column in columns for id in column.shown]
    ranked = edges.assign(nodes=edges.groupby("source")["target"].transform("size"))
    ranked = ranked.sort_values(["strength", "nodes"], ascending=False, kind="stable")
    by_node = {node: group["source"].tolist() for node, group in ranked.groupby("target", sort=False)}
    chosen: dict[str, None] = {}
    depth = max((len(genes) for genes in by_node.values()), default=0)
    for turn in range(depth):
        for node in order:
            genes = by_node.get(node, [])
            if turn < len(genes) and len(chosen) < top:
                chosen.setdefault(genes[turn])
    row = {id: position for column in columns for position, id in enumerate(column.shown)}
    heights = edges.assign(row=edges["target"].map(row)).groupby("source")["row"].mean()
    return sorted(chosen, key=lambda gene: (heights[gene], gene))


def _distinct(nodes: pd.DataFrame) -> dict[str, str]:
    """Return the label of each node, with its id where labels repeat."""
    repeated = nodes["label"].duplicated(keep=False)
    return {
        str(id): f"{label} ({id})" if again and label != id else str(label)
        for id, label, again in zip(nodes.index, nodes["label"], repeated, strict=True)
    }
