"""Groups of genes become one layer of named nodes.

In: families of groups over the genes of a list (from interactions, regulation, gene sets), with size limits.
Out: an `Architecture` of two layers. Here, and only here, groups are limited, merged and accounted for.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import WiringError, counted
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.basics.remedies import option_set
from keras_vnn.basics.showing import Shown
from keras_vnn.options import GeneSetOptions, InteractionOptions
from keras_vnn.priors.genes import GeneList

_SUBJECTS = {"interaction": "group", "regulator": "regulator", "gene set": "gene set"}
_PAIRS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Limits:
    """The smallest and the largest size a group may have.

    Attributes
    ----------
    minimum, maximum
        Both included; ``None`` for no maximum.
    counted
        What is counted, ``genes`` or ``targets``; the options are called ``min_…`` and ``max_…`` after it.
    """

    minimum: int
    maximum: int | None
    counted: str = "genes"

    def __str__(self) -> str:
        """Return the limits as the options that set them."""
        limits = {f"min_{self.counted}": self.minimum, f"max_{self.counted}": self.maximum}
        return ", ".join(option_set(name, value) for name, value in limits.items() if value is not None)


@dataclass(frozen=True, eq=False, repr=False)
class Groups(Shown):
    """One family of groups: a name and a set of genes each.

    Attributes
    ----------
    kind
        The kind of node each becomes.
    ids, labels, attributes
        Of each group, in order.
    membership
        ``(genes, groups)`` of booleans, CSC with sorted indices.
    sizes
        ``(groups,)`` what the limits apply to.
    """

    kind: str
    ids: Sequence[str]
    labels: Sequence[str]
    attributes: Sequence[Mapping[str, Any]]
    membership: sparse.csc_array
    sizes: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        kind: str,
        ids: Sequence[str],
        labels: Sequence[str],
        attributes: Sequence[Mapping[str, Any]],
        members: sparse.csc_array,
        sizes: NDArray[np.int64] | None = None,
    ) -> Groups:
        """Make a family, sorted by id; sizes are the numbers of members unless given."""
        counts = np.diff(members.indptr).astype(np.int64) if sizes is None else sizes
        return cls(kind, ids, labels, attributes, members, counts).taking(sorted(range(len(ids)), key=ids.__getitem__))

    def taking(self, order: Sequence[int] | NDArray[np.intp]) -> Groups:
        """Return the groups at these positions, in this order."""
        columns = np.asarray(order, np.intp)
        return Groups(
            self.kind,
            [self.ids[i] for i in columns],
            [self.labels[i] for i in columns],
            [self.attributes[i] for i in columns],
            self.membership[:, columns],
            self.sizes[columns],
        )

    def on_rows(self, rows: NDArray[np.int64], count: int) -> Groups:
        """Return the same groups over another list of genes, where row ``i`` becomes ``rows[i]`` of ``count``."""
        old = self.membership.tocoo()
        return replace(self, membership=membership(rows[old.row], old.col, (count, len(self))))

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self.ids)

    @property
    def subject(self) -> str:
        """What an audit calls one of them."""
        return _SUBJECTS.get(self.kind, self.kind)


def membership(rows: NDArray[Any], columns: NDArray[Any], shape: tuple[int, int]) -> sparse.csc_array:
    """Return a boolean ``(genes, groups)`` CSC array with sorted, unique entries at these positions."""
    matrix = sparse.csc_array((np.ones(len(rows), bool), (rows, columns)), shape=shape)
    matrix.sum_duplicates()
    return matrix


def grouped_architecture(
    genes: GeneList,
    families: Sequence[tuple[Groups, Limits]],
    *,
    layer: str,
    pairs: NDArray[np.int64] | None = None,
    apart: str = "",
    absent: Sequence[str],
    options: InteractionOptions | GeneSetOptions,
    sources: Sequence[Source],
    parameters: Mapping[str, Any],
    audit: Audit,
) -> Architecture:
    """Return the architecture whose hidden layer has a node per group.

    Families keep their order, groups theirs within the family. Groups outside the limits are dropped; groups
    with exactly the same genes may become one node, named after the first, that keeps the ids of all. The audit
    lists dropped and merged groups, interactions whose two genes share no node, and genes without a node.

    Parameters
    ----------
    genes
        The input genes.
    families
        Groups over the genes of the list, and their limits.
    layer
        Name of the hidden layer.
    pairs
        ``(interactions, 2)`` positions in the list of the genes of each interaction, to be accounted for.
    apart
        Why two interacting genes can share no group even without limits; empty when they always do.
    absent
        For each gene, why it is in no group even without limits, should that be so.
    options
        Units, dense units, and whether groups with exactly the same genes become one node.
    sources, audit
        Of the priors.
    parameters
        Those of the architecture.

    Raises
    ------
    WiringError
        No group is left.
    """
    kept, dropped = [], []
    for groups, limits in families:
        is_outside = np.logical_or.reduce([outside for outside, _ in _outside(groups, limits)])
        kept.append(groups.taking(np.flatnonzero(~is_outside)))
        dropped.append(groups.taking(np.flatnonzero(is_outside)))
    if not sum(map(len, kept)):
        raise WiringError(_nothing_left(families))
    kept_members, dropped_members = _side_by_side(kept), _side_by_side(dropped)
    nodes, adjacency, merged = _merged(kept, kept_members, options.units, merges=options.redundancy == "same genes")
    accounts = [
        *_limit_entries(families),
        AuditEntry.of("wire", "node", "same genes as another node, merged into it (its names keep all ids)", merged),
    ]
    if pairs is not None and (apart or dropped_members.nnz):
        accounts += _pair_entries(genes, pairs, kept_members, dropped_members, apart)
    accounts += _gene_entries(genes, kept_members, dropped_members, absent)
    return Architecture(
        (Layer("genes", tuple(Node(gene, kind="gene") for gene in genes)), Layer(layer, nodes, options.dense_units)),
        {(0, 1): adjacency},
        (*([genes.source] if genes.source else []), *sources),
        parameters,
        genes.audit + audit + Audit.of(*accounts),
    )


def _outside(groups: Groups, limits: Limits) -> list[tuple[NDArray[np.bool_], str]]:
    """Return which groups are outside of each limit, and what to say of them."""
    few = (groups.sizes < limits.minimum, f"fewer than {limits.minimum:,} {limits.counted} in the list")
    if limits.maximum is None:
        return [few]
    return [few, (groups.sizes > limits.maximum, f"more than {limits.maximum:,} {limits.counted} in the list")]


def _side_by_side(families: Sequence[Groups]) -> sparse.csc_array:
    return sparse.csc_array(sparse.hstack([groups.membership for groups in families], format="csc"))


def _merged(
    families: Sequence[Groups], members: sparse.csc_array, units: int, *, merges: bool
) -> tuple[tuple[Node, ...], sparse.csr_array, list[str]]:
    """Return a node per group or distinct set of genes, its adjacency, and the ids that were merged into others."""
    facts = [
        (id, label, groups.kind, attributes)
        for groups in families
        for id, label, attributes in zip(groups.ids, groups.labels, groups.attributes, strict=True)
    ]
    alike: dict[bytes, list[int]] = {}
    for column, genes in enumerate(_columns(members)):
        alike.setdefault(genes.tobytes() if merges else str(column).encode(), []).append(column)
    nodes: list[Node] = []
    merged: list[str] = []
    for first, *others in alike.values():
        id, label, kind, attributes = facts[first]
        names: tuple[str, ...] = ()
        if others:
            attributes = _agreed(attributes, [facts[other][3] for other in others])
            names = (id, *(facts[other][0] for other in others))
            merged += names[1:]
        nodes.append(Node(id, label, kind, units, names, attributes))
    return tuple(nodes), sparse.csr_array(members[:, [first for first, *_ in alike.values()]]), merged


def _agreed(attributes: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the attributes of a node without the effects on ``targets`` that nodes merged into it do not share."""
    agreed = {
        effect: [gene for gene in genes if all(gene in other.get("targets", {}).get(effect, ()) for other in others)]
        for effect, genes in attributes.get("targets", {}).items()
    }
    kept = {name: value for name, value in attributes.items() if name != "targets"}
    found = {effect: genes for effect, genes in agreed.items() if genes}
    return {**kept, "targets": found} if found else kept


