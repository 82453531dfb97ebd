"""The rows of a delimited text, read in chunks and checked.

In: a `Layout` and the `Columns` to read. Out: `Rows`: names, numbers, effects and their lines, and what was left out.
Knows nothing of interactions or regulation; a file of many million rows needs memory only for those kept.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from keras_vnn.basics.errors import ConfigError, ReadError
from keras_vnn.basics.files import read_lines
from keras_vnn.basics.provenance import AuditEntry
from keras_vnn.readers.columns import Columns, Layout, Roles, as_number, choose_columns, lay_out, normalized, split
from keras_vnn.readers.text import COMMENT_MARKS, CheckedStream, Preview, at, open_text

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "MALFORMED_POLICIES",
    "Rows",
    "check_malformed",
    "chunks",
    "read_pairs",
    "read_rows",
    "refuse_narrow",
    "refuse_row",
]

MALFORMED_POLICIES = ("raise", "skip")

_CHUNK_ROWS = 500_000
# Rows parsed together where all are wanted: words become categories before the next are read.
_AT_ONCE = 1 << 18


@dataclass(frozen=True, slots=True)
class Options:
    """What the user said about a file; each format takes what concerns it.

    Attributes
    ----------
    columns, delimiter, header, malformed
        As in `keras_vnn.readers.read_interactions`.
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

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns that were given by name."""
        named = self.columns if isinstance(self.columns, Collection) else ()
        return tuple(column for column in named if isinstance(column, str))


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What a format's parser found: columns of equal length, and what to say about them.

    Attributes
    ----------
    first, second
        ``(rows,)`` names, white space around them removed.
    line
        ``(rows,)`` int64 line numbers.
    format
        The format and the columns, in words.
    records
        Data rows in the file, before anything was left out.
    number, effect
        ``(rows,)`` float64 and effect words, or ``None`` where the file has none.
    dropped
        What was left out, for the audit.
    release
        The release the file states.
    signed
        Whether the sign of the number is the sign of an effect.
    """

    first: NDArray[np.object_]
    second: NDArray[np.object_]
    line: NDArray[np.int64]
    format: str
    records: int
    number: NDArray[np.float64] | None = None
    effect: NDArray[np.object_] | None = None
    dropped: tuple[AuditEntry, ...] = ()
    release: str = ""
    signed: bool = False


@dataclass(slots=True)
class _Count:
    records: int = 0
    header_again: int = 0
    below: int = 0
    largest: float = -np.inf
    malformed: Counter[str] = field(default_factory=Counter)
    where: dict[str, list[str]] = field(default_factory=dict)


def check_malformed(policy: str) -> None:
    """Raise a `ConfigError` unless the policy for malformed rows is known."""
    if policy not in MALFORMED_POLICIES:
        raise ConfigError(f"Unknown malformed={policy!r}.\nExpected one of: {', '.join(MALFORMED_POLICIES)}.")


def read_rows(
    layout: Layout,
    columns: Columns,
    roles: Roles | None = None,
    *,
    malformed: str = "raise",
    at_least: float | None = None,
    subject: str = "",
) -> Rows:
    """Read the chosen columns of every row.

    Parameters
    ----------
    layout, columns, roles
        Where the fields are, which to take, and what they stand for (only needed for numbers and effects).
    malformed
        ``"raise"``, or ``"skip"`` to count rows with an empty name or an impossible number and go on.
    at_least
        Leave out rows with a smaller number; they are counted as ``subject``.
    subject
        What a row stands for, in the audit.

    Raises
    ------
    ReadError
        A row is malformed, or there is no row.
    """
    check_malformed(malformed)
    path = layout.preview.path
    count = _Count()
    roles = roles or Roles(pair=lambda words: None, number=(), number_is="score")
    number_is = roles.number_is
    kept: list[tuple[Any, ...]] = []
    for frame, lines in chunks(layout, columns.used()):
        kept.append(_checked(frame, lines, layout, columns, roles, malformed, at_least, count))
    if not count.records:
        raise ReadError(f"The file has no data rows: {path}\nIs it truncated?")
    if at_least is not None and count.below and not any(len(found[0]) for found in kept):
        raise ReadError(
            f"None of {count.records:,} rows has a {number_is} of at least {at_least:g}; the largest is "
            f"{count.largest:g}: {path}\nPass a smaller min_score."
        )
    first, second, line, number, effect = (list(column) for column in zip(*kept, strict=True))
    entries = [
        AuditEntry("read", subject or roles.subject, f"{number_is} below {at_least:g}", count.below)
        if at_least is not None
        else None,
        AuditEntry("read", "row", "the header again", count.header_again),
        *(
            AuditEntry.of("read", "row", reason, count.where[reason], number)
            for reason, number in sorted(count.malformed.items())
        ),
    ]
    return Rows(
        np.concatenate(first),
        np.concatenate(second),
        np.concatenate(line),
        columns.described(layout, number_is),
        count.records,
        None if columns.number is None else np.concatenate(number),
        None if columns.effect is None else np.concatenate(effect),
        tuple(entry for entry in entries if entry is not None and entry.count),
        signed=columns.number is not None and normalized(layout.titles[columns.number]) in roles.signed,
    )


