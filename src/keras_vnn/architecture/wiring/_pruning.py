"""An ontology and its genes as a `Hierarchy`, and which of its terms stay.

In: an ontology, annotations, genes and the `Limits`: on the number of genes, on terms that add little to those below
them. Out: a smaller `Hierarchy` with the same reachability and one root, and the accounts.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from keras_vnn.architecture.wiring._hierarchy import Hierarchy, adjacency, ancestors, longest_distances, refuse_cycle
from keras_vnn.architecture.wiring._matching import positions_in
from keras_vnn.basics.errors import VNNWarning, WiringError, counted, sample
from keras_vnn.basics.provenance import AuditEntry
from keras_vnn.basics.remedies import remedy
from keras_vnn.options import OntologyOptions
from keras_vnn.priors import Annotations, Ontology
from keras_vnn.priors.genes import GeneList

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WARNING_ABOVE = 0.2
_UNKNOWN, _OBSOLETE, _ELSEWHERE = -1, -2, -3


def annotated_hierarchy(
    genes: GeneList,
    whole: Ontology,
    selected: Ontology,
    annotations: Annotations,
    options: OntologyOptions,
) -> tuple[Hierarchy, list[AuditEntry]]:
    """Return the terms selected with the genes annotated with each.

    Parameters
    ----------
    genes
        The input genes.
    whole, selected
        The ontology, and the part of it that was asked for.
    annotations
        Direct annotations.
    options
        Whether an obsolete term is replaced; whether a denial holds for all terms below the one it names.

    Raises
    ------
    WiringError
        The terms form a cycle, or no annotation is with one of them.

    Warns
    -----
    VNNWarning
        More than a fifth of the annotations are with terms the ontology does not know.
    """
    count = len(selected)
    parents = adjacency(selected.edges[:, 0], selected.edges[:, 1], (count, count))
    refuse_cycle(selected, parents)
    replace_obsolete, branch = options.obsolete == "replace", options.not_rule == "branch"
    term, changed = _places(annotations.terms, whole, selected, replace_obsolete)
    gene = positions_in(genes, annotations.genes)
    rows, columns = gene[annotations.pairs[:, 0]], term[annotations.pairs[:, 1]]
    entries = [AuditEntry("match", "annotation", "the gene is not in the gene list", int((rows < 0).sum()))]
    listed = rows >= 0

    def entry(reason: str, concerned: NDArray[np.bool_]) -> AuditEntry:
        terms = {annotations.terms[i] for i in annotations.pairs[concerned, 1].tolist()}
        return AuditEntry.of("match", "annotation", reason, terms, int(concerned.sum()))

    for code, reason in (
        (_UNKNOWN, "its term is not in the ontology"),
        (_OBSOLETE, "its term is obsolete and nothing replaces it" if replace_obsolete else "its term is obsolete"),
        (_ELSEWHERE, "its term is of another namespace"),
    ):
        entries.append(entry(reason, listed & (columns == code)))
    moved = listed & changed[annotations.pairs[:, 1]] & (columns >= 0)
    entries.append(entry("its term goes by another id now, taken", moved))
    _check_terms(annotations, listed, columns)
    kept = listed & (columns >= 0)
    direct = adjacency(rows[kept], columns[kept], (len(genes), count))
    entries.append(AuditEntry("match", "annotation", "the same by another id, merged", int(kept.sum()) - direct.nnz))
    refused_genes, refused_terms = gene[annotations.denied[:, 0]], term[annotations.denied[:, 1]]
    known = (refused_genes >= 0) & (refused_terms >= 0)
    if known.any():
        denied = adjacency(refused_genes[known], refused_terms[known], direct.shape)
        direct, denials = _without_denied(direct, denied, parents, branch)
        entries += denials
    return Hierarchy(selected.ids, parents, direct, ((),) * count), entries


def _places(
    terms: tuple[str, ...], whole: Ontology, selected: Ontology, replace_obsolete: bool
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return where each term stands in the selection, negative for why it does not; and whether its id changed."""
    places, changed = np.full(len(terms) + 1, _UNKNOWN, np.int64), np.zeros(len(terms) + 1, bool)
    for i, term in enumerate(terms):
        if term in whole.obsolete and term not in whole.alternatives and not replace_obsolete:
            places[i] = _OBSOLETE
            continue
        current = whole.current_id(term)
        changed[i] = current != term
        if not current:
            places[i] = _OBSOLETE if term in whole.obsolete else _UNKNOWN
        else:
            places[i] = selected.positions.get(current, _ELSEWHERE)
    return places, changed


