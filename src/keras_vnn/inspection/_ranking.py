"""Ranking the named nodes of a model by what they do to its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.architecture import gene_counts
from keras_vnn.basics.errors import ConfigError, ModelError
from keras_vnn.data import Classes
from keras_vnn.inspection._findings import Findings, findings_of, recalled
from keras_vnn.inspection._methods import check_method
from keras_vnn.inspection._record import output_weights
from keras_vnn.models import ModelView, view

__all__ = ["hidden_layers", "rank_genes", "rank_nodes"]


def rank_nodes(
    model: keras.Model,
    data: Any = None,
    labels: Any = None,
    *,
    method: str | None = None,
    layers: Sequence[int] | None = None,
    top: int | None = None,
    missing: str = "raise",
    batch_size: int = 512,
    progress: bool = False,
) -> pd.DataFrame:
    """Return the named hidden nodes of a model, the most important first.

    The importance of a node is the mean, over all cells and outputs, of the absolute change of an output when the
    node is taken out. Outputs of a classifier are its logits less their mean over the classes (which the softmax does
    not see), those of a regression the numbers themselves; importance is in these units, and is not divided by the
    number of genes or connections of a node, so large nodes tend to rank high. The same model and data give the
    same table.

    Parameters
    ----------
    model
        A model of `build_model` that predicts classes or numbers.
    data
        AnnData or DataFrame (cells, genes), aligned by name and normalised as the model's training data were; or an
        aligned and normalised array ``(cells, input units)``. When ``None``, what the model remembers of the data
        given to `remember_inspection`, as ``vnn train`` does.
    labels
        The class of each cell: a sequence, `Labels`, or the name of a column of ``data.obs``; for a regression the
        numbers. The model's own predictions when ``None``. They decide the signed columns, not the importance.
    method
        ``"knockout"``: exact; all units of the node are held at their means over the data; ``"knockout-zero"``: at
        zero. ``"gradient"``: the gradient times the distance from the mean, the same to first order;
        ``"gradient-zero"``: times the activity. ``"integrated-gradients"`` and ``"integrated-gradients-zero"``: the
        mean gradient on the way there; they add up over a layer. ``"conductance"`` and ``"conductance-zero"``: what
        flows through a node when the genes go from their means, or zero, to what they are. ``"epsilon"``: KPNN's node
        weight, the slope of the prediction, averaged over all cells with its sign. ``"rlipp"``: Spearman's ρ of the
        target (the labels or, without them, the model's scores) with a ridge on the units of the node, less that with
        one on its children; out of fold. When ``None``, knock-out for networks of up to three hidden layers and the
        gradient for deeper ones; without data, the method that was remembered.
    layers
        Numbers of the layers to rank; all hidden ones when ``None``.
    top
        Return only so many nodes.
    missing
        What to do about genes the data lack: ``"raise"``, ``"zero"`` or ``"mean"``; see `align`.
    batch_size
        Rows in one call of the network.
    progress
        Show a live line on standard error.

    Returns
    -------
    pandas.DataFrame
        By id of the node: ``label``, ``kind``, ``layer``, ``genes`` (number of genes upstream, on any path),
        ``importance``, ``rank`` (within its layer, from 1). For a classifier also a column ``effect_CLASS`` per class:
        how much the node raises the output of that class in the cells of that class, compared to the node held at
        its mean, so that a positive number speaks for the class; ``most_active_in``: the class whose cells
        have the highest activity in comparison to the others; ``activity_difference``: by how much, in pooled
        standard deviations (Cohen's d; the unit with the largest where a node has several). For a regression
        ``effect_NAME``: mean change of the output per standard deviation of the target. ``attrs["method"]``: how
        importance was measured.

    Raises
    ------
    ConfigError
        The method is unknown, or ``top`` or ``batch_size`` is not positive.
    ModelError
        The model is an embedding, has no such layer, its units are not finite numbers, or there are no data and the
        model remembers nothing.
    DataError
        There are more or fewer labels than cells, or a label is not a class of the model.
    GeneError
        Genes of the model are missing from the data.
    """
    if method is not None:
        check_method(method)
    if top is not None and top < 1:
        raise ConfigError(f"top must be at least 1, got {top}.")
    seen = view(model)
    arch = seen.architecture
    names = output_weights(seen).names
    numbers = hidden_layers(seen, layers)
    if data is None:
        found = _from_memory(seen, method)
    else:
        found = findings_of(
            seen,
            data,
            labels,
            method=method,
            layers=numbers,
            missing=missing,
            batch_size=batch_size,
            progress=progress,
        )
    counts = gene_counts(arch)
    tables = [_table(seen, found, number, names, upstream=counts[number]) for number in numbers]
    return _sorted(pd.concat(tables), found.method, top)


def rank_genes(
    model: keras.Model,
    data: Any,
    labels: Any = None,
    *,
    method: str = "integrated-gradients",
    top: int | None = None,
    missing: str = "raise",
    batch_size: int = 512,
    progress: bool = False,
) -> pd.DataFrame:
    """Return the genes of a model, the most important first.

    A gene is treated as a node of layer 0; where it has several numbers, they are one gene. Everything said of
    importance and effects in `rank_nodes` holds here.

    Parameters
    ----------
    model, data, labels, top, missing, batch_size, progress
        As in `rank_nodes`.
    method
        As in `rank_nodes`, but for ``"rlipp"``, which compares a node with its children. Integrated gradients of the
        genes add up to the difference of the outputs from those of a cell with mean expression.

    Returns
    -------
    pandas.DataFrame
        By gene: ``label``, ``importance``, ``rank``, ``effect_NAME`` per output; for a classifier ``most_active_in``
        and ``activity_difference`` of its (normalised) expression.

    Raises
    ------
    ConfigError, DataError, GeneError, ModelError
        As `rank_nodes`.

    References
    ----------
    Sundararajan, Taly & Yan 2017, Axiomatic Attribution for Deep Networks, doi:10.48550/arXiv.1703.01365
    """
    check_method(method)
    if top is not None and top < 1:
        raise ConfigError(f"top must be at least 1, got {top}.")
    seen = view(model)
    names = output_weights(seen).names
    found = findings_of(
        seen,
        data,
        labels,
        method=method,
        layers=[0],
        missing=missing,
        batch_size=batch_size,
        genes=True,
        progress=progress,
    )
    table = _table(seen, found, 0, names, upstream=None).drop(columns=["kind", "layer"])
    return _sorted(table, found.method, top)


def _table(
    seen: ModelView, found: Findings, number: int, names: Sequence[str], *, upstream: NDArray[np.int64] | None
) -> pd.DataFrame:
    layer, importance = seen.architecture.layers[number], found.importance[number]
    columns: dict[str, Any] = {
        "label": list(layer.labels),
        "kind": [node.kind for node in layer],
        "layer": number,
        **({} if upstream is None else {"genes": upstream}),
        "importance": importance.score,
        "rank": importance.ranks,
    }
    columns |= {f"effect_{name}": importance.effects[:, output] for output, name in enumerate(names)}
    if isinstance(seen.outputs, Classes):
        starts = np.cumsum(layer.units) - layer.units
        columns |= _activities(found, found.statistics[number].effect_size, starts)
    return pd.DataFrame(columns, index=pd.Index(layer.ids, name="id"))


def _sorted(table: pd.DataFrame, method: str, top: int | None) -> pd.DataFrame:
    order = (-table["importance"].to_numpy()).argsort(kind="stable")
    chosen = table.iloc[order[:top]]
    chosen.attrs["method"] = method
    return chosen


def _from_memory(seen: ModelView, method: str | None) -> Findings:
    found = recalled(seen)
    if found is None:
        raise ModelError(
            "The model remembers nothing of its nodes, or was trained further since.\n"
            "Pass data: rank_nodes(model, data, labels), or remember_inspection(model, data, labels) first."
        )
    if method is not None and found.method != method:
        raise ModelError(
            f"The model remembers importance by {found.method}, not by {method}.\n"
            f"Pass data to measure it: rank_nodes(model, data, labels, method={method!r})"
        )
    return found


def hidden_layers(seen: ModelView, layers: Sequence[int] | None) -> list[int]:
    last = len(seen.architecture.layers) - 1
    chosen = list(range(1, last + 1)) if layers is None else sorted(set(layers))
    wrong = [number for number in chosen if not 1 <= number <= last]
    if wrong:
        raise ModelError(f"There is no hidden layer {wrong[0]}: they are numbered 1 to {last}.")
    if not chosen:
        raise ModelError("No layer is named.")
    return chosen


def _activities(found: Findings, effect_size: NDArray[np.float64], starts: NDArray[np.int64]) -> dict[str, Any]:
    """Return in which class the activity of each node is higher than in others, and by how much."""
    names = np.array(found.classes, dtype=object)
    effect = np.where(np.isnan(effect_size), -np.inf, effect_size)
    highest = np.maximum.reduceat(effect, starts, axis=1)
    known = np.isfinite(highest).any(axis=0)
    return {
        "most_active_in": np.where(known, names[highest.argmax(axis=0)], None),
        "activity_difference": np.where(known, highest.max(axis=0), np.nan),
    }
