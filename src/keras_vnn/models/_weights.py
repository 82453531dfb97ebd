"""The weights of a model by the names of the nodes they join.

In: a model of `build_model`, or its `ModelView`. Out: tables in the order of the weights of each Keras layer, and the
way back from such a column of numbers to the layers.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.basics.errors import ModelError, sample
from keras_vnn.basics.keras_import import as_numpy, keras
from keras_vnn.models._roles import LayerRole, Names
from keras_vnn.models._view import ModelView, view

_KEYS = ["block", "parameter", "source", "source_unit", "target", "target_unit"]
_COLUMNS = [*_KEYS, "weight"]
# What the weights of a layer are called: of one with connections, of batch normalisation, of the likelihood of counts.
_PARAMETERS = (
    ("kernel", "bias"),
    ("gamma", "beta", "moving_mean", "moving_variance"),
    ("level", "log_dispersion", "zero_logit"),
)
PRIOR, SOFT_LINK, DECOY = "prior", "soft link", "decoy"


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
        ``gamma``, ``beta``, ``moving_mean``, ``moving_variance``; of the genes of an autoencoder of counts ``level``,
        ``log_dispersion``, ``zero_logit``), ``source`` and ``target`` (ids of nodes, names of
        outputs, or the block for units without a name), ``source_unit``, ``target_unit`` (numbers within the node),
        ``weight``. What belongs to a unit alone, such as its bias, has no source (NA). The target of an auxiliary head
        is the node it stands for, with the number of the output as ``target_unit``; that of an annotation unit is the
        node that reads it, and the gene is the source of its bias as well. Features of a gene are the units of that
        gene. With ``soft_links`` or ``decoy_edges`` also ``origin``: ``prior``, ``soft link`` or ``decoy``; soft links
        that the training left at 0 are not listed.

    Raises
    ------
    ModelError
        The model was not made by `build_model`.
    """
    table = _weights_of(view(model), dense=dense)
    if "origin" not in table:
        return table
    return table[(table["origin"] != SOFT_LINK) | (table["weight"] != 0)].reset_index(drop=True)


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
        Allow weights of the listed blocks to be left as they are. Otherwise soft links that are not listed become 0.

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
    seen = view(model)
    current = _weights_of(seen, dense=True)
    keys = [key for key in _KEYS if key in table.columns]
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
        raise ModelError(
            f"The columns {', '.join(keys)} do not tell the weights apart; give all of {', '.join(_KEYS)}."
        )
    found = places[told_apart].get_indexer(wanted)
    positions = np.where(found < 0, -1, np.flatnonzero(told_apart)[found])
    if (positions < 0).any():
        unknown = wanted[positions < 0]
        raise ModelError(
            f"{len(unknown)} of {len(wanted)} rows name no weight of the model: {_pairs(unknown)}.\n"
            "Names of this model's weights: vnn.tl.edge_weights(model, dense=True)"
        )
    touched = current["block"].iloc[positions].unique()
    is_left = current["block"].isin(touched).to_numpy(copy=True)
    is_left[positions] = False
    is_soft = (current["origin"] == SOFT_LINK).to_numpy() if "origin" in current else np.zeros(len(current), bool)
    left = int((is_left & ~is_soft).sum())
    if left and not partial:
        raise ModelError(
            f"{left} weights of {', '.join(touched)} are not in the table.\n"
            "Pass partial=True to leave them as they are."
        )
    weights = current["weight"].to_numpy(copy=True)
    weights[positions] = values
    if not partial:
        weights[is_left & is_soft] = 0
    for role in seen.roles.roles:
        if role.outputs.runs and role.name in touched:
            _write_weights(seen.layer_with(role), weights[(current["block"] == role.name).to_numpy()])
    return len(positions)


def _weights_of(seen: ModelView, *, dense: bool) -> pd.DataFrame:
    """Return every weight, those of soft links that are 0 too."""
    roles = [role for role in seen.roles.roles if role.outputs.runs] if dense else seen.roles.all("nodes")
    return pd.concat([_weight_table(seen, role) for role in roles], ignore_index=True)


