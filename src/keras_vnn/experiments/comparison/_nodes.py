"""How the importance of nodes differs from that under a control.

In: importance by node and run. Out: a table by node.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import DataError
from keras_vnn.experiments.comparison._significance import resampled_t_test

__all__ = ["node_differences"]


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
