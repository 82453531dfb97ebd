import gzip
import time
import warnings
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from keras_vnn.basics.errors import DataError, ReadError
from keras_vnn.data import align, as_expression, labels_of, read_expression

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data"
MORE = ROOT.parent / "shared" / "data" / "more" / "expression"
needs_more = pytest.mark.skipif(not MORE.is_dir(), reason="the benchmark expression tables are not beside the project")

GENES_IN_ROWS = "gene_symbol,c1,c2\nTP53,1,0\nATM,3,2\nMDM2,5,6\n"
GENES_IN_COLUMNS = "cell,TP53,ATM,MDM2\nc1,1,3,5\nc2,0,2,6\n"
R_HEADER = '"c1","c2"\n"TP53",1,0\n"ATM",3,2\n"MDM2",5,6\n'
VALUES = [[1, 3, 5], [0, 2, 6]]


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def said(adata):
    return adata.uns["keras_vnn"]["read"]


def message(error, path):
    return str(error.value).replace(str(path), path.name)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (GENES_IN_ROWS, "genes in rows (the header calls the row names 'gene_symbol')"),
        (GENES_IN_COLUMNS, "genes in columns (the header calls the row names 'cell')"),
        (R_HEADER, "genes in rows (2 of 3 row names look like genes)"),
        (GENES_IN_ROWS.replace(",", "\t"), "genes in rows (the header calls the row names 'gene_symbol')"),
        (GENES_IN_ROWS.replace(",", ";"), "genes in rows (the header calls the row names 'gene_symbol')"),
        (R_HEADER.replace(",", " "), "genes in rows (2 of 3 row names look like genes)"),
        (GENES_IN_ROWS.replace("\n", "\r\n"), "genes in rows (the header calls the row names 'gene_symbol')"),
        (GENES_IN_ROWS.replace("\n", "\r"), "genes in rows (the header calls the row names 'gene_symbol')"),
        ("\n" + GENES_IN_ROWS.replace("ATM", "\nATM"), "genes in rows (the header calls the row names 'gene_symbol')"),
        (b"\xef\xbb\xbf" + GENES_IN_ROWS.encode(), "genes in rows (the header calls the row names 'gene_symbol')"),
        (GENES_IN_ROWS.encode("utf-16"), "genes in rows (the header calls the row names 'gene_symbol')"),
        (
            gzip.compress(GENES_IN_ROWS.encode(), mtime=0),
            "genes in rows (the header calls the row names 'gene_symbol')",
        ),
    ],
)
def test_the_same_table_in_every_dress(tmp_path, content, sentence):
    adata = read_expression(write(tmp_path, "table", content))
    assert said(adata) == sentence
    assert adata.obs_names.tolist() == ["c1", "c2"]
    assert adata.var_names.tolist() == ["TP53", "ATM", "MDM2"]
    assert adata.X.tolist() == VALUES
    assert adata.X.dtype == np.float32
    assert adata.uns["keras_vnn"]["source"]["records"] == 2


def test_genes_of_the_network_decide_before_anything_else(tmp_path):
    path = write(tmp_path, "t.csv", "gene,a,b\nx,1,2\n")
    assert said(read_expression(path)) == "genes in rows (the header calls the row names 'gene')"
    adata = read_expression(path, genes=["b", "a", "q"])
    assert said(adata) == "genes in columns (2 of 2 column names are genes of the network)"
    assert adata.var_names.tolist() == ["a", "b"]


def test_orientation_as_asked(tmp_path):
    path = write(tmp_path, "t.csv", GENES_IN_ROWS)
    adata = read_expression(path, orientation="genes-in-columns")
    assert said(adata) == "genes in columns (as asked)"
    assert adata.obs_names.tolist() == ["TP53", "ATM", "MDM2"]


def test_barcodes_tell_where_the_cells_are(tmp_path):
    path = write(tmp_path, "t.csv", ",AAACATACCCGTAA-1,AAACATACGAGGTG-1\ng1,1,2\n")
    assert said(read_expression(path)) == "genes in rows (2 of 2 column names look like cells)"


