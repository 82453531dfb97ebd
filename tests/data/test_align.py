from pathlib import Path
from types import SimpleNamespace

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_vnn.basics.errors import DataError, GeneError
from keras_vnn.data import align, alignment_report, fit_normalization, read_expression

DATA = Path(__file__).parents[2] / "data"
GENES = ["ATM", "MDM2", "TP53"]
TABLE = pd.DataFrame(
    [[1.0, 2.0, 3.0, 9.0], [4.0, 5.0, 6.0, 9.0]],
    index=["c1", "c2"],
    columns=["TP53", "ATM", "MDM2", "ERCC-00002"],
)
ALIGNED = [[2, 3, 1], [5, 6, 4]]


def as_anndata(table, kind=np.asarray):
    return anndata.AnnData(kind(table.to_numpy()), pd.DataFrame(index=table.index), pd.DataFrame(index=table.columns))


@pytest.mark.parametrize(
    "data",
    [
        TABLE,
        TABLE.astype(int),
        TABLE.astype(pd.SparseDtype(float, 0.0)),
        as_anndata(TABLE),
        as_anndata(TABLE, scipy.sparse.csr_matrix),
        as_anndata(TABLE, scipy.sparse.csc_matrix),
        as_anndata(TABLE, scipy.sparse.csr_array),
    ],
)
def test_columns_by_name(data):
    aligned = align(data, GENES)
    assert aligned.tolist() == ALIGNED
    assert aligned.dtype == np.float32
    assert aligned.flags.c_contiguous


def test_anything_with_genes():
    assert align(TABLE, SimpleNamespace(genes=tuple(GENES))).tolist() == ALIGNED


def test_a_view_of_an_anndata():
    assert align(as_anndata(TABLE, scipy.sparse.csr_matrix)[["c2"]], GENES).tolist() == [[5, 6, 4]]


@settings(max_examples=30, deadline=None)
@given(
    st.permutations(range(4)),
    st.sampled_from(["none", "log1p", "log1p-cpm", "lin2017", "zscore", "centered"]),
    st.booleans(),
)
def test_order_of_columns_changes_nothing(order, method, sparse):
    moved = TABLE.iloc[:, list(order)]
    data = as_anndata(moved, scipy.sparse.csr_matrix) if sparse else moved
    expected = align(TABLE, GENES, normalization=fit_normalization(method, TABLE, GENES))
    got = align(data, GENES, normalization=fit_normalization(method, data, GENES))
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_more_genes_than_a_block():
    genes = [f"g{i}" for i in range(1300)]
    table = pd.DataFrame(np.arange(2600.0).reshape(2, 1300), columns=genes)
    assert align(table, genes[::-1]).tolist() == table[genes[::-1]].to_numpy().tolist()
    assert align(as_anndata(table.set_axis(["a", "b"]), scipy.sparse.csr_matrix), genes[::-1]).tolist() == (
        table[genes[::-1]].to_numpy().tolist()
    )


def test_data_are_not_changed():
    data = as_anndata(TABLE)
    before = data.X.copy()
    align(data, GENES, normalization=fit_normalization("lin2017", data, GENES))
    assert (data.X == before).all() and not data.uns


