"""Importance corrected for what well connected nodes get for being that.

In: an architecture and importance by node. Out: corrected importance by node.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from keras_vnn.architecture import Architecture, node_degrees
from keras_vnn.basics.errors import ConfigError, DataError, did_you_mean, sample

__all__ = ["CORRECTIONS", "corrected_importance"]

CORRECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "none": "as measured",
        "pnet": "divided by the degree where that exceeds the mean of the layer by five standard deviations",
        "binn": "divided by log2(inputs + outputs + 1)",
        "reach": "divided by log2(nodes upstream + nodes downstream)",
    }
)
_HUB = 5.0


def corrected_importance(arch: Architecture, importance: pd.Series, rule: str) -> pd.Series:
    """Return importance corrected for what well connected nodes get for being that.

    Parameters
    ----------
    arch
        The network.
    importance
        By id of the node; hidden nodes only.
    rule
        ``"none"``; ``"pnet"``: divided by the degree where that exceeds the mean of the layer by more than five
        standard deviations (Elmarakeby et al. 2021, doi:10.1038/s41586-021-03922-4); ``"binn"``: divided by
        log2(inputs + outputs + 1), ``"reach"``: by log2(nodes upstream + downstream) (Hartman et al. 2023,
        doi:10.1038/s41467-023-41146-4).

    Raises
    ------
    ConfigError
        There is no such rule.
    DataError
        An id is not of a hidden node.
    """
    if rule not in CORRECTIONS:
        hint = did_you_mean(rule, list(CORRECTIONS))
        raise ConfigError(f"The correction must be one of {', '.join(CORRECTIONS)}; got {rule!r}. {hint}".rstrip())
    places = node_degrees(arch)
    unknown = [name for name in importance.index if name not in places.index]
    if unknown:
        raise DataError(f"{len(unknown)} of {len(importance)} ids are not of hidden nodes: {sample(unknown)}.")
    if rule == "none":
        return importance.copy()
    divisors = _divisors(places, rule).reindex(importance.index)
    return importance / divisors


def _divisors(places: pd.DataFrame, rule: str) -> pd.Series:
    if rule == "binn":
        return np.log2(places["degree"] + 1).clip(lower=1)
    if rule == "reach":
        return np.log2(places["upstream"] + places["downstream"]).clip(lower=1)
    by_layer = places.groupby("layer")["degree"]
    bound = by_layer.transform("mean") + _HUB * by_layer.transform("std", ddof=0)
    return places["degree"].where(places["degree"] > bound, 1)
