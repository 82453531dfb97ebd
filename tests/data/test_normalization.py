import json

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import StandardScaler

from keras_vnn.basics.errors import DataError, GeneError, VNNWarning
from keras_vnn.data import Normalization, align, fit_normalization

# Sums of the cells, with the gene that is no input: 10, 20, 40.
COUNTS = pd.DataFrame(
    [[1.0, 4.0, 5.0], [4.0, 8.0, 8.0], [0.0, 0.0, 40.0]], index=["c1", "c2", "c3"], columns=["ATM", "TP53", "OTHER"]
)
GENES = ["TP53", "ATM"]


def normalised(method, data=COUNTS, genes=GENES, **options):
    return align(data, genes, normalization=fit_normalization(method, data, genes, **options))


def test_none():
    assert normalised("none").tolist() == [[4, 1], [8, 4], [0, 0]]


def test_log1p_cpm_by_hand():
    expected = np.log1p([[400_000, 100_000], [400_000, 200_000], [0, 0]])
    assert normalised("log1p-cpm") == pytest.approx(expected)
    assert align(COUNTS, GENES, normalization="log1p-cpm") == pytest.approx(expected)


def test_lin2017_by_hand():
    # Per million: TP53 4e5, 4e5 | 0; ATM 1e5, 2e5 | 0. Fitted on the first two cells: TP53 is constant (scale 1).
    fitted = fit_normalization("lin2017", COUNTS, GENES, cells=[0, 1])
    assert fitted.mean.tolist() == [400_000, 150_000]
    assert fitted.scale.tolist() == [1, 50_000]
    assert align(COUNTS, GENES, normalization=fitted).tolist() == [[0, -1], [0, 1], [-400_000, -3]]


def test_zscore_by_hand():
    fitted = fit_normalization("zscore", COUNTS, GENES, cells=[True, True, False])
    assert align(COUNTS, GENES, normalization=fitted) == pytest.approx(np.array([[-1, -1], [1, 1], [-3, -5 / 3]]))


def test_centered_by_hand():
    # Standard deviations 2, 1.5 and, of a gene that is constant, 0; the 99.9th percentile of the first two is 1.9995.
    table = pd.DataFrame([[1.0, 3.0, 7.0], [5.0, 6.0, 7.0], [9.0, 6.0, 8.0]], columns=["A", "B", "C"])
    fitted = fit_normalization("centered", table, ["A", "B", "C"], cells=[0, 1])
    assert fitted.scale == pytest.approx([3.999, 3.999, 3.999])
    assert align(table, ["A", "B", "C"], normalization=fitted) == pytest.approx(
        np.array([[-2 / 3.999, -1.5 / 3.999, 0], [2 / 3.999, 1.5 / 3.999, 0], [6 / 3.999, 1.5 / 3.999, 1 / 3.999]])
    )


def test_centered_of_constant_genes_is_zero():
    same = pd.DataFrame(np.full((3, 2), 4.0), columns=GENES)
    assert normalised("centered", same).tolist() == np.zeros((3, 2)).tolist()


def test_centered_says_that_it_is_for_logarithms():
    large = pd.DataFrame(np.arange(200.0).reshape(20, 10) + 0.5, columns=list("ABCDEFGHIJ"))
    with pytest.warns(VNNWarning, match="few genes outweigh all others"):
        fit_normalization("centered", large, list("ABC"))


def test_cells_are_scaled_by_all_genes_measured():
    without = normalised("log1p-cpm", COUNTS[GENES])
    assert without[0] == pytest.approx(np.log1p([800_000, 200_000]))


def test_cell_without_counts_stays_zero():
    empty = pd.DataFrame([[0.0, 0.0], [1.0, 1.0]], columns=GENES)
    assert align(empty, GENES, normalization="log1p-cpm")[0].tolist() == [0, 0]


def test_test_cells_have_no_influence():
    changed = COUNTS.copy()
    changed.loc["c3"] = [7.0, 9.0, 11.0]
    for method in ("none", "log1p", "log1p-cpm", "lin2017", "zscore", "centered"):
        one = fit_normalization(method, COUNTS, GENES, cells=[0, 1])
        assert one == fit_normalization(method, changed, GENES, cells=[0, 1])
        assert one != fit_normalization(method, changed, GENES)


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(2, 8), st.integers(1, 6)), elements=st.integers(0, 500)), st.booleans())
def test_zscore_is_that_of_scikit_learn(values, sparse):
    genes = [f"g{i}" for i in range(values.shape[1])]
    data = anndata.AnnData(
        scipy.sparse.csr_matrix(values) if sparse else values,
        pd.DataFrame(index=[f"c{i}" for i in range(len(values))]),
        pd.DataFrame(index=genes),
    )
    train = np.arange(len(values) // 2 + 1)
    oracle = StandardScaler().fit(values[train])
    fitted = fit_normalization("zscore", data, genes, cells=train)
    np.testing.assert_allclose(fitted.mean, oracle.mean_, rtol=1e-12)
    np.testing.assert_allclose(fitted.scale, oracle.scale_, rtol=1e-12)
    np.testing.assert_allclose(align(data, genes, normalization=fitted), oracle.transform(values), rtol=1e-5, atol=1e-5)


def test_constant_up_to_rounding_is_constant():
    counts = pd.DataFrame({"ATM": [1.0, 7.0, 13.0], "TP53": [2.0, 14.0, 26.0]})
    assert fit_normalization("lin2017", counts, GENES).scale.tolist() == [1, 1]
    assert np.abs(normalised("lin2017", counts)).max() < 1e-6


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=2),
    st.lists(st.floats(5e-324, 1e300), min_size=2, max_size=2),
)
def test_json_is_exact(mean, scale):
    fitted = Normalization("zscore", ("a", "b"), np.array(mean), np.array(scale), 7)
    again = Normalization.from_json(json.loads(json.dumps(fitted.to_json())))
    assert again == fitted
    assert again.mean.tobytes() == fitted.mean.tobytes() and again.scale.tobytes() == fitted.scale.tobytes()


