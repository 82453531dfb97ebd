"""Text as it lies on disk: its first lines, single lines for messages, and a checked stream.

In: paths. Out: a `Preview`, text, and the words ``file:line`` with the text of that line.
Knows nothing of columns or formats.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from keras_vnn.basics.errors import ReadError, VNNError, counted
from keras_vnn.basics.files import encoding_of, existing_file, read_lines, refuse_bytes
from keras_vnn.basics.unpacking import NOT_TEXT, columnar_kind, open_unpacked

COMMENT_MARKS = ("#", "!")
# What Excel writes, and reads, above a table to tell its separator.
SEPARATOR_LINE = re.compile(r'"?sep=.?"?\s*')
# The first lines of GCT.
GCT = ("#1.2", "#1.3")

_MOST_BLANK = 100_000
_MOST_FIELDS = 20_000
# Fields of a row that is handed on whole, if the others have fewer; and characters of one that is looked at as a whole.
_FEW_FIELDS, _LONGEST = 256, 1 << 24
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
    columnar
        ``Parquet`` or ``Feather`` where the lines are the text of such a table.
    """

    path: Path
    magic: bytes
    comments: tuple[tuple[int, str], ...]
    lines: tuple[tuple[int, str], ...]
    columnar: str = ""

    @property
    def first(self) -> str:
        """The first of the lines, empty where there is none."""
        return self.lines[0][1] if self.lines else ""

    @property
    def top(self) -> tuple[str, ...]:
        """All lines as they stand in the file, comments among the others, without their numbers."""
        return tuple(text for _, text in sorted((*self.comments, *self.lines)))

    @property
    def texts(self) -> tuple[str, ...]:
        """The lines without their numbers."""
        return tuple(text for _, text in self.lines)

    @property
    def fields(self) -> list[list[str]]:
        """The fields of each line, split at tabs, without white space around them."""
        return [[field.strip() for field in text.split("\t")] for text in self.texts]


def preview(path: Path) -> Preview:
    """Return the beginning of a file.

    Raises
    ------
    ReadError
        The file is missing, a directory, empty or blank, a damaged or foreign archive, or not UTF-8 text without NUL
        bytes.
    """
    existing_file(path)
    with open_unpacked(path) as raw:
        magic = raw.read(64)
    if any(magic.startswith(known) for known in NOT_TEXT):
        return Preview(path, magic, (), ())
    comments: list[tuple[int, str]] = []
    lines: list[tuple[int, str]] = []
    characters = blank = 0
    text_above = ""
    with open_text(path) as stream:
        for number, line in enumerate(stream, 1):
            text = line.rstrip("\n")
            if "\0" in text:
                refuse_bytes(path)
            # Below the first line of GCT stand its sizes.
            is_told = (comments[-1:] == [(1, text_above)] and text_above in GCT) or (
                number == 1 and SEPARATOR_LINE.fullmatch(text) is not None
            )
            if text.startswith(COMMENT_MARKS) or is_told:
                comments.append((number, text))
            elif text.strip():
                lines.append((number, text))
                characters += len(text)
            else:
                blank += 1
            text_above = text
            if blank > _MOST_BLANK:
                raise ReadError(
                    f"More than {counted(_MOST_BLANK, 'line')} are blank at the beginning: {path}:{number}\n"
                    "Was it damaged? Download it again."
                )
            if len(lines) >= _PREVIEW_LINES or (characters >= _PREVIEW_CHARACTERS and len(lines) >= 5):
                break
    if not lines and not comments:
        raise ReadError(f"The file holds blank lines only: {path}\nWas its download interrupted?")
    return Preview(path, magic, tuple(comments), tuple(lines), columnar_kind(path))


def refuse_comments_alone(start: Preview) -> None:
    """Raise a `ReadError` unless the beginning of a file holds a line that is not a comment."""
    if not start.lines:
        raise ReadError(
            f"The file has comment lines and no rows: {start.path}\n    {shortened(start.comments[0][1])}\n"
            "Is the file truncated?"
        )


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
    text = next((text for _, text in texts_at(path, (line,))), "")
    return f"{path}:{line}\n    {shortened(text)}"


def texts_at(path: Path, lines: Collection[int]) -> Iterator[tuple[int, str]]:
    """Yield some lines of a file, by number, and their texts."""
    wanted = set(lines)
    with open_text(path) as stream:
        for number, text in enumerate(islice(stream, max(wanted, default=0)), 1):
            if number in wanted:
                yield number, text.rstrip("\n")


