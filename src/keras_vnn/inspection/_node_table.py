"""`NodeTable`: what may be said of every named hidden node, by class.

In: a model, cells, their classes or numbers. Out: evidence of the genes, what the trained node knows of cells it did
not see, what the model does with it; as a table of one class or of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.architecture import gene_counts, genes_upstream
from keras_vnn.basics.errors import ConfigError, DataError, did_you_mean
from keras_vnn.data import Split
from keras_vnn.inspection._cells import Cells, evenly, known_split
from keras_vnn.inspection._evidence import (
    Doubles,
    Groups,
    adjusted,
    evidence_of,
    set_scores,
    standardised,
)
from keras_vnn.inspection._findings import findings_of
from keras_vnn.inspection._identification import identified_nodes
from keras_vnn.inspection._learned import learned_by, learned_rate
from keras_vnn.inspection._methods import groups_of, hidden_layers
from keras_vnn.inspection._record import record, without_outputs
from keras_vnn.models import Embedding, ModelView

FALSE_DISCOVERY_RATE = 0.05
MIXED = "mixed"
COLUMNS = (
    *("label", "genes", "higher_in", "d", "evidence", "q", "learned", "learned_q", "beyond_the_mean", "use"),
    *("similar", "kind", "layer"),
)
# Of a regression: other names of the same columns.
_OF_NUMBERS = {"higher_in": "higher_with", "d": "r"}
_ASCENDING = ("label", "q", "learned_q", "kind", "layer", "higher_in", "higher_with")
NODE_COLUMNS = (*COLUMNS, *_OF_NUMBERS.values())
# So many cells to fit on, and to test on; evidence is of all.
_MOST_CELLS = 2_000
_FOLDED = 500
# Means of genes differ by more than this part of what cells of one gene do.
_HAVE_LEVELS = 0.5
_FIRST = 20
_SHARED_GENES = 0.5
_ALIKE = 0.8
# As in the difference of two z-scores at 1 in 1,000.
_MORE_THAN_A_GENE = 3.0 * np.sqrt(2)


@dataclass(frozen=True, slots=True, eq=False)
class NodeTable:
    """What was measured of the hidden nodes of a model, in the order of the architecture.

    Attributes
    ----------
    groups
        Names of the classes, or of the numbers of a regression.
    are_classes
        Which of the two.
    excess, p, size, error, mean, learned, learned_p, of_a_gene
        ``(groups, nodes)``: evidence and its p, Cohen's d or r and its standard error, mean z-score of the genes of a
        node, z of what it learned and its p, z of what the best of its genes says in the same cells.
    use
        ``(nodes,)`` importance by knock-out; NaN where the model has no outputs.
    lead
        ``(groups + 1, nodes)`` position of the node that each is folded under, its own where it is not; the last row is
        of all groups together.
    facts
        How it was measured, as JSON values.
    """

    groups: tuple[str, ...]
    are_classes: bool
    excess: Doubles
    p: Doubles
    size: Doubles
    error: Doubles
    mean: Doubles
    learned: Doubles
    learned_p: Doubles
    of_a_gene: Doubles
    use: Doubles
    lead: NDArray[np.int32]
    facts: dict[str, Any]

    def frame(self, seen: ModelView, group: str | None = None, by: str = "evidence") -> pd.DataFrame:
        """Return the table of one group, or of the best group of every node, sorted by a column.

        Raises
        ------
        ConfigError
            There is no such group or column.
        """
        names = list(COLUMNS) if self.are_classes else [_OF_NUMBERS.get(name, name) for name in COLUMNS]
        if by not in names:
            raise ConfigError(
                f"There is no column {by!r}; there are {', '.join(names)}. {did_you_mean(by, names)}".strip()
            )
        row = None if group is None else self.position(group)
        known = seen.architecture.node_table()
        known = known[known["layer"] > 0]
        nodes = np.arange(len(known))
        q, learned_q = adjusted(self.p), adjusted(self.learned_p)
        absolute = np.where(np.isfinite(self.excess), np.abs(self.excess), -1)
        best = absolute.argmax(axis=0) if row is None else np.full(len(nodes), row)
        best_learned = self.learned.argmax(axis=0) if row is None else best
        chosen, chosen_learned = (best, nodes), (best_learned, nodes)
        higher, size, _ = self._direction(row)
        beyond = (learned_q < FALSE_DISCOVERY_RATE) & (self.learned > self.of_a_gene + _MORE_THAN_A_GENE)
        beyond &= ~(q < FALSE_DISCOVERY_RATE).any(axis=0)
        lead = self.lead[-1 if row is None else row]
        folded = np.bincount(lead, minlength=len(nodes)) - 1
        evidence = np.abs(self.excess[chosen]) if row is None else self.excess[chosen]
        values = {
            "label": known["label"],
            "genes": np.concatenate(gene_counts(seen.architecture)[1:]),
            "higher_in": higher,
            "d": size,
            "evidence": evidence,
            "q": q[chosen],
            "learned": self.learned[chosen_learned],
            "learned_q": learned_q[chosen_learned],
            "beyond_the_mean": beyond.any(axis=0) if row is None else beyond[row],
            "use": self.use,
            "similar": pd.arrays.IntegerArray(folded, lead != nodes),
            "kind": known["kind"],
            "layer": known["layer"],
        }
        table = pd.DataFrame(values, index=known.index).set_axis(names, axis=1)
        if (identified := identified_nodes(seen)) is not None:
            table["identified"] = identified
        table.attrs.update(self.facts, method="evidence", group=group, runs=1)
        return sorted_by(table, by)

    def position(self, group: str) -> int:
        """Return the number of a group.

        Raises
        ------
        ConfigError
            There is no such group.
        """
        if group not in self.groups:
            what = "class" if self.are_classes else "number"
            raise ConfigError(
                f"The nodes know no {what} {group!r}; they know {', '.join(self.groups[:20])}. "
                f"{did_you_mean(group, list(self.groups))}".rstrip()
            )
        return self.groups.index(group)

    def of_node(self, seen: ModelView, id: str) -> dict[str, Any]:
        """Return the row of a node as JSON values, with its place and the 95 % interval of d or r."""
        table = self.frame(seen)
        row = table.loc[id]
        _, size, error = self._direction(None)
        place = seen.architecture.find(id)
        position = sum(map(len, seen.architecture.layers[1 : place.layer])) + place.position
        low, high = size[position] - 1.96 * error[position], size[position] + 1.96 * error[position]
        return {
            **{name: None if pd.isna(value) else value for name, value in row.to_dict().items()},
            "low": float(low),
            "high": float(high),
            "place": int(table.index.get_loc(id)) + 1,
            "of": len(table),
            **self.facts,
        }

    def _direction(self, row: int | None) -> tuple[NDArray[np.object_], Doubles, Doubles]:
        """Return in which class the genes of each node are higher, by how much, and the standard error of that.

        `MIXED` where neither direction is clear.
        """
        names = np.array(self.groups, dtype=object)
        nodes = np.arange(self.size.shape[1])
        clear = np.abs(self.size) > 1.96 * self.error
        if not self.are_classes:
            best = np.abs(np.nan_to_num(self.size)).argmax(axis=0) if row is None else np.full(len(nodes), row)
            size, error = self.size[best, nodes], self.error[best, nodes]
            named = np.where(size < 0, "low " + names[best], names[best])
            return np.where(clear[best, nodes], named, MIXED), size, error
        if row is None:
            best = np.where(np.isfinite(self.mean), self.mean, -np.inf).argmax(axis=0)
            named = np.where(clear.any(axis=0), names[best], MIXED)
            return named, self.size[best, nodes], self.error[best, nodes]
        others = names[1 - row] if len(names) == 2 else f"not {names[row]}"
        named = np.where(self.size[row] > 0, names[row], others)
        return np.where(clear[row], named, MIXED), self.size[row], self.error[row]


def measured(
    seen: ModelView,
    cells: Cells,
    *,
    replicate: Any = None,
    split: Split | None = None,
    batch_size: int,
    progress: bool = False,
) -> NodeTable:
    """Measure what may be said of all hidden nodes: evidence, what they learned, use.

    ``replicate`` is a column of the cells, or the donor or batch of each; ``split``, if it is known, says which cells
    the model was trained on.
    """
    if isinstance(seen.outputs, Embedding) and cells.labels is None:
        raise without_outputs(seen)
    names, groups, drawn_by = groups_of(seen, cells, batch_size)
    replicates, called = (None, None) if replicate is None else replicates_of(cells, replicate)
    upstream = genes_upstream(seen.architecture)
    sizes = np.diff(upstream.indptr)
    found = evidence_of(upstream, cells, groups, levels_of(seen, cells), replicates=replicates)
    parts = split or known_split(seen, drawn_by, cells)
    fitted, tested = _halves(len(cells)) if parts is None else (parts.train, outside(parts))
    fitted, tested = evenly(fitted, _MOST_CELLS), evenly(tested, _MOST_CELLS)
    learned, of_genes = _learned(seen, cells, groups, fitted, tested, batch_size)
    if parts is None:
        # No cell was in the training: either half may test the other.
        again, genes_again = _learned(seen, cells, groups, tested, fitted, batch_size)
        learned, of_genes = (learned + again) / np.sqrt(2), (of_genes + genes_again) / np.sqrt(2)
    held_out = np.sort(np.concatenate([fitted, tested])) if parts is None else tested
    size = found.difference.size
    n = _counts(groups, replicates)
    if groups.are_classes:
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.sqrt(1 / n[:, None] + 1 / (n.sum() - n)[:, None] + size**2 / (2 * n.sum()))
    else:
        error = (1 - size**2) / np.sqrt(max(n.sum() - 1, 1))
    q = adjusted(found.p)
    best_q = np.where(np.isnan(q), 2, q).min(axis=0)
    scores = _scores(upstream, cells, held_out)
    lead = np.stack([
        *(_folded(upstream, scores, _order(row, q_row)) for row, q_row in zip(found.excess, q, strict=True)),
        _folded(upstream, scores, _order(_best(found.excess), best_q)),
    ])  # fmt: skip
    facts = {
        "cells": len(cells),
        "held_out": 0 if parts is None else len(outside(parts)),
        "replicate": called,
        "replicates": None if replicates is None else len(np.unique(replicates)),
        "nodes": len(sizes),
        "found": int((best_q < FALSE_DISCOVERY_RATE).sum()),
        "seed": 0,
    }
    return NodeTable(
        groups=tuple(map(str, names)),
        are_classes=groups.are_classes,
        excess=found.excess,
        p=found.p,
        size=size,
        error=error,
        mean=found.difference.mean,
        learned=learned,
        learned_p=learned_rate(learned, sizes),
        of_a_gene=np.stack([best_gene(upstream, row) for row in of_genes]),
        use=_use(seen, cells.at(evenly(held_out, _MOST_CELLS)), batch_size, progress),
        lead=lead.astype(np.int32),
        facts=facts,
    )


def of_several_runs(frames: Sequence[pd.DataFrame], by: str) -> pd.DataFrame:
    """Return the table of several trainings: means, their spread, and how often a node is among the first.

    Numbers are means over the runs, false discovery rates medians; `learned_sd` and `use_sd` are standard deviations
    (n - 1), `in_first_20` the number of runs in which a node is among the first by `use`, or `learned` if sorted by it.
    """
    first = frames[0]
    if len(frames) == 1:
        return first
    rows = [frame.loc[first.index] for frame in frames]
    table = first.copy()
    for name in first.columns[first.columns.isin(["d", "r", "evidence", "q", "learned", "learned_q", "use"])]:
        values = np.stack([frame[name].to_numpy(np.float64) for frame in rows])
        table[name] = np.median(values, axis=0) if name in ("q", "learned_q") else values.mean(axis=0)
        if name in ("learned", "use"):
            table[f"{name}_sd"] = values.std(axis=0, ddof=1)
    table["beyond_the_mean"] = np.stack([frame["beyond_the_mean"] for frame in rows]).mean(axis=0) > 0.5
    listed = "learned" if by in ("learned", "learned_q") else "use"
    places = [frame[listed].rank(ascending=False, method="first") for frame in rows]
    table["in_first_20"] = np.stack([place.to_numpy() <= _FIRST for place in places]).sum(axis=0)
    table.attrs["runs"] = len(frames)
    return sorted_by(table, by)


def replicates_of(cells: Cells, replicate: Any) -> tuple[NDArray[np.intp], str]:
    """Return the number of the replicate of each cell, and what replicates are called.

    Raises
    ------
    DataError
        There is no such column, a value per cell is wanted, or one is missing.
    """
    if isinstance(replicate, str):
        if replicate not in cells.obs.columns:
            known = [str(name) for name in cells.obs.columns]
            raise DataError(
                f"The cells have no column {replicate!r} of replicates; they have {', '.join(known[:20]) or 'none'}. "
                f"{did_you_mean(replicate, known)}".rstrip()
            )
        values, name = cells.obs[replicate], replicate
    else:
        values, name = pd.Series(np.asarray(replicate, dtype=object)), "replicate"
    if len(values) != len(cells):
        raise DataError(f"There are {len(values):,} replicates for {len(cells):,} cells.\nPass one per cell.")
    codes, different = pd.factorize(values.astype(str).where(values.notna()), sort=True)
    if (codes < 0).any():
        raise DataError(f"{int((codes < 0).sum()):,} of {len(cells):,} cells have no {name}.\nLeave them out.")
    if len(different) < 2:
        raise DataError(f"All cells are of one {name}, {different[0]}: means over it cannot be compared.")
    return codes.astype(np.intp), name


def sorted_by(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return a table sorted by a column, what is best first; equal ones as they were, unknown ones last."""
    size = np.abs if by in ("d", "r") else None
    return table.sort_values(by, ascending=by in _ASCENDING, kind="stable", key=size)


