"""Which edges the data ask for that the prior lacks, and which of the prior they make little of.

In: models with soft links, or with decoy edges. Out: tables of edges from genes to nodes, by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.basics.errors import ModelError
from keras_vnn.basics.keras_import import keras
from keras_vnn.basics.remedies import remedy
from keras_vnn.models import DECOY, PRIOR, SOFT_LINK, edge_weights, view

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
