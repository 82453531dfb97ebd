"""Ontologies become an architecture: a node per term, laid out in layers.

In: a gene list, an `Ontology`, `Annotations`. Out: an `Architecture`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from keras_vnn.architecture import Architecture, Node
from keras_vnn.architecture.wiring._hierarchy import Hierarchy
from keras_vnn.architecture.wiring._layering import (
    UNANNOTATED_ID,
    Layout,
    assembled,
    distances,
    lay_out,
    only_adjacent,
    units_of,
    units_to_json,
)
from keras_vnn.architecture.wiring._matching import check_match, prior_of
from keras_vnn.architecture.wiring._pruning import TermLimits, annotated_hierarchy, prune, with_one_root
from keras_vnn.basics.errors import WiringError, counted, sample
from keras_vnn.basics.provenance import Audit, AuditEntry
from keras_vnn.basics.remedies import remedy
from keras_vnn.options import HierarchyOptions, OntologyOptions, documented
from keras_vnn.priors import Annotations, Ontology
from keras_vnn.priors.genes import GeneList, gene_list

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from keras_vnn.options._changes import HierarchyChanges, OntologyChanges


@documented(OntologyOptions)
def ontology_architecture(
    genes: Any,
    ontology: Ontology | Any,
    annotations: Annotations | Any,
    **options: Unpack[OntologyChanges],
) -> Architecture:
    """Wire an ontology: a node per term, which reads its child terms and the genes annotated with it.

    A gene annotated with a term belongs to every term above it (the true-path rule). Terms are limited by their
    number of genes in the list, then, from the leaves up, by what they add to their children. Children and genes of a
    removed term join all terms directly above it, so what lay under a term that stays still does; only genes of
    terms with nothing left above are lost. Whatever is dropped is counted in the audit. The order of rows in the
    files does not matter.

    This is the order in which DCell prepares its ontology: evidence first (`read.annotations`), then size, then
    redundancy.

    Parameters
    ----------
    genes
        The input genes, in order: names, or an AnnData.
    ontology, annotations
        The prior knowledge, or what `read.ontology` and `read.annotations` read by default. Annotations are direct
        ones; ids may be alternative or obsolete ones.
    {options}

    Returns
    -------
    Architecture
        Genes and layers of terms, sorted by id within a layer. A node's ``attributes`` have its number of genes, its
        namespace, its depth and level before terms were removed, and the names of terms merged into it by id.

    Raises
    ------
    GeneError
        No gene, or hardly any, is annotated; or the gene list is not one.
    WiringError
        The ontology has a cycle, none of its terms is annotated, no term is left, or a term has the name of a gene.
    ConfigError
        An option has an unknown name or an impossible value.
    ReadError
        The ontology has no such namespace or relation.

    Warns
    -----
    VNNWarning
        Few genes are annotated, or many annotations are with terms the ontology does not have.

    References
    ----------
    Ma et al. 2018, Using deep learning to model the hierarchical structure and function of a cell,
    doi:10.1038/nmeth.4627.

    Examples
    --------
    >>> import keras_vnn as vnn
    >>> repair = Ontology.from_mapping({"mismatch repair": ["DNA repair"], "excision repair": ["DNA repair"]})
    >>> known = Annotations.from_mapping(
    ...     {
    ...         "MLH1": ["mismatch repair"],
    ...         "MSH2": ["mismatch repair"],
    ...         "XPA": ["excision repair"],
    ...         "ATM": ["DNA repair"],
    ...     }
    ... )
    >>> arch = vnn.wire.ontology(["ATM", "MLH1", "MSH2", "TP53", "XPA"], repair, known, min_genes=2)
    >>> [layer.ids for layer in arch.hidden_layers]
    [('mismatch repair',), ('DNA repair',)]
    >>> print(arch.audit)
    wire   1 term: fewer than 2 genes in the list (excision repair)
    wire   1 gene: no annotation in the prior: not connected (TP53)
    """
    listed = gene_list(genes)
    ontology = prior_of(ontology, Ontology, "ontology")
    annotations = prior_of(annotations, Annotations, "annotations", listed)
    chosen = OntologyOptions().changed(**options)
    check_match(listed, annotations.genes, "the annotation table")
    selected = ontology.selecting(relations=chosen.relations, namespaces=chosen.namespace or None)
    whole, mapping = annotated_hierarchy(listed, ontology, selected, annotations, chosen)
    wanted, unwanted = _wanted(whole, ontology, chosen)
    hierarchy, entries = prune(whole, _limits(chosen), wanted=wanted, unwanted=unwanted)
    made = ""
    if chosen.root is not None:
        hierarchy, joined, made = with_one_root(hierarchy, np.diff(whole.direct.indptr) > 0, {*ontology.ids, *listed})
        entries += joined
    _check_names(listed, hierarchy)
    layout, dropped = _laid_out(listed, hierarchy, chosen)
    unread = np.flatnonzero(np.diff(layout.genes.indptr) == 0)
    if chosen.unannotated == "node" and len(unread) and UNANNOTATED_ID in {*hierarchy.ids, *listed}:
        how = remedy("pass {unannotated}", unannotated="unconnected")
        raise WiringError(f"A term or gene is called {UNANNOTATED_ID!r}: {how}.")
    entries += dropped + _gene_entries(listed, annotations, whole, hierarchy, unread, chosen)
    units = units_of(chosen.units, hierarchy.sizes)
    layers, connections = assembled(
        listed, layout, _nodes(whole, hierarchy, made, selected, annotations, units), chosen, unread
    )
    sources = [listed.source] if listed.source else []
    return Architecture(
        layers,
        connections,
        tuple(dict.fromkeys([*sources, *selected.sources, *annotations.sources])),
        _parameters(chosen),
        listed.audit + selected.audit + annotations.audit + Audit.of(*mapping, *entries),
    )


@documented(HierarchyOptions)
def hierarchy_architecture(
    genes: Iterable[str] | None,
    ontology: Ontology,
    annotations: Annotations,
    **options: Unpack[HierarchyChanges],
) -> Architecture:
    """Wire a hierarchy somebody prepared (DrugCell, DCell, NeST, KPNN, GenNet) as it is.

    The same as `wire.ontology` with no limit: every term that has a gene in the list becomes a node.

    Parameters
    ----------
    genes
        The input genes, in order; ``None`` for all genes of the hierarchy, sorted.
    ontology, annotations
        As `read.hierarchy` gives them.
    {options}

    Returns
    -------
    Architecture
        Genes and layers of terms.

    Raises
    ------
    GeneError, WiringError, ConfigError
        As in `wire.ontology`.
    """
    annotations = prior_of(annotations, Annotations, "hierarchy")
    ontology = prior_of(ontology, Ontology, "hierarchy")
    chosen = HierarchyOptions().changed(**options)
    return ontology_architecture(
        annotations.genes if genes is None else genes,
        ontology,
        annotations,
        relations=tuple(sorted({*ontology.relation})) or ("is_a",),
        min_genes=1,
        redundancy=None,
        **{name: getattr(chosen, name) for name in chosen.names()},
    )


def _limits(options: OntologyOptions) -> TermLimits:
    words = {"same genes": 1.0, "none": None}
    redundancy = words.get(options.redundancy) if isinstance(options.redundancy, str) else options.redundancy
    return TermLimits(options.min_genes, options.max_genes, options.min_new_genes, redundancy)


def _wanted(hierarchy: Hierarchy, ontology: Ontology, options: OntologyOptions) -> tuple[NDArray[np.bool_] | None, str]:
    """Return which terms may be nodes at all, and why others may not."""
    wanted = np.ones(len(hierarchy), bool)
    reasons = []
    if options.terms is not None:
        ids = set(options.terms)
        current = {ontology.current_id(id) for id in ids}
        wanted &= np.array([id in current for id in hierarchy.ids], bool)
        if not wanted.any():
            raise WiringError(f"None of the {counted(len(ids), 'term')} asked for is in the ontology: {sample(ids)}.")
        reasons.append("not among the terms asked for")
    if options.window is not None:
        low, high = options.window
        distance = distances(hierarchy, options.layering)
        what = "depth" if options.layering == "flat" else options.layering
        wanted &= (distance >= low) & (distance <= high)
        reasons.append(f"of a {what} below {low} or above {high}")
        if not wanted.any():
            raise WiringError(f"No term has a {what} from {low} to {high}; the largest is {distance.max()}.")
    return wanted if reasons else None, " or ".join(reasons)


def _laid_out(genes: GeneList, hierarchy: Hierarchy, options: OntologyOptions) -> tuple[Layout, list[AuditEntry]]:
    """Return the terms in layers, and which edges and terms had no place there."""
    lowest = options.window[0] if options.window else 0
    layout, entries = lay_out(hierarchy, options.layering, options.term_genes, lowest=lowest)
    if options.skip_edges != "drop":
        return layout, entries
    layout, further = only_adjacent(layout, hierarchy, genes.ids)
    if not (layout.layer > 0).any():
        dropped, kept = (remedy("{skip_edges}", skip_edges=how) for how in ("drop", "keep"))
        raise WiringError(f"Every term lost its place under {dropped}: pass {kept}.")
    return layout, entries + further


def _parameters(options: OntologyOptions) -> dict[str, Any]:
    units = {"units": units_to_json(options.units)}
    return {"wiring": "ontology_architecture", **options.model_dump(mode="json", exclude={"units"}), **units}


def _nodes(
    before: Hierarchy,
    hierarchy: Hierarchy,
    made_root: str,
    ontology: Ontology,
    annotations: Annotations,
    units: NDArray[np.int64],
) -> list[Node]:
    """Return a node per term; depth and level are those before terms were removed."""
    columns = zip(hierarchy.ids, hierarchy.merged, units.tolist(), hierarchy.sizes.tolist(), strict=True)
    nodes = []
    for id, merged, wide, size in columns:
        known = ontology.positions.get(id)
        name, space = ("", "") if known is None else (ontology.names[known], ontology.namespaces[known])
        label = annotations.term_names.get(id, name) if name in ("", id) else name
        attributes: dict[str, Any] = {"genes": size}
        if known is not None:
            attributes |= {"depth": int(before.depth[known]), "level": int(before.level[known])}
        if space:
            attributes["namespace"] = space
        if merged:
            attributes["merged"] = {other: ontology.names[ontology.positions[other]] for other in merged}
        if id == made_root:
            label = "all terms"
        nodes.append(Node(id, label, "term", wide, (id, *merged) if merged else (), attributes))
    return nodes


def _check_names(genes: GeneList, hierarchy: Hierarchy) -> None:
    shared = sorted(set(genes) & set(hierarchy.ids))
    if shared:
        raise WiringError(
            f"{len(shared):,} of {counted(len(hierarchy), 'term')} have the name of a gene: {sample(shared)}.\n"
            "Rename the terms, for example with a prefix, in the ontology and in the annotations."
        )


def _gene_entries(
    genes: GeneList,
    annotations: Annotations,
    before: Hierarchy,
    after: Hierarchy,
    unread: NDArray[np.intp],
    options: OntologyOptions,
) -> list[AuditEntry]:
    """Say of each gene that no term reads why, and what becomes of it."""
    fate = "not connected"
    if options.unannotated == "node":
        fate = "read by the node 'unannotated'"
    elif options.dense_units:
        fate = "seen by the dense units only"
    annotated = {annotations.genes[i] for i in np.unique(annotations.pairs[:, 0])}
    in_selection = np.diff(before.direct.indptr) > 0
    left = np.diff(after.direct.indptr) > 0
    reasons: dict[str, list[str]] = {
        "no annotation in the prior": [],
        "no annotation with a term of the selected ontology": [],
        "no term it belongs to is left": [],
        "its terms are not in the lowest layer": [],
    }
    names = list(reasons)
    for i in unread.tolist():
        which = 3 if left[i] else 2 if in_selection[i] else 1 if genes[i] in annotated else 0
        reasons[names[which]].append(genes[i])
    return [AuditEntry.of("wire", "gene", f"{reason}: {fate}", concerned) for reason, concerned in reasons.items()]
