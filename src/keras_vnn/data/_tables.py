"""Delimited text whose first column names the rows, and tables that describe the cells.

In: the path of a CSV or TSV file, plain or gzip. Out: a `TextTable`: names of rows and columns, and the body as
pandas parsed it; the columns of a cell table, joined to an AnnData by cell id. Knows nothing of expression values.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from keras_vnn.basics.errors import DataError, ReadError, sample
from keras_vnn.basics.files import decompressed, existing_file, read_lines
from keras_vnn.data._stores import with_obs

if TYPE_CHECKING:
    import anndata

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
    """

    path: Path
    separator: str
    corner: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    body: Any


def read_table(
    path: str | os.PathLike[str], what: str = "table", *, missing: Sequence[str] = (), names_column: str = ""
) -> TextTable:
    """Read a table with one header line and the names of its rows in the first column.

    The separator is tab, comma, semicolon or space, whichever splits header and first row alike; fields may be
    quoted; the header may be one field short, as R writes it. With semicolons, a comma is a decimal mark.

    Parameters
    ----------
    path
        CSV or TSV file, plain or gzip.
    what
        What to call the file in errors.
    missing
        Texts of the body that mean a missing value; by default none, so that such a text stays a text.
    names_column
        Take the row names from the column with this name, if there is one, not from the first.

    Raises
    ------
    ReadError
        The file is missing, empty, damaged, no UTF-8 text, has one column, no row, or rows of unequal length.
    """
    found = existing_file(path, what)
    content = _text_bytes(found)
    stream = io.BytesIO(content)
    header = _next_line(stream)
    start = stream.tell()
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
            f"The header has {len(fields):,} fields, the first row {width:,}: {found}\n"
            "Expected equally many, or one fewer in the header (as R writes it)."
        )
    if len(fields) < width and not _split(first, separator)[-1]:
        raise ReadError(
            f"The rows end with a separator that the header lacks: {found}:2\n"
            f"    {first[:60]}\n"
            "Remove it, or write one at the end of the header too and name that column."
        )
    names = fields if len(fields) == width else ["", *fields]
    at = names.index(names_column) if names_column and names_column in names else 0
    stream.seek(start)
    try:
        frame = pd.read_csv(
            stream,
            sep=separator,
            header=None,
            dtype={at: str},
            keep_default_na=False,
            na_values={column: list(missing) for column in range(width) if column != at} if missing else None,
            decimal="," if separator == ";" and "," in first else ".",
            skipinitialspace=separator != " ",
            low_memory=False,
            encoding="utf-8",
        )
    except UnicodeDecodeError:
        read_lines(found)
        raise
    except pd.errors.ParserError as error:
        raise _ragged(found, separator, width) or ReadError(f"The {what} cannot be parsed: {found}\n{error}") from error
    rows = tuple(frame[at].astype(str).str.strip())
    # Taking out the first of many columns by pop costs time by the square of their number.
    frame = frame.iloc[:, 1:] if at == 0 else frame.drop(columns=at)
    frame.columns = range(width - 1)
    return TextTable(found, separator, names.pop(at), rows, tuple(names), frame)


def line_of_row(table: TextTable, row: int) -> int:
    """Return the line of the file on which a row of the body ends.

    Raises
    ------
    ReadError
        That row has fewer or more fields than the first.
    """
    width = len(table.columns) + 1
    for number, (line, fields) in enumerate(_records(table.path, table.separator)):
        if number == row + 1:
            if len(fields) != width:
                raise _unequal(table.path, line, fields, width, table.separator)
            return line
    return 0


def _ragged(path: Path, separator: str, width: int) -> ReadError | None:
    records = _records(path, separator)
    next(records, None)
    return next(
        (_unequal(path, line, fields, width, separator) for line, fields in records if len(fields) != width), None
    )


def _unequal(path: Path, line: int, fields: list[str], width: int, separator: str) -> ReadError:
    text = separator.join(fields)
    return ReadError(
        f"A row has {len(fields):,} fields, expected {width:,} as in the first row: {path}:{line}\n"
        f"    {text[:60]}{' …' if len(text) > 60 else ''}\n"
        "Is the file truncated, or does a name hold the separator without quotes?"
    )


def _records(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the fields of each record that is not blank."""
    reader = csv.reader(read_lines(path), delimiter=separator)
    for fields in _fields(reader, path):
        if fields and (len(fields) > 1 or fields[0].strip()):
            yield reader.line_num, fields


def _fields(reader: Any, path: Path) -> Iterator[list[str]]:
    """Yield what a csv reader gives, with an error that names the file."""
    try:
        yield from reader
    except csv.Error as error:
        raise ReadError(
            f"A row cannot be split into fields: {path}:{reader.line_num}\n{error}\nIs a quote opened and not closed?"
        ) from error


def _text_bytes(path: Path) -> bytes:
    """Return the content as UTF-8 bytes without a byte order mark, with line ends that end in a line feed."""
    content = decompressed(path)
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
    try:
        fields = next(csv.reader([line], delimiter=separator, skipinitialspace=separator != " "), [])
    except csv.Error:  # a "field" longer than the limit of the csv module: not the separator
        return [line]
    return [field.strip() for field in fields]


MISSING_LABELS = ("", "NA", "N/A", "NaN", "nan", "#N/A", "<NA>")


def read_cells(cells: Any) -> pd.DataFrame:
    """Return the table of the cells with their ids as index.

    Raises
    ------
    DataError
        A cell occurs more than once.
    """
    if hasattr(cells, "columns") and hasattr(cells, "index"):
        described = cells.set_axis(cells.index.astype(str), axis=0)
        where = ""
    else:
        table = read_table(cells, "cell table", missing=MISSING_LABELS, names_column="index")
        described = table.body.set_axis(list(table.rows), axis=0).set_axis(list(table.columns), axis=1)
        where = str(table.path)
    check_cell_names(tuple(described.index), where)
    described.attrs["where"] = where
    return described


def join_cells(adata: anndata.AnnData, described: pd.DataFrame) -> tuple[anndata.AnnData, str]:
    """Return a copy whose ``obs`` has the columns of the table, and a sentence that says so.

    Raises
    ------
    DataError
        A cell is not in the table.
    """
    names = [str(name) for name in adata.obs_names]
    known = set(described.index)
    unknown = [name for name in names if name not in known]
    if unknown:
        where = described.attrs["where"]
        raise DataError(
            f"{len(unknown):,} of {len(names):,} cells are not in the cell table{where and f': {where}'}\n"
            f"    {sample(unknown)}\n"
            f"The table names cells such as {sample(described.index, 3)}.\n"
            "Cells are joined by their ids, in the first column of the table."
        )
    obs = adata.obs.copy()
    for column in described.columns:
        obs[column] = described[column].loc[names].array
    joined = with_obs(adata, obs)
    said = f"{len(names):,} cells described by {len(described.columns)} columns of the cell table"
    more = len(known) - len(names)
    return joined, said + (f"; {more:,} of its rows are cells that are not here" if more else "")


def check_cell_names(cells: Sequence[str], where: str) -> None:
    """Raise a `DataError` when a cell occurs more than once."""
    if len(set(cells)) == len(cells):
        return
    repeated = [name for name, count in Counter(cells).items() if count > 1]
    raise DataError(
        f"{len(repeated):,} of {len(set(cells)):,} cell names occur more than once{where and f': {where}'}\n"
        f"    {sample(repeated)}\n"
        "Make the names unique, or write the header line if it is missing."
    )