def _origins(model_view: ModelView, role: LayerRole, weights: int) -> NDArray[np.object_] | None:
    """Return ``(weights,)`` where those of a layer come from; ``None`` when all of the model are of the prior."""
    options = model_view.card.metadata.get("options", {})
    if options.get("soft_links", "none") == "none" and not options.get("decoy_edges"):
        return None
    origins = np.full(weights, PRIOR, dtype=object)
    connections: Any = getattr(model_view.layer_with(role), "connections", None)
    if connections is not None and connections.candidates is not None:
        origins[: connections.count][connections.is_candidate] = SOFT_LINK
    elif options.get("decoy_edges") and role.part == "nodes":
        arch = model_view.architecture
        for run, place in role.inputs.places(arch):
            if run.of == 0:
                genes, nodes = arch.layers[0].units, arch.layers[role.number].units
                own = np.flatnonzero((connections.rows >= place.start) & (connections.rows < place.stop))
                sources = np.repeat(np.arange(len(genes)), genes)[connections.rows[own] - place.start]
                targets = np.repeat(np.arange(len(nodes)), nodes)[connections.columns[own]]
                is_prior = np.asarray(arch.connections[0, role.number][sources, targets]).ravel()
                origins[own[~is_prior]] = DECOY
    return origins


def _filled(keys: pd.DataFrame) -> pd.DataFrame:
    """Return the keys with a word for the missing source of a bias, which would compare unequal to itself."""
    return keys.assign(source=keys["source"].where(keys["source"].notna(), "")) if "source" in keys else keys


def _pairs(index: pd.MultiIndex) -> str:
    return sample(" ".join(str(part) for part in key) for key in index)


def weights_digest(model: keras.Model) -> str:
    """Return what changes with any weight of a model."""
    digest = hashlib.sha256()
    for weight in model.weights:
        digest.update(np.ascontiguousarray(as_numpy(weight)).tobytes())
    return digest.hexdigest()


def feature_names(model_view: ModelView) -> Names:
    """Return id and number of unit of each unit of the last hidden layer, ``(units,)``.

    Units without a name of their own are called by their dense layer.

    Raises
    ------
    ModelError
        The model was made before this was written down, and has no head from which it could be told.
    """
    head = model_view.roles.find("head")
    axis = model_view.roles.features if head is None else head.inputs
    if axis is None:
        raise ModelError("The units of this embedding have no names: it was made by release 0.1.0. Build it again.")
    return axis.names(model_view.architecture, model_view.outputs)


def _weight_table(model_view: ModelView, role: LayerRole) -> pd.DataFrame:
    """Return a row per weight of one Keras layer, in the order `_write_weights` takes them."""
    layer = model_view.layer_with(role)
    targets = role.outputs.names(model_view.architecture, model_view.outputs, are_targets=True)
    if not hasattr(layer, "kernel"):
        none = np.full(len(targets[0]), None, dtype=object), np.zeros(len(targets[0]), np.int64)
        parts = [_rows(role, name, none, targets, variable) for name, variable in _variables(layer)]
    else:
        sources = role.inputs.names(model_view.architecture, model_view.outputs)
        rows, columns = _kernel_places(layer)
        kernel, *bias = _variables(layer)
        parts = [_rows(role, kernel[0], _picked(sources, rows), _picked(targets, columns), kernel[1])]
        # A pair of gene and node has a bias of its own, which only the gene tells from those of the node's other genes.
        of_pairs = role.part == "annotations"
        read = _picked(sources, rows) if of_pairs else (np.full(len(targets[0]), None, dtype=object), None)
        source = read[0], np.zeros(len(targets[0]), np.int64)
        parts += [_rows(role, name, source, targets, variable) for name, variable in bias]
    table = pd.concat(parts, ignore_index=True)
    origins = _origins(model_view, role, len(table))
    return table if origins is None else table.assign(origin=origins)


def _write_weights(layer: keras.layers.Layer, values: NDArray[np.floating]) -> None:
    """Write the weights of one layer in the order of its table."""
    start = 0
    for _, variable in _variables(layer):
        size = int(np.prod(variable.shape))
        variable.assign(values[start : start + size].reshape(variable.shape))
        start += size


def _variables(layer: keras.layers.Layer) -> list[tuple[str, Any]]:
    names = next(names for names in _PARAMETERS if hasattr(layer, names[0]))
    return [(name, getattr(layer, name)) for name in names if getattr(layer, name) is not None]


def _kernel_places(layer: keras.layers.Layer) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return input and output unit of each weight."""
    if (connections := getattr(layer, "connections", None)) is not None:
        return connections.rows, connections.columns
    rows, columns = np.indices(layer.kernel.shape).reshape(2, -1)
    return rows, columns


def _rows(role: LayerRole, parameter: str, source: Names, target: Names, variable: Any) -> pd.DataFrame:
    stored = as_numpy(variable).ravel()
    values = stored if stored.dtype == np.float64 else stored.astype(np.float32)
    columns = [role.name, parameter, source[0], source[1].astype(np.int32)]
    columns += [target[0], target[1].astype(np.int32), values]
    return pd.DataFrame(dict(zip(_COLUMNS, columns, strict=True)))


def _picked(names: Names, places: NDArray[Any]) -> Names:
    return names[0][places], names[1][places]
