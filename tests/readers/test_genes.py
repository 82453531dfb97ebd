"""Gene lists from files in all their forms, and from memory."""

import gzip
import sys
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest

from keras_vnn.basics.errors import ConfigError, GeneError, ReadError, VNNWarning
from keras_vnn.readers import read_genes

DATA = Path(__file__).parents[2] / "data"
MORE = Path(__file__).parents[3] / "shared" / "data" / "more"
more = pytest.mark.skipif(not MORE.is_dir(), reason="the data sets beside the project are absent")

BARCODES = "AAACATACCCGTAA-1,AAACATACGAGGTG-1,AAACATACGTCGTA-1"


@pytest.fixture
def written(tmp_path):
    def write(content, name="genes.txt"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("TP53\nATM\n", "one name per line"),
        ("# mine\nTP53\n\n ATM \n", "one name per line"),
        ("gene_symbol\nTP53\nATM\n", "one name per line below a header"),
        ("x\nTP53\nATM\n", "one name per line below a header"),
        (gzip.compress(b"TP53\nATM\n", mtime=0), "one name per line"),
        ("TP53\tx\nATM\ty\n", "TSV without header column 1"),
        ("gene,chromosome\nTP53,17\nATM,11\n", "CSV gene"),
        ('"","x"\n"1","TP53"\n"2","ATM"\n', "CSV x"),
        ("index\tgene_name\n0\tTP53\n1\tATM\n", "TSV gene_name"),
        ("0\tTP53\n1\tATM\n", "gene2ind (TSV without header number, name)"),
        ("1\tATM\n0\tTP53\n", "gene2ind (TSV without header number, name)"),
        (
            f"gene,{BARCODES}\nTP53,1,0,2\nATM,0,1,1\n",
            "CSV expression table, genes in rows (the header calls the row names 'gene')",
        ),
        (
            f"{BARCODES}\nTP53,1,0,2\nATM,0,1,1\n",
            "CSV expression table, genes in rows (2 of 2 row names look like genes)",
        ),
    ],
)
def test_names_are_found_and_it_is_said_where(written, content, said):
    genes = read_genes(written(content))
    assert genes.ids == ("TP53", "ATM")
    assert genes.source.format == said


def test_genes_in_columns_leave_out_labels(written):
    genes = read_genes(written("cell,TP53,ATM,MDM2,cell_type\nc1,1,0,2,T\nc2,0,1,1,B\n"))
    assert genes.ids == ("TP53", "ATM", "MDM2")
    assert genes.audit.items("column") == ("cell_type",)


def test_what_names_look_like_tells_the_orientation(written):
    genes = read_genes(written("x,TP53,ATM,MDM2\nAAACATACCCGTAA-1,1,0,2\nAAACATACGAGGTG-1,0,1,1\n"))
    assert genes.ids == ("TP53", "ATM", "MDM2")
    assert "genes in columns" in genes.source.format


def test_the_orientation_can_be_said(written):
    path = written("x,c,d,e\nf,1,0,2\ng,0,1,1\n")
    assert read_genes(path, orientation="genes-in-rows").ids == ("f", "g")
    assert read_genes(path, orientation="genes-in-columns").ids == ("c", "d", "e")


def test_columns_by_name_and_number(written):
    path = written("ensembl\tsymbol\nENSG00000141510\tTP53\nENSG00000149311\tATM\n")
    assert read_genes(path, column="symbol").ids == read_genes(path, column=2).ids == ("TP53", "ATM")
    assert read_genes(path).ids == ("ENSG00000141510", "ENSG00000149311")


def test_duplicates_and_empty_names(written):
    path = written("gene\tn\nTP53\tx\n\ty\nTP53\tz\nATM\tz\n")
    genes = read_genes(path, malformed="skip", duplicates="first")
    assert genes.ids == ("TP53", "ATM")
    assert genes.audit.items("row", "empty") == ("genes.txt:3",)
    assert genes.audit.items("gene", "repeated") == ("TP53",)


