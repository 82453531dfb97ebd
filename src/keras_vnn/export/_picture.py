"""A picture of the layers: columns of named nodes, and the connections between those that are shown.

In: a model or an architecture, and what is known of its nodes. Out: matplotlib Axes, or the bytes of a file.
Of thousands of nodes the first few of each layer are shown, and the genes that matter most to them. Deep networks are
drawn as rows, the outputs on top (`keras_vnn.export._rows`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ConfigError, check_choice
from keras_vnn.export._canvas import bare_axes, shortened
from keras_vnn.export._content import Content, content_of
from keras_vnn.export._layout import Column, laid_out
from keras_vnn.export._rows import draw_rows
from keras_vnn.export._style import KIND_COLOURS, NEGATIVE, POSITIVE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

__all__ = ["draw_content", "draw_layers"]

# Inches.
_PILL, _GAP, _ROW, _HEAD, _FOOT, _EDGE = 2.05, 1.5, 0.3, 0.62, 0.55, 0.2
_MANY_COLUMNS = 6
_LETTERS = 30
_GREY = "#8a9299"


def draw_layers(
    source: Any,
    *,
    ranking: pd.DataFrame | None = None,
    top: int | None = None,
    layout: str = "auto",
    ax: Axes | None = None,
) -> Axes:
    """Draw the layers of a model or an architecture: a column of named nodes for each, or a row where there are many.

    Parameters
    ----------
    source
        A model of `build_model`, or an `Architecture`.
    ranking
        What `rank_nodes` gave; by default what the model remembers.
    top
        Nodes to show in each layer: the most important where a ranking is known, else those with the largest
        weights, or inputs; by default 12 in a column, 5 in a row. The genes are those with the largest weights to
        nodes that are shown.
    layout
        ``"columns"``, from genes at the left to outputs at the right; ``"rows"``, from genes at the bottom to outputs
        on top, with the strongest edges of each node only; ``"auto"``: rows for more than six columns.
    ax
        Axes to draw on; new ones of a fitting size by default.

    Returns
    -------
    matplotlib.axes.Axes
        ``ax.figure.savefig`` writes it; `export_summary` does, with the same bytes every time.

    Raises
    ------
    ConfigError
        ``top`` is below 1, or there is no such layout.
    ArchitectureError
        The source is neither a model nor an architecture.
    ModelError
        The model was not made by `build_model`.
    """
    return draw_content(content_of(source, ranking), top=top, layout=layout, ax=ax)


def draw_content(content: Content, *, top: int | None = None, layout: str = "auto", ax: Axes | None = None) -> Axes:
    """Draw what `draw_layers` draws."""
    if top is not None and top < 1:
        raise ConfigError(f"top must be at least 1, got {top}.")
    check_choice("layout", layout, ("auto", "columns", "rows"))
    count = len(content.architecture.layers) + len(content.tail) + bool(content.outputs)
    if layout == "rows" or (layout == "auto" and count > _MANY_COLUMNS):
        return draw_rows(content, top=5 if top is None else top, ax=ax)
    columns, edges = laid_out(content, 12 if top is None else top)
    rows = max(column.rows for column in columns)
    gap = _GAP
    width = len(columns) * _PILL + (len(columns) - 1) * gap + 2 * _EDGE
    height = rows * _ROW + _HEAD + _FOOT
    axes = bare_axes(width, height) if ax is None else ax
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    places: list[dict[str, tuple[float, float]]] = []
    boxes: list[list[tuple[float, float]]] = []
    for number, column in enumerate(columns):
        left = _EDGE + number * (_PILL + gap)
        room = rows / max(column.rows, 1)
        step = _ROW * min(2.5, room if room > 1.3 else 1.0)
        first = _HEAD + (rows * _ROW - column.rows * step) / 2
        places.append({id: (left, first + (row + 0.5) * step) for row, id in enumerate(column.shown)})
        _draw_column(axes, column, left, first, step)
        count = len(column.boxes)
        boxes.append([(left, first + (column.rows - count + row + 0.5) * step) for row in range(count)])
    _draw_dense(axes, content, places, boxes)
    _draw_edges(axes, edges, places, signed=content.weights is not None)
    _draw_legend(axes, columns, height, signed=content.weights is not None)
    return axes


def _draw_column(axes: Axes, column: Column, left: float, first: float, step: float) -> None:
    middle = left + _PILL / 2
    axes.text(middle, 0.2, shortened(column.title), ha="center", va="center", fontsize=9.5, fontweight="bold")
    axes.text(middle, 0.4, column.subtitle, ha="center", va="center", fontsize=8, color=_GREY)
    middles = [first + (row + 0.5) * step for row in range(column.rows)]
    for id in column.shown:
        _draw_pill(axes, left, middles.pop(0), shortened(column.labels[id], _LETTERS), KIND_COLOURS[column.kinds[id]])
    if column.hidden:
        more = f"and {column.hidden:,} more"
        axes.text(middle, middles.pop(0), more, ha="center", va="center", fontsize=8, color=_GREY)
    for text in column.boxes:
        _draw_pill(axes, left, middles.pop(0), text, "white", style="--")


def _draw_pill(axes: Axes, left: float, middle: float, text: str, colour: str, style: str = "-") -> None:
    from matplotlib.patches import FancyBboxPatch

    axes.add_patch(
        FancyBboxPatch(
            (left, middle - _ROW / 2 + 0.035),
            _PILL,
            _ROW - 0.07,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor=colour,
            edgecolor="#b6bdc3",
            linewidth=0.7,
            linestyle=style,
            zorder=3,
        )
    )
    axes.text(left + _PILL / 2, middle, text, ha="center", va="center", fontsize=7.5, zorder=4)


def _draw_edges(axes: Axes, edges: pd.DataFrame, places: list[dict[str, tuple[float, float]]], *, signed: bool) -> None:
    """Draw curves from the right of the source to the left of the target, the strongest on top."""
    from matplotlib.collections import PathCollection

    strongest = edges.groupby(["source_layer", "target_layer"])["strength"].transform("max")
    relative = (edges["strength"] / strongest.where(strongest > 0, 1)).to_numpy(float)
    paths, colours, widths = [], [], []
    rows = list(edges.itertuples())
    for position in relative.argsort(kind="stable"):
        edge = rows[position]
        paths.append(_curve(places[edge.source_layer][edge.source], places[edge.target_layer][edge.target]))
        colours.append(_GREY if not signed else POSITIVE if edge.weight > 0 else NEGATIVE)
        width = 0.9 if not signed else 0.3 + 2.2 * relative[position]
        widths.append(width if edge.target_layer == edge.source_layer + 1 else width / 2)
    axes.add_collection(
        PathCollection(
            paths,
            facecolors="none",
            edgecolors=colours,
            linewidths=np.asarray(widths),
            alpha=0.75 if signed else 0.6,
            zorder=2,
            capstyle="round",
        ),
        autolim=False,
    )


def _draw_dense(
    axes: Axes,
    content: Content,
    places: list[dict[str, tuple[float, float]]],
    boxes: list[list[tuple[float, float]]],
) -> None:
    """Draw thin lines for what is fully connected: dense units next to the nodes, the tail, the outputs."""
    from matplotlib.collections import PathCollection

    if not content.outputs and not content.tail:
        return
    arch = content.architecture
    last = len(arch.layers)
    sources = [box for of_layer in boxes[:last] for box in of_layer]
    if content.tail:
        for number, layer in enumerate(arch.hidden_layers, start=1):
            sinks = dict(zip(layer.ids, arch.sink_nodes(number), strict=True))
            sources += [place for id, place in places[number].items() if sinks[id]]
    paths = []
    for number in range(last, len(places)):
        targets = [*places[number].values(), *boxes[number]]
        paths += [_curve(source, target) for source in sources for target in targets]
        sources = boxes[number]
    axes.add_collection(
        PathCollection(paths, facecolors="none", edgecolors="#c3c9ce", linewidths=0.6, zorder=1), autolim=False
    )


def _curve(source: tuple[float, float], target: tuple[float, float]) -> Path:
    """Return the curve from the right of one box to the left of another."""
    from matplotlib.path import Path

    (x0, y0), (x1, y1) = (source[0] + _PILL, source[1]), target
    bend = (x1 - x0) / 2
    codes = [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
    return Path([(x0, y0), (x0 + bend, y0), (x1 - bend, y1), (x1, y1)], codes)


def _draw_legend(axes: Axes, columns: list[Column], height: float, *, signed: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    kinds = dict.fromkeys(kind for column in columns[1:] for kind in column.kinds.values())
    marks: list[Any] = [Patch(facecolor=KIND_COLOURS[kind], edgecolor="#b6bdc3", label=kind) for kind in kinds]
    if signed:
        marks += [
            Line2D([], [], color=POSITIVE, linewidth=2, label="positive weight"),
            Line2D([], [], color=NEGATIVE, linewidth=2, label="negative weight"),
        ]
    if not signed and len(marks) < 2:
        return
    axes.legend(
        handles=marks,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.12 / height),
        bbox_transform=axes.transAxes,
        ncols=len(marks),
        frameon=False,
        fontsize=8,
        handlelength=1.4,
    )
