"""What the user may say about a file of interactions or regulation.

In: nothing. Out: the type `Options`.
Knows no single format; the tuples of them are in `keras_vnn.readers.sniffing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Options"]


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
        return tuple(column for column in self.columns or () if isinstance(column, str))