def test_comma_is_a_decimal_mark_beside_semicolons(tmp_path):
    adata = read_expression(write(tmp_path, "t.csv", "gene;c1;c2\nTP53;1,5;2\nATM;0;0,25\n"))
    assert adata.X.tolist() == [[1.5, 0], [2, 0.25]]


def test_quoted_names_may_hold_the_separator(tmp_path):
    path = write(tmp_path, "t.csv", 'gene,"c,1",c2\n"A,B",1,2\n"C",3,4\n')
    adata = read_expression(path)
    assert adata.obs_names.tolist() == ["c,1", "c2"]
    assert adata.var_names.tolist() == ["A,B", "C"]


def test_spike_ins_and_repeated_genes_stay(tmp_path):
    adata = read_expression(write(tmp_path, "t.csv", "gene,c1,c2\nTP53,1,2\nTP53,3,4\nERCC-00002,5,6\nNA,7,8\n"))
    assert adata.var_names.tolist() == ["TP53", "TP53", "ERCC-00002", "NA"]


def test_columns_that_are_no_expression(tmp_path):
    adata = read_expression(write(tmp_path, "a.csv", "cell,TP53,type,ATM\nc1,1,T,2\nc2,3,B,4\n"), metadata=["type"])
    assert adata.obs["type"].tolist() == ["T", "B"]
    assert adata.to_df().to_dict("list") == {"TP53": [1, 3], "ATM": [2, 4]}
    adata = read_expression(write(tmp_path, "b.csv", "gene_id,symbol,c1\ng1,TP53,1\ng2,ATM,2\n"), metadata=["symbol"])
    assert adata.var["symbol"].tolist() == ["TP53", "ATM"]
    assert adata.X.tolist() == [[1, 2]]


