"""What a model knows of its nodes: importance, biases, activity by class.

In: tables by node name. Out: plain JSON values.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from keras_vnn.architecture import Architecture
from keras_vnn.export.report._columns import rounded, whole

__all__ = ["ACTIVITY_LIMIT", "activity_columns", "bias_column", "importance_columns"]

# About six bytes each.
ACTIVITY_LIMIT = 400_000
_EFFECT = "effect_"


def bias_column(arch: Architecture, weights: pd.DataFrame) -> list[float | int | None]:
    """Return the bias of every node with one unit."""
    ids = [position.node.id for position in arch.nodes()]
    single = {position.node.id for position in arch.nodes() if position.layer and position.node.units == 1}
    biases = weights[weights["source"].isna() & (weights["parameter"] == "bias") & weights["target"].isin(single)]
    return rounded(biases.drop_duplicates("target").set_index("target")["weight"].reindex(ids).to_numpy(float))


def importance_columns(arch: Architecture, ranking: pd.DataFrame) -> dict[str, Any]:
    """Return what `rank_nodes` gave, an entry per node; ``None`` where it says nothing.

    Returns
    -------
    dict
        ``method`` (``None`` if not known), ``importance``, ``rank`` (in its layer); ``outputs``: names; ``effects``: a
        list per output; ``most_active_in`` (number of an output) and ``activity_difference`` of a classifier.
    """
    ids = [position.node.id for position in arch.nodes()]
    table = ranking.reindex(ids)
    outputs = [name.removeprefix(_EFFECT) for name in table.columns if name.startswith(_EFFECT)]
    columns: dict[str, Any] = {
        "method": ranking.attrs.get("method"),
        "outputs": outputs,
        "importance": rounded(table["importance"], 4),
        "rank": rounded(table["rank"], 9),
        "effects": [rounded(table[_EFFECT + name]) for name in outputs],
    }
    if "most_active_in" in table:
        code = {name: number for number, name in enumerate(outputs)}
        columns["most_active_in"] = [code.get(name) for name in table["most_active_in"]]
        columns["activity_difference"] = rounded(table["activity_difference"].astype(float))
    return columns


def activity_columns(activity: pd.DataFrame, *, limit: int = ACTIVITY_LIMIT) -> dict[str, Any]:
    """Return what `activity_table` gave, unit by unit and class by class.

    Parameters
    ----------
    activity
        The table.
    limit
        Numbers to keep; of larger tables first the deviations, then the genes, then the means are left out.

    Returns
    -------
    dict
        ``classes``, ``cells`` (of each), ``first`` (number of the layer the lists begin with: 1 without the genes),
        ``units`` (listed), ``left_out``; ``mean``, ``sd``, ``effect_size``: flat, a row per unit, a column per class.
    """
    classes = list(dict.fromkeys(activity["class"]))
    kept, left_out, first = activity, [], 0
    names = ["effect_size", "mean", "sd"]
    if len(names) * len(kept) > limit:
        names.remove("sd")
        left_out.append("standard deviations")
    if len(names) * len(kept) > limit:
        kept, first = activity[activity["layer"] > 0], 1
        left_out.append("expression of the genes")
    if len(names) * len(kept) > limit:
        names.remove("mean")
        left_out.append("means")
    return {
        "classes": [str(name) for name in classes],
        "cells": whole(activity["cells"].to_numpy()[: len(classes)]),
        "first": first,
        "units": len(kept) // max(len(classes), 1),
        "left_out": left_out,
        **{name: rounded(np.asarray(kept[name], float)) for name in names},
    }