def test_arrays_are_locked():
    fitted = fit_normalization("zscore", COUNTS, GENES)
    with pytest.raises(ValueError, match="read-only"):
        fitted.mean[0] = 1


def test_other_order_of_genes_by_name():
    fitted = fit_normalization("zscore", COUNTS, GENES)
    there, back = align(COUNTS, GENES, normalization=fitted), align(COUNTS, GENES[::-1], normalization=fitted)
    assert back.tolist() == there[:, ::-1].tolist()
    assert align(COUNTS, ["ATM"], normalization=fitted).tolist() == there[:, [1]].tolist()


def test_missing_in_training():
    fitted = fit_normalization("zscore", COUNTS[["ATM"]], GENES, missing="zero")
    assert (fitted.mean[0], fitted.scale[0]) == (0, 1)
    with pytest.raises(GeneError, match="1 of 2 input genes of the model are missing from the data: TP53"):
        fit_normalization("zscore", COUNTS[["ATM"]], GENES)


ERRORS = {
    "not fitted": (
        lambda: align(COUNTS, GENES, normalization="lin2017"),
        "The normalisation 'lin2017' has not been fitted.\n"
        'Fit it on the training cells: vnn.pp.fit_normalization("lin2017", data, genes, cells=train)',
    ),
    "other genes": (
        lambda: align(COUNTS, ["ATM", "OTHER"], normalization=fit_normalization("zscore", COUNTS, GENES)),
        "1 of 2 input genes have no mean and scale in the normalisation 'zscore': OTHER.\n"
        'Fit it for these genes: vnn.pp.fit_normalization("zscore", data, genes, cells=train)',
    ),
    "unknown": (
        lambda: fit_normalization("log1p_cpm", COUNTS, GENES),
        "normalization must be one of none, log1p, log1p-cpm, lin2017, zscore, centered; "
        "got 'log1p_cpm'. Did you mean log1p-cpm or log1p?",
    ),
    "negative": (
        lambda: fit_normalization("lin2017", COUNTS - 2, GENES),
        "3 of 9 values are negative, lin2017 needs counts.\n"
        "    gene ATM, cell c1: -1\n"
        'The values look scaled. Read the counts with layer="raw", '
        'or take normalization="none" or "zscore".',
    ),
    "NaN": (
        lambda: align(COUNTS.replace(8.0, np.nan), GENES),
        "2 of 9 values are not finite numbers\n"
        "    gene TP53, cell c2: nan\n"
        "Drop these genes or cells, or write 0 where a gene was not detected.",
    ),
    "mask": (
        lambda: fit_normalization("zscore", COUNTS, GENES, cells=[True]),
        "The mask of cells has shape (1,), expected (3,).",
    ),
    "range": (
        lambda: fit_normalization("zscore", COUNTS, GENES, cells=[0, 3]),
        "There is no cell number 3: the data have cells 0 to 2.",
    ),
    "none selected": (lambda: fit_normalization("zscore", COUNTS, GENES, cells=[]), "No cell is selected."),
    "damaged": (
        lambda: Normalization.from_json({"method": "zscore", "genes": ["a"], "mean": [1.0], "cells": 3}),
        "The saved normalisation has no field 'scale'. Is it complete?",
    ),
    "text for a number": (
        lambda: Normalization.from_json({"method": "zscore", "genes": ["a"], "mean": ["x"], "scale": [1], "cells": 3}),
        "The saved normalisation is damaged: could not convert string to float: 'x'",
    ),
    "no cells": (
        lambda: align(COUNTS[:0], GENES),
        "The data have 0 cells and 3 genes, expected some of both.\nWas everything filtered out?",
    ),
    "length": (
        lambda: Normalization("zscore", ("a",), np.zeros(2), np.ones(2)),
        "mean of the normalisation has shape (2,), expected (genes,) = (1,).",
    ),
    "scale": (
        lambda: Normalization("zscore", ("a",), np.zeros(1), np.zeros(1)),
        "scale of the normalisation holds values that it cannot have. Fit it again.",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    act, expected = ERRORS[case]
    with pytest.raises(DataError) as error:
        act()
    assert str(error.value) == expected
