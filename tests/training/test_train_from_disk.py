"""Data that stay on disk give what the same data give in memory."""

import warnings

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from keras_vnn import train, training_options
from keras_vnn.basics.errors import DataError
from keras_vnn.data import labels_at
from keras_vnn.inspection import inspect_node, inspected_cells
from keras_vnn.pp import labels_of
from keras_vnn.priors import Interactions
from keras_vnn.read import expression as read_expression
from keras_vnn.tl import node_activities, predict, rank_nodes
from keras_vnn.training._order import CellOrder, StoredBatches, stored_order
from keras_vnn.wire import interactions as interaction_architecture

GENES = [f"G{i}" for i in range(12)]
KINDS = ["sparse.h5ad", "dense.h5ad", "sparse.zarr", "compressed.h5ad"]


@pytest.fixture(scope="module")
def folder(cells, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cells")
    dense = cells.copy()
    dense.X = dense.X.toarray()
    cells.write_h5ad(folder / "sparse.h5ad")
    dense.write_h5ad(folder / "dense.h5ad")
    cells.write_h5ad(folder / "compressed.h5ad", compression="gzip")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of the defaults of coming releases
        cells.write_zarr(folder / "sparse.zarr")
    return folder


@pytest.fixture(scope="module")
def arch():
    return interaction_architecture(GENES, Interactions.from_pairs(GENES, GENES[1:] + GENES[:1]))


def trained(arch, data, **options):
    training = training_options(epochs=3, batch_size=8, normalization="log1p-cpm", **options)
    return train(arch, data, "type", training=training, tail=(4,))


@pytest.fixture(scope="module")
def in_memory(arch, cells):
    return trained(arch, cells)


@pytest.mark.parametrize("kind", KINDS[:2] + [pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS[2:]])
def test_the_weights_and_scores_are_those_of_data_in_memory(arch, folder, in_memory, kind):
    found = trained(arch, read_expression(folder / kind, backed=True))
    for here, there in zip(found.model.get_weights(), in_memory.model.get_weights(), strict=True):
        np.testing.assert_array_equal(here, there)
    assert found.metrics.to_json() == in_memory.metrics.to_json()
    pd.testing.assert_frame_equal(found.history, in_memory.history)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_asked_of_the_model_is_the_same(cells, folder, in_memory, kind):
    on_disk, model = read_expression(folder / kind, backed=True), in_memory.model
    pd.testing.assert_frame_equal(predict(model, on_disk), predict(model, cells))
    np.testing.assert_array_equal(node_activities(model, on_disk).X, node_activities(model, cells).X)
    assert_same_findings(model, on_disk, cells)


def assert_same_findings(model, on_disk, cells):
    for labels in (None, "type"):
        for method in ("knockout", "gradient"):
            expected = rank_nodes(model, cells, labels, by=method).sort_index()
            found = rank_nodes(model, on_disk, labels, by=method).sort_index()
            pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=1e-4, atol=1e-6)
    here, there = inspect_node(model, "G3", on_disk, "type"), inspect_node(model, "G3", cells, "type")
    pd.testing.assert_frame_equal(here.activity, there.activity, check_exact=False, rtol=1e-5)


def test_cells_read_in_several_parts_are_all_asked(cells, in_memory, tmp_path):
    """1,170 cells: two parts, the last of 146."""
    many = anndata.concat([cells] * 13, index_unique="-")
    many.X = scipy.sparse.csr_matrix(many.X)
    many.write_h5ad(tmp_path / "many.h5ad")
    assert_same_findings(in_memory.model, read_expression(tmp_path / "many.h5ad", backed=True), many)


