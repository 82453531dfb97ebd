"""A matplotlib figure that a notebook shows as a picture, without pyplot and whatever its backend is."""

from __future__ import annotations

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

__all__ = ["ShownFigure"]

_SCREEN_DPI = 100


class ShownFigure(Figure):
    """A figure of its own size, drawn when a notebook asks for it."""

    def _repr_png_(self) -> bytes:
        """Return the picture that IPython shows when the figure is the value of a cell."""
        if not isinstance(self.canvas, FigureCanvasAgg):
            FigureCanvasAgg(self)
        stream = io.BytesIO()
        self.savefig(stream, format="png", dpi=_SCREEN_DPI, metadata={"Software": None}, facecolor="white")
        return stream.getvalue()
