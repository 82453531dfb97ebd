"""Expression and cells as tables: delimited text in the forms that programs write it.

In: the path of a table with a header line, perhaps below comments, with the names of its rows in a column. Out: a
`TextTable`. Knows GCT and featureCounts by their look; knows nothing of genes and cells beyond that.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from keras_vnn.basics.errors import ReadError, counted
from keras_vnn.basics.files import existing_file, is_filled_up, read_lines
from keras_vnn.basics.unpacking import NOT_TEXT, columnar_kind, open_unpacked
from keras_vnn.priors.genes import GENE_WORDS
from keras_vnn.readers.layout import is_number_of_thousands
from keras_vnn.readers.text import COMMENT_MARKS, GCT, SEPARATOR_LINE

# The first columns of featureCounts.
FEATURE_COUNTS = ("Geneid", "Chr", "Start", "End", "Strand", "Length")
_WITH_COMMA = re.compile(rb'(?<=[;\t"])[+-]?\d+,\d+(?=[;\t"\s])')
_LOOKED_AT = 1 << 20
SEPARATORS = ("\t", ",", ";", " ")


@dataclass(frozen=True, slots=True, eq=False)
class TextTable:
    """A table of a text file.

    Attributes
    ----------
    path
        The file.
    separator
        What stands between two fields.
    corner
        The header's name of the column of row names; empty where the header (as R writes it) is one field short.
    rows, columns
        Names of both axes, surrounding white space removed.
    body
        DataFrame ``(rows, columns)``, both numbered from 0.
    kind
        What it is called: ``text table``, ``GCT``, ``featureCounts``, ``Parquet table`` or ``Feather table``.
    above
        Lines before the header that are not blank.
    """

    path: Path
    separator: str
    corner: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    body: Any
    kind: str = "text table"
    above: int = 0

    @property
    def aside(self) -> tuple[str, ...]:
        """The columns that say something of the genes: other names, and what a known program writes."""
        known = {"GCT": ("Description",), "featureCounts": FEATURE_COUNTS[1:]}.get(self.kind, ())
        return tuple(
            name
            for name, values in zip(self.columns, self.body.dtypes, strict=True)
            if name in known or (values.kind not in "biuf" and GENE_WORDS.fullmatch(name.casefold()) is not None)
        )


def read_table(
    path: str | os.PathLike[str], what: str = "table", *, missing: Sequence[str] = (), names_column: int | str = ""
) -> TextTable:
    """Read a table with one header line and the names of its rows in the first column.

    The separator is tab, comma, semicolon or space, whichever splits header and first row alike; fields may be
    quoted; the header may be one field short, as R writes it. With semicolons, a comma is a decimal mark.

    Parameters
    ----------
    path
        CSV or TSV file, plain or packed, or a Parquet or Feather table.
    what
        What to call the file in errors.
    missing
        Texts of the body that mean a missing value; by default none, so that such a text stays a text.
    names_column
        Take the row names from the column with this name, or number from 1, if there is one, not from the first.

    Raises
    ------
    ReadError
        The file is missing, empty, damaged, no UTF-8 text, has one column, no row, or rows of unequal length.
    """
    found = existing_file(path, what)
    content = _text_bytes(found, what)
    stream = io.BytesIO(content)
    above, header, start = _header(stream)
    content = content[start:] if above else content
    first = _next_line(stream)
    if not header.strip():
        raise ReadError(f"The {what} {found} holds blank lines only.\nWas its download interrupted?")
    if not first.strip():
        raise ReadError(f"The {what} has a header and no row: {found}\n    {header[:60]}")
    separator = _separator(header, first)
    fields = _split(header, separator)
    width = len(_split(first, separator))
    if width < 2:
        raise ReadError(
            f"The {what} has one column, expected names and at least one column of values: {found}:1\n"
            f"    {header[:60]}\n"
            "The separator may be a tab, a comma, a semicolon or a space."
        )
    if len(fields) not in (width, width - 1):
        raise ReadError(
            f"The header has {counted(len(fields), 'field')}, the first row {width:,}: {found}\n"
            "Expected equally many, or one fewer in the header (as R writes it)."
        )
    if len(fields) < width and not _split(first, separator)[-1]:
        raise ReadError(
            f"The rows end with a separator that the header lacks: {found}:2\n"
            f"    {first[:60]}\n"
            "Remove it, or write one at the end of the header too and name that column."
        )
    if is_filled_up(content, separator, width) and (error := _ragged(found, separator, width, len(above))):
        raise error
    names = fields if len(fields) == width else ["", *fields]
    numbered = names[names_column - 1 : names_column] if isinstance(names_column, int) else [names_column]
    at = next((names.index(name) for name in numbered if name and name in names), None)
    at = _column_of_names(names, _split(first, separator)) if at is None else at
    stream.seek(start)
    try:
        frame = pd.read_csv(
            stream,
            # Columns may be aligned by several blanks.
            sep=r"\s+" if separator == " " else separator,
            header=None,
            dtype={at: str},
            keep_default_na=False,
            na_values={column: list(missing) for column in range(width) if column != at} if missing else None,
            decimal="," if _has_decimal_commas(content, separator) else ".",
            skipinitialspace=separator != " ",
            low_memory=False,
            encoding="utf-8",
        )
    except UnicodeDecodeError:
        read_lines(found)
        raise
    except pd.errors.ParserError as error:
        ragged = _ragged(found, separator, width, len(above))
        raise ragged or ReadError(f"The {what} cannot be parsed: {found}\n{error}") from error
    rows = tuple(frame[at].astype(str).str.strip())
    # Taking out the first of many columns by pop costs time by the square of their number.
    frame = frame.iloc[:, 1:] if at == 0 else frame.drop(columns=at)
    corner = names.pop(at)
    if at and not names[0]:  # which numbers the rows
        names, frame = names[1:], frame.iloc[:, 1:]
    while names and not names[-1] and frame.iloc[:, -1].map(lambda value: value == "" or value != value).all():
        names, frame = names[:-1], frame.iloc[:, :-1]
    frame.columns = range(len(names))
    kind = "GCT" if above and above[0].strip() in GCT else "text table"
    if (corner, *names[:5]) == FEATURE_COUNTS:
        kind = "featureCounts"
    elif columnar := columnar_kind(found):
        kind = f"{columnar} table"
    return TextTable(found, separator, corner, rows, tuple(names), frame, kind, len(above))


def _has_decimal_commas(content: bytes, separator: str) -> bool:
    """Say whether a comma is the decimal mark: next to semicolons always, else if no number could be of thousands."""
    found = _WITH_COMMA.findall(content[:_LOOKED_AT])
    return bool(found) and (separator == ";" or any(not is_number_of_thousands(one.decode()) for one in found))


def _column_of_names(names: Sequence[str], first: Sequence[str]) -> int:
    """Return the position of the row names: the first column, unless it numbers the rows and another has genes."""
    if names[0].casefold() not in ("", "x", "unnamed: 0") or first[0] not in ("0", "1"):
        return 0
    of_genes = (i for i, name in enumerate(names) if i and GENE_WORDS.fullmatch(name.casefold()))
    return next((i for i in of_genes if not first[i].replace(".", "", 1).isdigit()), 0)


def _header(stream: io.BytesIO) -> tuple[list[str], str, int]:
    """Return the lines above the header, the header, and where the rows begin: below comments, and the sizes of GCT."""
    above: list[str] = []
    header = _next_line(stream)
    while (
        header.startswith(COMMENT_MARKS)
        or (len(above) == 1 and above[0].strip() in GCT)
        or (not above and SEPARATOR_LINE.fullmatch(header))
    ):
        at = stream.tell()
        below = _next_line(stream)
        if header.strip() not in GCT and header.startswith("#") and not below.startswith("#"):
            separator = _separator(header.lstrip("#! "), below)
            fields, values = _split(header.lstrip("#! "), separator), _split(below, separator)
            if 1 < len(fields) == len(values) and any(value.replace(".", "", 1).isdigit() for value in values):
                return above, header.lstrip("#! "), at
        above.append(header)
        header = below
    return above, header, stream.tell()


def line_of_row(table: TextTable, row: int) -> int:
    """Return the line of the file on which a row of the body ends.

    Raises
    ------
    ReadError
        That row has fewer or more fields than the first.
    """
    width = len(table.columns) + 1
    for number, (line, fields) in enumerate(_records(table.path, table.separator)):
        if number == row + 1 + table.above:
            while len(fields) > width and not fields[-1].strip():
                fields.pop()
            if len(fields) != width:
                raise _unequal(table.path, line, fields, width, table.separator)
            return line
    return 0


def _ragged(path: Path, separator: str, width: int, above: int) -> ReadError | None:
    records = islice(_records(path, separator), above + 1, None)
    return next(
        (_unequal(path, line, fields, width, separator) for line, fields in records if len(fields) != width), None
    )


def _unequal(path: Path, line: int, fields: list[str], width: int, separator: str) -> ReadError:
    text = separator.join(fields)
    return ReadError(
        f"A row has {counted(len(fields), 'field')}, expected {width:,} as in the first row: {path}:{line}\n"
        f"    {text[:60]}{' …' if len(text) > 60 else ''}\n"
        "Is the file truncated, or does a name hold the separator without quotes?"
    )


def _records(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the fields of each record that is not blank."""
    if separator == " ":
        yield from ((number, _split(line, " ")) for number, line in enumerate(read_lines(path), 1) if line.strip())
        return
    reader = csv.reader(read_lines(path), delimiter=separator)
    try:
        for fields in reader:
            if fields and (len(fields) > 1 or fields[0].strip()):
                yield reader.line_num, fields
    except csv.Error as error:
        raise ReadError(
            f"A row cannot be split into fields: {path}:{reader.line_num}\n{error}\nIs a quote opened and not closed?"
        ) from error


