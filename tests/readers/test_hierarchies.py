"""Hierarchies that name their genes, and tables of terms without."""

import json
from pathlib import Path

import pytest

from keras_vnn.basics.errors import ConfigError, ReadError
from keras_vnn.readers import read_hierarchy, read_ontology

MORE = Path(__file__).parents[3] / "shared" / "data" / "more"

# What every dialect below says: a root over two terms, one gene of the root's own, one shared, one under B alone.
EDGES = [["A", "root"], ["B", "root"]]
MEMBERS = [["g1", "root"], ["g2", "A"], ["g2", "B"], ["g3", "B"]]

DRUGCELL = "root\tA\tdefault\nroot\tB\tdefault\nroot\tg1\tgene\nA\tg2\tgene\nB\tg2\tgene\nB\tg3\tgene\n"
DCELL = """\
ROOT: root 3
GENES: g1
TERMS: A B
ROOT: A 1
GENES: g2
TERMS:
ROOT: B 2
GENES: g2 g3
TERMS:
"""
KPNN = "parent,child\nroot,A\nroot,B\nroot,g1_gene\nA,g2_gene\nB,g2_gene\nB,g3_gene\n"
CX2 = json.dumps(
    [
        {"CXVersion": "2.0", "hasFragments": False},
        {"metaData": [{"elementCount": 3, "name": "nodes"}]},
        {"attributeDeclarations": [{"nodes": {"name": {"a": "n", "d": "string"}, "represents": {"a": "r"}}}]},
        {
            "nodes": [
                {"id": 0, "v": {"n": "all systems", "r": "root", "CD_MemberList": "g1", "HCX::isRoot": True}},
                {"id": 1, "v": {"n": "system", "r": "A", "CD_MemberList": "g2"}},
                {"id": 2, "v": {"n": "system", "r": "B", "CD_MemberList": "g2 g3"}},
            ]
        },
        {"edges": [{"id": 0, "s": 0, "t": 1, "v": {}}, {"id": 1, "s": 0, "t": 2}]},
        {"status": [{"error": "", "success": True}]},
    ],
    indent=1,
)
CX = json.dumps(
    [
        {"numberVerification": [{"longNumber": 281474976710655}]},
        {"nodes": [{"@id": 0, "n": "root"}, {"@id": 1, "n": "A"}, {"@id": 2, "n": "B"}]},
        {"edges": [{"@id": 3, "s": 0, "t": 1, "i": "subsystem"}, {"@id": 4, "s": 0, "t": 2}]},
        {
            "nodeAttributes": [
                {"po": 0, "n": "CD_MemberList", "v": "g1"},
                {"po": 1, "n": "CD_MemberList", "v": ["g2"], "d": "list_of_string"},
                {"po": 2, "n": "CD_MemberList", "v": "g2 g3"},
            ]
        },
    ]
)
DIALECTS = {"drugcell": DRUGCELL, "dcell": DCELL, "kpnn": KPNN, "cx2": CX2, "cx": CX}


