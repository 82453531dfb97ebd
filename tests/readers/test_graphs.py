"""Networks as graph programs write them: each is read to the edges that networkx, or a hand, says it has."""

import json
import warnings

import networkx as nx
import numpy as np
import pytest

from keras_vnn.basics.errors import ConfigError, ReadError
from keras_vnn.readers import read_genes, read_hierarchy, read_interactions, read_regulation
from keras_vnn.recipes.checking import check_file

GENES = ("TP53", "MDM2", "MYC", "HLA-A", "NKX2-1", "ATM", "CHEK2", "BRCA1")


def drawn(*, directed=False):
    """Return a network of eight genes with weights."""
    rng = np.random.default_rng(3)
    graph = nx.DiGraph() if directed else nx.Graph()
    for a, b in rng.permutation([(a, b) for a in range(8) for b in range(8) if a < b])[:12]:
        graph.add_edge(GENES[a], GENES[b], weight=float(rng.integers(1, 9)) / 8)
    return graph


def by_number(graph):
    """Return the same network with numbers for nodes, whose names are an attribute."""
    numbers = {gene: number for number, gene in enumerate(graph)}
    numbered = nx.relabel_nodes(graph, numbers)
    nx.set_node_attributes(numbered, {number: gene for gene, number in numbers.items()}, "name")
    return numbered


def cytoscape(graph):
    content = nx.cytoscape_data(by_number(graph))
    for node in content["elements"]["nodes"]:
        node["data"]["id"] = str(node["data"]["id"])
    for edge in content["elements"]["edges"]:
        edge["data"] |= {"source": str(edge["data"]["source"]), "target": str(edge["data"]["target"])}
    return json.dumps(content, indent=1)


