"""Terms are laid out in layers, with the edges between them, and become an architecture.

In: a pruned `Hierarchy`. Out: a `Layout`: a layer for each term, and the edges from lower to higher layers (every edge
either is in the layout or was counted); then layers of nodes with their units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from keras_vnn.architecture import Layer, Node
from keras_vnn.architecture.wiring._hierarchy import Hierarchy, adjacency
from keras_vnn.basics.errors import ConfigError, check_choice, counted, did_you_mean
from keras_vnn.basics.provenance import AuditEntry
from keras_vnn.options import OntologyOptions
from keras_vnn.priors.genes import GeneList

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Layout:
    """Terms in layers.

    Attributes
    ----------
    layer
        ``(terms,)`` number of the layer of each term, from 1; 0 for a term that was left out.
    names
        Names of the layers 1, 2, …
    parents
        ``(terms, terms)`` boolean CSR, only edges that lead to a higher layer.
    genes
        ``(genes, terms)`` boolean CSR: which genes each term reads.
    """

    layer: NDArray[np.int64]
    names: tuple[str, ...]
    parents: sparse.csr_array
    genes: sparse.csr_array


def distances(hierarchy: Hierarchy, layering: str) -> NDArray[np.int64]:
    """Return what a layering goes by, for each term: its height above the leaves, or depth or level below the roots."""
    found: NDArray[np.int64] = getattr(hierarchy, "depth" if layering == "flat" else layering)
    return found


def gene_edges(hierarchy: Hierarchy, term_genes: str) -> sparse.csr_array:
    """Return ``(genes, terms)`` which genes each term reads itself.

    ``direct``: those annotated with it; ``specific``: those of them that none of its children has; ``all``: those of
    its children as well.
    """
    if term_genes == "all":
        return hierarchy.members
    if term_genes == "direct":
        return hierarchy.direct
    from_children = sparse.csr_array(hierarchy.members @ hierarchy.parents)
    again = hierarchy.direct.multiply(from_children)
    return sparse.csr_array(hierarchy.direct.astype(np.int8) - again.astype(np.int8), dtype=bool)


def lay_out(
    hierarchy: Hierarchy, layering: str, term_genes: str, *, lowest: int = 0
) -> tuple[Layout, list[AuditEntry]]:
    """Give each term its layer; drop edges that do not lead upwards, which only ``level`` can have.

    Layers are named from ``lowest`` on, the first number of a window.
    """
    count = len(hierarchy)
    if layering == "flat":
        none = sparse.csr_array((count, count), dtype=bool)
        return Layout(np.ones(count, np.int64), ("terms",), none, hierarchy.members), []
    distance = distances(hierarchy, layering)
    highest = int(distance.max())
    layer = distance + 1 if layering == "height" else highest - distance + 1
    shown = range(highest + 1) if layering == "height" else range(highest, -1, -1)
    names = tuple(f"{layering} {lowest + number}" for number in shown)
    edges = hierarchy.parents.tocoo()
    upwards = layer[edges.row] < layer[edges.col]
    parents = adjacency(edges.row[upwards], edges.col[upwards], (count, count))
    reason = f"to a term of the same or a lower {layering} layer, dropped"
    entry = _edge_entry("ontology edge", reason, edges, ~upwards, hierarchy.ids, hierarchy.ids)
    return Layout(layer, names, parents, gene_edges(hierarchy, term_genes)), [entry]


def only_adjacent(layout: Layout, hierarchy: Hierarchy, genes: tuple[str, ...]) -> tuple[Layout, list[AuditEntry]]:
    """Drop every edge that skips a layer, then the terms that no longer lead anywhere or no longer read anything.

    A term that never had a parent counts as leading to the output.
    """
    edges, reads = layout.parents.tocoo(), layout.genes.tocoo()
    far = layout.layer[edges.col] - layout.layer[edges.row] > 1
    late = layout.layer[reads.col] > 1
    entries = [
        _edge_entry("ontology edge", "skips a layer, dropped", edges, far, hierarchy.ids, hierarchy.ids),
        _edge_entry("gene edge", "skips a layer, dropped", reads, late, genes, hierarchy.ids),
    ]
    parents = adjacency(edges.row[~far], edges.col[~far], layout.parents.shape)
    direct = adjacency(reads.row[~late], reads.col[~late], layout.genes.shape)
    alive = np.ones(len(hierarchy), bool)
    highest_first = np.argsort(-layout.layer, kind="stable").tolist()
    for term in highest_first:
        above = parents.indices[parents.indptr[term] : parents.indptr[term + 1]]
        alive[term] = hierarchy.is_root[term] or bool(alive[above].any())
    dead_end = ~alive
    children, own = sparse.csc_array(parents), np.bincount(direct.indices, minlength=len(hierarchy)) > 0
    for term in reversed(highest_first):
        below = children.indices[children.indptr[term] : children.indptr[term + 1]]
        alive[term] &= bool(own[term]) or bool(alive[below].any())
    for lost, reason in (
        (dead_end, "all its edges upwards skip a layer, removed"),
        (~alive & ~dead_end, "nothing it reads is left, removed"),
    ):
        entries.append(AuditEntry.of("wire", "term", reason, [hierarchy.ids[i] for i in np.flatnonzero(lost)]))
    layer = np.where(alive, layout.layer, 0)
    diagonal = sparse.diags_array(alive, dtype=bool, format="csr")
    return (
        replace(
            layout,
            layer=layer,
            # Only the highest can be empty: what a term reads now lies in the layer below it.
            names=layout.names[: int(layer.max(initial=0))],
            parents=sparse.csr_array(diagonal @ parents @ diagonal),
            genes=sparse.csr_array(direct @ diagonal),
        ),
        entries,
    )


def _edge_entry(
    subject: str,
    reason: str,
    edges: sparse.coo_array,
    lost: NDArray[np.bool_],
    sources: Sequence[str],
    targets: Sequence[str],
) -> AuditEntry:
    pairs = zip(edges.row[lost].tolist(), edges.col[lost].tolist(), strict=True)
    return AuditEntry.of("wire", subject, reason, [f"{sources[a]} → {targets[b]}" for a, b in pairs])


@dataclass(frozen=True, slots=True)
class UnitFormula:
    """Units of a term as a share of its genes, but never fewer than some number.

    Attributes
    ----------
    at_least
        The smallest number of units.
    per_gene
        Units for each gene of the term or of one below it.
    rounding
        ``up`` or ``down``.

    Examples
    --------
    >>> [UnitFormula(20, 0.3, "up")(genes) for genes in (10, 70, 71)]
    [20, 21, 22]
    """

    at_least: int
    per_gene: float
    rounding: str = "up"

    def __post_init__(self) -> None:
        """Check the fields.

        Raises
        ------
        ConfigError
            A number is not positive, or the rounding is unknown.
        """
        if self.at_least < 1 or not 0 <= self.per_gene < float("inf"):
            raise ConfigError(
                f"A unit formula needs at_least ≥ 1 and per_gene ≥ 0, got {self.at_least!r} and {self.per_gene!r}."
            )
        check_choice("rounding", self.rounding, ("up", "down"))

    def __call__(self, genes: int) -> int:
        """Return the number of units of a term with so many genes."""
        # 0.3 as it is written, not as the nearest binary number: 0.3 × 110 is 33, whose ceiling is 33.
        share = Fraction(str(self.per_gene)) * genes
        return max(self.at_least, -(-share // 1) if self.rounding == "up" else share // 1)


UNIT_FORMULAS: Mapping[str, UnitFormula] = MappingProxyType(
    {"dcell-paper": UnitFormula(20, 0.3, "up"), "dcell-code": UnitFormula(10, 0.2, "down")}
)


def units_of(rule: int | str | Callable[[int], int], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of units of terms with these numbers of genes.

    Raises
    ------
    ConfigError
        The rule is not a number, the name of a formula or a function, or gives less than one unit.
    """
    if isinstance(rule, str):
        if rule not in UNIT_FORMULAS:
            hint = did_you_mean(rule, list(UNIT_FORMULAS))
            raise ConfigError(
                f"units must be a number, a function of the number of genes, or one of {', '.join(UNIT_FORMULAS)}; "
                f"got {rule!r}. {hint}".rstrip()
            )
        rule = UNIT_FORMULAS[rule]
    if not callable(rule):
        if isinstance(rule, bool) or not isinstance(rule, int | np.integer) or rule < 1:
            raise ConfigError(f"units must be an integer of at least 1, got {rule!r}.")
        return np.full(len(sizes), int(rule), np.int64)
    by_size = {int(size): rule(int(size)) for size in np.unique(sizes)}
    for size, units in by_size.items():
        if isinstance(units, bool) or not isinstance(units, int | np.integer) or units < 1:
            raise ConfigError(
                f"units gives {units!r} for a term of {counted(size, 'gene')}, expected an integer of at least 1.\n"
                "For example: units=lambda n: max(1, n // 3)"
            )
    return np.array([by_size[int(size)] for size in sizes], np.int64)


