"""One call for those who work with AnnData and scanpy: train, and write down by name what came out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

import keras
import numpy as np
import pandas as pd

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import OutputError
from keras_vnn.data import Classes, Split, as_expression, is_on_disk, labels_of
from keras_vnn.inspection import embed, judge, node_activities, predict, remember_inspection
from keras_vnn.models import Embedding, view
from keras_vnn.training import (
    EMBEDDING_OBJECTIVES,
    TrainingResult,
    train,
    train_autoencoder,
    train_embedding,
)

if TYPE_CHECKING:
    import anndata

    from keras_vnn.options import PretrainingOptions, TrainingOptions
    from keras_vnn.options._changes import PredictorChanges, RestorerChanges

    class _Training(TypedDict, total=False):
        layer: str
        key: str
        overwrite: bool
        missing_labels: str
        remember: bool
        training: TrainingOptions | Mapping[str, Any] | None
        split: Split | None
        group: str | None
        missing: str
        preset: str | None
        progress: bool
        what: str
        checkpoint: str | os.PathLike[str] | None
        logs: str | os.PathLike[str] | None
        say: Callable[[str], None] | None
        callbacks: Sequence[keras.callbacks.Callback]

    class _OfPredictors(_Training, PredictorChanges, total=False):
        side: Any
        covariate: str | Sequence[str]
        sample_weight: Any
        pretraining: PretrainingOptions | None
        margin: float | None
        types_per_batch: int
        cells_per_type: int

    class _OfAutoencoders(_Training, RestorerChanges, total=False):
        center: bool
        warmup_epochs: int


@overload
def train_cells(
    adata: anndata.AnnData,
    arch: Architecture,
    label: str,
    *,
    objective: Literal["classifier", "siamese", "triplet"] = ...,
    **options: Unpack[_OfPredictors],
) -> TrainingResult: ...
@overload
def train_cells(
    adata: anndata.AnnData,
    arch: Architecture,
    label: str,
    *,
    objective: Literal["autoencoder"],
    **options: Unpack[_OfAutoencoders],
) -> TrainingResult: ...
def train_cells(
    adata: anndata.AnnData,
    arch: Architecture,
    label: str,
    *,
    layer: str = "X",
    objective: str = "classifier",
    key: str = "vnn",
    overwrite: bool = False,
    missing_labels: str = "raise",
    remember: bool = True,
    **options: Any,
) -> TrainingResult:
    """Train on an AnnData, and write into it what the network says of every cell; see `tl.annotate_cells`.

    Parameters
    ----------
    adata
        The cells; it is changed. Sparse matrices and matrices on disk stay as they are.
    arch
        The architecture; its genes are found by name.
    label
        Column of ``obs`` to learn.
    layer
        Values to use: ``X``, ``raw``, or the name of a layer.
    objective
        ``classifier``, ``siamese`` or ``triplet``; ``autoencoder``, to which ``label`` is only how to split the cells.
    key
        What the names of everything written begin with.
    overwrite
        Replace what an earlier call wrote.
    missing_labels
        ``raise``, or ``drop`` to learn from labelled cells and predict all.
    remember
        Keep with the model what its nodes say of these cells, and how a classifier does next to plain methods, as ``vnn
        train`` does: `tl.rank_nodes`, the report and ``vnn inspect`` then need no data. Of data in memory.
    **options
        Of `train`, `train_embedding` or `train_autoencoder`, options of the model included.

    Returns
    -------
    TrainingResult
        Model, losses, and scores on the cells held out; `tl.node_activities` gives the activities as an AnnData of its
        own, for scanpy's plots of genes.

    Raises
    ------
    VNNError
        The data, the labels and the architecture do not fit together; ``key`` is in use.
    """
    _check_free(adata, key, overwrite)
    cells = as_expression(adata, layer=layer)
    known = labels_of(cells, label, missing_labels=missing_labels)
    if objective in EMBEDDING_OBJECTIVES:
        result = train_embedding(arch, cells, known, objective=objective, **options)
    elif objective == "autoencoder":
        result = train_autoencoder(arch, cells, known, **options)
    else:
        result = train(arch, cells, known, **options)
    missing = options.get("missing", "raise")
    if remember and not is_on_disk(cells):
        if result.metrics is not None and isinstance(view(result.model).outputs, Classes):
            judge(result.model, cells, known, split=result.split, missing=missing)
        wanted = options.get("progress", True)
        remember_inspection(result.model, cells, known, split=result.split, missing=missing, progress=wanted)
    annotate_cells(adata, result.model, layer=layer, key=key, overwrite=overwrite, missing=missing)
    parts = np.full(adata.n_obs, "unlabelled", dtype=object)
    for name in ("train", "validation", "test"):
        parts[np.asarray(known.cells)[getattr(result.split, name)]] = name
    adata.obs[f"{key}_split"] = pd.Categorical(parts)
    return result


def annotate_cells(
    adata: anndata.AnnData,
    model: keras.Model,
    *,
    layer: str = "X",
    key: str = "vnn",
    missing: str = "raise",
    overwrite: bool = False,
) -> None:
    """Write into an AnnData what a trained network says of every cell, where scanpy looks for it.

    ==============================  ==================================================================================
    ``obs["vnn_predicted"]``        class, a categorical; for numbers a column each, ``vnn_NAME``
    ``obs["vnn_probability"]``      of that class
    ``obsm["X_vnn"]``               the last hidden layer: ``sc.pp.neighbors(adata, use_rep="X_vnn")``
    ``obsm["vnn_nodes"]``           DataFrame, a column for each unit of a named node
    ``uns["vnn"]``                  fingerprint, sources, options, scores, versions
    ==============================  ==================================================================================

    Parameters
    ----------
    adata
        The cells; it is changed.
    model
        A model of `build_model`.
    layer
        Values to use: ``X``, ``raw``, or the name of a layer.
    key
        What the names begin with, ``vnn`` above.
    missing
        What to do about genes the data lack.
    overwrite
        Replace what an earlier call wrote.

    Raises
    ------
    OutputError
        ``key`` is in use.
    VNNError
        The data do not fit the model.
    """
    _check_free(adata, key, overwrite)
    seen = view(model)
    cells = as_expression(adata, layer=layer)
    units = embed(model, cells, missing=missing)
    nodes = node_activities(model, cells, missing=missing)
    facts: dict[str, Any] = {
        "fingerprint": seen.architecture.fingerprint,
        "architecture": str(seen.architecture),
        "layer": layer,
        "units": list(units.var_names),
        "keras_vnn": version("keras-vnn"),
        "keras": f"{keras.__version__} on {keras.backend.backend()}",
        "sources": json.dumps([source.to_json() for source in seen.architecture.sources]),
        "training": json.dumps(seen.card.metadata.get("training", {})),
    }
    columns: dict[str, Any] = {}
    if not isinstance(seen.outputs, Embedding):
        predicted = predict(model, cells, missing=missing)
        if isinstance(seen.outputs, Classes):
            names = list(seen.outputs.names)
            columns["predicted"] = pd.Categorical.from_codes(predicted.to_numpy().argmax(axis=1), names)
            columns["probability"] = predicted.to_numpy().max(axis=1)
        else:
            columns = {str(name): predicted[name].to_numpy() for name in predicted}
    for name in [name for name in adata.obs if str(name).startswith(f"{key}_")]:
        del adata.obs[name]
    for name, values in columns.items():
        adata.obs[f"{key}_{name}"] = values
    adata.obsm[f"X_{key}"] = np.asarray(units.X)
    adata.obsm[f"{key}_nodes"] = pd.DataFrame(np.asarray(nodes.X), index=adata.obs_names, columns=list(nodes.var_names))
    adata.uns[key] = facts


def _check_free(adata: anndata.AnnData, key: str, overwrite: bool) -> None:
    if overwrite:
        return
    used = [
        *(f'obs["{name}"]' for name in adata.obs if str(name).startswith(f"{key}_")),
        *(f'obsm["{name}"]' for name in (f"X_{key}", f"{key}_nodes") if name in adata.obsm),
        *([f'uns["{key}"]'] if key in adata.uns else []),
    ]
    if used:
        raise OutputError(
            f"The AnnData has {', '.join(used[:5])} already.\nChoose another key=…, or replace it: overwrite=True"
        )