def test_damaged_names_are_named(written):
    with pytest.warns(VNNWarning, match=r"^1 name looks damaged .* Sep-07 \(was SEPT7/SEPTIN7\), in"):
        assert read_genes(written("SEPT7\nSep-07\n")).ids == ("SEPT7", "Sep-07")


BAD = {
    "empty": (b"", ReadError, "The file {path} is empty (0 bytes).\nWas its download interrupted?"),
    "comments only": (
        "# x\n",
        ReadError,
        "The file has comment lines and no rows: {path}\n    # x\nIs the file truncated?",
    ),
    "duplicates": (
        "TP53\nTP53\n",
        GeneError,
        "1 of 1 gene name in genes.txt occur more than once: TP53.\nKeep the first of each with "
        'duplicates="first", or make the names unique.',
    ),
    "empty name": (
        "gene\tn\n\tx\nATM\ty\n",
        ReadError,
        'The name in gene is empty: {path}:2\n    \tx\nPass malformed="skip" to count such rows in the audit '
        "and go on, or name other columns: columns=…",
    ),
    "gaps in gene2ind": (
        "0\tTP53\n2\tATM\n",
        ReadError,
        "The numbers in the first column are not 0 to 1, each once: {path}\n    0\tTP53\n"
        "If they are gene ids, or only number the rows, say which column holds the genes: column=1 or column=2",
    ),
    "orientation": (
        "x,c,d,e\nf,1,0,2\ng,0,1,1\n",
        ReadError,
        "Are the genes in rows or in columns? Neither 2 row names nor 3 column names tell: {path}\n"
        "    rows: f, g\n    columns: c, d, e\n"
        'Say it with orientation="genes-in-rows" or orientation="genes-in-columns".',
    ),
    "OBO": (
        "format-version: 1.2\n",
        ReadError,
        "The file is an ontology in OBO 1.2 or 1.4, not a list of genes: {path}\n    format-version: 1.2\n"
        "Read it with vnn.read.ontology.",
    ),
    "header only": (
        "gene_symbol\n# x\n",
        ReadError,
        "The file has a header and no rows: {path}\n    gene_symbol\n"
        "Is the file truncated? If this is a row, say header=False.",
    ),
    "NUL": (
        b"TP53\nAT\0\n",
        ReadError,
        "The file holds NUL bytes and is not text: {path}:2\nIs it the right file, and was its download complete?",
    ),
}


@pytest.mark.parametrize(("content", "error", "message"), BAD.values(), ids=BAD)
def test_bad_files(written, content, error, message):
    path = written(content)
    with pytest.raises(error) as caught:
        read_genes(path)
    assert str(caught.value) == message.format(path=path)


def test_a_damaged_h5ad_says_so(written):
    path = written(b"\x89HDF\r\n\x1a\nxxx", "cells.h5ad")
    with pytest.raises(ReadError, match=r"^The HDF5 file is damaged or cut short: .*cells\.h5ad\n"):
        read_genes(path)


def test_wrong_options(written):
    path = written("gene,chromosome\nTP53,17\n")
    with pytest.raises(ConfigError, match=r"^duplicates must be one of raise, first; got 'last'\.$"):
        read_genes(path, duplicates="last")
    with pytest.raises(ReadError, match=r"^No column is named 'chromsome'.*\n.*\nDid you mean chromosome\?"):
        read_genes(path, column="chromsome")
    with pytest.raises(ReadError, match=r"^There is no column 3: .* has 2\."):
        read_genes(path, column=3)
    wide = written(f"x,{BARCODES}\nTP53,1,0,2\n")
    with pytest.raises(ConfigError, match=r"^orientation must be one of .*; got 'rows'\."):
        read_genes(wide, orientation="rows")


