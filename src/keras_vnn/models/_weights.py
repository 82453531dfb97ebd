"""The weights of a model by the names of the nodes they join."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ModelError, sample
from keras_vnn.models._view import view
from keras_vnn.models._weight_table import KEYS, weight_table, write_weights

__all__ = ["edge_weights", "set_edge_weights"]


def edge_weights(model: keras.Model, *, dense: bool = False) -> pd.DataFrame:
    """Return every weight with the names of the nodes it joins.

    Parameters
    ----------
    model
        A model of `build_model`.
    dense
        List every weight of the model, not only those between named nodes and their biases: also dense units, tail and
        heads, auxiliary heads, batch normalisation with its moving statistics, the genes' own layers, the side branch.

    Returns
    -------
    pandas.DataFrame
        A row per weight: ``block`` (the name the Keras layer was built with), ``parameter`` (``kernel``, ``bias``,
        ``gamma``, ``beta``, ``moving_mean``, ``moving_variance``), ``source`` and ``target`` (ids of nodes, names of
        outputs, or the block for units without a name), ``source_unit``, ``target_unit`` (numbers within the node),
        ``weight``. What belongs to a unit alone, such as its bias, has no source (NA). The target of an auxiliary head
        is the node it stands for, with the number of the output as ``target_unit``; that of an annotation unit is the
        node that reads it, and the gene is the source of its bias as well. Features of a gene are the units of that
        gene.

    Raises
    ------
    ModelError
        The model was not made by `build_model`.
    """
    seen = view(model)
    roles = [role for role in seen.roles.roles if role.outputs.runs] if dense else seen.roles.all("nodes")
    return pd.concat([weight_table(seen, role) for role in roles], ignore_index=True)


def set_edge_weights(model: keras.Model, table: pd.DataFrame, *, partial: bool = False) -> int:
    """Write weights back into a model by name.

    Parameters
    ----------
    model
        A model of `build_model`; it is changed.
    table
        Columns as `tl.edge_weights` gives them; ``block``, ``parameter``, ``source_unit`` and ``target_unit`` may be
        left out where the names alone tell (one unit per node).
    partial
        Allow weights of the listed blocks to be left as they are.

    Returns
    -------
    int
        How many weights were set.

    Raises
    ------
    ModelError
        A row names no weight of the model or one twice, a weight is not a finite number, or, unless ``partial``,
        a weight of a listed block is missing.
    """
    current = edge_weights(model, dense=True)
    keys = [key for key in KEYS if key in table.columns]
    if "target" not in keys or "weight" not in table.columns:
        raise ModelError(
            f"The table needs columns source, target and weight; it has {', '.join(map(str, table.columns))}."
        )
    values = pd.to_numeric(table["weight"], errors="coerce").to_numpy(float)
    if not np.isfinite(values).all():
        raise ModelError(f"{int((~np.isfinite(values)).sum())} of {len(values)} weights are not finite numbers.")
    places = pd.MultiIndex.from_frame(_filled(current[keys]))
    wanted = pd.MultiIndex.from_frame(_filled(table[keys]))
    if not wanted.is_unique:
        raise ModelError(
            f"{int(wanted.duplicated().sum())} weights are given twice: {_pairs(wanted[wanted.duplicated()])}."
        )
    told_apart = ~places.duplicated(keep=False)
    if wanted.isin(places[~told_apart]).any():
        raise ModelError(f"The columns {', '.join(keys)} do not tell the weights apart; give all of {', '.join(KEYS)}.")
    found = places[told_apart].get_indexer(wanted)
    positions = np.where(found < 0, -1, np.flatnonzero(told_apart)[found])
    if (positions < 0).any():
        unknown = wanted[positions < 0]
        raise ModelError(
            f"{len(unknown)} of {len(wanted)} rows name no weight of the model: {_pairs(unknown)}.\n"
            "Names of this model's weights: vnn.tl.edge_weights(model, dense=True)"
        )
    touched = current["block"].iloc[positions].unique()
    left = len(current[current["block"].isin(touched)]) - len(positions)
    if left and not partial:
        raise ModelError(
            f"{left} weights of {', '.join(touched)} are not in the table.\n"
            "Pass partial=True to leave them as they are."
        )
    weights = current["weight"].to_numpy(copy=True)
    weights[positions] = values
    roles = view(model).roles
    for role in roles.roles:
        if role.outputs.runs and role.name in touched:
            write_weights(roles.layer(model, role), weights[(current["block"] == role.name).to_numpy()])
    return len(positions)


def _filled(keys: pd.DataFrame) -> pd.DataFrame:
    """Return the keys with a word for the missing source of a bias, which would compare unequal to itself."""
    return keys.assign(source=keys["source"].where(keys["source"].notna(), "")) if "source" in keys else keys


def _pairs(index: pd.MultiIndex) -> str:
    return sample(" ".join(str(part) for part in key) for key in index)
