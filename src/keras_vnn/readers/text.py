"""Text as it lies on disk: its first lines, single lines for messages, and a checked stream.

In: paths. Out: a `Preview`, text, and the words ``file:line`` with the text of that line.
Knows nothing of columns or formats.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TextIO, cast

from keras_vnn.errors import ReadError
from keras_vnn.files import existing_file, read_lines

__all__ = ["BINARY", "COMMENT_MARKS", "CheckedStream", "Preview", "at", "open_text", "preview"]

BINARY = {
    b"\x89HDF\r\n\x1a\n": "HDF5",
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"BZh": "bzip2-compressed",
    b"\xfd7zXZ\x00": "xz-compressed",
    b"(\xb5/\xfd": "zstd-compressed",
    b"PAR1": "a Parquet table",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
}
COMMENT_MARKS = ("#", "!")

_PREVIEW_LINES = 300
_PREVIEW_CHARACTERS = 1 << 18
_LONGEST_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a file: enough to tell its format.

    Attributes
    ----------
    path
        The file, as the user named it.
    magic
        Its first bytes after gunzipping.
    comments
        ``(line number, text)`` of the lines that begin with ``#`` or ``!``, as far as the preview goes.
    lines
        ``(line number, text)`` of the other lines that are not blank; none for a known binary format.
    whole
        Whether the preview reaches the end of the file.
    """

    path: Path
    magic: bytes
    comments: tuple[tuple[int, str], ...]
    lines: tuple[tuple[int, str], ...]
    whole: bool

    @property
    def texts(self) -> tuple[str, ...]:
        """The lines without their numbers."""
        return tuple(text for _, text in self.lines)


def preview(path: Path) -> Preview:
    """Return the beginning of a file.

    Raises
    ------
    ReadError
        The file is missing, a directory, empty or blank, damaged gzip, or not UTF-8 text without NUL bytes.
    """
    existing_file(path)
    magic = _first_bytes(path)
    if any(magic.startswith(known) for known in BINARY):
        return Preview(path, magic, (), (), False)
    comments: list[tuple[int, str]] = []
    lines: list[tuple[int, str]] = []
    characters = 0
    whole = True
    with open_text(path) as stream:
        for number, line in enumerate(stream, 1):
            text = line.rstrip("\n")
            if "\0" in text:
                read_lines(path)
            if text.startswith(COMMENT_MARKS):
                comments.append((number, text))
            elif text.strip():
                lines.append((number, text))
                characters += len(text)
            if len(lines) >= _PREVIEW_LINES or (characters >= _PREVIEW_CHARACTERS and len(lines) >= 5):
                whole = False
                break
    if not lines and not comments:
        raise ReadError(f"The file holds blank lines only: {path}")
    return Preview(path, magic, tuple(comments), tuple(lines), whole)


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    r"""Open a file as text: gunzipped, UTF-8 (or UTF-16 with its mark), line ends as ``\n``.

    Bytes that turn out not to be text while it is read become a `ReadError` that says where they stand.
    """
    encoding = "utf-16" if _first_bytes(path)[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        with _gunzipping(path) as raw, io.TextIOWrapper(raw, encoding=encoding) as text:
            yield text
    except (UnicodeDecodeError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        read_lines(path)
        raise ReadError(f"Cannot read {path}: {error}") from error


def at(path: Path, line: int) -> str:
    """Return ``file:line`` and, indented on a second line, what stands there."""
    with open_text(path) as stream:
        text = next(islice(stream, line - 1, None), "").rstrip("\n")
    return f"{path}:{line}\n    {shortened(text)}"


def shortened(text: str) -> str:
    """Return a line as it is shown in messages."""
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


class CheckedStream:
    """A text stream for `pandas.read_csv` that puts a line before the text and refuses NUL characters.

    pandas would cut a field at a NUL in silence.
    """

    def __init__(self, stream: TextIO, first: str, path: Path) -> None:
        self._stream = stream
        self._first = first
        self._path = path
        self._line_ends = 0
        self._last = ""

    @property
    def lines(self) -> int:
        """Lines read so far, without the added one; an unfinished last line counts."""
        return self._line_ends + (self._last not in ("", "\n"))

    def read(self, size: int = -1) -> str:
        """Return the next characters, the added line before all others."""
        if self._first:
            first, self._first = self._first, ""
            return first
        block = self._stream.read(size)
        if "\0" in block:
            read_lines(self._path)
        self._line_ends += block.count("\n")
        self._last = block[-1:] or self._last
        return block

    def __iter__(self) -> Iterator[str]:
        return iter(self._stream)


def _first_bytes(path: Path) -> bytes:
    try:
        with _gunzipping(path) as raw:
            return raw.read(64)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        read_lines(path)
        raise


def _gunzipping(path: Path) -> IO[bytes]:
    with path.open("rb") as raw:
        is_gzip = raw.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(path, "rb")) if is_gzip else path.open("rb")
