import errno
import gzip
import hashlib
import os
import stat

import pytest

from keras_vnn.basics.errors import OutputError, ReadError
from keras_vnn.basics.files import decompressed, existing_file, read_lines, replacing, sha256_of


def written(path, content):
    path.write_bytes(content)
    return path


# ---- finding --------------------------------------------------------------------------------------------------


def test_an_ordinary_file(tmp_path):
    path = written(tmp_path / "genes.txt", b"TP53\n")
    assert existing_file(path) == path
    assert existing_file(str(path)) == path


def test_a_missing_file_names_its_neighbours(tmp_path):
    for name in ("genes.txt", "genes_mouse.txt", "cells.csv"):
        written(tmp_path / name, b"x")
    with pytest.raises(ReadError) as caught:
        existing_file(tmp_path / "genes.csv", "gene list")
    assert str(caught.value) == f"No such gene list: {tmp_path / 'genes.csv'}.\nNearby: genes.txt, genes_mouse.txt."


def test_a_missing_file_in_a_missing_folder(tmp_path):
    with pytest.raises(ReadError) as caught:
        existing_file(tmp_path / "no" / "genes.csv")
    assert str(caught.value) == f"No such file: {tmp_path / 'no' / 'genes.csv'}.\nAre the name and the folder right?"


def test_a_directory(tmp_path):
    with pytest.raises(ReadError) as caught:
        existing_file(tmp_path, "interaction file")
    assert str(caught.value) == (f"Expected an interaction file, got a directory: {tmp_path}\nName one file inside it.")


def test_an_empty_file(tmp_path):
    path = written(tmp_path / "genes.txt", b"")
    with pytest.raises(ReadError) as caught:
        existing_file(path, "gene list")
    assert str(caught.value) == f"The gene list {path} is empty (0 bytes).\nWas its download interrupted?"


def test_a_pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(ReadError) as caught:
        existing_file(path)
    assert str(caught.value) == f"Expected a file, got a pipe or a device: {path}\nWrite its content to a file first."


def test_an_impossible_name():
    with pytest.raises(ReadError) as caught:
        existing_file("TP53 ATM " * 600, "gene list")
    assert str(caught.value) == f"Cannot look for the gene list {('TP53 ATM ' * 600)[:200]}: File name too long."


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_forbidden_file(tmp_path):
    path = written(tmp_path / "genes.txt", b"TP53")
    path.chmod(0)
    with pytest.raises(ReadError) as caught:
        existing_file(path)
    assert str(caught.value) == f"May not read the file {path}.\nCheck its permissions."


# ---- reading --------------------------------------------------------------------------------------------------


def test_gzip_is_known_by_its_content_not_its_name(tmp_path):
    packed, plain = gzip.compress(b"TP53\n", mtime=0), b"TP53\n"
    assert decompressed(written(tmp_path / "a.txt", packed)) == plain
    assert decompressed(written(tmp_path / "b.gz", plain)) == plain
    assert decompressed(written(tmp_path / "c.gz", packed + packed)) == plain * 2


@pytest.mark.parametrize("end", [3, 11, 30, -1, -5])
def test_truncated_gzip(tmp_path, end):
    path = written(tmp_path / "a.gz", gzip.compress(bytes(range(256)) * 20, mtime=0)[:end])
    with pytest.raises(ReadError) as caught:
        decompressed(path)
    assert str(caught.value).startswith(f"The gzip file {path} is damaged or ends early: ")
    assert str(caught.value).endswith("\nDownload it again.")


def test_every_flipped_byte_of_a_gzip_is_noticed_or_harmless(tmp_path):
    whole = b"\n".join(b"GENE%d" % i for i in range(50))
    packed = gzip.compress(whole, mtime=0)
    noticed = 0
    for position in range(2, len(packed)):
        content = bytearray(packed)
        content[position] ^= 0x10
        path = written(tmp_path / "a.gz", bytes(content))
        try:
            assert decompressed(path) == whole
        except ReadError:
            noticed += 1
    assert noticed > len(packed) - 20