BAD_TABLES = {
    "one column": (
        "TP53\nATM\n",
        "The expression table has one column, expected names and at least one column of values: t.csv:1\n"
        "    TP53\n"
        "The separator may be a tab, a comma, a semicolon or a space.",
    ),
    "empty": ("", "The data file t.csv is empty (0 bytes).\nWas its download interrupted?"),
    "blank": ("\n \n", "The expression table t.csv holds blank lines only.\nWas its download interrupted?"),
    "no row": ("gene,c1\n", "The expression table has a header and no row: t.csv\n    gene,c1"),
    "text": (
        "gene,c1,c2\nTP53,1,2\n\nATM,3,high\n",
        "1 of 4 values is not a finite number: t.csv:4\n"
        "    gene ATM, cell c2: 'high'\n"
        "Drop these genes or cells, or write 0 where a gene was not detected.",
    ),
    "missing": (
        "cell,TP53,ATM\nc1,NA,1\nc2,3,\n",
        "2 of 4 values are not finite numbers: t.csv:2\n"
        "    gene TP53, cell c1: 'NA'\n"
        "Drop these genes or cells, or write 0 where a gene was not detected.",
    ),
    "infinite": (
        "gene,c1,c2\nTP53,1,2\nATM,inf,2\n",
        "1 of 4 values is not a finite number: t.csv:3\n"
        "    gene ATM, cell c1: inf\n"
        "Drop these genes or cells, or write 0 where a gene was not detected.",
    ),
    "text column": (
        "cell,TP53,type\nc1,1,T\nc2,3,B\n",
        "2 of 4 values are not finite numbers: t.csv:2\n"
        "The column 'type' holds no number, as 'T'. If it is not expression, name it: "
        'metadata=["type"].',
    ),
    "long row": (
        "gene,c1,c2\nTP53,1,2\nATM,1,2,3\n",
        "A row has 4 fields, expected 3 as in the first row: t.csv:3\n"
        "    ATM,1,2,3\n"
        "Is the file truncated, or does a name hold the separator without quotes?",
    ),
    "short row": (
        "gene,c1,c2\nTP53,1,2\nATM,1\n",
        "A row has 2 fields, expected 3 as in the first row: t.csv:3\n"
        "    ATM,1\n"
        "Is the file truncated, or does a name hold the separator without quotes?",
    ),
    "separator at the end of rows": (
        "gene,c1,c2\nTP53,1,2,\nATM,1,2,\n",
        "The rows end with a separator that the header lacks: t.csv:2\n"
        "    TP53,1,2,\n"
        "Remove it, or write one at the end of the header too and name that column.",
    ),
    "too large for float32": (
        "gene,c1,c2\nTP53,1e300,2\nATM,1,2\n",
        "1 of 4 values is not a finite number: t.csv:2\n"
        "    gene TP53, cell c1: 1e+300, beyond the 3.4e38 of single precision\n"
        "Drop these genes or cells, or write 0 where a gene was not detected.",
    ),
    "true or false": (
        "gene,c1,c2\nTP53,True,2\nATM,False,2\n",
        "2 of 4 values are not finite numbers: t.csv:2\n"
        "The column 'c1' holds no number, as 'True'. If it is not expression, name it: "
        'metadata=["c1"].',
    ),
    "short header": (
        "c1,c2\nTP53,1,2,3\n",
        "The header has 2 fields, the first row 4: t.csv\n"
        "Expected equally many, or one fewer in the header (as R writes it).",
    ),
    "same cell twice": (
        "gene,c1,c1\nTP53,1,2\n",
        "1 of 1 cell name occur more than once: t.csv\n"
        "    c1\n"
        "Make the names unique, or write the header line if it is missing.",
    ),
    "cell without a name": ("gene,c1,\nTP53,1,2\n", "Cell 2 of 2 has no name: t.csv:1\nName it, or remove it."),
    "gene without a name": ("gene,c1,c2\nTP53,1,2\n,1,2\n", "Gene 2 of 2 has no name: t.csv:3\nName it, or remove it."),
    "nothing tells": (
        "x,a,b\nc,1,2\nd,3,4\n",
        "Are the genes in rows or in columns? Neither 2 row names nor 2 column names tell: t.csv\n"
        "    rows: c, d\n"
        "    columns: a, b\n"
        'Say it with orientation="genes-in-rows" or orientation="genes-in-columns".',
    ),
    "not UTF-8": (
        b"gene,c1,c2\nTP53,1,2\nM\xfcller,1,2\n",
        "The bytes are not UTF-8 text: t.csv:3\n"
        "    b'ene,c1,c2\\nTP53,1,2\\nM\\xfcller,1,2\\n'\n"
        "Save the file as UTF-8, for example: iconv -f latin1 -t utf-8 t.csv > utf8.txt",
    ),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_tables(tmp_path, case):
    content, expected = BAD_TABLES[case]
    path = write(tmp_path, "t.csv", content)
    with pytest.raises((DataError, ReadError)) as error:
        read_expression(path)
    assert message(error, path) == expected


def test_truncated_gzip(tmp_path):
    path = write(tmp_path, "t.csv.gz", gzip.compress((GENES_IN_ROWS * 50).encode(), mtime=0)[:-12])
    with pytest.raises(ReadError, match=r"t\.csv\.gz is damaged or ends early: .*\nDownload it again\."):
        read_expression(path)


def test_missing_file_and_directory(tmp_path):
    with pytest.raises(ReadError, match="No such data file: "):
        read_expression(tmp_path / "t.csv")
    with pytest.raises(ReadError, match="Expected a data file, got a directory: "):
        read_expression(tmp_path)


def test_first_column_is_a_gene(tmp_path):
    path = write(tmp_path, "t.csv", "TP53,ATM\n1,2\n3,4\n")
    with pytest.raises(DataError) as error:
        read_expression(path, genes=["ATM", "TP53"])
    assert message(error, path) == (
        "The header's first field is a gene, TP53: the table has no names of cells: t.csv:1\n"
        "Write them into the first column, in pandas: table.to_csv(path, index=True)"
    )


def test_unknown_options(tmp_path):
    path = write(tmp_path, "t.csv", GENES_IN_ROWS)
    with pytest.raises(DataError) as error:
        read_expression(path, orientation="genes-in-row")
    assert str(error.value) == (
        "orientation must be one of auto, genes-in-rows, genes-in-columns; got 'genes-in-row'. "
        "Did you mean genes-in-rows or genes-in-columns?"
    )
    with pytest.raises(DataError) as error:
        read_expression(path, metadata=["c3"])
    assert message(error, path) == "The table has no column 'c3': t.csv:1"
    with pytest.raises(DataError) as error:
        read_expression(path, layer="raw")
    assert message(error, path) == "A text table has no layer 'raw': t.csv\nLeave out layer."


class TestCells:
    def test_joined_by_id_in_any_order(self, tmp_path):
        path = write(tmp_path, "t.csv", GENES_IN_ROWS)
        cells = write(tmp_path, "cells.csv", "index,type,plate\nc2,B,1\nc1,None,2\nc9,T,3\n")
        adata = read_expression(path, cells=cells)
        assert adata.obs["type"].tolist() == ["None", "B"]
        assert adata.obs["plate"].tolist() == [2, 1]
        assert said(adata) == "genes in rows (2 of 2 column names are cells of the cell table)"
        assert adata.uns["keras_vnn"]["cells"] == (
            "2 cells described by 2 columns of the cell table; 1 of its rows are cells that are not here"
        )

    def test_header_one_field_short(self, tmp_path):
        cells = write(tmp_path, "cells.tsv", '"type"\t"age"\n"c1"\t"T"\t1\n"c2"\tNA\t2\n')
        adata = read_expression(write(tmp_path, "t.csv", GENES_IN_ROWS), cells=cells)
        assert adata.obs["type"].isna().tolist() == [False, True]

    def test_ids_stay_text_wherever_their_column_is(self, tmp_path):
        path = write(tmp_path, "t.csv", "gene,001,002\nTP53,1,2\n")
        cells = write(tmp_path, "cells.csv", "type,index\nT,001\nB,002\n")
        assert read_expression(path, cells=cells).obs["type"].tolist() == ["T", "B"]

    def test_cells_not_in_the_table(self, tmp_path):
        cells = write(tmp_path, "cells.csv", "cell,type\nc1,T\nc3,B\n")
        with pytest.raises(DataError) as error:
            read_expression(write(tmp_path, "t.csv", GENES_IN_ROWS), cells=cells)
        assert message(error, cells) == (
            "1 of 2 cells are not in the cell table: cells.csv\n"
            "    c2\n"
            "The table names cells such as c1, c3.\n"
            "Cells are joined by their ids, in the first column of the table."
        )

    def test_a_cell_twice_in_the_table(self, tmp_path):
        cells = write(tmp_path, "cells.csv", "cell,type\nc1,T\nc1,B\nc2,B\n")
        with pytest.raises(DataError, match="1 of 2 cell names occur more than once"):
            read_expression(write(tmp_path, "t.csv", GENES_IN_ROWS), cells=cells)

    def test_a_table_in_memory(self):
        frame = pd.DataFrame(VALUES, index=["c1", "c2"], columns=["TP53", "ATM", "MDM2"])
        cells = pd.DataFrame({"type": pd.Categorical(["B", "T"])}, index=["c2", "c1"])
        adata = as_expression(frame, cells=cells)
        assert adata.obs["type"].tolist() == ["T", "B"]
        assert list(cells.columns) == ["type"] and cells.attrs == {}


class TestInMemory:
    def test_anndata_passes_through(self):
        adata = anndata.AnnData(np.ones((2, 1)), pd.DataFrame(index=["a", "b"]), pd.DataFrame(index=["TP53"]))
        assert as_expression(adata) is adata

    def test_frame_is_not_shared(self):
        frame = pd.DataFrame({"TP53": [1.0, 2.0]}, index=["a", "b"])
        adata = as_expression(frame)
        adata.X[0, 0] = 9
        assert frame.iloc[0, 0] == 1

    def test_text_column(self):
        with pytest.raises(DataError) as error:
            as_expression(pd.DataFrame({"TP53": [1.0], "type": ["T"]}))
        assert str(error.value) == (
            "1 of 2 columns of the table are not numbers: type.\n"
            "Pass the genes only: data[genes]; labels and other columns belong in cells=…"
        )

    @pytest.mark.parametrize("kind", [np.array, scipy.sparse.csr_matrix, scipy.sparse.csc_array])
    def test_nan(self, kind):
        adata = anndata.AnnData(
            kind([[0.0, 1.0], [np.nan, np.inf]]), pd.DataFrame(index=["a", "b"]), pd.DataFrame(index=["TP53", "ATM"])
        )
        with pytest.raises(DataError) as error:
            as_expression(adata)
        assert str(error.value) == (
            "2 of 4 values are not finite numbers\n"
            "    gene TP53, cell b: nan\n"
            "Drop these genes or cells, or write 0 where a gene was not detected."
        )

    def test_an_array_has_no_names(self):
        with pytest.raises(DataError) as error:
            align(np.ones((2, 2)), ["TP53"])
        assert str(error.value) == (
            "Expected an AnnData or a DataFrame (cells, genes), got ndarray.\n"
            "Name the genes of an array: pandas.DataFrame(values, columns=genes)."
        )


class TestH5ad:
    def test_old_file_without_warnings(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            adata = read_expression(DATA / "pbmc68k_reduced.h5ad")
        assert adata.shape == (700, 765)
        assert said(adata) == "X of pbmc68k_reduced.h5ad: 700 cells, 765 genes"
        assert adata.X.min() < 0

    def test_raw(self):
        adata = read_expression(DATA / "pbmc68k_reduced.h5ad", layer="raw")
        assert adata.X.min() == 0
        assert len(labels_of(adata, "bulk_labels").classes) == 10

    def test_layers(self, tmp_path):
        path = tmp_path / "a.h5ad"
        obs, var = pd.DataFrame(index=["a", "b"]), pd.DataFrame(index=["TP53"])
        anndata.AnnData(np.zeros((2, 1)), obs, var, layers={"counts": np.array([[1.0], [2.0]])}).write_h5ad(path)
        assert read_expression(path, layer="counts").X.tolist() == [[1], [2]]
        with pytest.raises(DataError) as error:
            read_expression(path, layer="count")
        assert str(error.value) == (
            "There is no layer 'count' of a.h5ad. Did you mean counts?\nThe layers are: X, counts."
        )
        with pytest.raises(DataError) as error:
            read_expression(path, layer="raw")
        assert str(error.value) == "There is no raw of a.h5ad.\nThe layers are: X, counts."

    def test_result_can_be_saved_and_read_again(self, tmp_path):
        path = write(tmp_path, "t.csv", GENES_IN_ROWS)
        read_expression(path).write_h5ad(tmp_path / "t.h5ad")
        adata = read_expression(tmp_path / "t.h5ad")
        assert adata.X.tolist() == VALUES
        assert said(adata) == "X of t.h5ad: 2 cells, 3 genes"

    @pytest.mark.filterwarnings("ignore:Variable names are not unique")
    def test_repeated_genes_without_warnings(self, tmp_path):
        obs, var = pd.DataFrame(index=["a", "b"]), pd.DataFrame(index=["TP53", "TP53"])
        anndata.AnnData(np.array([[1.0, 2.0], [3.0, 4.0]]), obs, var).write_h5ad(tmp_path / "a.h5ad")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            adata = read_expression(tmp_path / "a.h5ad")
            assert align(adata, ["TP53"], duplicates="sum").tolist() == [[3], [7]]

    def test_backed(self, tmp_path):
        obs, var = pd.DataFrame(index=["a", "b"]), pd.DataFrame(index=["TP53", "ATM"])
        anndata.AnnData(scipy.sparse.csr_matrix([[1.0, 0.0], [3.0, 4.0]]), obs, var).write_h5ad(tmp_path / "a.h5ad")
        backed = anndata.read_h5ad(tmp_path / "a.h5ad", backed="r")
        assert align(backed, ["ATM", "TP53"]).tolist() == [[0, 1], [4, 3]]
        backed.file.close()

    @pytest.mark.parametrize("end", [4_000, 900_000, -100])
    def test_truncated(self, tmp_path, end):
        path = write(tmp_path, "t.h5ad", (DATA / "pbmc68k_reduced.h5ad").read_bytes()[:end])
        with pytest.raises(ReadError, match=r"The HDF5 file is damaged or cut short: .*t\.h5ad"):
            read_expression(path)

    def test_damaged(self, tmp_path):
        content = bytearray((DATA / "pbmc68k_reduced.h5ad").read_bytes())
        for at in range(20_000, 1_500_000, 997):
            content[at] ^= 0x5A
        path = write(tmp_path, "t.h5ad", bytes(content))
        with pytest.raises(ReadError, match="is damaged or cut short"):
            read_expression(path)

    def test_not_hdf5(self, tmp_path):
        path = write(tmp_path, "t.h5ad", "<html>not found</html>")
        with pytest.raises(ReadError) as error:
            read_expression(path)
        assert message(error, path) == (
            "The file is not an .h5ad (its first bytes are not those of HDF5): t.h5ad\nDownload it again."
        )


def test_kang():
    adata = read_expression(DATA / "kang_ifnb_cd4t_expression.csv.gz", cells=DATA / "kang_ifnb_cd4t_cells.csv")
    assert adata.shape == (1000, 6998)
    assert said(adata) == "genes in rows (1,000 of 1,000 column names are cells of the cell table)"
    assert adata.uns["keras_vnn"]["cells"] == "1,000 cells described by 2 columns of the cell table"
    assert set(labels_of(adata, "condition").classes) == {"control", "stimulated"}


def test_kang_by_the_genes_of_a_network():
    path = DATA / "kang_ifnb_cd4t_expression.csv.gz"
    adata = read_expression(path)
    assert said(adata) == "genes in rows (the header calls the row names 'gene_symbol')"
    again = read_expression(path, genes=adata.var_names)
    assert said(again) == "genes in rows (6,998 of 6,998 row names are genes of the network)"


@needs_more
@pytest.mark.parametrize(("plate", "n_cells", "n_genes"), [("p1", 297, 15_564), ("p2", 307, 14_078)])
def test_mixture_of_cell_lines(plate, n_cells, n_genes):
    path, cells = (MORE / f"sc_celseq2_5cl_{plate}.{kind}.csv.gz" for kind in ("count", "metadata"))
    adata = read_expression(path)
    assert adata.shape == (n_cells, n_genes)
    assert said(adata).startswith("genes in rows (") and said(adata).endswith(" row names look like genes)")
    adata = read_expression(path, cells=cells)
    assert labels_of(adata, "cell_line_demuxlet").classes.names == ("A549", "H838", "H1975", "H2228", "HCC827")
    assert adata.X.sum(axis=1).max() > 10_000


@pytest.mark.slow
def test_a_table_of_many_cells_is_read_in_proportion_to_them(tmp_path):
    """Genes in rows and 30,000 cells in columns: taking out the column of names once took minutes."""
    cells = 30_000
    path = tmp_path / "counts.csv"
    path.write_text(
        ",".join(["gene", *(f"c{i}" for i in range(cells))]) + "\nTP53" + ",1" * cells + "\nATM" + ",2" * cells
    )
    started = time.process_time()
    found = read_expression(path, genes=["TP53", "ATM"])
    assert found.shape == (cells, 2) and time.process_time() - started < 8
