"""What a node's importance owes to its place in the network, and how it differs from that under a control.

In: an architecture and importance by node. Out: tables by node.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
from scipy import sparse

from keras_vnn.architecture import Architecture
from keras_vnn.comparison._significance import resampled_t_test
from keras_vnn.errors import ConfigError, DataError, did_you_mean, sample

__all__ = ["CORRECTIONS", "corrected_importance", "node_degrees", "node_differences"]

CORRECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "none": "as measured",
        "pnet": "divided by the degree where that exceeds the mean of the layer by five standard deviations",
        "binn": "divided by log2(inputs + outputs + 1)",
        "reach": "divided by log2(nodes upstream + nodes downstream)",
    }
)
_HUB = 5.0


def node_degrees(arch: Architecture) -> pd.DataFrame:
    """Return how well each hidden node is connected.

    Returns
    -------
    pandas.DataFrame
        By id: ``layer``, ``inputs``, ``outputs``, ``degree`` (their sum), ``upstream`` and ``downstream`` (nodes, genes
        among them, that reach it and that it reaches, on any path).
    """
    table = arch.node_table()[["layer", "inputs", "outputs"]].copy()
    table["degree"] = table["inputs"] + table["outputs"]
    upstream, downstream = _reach(arch)
    table["upstream"], table["downstream"] = upstream, downstream
    return table[table["layer"] > 0]


def corrected_importance(arch: Architecture, importance: pd.Series, rule: str) -> pd.Series:
    """Return importance corrected for what well connected nodes get for being that.

    Parameters
    ----------
    arch
        The network.
    importance
        By id of the node; hidden nodes only.
    rule
        ``"none"``; ``"pnet"``: divided by the degree where that exceeds the mean of the layer by more than five
        standard deviations (Elmarakeby et al. 2021, doi:10.1038/s41586-021-03922-4); ``"binn"``: divided by
        log2(inputs + outputs + 1), ``"reach"``: by log2(nodes upstream + downstream) (Hartman et al. 2023,
        doi:10.1038/s41467-023-41146-4).

    Raises
    ------
    ConfigError
        There is no such rule.
    DataError
        An id is not of a hidden node.
    """
    if rule not in CORRECTIONS:
        hint = did_you_mean(rule, list(CORRECTIONS))
        raise ConfigError(f"The correction must be one of {', '.join(CORRECTIONS)}; got {rule!r}. {hint}".rstrip())
    places = node_degrees(arch)
    unknown = [name for name in importance.index if name not in places.index]
    if unknown:
        raise DataError(f"{len(unknown)} of {len(importance)} ids are not of hidden nodes: {sample(unknown)}.")
    if rule == "none":
        return importance.copy()
    divisors = _divisors(places, rule).reindex(importance.index)
    return importance / divisors


def _divisors(places: pd.DataFrame, rule: str) -> pd.Series:
    if rule == "binn":
        return np.log2(places["degree"] + 1).clip(lower=1)
    if rule == "reach":
        return np.log2(places["upstream"] + places["downstream"]).clip(lower=1)
    by_layer = places.groupby("layer")["degree"]
    bound = by_layer.transform("mean") + _HUB * by_layer.transform("std", ddof=0)
    return places["degree"].where(places["degree"] > bound, 1)


def node_differences(real: pd.DataFrame, control: pd.DataFrame, *, test_to_train: float | None = None) -> pd.DataFrame:
    """Compare the importance of each node with what it has under a control.

    Parameters
    ----------
    real, control
        A row per node, a column per run; the same nodes.
    test_to_train
        For runs in pairs, the same columns in both tables, each pair on a split of the same cells: the number of test
        cells over that of training cells. Then p is that of `resampled_t_test`, which knows that the splits overlap.
        When None, runs are taken to be independent.

    Returns
    -------
    pandas.DataFrame
        By id: ``difference`` of the means; ``effect_size`` (Hedges' g: in pooled standard deviations, corrected for few
        runs); ``p``, of Welch's t test for independent runs; ``adjusted_p`` for as many tests as nodes (Benjamini and
        Hochberg 1995). They are NaN with fewer than two runs of either, and where nothing varies.

    Raises
    ------
    DataError
        The nodes are not the same; or, for pairs, the runs.
    """
    from scipy.stats import false_discovery_control, ttest_ind

    if not real.index.equals(control.index):
        raise DataError("The nodes of the two tables are not the same, or not in the same order.")
    if test_to_train is not None and list(real.columns) != list(control.columns):
        raise DataError("The runs of the two tables are not the same: without pairs, leave out test_to_train.")
    difference = real.mean(axis=1) - control.mean(axis=1)
    table = pd.DataFrame({"difference": difference, "effect_size": np.nan, "p": np.nan, "adjusted_p": np.nan})
    first, second = real.shape[1], control.shape[1]
    if first < 2 or second < 2:
        return table
    freedom = first + second - 2
    pooled = np.sqrt(((first - 1) * real.var(axis=1) + (second - 1) * control.var(axis=1)) / freedom)
    with np.errstate(divide="ignore", invalid="ignore"):
        table["effect_size"] = difference / pooled.where(pooled > 0) * (1 - 3 / (4 * freedom - 1))
    varies = (pooled > 0).to_numpy()
    if varies.any():
        one, other = real.to_numpy(float)[varies], control.to_numpy(float)[varies]
        p = (
            ttest_ind(one, other, axis=1, equal_var=False).pvalue
            if test_to_train is None
            else resampled_t_test(one - other, test_to_train).p
        )
        tested = np.flatnonzero(varies)[~np.isnan(p)]
        table.iloc[tested, table.columns.get_loc("p")] = p[~np.isnan(p)]
        table.iloc[tested, table.columns.get_loc("adjusted_p")] = false_discovery_control(p[~np.isnan(p)])
    return table


def _reach(arch: Architecture) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(nodes,)`` numbers of nodes upstream and downstream of every node, genes first."""
    sizes = [len(layer) for layer in arch.layers]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    total = int(starts[-1])
    above: list[sparse.csc_array] = []
    for number, size in enumerate(sizes):
        heard = sparse.csc_array((total, size), dtype=np.float32)
        for (source, target), matrix in arch.connections.items():
            if target != number:
                continue
            edges = matrix.astype(np.float32)
            itself = sparse.vstack(
                [
                    sparse.csr_array((int(starts[source]), sizes[source]), dtype=np.float32),
                    sparse.eye_array(sizes[source], dtype=np.float32, format="csr"),
                    sparse.csr_array((total - int(starts[source + 1]), sizes[source]), dtype=np.float32),
                ]
            )
            heard = heard + (above[source] + itself) @ edges
        heard = sparse.csc_array(heard)
        heard.data = np.ones_like(heard.data)
        above.append(heard)
    everything = sparse.csc_array(sparse.hstack(above))
    return np.diff(everything.indptr), np.asarray(everything.sum(axis=1), np.int64).ravel()
