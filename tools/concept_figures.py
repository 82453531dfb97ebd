"""Draws the pictures of docs/guide/concepts.md, from what the package makes of tiny priors.

    python tools/concept_figures.py docs/images

Nodes, edges and counts are those of real architectures; only places on the page are given here.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

import keras_vnn as vnn
from keras_vnn.priors import Annotations, Ontology

GENE, GROUP, TERM, GONE = "#eceff1", "#d6e8e4", "#e2dcf0", "#ffffff"
LINE, TEXT, SOFT = "#6b757d", "#222222", "#8a9299"
Place = tuple[float, float]
_PAIRS = (("STAT1", "STAT2"), ("STAT2", "IRF9"), ("STAT1", "IRF9"), ("IFIT1", "IFIT3"))


def main() -> None:
    """Draw all pictures into the folder that the command line names."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    for name, draw in (
        ("concept-groups", groups),
        ("concept-units", units),
        ("concept-ontology", ontology),
        ("concept-audit", audit),
    ):
        save(draw(), folder / f"{name}.svg")


def tiny() -> tuple[list[str], vnn.read.Interactions]:
    """Return six genes and the interactions among five of them."""
    genes = ["STAT1", "STAT2", "IRF9", "IFIT1", "IFIT3", "ACTB"]
    return genes, vnn.read.Interactions.from_pairs(*zip(*_PAIRS, strict=True))


def groups() -> Figure:
    """Draw gene list and interactions → groups → layer."""
    genes, ppi = tiny()
    arch = vnn.wire.interactions(genes, ppi, grouping="clique")
    figure, axes = canvas(11.0, 3.9)
    heading(axes, 0.9, "your genes")
    heading(axes, 3.6, "who interacts")
    heading(axes, 8.2, "the layer")
    listed = {gene: (0.9, 3.0 - 0.48 * row) for row, gene in enumerate(genes)}
    for gene, place in listed.items():
        box(axes, place, gene, GENE)
    graph = {"STAT1": (3.0, 2.8), "STAT2": (4.2, 2.8), "IRF9": (3.6, 2.0), "IFIT1": (3.0, 1.1), "IFIT3": (4.2, 1.1)}
    for a, b in _PAIRS:
        axes.plot(*zip(graph[a], graph[b], strict=True), color=LINE, linewidth=1.5, zorder=1)
    for gene, place in graph.items():
        box(axes, place, gene, GENE)
    arrow(axes, (1.55, 1.9), (2.3, 1.9))
    arrow(axes, (4.9, 1.9), (5.65, 1.9))
    inputs = {gene: (6.7, 3.0 - 0.48 * row) for row, gene in enumerate(genes)}
    nodes = {node.id: (9.7, 2.5 - 1.4 * row) for row, node in enumerate(arch.layers[1])}
    connect(axes, arch, 0, 1, inputs, nodes)
    for gene, place in inputs.items():
        box(axes, place, gene, GENE, gone=gene in arch.unconnected_genes)
    for node in arch.layers[1]:
        box(axes, nodes[node.id], node.label, GROUP, width=2.0)
    note(axes, 6.7, 0.1, "ACTB: no interaction, not connected")
    note(axes, 9.7, 0.45, "one hidden node for each\ngroup that interacts")
    return figure


def units() -> Figure:
    """Draw node, unit, adjacency."""
    genes, ppi = tiny()
    arch = vnn.wire.interactions(genes, ppi, grouping="clique", units=2)
    figure, axes = canvas(11.0, 3.7)
    heading(axes, 1.9, "nodes have names, units compute")
    for row, node in enumerate(arch.layers[1]):
        y = 2.25 - 1.25 * row
        axes.add_patch(
            FancyBboxPatch((0.6, y - 0.4), 2.6, 0.8, boxstyle="round,rounding_size=0.1,pad=0", fc=GROUP, ec=LINE)
        )
        axes.text(1.5, y, node.label.replace(" and ", "\nand "), ha="center", va="center", fontsize=8.5, color=TEXT)
        for unit in range(node.units):
            axes.plot(2.35 + 0.5 * unit, y, "o", markersize=15, color="white", markeredgecolor=LINE)
            axes.text(2.35 + 0.5 * unit, y, str(unit), ha="center", va="center", fontsize=8, color=TEXT)
    note(axes, 1.9, 0.1, f"{len(arch.layers[1])} nodes of 2 units: {arch.layers[1].width} outputs")
    heading(axes, 5.5, "adjacency: genes × nodes")
    grid(axes, arch.adjacency(0, 1).toarray(), genes, [str(i + 1) for i in range(2)], (5.0, 2.9))
    heading(axes, 9.0, "weights: one per connection of units")
    labels = [f"{node + 1}.{unit}" for node in range(2) for unit in range(2)]
    expanded = np.kron(arch.adjacency(0, 1).toarray(), np.ones((1, 2)))
    grid(axes, expanded, genes, labels, (8.2, 2.9))
    note(axes, 9.0, 0.1, f"{int(expanded.sum())} weights, {expanded.size} if it were dense")
    arrow(axes, (3.5, 1.6), (4.1, 1.6))
    arrow(axes, (6.4, 1.6), (7.0, 1.6))
    return figure


