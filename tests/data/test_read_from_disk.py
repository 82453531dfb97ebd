"""Stores that are opened, not read."""

import sys
from pathlib import Path
from unittest.mock import Mock

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from keras_vnn.basics.errors import DataError, ReadError
from keras_vnn.data import (
    _stores,
    align,
    alignment_report,
    fit_normalization,
    inputs_of,
    is_on_disk,
    labels_of,
    read_expression,
)

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture
def path(tmp_path):
    values = np.array([[1, 0, 2], [0, 0, 5], [3, 4, 0], [0, 7, 0]], np.float32)
    cells = anndata.AnnData(
        scipy.sparse.csr_matrix(values),
        obs=pd.DataFrame({"type": ["B", "T", "B", "T"]}, index=["c1", "c2", "c3", "c4"]),
        var=pd.DataFrame({"symbol": ["x", "y", "z"]}, index=["ATM", "MDM2", "TP53"]),
        layers={"counts": values * 10},
        obsm={"X_pca": np.zeros((4, 2))},
    )
    cells.raw = cells[:, :2].copy()
    cells.write_h5ad(tmp_path / "cells.h5ad")
    return tmp_path / "cells.h5ad"


def test_only_the_tables_are_read(path):
    data = read_expression(path, backed=True)
    assert is_on_disk(data)
    assert data.uns["keras_vnn"]["read"] == "X of cells.h5ad: 4 cells, 3 genes, read from disk while they are needed"
    assert len(data.uns["keras_vnn"]["source"]["sha256"]) == 64
    assert data.obs["type"].tolist() == ["B", "T", "B", "T"]
    assert ("counts" in data.layers, list(data.obsm), data.raw) == (False, ["X_pca"], None)
    assert labels_of(data, "type").counts() == {"B": 2, "T": 2}
    assert str(alignment_report(data, ["TP53", "ATM"])).startswith("2 of 2 input genes are in the data")


@pytest.mark.parametrize(("layer", "genes"), [("X", 3), ("counts", 3), ("raw", 2)])
def test_every_layer(path, layer, genes):
    on_disk, here = read_expression(path, layer=layer, backed=True), read_expression(path, layer=layer)
    assert on_disk.shape == here.shape == (4, genes)
    assert (align(on_disk, ["MDM2", "ATM"]) == align(here, ["MDM2", "ATM"])).all()


