"""Prior tables: biological knowledge as typed, canonical, immutable edge tables.

In: pairs of names from readers, a DataFrame or a networkx graph. Out: `Interactions` and `Regulation`,
whose order does not depend on the order of the rows they came from.
Knows nothing of files or of layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ReadError, check_choice, counted
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.basics.showing import Shown
from keras_vnn.priors._columns import (
    edge_columns,
    from_sources,
    in_memory,
    locked,
    named_columns,
    united,
    used,
    used_pairs,
)

if TYPE_CHECKING:
    import networkx
    from numpy.typing import ArrayLike, NDArray

EFFECTS = ("activation", "both", "repression", "unknown")
# By two bits: some row says activation, some row says repression.
_SIGNS = np.array(["unknown", "activation", "repression", "both"], dtype=object)
_PAIR = ["first", "second"]


@dataclass(frozen=True, eq=False, repr=False)
class Interactions(Shown):
    """Undirected interactions between genes or proteins: each unordered pair once, none with itself.

    Attributes
    ----------
    genes
        Sorted names of all interacting genes.
    pairs
        ``(interactions, 2)`` int32: positions in ``genes``, the smaller first, rows in ascending order.
    score
        ``(interactions,)`` float64, the largest given for each pair; NaN where none was given.
    line
        ``(interactions,)`` int64: line of the first mention in the source; 0 where unknown.
    sources
        The files the table was made from.
    audit
        What was dropped while making it.
    """

    genes: tuple[str, ...]
    pairs: NDArray[np.int32]
    score: NDArray[np.float64]
    line: NDArray[np.int64]
    sources: tuple[Source, ...] = ()
    audit: Audit = field(default_factory=Audit)

    @classmethod
    def from_pairs(
        cls,
        a: ArrayLike | Sequence[str],
        b: ArrayLike | Sequence[str],
        *,
        score: ArrayLike | None = None,
        line: ArrayLike | None = None,
        sources: tuple[Source, ...] = (),
        audit: Audit | None = None,
    ) -> Self:
        """Make the table from two columns of names.

        A pair given in both directions or several times becomes one, with its largest score and its first line;
        a gene with itself is dropped. Both are counted in the audit.

        Parameters
        ----------
        a, b
            ``(rows,)`` names.
        score, line
            ``(rows,)`` numbers, or ``None``.
        """
        names, codes = _factorized(a, b)
        rows = pd.DataFrame(np.sort(codes, axis=1), columns=_PAIR).assign(
            score=_column(score, len(codes), np.float64, np.nan), line=_column(line, len(codes), np.int64, 0)
        )
        to_itself = rows["first"] == rows["second"]
        itself = np.unique(names[rows["first"][to_itself]])
        selfs = AuditEntry.of("read", "interaction", "a gene with itself", itself, int(to_itself.sum()))
        merged = rows[~to_itself].groupby(_PAIR).agg({"score": "max", "line": "min"}).reset_index()
        repeats = len(rows) - selfs.count - len(merged)
        repeated = AuditEntry("read", "interaction", "duplicate (either direction), merged into one", repeats)
        return cls(
            *used(names, merged[_PAIR].to_numpy()),
            locked(merged["score"].to_numpy()),
            locked(merged["line"].to_numpy()),
            sources,
            (audit or Audit()) + Audit.of(selfs, repeated),
        )

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, a: str = "", b: str = "", score: str | None = None) -> Self:
        """Make the table from two columns of a DataFrame, by default its first two.

        Raises
        ------
        ReadError
            A named column does not exist, or a name in the columns is missing.
        """
        first, second = _named(frame, a, b)
        return cls.from_pairs(
            first,
            second,
            score=None if score is None else frame[score],
            sources=(in_memory("DataFrame", len(frame)),),
        )

    @classmethod
    def from_networkx(cls, graph: networkx.Graph, score: str = "weight") -> Self:
        """Make the table from the edges of a networkx graph; directions are ignored."""
        a, b, facts = edge_columns(graph)
        scores = [data.get(score, np.nan) for data in facts]
        return cls.from_pairs(a, b, score=scores, sources=(in_memory("networkx graph", len(facts)),))

    def among(self, genes: Iterable[str]) -> Self:
        """Return the interactions of which both sides are in ``genes``; the others are counted in the audit."""
        wanted = set(genes)
        inside = np.fromiter((gene in wanted for gene in self.genes), bool, len(self.genes))
        kept = inside[self.pairs].all(axis=1)
        outside = AuditEntry("match", "interaction", "one or both genes are not in the gene list", int((~kept).sum()))
        return type(self)(
            *used(self.genes, self.pairs[kept]),
            locked(self.score[kept]),
            locked(self.line[kept]),
            self.sources,
            self.audit + Audit.of(outside),
        )

    def union(self, other: Interactions) -> Interactions:
        """Return the interactions of both tables; pairs in both are merged."""
        return united(self, self.to_frame(), other, other.to_frame())

    def to_frame(self) -> pd.DataFrame:
        """Return columns ``a``, ``b``, ``score``, ``line``, a row per interaction."""
        names = np.array(self.genes, dtype=object)
        return pd.DataFrame(
            {"a": names[self.pairs[:, 0]], "b": names[self.pairs[:, 1]], "score": self.score, "line": self.line}
        )

    def __len__(self) -> int:
        """Return the number of interactions."""
        return len(self.pairs)

    def __str__(self) -> str:
        """Return one line: how many interactions of how many genes, and from where."""
        return f"{counted(len(self), 'interaction')} of {counted(len(self.genes), 'gene')}{from_sources(self.sources)}"


@dataclass(frozen=True, eq=False, repr=False)
class Regulation(Shown):
    """Directed regulation: each (regulator, target) once. A regulator may be its own target.

    Attributes
    ----------
    regulators, targets
        Sorted names of all regulators, of all targets.
    pairs
        ``(edges, 2)`` int32: position in ``regulators``, position in ``targets``; rows in ascending order.
    effect
        ``(edges,)`` of ``activation``, ``repression``, ``both`` or ``unknown``.
    weight
        ``(edges,)`` float64, the one of largest magnitude given; NaN where none was given.
    line
        ``(edges,)`` int64: line of the first mention in the source; 0 where unknown.
    sources, audit
        As in `Interactions`.
    """

    regulators: tuple[str, ...]
    targets: tuple[str, ...]
    pairs: NDArray[np.int32]
    effect: NDArray[np.object_]
    weight: NDArray[np.float64]
    line: NDArray[np.int64]
    sources: tuple[Source, ...] = ()
    audit: Audit = field(default_factory=Audit)

    @classmethod
    def from_pairs(
        cls,
        regulator: ArrayLike | Sequence[str],
        target: ArrayLike | Sequence[str],
        *,
        effect: ArrayLike | Sequence[str] | None = None,
        weight: ArrayLike | None = None,
        line: ArrayLike | None = None,
        sources: tuple[Source, ...] = (),
        audit: Audit | None = None,
    ) -> Self:
        """Make the table from columns of names.

        A pair given several times becomes one. Where its effects differ, ``unknown`` gives way to a known one,
        and activation with repression becomes ``both``; both are counted in the audit.

        Parameters
        ----------
        regulator, target
            ``(rows,)`` names.
        effect, weight, line
            ``(rows,)`` values, or ``None``.
        """
        names, codes = _factorized(regulator, target)
        weight_ = _column(weight, len(codes), np.float64, np.nan)
        signs = _signs(effect, weight_, len(codes))
        rows = pd.DataFrame(codes, columns=_PAIR).assign(
            weight=weight_,
            line=_column(line, len(codes), np.int64, 0),
            up=signs & 1,
            down=signs & 2,
            is_unknown=signs == 0,
            is_one_way=(signs == 1) | (signs == 2),
        )
        merged = rows.groupby(_PAIR).agg(
            low=("weight", "min"),
            high=("weight", "max"),
            line=("line", "min"),
            **{name: (name, "max") for name in ("up", "down", "is_unknown", "is_one_way")},
        )
        pairs = merged.reset_index()[_PAIR].to_numpy()
        sign = (merged["up"] | merged["down"]).to_numpy()
        audit_ = (audit or Audit()) + Audit.of(
            AuditEntry("read", "regulatory edge", "duplicate, merged into one", len(rows) - len(merged)),
            *(
                AuditEntry.of("read", "regulatory edge", reason, [f"{names[r]} {names[t]}" for r, t in pairs[which]])
                for reason, which in (
                    ("an unknown effect gave way to a known one", merged["is_unknown"] & (sign > 0)),
                    ("rows disagree on the effect, taken as both", merged["is_one_way"] & (sign == 3)),
                )
            ),
        )
        # Of two weights of equal magnitude the positive one.
        largest = merged["low"].where(merged["low"].abs() > merged["high"].abs(), merged["high"]).to_numpy()
        return cls(
            *used_pairs(names, names, pairs),
            locked(_SIGNS[sign]),
            locked(largest),
            locked(merged["line"].to_numpy()),
            sources,
            audit_,
        )

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        regulator: str = "",
        target: str = "",
        effect: str | None = None,
        weight: str | None = None,
    ) -> Self:
        """Make the table from two columns of a DataFrame, by default its first two.

        Raises
        ------
        ReadError
            A named column does not exist, or a name in the columns is missing.
        """
        first, second = _named(frame, regulator, target)
        return cls.from_pairs(
            first,
            second,
            effect=None if effect is None else frame[effect],
            weight=None if weight is None else frame[weight],
            sources=(in_memory("DataFrame", len(frame)),),
        )

    @classmethod
    def from_networkx(cls, graph: networkx.DiGraph, effect: str = "effect", weight: str = "weight") -> Self:
        """Make the table from the directed edges (regulator, target) of a networkx graph.

        Where no edge has an effect, the signs of the weights give it, as in `from_pairs`.

        Raises
        ------
        ReadError
            The graph is undirected.
        """
        regulators, targets, facts = edge_columns(graph, "Regulation needs a directed graph (regulator → target)")
        known = any(effect in data for data in facts)
        return cls.from_pairs(
            regulators,
            targets,
            effect=[str(data.get(effect, "unknown")) for data in facts] if known else None,
            weight=[data.get(weight, np.nan) for data in facts],
            sources=(in_memory("networkx graph", len(facts)),),
        )

    def among(self, genes: Iterable[str]) -> Self:
        """Return the edges whose target is in ``genes``; the others are counted in the audit.

        A regulator need not be measured to be a node.
        """
        wanted = set(genes)
        inside = np.fromiter((gene in wanted for gene in self.targets), bool, len(self.targets))
        kept = inside[self.pairs[:, 1]]
        outside = AuditEntry("match", "regulatory edge", "the target is not in the gene list", int((~kept).sum()))
        return type(self)(
            *used_pairs(self.regulators, self.targets, self.pairs[kept]),
            locked(self.effect[kept]),
            locked(self.weight[kept]),
            locked(self.line[kept]),
            self.sources,
            self.audit + Audit.of(outside),
        )

    def union(self, other: Regulation) -> Regulation:
        """Return the edges of both tables; pairs in both are merged."""
        return united(self, self.to_frame(), other, other.to_frame())

    def to_frame(self) -> pd.DataFrame:
        """Return columns ``regulator``, ``target``, ``effect``, ``weight``, ``line``, a row per edge."""
        return pd.DataFrame(
            {
                "regulator": np.array(self.regulators, dtype=object)[self.pairs[:, 0]],
                "target": np.array(self.targets, dtype=object)[self.pairs[:, 1]],
                "effect": self.effect,
                "weight": self.weight,
                "line": self.line,
            }
        )

    def __len__(self) -> int:
        """Return the number of edges."""
        return len(self.pairs)

    def __str__(self) -> str:
        """Return one line: how many edges, regulators and targets, and from where."""
        return (
            f"{counted(len(self), 'edge')} from {counted(len(self.regulators), 'regulator')} to "
            f"{counted(len(self.targets), 'target')}{from_sources(self.sources)}"
        )


def _factorized(a: Any, b: Any) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Return sorted unique names and the ``(rows, 2)`` positions of both columns in them."""
    first, second = np.asarray(a, dtype=object), np.asarray(b, dtype=object)
    if first.shape != second.shape or first.ndim != 1:
        raise ReadError(f"Both columns must have one name per row, got shapes {first.shape} and {second.shape}.")
    codes, names = pd.factorize(np.concatenate([first, second]), sort=True)
    if (codes < 0).any():
        row = int(np.flatnonzero(codes < 0)[0]) % len(first)
        raise ReadError(f"Row {row + 1} of {len(first)} has no name in one of its two columns.")
    wrong = next((name for name in names if not isinstance(name, str) or not name.strip()), None)
    if wrong is not None:
        raise ReadError(f"A name in the table is {wrong!r}, expected non-empty text.")
    return np.asarray(names, dtype=object), np.stack([codes[: len(first)], codes[len(first) :]], axis=1)