def read_pairs(
    start: Preview,
    options: Options,
    roles: Roles,
    *,
    said: str = "",
    columns: Callable[[Layout], Columns] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
) -> Rows:
    """Read a table of two names a row.

    Parameters
    ----------
    start, options
        The beginning of the file, and what the user said of it.
    roles
        What its columns stand for.
    said
        The format, in words, if it is more than a table.
    columns
        Where the columns are, if not where header and content tell.
    delimiter, header
        Those of the format, if it has its own.

    Raises
    ------
    ReadError
        There are no two columns of names, an effect is not known, or no score although ``min_score`` was given.
    """
    layout = lay_out(
        start,
        delimiter=options.delimiter or delimiter,
        header=options.header if header is None else header,
        named=options.column_names,
        roles=roles,
    )
    if columns is not None and options.columns is None:
        chosen = columns(layout)
    else:
        chosen = choose_columns(layout, roles, options.columns)
    if options.at_least is not None and chosen.number is None:
        raise ReadError(
            f"min_score={options.at_least:g} needs a column of scores: {start.path}\n"
            f"Read as: {chosen.described(layout, 'score')}\n"
            "Say which column it is, for example: columns=(1, 2, 3)"
        )
    rows = read_rows(layout, chosen, roles, malformed=options.malformed, at_least=options.at_least)
    return replace(rows, format=f"{said}, {rows.format}") if said else rows


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
        columns = f"{width} column{'' if width == 1 else 's'}"
        raise ReadError(
            f"The file has {columns}, expected at least {expected}: {at(start.path, line)}\n"
            "Is it of another format, or are its columns separated in another way? Leave out format=…"
        )


def chunks(layout: Layout, used: Sequence[int]) -> Iterator[tuple[Any, NDArray[np.int64]]]:
    """Yield DataFrames of text fields with their line numbers, comments and blank lines left out.

    Columns are numbered from 0 by position; the column ``layout.width`` holds a field beyond the last.

    Raises
    ------
    ReadError
        The rows are too short for the columns wanted, the bytes are not text, or a quoted field spans lines.
    """
    path = layout.preview.path
    refuse_narrow(layout.preview, layout.width, max(used) + 1, layout.rows[0][0])
    wanted = sorted({0, *used, layout.width})
    blank: NDArray[np.int64] | None = None
    for frame in csv_frames(
        path,
        wanted,
        width=layout.width,
        mark=layout.delimiter,
        quoted=layout.quoted,
        skipped=layout.skipped,
        dtype="str",
        rows=_CHUNK_ROWS,
    ):
        lines = frame.index.to_numpy()
        filled = np.zeros(len(frame), dtype=bool)
        for column in wanted:
            filled |= frame[column].to_numpy() != ""
        if not filled.all():
            # A row may be empty in the columns wanted and yet be no blank line.
            blank = _blank_lines(path) if blank is None else blank
            filled |= ~np.isin(lines, blank)
        filled &= ~of_each(frame[0].to_numpy(), lambda word: word.startswith(COMMENT_MARKS), bool)
        yield frame[filled], lines[filled]