def _columns(members: sparse.csc_array) -> Iterator[NDArray[Any]]:
    """Iterate over the positions of the genes of each column."""
    for start, end in itertools.pairwise(members.indptr.tolist()):
        yield members.indices[start:end]


def _limit_entries(families: Sequence[tuple[Groups, Limits]]) -> Iterator[AuditEntry]:
    for groups, limits in families:
        for outside, reason in _outside(groups, limits):
            yield AuditEntry.of("wire", groups.subject, reason, itertools.compress(groups.ids, outside))


def _pair_entries(
    genes: GeneList, pairs: NDArray[np.int64], kept: sparse.csc_array, dropped: sparse.csc_array, apart: str
) -> Iterator[AuditEntry]:
    """Account for interactions whose two genes share no kept group."""
    lost = pairs[~_share_a_column(kept, pairs)]
    by_limit = _share_a_column(dropped, lost)
    for concerned, reason in (
        (lost[by_limit], "no hidden node shared by the pair since a size limit removed it"),
        (lost[~by_limit], apart),
    ):
        yield AuditEntry.of(
            "wire", "interaction", reason, [" ".join(sorted((genes[a], genes[b]))) for a, b in concerned]
        )


def _share_a_column(members: sparse.csc_array, pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return, for each pair of rows, whether some column holds both."""
    rows = sparse.csr_array(members)
    shared = np.zeros(len(pairs), bool)
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        both = sparse.csr_array(rows[pairs[part, 0]].multiply(rows[pairs[part, 1]]))
        shared[part] = np.diff(both.indptr) > 0
    return shared


def _gene_entries(
    genes: GeneList, kept: sparse.csc_array, dropped: sparse.csc_array, absent: Sequence[str]
) -> Iterator[AuditEntry]:
    """Account for genes without a node."""
    connected = np.bincount(kept.indices, minlength=len(genes)) > 0
    limited = np.bincount(dropped.indices, minlength=len(genes)) > 0
    by_reason: dict[str, list[str]] = {reason: [] for reason in sorted(set(absent))}
    lost: list[str] = []
    by_reason["all its nodes were removed by a size limit: not connected"] = lost
    for i in np.flatnonzero(~connected).tolist():
        (lost if limited[i] else by_reason[absent[i]]).append(genes[i])
    for reason, concerned in by_reason.items():
        yield AuditEntry.of("wire", "gene", reason, concerned)


def _nothing_left(families: Sequence[tuple[Groups, Limits]]) -> str:
    lines = ["No hidden node is left within the size limits."]
    for groups, limits in families:
        if len(groups):
            sizes = f"{groups.sizes.min():,} to {groups.sizes.max():,} {limits.counted}"
            lines.append(f"{counted(len(groups), groups.subject)} of {sizes}; expected {limits}.")
    return "\n".join([*lines, "Set limits that fit these sizes."])
