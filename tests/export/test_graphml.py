"""GraphML, read back by networkx."""

import networkx as nx
import numpy as np
import pytest

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.export import export_summary, summary_graph
from keras_vnn.models import edge_weights


def test_an_architecture_comes_back_as_it_is(arch, tmp_path):
    export_summary(arch, path=tmp_path / "arch.graphml")
    again = nx.read_graphml(tmp_path / "arch.graphml")
    expected = arch.to_networkx()
    assert again.is_directed() and list(again) == list(expected)
    assert set(again.edges) == set(expected.edges)
    assert again.graph["fingerprint"] == arch.fingerprint
    for id, attributes in expected.nodes(data=True):
        shown = {**attributes, "label": attributes["label"].replace("\n", "␊").replace("\x07", "␇")}
        assert again.nodes[id] == shown


def test_weights_are_those_of_the_model(model, arch, tmp_path):
    export_summary(model, "graphml", tmp_path / "model.graphml")
    again = nx.read_graphml(tmp_path / "model.graphml")
    assert set(again) == {*arch.to_networkx(), "class:control", "class:T"}
    assert again.nodes["class:T"] == {"label": "T", "kind": "class", "layer": 3, "units": 1}
    weights = edge_weights(model, dense=True)
    expected = {}
    for row in weights[
        weights["source"].isin(list(arch.to_networkx())) & ~weights["block"].str.endswith("_dense")
    ].itertuples():
        target = f"class:{row.target}" if row.block == "head" else row.target
        expected.setdefault((row.source, target), []).append(float(row.weight))
    assert set(again.edges) == set(expected)
    for pair, values in expected.items():
        assert again.edges[pair]["weight"] == pytest.approx(np.mean(values), abs=1e-12)
        assert again.edges[pair]["strength"] == pytest.approx(np.sqrt(np.sum(np.square(values))))
    assert {pair for pair in again.edges if not pair[1].startswith("class:")} == set(arch.to_networkx().edges)


def test_importance_goes_with_the_nodes(model, ranking, tmp_path):
    graph = summary_graph(model, ranking=ranking)
    for id, row in ranking.iterrows():
        assert graph.nodes[id]["importance"] == row["importance"]
        assert graph.nodes[id]["rank"] == row["rank"] and isinstance(graph.nodes[id]["rank"], int)
    assert "importance" not in graph.nodes["A"]
    export_summary(model, "graphml", tmp_path / "model.graphml", ranking=ranking)
    again = nx.read_graphml(tmp_path / "model.graphml")
    assert again.nodes["T"]["importance"] == ranking.loc["T", "importance"]


def test_names_xml_forbids_stay_apart(tmp_path):
    genes = tuple(Node(id, kind="gene") for id in ("g\x00", "g\x01", "g␀", "\ufffe", "\uffff", "a\nb", " padded "))
    arch = Architecture((Layer("genes", genes), Layer("sets", (Node("<&>\"'"),))), {(0, 1): np.ones((7, 1))})
    export_summary(arch, path=tmp_path / "x.graphml")
    again = nx.read_graphml(tmp_path / "x.graphml")
    assert list(again) == ["g␀'", "g␁", "g␀", "\ufffd", "\ufffd'", "a␊b", " padded ", "<&>\"'"]
    assert again.number_of_edges() == 7


def test_an_output_called_like_a_node():
    from keras_vnn.data import Classes
    from keras_vnn.models import build_model

    layers = (Layer("genes", (Node("g", kind="gene"),)), Layer("sets", (Node("class:x"),)))
    model = build_model(Architecture(layers, {(0, 1): np.ones((1, 1))}), Classes(("x", "y")))
    graph = summary_graph(model)
    assert list(graph) == ["g", "class:x", "class:x'", "class:y"]
    assert set(graph.edges) == {("g", "class:x"), ("class:x", "class:x'"), ("class:x", "class:y")}
