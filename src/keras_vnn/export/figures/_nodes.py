"""Nodes: which matter most, and what they do in the cells of each class."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import DataError, sample
from keras_vnn.export._canvas import new_axes, shortened, without_frame
from keras_vnn.export.figures._shared import CLASS_COLOURS, GREY, name_ticks, names, numbers

if TYPE_CHECKING:
    import anndata
    from matplotlib.axes import Axes

__all__ = ["activity_heatmap", "node_ranking"]

_CONTROL_MARKS = ("D", "s", "^", "v", "o")


def node_ranking(
    ranking: pd.DataFrame, *, runs: pd.DataFrame | None = None, top: int = 20, ax: Axes | None = None
) -> Axes:
    """Draw the most important nodes as bars, with their spread over runs where several are known.

    Parameters
    ----------
    ranking
        What `rank_nodes` gave, or the ``nodes`` of a `Comparison`: ``importance`` by id; ``label`` and
        ``most_active_in`` if there are any; ``sd``, drawn as a line around the end of the bar; and
        ``importance CONTROL``, the mean under each control, drawn as a mark.
    runs
        ``(nodes, runs)`` importance of the same nodes in networks trained from several seeds: bars are then the means,
        and each run is a dot.
    top
        Nodes to show.
    ax
        Axes to draw on.

    Raises
    ------
    DataError
        The table has no importance or no row, or ``runs`` lacks nodes of the ranking.

    Examples
    --------
    >>> table = pd.DataFrame({"label": ["repair", "growth"], "importance": [0.2, 0.1]}, index=["GO:1", "GO:2"])
    >>> [tick.get_text() for tick in node_ranking(table).get_yticklabels()]
    ['repair', 'growth']
    """
    if "importance" not in ranking or not len(ranking):
        raise DataError(
            "The ranking needs a column importance and at least one node.\nMake it: rank_nodes(model, data, labels)"
        )
    known = ranking
    if runs is not None:
        lacking = ranking.index.difference(runs.index)
        if len(lacking) or not runs.shape[1]:
            raise DataError(
                f"{len(lacking)} of {len(ranking)} nodes of the ranking are not in the table of "
                f"{runs.shape[1]} runs: {sample(lacking)}."
            )
        known = ranking.assign(importance=runs.reindex(ranking.index).mean(axis=1))
    table = known.sort_values("importance", ascending=False, kind="stable").head(max(top, 1))
    texts = names(table)
    colours, legend = _class_colours(ranking, table)
    controls = [str(name) for name in table.columns if str(name).startswith("importance ")][: len(_CONTROL_MARKS)]
    is_outside = len(legend) + len(controls) > 3
    is_outside |= table["importance"].iloc[-4:].max() > 0.6 * table["importance"].max()
    has_legend = len(legend) > 1 or bool(controls)
    width = 4.2 + 0.075 * max(map(len, texts)) + (1.8 if has_legend and is_outside else 0)
    axes = new_axes(width, 0.95 + 0.24 * len(table)) if ax is None else ax
    places = np.arange(len(table))
    # Light bars where marks and lines have to be seen on them.
    axes.barh(places, table["importance"], color=colours, height=0.72, alpha=0.5 if controls or runs is not None else 1)
    marks: list[Any] = []
    for name, mark in zip(controls, _CONTROL_MARKS, strict=False):
        label = f"mean under control: {name.removeprefix('importance ')}"
        marks += axes.plot(table[name], places, mark, color="black", fillstyle="none", markersize=4.5, label=label)
    spread = "mean change of the outputs without the node"
    if runs is not None:
        for column in runs:
            axes.plot(runs.loc[table.index, column], places, ".", color="#333333", markersize=4, alpha=0.8)
        spread += f"; bars are means of {runs.shape[1]} runs (dots)"
    elif "sd" in table and table["sd"].notna().any():
        axes.errorbar(table["importance"], places, xerr=table["sd"], fmt="none", ecolor="#333333", elinewidth=1)
        spread += "; lines are ± sd over runs"
    if has_legend:
        _legend(axes, legend if len(legend) > 1 else {}, "higher in", marks, outside=is_outside)
    axes.set_xlim(left=0)
    axes.set_yticks(places, texts, fontsize=8.5)
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.set_xlabel("importance: " + fill(spread, 52), fontsize=8.5)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)
    without_frame(axes, "top", "right", "left")
    return axes


def activity_heatmap(
    activities: pd.DataFrame | anndata.AnnData,
    *,
    by: str | None = None,
    ranking: pd.DataFrame | None = None,
    top: int = 20,
    labels: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the mean activity of nodes (rows) in the cells of each class (columns).

    Parameters
    ----------
    activities
        The AnnData of `node_activities`, with the name of a column of its ``obs`` as ``by``; or a table ``(nodes or
        units, classes)``, as `activities_by_class` gives.
    by
        Column of the classes.
    ranking
        What `rank_nodes` gave: the first nodes of it are shown, in its order.
    top
        Nodes of the ranking to show.
    labels
        What to call the rows of a table; by default their index.
    ax
        Axes to draw on.

    Raises
    ------
    DataError
        The table is empty, holds something that is not a number, or there is no column of classes.

    Examples
    --------
    >>> table = pd.DataFrame([[-0.4, 0.5]], index=["GO:1"], columns=["control", "stimulated"])
    >>> activity_heatmap(table, labels={"GO:1": "repair"}).get_yticklabels()[0].get_text()
    'repair'
    """
    if not isinstance(activities, pd.DataFrame):
        activities, labels = _by_class(activities, by, ranking, top, labels)
    elif ranking is not None:
        activities = activities.loc[[name for name in ranking.index[:top] if name in activities.index]]
    values = numbers(activities, "table of activities")
    rows, columns = values.shape
    texts = [(labels or {}).get(str(id), str(id)) for id in activities.index]
    longest = max(len(shortened(name, 40)) for name in texts)
    letters = max(len(shortened(name)) for name in activities.columns)
    turned = columns > 4 and letters > 6
    cell = 0.5 if turned else max(0.5, 0.09 * letters)
    width = 1.5 + 0.075 * longest + max(cell * columns, 1.0)
    axes = new_axes(width, 0.6 + 0.7 * turned + max(0.24 * rows, 0.9)) if ax is None else ax
    finite = np.abs(values[np.isfinite(values)])
    limit = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    image = axes.imshow(np.ma.masked_invalid(values), cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    axes.set_facecolor("#dddddd")
    name_ticks(axes, activities.columns, texts, turned=turned, width=40)
    axes.tick_params(length=0)
    without_frame(axes, "top", "right", "left", "bottom")
    figure: Any = axes.figure
    bar = figure.colorbar(image, ax=axes, shrink=min(1.0, 1.5 / max(0.24 * rows, 0.9)), pad=0.03)
    bar.set_label("mean activity", fontsize=8.5)
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_visible(False)
    return axes


def _by_class(
    activities: Any, by: str | None, ranking: pd.DataFrame | None, top: int, labels: Mapping[str, str] | None
) -> tuple[pd.DataFrame, Mapping[str, str]]:
    """Return mean activities by class of the units of the first nodes, and what to call the units."""
    from keras_vnn.inspection import activities_by_class

    if by is None:
        raise DataError(
            "The activities of cells are drawn by class; name the column of the classes.\n"
            f"Pass by=…, one of: {sample(activities.obs.columns) or 'there is none yet, add one to activities.obs'}"
        )
    table = activities_by_class(activities, by)
    nodes = list(dict.fromkeys(activities.var["node"])) if ranking is None else list(ranking.index[:top])
    position = {node: number for number, node in enumerate(nodes[:top])}
    units = activities.var[activities.var["node"].isin(list(position))]
    units = units.assign(position=units["node"].map(position)).sort_values(["position", "unit"], kind="stable")
    several = units["node"].duplicated(keep=False)
    called = {
        str(name): f"{_cut(str(label))} [{unit}]" if again else str(label)
        for name, label, unit, again in zip(units.index, units["label"], units["unit"], several, strict=True)
    }
    return table.loc[units.index], {**called, **(labels or {})}


def _cut(label: str, width: int = 34) -> str:
    """Return a label to which the number of a unit is added, so short that the number is not cut."""
    return label if len(label) <= width else f"{label[: width - 1].rstrip()}…"


def _class_colours(ranking: pd.DataFrame, shown: pd.DataFrame) -> tuple[list[str], dict[str, str]]:
    """Return a colour for each node that is shown, and one for each class among them, first 12."""
    if "most_active_in" not in shown or shown["most_active_in"].isna().all():
        return [CLASS_COLOURS[0]] * len(shown), {}
    classes = [str(name).removeprefix("effect_") for name in ranking.columns if str(name).startswith("effect_")]
    classes = classes or sorted(map(str, ranking["most_active_in"].dropna().unique()))
    colour_of = {name: CLASS_COLOURS[i % len(CLASS_COLOURS)] for i, name in enumerate(classes)}
    occurring = set(shown["most_active_in"])
    legend = {name: colour for name, colour in colour_of.items() if name in occurring}
    return [colour_of.get(str(name), GREY) for name in shown["most_active_in"]], dict(list(legend.items())[:12])


def _legend(axes: Axes, colours: Mapping[str, str], title: str, marks: list[Any], *, outside: bool) -> None:
    from matplotlib.patches import Patch

    handles = [*(Patch(color=colour, label=shortened(name)) for name, colour in colours.items()), *marks]
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} if outside else {"loc": "lower right"}
    heading = title if colours else None
    axes.legend(handles=handles, title=heading, frameon=False, fontsize=8, title_fontsize=8, alignment="left", **place)
