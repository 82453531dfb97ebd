"""Figures for papers: training, confusion, node ranking, activity by class, layers, sunburst, real against null.

In: models, architectures, and tables of `keras_vnn.training`, `keras_vnn.inspection` and `keras_vnn.experiments`. Out:
pictures in a notebook; elsewhere, or with ``show=False``, matplotlib Axes, on a new figure of a fitting size unless
axes are given. Touches no global state of matplotlib; colours are told apart by people who do not see red and green.

    node_ranking(rank_nodes(model, data, labels), save="nodes.svg")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import DataError, check_count, counted, sample
from keras_vnn.export._canvas import (
    CLASS_COLOURS,
    GREY,
    Shows,
    check_table,
    colour_bar,
    finished,
    name_rows,
    name_ticks,
    names,
    new_axes,
    numbers,
    picture_bytes,
    shortened,
    without_frame,
)
from keras_vnn.export._content import measure_of
from keras_vnn.export._layers import draw_layers
from keras_vnn.export._sunburst import sunburst

if TYPE_CHECKING:
    import anndata
    from matplotlib.axes import Axes

    from keras_vnn.experiments.comparison import Comparison

__all__ = [
    "activity_heatmap",
    "confusion_matrix",
    "draw_layers",
    "node_ranking",
    "picture_bytes",
    "real_against_null",
    "sunburst",
    "training_history",
]


def training_history(
    history: pd.DataFrame | Mapping[str, Sequence[float]], *, ax: Axes | None = None, **shows: Unpack[Shows]
) -> Axes | None:
    """Draw the loss, and next to it the accuracy, of training and validation cells by epoch.

    Parameters
    ----------
    history
        A column per measure, a row per epoch, as `train` gives it: ``loss`` and ``val_loss``; ``accuracy`` and
        ``val_accuracy`` if there are any. The ``history`` attribute of what Keras's ``fit`` returns will do.
    ax
        Axes to draw the loss on; by default a new figure with all measures.
    show, save
        Display the figure and return ``None``, by default in notebooks; write it to a file.

    Returns
    -------
    matplotlib.axes.Axes
        That of the loss; the others are in ``ax.figure.axes``.

    Raises
    ------
    DataError
        There is no loss, or no epoch.

    Examples
    --------
    >>> ax = training_history({"loss": [0.9, 0.5, 0.4], "val_loss": [0.8, 0.6, 0.7]})
    >>> ax.get_ylabel()
    'loss'
    """
    check_table("a history", history, "Of a result: vnn.pl.training_history(result.history)", "keys")
    table = pd.DataFrame(history)
    if "loss" not in table or not len(table):
        raise DataError(
            f"The history needs a column loss and at least one epoch; it has {counted(len(table), 'epoch')} of "
            f"{sample(table.columns) or 'nothing'}.\nDraw vnn.train(…).history, or model.fit(…).history."
        )
    epochs = table["epoch"].to_numpy() if "epoch" in table else np.arange(1, len(table) + 1)
    best = int(np.nanargmin(table["val_loss"])) if "val_loss" in table and table["val_loss"].notna().any() else None
    measures = ["loss"] if ax is not None else [name for name in ("loss", "accuracy") if name in table]
    panels: list[Axes] = [] if ax is None else [ax]
    if ax is None:
        figure: Any = new_axes(3.6 * len(measures), 2.8).figure
        figure.clear()
        panels = list(figure.subplots(1, len(measures), squeeze=False)[0])
    for axes, measure in zip(panels, measures, strict=True):
        _draw_measure(axes, table, measure, epochs, best)
    return finished(panels[0], ax, **shows)


def confusion_matrix(confusion: pd.DataFrame, *, ax: Axes | None = None, **shows: Unpack[Shows]) -> Axes | None:
    """Draw which classes were taken for which: numbers of cells, shaded by their share of the true class.

    Parameters
    ----------
    confusion
        ``(true class, predicted class)`` numbers of cells, as ``metrics.confusion``.
    ax
        Axes to draw on.
    show, save
        Display the figure and return ``None``, by default in notebooks; write it to a file.

    Raises
    ------
    DataError
        The table has no class, or holds something that is not a number of cells.

    Examples
    --------
    >>> table = pd.DataFrame([[48, 2], [1, 49]], index=["control", "stimulated"], columns=["control", "stimulated"])
    >>> [text.get_text() for text in confusion_matrix(table).texts]
    ['48', '2', '1', '49']
    """
    check_table("a DataFrame", confusion, "Of a result: vnn.pl.confusion_matrix(result.metrics.confusion)")
    counts = numbers(confusion, "confusion matrix")
    if (counts < 0).any() or not np.isfinite(counts).all():
        raise DataError("A confusion matrix holds numbers of cells; this one has negative or missing entries.")
    rows, columns = counts.shape
    totals = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    cell = 0.62 if columns <= 12 else 0.42
    labels = max((len(shortened(name, 32)) for name in confusion.index), default=0) * 0.08
    axes = new_axes(0.75 + labels + cell * columns, 0.9 + labels * (columns > 4) + cell * rows) if ax is None else ax
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    size = 9 if columns <= 12 else 7
    for row in range(rows):
        for column in range(columns):
            count = counts[row, column]
            if count or columns <= 12:
                colour = "white" if share[row, column] > 0.55 else "#333333" if count else "#b5bbc0"
                axes.text(column, row, f"{count:,.0f}", ha="center", va="center", fontsize=size, color=colour)
    turned = columns > 4 or any(len(str(name)) > 10 for name in confusion.columns)
    name_ticks(axes, confusion.columns, confusion.index, turned=turned, width=32)
    axes.set(xlabel="predicted", ylabel="true")
    without_frame(axes, "top", "right", "left", "bottom")
    axes.tick_params(length=0)
    return finished(axes, ax, **shows)


def _draw_measure(axes: Axes, table: pd.DataFrame, measure: str, epochs: Any, best: int | None) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.plot(epochs, table[measure], color=CLASS_COLOURS[0], linewidth=1.6, label="training")
    held_out = f"val_{measure}"
    if held_out in table:
        axes.plot(epochs, table[held_out], color=CLASS_COLOURS[1], linewidth=1.6, label="validation")
        if best is not None and len(table) > 1:
            axes.plot(epochs[best], table[held_out].iloc[best], "o", color=CLASS_COLOURS[1], markersize=5)
        axes.legend(frameon=False, fontsize=8.5)
    if len(table) == 1:
        for line in axes.lines:
            line.set_marker("o")
    axes.set(xlabel="epoch", ylabel=measure)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(labelsize=8)
    without_frame(axes)


_CONTROL_MARKS = ("D", "s", "^", "v", "o")


def node_ranking(
    ranking: pd.DataFrame,
    *,
    runs: pd.DataFrame | None = None,
    top: int = 20,
    ax: Axes | None = None,
    **shows: Unpack[Shows],
) -> Axes | None:
    """Draw the first nodes as bars: by evidence, or by importance, with its spread over runs where several are known.

    Parameters
    ----------
    ranking
        What `tl.rank_nodes` gave: ``evidence`` by id, pale where ``q`` is 0.05 or more; nodes that are folded under
        another are left out. Or the ``nodes`` of a `Comparison`: ``importance`` by id. ``label`` and ``higher_in`` if
        there are any; ``sd``, drawn as a line around the end of the bar; and ``importance CONTROL``, the mean under
        each control, drawn as a mark.
    runs
        ``(nodes, runs)`` importance of the same nodes in networks trained from several seeds: bars are then the means,
        and each run is a dot.
    top
        Nodes to show.
    ax
        Axes to draw on.
    show, save
        Display the figure and return ``None``, by default in notebooks; write it to a file.

    Raises
    ------
    DataError
        The table has neither evidence nor importance, or no row, or ``runs`` lacks nodes of the ranking.

    Examples
    --------
    >>> table = pd.DataFrame({"label": ["repair", "growth"], "importance": [0.2, 0.1]}, index=["GO:1", "GO:2"])
    >>> [tick.get_text() for tick in node_ranking(table).get_yticklabels()]
    ['repair', 'growth']
    """
    check_table("a DataFrame", ranking, "Of a result: vnn.pl.node_ranking(vnn.tl.rank_nodes(result))", "columns index")
    check_count("top", top)
    by = measure_of(ranking) if runs is None else "importance"
    if (runs is None and by not in ranking) or not len(ranking):
        raise DataError(
            "The ranking needs a column evidence or importance and at least one node.\n"
            "Make it: vnn.tl.rank_nodes(model, data, labels)"
        )
    known = ranking
    if runs is not None:
        lacking = ranking.index.difference(runs.index)
        if len(lacking) or not runs.shape[1]:
            raise DataError(
                f"{len(lacking)} of {counted(len(ranking), 'node')} of the ranking are not in the table of "
                f"{counted(runs.shape[1], 'run')}: {sample(lacking)}."
            )
        known = ranking.assign(importance=runs.reindex(ranking.index).mean(axis=1))
    if "similar" in known:
        known = known[known["similar"].notna()]
    order = (-known[by].abs().fillna(-1).to_numpy(float)).argsort(kind="stable")
    table = known.iloc[order].head(top)
    lengths = table[by].abs().fillna(0).astype(float)
    texts = [shortened(name, 44) for name in names(table)]
    colours, legend, absent = _class_colours(ranking, table)
    controls = [str(name) for name in table.columns if str(name).startswith("importance ")][: len(_CONTROL_MARKS)]
    is_outside = len(legend) + len(controls) > 3
    is_outside |= bool(lengths.iloc[-4:].max() > 0.6 * lengths.max())
    # One class needs its name too where there are others.
    has_legend = len(legend) > 1 or bool(legend and absent) or bool(controls)
    width = 4.2 + 0.075 * max(map(len, texts)) + (1.8 if has_legend and is_outside else 0)
    axes = new_axes(width, 0.95 + 0.24 * len(table)) if ax is None else ax
    places = np.arange(len(table))
    # Light bars where marks and lines have to be seen on them.
    bars = axes.barh(places, lengths, color=colours, height=0.72, alpha=0.5 if controls or runs is not None else 1)
    is_found = table["q"].lt(0.05) if by == "evidence" and "q" in table else pd.Series(True, table.index)
    for bar, found in zip(bars, is_found, strict=True):
        if not found:
            bar.set_alpha(0.25)
    marks: list[Any] = []
    for name, mark in zip(controls, _CONTROL_MARKS, strict=False):
        label = f"mean under control: {name.removeprefix('importance ')}"
        marks += axes.plot(table[name], places, mark, color="black", fillstyle="none", markersize=4.5, label=label)
    spread = "mean change of the outputs without the node"
    if by == "evidence":
        spread = "t of the node's genes above that of like genes, in standard deviations"
        spread += "" if is_found.all() else "; pale: not at a false discovery rate of 5 %"
    if absent:
        few = len(absent) <= 4
        spread += f"; none is higher in {', '.join(map(shortened, absent if few else absent[:3]))}"
        spread += "" if few else f" and {counted(len(absent) - 3, 'more class')}"
    if runs is not None:
        for column in runs:
            axes.plot(runs.loc[table.index, column], places, ".", color="#333333", markersize=4, alpha=0.8)
        spread += f"; bars are means of {counted(runs.shape[1], 'run')} (dots)"
    elif "sd" in table and table["sd"].notna().any():
        axes.errorbar(lengths, places, xerr=table["sd"], fmt="none", ecolor="#333333", elinewidth=1)
        spread += "; lines are ± sd over runs"
    if has_legend:
        _legend(axes, legend if len(legend) > 1 or absent else {}, "higher in", marks, outside=is_outside)
    axes.set_xlim(left=0)
    name_rows(axes, texts, f"{by}: " + fill(spread, 52))
    return finished(axes, ax, **shows)


def activity_heatmap(
    activities: pd.DataFrame | anndata.AnnData,
    *,
    by: str | None = None,
    ranking: pd.DataFrame | None = None,
    top: int = 20,
    labels: Mapping[str, str] | None = None,
    ax: Axes | None = None,
    **shows: Unpack[Shows],
) -> Axes | None:
    """Draw the mean activity of nodes (rows) in the cells of each class (columns).

    Parameters
    ----------
    activities
        The AnnData of `tl.node_activities`, with the name of a column of its ``obs`` as ``by``; or a table ``(nodes or
        units, classes)``, as `tl.activities_by_class` gives.
    by
        Column of the classes.
    ranking
        What `tl.rank_nodes` gave: the first nodes of it are shown, in its order.
    top
        Nodes of the ranking to show.
    labels
        What to call the rows of a table; by default their index.
    ax
        Axes to draw on.
    show, save
        Display the figure and return ``None``, by default in notebooks; write it to a file.

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
    if ranking is not None:
        check_table("a ranking", ranking, "Make one: vnn.tl.rank_nodes(model, data, labels)")
    check_count("top", top)
    if not isinstance(activities, pd.DataFrame):
        make = "Of a model: vnn.pl.activity_heatmap(vnn.tl.node_activities(model, data), by=column)"
        check_table("activities", activities, make, "obs var shape")
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
    colour_bar(axes, image, "mean activity", shrink=min(1.0, 1.5 / max(0.24 * rows, 0.9)), pad=0.03)
    return finished(axes, ax, **shows)


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


