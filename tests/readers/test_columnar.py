"""Parquet and Feather tables hold what the same tables hold as text, whoever reads them."""

import builtins

import numpy as np
import pandas as pd
import pytest

from keras_vnn.basics import unpacking
from keras_vnn.basics.errors import ReadError
from keras_vnn.data import read_expression
from keras_vnn.readers import (
    read_annotations,
    read_gene_sets,
    read_genes,
    read_identifier_map,
    read_interactions,
    read_regulation,
)
from keras_vnn.recipes.checking import check_file

EDGES = pd.DataFrame({"gene_a": ["TP53", "MYC"], "gene_b": ["MDM2", "MAX"], "score": [0.9, 0.5]})
SIGNED = pd.DataFrame({"tf": ["TP53", "MYC"], "target": ["BAX", "CDKN1A"], "mor": [1.0, -1.0]})
COUNTS = pd.DataFrame(
    [[5, 0, 2], [3, 1, 0], [0, 2, 7]], index=pd.Index(["TP53", "MDM2", "MYC"], name="gene"), columns=["c1", "c2", "c3"]
)
SETS = pd.DataFrame({"gs_name": ["P53", "P53", "Myc"], "gene_symbol": ["TP53", "MDM2", "MYC"]})
KINDS = {"parquet": "Parquet", "feather": "Feather"}


@pytest.fixture(params=KINDS)
def kind(request):
    pytest.importorskip("pyarrow")
    return request.param


@pytest.fixture
def written(tmp_path, kind):
    def write(frame, **options):
        path = tmp_path / f"table.{kind}"
        if kind == "feather":  # which has no place for an index
            frame = frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index()
        getattr(frame, f"to_{kind}")(path, **options)
        return path

    return write


def test_edges(written, kind):
    path = written(EDGES)
    table = read_interactions(path)
    assert table.to_frame()[["a", "b", "score"]].values.tolist() == [["MAX", "MYC", 0.5], ["MDM2", "TP53", 0.9]]
    assert table.sources[0].format == f"{KINDS[kind]} gene_a, gene_b, score score"
    assert read_interactions(path, min_score=0.6).genes == ("MDM2", "TP53")
    assert read_interactions(path, columns=("gene_b", "gene_a")).genes == ("MAX", "MDM2", "MYC", "TP53")
    assert (check_file(path).error, check_file(path).family) == ("", "interactions")


def test_regulation(written):
    path = written(SIGNED)
    assert read_regulation(path).effect.tolist() == ["repression", "activation"]
    assert (check_file(path).error, check_file(path).family) == ("", "regulation")


@pytest.mark.parametrize("frame", [COUNTS, COUNTS.reset_index(), COUNTS.T.rename_axis("cell")], ids=str)
def test_expression(frame, written, kind):
    path = written(frame)
    data = read_expression(path)
    assert data.to_df().equals(COUNTS.T.astype(np.float32).rename_axis(None).rename_axis(None, axis=1))
    assert data.uns["keras_vnn"]["source"]["format"] == f"{KINDS[kind]} table"
    assert read_genes(path).ids == ("TP53", "MDM2", "MYC")
    assert (check_file(path).error, check_file(path).family) == ("", "genes")


def test_what_other_readers_read_as_text(written):
    path = written(SETS)
    assert read_gene_sets(path).genes == ("MDM2", "MYC", "TP53")
    path = written(pd.DataFrame({"gene": ["TP53", "MDM2"], "term": ["GO:0006281", "GO:0008150"]}))
    assert read_annotations(path).genes == ("MDM2", "TP53")
    path = written(pd.DataFrame({"ensembl": ["ENSG00000141510", None], "symbol": ["TP53", "MDM2"]}))
    assert set(read_identifier_map(path).columns) == {"ensembl", "symbol"}
    path = written(pd.DataFrame({"a": ["TP53", "MYC"], "b": ["MDM2", ""], "c": [1, 2]}))
    assert read_interactions(path, malformed="skip").genes == ("MDM2", "TP53")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_are_those_of_the_table(dtype, written):
    values = np.random.default_rng(0).normal(size=(50, 4)).astype(dtype) * 10.0 ** np.arange(-3, 5, 2, dtype=dtype)
    frame = pd.DataFrame(values, index=[f"c{n}" for n in range(50)], columns=["TP53", "MDM2", "MYC", "ATM"])
    assert (read_expression(written(frame), genes=list(frame)).X == values.astype(np.float32)).all()


def test_texts_are_those_of_the_table_but_for_tabs_and_ends_of_lines(written):
    path = written(
        pd.DataFrame(
            {"gene": ['5"-x', "a\tb", "naïve"], "kind": pd.Categorical(["u", None, "u"]), "is": [True, False, True]}
        )
    )
    with unpacking.open_unpacked(path) as stream:
        text = stream.read().decode()
    assert text.splitlines()[1:3] == ['"5""-x"\tu\ttrue', "a b\t\tfalse"]
    assert read_genes(path, column="gene").ids == ('5"-x', "a b", "naïve")


