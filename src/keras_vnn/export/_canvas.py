"""Matplotlib without its global state: axes to draw on, and files that come out the same every time."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from keras_vnn.basics.errors import readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["bare_axes", "new_axes", "picture_bytes", "shortened", "without_frame"]

DPI = 150


def new_axes(width: float, height: float) -> Axes:
    """Return axes on a new figure of this size in inches; no window, no pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from keras_vnn.export._figure import ShownFigure

    figure = ShownFigure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def bare_axes(width: float, height: float) -> Axes:
    """Return axes that fill a new figure of this size in inches."""
    axes = new_axes(width, height)
    figure: Any = axes.figure
    figure.set_layout_engine("none")
    axes.set_position((0, 0, 1, 1))
    return axes


def without_frame(axes: Axes, *sides: str) -> None:
    """Hide lines of the frame."""
    for side in sides or ("top", "right"):
        axes.spines[side].set_visible(False)


def picture_bytes(axes: Axes | Figure, format: str) -> bytes:
    """Return a figure as PNG, SVG or PDF; the same figure gives the same bytes."""
    import matplotlib

    figure: Any = getattr(axes, "figure", axes)
    metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[format]
    stream = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "keras-vnn", "svg.fonttype": "none"}):
        figure.savefig(stream, format=format, dpi=DPI, metadata=metadata, facecolor="white")
    return stream.getvalue()


def shortened(name: object, width: int = 28) -> str:
    """Return a name that fits on a picture: control characters visible, no mathematics, an ellipsis where cut."""
    text = readable(name)
    text = text if len(text) <= width else f"{text[: width - 1].rstrip()}…"
    return text.replace("$", r"\$")
