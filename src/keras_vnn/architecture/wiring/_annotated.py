"""Annotations meet an ontology and a gene list.

In: all three, the ontology whole and restricted to what was asked for. Out: a `Hierarchy`, and the accounts of every
annotation that did not find its place.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from keras_vnn.architecture.wiring._hierarchy import Hierarchy, adjacency, ancestors, longest_distances, refuse_cycle
from keras_vnn.basics.errors import VNNWarning, WiringError, sample
from keras_vnn.basics.provenance import AuditEntry
from keras_vnn.priors import Annotations, Ontology
from keras_vnn.priors.genes import GeneList

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["annotated_hierarchy"]


_WARNING_ABOVE = 0.2
_UNKNOWN, _OBSOLETE, _ELSEWHERE = -1, -2, -3


def annotated_hierarchy(
    genes: GeneList,
    whole: Ontology,
    selected: Ontology,
    annotations: Annotations,
    *,
    replace_obsolete: bool,
    branch: bool,
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
    replace_obsolete
        Take the replacement of an obsolete term.
    branch
        A denial holds for all terms below the one it names.

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
    term, changed = _places(annotations.terms, whole, selected, replace_obsolete)
    position = {gene: i for i, gene in enumerate(genes)}
    gene = np.array([position.get(name, -1) for name in annotations.genes] or [0], np.int64)
    rows, columns = gene[annotations.pairs[:, 0]], term[annotations.pairs[:, 1]]
    entries = [AuditEntry("match", "annotation", "the gene is not in the gene list", int((rows < 0).sum()))]
    named = np.array([*annotations.terms, ""], dtype=object)
    listed = rows >= 0
    for code, reason in (
        (_UNKNOWN, "its term is not in the ontology"),
        (_OBSOLETE, "its term is obsolete and nothing replaces it" if replace_obsolete else "its term is obsolete"),
        (_ELSEWHERE, "its term is of another namespace"),
    ):
        lost = listed & (columns == code)
        concerned = set(named[annotations.pairs[lost, 1]].tolist())
        entries.append(AuditEntry.of("match", "annotation", reason, concerned, int(lost.sum())))
    moved = listed & changed[annotations.pairs[:, 1]] & (columns >= 0)
    entries.append(
        AuditEntry.of(
            "match",
            "annotation",
            "its term goes by another id now, taken",
            set(named[annotations.pairs[moved, 1]].tolist()),
            int(moved.sum()),
        )
    )
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
            f"None of the {int(listed.sum()):,} annotations of the listed genes is with a term of the selected "
            f"ontology; {known}.\nDo both files speak of the same ontology, and is the namespace the right one?"
        )
    unknown = int((listed & (columns == _UNKNOWN)).sum())
    if unknown > _WARNING_ABOVE * listed.sum():
        # Level 4 is the caller of `wire.ontology`.
        warnings.warn(
            f"{unknown:,} of {int(listed.sum()):,} annotations are with terms the ontology does not have.\n"
            "A slim lacks most terms: give the full ontology, and the slim as terms=….",
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
