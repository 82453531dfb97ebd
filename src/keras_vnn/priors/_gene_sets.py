"""`GeneSets`: named sets of genes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import pandas as pd

from keras_vnn.basics.errors import ReadError, counted, sample
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.basics.showing import Shown
from keras_vnn.priors._annotations import Annotations
from keras_vnn.priors._columns import columns_of, edge_columns, from_sources, in_memory, named_columns

if TYPE_CHECKING:
    import networkx

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, eq=False, repr=False)
class GeneSets(Shown, Mapping[str, tuple[str, ...]]):
    """Named sets of genes, a mapping from name to genes: names sorted, the genes of a set sorted and unique.

    Attributes
    ----------
    sets
        The genes of each set by its name.
    descriptions
        What the source says of each set, by name; sets without a description are absent.
    sources
        The files the sets were made from.
    audit
        What was dropped while making them.
    """

    sets: Mapping[str, tuple[str, ...]]
    descriptions: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    sources: tuple[Source, ...] = ()
    audit: Audit = field(default_factory=Audit)

    @classmethod
    def from_mapping(
        cls,
        sets: Mapping[str, Iterable[str]],
        *,
        descriptions: Mapping[str, str] = _NOTHING,
        sources: tuple[Source, ...] = (),
        audit: Audit | None = None,
    ) -> Self:
        """Make gene sets from the genes of each name. A gene named twice in a set is counted in the audit.

        Raises
        ------
        ReadError
            There is no set, or the name of a set or of a gene is not text.

        Examples
        --------
        >>> sets = GeneSets.from_mapping({"repair": ["MLH1", "ATM", "ATM"]})
        >>> sets["repair"]
        ('ATM', 'MLH1')
        >>> print(sets)
        1 gene set of 2 genes (mapping)
        """
        if not sets:
            raise ReadError("There is no gene set.\nPass at least one, with a name and its genes.")
        listed = {name: (genes,) if isinstance(genes, str) else tuple(genes) for name, genes in sets.items()}
        for name, genes in listed.items():
            wrong = next((word for word in (name, *genes) if not isinstance(word, str) or not word.strip()), None)
            if wrong is not None:
                raise ReadError(f"A name in the gene set {name!r} is {wrong!r}, expected non-empty text.")
        unique = {name: tuple(sorted(set(listed[name]))) for name in sorted(listed)}
        again = sum(map(len, listed.values())) - sum(map(len, unique.values()))
        empty = AuditEntry.of("read", "gene set", "without genes", [name for name in unique if not unique[name]])
        repeats = AuditEntry("read", "member", "duplicate in the same set, merged into one", again)
        return cls(
            MappingProxyType({name: genes for name, genes in unique.items() if genes}),
            MappingProxyType({name: descriptions[name] for name in unique if descriptions.get(name)}),
            sources or (in_memory("mapping", len(sets)),),
            (audit or Audit()) + Audit.of(empty, repeats),
        )

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, name: str = "name", gene: str = "gene") -> Self:
        """Make gene sets from a DataFrame with a row per member.

        Raises
        ------
        ReadError
            A named column does not exist, or a name in the columns is missing.
        """
        named_columns(frame, (name, gene))
        members = frame.groupby(name, dropna=False)[gene].agg(list).to_dict()
        return cls.from_mapping(members, sources=(in_memory("DataFrame", len(frame)),))

    @classmethod
    def from_networkx(cls, graph: networkx.DiGraph) -> Self:
        """Make gene sets from the edges (gene, set) of a directed networkx graph.

        Raises
        ------
        ReadError
            The graph is undirected, or has no edge.
        """
        genes, names, _ = edge_columns(graph, "Gene sets need a directed graph (gene → set)")
        members = pd.DataFrame({"name": names, "gene": genes}).groupby("name")["gene"].agg(list).to_dict()
        return cls.from_mapping(members, sources=(in_memory("networkx graph", len(genes)),))

    @cached_property
    def genes(self) -> tuple[str, ...]:
        """Sorted names of all genes in any set."""
        return tuple(sorted({gene for members in self.sets.values() for gene in members}))

    def to_annotations(self, ids: Mapping[str, str] | None = None) -> Annotations:
        """Return the sets as annotations of their genes, to be used with an ontology over the sets.

        Parameters
        ----------
        ids
            The id of each set as the ontology has it, by name, for example ``sets.descriptions`` of a GMT file of
            Reactome; names become the names of the terms then. ``None`` if names are ids.

        Raises
        ------
        ReadError
            A set has no id.
        """
        if ids is not None:
            missing = [name for name in self if name not in ids]
            if missing:
                raise ReadError(f"{len(missing):,} of {counted(len(self), 'gene set')} have no id: {sample(missing)}.")
        id_of = {name: name for name in self} if ids is None else ids
        gene, term = columns_of([(gene, id_of[name]) for name, members in self.sets.items() for gene in members])
        return Annotations.from_pairs(
            gene,
            term,
            term_names={} if ids is None else {ids[name]: name for name in self},
            sources=self.sources,
            audit=self.audit,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return columns ``name``, ``gene``, a row per member."""
        pairs = [(name, gene) for name, members in self.sets.items() for gene in members]
        return pd.DataFrame(pairs, columns=["name", "gene"])

    def __getitem__(self, name: str) -> tuple[str, ...]:
        """Return the genes of a set."""
        return self.sets[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, sorted."""
        return iter(self.sets)

    def __len__(self) -> int:
        """Return the number of sets."""
        return len(self.sets)

    def __str__(self) -> str:
        """Return one line: how many sets and genes, and from where."""
        return f"{counted(len(self), 'gene set')} of {counted(len(self.genes), 'gene')}{from_sources(self.sources)}"
