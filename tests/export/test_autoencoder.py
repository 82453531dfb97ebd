"""An autoencoder is exported by the weights of its decoder, in every format."""

import anndata
import networkx as nx
import numpy as np
import pandas as pd
import pytest

import keras_vnn as vnn

GENES = list("ABCDEF")


@pytest.fixture(scope="module")
def model():
    """Two sets that share a gene, and dense units next to them."""
    arch = vnn.wire.gene_sets(GENES, {"S": GENES[:3], "T": GENES[2:]}, dense_units=2)
    values = np.random.default_rng(0).poisson(3, size=(40, 6)).astype("float32")
    cells = anndata.AnnData(values, var=pd.DataFrame(index=GENES))
    return vnn.train_autoencoder(arch, cells, epochs=1, normalization="none", progress=False).model


@pytest.mark.parametrize("format", ["json", "graphml", "cx2", "dot", "jgf", "edges", "svg", "png", "h5ad", "card"])
def test_every_format_is_written(model, tmp_path, format):
    path = tmp_path / f"network.{format}"
    vnn.pl.export_summary(model, format, path=path)
    assert path.stat().st_size > 0


def test_weights_are_those_of_the_decoder(model, tmp_path):
    weights = vnn.tl.edge_weights(model)
    weights = weights[weights["source"].isin(["S", "T"])]
    expected = {(row.source, row.target): row.weight for row in weights.itertuples()}
    assert {("S", "A"), ("T", "F")} <= expected.keys() and ("S", "F") not in expected
    vnn.pl.export_summary(model, path=tmp_path / "network.graphml")
    graph = nx.read_graphml(tmp_path / "network.graphml")
    found = {(target, source): facts["weight"] for source, target, facts in graph.edges(data=True)}
    assert found == pytest.approx(expected)
    vnn.pl.export_summary(model, path=tmp_path / "network.h5ad")
    table = anndata.read_h5ad(tmp_path / "network.h5ad").to_df()
    assert table.loc["S", "A"] == pytest.approx(expected["S", "A"]) and table.loc["S", "F"] == 0
