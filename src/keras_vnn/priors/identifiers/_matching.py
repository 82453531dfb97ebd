"""From names, wanted names and perhaps a table to an `IdentifierMap`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from keras_vnn.basics.errors import ConfigError, GeneError, sample
from keras_vnn.basics.provenance import AuditEntry
from keras_vnn.priors.identifiers._map import IdentifierMap
from keras_vnn.priors.identifiers._table import IdentifierTable
from keras_vnn.priors.kinds import bare_name

__all__ = ["identifier_map"]


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
        From `keras_vnn.read_identifier_map` or `IdentifierTable.from_frame`.
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
            raise ConfigError("Columns were named, but there is no table of identifiers: give one (--id-map FILE).")
        return _matched(given, aims, ignore_case=ignore_case, ignore_version=ignore_version)
    if not aims and target is None:
        raise ConfigError(f"Say what to translate into: target=…\nThe table has: {sample(table.columns, 20)}.")
    from_column = table.best_column(given, asked=source)
    to_column = table.best_column(aims, asked=target) if aims or target is None else target
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
        index: dict[str, list[str]] = {}
        for aim in aims:
            index.setdefault(simplified(aim), []).append(aim)
        found = [name for name in given if name not in targets and simplified(name) in index]
        targets |= {name: tuple(index[simplified(name)]) for name in found}
        notes.append(AuditEntry("map", "name", f"matched {said}", len(found)))
    unmapped = tuple(name for name in given if name not in targets)
    # A name that matches nothing is no error of the table there is not: it stays what it is.
    targets |= {name: (name,) for name in unmapped}
    how = ", ".join(said for said, _ in steps[:2]) or "as written"
    return IdentifierMap(targets, (), how, tuple(note for note in notes if note.count))


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
    more = f" and {', '.join(from_columns[1:])}" if len(from_columns) > 1 else ""
    return IdentifierMap(
        targets,
        tuple(name for name in given if name not in targets),
        f"{from_column}{more} → {to_column}{', ignoring case' if ignore_case else ''}",
        tuple(note for note in notes if note.count),
        table.sources,
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
            wanted = {simplified(name) for name in missing}
            index: dict[str, list[int]] = {}
            rows, values = table.columns[column]
            for row, value in zip(rows.tolist(), values.tolist(), strict=True):
                simple = simplified(value)
                if simple in wanted:
                    index.setdefault(simple, []).append(row)
            newly = {name: index[simplified(name)] for name in missing if simplified(name) in index}
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

    first: dict[int, list[str]] = {}
    for row, value in zip(*(part.tolist() for part in table.columns[columns[0]]), strict=True):
        if row in rows:
            first.setdefault(row, []).append(as_wanted(value))
    result = {row: tuple(dict.fromkeys(names)) for row, names in first.items()}
    symbols = {name for names in table.columns[columns[0]][1:] for name in names.tolist()}
    for column in columns[1:]:
        others: dict[int, list[str]] = {}
        for row, value in zip(*(part.tolist() for part in table.columns[column]), strict=True):
            name = as_wanted(value)
            # The symbol of one gene is never taken for the alias of another.
            if row in rows and name in aims and value not in symbols:
                others.setdefault(row, []).append(name)
        for row, names in others.items():
            if not any(name in aims for name in result.get(row, ())):
                result[row] = tuple(dict.fromkeys(names))
    return result