def test_small_windows_see_every_cell_once_with_its_label(arch, cells, folder):
    from keras_vnn.data import inputs_of

    inputs = inputs_of(read_expression(folder / "sparse.h5ad", backed=True), arch)[np.arange(0, 90, 3)]
    codes = np.arange(30)
    order = stored_order(inputs, seed=1, batch_size=4, window_bytes=8 * inputs.bytes_per_cell)
    order.run = 3
    assert order.window == 8
    everything = cells[::3, GENES].X.toarray()
    seen = []
    with StoredBatches(inputs, codes, 4, order) as batches:
        assert batches.num_batches == 8
        for epoch in (0, 1):
            order.on_epoch_begin(epoch)
            rows = []
            for number in range(batches.num_batches):
                x, y = batches[number]
                np.testing.assert_array_equal(x, everything[y])
                rows += y.tolist()
            assert sorted(rows) == list(range(30))
            seen.append(rows)
    assert seen[0] != seen[1]


def test_cells_sorted_by_type_are_mixed_in_every_batch():
    order = CellOrder(10_000, 0, window=2_048, run=32)
    types = order.current() >= 5_000
    shares = types[: 10_000 // 64 * 64].reshape(-1, 64).mean(axis=1)
    assert 0.05 < shares.min() and shares.max() < 0.95


def test_the_order_of_small_data_is_that_in_memory():
    assert (CellOrder(50, 3, window=64, run=8).current() == CellOrder(50, 3).current()).all()


@pytest.mark.slow
def test_an_interrupted_training_goes_on_from_disk(arch, folder, tmp_path):
    data = read_expression(folder / "sparse.h5ad", backed=True)
    options = training_options(epochs=4, batch_size=8, normalization="zscore")
    whole = train(arch, data, "type", training=options, dropout=0.2)
    path, said = tmp_path / "state", []
    first = training_options(epochs=2, batch_size=8, normalization="zscore")
    train(arch, data, "type", training=first, dropout=0.2, checkpoint=path)
    rest = train(arch, data, "type", training=options, dropout=0.2, checkpoint=path, say=said.append)
    assert said[0] == f"continuing after epoch 2 of an unfinished training: {path}"
    for here, there in zip(rest.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(here, there)


def test_a_matrix_kept_by_genes_is_refused(cells, tmp_path):
    by_genes = cells.copy()
    by_genes.X = scipy.sparse.csc_matrix(by_genes.X)
    by_genes.write_h5ad(tmp_path / "csc.h5ad")
    with pytest.raises(DataError) as error:
        read_expression(tmp_path / "csc.h5ad", backed=True)
    assert str(error.value) == (
        f"The matrix on disk is kept by genes (CSC): single cells cannot be read from it: {tmp_path / 'csc.h5ad'}\n"
        "Read it into memory, adata.to_memory(), or write it by cells: adata.X = adata.X.tocsr()"
    )


def test_a_value_that_is_no_number_is_named_when_it_is_read(arch, cells, tmp_path):
    damaged = cells.copy()
    damaged.X[60, 2] = np.nan
    damaged.write_h5ad(tmp_path / "nan.h5ad")
    with pytest.raises(DataError) as error:
        trained(arch, read_expression(tmp_path / "nan.h5ad", backed=True))
    assert str(error.value) == (
        "1 of 1,260 values is not a finite number\n"
        "    gene G10, cell c60: nan\n"
        "Drop these genes or cells, or write 0 where a gene was not detected."
    )


def test_nodes_are_measured_on_some_of_many_cells(cells, folder):
    on_disk = read_expression(folder / "sparse.h5ad", backed=True)
    assert inspected_cells(90, on_disk, most=30).tolist() == list(range(0, 90, 3))
    assert inspected_cells(90, cells, most=30).tolist() == list(range(90))  # in memory: all


def test_findings_on_some_cells_are_those_of_these_cells(cells, folder, in_memory):
    on_disk = read_expression(folder / "sparse.h5ad", backed=True)
    labels = labels_of(on_disk, "type")
    asked = labels_at(labels, inspected_cells(len(labels), on_disk, most=30), on_disk.n_obs)
    found = rank_nodes(in_memory.model, on_disk, asked, by="knockout")
    pd.testing.assert_frame_equal(found, rank_nodes(in_memory.model, cells[::3].copy(), "type", by="knockout"))
    table = rank_nodes(in_memory.model, on_disk, asked)
    pd.testing.assert_frame_equal(table, rank_nodes(in_memory.model, cells[::3].copy(), "type"), rtol=1e-4)
