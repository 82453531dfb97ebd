"""Figures for papers: training, confusion, node ranking, activity by class, layers, sunburst, real against null.

In: models, architectures, and tables of `keras_vnn.training`, `keras_vnn.inspection` and `keras_vnn.experiments`. Out:
matplotlib Axes, on a new figure of a fitting size unless axes are given. Touches no global state of matplotlib; colours
are told apart by people who do not see red and green.

    node_ranking(rank_nodes(model, data, labels)).figure.savefig("nodes.svg")
"""

from keras_vnn.export._canvas import picture_bytes
from keras_vnn.export._picture import draw_layers
from keras_vnn.export.figures._comparison import real_against_null
from keras_vnn.export.figures._nodes import activity_heatmap, node_ranking
from keras_vnn.export.figures._sunburst import sunburst
from keras_vnn.export.figures._training import confusion_matrix, training_history

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
