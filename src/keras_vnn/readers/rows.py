"""The rows of a delimited text, read in chunks and checked.

In: a `Layout` and the `Columns` to read. Out: `Rows`: names, numbers, effects and their lines, and what was left out.
Knows nothing of interactions or regulation; a file of many million rows needs memory only for those kept.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ConfigError, ReadError
from keras_vnn.basics.files import read_lines
from keras_vnn.basics.provenance import AuditEntry
from keras_vnn.readers.columns import Columns, Layout, Roles, as_number, split
from keras_vnn.readers.text import COMMENT_MARKS, CheckedStream, Preview, at, open_text

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["MALFORMED_POLICIES", "Rows", "check_malformed", "chunks", "read_rows", "refuse_narrow", "refuse_row"]

MALFORMED_POLICIES = ("raise", "skip")

_CHUNK_ROWS = 500_000


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
    subject: str = "interaction",
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
        AuditEntry("read", subject, f"{number_is} below {at_least:g}", count.below) if at_least is not None else None,
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
    )


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
    mark = layout.delimiter
    refuse_narrow(layout.preview, layout.width, max(used) + 1, layout.rows[0][0])
    names = mark.join(str(c) for c in range(layout.width + 1)) + "\n"
    wanted = sorted({0, *used, layout.width})
    with open_text(path) as text:
        for _ in islice(text, layout.skipped):
            pass
        stream = CheckedStream(text, names, path, mark=mark, width=layout.width, skipped=layout.skipped)
        parsed = 0
        blank: NDArray[np.int64] | None = None
        try:
            for frame in pd.read_csv(
                stream,
                sep=r"\s+" if mark == " " else mark,
                usecols=[str(c) for c in wanted],
                dtype=str,
                na_filter=False,
                skip_blank_lines=False,
                quoting=csv.QUOTE_MINIMAL if layout.quoted else csv.QUOTE_NONE,
                index_col=False,
                engine="c",
                chunksize=_CHUNK_ROWS,
            ):
                parsed += len(frame)
                lines = np.arange(parsed - len(frame), parsed, dtype=np.int64) + layout.skipped + 1
                frame.columns = wanted
                filled = np.zeros(len(frame), dtype=bool)
                for column in wanted:
                    filled |= frame[column].to_numpy() != ""
                if not filled.all():
                    # A row may be empty in the columns wanted and yet be no blank line.
                    blank = _blank_lines(path) if blank is None else blank
                    filled |= ~np.isin(lines, blank)
                # A name begins many rows of a large file: it is looked at once.
                codes, words = pd.factorize(frame[0].to_numpy())
                comment = np.fromiter((word.startswith(COMMENT_MARKS) for word in words), bool, len(words))
                if comment.any():
                    filled &= ~comment[codes]
                yield frame[filled], lines[filled]
        except pd.errors.ParserError as error:
            _refuse_open_quote(path)
            raise ReadError(
                f"Cannot split {path} into columns: {error}\nIs it a table of text? Look at it: head {path.name}"
            ) from error
        if layout.quoted and stream.lines != parsed:
            _refuse_open_quote(path)


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
    first, second = _stripped(frame[columns.first]), _stripped(frame[columns.second])
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
        codes, words = pd.factorize(frame[columns.effect].to_numpy())
        known = np.array([roles.effect_of(word.strip()) for word in words], dtype=object)
        effect = known[codes] if len(words) else np.zeros(0, dtype=object)
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


def _stripped(column: Any) -> NDArray[np.object_]:
    """Return a column of names without white space around them; one string object per distinct name."""
    codes, names = pd.factorize(column.to_numpy())
    clean = np.array([name.strip() for name in names], dtype=object)
    stripped: NDArray[np.object_] = clean[codes] if len(names) else np.zeros(0, dtype=object)
    return stripped


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
