"""The one reader of rows: the columns of a delimited text by their positions, with the lines they come from.

In: where the columns are, as a format fixes it (`Fixed`) or as a `Layout` tells. Out: a `Table`, or pieces of one; a
column of half a million short words takes a few MB, and of a file of many million rows only those kept take any.
Knows nothing of what the columns mean.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from keras_vnn.basics.errors import ReadError, check_choice, counted
from keras_vnn.basics.files import MOST_CELLS, read_lines
from keras_vnn.basics.provenance import AuditEntry, Source
from keras_vnn.basics.remedies import remedy
from keras_vnn.readers.layout import Layout
from keras_vnn.readers.text import COMMENT_MARKS, CheckedStream, Preview, at, open_text, texts_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What may name a target of DREM, in words.
DREM_IDS = {"symbol": "symbol", "ensembl": "Ensembl id"}

# The path of rows of a DataFrame.
IN_MEMORY = Path("the DataFrame")

# Rows parsed together: words become categories before the next are read.
_AT_ONCE = 1 << 18


@dataclass(frozen=True, slots=True)
class Options:
    """What the user said about a file; each format takes what concerns it.

    Attributes
    ----------
    columns, delimiter, header, malformed
        As in `read.interactions`.
    at_least
        Smallest score to keep.
    sif_types
        Interaction types to take; empty for those the family is known by (SIF), or for all.
    drem_id
        ``symbol`` or ``ensembl``.
    format_named
        Whether the user named the format.
    id
        Which of its names a database of interactions is read by; ``None`` for the best it has.
    taxon
        Species to keep, ``"all"`` for every one; ``None`` where the file must be of one.
    species
        Species of Reactome to keep, three letters as in its ids; ``None`` for all.
    repeated_sets
        What becomes of gene sets of one name: ``raise``, ``merge`` or ``number``.
    """

    columns: Sequence[int | str] | None = None
    delimiter: str | None = None
    header: bool | None = None
    malformed: str = "raise"
    at_least: float | None = None
    sif_types: tuple[str, ...] = ()
    drem_id: str = "symbol"
    format_named: bool = False
    id: str | None = None
    taxon: str | None = None
    species: str | None = None
    repeated_sets: str = "raise"

    def __post_init__(self) -> None:
        """Check what can be checked without a file."""
        check_choice("malformed", self.malformed, ("raise", "skip"))
        check_choice("drem_id", self.drem_id, DREM_IDS)
        check_choice("repeated_sets", self.repeated_sets, ("raise", "merge", "number"))

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns that were given by name."""
        named = self.columns if isinstance(self.columns, Collection) else ()
        return tuple(column for column in named if isinstance(column, str))


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows of a file, and what to say about them.

    Attributes
    ----------
    frame
        A row per record that was kept, with its line number as index. Of two names a row: ``first`` and ``second``,
        and where there are such ``number`` (float64) and ``effect``; of annotations: see `read.annotations`.
    path
        The file; `IN_MEMORY` for a DataFrame.
    format
        The format and the columns, in words.
    records
        Data rows in the file, before anything was left out.
    dropped
        What was left out, for the audit.
    release
        The release the file states.
    term_names
        Names of terms by id, where the file has them.
    """

    frame: pd.DataFrame
    path: Path
    format: str
    records: int
    dropped: tuple[AuditEntry, ...] = ()
    release: str = ""
    term_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def source(self) -> Source:
        """The file, with its digest; or the DataFrame."""
        if self.path is IN_MEMORY:
            return Source("DataFrame", "memory", records=self.records)
        return Source.of_file(self.path, self.format, records=self.records, release=self.release)

    @property
    def lines(self) -> NDArray[np.int64]:
        """``(rows,)`` line numbers."""
        lines: NDArray[np.int64] = self.frame.index.to_numpy(dtype=np.int64)
        return lines

    def keeping(self, wanted: NDArray[np.bool_], subject: str, reason: str) -> Table:
        """Return the wanted rows; the others are counted."""
        if wanted.all():
            return self
        entry = AuditEntry("read", subject, reason, int((~wanted).sum()))
        return replace(self, frame=self.frame[wanted], dropped=(*self.dropped, entry))

    def without_titles(self, column: str, is_title: Callable[[str], bool]) -> Table:
        """Return the table without rows that are a header: one that lost its ``#`` is a row among the others."""
        titles = of_each(self.frame[column], is_title, bool)
        return replace(self, frame=self.frame[~titles], records=self.records - int(titles.sum()))

    def with_each(self, function: Callable[[str], Any], *columns: str, dtype: Any = object) -> Table:
        """Return the table with a function of each word of some columns in its place."""
        changed = {name: of_each(self.frame[name], function, dtype) for name in columns}
        return replace(self, frame=self.frame.assign(**changed))

    def left_out(self) -> str:
        """Return what was left out, a line for each reason."""
        return "\n".join(f"    {entry}" for entry in self.dropped if entry.count)


