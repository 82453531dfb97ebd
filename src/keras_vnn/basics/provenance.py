"""Where things came from and what was done to them: `Source` and `Audit`.

In: facts from readers and wiring. Out: immutable values that print, compare and turn into JSON.
Knows nothing of what the facts mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from keras_vnn.basics.errors import counted, sample
from keras_vnn.basics.files import sha256_of
from keras_vnn.basics.showing import Shown

ITEM_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Source:
    """One file (or in-memory table) a value was made from.

    Attributes
    ----------
    name
        File name without its folder, or what the user called a table.
    format
        The format it was read as, e.g. ``STRING links``.
    sha256
        Digest of the file as it lies on disk; empty for a table in memory.
    release
        The release the file itself states, if it does.
    records
        Data rows read, before anything was dropped.
    """

    name: str
    format: str
    sha256: str = ""
    release: str = ""
    records: int = 0

    @classmethod
    def of_file(cls, path: Path, format: str, *, records: int, release: str = "") -> Source:
        """Describe a file on disk, computing its digest."""
        return cls(path.name, format, sha256_of(path), release, records)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One kind of change: how many of what were dropped or changed at which stage, and why.

    Attributes
    ----------
    stage
        Where it happened: ``read``, ``match``, ``wire``, ``align``.
    subject
        What it happened to, in the singular: ``gene``, ``interaction``, ``row``, ``term``, ``node`` ….
    reason
        Why, as the end of the sentence "12 interactions: …".
    count
        How many.
    items
        Their names, sorted: all of them up to 10,000, the first 10,000 beyond.
    """

    stage: str
    subject: str
    reason: str
    count: int
    items: tuple[str, ...] = ()

    @classmethod
    def of(cls, stage: str, subject: str, reason: str, items: Iterable[object], count: int | None = None) -> AuditEntry:
        """Make an entry from the things concerned, counting them unless ``count`` is given."""
        names = sorted(str(item) for item in items)
        return cls(stage, subject, reason, len(names) if count is None else count, tuple(names[:ITEM_LIMIT]))

    def __str__(self) -> str:
        """Return one line: count, subject, reason, and up to three names."""
        names = f" ({sample(self.items, 3)})" if self.items and self.count == len(self.items) else ""
        return f"{counted(self.count, self.subject)}: {self.reason}{names}"

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return {**asdict(self), "items": list(self.items)}


@dataclass(frozen=True, slots=True, repr=False)
class Audit(Shown):
    """Everything that was dropped or changed on the way to a value, in the order it happened.

    Entries with a count of zero are not kept.

    Examples
    --------
    >>> audit = Audit.of(AuditEntry.of("read", "interaction", "a gene with itself", ["A A"]))
    >>> print(audit)
    read   1 interaction: a gene with itself (A A)
    >>> audit.count("interaction")
    1
    """

    entries: tuple[AuditEntry, ...] = field(default=())

    @classmethod
    def of(cls, *entries: AuditEntry) -> Audit:
        """Collect entries, leaving out those that count nothing."""
        return cls(tuple(entry for entry in entries if entry.count))

    def __add__(self, other: Audit) -> Audit:
        """Return the entries of both, this one's first; what happened in both for one reason is one entry."""
        merged: dict[tuple[str, str, str], AuditEntry] = {}
        for entry in (*self.entries, *other.entries):
            key = (entry.stage, entry.subject, entry.reason)
            known = merged.get(key)
            items = entry.items if known is None else (*known.items, *entry.items)
            merged[key] = entry if known is None else AuditEntry.of(*key, items, known.count + entry.count)
        return Audit(tuple(merged.values()))

    def __iter__(self) -> Iterator[AuditEntry]:
        """Iterate over the entries in order."""
        return iter(self.entries)

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.entries)

    def __str__(self) -> str:
        """Return a line per entry, or a sentence saying there is none."""
        if not self.entries:
            return "nothing was dropped or changed"
        width = max(len(entry.stage) for entry in self.entries)
        return "\n".join(f"{entry.stage:<{width}}   {entry}" for entry in self.entries)

    def count(self, subject: str, reason: str = "") -> int:
        """Return how many of ``subject`` were concerned, for reasons that contain ``reason``."""
        return sum(e.count for e in self.entries if e.subject == subject and reason in e.reason)

    def items(self, subject: str, reason: str = "") -> tuple[str, ...]:
        """Return the names of the ``subject`` concerned, for reasons that contain ``reason``."""
        return tuple(i for e in self.entries if e.subject == subject and reason in e.reason for i in e.items)

    def to_json(self) -> list[dict[str, Any]]:
        """Return the entries as plain JSON values."""
        return [entry.to_json() for entry in self.entries]

    @classmethod
    def from_json(cls, entries: Iterable[Mapping[str, Any]]) -> Audit:
        """Make an audit from what `to_json` gave."""
        return cls(tuple(AuditEntry(**{**entry, "items": tuple(entry["items"])}) for entry in entries))
