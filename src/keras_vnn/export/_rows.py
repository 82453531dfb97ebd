"""A picture of a deep network: a row of nodes for each layer, genes at the bottom, outputs on top.

In: a `Content`. Out: matplotlib Axes. It is as wide as a page however many layers there are; of each node only the
strongest edges are drawn.
"""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keras_vnn.export._canvas import bare_axes, shortened
from keras_vnn.export._content import Content
from keras_vnn.export._layout import Column, laid_out
from keras_vnn.export._style import KIND_COLOURS, NEGATIVE, POSITIVE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_rows"]

# Inches.
_MARGIN, _BOX, _GAP, _HEIGHT, _STEP, _EDGE, _FOOT = 1.15, 1.62, 0.16, 0.36, 0.68, 0.15, 0.45
_LETTERS, _LINES = 23, 2
_INPUTS_EACH = 2
_GREY = "#8a9299"


def draw_rows(content: Content, *, top: int, ax: Axes | None = None) -> Axes:
    """Draw layers as rows."""
    columns, edges = laid_out(content, top, genes=top + 2, outputs_each=top)
    edges = _strongest(edges)
    orders = _ordered(columns, edges)
    widest = max(max(len(order), len(column.boxes)) for order, column in zip(orders, columns, strict=True))
    width = 2 * _EDGE + _MARGIN + max(widest, 3) * (_BOX + _GAP)
    height = 2 * _EDGE + _FOOT + len(columns) * _STEP
    axes = bare_axes(width, height) if ax is None else ax
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    places: list[dict[str, tuple[float, float]]] = []
    for number, (column, order) in enumerate(zip(columns, orders, strict=True)):
        middle = _EDGE + (len(columns) - 1 - number + 0.5) * _STEP
        _title(axes, column, middle)
        room = (width - _EDGE - _MARGIN - _EDGE) / max(len(order) + len(column.boxes), 1)
        places.append({})
        for position, id in enumerate(order):
            x = _EDGE + _MARGIN + (position + 0.5) * room
            places[-1][id] = (x, middle)
            _box(axes, x, middle, column.labels[id], KIND_COLOURS[column.kinds[id]])
        for extra, text in enumerate(column.boxes):
            x = _EDGE + _MARGIN + (len(order) + extra + 0.5) * room
            _box(axes, x, middle, text, "white", style="--")
    _edges(axes, edges, places, signed=content.weights is not None)
    _legend(axes, columns, height, signed=content.weights is not None)
    return axes


def _strongest(edges: pd.DataFrame) -> pd.DataFrame:
    """Return of each node the strongest inputs, and the strongest edge that leaves it."""
    ranked = edges.sort_values("strength", ascending=False, kind="stable")
    into = ranked.groupby(["target_layer", "target"]).cumcount() < _INPUTS_EACH
    out = ranked.groupby("source").cumcount() < 1
    return ranked[into | out]


def _ordered(columns: list[Column], edges: pd.DataFrame) -> list[list[str]]:
    """Return the nodes of each row from left to right, such that few edges cross: means of neighbours, swept."""
    orders = [list(column.shown) for column in columns]
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


def _title(axes: Axes, column: Column, middle: float) -> None:
    more = f"{len(column.shown):,} of {len(column.shown) + column.hidden:,}" if column.hidden else column.subtitle
    axes.text(_EDGE, middle - 0.09, shortened(column.title, 18), va="center", fontsize=8.5, fontweight="bold")
    axes.text(_EDGE, middle + 0.1, shortened(more, 22), va="center", fontsize=7.5, color=_GREY)


def _box(axes: Axes, x: float, middle: float, text: str, colour: str, style: str = "-") -> None:
    from matplotlib.patches import FancyBboxPatch

    axes.add_patch(
        FancyBboxPatch(
            (x - _BOX / 2, middle - _HEIGHT / 2),
            _BOX,
            _HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor=colour,
            edgecolor="#b6bdc3",
            linewidth=0.7,
            linestyle=style,
            zorder=3,
        )
    )
    lines = wrap(shortened(text, _LETTERS * _LINES - 4), _LETTERS)
    if len(lines) > _LINES:
        lines = [*lines[: _LINES - 1], shortened(" ".join(lines[_LINES - 1 :]), _LETTERS)]
    axes.text(x, middle, "\n".join(lines), ha="center", va="center", fontsize=7, linespacing=1.0, zorder=4)


def _edges(axes: Axes, edges: pd.DataFrame, places: list[dict[str, tuple[float, float]]], *, signed: bool) -> None:
    """Draw curves from the top of the source to the bottom of the target, the strongest on top."""
    from matplotlib.collections import PathCollection
    from matplotlib.path import Path

    strongest = edges.groupby("target_layer")["strength"].transform("max")
    relative = (edges["strength"] / strongest.where(strongest > 0, 1)).to_numpy(float)
    rows = list(edges.itertuples())
    paths, colours, widths = [], [], []
    for position in relative.argsort(kind="stable"):
        edge = rows[position]
        (x0, y0), (x1, y1) = places[edge.source_layer][edge.source], places[edge.target_layer][edge.target]
        y0, y1 = y0 - _HEIGHT / 2, y1 + _HEIGHT / 2
        bend = (y1 - y0) / 2
        codes = [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
        paths.append(Path([(x0, y0), (x0, y0 + bend), (x1, y1 - bend), (x1, y1)], codes))
        colours.append(_GREY if not signed else POSITIVE if edge.weight > 0 else NEGATIVE)
        width = 0.9 if not signed else 0.5 + 1.7 * relative[position]
        widths.append(width if edge.target_layer == edge.source_layer + 1 else width * 0.6)
    axes.add_collection(
        PathCollection(
            paths, facecolors="none", edgecolors=colours, linewidths=np.asarray(widths), alpha=0.7, zorder=2
        ),
        autolim=False,
    )


def _legend(axes: Axes, columns: list[Column], height: float, *, signed: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    kinds = dict.fromkeys(kind for column in columns for kind in column.kinds.values())
    marks: list[Any] = [Patch(facecolor=KIND_COLOURS[kind], edgecolor="#b6bdc3", label=kind) for kind in kinds]
    if signed:
        marks += [
            Line2D([], [], color=POSITIVE, linewidth=2, label="positive weight"),
            Line2D([], [], color=NEGATIVE, linewidth=2, label="negative weight"),
        ]
    axes.legend(
        handles=marks,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.1 / height),
        bbox_transform=axes.transAxes,
        ncols=len(marks),
        frameon=False,
        fontsize=8,
        handlelength=1.4,
    )
