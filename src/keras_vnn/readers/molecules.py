"""What databases of interactions have in common: two molecules a row, their species, a kind and a score.

In: columns of equal length taken from a file, and the user's options. Out: `Rows`, with a line in the audit for
whatever was left out. Knows nothing of any format's syntax.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ReadError, sample
from keras_vnn.basics.provenance import AuditEntry
from keras_vnn.readers.options import Options
from keras_vnn.readers.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

__all__ = ["Molecules", "choose_rows", "species_counts", "words_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Molecules:
    """Columns of one file, a value per row.

    Attributes
    ----------
    first, second
        Names, empty where the row gives none of the kind asked for.
    line
        Line numbers.
    taxa
        Two columns of taxon numbers as text, empty where unknown; ``None`` where the format has none.
    kind
        The type of the interaction, in the words of ``types``; ``None`` where the format has none.
    number
        Scores; ``None`` where the format has none.
    negative
        Rows that say the two do *not* interact.
    """

    first: NDArray[np.object_]
    second: NDArray[np.object_]
    line: NDArray[np.int64]
    taxa: tuple[NDArray[np.object_], NDArray[np.object_]] | None = None
    kind: NDArray[np.object_] | None = None
    number: NDArray[np.float64] | None = None
    negative: NDArray[np.bool_] | None = None


def choose_rows(
    found: Molecules,
    options: Options,
    *,
    path: Path,
    said: str,
    records: int,
    names: str,
    dropped: tuple[AuditEntry, ...] = (),
    release: str = "",
) -> Rows:
    """Return the rows the user wants.

    Parameters
    ----------
    found
        The columns.
    options
        ``taxon``, ``types`` and ``at_least`` are heeded.
    path
        The file, for messages.
    said
        The format, in words.
    records
        Data rows of the file.
    names
        Which names were taken, e.g. ``gene symbol``.
    dropped
        What the format left out before.
    release
        The release the file states.

    Raises
    ------
    ReadError
        The file holds several species and none was chosen, none of the types asked for, no score although one is asked
        for, or no row is left.
    """
    entries = list(dropped)
    keep = np.ones(len(found.line), bool)

    def leave_out(wrong: NDArray[np.bool_], subject: str, reason: str) -> None:
        nonlocal keep
        entries.append(AuditEntry("read", subject, reason, int((wrong & keep).sum())))
        keep = keep & ~wrong

    if found.negative is not None:
        leave_out(found.negative, "interaction", "reported not to happen (negative)")
    if found.taxa is not None:
        if options.taxon is None:
            _refuse_species(found.taxa, keep, path)
        elif options.taxon != "all":
            other = (found.taxa[0] != options.taxon) | (found.taxa[1] != options.taxon)
            leave_out(other, "interaction", f"not both of taxon {options.taxon}")
    if options.sif_types:
        if found.kind is None:
            raise ReadError(f"The rows have no type to choose by: {path}\nLeave out the types.")
        wanted = {word.casefold() for word in options.sif_types}
        matches = _each(found.kind, lambda word: bool(wanted & {part.casefold() for part in word.split("|")}))
        if not matches.any():
            raise ReadError(
                f"No row has the type {' or '.join(options.sif_types)}: {path}\n"
                f"It has: {sample(words_of(found.kind), 12)}."
            )
        leave_out(~matches, "interaction", f"of another type than {' or '.join(options.sif_types)}")
    leave_out((found.first == "") | (found.second == ""), "row", f"a side has no {names}")
    number = found.number
    if options.at_least is not None:
        if number is None or np.isnan(number[keep]).all():
            raise ReadError(
                f"min_score={options.at_least:g} needs scores, and the file has none: {path}\nLeave it out."
            )
        largest = float(np.nanmax(number[keep], initial=-np.inf))
        leave_out(~(number >= options.at_least), "interaction", f"score below {options.at_least:g}, or without one")
        if not keep.any():
            raise ReadError(
                f"None of {records:,} rows has a score of at least {options.at_least:g}; the largest is {largest:g}: "
                f"{path}\nPass a smaller min_score."
            )
    if not keep.any():
        reasons = "\n".join(f"    {entry}" for entry in entries if entry.count)
        raise ReadError(
            f"No interaction is left of {records:,} rows: {path}\n{reasons}\nChoose otherwise: id=…, taxon=…"
        )
    return Rows(
        found.first[keep],
        found.second[keep],
        found.line[keep],
        f"{said}, {names}",
        records,
        None if number is None or np.isnan(number[keep]).all() else number[keep],
        dropped=tuple(entry for entry in entries if entry.count),
        release=release,
    )


def species_counts(counts: Counter[str], limit: int = 4) -> str:
    """Return the species of rows in words, the most frequent first.

    Examples
    --------
    >>> species_counts(Counter({"9606": 1200, "10090": 3}))
    '9606 (1,200), 10090 (3)'
    """
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = ", ".join(f"{taxon} ({count:,})" for taxon, count in ordered[:limit])
    return shown + (f" and {len(ordered) - limit} more" if len(ordered) > limit else "")


def words_of(column: Iterable[str]) -> set[str]:
    """Return the distinct words of a column whose fields may join several by ``|``."""
    return {part for word in set(column) for part in word.split("|") if part}


def _refuse_species(taxa: tuple[NDArray[np.object_], NDArray[np.object_]], keep: NDArray[np.bool_], path: Path) -> None:
    counts: Counter[str] = Counter()
    for column in taxa:
        codes, words = pd.factorize(column[keep])
        for word, count in zip(words, np.bincount(codes, minlength=len(words)), strict=True):
            if word:
                counts[str(word)] += int(count)
    if len(counts) > 1:
        most = max(counts, key=lambda taxon: (counts[taxon], taxon))
        raise ReadError(
            f"The interactions are of {len(counts)} species, by taxon: {species_counts(counts)}: {path}\n"
            f'Choose one: taxon="{most}" keeps the interactions of which both sides are of it (command line: '
            f'--taxon {most}); taxon="all" keeps every one.'
        )


def _each(column: NDArray[np.object_], test: Callable[[str], bool]) -> NDArray[np.bool_]:
    codes, words = pd.factorize(column)
    passed = np.array([test(str(word)) for word in words], bool)
    result: NDArray[np.bool_] = passed[codes] if len(passed) else np.zeros(len(codes), bool)
    return result
