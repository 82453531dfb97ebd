"""Drawing and writing: what `keras_vnn.pl` holds, and the modules it comes from."""

from .export import export_summary
from .export.figures import (
    activity_heatmap,
    confusion_matrix,
    draw_layers,
    node_ranking,
    picture_bytes,
    real_against_null,
    sunburst,
    training_history,
)
from .export.report import report_data, write_report

__all__ = [
    "activity_heatmap",
    "confusion_matrix",
    "draw_layers",
    "export_summary",
    "node_ranking",
    "picture_bytes",
    "real_against_null",
    "report_data",
    "sunburst",
    "training_history",
    "write_report",
]
