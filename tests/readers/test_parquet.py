"""Parquet tables hold what the same tables hold as text."""

import builtins

import numpy as np
import pandas as pd
import pytest

from keras_vnn.basics import columnar
from keras_vnn.basics.errors import ReadError
from keras_vnn.data import read_expression
from keras_vnn.readers import read_genes, read_interactions, read_regulation
from keras_vnn.recipes.checking import check_file

EDGES = pd.DataFrame({"gene_a": ["TP53", "MYC"], "gene_b": ["MDM2", "MAX"], "score": [0.9, 0.5]})
SIGNED = pd.DataFrame({"tf": ["TP53", "MYC"], "target": ["BAX", "CDKN1A"], "mor": [1.0, -1.0]})
COUNTS = pd.DataFrame(
    [[5, 0, 2], [3, 1, 0], [0, 2, 7]], index=pd.Index(["TP53", "MDM2", "MYC"], name="gene"), columns=["c1", "c2", "c3"]
)


@pytest.fixture
def written(tmp_path):
    pytest.importorskip("pyarrow")

    def write(frame, name="table.parquet"):
        path = tmp_path / name
        frame.to_parquet(path)
        return path

    return write


def test_edges(written):
    path = written(EDGES)
    table = read_interactions(path)
    assert table.to_frame()[["a", "b", "score"]].values.tolist() == [["MAX", "MYC", 0.5], ["MDM2", "TP53", 0.9]]
    assert table.sources[0].format == "Parquet gene_a, gene_b, score score"
    assert read_interactions(path, min_score=0.6).genes == ("MDM2", "TP53")
    assert read_interactions(path, columns=("gene_b", "gene_a")).genes == ("MAX", "MDM2", "MYC", "TP53")
    assert (check_file(path).error, check_file(path).family) == ("", "interactions")


def test_regulation(written):
    path = written(SIGNED)
    assert read_regulation(path).effect.tolist() == ["repression", "activation"]
    assert (check_file(path).error, check_file(path).family) == ("", "regulation")


@pytest.mark.parametrize("frame", [COUNTS, COUNTS.reset_index(), COUNTS.T.rename_axis("cell")], ids=str)
def test_expression(frame, written):
    path = written(frame)
    data = read_expression(path)
    assert data.to_df().equals(COUNTS.T.astype(np.float32).rename_axis(None).rename_axis(None, axis=1))
    assert data.uns["keras_vnn"]["source"]["format"] == "Parquet table"
    assert read_genes(path).ids == ("TP53", "MDM2", "MYC")
    assert (check_file(path).error, check_file(path).family) == ("", "genes")


def test_a_value_that_is_not_a_number_is_named_by_row(written):
    with pytest.raises(ValueError, match=r"table\.parquet:2\n"):
        read_expression(written(COUNTS.astype(float).replace(7.0, np.nan).replace(1.0, np.nan)))


def test_a_column_of_genes(written):
    path = written(pd.DataFrame({"gene": ["TP53", "MDM2"], "kind": ["a", "b"]}))
    assert read_genes(path).ids == read_genes(path, column=1).ids == ("TP53", "MDM2")
    with pytest.raises(ReadError, match=r"There is no column 'genes': .*\nIt has: gene, kind\. Did you mean gene"):
        read_genes(path, column="genes")


def test_damaged_and_without_measure(written, tmp_path, monkeypatch):
    path = written(EDGES)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ReadError, match=r"The Parquet table is damaged or cut short: .*\n.*\nDownload it again"):
        read_interactions(path)
    path = written(pd.DataFrame({"gene_a": ["TP53"] * 200_000, "gene_b": ["MDM2"] * 200_000}))
    monkeypatch.setattr(columnar, "LARGEST_FREE", 1 << 20)
    with pytest.raises(ReadError, match=r"The table takes 25,600,000 bytes in memory, expected at most"):
        read_interactions(path)


def test_without_pyarrow_the_error_says_what_to_install(tmp_path, monkeypatch):
    path = tmp_path / "table.parquet"
    path.write_bytes(b"PAR1rest")
    real = builtins.__import__

    def without(name, *args, **options):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    for read in (read_interactions, read_regulation, read_genes, read_expression):
        with pytest.raises(ReadError, match=r"pyarrow reads, and that is not installed: .*\nInstall it: pip install"):
            read(path)
    assert "keras-vnn[parquet]" in check_file(path).error