def levels_of(seen: ModelView, cells: Cells) -> Doubles:
    """Return the mean expression of each gene, before a z-score where the model makes one.

    Data whose genes were centred have no levels: their means are noise and what differs between classes, and decoys
    matched by these would be what a node is to be told from. They get 0.
    """
    total: Any = 0.0
    squares: Any = 0.0
    for _, part in cells.parts():
        values = np.asarray(part.values, np.float64)
        values = values.reshape(len(values), values.shape[1], -1).mean(axis=2)
        total, squares = total + values.sum(axis=0), squares + (values**2).sum(axis=0)
    levels = np.asarray(total / len(cells))
    deviation = np.sqrt(np.maximum(squares / len(cells) - levels**2, 0))
    fitted = seen.normalization
    if fitted is not None and fitted.mean is not None and fitted.scale is not None:
        levels, deviation = levels * fitted.scale + fitted.mean, deviation * fitted.scale
    return levels if np.std(levels) > _HAVE_LEVELS * np.median(deviation) else np.zeros(len(levels))


def outside(split: Split) -> NDArray[np.intp]:
    """Return the cells that had no part in fitting the weights."""
    return np.sort(np.concatenate([split.validation, split.test]))


def _use(seen: ModelView, cells: Cells, batch_size: int, progress: bool) -> Doubles:
    """Return the importance of all hidden nodes by knock-out; NaN where there are no outputs."""
    layers = hidden_layers(seen, None)
    if isinstance(seen.outputs, Embedding):
        return np.full(sum(map(len, seen.architecture.hidden_layers)), np.nan)
    found = findings_of(seen, cells, layers, layers, batch_size=batch_size, progress=progress)
    return np.concatenate([found.importance[number].score for number in layers])


