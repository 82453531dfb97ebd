"""What broken files once did to the readers: each was found by `tools/fuzz.py`, and is told here in few lines."""

from __future__ import annotations

import re
import time

import pytest

from keras_vnn import read_genes, read_identifier_map, read_interactions, read_regulation
from keras_vnn.errors import ReadError
from keras_vnn.readers.text import CheckedStream, open_text


def test_a_header_narrower_than_its_rows_leaves_columns_without_names(tmp_path):
    path = tmp_path / "counts.csv"
    path.write_text("gene_symbol,c1\nTP53,1,2,3,4\nATM,5,6,7,8\nMDM2,9,1,2,3\n")
    assert read_genes(path).ids == ("TP53", "ATM", "MDM2")


def test_a_number_in_a_column_without_a_name(tmp_path):
    path = tmp_path / "edges.tsv"
    path.write_text("tf\ttarget\nTP53\tMDM2\t0.5\nTP53\tATM\t0.7\nE2F1\tCCNE1\t0.9\n")
    try:
        found = read_regulation(path)
    except ReadError as error:
        assert str(path) in str(error)
    else:
        assert len(found) == 3


def test_rows_narrower_than_the_header_of_a_table_of_identifiers(tmp_path):
    path = tmp_path / "names.tsv"
    path.write_text("ensembl_gene_id\tsymbol\ttaxon_id\nENSG00000141510\tTP53\nENSG00000149311\tATM\n")
    assert read_identifier_map(path).rows == 2


@pytest.mark.parametrize("text", ["\n \n # extra\n", "\n\n\n"])
def test_no_name_at_all(text, tmp_path):
    path = tmp_path / "genes.txt"
    path.write_text(text)
    with pytest.raises(ReadError) as error:
        read_genes(path)
    assert str(path) in str(error.value) and "\n" in str(error.value)


def test_blank_lines_without_end(tmp_path):
    path = tmp_path / "edges.tsv"
    path.write_text("TP53\tMDM2\n" + "\n" * 100_001)
    with pytest.raises(ReadError) as error:
        read_interactions(path)
    assert str(error.value) == (
        f"More than 100,000 lines are blank at the beginning: {path}:100002\nWas it damaged? Download it again."
    )


def test_a_first_row_of_a_million_fields(tmp_path):
    path = tmp_path / "edges.tsv"
    path.write_text("A\t" * 1_000_000 + "A\nTP53\tMDM2\n")
    started = time.process_time()
    with pytest.raises(ReadError) as error:
        read_interactions(path)
    assert time.process_time() - started < 5
    first, _, advice = str(error.value).splitlines()
    assert first == f"A row has 1,000,001 fields; no table of pairs has so many: {path}:1"
    assert advice == "If this is expression, name the file as data: vnn train ARCHITECTURE FILE"


@pytest.mark.parametrize("fields", [20_002, 600_000])
def test_a_later_row_of_many_fields(fields, tmp_path):
    """pandas took all memory for it, or time by the square of the fields."""
    rows = [f"G{i}\tG{i + 1}" for i in range(5_000)]
    path = tmp_path / "edges.tsv"
    path.write_text("\n".join([*rows, "A\t" * (fields - 1) + "A", *rows]) + "\n")
    with pytest.raises(ReadError) as error:
        read_interactions(path)
    assert str(error.value) == (
        f"A row has more than 20,000 fields, the others 2: {path}:5001\nWas the file damaged? Download it again."
    )


@pytest.mark.parametrize("size", [1_000, 30_000, 100_000, 1_000_000])
@pytest.mark.parametrize(("fields", "is_wide"), [(20_000, False), (20_002, True)])
def test_wide_rows_are_found_however_the_text_comes(size, fields, is_wide, tmp_path):
    path = tmp_path / "rows.tsv"
    text = "a\tb\n" * 3_000 + "A\t" * (fields - 1) + "A\n" + "c\td\n" * 3_000
    path.write_text(text)

    def read():
        with open_text(path) as stream:
            checked = CheckedStream(stream, "0\t1\n", path, mark="\t", width=2, skipped=0)
            parts = []
            while part := checked.read(size):
                parts.append(part)
            return "".join(parts), checked.lines

    if is_wide:
        with pytest.raises(ReadError, match=re.escape(f"{path}:3001")):
            read()
    else:
        assert read() == ("0\t1\n" + text, 6_001)
