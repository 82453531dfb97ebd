"""Priors and gene lists with other names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ConfigError, GeneError, sample
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.basics.remedies import remedy
from keras_vnn.priors import Annotations, GeneSets
from keras_vnn.priors._columns import Pairs, of_rows
from keras_vnn.priors._edges import Interactions, Regulation
from keras_vnn.priors.genes import GeneList
from keras_vnn.priors.identifiers._map import IdentifierMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

Named = TypeVar("Named", Interactions, Regulation, Annotations, GeneSets, GeneList)
New = dict[str, tuple[str, ...]]


def names_in(named: Interactions | Regulation | Annotations | GeneSets | GeneList) -> tuple[str, ...]:
    """Return the sorted names of genes in a prior or a gene list."""
    if isinstance(named, Regulation):
        return tuple(sorted({*named.regulators, *named.targets}))
    return tuple(sorted(named.ids if isinstance(named, GeneList) else named.genes))


def map_identifiers(named: Named, mapping: IdentifierMap, *, policy: str = "merge") -> Named:
    """Return a prior, or a gene list, with its names translated.

    Pairs that become the same are merged and one of a gene with itself is dropped, as if the file had been written in
    the new names; in a gene list the first of several names of a gene keeps its place. A regulator that is not in the
    table keeps its name: it need not be a gene of the data. All of it is in the audit.

    Parameters
    ----------
    named
        `Interactions`, `Regulation`, `Annotations`, `GeneSets` or `GeneList`.
    mapping
        What the names become, from `pp.identifier_map`.
    policy
        What happens to ambiguous names: ``"merge"``, ``"unique"``, ``"first"``, ``"all"`` or ``"raise"``; see
        `IdentifierMap.resolved`.

    Raises
    ------
    ConfigError
        There is no such policy, or ``mapping`` is a table, which does not say which genes are wanted.
    GeneError
        The policy is ``"raise"`` and names are ambiguous, or no name is left.

    Examples
    --------
    >>> import pandas as pd
    >>> from keras_vnn.priors.identifiers import IdentifierTable, identifier_map
    >>> ppi = Interactions.from_pairs(["ENSG1", "ENSG2"], ["ENSG2", "ENSG3"])
    >>> table = IdentifierTable.from_frame(pd.DataFrame({"id": ["ENSG1", "ENSG2"], "symbol": ["TP53", "MDM2"]}))
    >>> mapped = map_identifiers(ppi, identifier_map(ppi.genes, ["TP53", "MDM2"], table))
    >>> print(mapped.audit)
    map   2 names: translated (id → symbol)
    map   1 name: not in the table of identifiers, dropped (ENSG3)
    map   1 interaction: a name has no translation, dropped
    """
    if not isinstance(mapping, IdentifierMap):
        raise ConfigError(
            f"Expected an IdentifierMap, got {type(mapping).__name__}: it does not say which genes the names are to "
            "become.\nName them: vnn.pp.map_identifiers(prior, vnn.pp.identifier_map(prior.genes, genes, table))"
        )
    if isinstance(named, Regulation):
        mapping = mapping.keeping(named.regulators)
    new, audit = mapping.resolved(policy)
    if not any(name in new for name in names_in(named)):
        raise GeneError(
            f"No name could be translated ({mapping.how}): {sample(names_in(named), 3)}.\n"
            "Give a table that has these names"
            + remedy(", or say which of its columns: {source}, {target}", source=..., target=...)
        )
    audit = named.audit + audit
    result: Any
    if isinstance(named, GeneList):
        result = _gene_list(named, new, audit)
    elif isinstance(named, GeneSets):
        result = _gene_sets(named, new, named.sources + mapping.sources, audit)
    else:
        result = _pairs(named, new, named.sources + mapping.sources, audit)
    return result  # type: ignore[no-any-return]


def _expanded(*columns: Any, new: New) -> tuple[NDArray[np.int64], list[list[str]], int]:
    """Return, for every combination of new names, its row and these names; and how many rows have none."""
    rows: list[int] = []
    names: list[list[str]] = [[] for _ in columns]
    lost = 0
    for row, old in enumerate(zip(*columns, strict=True)):
        combinations: list[tuple[str, ...]] = [()]
        for name in old:
            combinations = [(*start, one) for start in combinations for one in new.get(name, ())]
        lost += not combinations
        for combination in combinations:
            rows.append(row)
            for place, one in zip(names, combination, strict=True):
                place.append(one)
    return np.array(rows, dtype=np.int64), names, lost


def _lost(subject: str, count: int) -> AuditEntry:
    return AuditEntry("map", subject, "a name has no translation, dropped", count)


def _pairs(table: Pairs, new: New, sources: tuple[Source, ...], audit: Audit) -> Pairs:
    facts: dict[str, Any] = {}
    if isinstance(table, Annotations):
        frame, columns, subject = table._rows(), ["gene"], "annotation"
        facts["term_names"] = table.term_names
    elif isinstance(table, Regulation):
        frame, columns, subject = table.to_frame(), ["regulator", "target"], "regulatory edge"
    else:
        frame, columns, subject = table.to_frame(), ["a", "b"], "interaction"
    rows, names, lost = _expanded(*(frame[column] for column in columns), new=new)
    mapped = frame.iloc[rows].assign(**dict(zip(columns, names, strict=True)))
    return of_rows(type(table), mapped, sources=sources, audit=audit + Audit.of(_lost(subject, lost)), **facts)


def _gene_sets(table: GeneSets, new: New, sources: tuple[Source, ...], audit: Audit) -> GeneSets:
    sets = {name: [one for gene in genes for one in new.get(gene, ())] for name, genes in table.sets.items()}
    emptied = [name for name, genes in sets.items() if not genes]
    lost = sum(gene not in new for genes in table.sets.values() for gene in genes)
    return GeneSets.from_mapping(
        {name: list(dict.fromkeys(genes)) for name, genes in sets.items() if genes},
        descriptions={name: said for name, said in table.descriptions.items() if sets.get(name)},
        sources=sources,
        audit=audit
        + Audit.of(_lost("member", lost), AuditEntry.of("map", "gene set", "no gene is left, dropped", emptied)),
    )


def _gene_list(table: GeneList, new: New, audit: Audit) -> GeneList:
    found = [one for gene in table.ids for one in new.get(gene, ())]
    unique = tuple(dict.fromkeys(found))
    repeated = pd.Series(found).value_counts()
    again = AuditEntry.of(
        "map", "gene", "the same gene again, first one kept", repeated[repeated > 1].index, len(found) - len(unique)
    )
    return replace(table, ids=unique, audit=audit + Audit.of(again))
