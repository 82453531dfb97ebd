"""Matrices of every kind an AnnData holds give the same annotations, and scanpy draws them."""

from __future__ import annotations

import functools
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from keras_vnn.estimators import annotate_cells, train_cells
from keras_vnn.inspection import embed, ranked_nodes
from keras_vnn.models import view
from keras_vnn.options import TrainingOptions

FAST = TrainingOptions(epochs=5, batch_size=16, learning_rate=0.05, patience=0, seed=0)


def test_layers_raw_sparse_and_backed_give_the_same(
    cells: anndata.AnnData, wiring: functools.partial, tmp_path: Path
) -> None:
    arch = wiring(list(cells.var_names[:6]))
    model = train_cells(cells.copy(), arch, "kind", training=FAST).model
    annotate_cells(cells, model, key="dense")
    expected = cells.obs["dense_probability"].to_numpy()
    in_layer, in_raw, csr = cells.copy(), cells.copy(), cells.copy()
    in_layer.layers["other"] = sparse.csr_matrix(cells.X)
    in_layer.X = np.zeros_like(cells.X)
    in_raw.raw = cells.copy()
    in_raw.X = np.zeros_like(cells.X)
    csr.X = sparse.csr_matrix(cells.X)
    csr.write_h5ad(tmp_path / "cells.h5ad")
    backed = anndata.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    for data, layer in ((in_layer, "other"), (in_raw, "raw"), (csr, "X"), (backed, "X")):
        annotate_cells(data, model, layer=layer)
        np.testing.assert_allclose(data.obs["vnn_probability"], expected, atol=1e-6)
        np.testing.assert_allclose(data.obsm["X_vnn"], cells.obsm["X_dense"], atol=1e-5)
    assert sparse.issparse(csr.X)
    assert backed.isbacked
    backed.file.close()


def test_the_model_remembers_what_its_nodes_say(cells: anndata.AnnData, wiring: functools.partial) -> None:
    arch = wiring(list(cells.var_names[:6]))
    result = train_cells(cells.copy(), arch, "kind", training=FAST)
    pd.testing.assert_frame_equal(
        ranked_nodes(result), ranked_nodes(result, cells, "kind"), check_exact=False, rtol=1e-4, atol=1e-6
    )
    assert view(result).card.metadata["judgement"]["cells"] == len(result.split.test)
    forgetful = train_cells(cells.copy(), arch, "kind", training=FAST, remember=False)
    assert "inspection" not in view(forgetful).card.metadata


def test_an_autoencoder_writes_its_latent_values(cells: anndata.AnnData, wiring: functools.partial) -> None:
    arch = wiring(list(cells.var_names[:6]))
    result = train_cells(cells, arch, "kind", objective="autoencoder", encoder=(4,), training=FAST)
    np.testing.assert_allclose(cells.obsm["X_vnn"], embed(result.model, cells).X, atol=1e-6)
    assert "vnn_predicted" not in cells.obs
    assert set(cells.obsm["vnn_nodes"]) == {node.id for node in arch.layers[1]}


# scanpy sets colours in a way matplotlib means to take away.
@pytest.mark.filterwarnings("ignore:The set_bad function:PendingDeprecationWarning")
def test_scanpy_draws_what_was_written(cells: anndata.AnnData, wiring: functools.partial) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    scanpy = pytest.importorskip("scanpy", reason="scanpy is not installed: pip install scanpy")
    train_cells(cells, wiring(list(cells.var_names[:6])), "kind", training=FAST)
    axes = scanpy.pl.embedding(cells, basis="vnn", color="vnn_predicted", show=False)
    assert axes.get_title() == "vnn_predicted"
    assert {text.get_text() for text in axes.get_legend().get_texts()} <= {"a", "b", "c"}
