"""From names, wanted names and perhaps a table to an `IdentifierMap`: what becomes of each, and what is ambiguous."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from keras_vnn.basics.errors import ConfigError, GeneError, check_choice, counted, sample
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.basics.remedies import remedy
from keras_vnn.basics.showing import Shown
from keras_vnn.priors.identifiers._table import IdentifierTable, ignoring_case
from keras_vnn.priors.kinds import bare_name

if TYPE_CHECKING:
    import pandas as pd

Place = TypeVar("Place")
ID_POLICIES = {
    "merge": "names of one gene become one; a name of several genes is dropped",
    "unique": "only names of one gene that has no other name here; all others are dropped",
    "first": "names of one gene become one; of several genes a name takes the first in the table",
    "all": "names of one gene become one; a name of several genes stands for all of them",
    "raise": "any ambiguity is an error",
}


@dataclass(frozen=True, eq=False, repr=False)
class IdentifierMap(Shown):
    """What each name of a prior becomes.

    Attributes
    ----------
    targets
        The new names of each name that has one, in the order of the table. A name that needs none stands for itself.
    unmapped
        Names without a new name, sorted.
    how
        In words: which columns, and what was ignored.
    notes
        What had to be done to match, for the audit.
    sources
        The table.
    ignores_case
        Whether names that differ in case alone are one.
    other_case
        How many more names would have a new or a wanted name if case were ignored.
    """

    targets: Mapping[str, tuple[str, ...]]
    unmapped: tuple[str, ...]
    how: str
    notes: tuple[AuditEntry, ...] = ()
    sources: tuple[Source, ...] = ()
    ignores_case: bool = False
    other_case: int = 0

    @cached_property
    def ambiguous(self) -> dict[str, tuple[str, ...]]:
        """Names with several new names, and these."""
        return {name: found for name, found in self.targets.items() if len(found) > 1}

    @cached_property
    def merged(self) -> dict[str, tuple[str, ...]]:
        """New names that several names share, and these; ambiguous names do not count."""
        names: dict[str, list[str]] = {}
        for name, found in self.targets.items():
            if len(found) == 1:
                names.setdefault(found[0], []).append(name)
        return {target: tuple(sorted(found)) for target, found in sorted(names.items()) if len(found) > 1}

    def resolved(self, policy: str = "merge") -> tuple[dict[str, tuple[str, ...]], Audit]:
        """Return the new names of each name under a policy, and an audit of what it drops or changes.

        Parameters
        ----------
        policy
            ``"merge"``: names of one gene become one, a name of several genes is dropped. ``"unique"``: only names of
            one gene that has no other name here. ``"first"``: of several genes the first in the table. ``"all"``: a
            name of several genes stands for all of them. ``"raise"``: any ambiguity is an error.

        Raises
        ------
        ConfigError
            There is no such policy.
        GeneError
            The policy is ``"raise"`` and names are ambiguous.
        """
        check_choice("id_policy", policy, ID_POLICIES)
        several = [f"{name} = {' or '.join(found)}" for name, found in self.ambiguous.items()]
        shared = [f"{' and '.join(names)} = {target}" for target, names in self.merged.items()]
        if policy == "raise" and (several or shared):
            choose = remedy("Choose what happens to them, for example {policy}: ", policy="merge")
            raise GeneError(
                f"{counted(len(several), 'name stands', 'names stand')} for several genes, "
                f"{counted(len(shared), 'gene has', 'genes have')} several names ({self.how}):\n    "
                f"{sample([*several, *shared])}\n"
                f"{choose}{ID_POLICIES['merge']}."
            )
        dropped = set(self.ambiguous) if policy in ("merge", "unique") else set()
        if policy == "unique":
            dropped |= {name for names in self.merged.values() for name in names}
        taken = {
            name: found[:1] if policy == "first" else found
            for name, found in self.targets.items()
            if name not in dropped
        }
        done = {"first": "the first one taken", "all": "taken for all of them"}.get(policy, "dropped")
        changed = sum(found != (name,) for name, found in taken.items())
        audit = Audit.of(
            AuditEntry("map", "name", f"translated ({self.how})", changed),
            *self.notes,
            AuditEntry.of("map", "name", "not in the table of identifiers, dropped", self.unmapped),
            AuditEntry.of("map", "name", f"of several genes, {done}", several),
            AuditEntry.of(
                "map",
                "gene",
                "of several names, these dropped" if policy == "unique" else "of several names, merged",
                shared,
            ),
        )
        return taken, audit

    def keeping(self, labels: Collection[str]) -> IdentifierMap:
        """Return the map by which labels that are not in the table stay what they are: no gene is looked up by them."""
        kept = [name for name in self.unmapped if name in labels]
        stay = _themselves(kept, str.casefold if self.ignores_case else str)
        note = AuditEntry.of("map", "regulator", "not in the table of identifiers, its name kept", kept)
        rest = tuple(name for name in self.unmapped if name not in stay)
        return replace(self, targets={**self.targets, **stay}, unmapped=rest, notes=(*self.notes, note))

    def to_frame(self) -> pd.DataFrame:
        """Return the ambiguity report: columns ``name``, ``target``, ``relation``, a row per pair of both.

        The relation is ``one to one``, ``one to many``, ``many to one``, or ``unmapped``.
        """
        import pandas as pd

        shared = set(self.merged)
        rows = [
            (name, target, "one to many" if len(found) > 1 else "many to one" if target in shared else "one to one")
            for name, found in sorted(self.targets.items())
            for target in found
        ]
        rows += [(name, "", "unmapped") for name in self.unmapped]
        return pd.DataFrame(rows, columns=["name", "target", "relation"])

    def __len__(self) -> int:
        """Return how many names have a new name."""
        return len(self.targets)

    def __str__(self) -> str:
        """Return a report: how many names were found, and what is ambiguous."""
        total = len(self.targets) + len(self.unmapped)
        lines = [f"{len(self.targets):,} of {counted(total, 'name')} translated ({self.how})"]
        if self.unmapped:
            lines.append(f"{len(self.unmapped):,} are not in the table: {sample(self.unmapped, 3)}")
        if self.other_case:
            lines.append(ignoring_case(self.other_case, "more"))
        if self.ambiguous:
            shown = sample([f"{name} = {' or '.join(found)}" for name, found in self.ambiguous.items()], 3)
            lines.append(f"{len(self.ambiguous):,} stand for several genes: {shown}")
        if self.merged:
            shown = sample([f"{' and '.join(names)} = {target}" for target, names in self.merged.items()], 3)
            lines.append(f"{counted(len(self.merged), 'gene has', 'genes have')} several names: {shown}")
        return "\n".join([*lines, *(str(note) for note in self.notes)])


def identifier_map(
    names: Iterable[str],
    wanted: Iterable[str] = (),
    table: IdentifierTable | None = None,
    *,
    source: str | None = None,
    target: str | None = None,
    ignore_case: bool = False,
    ignore_version: bool = False,
) -> IdentifierMap:
    """Say what each name becomes, so that it can meet the wanted names.

    Without a table, names are only matched with the wanted ones, as loosely as asked. With a table, the column that
    holds most of the names and the one that holds most of the wanted names are taken, unless they are named; a column
    of symbols is helped out by those of earlier symbols and aliases, but a name that is the symbol of a gene is never
    taken for the alias of another. Versions (``ENSG….16``) and isoforms (``P04637-2``) are left out where a name is not
    in the table as written. A name that is not in the table but wanted as it is stands for itself.

    Parameters
    ----------
    names
        The names to translate, e.g. those of a prior.
    wanted
        The names of the data; may be empty if ``target`` is named.
    table
        From `pp.identifier_map` or `IdentifierTable.from_frame`.
    source, target
        Columns of the table.
    ignore_case
        Match ``tp53`` with ``TP53``. With a table this goes for both columns.
    ignore_version
        Without a table: match names without version, isoform and database as well.

    Raises
    ------
    ConfigError
        There is no such column, or nothing says what to translate into.
    ReadError
        No column holds any of the names.
    GeneError
        There is no name.

    Examples
    --------
    >>> print(identifier_map(["Tp53", "Atm"], ["TP53", "ATM"], ignore_case=True))
    2 of 2 names translated (ignoring case)
    2 names: matched ignoring case
    """
    given = sorted(set(names))
    aims = list(dict.fromkeys(wanted))
    if not given:
        raise GeneError("There is no name to translate.")
    if table is None:
        if source is not None or target is not None:
            raise ConfigError("Columns were named, but there is no table of identifiers: give one.")
        return _matched(given, aims, ignore_case=ignore_case, ignore_version=ignore_version)
    if not aims and target is None:
        raise ConfigError(f"Say what to translate into: target=…\nThe table has: {sample(table.columns, 20)}.")
    from_column = table.best_column(given, asked=source, ignore_case=ignore_case)
    to_column = table.best_column(aims, asked=target, ignore_case=ignore_case) if aims or target is None else target
    return _looked_up(given, set(aims), table, from_column, to_column, ignore_case=ignore_case)


def _matched(given: list[str], aims: list[str], *, ignore_case: bool, ignore_version: bool) -> IdentifierMap:
    """Match names with wanted ones: as written first, then as loosely as allowed."""
    known = set(aims)
    steps: list[tuple[str, Callable[[str], str]]] = []
    if ignore_version:
        steps.append(("without version or isoform", bare_name))
    if ignore_case:
        steps.append(("ignoring case", str.casefold))
    if ignore_case and ignore_version:
        steps.append(("ignoring case and version", lambda name: bare_name(name).casefold()))
    targets: dict[str, tuple[str, ...]] = {name: (name,) for name in given if name in known}
    notes = []
    for said, simplified in steps:
        alike = _found([name for name in given if name not in targets], zip(aims, aims, strict=True), simplified)
        targets |= {name: tuple(found) for name, found in alike.items()}
        notes.append(AuditEntry("map", "name", f"matched {said}", len(alike)))
    unmapped = tuple(name for name in given if name not in targets)
    # A name that matches nothing is no error of the table there is not: it stays what it is.
    targets |= _themselves(unmapped, steps[-1][1] if steps else str)
    how = ", ".join(said for said, _ in steps[:2]) or "as written"
    return IdentifierMap(targets, (), how, tuple(note for note in notes if note.count))


def _found(
    names: Collection[str], pairs: Iterable[tuple[str, Place]], simplified: Callable[[str], str]
) -> dict[str, list[Place]]:
    """Return, for each name that one of the pairs begins with, simplified, what these pairs end with."""
    wanted = {simplified(name) for name in names}
    index: dict[str, list[Place]] = {}
    for value, place in pairs:
        simple = simplified(value)
        if simple in wanted:
            index.setdefault(simple, []).append(place)
    return {name: index[simplified(name)] for name in names if simplified(name) in index}


def _themselves(names: Iterable[str], simplified: Callable[[str], str]) -> dict[str, tuple[str, ...]]:
    """Return names as their own translation, and the first of those that are alike for the others."""
    first_of: dict[str, str] = {}
    return {name: (first_of.setdefault(simplified(name), name),) for name in names}


def _looked_up(
    given: list[str], aims: set[str], table: IdentifierTable, from_column: str, to_column: str, *, ignore_case: bool
) -> IdentifierMap:
    from_columns, to_columns = table.with_fallbacks(from_column), table.with_fallbacks(to_column)
    rows_of, notes = _rows_of(given, table, from_columns, ignore_case=ignore_case)
    names_of_row = _target_names(
        table, to_columns, aims, {row for rows in rows_of.values() for row in rows}, ignore_case
    )
    targets: dict[str, tuple[str, ...]] = {}
    kept = []
    for name in given:
        found = tuple(dict.fromkeys(new for row in rows_of.get(name, ()) for new in names_of_row.get(row, ())))
        if found:
            targets[name] = found
        elif name in aims:
            targets[name] = (name,)
            kept.append(name)
    notes.append(AuditEntry.of("map", "name", "not in the table, but wanted as it is", kept))
    unmapped = tuple(name for name in given if name not in targets)
    other_case = 0
    if not ignore_case:
        folded = {aim.casefold() for aim in aims}
        unwanted = (found for found in targets.values() if aims and aims.isdisjoint(found))
        other_case = table.overlap(from_column, unmapped, ignore_case=True) + sum(
            any(name.casefold() in folded for name in found) for found in unwanted
        )
    more = f" and {', '.join(from_columns[1:])}" if len(from_columns) > 1 else ""
    return IdentifierMap(
        targets,
        unmapped,
        f"{from_column}{more} → {to_column}{', ignoring case' if ignore_case else ''}",
        tuple(note for note in notes if note.count),
        table.sources,
        ignore_case,
        other_case,
    )


def _rows_of(
    given: Collection[str], table: IdentifierTable, columns: tuple[str, ...], *, ignore_case: bool
) -> tuple[dict[str, list[int]], list[AuditEntry]]:
    """Return the rows of each name: by the first column that has it as written, then by looser comparison."""
    found: dict[str, list[int]] = {}
    notes: list[AuditEntry] = []
    loosenings: list[tuple[str, Callable[[str], str]]] = [
        ("", str),
        ("without version, isoform or database", bare_name),
    ]
    if ignore_case:
        loosenings.append(("ignoring case", lambda name: bare_name(name).casefold()))
    for said, simplified in loosenings:
        for position, column in enumerate(columns):
            missing = {name for name in given if name not in found}
            if not missing:
                break
            rows, values = (part.tolist() for part in table.columns[column])
            newly = _found(missing, zip(values, rows, strict=True), simplified)
            found |= newly
            reason = ", ".join(part for part in (said, f"by {column}" if position else "") if part)
            if reason:
                notes.append(AuditEntry("map", "name", f"found {reason}", len(newly)))
    return found, notes


def _target_names(
    table: IdentifierTable, columns: tuple[str, ...], aims: Collection[str], rows: Collection[int], ignore_case: bool
) -> dict[int, tuple[str, ...]]:
    """Return the new names of each row: as the main column has them; by an alias where only that is wanted."""
    folded = {aim.casefold(): aim for aim in reversed(list(aims))} if ignore_case else {}
    plain = {bare_name(aim): aim for aim in sorted(aims, reverse=True)}

    def as_wanted(name: str) -> str:
        """Return the wanted name this is, or the name itself."""
        if name in aims:
            return name
        return plain.get(bare_name(name)) or folded.get(name.casefold()) or name

    symbols = {name for names in table.columns[columns[0]][1:] for name in names.tolist()}
    result: dict[int, tuple[str, ...]] = {}
    for column in columns:
        found: dict[int, list[str]] = {}
        for row, value in zip(*(part.tolist() for part in table.columns[column]), strict=True):
            name = as_wanted(value)
            # The symbol of one gene is never taken for the alias of another.
            if row in rows and (column == columns[0] or (name in aims and value not in symbols)):
                found.setdefault(row, []).append(name)
        for row, names in found.items():
            if not any(name in aims for name in result.get(row, ())):
                result[row] = tuple(dict.fromkeys(names))
    return result
