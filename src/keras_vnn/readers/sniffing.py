"""The formats there are, in the order in which they are tried, and how a file's format is told.

In: the beginning of a file. Out: a `Format`, or an error that says what the file is and who reads it.
Knows nothing of how a format is parsed. A new format is a module beside this one and a line below.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from keras_vnn.basics.errors import ConfigError, ReadError, did_you_mean
from keras_vnn.readers.biogrid import BIOGRID
from keras_vnn.readers.columns import lay_out
from keras_vnn.readers.drem import DREM
from keras_vnn.readers.foreign import recognized_foreign
from keras_vnn.readers.formats import Format
from keras_vnn.readers.hippie import HIPPIE
from keras_vnn.readers.interaction_table import INTERACTION_TABLE, names_partners
from keras_vnn.readers.mitab import MITAB
from keras_vnn.readers.regulation_matrix import REGULATION_MATRIX
from keras_vnn.readers.regulation_table import REGULATION_TABLE, names_regulators
from keras_vnn.readers.sif import SIF_INTERACTIONS, SIF_REGULATION
from keras_vnn.readers.string_actions import STRING_ACTIONS
from keras_vnn.readers.string_links import STRING_LINKS
from keras_vnn.readers.text import Preview, preview, shortened
from keras_vnn.readers.trrust import TRRUST

__all__ = ["INTERACTION_FORMATS", "REGULATION_FORMATS", "choose_edge_format", "sniff_format"]

# The tables come last: two columns of anything are a table.
INTERACTION_FORMATS = (STRING_LINKS, STRING_ACTIONS, BIOGRID, MITAB, HIPPIE, SIF_INTERACTIONS, INTERACTION_TABLE)
REGULATION_FORMATS = (DREM, TRRUST, SIF_REGULATION, REGULATION_MATRIX, REGULATION_TABLE)

_WITHOUT_COLUMNS = tuple(
    format.name for format in (SIF_INTERACTIONS, REGULATION_MATRIX, STRING_ACTIONS, BIOGRID, MITAB, HIPPIE)
)

_MOST_FIELDS = 200_000

# What tells beyond doubt that a file is of one family, and the function that reads that family.
_SURE: tuple[tuple[str, str, Callable[[Preview], bool], str], ...] = (
    ("string", "STRING links, which hold interactions", STRING_LINKS.recognizes, "read_interactions"),
    ("string-actions", "STRING actions, which hold interactions", STRING_ACTIONS.recognizes, "read_interactions"),
    ("biogrid", "BioGRID, which holds interactions", BIOGRID.recognizes, "read_interactions"),
    ("mitab", "PSI-MITAB, which holds interactions", MITAB.recognizes, "read_interactions"),
    ("hippie", "HIPPIE, which holds interactions", HIPPIE.recognizes, "read_interactions"),
    ("drem", "DREM input, which holds regulation", DREM.recognizes, "read_regulation"),
    ("trrust", "TRRUST, which holds regulation", TRRUST.recognizes, "read_regulation"),
    ("matrix", "a 0/1/−1 matrix, which holds regulation", REGULATION_MATRIX.recognizes, "read_regulation"),
    ("regulation", "a table of regulators and targets", names_regulators, "read_regulation"),
    ("interactions", "a table of interactions", names_partners, "read_interactions"),
)


def choose_edge_format(
    start: Preview, named: str, formats: Sequence[Format], reader: str, *, with_columns: bool = False
) -> Format:
    """Return the format the user named or, for ``"auto"``, the first one that fits.

    Parameters
    ----------
    start
        The beginning of the file.
    named
        A format's name, or ``"auto"``.
    formats
        The formats of the family.
    reader
        The function that reads the family.
    with_columns
        Whether the user said which columns to read: then the file need not look like the family.

    Raises
    ------
    ConfigError
        No format has that name, or it has no columns to choose.
    ReadError
        The file is of another family, or of no known format.
    """
    by_name = {format.name: format for format in formats}
    if named in by_name:
        if with_columns and named in _WITHOUT_COLUMNS:
            raise ConfigError(f"columns cannot be chosen in {by_name[named].title}.\nLeave out columns or format.")
        _refuse_binary(start, reader)
        return by_name[named]
    if named != "auto":
        known = ["auto", *by_name]
        raise ConfigError(
            f"Unknown format {named!r}. {did_you_mean(named, known)}".rstrip()
            + f"\n{reader} knows: {', '.join(known)}."
        )
    _refuse_wide(start)
    for format in formats[:-1]:
        if format.recognizes(start) and (format.name not in _WITHOUT_COLUMNS or not with_columns):
            return format
    if with_columns:
        _refuse_binary(start, reader)
        return formats[-1]
    for _, title, matches, other in _SURE:
        if other != reader and matches(start):
            raise ReadError(f"The file is {title}: {start.path}\n{_first_lines(start)}Read it with {other}.")
    foreign = recognized_foreign(start)
    if foreign is not None:
        raise ReadError(
            f"The file is {foreign.title}: {start.path}\n{_first_lines(start)}{foreign.advice} "
            f"{reader} reads: {_titles(formats)}."
        )
    if not start.lines:
        raise ReadError(
            f"The file has comment lines and no rows: {start.path}\n{_first_lines(start)}Is the file truncated?"
        )
    if formats[-1].recognizes(start):
        return formats[-1]
    _refuse_unknown(start, formats, reader)


def _refuse_wide(start: Preview) -> None:
    """Raise for rows so wide that looking at their fields takes longer than reading any table of pairs."""
    for number, text in start.lines:
        fields = 1 + max(map(text.count, "\t,; "))
        if fields > _MOST_FIELDS:
            raise ReadError(
                f"A row has {fields:,} fields; no table of pairs has so many: {start.path}:{number}\n"
                f"    {shortened(text)}\nIf this is expression, name the file as data: vnn train ARCHITECTURE FILE"
            )


def sniff_format(path: str | os.PathLike[str]) -> str:
    """Return the name of the format a file looks like.

    The names are those that ``format=`` takes (``string``, ``biogrid``, ``mitab``, ``sif``, ``table``, ``trrust``,
    ``drem``, ``matrix`` …), where a table whose header tells its family is called ``interactions`` or ``regulation``, a
    list of names ``names``, and other families have names of their own (``obo``, ``gaf``, ``gmt``, ``h5ad``,
    ``expression`` …).

    Parameters
    ----------
    path
        A file, plain or gzip.

    Raises
    ------
    ReadError
        The file cannot be read, or looks like nothing known.

    Examples
    --------
    >>> from keras_vnn.basics.bundled import data_path
    >>> sniff_format(data_path("ppi_human_goa_ipi.tsv")), sniff_format(data_path("go-basic.obo.gz"))
    ('interactions', 'obo')
    """
    start = preview(Path(path))
    for name, _, matches, _ in _SURE[:8]:
        if matches(start):
            return name
    if SIF_INTERACTIONS.recognizes(start):
        return SIF_INTERACTIONS.name
    foreign = recognized_foreign(start)
    if foreign is not None:
        return foreign.name
    for name, _, matches, _ in _SURE[8:]:
        if matches(start):
            return name
    if start.lines and lay_out(start).width == 1:
        return "names"
    if INTERACTION_TABLE.recognizes(start):
        return INTERACTION_TABLE.name
    _refuse_unknown(start, (*INTERACTION_FORMATS, *REGULATION_FORMATS), "keras_vnn")


def _refuse_binary(start: Preview, reader: str) -> None:
    if not start.lines and not start.comments:
        foreign = recognized_foreign(start)
        title, advice = (foreign.title, foreign.advice) if foreign else ("no text", "")
        raise ReadError(f"The file is {title}: {start.path}\n{advice} {reader} reads text.")


def _refuse_unknown(start: Preview, formats: Sequence[Format], reader: str) -> NoReturn:
    raise ReadError(
        f"The format of the file is not recognised: {start.path}\n{_first_lines(start)}"
        f"{reader} reads: {_titles(formats)}.\n"
        f"Name the format and the columns, for example: format={formats[-1].name!r}, columns=(1, 2)"
    )


def _first_lines(start: Preview) -> str:
    lines = sorted((*start.comments, *start.lines))[:3]
    return "".join(f"    {shortened(text)}\n" for _, text in lines)


def _titles(formats: Sequence[Format]) -> str:
    return ", ".join(f"{format.title} ({format.name!r})" for format in formats)
