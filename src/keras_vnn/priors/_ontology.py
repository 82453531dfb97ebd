"""`Ontology`: terms and the relations from child to parent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ReadError, counted, did_you_mean, sample
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.basics.showing import Shown
from keras_vnn.priors._columns import columns_of, edge_columns, from_sources, in_memory, locked, named_columns, numbered

if TYPE_CHECKING:
    import networkx
    from numpy.typing import ArrayLike, NDArray

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, eq=False, repr=False)
class Ontology(Shown):
    """Terms, and for each the more general ones above it. Cycles are possible here; wiring refuses them.

    Attributes
    ----------
    ids
        Sorted ids of all terms in use; obsolete ones are not among them.
    names, namespaces
        Of each term, in the order of ``ids``; the id, and an empty string, where nothing is known.
    edges
        ``(edges, 2)`` int32: position of the child, position of the parent; rows in ascending order.
    relation
        ``(edges,)`` of relation names, e.g. ``is_a``. A pair under two relations is two edges.
    alternatives
        The id of a term by each further id it answers to.
    obsolete
        For each id that is out of use, the one that replaces it, or an empty string.
    sources
        The files the ontology was made from.
    audit
        What was dropped while making it.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    namespaces: tuple[str, ...]
    edges: NDArray[np.int32]
    relation: NDArray[np.object_]
    alternatives: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    obsolete: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    sources: tuple[Source, ...] = ()
    audit: Audit = field(default_factory=Audit)

    @classmethod
    def from_edges(
        cls,
        child: ArrayLike | Sequence[str],
        parent: ArrayLike | Sequence[str],
        *,
        relation: ArrayLike | Sequence[str] | str = "is_a",
        terms: Iterable[str] = (),
        names: Mapping[str, str] = _NOTHING,
        namespaces: Mapping[str, str] = _NOTHING,
        alternatives: Mapping[str, str] = _NOTHING,
        obsolete: Mapping[str, str] = _NOTHING,
        sources: tuple[Source, ...] = (),
        audit: Audit | None = None,
    ) -> Self:
        """Make an ontology from columns of names.

        An edge given several times becomes one; a term under itself is dropped. Both are counted in the audit.

        Parameters
        ----------
        child, parent
            ``(rows,)`` ids.
        relation
            One name for all edges, or ``(rows,)`` names.
        terms
            Further terms, which need not have an edge.
        names, namespaces
            By id.
        alternatives, obsolete
            As in the attributes.

        Raises
        ------
        ReadError
            The columns differ in length, an id is empty, or there is no term.
        """
        children, parents, extra = list(np.asarray(child, object)), list(np.asarray(parent, object)), list(terms)
        rows = len(children)
        relations = [relation] * rows if isinstance(relation, str) else list(np.asarray(relation, object))
        if not rows == len(parents) == len(relations):
            raise ReadError(
                f"There must be a child, a parent and a relation in every row, "
                f"got {rows:,}, {len(parents):,} and {len(relations):,}."
            )
        codes, ids = numbered([*children, *parents, *extra], "term id")
        if not ids:
            where = f": {', '.join(source.name for source in sources)}" if sources else "."
            raise ReadError(f"The ontology has no term{where}\nIs it cut short, or all of it obsolete?")
        kinds, kind_names = numbered(relations, "relation")
        edges = np.stack([codes[:rows], codes[rows : 2 * rows], kinds], axis=1)
        to_itself = edges[:, 0] == edges[:, 1]
        selfs = AuditEntry.of("read", "term", "under itself, edge dropped", {ids[i] for i in edges[to_itself, 0]})
        unique = np.unique(edges[~to_itself], axis=0)
        repeats = int((~to_itself).sum()) - len(unique)
        repeated = AuditEntry("read", "ontology edge", "duplicate, merged into one", repeats)
        return cls(
            ids,
            tuple(names.get(id) or id for id in ids),
            tuple(namespaces.get(id, "") for id in ids),
            locked(unique[:, :2].astype(np.int32)),
            locked(np.array(kind_names, dtype=object)[unique[:, 2]]),
            MappingProxyType(dict(sorted(alternatives.items()))),
            MappingProxyType(dict(sorted(obsolete.items()))),
            sources,
            (audit or Audit()) + Audit.of(selfs, repeated),
        )

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        child: str = "child",
        parent: str = "parent",
        relation: str | None = None,
        *,
        names: Mapping[str, str] = _NOTHING,
        namespaces: Mapping[str, str] = _NOTHING,
    ) -> Self:
        """Make an ontology from a DataFrame with a row per edge; every relation is ``is_a`` unless a column says.

        Raises
        ------
        ReadError
            A named column does not exist, or a name in the columns is missing.

        Examples
        --------
        >>> frame = pd.DataFrame({"child": ["mismatch repair"], "parent": ["DNA repair"]})
        >>> print(Ontology.from_frame(frame))
        2 terms, 1 edge (DataFrame)
        """
        named_columns(frame, (child, parent, relation))
        return cls.from_edges(
            frame[child],
            frame[parent],
            relation="is_a" if relation is None else frame[relation],
            names=names,
            namespaces=namespaces,
            sources=(in_memory("DataFrame", len(frame)),),
        )

    @classmethod
    def from_networkx(cls, graph: networkx.DiGraph, relation: str = "relation") -> Self:
        """Make an ontology from a networkx graph with edges from child to parent, as obonet gives it.

        Nodes may have ``name`` and ``namespace``; edges a relation, else the key of a multigraph edge, else ``is_a``.

        Raises
        ------
        ReadError
            The graph is undirected.
        """
        child, parent, facts = edge_columns(graph, "An ontology needs a directed graph (child → parent)")
        keys = [key for *_, key in graph.edges(keys=True)] if graph.is_multigraph() else ["is_a"] * len(facts)
        kinds = [data.get(relation, key) for data, key in zip(facts, keys, strict=True)]
        return cls.from_edges(
            child,
            parent,
            relation=[kind if isinstance(kind, str) else "is_a" for kind in kinds],
            terms=map(str, graph),
            names={str(node): str(data.get("name", "")) for node, data in graph.nodes(data=True)},
            namespaces={str(node): str(data.get("namespace", "")) for node, data in graph.nodes(data=True)},
            sources=(in_memory("networkx graph", len(facts)),),
        )

    @classmethod
    def from_mapping(cls, parents: Mapping[str, Iterable[str]], *, names: Mapping[str, str] = _NOTHING) -> Self:
        """Make an ontology from the parents of each term.

        Examples
        --------
        >>> Ontology.from_mapping({"b": ["a"], "c": ["a", "b"]}).to_frame()[["child", "parent"]].values.tolist()
        [['b', 'a'], ['c', 'a'], ['c', 'b']]
        """
        child, parent = columns_of([(child, parent) for child, above in parents.items() for parent in above])
        return cls.from_edges(child, parent, terms=parents, names=names, sources=(in_memory("mapping", len(child)),))

    # ---- selecting ----------------------------------------------------------------------------------------

    def selecting(
        self, *, namespaces: Collection[str] | None = None, relations: Collection[str] | None = None
    ) -> Ontology:
        """Return the terms of some namespaces and the edges of some relations; the others are counted in the audit.

        Raises
        ------
        ReadError
            The ontology has no such namespace, or no such relation.
        """
        dropped: list[AuditEntry] = []
        ontology = self
        if relations is not None and len(self.edges):
            known = sorted({*self.relation})
            # An ontology need not have both of the two that are everyone's default.
            unknown = [kind for kind in relations if kind not in {*known, "is_a", "part_of"}]
            if unknown or not set(relations) & set(known):
                wrong = (unknown or list(relations) or [""])[0]
                hint = did_you_mean(wrong, known)
                raise ReadError(f"The ontology has no relation {wrong!r}; it has {sample(known, 12)}. {hint}".rstrip())
            kept = np.isin(self.relation, list(relations))
            for kind in known:
                if kind not in relations:
                    count = int((self.relation == kind).sum())
                    dropped.append(AuditEntry("wire", "ontology edge", f"of the relation {kind}, not asked for", count))
            ontology = replace(self, edges=locked(self.edges[kept]), relation=locked(self.relation[kept]))
        if namespaces is not None:
            known = sorted({*self.namespaces} - {""})
            for wanted in namespaces:
                if wanted not in known:
                    has = f"it has {sample(known, 12)}" if known else "its terms have none"
                    hint = did_you_mean(wanted, known)
                    raise ReadError(f"The ontology has no namespace {wanted!r}; {has}. {hint}".rstrip())
            inside = np.array([space in namespaces for space in self.namespaces], bool)
            across = int((inside[ontology.edges].sum(axis=1) == 1).sum())
            outside = AuditEntry("wire", "term", "of another namespace", int((~inside).sum()))
            dropped += [outside, AuditEntry("wire", "ontology edge", "from or to another namespace", across)]
            ontology = ontology._only(inside)
        return replace(ontology, audit=self.audit + Audit.of(*dropped))

    def _only(self, inside: NDArray[np.bool_]) -> Ontology:
        kept = inside[self.edges].all(axis=1)
        position = np.cumsum(inside) - 1
        places = np.flatnonzero(inside)
        return replace(
            self,
            ids=tuple(self.ids[i] for i in places),
            names=tuple(self.names[i] for i in places),
            namespaces=tuple(self.namespaces[i] for i in places),
            edges=locked(position[self.edges[kept]].astype(np.int32)),
            relation=locked(self.relation[kept]),
        )

    def without_edges(self, edges: Iterable[tuple[str, str]]) -> Ontology:
        """Return the ontology without these edges (child, parent), for example the one that closes a cycle.

        Raises
        ------
        ReadError
            There is no such edge.
        """
        removed = np.zeros(len(self.edges), bool)
        named = list(edges)
        for child, parent in named:
            low, high = self.positions.get(child, -1), self.positions.get(parent, -1)
            found = (self.edges[:, 0] == low) & (self.edges[:, 1] == high)
            if not found.any():
                raise ReadError(f"The ontology has no edge {child} → {parent}.")
            removed |= found
        entry = AuditEntry.of("read", "ontology edge", "removed on request", [f"{a} → {b}" for a, b in named])
        return replace(
            self,
            edges=locked(self.edges[~removed]),
            relation=locked(self.relation[~removed]),
            audit=self.audit + Audit.of(entry),
        )

    # ---- looking ------------------------------------------------------------------------------------------

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Position of each term by its id."""
        return MappingProxyType({id: i for i, id in enumerate(self.ids)})

    def current_id(self, id: str) -> str:
        """Return the id in use for any id: itself, the one it is an alternative of, or the one that replaced it.

        Returns an empty string for an id that is unknown, or out of use without a replacement.
        """
        seen = set()
        while id not in self.positions:
            seen.add(id)
            id = self.alternatives.get(id) or self.obsolete.get(id, "")
            if not id or id in seen:
                return ""
        return id

    def find(self, query: str) -> str:
        """Return the id of the term with this id, further id, or name (upper and lower case do not matter).

        Raises
        ------
        ReadError
            No term, or several, answer to the query.
        """
        current = self.current_id(query)
        if current:
            return current
        folded = query.casefold()
        found = [id for id, name in zip(self.ids, self.names, strict=True) if name.casefold() == folded]
        if len(found) == 1:
            return found[0]
        if found:
            raise ReadError(
                f"{counted(len(found), 'term')} are called {query!r}: {sample(found)}.\nName one by its id."
            )
        raise ReadError(f"No term is called {query!r}. {did_you_mean(query, self.names)}".rstrip())

    def to_frame(self) -> pd.DataFrame:
        """Return columns ``child``, ``parent``, ``relation``, a row per edge."""
        ids = np.array(self.ids, dtype=object)
        return pd.DataFrame(
            {"child": ids[self.edges[:, 0]], "parent": ids[self.edges[:, 1]], "relation": self.relation}
        )

    def term_table(self) -> pd.DataFrame:
        """Return columns ``name``, ``namespace``, a row per term, with ``id`` as index."""
        index = pd.Index(self.ids, name="id", dtype=object)
        return pd.DataFrame({"name": list(self.names), "namespace": list(self.namespaces)}, index=index)

    def to_networkx(self) -> networkx.MultiDiGraph:
        """Return a graph with edges from child to parent, keyed by relation, as obonet gives it."""
        import networkx as nx

        graph: Any = nx.MultiDiGraph()
        for id, name, namespace in zip(self.ids, self.names, self.namespaces, strict=True):
            graph.add_node(id, name=name, namespace=namespace)
        for (child, parent), kind in zip(self.edges.tolist(), self.relation, strict=True):
            graph.add_edge(self.ids[child], self.ids[parent], key=kind, relation=kind)
        return graph

    def __len__(self) -> int:
        """Return the number of terms."""
        return len(self.ids)

    def __str__(self) -> str:
        """Return one line: how many terms and edges, and from where."""
        return f"{counted(len(self), 'term')}, {counted(len(self.edges), 'edge')}{from_sources(self.sources)}"
