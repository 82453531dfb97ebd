"""`IdentifierMap`: what becomes of each name, and what is ambiguous about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from keras_vnn.basics.errors import ConfigError, GeneError, did_you_mean, sample
from keras_vnn.basics.provenance import Audit, AuditEntry, Source

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ID_POLICIES", "IdentifierMap"]

ID_POLICIES = {
    "merge": "names of one gene become one; a name of several genes is dropped",
    "unique": "only names of one gene that has no other name here; all others are dropped",
    "first": "names of one gene become one; of several genes a name takes the first in the table",
    "all": "names of one gene become one; a name of several genes stands for all of them",
    "raise": "any ambiguity is an error",
}


@dataclass(frozen=True, eq=False)
class IdentifierMap:
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
    """

    targets: Mapping[str, tuple[str, ...]]
    unmapped: tuple[str, ...]
    how: str
    notes: tuple[AuditEntry, ...] = ()
    sources: tuple[Source, ...] = ()

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
        if policy not in ID_POLICIES:
            hint = did_you_mean(policy, tuple(ID_POLICIES))
            raise ConfigError(f"id_policy must be one of {', '.join(ID_POLICIES)}; got {policy!r}. {hint}".rstrip())
        several = [f"{name} = {' or '.join(found)}" for name, found in self.ambiguous.items()]
        shared = [f"{' and '.join(names)} = {target}" for target, names in self.merged.items()]
        if policy == "raise" and (several or shared):
            raise GeneError(
                f"{len(several):,} names stand for several genes, {len(shared):,} genes have several names "
                f"({self.how}):\n    {sample([*several, *shared])}\n"
                'Choose what happens to them, for example policy="merge" (command line: --id-policy merge): '
                f"{ID_POLICIES['merge']}."
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
        lines = [f"{len(self.targets):,} of {total:,} names translated ({self.how})"]
        if self.unmapped:
            lines.append(f"{len(self.unmapped):,} are not in the table: {sample(self.unmapped, 3)}")
        if self.ambiguous:
            shown = sample([f"{name} = {' or '.join(found)}" for name, found in self.ambiguous.items()], 3)
            lines.append(f"{len(self.ambiguous):,} stand for several genes: {shown}")
        if self.merged:
            shown = sample([f"{' and '.join(names)} = {target}" for target, names in self.merged.items()], 3)
            lines.append(f"{len(self.merged):,} genes have several names: {shown}")
        return "\n".join([*lines, *(str(note) for note in self.notes)])

    def __repr__(self) -> str:
        """Return the sizes."""
        return f"<IdentifierMap of {len(self.targets):,} names, {len(self.unmapped):,} not found>"
