"""How many bytes the chunks of a zarr array unpack to, without unpacking them where their headers tell.

In: the description of an array and the file of a chunk. Out: a number of bytes, or an error about chunks that cannot be
counted. What is told is at least what the decoder makes of the chunk, so that its memory can be limited beforehand.

References
----------
Collet & Kucherawy: Zstandard compression and the 'application/zstd' media type. RFC 8878, 2021. doi:10.17487/RFC8878
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import math
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from keras_vnn.basics.errors import counted

_KEY = re.compile(r"c?[./]?\d+([./]\d+)*|c", re.IGNORECASE)
_PACKING = frozenset("blosc bz2 gzip lz4 lzma zlib zstd".split())
_TEXTS = frozenset({"vlen-bytes", "vlen-utf8"})
_SHARDING = "sharding_indexed"
_DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError)
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
        except (RuntimeError, ValueError, *_DAMAGE):  # which the reader finds too
            return
    count, room = int.from_bytes(content[:4], "little"), math.prod(map(int, shape))
    if count > room:
        raise ValueError(f"a chunk claims {counted(count, 'text')}, expected at most {room:,}")


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
        except _DAMAGE:  # which the decoder says
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
