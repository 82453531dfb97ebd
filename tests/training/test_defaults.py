"""The defaults must not fail to learn: one gene that tells two classes apart is found, whatever the seed."""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import pytest

import keras_vnn as vnn

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.defaults import planted_task, summarised


def found(seed, genes=10, layers=1):
    """Return whether the planted gene is first of all, and its node first of its layer, by importance and evidence."""
    arch, cells, labels, gene = planted_task(genes, layers, seed)
    result = vnn.train(arch, cells, labels, training=vnn.training_options(seed=seed))
    rank = vnn.tl.rank_genes(result.model, cells, labels).loc[gene, "rank"]
    node = vnn.tl.rank_nodes(result.model, cells, labels, by="knockout").loc["N1.2", "rank"]
    first = vnn.tl.rank_nodes(result.model, cells, labels, layers=[1]).index[0]
    keras.backend.clear_session()
    return rank == 1 and node == 1 and first == "N1.2"


def test_a_planted_gene_is_first():
    assert found(120)


@pytest.mark.slow
def test_a_planted_gene_is_first_in_nineteen_of_twenty():
    assert sum(map(found, range(100, 120))) >= 19


def test_the_task_is_what_it_says():
    arch, cells, labels, gene = planted_task(10, 10, seed=0)
    assert [len(layer) for layer in arch.layers] == [200, *[20] * 9, 1]
    assert arch.find("N1.2").node and arch.adjacency(0, 1, labelled=True).loc[gene, "N1.2"]
    means = cells.groupby(labels).mean().loc["second"] - cells.groupby(labels).mean().loc["first"]
    assert means.idxmax() == gene and means[gene] == pytest.approx(2, abs=0.4)
    assert means.drop(gene).abs().max() < 0.5
    assert [len(layer) for layer in planted_task(3, 3, seed=0)[0].layers] == [60, 20, 5, 1]


def test_a_table_has_a_row_per_task_and_contender():
    runs = [
        {"contender": "a", "seed": seed, "genes": 3, "layers": 1, "accuracy": 0.5 + seed / 10, "rank": 1 + seed}
        for seed in (0, 1)
    ]
    (row,) = summarised(runs).to_dict("records")
    assert row == {
        "layers": 1,
        "genes": 3,
        "contender": "a",
        "accuracy": 0.55,
        "first": 0.5,
        "lowest": 0.5,
        "runs": 2,
    }
