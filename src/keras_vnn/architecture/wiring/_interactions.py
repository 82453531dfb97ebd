"""Interactions and regulation, or gene sets, become an architecture: groups and regulators in one sparse layer.

In: a gene list, `Interactions`, `Regulation`; or `GeneSets`. Out: an `Architecture`.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from keras_vnn.architecture import NODE_KINDS, Architecture
from keras_vnn.architecture.wiring._groupings import GROUPINGS
from keras_vnn.architecture.wiring._groups import Groups, Limits, grouped_architecture, membership
from keras_vnn.architecture.wiring._matching import check_match, positions_in, prior_of
from keras_vnn.basics.errors import VNNWarning, WiringError, check_choice, counted, sample
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.basics.remedies import by_place, reader_called
from keras_vnn.options import GeneSetOptions, InteractionOptions, documented
from keras_vnn.priors import EFFECTS, GeneSets, Interactions, Regulation
from keras_vnn.priors.genes import GeneList, gene_list

if TYPE_CHECKING:
    from keras_vnn.options._changes import GeneSetChanges, InteractionChanges


@documented(InteractionOptions)
def interaction_architecture(
    genes: Any,
    interactions: Interactions | Any = None,
    regulation: Regulation | Any = None,
    **options: Unpack[InteractionChanges],
) -> Architecture:
    """Wire interactions and regulation into one sparse layer of named nodes.

    Groups of interacting genes come first, then regulators, each family sorted by id. For the groupings ``edge``,
    ``neighbourhood`` and ``clique`` any two genes that interact share a node, unless a size limit removed it.
    Nodes with exactly the same genes become one that keeps all ids in ``names``, unless ``redundancy="none"``. Whatever
    is dropped is counted in the audit. The order of rows and directions in the tables does not matter.

    Parameters
    ----------
    genes
        The input genes, in order: names, or an AnnData.
    interactions
        Undirected interactions, or what `read.interactions` reads by default; those with a gene outside the list are
        left out.
    regulation
        Regulators and their targets, or what `read.regulation` reads; a regulator need not be in the list.
    {options}

    Returns
    -------
    Architecture
        Genes and one layer of nodes.

    Raises
    ------
    GeneError
        No gene, or hardly any, is in a table; or the gene list is not one.
    WiringError
        No table is given, a table is empty, nothing of them lies within the list, or no node is within the limits.
    ConfigError
        An option has an unknown name or an impossible value.

    Warns
    -----
    VNNWarning
        Few genes are in a table, or nothing of one of two tables lies within the list.

    References
    ----------
    Lin et al. 2017, Using neural networks for reducing the dimensions of single-cell RNA-Seq data,
    doi:10.1093/nar/gkx681.

    Examples
    --------
    >>> import keras_vnn as vnn
    >>> ppi = Interactions.from_pairs(["JAK1", "JAK2", "ATM"], ["STAT1", "STAT1", "TP53"])
    >>> arch = vnn.wire.interactions(["STAT1", "JAK1", "JAK2", "TP53", "MDM2"], ppi)
    >>> arch.layers[1].labels
    ('JAK1 and partners', 'JAK2 and partners', 'STAT1 and partners')
    >>> print(arch.audit)
    match   1 interaction: one or both genes are not in the gene list
    wire    1 gene: no interaction in the prior: not connected (MDM2)
    wire    1 gene: nothing it interacts with is in the list: not connected (TP53)
    """
    listed = gene_list(genes)
    if interactions is None and regulation is None:
        raise WiringError(
            "There is nothing to wire: neither interactions nor regulation were given.\n"
            "Pass at least one: vnn.wire.interactions(genes, interactions, regulation)"
        )
    interactions = None if interactions is None else prior_of(interactions, Interactions, "interactions", listed)
    regulation = None if regulation is None else prior_of(regulation, Regulation, "regulation", listed)
    chosen = InteractionOptions().changed(**options)
    group_limits = Limits(chosen.min_genes, chosen.max_genes)
    target_limits = Limits(chosen.min_targets, chosen.max_targets, "targets")

    families: list[tuple[Groups, Limits]] = []
    sources: tuple[Source, ...] = ()
    audit, pairs = Audit(), None
    if interactions is not None:
        check_match(listed, interactions.genes, "the interaction table")
        inside = interactions.among(listed)
        rows = positions_in(listed, inside.genes)
        pairs = rows[inside.pairs]
        if len(inside):
            groups = GROUPINGS[chosen.grouping](inside, chosen)
            families.append((groups.on_rows(rows, len(listed)), group_limits))
        else:
            _complain_of_nothing(interactions, fatal=regulation is None)
        sources, audit = interactions.sources, inside.audit
    if regulation is not None:
        check_match(listed, regulation.targets, "the column of targets")
        aimed = regulation.among(listed)
        families.append((_regulators(aimed, listed, chosen.include_regulator), target_limits))
        sources, audit = (*sources, *regulation.sources), audit + aimed.audit
    given = {"interactions": interactions, "regulators": regulation}
    return grouped_architecture(
        listed,
        families,
        layer=" and ".join(name for name, table in given.items() if table is not None),
        pairs=pairs,
        apart="between two communities, no hidden node shared by the pair" if chosen.grouping == "community" else "",
        absent=_reasons(listed, interactions, regulation),
        options=chosen,
        sources=sources,
        parameters={"wiring": "interaction_architecture", **chosen.to_json()},
        audit=audit,
    )


def _regulators(regulation: Regulation, genes: GeneList, include_regulator: bool) -> Groups:
    """Return a group per regulator, over the genes of the list; its size is the number of its targets."""
    names = regulation.regulators
    columns, targets = regulation.pairs.T
    rows = positions_in(genes, regulation.targets)[targets]
    counts: list[Counter[str]] = [Counter() for _ in names]
    signed: list[dict[str, list[str]]] = [{} for _ in names]
    for column, target, effect in zip(columns.tolist(), targets.tolist(), regulation.effect, strict=True):
        counts[column][effect] += 1
        if effect in ("activation", "repression"):
            signed[column].setdefault(effect, []).append(regulation.targets[target])
    sizes = np.bincount(columns, minlength=len(names))
    if include_regulator:
        itself = positions_in(genes, names)
        measured = np.flatnonzero(itself >= 0)
        rows, columns = np.concatenate([rows, itself[measured]]), np.concatenate([columns, measured])
    return Groups.of(
        "regulator",
        [f"TF:{name}" for name in names],
        [f"{name} targets" for name in names],
        [
            {
                "effects": {effect: count[effect] for effect in EFFECTS if effect in count},
                **({"targets": genes_by_effect} if genes_by_effect else {}),
            }
            for count, genes_by_effect in zip(counts, signed, strict=True)
        ],
        membership(rows, columns, (len(genes), len(names))),
        sizes,
    )


def _reasons(genes: GeneList, interactions: Interactions | None, regulation: Regulation | None) -> list[str]:
    """Return, for each gene, what to say should it be in no group."""
    tables, verbs, known = [], [], set()
    if interactions is not None:
        tables, verbs, known = ["interaction"], ["interacts with"], set(interactions.genes)
    regulators: set[str] = set()
    if regulation is not None:
        tables, verbs = [*tables, "regulation"], [*verbs, "regulates"]
        regulators = set(regulation.among(genes).regulators)
        known |= {*regulation.regulators, *regulation.targets}
    unknown = f"no {' or '.join(tables)} in the prior: not connected"
    outside = f"nothing it {' or '.join(verbs)} is in the list: not connected"
    left_out = "a regulator only, and include_regulator is false: not connected"
    return [unknown if gene not in known else left_out if gene in regulators else outside for gene in genes]


def _complain_of_nothing(interactions: Interactions, *, fatal: bool) -> None:
    text = f"None of the {counted(len(interactions), 'interaction')} has both genes in the list"
    if fatal:
        raise WiringError(f"{text}: there is nothing to wire.\nAdd genes to the list, or take a larger table.")
    # Level 3 is the caller of `wire.interactions`.
    warnings.warn(f"{text}: only regulators become nodes.", VNNWarning, stacklevel=3)


@documented(GeneSetOptions)
def gene_set_architecture(
    genes: Any,
    sets: Mapping[str, Sequence[str]] | Any,
    *,
    kind: str = "gene set",
    sources: Sequence[Source] = (),
    **options: Unpack[GeneSetChanges],
) -> Architecture:
    """Wire gene sets into one sparse layer: a node per set, sorted by name.

    Sets with exactly the same genes in the list become one node that keeps all names, unless ``redundancy="none"``.
    What is dropped is in the audit.

    Parameters
    ----------
    genes
        The input genes, in order: names, or an AnnData.
    sets
        The genes of each set by its name, or what `read.gene_sets` reads by default.
    kind
        Kind of the nodes, one of `keras_vnn.architecture.NODE_KINDS`.
    sources
        The files the sets came from, where they do not say.
    {options}

    Returns
    -------
    Architecture
        Genes and one layer of nodes.

    Raises
    ------
    GeneError
        No gene, or hardly any, is in a set; or the gene list is not one.
    WiringError
        There is no set, none is within the limits, or a set has the name of a gene.
    ConfigError
        An option has an impossible value.

    Examples
    --------
    >>> import keras_vnn as vnn
    >>> arch = vnn.wire.gene_sets(["A", "B", "C"], {"repair": ["A", "B"], "growth": ["B", "C", "D"]})
    >>> arch.layers[1].ids
    ('growth', 'repair')
    >>> print(arch.audit)
    match   1 member: not in the gene list (D)
    """
    listed = gene_list(genes)
    known: Mapping[str, Sequence[str]] = (
        sets if isinstance(sets, Mapping) else prior_of(sets, GeneSets, "gene_sets", listed)
    )
    chosen = GeneSetOptions().changed(**options)
    limits = Limits(chosen.min_genes, chosen.max_genes)
    check_choice("kind", kind, NODE_KINDS)
    members = {gene for group in known.values() for gene in group}
    check_match(listed, members, "the collection of gene sets")
    position = {gene: i for i, gene in enumerate(listed)}
    shared = sorted(position.keys() & known.keys())
    if shared:
        raise WiringError(
            f"{len(shared):,} of {counted(len(known), 'gene set')} have the name of a gene: {sample(shared)}.\n"
            "If they are regulators and their targets, read the file by "
            f"{reader_called('regulation', 'read.regulation', format='gmt')}.\n"
            + by_place(
                f"Rename these sets in the file, for example to SET:{shared[0]}.",
                'Give the sets other names, for example: {f"SET:{name}": genes for name, genes in sets.items()}',
            )
        )
    names = sorted(known)
    found = [sorted({position[gene] for gene in known[name] if gene in position}) for name in names]
    rows = np.array([i for group in found for i in group], np.int64)
    columns = np.repeat(np.arange(len(names)), [len(group) for group in found])
    groups = Groups.of(kind, names, names, [{}] * len(names), membership(rows, columns, (len(listed), len(names))))
    outside = AuditEntry.of("match", "member", "not in the gene list", members - position.keys())
    return grouped_architecture(
        listed,
        [(groups, limits)],
        layer=f"{kind}s",
        absent=["in no gene set: not connected"] * len(listed),
        options=chosen,
        sources=sources or getattr(known, "sources", ()),
        parameters={"wiring": "gene_set_architecture", **chosen.to_json(), "kind": kind},
        audit=Audit.of(outside),
    )
