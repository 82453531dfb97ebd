"""Tools for trained models: activities, importance, weights, predictions, evaluations; the parts of training.

In: a model and cells. Out: tables by node name. What the functions of the package itself take and give is here too:
outputs, options, results.

    ranking = vnn.tl.rank_nodes(model, cells, "cell_type")
"""

from keras_vnn.basics.public_names import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