def write(tmp_path, text, name="hierarchy.txt"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_says_the_same(tmp_path, name):
    path = write(tmp_path, DIALECTS[name])
    ontology, annotations = read_hierarchy(path)
    assert ontology.to_frame()[["child", "parent"]].values.tolist() == EDGES
    assert set(ontology.relation) == {"is_a"}
    assert annotations.to_frame()[["gene", "term"]].values.tolist() == sorted(MEMBERS)
    assert ontology.sources == annotations.sources
    assert read_ontology(path).ids == ontology.ids


def test_names_of_systems(tmp_path):
    ontology, _ = read_hierarchy(write(tmp_path, CX2))
    assert dict(zip(ontology.ids, ontology.names, strict=True)) == {"A": "system", "B": "system", "root": "all systems"}
    ontology, _ = read_hierarchy(write(tmp_path, CX2.replace('"r": "A"', '"r": ""')))
    assert ontology.ids == ("system:0", "system:1", "system:2")


def test_blank_lines_and_ids_with_colons_and_underscores(tmp_path):
    text = "ROOT: GO:0006_281 2\nGENES: g1\nTERMS: b_1:x\n\nROOT: b_1:x 1\nGENES: g2\nTERMS: \n"
    ontology, _ = read_hierarchy(write(tmp_path, text))
    assert ontology.to_frame()[["child", "parent"]].values.tolist() == [["b_1:x", "GO:0006_281"]]


def test_kpnn_genes_keep_their_names_unless_all_carry_the_suffix(tmp_path):
    _, annotations = read_hierarchy(write(tmp_path, KPNN))
    assert str(annotations.audit) == "read   3 genes: suffix _gene removed"
    _, annotations = read_hierarchy(write(tmp_path, KPNN.replace("g3_gene", "g3")))
    assert annotations.genes == ("g1_gene", "g2_gene", "g3")


GENNET = """\
layer0_node,layer0_name,layer1_node,layer1_name,layer2_node,layer2_name
0,APOE_s0,0,APOE,0,lipid_endocytosis
1,APOE_s1,0,APOE,0,lipid_endocytosis
1,APOE_s1,0,APOE,0,lipid_endocytosis
2,TP53,1,TP53,1,repair
"""


def test_gennet_paths_become_edges_once(tmp_path):
    ontology, annotations = read_hierarchy(write(tmp_path, GENNET, "topology.csv"))
    assert ontology.to_frame()[["child", "parent"]].values.tolist() == [
        ["APOE", "lipid_endocytosis"],
        ["layer 1: TP53", "repair"],
    ]
    assert ontology.names[ontology.positions["layer 1: TP53"]] == "TP53"
    assert annotations.to_frame()[["gene", "term", "line"]].values.tolist() == [
        ["APOE_s0", "APOE", 2],
        ["APOE_s1", "APOE", 3],
        ["TP53", "layer 1: TP53", 5],
    ]


RELATIONS = "R-BTA-109581\tR-BTA-109606\nR-HSA-109581\tR-HSA-109606\nR-HSA-109581\tR-HSA-5357769\n"


def test_reactome_relations_have_no_header_and_many_species(tmp_path):
    path = write(tmp_path, RELATIONS)
    assert len(read_ontology(path)) == 5
    human = read_ontology(path, species="HSA")
    assert human.to_frame()[["child", "parent"]].values.tolist() == [
        ["R-HSA-109606", "R-HSA-109581"],
        ["R-HSA-5357769", "R-HSA-109581"],
    ]
    assert str(human.audit) == "read   1 row: of another species"
    with pytest.raises(ReadError) as error:
        read_ontology(path, species="HAS")
    assert str(error.value) == f"{path} has no species 'HAS'; it has BTA, HSA. Did you mean HSA?"


def test_any_table_of_children_and_parents(tmp_path):
    path = write(tmp_path, "n;below;above\n1;A;root\n2;B;root\n")
    assert read_ontology(path, columns=("below", "above")).to_frame().values.tolist() == [
        ["A", "root", "is_a"],
        ["B", "root", "is_a"],
    ]
    assert read_ontology(path, columns=(3, 2)).to_frame()["parent"].tolist() == ["A", "B"]
    with pytest.raises(ConfigError) as error:
        read_ontology(write(tmp_path, DRUGCELL), format="drugcell", columns=(1, 2))
    assert str(error.value) == (
        f"columns applies to the format 'edges'; {path} is read as 'drugcell'.\nLeave out columns, or name the format."
    )


BROKEN = {
    "drugcell, third column": (
        "root\tA\tdefault\nroot\tg1\tgen\n",
        "drugcell",
        "The third column is 'gen', expected 'default' or 'gene': {path}:2\n    root\tg1\tgen",
    ),
    "drugcell, two columns": (
        "root\tA\tdefault\nroot\tg1\n",
        "drugcell",
        "DrugCell row has 2 columns, expected 3: {path}:2\n    root\tg1\nIs the file truncated?",
    ),
    "drugcell, no genes": (
        "root\tA\tdefault\n",
        "auto",
        "No row assigns a gene to a term (third column 'gene'): {path}\nIs it cut short? Download it again.",
    ),
    "dcell, cut": (
        DCELL.rpartition("TERMS")[0],
        "auto",
        "The term B has no TERMS line: {path}\nIs the file truncated?",
    ),
    "dcell, child unknown": (
        DCELL.partition("ROOT: B")[0],
        "auto",
        "B is a child of a term but has no ROOT line: {path}:3\n    TERMS: A B\nIs the file truncated?",
    ),
    "dcell, twice": (
        DCELL + "ROOT: A 1\nGENES: g2\nTERMS:\n",
        "auto",
        "The term A is described twice, first in line 4: {path}:10\n    ROOT: A 1",
    ),
    "dcell, another word": (
        "ROOT: A 1\nGENS: g1\n",
        "auto",
        "Expected three lines a term, ROOT: then GENES: and TERMS:, got: {path}:2\n    GENS: g1",
    ),
    "kpnn, a circle": (
        "parent,child\nA,B\nB,A\n",
        "auto",
        "Every child is a parent as well, so there is no gene: {path}\nThe edges form a cycle.",
    ),
    "cx2, no members": (
        CX2.replace("CD_MemberList", "Members"),
        "cx2",
        "No node has CD_MemberList, the genes of a system: {path}\nIs it a hierarchy, not a network?",
    ),
    "cx2, lost node": (
        CX2.replace('"t": 2', '"t": 7'),
        "auto",
        "1 edge leads to nodes that are not in the file: 7: {path}\nWas it cut short, or damaged? Download it again.",
    ),
    "cx2, cut": (
        '[\n {"CXVersion": "2.0"},\n {"nodes": [\n',
        "cx2",
        'The file is not JSON: {path}:3\n     {{"nodes": [\nExpecting value, column 13.',
    ),
    "gennet, short row": (
        GENNET + "3,X,1\n",
        "auto",
        "The row has 3 columns, expected 6: {path}:6\n    3,X,1",
    ),
    "gennet, two names": (
        GENNET + "2,TP54,1,TP53,1,repair\n",
        "auto",
        "Node 2 of layer 0 is called TP54, before it was TP53: {path}:6\n    2,TP54,1,TP53,1,repair",
    ),
    "gennet, a column": (
        GENNET.replace("layer1_name", "layer1"),
        "auto",
        "Expected columns layer0_node, layer0_name, layer1_node, layer1_name, …: {path}:1\n"
        "    layer0_node,layer0_name,layer1_node,layer1,layer2_node,layer2_name",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_say_where(tmp_path, case):
    text, format, message = BROKEN[case]
    path = write(tmp_path, text)
    with pytest.raises(ReadError) as error:
        read_hierarchy(path, format=format)
    assert str(error.value) == message.format(path=path)


PUBLISHED = {
    "dcell/GO_0006281_topology": (21, 25, 162, 215),
    "drugcell/drugcell_ont.txt.gz": (2_086, 3_167, 3_008, 59_753),
    "nest/hierarchy.cx2": (131, 150, 718, 3_748),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_hierarchies(name):
    path = MORE / name
    if not path.exists():
        pytest.skip(f"{name} lies beside the project and is not there")
    ontology, annotations = read_hierarchy(path)
    assert (len(ontology), len(ontology.edges), len(annotations.genes), len(annotations)) == PUBLISHED[name]


def test_published_relations_of_reactome():
    path = MORE / "pathways" / "ReactomePathwaysRelation.txt.gz"
    if not path.exists():
        pytest.skip("ReactomePathwaysRelation.txt.gz lies beside the project and is not there")
    assert read_ontology(path).sources[0].records == 20_668
    human = read_ontology(path, species="HSA")
    assert (len(human), len(human.edges)) == (2_516, 2_535)
