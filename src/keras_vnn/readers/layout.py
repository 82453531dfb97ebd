"""How a delimited text is laid out: its delimiter, its header, and which column holds what.

In: a `Preview`, and what the user said. Out: a `Layout` and the `Columns` to read.
Knows the words headers use for interactions and regulation; knows nothing of the rows beyond the preview.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from keras_vnn.basics.errors import ConfigError, ReadError, counted, did_you_mean, sample
from keras_vnn.basics.remedies import remedy
from keras_vnn.priors.kinds import UNIPROT, identify, is_gene_id
from keras_vnn.readers.text import Preview, refuse_comments_alone, shortened

DELIMITERS = {"\t": "TSV", ",": "CSV", ";": "semicolon-separated", " ": "space-separated"}

_WIDEST = 2_000_000
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# In German, French and other Excels. 1,234 may be a thousand and more, so it is neither.
_DECIMAL_COMMA = re.compile(r"[+-]?(0|\d+),\d+([eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
# Numbers that are no scores, by the words of their headers.
NO_SCORE = re.compile(
    r".*(id|ids|entrez|entrezgene|geneid|pmid|pubmed|year|date|start|end|length|position|taxon|taxid|count of.*)"
    r"|cost|costs|pvalue|padj|fdr|qvalue|distance|rank|(is|has|consensus)[a-z]+"
)
# How R and pandas call columns without names.
_NUMBERED = re.compile(r"(V1 V2( V\d+)*|X1 X2( X\d+)*|Column1 Column2( Column\d+)*)")
_NO_NUMBER = {"", "na", "n/a", "nan", "none", "null", "inf", "-inf", "+inf", "infinity"}
_STRONG_ID = re.compile(
    r"(\d+\.)?ENS[A-Z]*[GTP]\d{11}(\.\d+)?|Y[A-P][LR]\d{3}[WC](-[A-Z])?|AT[1-5MC]G\d{5}|FBgn\d{7}|WBGene\d{8}"
    rf"|{UNIPROT}"
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the fields of a delimited text are.

    Attributes
    ----------
    preview
        The beginning of the file.
    delimiter
        Tab, comma, semicolon, or a space for any white space.
    quoted
        Whether fields may stand in double quotes.
    header
        Column names, the first one empty where R left it out; ``None`` without a header line.
    skipped
        Lines before the first data row.
    width
        Fields of a data row.
    rows
        ``(line number, fields)`` of the data rows in the preview.
    """

    preview: Preview
    delimiter: str
    quoted: bool
    header: tuple[str, ...] | None
    skipped: int
    width: int
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    @property
    def kind(self) -> str:
        """What such a file is called."""
        return (self.preview.columnar or DELIMITERS[self.delimiter]) + ("" if self.header else " without header")

    @property
    def titles(self) -> tuple[str, ...]:
        """A name for each column: that of the header, empty where it is too short or there is none."""
        named = self.header or ()
        return named + ("",) * (self.width - len(named))

    def values(self, column: int) -> list[str]:
        """Return the fields of a column in the preview, empty where a row is too short."""
        return [fields[column] if column < len(fields) else "" for _, fields in self.rows]

    def is_numeric(self, column: int) -> bool:
        """Say whether at least half of the filled fields of a column in the preview are numbers."""
        filled = [value for value in self.values(column) if value]
        return bool(filled) and 2 * sum(is_number(value) for value in filled) >= len(filled)

    @property
    def words(self) -> list[str]:
        """The words of the header, normalized; none without one."""
        return [normalized(name) for name in self.header or ()]

    @property
    def numbers(self) -> set[str]:
        """The fields right of the first column in the preview, each once."""
        return {value for _, fields in self.rows for value in fields[1:]}

    @property
    def is_regular(self) -> bool:
        """Whether at least half of the rows in the preview have the usual number of fields."""
        widths = [len(fields) for _, fields in self.rows]
        return 2 * max(map(widths.count, set(widths))) >= len(widths)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each column, or ``column 3`` without a header."""
        return tuple(title or f"column {number}" for number, title in enumerate(self.titles, 1))

    def name(self, column: int) -> str:
        """Return the name of a column, or ``column 3`` without a header."""
        return self.names[column]


@dataclass(frozen=True, slots=True)
class Roles:
    """The words by which a family's headers name their columns.

    Attributes
    ----------
    pair
        Finds the positions of the two name columns among normalized header words, or ``None``.
    number, effect
        Normalized words for a score or weight, and for an effect; the most telling first.
    number_is
        What the number is called in messages: ``score`` or ``weight``.
    subject
        What a row stands for, in the audit.
    signed
        Normalized words for numbers whose sign is an effect.
    effect_of
        Turns a field into an effect; ``None`` for a word it does not know, by default any.
    """

    pair: Callable[[Sequence[str]], tuple[int, int] | None]
    number: tuple[str, ...]
    number_is: str
    subject: str = "interaction"
    signed: frozenset[str] = frozenset()
    effect: tuple[str, ...] = ()
    effect_of: Callable[[str], str | None] = lambda word: None

    def heads(self, words: Sequence[str]) -> bool:
        """Say whether normalized words name the two columns of names."""
        return self.pair(words) is not None


@dataclass(frozen=True, slots=True)
class Columns:
    """Positions, from 0, of the columns to read; ``chosen`` when the user named them."""

    first: int
    second: int
    number: int | None = None
    effect: int | None = None
    chosen: bool = False

    def used(self) -> tuple[int, ...]:
        """Return the positions in use, ascending."""
        return tuple(sorted({c for c in (self.first, self.second, self.number, self.effect) if c is not None}))

    def described(self, layout: Layout, number_is: str) -> str:
        """Say in words which columns are read as what, and which are ignored."""
        parts = [layout.name(self.first), layout.name(self.second)]
        more = (("effect", self.effect), (number_is, self.number))
        parts += [f"{what} {layout.name(column)}" for what, column in more if column is not None]
        used = self.used()
        rest = [name for column, name in enumerate(layout.names) if column not in used]
        ignored = f" (ignored: {sample(rest)})" if rest else ""
        return f"{layout.kind} {', '.join(parts)}{ignored}"


def normalized(word: str) -> str:
    """Return a header word in lower case, letters and digits only, without the number RegulonDB writes before it."""
    return (word if word.isalnum() else re.sub(r"^\d+\)|[\W_]+", "", word)).casefold()


def split(line: str, delimiter: str, *, quoted: bool) -> tuple[str, ...]:
    """Return the fields of a line, white space around them removed."""
    if quoted:
        try:
            fields = next(csv.reader([line], delimiter=delimiter, skipinitialspace=delimiter == " "), [])
        except csv.Error:  # a "field" longer than the limit of the csv module
            fields = line.split(delimiter)
    else:
        fields = line.split() if delimiter == " " else line.split(delimiter)
    return tuple(field.strip() for field in fields)


def lay_out(
    start: Preview,
    *,
    delimiter: str | None = None,
    header: bool | None = None,
    named: Sequence[str] = (),
    is_header: Callable[[Sequence[str]], bool] = lambda words: False,
    comment_is_header: bool = False,
) -> Layout:
    """Tell how a delimited text is laid out.

    A first line is a header when the user says so or names one of its fields; when it holds words headers use and the
    rows below do not repeat them; or when a column is numeric, or all ids of one kind, except in that line. A comment
    right above the rows is one when it has as many fields and such words, or any with ``comment_is_header``.

    Raises
    ------
    ReadError
        There is no data row, or no column has a name the user gave.
    ConfigError
        The delimiter is none of those known.
    """
    if delimiter is not None and delimiter not in DELIMITERS:
        raise ConfigError(f"Unknown delimiter {delimiter!r}.\nExpected one of: tab, comma, semicolon, space.")
    refuse_comments_alone(start)
    for number, text in start.lines:
        # No table has so many columns, and looking at their names would take minutes.
        if len(text) > _WIDEST and max(map(text.count, "\t,; ")) >= _WIDEST:
            raise ReadError(
                f"A row has more than {counted(_WIDEST, 'field')}: {start.path}:{number}\n    {shortened(text)}\n"
                "Was the file damaged? Download it again."
            )
    delimiter = delimiter or _delimiter(start.texts)
    quoted = delimiter == "," or any(f'{delimiter}"' in delimiter + text for text in start.texts)
    split_rows = [(number, split(text, delimiter, quoted=quoted)) for number, text in start.lines]
    (line, names), below = split_rows[0], split_rows[1:]
    if header is not False:
        above = _fields_of_comment(start, delimiter, len(names))
        known = (
            all(name in above for name in named) if named else comment_is_header or is_header([*map(normalized, above)])
        )
        if known and above:
            return Layout(start, delimiter, quoted, above, line - 1, len(names), tuple(split_rows))
    if header is None:
        header = all(name in names for name in named) if named else _is_header(names, below, is_header)
    if named and not header:
        missing = [name for name in named if name not in names]
        hint = did_you_mean(missing[0], names) if missing else remedy("Leave out {header}.", header=False)
        raise ReadError(
            f"No column is named {(missing or named)[0]!r}: {start.path}:{line}\n    {shortened(start.first)}\n"
            f"{hint}{' ' if hint else ''}Columns can also be numbered, from 1."
        )
    if not header:
        return Layout(start, delimiter, quoted, None, line - 1, _usual_width(split_rows), tuple(split_rows))
    if not below:
        raise ReadError(
            f"The file has a header and no rows: {start.path}\n    {shortened(start.first)}\n"
            f"Is the file truncated?{remedy(' If this is a row, say {header}.', header=False)}"
        )
    width = _usual_width(below)
    if len(names) == width - 1:
        names = ("", *names)
    return Layout(start, delimiter, quoted, names, line, max(len(names), width), tuple(below))


def choose_columns(layout: Layout, roles: Roles, asked: Sequence[int | str] | None) -> Columns:
    """Decide which columns hold the two names, the number and the effect.

    Raises
    ------
    ReadError
        There are fewer than two columns of names, or a column asked for does not exist.
    ConfigError
        ``asked`` does not have two or three entries.
    """
    if asked is not None:
        return _asked_columns(layout, roles, asked)
    path = layout.preview.path
    words = layout.words
    pair = roles.pair(words)
    if pair is None and layout.width < 2:
        raise ReadError(
            f"The file has one column, expected two names per row: {path}:{layout.rows[0][0]}\n"
            f"    {shortened(dict(layout.preview.lines)[layout.rows[0][0]])}\n"
            + "Between its columns a tab, a comma, a semicolon or blanks may stand: replace what is there."
        )
    unnamed = {0} if layout.header and not layout.header[0] else set()
    candidates = [c for c in range(layout.width) if c not in unnamed]
    if pair is None:
        text = [c for c in candidates if not layout.is_numeric(c) and any(layout.values(c))]
        if len(text) == 1 or len(candidates) < 2:
            shown = "\n".join(f"    {shortened(line)}" for line in layout.preview.texts[:3])
            raise ReadError(
                f"Only {layout.name(text[0] if text else candidates[0])} looks like names, expected two such columns: "
                f"{path}\n{shown}"
                + remedy("\nIf two columns are names all the same, say which: {columns}", columns=(1, 2))
            )
        pair = _columns_of_ids(layout, text) or ((text[0], text[1]) if text else (candidates[0], candidates[1]))
    free = [c for c in candidates if c not in pair]
    effect = next((c for word in roles.effect for c in free if words and words[c : c + 1] == [word]), None)
    if effect is None and not words:
        effect = next((c for c in free if c == max(pair) + 1 and _are_effects(layout.values(c), roles)), None)
    if effect is not None and layout.is_numeric(effect):
        return Columns(*pair, number=effect)
    free = [c for c in free if c != effect]
    if not words and (beside := {c + 1 for c in pair}) <= {*free} and all(map(layout.is_numeric, beside)):
        # A number next to each name is another id of it.
        free = [c for c in free if c not in beside]
    by_word = (c for word in roles.number for c in free if words[c : c + 1] == [word] and layout.is_numeric(c))
    after = (
        c for c in free if c > max(pair) and layout.is_numeric(c) and not any(map(NO_SCORE.fullmatch, words[c : c + 1]))
    )
    number = next(by_word, None)
    if number is None and effect is None:
        number = next(after, None)
    return Columns(*pair, number=number, effect=effect)


def _columns_of_ids(layout: Layout, columns: Sequence[int]) -> tuple[int, int] | None:
    """Return the two columns that hold ids of genes of one kind; ``None`` where there are fewer, or more."""
    filled = {c: [value for value in layout.values(c) if value] for c in columns}
    found = [c for c, values in filled.items() if all(map(is_gene_id, values))]
    if len(found) != 2 or identify(filled[found[0]]).kind != identify(filled[found[1]]).kind:
        return None
    return found[0], found[1]


def column_number(layout: Layout, asked: int | str) -> int:
    """Return the position, from 0, of a column given by name or by number from 1.

    Raises
    ------
    ReadError
        There is no such column.
    ConfigError
        It is neither a name nor a number.
    """
    path = layout.preview.path
    if isinstance(asked, bool) or not isinstance(asked, str | Integral):
        raise ConfigError(
            f"A column is a name or a number from 1, got {asked!r}.\nFor example: {remedy('{columns}', columns=(1, 2))}"
        )
    if isinstance(asked, str):
        known = layout.header or ()
        if asked in known:
            return known.index(asked)
        hint = did_you_mean(asked, known)
        raise ReadError(f"No column is named {asked!r}: {path}\nIt has: {sample(known, 12)}. {hint}".rstrip())
    if not 1 <= asked <= layout.width:
        raise ReadError(f"There is no column {asked}: {path} has {layout.width}.\nColumns are numbered from 1.")
    return int(asked) - 1


def column_numbers(layout: Layout, asked: Sequence[int | str]) -> list[int]:
    """Return the positions, from 0, of different columns.

    Raises
    ------
    ReadError
        There is no such column.
    ConfigError
        Two of them are the same, or one is neither a name nor a number.
    """
    found = [column_number(layout, column) for column in asked]
    if len(set(found)) < len(found):
        raise ConfigError(
            f"columns names the same column twice: {tuple(asked)!r}.\n"
            f"Name different ones, for example: {remedy('{columns}', columns=(1, 2))}"
        )
    return found


def is_listed(asked: Any, *counts: int) -> bool:
    """Say whether what the user gave is a list of columns, of one of these lengths."""
    return not isinstance(asked, str) and isinstance(asked, Collection) and len(asked) in counts


def _asked_columns(layout: Layout, roles: Roles, asked: Sequence[int | str]) -> Columns:
    if not is_listed(asked, 2, 3):
        raise ConfigError(
            f"columns must name two columns, or three with the {roles.number_is}; got {asked!r}.\n"
            f"For example: {remedy('{columns}', columns=(1, 2))} or "
            + remedy("{columns}", columns=("gene_a", "gene_b", roles.number_is))
        )
    first, second, *third = column_numbers(layout, asked)
    if third and roles.effect and not layout.is_numeric(third[0]):
        return Columns(first, second, effect=third[0], chosen=True)
    return Columns(first, second, number=third[0] if third else None, chosen=True)


def _delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter that nearly all lines hold; white space if none does."""
    for mark in ("\t", ",", ";"):
        if 10 * sum(mark in line for line in lines) >= 9 * len(lines):
            return mark
    # One odd line in a short file must not hide the tabs of the others.
    return "\t" if 2 * sum("\t" in line for line in lines) >= len(lines) else " "


