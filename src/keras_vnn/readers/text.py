"""Text as it lies on disk: its first lines, single lines for messages, and a checked stream.

In: paths. Out: a `Preview`, text, and the words ``file:line`` with the text of that line.
Knows nothing of columns or formats.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from keras_vnn.basics.errors import ReadError, VNNError
from keras_vnn.basics.files import encoding_of, existing_file, read_lines, refuse_bytes
from keras_vnn.basics.unpacking import NOT_TEXT, open_unpacked

COMMENT_MARKS = ("#", "!")
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
    """

    path: Path
    magic: bytes
    comments: tuple[tuple[int, str], ...]
    lines: tuple[tuple[int, str], ...]

    @property
    def first(self) -> str:
        """The first of the lines, empty where there is none."""
        return self.lines[0][1] if self.lines else ""

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
    magic = _first_bytes(path)
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
            if text.startswith(COMMENT_MARKS) or (comments[-1:] == [(1, text_above)] and text_above in GCT):
                comments.append((number, text))
            elif text.strip():
                lines.append((number, text))
                characters += len(text)
            else:
                blank += 1
            text_above = text
            if blank > _MOST_BLANK:
                raise ReadError(
                    f"More than {_MOST_BLANK:,} lines are blank at the beginning: {path}:{number}\n"
                    "Was it damaged? Download it again."
                )
            if len(lines) >= _PREVIEW_LINES or (characters >= _PREVIEW_CHARACTERS and len(lines) >= 5):
                break
    if not lines and not comments:
        raise ReadError(f"The file holds blank lines only: {path}\nWas its download interrupted?")
    return Preview(path, magic, tuple(comments), tuple(lines))


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
    """Return what a JSON file holds; an error says where it is not JSON."""
    try:
        return json.loads("\n".join(read_lines(path)), **options)
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
        self._last = ""
        self._fields = 0

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
        if block and block[-1] != "\n":
            block += self._stream.readline(_LONGEST)
        if "\0" in block:
            refuse_bytes(self._path)
        self._refuse_wide_rows(block)
        self._line_ends += block.count("\n")
        self._last = block[-1:] or self._last
        return self._with_wide_rows_cut(block)

    def _refuse_wide_rows(self, block: str) -> None:
        """Raise when a line has far more fields than the others; only lines that long are looked at."""
        end = block.find("\n")
        fields = self._fields + self._marks(block[: end if end >= 0 else len(block)])
        start = 0
        while fields <= self._most and end >= 0 and len(block) - end > self._most:
            start = end + 1
            # The last line end within reach; where there is none, the line is a long one.
            end = block.rfind("\n", start, start + self._most)
            if end < 0:
                end = block.find("\n", start)
                fields = self._marks(block[start : end if end >= 0 else len(block)])
        if fields > self._most:
            line = self._skipped + self._line_ends + block.count("\n", 0, start) + 1
            raise ReadError(
                f"A row has more than {self._most:,} fields, the others {self._width:,}: {self._path}:{line}\n"
                "Was the file damaged? Download it again."
            )
        begins = block.rfind("\n") + 1
        self._fields = self._marks(block[begins:]) + (0 if begins else self._fields)

    def _with_wide_rows_cut(self, block: str) -> str:
        parts: list[str] = []
        start = done = 0
        while len(block) - start > self.widest:
            # The last line end within reach; where there is none, the line is a long one.
            end = block.rfind("\n", start, start + self.widest + 1)
            if end < 0:
                end = block.find("\n", start)
                end = end if end >= 0 else len(block)
                if self._marks(block[start:end]) >= self.widest:
                    parts += [block[done:start], self._cut(block[start:end])]
                    done = end
            start = end + 1
        return "".join([*parts, block[done:]]) if parts else block

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


def _first_bytes(path: Path) -> bytes:
    with open_unpacked(path) as raw:
        return raw.read(64)
