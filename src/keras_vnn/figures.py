"""Figures for papers: training, confusion, node ranking, activity by class, layers.

In: tables of `keras_vnn.training`, `keras_vnn.data` and `keras_vnn.inspection`. Out: matplotlib Axes,
on a new figure of a fitting size unless axes are given. Knows nothing of models; touches no global state of matplotlib.

    figures.node_ranking(rank_nodes(model, data, labels)).figure.savefig("nodes.svg")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keras_vnn.errors import DataError, sample
from keras_vnn.export._canvas import new_axes, picture_bytes, shortened, without_frame
from keras_vnn.export._picture import draw_layers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "activity_heatmap",
    "confusion_matrix",
    "draw_layers",
    "node_ranking",
    "picture_bytes",
    "training_history",
]

# Okabe and Ito's colours without the yellow, which print loses; then more for the sake of many classes.
_CLASS_COLOURS = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"),
    *("#7f7f7f", "#8c6d31", "#332288", "#882255", "#44aa99", "#b5bd61"),
)
_GREY = "#8a9299"


def training_history(history: pd.DataFrame | Mapping[str, Sequence[float]], *, ax: Axes | None = None) -> Axes:
    """Draw the loss, and beside it the accuracy, of training and validation cells by epoch.

    Parameters
    ----------
    history
        A column per measure, a row per epoch, as `train` gives it: ``loss`` and ``val_loss``; ``accuracy`` and
        ``val_accuracy`` if there are any. The ``history`` attribute of what Keras's ``fit`` returns will do.
    ax
        Axes to draw the loss on; by default a new figure with all measures.

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
    table = pd.DataFrame(history)
    if "loss" not in table or not len(table):
        raise DataError(
            f"The history needs a column loss and at least one epoch; it has {len(table)} epochs of "
            f"{sample(table.columns) or 'nothing'}.\nDraw train(…).history, or model.fit(…).history."
        )
    epochs = table["epoch"].to_numpy() if "epoch" in table else np.arange(1, len(table) + 1)
    best = int(np.nanargmin(table["val_loss"])) if "val_loss" in table and table["val_loss"].notna().any() else None
    if ax is not None:
        _draw_measure(ax, table, "loss", epochs, best)
        return ax
    measures = [name for name in ("loss", "accuracy") if name in table]
    first = new_axes(3.6 * len(measures), 2.8)
    figure: Any = first.figure
    figure.clear()
    panels = figure.subplots(1, len(measures), squeeze=False)[0]
    for axes, measure in zip(panels, measures, strict=True):
        _draw_measure(axes, table, measure, epochs, best)
    loss: Axes = panels[0]
    return loss


