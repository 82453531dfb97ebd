"""Columns of a tab-separated file whose format fixes their places (GAF, GPAD, gene2go, Reactome).

In: a `Preview` and which columns to take. Out: a DataFrame of categorical columns indexed by line number.
A column of half a million short words takes a few MB this way. Knows nothing of what the columns mean.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.provenance import AuditEntry
from keras_vnn.readers.rows import check_malformed
from keras_vnn.readers.text import CheckedStream, Preview, at, open_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TabLayout", "read_tab_columns"]

_CHUNK_ROWS = 1 << 18


@dataclass(frozen=True, slots=True)
class TabLayout:
    """Where a format keeps what.

    Attributes
    ----------
    title
        What one row is called in messages, e.g. ``GAF row``.
    columns
        Position, from 0, of each column to take, by the name it gets.
    fewest, most
        Numbers of columns a row may have.
    required
        Names of the columns that may not be empty.
    comment
        How comment lines begin.
    """

    title: str
    columns: Mapping[str, int]
    fewest: int
    most: int
    required: tuple[str, ...]
    comment: str = "!"

    @property
    def expected(self) -> str:
        """Numbers of columns, in words."""
        return f"{self.fewest}" if self.fewest == self.most else f"{self.fewest} to {self.most}"


def read_tab_columns(
    start: Preview, layout: TabLayout, *, malformed: str | None = None
) -> tuple[pd.DataFrame, int, tuple[AuditEntry, ...]]:
    """Read columns of a tab-separated file; comment lines and blank lines are left out wherever they stand.

    Parameters
    ----------
    start
        The beginning of the file.
    layout
        Where its columns are.
    malformed
        ``raise`` or ``skip``; ``None`` is to raise where the user has no choice.

    Returns
    -------
    frame
        A categorical column per name in ``layout.columns``, with the line number as index.
    records
        Data rows in the file, malformed ones included.
    dropped
        Malformed rows, for the audit.

    Raises
    ------
    ReadError
        A row has too few or too many columns or an empty field and is not to be skipped; or there is no row.
    """
    if malformed is not None:
        check_malformed(malformed)
    path = start.path
    # Nearly always filled: whether it is empty tells short rows apart without counting the tabs of every line.
    last = layout.fewest - 1
    wanted = sorted({0, last, layout.most, *layout.columns.values()})
    header = "\t".join(map(str, range(layout.most + 1))) + "\n"
    with open_text(path) as text:
        try:
            parts = pd.read_csv(
                CheckedStream(text, header, path, mark="\t", width=layout.most, skipped=0),
                sep="\t",
                usecols=[str(column) for column in wanted],
                dtype=object,  # pandas 3 would make numbers of the categories: 7 of the name 007
                na_filter=False,
                skip_blank_lines=False,
                quoting=csv.QUOTE_NONE,
                index_col=False,
                engine="c",
                chunksize=_CHUNK_ROWS,
            )
            frame = _joined([part.astype("category") for part in parts])
        except pd.errors.ParserError as error:
            raise ReadError(
                f"Cannot split {path} into columns: {error}\nIs it a table of text? Look at it: head {path.name}"
            ) from error
    frame.columns = wanted
    frame.index = np.arange(1, len(frame) + 1)
    blank = _all_blank(frame)
    frame = frame[~(_holds(frame[0], lambda word: word.startswith(layout.comment)) | blank)]
    records = len(frame)
    if not records:
        raise ReadError(f"The file has no data rows: {path}\nIs it truncated?")
    required = {name: layout.columns[name] for name in layout.required}
    suspicious = _is_blank(frame[last]) | ~_is_blank(frame[layout.most])
    for column in required.values():
        suspicious |= _is_blank(frame[column])
    lines = frame.index[suspicious].tolist()
    wrong = _wrong_lines(start, layout, lines, required) if lines else {}
    if wrong and malformed != "skip":
        line = min(wrong)
        raise ReadError(
            f"{wrong[line]}: {at(path, line)}\n"
            "Is the file truncated?"
            + (' Pass malformed="skip" to count such rows in the audit and go on.' if malformed else "")
        )
    dropped = AuditEntry.of("read", "row", "malformed", [f"{path.name}:{line}" for line in wrong])
    frame = frame[~frame.index.isin(list(wrong))] if wrong else frame
    taken = pd.DataFrame({name: frame[column] for name, column in layout.columns.items()}, index=frame.index)
    return taken, records, (dropped,) if wrong else ()


def _wrong_lines(
    start: Preview, layout: TabLayout, lines: Collection[int], required: Mapping[str, int]
) -> dict[int, str]:
    """Return what is wrong with these lines, by number; some may turn out to be right."""
    wrong: dict[int, str] = {}
    suspects = set(lines)
    with open_text(start.path) as text:
        for number, line in enumerate(islice(text, max(suspects)), 1):
            if number not in suspects:
                continue
            fields = line.rstrip("\r\n").split("\t")
            if not layout.fewest <= len(fields) <= layout.most:
                many = f"{len(fields)} column{'' if len(fields) == 1 else 's'}"
                wrong[number] = f"{layout.title} has {many}, expected {layout.expected}"
                continue
            empty = [name for name, column in required.items() if column >= len(fields) or not fields[column].strip()]
            if empty:
                wrong[number] = f"{layout.title} has no {empty[0]}"
    return wrong


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    columns = {name: union_categoricals([part[name] for part in parts], sort_categories=True) for name in parts[0]}
    return pd.DataFrame(columns)


def _holds(column: pd.Series, test: Callable[[str], bool]) -> NDArray[np.bool_]:
    """Return, for each row, whether its word passes a test; the test runs once per distinct word."""
    words = np.array([test(word) for word in column.cat.categories], bool)
    codes = column.cat.codes.to_numpy()
    result: NDArray[np.bool_] = words[codes] if len(words) else np.zeros(len(codes), bool)
    return result


def _is_blank(column: pd.Series) -> NDArray[np.bool_]:
    return _holds(column, lambda word: not word.strip())


def _all_blank(frame: pd.DataFrame) -> NDArray[np.bool_]:
    blank = np.ones(len(frame), bool)
    for column in frame.columns:
        blank &= _is_blank(frame[column])
    return blank
