"""`Annotations`: which gene is known for which term; `GeneSets`: named sets of genes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ReadError, sample
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.basics.remedies import by_place
from keras_vnn.basics.showing import Shown
from keras_vnn.priors._columns import (
    columns_of,
    edge_columns,
    from_sources,
    in_memory,
    joined_words,
    locked,
    named_columns,
    numbered,
    united,
    used_pairs,
)

if TYPE_CHECKING:
    import networkx
    from numpy.typing import ArrayLike, NDArray

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, eq=False, repr=False)
class Annotations(Shown):
    """Direct annotations of genes with terms: each (gene, term) once. Nothing is propagated here.

    Attributes
    ----------
    genes, terms
        Sorted names of all genes, ids of all terms, that some pair or denial speaks of.
    pairs
        ``(annotations, 2)`` int32: position in ``genes``, position in ``terms``; rows in ascending order.
    evidence
        ``(annotations,)`` evidence codes of all rows that assert the pair, sorted, joined by ``|``.
    qualifier
        ``(annotations,)`` qualifiers of these rows, likewise.
    line
        ``(annotations,)`` int64: line of the first of them in the source; 0 where unknown.
    denied
        ``(denials, 2)`` int32: pairs a source negates (GAF's NOT). None of them is in ``pairs``.
    term_names
        Names of terms by id, where the source has them.
    sources
        The files the annotations come from.
    audit
        What was dropped while reading them.
    """

    genes: tuple[str, ...]
    terms: tuple[str, ...]
    pairs: NDArray[np.int32]
    evidence: NDArray[np.object_]
    qualifier: NDArray[np.object_]
    line: NDArray[np.int64]
    denied: NDArray[np.int32]
    term_names: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    sources: tuple[Source, ...] = ()
    audit: Audit = field(default_factory=Audit)

    @classmethod
    def from_pairs(
        cls,
        gene: ArrayLike | Sequence[str],
        term: ArrayLike | Sequence[str],
        *,
        evidence: ArrayLike | Sequence[str] | None = None,
        qualifier: ArrayLike | Sequence[str] | None = None,
        line: ArrayLike | None = None,
        denied: ArrayLike | None = None,
        term_names: Mapping[str, str] = _NOTHING,
        sources: tuple[Source, ...] = (),
        audit: Audit | None = None,
    ) -> Self:
        """Make the table from columns of names.

        A pair given several times becomes one that keeps all evidence and qualifiers and its first line. A pair that
        some row negates (NOT) is removed, whatever the evidence of rows that assert it. Both are counted in the audit.

        Parameters
        ----------
        gene, term
            ``(rows,)`` names.
        evidence, qualifier, line
            ``(rows,)`` values, or ``None``.
        denied
            ``(rows,)`` booleans: the row says that the gene does *not* have the term.
        term_names
            Names of terms by id.

        Raises
        ------
        ReadError
            The columns differ in length, or a name is missing.
        """
        gene_of, genes = numbered(gene, "gene")
        term_of, terms = numbered(term, "term")
        rows = len(gene_of)
        line_ = np.zeros(rows, np.int64) if line is None else np.asarray(line, np.int64)
        denied_ = np.zeros(rows, bool) if denied is None else np.asarray(denied, bool)
        if not rows == len(term_of) == len(line_) == len(denied_):
            raise ReadError(f"There must be a gene and a term in every row, got {rows:,} and {len(term_of):,}.")
        key = gene_of * max(len(terms), 1) + term_of
        refused = np.unique(key[denied_])
        asserting = ~denied_
        contradicted = asserting & np.isin(key, refused)
        kept = asserting & ~contradicted
        unique, group = np.unique(key[kept], return_inverse=True)
        firsts = np.full(len(unique), np.iinfo(np.int64).max)
        np.minimum.at(firsts, group, line_[kept])
        entries = (
            AuditEntry("read", "annotation", "duplicate, merged into one", int(kept.sum()) - len(unique)),
            AuditEntry.of(
                "read",
                "annotation",
                "negated (NOT) by another row, removed",
                [f"{genes[k // len(terms)]} {terms[k % len(terms)]}" for k in np.unique(key[contradicted])],
            ),
        )
        every = cls(
            genes,
            terms,
            np.stack(np.divmod(unique, max(len(terms), 1)), axis=1),
            joined_words(group, len(unique), None if evidence is None else pd.Series(evidence).to_numpy()[kept]),
            joined_words(group, len(unique), None if qualifier is None else pd.Series(qualifier).to_numpy()[kept]),
            firsts,
            np.stack(np.divmod(refused, max(len(terms), 1)), axis=1),
            term_names,
            sources,
            (audit or Audit()) + Audit.of(*entries),
        )
        return every._taking(slice(None), slice(None))

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, gene: str = "gene", term: str = "term", evidence: str | None = None
    ) -> Self:
        """Make the table from a DataFrame with a row per annotation.

        Raises
        ------
        ReadError
            A named column does not exist, or a name in the columns is missing.
        """
        named_columns(frame, (gene, term, evidence))
        return cls.from_pairs(
            frame[gene],
            frame[term],
            evidence=None if evidence is None else frame[evidence].to_numpy(),
            sources=(in_memory("DataFrame", len(frame)),),
        )

    @classmethod
    def from_mapping(cls, terms: Mapping[str, Iterable[str]]) -> Self:
        """Make the table from the terms of each gene.

        Examples
        --------
        >>> print(Annotations.from_mapping({"MLH1": ["mismatch repair"], "ATM": ["DNA repair"]}))
        2 annotations of 2 genes with 2 terms (mapping)
        """
        gene, term = columns_of([(gene, term) for gene, listed in terms.items() for term in listed])
        return cls.from_pairs(gene, term, sources=(in_memory("mapping", len(gene)),))

    @classmethod
    def from_networkx(cls, graph: networkx.DiGraph) -> Self:
        """Make the table from the edges (gene, term) of a directed networkx graph.

        Raises
        ------
        ReadError
            The graph is undirected.
        """
        gene, term, _ = edge_columns(graph, "Annotations need a directed graph (gene → term)")
        return cls.from_pairs(gene, term, sources=(in_memory("networkx graph", len(gene)),))

    # ---- selecting ----------------------------------------------------------------------------------------

    def among(self, genes: Iterable[str]) -> Annotations:
        """Return the annotations of these genes; the others are counted in the audit."""
        wanted = set(genes)
        inside = np.fromiter((gene in wanted for gene in self.genes), bool, len(self.genes))
        kept = inside[self.pairs[:, 0]]
        outside = AuditEntry("match", "annotation", "the gene is not in the gene list", int((~kept).sum()))
        return self._taking(kept, inside[self.denied[:, 0]], outside)

    def with_evidence(self, *, include: Collection[str] | None = None, exclude: Collection[str] = ()) -> Annotations:
        """Return the annotations that some wanted evidence code asserts; the others are counted in the audit.

        Parameters
        ----------
        include
            Codes to accept; ``None`` for any.
        exclude
            Codes to refuse. A pair that has another code as well stays.

        Raises
        ------
        ReadError
            The annotations have no evidence codes.
        """
        if len(self) and not (self.evidence != "").any():
            raise ReadError(
                "The annotations have no evidence codes to choose from.\n"
                "Read them from a GAF, GPAD or gene2go file"
                + by_place(".", ", or name the column: Annotations.from_frame(…, evidence=…)")
            )
        codes, joined = pd.factorize(self.evidence)
        good = np.array(
            [
                any((include is None or code in include) and code not in exclude for code in text.split("|"))
                for text in joined
            ],
            bool,
        )
        kept = good[codes]
        dropped = AuditEntry("read", "annotation", "none of its evidence codes is wanted", int((~kept).sum()))
        return self._taking(kept, slice(None), dropped)

    def _taking(self, kept: NDArray[np.bool_] | slice, denied: NDArray[np.bool_] | slice, *entries: AuditEntry) -> Self:
        """Return some annotations and denials, leaving out names that none of them uses."""
        both = np.concatenate([self.pairs[kept], self.denied[denied]])
        genes, terms, pairs = used_pairs(self.genes, self.terms, both)
        asserted = len(self.line[kept])
        return replace(
            self,
            genes=genes,
            terms=terms,
            pairs=locked(pairs[:asserted]),
            evidence=locked(self.evidence[kept]),
            qualifier=locked(self.qualifier[kept]),
            line=locked(self.line[kept]),
            denied=locked(pairs[asserted:]),
            term_names=MappingProxyType({id: self.term_names[id] for id in terms if id in self.term_names}),
            audit=self.audit + Audit.of(*entries),
        )

    def union(self, other: Annotations) -> Annotations:
        """Return the annotations of both tables; what either negates is removed."""
        return united(self, self._rows(), other, other._rows(), term_names={**other.term_names, **self.term_names})

    def _rows(self) -> pd.DataFrame:
        """Return the columns `from_pairs` takes: a row per evidence code and qualifier, and per denial."""
        asserted = self.to_frame().assign(denied=False)
        for column in ("evidence", "qualifier"):
            asserted = asserted.assign(**{column: asserted[column].str.split("|")}).explode(column)
        refused = pd.DataFrame(
            {
                "gene": np.array(self.genes, dtype=object)[self.denied[:, 0]],
                "term": np.array(self.terms, dtype=object)[self.denied[:, 1]],
                "evidence": "",
                "qualifier": "",
                "line": 0,
                "denied": True,
            }
        )
        return pd.concat([asserted, refused], ignore_index=True) if len(refused) else asserted

    # ---- looking ------------------------------------------------------------------------------------------

    def to_frame(self) -> pd.DataFrame:
        """Return columns ``gene``, ``term``, ``evidence``, ``qualifier``, ``line``, a row per annotation."""
        return pd.DataFrame(
            {
                "gene": np.array(self.genes, dtype=object)[self.pairs[:, 0]],
                "term": np.array(self.terms, dtype=object)[self.pairs[:, 1]],
                "evidence": self.evidence,
                "qualifier": self.qualifier,
                "line": self.line,
            }
        )

    def __len__(self) -> int:
        """Return the number of annotations."""
        return len(self.pairs)

    def __str__(self) -> str:
        """Return one line: how many annotations, of how many genes and terms, and from where."""
        # Genes and terms of negations alone have no annotation.
        genes, terms = (len(np.unique(column)) for column in self.pairs.T)
        return f"{len(self):,} annotations of {genes:,} genes with {terms:,} terms{from_sources(self.sources)}"


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
                raise ReadError(f"{len(missing):,} of {len(self):,} gene sets have no id: {sample(missing)}.")
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
        plural = "" if len(self) == 1 else "s"
        return f"{len(self):,} gene set{plural} of {len(self.genes):,} genes{from_sources(self.sources)}"