def _class_colours(ranking: pd.DataFrame, shown: pd.DataFrame) -> tuple[list[str], dict[str, str], list[str]]:
    """Return a colour for each node that is shown, one for each class among them, and the classes that are not."""
    if "higher_in" not in shown or shown["higher_in"].isna().all():
        return [CLASS_COLOURS[0]] * len(shown), {}, []
    classes = sorted(set(map(str, ranking["higher_in"].dropna())) - {"mixed"})
    colour_of = {name: CLASS_COLOURS[i % len(CLASS_COLOURS)] for i, name in enumerate(classes)}
    occurring = set(shown["higher_in"])
    legend = {name: colour for name, colour in colour_of.items() if name in occurring}
    colours = [colour_of.get(str(name), GREY) for name in shown["higher_in"]]
    return colours, legend, [name for name in classes if name not in occurring]


def _legend(axes: Axes, colours: Mapping[str, str], title: str, marks: list[Any], *, outside: bool) -> None:
    from matplotlib.patches import Patch

    handles = [*(Patch(color=colour, label=shortened(name)) for name, colour in colours.items()), *marks]
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} if outside else {"loc": "lower right"}
    heading = title if colours else None
    axes.legend(handles=handles, title=heading, frameon=False, fontsize=8, title_fontsize=8, alignment="left", **place)


