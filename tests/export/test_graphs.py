"""DOT, JSON Graph, edge lists and CX2, read back by the programs they are for."""

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import ConfigError
from keras_vnn.export import export_summary, summary_graph
from keras_vnn.readers import read_hierarchy

DOT = shutil.which("dot")


@pytest.fixture
def hostile():
    """Names that are special in DOT, JSON, XML or tables."""
    ids = ('a"b', "back\\slash", "end\\", "tab\there", "#x", "<b>", "n->m; }", "\\N", "é…", "a b")
    genes = tuple(Node(id, f"label {id}", "gene") for id in ids)
    return Architecture((Layer("genes", genes), Layer("sets", (Node("S"),))), {(0, 1): np.ones((len(ids), 1))})


def test_an_edge_list_is_read_by_networkx(model, arch, tmp_path):
    path = export_summary(model, path=tmp_path / "model.edgelist")
    again = nx.read_weighted_edgelist(path, delimiter="\t", create_using=nx.DiGraph)
    graph = summary_graph(model)
    assert dict(again.edges) == {pair: {"weight": graph.edges[pair]["weight"]} for pair in graph.edges}
    bare = export_summary(arch, path=tmp_path / "arch.edgelist")
    assert set(nx.read_edgelist(bare, delimiter="\t", create_using=nx.DiGraph).edges) == set(arch.to_networkx().edges)


def test_names_in_an_edge_list_stay_apart(hostile, tmp_path):
    path = export_summary(hostile, path=tmp_path / "x.edges")
    again = nx.read_edgelist(path, delimiter="\t", comments=None, create_using=nx.DiGraph)
    assert sorted(again.predecessors("S")) == sorted(name.replace("\t", "␉") for name in hostile.genes)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_dot_is_read_by_pydot(model):
    import pydot

    (graph,) = pydot.graph_from_dot_data(export_summary(model, "dot"))
    known = summary_graph(model)
    read = {
        (edge.get_source().strip('"'), edge.get_destination().strip('"')): float(edge.get("signed_weight"))
        for edge in graph.get_edges()
    }
    assert read == {(a, b): facts["weight"] for a, b, facts in known.edges(data=True)}
    labels = {node.get_name().strip('"'): node.get("label") for node in graph.get_nodes()}
    assert labels["S1"] == '"DNA repair"'


