"""Ontologies become an architecture: a node per term, laid out in layers.

In: a gene list, an `Ontology`, `Annotations`. Out: an `Architecture`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_vnn.architecture import Architecture, Node
from keras_vnn.errors import ConfigError, WiringError, did_you_mean, sample
from keras_vnn.genes import GeneList, gene_list
from keras_vnn.hierarchies import Annotations, Ontology
from keras_vnn.provenance import Audit, AuditEntry
from keras_vnn.wiring._annotated import OBSOLETE_POLICIES, WIRING_NOT_RULES, annotated_hierarchy
from keras_vnn.wiring._assembly import UNANNOTATED_ID, assembled
from keras_vnn.wiring._groups import check_at_least
from keras_vnn.wiring._hierarchy import Hierarchy
from keras_vnn.wiring._layering import LAYERINGS, SKIP_POLICIES, TERM_GENES, distances, lay_out, only_adjacent
from keras_vnn.wiring._matching import check_kind, check_match
from keras_vnn.wiring._pruning import TermLimits, prune, with_one_root
from keras_vnn.wiring._units import units_of, units_to_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["hierarchy_architecture", "ontology_architecture"]

UNANNOTATED_POLICIES = ("unconnected", "node", "dense")


def ontology_architecture(
    genes: Iterable[str],
    ontology: Ontology,
    annotations: Annotations,
    *,
    namespace: str | Sequence[str] | None = None,
    relations: Sequence[str] = ("is_a", "part_of"),
    terms: Iterable[str] | Ontology | None = None,
    obsolete: str = "replace",
    not_rule: str = "pair",
    min_genes: int = 5,
    max_genes: int | None = None,
    min_new_genes: int = 0,
    redundancy: str | float | None = "same genes",
    root: str | None = None,
    layering: str = "height",
    window: tuple[int, int] | None = None,
    skip_edges: str = "keep",
    term_genes: str = "direct",
    unannotated: str = "unconnected",
    dense_units: int = 0,
    units: int | str | Callable[[int], int] = 1,
) -> Architecture:
    """Wire an ontology: a node per term, which reads its child terms and the genes annotated with it.

    A gene annotated with a term belongs to every term above it (the true-path rule). Terms are limited by their
    number of genes in the list, then, from the leaves up, by what they add to their children. Children and genes of a
    removed term join all terms directly above it, so what lay under a term that stays still does; only genes of
    terms with nothing left above are lost. Whatever is dropped is counted in the audit. The order of rows in the
    files does not matter.

    This is the order in which DCell prepares its ontology: evidence first (`read_annotations`), then size, then
    redundancy.

    Parameters
    ----------
    genes
        The input genes, in order.
    ontology, annotations
        The prior knowledge. Annotations are direct ones; ids may be alternative or obsolete ones.
    namespace
        Use the terms of these namespaces only, e.g. ``biological_process``; edges from and to others are dropped.
    relations
        Follow these. With is_a and part_of a gene of the part belongs to the whole; both are free of cycles in the
        Gene Ontology, has_part and the regulation relations are not or do not carry annotations upwards.
    terms
        Only these may be nodes, e.g. a slim; genes annotated with others join those above them.
    obsolete
        ``replace`` obsolete terms by what the ontology says replaces them, or ``drop`` their annotations.
    not_rule
        ``pair``: what a source denies (GAF's NOT) is removed for the very term; ``branch``: for those below it too.
    min_genes, max_genes
        Terms with fewer or more genes of the list, those of terms below included, are removed.
    min_new_genes
        Terms that have not at least so many genes more than each child are removed, unless they have no child or no
        parent.
    redundancy
        Terms with the ``same genes`` as a child, or with a Jaccard index of at least this number with a child, are
        merged into it. ``None`` keeps them.
    root
        ``one``: put a term over all roots unless there is one root; ``None``: leave them.
    layering
        A term's layer goes by its ``height`` (longest distance to a leaf; DCell), its ``depth`` (longest distance from
        a root) or its ``level`` (shortest one; edges that do not lead upwards are dropped). ``flat`` puts all terms
        into one layer, each reading all its genes.
    window
        Only terms whose depth, level or height, as ``layering`` says and before anything was removed, lies between
        these two may be nodes: ``(2, 4)``. For ``flat`` the depth.
    skip_edges
        Edges that skip layers: ``keep``; ``passthrough`` carries them by untrained identity nodes; ``drop`` leaves
        them, genes of higher layers and dead ends out, strictly layer to layer.
    term_genes
        What a term reads itself: the genes annotated with it (``direct``), those of them that no child has
        (``specific``), or all its genes (``all``).
    unannotated
        Genes no term reads are left ``unconnected``, read directly by one ``node`` in the last layer, or seen by the
        ``dense`` units only.
    dense_units
        Fully connected units beside the nodes of the last layer.
    units
        Units of each term: a number, a function of its number of genes (such as `UnitFormula`), or ``dcell-paper``
        (max(20, ⌈0.3 n⌉), Ma et al. 2018) or ``dcell-code`` (max(10, ⌊0.2 n⌋), their released program).

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
    >>> repair = Ontology.from_mapping({"mismatch repair": ["DNA repair"], "excision repair": ["DNA repair"]})
    >>> known = Annotations.from_mapping(
    ...     {
    ...         "MLH1": ["mismatch repair"],
    ...         "MSH2": ["mismatch repair"],
    ...         "XPA": ["excision repair"],
    ...         "ATM": ["DNA repair"],
    ...     }
    ... )
    >>> arch = ontology_architecture(["ATM", "MLH1", "MSH2", "TP53", "XPA"], repair, known, min_genes=2)
    >>> [layer.ids for layer in arch.hidden_layers]
    [('mismatch repair',), ('DNA repair',)]
    >>> print(arch.audit)
    wire   1 term: fewer than 2 genes in the list (excision repair)
    wire   1 gene: no annotation in the prior: not connected (TP53)
    """
    check_kind(ontology, Ontology, "read_ontology")
    check_kind(annotations, Annotations, "read_annotations")
    if terms is not None and not isinstance(terms, str | Ontology):
        terms = tuple(terms)
    options = _Options(layering, window, skip_edges, term_genes, unannotated, dense_units, root)
    limits = TermLimits(min_genes, max_genes, min_new_genes, TermLimits.redundancy(redundancy))
    for name, value, known in (("obsolete", obsolete, OBSOLETE_POLICIES), ("not_rule", not_rule, WIRING_NOT_RULES)):
        _check_word(name, value, known)
    listed = gene_list(genes)
    check_match(listed, annotations.genes, "the annotation table")
    spaces = None if namespace is None else (namespace,) if isinstance(namespace, str) else tuple(namespace)
    selected = ontology.selecting(relations=tuple(relations), namespaces=spaces)
    hierarchy, mapping = annotated_hierarchy(
        listed, ontology, selected, annotations, replace_obsolete=obsolete == "replace", branch=not_rule == "branch"
    )
    wanted, unwanted = _wanted(hierarchy, ontology, terms, options)
    pruned, removed = prune(hierarchy, limits, wanted=wanted, unwanted=unwanted)
    made = ""
    if root is not None:
        pruned, joined, made = with_one_root(pruned, np.diff(hierarchy.direct.indptr) > 0, {*ontology.ids, *listed})
        removed += joined
    return _wired(
        listed,
        selected,
        annotations,
        (hierarchy, pruned),
        made,
        options,
        units,
        {
            "wiring": "ontology_architecture",
            "namespace": None if spaces is None else list(spaces),
            "relations": list(relations),
            "terms": None if terms is None else sorted(terms.ids if isinstance(terms, Ontology) else terms),
            "obsolete": obsolete,
            "not_rule": not_rule,
            "min_genes": int(min_genes),
            "max_genes": None if max_genes is None else int(max_genes),
            "min_new_genes": int(min_new_genes),
            "redundancy": redundancy,
        },
        listed.audit + selected.audit + annotations.audit + Audit.of(*mapping, *removed),
    )


def hierarchy_architecture(
    genes: Iterable[str] | None,
    ontology: Ontology,
    annotations: Annotations,
    *,
    root: str | None = None,
    layering: str = "height",
    skip_edges: str = "keep",
    term_genes: str = "direct",
    unannotated: str = "unconnected",
    dense_units: int = 0,
    units: int | str | Callable[[int], int] = 1,
) -> Architecture:
    """Wire a hierarchy somebody prepared (DrugCell, DCell, NeST, KPNN, GenNet) as it is.

    The same as `ontology_architecture` with no limit: every term that has a gene in the list becomes a node.

    Parameters
    ----------
    genes
        The input genes, in order; ``None`` for all genes of the hierarchy, sorted.
    ontology, annotations
        As `keras_vnn.readers.read_hierarchy` gives them.
    root, layering, skip_edges, term_genes, unannotated, dense_units, units
        As in `ontology_architecture`.

    Returns
    -------
    Architecture
        Genes and layers of terms.

    Raises
    ------
    GeneError, WiringError, ConfigError
        As in `ontology_architecture`.
    """
    check_kind(annotations, Annotations, "read_hierarchy")
    check_kind(ontology, Ontology, "read_hierarchy")
    return ontology_architecture(
        annotations.genes if genes is None else genes,
        ontology,
        annotations,
        relations=tuple(sorted({*ontology.relation})) or ("is_a",),
        min_genes=1,
        redundancy=None,
        root=root,
        layering=layering,
        skip_edges=skip_edges,
        term_genes=term_genes,
        unannotated=unannotated,
        dense_units=dense_units,
        units=units,
    )


@dataclass(frozen=True, slots=True)
class _Options:
    """How to lay terms out; see `ontology_architecture`."""

    layering: str
    window: tuple[int, int] | None
    skip_edges: str
    term_genes: str
    unannotated: str
    dense_units: int
    root: str | None

    def __post_init__(self) -> None:
        """Check the words and numbers."""
        for name, known in (
            ("layering", tuple(LAYERINGS)),
            ("skip_edges", SKIP_POLICIES),
            ("term_genes", TERM_GENES),
            ("unannotated", UNANNOTATED_POLICIES),
        ):
            _check_word(name, getattr(self, name), known)
        if self.root not in (None, "one"):
            raise ConfigError(f"root must be 'one' or None, got {self.root!r}.")
        check_at_least(0, dense_units=self.dense_units)
        if self.unannotated == "dense" and not self.dense_units:
            raise ConfigError('unannotated="dense" needs dense units: pass dense_units=… of at least 1.')
        if self.window is not None:
            numbers = tuple(self.window) if not isinstance(self.window, str) else ()
            if (
                len(numbers) != 2
                or not all(isinstance(n, int | np.integer) for n in numbers)
                or numbers[0] > numbers[1]
            ):
                raise ConfigError(f"window must be two numbers, the smaller first, got {self.window!r}.")


def _check_word(name: str, value: object, known: Sequence[str]) -> None:
    if value not in known:
        hint = did_you_mean(str(value), known)
        raise ConfigError(f"{name} must be one of {', '.join(known)}; got {value!r}. {hint}".rstrip())


def _wanted(
    hierarchy: Hierarchy, ontology: Ontology, terms: Iterable[str] | Ontology | None, options: _Options
) -> tuple[NDArray[np.bool_] | None, str]:
    """Return which terms may be nodes at all, and why others may not."""
    if terms is None and options.window is None:
        return None, ""
    wanted = np.ones(len(hierarchy), bool)
    reasons = []
    if terms is not None:
        if isinstance(terms, str):
            raise ConfigError(f"terms takes several ids, got the single string {terms!r}.\nPass [{terms!r}].")
        ids = set(terms.ids if isinstance(terms, Ontology) else terms)
        current = {ontology.current_id(id) for id in ids}
        wanted &= np.array([id in current for id in hierarchy.ids], bool)
        if not wanted.any():
            raise WiringError(f"None of the {len(ids):,} terms asked for is in the ontology: {sample(ids)}.")
        reasons.append("not among the terms asked for")
    if options.window is not None:
        low, high = options.window
        distance = distances(hierarchy, options.layering)
        what = "depth" if options.layering == "flat" else options.layering
        wanted &= (distance >= low) & (distance <= high)
        reasons.append(f"of a {what} below {low} or above {high}")
        if not wanted.any():
            raise WiringError(f"No term has a {what} from {low} to {high}; the largest is {distance.max()}.")
    return wanted, " or ".join(reasons)


def _wired(
    genes: GeneList,
    ontology: Ontology,
    annotations: Annotations,
    hierarchies: tuple[Hierarchy, Hierarchy],
    made_root: str,
    options: _Options,
    units: int | str | Callable[[int], int],
    parameters: dict[str, Any],
    audit: Audit,
) -> Architecture:
    """Lay out a pruned hierarchy and give it nodes."""
    before, hierarchy = hierarchies
    _check_names(genes, hierarchy)
    lowest = int(options.window[0]) if options.window else 0
    layout, entries = lay_out(hierarchy, options.layering, options.term_genes, lowest=lowest)
    if options.skip_edges == "drop":
        layout, further = only_adjacent(layout, hierarchy, genes.ids)
        entries += further
        if not (layout.layer > 0).any():
            raise WiringError('Every term lost its place under skip_edges="drop": pass skip_edges="keep".')
    unread = np.flatnonzero(np.diff(layout.genes.indptr) == 0)
    with_node = options.unannotated == "node" and len(unread) > 0
    if with_node and UNANNOTATED_ID in {*hierarchy.ids, *genes}:
        raise WiringError(f'A term or gene is called {UNANNOTATED_ID!r}: pass unannotated="unconnected".')
    entries += _gene_entries(genes, annotations, before, hierarchy, unread, options)
    sizes = hierarchy.sizes
    layers, connections = assembled(
        genes,
        layout,
        _nodes(before, hierarchy, made_root, ontology, annotations, units_of(units, sizes)),
        passthrough=options.skip_edges == "passthrough",
        unannotated=unread if with_node else None,
        unannotated_units=int(units_of(units, np.array([max(len(unread), 1)]))[0]),
        dense_units=int(options.dense_units),
    )
    sources = [genes.source] if genes.source else []
    return Architecture(
        layers,
        connections,
        tuple(dict.fromkeys([*sources, *ontology.sources, *annotations.sources])),
        {
            **parameters,
            "root": options.root,
            "layering": options.layering,
            "window": None if options.window is None else [int(n) for n in options.window],
            "skip_edges": options.skip_edges,
            "term_genes": options.term_genes,
            "unannotated": options.unannotated,
            "dense_units": int(options.dense_units),
            "units": units_to_json(units),
        },
        audit + Audit.of(*entries),
    )


def _nodes(
    before: Hierarchy,
    hierarchy: Hierarchy,
    made_root: str,
    ontology: Ontology,
    annotations: Annotations,
    units: NDArray[np.int64],
) -> list[Node]:
    """Return a node per term; depth and level are those before terms were removed."""
    columns = zip(
        hierarchy.ids,
        hierarchy.merged,
        units.tolist(),
        hierarchy.sizes.tolist(),
        strict=True,
    )
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
            f"{len(shared):,} of {len(hierarchy):,} terms have the name of a gene: {sample(shared)}.\n"
            "Rename the terms, for example with a prefix, in the ontology and in the annotations."
        )


def _gene_entries(
    genes: GeneList,
    annotations: Annotations,
    before: Hierarchy,
    after: Hierarchy,
    unread: NDArray[np.intp],
    options: _Options,
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