def _check_terms(annotations: Annotations, listed: NDArray[np.bool_], columns: NDArray[np.int64]) -> None:
    if not (listed & (columns >= 0)).any():
        known = "their terms look like " + sample(annotations.terms, 3)
        raise WiringError(
            f"None of the {counted(int(listed.sum()), 'annotation')} of the listed genes is with a term of the "
            f"selected ontology; {known}.\nDo both files speak of the same ontology, and is the namespace the right "
            "one?"
        )
    unknown = int((listed & (columns == _UNKNOWN)).sum())
    if unknown > _WARNING_ABOVE * listed.sum():
        # Level 4 is the caller of `wire.ontology`.
        warnings.warn(
            f"{unknown:,} of {counted(int(listed.sum()), 'annotation')} are with terms the ontology does not have.\n"
            + remedy("A slim lacks most terms: give the full ontology, and the slim as {terms}.", terms=...),
            VNNWarning,
            stacklevel=4,
        )


def _without_denied(
    direct: sparse.csr_array, denied: sparse.csr_array, parents: sparse.csr_array, branch: bool
) -> tuple[sparse.csr_array, list[AuditEntry]]:
    """Remove what is negated, and count what stays true by a term below a negated one."""
    closure = ancestors(parents, longest_distances(parents))
    # A gene that lacks a term lacks everything below it.
    lacking = sparse.csr_array(denied @ sparse.csr_array(closure.T)) if branch else denied
    before = direct.nnz
    direct = sparse.csr_array(direct.astype(np.int8) - direct.multiply(lacking).astype(np.int8), dtype=bool)
    direct.eliminate_zeros()
    still = sparse.csr_array(sparse.csr_array(direct @ closure).multiply(denied))
    where = "it or a term above it is negated (NOT), removed" if branch else "negated (NOT) under another id, removed"
    return direct, [
        AuditEntry("match", "annotation", where, before - direct.nnz),
        AuditEntry("match", "annotation", "negated (NOT), but one with a term below implies it, kept", still.nnz),
    ]


_ROOT_IDS = ("root", "made root", "root of all terms")


@dataclass(frozen=True, slots=True)
class TermLimits:
    """What a term must fulfil to stay; see `wire.ontology`.

    Attributes
    ----------
    min_genes, max_genes
        Limits on the number of genes, both included.
    min_new_genes
        Genes a term must have more than any child.
    jaccard
        Share of genes with a child from which on a term is redundant; ``None`` for never.
    """

    min_genes: int = 1
    max_genes: int | None = None
    min_new_genes: int = 0
    jaccard: float | None = None


def prune(
    hierarchy: Hierarchy, limits: TermLimits, *, wanted: NDArray[np.bool_] | None = None, unwanted: str = ""
) -> tuple[Hierarchy, list[AuditEntry]]:
    """Remove terms, first by their number of genes, then by what they add to their children, from below.

    Pruning what is pruned already changes nothing.

    Parameters
    ----------
    hierarchy
        All terms.
    limits
        What a term must fulfil.
    wanted
        ``(terms,)`` whether a term may stay at all; ``None`` for all.
    unwanted
        Why the others may not.

    Raises
    ------
    WiringError
        No term is left.
    """
    sizes = hierarchy.sizes
    outside = [
        (sizes == 0, "no gene in the list"),
        (sizes < limits.min_genes, f"fewer than {counted(limits.min_genes, 'gene')} in the list"),
        (sizes > (limits.max_genes or np.inf), f"more than {counted(limits.max_genes or 0, 'gene')} in the list"),
        (np.zeros(len(hierarchy), bool) if wanted is None else ~wanted, unwanted),
    ]
    kept = np.ones(len(hierarchy), bool)
    entries = []
    for fails, reason in outside:
        entries.append(AuditEntry.of("wire", "term", reason, _names(hierarchy, kept & fails)))
        kept &= ~fails
    if not kept.any():
        raise WiringError(_nothing_left(hierarchy, limits, entries))
    pruned = hierarchy if kept.all() else hierarchy.keeping(kept)
    if limits.jaccard is None and not limits.min_new_genes:
        return pruned, entries
    pruned, further = _without_redundant(pruned, limits)
    return pruned, [*entries, *further]


