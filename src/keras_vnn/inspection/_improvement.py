"""`rlipp`: both correlations behind RLIPP by name, for either target and as the papers or their code score it.

In: a model, cells, labels. Out: a table by node and output.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ConfigError, DataError, did_you_mean
from keras_vnn.basics.progress import progressing
from keras_vnn.inspection._cells import cells_of
from keras_vnn.inspection._importance import goal_of
from keras_vnn.inspection._ranking import hidden_layers
from keras_vnn.inspection._record import output_weights, record
from keras_vnn.inspection._rlipp import improvements
from keras_vnn.models import view

__all__ = ["RLIPP_TARGETS", "rlipp"]

RLIPP_TARGETS = ("labels", "predictions")


def rlipp(
    model: keras.Model,
    data: Any,
    labels: Any = None,
    *,
    target: str = "labels",
    folds: int = 5,
    reduce_children: bool = False,
    layers: Sequence[int] | None = None,
    missing: str = "raise",
    batch_size: int = 512,
    seed: int = 0,
    progress: bool = False,
) -> pd.DataFrame:
    """Return how much better the units of each node predict a target than those of its children do.

    The relative local improvement in predictive power: a ridge regression, its penalty chosen by leaving out one cell,
    on the units of a node, and one on all units of the nodes it reads (of its genes, where it reads no other node).
    Both are scored by Spearman's ρ of prediction and target. ``rank_nodes(method="rlipp")`` ranks by the difference.

    Parameters
    ----------
    model, data, labels, missing, batch_size
        As in `rank_nodes`.
    target
        ``"labels"``: a class against the others, or the numbers of a regression, as the papers have it;
        ``"predictions"``: the model's own scores, as the released code of DrugCell and NeST-VNN has it.
    folds
        Parts of the cells, each predicted by regressions on the others; ρ is the mean of those of the parts. 0 scores
        the cells that the regression was fitted to, as papers and code do; it favours whoever has more units.
    reduce_children
        Take as many principal components of the children as the node has units, as the released code does.
    layers
        Numbers of the layers; all hidden ones when ``None``.
    seed
        Of the folds.
    progress
        Show a live line on standard error.

    Returns
    -------
    pandas.DataFrame
        By id of the node, a row per output: ``label``, ``layer``, ``output``, ``rho`` of the node, ``rho_children``,
        their ``difference`` and ``ratio``, which is NaN where the children predict nothing (ρ not above 0). Sorted by
        output, then difference, the largest first.

    Raises
    ------
    ConfigError
        The target is unknown, or the folds do not go with the number of cells.
    DataError
        The target is the labels and there are none.
    ModelError, GeneError
        As `rank_nodes`.

    References
    ----------
    Ma et al. 2018, Using deep learning to model the hierarchical structure and function of a cell,
    doi:10.1038/nmeth.4627; Kuenzi et al. 2020, doi:10.1016/j.ccell.2020.09.014 (DrugCell)
    """
    if target not in RLIPP_TARGETS:
        hint = did_you_mean(str(target), list(RLIPP_TARGETS))
        raise ConfigError(f"target must be labels or predictions, got {target!r}. {hint}".rstrip())
    if target == "labels" and labels is None:
        raise DataError(
            'There are no labels to predict.\nPass labels, or take the model\'s scores: target="predictions"'
        )
    seen = view(model)
    arch, head = seen.architecture, output_weights(seen)
    numbers = hidden_layers(seen, layers)
    cells = cells_of(seen, data, labels, missing=missing)
    records = [record(seen, part, batch_size=batch_size) for _, part in cells.parts()]
    scores = np.concatenate([head.scores(done.features) for done in records])
    goal = goal_of(seen, labels, cells, data, scores)
    targets = goal.targets if target == "labels" else scores.astype(np.float64)
    units = {number: np.concatenate([done.units[number] for done in records]) for number in range(len(arch.layers))}
    with progressing("rlipp", sum(len(arch.layers[number]) for number in numbers), is_wanted=progress) as advance:
        found = improvements(
            arch, units, targets, numbers, folds=folds, reduce_children=reduce_children, seed=seed, advance=advance
        )
    tables = [
        pd.DataFrame(
            {
                "label": list(arch.layers[number].labels),
                "layer": number,
                "output": name,
                "rho": part.node[:, output],
                "rho_children": part.children[:, output],
                "difference": part.difference[:, output],
                "ratio": part.ratio[:, output],
            },
            index=pd.Index(arch.layers[number].ids, name="id"),
        )
        for output, name in enumerate(head.names)
        for number, part in found.items()
    ]
    parts = [
        table.sort_values("difference", ascending=False, kind="stable")
        for _, table in pd.concat(tables).groupby("output", sort=False)
    ]
    return pd.concat(parts)
