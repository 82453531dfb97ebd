"""Gene sets become an architecture: a node per set.

In: a gene list and named sets of genes. Out: an `Architecture`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Unpack

import numpy as np

from keras_vnn.architecture import NODE_KINDS, Architecture
from keras_vnn.architecture.wiring._groups import Groups, Limits, grouped_architecture, membership
from keras_vnn.architecture.wiring._matching import check_match
from keras_vnn.basics.errors import WiringError, check_choice, sample
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.options import GeneSetOptions, documented
from keras_vnn.priors.genes import gene_list

if TYPE_CHECKING:
    from keras_vnn.options._changes import GeneSetChanges

__all__ = ["gene_set_architecture"]


@documented(GeneSetOptions)
def gene_set_architecture(
    genes: Iterable[str],
    sets: Mapping[str, Sequence[str]],
    *,
    kind: str = "gene set",
    sources: Sequence[Source] = (),
    **options: Unpack[GeneSetChanges],
) -> Architecture:
    """Wire gene sets into one sparse layer: a node per set, sorted by name.

    Sets with exactly the same genes in the list become one node that keeps all names. What is dropped is in the
    audit.

    Parameters
    ----------
    genes
        The input genes, in order.
    sets
        The genes of each set by its name.
    kind
        Kind of the nodes, one of `keras_vnn.architecture.NODE_KINDS`.
    sources
        The files the sets came from.
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
    chosen = GeneSetOptions().changed(**options)
    limits = Limits(chosen.min_genes, chosen.max_genes)
    check_choice("kind", kind, NODE_KINDS)
    members = {gene for group in sets.values() for gene in group}
    check_match(listed, members, "the collection of gene sets")
    position = {gene: i for i, gene in enumerate(listed)}
    shared = sorted(position.keys() & sets.keys())
    if shared:
        raise WiringError(
            f"{len(shared):,} of {len(sets):,} gene sets have the name of a gene: {sample(shared)}.\n"
            'Give the sets other names, for example: {f"SET:{name}": genes for name, genes in sets.items()}'
        )
    names = sorted(sets)
    found = [sorted({position[gene] for gene in sets[name] if gene in position}) for name in names]
    rows = np.array([i for group in found for i in group], np.int64)
    columns = np.repeat(np.arange(len(names)), [len(group) for group in found])
    groups = Groups.of(kind, names, names, [{}] * len(names), membership(rows, columns, (len(listed), len(names))))
    outside = AuditEntry.of("match", "member", "not in the gene list", members - position.keys())
    return grouped_architecture(
        listed,
        [(groups, limits)],
        layer=f"{kind}s",
        absent=["in no gene set: not connected"] * len(listed),
        dense_units=chosen.dense_units,
        units=chosen.units,
        sources=[*([listed.source] if listed.source else []), *sources],
        parameters={"wiring": "gene_set_architecture", **chosen.to_json(), "kind": kind},
        audit=listed.audit + Audit.of(outside),
    )