def units_to_json(rule: int | str | Callable[[int], int]) -> Any:
    """Return the rule as a JSON value, for the record."""
    if isinstance(rule, UnitFormula):
        return asdict(rule)
    if callable(rule):
        return f"function {getattr(rule, '__qualname__', repr(type(rule)))}"
    return rule if isinstance(rule, str) else int(rule)


UNANNOTATED_ID = "unannotated"


def assembled(
    genes: GeneList,
    layout: Layout,
    terms: Sequence[Node],
    options: OntologyOptions,
    unread: NDArray[np.intp],
) -> tuple[tuple[Layer, ...], dict[tuple[int, int], sparse.csr_array]]:
    """Return layers and connections.

    Parameters
    ----------
    genes
        The input genes.
    layout
        Layers and edges of the terms.
    terms
        The node of each term.
    options
        Whether passthrough nodes carry edges that skip layers, one per source and layer in between; whether one node in
        the last layer reads the genes without annotation; dense units next to the nodes of the last layer.
    unread
        Positions of the genes that no term reads.
    """
    count = len(layout.names)
    nodes: list[list[Node]] = [[Node(gene, kind="gene") for gene in genes]]
    place = np.zeros(len(terms), np.int64)
    for number in range(1, count + 1):
        chosen = np.flatnonzero(layout.layer == number).tolist()
        place[chosen] = np.arange(len(chosen))
        nodes.append([terms[i] for i in chosen])
    edges, reads = layout.parents.tocoo(), layout.genes.tocoo()
    source_layer = np.concatenate([np.zeros(reads.nnz, np.int64), layout.layer[edges.row]])
    source = np.concatenate([reads.row, place[edges.row]]).astype(np.int64)
    target_layer = layout.layer[np.concatenate([reads.col, edges.col])]
    target = place[np.concatenate([reads.col, edges.col])]
    table = np.stack([source_layer, source, target_layer, target], axis=1)
    if options.skip_edges == "passthrough":
        table = _carried(table, nodes)
    (units,) = units_of(options.units, np.array([max(len(unread), 1)])).tolist()
    if options.unannotated == "node" and len(unread):
        nodes[-1].append(Node(UNANNOTATED_ID, "genes without annotation", "unannotated", units))
        rows = np.zeros((len(unread), 4), np.int64)
        rows[:, 1], rows[:, 2], rows[:, 3] = unread, count, len(nodes[-1]) - 1
        table = np.concatenate([table, rows])
    layers = [Layer("genes", tuple(nodes[0]))] + [
        Layer(name, tuple(listed), options.dense_units if number == count else 0)
        for number, (name, listed) in enumerate(zip(layout.names, nodes[1:], strict=True), 1)
    ]
    return tuple(layers), _connections(table, [len(layer) for layer in layers])


