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
import math
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

from keras_vnn.basics.columnar import FEATHER, PARQUET, columnar_text
from keras_vnn.basics.errors import ReadError, sample

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
            f"The file unpacks to more than {most:,} bytes, from {packed:,}: {path}\n"
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
                f"A line is longer than {LONGEST_LINE:,} bytes: {self._path}\n"
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
                f"The zip archive holds {len(files):,} files, expected one: {path}\n{listed}"
                "Unpack it, and name the file you mean."
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


_KEY = re.compile(r"c?[./]?\d+([./]\d+)*|c", re.IGNORECASE)
_PACKING = frozenset("blosc bz2 gzip lz4 lzma zlib zstd".split())
_TEXTS = frozenset({"vlen-bytes", "vlen-utf8"})
_SHARDING = "sharding_indexed"
_DAMAGED_CHUNK = (EOFError, OSError, zlib.error, lzma.LZMAError)
_ZSTD_MAGIC, _ZSTD_SKIPPED, _ZSTD_BLOCK = 0xFD2FB528, range(0x184D2A50, 0x184D2A60), 1 << 17
_PIECE = 1 << 20


def is_chunk(name: str) -> bool:
    """Say whether a file of this name, relative to its array, may be a chunk of it.

    Examples
    --------
    >>> is_chunk("0.1"), is_chunk("c/0/1"), is_chunk(".zattrs")
    (True, True, False)
    """
    return _KEY.fullmatch(name) is not None


def codecs_and_shape(array: Mapping[str, Any]) -> tuple[list[Any], Sequence[int]]:
    """Return the codecs that a chunk of an array goes through when it is written, in order, and its shape."""
    codecs = [*(array.get("filters") or ()), *(array.get("codecs") or ())]
    if array.get("compressor") is not None:
        codecs.append(array["compressor"])
    return codecs, array["chunks"] if "chunks" in array else array["chunk_grid"]["configuration"]["chunk_shape"]


def unpacked_size(array: Mapping[str, Any], path: Path, limit: int) -> int:
    """Return at least how many bytes a chunk unpacks to, or any number above ``limit`` when there are more.

    Parameters
    ----------
    array
        What ``.zarray`` or ``zarr.json`` says of the array.
    path
        The file of the chunk.
    limit
        Nothing is unpacked beyond so many bytes.

    Raises
    ------
    ValueError
        A chunk is packed in a way that is not told beforehand.
    AttributeError, KeyError, TypeError
        The description is damaged.
    """
    codecs, shape = codecs_and_shape(array)
    with path.open("rb") as stream:
        return _size(codecs, shape, stream, 0, path.stat().st_size, limit)


def _size(codecs: Sequence[Any], shape: Sequence[int], stream: IO[bytes], start: int, stop: int, limit: int) -> int:
    """Return the size of a chunk that lies between two places in a file."""
    names = [str(one if isinstance(one, str) else one.get("id", one.get("name"))) for one in codecs]
    bare = [name.removeprefix("numcodecs.") for name in names]
    if _SHARDING in bare:
        inner = codecs[bare.index(_SHARDING)]["configuration"]
        if bare[-1] != _SHARDING or any(_SHARDING in str(one) for one in inner["codecs"]):
            raise ValueError("shards are packed, or within shards")
        total = 0
        for first, size in _shard(inner, shape, stream, start, stop):
            total += _size(inner["codecs"], inner["chunk_shape"], stream, first, first + size, limit - total)
            if total > limit:
                break
        return total
    packing = [n for n, name in enumerate(bare) if name in _PACKING]
    # A checksum of zarr 3 lies behind what is packed, others before it.
    if len(packing) > 1 or (packing and set(names[packing[0] + 1 :]) - {"crc32c"}):
        raise ValueError(f"chunks are packed more than once: {', '.join(names)}")
    kind = bare[packing[0]] if packing else ""
    size = _SIZES[kind](stream, start, stop, limit) if kind else stop - start
    if size <= limit and _TEXTS & set(bare):
        _check_texts(kind, shape, stream, start, stop)
    return size


