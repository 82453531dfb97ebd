"""Several kinds of measurements become one matrix; PLINK is read as it was written; small integers stay small."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from keras_vnn.basics.errors import DataError, ReadError, VNNError
from keras_vnn.data import StoredInputs, align, inputs_of, modalities, read_expression
from keras_vnn.readers import read_genes


def cells(values, names, features, **obs):
    return anndata.AnnData(
        np.asarray(values, "float32"), obs=pd.DataFrame(obs, index=names), var=pd.DataFrame(index=features)
    )


RNA = cells([[1, 2], [3, 4], [5, 6]], ["a", "b", "c"], ["TP53", "ATM"], kind=["x", "y", "z"])
ATAC = cells([[7, 0, 1], [8, 1, 0]], ["c", "a"], ["p1", "p2", "p3"], kind=["w", "v"], depth=[1, 2])


def test_shared_cells_and_columns_that_know_their_kind():
    both = modalities({"rna": RNA, "atac": ATAC})
    assert both.obs_names.tolist() == ["a", "c"]
    assert both.var_names.tolist() == ["rna:TP53", "rna:ATM", "atac:p1", "atac:p2", "atac:p3"]
    assert both.X.tolist() == [[1, 2, 8, 1, 0], [5, 6, 7, 0, 1]]
    assert both.obs["kind"].tolist() == ["x", "z"]
    assert both.obs["depth"].tolist() == [2, 1]
    assert both.var.loc["atac:p2"].tolist() == ["atac", "p2"]


def test_sparse_stays_sparse_and_a_mudata_is_taken():
    sparse = {
        name: anndata.AnnData(scipy.sparse.csr_matrix(one.X), one.obs, one.var)
        for name, one in (("rna", RNA), ("atac", ATAC))
    }
    expected = modalities({"rna": RNA, "atac": ATAC}).X
    found = modalities(sparse)
    assert scipy.sparse.issparse(found.X)
    assert (found.X.toarray() == expected).all()
    mudata = pytest.importorskip("mudata")
    with mudata.set_options(pull_on_update=False):
        assert (modalities(mudata.MuData(sparse)).X.toarray() == expected).all()


def test_kinds_without_a_cell_in_common():
    with pytest.raises(DataError, match="No cell is in all of one, other"):
        modalities({"one": RNA[:1], "other": RNA[1:]})


@pytest.fixture
def plink(tmp_path):
    """Five individuals and 40 variants, one genotype missing."""
    bed_reader = pytest.importorskip("bed_reader")
    counts = np.random.default_rng(0).integers(0, 3, (5, 40)).astype("float32")
    counts[:, 7] = [2, np.nan, 2, 0, 2]
    properties = {
        "iid": [f"i{n}" for n in range(5)],
        "sid": [f"rs{n}" for n in range(40)],
        "pheno": ["1", "2"] * 2 + ["1"],
    }
    bed_reader.to_bed(tmp_path / "cohort.bed", counts, properties=properties)
    return tmp_path / "cohort.bed", counts


def test_genotypes_of_plink_are_those_that_were_written(plink):
    path, counts = plink
    read = read_expression(path)
    assert read.X.dtype == np.int8
    assert read.X[1, 7] == 2, "the most frequent one"
    known = ~np.isnan(counts)
    assert (read.X[known] == counts[known]).all()
    assert read.var["missing"].sum() == read.var.loc["rs7", "missing"] == 1
    assert read.obs["phenotype"].tolist() == ["1", "2", "1", "2", "1"]
    assert read_genes(path.with_suffix(".bim")).ids == tuple(read.var_names)


def test_what_is_wrong_with_plink_files(plink):
    path, _ = plink
    path.with_suffix(".fam").unlink()
    with pytest.raises(ReadError, match=r"have their individuals in cohort\.fam, which is not there"):
        read_expression(path)


@pytest.mark.parametrize("suffix", [".bed", ".bim", ".fam"])
def test_damaged_files_of_plink_are_said_to_be_so(plink, suffix):
    path, _ = plink
    part = path.with_suffix(suffix)
    whole = part.read_bytes()
    for content in (whole[: len(whole) // 2], whole * 2, b"\x6c\x1b" + bytes(9), b"\xff\xfe\x00"):
        part.write_bytes(content)
        with pytest.raises(VNNError) as error:
            read_expression(path)
        assert path.name in str(error.value)
        assert "\n" in str(error.value)


def test_names_of_plink_that_stand_twice_or_for_nothing(plink):
    path, _ = plink
    variants = path.with_suffix(".bim")
    rows = [line.split("\t") for line in variants.read_text().splitlines()]
    rows[0][1] = rows[1][1] = "."
    rows[2][1] = rows[3][1] = "rs9"
    for place, row in enumerate(rows):
        row[0], row[3], row[4], row[5] = "7", str(100 + place), "A", "G"
    variants.write_text("".join("\t".join(row) + "\n" for row in rows))
    individuals = path.with_suffix(".fam")
    individuals.write_text("".join(f"f{n} i{n // 2} 0 0 1 -9\n" for n in range(5)))
    read = read_expression(path)
    assert [*read.var_names[:5], read.var_names[9]] == [*(f"7:{100 + n}:A:G" for n in range(4)), "rs4", "7:109:A:G"]
    assert read.obs_names.tolist() == ["f0_i0", "f1_i0", "f2_i1", "f3_i1", "i2"]
    individuals.write_text("f i 0 0 1 -9\n" * 5)
    with pytest.raises(ReadError, match=r"1 of 1 name stand more than once: .*cohort\.fam\n    f_i\nGive each"):
        read_expression(path)


@pytest.mark.parametrize("position", ["nan", "1e300", "9" * 40])
def test_a_position_beyond_all_bounds(plink, position):
    path, _ = plink
    variants = path.with_suffix(".bim")
    first, *rest = variants.read_text().splitlines()
    fields = first.split("\t")
    fields[3] = position
    variants.write_text("\n".join(["\t".join(fields), *rest]) + "\n")
    with pytest.raises(ReadError, match=r"The genotypes cannot be read: .*cohort\.bed"):
        read_expression(path)


def test_small_integers_are_float_batch_by_batch(monkeypatch):
    monkeypatch.setattr("keras_vnn.data._matrix.DENSE_BYTES", 100)
    counts = np.random.default_rng(0).integers(0, 3, (30, 12), dtype=np.int8)
    data = anndata.AnnData(counts, var=pd.DataFrame(index=[f"rs{i}" for i in range(12)]))
    wanted = [f"rs{i}" for i in (11, 3, 5, 0)]
    inputs = inputs_of(data, wanted)
    assert isinstance(inputs, StoredInputs)
    assert inputs.bytes_per_cell == 12
    assert (np.asarray(inputs[[4, 2]]) == counts[[4, 2]][:, [11, 3, 5, 0]]).all()
    assert (np.asarray(inputs) == align(data.to_df().astype("float64"), wanted)).all()
