"""What broken files once did to the readers: each was found by `tools/fuzz.py`, and is told here in few lines."""

from __future__ import annotations

import re
import time
from pathlib import Path

import h5py
import pytest

from keras_vnn import readers
from keras_vnn.basics.errors import ReadError, VNNError
from keras_vnn.read import expression as read_expression
from keras_vnn.read import genes as read_genes
from keras_vnn.read import identifier_map as read_identifier_map
from keras_vnn.read import interactions as read_interactions
from keras_vnn.read import regulation as read_regulation
from keras_vnn.readers import FAMILIES, formats_of
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
        wide = "A\t" * (fields - 1) + "A\n"
        assert read() == ("0\t1\n" + text.replace(wide, "A\tA\tA\n"), 6_001)


@pytest.fixture
def a_gigabyte():
    """Hold a test to that much memory; it fails at four, before it takes all there is."""
    resource, status = pytest.importorskip("resource"), Path("/proc/self/status")
    if not status.exists():
        pytest.skip("reads from /proc how much memory is in use")

    def used(kind):
        return next(1024 * int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(kind))

    limits, before = resource.getrlimit(resource.RLIMIT_AS), used("VmRSS")
    resource.setrlimit(resource.RLIMIT_AS, (used("VmSize") + (4 << 30), limits[1]))
    Path("/proc/self/clear_refs").write_text("5")
    yield
    resource.setrlimit(resource.RLIMIT_AS, limits)
    assert used("VmHWM") - before < 1 << 30


def test_rows_below_a_wide_one_are_not_filled_up(tmp_path, a_gigabyte):
    """pandas gives each of them as many fields: 8 GB, of a file of 1 MB."""
    path = tmp_path / "edges.tsv"
    path.write_text("ATM\tTP53\n" + "\t".join("A" * 19_000) + "\n" + "ATM\tMDM2\n" * 100_000)
    with pytest.raises(ReadError, match=re.escape(f"The row has 19,000 columns, expected 2: {path}:2\n")):
        read_interactions(path)
    assert len(read_interactions(path, malformed="skip").pairs) == 2


def test_a_quoted_field_may_hold_any_number_of_marks(tmp_path):
    path = tmp_path / "edges.csv"
    notes = ",".join(f"note {n}" for n in range(1_000))
    path.write_text(f'gene_a,gene_b,score,notes\nATM,TP53,0.5,"{notes}"\nATM,"MDM2",0.25,"{notes}"\n')
    assert sorted(read_interactions(path).to_frame()["score"]) == [0.25, 0.5]
    path.write_text(path.read_text() + f'CHEK2,TP53,0.5,"{notes}",{"x," * 400}\n')
    with pytest.raises(ReadError, match=re.escape(f"The row has 405 columns, expected 4: {path}:4\n")):
        read_interactions(path)


def test_short_rows_below_a_wide_first_one_are_not_filled_up(tmp_path, a_gigabyte):
    path = tmp_path / "cells.csv"
    path.write_text(f"gene{',c' * 30_000}\nATM{',1' * 30_000}\n" + "TP53\n" * 100_000)
    with pytest.raises(ReadError, match=re.escape(f"A row has 1 field, expected 30,001 as in the first row: {path}:3")):
        read_expression(path)


# ---- a format that was named, and a file that is not of it ----------------------------------------------------

NAMED = [
    (getattr(readers, family.reader), format.name)
    for family in FAMILIES.values()
    for format in formats_of(family.name)
    if format.family != "genes"
]
FIELDS = ("ATM", "TP53", "0.5", "Activation", "GO:0006915", "9606") * 7


@pytest.mark.filterwarnings("ignore::keras_vnn.basics.errors.VNNWarning")
@pytest.mark.parametrize(("reader", "format"), NAMED, ids=lambda value: getattr(value, "__name__", value))
def test_a_named_format_reads_a_file_of_another_shape_or_says_what_is_wrong(reader, format, tmp_path):
    path = tmp_path / "file"
    texts = ["", "\n\n", "# only\n! comments\n", "{}", "\t\t\t\n\t\t\t\n"]
    for mark in "\t,; ":
        for width in (1, 2, 3, 5, 6, 16, 40):
            row = mark.join(FIELDS[:width])
            texts += [f"{row}\n{row}\n", f"{row}\nATM\n", f"ATM\n{row}\n"]
    refused = 0
    for text in texts:
        path.write_text(text)
        try:
            reader(path, format=format)
        except VNNError as error:
            refused += 1
            assert "Usecols" not in str(error)
    assert refused >= 3, "empty, blank and only comments"


@pytest.mark.parametrize(
    ("reader", "format", "text", "message"),
    [
        (read_regulation, "trrust", "ATM,0,2\n", "The file has 1 column, expected at least 3: {path}:1\n    ATM,0,2\n"),
        (read_interactions, "hippie", "ATM\n", "The file has 1 column, expected at least 5: {path}:1\n    ATM\n"),
        (
            read_interactions,
            "string-actions",
            "ATM\tTP53\n",
            "The file has 2 columns, expected at least 3: {path}:1\n    ATM\tTP53\n",
        ),
    ],
)
def test_too_few_columns_for_a_named_format(reader, format, text, message, tmp_path):
    path = tmp_path / "file"
    path.write_text(text)
    with pytest.raises(ReadError) as error:
        reader(path, format=format)
    assert str(error.value) == message.format(path=path) + (
        "Is it of another format, or are its columns separated in another way? Leave out format=…"
    )


def test_whatever_hdf5_raises_of_a_damaged_file_is_said_of_the_file(tmp_path, monkeypatch):
    def broken(file):
        raise TypeError("Objects of class FileID cannot be hashed")  # of an object whose header is damaged

    path = tmp_path / "genes.h5"
    with h5py.File(path, "w") as file:
        file["x"] = 1
    monkeypatch.setattr("keras_vnn.readers.genes.ten_x_group", broken)
    with pytest.raises(ReadError, match=r"genes\.h5"):
        read_genes(path)
