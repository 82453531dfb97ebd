"""Pairs of children of a node that together say more of the cells than each of them does.

In: a model, cells, what they are told apart by. Out: a table of pairs: a test of their product in the data, against
pairs that no node brings together; and what the model loses without both, without each.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit

from keras_vnn.architecture import Architecture, genes_upstream
from keras_vnn.basics.errors import ConfigError, VNNWarning, check_count
from keras_vnn.basics.keras_import import keras
from keras_vnn.inspection._cells import Cells, cells_of, evenly, known_split
from keras_vnn.inspection._evidence import Doubles, Groups, adjusted, set_scores, standardised
from keras_vnn.inspection._forward_pass import forward_pass
from keras_vnn.inspection._judgement import untrained_warning
from keras_vnn.inspection._methods import groups_of
from keras_vnn.inspection._node_table import FALSE_DISCOVERY_RATE, measured, outside
from keras_vnn.inspection._record import record, without_outputs
from keras_vnn.inspection._spread import output_sums, plain_sums
from keras_vnn.models import Embedding, ModelView, view

Places = NDArray[np.intp]

_MOST_CELLS = 2_000
_KNOCKED_OUT_IN = 500
_MOST_PAIRS = 20_000
_MOST_USED = 5
_DRAWN, _COMPARED, _FEWEST = 20_000, 2_000, 50
_PAIRS_TOGETHER = 200
# Newton's method; an L2 penalty of 1 keeps slopes finite where a child alone tells all cells of a class.
_STEPS, _PENALTY = 8, 1.0


def interactions(
    model: keras.Model,
    data: Any,
    labels: Any = None,
    node: str | Sequence[str] | None = None,
    class_: str | None = None,
    *,
    top: int | None = 100,
    missing: str = "raise",
    batch_size: int = 512,
) -> pd.DataFrame:
    """Return pairs of children of nodes, by what the two say together beyond what each says.

    Of the data: does the product of the mean z-scores of the genes of two children tell a class from the others,
    over both scores and their squares? No weight has a part in that; it is asked in cells outside the training, where
    these are known. Of the model: how far is a knock-out of both from the sum of the two.

    Parameters
    ----------
    model, data, labels, missing, batch_size
        As in `tl.rank_nodes`.
    node
        One or several nodes: id, label, or a unique part of one. When ``None``, those beyond the mean; where there are
        none, the five that the model uses most.
    class_
        Compare this class with all others; of a regression one of its numbers. When ``None``, each pair is described
        for the one it says most of, and p is multiplied by their number (of two classes it is the same test).
    top
        Return, and knock out, only so many pairs; all when ``None``.

    Returns
    -------
    pandas.DataFrame
        A row per pair, those with the smallest ``q`` first. ``node``, ``first``, ``second``: ids; children are the
        nodes that a node reads, and its genes where these are fewer than two; ``pair``: their labels. ``output``: the
        class, or number. ``together``: ``alike`` where it is likelier (higher) when both are high or both low,
        ``unlike`` when one is high and the other low. ``z``: the score test of the product of two children in a
        logistic (linear) regression on both and their squares; scores are ranked and made normal first. ``excess``: z
        less the mean of up to 2,000 pairs of like layers that share neither genes nor a parent, in their standard
        deviations (at least 1); NaN with fewer than 50. ``q``: false discovery rate of the lesser of the two, Benjamini
        and Hochberg's over the pairs. Of the model, not of biology: ``use_first``, ``use_second``, ``use_pair``, mean
        absolute change of an output when one or both are held at their means; ``non_additive``: the same of the change
        by both less those by each. ``attrs``: ``nodes`` (their ids), ``pairs`` tested, ``found`` (of these at 5 %),
        ``cells`` tested in, ``held_out`` (whether outside the training), ``compared_with`` (number of pairs).

    Raises
    ------
    ArchitectureError
        There is no such node.
    ConfigError
        A node has fewer than two children or more than 20,000 pairs of them, there is no such class, or ``top`` is
        not positive.
    DataError, GeneError, ModelError
        As `tl.rank_nodes`; the model is an embedding.

    References
    ----------
    Rao 1948, doi:10.1017/S0305004100023987 (the score test)
    """
    if top is not None:
        check_count("top", top)
    seen = view(model)
    if isinstance(seen.outputs, Embedding):
        raise without_outputs(seen)
    if (untrained := untrained_warning(seen)) is not None:
        warnings.warn(untrained, VNNWarning, stacklevel=2)
    arch = seen.architecture
    cells = cells_of(seen, data, labels, missing=missing)
    names, groups, drawn_by = groups_of(seen, cells, batch_size)
    parts = known_split(seen, drawn_by, cells)
    rows = evenly(np.arange(len(cells)) if parts is None else outside(parts), _MOST_CELLS)
    if class_ is not None and class_ not in names:
        raise ConfigError(f"There is no class or number {class_!r}; there are {', '.join(names[:20])}.")
    # Of two classes the second says what the first does.
    tests = 1 if groups.are_classes and len(names) == 2 else len(names)
    of = [*range(tests)] if class_ is None else [names.index(class_)]
    reads = _reads(arch)
    ids = [place.node.id for place in arch.nodes()]
    place_of = {name: place for place, name in enumerate(ids)}
    if node is None:
        frame = measured(seen, cells, batch_size=batch_size).frame(seen, by="use")
        frame = frame[[0 < _pairs_of(reads, arch, place_of[name]) <= _MOST_PAIRS for name in frame.index]]
        beyond = frame.index[frame["beyond_the_mean"]]
        asked = list(beyond if len(beyond) else frame.index[:_MOST_USED])
    else:
        asked = [arch.find(name).node.id for name in ([node] if isinstance(node, str) else node)]
    pairs = _pairs(reads, arch, {name: place_of[name] for name in asked})
    compared, z = _statistics(
        arch, reads, pairs[:, 1:], cells.at(rows), Groups(groups.weights[rows][:, of], groups.are_classes)
    )
    own, others = z[:, : len(pairs)], z[:, len(pairs) :]
    excess = np.full(own.shape, np.nan)
    if compared >= _FEWEST:
        excess = (own - others.mean(axis=1)[:, None]) / np.maximum(others.std(axis=1), 1)[:, None]
    # What is less than such pairs show anyway is nothing, in either direction.
    p = 2 * scipy.stats.norm.sf(np.where(own * excess < 0, 0, np.fmin(np.abs(own), np.abs(excess))))
    best, each = p.argmin(axis=0), np.arange(len(pairs))
    q = adjusted(np.minimum(p[best, each] * len(of), 1)) if len(pairs) else np.zeros(0)
    order = np.lexsort((-np.abs(own[best, each]), q))[:top]
    label_of = [place.node.label for place in arch.nodes()]
    table = pd.DataFrame(
        {
            **{name: [ids[place] for place in pairs[order, i]] for i, name in enumerate(("node", "first", "second"))},
            "pair": [f"{label_of[first]} × {label_of[second]}" for _, first, second in pairs[order]],
            "output": [names[of[place]] for place in best[order]],
            "together": np.where(own[best, each] > 0, "alike", "unlike")[order],
            "z": own[best, each][order],
            "excess": excess[best, each][order],
            "q": q[order],
        }
    )
    used = _knocked_out(seen, cells.at(evenly(rows, _KNOCKED_OUT_IN)), pairs[order, 1:], batch_size)
    table[["use_first", "use_second", "use_pair", "non_additive"]] = used
    table.attrs.update(
        nodes=asked, pairs=len(pairs), found=int((q < FALSE_DISCOVERY_RATE).sum()), cells=len(rows),
        held_out=parts is not None, compared_with=compared,
    )  # fmt: skip
    return table


def pair_statistics(first: Doubles, second: Doubles, groups: Groups) -> Doubles:
    """Return z ``(groups, pairs)`` of the products of ``(cells, pairs)`` scores, over the scores and their squares.

    The efficient score of a logistic regression for classes, of a linear one for numbers, over the larger of its
    variances by model and by sandwich; 0 where a product adds nothing.
    """
    found = np.zeros((groups.weights.shape[1], first.shape[1]))
    for start in range(0, first.shape[1], _PAIRS_TOGETHER):
        some = slice(start, start + _PAIRS_TOGETHER)
        a, b = first[:, some].T, second[:, some].T
        base, product = np.stack([np.ones_like(a), a, b, a**2 - 1, b**2 - 1], axis=2), a * b
        for group, target in enumerate(groups.weights.T):
            found[group, some] = _score_test(base, product, target, groups.are_classes)
    return found


def _score_test(base: Doubles, product: Doubles, target: Doubles, is_class: bool) -> Doubles:
    """Return ``(pairs,)`` z of ``(pairs, cells)`` products over ``(pairs, cells, features)`` of a regression."""
    features = base.shape[2]
    if not is_class:
        target = (target - target.mean()) / max(float(target.std()), 1e-12)
    penalty = np.diag([1e-6, *[_PENALTY] * (features - 1)])
    slopes = np.zeros((len(base), features, 1))
    across = base.transpose(0, 2, 1)
    for step in range(_STEPS + 1 if is_class else 2):
        linear = (base @ slopes)[:, :, 0]
        mean = expit(np.clip(linear, -15, 15)) if is_class else linear
        weight = mean * (1 - mean) if is_class else np.ones_like(mean)
        weighted = across * weight[:, None]
        information = weighted @ base
        if step < (_STEPS if is_class else 1):
            gradient = across @ (target - mean)[:, :, None] - penalty @ slopes
            slopes = slopes + np.linalg.solve(information + penalty, gradient)
    # What the product is beyond the scores and squares, by weights of the regression; a child may be there twice.
    information += 1e-9 * np.trace(information, axis1=1, axis2=2)[:, None, None] * np.eye(features)
    rest = product - (base @ np.linalg.solve(information, weighted @ product[:, :, None]))[:, :, 0]
    error = target - mean
    noise = 1.0 if is_class else (error**2).sum(axis=1) / max(len(target) - features - 1, 1)
    variance = np.maximum((rest**2 * weight).sum(axis=1) * noise, (rest**2 * error**2).sum(axis=1))
    adds = ((rest**2).mean(axis=1) > 1e-3) & (variance > 1e-9)
    return np.asarray(np.where(adds, (rest * error).sum(axis=1) / np.sqrt(np.where(adds, variance, 1)), 0.0))


def _statistics(
    arch: Architecture, reads: sparse.csc_array, pairs: Places, cells: Cells, groups: Groups
) -> tuple[int, Doubles]:
    """Return how many pairs there are to compare with, and z ``(groups, pairs and these)``."""
    sets = sparse.csc_array(sparse.hstack([sparse.eye_array(len(arch.genes), dtype=np.float32), genes_upstream(arch)]))
    others = _unrelated(arch, reads, sets, pairs)
    wanted, place = np.unique(np.concatenate([pairs, others]), return_inverse=True)
    scores = np.concatenate([set_scores(sets[:, wanted], z) for _, z in standardised(cells)]).astype(np.float64)
    normal = scipy.stats.norm.ppf((scipy.stats.rankdata(scores, axis=0) - 0.5) / max(len(scores), 1))
    normal = (normal - normal.mean(axis=0)) / np.maximum(normal.std(axis=0), 1e-12)
    first, second = place.reshape(-1, 2).T
    return len(others), pair_statistics(normal[:, first], normal[:, second], groups)


def _unrelated(arch: Architecture, reads: sparse.csc_array, sets: sparse.csc_array, pairs: Places) -> Places:
    """Return pairs of nodes of the same layers that share neither genes nor a parent."""
    layer_of = np.repeat(np.arange(len(arch.layers)), [len(layer) for layer in arch.layers])
    pool = np.flatnonzero(np.isin(layer_of, layer_of[pairs]) & (np.diff(sets.indptr) > 0))
    if len(pool) < 2:
        return np.zeros((0, 2), np.intp)
    drawn = np.random.default_rng(0).choice(pool, (_DRAWN, 2))
    drawn = np.unique(np.sort(drawn[drawn[:, 0] != drawn[:, 1]], axis=1), axis=0)
    drawn = np.random.default_rng(1).permutation(drawn)
    parents, genes = sparse.csr_array(reads), sparse.csr_array(sets.T)
    shared = sum(matrix[drawn[:, 0]].multiply(matrix[drawn[:, 1]]).sum(axis=1) for matrix in (parents, genes))
    return np.asarray(drawn[np.asarray(shared) == 0][:_COMPARED], np.intp)


def _reads(arch: Architecture) -> sparse.csc_array:
    """Return who feeds whom, ``(nodes, nodes)`` over all layers, genes first."""
    sizes = [len(layer) for layer in arch.layers]
    starts = np.cumsum(sizes) - sizes
    found = [np.stack(matrix.nonzero()) + starts[list(pair)][:, None] for pair, matrix in arch.connections.items()]
    row, column = np.concatenate(found, axis=1)
    return sparse.csc_array((np.ones(len(row), np.float32), (row, column)), shape=(sum(sizes),) * 2)


def _children(reads: sparse.csc_array, arch: Architecture, node: int) -> Places:
    """Return the nodes that a node reads; its genes too where these are fewer than two."""
    every = np.sort(reads.indices[reads.indptr[node] : reads.indptr[node + 1]])
    named = every[every >= len(arch.genes)]
    return np.asarray(named if len(named) > 1 else every, np.intp)


def _pairs_of(reads: sparse.csc_array, arch: Architecture, node: int) -> int:
    count = len(_children(reads, arch, node))
    return count * (count - 1) // 2


def _pairs(reads: sparse.csc_array, arch: Architecture, asked: Mapping[str, int]) -> Places:
    """Return ``(pairs, 3)``: a node and two of its children."""
    found = []
    for name, node in asked.items():
        count = _pairs_of(reads, arch, node)
        if not 0 < count <= _MOST_PAIRS:
            raise ConfigError(
                f"{name} has {count:,} pairs of children; between 1 and {_MOST_PAIRS:,} can be looked at.\n"
                "Name a node that reads at least two nodes or genes, and not hundreds."
            )
        found += [(node, *pair) for pair in combinations(_children(reads, arch, node), 2)]
    return np.array(found, np.intp).reshape(-1, 3)


def _knocked_out(seen: ModelView, cells: Cells, pairs: Places, batch_size: int) -> Doubles:
    """Return ``(pairs, 4)``: what an output changes without the first, the second, both; by both less by each."""
    arch, network = seen.architecture, forward_pass(seen)
    done = record(seen, cells, batch_size=batch_size)
    where = [(number, place) for number, layer in enumerate(arch.layers) for place in range(len(layer))]
    units = {number: values.T for number, values in done.steps.items()}
    base = output_sums(network.output, done.read, units, np.float64)
    plain, known = plain_sums(network, done, {}), network.output.scores(base)

    def lost(nodes: Iterable[int]) -> Doubles:
        held: dict[int, Places] = {}
        for number, place in (where[node] for node in nodes):
            counts = arch.layers[number].units
            start = int(counts[:place].sum())
            own = np.arange(start, start + counts[place])
            held[number] = np.concatenate([held[number], own]) if number in held else own
        levels = {number: (own, done.units[number][:, own].mean(axis=0)) for number, own in held.items()}
        return np.asarray(known - network.output.scores(base + plain_sums(network, done, levels) - plain))

    alone = {int(node): lost([node]) for node in np.unique(pairs)}
    found = np.zeros((len(pairs), 4))
    for row, (first, second) in enumerate(pairs):
        a, b, both = alone[first], alone[second], lost([first, second])
        found[row] = [np.abs(change).mean() for change in (a, b, both, both - a - b)]
    return found