def _connections(table: NDArray[np.int64], sizes: Sequence[int]) -> dict[tuple[int, int], sparse.csr_array]:
    pair = table[:, 0] * len(sizes) + table[:, 2]
    order = np.argsort(pair, kind="stable")
    pairs, starts = np.unique(pair[order], return_index=True)
    connections = {}
    for number, which in zip(pairs.tolist(), np.split(order, starts)[1:], strict=True):
        lower, upper = divmod(number, len(sizes))
        entries = (np.ones(len(which), bool), (table[which, 1], table[which, 3]))
        connections[lower, upper] = sparse.csr_array(entries, shape=(sizes[lower], sizes[upper]))
    return connections


def _carried(table: NDArray[np.int64], nodes: list[list[Node]]) -> NDArray[np.int64]:
    """Return the edges with those that skip layers led through passthrough nodes, which are added to ``nodes``."""
    far = table[:, 2] - table[:, 0] > 1
    # For each source with such edges, the highest layer it must be carried to.
    highest: dict[tuple[int, int], int] = {}
    for layer, position, upper, _ in table[far].tolist():
        highest[layer, position] = max(highest.get((layer, position), 0), upper)
    station: dict[tuple[int, int, int], int] = {}
    links: list[tuple[int, int, int, int]] = []
    for layer, position in sorted(highest):
        node = nodes[layer][position]
        before = (layer, position)
        for number in range(layer + 1, highest[layer, position]):
            facts: Mapping[str, Any] = {"of": node.id}
            nodes[number].append(
                Node(f"passthrough {number}: {node.id}", node.label, "passthrough", node.units, attributes=facts)
            )
            here = len(nodes[number]) - 1
            links.append((*before, number, here))
            station[layer, position, number] = here
            before = (number, here)
    led = [
        (upper - 1, station[layer, position, upper - 1], upper, target)
        for layer, position, upper, target in table[far].tolist()
    ]
    return np.concatenate([table[~far], np.array([*links, *led], np.int64).reshape(-1, 4)])
