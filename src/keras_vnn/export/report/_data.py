"""`report_data`: everything the page shows, as plain JSON values; docs/report.md says what each is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import ArchitectureError, ModelError
from keras_vnn.export.report._comparison import comparison_values
from keras_vnn.export.report._edges import edge_columns, readout_columns
from keras_vnn.export.report._measures import activity_columns, bias_column, importance_columns
from keras_vnn.export.report._nodes import node_columns
from keras_vnn.export.report._overview import architecture_facts, model_facts

if TYPE_CHECKING:
    from keras_vnn.models import ModelView

__all__ = ["SCHEMA", "report_data"]

SCHEMA = "keras-vnn report 1"


def report_data(
    source: Any,
    data: Any = None,
    labels: Any = None,
    *,
    title: str | None = None,
    ranking: pd.DataFrame | None = None,
    comparison: Any = None,
    missing: str = "raise",
) -> dict[str, Any]:
    """Gather what a report shows.

    Parameters
    ----------
    source
        A model of `build_model`, or an `Architecture`; the latter without importing Keras.
    data, labels, missing
        Cells to measure activity, importance and scores on, as in `rank_nodes`; by default the page shows what the
        model remembers.
    title
        The heading.
    ranking
        What `rank_nodes` gave, instead of what the model remembers.
    comparison
        A `Comparison`, or the folder `vnn compare` wrote.

    Returns
    -------
    dict
        Plain JSON values: ``schema``, ``version``, ``title``, ``architecture``, ``model``, ``nodes``, ``edges``,
        ``readout``, ``importance``, ``activity``, ``scores``, ``comparison``; ``None`` for what is not known.

    Raises
    ------
    ArchitectureError
        The source is neither a model nor an architecture.
    ModelError
        The model was not made by `build_model`, or data are given for an architecture.
    DataError, GeneError
        The data do not fit the model.
    ReadError
        There is no comparison where one should be.

    Examples
    --------
    >>> from keras_vnn import Interactions
    >>> from keras_vnn.architecture.wiring import interaction_architecture
    >>> ppi = Interactions.from_pairs(["JAK1", "JAK2"], ["STAT1", "STAT1"])
    >>> arch = interaction_architecture(["STAT1", "JAK1", "JAK2"], ppi)
    >>> found = report_data(arch, title="JAK and STAT")
    >>> found["nodes"]["id"], found["nodes"]["genes"]
    (['STAT1', 'JAK1', 'JAK2', 'PPI:JAK1', 'PPI:JAK2', 'PPI:STAT1'], [1, 1, 1, 2, 2, 3])
    """
    from keras_vnn import __version__

    compared = None if comparison is None else comparison_values(comparison)
    found: dict[str, Any] = {"schema": SCHEMA, "version": __version__, "title": title or "Visible neural network"}
    if isinstance(source, Architecture):
        if data is not None:
            raise ModelError(
                "An architecture has no weights, so it does nothing with data.\n"
                "Train a model: train(arch, data, labels), then write_report(result.model, path)"
            )
        found |= _of_architecture(source, None, None)
        found |= {"model": None, "readout": None, "activity": None, "scores": None, "importance": None}
        if ranking is not None:
            found["importance"] = importance_columns(source, _known(source, ranking))
    elif hasattr(source, "layers") and hasattr(source, "outputs"):
        found |= _of_model(source, data, labels, ranking, missing)
    else:
        raise ArchitectureError(
            f"Expected a model or an Architecture, got {type(source).__name__}.\n"
            "Load one: load_architecture(path) or load_model(path)"
        )
    return {**found, "comparison": compared}


def _of_architecture(arch: Architecture, seen: ModelView | None, weights: pd.DataFrame | None) -> dict[str, Any]:
    return {
        "architecture": architecture_facts(arch, seen),
        "nodes": node_columns(arch),
        "edges": edge_columns(arch, weights),
    }


def _of_model(model: Any, data: Any, labels: Any, ranking: pd.DataFrame | None, missing: str) -> dict[str, Any]:
    from keras_vnn.inspection import activity_table
    from keras_vnn.models import edge_weights, view

    seen = view(model)
    arch = seen.architecture
    weights = edge_weights(model, dense=seen.head is not None and not seen.tail_layers)
    between = weights[weights["block"].isin([role.name for role in seen.roles.all("nodes")])]
    if seen.latent_layer is not None:
        between = _along_edges(between)
    found = _of_architecture(arch, seen, between)
    found["nodes"]["bias"] = bias_column(arch, between)
    found["model"] = model_facts(seen)
    found["readout"] = readout_columns(seen, weights)
    activity = activity_table(model, data, labels, missing=missing)
    found["activity"] = None if activity is None else activity_columns(activity)
    table = _ranking(seen, data, labels, missing) if ranking is None else _known(arch, ranking)
    found["importance"] = None if table is None else importance_columns(arch, table)
    found["scores"] = None if data is None else _scores(seen, data, labels, missing)
    return found


def _along_edges(weights: pd.DataFrame) -> pd.DataFrame:
    """Return the weights of a decoder, which leads to the genes, as those of the edges of the architecture."""
    is_edge = weights["source"].notna()
    ends = {"source": weights["target"].where(is_edge, weights["source"])}
    return weights.assign(**ends, target=weights["source"].where(is_edge, weights["target"]))


def _ranking(seen: ModelView, data: Any, labels: Any, missing: str) -> pd.DataFrame | None:
    """Return the ranking, measured or remembered; nothing for an embedding, or when nothing is remembered."""
    from keras_vnn.inspection import rank_nodes
    from keras_vnn.models import Embedding

    if isinstance(seen.outputs, Embedding):
        return None
    if data is not None:
        measured: pd.DataFrame = rank_nodes(seen.model, data, labels, missing=missing)
        return measured
    if "inspection" not in seen.card.metadata:
        return None
    try:
        remembered: pd.DataFrame = rank_nodes(seen.model)
    except ModelError:  # trained further since
        return None
    return remembered


def _known(arch: Architecture, ranking: pd.DataFrame) -> pd.DataFrame:
    known = {node.id for layer in arch.hidden_layers for node in layer}
    strange = [name for name in ranking.index if name not in known]
    if strange or "importance" not in ranking or "rank" not in ranking:
        raise ArchitectureError(
            f"The ranking is not of the nodes of this architecture: {len(strange)} of "
            f"{len(ranking)} rows name none of them.\nMake it: rank_nodes(model, data, labels)"
        )
    return ranking


def _scores(seen: ModelView, data: Any, labels: Any, missing: str) -> dict[str, Any] | None:
    """Return how well the model predicts the cells passed; nothing when they have no class."""
    from keras_vnn.data import Classes, classification_metrics, labels_of
    from keras_vnn.inspection import predict

    if labels is None or not isinstance(seen.outputs, Classes):
        return None
    if isinstance(labels, str):
        labels = labels_of(data, labels, classes=seen.outputs)
    chances = predict(seen.model, data, missing=missing)
    if hasattr(labels, "cells"):  # cells without a label are left out
        return classification_metrics(labels, chances.iloc[labels.cells], seen.outputs).to_json()
    return classification_metrics(labels, chances, seen.outputs).to_json()