class TestMissing:
    def test_raise(self):
        with pytest.raises(GeneError) as error:
            align(TABLE[["TP53"]], GENES)
        assert str(error.value) == (
            "2 of 3 input genes of the model are missing from the data: ATM, MDM2.\n"
            'Fill them with missing="zero", or rebuild the architecture for these genes: vnn build --genes cells.h5ad …'
        )

    def test_zero_is_zero_before_the_normalisation(self):
        fitted = fit_normalization("zscore", TABLE, GENES)
        aligned = align(TABLE[["TP53", "MDM2"]], GENES, missing="zero", normalization=fitted)
        assert aligned[:, 0] == pytest.approx((0 - 3.5) / 1.5)
        assert aligned[:, 1:].tolist() == [[-1, -1], [1, 1]]
        assert align(TABLE[["TP53"]], GENES, missing="zero").tolist() == [[0, 0, 1], [0, 0, 4]]

    def test_mean_of_the_training_cells(self):
        here = TABLE[["TP53", "MDM2"]]
        zscore = fit_normalization("zscore", TABLE, GENES)
        assert align(here, GENES, missing="mean", normalization=zscore)[:, 0].tolist() == [0, 0]
        none = fit_normalization("none", TABLE, GENES)
        assert align(here, GENES, missing="mean", normalization=none)[:, 0].tolist() == [3.5, 3.5]

    def test_mean_is_not_known_before_fitting(self):
        with pytest.raises(DataError) as error:
            align(TABLE[["TP53"]], GENES, missing="mean", normalization="log1p-cpm")
        assert str(error.value) == (
            'missing="mean" needs the means of the training cells, which only a fitted normalisation knows.\n'
            'Fit it: vnn.pp.align(…, normalization=vnn.pp.fit_normalization("log1p-cpm", data, genes, cells=train))'
        )

    @pytest.mark.parametrize("missing", ["raise", "zero", "mean"])
    def test_no_gene_in_common_is_never_filled(self, missing):
        with pytest.raises(GeneError) as error:
            align(TABLE.rename(columns=str.lower), GENES, missing=missing)
        assert str(error.value) == (
            "3 of 3 input genes of the model are missing from the data: ATM, MDM2, TP53.\n"
            "0 of 3 input genes match the data; 3 match ignoring case.\n"
            "The input genes look like: ATM, MDM2, TP53.\n"
            "The data looks like: atm, ercc-00002, mdm2 and 1 more.\n"
            "Translate the names of the data, or rebuild the architecture for these genes: "
            "vnn build --genes cells.h5ad …"
        )

    def test_unknown_policy(self):
        with pytest.raises(DataError) as error:
            align(TABLE, GENES, missing="zeros")
        assert str(error.value) == ("missing must be one of raise, zero, mean; got 'zeros'. Did you mean zero?")

    def test_names_in_another_column(self):
        data = as_anndata(TABLE.set_axis(["ENSG1", "ENSG2", "ENSG3", "ENSG4"], axis=1))
        data.var["feature_name"] = pd.Categorical(TABLE.columns)
        with pytest.raises(GeneError) as error:
            align(data, GENES)
        assert str(error.value).splitlines()[1] == (
            "3 of 3 are in the column 'feature_name' of the genes: adata.var_names = adata.var[\"feature_name\"]"
        )

    def test_transposed(self):
        with pytest.raises(GeneError) as error:
            align(TABLE.T, GENES)
        assert str(error.value).splitlines()[1] == ("3 of 3 are names of cells. The data look transposed: pass data.T.")

    def test_every_removed_gene_is_named(self):
        adata = read_expression(DATA / "pbmc68k_reduced.h5ad")
        genes = adata.var_names.tolist()
        for gone in genes[::150]:
            with pytest.raises(GeneError, match=f"^1 of 765 input genes of the model are missing .*: {gone}\\.\n"):
                align(adata[:, adata.var_names != gone], genes)


@pytest.mark.filterwarnings("ignore:Variable names are not unique")
class TestDuplicates:
    table = pd.DataFrame([[1.0, 2.0, 4.0], [3.0, 5.0, 7.0]], columns=["TP53", "ATM", "TP53"])

    @pytest.mark.parametrize(("policy", "tp53"), [("first", [1, 3]), ("sum", [5, 10]), ("mean", [2.5, 5])])
    @pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_matrix])
    def test_policies(self, policy, tp53, kind):
        data = as_anndata(self.table.set_axis(["a", "b"]), kind)
        assert align(data, ["TP53", "ATM"], duplicates=policy).T.tolist() == [tp53, [2, 5]]

    def test_raise(self):
        with pytest.raises(GeneError) as error:
            align(self.table, ["TP53", "ATM"])
        assert str(error.value) == (
            "1 of 2 input genes occur more than once in the data: TP53.\n"
            'Combine them with duplicates="sum" (counts) or "mean", or keep the first with duplicates="first".'
        )

    def test_extra_ones_do_not_matter(self):
        assert align(self.table, ["ATM"]).tolist() == [[2], [5]]

    def test_counts_are_summed_before_they_are_scaled(self):
        aligned = align(self.table, ["TP53", "ATM"], duplicates="sum", normalization="log1p-cpm")
        assert aligned[0] == pytest.approx(np.log1p([5e6 / 7, 2e6 / 7]))


class TestReport:
    def test_sentences(self):
        table = pd.DataFrame([[1, 2, 3, 4]], columns=["TP53", "tp53", "TP53", "ERCC-00002"])
        found = alignment_report(table, GENES)
        assert (found.matched, found.missing, found.extra) == (("TP53",), ("ATM", "MDM2"), ("tp53", "ERCC-00002"))
        assert str(found) == (
            "1 of 3 input genes are in the data\n"
            "2 missing: ATM, MDM2\n"
            "1 more than once: TP53\n"
            "2 genes of the data not used: ERCC-00002, tp53"
        )
        assert found.audit.count("gene", "missing") == 2
        assert found.audit.items("gene", "no input of the model") == ("ERCC-00002", "tp53")

    def test_all_there(self):
        assert str(alignment_report(TABLE[GENES], GENES)) == "3 of 3 input genes are in the data"