def test_graphviz_draws_it(model, hostile, tmp_path):
    if DOT is None:
        pytest.skip("graphviz is not installed (Debian: apt install graphviz)")
    for source in (model, hostile):
        drawn = subprocess.run(
            [DOT, "-Tsvg"], input=export_summary(source, "dot").encode(), capture_output=True, check=True
        )
        assert drawn.stderr == b""
        root = ET.fromstring(drawn.stdout)
        groups = [group.get("class") for group in root.iter("{http://www.w3.org/2000/svg}g")]
        graph = summary_graph(source)
        assert groups.count("node") == len(graph) and groups.count("edge") == graph.number_of_edges()
    texts = {text.text for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {'label a"b', "label back\\slash", "label end\\", "label tab␉here", "label <b>", "label \\N"} <= texts


def test_json_graph_is_as_its_specification_says(model, ranking, tmp_path):
    read = json.loads(export_summary(model, path=tmp_path / "m.jgf", ranking=ranking).read_text("utf-8"))
    assert list(read) == ["graph"] and read["graph"]["directed"] is True
    assert set(read["graph"]) == {"directed", "type", "label", "metadata", "nodes", "edges"}
    graph = nx.DiGraph()
    for id, node in read["graph"]["nodes"].items():
        assert set(node) == {"label", "metadata"} and isinstance(node["label"], str)
        graph.add_node(id, label=node["label"], **node["metadata"])
    for edge in read["graph"]["edges"]:
        assert set(edge) == {"source", "target", "relation", "metadata"}
        graph.add_edge(edge["source"], edge["target"], **edge["metadata"])
    expected = summary_graph(model, ranking=ranking)
    assert dict(graph.nodes) == dict(expected.nodes) and dict(graph.edges) == dict(expected.edges)


def test_cx2_is_read_by_ndex(model, ranking, tmp_path):
    pytest.importorskip("ndex2", reason="the reader of CX2 is not installed: pip install ndex2")
    from ndex2.cx2 import RawCX2NetworkFactory

    path = export_summary(model, path=tmp_path / "m.cx2", ranking=ranking)
    read = RawCX2NetworkFactory().get_cx2network(str(path))
    graph = summary_graph(model, ranking=ranking)
    nodes = {node["v"]["represents"]: node for node in read.get_nodes().values()}
    assert set(nodes) == set(graph)
    for id, facts in graph.nodes(data=True):
        assert nodes[id]["v"] == {"represents": id, "name": facts["label"]} | {
            name: value for name, value in facts.items() if name != "label"
        }
    by_number = {node["id"]: id for id, node in nodes.items()}
    edges = {(by_number[edge["s"]], by_number[edge["t"]]): edge["v"] for edge in read.get_edges().values()}
    assert edges == {(a, b): {"interaction": "feeds", **facts} for a, b, facts in graph.edges(data=True)}
    for node in nodes.values():
        layer = graph.nodes[node["v"]["represents"]]["layer"]
        assert node["y"] == -320.0 * layer, "few nodes stand in one row a layer, genes lowest"
    style = read.get_visual_properties()
    colours = {pair["v"]: pair["vp"] for pair in style["nodeMapping"]["NODE_BACKGROUND_COLOR"]["definition"]["map"]}
    assert set(colours) == {"gene", "gene set", "term", "class"}
    pieces = style["edgeMapping"]["EDGE_LINE_COLOR"]["definition"]["map"]
    assert [piece.get("min") for piece in pieces[1:]] == [piece.get("max") for piece in pieces[:-1]]


def test_cx2_counts_its_aspects_and_says_it_is_complete(arch):
    document = json.loads(export_summary(arch, "cx2"))
    counts = {row["name"]: row["elementCount"] for row in document[1]["metaData"]}
    for aspect in document[2:-1]:
        ((name, rows),) = aspect.items()
        assert counts.pop(name) == len(rows)
    assert counts == {} and document[-1] == {"status": [{"success": True}]}
    declared = document[2]["attributeDeclarations"][0]["nodes"]
    assert declared["represents"] == {"a": "r", "d": "string"} and declared["layer"] == {"d": "integer"}


def test_cx2_is_no_hierarchy_for_our_own_reader(arch, tmp_path):
    from keras_vnn.basics.errors import ReadError

    path = export_summary(arch, path=tmp_path / "a.cx2")
    with pytest.raises(ReadError, match=r"^The file is a network in CX2 or CX, not a hierarchy"):
        read_hierarchy(path)


def test_large_layers_take_several_rows():
    genes = tuple(Node(f"G{i}", kind="gene") for i in range(150))
    arch = Architecture((Layer("genes", genes), Layer("sets", (Node("S"),))), {(0, 1): np.ones((150, 1))})
    nodes = json.loads(export_summary(arch, "cx2"))[4]["nodes"]
    places = {(node["x"], node["y"]) for node in nodes}
    assert len(places) == 151 and {node["y"] for node in nodes} == {0.0, -60.0, -120.0, -440.0}


def test_ids_without_what_xml_forbids_are_unique(tmp_path):
    genes = tuple(Node(id, kind="gene") for id in ("g\x00", "g␀", "x"))
    arch = Architecture((Layer("genes", genes), Layer("sets", (Node("S"),))), {(0, 1): np.ones((3, 1))})
    path = export_summary(arch, path=tmp_path / "a.graphml")
    assert set(nx.read_graphml(path)) == {"g␀'", "g␀", "x", "S"}


def test_a_part_is_the_first_nodes_their_way_up_and_their_strongest_genes(tmp_path):
    """Thirty genes of random weights, three sets of one theme, and one of another, two classes; CX2 read by ndex2."""
    pytest.importorskip("ndex2", reason="the reader of CX2 is not installed: pip install ndex2")
    from ndex2.cx2 import RawCX2NetworkFactory

    from keras_vnn.data import Classes
    from keras_vnn.models import build_model

    genes = [f"G{i}" for i in range(30)]
    layers = (
        Layer("genes", tuple(Node(gene, kind="gene") for gene in genes)),
        Layer("sets", tuple(Node(f"S{i}") for i in range(4)), dense_units=1),
        Layer("themes", (Node("T0"), Node("T1"))),
    )
    reads = np.zeros((30, 4))
    reads[:20, 0] = reads[10:, 1] = reads[:4, 2] = reads[26:, 3] = 1
    arch = Architecture(layers, {(0, 1): reads, (1, 2): np.array([[1, 0], [1, 0], [1, 0], [0, 1]])})
    model = build_model(arch, Classes(("a", "b")), seed=0, anchor="none")
    values = pd.DataFrame({"evidence": [9.0, 1.0, 5.0, 2.0, 0.1, 0.2]}, ["S0", "S1", "S2", "S3", "T0", "T1"])
    values.attrs["group"] = "b"
    path = export_summary(model, path=tmp_path / "part.cx2", ranking=values, top=2)
    read = RawCX2NetworkFactory().get_cx2network(str(path))
    names = {number: node["v"]["represents"] for number, node in read.get_nodes().items()}
    edges = {(names[edge["s"]], names[edge["t"]]): edge["v"]["weight"] for edge in read.get_edges().values()}
    # By the whole graph: ten strongest genes of S0, the four of S2, what both feed, the class that was asked for.
    whole = summary_graph(model, ranking=values)
    strongest = sorted((e["strength"], g) for g, _, e in whole.in_edges("S0", data=True))[-10:]
    kept = {"S0", "S2", "T0", "class:b", *(gene for _, gene in strongest), "G0", "G1", "G2", "G3"}
    assert set(names.values()) == kept
    expected = whole.subgraph(kept)
    assert edges == pytest.approx({(s, t): e["weight"] for s, t, e in expected.edges(data=True)})
    layer = {names[number]: node["v"]["layer"] for number, node in read.get_nodes().items()}
    assert layer == dict(expected.nodes(data="layer")), "layers keep their numbers"
    with pytest.raises(ConfigError, match="top must be at least 1"):
        export_summary(model, "cx2", top=0)
    # A picture of S2 alone has no row for the other sets, nor for the other class.
    drawn = export_summary(model, path=tmp_path / "part.svg", ranking=values, top=1).read_text("utf-8")
    shown = re.findall(r">([^<>]+)</(?:text|tspan)>", drawn)
    assert {"S0", "T0", "b", "10"} <= set(shown) and not {"S1", "S2", "T1", "a"} & set(shown)
