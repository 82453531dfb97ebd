"""`Hierarchy`: terms, the genes annotated with each, and the distances and closures everything else is made of.

In: an `Ontology` and `Annotations`, restricted to what was asked for. Out: sparse matrices over terms and genes.
Matrices have the lower side in rows: ``(children, parents)``, ``(genes, terms)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order, connected_components, dijkstra

from keras_vnn.basics.errors import WiringError, counted
from keras_vnn.basics.remedies import by_place, remedy
from keras_vnn.priors import Ontology

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LONGEST_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Terms in a directed acyclic graph and their genes.

    Attributes
    ----------
    ids
        Of the terms, sorted.
    parents
        ``(terms, terms)`` boolean CSR: row below column.
    direct
        ``(genes, terms)`` boolean CSR: annotated with the term itself, or with removed ones below it.
    merged
        For each term, the ids of other terms it stands for as well.
    """

    ids: tuple[str, ...]
    parents: sparse.csr_array
    direct: sparse.csr_array
    merged: tuple[tuple[str, ...], ...]

    @cached_property
    def depth(self) -> NDArray[np.int64]:
        """``(terms,)`` longest distance from a root."""
        return longest_distances(self.parents)

    @cached_property
    def height(self) -> NDArray[np.int64]:
        """``(terms,)`` longest distance to a leaf."""
        return longest_distances(sparse.csr_array(self.parents.T))

    @cached_property
    def level(self) -> NDArray[np.int64]:
        """``(terms,)`` shortest distance from a root."""
        return shortest_distances(self.parents)

    @cached_property
    def members(self) -> sparse.csr_array:
        """``(genes, terms)`` boolean CSR: annotated with the term or with one below it (the true-path rule)."""
        members = sparse.csr_array(self.direct @ ancestors(self.parents, self.depth))
        members.sort_indices()
        return members

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """``(terms,)`` number of genes of each term and those below it."""
        return np.bincount(self.members.indices, minlength=len(self.ids)).astype(np.int64)

    @cached_property
    def is_root(self) -> NDArray[np.bool_]:
        """``(terms,)`` whether a term lies under no other."""
        roots: NDArray[np.bool_] = np.diff(self.parents.indptr) == 0
        return roots

    def __len__(self) -> int:
        """Return the number of terms."""
        return len(self.ids)

    def keeping(self, is_kept: NDArray[np.bool_]) -> Hierarchy:
        """Return the terms that are kept; children and genes of a removed term join all that lies directly above it.

        Who lay below whom before does so still, and no gene is lost but those of removed terms with nothing above.
        """
        inside, outside = np.flatnonzero(is_kept), np.flatnonzero(~is_kept)
        up = self.parents[:, inside]
        parents, direct = up[inside], self.direct[:, inside]
        if len(outside):
            among = self.parents[outside][:, outside]
            # (removed, kept): what is reached from a removed term through removed ones only.
            through = ancestors(among, longest_distances(among)) @ up[outside]
            parents = parents + self.parents[inside][:, outside] @ through
            direct = direct + self.direct[:, outside] @ through
        return Hierarchy(
            tuple(self.ids[i] for i in inside),
            _boolean(parents),
            _boolean(direct),
            tuple(self.merged[i] for i in inside),
        )


def adjacency(rows: Any, columns: Any, shape: tuple[int, int]) -> sparse.csr_array:
    """Return a boolean CSR matrix with sorted, unique entries at these positions."""
    return _boolean(sparse.csr_array((np.ones(len(rows), bool), (rows, columns)), shape=shape))


def _boolean(matrix: Any) -> sparse.csr_array:
    result = sparse.csr_array(matrix, dtype=bool)
    result.sum_duplicates()
    result.eliminate_zeros()
    result.sort_indices()
    return result