def _is_header(
    top: Sequence[str],
    below: Sequence[tuple[int, Sequence[str]]],
    is_header: Callable[[Sequence[str]], bool],
) -> bool:
    if _NUMBERED.fullmatch(" ".join(top)) and len(top) > 1:
        return True
    words = [normalized(name) for name in top]
    later = [fields for _, fields in below if fields != top]
    repeated = any(set(top) & set(fields) - {""} for fields in later)
    if repeated and _heads_numbers(top, later):
        return True
    if is_header(words) and not repeated:
        return True
    if not later or repeated:
        return False
    width = max(len(fields) for fields in later)
    shift = 1 if len(top) == width - 1 else 0
    if not top[0] and not any(map(is_number, top)) and all(fields[0] and is_number(fields[0]) for fields in later):
        return True
    for position, name in enumerate(top):
        values = [fields[position + shift] for fields in later if position + shift < len(fields)]
        filled = [value for value in values if value]
        numbers = sum(is_number(value) for value in filled)
        if numbers and all(map(_is_number_like, filled)) and not _is_number_like(name):
            return True
    ids = [[_STRONG_ID.fullmatch(field) is not None for field in fields] for fields in later]
    all_ids = len(later) >= 3 and any(all(c < len(row) and row[c] for row in ids) for c in range(width))
    return all_ids and not any(_STRONG_ID.fullmatch(name) for name in top)


