"""What a format of files is, and what the formats of one family have in common.

A module of this folder that reads a format declares a `Format`; `keras_vnn.readers.registry` lists them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NoReturn

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.provenance import AuditEntry
from keras_vnn.priors.kinds import UNIPROT
from keras_vnn.readers.tabular import Table
from keras_vnn.readers.text import Preview

_ISOFORM = re.compile(rf"{UNIPROT}(-\d+|:PRO_\d+|-PRO_\d+|:VAR_\d+)")


def unread(start: Preview, *_: Any, **__: Any) -> NoReturn:
    """Read nothing: the format is only told by its look."""
    raise ReadError(f"Nothing reads this format: {start.path}")


@dataclass(frozen=True, slots=True)
class Format:
    """One file format.

    Attributes
    ----------
    name
        What the user calls it in ``format=…``.
    title
        What messages and help texts call it, as the end of the sentence "The file is …".
    family
        What it holds, a name in `keras_vnn.readers.registry.FAMILIES`; empty where nothing here reads it.
    sniff
        Says whether a file looks like it, from the beginning of one that has rows.
    read
        Reads a file, given its preview and the options of the family; `unread` for a look that is only told.
    marks
        Beginnings of a line, comments included, that tell the format by themselves.
    takes
        Options of the family that not all of its formats have: ``columns``, ``id``, ``taxon``, ``species``,
        ``sif_types``.
    advice
        What to do instead, if not to read it with the function of its family.
    page
        Text whose part from the first line ``### …`` shows examples on the page of the formats.
    """

    name: str
    title: str
    family: str
    sniff: Callable[[Preview], bool] = lambda start: False
    read: Callable[..., Any] = unread
    marks: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    advice: str = ""
    page: str | None = ""

    def matches(self, start: Preview) -> bool:
        """Say whether a file looks like this format."""
        top = (text.lstrip() for _, text in (*start.comments[:5], *start.lines[:3]))
        return any(text.startswith(self.marks) for text in top) or (bool(start.lines) and self.sniff(start))


def for_families(
    name: str,
    title: str,
    sniff: Callable[[Preview], bool],
    read: Callable[..., Any],
    takes: Mapping[str, tuple[str, ...]],
    page: str | None,
) -> tuple[Format, ...]:
    """Return a format that several families have, in their order by what each ``takes``; ``read`` is told which."""
    return tuple(
        Format(name, title, family, sniff, partial(read, family=family), takes=options, page=page)
        for family, options in takes.items()
    )


@dataclass(frozen=True, slots=True)
class Family:
    """What files of one kind hold.

    Attributes
    ----------
    name
        The option of ``vnn build`` that takes them.
    what
        What one holds, in words.
    reader
        The function of `keras_vnn.readers` that reads them.
    includes
        Families whose files it reads as well.
    wary
        Whether another family that a file merely looks like is believed before a table of any names.
    """

    name: str
    what: str
    reader: str
    includes: tuple[str, ...] = ()
    wary: bool = False

    @property
    def public(self) -> str:
        """What users call that function: ``read.genes``."""
        return self.reader.replace("_", ".", 1)


def most_rows(start: Preview, holds: Callable[[Sequence[str]], bool]) -> bool:
    """Say whether nearly all rows, split at tabs, hold what is asked."""
    rows = start.fields
    return bool(rows) and 10 * sum(map(holds, rows)) >= 9 * len(rows)


def release_in_name(start: Preview, database: str, pattern: str = r"\.v(\d+(\.\d+)*)") -> str:
    """Return the release that the name of a file states, empty without one."""
    found = re.search(pattern, start.path.name)
    return f"{database} {found[1]}" if found else ""


def without_isoforms(table: Table, *columns: str) -> Table:
    """Return a table whose UniProt accessions lack the suffix of an isoform or chain (``P12345-2``); it is counted."""
    bare = table.with_each(lambda name: found[1] if (found := _ISOFORM.fullmatch(name)) else name, *columns)
    changed = sum(int((bare.frame[name] != table.frame[name].astype(object)).sum()) for name in columns)
    entry = AuditEntry("read", "row", "of an isoform or chain, taken for its protein", changed)
    return replace(bare, dropped=(*bare.dropped, entry))
