"""One call for those who work with AnnData and scanpy: train, and write down by name what came out."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

import keras
import numpy as np
import pandas as pd

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import DataError, OutputError, check_choice, check_kind
from keras_vnn.data import Classes, as_expression, labels_of
from keras_vnn.estimators._trainers import train, train_autoencoder, train_embedding
from keras_vnn.inspection import embed, node_activities, predict
from keras_vnn.models import Embedding, view
from keras_vnn.training import EMBEDDING_OBJECTIVES, TrainingResult

if TYPE_CHECKING:
    import anndata

    from keras_vnn.estimators._trainers import OfAutoencoders, OfEmbeddings, OfPredictors

    class _Written(TypedDict, total=False):
        layer: str
        key: str
        overwrite: bool
        missing_labels: str
        remember: bool

    class _OfClassifiers(_Written, OfPredictors, total=False): ...

    class _OfEmbeddings(_Written, OfEmbeddings, total=False): ...

    class _OfAutoencoders(_Written, OfAutoencoders, total=False): ...


@overload
def train_cells(
    adata: anndata.AnnData,
    arch: Architecture,
    label: str,
    *,
    objective: Literal["classifier"] = ...,
    **options: Unpack[_OfClassifiers],
) -> TrainingResult: ...
@overload
def train_cells(
    adata: anndata.AnnData,
    arch: Architecture,
    label: str,
    *,
    objective: Literal["siamese", "triplet"],
    **options: Unpack[_OfEmbeddings],
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
    **options
        Of `train`, `train_embedding` or `train_autoencoder`: ``remember``, options of training and model.

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
    check_choice("objective", objective, ("classifier", *EMBEDDING_OBJECTIVES, "autoencoder"))
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
    order = "The cells come first: vnn.tl.train_cells(adata, arch, label), vnn.tl.annotate_cells(adata, model)"
    check_kind("an AnnData", adata, "obs obsm uns", order, DataError)
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