@pytest.mark.parametrize("backed", [True, False])
def test_a_missing_package_is_no_damage_of_the_file(tmp_path, monkeypatch, backed):
    store = tmp_path / "cells.zarr"
    store.mkdir()
    (store / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group", "attributes": {}}')
    monkeypatch.setitem(sys.modules, "zarr", None)
    monkeypatch.setattr(anndata, "read_zarr", Mock(side_effect=ImportError("No module named 'zarr'")))
    with pytest.raises(ImportError, match="zarr"):
        read_expression(store, backed=backed)


def test_a_layer_that_is_not_there(path):
    with pytest.raises(DataError) as error:
        read_expression(path, layer="count", backed=True)
    assert str(error.value) == (
        "There is no layer 'count' of cells.h5ad. Did you mean counts?\nThe layers are: X, raw, counts."
    )


def test_the_table_of_cells_is_joined(path, tmp_path):
    (tmp_path / "cells.csv").write_text("cell,age\nc4,4\nc3,3\nc2,2\nc1,1\n")
    data = read_expression(path, cells=tmp_path / "cells.csv", backed=True)
    assert is_on_disk(data)
    assert data.obs["age"].tolist() == [1, 2, 3, 4]


def test_what_anndata_opened_itself(path):
    data = anndata.read_h5ad(path, backed="r")
    assert is_on_disk(data)
    assert align(data, ["TP53"]).tolist() == [[2], [5], [0], [0]]
    assert align(data[["c3", "c1"]], ["TP53"]).tolist() == [[0], [2]]  # a part of it is read


def test_auto_goes_by_what_a_network_would_read(path, monkeypatch):
    assert not is_on_disk(read_expression(path, backed="auto"))
    monkeypatch.setattr(_stores, "MOST_BYTES", 4 * 2 * 4)
    assert is_on_disk(read_expression(path, genes=["ATM", "TP53"], layer="counts", backed="auto"))


def test_auto_reads_what_cannot_be_left(tmp_path, monkeypatch):
    monkeypatch.setattr(_stores, "MOST_BYTES", 0)
    table = tmp_path / "cells.csv"
    table.write_text("cell,ATM,TP53\nc1,1,2\nc2,3,4\n")
    assert not is_on_disk(read_expression(table, backed="auto"))
    by_genes = anndata.AnnData(scipy.sparse.csc_matrix(np.eye(3, dtype=np.float32)))
    by_genes.write_h5ad(tmp_path / "csc.h5ad")
    assert not is_on_disk(read_expression(tmp_path / "csc.h5ad", backed="auto"))
    assert not is_on_disk(read_expression(DATA / "pbmc68k_reduced.h5ad", backed="auto"))


REFUSED = {
    "text": (
        "cell,ATM,TP53\nc1,1,2\n",
        DataError,
        "A text table cannot be left on disk: cells.csv\nLeave out backed, or write an .h5ad.",
    ),
    "damaged": (
        "\x89HDF\r\n\x1a\nand no more",
        ReadError,
        "The HDF5 file is damaged or cut short: cells.csv\n",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case, tmp_path, monkeypatch):
    content, kind, expected = REFUSED[case]
    monkeypatch.chdir(tmp_path)
    Path("cells.csv").write_bytes(content.encode("latin1"))
    with pytest.raises(kind) as error:
        read_expression("cells.csv", backed=True)
    assert str(error.value).startswith(expected)


def test_of_an_early_file_only_x_can_be_left_on_disk():
    on_disk = read_expression(DATA / "pbmc68k_reduced.h5ad", backed=True)
    here = read_expression(DATA / "pbmc68k_reduced.h5ad")
    assert is_on_disk(on_disk)
    np.testing.assert_array_equal(align(on_disk, here.var_names[::7]), align(here, here.var_names[::7]))
    with pytest.raises(DataError, match="was written by an early anndata; only its X can be left on disk"):
        read_expression(DATA / "pbmc68k_reduced.h5ad", layer="raw", backed=True)


def test_negative_values_are_named_with_their_cells(tmp_path):
    values = np.ones((5, 2), np.float32)
    values[3, 1] = -2
    cells = anndata.AnnData(values, var=pd.DataFrame(index=["ATM", "TP53"]))
    cells.write_h5ad(tmp_path / "cells.h5ad")
    with pytest.raises(
        DataError, match=r"1 of 10 values is negative, log1p-cpm needs counts\.\n    gene TP53, cell 3: -2"
    ):
        fit_normalization("log1p-cpm", read_expression(tmp_path / "cells.h5ad", backed=True), ["ATM"])


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=12),
    st.sampled_from(["none", "zscore", "log1p-cpm", "lin2017"]),
    st.sampled_from(["zero", "mean"]),
)
def test_any_rows_in_any_order(tmp_path_factory, rows, method, missing):
    folder = tmp_path_factory.getbasetemp() / "any-rows"
    if not folder.exists():
        folder.mkdir()
        random = np.random.default_rng(0)
        cells = anndata.AnnData(
            scipy.sparse.csr_matrix(random.poisson(0.7, (4, 5)).astype(np.float32)),
            var=pd.DataFrame(index=list("ABCDE")),
        )
        cells.write_h5ad(folder / "cells.h5ad")
    data = read_expression(folder / "cells.h5ad", backed=True)
    genes = ["D", "none such", "A"]
    fitted = fit_normalization(method, data, genes, missing="zero")
    inputs = inputs_of(data, genes, missing=missing, normalization=fitted)
    whole = align(read_expression(folder / "cells.h5ad"), genes, missing=missing, normalization=fitted)
    assert inputs.shape == whole.shape
    np.testing.assert_array_equal(np.asarray(inputs[np.array(rows)]), whole[rows])