def _column(values: Any, rows: int, dtype: Any, default: float) -> NDArray[Any]:
    if values is None:
        return np.full(rows, default, dtype)
    try:
        column = np.array(values, dtype)
    except (TypeError, ValueError) as error:
        raise ReadError(f"A column of numbers holds something else: {error}.") from error
    if column.shape != (rows,):
        raise ReadError(f"A column of numbers must have one value per row, expected {rows:,}, got {column.size:,}.")
    return column


def _signs(effect: Any, weight: NDArray[np.float64], rows: int) -> NDArray[np.int64]:
    """Return 0 unknown, 1 activation, 2 repression, 3 both, from words or else from the sign of the weight."""
    if effect is None:
        return np.where(weight < 0, 2, np.where(weight > 0, 1, 0))
    words = np.asarray(effect, dtype=object)
    if words.shape != (rows,):
        raise ReadError(f"There must be one effect per row, expected {rows:,}, got {words.size:,}.")
    codes, uniques = pd.factorize(words)
    wrong = sorted(str(word) for word in uniques if word not in EFFECTS)
    if wrong:
        check_choice("Effects", wrong[0], EFFECTS, ReadError)
    # A missing one has the code -1: it is unknown.
    signs: NDArray[np.int64] = np.array([*map(_SIGNS.tolist().index, uniques), 0], np.int64)[codes]
    return signs


def _named(frame: pd.DataFrame, first: str, second: str) -> tuple[pd.Series, pd.Series]:
    """Return the two columns of names, none of them missing."""
    if frame.shape[1] < 2:
        raise ReadError(f"The table has {frame.shape[1]} column, expected two names per row.")
    names = (first or frame.columns[0], second or frame.columns[1])
    named_columns(frame, names)
    for name in names:
        if list(frame.columns).count(name) > 1:
            raise ReadError(f"The table has more than one column {name!r}; rename them to tell them apart.")
    missing = frame[list(names)].isna().any(axis=1)
    if missing.any():
        raise ReadError(
            f"{int(missing.sum())} of {counted(len(frame), 'row')} have no name in {names[0]!r} or {names[1]!r}, first "
            f"at index {frame.index[missing].tolist()[0]!r}.\nDrop them first: frame.dropna(subset={list(names)!r})"
        )
    return frame[names[0]].astype(str), frame[names[1]].astype(str)