def _halves(cells: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    drawn = np.random.default_rng(0).permutation(cells)
    return np.sort(drawn[::2]), np.sort(drawn[1::2])


def _learned(
    seen: ModelView,
    cells: Cells,
    groups: Groups,
    fitted: NDArray[np.intp],
    tested: NDArray[np.intp],
    batch_size: int,
) -> tuple[Doubles, Doubles]:
    """Return z ``(groups, nodes)`` of hidden nodes and ``(groups, genes)``, fitted on some cells, tested on others."""
    both = np.concatenate([fitted, tested])
    genes, layers = seen.architecture.genes, seen.architecture.hidden_layers
    if not len(fitted) or not len(tested):
        count = groups.weights.shape[1]
        return np.zeros((count, sum(map(len, layers)))), np.zeros((count, len(genes)))
    done = record(seen, cells.at(both), batch_size=batch_size)
    where = np.arange(len(fitted)), np.arange(len(fitted), len(both))
    of_cells = groups[both]
    features = np.full(len(genes), done.units[0].shape[1] // len(genes))
    per_node = [features, *(layer.units for layer in layers)]
    known = [learned_by(done.units[number], units, of_cells, *where) for number, units in enumerate(per_node)]
    return np.concatenate(known[1:], axis=1), known[0]


def best_gene(upstream: sparse.csc_array, z: Doubles) -> Doubles:
    """Return the largest of the numbers ``(genes,)`` among the genes of each node; 0 if none is positive."""
    most = upstream.multiply(np.maximum(z, 0)[:, None]).tocsc().max(axis=0)
    return np.asarray(most.todense(), np.float64).ravel()


def _counts(groups: Groups, replicates: Any) -> Doubles:
    """Return ``(groups,)`` how many cells, or means over replicates, there are of each class; of numbers in all."""
    if not groups.are_classes:
        return np.array([len(groups.weights) if replicates is None else len(np.unique(replicates))], np.float64)
    if replicates is None:
        return np.asarray(groups.weights.sum(axis=0))
    return np.array([len(np.unique(replicates[column > 0])) for column in groups.weights.T], np.float64)


def _scores(upstream: sparse.csc_array, cells: Cells, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    chosen = cells.at(evenly(rows, _MOST_CELLS))
    return np.concatenate([set_scores(upstream, z) for _, z in standardised(chosen)])


def _best(excess: Doubles) -> Doubles:
    return np.asarray(np.where(np.isfinite(excess), np.abs(excess), -1).max(axis=0))


def _order(excess: Doubles, q: Doubles) -> NDArray[np.intp]:
    """Return the nodes worth folding, the best first: those with evidence, and as many as are looked at."""
    order = np.argsort(-np.abs(np.nan_to_num(excess)), kind="stable")
    return order[: max(_FOLDED, min(int((q < FALSE_DISCOVERY_RATE).sum()), 4 * _FOLDED))]


def _folded(upstream: sparse.csc_array, scores: NDArray[np.float32], order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return under which node each is folded: the best of those that it shares genes with, or that do as it does."""
    lead = np.arange(upstream.shape[1])
    some = upstream[:, order]
    sizes = np.diff(some.indptr)
    shared = np.asarray((some.T @ some).todense())
    smaller = np.minimum.outer(sizes, sizes)
    own = scores[:, order].astype(np.float64)
    own = own - own.mean(axis=0)
    own /= np.maximum(np.sqrt((own**2).sum(axis=0)), 1e-12)
    alike = ((shared >= _SHARED_GENES * smaller) & (smaller > 0)) | (own.T @ own >= _ALIKE)
    free = sizes > 0
    for place, node in enumerate(order):
        if free[place]:
            members = free & alike[place]
            members[: place + 1] = False
            lead[order[members]] = node
            free[members] = False
    return lead
