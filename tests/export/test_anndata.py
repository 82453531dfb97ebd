"""AnnData: what anndata reads back is what the model holds."""

import anndata
import numpy as np
import pytest

from keras_vnn.export import export_summary, summary_graph


def test_weights_come_back(model, arch, ranking, tmp_path):
    path = export_summary(model, path=tmp_path / "model.h5ad", ranking=ranking)
    read = anndata.read_h5ad(path)
    assert list(read.obs_names) == ["S1", "S2", "T"] and list(read.var_names) == ["A", "B", "NA", "D"]
    graph = summary_graph(model)
    for node in read.obs_names:
        for gene in read.var_names:
            expected = graph.edges[gene, node]["weight"] if graph.has_edge(gene, node) else 0.0
            assert read[node, gene].X.toarray()[0, 0] == pytest.approx(expected)
    between = read.obsp["weights"].toarray()
    assert between[0, 2] == pytest.approx(graph.edges["S1", "T"]["weight"])
    assert np.count_nonzero(between) == 1
    assert read.obs["importance"].tolist() == ranking["importance"].reindex(read.obs_names).tolist()
    assert read.obs["label"].tolist()[0] == "DNA repair"
    assert read.uns["keras_vnn"]["fingerprint"] == arch.fingerprint
    assert list(read.uns["keras_vnn"]["outputs"]) == ["control", "T"]


def test_an_architecture_has_ones(arch, tmp_path):
    read = anndata.read_h5ad(export_summary(arch, path=tmp_path / "arch.h5ad"))
    assert read.X.toarray().tolist() == [[1, 1, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0]]
    assert read.var["unconnected"].tolist()[3] == "in no gene set: not connected"
