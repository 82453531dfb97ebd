"""The folder of 10x Cell Ranger, of version 2 (``genes.tsv``) and version 3 (``features.tsv.gz``)."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from scipy import io, sparse

from keras_vnn.basics.errors import DataError, ReadError
from keras_vnn.read import check_file
from keras_vnn.read import expression as read_expression
from keras_vnn.read import genes as read_genes

COUNTS = np.array([[1, 0, 2], [0, 3, 0], [4, 0, 0], [9, 9, 9]])  # Features × barcodes.
FEATURES = (
    "ENSG00000141510\tTP53\tGene Expression\n"
    "ENSG00000149311\tATM\tGene Expression\n"
    "ENSG00000135679\tMDM2\tGene Expression\n"
    "CD3\tCD3_TotalSeqB\tAntibody Capture\n"
)
BARCODES = "AAAC-1\nAAAG-1\nAAAT-1\n"


@pytest.fixture(params=["version 2", "version 3"])
def folder(request, tmp_path):
    path = tmp_path / "filtered"
    path.mkdir()
    matrix = COUNTS if request.param == "version 3" else COUNTS[:3]
    io.mmwrite(path / "matrix.mtx", sparse.coo_array(matrix))
    if request.param == "version 2":
        rows = ["\t".join(line.split("\t")[:2]) for line in FEATURES.splitlines()[:3]]
        (path / "genes.tsv").write_text("\n".join(rows) + "\n")
        (path / "barcodes.tsv").write_text(BARCODES)
        return path
    for name, content in (
        ("matrix.mtx.gz", (path / "matrix.mtx").read_bytes()),
        ("features.tsv.gz", FEATURES.encode()),
        ("barcodes.tsv.gz", BARCODES.encode()),
    ):
        (path / name).write_bytes(gzip.compress(content))
    (path / "matrix.mtx").unlink()
    return path


def test_cells_genes_and_counts(folder):
    found = read_expression(folder)
    assert list(found.obs_names) == ["AAAC-1", "AAAG-1", "AAAT-1"]
    assert list(found.var_names) == ["TP53", "ATM", "MDM2"]
    assert sparse.issparse(found.X) and found.X.dtype == np.float32
    np.testing.assert_array_equal(found.X.toarray(), COUNTS[:3].T)
    said = found.uns["keras_vnn"]["read"]
    assert said.startswith("10x folder filtered: 3 cells, 3 genes by symbol")
    assert ("(1 other feature left out)" in said) == (folder / "features.tsv.gz").exists()


def test_names_are_those_of_the_network(folder):
    found = read_expression(folder, genes=["ENSG00000149311", "ENSG00000141510"])
    assert list(found.var_names)[:2] == ["ENSG00000141510", "ENSG00000149311"]
    assert list(found.var["gene_symbol"])[:2] == ["TP53", "ATM"]


def test_a_gene_list(folder):
    assert read_genes(folder).ids == ("TP53", "ATM", "MDM2")
    assert read_genes(folder, column=1).ids == ("ENSG00000141510", "ENSG00000149311", "ENSG00000135679")
    assert "10x" in str(check_file(folder))


def test_what_is_wrong_is_said(folder):
    with pytest.raises(DataError, match="cannot be left on disk"):
        read_expression(folder, backed=True)
    barcodes = next(folder.glob("barcodes*"))
    whole = barcodes.read_bytes()
    shorter = b"AAAC-1\nAAAG-1\n"
    barcodes.write_bytes(gzip.compress(shorter) if barcodes.suffix == ".gz" else shorter)
    with pytest.raises(ReadError) as error:
        read_expression(folder)
    assert "3 columns, but there are" in str(error.value) and "2 barcodes" in str(error.value)
    barcodes.unlink()
    with pytest.raises(ReadError) as error:
        read_expression(folder)
    assert str(error.value) == (
        f"The folder of 10x Cell Ranger lacks barcodes: {folder}\n"
        "Expected matrix.mtx, barcodes.tsv and features.tsv (or genes.tsv), plain or gzip."
    )
    barcodes.write_bytes(whole)
    matrix = next(folder.glob("matrix*"))
    matrix.write_bytes(matrix.read_bytes()[:40])
    with pytest.raises(ReadError, match="The matrix is damaged or cut short"):
        read_expression(folder)
