"""The bytes of a file as they were before somebody packed it, within limits.

In: the path of a plain, gzip, bzip2 or xz file, of a zip archive of one file, or of a table kept by columns, which is
packed text too. Out: a stream of bytes.
What a file is is told from its first bytes, never from its name. Nothing is extracted to disk, so no name in an archive
can lead anywhere. Knows nothing of text.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any

from keras_vnn.basics.columnar import FEATHER, PARQUET, columnar_text
from keras_vnn.basics.errors import ReadError, counted, sample

# A file may unpack to this many bytes whatever its size, and beyond to this many times its size. Tables of the field
# shrink by 5 to 50; a file made to fill a disk or the memory shrinks by a thousand.
LARGEST_FREE = 1 << 28
LARGEST_FACTOR = 200
# A line longer than this is not a line of a table: a header of a million cells takes 20 MB.
LONGEST_LINE = 1 << 28

# What is neither text nor packed text, by its first bytes, and what to do about it.
NOT_TEXT = {
    b"\x89HDF\r\n\x1a\n": ("HDF5", "It holds expression: name it as the data, or as where the genes are."),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook (.xls)", "Open it and save the sheet as CSV UTF-8 or tab-delimited."),
    b"(\xb5/\xfd": ("packed by zstd", "Unpack it: zstd -d FILE"),
    b"\x1f\x9d": ("packed by compress", "Unpack it: gunzip FILE"),
    b"\x04\x22\x4d\x18": ("packed by lz4", "Unpack it: lz4 -d FILE"),
    b"7z\xbc\xaf": ("a 7z archive", "Unpack it: 7z x FILE"),
    b"Rar!": ("a RAR archive", "Unpack it, and name the file inside."),
    b"FEA1": (
        "a Feather table of version 1",
        "Write it as text: pandas.read_feather(path).to_csv('table.tsv', sep='\\t')",
    ),
    # Packed once more: else they are read.
    b"PAR1": ("a packed Parquet table", "Unpack it."),
    b"ARROW1": ("a packed Feather table", "Unpack it."),
    b"%PDF": ("a PDF", "Download the table itself: the supplement often has it as a text file."),
    b"\x89PNG": ("a picture", "Name the file with the data."),
    b"\xff\xd8\xff": ("a picture", "Name the file with the data."),
    b"BAM\x01": ("BAM, aligned reads", "Count them per gene first."),
    b"\x93NUMPY": ("a numpy array", "It holds numbers without names; write a table with names."),
    **dict.fromkeys(
        # Of protocols 2 to 5, and the beginnings of 0 and 1.
        (
            *(bytes([0x80, protocol]) for protocol in range(2, 6)),
            *(b"]q\x00", b"}q\x00", b"(lp0\n", b"(dp0\n", b"ccopy_reg\n"),
        ),
        ("a Python pickle", "Pickles can run code and are never opened here; write a table from it."),
    ),
    b"RDX": ("R data (.rda)", "Write it as text in R: write.table(x, 'table.tsv', sep='\\t', quote=FALSE)"),
    b"X\n\x00": ("R data (.rds)", "Write it as text in R: write.table(x, 'table.tsv', sep='\\t', quote=FALSE)"),
    b"SQLite format 3": ("an SQLite database", "Export the table you need as CSV."),
}

# How packed files begin; bzip2 with the first block, or the end where there is none.
_PACKED = {
    "gzip": re.compile(rb"\x1f\x8b"),
    "bzip2": re.compile(rb"BZh.(1AY&SY|\x17rE8P\x90)", re.DOTALL),
    "xz": re.compile(rb"\xfd7zXZ\x00"),
    "zip": re.compile(rb"PK\x03\x04"),
    PARQUET: re.compile(rb"PAR1"),
    FEATHER: re.compile(rb"ARROW1"),
}
# What these hold is a table.
_COLUMNAR = (PARQUET, FEATHER)
# Members by which archives with a meaning of their own are known.
_ARCHIVES = {
    "xl/workbook.xml": ("an Excel workbook", "Open it and save the sheet as CSV UTF-8 or tab-delimited text."),
    "word/document.xml": ("a Word document", "Copy the table into a spreadsheet and save it as CSV."),
    "content.xml": ("an OpenDocument file", "Open it and save the sheet as CSV, character set UTF-8."),
    "architecture.json": ("an architecture saved by keras-vnn", "Train it: vnn train FILE DATA --label COLUMN"),
    "model.weights.h5": ("a saved Keras model", "Look at it: vnn inspect FILE"),
    ".zgroup": ("a zarr store", "Write it as .h5ad: anndata.read_zarr(path).write_h5ad('cells.h5ad')"),
}
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError)


def open_unpacked(path: Path) -> io.BufferedReader:
    """Open a file for reading, unpacked if it is packed; a table kept by columns is given as tab-separated text.

    Raises
    ------
    ReadError
        A zip archive is damaged, encrypted, or holds no single file. While reading: the stream is damaged or ends
        early, unpacks beyond all measure, or has a line longer than any table has.
    """
    packed = _packed_by(path)
    opened: dict[str, Callable[[Path], Any]]
    opened = {"": _plain, "gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open, "zip": _only_member}
    opened |= {kind: partial(_by_columns, kind=kind) for kind in _COLUMNAR}
    return io.BufferedReader(_Checked(path, opened[packed](path), packed=packed), 1 << 18)


def columnar_kind(path: Path) -> str:
    """Return by which program's form a file keeps a table by columns: ``Parquet``, ``Feather``; empty for others."""
    packed = _packed_by(path)
    return packed if packed in _COLUMNAR else ""


