"""What wiring alone says of nodes: path weights of genes, and importance corrected for what hubs get for being hubs.

In: a model and the name of a gene, or an architecture and importance by node. Out: tables by node; no data are needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.architecture import Architecture, node_degrees
from keras_vnn.basics.errors import DataError, ModelError, check_choice, counted, sample
from keras_vnn.basics.keras_import import keras
from keras_vnn.data import Classes
from keras_vnn.inspection._forward_pass import ForwardPass, forward_pass
from keras_vnn.inspection._record import has_one_head, output_weights, to_numpy
from keras_vnn.models import ModelView, view


def path_weights(model: keras.Model, gene: str) -> pd.DataFrame:
    """Return the path weights of a gene through every node it reaches, to every output.

    The weight of a path is the product of the weights along it; those of all paths are summed. It tells how strongly,
    and with which sign, the network is wired; it takes no data and does not know activations, biases and batch
    normalisation: for what a node does to the outputs in given cells see `tl.rank_nodes`. Dense units next to the nodes
    have no names and are left out.

    Parameters
    ----------
    model
        A model of `build_model` with one head.
    gene
        Id, label, or a unique part of one.

    Returns
    -------
    pandas.DataFrame
        By id of the node, in the order of the network: ``label``, ``layer``, ``from_gene`` (sum over all paths from
        the gene to the units of the node), and per output ``through_NAME``: sum over all paths from the gene through
        the node to the output. Weights of classes are less their mean over the classes. The gene itself stands first,
        with the sum over all its paths.

    Raises
    ------
    ModelError
        The model is an embedding or has heads on its levels.
    ArchitectureError
        There is no such gene, or several.

    References
    ----------
    Garson 1991; Olden & Jackson 2002, doi:10.1016/S0304-3800(02)00064-9 (products of connection weights)
    """
    seen = view(model)
    if not has_one_head(seen):
        raise ModelError(
            "Path weights need one head; the model is an embedding, or has a head on every level.\n"
            "Rank its nodes with data."
        )
    arch = seen.architecture
    place = arch.find(gene)
    if place.layer != 0:
        raise ModelError(f"{place.node.id} is a node of layer {place.layer}, not a gene.\nName a gene.")
    known = forward_pass(seen)
    start = int(arch.layers[0].units[: place.position].sum())
    own = np.zeros(int(arch.layers[0].units.sum()))
    own[start : start + place.node.units] = 1
    down = _from_gene(known, own, len(arch.layers))
    up = _to_outputs(seen, known, len(arch.layers))
    of_unit, to_outputs = np.concatenate(list(down.values())), np.concatenate(list(up.values()))
    units = np.concatenate([layer.units for layer in arch.layers])
    starts = np.cumsum(units) - units
    table = arch.node_table()[["label", "layer"]].assign(from_gene=np.add.reduceat(of_unit, starts))
    through = np.add.reduceat(of_unit[:, None] * to_outputs, starts, axis=0)
    names = output_weights(seen).names
    table = table.assign(**{f"through_{name}": through[:, output] for output, name in enumerate(names)})
    return table[np.add.reduceat(np.abs(of_unit), starts) > 0]


def _from_gene(known: ForwardPass, genes: NDArray[np.float64], layers: int) -> dict[int, NDArray[np.float64]]:
    """Return, by layer, ``(units,)`` sums over the paths from some input units."""
    down = {0: genes}
    for number in range(1, layers):
        parts = [weights.T @ down[source] for source, weights in known.steps[number].weights.items()]
        down[number] = np.sum(parts, axis=0)
    return down


def _to_outputs(seen: ModelView, known: ForwardPass, layers: int) -> dict[int, NDArray[np.float64]]:
    """Return, by layer, ``(units, outputs)`` sums over the paths to the outputs."""
    tail = [*seen.tail_layers, seen.head]
    behind = np.eye(to_numpy(tail[0].kernel).shape[1])
    for layer in tail[1:]:
        behind = behind @ to_numpy(layer.kernel).astype(np.float64)
    if isinstance(seen.outputs, Classes):
        behind = behind - behind.mean(axis=1, keepdims=True)
    units = [int(layer.units.sum()) for layer in seen.architecture.layers]
    up = {number: np.zeros((units[number], behind.shape[1])) for number in range(layers)}
    for number in range(1, layers):
        up[number] += known.output.kernels[number] @ behind
    for number in range(layers - 1, 0, -1):
        for source, weights in known.steps[number].weights.items():
            up[source] += weights @ up[number]
    return up


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
    check_choice("correction", rule, CORRECTIONS)
    places = node_degrees(arch)
    unknown = [name for name in importance.index if name not in places.index]
    if unknown:
        raise DataError(
            f"{len(unknown)} of {counted(len(importance), 'id')} are not of hidden nodes: {sample(unknown)}."
        )
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
