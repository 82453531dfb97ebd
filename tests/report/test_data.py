"""What the page is told: every number next to an independent computation."""

import json
import subprocess
import sys

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from keras_vnn import VNNError, build_autoencoder
from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.export.report._columns import activity_columns, edge_columns, rounded, tree_parents
from keras_vnn.pl import report_data
from keras_vnn.tl import activity_table, edge_weights, inspect_node, rank_nodes, view


@pytest.fixture(scope="module")
def told(model):
    return report_data(model, title="A title")


def edges_of(found):
    """Return the edges of a report as (source id, target id): weight."""
    ids, edges = found["nodes"]["id"], found["edges"]
    targets = np.repeat(np.arange(len(ids)), edges["count"])
    weights = edges.get("weight", [None] * len(targets))
    return {(ids[s], ids[t]): w for s, t, w in zip(edges["source"], targets, weights, strict=True)}


def test_it_is_plain_json(told):
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["schema"] == "keras-vnn report 1"


def test_nodes_are_those_of_the_architecture(told, arch):
    graph = arch.to_networkx()
    nodes = told["nodes"]
    assert nodes["id"] == [p.node.id for p in arch.nodes()]
    heard = [sum(graph.nodes[n]["layer"] == 0 for n in nx.ancestors(graph, id) | {id}) for id in nodes["id"]]
    assert nodes["genes"] == heard
    assert nodes["inputs"] == [graph.in_degree(id) for id in nodes["id"]]
    assert nodes["outputs"] == [graph.out_degree(id) for id in nodes["id"]]
    assert nodes["label"][5] == "response to type I interferon"
    assert nodes["label"][0] is None


def test_a_node_stands_under_the_parent_with_the_fewest_genes(told):
    nodes = told["nodes"]
    parents = {nodes["id"][i]: nodes["id"][p] if p >= 0 else None for i, p in enumerate(nodes["parent"])}
    # immune response has three genes upstream, response to stimulus all five
    assert parents["GO:0034340"] == "GO:0006955"
    assert parents["GO:0034341"] == "GO:0006955"
    assert parents["</script><script>alert(2)</script>"] == "GO:0050896"
    assert parents["GO:0006955"] is None
    assert parents["JAK1"] is None


def test_of_equal_parents_the_first_is_taken_whatever_their_layers():
    layers = (
        Layer("genes", (Node("g", kind="gene"),)),
        Layer("one", (Node("a"),)),
        Layer("two", (Node("b"), Node("c"))),
        Layer("three", (Node("d"),)),
    )
    arch = Architecture(layers, {(0, 1): np.array([[1]]), (1, 2): np.array([[1, 1]]), (1, 3): np.array([[1]])})
    genes = [np.ones(len(layer), int) for layer in layers]
    assert tree_parents(arch, genes).tolist() == [-1, 2, -1, -1, -1]


def turned(model):
    """Return the weights by name, each with the signs of the units at its ends, by the plain way."""
    activity = activity_table(model)
    units = {(row.node, row.unit) for row in activity[activity["turned"]].itertuples()}
    assert units
    weights = edge_weights(model)
    for row in weights.itertuples():
        for end in ((row.source, row.source_unit), (row.target, row.target_unit)):
            if end in units:
                weights.loc[row.Index, "weight"] *= -1
    return weights


def test_weights_between_single_units_are_those_of_the_model(told, model):
    table = turned(model).query("parameter == 'kernel'")
    expected = {(s, t): list(part["weight"]) for (s, t), part in table.groupby(["source", "target"])}
    found = edges_of(told)
    assert found.keys() == expected.keys()
    for pair, weights in expected.items():
        length = weights[0] if len(weights) == 1 else np.linalg.norm(weights)
        assert found[pair] == pytest.approx(length, rel=5e-3), pair
    assert {len(weights) for weights in expected.values()} == {1, 2}


def test_the_strongest_input_comes_first(told):
    start = 0
    for count in told["edges"]["count"]:
        sizes = [abs(weight) for weight in told["edges"]["weight"][start : start + count]]
        assert sizes == sorted(sizes, reverse=True)
        start += count


def test_of_too_many_connections_each_node_keeps_its_strongest(arch, model):
    weights = edge_weights(model)
    everything, few = edge_columns(arch, weights), edge_columns(arch, weights, limit=10)
    assert everything["limit"] is None
    assert few["limit"] == 2
    assert few["count"] == [min(count, 2) for count in everything["count"]]
    assert few["total"] == everything["total"] == sum(everything["count"])
    start = np.cumsum([0, *everything["count"]])
    kept = [everything["source"][s : s + 2] for s, count in zip(start, everything["count"], strict=False) if count]
    assert few["source"] == [source for part in kept for source in part]


def test_the_outputs_read_the_nodes_of_all_layers(told, model, arch):
    head = view(model).head
    activity = activity_table(model)
    turned = set(activity[activity["turned"]]["node"])
    nodes = [node for layer in arch.hidden_layers for node in layer]
    names, units = [node.id for node in nodes], [node.units for node in nodes]
    of_nodes = np.split(np.asarray(head.kernel), np.cumsum(units)[:-1])
    expected = [
        np.sqrt((rows**2).sum(axis=0)) if len(rows) > 1 else rows[0] * (-1 if name in turned else 1)
        for name, rows in zip(names, of_nodes, strict=True)
    ]
    readout = told["readout"]
    assert readout["tail"] == []
    assert [told["nodes"]["id"][node] for node in readout["nodes"]] == names
    assert readout["weight"] == rounded(np.array(expected))
    assert readout["outputs"] == list(view(model).outputs.names)


