"""What `keras_vnn.export` holds, and the modules it comes from."""

from . import figures as figures
from ._canvas import picture_bytes
from ._formats import EXPORT_FORMATS, ExportFormat, export_summary, guess_format, summary_graph, summary_tables
from ._layers import draw_layers

__all__ = [
    "EXPORT_FORMATS",
    "ExportFormat",
    "draw_layers",
    "export_summary",
    "figures",
    "guess_format",
    "picture_bytes",
    "summary_graph",
    "summary_tables",
]