def test_limit_of_unpacked_bytes(tmp_path):
    path = written(tmp_path / "a.gz", gzip.compress(b"\0" * 5000, mtime=0))
    assert len(decompressed(path, limit=5000)) == 5000
    with pytest.raises(ReadError) as caught:
        decompressed(path, limit=4999)
    assert (
        str(caught.value)
        == f"The file {path} unpacks to more than 4,999 bytes.\nIs it the right file? Take out what is not needed."
    )


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"A\nB\n", ["A", "B"]),
        (b"A\nB", ["A", "B"]),
        (b"A\r\nB\r\n", ["A", "B"]),
        (b"A\rB\r", ["A", "B"]),
        (b"A\n\nB\n\n", ["A", "", "B", ""]),
        (b"\xef\xbb\xbfA\n", ["A"]),
        ("A\nβ\n".encode(), ["A", "β"]),
        ("A\nβ\n".encode("utf-16"), ["A", "β"]),
        ("A\r\nβ\r\n".encode("utf-16-be").join([b"\xfe\xff", b""]), ["A", "β"]),
        (gzip.compress("A\nβ\n".encode(), mtime=0), ["A", "β"]),
    ],
)
def test_lines(tmp_path, content, lines):
    assert read_lines(written(tmp_path / "a.txt", content)) == lines


def test_bytes_that_are_not_text(tmp_path):
    path = written(tmp_path / "a.txt", b"A\tB\nC\tD\xe9E\n")
    with pytest.raises(ReadError) as caught:
        read_lines(path)
    assert str(caught.value) == (
        f"The bytes are not UTF-8 text: {path}:2\n"
        "    b'A\\tB\\nC\\tD\\xe9E\\n'\n"
        "Save the file as UTF-8, for example: iconv -f latin1 -t utf-8 a.txt > utf8.txt"
    )


def test_damaged_utf16(tmp_path):
    path = written(tmp_path / "a.txt", "A\nB\n".encode("utf-16")[:-1])
    with pytest.raises(ReadError, match=f"The bytes are not UTF-16 text: {path}:"):
        read_lines(path)


def test_nul_bytes(tmp_path):
    path = written(tmp_path / "a.txt", b"A\nB\n\0\0\n")
    with pytest.raises(ReadError) as caught:
        read_lines(path)
    assert str(caught.value) == (
        f"The file holds NUL bytes and is not text: {path}:3\nIs it the right file, and was its download complete?"
    )


def test_sha256_is_of_the_file_as_it_lies(tmp_path):
    packed = gzip.compress(b"A\n", mtime=0)
    assert sha256_of(written(tmp_path / "a.gz", packed)) == hashlib.sha256(packed).hexdigest()


# ---- writing --------------------------------------------------------------------------------------------------


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_appears_when_it_is_whole(tmp_path):
    target = tmp_path / "out.csv"
    with replacing(target) as partial:
        partial.write_text("half")
        assert not target.exists()
        assert partial.parent == tmp_path and partial.suffix == ".csv"
    assert target.read_text() == "half"
    assert names(tmp_path) == ["out.csv"]


def test_permissions_are_those_of_a_new_file(tmp_path):
    (tmp_path / "ordinary").touch()
    with replacing(tmp_path / "out.csv") as partial:
        partial.write_text("x")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ordinary", "out.csv")}
    assert len(modes) == 1


@pytest.mark.parametrize("failure", [RuntimeError("bug"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, failure):
    target = written(tmp_path / "out.csv", b"old")
    with pytest.raises(type(failure)), replacing(target, overwrite=True) as partial:
        partial.write_text("half")
        raise failure
    assert target.read_text() == "old"
    assert names(tmp_path) == ["out.csv"]


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "The disk is full; {target} was not written.\nMake room, or name a place on another disk."),
        (errno.EIO, "Cannot write {target}: Input/output error"),
    ],
)
def test_an_os_failure_is_an_output_error(tmp_path, number, message):
    target = written(tmp_path / "out.csv", b"old")
    with pytest.raises(OutputError) as caught, replacing(target, overwrite=True):
        raise OSError(number, os.strerror(number))
    assert str(caught.value) == message.format(target=target)
    assert (target.read_text(), names(tmp_path)) == ("old", ["out.csv"])


def test_an_existing_file_is_not_replaced_unasked(tmp_path):
    target = written(tmp_path / "out.csv", b"old")
    with pytest.raises(OutputError) as caught, replacing(target) as partial:
        partial.write_text("never reached")
    assert str(caught.value) == (f"The file exists already: {target}\nPass overwrite=True to replace it.")
    assert (target.read_text(), names(tmp_path)) == ("old", ["out.csv"])
    with replacing(target, overwrite=True) as partial:
        partial.write_text("new")
    assert target.read_text() == "new"


def test_where_nothing_can_be_written(tmp_path):
    for target, message in (
        (tmp_path, f"Cannot write the file {tmp_path}: a directory has that name."),
        (
            tmp_path / "no" / "out.csv",
            f"The folder does not exist: {tmp_path / 'no'}\nCreate it: mkdir -p '{tmp_path / 'no'}'",
        ),
    ):
        with pytest.raises(OutputError) as caught, replacing(target, overwrite=True):
            pass
        assert str(caught.value) == message