@dataclass(frozen=True, slots=True)
class Fixed:
    """Where a tab-separated format keeps what.

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
    """

    title: str
    columns: Mapping[str, int]
    fewest: int
    most: int
    required: tuple[str, ...]

    def fault_of(self, text: str) -> str:
        """Say what is wrong with a line; empty where nothing is."""
        fields = text.rstrip("\r\n").split("\t")
        if not self.fewest <= len(fields) <= self.most:
            expected = f"{self.fewest}" if self.fewest == self.most else f"{self.fewest} to {self.most}"
            return f"{self.title} has {counted(len(fields), 'column')}, expected {expected}"
        empty = (name for name in self.required if not fields[self.columns[name]].strip())
        return next((f"{self.title} has no {name}" for name in empty), "")


def read_fixed(start: Preview, layout: Fixed, said: str, *, malformed: str | None = None) -> Table:
    """Read columns of a tab-separated file; comment lines and blank lines are left out wherever they are.

    Parameters
    ----------
    start
        The beginning of the file.
    layout
        Where its columns are.
    said
        The format, in words.
    malformed
        ``raise`` or ``skip``; ``None`` is to raise where the user has no choice.

    Returns
    -------
    Table
        With a categorical column per name in ``layout.columns``.

    Raises
    ------
    ReadError
        A row has too few or too many columns or an empty field and is not to be skipped; or there is no row.
    """
    path = start.path
    # Nearly always filled: whether it is empty tells short rows apart without counting the tabs of every line.
    filled = {layout.fewest - 1, *(layout.columns[name] for name in layout.required)}
    wrong: list[int] = []
    parts = []
    # Piece by piece, so that a file of nothing but malformed rows is refused at its first.
    for part in pieces(path, {0, *filled, *layout.columns.values()}, width=layout.most):
        is_suspicious = np.logical_or.reduce([part[layout.most] != "", *(part[column] == "" for column in filled)])
        # Some turn out to be right.
        for line, text in texts_at(path, part.index[is_suspicious].tolist()):
            if fault := layout.fault_of(text):
                if malformed != "skip":
                    raise ReadError(
                        f"{fault}: {at(path, line)}\nIs the file truncated?{to_skip() if malformed else ''}"
                    )
                wrong.append(line)
        parts.append(part)
    frame = joined(parts)
    records = len(frame)
    if not records:
        raise ReadError(f"The file has no data rows: {path}\nIs it truncated?")
    if wrong:
        frame = frame[~frame.index.isin(wrong)]
    taken = pd.DataFrame({name: frame[column] for name, column in layout.columns.items()}, index=frame.index)
    return Table(taken, path, said, records, (left_out(path, wrong),))


def left_out(path: Path, lines: Iterable[int], reason: str = "malformed") -> AuditEntry:
    """Return the entry about rows of a file that were left out, by their lines."""
    return AuditEntry.of("read", "row", reason, [f"{path.name}:{line}" for line in lines])


def least_score(options: Options) -> str:
    """Return the least score that was asked for, as it was asked."""
    least = options.at_least or 0
    return remedy("{min_score}", "A least score", min_score=int(least) if float(least).is_integer() else least)


def to_skip() -> str:
    """Return how to go on without rows that are malformed."""
    return remedy(" Pass {malformed} to count such rows in the audit and go on.", malformed="skip")


def of_each(column: Any, function: Callable[[str], Any], dtype: Any = object) -> NDArray[Any]:
    """Return a function of each text of a column, computed once per distinct text."""
    codes, words = pd.factorize(column)
    # One more: a missing text has the code -1.
    values = np.zeros(len(words) + 1, dtype=dtype)
    values[:-1] = [function(str(word)) for word in words]
    result: NDArray[Any] = values[codes]
    return result


def refuse_narrow(start: Preview, width: int, expected: int, line: int = 1) -> None:
    """Raise a `ReadError` unless the rows of a file have as many columns as a format needs."""
    if width < expected:
        raise ReadError(
            f"The file has {counted(width, 'column')}, expected at least {expected}: {at(start.path, line)}\n"
            "Is it of another format, or are its columns separated in another way?"
            + remedy(" Leave out {format}", format=...)
        )


def pieces_of(layout: Layout, used: Sequence[int]) -> Iterator[pd.DataFrame]:
    """Yield the `pieces` of a table that was laid out.

    Raises
    ------
    ReadError
        The rows are too short for the columns wanted.
    """
    refuse_narrow(layout.preview, layout.width, max(used) + 1, layout.rows[0][0])
    yield from pieces(
        layout.preview.path,
        {0, *used},
        width=layout.width,
        mark=layout.delimiter,
        quoted=layout.quoted,
        skipped=layout.skipped,
    )