def _heads_numbers(top: Sequence[str], later: Sequence[Sequence[str]]) -> bool:
    """Say whether all columns are numbers, two at least, but names of the rows, and not in the first line: a matrix.

    A second column may hold other names of the rows.
    """
    names = top[1:] if len(top) == len(later[0]) else top
    cells = [[*map(_is_number_like, fields[1:])] for fields in later]
    if not any(fields[0] for fields in cells if fields):
        names, cells = names[1:], [fields[1:] for fields in cells]
    return len(names) > 1 and all(map(all, cells)) and not any(map(_is_number_like, names))


def _fields_of_comment(start: Preview, delimiter: str, width: int) -> tuple[str, ...]:
    """Return the fields of the comment right above the first row (``#node1<TAB>node2``), none unless it is as wide."""
    above = [text for number, text in start.comments if number < start.lines[0][0]]
    # Splitting a long line takes seconds, counting its marks does not; blanks may come in runs.
    if width < 2 or not above or above[-1].count(delimiter) + 1 < width or above[-1].count(delimiter) > _WIDEST:
        return ()
    fields = split(above[-1].lstrip("#! "), delimiter, quoted=False)
    return fields if len(fields) == width else ()


def _usual_width(rows: Sequence[tuple[int, Sequence[str]]]) -> int:
    """Return the number of fields most rows have, the larger of two equally frequent."""
    widths = [len(fields) for _, fields in rows]
    return max(set(widths), key=lambda width: (widths.count(width), width))