def _packed_by(path: Path) -> str:
    """Return what a file is packed by, told from its first bytes: ``gzip``, ``Parquet`` …, empty where it is not."""
    with path.open("rb") as raw:
        magic = raw.read(300)
    return next((name for name, begin in _PACKED.items() if begin.match(magic)), "")


def refuse_bomb(path: Path, size: int, packed: int, *, free: int | None = None, factor: int | None = None) -> None:
    """Raise a `ReadError` when a file of ``packed`` bytes unpacks to ``size``, which is beyond all measure."""
    most = max(LARGEST_FREE if free is None else free, (factor or LARGEST_FACTOR) * packed)
    if size > most:
        raise ReadError(
            f"The file unpacks to more than {counted(most, 'byte')}, from {packed:,}: {path}\n"
            "It looks made to fill the memory. If you trust it, unpack it yourself and name the unpacked file."
        )


class _Checked(io.RawIOBase):
    """A stream that counts what it gives, and words what goes wrong."""

    def __init__(self, path: Path, stream: IO[bytes], *, packed: str) -> None:
        self._path = path
        self._stream = stream
        self._packed = packed
        self._given = 0
        self._since_line_end = 0
        self._size = path.stat().st_size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        try:
            block = self._stream.read(len(view))
        except (*_DAMAGE, OSError, RuntimeError, ValueError) as error:
            if isinstance(error, ReadError):
                raise
            if not self._packed:
                raise ReadError(
                    f"Cannot read the file: {self._path}\n{error}\nIs the disk or network it lies on in order?"
                ) from error
            raise _damaged(self._path, self._packed, error) from error
        view[: len(block)] = block
        self._given += len(block)
        if self._packed:
            refuse_bomb(self._path, self._given, self._size)
        last = max(block.rfind(b"\n"), block.rfind(b"\r"))
        self._since_line_end = self._since_line_end + len(block) if last < 0 else len(block) - last - 1
        if self._since_line_end > LONGEST_LINE:
            raise ReadError(
                f"A line is longer than {counted(LONGEST_LINE, 'byte')}: {self._path}\n"
                "This is not a table of text. Is it the right file, and complete?"
            )
        return len(block)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _only_member(path: Path) -> IO[bytes]:
    """Open the one file of a zip archive."""
    try:
        archive = zipfile.ZipFile(path)
    except (*_DAMAGE, OSError, ValueError) as error:
        raise _damaged(path, "zip", error) from error
    # The open member keeps the file open until it is closed itself.
    with archive:
        names = archive.namelist()
        for member, (what, advice) in _ARCHIVES.items():
            if member in names:
                raise ReadError(f"The file is {what}: {path}\n{advice}")
        files = [name for name in names if not name.endswith("/") and not _is_beside(name)]
        if len(files) != 1:
            listed = f"    {sample(files)}\n" if files else ""
            raise ReadError(
                f"The zip archive holds {counted(len(files), 'file')}, expected one: {path}\n{listed}Unpack it, and "
                "name the file you mean."
            )
        try:
            return archive.open(files[0])
        except (*_DAMAGE, OSError, RuntimeError, ValueError) as error:
            raise _damaged(path, "zip", error) from error


def _is_beside(name: str) -> bool:
    """Say whether a member is what a system adds to the files a user packed."""
    return name.startswith("__MACOSX/") or name.split("/")[-1] in (".DS_Store", "Thumbs.db")


def _by_columns(path: Path, kind: str) -> io.RawIOBase:
    size = path.stat().st_size
    return columnar_text(path, kind, lambda taken: refuse_bomb(path, taken, size))


def _plain(path: Path) -> IO[bytes]:
    return path.open("rb")


def _damaged(path: Path, packed: str, error: Exception) -> ReadError:
    if "password" in str(error):
        return ReadError(f"The zip archive is encrypted: {path}\nUnpack it with its password first.")
    reason = str(error) or type(error).__name__
    return ReadError(f"The {packed} file {path} is damaged or ends early: {reason}\nDownload it again.")