def node_link(graph, edges):
    """As networkx writes it, whose releases call the edges differently unless they are told."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = nx.node_link_data(graph)
    data[edges] = data.pop("links" if "links" in data else "edges")
    return json.dumps(data, indent=1)


def cx2(graph):
    numbered = by_number(graph)
    nodes = [{"id": n, "v": {"n": facts["name"]}} for n, facts in numbered.nodes(data=True)]
    edges = [{"id": k, "s": a, "t": b, "v": dict(d)} for k, (a, b, d) in enumerate(numbered.edges(data=True))]
    declared = {"nodes": {"name": {"a": "n", "d": "string"}}, "edges": {"weight": {"d": "double"}}}
    return json.dumps([{"CXVersion": "2.0"}, {"attributeDeclarations": [declared]}, {"nodes": nodes}, {"edges": edges}])


def cx(graph):
    numbered = by_number(graph)
    nodes = [{"@id": n, "n": facts["name"]} for n, facts in numbered.nodes(data=True)]
    edges = [{"@id": k, "s": a, "t": b} for k, (a, b) in enumerate(numbered.edges)]
    weights = [
        {"po": k, "n": "weight", "v": str(d["weight"]), "d": "double"}
        for k, (*_, d) in enumerate(numbered.edges(data=True))
    ]
    return json.dumps([{"numberVerification": [1]}, {"nodes": nodes}, {"edges": edges}, {"edgeAttributes": weights}])


def xgmml(graph):
    """As Cytoscape writes it: a group holds its nodes once more, and another refers to one."""
    numbered = by_number(graph)
    node = '<node id="{0}" label="{1}"><att name="name" value="{1}" type="string"/><graphics w="35.0"/></node>'
    nodes = [node.format(n, facts["name"]) for n, facts in numbered.nodes(data=True)]
    edges = [
        f'<edge id="{90 + k}" label="" source="{a}" target="{b}"><att name="weight" value="{d["weight"]}"/></edge>'
        for k, (a, b, d) in enumerate(numbered.edges(data=True))
    ]
    group = f'<node id="80" label="group"><att><graph>{nodes[0]}<node xlink:href="#1"/></graph></att></node>'
    return "\n".join(
        (
            '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>',
            f'<graph id="52" label="x" directed="{int(graph.is_directed())}" xmlns:xlink="http://www.w3.org/1999/xlink"',
            '  xmlns="http://www.cs.rpi.edu/XGMML">',
            *("<att><graph>" + group + "</graph></att>", *nodes, *edges, "</graph>"),
        )
    )


WRITTEN = {
    "xgmml": xgmml,
    "graphml": lambda graph: "\n".join(nx.generate_graphml(by_number(graph))),
    "gml": lambda graph: "\n".join(nx.generate_gml(graph)),
    "cyjs": cytoscape,
    "node-link": lambda graph: node_link(by_number(graph), "links"),
    "node-link, edges": lambda graph: node_link(graph, "edges"),
    "adjacency data": lambda graph: json.dumps(nx.adjacency_data(by_number(graph))),
    "cx2": cx2,
    "cx": cx,
    "edge list": lambda graph: "\n".join(nx.generate_edgelist(graph, data=True)),
    "matrix": lambda graph: nx.to_pandas_adjacency(graph).to_csv(),
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_a_network_is_read_as_networkx_wrote_it(kind, tmp_path):
    graph = drawn()
    path = tmp_path / "network"
    path.write_text(WRITTEN[kind](graph) + "\n", encoding="utf-8")
    frame = read_interactions(path).to_frame()
    assert {(a, b): s for a, b, s in frame[["a", "b", "score"]].itertuples(index=False)} == {
        tuple(sorted(pair)): weight for *pair, weight in graph.edges(data="weight")
    }
    report = check_file(path)
    assert (report.error, report.family, report.names.names) == ("", "interactions", len(graph))
    assert len(read_interactions(path, min_score=0.5)) == sum(w >= 0.5 for *_, w in graph.edges(data="weight"))


@pytest.mark.parametrize("kind", ["graphml", "gml", "cyjs", "node-link", "cx2", "cx", "edge list"])
def test_a_directed_network_is_read_as_regulation(kind, tmp_path):
    graph = drawn(directed=True)
    path = tmp_path / "network"
    path.write_text(WRITTEN[kind](graph) + "\n", encoding="utf-8")
    frame = read_regulation(path).to_frame()
    assert {(a, b): w for a, b, w in frame[["regulator", "target", "weight"]].itertuples(index=False)} == {
        (a, b): weight for a, b, weight in graph.edges(data="weight")
    }


def test_adjacency_lists(tmp_path):
    graph = drawn()
    path = tmp_path / "network.txt"
    nx.write_adjlist(graph, path)
    assert set(zip(*[read_interactions(path).to_frame()[side] for side in "ab"], strict=True)) == {
        tuple(sorted(pair)) for pair in graph.edges
    }
    assert check_file(path).format.startswith("adjacency list")


def test_an_undirected_network_is_not_regulation(tmp_path):
    path = tmp_path / "network.graphml"
    nx.write_graphml(drawn(), path)
    with pytest.raises(ReadError, match=r"^The graph is undirected.*\nRead it with vnn\.read\.interactions"):
        read_regulation(path)


def test_types_of_edges_are_of_one_family_or_the_other(tmp_path):
    graph = nx.MultiDiGraph()
    for a, b, kind in [("TP53", "MDM2", "pp"), ("TP53", "MDM2", "pd"), ("TP53", "BAX", "pd"), ("ATM", "TP53", "rc")]:
        graph.add_edge(a, b, interaction=kind)
    path = tmp_path / "network.graphml"
    nx.write_graphml(graph, path)
    ppi, tf = read_interactions(path), read_regulation(path)
    assert list(zip(*[ppi.to_frame()[side] for side in "ab"], strict=True)) == [("ATM", "TP53"), ("MDM2", "TP53")]
    assert ppi.audit.count("row", "of type pd or controls-expression-of") == 2
    assert sorted(zip(*[tf.to_frame()[side] for side in ("regulator", "target")], strict=True)) == [
        ("ATM", "TP53"),
        ("TP53", "BAX"),
        ("TP53", "MDM2"),
    ]
    assert read_interactions(path, sif_types=["rc"]).genes == ("ATM", "TP53")


def test_effects_of_edges(tmp_path):
    graph = nx.DiGraph([("TP53", "BAX", {"effect": "up-regulates"}), ("TP53", "BCL2", {"effect": "inhibits"})])
    path = tmp_path / "network.gml"
    nx.write_gml(graph, path)
    assert read_regulation(path).effect.tolist() == ["activation", "repression"]


def test_which_attribute_names_the_nodes(tmp_path):
    graph = nx.Graph([("n0", "n1"), ("n1", "n2")])
    for node, symbol, label in [("n0", "TP53", "P53_HUMAN"), ("n1", "MDM2", "MDM2_HUMAN"), ("n2", "ATM", "ATM_HUMAN")]:
        graph.add_node(node, symbol=symbol, label=label, cluster="1")
    path = tmp_path / "network.graphml"
    nx.write_graphml(graph, path)
    assert read_interactions(path).genes == ("ATM", "MDM2", "TP53")
    assert read_interactions(path).sources[0].format == "GraphML, nodes by symbol"
    assert read_interactions(path, id="label").genes == ("ATM_HUMAN", "MDM2_HUMAN", "P53_HUMAN")
    assert read_interactions(path, id="id").genes == ("n0", "n1", "n2")
    with pytest.raises(ConfigError, match=r"^No node has 'labl': .*\nNodes have: cluster, id, label, symbol\. Did you"):
        read_interactions(path, id="labl")


def test_no_family_sends_a_network_to_another_that_does_not_read_it(tmp_path):
    for kind in ("graphml", "cyjs", "cx2", "gml"):
        path = tmp_path / "network"
        path.write_text(WRITTEN[kind](drawn()), encoding="utf-8")
        with pytest.raises(
            ReadError, match=r"not a hierarchy with its genes: .*\n(.*\n)*Read it with vnn\.read\.inter"
        ):
            read_hierarchy(path)
        with pytest.raises(ReadError, match=r"not a list of genes: "):
            read_genes(path)
        assert len(read_interactions(path)) == 12


GML = 'graph [\n  node [ id 0 label "A1" ]\n  node [ id 1 label "B1" ]\n  edge [ source 0 target 1 ]\n'
BROKEN = {
    "cut GraphML": ("<graphml xmlns='http://graphml.graphdrawing.org/xmlns'>\n<graph>\n", "GraphML as expected"),
    "entities": (
        "<?xml version='1.0'?>\n<!DOCTYPE g [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]>\n<graphml>&b;</graphml>\n",
        "declares a document type or entities, which are not followed",
    ),
    "cut XGMML": (
        "<?xml version='1.0'?>\n<graph xmlns='http://www.cs.rpi.edu/XGMML'><node id='1'/>\n",
        "XGMML as expected",
    ),
    "lost node of XGMML": (
        "<graph xmlns='http://www.cs.rpi.edu/XGMML'>\n<node id='1'/><edge source='1' target='2'/></graph>\n",
        "1 edge leads to nodes that are not in the file: 2",
    ),
    "entities in XGMML": (
        "<!DOCTYPE g [<!ENTITY a 'aa'>]>\n<graph xmlns='http://www.cs.rpi.edu/XGMML'>\n&a;</graph>\n",
        "The XGMML declares a document type or entities, which are not followed",
    ),
    "cut GML": (GML, "GML as expected"),
    "lost node": (
        '{"elements": {"nodes": [{"data": {"id": "1"}}], "edges": [{"data": {"source": "1", "target": "2"}}]}}',
        "1 edge leads to nodes that are not in the file: 2",
    ),
    "no edge": ('{"nodes": [{"id": "TP53"}], "links": []}', "No interaction is left of 0 rows"),
    "nodes of lists": ('{"nodes": [{"id": []}], "links": []}', "a network in JSON as expected"),
    "numbers of many digits": ('{"nodes": [{"id": ' + "1" * 5000 + '}], "links": []}', "The JSON cannot be read"),
    "nested": ('{"nodes": [{"id": ' + "[" * 100_000, "nested too deeply"),
    "nested GML": (f"graph [\n node [ id 0 a {'[ a ' * 20_000}", "GML as expected"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_networks(case, tmp_path):
    content, said = BROKEN[case]
    path = tmp_path / "network"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ReadError, match=said) as error:
        read_interactions(path)
    assert str(path) in str(error.value) and "\n" in str(error.value)


def test_two_edges_of_the_same_nodes_in_gml(tmp_path):
    path = tmp_path / "network.gml"
    path.write_text(f'Creator "igraph"\nVersion 1\n{GML}  edge [ source 1 target 0 ]\n]\n')
    found = read_interactions(path)
    assert (found.genes, len(found), found.audit.count("interaction", "duplicate")) == (("A1", "B1"), 1, 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (",TP53,MDM2,ATM\nTP53,0,1,0\nMDM2,0,0,1\nATM,1,0,0\n", "The matrix is not symmetric: "),
        (
            ",TP53,MDM2,ATM\nTP53,0,1,0\nMDM2,1,0,1\n",
            "The names of rows and columns are not the same: 2 rows, 3 columns",
        ),
        (",TP53,MDM2\nTP53,0,1\nATM,1,0\n", "The names of rows and columns are not the same: ATM"),
    ],
)
def test_a_matrix_that_is_not_one_of_interactions(content, said, tmp_path):
    path = tmp_path / "matrix.csv"
    path.write_text(content)
    with pytest.raises(ReadError, match=said):
        read_interactions(path, format="adjacency")


def test_a_triangle_is_enough_and_ones_are_no_scores(tmp_path):
    path = tmp_path / "matrix.tsv"
    path.write_text("gene\tTP53\tMDM2\tATM\nTP53\t1\t1\t0\nMDM2\t0\t1\t1\nATM\t0\t0\t1\n")
    found = read_interactions(path)
    assert list(zip(*[found.to_frame()[side] for side in "ab"], strict=True)) == [("ATM", "MDM2"), ("MDM2", "TP53")]
    assert np.isnan(found.score).all()
    assert found.audit.count("interaction", "a gene with itself") == 3


def test_a_node_that_is_called_blank_has_no_name(tmp_path):
    links = [{"source": " ", "target": "TP53"}, {"source": "TP53", "target": "MDM2"}]
    nodes = [{"id": name} for name in (" ", "TP53", "MDM2")]
    (tmp_path / "network.json").write_text(json.dumps({"directed": False, "nodes": nodes, "links": links}))
    found = read_interactions(tmp_path / "network.json")
    assert found.genes == ("MDM2", "TP53")
    assert str(found.audit) == "read   1 row: a side has no nodes by id"
