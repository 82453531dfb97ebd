"""What wiring alone says of nodes, and which of its edges the data ask for.

In: a model and the name of a gene, an architecture and importance by node, or models with soft links or decoy edges.
Out: tables by node and by edge: path weights of genes, importance corrected for what hubs get for being hubs, edges
that the prior lacks and edges that the data make little of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.architecture import Architecture, node_degrees
from keras_vnn.basics.errors import DataError, ModelError, check_choice, sample
from keras_vnn.basics.keras_import import keras
from keras_vnn.basics.remedies import remedy
from keras_vnn.data import Classes
from keras_vnn.inspection._forward_pass import ForwardPass, forward_pass
from keras_vnn.inspection._record import has_one_head, output_weights, to_numpy
from keras_vnn.models import DECOY, PRIOR, SOFT_LINK, ModelView, edge_weights, view


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


_ENDS = ["source", "target"]


def soft_links(models: keras.Model | Sequence[Any]) -> pd.DataFrame:
    """Return the edges outside the prior that training took up: what the data ask for.

    Parameters
    ----------
    models
        A model of ``build_model(arch, …, soft_links="near")``, or several trainings of it, as from several seeds.

    Returns
    -------
    pandas.DataFrame
        A row per edge, the first to believe first: ``source`` and ``target`` (ids of the gene and the node), ``label``
        of the node, ``weight`` (the mean over the models, 0 where one did not take it up; of nodes with several units
        the largest), ``strength`` (the mean of its size), ``found_in`` so many of the ``models``. An edge says that the
        model predicts better where the node reads the gene, not that one acts on the other.

    Raises
    ------
    ModelError
        A model was built without soft links, or they are of different architectures.

    References
    ----------
    Lotfollahi et al. 2023, Nature Cell Biology 25:337, doi:10.1038/s41556-022-01072-x (expiMap, soft masks);
    Lieftinck, Verlaan & Reinders 2025, GONNECT, doi:10.4121/0d78788b-6bd7-4941-a942-245309107b6d
    """
    weights = _weights(models, SOFT_LINK, "soft links", soft_links="near")
    table = _means(weights)
    table["found_in"] = (weights != 0).sum(axis=1).to_numpy()
    table["models"] = weights.shape[1]
    return _sorted(table, ["found_in", "strength"])


def prior_support(models: keras.Model | Sequence[Any]) -> pd.DataFrame:
    """Return how much training made of each edge of the prior between a gene and a node, compared with decoys.

    The strength of an edge is its absolute weight times the square root of the number of genes that its node reads, so
    that edges of large and small nodes compare. Decoys were trained alike, so an edge that the data have no use for is
    as strong as a decoy. A strong L2 penalty and no ``anchor_pull`` let such edges fade.

    Parameters
    ----------
    models
        A model of ``build_model(arch, …, decoy_edges=True)``, or several trainings of it, as from several seeds.

    Returns
    -------
    pandas.DataFrame
        A row per edge, the best supported first: ``source``, ``target``, ``label``, ``weight``, ``strength`` (means
        over the models), ``p`` (share of decoys that are as strong), ``q`` (the false discovery rate of the edges down
        to this one: decoys as strong by edges as strong, scaled to equal numbers).

    Raises
    ------
    ModelError
        A model was built without decoy edges, or they are of different architectures.

    References
    ----------
    Nordenström et al. 2025, doi:10.1101/2025.10.24.684155 (spurious edges fade under L2);
    Elias & Gygi 2007, Nature Methods 4:207, doi:10.1038/nmeth1019 (false discovery rates by decoys)
    """
    prior, decoys = (_weights(models, origin, "decoy edges", decoy_edges=True) for origin in (PRIOR, DECOY))
    reads = prior.groupby(level="target").size()
    table, null = _means(prior), _means(decoys)
    for one in (table, null):
        one["strength"] *= np.sqrt(reads.reindex(one["target"]).fillna(1).to_numpy())
    beaten = null["strength"].to_numpy()
    table = _sorted(table, ["strength"])
    table["p"], table["q"] = against_decoys(table["strength"].to_numpy(), beaten)
    return table


def against_decoys(strength: NDArray[Any], decoys: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return p and q of strengths, the largest first, by those of decoys."""
    as_strong = len(decoys) - np.searchsorted(np.sort(decoys), strength, side="left")
    p = (1 + as_strong) / (1 + len(decoys))
    places = len(strength) - np.searchsorted(strength[::-1], strength, side="left")
    rates = p * len(strength) / places
    return p, np.minimum(1, np.minimum.accumulate(rates[::-1])[::-1])


def _weights(models: Any, origin: str, what: str, **option: Any) -> pd.DataFrame:
    """Return ``(edges between genes and nodes, models)`` weights, 0 where a model has none; by source and target."""
    name = next(iter(option))
    flag = "--soft-links near" if origin == SOFT_LINK else "--decoy-edges"
    several = list(models) if isinstance(models, list | tuple) else [models]
    first = view(several[0]).architecture
    columns = []
    for number, model in enumerate(several):
        seen = view(model)
        table = edge_weights(model)
        arch = seen.architecture
        if "origin" not in table or (origin != SOFT_LINK) != bool(seen.options.get("decoy_edges")):
            raise ModelError(
                f"The model was built without {what}.\n"
                + remedy(
                    f"Train one: vnn.train(arch, data, labels, {{{name}}})", f"Train one: vnn train … {flag}", **option
                )
            )
        if arch != first:
            raise ModelError("The models are not runs of one network: their architectures differ.")
        own = table[(table["origin"] == origin) & table["source"].isin(arch.genes) & (table["parameter"] == "kernel")]
        largest = own.iloc[(-own["weight"].abs().to_numpy()).argsort(kind="stable")].drop_duplicates(_ENDS)
        columns.append(largest.set_index(_ENDS)["weight"].rename(number).astype(float))
    weights = pd.concat(columns, axis=1).fillna(0.0)
    weights.index = pd.MultiIndex.from_tuples(weights.index, names=_ENDS)
    weights.attrs["labels"] = {place.node.id: place.node.label for place in first.nodes()}
    return weights


def _means(weights: pd.DataFrame) -> pd.DataFrame:
    table = pd.DataFrame({"weight": weights.mean(axis=1), "strength": weights.abs().mean(axis=1)}).reset_index()
    labels = weights.attrs["labels"]
    table.insert(2, "label", [labels[name] for name in table["target"]])
    return table


def _sorted(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return the rows with the largest first, of equal ones by name."""
    is_rising = [False] * len(by) + [True, True]
    return table.sort_values([*by, *_ENDS], ascending=is_rising, kind="stable").reset_index(drop=True)
