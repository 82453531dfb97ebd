"""Small Parquet files that unpack to much: none of them takes a gigabyte, whatever their footer says."""

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from keras_vnn import VNNError
from keras_vnn.basics.columnar import parquet_chunks
from keras_vnn.read import interactions

pyarrow = pytest.importorskip("pyarrow")
from pyarrow import parquet  # noqa: E402

# Prints what a file gives, and how much more memory than before the process had at most, in bytes.
READ = """
import json, sys
import pandas, pyarrow.parquet
from keras_vnn.read import interactions

def memory(kind):
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith(kind))

with open("/proc/self/clear_refs", "w") as reset:
    reset.write("5")
before = memory("VmRSS")
try:
    interactions(sys.argv[1])
    said = "read"
except Exception as error:
    said = f"{type(error).__name__}: {error}"
print(json.dumps([said, memory("VmHWM") - before]))
"""
PLAIN = {"use_dictionary": False, "write_statistics": False, "compression": "zstd"}
BY_DIFFERENCE = {"gene_a": "DELTA_BYTE_ARRAY", "gene_b": "PLAIN"}
from_linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak of memory from /proc")


def as_compact(number, size=1):
    """Return a whole number as the footer holds it, filled up to a length."""
    groups = [number << 1 >> shift & 0x7F for shift in range(0, 70, 7) if number << 1 >> shift]
    groups += [0] * (size - len(groups))
    return bytes(group | 0x80 for group in groups[:-1]) + bytes(groups[-1:])


def claim_little(path):
    """Let a footer say of all that is large that it takes a thousand bytes."""
    group = parquet.ParquetFile(path).metadata.row_group(0)
    sizes = {group.column(place).total_uncompressed_size for place in range(group.num_columns)}
    whole = path.read_bytes()
    start = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    footer = whole[start:]
    for size in {group.total_byte_size, *sizes}:
        if size > 5_000:
            assert footer.count(as_compact(size)) == 1
            footer = footer.replace(as_compact(size), as_compact(1_000, len(as_compact(size))))
    path.write_bytes(whole[:start] + footer)
    assert parquet.ParquetFile(path).metadata.row_group(0).total_byte_size == 1_000


def one_page(path):
    parquet.write_table(pyarrow.table({"gene_a": ["x" * 300_000_000], "gene_b": ["TP53"]}), path, **PLAIN)
    claim_little(path)


def by_difference(path):
    """Write long texts, each of which differs from the one before in nothing."""
    table = pyarrow.table({"gene_a": ["x" * 1_000_000] * 2_000, "gene_b": ["TP53"] * 2_000})
    parquet.write_table(table, path, column_encoding=BY_DIFFERENCE, **PLAIN)
    claim_little(path)


def shared_text(path):
    table = pyarrow.table({"gene_a": ["x" * 1_000_000] * 2_000, "gene_b": ["TP53"] * 2_000})
    parquet.write_table(table, path, write_statistics=False, compression="zstd")
    claim_little(path)


@from_linux
@pytest.mark.parametrize(
    "write", [one_page, *(pytest.param(long, marks=pytest.mark.slow) for long in (by_difference, shared_text))]
)
def test_a_small_file_takes_less_than_a_gigabyte(write, tmp_path):
    path = tmp_path / "bomb.parquet"
    write(path)
    assert path.stat().st_size < 100_000
    ended = subprocess.run([sys.executable, "-c", READ, path], capture_output=True, text=True, check=True)
    said, taken = json.loads(ended.stdout)
    assert said.startswith("ReadError: The file unpacks to more than 268,435,456 bytes, from "), said
    assert taken < 600_000_000


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("encoding", ["PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_ways_to_keep_texts(encoding, version, tmp_path):
    path = tmp_path / "table.parquet"
    table = pyarrow.table({"gene_a": ["TP53", "MDM2", "STAT1"] * 9_000, "gene_b": ["MDM2", "TP53", "IRF1"] * 9_000})
    options = {"column_encoding": encoding, "data_page_version": version, "use_dictionary": False}
    parquet.write_table(table, path, row_group_size=10_000, **options)
    pairs = interactions(path).to_frame().iloc[:, :2].to_numpy().tolist()
    assert sorted(map(sorted, pairs)) == [["IRF1", "STAT1"], ["MDM2", "TP53"]]


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
def test_what_pages_declare_is_what_they_take(compression, tmp_path):
    path = tmp_path / "table.parquet"
    table = pyarrow.table({"number": list(range(5_000)), "text": ["TP53"] * 5_000})
    parquet.write_table(table, path, row_group_size=2_000, compression=compression, use_dictionary=False)
    with path.open("rb") as stream:
        groups = list(parquet_chunks(stream))
    # Numbers of eight bytes; texts of four behind a length of four; and a few bytes for what is missing.
    for chunks, rows in zip(groups, (2_000, 2_000, 1_000), strict=True):
        assert [len(chunk.pages) for chunk in chunks] == [1, 1]
        assert all(abs(chunk.pages[0] - 8 * rows) < 64 for chunk in chunks)


def test_pages_that_overlap(tmp_path):
    """Columns that all begin in the first page and end with the file ask for no more steps than the file has bytes."""
    path = tmp_path / "table.parquet"
    many = pyarrow.table({f"gene_{number:03}": ["TP53"] for number in range(400)})
    parquet.write_table(many, path, compression="none", use_dictionary=False, write_statistics=False)
    group = parquet.ParquetFile(path).metadata.row_group(0)
    places = [group.column(place).data_page_offset for place in range(400)]
    sizes = {group.column(place).total_compressed_size for place in range(400)}
    assert len(sizes) == 1
    whole = path.read_bytes()
    start = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    footer = whole[start:]
    # Fields 7 and 9 of each column, whole numbers: what it takes in the file, and where it begins.
    for place in places:
        old = b"\x16" + as_compact(sizes.copy().pop()) + b"\x26" + as_compact(place)
        assert footer.count(old) == 1
        footer = footer.replace(old, b"\x16" + as_compact(start - 4) + b"\x26" + as_compact(4))
    length = (len(footer) - 8).to_bytes(4, "little")
    path.write_bytes(whole[:start] + footer[:-8] + length + footer[-4:])
    # Earlier releases of pyarrow have something else between columns, which is no header.
    said = "its pages overlap|the header of a page is not as it must be|a number is longer"
    with path.open("rb") as stream, pytest.raises(struct.error, match=said):
        list(parquet_chunks(stream))
    with pytest.raises(VNNError, match=rf"damaged or ends early: ({said})"):
        interactions(path)


def test_a_header_that_ends_early(tmp_path):
    path = tmp_path / "table.parquet"
    parquet.write_table(pyarrow.table({"gene_a": ["TP53"], "gene_b": ["MDM2"]}), path, **PLAIN)
    whole = path.read_bytes()
    for place in range(4, len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            interactions(path)
        except VNNError as error:
            assert str(path) in str(error)