def test_a_value_that_is_not_a_number_is_named_by_row(written):
    with pytest.raises(ValueError, match=r"table\.(parquet|feather):3\n"):
        read_expression(written(COUNTS.astype(float).replace(7.0, np.nan).replace(1.0, np.nan)))


def test_a_column_of_genes(written):
    path = written(pd.DataFrame({"gene": ["TP53", "MDM2"], "kind": ["a", "b"]}))
    assert read_genes(path).ids == read_genes(path, column=1).ids == ("TP53", "MDM2")
    with pytest.raises(ReadError, match=r"No column is named 'genes': .*\n.*\nDid you mean gene"):
        read_genes(path, column="genes")


def test_columns_that_are_not_plain(written):
    path = written(pd.DataFrame({"term": ["a"], "genes": [["TP53", "MDM2"]]}))
    with pytest.raises(ReadError, match=r"1 of 2 columns hold no plain texts or numbers: .*\n    genes \(list"):
        read_gene_sets(path)


def test_damaged(written, kind):
    path = written(EDGES)
    whole = path.read_bytes()
    for size in (len(whole) // 2, len(whole) - 1, 8):
        path.write_bytes(whole[:size])
        with pytest.raises(ReadError, match=rf"The {KINDS[kind]} file .* is damaged or ends early: .*\nDownload it"):
            read_interactions(path)
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            read_interactions(path)
        except ReadError:
            continue


def test_a_table_that_unpacks_beyond_all_measure(written, kind, monkeypatch):
    monkeypatch.setattr(unpacking, "LARGEST_FREE", 1 << 16)
    options = {"compression": "zstd"} if kind == "feather" else {}
    many = pd.DataFrame({"gene_a": np.full(1_000_000, 7157), "gene_b": np.full(1_000_000, 4193)})
    with pytest.raises(ReadError, match=r"The file unpacks to more than [\d,]+ bytes, from [\d,]+: "):
        read_interactions(written(many, **options))
    # One long text that every row shares.
    shared = pd.DataFrame({"gene_a": pd.Categorical(["x" * 5_000] * 30_000), "gene_b": ["y"] * 30_000})
    with pytest.raises(ReadError, match=r"The file unpacks to more than [\d,]+ bytes, from [\d,]+: "):
        read_interactions(written(shared, **options))


def test_what_a_feather_file_declares_is_what_its_columns_take(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import feather

    from keras_vnn.basics.columnar import feather_sizes

    table = pyarrow.table(
        {"n": np.arange(5_000), "t": ["TP53"] * 5_000, "d": pyarrow.array(["a"] * 5_000).dictionary_encode()}
    )
    for compression in ("lz4", "zstd", "uncompressed"):
        path = tmp_path / compression
        feather.write_feather(table, path, compression=compression, chunksize=1_000)
        with path.open("rb") as stream:
            sizes = list(feather_sizes(stream))
        # The dictionary, then five batches: numbers, offsets and texts, places in the dictionary.
        batch = 1_000 * 8 + 1_001 * 4 + 4_000 + 1_000 * 4
        assert len(sizes) == 6
        assert all(abs(size - batch) < 64 for size in sizes[1:]), sizes


def test_a_feather_file_that_lies(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    path = tmp_path / "bomb.feather"
    EDGES.assign(score=1.0).to_feather(path, compression="zstd")
    whole = path.read_bytes()
    place = whole.index((16).to_bytes(8, "little") + b"(\xb5/\xfd") if b"(\xb5/\xfd" in whole else None
    if place is None:
        pytest.skip("so small that nothing is packed")
    path.write_bytes(whole[:place] + (1 << 40).to_bytes(8, "little") + whole[place + 8 :])
    with pytest.raises(ReadError, match="The file unpacks to more than"):
        read_interactions(path)


def test_of_version_1_and_packed_once_more(tmp_path, written, kind):
    import gzip

    path = tmp_path / "old.feather"
    path.write_bytes(b"FEA1" + bytes(60) + b"FEA1")
    with pytest.raises(ReadError, match=r"a Feather table of version 1.*\nWrite it as text: pandas\.read_feather"):
        read_interactions(path)
    path = tmp_path / "twice.gz"
    path.write_bytes(gzip.compress(written(EDGES).read_bytes()))
    for read in (read_interactions, read_genes, read_expression):
        with pytest.raises(ReadError, match=rf"a packed {KINDS[kind]} table.*\nUnpack it"):
            read(path)


@pytest.mark.parametrize("magic", [b"PAR1", b"ARROW1"])
def test_without_pyarrow_the_error_says_what_to_install(magic, tmp_path, monkeypatch):
    path = tmp_path / "table"
    path.write_bytes(magic + b"rest")
    real = builtins.__import__

    def without(name, *args, **options):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    for read in (read_interactions, read_regulation, read_genes, read_expression, read_gene_sets):
        with pytest.raises(ReadError, match=r"pyarrow reads, and that is not installed: .*\nInstall it: pip install"):
            read(path)
    assert "keras-vnn[parquet]" in check_file(path).error