def read_json_text(path: Path, **options: Any) -> Any:
    """Return what a JSON file holds, of a value a line (JSON lines) a list; an error says where it is not JSON."""
    try:
        lines = read_lines(path)
        try:
            return json.loads("\n".join(lines), **options)
        except json.JSONDecodeError as error:
            if error.msg != "Extra data" or error.lineno == 1:
                raise
            with suppress(json.JSONDecodeError):
                return [json.loads(line, **options) for line in lines if line.strip()]
            raise
    except json.JSONDecodeError as error:
        raise ReadError(
            f"The file is not JSON: {at(path, error.lineno)}\n{error.msg}, column {error.colno}."
        ) from error
    except RecursionError as error:
        raise ReadError(f"The JSON is nested too deeply: {path}\nIs it the right file?") from error
    except VNNError:
        raise
    except ValueError as error:  # a number of more digits than Python takes
        raise ReadError(f"The JSON cannot be read: {path} ({error})\nIs it the right file?") from error


def shortened(text: str) -> str:
    """Return a line as it is shown in messages."""
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


class CheckedStream:
    """A text stream for `pandas.read_csv` that puts a line before the text, and refuses NUL characters and wide rows.

    pandas would cut a field at a NUL in silence, and take minutes and all memory for a row of a million fields. It also
    fills up the rows below a wide one to its width: one row of 20,000 fields in a file of 1 MB took 8 GB. So a row that
    is far wider than the others is handed on with one field too many.

    Parameters
    ----------
    stream
        The text.
    first
        A line to put before it.
    path
        What to call it in errors.
    mark
        What parts the fields; a space stands for a tab too.
    width
        Fields of the usual row.
    skipped
        Lines of the file before the text.
    quoted
        Whether a field between double quotes may hold the mark.

    Attributes
    ----------
    widest
        The most fields that a row has here.
    """

    def __init__(
        self, stream: TextIO, first: str, path: Path, *, mark: str, width: int, skipped: int, quoted: bool = False
    ) -> None:
        self._stream = stream
        self._first = first
        self._path = path
        self._mark = mark
        self._width = width
        self._most = max(_MOST_FIELDS, 2 * width)
        self.widest = max(_FEW_FIELDS, width + 1)
        self._quoted = quoted
        self._skipped = skipped
        self._line_ends = 0
        # Of the last line, where it is longer than what is read at once.
        self._is_unfinished, self._fields = False, 0

    @property
    def lines(self) -> int:
        """Lines read so far, without the added one; an unfinished last line counts."""
        return self._line_ends + self._is_unfinished

    def read(self, size: int = -1) -> str:
        """Return the next characters, the added line before all others."""
        if self._first:
            first, self._first = self._first, ""
            return first
        block = self._stream.read(size)
        if not block:
            return ""
        if block[-1] != "\n":
            block += self._stream.readline(_LONGEST)
        if "\0" in block:
            refuse_bytes(self._path)
        lines = block.split("\n")
        fields = self._marks(lines[-1]) + (self._fields if len(lines) == 1 else 0)
        # A row of so many fields is longer than that, whatever they hold.
        if self._fields or (max(map(len, lines)) > self.widest and max(map(self._marks, lines)) >= self.widest):
            block = "\n".join(map(self._checked, lines, range(len(lines))))
        self._line_ends += len(lines) - 1
        self._is_unfinished, self._fields = lines[-1] != "", fields
        return block

    def _checked(self, line: str, place: int) -> str:
        """Return one of the lines that were read together, cut where it is wide; raise where it is far too wide."""
        is_long = len(line) > self.widest
        marks = self._marks(line) if is_long or place == 0 else 0
        if marks + (0 if place else self._fields) > self._most:
            raise ReadError(
                f"A row has more than {counted(self._most, 'field')}, the others {self._width:,}: "
                f"{self._path}:{self._skipped + self._line_ends + place + 1}\nWas the file damaged? Download it again."
            )
        return self._cut(line) if is_long and marks >= self.widest else line

    def _cut(self, line: str) -> str:
        """Return the usual fields of a line and one more."""
        kept, mark = slice(self._width + 1), self._mark
        if self._quoted and '"' in line:
            with suppress(csv.Error):  # a field longer than the limit of the csv module
                (fields,) = csv.reader([line], delimiter=mark, skipinitialspace=mark == " ")
                return mark.join('"' + field.replace('"', '""') + '"' for field in fields[kept])
        return mark.join((line.split() if mark == " " else line.split(mark))[kept])

    def _marks(self, text: str) -> int:
        return text.count(self._mark) + (text.count("\t") if self._mark == " " else 0)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stream)