def is_number(text: str) -> bool:
    """Say whether a text is a number, with a point or a comma for the decimals."""
    return _NUMBER.fullmatch(text) is not None or _has_decimal_comma(text)


def _has_decimal_comma(text: str) -> bool:
    return _DECIMAL_COMMA.fullmatch(text) is not None and not is_number_of_thousands(text)


def is_number_of_thousands(text: str) -> bool:
    """Say whether a text is a number whose commas may stand between thousands."""
    return _THOUSANDS.fullmatch(text) is not None


def as_number(text: str) -> float:
    """Return a text as a number, NaN where it is none; a comma may be the decimal mark.

    Examples
    --------
    >>> as_number("0.75"), as_number("0,75"), as_number("1,234")
    (0.75, 0.75, nan)
    """
    text = text.strip()
    try:
        return float(text.replace(",", ".") if _has_decimal_comma(text) else text.replace("_", "?"))
    except ValueError:
        return float("nan")


def _is_number_like(text: str) -> bool:
    return is_number(text) or text.casefold() in _NO_NUMBER


def _are_effects(values: Sequence[str], roles: Roles) -> bool:
    filled = [value for value in values if value]
    known = sum(roles.effect_of(value) is not None for value in filled)
    return bool(filled) and 2 * known >= len(filled)