def ontology() -> Figure:
    """Draw how terms that are too small, or say nothing new, are removed, and nothing is lost."""
    terms = {
        "response": (),
        "immune": ("response",),
        "defence": ("immune",),
        "virus": ("defence",),
        "rare": ("immune",),
    }
    tree = Ontology.from_edges(
        [child for child, parents in terms.items() for _ in parents],
        [parent for parents in terms.values() for parent in parents],
        terms=terms,
    )
    pairs = [("G1", "virus"), ("G2", "virus"), ("G3", "defence"), ("G4", "rare"), ("G5", "response"), ("G1", "rare")]
    known = Annotations.from_pairs(*zip(*pairs[:5], strict=True))
    genes = ["G1", "G2", "G3", "G4", "G5"]
    arch = vnn.wire.ontology(genes, tree, known, relations=tuple(sorted({*tree.relation})), min_genes=2)
    figure, axes = canvas(12.0, 4.4)
    heading(axes, 2.4, "the ontology, your genes")
    before: dict[str, Place] = {
        "response": (2.4, 3.3),
        "immune": (2.4, 2.5),
        "defence": (1.4, 1.7),
        "rare": (3.6, 1.7),
        "virus": (1.0, 0.95),
    }
    floor = {gene: (0.6 + 1.0 * column, 0.2) for column, gene in enumerate(("G1", "G2", "G3", "G4", "G5"))}
    for child, parents in terms.items():
        for parent in parents:
            link(axes, before[child], before[parent])
    for gene, term in pairs[:5]:
        link(axes, floor[gene], before[term], colour="#b6bdc3")
    kept = {node.id for layer in arch.hidden_layers for node in layer}
    merged = {name for layer in arch.hidden_layers for node in layer for name in node.names if name != node.id}
    for term, place in before.items():
        box(axes, place, term, TERM, gone=term not in kept, width=1.1)
    for gene, place in floor.items():
        box(axes, place, gene, GENE, width=0.6)
    removed = sorted(set(terms) - kept - merged)
    arrow(axes, (5.0, 1.8), (5.7, 1.8))
    heading(axes, 8.2, "the network")
    spots: dict[str, Place] = {gene: (6.4 + 0.85 * column, 0.2) for column, gene in enumerate(arch.genes)}
    for number, layer in enumerate(arch.hidden_layers, start=1):
        for column, node in enumerate(layer):
            spots[node.id] = (7.0 + 0.45 * number + 1.4 * column, 0.2 + 0.8 * number)
    edges = arch.edge_table()
    for source, target in zip(edges["source"], edges["target"], strict=True):
        link(axes, spots[source], spots[target], colour=LINE if source in kept else "#b6bdc3")
    for id, where in spots.items():
        node = arch.find(id).node
        names = f"{node.label}" + (f" (= {', '.join(n for n in node.names if n != id)})" if len(node.names) > 1 else "")
        box(axes, where, names, GENE if node.kind == "gene" else TERM, width=0.6 if node.kind == "gene" else 2.0)
    gone = f"{', '.join(removed)}: fewer than 2 genes" if removed else ""
    same = f"{', '.join(sorted(merged))}: same genes as a child, merged" if merged else ""
    note(axes, 10.7, 2.2, "\n".join(filter(None, (gone, same, "their genes join the terms above"))))
    return figure


