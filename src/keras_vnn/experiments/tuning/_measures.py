"""What trials are judged by: scores of the validation cells, and which of them are better when smaller."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from keras_vnn.basics.errors import ConfigError, did_you_mean
from keras_vnn.recipes.schema import TrainRecipe

__all__ = ["is_better_when_smaller", "measure_of", "named", "numbers_of"]

_CLASSES = ("balanced_accuracy", "accuracy", "macro_f1", "log_loss", "loss")
_NUMBERS = ("r2", "pearson", "spearman", "mse", "loss")
_SMALLER = ("log_loss", "mse", "loss")


def measure_of(recipe: TrainRecipe, measure: str | None) -> str:
    """Return the measure of a search: that asked for, else the one of the task.

    Raises
    ------
    ConfigError
        The task has no such measure.
    """
    known = ("loss",) if recipe.objective != "prediction" else _CLASSES if recipe.task == "classification" else _NUMBERS
    if measure is not None and measure not in known:
        of = recipe.task if recipe.objective == "prediction" else f"{recipe.objective} embeddings"
        hint = did_you_mean(measure, known)
        raise ConfigError(f"The measure of {of} must be one of {', '.join(known)}; got {measure!r}. {hint}".rstrip())
    return measure or known[0]


def is_better_when_smaller(measure: str) -> bool:
    """Return whether a measure is to be small."""
    return measure in _SMALLER


def named(measure: str) -> str:
    """Return a measure as people write it."""
    return measure.replace("_", " ")


def numbers_of(scores: Mapping[str, Any]) -> dict[str, float]:
    """Return the scores that are numbers; of several targets, their means; those that are not defined as NaN.

    Examples
    --------
    >>> numbers_of({"cells": 9, "r2": 0.5, "pearson": None, "confusion": {}})
    {'r2': 0.5, 'pearson': nan}
    >>> numbers_of({"AUC": {"cells": 9, "r2": 0.5}, "IC50": {"cells": 9, "r2": 0.25}})
    {'r2': 0.375}
    """
    if all(isinstance(part, Mapping) for part in scores.values()):
        parts = [numbers_of(part) for part in scores.values()]
        return {name: sum(part[name] for part in parts) / len(parts) for name in parts[0]}
    return {
        name: math.nan if value is None else float(value)
        for name, value in scores.items()
        if name != "cells" and (value is None or isinstance(value, int | float))
    }