def longest_distances(parents: sparse.csr_array) -> NDArray[np.int64]:
    """Return the longest distance of each node from one without parents; −1 for nodes in or below a cycle."""
    children = sparse.csr_array(parents.T)
    waiting = np.diff(parents.indptr).astype(np.int64)
    distance = np.full(parents.shape[0], -1, np.int64)
    front = np.flatnonzero(waiting == 0)
    step = 0
    while len(front):
        distance[front] = step
        reached = children[front].indices
        waiting -= np.bincount(reached, minlength=len(waiting))
        front = np.unique(reached)
        front = front[waiting[front] == 0]
        step += 1
    return distance


def shortest_distances(parents: sparse.csr_array) -> NDArray[np.int64]:
    """Return the shortest distance of each node from one without parents."""
    roots = np.flatnonzero(np.diff(parents.indptr) == 0)
    if not len(roots):
        return np.full(parents.shape[0], -1, np.int64)
    distance = dijkstra(parents.T, indices=roots, unweighted=True, min_only=True)
    return np.where(np.isfinite(distance), distance, -1).astype(np.int64)


def ancestors(parents: sparse.csr_array, depth: NDArray[np.int64]) -> sparse.csr_array:
    """Return ``(nodes, nodes)`` booleans: the column is the row itself or lies above it.

    Nodes are taken depth by depth, so each product is of the edges into one depth with what is finished above it.
    """
    count = parents.shape[0]
    order = np.argsort(depth, kind="stable")
    sorted_parents = sparse.csr_array(parents[order][:, order])
    ends = np.cumsum(np.bincount(depth, minlength=1)) if count else np.zeros(0, np.int64)
    closure = sparse.csr_array((0, count), dtype=bool)
    start = 0
    for end in ends.tolist():
        itself = sparse.eye_array(count, dtype=bool, format="csr")[start:end]
        block = itself + sorted_parents[start:end, :start] @ closure if start else itself
        closure = sparse.csr_array(sparse.vstack([closure, block], format="csr", dtype=bool))
        start = end
    back = np.empty(count, np.int64)
    back[order] = np.arange(count)
    return sparse.csr_array(closure[back][:, back])


def refuse_cycle(ontology: Ontology, parents: sparse.csr_array) -> None:
    """Raise unless the terms form a directed acyclic graph; name a shortest cycle and the edge to remove.

    Raises
    ------
    WiringError
        Some term lies below itself.
    """
    if (longest_distances(parents) >= 0).all():
        return
    _, component = connected_components(parents, directed=True, connection="strong")
    sizes = np.bincount(component)
    inside = np.flatnonzero(sizes[component] > 1)
    smallest = inside[np.argmin(sizes[component[inside]])]
    path = _shortest_cycle(parents, int(smallest))
    relation = {
        (int(child), int(parent)): str(kind)
        for (child, parent), kind in zip(ontology.edges, ontology.relation, strict=True)
    }
    edges = list(zip(path, [*path[1:], path[0]], strict=True))
    named = [f"{ontology.ids[a]} → {ontology.ids[b]} ({relation[a, b]})" for a, b in edges]
    shown = named if len(named) <= _LONGEST_SHOWN else [*named[: _LONGEST_SHOWN - 1], "…", named[-1]]
    # The odd relation is the likelier culprit: is_a alone never turns in a circle in a published ontology.
    culprit = next((edge for edge in reversed(edges) if relation[edge] != "is_a"), edges[-1])
    child, parent = (ontology.ids[i] for i in culprit)
    raise WiringError(
        f"The ontology has a cycle of {counted(len(path), 'term')}; {counted(len(inside), 'term')} lie in one:\n    "
        + "\n    ".join(shown)
        + "\nRemove an edge of it"
        + by_place(f" in the file: that of {child} to {parent}", f': ontology.without_edges([("{child}", "{parent}")])')
        + remedy(", or follow fewer relations: {relations}.", ".", relations=("is_a", "part_of"))
    )


def _shortest_cycle(parents: sparse.csr_array, start: int) -> list[int]:
    """Return the nodes of a shortest cycle through one node, from it upwards."""
    order, below = breadth_first_order(parents, start)
    path = [next(int(node) for node in order if parents[node, start])]
    while path[-1] != start:
        path.append(int(below[path[-1]]))
    return path[::-1]