def audit() -> Figure:
    """Draw what becomes of the genes of the demo."""
    genes = vnn.read.genes(vnn.data_path("kang_ifnb_cd4t_expression.csv.gz"))
    ppi = vnn.read.interactions(vnn.data_path("ppi_human_goa_ipi.tsv"))
    tf = vnn.read.regulation(vnn.data_path("tf_target_human_goa.tsv"))
    arch = vnn.wire.interactions(genes, ppi, tf, grouping="neighbourhood")
    figure, axes = canvas(11.0, 2.75)
    connected = len(arch.genes) - len(arch.unconnected_genes)
    parts: list[tuple[str, int, str]] = [("connected", connected, "#0072b2")]
    shades = iter(("#b9c0c6", "#d5dade", "#e69f00", "#eceff1"))
    for entry in arch.audit:
        if entry.subject == "gene":
            parts.append((str(entry.reason), entry.count, next(shades)))
    left = 0.4
    scale = 10.2 / len(arch.genes)
    axes.text(0.4, 2.4, f"{len(arch.genes):,} genes of the expression table", fontsize=10.5, fontweight="bold")
    for row, (reason, count, colour) in enumerate(parts):
        axes.add_patch(Rectangle((left, 1.6), count * scale, 0.6, fc=colour, ec="white"))
        if count * scale > 0.5:
            ink = "white" if row == 0 else TEXT
            axes.text(left + count * scale / 2, 1.9, f"{count:,}", ha="center", va="center", fontsize=9.5, color=ink)
        left += count * scale
        y = 1.3 - 0.27 * row
        axes.add_patch(Rectangle((0.4, y - 0.08), 0.2, 0.16, fc=colour, ec=SOFT, linewidth=0.5))
        axes.text(0.7, y, f"{count:,}  {reason}", va="center", fontsize=9, color=TEXT)
    axes.text(0.7, 1.3 - 0.27 * len(parts), "…all listed by name in arch.audit", va="center", fontsize=9, color=LINE)
    return figure


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure whose coordinates are inches, from below at the left."""
    figure = Figure(figsize=(width, height))
    FigureCanvasSVG(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(-0.15, height - 0.15))
    axes.set_axis_off()
    return figure, axes


def heading(axes: Axes, x: float, text: str) -> None:
    """Write a heading at the top."""
    axes.text(x, axes.get_ylim()[1] - 0.2, text, ha="center", va="center", fontsize=11, fontweight="bold", color=TEXT)


def note(axes: Axes, x: float, y: float, text: str) -> None:
    """Write a remark."""
    axes.text(x, y, text, ha="center", va="center", fontsize=8.5, style="italic", color=LINE)


def box(axes: Axes, place: Place, text: str, colour: str, *, width: float = 0.95, gone: bool = False) -> None:
    """Draw a named box; a broken line means that it is left out."""
    axes.add_patch(
        FancyBboxPatch(
            (place[0] - width / 2, place[1] - 0.16),
            width,
            0.32,
            boxstyle="round,rounding_size=0.08,pad=0",
            fc=GONE if gone else colour,
            ec=SOFT,
            linestyle="--" if gone else "-",
            zorder=3,
        )
    )
    ink = SOFT if gone else TEXT
    axes.text(*place, text, ha="center", va="center", fontsize=8.5, color=ink, zorder=4)


def arrow(axes: Axes, start: Place, end: Place) -> None:
    """Draw the arrow from one part of a picture to the next."""
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=16, color=SOFT, linewidth=2))


def link(axes: Axes, below: Place, above: Place, colour: str = LINE) -> None:
    """Draw an edge from the top of one box to the bottom of another."""
    axes.plot([below[0], above[0]], [below[1] + 0.16, above[1] - 0.16], color=colour, linewidth=1.4, zorder=1)


def connect(
    axes: Axes, arch: Any, source: int, target: int, inputs: Mapping[str, Place], nodes: Mapping[str, Place]
) -> None:
    """Draw the edges between two layers, from left to right."""
    edges = arch.edge_table()
    for a, b in zip(edges["source"], edges["target"], strict=True):
        (x0, y0), (x1, y1) = inputs[a], nodes[b]
        axes.plot([x0 + 0.48, x1 - 1.0], [y0, y1], color=LINE, linewidth=1.4, zorder=1)


def grid(axes: Axes, matrix: Any, rows: Sequence[str], columns: Sequence[str], corner: Place) -> None:
    """Draw a matrix of zeros and ones, its upper left corner at a place."""
    size = 0.4
    for j, name in enumerate(columns):
        axes.text(corner[0] + (j + 0.5) * size, corner[1] + 0.08, name, ha="center", fontsize=8, color=TEXT)
    for i, name in enumerate(rows):
        y = corner[1] - (i + 1) * size
        axes.text(corner[0] - 0.1, y + size / 2, name, ha="right", va="center", fontsize=8, color=TEXT)
        for j in range(len(columns)):
            colour = "#0072b2" if matrix[i, j] else "#f4f6f7"
            axes.add_patch(Rectangle((corner[0] + j * size, y), size, size, fc=colour, ec="white"))


def save(figure: Figure, path: Path) -> None:
    """Write a figure; the same figure gives the same bytes."""
    with rc_context({"svg.hashsalt": "keras-vnn", "svg.fonttype": "path"}):
        figure.savefig(path, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