# By colour and by mark, so that print and colour blindness lose nothing.
_LOOKS = {"prior": ("#0072b2", "o"), "control": ("#d55e00", "s"), "baseline": ("#6b6b6b", "^")}


def real_against_null(comparison: Comparison, *, ax: Axes | None = None, **shows: Unpack[Shows]) -> Axes | None:
    """Draw the score of every run: the real prior first, then its controls and the baselines.

    A row per contender. A small mark is a run, the line its mean, the band the range from the lowest to the highest
    run of the real prior. Next to it are the difference from the real prior with its 95 % interval, and ``*``
    where the adjusted p is below 0.05.

    Parameters
    ----------
    comparison
        What `compare` gave.
    ax
        Axes to draw on.
    show, save
        Display the figure and return ``None``, by default in notebooks; write it to a file.

    Raises
    ------
    DataError
        The comparison has no run.
    """
    check_table("a Comparison", comparison, "Make one: vnn.compare(arch, data, labels, folder)", "runs summary metric")
    runs, summary = comparison.runs, comparison.summary
    if runs.empty or summary.empty:
        raise DataError("The comparison has no run: there is nothing to draw.")
    kinds = list(_LOOKS)
    order = sorted(
        summary.index, key=lambda name: (kinds.index(summary.at[name, "kind"]), list(summary.index).index(name))
    )
    texts = [shortened(name, 30) for name in order]
    axes = new_axes(5.4 + 0.08 * max(map(len, texts)), 0.95 + 0.36 * len(order)) if ax is None else ax
    # Across in parts of the axes, down in rows.
    right_of_rows = axes.get_yaxis_transform()
    own = runs.loc[runs["kind"] == "prior", comparison.metric]
    if len(own):
        axes.axvspan(own.min(), own.max(), color=_LOOKS["prior"][0], alpha=0.1, linewidth=0)
    for row, name in enumerate(order):
        colour, mark = _LOOKS[summary.at[name, "kind"]]
        values = runs.loc[runs["contender"] == name, comparison.metric].to_numpy(float)
        # Runs of equal score side by side, from top to bottom by replicate.
        offsets = np.linspace(-0.2, 0.2, len(values)) if len(values) > 1 else np.zeros(1)
        axes.plot(values, row + offsets, mark, color=colour, markersize=4.5, alpha=0.75, markeredgewidth=0)
        axes.plot([values.mean()] * 2, [row - 0.34, row + 0.34], color=colour, linewidth=2)
        axes.text(1.02, row, _difference(summary.loc[name]), transform=right_of_rows, va="center", fontsize=8)
    axes.text(1.02, -0.75, "real − this [95 %]", transform=right_of_rows, va="center", fontsize=8, color="#555555")
    name_rows(axes, texts, comparison.metric.replace("_", " "))
    _kind_legend(axes, [kind for kind in kinds if (summary["kind"] == kind).any()])
    return finished(axes, ax, **shows)


def _difference(row: pd.Series) -> str:
    if pd.isna(row["difference"]):
        return ""
    text = f"{row['difference']:+.3f}"
    if not pd.isna(row["low"]):
        text += f" [{row['low']:+.3f}, {row['high']:+.3f}]"
    is_found = not pd.isna(row["adjusted_p"]) and row["adjusted_p"] < 0.05
    return (text + (" *" if is_found else "")).replace("-", "−")


def _kind_legend(axes: Axes, kinds: list[str]) -> None:
    from matplotlib.lines import Line2D

    called = {"prior": "real prior", "control": "control", "baseline": "baseline"}
    marks = [
        Line2D([], [], color=_LOOKS[kind][0], marker=_LOOKS[kind][1], linestyle="", label=called[kind])
        for kind in kinds
    ]
    axes.legend(handles=marks, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, frameon=False, fontsize=8)
