"""Parquet and Feather: tables kept by columns, given as the text they would be, so that whoever reads text reads them.

In: a path. Out: a stream of bytes, tab-separated with a header; the index that pandas keeps with a table stands first,
as in its `to_csv`. Nothing is read that takes far more memory than the file is large. Knows nothing of genes.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from keras_vnn.basics.errors import ReadError, counted, sample

PARQUET, FEATHER = "Parquet", "Feather"
# Values that are turned into text at a time, and letters where their number is not known.
_CELLS, _ROWS, _TEXT = 1 << 20, 1 << 12, 1 << 22
_UNNAMED = "__index_level_"


def columnar_text(path: Path, kind: str, refuse: Callable[[int], None]) -> io.RawIOBase:
    """Open a table as text.

    Parameters
    ----------
    path, kind
        The file, and what it is: ``Parquet`` or ``Feather``.
    refuse
        Raises for a number of bytes that is beyond all measure for the file.

    Raises
    ------
    ReadError
        pyarrow is not installed, a column holds no plain values, or the table is too large.
    ValueError
        The file is damaged; while reading too.
    """
    try:
        import pyarrow
    except ImportError as error:
        raise ReadError(
            f"The file is a {kind} table, which pyarrow reads, and that is not installed: {path}\n"
            "Install it: pip install 'keras-vnn[parquet]'; or write the table as text where it is: "
            f"pandas.read_{kind.lower()}(path).to_csv('table.tsv', sep='\\t')"
        ) from error
    # Earlier releases of pyarrow ask for the room that a damaged length claims.
    damage = (pyarrow.ArrowException, KeyError, TypeError, IndexError, MemoryError, struct.error)
    return _Text(path.open("rb"), lambda stream: _blocks(path, kind, stream, refuse), damage)


class _Text(io.RawIOBase):
    """A stream of the blocks that are made of another."""

    def __init__(
        self, stream: IO[bytes], blocks: Callable[[IO[bytes]], Iterator[bytes]], damage: tuple[type[Exception], ...]
    ) -> None:
        self._stream = stream
        self._blocks = blocks(stream)
        self._damage = damage
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        if not self._rest:
            self._rest = memoryview(self._next())
        size = min(len(view), len(self._rest))
        view[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def close(self) -> None:
        self._stream.close()
        super().close()

    def _next(self) -> bytes:
        """Return the next rows, nothing after the last."""
        try:
            return next(self._blocks, b"")
        except self._damage as error:
            reason = str(error).splitlines()
            raise ValueError(reason[0] if reason else type(error).__name__) from error


def _blocks(path: Path, kind: str, stream: Any, refuse: Callable[[int], None]) -> Iterator[bytes]:
    """Yield a header, then rows."""
    import pyarrow

    schema, batches = (_parquet if kind == PARQUET else _feather)(path, stream, refuse)
    strange = [f"{field.name} ({field.type})" for field in schema if not _is_plain(field.type)]
    if strange:
        raise ReadError(
            f"{len(strange):,} of {counted(len(schema), 'column')} hold no plain texts or numbers: {path}\n"
            f"    {sample(strange)}\nWrite the table without them."
        )
    if not len(schema):
        raise ReadError(f"The {kind} table has no columns: {path}\nIs it the right file?")
    kept = (schema.pandas_metadata or {}).get("index_columns", ())
    index = [name for name in kept if isinstance(name, str) and name in schema.names]
    names = [*index, *(name for name in schema.names if name not in index)]
    places = [schema.names.index(name) for name in index]
    order = [*places, *(place for place in range(len(schema)) if place not in set(places))]
    header = pyarrow.array(["" if name.startswith(_UNNAMED) else name for name in names], pyarrow.large_string())
    yield "\t".join(_escaped(header).to_pylist()).encode() + b"\n"
    step = max(1, min(_ROWS, _CELLS // max(1, len(order))))
    for batch in batches:
        for start in range(0, batch.num_rows, step):
            rows = batch.slice(start, step)
            yield _lines([rows.column(place) for place in order], refuse)


def _parquet(path: Path, stream: Any, refuse: Callable[[int], None]) -> tuple[Any, Iterator[Any]]:
    from pyarrow import parquet

    schema = parquet.ParquetFile(stream).metadata.schema
    by_difference: set[int] = set()
    largest = 1
    for chunks in parquet_chunks(stream):
        refuse(sum(sum(chunk.pages) for chunk in chunks))
        largest = max(largest, *(page for chunk in chunks for page in chunk.pages), 1)
        by_difference.update(place for place, chunk in enumerate(chunks) if chunk.is_by_difference)
    columns = [schema.column(place) for place in range(len(schema))]
    texts = {place for place, column in enumerate(columns) if column.physical_type == "BYTE_ARRAY"}
    step = max(1, min(_ROWS, _CELLS // max(1, len(columns))))
    if texts & by_difference:
        # Each text may be as long as all of a page, and pyarrow cannot share those that repeat.
        step = max(1, min(step, _TEXT // largest))
    stream.seek(0)
    # Repeated texts stay one, so that what they take is known before they are written out.
    shared = [columns[place].path for place in sorted(texts - by_difference)]
    file = parquet.ParquetFile(stream, read_dictionary=shared)
    return file.schema_arrow, file.iter_batches(batch_size=step)


def _feather(path: Path, stream: Any, refuse: Callable[[int], None]) -> tuple[Any, Iterator[Any]]:
    from pyarrow import ipc

    for size in feather_sizes(stream):
        refuse(size)
    stream.seek(0)
    file = ipc.open_file(stream)

    def batches() -> Iterator[Any]:
        for place in range(file.num_record_batches):
            batch = file.get_batch(place)
            batch.validate(full=True)
            yield batch

    return file.schema, batches()


def _is_plain(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        return not types.is_dictionary(kind.value_type) and _is_plain(kind.value_type)
    texts = ("string", "large_string", "string_view", "binary", "large_binary")
    others = ("null", "boolean", "integer", "floating", "decimal", "date", "time", "timestamp")
    return any(getattr(types, f"is_{name}")(kind) for name in (*texts, *others))


def _lines(columns: list[Any], refuse: Callable[[int], None]) -> bytes:
    """Return rows as text, empty where a value is missing."""
    import pyarrow
    from pyarrow import compute, types

    texts = []
    for column in columns:
        if types.is_dictionary(column.type) and len(column):
            lengths = compute.binary_length(compute.cast(column.dictionary, pyarrow.large_string()))
            refuse(compute.sum(compute.take(lengths, column.indices)).as_py() or 0)
        elif types.is_string_view(column.type):
            refuse(compute.sum(compute.binary_length(column)).as_py() or 0)
        elif types.is_floating(column.type):
            column = compute.if_else(compute.is_nan(column), None, column)
        text = compute.cast(column, pyarrow.large_string())
        texts.append(text if types.is_floating(column.type) or types.is_integer(column.type) else _escaped(text))
    return "".join(f"{line}\n" for line in _joined(texts, "\t", missing="").to_pylist()).encode()


def _escaped(text: Any) -> Any:
    """Return texts as fields: a tab or line end is a blank, and a text with quotes stands in quotes."""
    from pyarrow import compute

    text = compute.replace_substring_regex(text, r"[\t\r\n]+", " ")
    if not compute.any(compute.match_substring(text, '"')).as_py():
        return text
    quoted = _joined(['"', compute.replace_substring(text, '"', '""'), '"'], "")
    return compute.if_else(compute.match_substring(text, '"'), quoted, text)


def _joined(texts: list[Any], mark: str, missing: str | None = None) -> Any:
    """Return texts joined element by element; without a text for missing ones, what has one is missing."""
    import pyarrow
    from pyarrow import compute

    kind = pyarrow.large_string()
    parts = [pyarrow.scalar(text, kind) if isinstance(text, str) else text for text in (*texts, mark)]
    how = "emit_null" if missing is None else "replace"
    return compute.binary_join_element_wise(*parts, null_handling=how, null_replacement=missing or "")


# ---- what a Parquet file unpacks to -------------------------------------------------------------------------
# The footer says where the pages of each column are, and each page has a header. pyarrow makes room for what that says
# it unpacks to, whatever the footer says; what it tells of a column in a damaged footer can end Python.
# https://parquet.apache.org/docs/file-format/metadata/, written in Thrift's compact protocol:
# https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md


class Chunk(NamedTuple):
    """A column within a group of rows: how its values are kept, and what each of its pages takes unpacked."""

    is_by_difference: bool
    pages: list[int]


def parquet_chunks(stream: Any) -> Iterator[list[Chunk]]:
    """Yield the columns of each group of rows of a Parquet file."""
    most = stream.seek(0, io.SEEK_END)
    stream.seek(-8, io.SEEK_END)
    (length,) = struct.unpack("<I", stream.read(4))
    stream.seek(max(0, most - 8 - length))
    footer = _Compact(stream.read(length)).record()
    for group in footer[4]:
        columns = []
        for column in (chunk[3] for chunk in group[1]):
            start = min(column[9], column.get(11) or column[9])
            end = start + column[7]
            pages = []
            while start < end:
                unpacked, packed = _page(stream, start)
                pages.append(unpacked)
                start += packed
                most -= 8
                if most < 0:
                    raise struct.error("its pages overlap")
            # Differences to the text before, or to the length of it: 6 and 7 of the list of encodings.
            columns.append(Chunk(not {6, 7}.isdisjoint(column[2]), pages))
        yield columns


def _page(stream: Any, start: int) -> tuple[int, int]:
    """Return what a page takes unpacked, and in the file with its header."""
    for most in (1 << 9, 1 << 24):
        stream.seek(start)
        reader = _Compact(stream.read(most))
        try:
            header = reader.record()
        except IndexError:
            continue
        unpacked, packed = header[2], header[3]
        if type(unpacked) is not int or type(packed) is not int:
            raise struct.error("the header of a page is not as it must be")
        return max(0, unpacked), reader.at + max(0, packed)
    raise struct.error("it ends within the header of a page")


# Bytes of a value of a kind: truth, a byte, a broken number; 0 where they are written before it.
_SIZES = {1: 1, 2: 1, 3: 1, 7: 8, 8: 0}


class _Compact:
    """Records written one after the other; ``at`` is the place of the next."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.at = 0

    def record(self, depth: int = 0) -> dict[int, Any]:
        """Read a record; return its fields by their numbers."""
        fields: dict[int, Any] = {}
        number = 0
        while kind := (mark := self._byte()) & 0x0F:
            number = number + (mark >> 4) if mark >> 4 else self._whole_number()
            fields[number] = kind == 1 if kind in (1, 2) else self._value(kind, depth + 1)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        """Read a value of a kind; texts and broken numbers are passed over."""
        if kind in (4, 5, 6):
            return self._whole_number()
        if kind == 12 and depth < 16:
            return self.record(depth)
        if kind == 9 and depth < 16:
            mark = self._byte()
            count = mark >> 4 if mark >> 4 < 15 else self._varint()
            return [self._value(mark & 0x0F, depth + 1) for _ in range(count)]
        if kind not in _SIZES:
            raise struct.error("its footer or the header of a page is not as it must be")
        length = _SIZES[kind] or self._varint()
        self.at += length
        return None

    def _whole_number(self) -> int:
        number = self._varint()
        return number >> 1 ^ -(number & 1)

    def _varint(self) -> int:
        number = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
        raise struct.error("a number is longer than 64 bits")

    def _byte(self) -> int:
        byte = self._content[self.at]
        self.at += 1
        return byte