def test_names_in_memory():
    assert read_genes(["TP53", "ATM"]).ids == read_genes(("TP53", "ATM")).ids == ("TP53", "ATM")
    assert read_genes(pd.Index(["TP53", "ATM"])).ids == read_genes(np.array(["TP53", "ATM"])).ids == ("TP53", "ATM")
    genes = read_genes(["TP53"])
    assert read_genes(genes) is genes
    with pytest.raises(GeneError, match=r"frame\.columns"):
        read_genes(pd.DataFrame({"TP53": [1]}))


@pytest.fixture
def adata():
    var = pd.DataFrame(
        {"id": ["ENSG1", "ENSG2"], "kind": pd.Categorical(["a", "b"])}, index=pd.Index(["TP53", "ATM"], name="symbol")
    )
    made = anndata.AnnData(np.ones((3, 2), dtype=np.float32), var=var)
    made.raw = made
    return made[:, ["TP53"]].copy()


def test_anndata_in_memory_and_on_disk(adata, tmp_path, monkeypatch):
    adata.write_h5ad(tmp_path / "cells.h5ad")
    for source in (adata, tmp_path / "cells.h5ad"):
        assert read_genes(source).ids == ("TP53",)
        assert read_genes(source, raw=True).ids == ("TP53", "ATM")
        assert read_genes(source, column="id").ids == ("ENSG1",)
        assert read_genes(source, column="kind").ids == ("a",)
    assert read_genes(tmp_path / "cells.h5ad", raw=True, column="id").source.format == "h5ad raw.var['id']"
    with monkeypatch.context() as missing, pytest.raises(ImportError, match=r"anndata\.io"):
        missing.setitem(sys.modules, "anndata.io", None)
        read_genes(tmp_path / "cells.h5ad", column="kind")
    with pytest.raises(ReadError, match=r"^var has no column 'idd': .*\nIt has: id, kind\. Did you mean id\?"):
        read_genes(tmp_path / "cells.h5ad", column="idd")
    with pytest.raises(GeneError, match=r"^var has no column 'idd'\.\nIt has: id, kind\."):
        read_genes(adata, column="idd")


def test_hdf5_without_genes(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["data"] = [1]
    with pytest.raises(ReadError) as caught:
        read_genes(tmp_path / "other.h5")
    path = tmp_path / "other.h5"
    assert str(caught.value) == f"The HDF5 file has no table of genes (var): {path}\nIt has: data."


def test_the_matrix_of_an_h5ad_is_not_read(adata, tmp_path):
    path = tmp_path / "cells.h5ad"
    adata.write_h5ad(path)
    with h5py.File(path, "r+") as file:
        del file["X"]
    assert read_genes(path).ids == ("TP53",)


def test_the_demo_files():
    kang = read_genes(DATA / "kang_ifnb_cd4t_expression.csv.gz")
    with gzip.open(DATA / "kang_ifnb_cd4t_expression.csv.gz", "rt") as stream:
        assert list(kang) == [line.split(",", 1)[0] for line in stream][1:]
    pbmc = read_genes(DATA / "pbmc68k_reduced.h5ad")
    assert (len(kang), len(pbmc)) == (6_998, 765)
    assert list(pbmc) == list(anndata.read_h5ad(DATA / "pbmc68k_reduced.h5ad").var_names)
    assert len(read_genes(DATA / "pbmc68k_reduced.h5ad", raw=True)) == 765


@more
@pytest.mark.parametrize(
    ("name", "count", "first"),
    [
        ("drugcell/gene2ind.txt", 3_008, "AADAC"),
        ("nest/gene2ind.txt", 718, "ABCB1"),
        ("expression/ensembl_to_symbol.tsv.gz", 20_903, "ENSG00000000003"),
        ("expression/sc_celseq2_5cl_p1.count.csv.gz", 15_564, "ENSG00000154529"),
    ],
)
def test_real_files(name, count, first):
    genes = read_genes(MORE / name)
    assert (len(genes), genes[0]) == (count, first)