def _shard(inner: Mapping[str, Any], shape: Sequence[int], stream: IO[bytes], start: int, stop: int) -> list[Any]:
    """Return where the chunks of a shard begin and how long they are, from its index."""
    import numpy as np

    count = math.prod(-(-int(outer) // int(one)) for outer, one in zip(shape, inner["chunk_shape"], strict=True))
    names = [one if isinstance(one, str) else one["name"] for one in inner.get("index_codecs", ())]
    if names not in (["bytes"], ["bytes", "crc32c"]):
        raise ValueError(f"the index of shards is written as {', '.join(map(str, names))}")
    length = 16 * count + 4 * (len(names) - 1)
    if length > stop - start:
        return []  # cut short, which the decoder says
    stream.seek(start if inner.get("index_location") == "start" else stop - length)
    index = np.frombuffer(stream.read(16 * count), "<u8").reshape(count, 2)
    there = index[:, 0] < stop - start
    return [(start + int(first), min(int(size), stop - start)) for first, size in index[there]]


def _check_texts(kind: str, shape: Sequence[int], stream: IO[bytes], start: int, stop: int) -> None:
    """Raise when a chunk of texts claims more of them than it has room for: room for all is made before one is read."""
    stream.seek(start)
    content = stream.read(stop - start)
    if kind:
        import numcodecs

        try:
            content = bytes(numcodecs.get_codec({"id": kind}).decode(content))
        except (RuntimeError, ValueError, *_DAMAGED_CHUNK):  # which the reader finds too
            return
    count, room = int.from_bytes(content[:4], "little"), math.prod(map(int, shape))
    if count > room:
        raise ValueError(f"a chunk claims {count:,} texts, expected at most {room:,}")


def _stated(place: int) -> Any:
    """Return a function that reads the size from four bytes of a header."""

    def read(stream: IO[bytes], start: int, stop: int, limit: int) -> int:
        stream.seek(start + place)
        return int.from_bytes(stream.read(4), "little") if stop - start >= place + 4 else 0

    return read


def _zstd(stream: IO[bytes], start: int, stop: int, limit: int) -> int:
    """Return the most that the blocks of zstd frames unpack to: each says its size, or is of 128 kB at most."""

    def number(size: int) -> int:
        return int.from_bytes(stream.read(size), "little")

    total = 0
    stream.seek(start)
    while stream.tell() < stop and total <= limit:
        magic = number(4)
        if magic in _ZSTD_SKIPPED:
            stream.seek(number(4), io.SEEK_CUR)
            continue
        if magic != _ZSTD_MAGIC:
            break  # damaged, which the decoder says
        marks = number(1)
        is_single, window = bool(marks & 32), _ZSTD_BLOCK
        if not is_single:
            stream.seek(1, io.SEEK_CUR)
        stream.seek((0, 1, 2, 4)[marks & 3], io.SEEK_CUR)
        size = (1 if is_single else 0, 2, 4, 8)[marks >> 6]
        content = number(size) + (256 if size == 2 else 0)
        if is_single:
            window = min(window, content)
        is_last = False
        while not is_last and stream.tell() < stop and total <= limit:
            block = number(3)
            is_last, kind, length = bool(block & 1), block >> 1 & 3, block >> 3
            stream.seek(1 if kind == 1 else length, io.SEEK_CUR)
            total += length if kind < 2 else window
        if marks & 4:
            stream.seek(4, io.SEEK_CUR)
    return total


def _unpacking(opened: Any) -> Any:
    """Return a function that unpacks until there is nothing left, or more than the limit."""

    def read(stream: IO[bytes], start: int, stop: int, limit: int) -> int:
        stream.seek(start)
        packed = io.BytesIO(stream.read(stop - start))
        total = 0
        try:
            for size in opened(packed):
                total += size
                if total > limit:
                    break
        except _DAMAGED_CHUNK:  # which the decoder says
            pass
        return total

    return read


def _pieces(opened: Any) -> Any:
    def read(packed: IO[bytes]) -> Iterator[int]:
        with opened(packed) as unpacked:
            while piece := unpacked.read(_PIECE):
                yield len(piece)

    return read


def _zlib(packed: IO[bytes]) -> Iterator[int]:
    unpacker, rest = zlib.decompressobj(), packed.read()
    while rest and not unpacker.eof:
        yield len(unpacker.decompress(rest, _PIECE))
        rest = unpacker.unconsumed_tail


_SIZES = {
    "blosc": _stated(4),
    "lz4": _stated(0),
    "zstd": _zstd,
    "zlib": _unpacking(_zlib),
    "gzip": _unpacking(_pieces(gzip.open)),
    "bz2": _unpacking(_pieces(bz2.open)),
    "lzma": _unpacking(_pieces(lzma.open)),
}