def confusion_matrix(confusion: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw which classes were taken for which: numbers of cells, shaded by their share of the true class.

    Parameters
    ----------
    confusion
        ``(true class, predicted class)`` numbers of cells, as ``metrics.confusion``.
    ax
        Axes to draw on.

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
    counts = _numbers(confusion, "confusion matrix")
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
            if counts[row, column] or columns <= 12:
                axes.text(
                    column,
                    row,
                    f"{counts[row, column]:,.0f}",
                    ha="center",
                    va="center",
                    fontsize=size,
                    color="white" if share[row, column] > 0.55 else "#333333" if counts[row, column] else "#b5bbc0",
                )
    turned = columns > 4 or any(len(str(name)) > 10 for name in confusion.columns)
    _name_ticks(axes, confusion.columns, confusion.index, turned=turned, width=32)
    axes.set(xlabel="predicted", ylabel="true")
    without_frame(axes, "top", "right", "left", "bottom")
    axes.tick_params(length=0)
    return axes


def node_ranking(ranking: pd.DataFrame, *, top: int = 20, ax: Axes | None = None) -> Axes:
    """Draw the most important nodes as bars, coloured by the class whose cells they are most active in.

    Parameters
    ----------
    ranking
        What `rank_nodes` gave: ``importance`` by id; ``label`` and ``most_active_in`` if there are any.
    top
        Nodes to show.
    ax
        Axes to draw on.

    Raises
    ------
    DataError
        The table has no importance, or no row.

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
    table = ranking.sort_values("importance", ascending=False, kind="stable").head(max(top, 1))
    names = _names(table)
    colours, legend = _class_colours(ranking, table)
    is_beside = len(legend) > 3 or table["importance"].iloc[-4:].max() > 0.6 * table["importance"].max()
    width = 4.2 + 0.075 * max(map(len, names)) + (1.8 if len(legend) > 1 and is_beside else 0)
    axes = new_axes(width, 0.95 + 0.24 * len(table)) if ax is None else ax
    places = np.arange(len(table))
    if len(legend) > 1:
        _legend(axes, legend, "most active in", beside=is_beside)
    axes.barh(places, table["importance"], color=colours, height=0.72)
    axes.set_yticks(places, names, fontsize=8.5)
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.set_xlabel("importance: mean change of the outputs without the node", fontsize=8.5)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)
    without_frame(axes, "top", "right", "left")
    return axes


def activity_heatmap(
    activities: pd.DataFrame, *, labels: Mapping[str, str] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the mean activity of nodes (rows) in the cells of each class (columns).

    Parameters
    ----------
    activities
        ``(nodes or units, classes)``, as `activities_by_class`; pass the rows to show: ``table.loc[top.index]``.
    labels
        What to call the rows; by default their index.
    ax
        Axes to draw on.

    Raises
    ------
    DataError
        The table is empty, or holds something that is not a number.

    Examples
    --------
    >>> table = pd.DataFrame([[-0.4, 0.5]], index=["GO:1"], columns=["control", "stimulated"])
    >>> activity_heatmap(table, labels={"GO:1": "repair"}).get_yticklabels()[0].get_text()
    'repair'
    """
    values = _numbers(activities, "table of activities")
    rows, columns = values.shape
    names = [(labels or {}).get(str(id), str(id)) for id in activities.index]
    longest = max(len(shortened(name, 40)) for name in names)
    letters = max(len(shortened(name)) for name in activities.columns)
    turned = columns > 4 and letters > 6
    cell = 0.5 if turned else max(0.5, 0.09 * letters)
    width = 1.5 + 0.075 * longest + max(cell * columns, 1.0)
    axes = new_axes(width, 0.6 + 0.7 * turned + max(0.24 * rows, 0.9)) if ax is None else ax
    finite = np.abs(values[np.isfinite(values)])
    limit = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    image = axes.imshow(np.ma.masked_invalid(values), cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    axes.set_facecolor("#dddddd")
    _name_ticks(axes, activities.columns, names, turned=turned, width=40)
    axes.tick_params(length=0)
    without_frame(axes, "top", "right", "left", "bottom")
    figure: Any = axes.figure
    bar = figure.colorbar(image, ax=axes, shrink=min(1.0, 1.5 / max(0.24 * rows, 0.9)), pad=0.03)
    bar.set_label("mean activity", fontsize=8.5)
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_visible(False)
    return axes


def _draw_measure(axes: Axes, table: pd.DataFrame, measure: str, epochs: Any, best: int | None) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.plot(epochs, table[measure], color=_CLASS_COLOURS[0], linewidth=1.6, label="training")
    held_out = f"val_{measure}"
    if held_out in table:
        axes.plot(epochs, table[held_out], color=_CLASS_COLOURS[1], linewidth=1.6, label="validation")
        if best is not None and len(table) > 1:
            axes.plot(epochs[best], table[held_out].iloc[best], "o", color=_CLASS_COLOURS[1], markersize=5)
        axes.legend(frameon=False, fontsize=8.5)
    if len(table) == 1:
        for line in axes.lines:
            line.set_marker("o")
    axes.set(xlabel="epoch", ylabel=measure)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(labelsize=8)
    without_frame(axes)


def _numbers(table: pd.DataFrame, what: str) -> Any:
    """Return the values of a table as floats."""
    if 0 in table.shape:
        raise DataError(f"The {what} has {table.shape[0]} rows and {table.shape[1]} columns: there is nothing to draw.")
    try:
        return table.to_numpy(dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(f"The {what} holds something that is not a number: {error}.") from error


def _names(table: pd.DataFrame) -> list[str]:
    """Return a name for each node: its label, with the id where labels repeat."""
    ids = [str(id) for id in table.index]
    labels = [str(label) for label in table["label"]] if "label" in table else ids
    texts = [
        f"{label} ({id})" if labels.count(label) > 1 and label != id else label
        for label, id in zip(labels, ids, strict=True)
    ]
    return [shortened(text, 44) for text in texts]


def _name_ticks(axes: Axes, columns: Any, rows: Any, *, turned: bool, width: int) -> None:
    axes.set_xticks(
        range(len(columns)),
        [shortened(name) for name in columns],
        fontsize=8.5,
        rotation=45 if turned else 0,
        ha="right" if turned else "center",
        rotation_mode="anchor" if turned else "default",
    )
    axes.set_yticks(range(len(rows)), [shortened(name, width) for name in rows], fontsize=8.5)


def _class_colours(ranking: pd.DataFrame, shown: pd.DataFrame) -> tuple[list[str], dict[str, str]]:
    """Return a colour for each node that is shown, and one for each class among them, first 12."""
    if "most_active_in" not in shown or shown["most_active_in"].isna().all():
        return [_CLASS_COLOURS[0]] * len(shown), {}
    classes = [str(name).removeprefix("effect_") for name in ranking.columns if str(name).startswith("effect_")]
    classes = classes or sorted(map(str, ranking["most_active_in"].dropna().unique()))
    colour_of = {name: _CLASS_COLOURS[i % len(_CLASS_COLOURS)] for i, name in enumerate(classes)}
    occurring = set(shown["most_active_in"])
    legend = {name: colour for name, colour in colour_of.items() if name in occurring}
    return [colour_of.get(str(name), _GREY) for name in shown["most_active_in"]], dict(list(legend.items())[:12])


def _legend(axes: Axes, colours: Mapping[str, str], title: str, *, beside: bool) -> None:
    from matplotlib.patches import Patch

    marks = [Patch(color=colour, label=shortened(name)) for name, colour in colours.items()]
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} if beside else {"loc": "lower right"}
    axes.legend(handles=marks, title=title, frameon=False, fontsize=8, title_fontsize=8, alignment="left", **place)