def _text_bytes(path: Path, what: str) -> bytes:
    """Return the content as UTF-8 bytes without a byte order mark, with line ends that end in a line feed."""
    with open_unpacked(path) as unpacked:
        beginning = unpacked.peek(64)
        title, advice = next((said for magic, said in NOT_TEXT.items() if beginning.startswith(magic)), ("", ""))
        if title:
            raise ReadError(f"The {what} is {title}, not text: {path}\n{advice}")
        content = unpacked.read()
    # GEO says where a series matrix ends.
    content = content.rstrip().removesuffix(b"!series_matrix_table_end") if content[:1] == b"!" else content
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content:
        return "\n".join(read_lines(path)).encode()
    content = content.removeprefix(b"\xef\xbb\xbf")
    return content if b"\n" in content else content.replace(b"\r", b"\n")


def _next_line(stream: io.BytesIO) -> str:
    for line in stream:
        if line.strip():
            return line.decode("utf-8", "replace").rstrip("\r\n")
    return ""


def _separator(header: str, row: str) -> str:
    """Return the separator that splits both lines alike into most fields, or else splits the row most."""
    widths = {separator: (len(_split(header, separator)), len(_split(row, separator))) for separator in SEPARATORS}
    alike = [one for one in SEPARATORS if widths[one][1] > 1 and widths[one][1] - widths[one][0] in (0, 1)]
    return max(alike or SEPARATORS, key=lambda one: widths[one][::-1])


def _split(line: str, separator: str) -> list[str]:
    if separator == " ":
        line = line.replace("\t", " ").rstrip()
    try:
        fields = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:  # a "field" longer than the limit of the csv module: not the separator
        return [line]
    return [field.strip() for field in fields]