def read_named(layout: Layout, columns: Mapping[str, int], said: str, malformed: str) -> Table:
    """Return some columns by name; with ``malformed="skip"``, rows of more fields than the others are left out.

    Raises
    ------
    ReadError
        A row has more fields than the others, and is not to be skipped.
    """
    path = layout.preview.path
    frame = joined(pieces_of(layout, [*columns.values()]))
    wide = (frame[layout.width] != "").to_numpy()
    if wide.any() and malformed == "raise":
        refuse_row(layout, int(frame.index[wide][0]), f"The row has more than {counted(layout.width, 'column')}")
    entry = left_out(path, frame.index[wide], "more columns than the other rows")
    taken = pd.DataFrame({name: frame[place][~wide] for name, place in columns.items()})
    return Table(taken, path, said, len(taken), (entry,))


def pieces(
    path: Path,
    wanted: set[int],
    *,
    width: int,
    mark: str = "\t",
    quoted: bool = False,
    skipped: int = 0,
    rows: int = _AT_ONCE,
) -> Iterator[pd.DataFrame]:
    """Yield the rows of a delimited text in pieces, with their line numbers as index, without comments and blank lines.

    Columns are numbered from 0 by position and categorical, without white space around their words; the column
    ``width`` holds a field beyond the last.

    Raises
    ------
    ReadError
        The bytes are not text, a row is far wider than the others, or a quoted field spans lines.
    """
    names = mark.join(map(str, range(width + 1))) + "\n"
    taken = sorted({*wanted, width})
    parsed = 0
    blank: set[int] | None = None
    with open_text(path) as text:
        for _ in islice(text, skipped):
            pass
        stream = CheckedStream(text, names, path, mark=mark, width=width, skipped=skipped, quoted=quoted)
        try:
            read = pd.read_csv(
                stream,
                sep=r"\s+" if mark == " " else mark,
                usecols=[str(column) for column in taken],
                # pandas 3 would make numbers of categories: 7 of the name 007.
                dtype=object,
                na_filter=False,
                skip_blank_lines=False,
                quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
                index_col=False,
                engine="c",
                chunksize=min(rows, max(1, MOST_CELLS // stream.widest)),
            )
            for frame in read:
                frame.columns = pd.Index(taken)
                frame.index = pd.RangeIndex(skipped + parsed + 1, skipped + parsed + len(frame) + 1)
                parsed += len(frame)
                frame = frame.astype("category")
                kept = ~of_each(frame[0], lambda word: word.startswith(COMMENT_MARKS), bool)
                unnamed = frame.index[of_each(frame[0], lambda word: not word.strip(), bool)]
                if len(unnamed):
                    # Its first field may be empty and the line not blank.
                    blank = _blank_lines(path) if blank is None else blank
                    kept &= ~frame.index.isin([line for line in unnamed if line in blank])
                yield pd.DataFrame({name: _stripped(column) for name, column in frame[kept].items()})
        except pd.errors.ParserError as error:
            if quoted:
                _refuse_open_quote(path)
            raise ReadError(
                f"Cannot split {path} into columns: {error}\nIs it a table of text? Look at it: head {path.name}"
            ) from error
        if quoted and stream.lines != parsed:
            _refuse_open_quote(path)


def _stripped(column: pd.Series) -> pd.Series:
    words = column.cat.categories
    if all(word == word.strip() for word in words):
        return column
    return pd.Series(of_each(column, str.strip), column.index, dtype=object).astype("category")


def joined(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return pieces as one table."""
    listed = list(parts)
    # The categories of no words are of no type.
    listed = [part for part in listed if len(part)] or listed[:1]
    if len(listed) == 1:
        return listed[0]
    columns: dict[Any, Any] = {}
    for name, dtype in listed[0].dtypes.items():
        same = [part[name] for part in listed]
        if isinstance(dtype, pd.CategoricalDtype):
            columns[name] = union_categoricals(same, sort_categories=True)
        else:
            columns[name] = np.concatenate([column.to_numpy() for column in same])
    return pd.DataFrame(columns, index=np.concatenate([part.index.to_numpy() for part in listed]))


def _blank_lines(path: Path) -> set[int]:
    with open_text(path) as text:
        return {number for number, line in enumerate(text, 1) if not line.strip()}


def refuse_row(layout: Layout, line: int, what: str) -> NoReturn:
    """Raise the `ReadError` about one row, with its place, its text and what to do."""
    if layout.quoted:
        _refuse_open_quote(layout.preview.path)
    ways = (
        remedy("Pass {malformed} to count such rows in the audit and go on", malformed="skip"),
        remedy("name other columns: {columns}", columns=...),
    )
    raise ReadError(f"{what}: {at(layout.preview.path, line)}\n{', or '.join(filter(None, ways))}")


def _refuse_open_quote(path: Path) -> None:
    for number, text in enumerate(read_lines(path), 1):
        if text.count('"') % 2:
            raise ReadError(
                f"A double quote is opened and not closed on its line: {at(path, number)}\n"
                "Close it, or write the field without quotes."
            )
