"""Text as it lies on disk: its first lines, single lines for messages, and a checked stream.

In: paths. Out: a `Preview`, text, and the words ``file:line`` with the text of that line.
Knows nothing of columns or formats.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

from keras_vnn.errors import ReadError
from keras_vnn.files import encoding_of, existing_file, refuse_bytes
from keras_vnn.unpacking import NOT_TEXT, open_unpacked

__all__ = ["COMMENT_MARKS", "CheckedStream", "Preview", "at", "open_text", "preview"]

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
        Its first bytes after unpacking.
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
        The file is missing, a directory, empty or blank, a damaged or foreign archive, or not UTF-8 text without NUL
        bytes.
    """
    existing_file(path)
    magic = _first_bytes(path)
    if any(magic.startswith(known) for known in NOT_TEXT):
        return Preview(path, magic, (), (), False)
    comments: list[tuple[int, str]] = []
    lines: list[tuple[int, str]] = []
    characters = 0
    whole = True
    with open_text(path) as stream:
        for number, line in enumerate(stream, 1):
            text = line.rstrip("\n")
            if "\0" in text:
                refuse_bytes(path)
            if text.startswith(COMMENT_MARKS):
                comments.append((number, text))
            elif text.strip():
                lines.append((number, text))
                characters += len(text)
            if len(lines) >= _PREVIEW_LINES or (characters >= _PREVIEW_CHARACTERS and len(lines) >= 5):
                whole = False
                break
    if not lines and not comments:
        raise ReadError(f"The file holds blank lines only: {path}\nWas its download interrupted?")
    return Preview(path, magic, tuple(comments), tuple(lines), whole)


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    r"""Open a file as text: unpacked, UTF-8 (or UTF-16 with its mark), line ends as ``\n``.

    Bytes that turn out not to be text while it is read become a `ReadError` that says where they stand.
    """
    with open_unpacked(path) as raw, io.TextIOWrapper(raw, encoding=encoding_of(raw.peek(2)[:2])) as text:
        try:
            yield text
        except UnicodeDecodeError:
            refuse_bytes(path)


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
            refuse_bytes(self._path)
        self._line_ends += block.count("\n")
        self._last = block[-1:] or self._last
        return block

    def __iter__(self) -> Iterator[str]:
        return iter(self._stream)


def _first_bytes(path: Path) -> bytes:
    with open_unpacked(path) as raw:
        return raw.read(64)
