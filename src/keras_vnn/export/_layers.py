"""A picture of the layers: named nodes, and the connections between those that are shown.

In: a model or an architecture, and what is known of its nodes. Out: matplotlib Axes. Of thousands of nodes the first
few of each layer are shown, and the genes that matter most to them. A layer is a column; deep networks are drawn as
rows, the outputs on top, which are as wide as a page however many there are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import check_choice, check_count, counted
from keras_vnn.export._canvas import GREY, Shows, bare_axes, finished, names, shortened
from keras_vnn.export._content import (
    KIND_COLOURS,
    NEGATIVE,
    POSITIVE,
    Content,
    content_of,
    without_empty_layers,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

# Edges drawn for each node, from genes, where there are several layers.
_GENES_EACH = 3


@dataclass(slots=True)
class Column:
    """A column of the picture: what it is, and label and kind of the nodes shown in it, from top to bottom, by id."""

    title: str
    subtitle: str
    nodes: dict[str, tuple[str, str]]
    hidden: int = 0
    boxes: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return len(self.nodes) + bool(self.hidden) + len(self.boxes)


def laid_out(
    content: Content, top: int, *, genes: int | None = None, outputs_each: int = 3
) -> tuple[list[Column], pd.DataFrame]:
    """Return the columns, from genes to outputs, and the edges between nodes that are shown.

    ``genes`` are shown, half as many again as ``top`` when ``None``; each node has its ``outputs_each`` strongest edges
    to outputs, and three from genes where there are several layers.
    """
    arch = content.architecture
    nodes = content.top_nodes
    outputs = list(content.outputs[:top])
    last = len(arch.layers)
    columns = []
    for number, layer in enumerate(arch.hidden_layers, start=1):
        of_layer = nodes[nodes["layer"] == number].head(top)
        of_kind = zip(names(of_layer), of_layer["kind"], strict=True)
        count = counted(len(layer), "node")
        dense = [f"+ {counted(layer.dense_units, 'dense unit')}"] if layer.dense_units else []
        known = dict(zip(of_layer.index, of_kind, strict=True))
        columns.append(Column(layer.name, count, known, len(layer) - len(known), dense))
    shown = {number: set(column.nodes) for number, column in enumerate(columns, start=1)}
    shown[last] = set(outputs)
    edges = _at_shown(content.node_edges, "target", shown)
    chosen = _chosen_genes(edges[edges["source_layer"] == 0], columns, top + top // 2 if genes is None else genes)
    genes_layer = arch.layers[0]
    label_of = dict(zip(genes_layer.ids, genes_layer.labels, strict=True))
    count = f"{len(genes_layer):,}{' genes' if genes_layer.name != 'genes' else ''}"
    of_genes = {gene: (label_of[gene], "gene") for gene in chosen}
    columns.insert(0, Column(genes_layer.name, count, of_genes, len(genes_layer) - len(chosen)))
    shown[0] = set(chosen)
    edges = _at_shown(edges, "source", shown)
    to_outputs = edges[edges["target_layer"] == last].sort_values("strength", ascending=False, kind="stable")
    strongest = to_outputs[to_outputs.groupby("source").cumcount() < outputs_each]
    inner = edges[edges["target_layer"] < last]
    if len(arch.layers) > 2:
        ranked = inner.sort_values("strength", ascending=False, kind="stable")
        place = ranked.groupby(["source_layer", "target"]).cumcount()
        inner = ranked[(ranked["source_layer"] > 0) | (place < _GENES_EACH)]
    edges = pd.concat([inner, strongest])
    for width in content.tail:
        columns.append(Column("tail", "dense", {}, boxes=[f"{counted(width, 'dense unit')}"]))
    if outputs:
        title = "classes" if content.output_kind == "class" else "numbers"
        count = f"{len(content.outputs):,}"
        if len(outputs) > outputs_each and not content.tail:
            count += f", the {outputs_each} largest weights of each node"
        named = {output: (output, content.output_kind) for output in outputs}
        columns.append(Column(title, count, named, len(content.outputs) - len(outputs)))
        edges.loc[edges["target_layer"] == last, "target_layer"] = len(columns) - 1
    return columns, edges


def _at_shown(edges: pd.DataFrame, end: str, shown: Mapping[int, Collection[str]]) -> pd.DataFrame:
    """Return the edges one end of which is a node that is shown, by number of the layer."""
    return edges[[id in shown[layer] for id, layer in zip(edges[end], edges[f"{end}_layer"], strict=True)]]


def _chosen_genes(edges: pd.DataFrame, columns: list[Column], top: int) -> list[str]:
    """Return the genes to show: of each node in turn the next strongest; ordered to cross few edges."""
    order = {id: place for place, id in enumerate(id for column in columns for id in column.nodes)}
    ranked = edges.assign(nodes=edges.groupby("source")["target"].transform("size"), place=edges["target"].map(order))
    ranked = ranked.dropna(subset="place").sort_values(["strength", "nodes"], ascending=False, kind="stable")
    ranked = ranked.assign(turn=ranked.groupby("target").cumcount()).sort_values(["turn", "place"], kind="stable")
    chosen = ranked["source"].drop_duplicates().head(top)
    row = {id: position for column in columns for position, id in enumerate(column.nodes)}
    heights = edges.assign(row=edges["target"].map(row)).groupby("source")["row"].mean()
    return sorted(chosen, key=lambda gene: (heights[gene], gene))


def draw_layers(
    source: Any,
    *,
    ranking: pd.DataFrame | None = None,
    top: int | None = None,
    layout: str = "auto",
    ax: Axes | None = None,
    **shows: Unpack[Shows],
) -> Axes | None:
    """Draw the layers of a model or an architecture: a column of named nodes for each, or a row where there are many.

    Parameters
    ----------
    source
        A model of `build_model`, or an `Architecture`.
    ranking
        What `tl.rank_nodes` gave; by default what the model remembers.
    top
        Nodes to show in each layer: the most important where a ranking is known, else those with the largest
        weights, or inputs; by default 12 in a column, 5 in a row. The genes are those with the largest weights to
        nodes that are shown.
    layout
        ``"columns"``, from genes at the left to outputs at the right; ``"rows"``, from genes at the bottom to outputs
        on top, with the strongest edges of each node only; ``"auto"``: rows for more than six columns.
    ax
        Axes to draw on; new ones of a fitting size by default.
    show, save
        Display the figure and return ``None``, by default in notebooks; write it to a file.

    Returns
    -------
    matplotlib.axes.Axes
        ``ax.figure.savefig`` writes it; `pl.export_summary` does, with the same bytes every time.

    Raises
    ------
    ConfigError
        ``top`` is below 1, or there is no such layout.
    ArchitectureError
        The source is neither a model nor an architecture.
    ModelError
        The model was not made by `build_model`.
    """
    return finished(draw_content(content_of(source, ranking), top=top, layout=layout, ax=ax), ax, **shows)


def draw_content(content: Content, *, top: int | None = None, layout: str = "auto", ax: Axes | None = None) -> Axes:
    """Draw what `draw_layers` draws."""
    if top is not None:
        check_count("top", top)
    check_choice("layout", layout, ("auto", "columns", "rows"))
    content = without_empty_layers(content)
    count = len(content.architecture.layers) + len(content.tail) + bool(content.outputs)
    if layout == "rows" or (layout == "auto" and count > _MANY_COLUMNS):
        return _draw_rows(content, 5 if top is None else top, ax)
    return _draw_columns(content, 12 if top is None else top, ax)


@dataclass(frozen=True, slots=True)
class _Look:
    """How nodes and edges are drawn.

    Attributes
    ----------
    width, height
        Of the box of a node, in inches.
    letters, lines
        Of its name.
    font
        Size of the name, in points.
    upwards
        Whether edges lead from the top of a box to the bottom of another, rather than from right to left.
    thinnest, thickest
        Widths of edges, in points.
    skipping
        Share of its width that an edge has which skips layers.
    """

    width: float
    height: float
    letters: int
    lines: int
    font: float
    upwards: bool
    thinnest: float
    thickest: float
    skipping: float

    def box(self, axes: Axes, centre: Place, text: str, colour: str, style: str = "-") -> None:
        """Draw a node."""
        from matplotlib.patches import FancyBboxPatch

        corner = centre[0] - self.width / 2, centre[1] - self.height / 2
        shape: Any = {"boxstyle": "round,pad=0,rounding_size=0.08", "linewidth": 0.7, "linestyle": style, "zorder": 3}
        axes.add_patch(FancyBboxPatch(corner, self.width, self.height, facecolor=colour, edgecolor=_FRAME, **shape))
        name = shortened(text, self.letters)
        if self.lines > 1:
            # A few letters are spared, as words do not fill lines.
            lines = wrap(shortened(text, self.letters * self.lines - 4), self.letters)
            last = lines[self.lines - 1 :]
            if len(last) > 1:
                last = [shortened(" ".join(last), self.letters)]
            name = "\n".join([*lines[: self.lines - 1], *last])
        axes.text(*centre, name, ha="center", va="center", fontsize=self.font, linespacing=1.0, zorder=4)

    def curve(self, source: Place, target: Place) -> Path:
        """Return the curve from one box to another."""
        from matplotlib.path import Path

        (x0, y0), (x1, y1) = source, target
        if self.upwards:
            y0, y1 = y0 - self.height / 2, y1 + self.height / 2
            bend = (y1 - y0) / 2
            points = [(x0, y0), (x0, y0 + bend), (x1, y1 - bend), (x1, y1)]
        else:
            x0, x1 = x0 + self.width / 2, x1 - self.width / 2
            bend = (x1 - x0) / 2
            points = [(x0, y0), (x0 + bend, y0), (x1 - bend, y1), (x1, y1)]
        return Path(points, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])

    def edges(self, axes: Axes, edges: pd.DataFrame, places: Places, *, by: Sequence[str], signed: bool) -> None:
        """Draw edges, the strongest on top; as wide as they are strong among those with the same ``by``."""
        strongest = edges.groupby(list(by))["strength"].transform("max")
        relative = (edges["strength"] / strongest.where(strongest > 0, 1)).to_numpy(float)
        rows = list(edges.itertuples())
        paths, colours, widths = [], [], []
        for position in relative.argsort(kind="stable"):
            edge = rows[position]
            paths.append(self.curve(places[edge.source_layer][edge.source], places[edge.target_layer][edge.target]))
            colours.append(GREY if not signed else POSITIVE if edge.weight > 0 else NEGATIVE)
            width = self.thinnest + (self.thickest - self.thinnest) * relative[position] if signed else 0.9
            widths.append(width if edge.target_layer == edge.source_layer + 1 else width * self.skipping)
        _add_paths(axes, paths, edgecolors=colours, linewidths=np.asarray(widths), alpha=0.7, zorder=2)


Place = tuple[float, float]
# By number of the column, the centre of each node by its id.
Places = Sequence[Mapping[str, Place]]

_COLUMNS = _Look(2.05, 0.23, letters=30, lines=1, font=7.5, upwards=False, thinnest=0.3, thickest=2.5, skipping=0.5)
_ROWS = _Look(1.62, 0.36, letters=23, lines=2, font=7, upwards=True, thinnest=0.5, thickest=2.2, skipping=0.6)
_MANY_COLUMNS = 6
_FRAME = "#b6bdc3"
# Of each node of a deep network, edges that lead to it.
_INPUTS_EACH = 2


def _draw_columns(content: Content, top: int, ax: Axes | None) -> Axes:
    """Draw a column for each layer, genes at the left."""
    gap, pitch, heading, foot, margin = 1.5, 0.3, 0.62, 0.55, 0.2  # inches
    columns, edges = laid_out(content, top)
    rows = max(column.rows for column in columns)
    width = len(columns) * _COLUMNS.width + (len(columns) - 1) * gap + 2 * margin
    height = rows * pitch + heading + foot
    axes = _sheet(width, height, ax)
    places: list[dict[str, Place]] = []
    boxes: list[list[Place]] = []
    for number, column in enumerate(columns):
        x = margin + number * (_COLUMNS.width + gap) + _COLUMNS.width / 2
        room = rows / max(column.rows, 1)
        step = pitch * min(2.5, room if room > 1.3 else 1.0)
        first = heading + (rows * pitch - column.rows * step) / 2
        middles = [(x, first + (row + 0.5) * step) for row in range(column.rows)]
        centred: dict[str, Any] = {"ha": "center", "va": "center"}
        axes.text(x, 0.2, shortened(column.title), fontsize=9.5, fontweight="bold", **centred)
        axes.text(x, 0.4, column.subtitle, fontsize=8, color=GREY, **centred)
        places.append(dict(zip(column.nodes, middles, strict=False)))
        boxes.append(middles[len(middles) - len(column.boxes) :])
        _draw_nodes(axes, _COLUMNS, column, places[-1], boxes[-1])
        if column.hidden:
            axes.text(*middles[len(column.nodes)], f"and {column.hidden:,} more", fontsize=8, color=GREY, **centred)
    _draw_dense(axes, content, places, boxes)
    signed = content.weights is not None
    _COLUMNS.edges(axes, edges, places, by=("source_layer", "target_layer"), signed=signed)
    _draw_legend(axes, columns[1:], 0.12 / height, signed=signed)
    return axes


def _draw_rows(content: Content, top: int, ax: Axes | None) -> Axes:
    """Draw a row for each layer, genes at the bottom; of each node only the strongest edges."""
    left, gap, pitch, foot, margin = 1.15, 0.16, 0.68, 0.45, 0.15  # inches
    columns, edges = laid_out(content, top, genes=top + 2, outputs_each=top)
    ranked = edges.sort_values("strength", ascending=False, kind="stable")
    into = ranked.groupby(["target_layer", "target"]).cumcount() < _INPUTS_EACH
    edges = ranked[into | (ranked.groupby("source").cumcount() < 1)]
    orders = _ordered(columns, edges)
    widest = max(max(len(order), len(column.boxes)) for order, column in zip(orders, columns, strict=True))
    width = 2 * margin + left + max(widest, 3) * (_ROWS.width + gap)
    height = 2 * margin + foot + len(columns) * pitch
    axes = _sheet(width, height, ax)
    places: list[dict[str, Place]] = []
    for number, (column, order) in enumerate(zip(columns, orders, strict=True)):
        y = margin + (len(columns) - 1 - number + 0.5) * pitch
        more = f"{len(column.nodes):,} of {len(column.nodes) + column.hidden:,}" if column.hidden else column.subtitle
        axes.text(margin, y - 0.09, shortened(column.title, 18), va="center", fontsize=8.5, fontweight="bold")
        axes.text(margin, y + 0.1, shortened(more, 22), va="center", fontsize=7.5, color=GREY)
        count = len(order) + len(column.boxes)
        room = (width - margin - left - margin) / max(count, 1)
        middles = [(margin + left + (position + 0.5) * room, y) for position in range(count)]
        places.append(dict(zip(order, middles, strict=False)))
        _draw_nodes(axes, _ROWS, column, places[-1], middles[len(order) :])
    signed = content.weights is not None
    _ROWS.edges(axes, edges, places, by=("target_layer",), signed=signed)
    _draw_legend(axes, columns, 0.1 / height, signed=signed)
    return axes


def _sheet(width: float, height: float, ax: Axes | None) -> Axes:
    """Return axes in inches, from the top left."""
    axes = bare_axes(width, height) if ax is None else ax
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return axes


def _ordered(columns: list[Column], edges: pd.DataFrame) -> list[list[str]]:
    """Return the nodes of each row from left to right, such that few edges cross: means of neighbours, swept."""
    orders = [list(column.nodes) for column in columns]
    neighbours: dict[tuple[int, str], list[tuple[int, str]]] = {}
    for edge in edges.itertuples():
        ends = (edge.source_layer, edge.source), (edge.target_layer, edge.target)
        neighbours.setdefault(ends[0], []).append(ends[1])
        neighbours.setdefault(ends[1], []).append(ends[0])
    for sweep in range(8):
        numbers = range(len(orders)) if sweep % 2 else range(len(orders) - 1, -1, -1)
        for number in numbers:
            place = {
                (layer, id): (position + 0.5) / len(order)
                for layer, order in enumerate(orders)
                for position, id in enumerate(order)
            }

            def mean(id: str, number: int = number, place: dict[tuple[int, str], float] = place) -> float:
                near = [place[end] for end in neighbours.get((number, id), []) if end in place]
                return float(np.mean(near)) if near else place[number, id]

            orders[number].sort(key=mean)
    return orders


def _draw_nodes(axes: Axes, look: _Look, column: Column, places: Mapping[str, Place], boxes: Sequence[Place]) -> None:
    for id, centre in places.items():
        label, kind = column.nodes[id]
        look.box(axes, centre, label, KIND_COLOURS[kind])
    for centre, text in zip(boxes, column.boxes, strict=True):
        look.box(axes, centre, text, "white", style="--")


def _draw_dense(axes: Axes, content: Content, places: Places, boxes: Sequence[Sequence[Place]]) -> None:
    """Draw thin lines for what is fully connected: dense units next to the nodes, the tail, the outputs."""
    if not content.outputs and not content.tail:
        return
    arch = content.architecture
    last = len(arch.layers)
    sources = [box for of_layer in boxes[:last] for box in of_layer]
    if content.tail:
        sources += [place for of_layer in places[1:last] for id, place in of_layer.items() if id in arch.sinks]
    paths = []
    for number in range(last, len(places)):
        targets = [*places[number].values(), *boxes[number]]
        paths += [_COLUMNS.curve(source, target) for source in sources for target in targets]
        sources = list(boxes[number])
    _add_paths(axes, paths, edgecolors="#c3c9ce", linewidths=0.6, zorder=1)


def _add_paths(axes: Axes, paths: list[Path], **look: Any) -> None:
    from matplotlib.collections import PathCollection

    axes.add_collection(PathCollection(paths, facecolors="none", capstyle="round", **look), autolim=False)


def _draw_legend(axes: Axes, columns: Sequence[Column], bottom: float, *, signed: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    kinds = dict.fromkeys(kind for column in columns for _, kind in column.nodes.values())
    marks: list[Any] = [Patch(facecolor=KIND_COLOURS[kind], edgecolor=_FRAME, label=kind) for kind in kinds]
    if signed:
        signs = {"positive weight": POSITIVE, "negative weight": NEGATIVE}
        marks += [Line2D([], [], color=colour, linewidth=2, label=label) for label, colour in signs.items()]
    if not signed and len(marks) < 2:
        return
    place: dict[str, Any] = {"loc": "lower center", "bbox_to_anchor": (0.5, bottom), "bbox_transform": axes.transAxes}
    axes.legend(handles=marks, ncols=len(marks), frameon=False, fontsize=8, handlelength=1.4, **place)