def _without_redundant(hierarchy: Hierarchy, limits: TermLimits) -> tuple[Hierarchy, list[AuditEntry]]:
    """Judge every term against the children that stayed, from the leaves up.

    A term without parents is what leads to the output: it never goes for adding too few genes, and for redundancy
    only if its one child has exactly its genes.
    """
    sizes, roots = hierarchy.sizes.tolist(), hierarchy.is_root.tolist()
    children = sparse.csc_array(hierarchy.parents)
    kept = np.ones(len(hierarchy), bool)
    below: list[tuple[int, ...]] = [()] * len(hierarchy)
    stands_for: dict[int, int] = {}
    few_new = np.zeros(len(hierarchy), bool)
    for term in np.argsort(-hierarchy.depth, kind="stable").tolist():
        found: set[int] = set()
        for child in children.indices[children.indptr[term] : children.indptr[term + 1]].tolist():
            found.update((child,) if kept[child] else below[child])
        below[term] = tuple(sorted(found))
        if not found:
            continue
        largest = max(below[term], key=lambda child: (sizes[child], -child))
        if limits.jaccard is not None:
            # A child's genes are among the term's, so the smaller count over the larger is the Jaccard index.
            redundant = sizes[largest] >= limits.jaccard * sizes[term]
            if redundant and (not roots[term] or (len(found) == 1 and sizes[largest] == sizes[term])):
                kept[term] = False
                stands_for[term] = largest
                continue
        if sizes[term] - sizes[largest] < limits.min_new_genes and not roots[term]:
            kept[term] = False
            few_new[term] = True
    merged = [list(names) for names in hierarchy.merged]
    for term, child in stands_for.items():
        merged[child] += [hierarchy.ids[term], *hierarchy.merged[term]]
    named = replace(hierarchy, merged=tuple(tuple(sorted(names)) for names in merged))
    same = "the same genes as" if limits.jaccard == 1 else f"a Jaccard index of {limits.jaccard or 0:g} or more with"
    entries = [
        AuditEntry.of(
            "wire",
            "term",
            f"{same} a child, merged into it (its names keep all ids)",
            [hierarchy.ids[term] for term in stands_for],
        ),
        AuditEntry.of(
            "wire",
            "term",
            f"fewer than {counted(limits.min_new_genes, 'gene')} more than a child",
            _names(hierarchy, few_new),
        ),
    ]
    return named.keeping(kept), entries


def with_one_root(
    hierarchy: Hierarchy, genes: NDArray[np.bool_], taken: Collection[str]
) -> tuple[Hierarchy, list[AuditEntry], str]:
    """Put one term over all roots, unless there is one root that has all these genes already.

    Parameters
    ----------
    hierarchy
        The terms.
    genes
        ``(genes,)`` which genes must be under the root; it reads itself those under no other term.
    taken
        Ids the new root may not have.

    Returns
    -------
    hierarchy, accounts, root
        The id of the root that was made, or an empty string.

    Raises
    ------
    WiringError
        No id is left for the new root.
    """
    roots = np.flatnonzero(hierarchy.is_root)
    orphans = genes & (np.diff(hierarchy.members.indptr) == 0)
    if len(roots) == 1 and not orphans.any():
        return hierarchy, [], ""
    made = next((id for id in _ROOT_IDS if id not in taken), "")
    if not made:
        raise WiringError(f"Terms are called {', '.join(_ROOT_IDS)} already: no name is left for a root over them.")
    position = sum(id < made for id in hierarchy.ids)
    count = len(hierarchy)
    up = sparse.csr_array((np.ones(len(roots), bool), (roots, np.zeros(len(roots), np.int64))), shape=(count, 1))
    order = np.insert(np.arange(count), position, count)
    parents = sparse.vstack([sparse.hstack([hierarchy.parents, up]), sparse.csr_array((1, count + 1), dtype=bool)])
    direct = sparse.hstack([hierarchy.direct, sparse.csr_array(orphans[:, None])])
    joined = Hierarchy(
        (*hierarchy.ids[:position], made, *hierarchy.ids[position:]),
        sparse.csr_array(sparse.csr_array(parents, dtype=bool)[order][:, order]),
        sparse.csr_array(sparse.csr_array(direct, dtype=bool)[:, order]),
        (*hierarchy.merged[:position], (), *hierarchy.merged[position:]),
    )
    entry = AuditEntry.of("wire", "term", "under a root that was made", [hierarchy.ids[i] for i in roots])
    return joined, [entry], made


def _names(hierarchy: Hierarchy, chosen: NDArray[np.bool_]) -> Iterator[str]:
    return (hierarchy.ids[i] for i in np.flatnonzero(chosen))


def _nothing_left(hierarchy: Hierarchy, limits: TermLimits, entries: list[AuditEntry]) -> str:
    lines = ["No term is left.", *(f"    {entry}" for entry in entries if entry.count)]
    largest = int(hierarchy.sizes.max(initial=0))
    lower = remedy("{min_genes}", f"at least {limits.min_genes}", min_genes=limits.min_genes)
    upper = remedy(" and {max_genes}", max_genes=limits.max_genes) if limits.max_genes is not None else ""
    lines.append(
        f"The largest term has {counted(largest, 'gene')} of the list; the limits are {lower}{upper}.\n"
        "Set limits that fit these sizes, or give more genes."
    )
    return "\n".join(lines)
