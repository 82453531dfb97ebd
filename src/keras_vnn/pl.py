"""Drawing and writing: figures for papers, the report, files for other programs.

Figures are matplotlib Axes, on a new figure unless axes are given; they touch no global state of matplotlib.

    vnn.pl.node_ranking(vnn.tl.rank_nodes(model, cells, labels), save="nodes.svg")
"""

from keras_vnn.basics.public_names import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