# ---- what a Feather file unpacks to -------------------------------------------------------------------------
# Each part of a packed column begins with the bytes that it unpacks to, and pyarrow unpacks it to just so many.
# Where the parts are is written in flatbuffers: https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format


def feather_sizes(stream: Any) -> Iterator[int]:
    """Yield what each dictionary and each batch of rows of a Feather file takes unpacked."""
    whole = stream.seek(0, io.SEEK_END)
    stream.seek(-10, io.SEEK_END)
    (length,) = struct.unpack("<i", stream.read(4))
    stream.seek(-10 - length, io.SEEK_END)
    footer = stream.read(length)
    root = _pointed(footer, 0)
    parts = 0
    for field in (2, 3):
        for block in _vector(footer, root, field, 24):
            stream.seek(struct.unpack_from("<q", footer, block)[0])
            mark, length = struct.unpack("<II", stream.read(8))
            message = stream.read(length) if mark == 0xFFFFFFFF else b""
            sizes = list(_parts(message, stream))
            parts += len(sizes)
            if 16 * parts > whole:
                raise struct.error("its batches overlap")
            yield sum(sizes)


def _parts(message: bytes, stream: Any) -> Iterator[int]:
    """Yield what each part of a message takes unpacked; the stream stands behind the message."""
    start = stream.tell()
    table = _pointed(message, 0)
    batch = _pointed(message, _field(message, table, 2))
    # The kind of a message; the values of a dictionary are a batch within it.
    if message[_field(message, table, 1)] == 2:
        batch = _pointed(message, _field(message, batch, 1))
    is_packed = _field(message, batch, 3) > 0
    for part in _vector(message, batch, 2, 16):
        offset, size = struct.unpack_from("<qq", message, part)
        if is_packed and size >= 8:
            stream.seek(start + offset)
            size = max(size, struct.unpack("<q", stream.read(8))[0])
        yield size


def _pointed(buffer: bytes, place: int) -> int:
    """Return where the table or vector is whose distance is written at a place."""
    return place + int(struct.unpack_from("<I", buffer, place)[0])


def _field(buffer: bytes, table: int, number: int) -> int:
    """Return where a field of a table is, 0 where the table lacks it."""
    fields = table - struct.unpack_from("<i", buffer, table)[0]
    size = struct.unpack_from("<H", buffer, fields)[0]
    at = 4 + 2 * number
    distance = struct.unpack_from("<H", buffer, fields + at)[0] if at < size else 0
    return table + int(distance) if distance else 0


def _vector(buffer: bytes, table: int, number: int, size: int) -> range:
    """Return where the entries of a vector are, none where the table lacks it."""
    field = _field(buffer, table, number)
    if not field:
        return range(0)
    start = _pointed(buffer, field)
    count = int(struct.unpack_from("<I", buffer, start)[0])
    if count * size > len(buffer):
        raise struct.error("a list is longer than its message")
    return range(start + 4, start + 4 + count * size, size)
