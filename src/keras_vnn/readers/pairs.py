"""Tables of two names a row: interactions and regulation, from delimited text or a DataFrame.

In: where the columns are and what they stand for, and the user's options. Out: a `Table` of ``first`` and ``second``,
perhaps ``number`` and ``effect``, with a line in the audit for whatever was left out. Knows no format's syntax.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ReadError, counted, sample
from keras_vnn.basics.provenance import AuditEntry
from keras_vnn.basics.remedies import option_named, remedy
from keras_vnn.readers.layout import Columns, Layout, Roles, as_number, choose_columns, lay_out, normalized, split
from keras_vnn.readers.tabular import (
    IN_MEMORY,
    Options,
    Table,
    joined,
    least_score,
    left_out,
    of_each,
    pieces_of,
    refuse_row,
)
from keras_vnn.readers.text import Preview, texts_at

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_NAMES_ALONE = Roles(pair=lambda words: None, number=(), number_is="score")
_TAXON = re.compile(r"(\d+)\.(?=[A-Za-z])")
_TAXON_DATABASE = re.compile(r"(taxon|NCBITaxon|taxid):", re.IGNORECASE)


# ---- from text -----------------------------------------------------------------------------------------------


def read_pairs(
    start: Preview,
    options: Options,
    roles: Roles,
    *,
    said: str = "",
    columns: Callable[[Layout], Columns] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
) -> Table:
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
        Those of the format, if it has its own and the user says nothing.

    Raises
    ------
    ReadError
        There are no two columns of names, an effect is not known, or no score although ``min_score`` was given.
    """
    layout = lay_out(
        start,
        delimiter=options.delimiter or delimiter,
        header=header if options.header is None else options.header,
        named=options.column_names,
        is_header=roles.heads,
    )
    if columns is not None and options.columns is None:
        chosen = columns(layout)
    else:
        chosen = choose_columns(layout, roles, options.columns)
    if options.at_least is not None and chosen.number is None:
        raise ReadError(
            f"{least_score(options)} needs a column of scores: {start.path}\n"
            f"Read as: {chosen.described(layout, 'score')}\n"
            + remedy("Say which column it is, for example: {columns}", columns=(1, 2, 3))
        )
    table = read_rows(layout, chosen, roles, malformed=options.malformed, at_least=options.at_least)
    return replace(table, format=f"{said}, {table.format}") if said else table


def read_rows(
    layout: Layout,
    columns: Columns,
    roles: Roles = _NAMES_ALONE,
    *,
    malformed: str = "raise",
    at_least: float | None = None,
) -> Table:
    """Read the chosen columns of every row.

    Parameters
    ----------
    layout, columns, roles
        Where the fields are, which to take, and what they stand for (only needed for numbers and effects).
    malformed
        ``"raise"``, or ``"skip"`` to count rows with an empty name or an impossible number and go on.
    at_least
        Leave out rows with a smaller number.

    Raises
    ------
    ReadError
        A row is malformed, or there is no row.
    """
    path = layout.preview.path
    kept: list[pd.DataFrame] = []
    records = repeats = below = 0
    largest = -np.inf
    faults: dict[str, list[int]] = {}
    for piece in pieces_of(layout, columns.used()):
        if layout.header:
            again = piece[columns.first] == layout.titles[columns.first]
            again &= piece[columns.second] == layout.titles[columns.second]
            repeats += int(again.sum())
            piece = piece[~again]
        records += len(piece)
        rows = _rows_of(piece, columns, roles)
        good = np.ones(len(rows), dtype=bool)
        for reason, wrong in _faults(rows, piece[layout.width], columns, roles):
            if wrong[good].any():
                faults.setdefault(reason, []).extend(rows.index[wrong & good])
                good &= ~wrong
        if malformed == "raise" and not good.all():
            _explain(layout, columns, int(rows.index[~good][0]), roles.number_is)
        if at_least is not None:
            number = rows["number"].to_numpy()
            largest = max(largest, float(number[good].max(initial=-np.inf)))
            low = good & (number < at_least)
            below += int(low.sum())
            good &= ~low
        kept.append(rows if good.all() else rows[good])
    if not records:
        raise ReadError(f"The file has no data rows: {path}\nIs it truncated?")
    if below and not any(map(len, kept)):
        _refuse_all(records, f"{roles.number_is} of at least {at_least:g}", largest, path)
    dropped = (
        AuditEntry("read", roles.subject, f"{roles.number_is} below {at_least or 0:g}", below),
        AuditEntry("read", "row", "the header again", repeats),
        *(left_out(path, lines, reason) for reason, lines in sorted(faults.items())),
    )
    said = columns.described(layout, roles.number_is)
    return Table(_signed(joined(kept), layout, columns, roles), path, said, records, dropped)


