"""The control input: what stays of the data, and that all genes differ alike."""

from __future__ import annotations

import re

import anndata
import numpy as np
import pandas as pd
import pytest

from keras_vnn import VNNError
from keras_vnn.pp import Labels, classes, labels_of
from keras_vnn.wire import control_input


@pytest.fixture
def cells() -> anndata.AnnData:
    """Counts of 400 cells and 60 genes of very different levels; one cell has no label."""
    rng = np.random.default_rng(0)
    level = rng.gamma(0.5, 8.0, 60)
    counts = rng.poisson(level * rng.gamma(5.0, 0.2, (400, 1))).astype("float32")
    obs = pd.DataFrame({"type": ["T"] * 300 + ["B"] * 99 + [None]}, index=[f"c{i}" for i in range(400)])
    return anndata.AnnData(counts, obs=obs, var=pd.DataFrame(index=[f"G{i}" for i in range(60)]))


def test_genes_keep_their_totals_and_classes_are_as_large_as_each_other(cells):
    known = labels_of(cells, "type", missing_labels="drop")
    simulated, drawn = control_input(cells, known, seed=3)
    assert simulated.shape == (399, 60)
    assert list(simulated.obs_names) == list(cells.obs_names[:399])
    np.testing.assert_array_equal(simulated.X.sum(axis=0), cells.X[:399].sum(axis=0))
    assert drawn.counts() == {"B": 200, "T": 199}
    assert list(simulated.obs["type"]) == list(drawn.names)
    again, same = control_input(cells, known, seed=3)
    np.testing.assert_array_equal(again.X, simulated.X)
    np.testing.assert_array_equal(same.codes, drawn.codes)
    assert (control_input(cells, known, seed=4)[1].codes != drawn.codes).any()


def test_every_gene_differs_by_the_factor_of_two(cells):
    known = labels_of(cells, "type", missing_labels="drop")
    simulated, drawn = control_input(cells, known, seed=0)
    first, second = (simulated.X[drawn.codes == code] for code in (0, 1))
    enough = simulated.X.sum(axis=0) > 2_000
    assert enough.sum() > 10
    ratio = np.abs(np.log2(first[:, enough].mean(axis=0) / second[:, enough].mean(axis=0)))
    np.testing.assert_allclose(ratio, 1, atol=0.15)


def test_genes_do_not_go_together_within_a_class(cells):
    known = labels_of(cells, "type", missing_labels="drop")
    simulated, drawn = control_input(cells, known, seed=0)
    within = simulated.X[drawn.codes == 0]
    correlation = np.corrcoef(within[:, within.std(axis=0) > 0].T)
    assert np.abs(correlation[np.triu_indices_from(correlation, 1)]).mean() < 0.08  # 1/sqrt(200) is 0.07


def test_logarithms_come_back_as_logarithms(cells):
    """Counts scaled to 1,000 a cell: the least value of nearly every cell was one read."""
    raw = cells[:399].copy()
    logs = raw.copy()
    logs.X = np.log1p(raw.X / raw.X.sum(axis=1, keepdims=True) * 1000)
    simulated, _ = control_input(logs, labels_of(logs, "type"), seed=0)
    np.testing.assert_allclose(np.expm1(simulated.X).sum(axis=1), 1000, rtol=1e-3)
    shares = np.expm1(simulated.X).mean(axis=0) / 1000
    expected = raw.X.sum(axis=0) / raw.X.sum()
    assert np.corrcoef(shares, expected)[0, 1] > 0.98


def test_three_classes_differ_each_from_the_others():
    counts = pd.DataFrame(np.full((300, 50), 40.0), columns=[f"G{i}" for i in range(50)])
    known = Labels("type", classes(["A", "B", "C"]), np.arange(300) % 3, np.arange(300))
    simulated, drawn = control_input(counts, known, seed=0)
    means = np.array([simulated.X[drawn.codes == code].mean(axis=0) for code in range(3)])
    away = np.abs(means - np.median(means, axis=0)).argmax(axis=0)
    assert set(away) == {0, 1, 2}


def test_what_is_said_of_scaled_data(cells):
    scaled = cells[:399].copy()
    scaled.X = scaled.X - scaled.X.mean(axis=0)
    message = "values are negative: a control input is made of counts or of their logarithms."
    with pytest.raises(VNNError, match=re.escape(message)):
        control_input(scaled, labels_of(scaled, "type"), seed=0)