def csv_frames(
    path: Path,
    wanted: list[int],
    *,
    width: int,
    mark: str = "\t",
    quoted: bool = False,
    skipped: int = 0,
    dtype: Literal["category", "str"] = "category",
    rows: int | None = None,
) -> Iterator[pd.DataFrame]:
    """Yield columns of a delimited text by position, ``width`` for a field beyond the last; line numbers are the index.

    All lines come, also blank ones and comments; in pieces of so many ``rows``, or at once.

    Raises
    ------
    ReadError
        The bytes are not text, a row is far wider than the others, or a quoted field spans lines.
    """
    names = mark.join(map(str, range(width + 1))) + "\n"
    parsed = 0
    with open_text(path) as text:
        for _ in islice(text, skipped):
            pass
        stream = CheckedStream(text, names, path, mark=mark, width=width, skipped=skipped)
        try:
            read = pd.read_csv(
                stream,
                sep=r"\s+" if mark == " " else mark,
                usecols=[str(column) for column in wanted],
                # pandas 3 would make numbers of categories: 7 of the name 007.
                dtype=object if dtype == "category" else dtype,
                na_filter=False,
                skip_blank_lines=False,
                quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
                index_col=False,
                engine="c",
                chunksize=rows or _AT_ONCE,
            )
            parts = (part.astype("category") for part in read) if dtype == "category" else read
            for frame in parts if rows else [_joined(list(parts))]:
                frame.columns = pd.Index(wanted)
                frame.index = pd.RangeIndex(skipped + parsed + 1, skipped + parsed + len(frame) + 1)
                parsed += len(frame)
                yield frame
        except pd.errors.ParserError as error:
            if quoted:
                _refuse_open_quote(path)
            raise ReadError(
                f"Cannot split {path} into columns: {error}\nIs it a table of text? Look at it: head {path.name}"
            ) from error
        if quoted and stream.lines != parsed:
            _refuse_open_quote(path)


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Return pieces as one table."""
    if len(parts) < 2 or not isinstance(parts[0].dtypes.iloc[0], pd.CategoricalDtype):
        return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    columns = {name: union_categoricals([part[name] for part in parts], sort_categories=True) for name in parts[0]}
    return pd.DataFrame(columns)


def _blank_lines(path: Path) -> NDArray[np.int64]:
    with open_text(path) as text:
        return np.array([number for number, line in enumerate(text, 1) if not line.strip()], dtype=np.int64)


def refuse_row(layout: Layout, line: int, what: str) -> NoReturn:
    """Raise the `ReadError` about one row, with its place, its text and what to do."""
    if layout.quoted:
        _refuse_open_quote(layout.preview.path)
    raise ReadError(
        f"{what}: {at(layout.preview.path, line)}\n"
        'Pass malformed="skip" to count such rows in the audit and go on, or name other columns: columns=…'
    )


def _checked(
    frame: Any,
    lines: NDArray[np.int64],
    layout: Layout,
    columns: Columns,
    roles: Roles,
    malformed: str,
    at_least: float | None,
    count: _Count,
) -> tuple[Any, ...]:
    first, second = (of_each(frame[c].to_numpy(), str.strip) for c in (columns.first, columns.second))
    if layout.header and max(columns.first, columns.second) < len(layout.header):
        again = (first == layout.header[columns.first]) & (second == layout.header[columns.second])
        count.header_again += int(again.sum())
        frame, lines, first, second = frame[~again], lines[~again], first[~again], second[~again]
    count.records += len(lines)
    problems: dict[str, NDArray[np.bool_]] = {"a name is empty": (first == "") | (second == "")}
    if not columns.chosen:
        problems["more columns than the other rows"] = frame[layout.width].to_numpy() != ""
    number = effect = None
    if columns.number is not None:
        number = _numbers(frame[columns.number].to_numpy())
        problems[f"the {roles.number_is} is not a finite number"] = ~np.isfinite(number)
    if columns.effect is not None and roles.effect_of is not None:
        effect = of_each(frame[columns.effect].to_numpy(), roles.effect_of)
        problems["the effect is not known"] = np.array([word is None for word in effect], dtype=bool)
    good = np.ones(len(lines), dtype=bool)
    for reason, bad in problems.items():
        bad = bad & good
        good &= ~bad
        if bad.any():
            count.malformed[reason] += int(bad.sum())
            count.where.setdefault(reason, []).extend(f"{layout.preview.path.name}:{n}" for n in lines[bad])
    if malformed == "raise" and not good.all():
        _explain(layout, columns, int(lines[~good][0]), roles.number_is)
    if number is not None and at_least is not None:
        low = good & (number < at_least)
        count.below += int(low.sum())
        count.largest = max(count.largest, float(number[good].max(initial=-np.inf)))
        good &= ~low
    return (
        first[good],
        second[good],
        lines[good],
        None if number is None else number[good],
        None if effect is None else effect[good],
    )


def _explain(layout: Layout, columns: Columns, line: int, number_is: str) -> NoReturn:
    """Raise the error about a row that is known to be malformed."""
    with open_text(layout.preview.path) as stream:
        text = next(islice(stream, line - 1, None)).rstrip("\n")
    fields = split(text, layout.delimiter, quoted=layout.quoted)
    many = f"{len(fields)} column{'' if len(fields) == 1 else 's'}"
    for column in (columns.first, columns.second):
        if column >= len(fields):
            refuse_row(layout, line, f"The row has {many}, expected {layout.width}")
        if not fields[column]:
            refuse_row(layout, line, f"The name in {layout.name(column)} is empty")
    if len(fields) > layout.width and not columns.chosen:
        refuse_row(layout, line, f"The row has {many}, expected {layout.width}")
    if columns.number is not None:
        given = fields[columns.number] if columns.number < len(fields) else ""
        if not np.isfinite(_numbers(np.array([given], dtype=object))[0]):
            more = " (write 1234 or 1.234)" if "," in given else ""
            refuse_row(layout, line, f"The {number_is} is {given!r}, expected a finite number{more}")
    given = fields[columns.effect] if columns.effect is not None and columns.effect < len(fields) else ""
    refuse_row(layout, line, f"The effect is {given!r}, expected a word such as activation, repression or unknown")


def _numbers(texts: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return texts as numbers, NaN where a text is none."""
    try:
        return texts.astype(np.float64)
    except ValueError:
        return np.array([as_number(text) for text in texts], dtype=np.float64)


def _refuse_open_quote(path: Path) -> None:
    for number, text in enumerate(read_lines(path), 1):
        if text.count('"') % 2:
            raise ReadError(
                f"A double quote is opened and not closed on its line: {at(path, number)}\n"
                "Close it, or write the field without quotes."
            )
