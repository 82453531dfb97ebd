"""What kind of numbers data hold, and what is said when they do not fit."""

import json
import warnings

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from keras_vnn.basics.errors import DataError, VNNWarning
from keras_vnn.data import Normalization, align, fit_normalization, inputs_of, read_expression
from keras_vnn.data.normalization import Numbers

GENES = [f"G{i}" for i in range(20)]
RANDOM = np.random.default_rng(0)
COUNTS = RANDOM.negative_binomial(0.5, 0.05, (40, 20)).astype(float)
LOGS = np.log1p(COUNTS * 1e4 / COUNTS.sum(axis=1, keepdims=True))
KINDS = {
    "counts": COUNTS,
    "logarithms": LOGS,
    "z-scores": (LOGS - LOGS.mean(axis=0)) / LOGS.std(axis=0),
    "per million": COUNTS * 1e6 / COUNTS.sum(axis=1, keepdims=True),
    "zeros": np.zeros((40, 20)),
    "mutations": (COUNTS > 5).astype(float),
}


def table(values):
    return pd.DataFrame(values, [f"c{i}" for i in range(len(values))], GENES)


def said(act):
    """Return the first line of each warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act()
    assert all(one.category is VNNWarning for one in caught)
    return [str(one.message).splitlines()[0] for one in caught]


OF_LOGS = "is for counts, but the values look like logarithms: fractions, none beyond 20."
MISFITS = {
    ("log1p-cpm", "logarithms"): [f'normalization="log1p-cpm" {OF_LOGS}'],
    ("lin2017", "logarithms"): [f'normalization="lin2017" {OF_LOGS}'],
    **{
        (method, kind): [
            "The values look like raw counts, or others without a logarithm, and "
            f'normalization="{method}" leaves them on their scale: few genes outweigh all others.'
        ]
        for method, kind in (("none", "counts"), ("centered", "counts"), ("centered", "per million"))
    },
}
NEEDS_COUNTS = ("log1p-cpm", "lin2017")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["none", "zscore", "centered", *NEEDS_COUNTS])
def test_a_normalisation_that_does_not_fit(method, kind):
    if method in NEEDS_COUNTS and kind == "z-scores":
        with pytest.raises(DataError, match="needs counts"):
            fit_normalization(method, table(KINDS[kind]), GENES)
        return
    expected = MISFITS.get((method, kind), [])
    if kind == "zeros":
        expected = ["All values of the training cells are 0: there is nothing to learn from."]
    assert said(lambda: fit_normalization(method, table(KINDS[kind]), GENES)) == expected


def test_only_the_training_cells_count():
    mixed = table(np.concatenate([COUNTS, LOGS]))
    assert said(lambda: fit_normalization("log1p-cpm", mixed, GENES, cells=range(40))) == []
    assert len(said(lambda: fit_normalization("log1p-cpm", mixed, GENES, cells=range(40, 80)))) == 1


# What a model was trained on, and what is strange to it.
STRANGE = {
    (trained, given)
    for trained in ("counts", "logarithms", "z-scores", "per million")
    for given in ("counts", "logarithms", "z-scores", "per million", "zeros")
    if trained != given
} | {
    *(("mutations", given) for given in ("logarithms", "z-scores", "per million", "zeros")),
    *((trained, "mutations") for trained in ("z-scores", "per million")),
}


@pytest.mark.parametrize("given", KINDS)
@pytest.mark.parametrize("trained", [kind for kind in KINDS if kind != "zeros"])
@pytest.mark.parametrize("form", ["dense", "csr", "csc"])
def test_data_of_another_kind(trained, given, form):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = fit_normalization("zscore", table(KINDS[trained]), GENES)
    data = table(KINDS[given])
    if form != "dense":
        sparse = getattr(scipy.sparse, f"{form}_matrix")(KINDS[given])
        data = anndata.AnnData(sparse, var=pd.DataFrame(index=GENES))
    expected = ["The data are of another kind than those the model was trained on."] * ((trained, given) in STRANGE)
    assert said(lambda: align(data, GENES, normalization=fitted)) == expected
    assert said(lambda: inputs_of(data, GENES, normalization=fitted)) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_parts_of_the_same_data_are_of_one_kind(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = fit_normalization("zscore", table(KINDS[kind]), GENES)
    for part in (slice(0, 1), slice(3, 5), slice(0, 20)):
        assert said(lambda part=part: align(table(KINDS[kind])[part], GENES, normalization=fitted)) == []


def test_outliers_of_scaled_data_are_not_another_kind():
    scaled = np.random.default_rng(5).normal(size=(40, 20))
    scaled[30, 3] = 60
    fitted = fit_normalization("none", table(scaled), GENES, cells=range(10))
    assert said(lambda: align(table(scaled), GENES, normalization=fitted)) == []
    fitted = fit_normalization("none", table(np.where(scaled == 60, 200, scaled)), GENES)
    assert said(lambda: align(table(scaled)[:20], GENES, normalization=fitted)) == []


def test_data_on_disk_are_told_by_their_first_cells(tmp_path):
    anndata.AnnData(scipy.sparse.csr_matrix(COUNTS), var=pd.DataFrame(index=GENES)).write_h5ad(tmp_path / "c.h5ad")
    data = read_expression(tmp_path / "c.h5ad", backed=True)
    fitted = fit_normalization("zscore", table(LOGS), GENES)
    assert len(said(lambda: inputs_of(data, GENES, normalization=fitted))) == 1


def test_what_is_said_of_both():
    fitted = fit_normalization("zscore", table(np.tile([[0.0, 0.5], [0, 8.25]], (20, 10))), GENES)
    with pytest.warns(VNNWarning) as caught:
        align(table(np.tile([[0.0, 3214]], (40, 10))), GENES, normalization=fitted)
    assert str(caught[0].message) == (
        "The data are of another kind than those the model was trained on.\n"
        "    trained on logarithms: fractions from 0 to 8.25, 50% zeros\n"
        "    given      counts: integers from 0 to 3214, 50% zeros\n"
        "Give it values treated alike: another layer of the data, layer=…."
    )


def test_facts_are_kept_and_added_up():
    first, second = Numbers.of(np.array([[0.0, 2], [3, 1]])), Numbers.of(scipy.sparse.csr_matrix([[0, -0.5], [0, 0]]))
    assert (first, second) == (Numbers(4, 1, True, 0, 3), Numbers(4, 3, False, -0.5, 0))
    assert first + second == Numbers(8, 4, False, -0.5, 3)
    assert Numbers.of(scipy.sparse.csr_matrix((2, 3))) == Numbers(6, 6, True, 0, 0)
    fitted = fit_normalization("zscore", table(LOGS), GENES)
    again = Normalization.from_json(json.loads(json.dumps(fitted.to_json())))
    assert again.numbers == fitted.numbers == fitted.for_genes(GENES[:3]).numbers == Numbers.of(LOGS)


def test_a_model_of_an_early_version_says_nothing():
    fields = fit_normalization("zscore", table(LOGS), GENES).to_json()
    del fields["numbers"]
    old = Normalization.from_json(fields)
    assert said(lambda: align(table(COUNTS), GENES, normalization=old)) == []


@pytest.mark.parametrize("numbers", [3, {}, {"values": "many"}, []])
def test_damaged_facts_are_an_error(numbers):
    fields = fit_normalization("zscore", table(LOGS), GENES).to_json() | {"numbers": numbers}
    with pytest.raises(DataError, match="saved normalisation"):
        Normalization.from_json(fields)


# Values at the edge of what numbers can be


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_matrix, scipy.sparse.csc_matrix])
@pytest.mark.parametrize("value", [1e300, -1e39, 3.5e38])
def test_values_beyond_single_precision_are_named(kind, value, tmp_path):
    values = COUNTS.copy()
    values[3, 2] = value
    data = anndata.AnnData(kind(values), var=pd.DataFrame(index=GENES))
    data.write_h5ad(tmp_path / "cells.h5ad")
    expected = (
        rf"1 of 800 values is not a finite number.*\n    gene G2, cell 3: {value:g}.*, beyond the 3\.4e38 of single"
    )
    with pytest.raises(DataError, match=expected.replace("+", r"\+")):
        read_expression(tmp_path / "cells.h5ad")
    with pytest.raises(DataError, match=expected.replace("+", r"\+")):
        align(data, GENES)
    if kind is not scipy.sparse.csc_matrix:
        with pytest.raises(DataError, match=expected.replace("+", r"\+")):
            align(read_expression(tmp_path / "cells.h5ad", backed=True), GENES)


def test_the_largest_value_of_single_precision_is_taken():
    largest = float(np.finfo(np.float32).max)
    assert align(table(np.full((2, 20), largest)), GENES).tolist() == [[largest] * 20] * 2


@pytest.mark.parametrize("method", NEEDS_COUNTS)
def test_sums_that_overflow_are_refused_not_zero(method):
    with pytest.raises(DataError, match="not finite numbers"):
        fit_normalization(method, table(np.full((2, 20), 1e308)), GENES)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64])
def test_a_gene_that_varies_little_is_scaled(kind):
    values = np.full((4, 20), 1e9)
    values[:, 0] += [100, -100, 100, -100]
    data = anndata.AnnData(values.astype(kind), var=pd.DataFrame(index=GENES))
    fitted = fit_normalization("zscore", data, GENES)
    assert fitted.scale[1:].tolist() == [1] * 19
    np.testing.assert_allclose(align(data, GENES, normalization=fitted)[:, 0], [1, -1, 1, -1], atol=1e-3)
