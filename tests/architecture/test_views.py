import itertools

import networkx as nx

from keras_vnn.architecture import Architecture


def test_node_table(arch):
    table = arch.node_table()
    assert list(table.columns) == ["label", "kind", "layer", "units", "inputs", "outputs", "names"]
    assert list(table.index) == [position.node.id for position in arch.nodes()]
    assert table.loc["PPI:STAT1"].tolist() == [
        "STAT1 and partners", "interaction", 1, 2, 2, 1, "PPI:STAT1; PPI:JAK1",
    ]  # fmt: skip
    assert table.loc["ATM", ["inputs", "outputs"]].tolist() == [0, 2]
    assert table.loc["GO:0006281", ["inputs", "outputs"]].tolist() == [2, 0]


def test_edge_table(arch):
    table = arch.edge_table()
    assert list(table.columns) == ["source", "target", "source_layer", "target_layer"]
    assert len(table) == arch.edge_count
    assert ("ATM", "GO:0006281", 0, 2) in table.itertuples(index=False, name=None)


def test_edge_table_without_edges(arch):
    table = Architecture(arch.layers, {}).edge_table()
    assert list(table.columns) == ["source", "target", "source_layer", "target_layer"]
    assert table.empty


def test_networkx_has_the_same_nodes_and_edges(arch, matrices):
    graph = arch.to_networkx()
    expected = {
        (arch.layers[s].ids[i], arch.layers[t].ids[j])
        for (s, t), matrix in matrices.items()
        for i, j in itertools.product(range(matrix.shape[0]), range(matrix.shape[1]))
        if matrix[i, j]
    }
    assert set(graph.edges) == expected
    assert list(graph.nodes) == [position.node.id for position in arch.nodes()]
    assert graph.nodes["TF:STAT1"] == {"label": "STAT1 targets", "kind": "regulator", "layer": 1, "units": 3}
    assert graph.graph["fingerprint"] == arch.fingerprint
    assert nx.is_directed_acyclic_graph(graph)
    assert nx.ancestors(graph, "GO:0006281") == {"ATM", "TP53", "MDM2", "PPI:TP53"}
