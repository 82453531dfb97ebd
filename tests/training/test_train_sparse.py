"""Sparse data in memory, too large to be made dense, give what the same data give when they are."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from keras_vnn import train, training_options
from keras_vnn.basics.errors import DataError
from keras_vnn.data import StoredInputs, _matrix, align, fit_normalization, inputs_of
from keras_vnn.options import PretrainingOptions
from keras_vnn.priors import Interactions
from keras_vnn.read import expression as read_expression
from keras_vnn.tl import predict, rank_nodes
from keras_vnn.training import train_embedding
from keras_vnn.wire import interactions as interaction_architecture

GENES = [f"G{i}" for i in range(12)]
OPTIONS = {"epochs": 3, "batch_size": 8, "normalization": "log1p-cpm"}


@pytest.fixture(scope="module")
def arch():
    return interaction_architecture(GENES, Interactions.from_pairs(GENES, GENES[1:] + GENES[:1]), dense_units=4)


@pytest.fixture
def stays_sparse(monkeypatch):
    monkeypatch.setattr(_matrix, "DENSE_BYTES", 0)


def with_matrix(cells, values):
    return anndata.AnnData(values, obs=cells.obs.copy(), var=cells.var.copy())


KINDS = {
    "csr": lambda cells: cells.copy(),
    "csc": lambda cells: with_matrix(cells, cells.X.tocsc()),
    "csr array": lambda cells: with_matrix(cells, scipy.sparse.csr_array(cells.X)),
    "view": lambda cells: cells[:, ::-1],
    "layer": lambda cells: with_layer(cells),
}


def with_layer(cells):
    from keras_vnn.data import as_expression

    held = cells.copy()
    held.layers["counts"] = cells.X.copy()
    held.X = np.zeros(cells.shape, np.float32)
    return as_expression(held, layer="counts")


def assert_same_weights(here, there):
    for one, other in zip(here.model.get_weights(), there.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture(scope="module")
def dense(arch, cells):
    return train(arch, cells, "type", training=training_options(**OPTIONS), tail=(4,))


def test_small_data_are_made_dense(arch, cells):
    assert isinstance(inputs_of(cells, arch), np.ndarray)


@pytest.mark.usefixtures("stays_sparse")
@pytest.mark.parametrize("kind", [*KINDS][:1] + [pytest.param(kind, marks=pytest.mark.slow) for kind in [*KINDS][1:]])
def test_weights_scores_and_findings_are_those_of_dense_data(arch, cells, dense, kind):
    data = KINDS[kind](cells)
    assert isinstance(inputs_of(data, arch), StoredInputs)
    found = train(arch, data, "type", training=training_options(**OPTIONS), tail=(4,))
    assert_same_weights(found, dense)
    assert found.metrics.to_json() == dense.metrics.to_json()
    pd.testing.assert_frame_equal(found.history, dense.history)
    plain = with_matrix(cells, cells.X.toarray())
    pd.testing.assert_frame_equal(predict(dense.model, data), predict(dense.model, plain))
    pd.testing.assert_frame_equal(
        rank_nodes(dense.model, data, "type", by="knockout"), rank_nodes(dense.model, plain, "type", by="knockout")
    )


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["siamese", "triplet"])
def test_embeddings_are_those_of_dense_data(arch, cells, objective, monkeypatch, tmp_path):
    how = {"objective": objective, "cells_per_type": 3, "training": training_options(**OPTIONS)}
    how["pretraining"] = PretrainingOptions(epochs=2)
    expected = train_embedding(arch, cells, "type", **how)
    cells.write_h5ad(tmp_path / "sparse.h5ad")
    plain = with_matrix(cells, cells.X.toarray())
    plain.write_h5ad(tmp_path / "dense.h5ad")
    monkeypatch.setattr(_matrix, "DENSE_BYTES", 0)
    on_disk = [read_expression(tmp_path / name, backed=True) for name in ("sparse.h5ad", "dense.h5ad")]
    for data in (cells, *on_disk):
        found = train_embedding(arch, data, "type", **how)
        assert_same_weights(found, expected)
        pd.testing.assert_frame_equal(found.history, expected.history)


@pytest.mark.slow
def test_pretraining_reads_data_on_disk(arch, cells, tmp_path):
    how = {"training": training_options(**OPTIONS), "pretraining": PretrainingOptions(epochs=2)}
    cells.write_h5ad(tmp_path / "sparse.h5ad")
    found = train(arch, read_expression(tmp_path / "sparse.h5ad", backed=True), "type", **how)
    assert_same_weights(found, train(arch, cells, "type", **how))


@pytest.mark.usefixtures("stays_sparse")
def test_a_value_that_is_no_number_is_named_before_training(arch, cells):
    damaged = cells.copy()
    damaged.X[60, 2] = np.nan
    with pytest.raises(DataError) as error:
        inputs_of(damaged, arch)
    assert str(error.value) == (
        "1 of 1,260 values is not a finite number\n"
        "    gene G10, cell c60: nan\n"
        "Drop these genes or cells, or write 0 where a gene was not detected."
    )


@pytest.mark.slow
@pytest.mark.usefixtures("stays_sparse")
def test_an_interrupted_training_goes_on_only_with_the_same_values(arch, cells, tmp_path):
    def run(data, epochs, said):
        options = training_options(**OPTIONS | {"epochs": epochs})
        return train(arch, data, "type", training=options, checkpoint=tmp_path / "state", say=said.append)

    said = []
    run(cells, 2, said)
    rest = run(cells, 4, said)
    assert said == [f"continuing after epoch 2 of an unfinished training: {tmp_path / 'state'}"]
    assert_same_weights(rest, train(arch, cells, "type", training=training_options(**OPTIONS | {"epochs": 4})))
    other = cells.copy()
    other.X.data[-1] += 1
    (tmp_path / "state").unlink(missing_ok=True)
    run(cells, 2, [])
    run(other, 4, said)
    assert len(said) == 2 and "continuing" not in said[1]


@given(
    shape=st.tuples(st.integers(1, 20), st.integers(1, 8)),
    seed=st.integers(0, 2**16),
    method=st.sampled_from(["none", "log1p-cpm", "zscore", "lin2017"]),
)
def test_any_rows_read_as_they_align(shape, seed, method):
    random = np.random.default_rng(seed)
    genes = [f"G{i}" for i in range(shape[1])]
    values = scipy.sparse.csr_matrix(random.poisson(0.4, shape).astype(np.float32))
    data = anndata.AnnData(
        values, var=pd.DataFrame(index=genes), obs=pd.DataFrame(index=[f"c{i}" for i in range(shape[0])])
    )
    wanted = list(random.permutation(genes)[: max(1, shape[1] // 2)])
    fitted = fit_normalization(method, data, wanted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_matrix, "DENSE_BYTES", 0)
        inputs = inputs_of(data, wanted, normalization=fitted)
    rows = random.integers(0, shape[0], 5)
    expected = align(data, wanted, normalization=fitted)
    np.testing.assert_array_equal(np.asarray(inputs[rows]), expected[rows])
    np.testing.assert_array_equal(np.asarray(inputs.in_memory()[rows[::-1]]), expected[rows[::-1]])