def test_behind_a_tail_there_are_no_weights_by_name(arch):
    from keras_vnn.data import Classes
    from keras_vnn.models import build_model

    found = report_data(build_model(arch, Classes(("a", "b")), tail=(3,)))
    assert found["readout"]["tail"] == [3]
    assert "weight" not in found["readout"]
    assert found["importance"] is None
    assert found["activity"] is None


def test_importance_is_that_of_the_ranking(told, model):
    ranking = rank_nodes(model, by="knockout")
    found = pd.Series(told["importance"]["importance"], told["nodes"]["id"]).dropna().sort_values(ascending=False)
    assert found.to_dict() == pytest.approx(ranking["importance"].to_dict(), rel=1e-3)
    assert told["importance"]["method"] == ranking.attrs["method"] == "knockout"
    effects = dict(zip(told["nodes"]["id"], told["importance"]["effects"][1], strict=True))
    assert effects["GO:0034340"] == rounded([ranking.loc["GO:0034340"].filter(like="effect_").iloc[1]])[0]


def test_activity_is_what_the_page_of_a_node_says(told, model, arch):
    activity = told["activity"]
    assert activity["classes"] == list(view(model).outputs.names)
    page = inspect_node(model, "GO:0034341").activity
    first = sum(layer.width for layer in arch.layers[:1]) + 2
    mean = np.array(activity["mean"]).reshape(-1, 2)[first : first + 2]
    expected = page.pivot(index="unit", columns="class", values="mean")[activity["classes"]]
    assert mean == pytest.approx(expected.to_numpy(), rel=5e-3)


def test_the_activity_table_measures_what_the_model_remembers(model, cells, labels):
    remembered, measured = activity_table(model), activity_table(model, cells, labels)
    pd.testing.assert_frame_equal(remembered, measured, rtol=1e-5)
    assert len(remembered) == 2 * (5 + 4 + 2)
    by_hand = cells.iloc[20:]["STAT1"].agg(["mean", "std"])
    row = remembered[(remembered["node"] == "STAT1") & (remembered["class"] != "control")].iloc[0]
    assert row[["mean", "sd"]].tolist() == pytest.approx(by_hand.tolist(), rel=1e-5)


def test_large_tables_leave_out_first_what_matters_least(model):
    table = activity_table(model)
    left_out = [activity_columns(table, limit=limit)["left_out"] for limit in (66, 65, 40, 20)]
    assert left_out[0] == []
    assert left_out[1] == ["standard deviations"]
    assert left_out[2] == ["standard deviations", "expression of the genes"]
    assert left_out[3] == ["standard deviations", "expression of the genes", "means"]
    kept = activity_columns(table, limit=20)
    assert (kept["first"], kept["units"], len(kept["effect_size"])) == (1, 6, 12)


def test_cells_that_are_passed_are_scored(model, cells, labels):
    found = report_data(model, cells, labels)
    assert found["scores"]["cells"] == 40
    assert found["scores"]["confusion"]["cells"][0][0] + found["scores"]["confusion"]["cells"][0][1] == 20
    assert found["importance"]["importance"] == report_data(model)["importance"]["importance"]


def test_an_embedding_has_no_importance(arch):
    from keras_vnn.models import Embedding, build_model

    found = report_data(build_model(arch, Embedding()))
    assert found["model"]["outputs"] == {"kind": "embedding", "names": []}
    assert found["importance"] is None


def test_weights_of_a_decoder_stand_at_the_edges_it_reads_backwards(arch):
    single = arch.with_units(1)
    model = build_autoencoder(single, encoder=(4,), seed=0)
    found = edges_of(report_data(model))
    table = edge_weights(model).dropna(subset=["source"])
    expected = {
        (row.target, row.source): row.weight for row in table.itertuples() if row.source in single.node_table().index
    }
    assert set(found) == set(expected)
    assert found == pytest.approx(expected, rel=5e-3)


def test_an_architecture_needs_no_keras(tmp_path, arch):
    arch.save(tmp_path / "a.vnn")
    code = (
        "import sys, keras_vnn as vnn\n"
        f"vnn.pl.write_report(vnn.read.architecture({str(tmp_path / 'a.vnn')!r}), {str(tmp_path / 'a.html')!r})\n"
        "print(sorted({'keras', 'tensorflow', 'anndata'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_no_network_is_refused(arch, model, cells):
    with pytest.raises(VNNError) as caught:
        report_data([1])
    assert str(caught.value) == (
        "Expected a model or an Architecture, got list.\nLoad one: vnn.read.architecture(path) or vnn.load_model(path)"
    )
    with pytest.raises(VNNError) as caught:
        report_data(arch, cells)
    assert str(caught.value) == (
        "An architecture has no weights, so it does nothing with data.\n"
        "Train a model, and write its report: vnn.train(arch, data, labels), then "
        "vnn.pl.write_report(result.model, path)"
    )
    with pytest.raises(VNNError, match="The ranking is not of the nodes of this architecture: 1 of 1 row name none"):
        report_data(arch, ranking=pd.DataFrame({"importance": [1.0], "rank": [1]}, index=["nobody"]))


def test_numbers_are_short():
    assert rounded([1 / 3, -12345.6, 1e-9, 0, np.nan, np.inf, 100.0]) == [0.333, -12300, 1e-09, 0, None, None, 100]