def _rows_of(piece: pd.DataFrame, columns: Columns, roles: Roles) -> pd.DataFrame:
    rows = {"first": piece[columns.first], "second": piece[columns.second]}
    if columns.number is not None:
        rows["number"] = of_each(piece[columns.number], as_number, float)
    if columns.effect is not None:
        rows["effect"] = of_each(piece[columns.effect], roles.effect_of)
    return pd.DataFrame(rows, index=piece.index)


def _faults(
    rows: pd.DataFrame, beyond: pd.Series, columns: Columns, roles: Roles
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    yield "a name is empty", ((rows["first"] == "") | (rows["second"] == "")).to_numpy()
    if not columns.chosen:
        yield "more columns than the other rows", (beyond != "").to_numpy()
    if "number" in rows:
        yield f"the {roles.number_is} is not a finite number", ~np.isfinite(rows["number"].to_numpy())
    if "effect" in rows:
        yield "the effect is not known", rows["effect"].isna().to_numpy()


def _signed(rows: pd.DataFrame, layout: Layout, columns: Columns, roles: Roles) -> pd.DataFrame:
    """Return the rows with the effects that the signs of their numbers are, where the header says that they are."""
    if "effect" in rows or columns.number is None or normalized(layout.titles[columns.number]) not in roles.signed:
        return rows
    words = np.array(["repression", "unknown", "activation"], dtype=object)
    return rows.assign(effect=pd.Categorical(words[np.sign(rows["number"]).astype(int) + 1]))


def _explain(layout: Layout, columns: Columns, line: int, number_is: str) -> NoReturn:
    """Raise the error about a row that is known to be malformed."""
    text = next(text for _, text in texts_at(layout.preview.path, (line,)))
    fields = split(text, layout.delimiter, quoted=layout.quoted)
    for column in (columns.first, columns.second):
        if column < len(fields) and not fields[column]:
            refuse_row(layout, line, f"The name in {layout.name(column)} is empty")
    is_wide = len(fields) > layout.width and not columns.chosen
    if is_wide or max(columns.first, columns.second) >= len(fields):
        refuse_row(layout, line, f"The row has {counted(len(fields), 'column')}, expected {layout.width}")
    number, effect = ("" if c is None or c >= len(fields) else fields[c] for c in (columns.number, columns.effect))
    if columns.number is not None and not np.isfinite(as_number(number)):
        more = " (write 1234 or 1.234)" if "," in number else ""
        refuse_row(layout, line, f"The {number_is} is {number!r}, expected a finite number{more}")
    refuse_row(layout, line, f"The effect is {effect!r}, expected a word such as activation, repression or unknown")


# ---- from a DataFrame ----------------------------------------------------------------------------------------


def frame_rows(frame: pd.DataFrame, roles: Roles, asked: Sequence[int | str] | None) -> Table:
    """Read the columns of names and, if there are any, of numbers and effects, of a DataFrame of the user's.

    Raises
    ------
    ReadError
        There are fewer than two columns, one asked for does not exist, a name is empty, or a number is none.
    ConfigError
        ``asked`` does not have two or three entries.
    """
    if frame.shape[1] < 2:
        raise ReadError(f"The DataFrame has {counted(frame.shape[1], 'column')}, expected two names per row.")
    texts = frame.astype(object).where(frame.notna(), "").astype(str)
    layout = Layout(
        Preview(IN_MEMORY, b"", (), ()),
        "\t",
        False,
        tuple(map(str, frame.columns)),
        0,
        frame.shape[1],
        tuple(enumerate(texts.head(300).itertuples(index=False, name=None))),
    )
    columns = choose_columns(layout, roles, asked)
    texts = texts.set_axis(range(frame.shape[1]), axis=1).apply(lambda column: column.str.strip())
    rows = _rows_of(texts, columns, roles)
    expected = {"number": f"finite {roles.number_is}", "effect": "known effect", "first": "name", "second": "name"}
    for role, what in expected.items():
        if role in rows:
            column = rows[role]
            wrong = ~np.isfinite(column) if role == "number" else column.isna() | (column == "")
            if wrong.any():
                place = int(np.flatnonzero(wrong)[0])
                given = frame.iloc[:, getattr(columns, role)]
                raise ReadError(
                    f"{int(wrong.sum())} of {counted(len(given), 'row')} have no {what} in {given.name!r}, first "
                    f"'{given.iloc[place]}' at index {given.index[place]}.\n"
                    "Drop them first, or name the columns to take: columns=(1, 2)"
                )
    said = columns.described(layout, roles.number_is)
    return Table(_signed(rows, layout, columns, roles), IN_MEMORY, said, len(frame))


# ---- which rows ----------------------------------------------------------------------------------------------


def choose_rows(table: Table, options: Options, names: str) -> Table:
    """Return the rows of a database of interactions that the user wants.

    Parameters
    ----------
    table
        Columns ``first`` and ``second``, empty where a row gives no name of the kind asked for, and what the format has
        of ``taxon_a`` and ``taxon_b`` (text, empty where unknown), ``kind`` (words joined by ``|``), ``number`` (NaN
        where there is none) and ``negative`` (the two do *not* interact).
    options
        ``taxon``, ``sif_types`` and ``at_least`` have an effect.
    names
        Which names were taken, e.g. ``gene symbol``.

    Raises
    ------
    ReadError
        The file holds several species and none was chosen, none of the types asked for, no score although one is asked
        for, or no row is left.
    """
    path, frame = table.path, table.frame
    if "negative" in frame:
        table = table.keeping(~table.frame["negative"].to_numpy(), "interaction", "reported not to happen (negative)")
    if "taxon_a" in frame:
        taxa = table.frame["taxon_a"], table.frame["taxon_b"]
        if options.taxon is None:
            refuse_species(taxa, "The interactions are", path)
        elif options.taxon != "all":
            both = ((taxa[0] == options.taxon) & (taxa[1] == options.taxon)).to_numpy()
            table = table.keeping(both, "interaction", f"not both of taxon {options.taxon}")
    if options.sif_types:
        if "kind" not in frame:
            raise ReadError(f"The rows have no type to choose by: {path}\nLeave out the types.")
        asked = " or ".join(options.sif_types)
        wanted = {word.casefold() for word in options.sif_types}
        chosen = of_each(table.frame["kind"], lambda word: bool(wanted & set(word.casefold().split("|"))), bool)
        if not chosen.any():
            known = {part for word in frame["kind"].unique() for part in word.split("|") if part}
            raise ReadError(f"No row has the type {asked}: {path}\nIt has: {sample(known, 12)}.")
        table = table.keeping(chosen, "interaction", f"of another type than {asked}")
    named = (table.frame["first"] != "") & (table.frame["second"] != "")
    table = table.keeping(named.to_numpy(), "row", f"a side has no {names}")
    has_scores = "number" in frame and bool(table.frame["number"].notna().any())
    if options.at_least is not None:
        if not has_scores:
            raise ReadError(f"{least_score(options)} needs scores, and the file has none: {path}\nLeave it out.")
        number = table.frame["number"]
        enough = (number >= options.at_least).to_numpy()
        if not enough.any():
            _refuse_all(table.records, f"score of at least {options.at_least:g}", number.max(), path)
        table = table.keeping(enough, "interaction", f"score below {options.at_least:g}, or without one")
    if not len(table.frame):
        raise ReadError(
            f"No interaction is left of {counted(table.records, 'row')}: {path}\n{table.left_out()}\n"
            + remedy("Choose otherwise: {id}, {taxon}", id=..., taxon=...)
        )
    columns = ["first", "second", *(["number"] if has_scores else []), *(["effect"] if "effect" in frame else [])]
    return replace(table, frame=table.frame[columns], format=f"{table.format}, {names}")


def _refuse_all(records: int, wanted: str, largest: float, path: Path) -> NoReturn:
    raise ReadError(
        f"None of {counted(records, 'row')} has a {wanted}; the largest is {largest:g}: {path}\n"
        f"Pass a smaller {option_named('min_score')}."
    )


def bare_taxon(word: object) -> str:
    """Return a taxon without the database that some files write before it.

    Examples
    --------
    >>> bare_taxon("NCBITaxon:9606"), bare_taxon("taxon:9606"), bare_taxon(9606), bare_taxon("Homo sapiens")
    ('9606', '9606', '9606', 'Homo sapiens')
    """
    return _TAXON_DATABASE.sub("", str(word).strip(), count=1).strip()


def species_counts(counts: Counter[str]) -> str:
    """Return the four most frequent species of rows in words.

    Examples
    --------
    >>> species_counts(Counter({"9606": 1200, "10090": 3}))
    '9606 (1,200), 10090 (3)'
    """
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = ", ".join(f"{taxon} ({count:,})" for taxon, count in ordered[:4])
    return shown + (f" and {len(ordered) - 4} more" if len(ordered) > 4 else "")


def refuse_species(columns: Iterable[Any], subject: str, where: object) -> None:
    """Raise for columns of taxa, empty where unknown, that name several species."""
    counts: Counter[str] = Counter()
    for column in columns:
        codes, words = pd.factorize(column)
        counts.update(dict(zip(map(str, words), np.bincount(codes, minlength=len(words)).tolist(), strict=True)))
    del counts[""]
    if len(counts) > 1:
        most = max(counts, key=lambda taxon: (counts[taxon], taxon))
        raise ReadError(
            f"{subject} of {len(counts)} species, by taxon: {species_counts(counts)}: {where}\n"
            f"Choose one, as it is written there: {remedy('{taxon}', taxon=most)}; "
            f"{remedy('{taxon}', taxon='all')} keeps every one."
        )


def without_taxon(table: Table, taxon: str | None) -> Table:
    """Remove a taxon prefix that all names carry (``9606.ENSP00000000233``), and keep one taxon only.

    The prefix ends at the first dot. Names stay as they are when one of them carries none.

    Raises
    ------
    ReadError
        The names carry different prefixes and none was chosen, or none carries the one asked for.
    """
    sides, path = (table.frame["first"], table.frame["second"]), table.path
    names = {name for side in sides for name in side.unique()}
    taxon_of = {name: found[1] for name in names if (found := _TAXON.match(name))}
    if not names or len(taxon_of) < len(names):
        if taxon not in (None, "all"):
            raise ReadError(
                f"The names carry no taxon to choose by: {path}\n{remedy('Leave out {taxon}.', taxon=taxon)}"
            )
        return table
    taxa = sorted(set(taxon_of.values()), key=lambda text: (len(text), text))
    if taxon == "all":
        return table
    if taxon is not None and taxon not in taxa:
        raise ReadError(f"No name carries the prefix of taxon {taxon}: {path}\nThe file has: {sample(taxa)}.")
    if taxon is None and len(taxa) > 1:
        counts = Counter(word for side in sides for word in of_each(side, taxon_of.__getitem__))
        most = max(taxa, key=lambda one: (counts[one], one))
        raise ReadError(
            f"The names carry the prefixes of {len(taxa)} taxa: {sample(taxa)}: {path}\n"
            f"Choose one, {remedy('{taxon}', taxon=most)}"
            f"{remedy(', or keep the prefixes with {strip_taxon}', strip_taxon=False)}."
        )
    if len(taxa) > 1:
        right = [of_each(side, lambda name: taxon_of[name] == taxon, bool) for side in sides]
        if not (right[0] & right[1]).any():
            raise ReadError(f"No row is of taxon {taxon} on both sides: {path}\nThe file has: {sample(taxa)}.")
        table = table.keeping(right[0] & right[1], "interaction", f"not both of taxon {taxon}")
    bare = {name: of_each(table.frame[name], lambda word: word.partition(".")[2]) for name in ("first", "second")}
    said = f"{table.format}, prefix {taxon or taxa[0]}. removed"
    return replace(table, frame=table.frame.assign(**bare), format=said)
