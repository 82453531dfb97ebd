"""Scores that settings and networks are judged by: how they are called, and which are better when smaller."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["is_better_when_smaller", "named", "numbers_of"]

_SMALLER = ("loss", "log_loss", "mse")


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
