"""What a model or an architecture holds, for other programs and for people; every number by the name of its node.

In: an `Architecture` or a Keras model that carries one. Out: text, Markdown, JSON, CSV, GraphML, pictures.
Keras is imported only when a model is given, matplotlib and networkx only when they are needed.
"""

from keras_vnn.export import figures as figures
from keras_vnn.export._canvas import picture_bytes
from keras_vnn.export._formats import (
    EXPORT_FORMATS,
    ExportFormat,
    export_summary,
    guess_format,
    summary_graph,
    summary_tables,
)
from keras_vnn.export._layers import draw_layers

__all__ = [
    "EXPORT_FORMATS",
    "ExportFormat",
    "draw_layers",
    "export_summary",
    "guess_format",
    "picture_bytes",
    "summary_graph",
    "summary_tables",
]
