"""Training curves, and which classes were taken for which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import DataError, sample
from keras_vnn.export._canvas import new_axes, shortened, without_frame
from keras_vnn.export.figures._shared import CLASS_COLOURS, name_ticks, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["confusion_matrix", "training_history"]


def training_history(history: pd.DataFrame | Mapping[str, Sequence[float]], *, ax: Axes | None = None) -> Axes:
    """Draw the loss, and next to it the accuracy, of training and validation cells by epoch.

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
    name_ticks(axes, confusion.columns, confusion.index, turned=turned, width=32)
    axes.set(xlabel="predicted", ylabel="true")
    without_frame(axes, "top", "right", "left", "bottom")
    axes.tick_params(length=0)
    return axes


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
