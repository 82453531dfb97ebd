"""Searching hyper-parameters: `tune` tries settings of a recipe's fields and keeps the best by the validation cells.

In: a recipe with a ``tune`` section. Out: a table of trials, the best recipe, its model, its test scores. What to try
next is for Optuna to say; how a trial is trained is what `keras_vnn.recipes.run` does with any recipe. Test cells are
not used before the search is over.
"""

from keras_vnn.experiments.tuning._tune import Tuning, tune

__all__ = ["Tuning", "tune"]
