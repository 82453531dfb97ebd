"""The values: canonical whatever they are made from, and honest about what they dropped."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from keras_vnn.basics.errors import ReadError
from keras_vnn.priors import Annotations, GeneSets, Ontology

EDGES = pd.DataFrame(
    {"child": ["b", "c", "c", "c"], "parent": ["a", "b", "a", "a"], "kind": ["is_a"] * 3 + ["part_of"]}
)


def table(ontology):
    return ontology.to_frame().values.tolist()


def test_an_ontology_is_the_same_from_a_frame_a_graph_and_itself():
    expected = [["b", "a", "is_a"], ["c", "a", "is_a"], ["c", "a", "part_of"], ["c", "b", "is_a"]]
    from_frame = Ontology.from_frame(EDGES.sample(frac=1, random_state=1), relation="kind")
    assert table(from_frame) == expected
    assert table(Ontology.from_networkx(from_frame.to_networkx())) == expected
    graph = nx.MultiDiGraph()
    graph.add_node("b", name="bee", namespace="insects")
    for row in EDGES.itertuples():
        graph.add_edge(row.child, row.parent, key=row.kind)
    from_obonet = Ontology.from_networkx(graph)
    assert table(from_obonet) == expected
    assert (from_obonet.names, from_obonet.namespaces) == (("a", "bee", "c"), ("", "insects", ""))
    simple = nx.DiGraph([("b", "a"), ("c", "b")])
    assert table(Ontology.from_networkx(simple)) == [["b", "a", "is_a"], ["c", "b", "is_a"]]


def test_values_are_locked():
    ontology = Ontology.from_mapping({"b": ["a"]})
    known = Annotations.from_mapping({"g": ["a"]})
    for array in (ontology.edges, ontology.relation, known.pairs, known.evidence, known.denied, known.line):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(TypeError):
        ontology.alternatives["x"] = "a"


def test_repeated_edges_and_terms_under_themselves_are_counted():
    ontology = Ontology.from_edges(["b", "b", "a"], ["a", "a", "a"], terms=["lonely"])
    assert ontology.ids == ("a", "b", "lonely")
    assert str(ontology.audit).splitlines() == [
        "read   1 term: under itself, edge dropped (a)",
        "read   1 ontology edge: duplicate, merged into one",
    ]
    assert (str(ontology), repr(ontology)) == ("3 terms, 1 edge", "3 terms, 1 edge")


def test_selecting_says_what_it_left_out():
    ontology = Ontology.from_frame(EDGES, relation="kind", namespaces={"a": "x", "b": "x", "c": "y"})
    chosen = ontology.selecting(namespaces=["x"], relations=["is_a"])
    assert (chosen.ids, table(chosen)) == (("a", "b"), [["b", "a", "is_a"]])
    assert str(chosen.audit).splitlines() == [
        "wire   1 ontology edge: of the relation part_of, not asked for",
        "wire   1 term: of another namespace",
        "wire   2 ontology edges: from or to another namespace",
    ]
    assert ontology.without_edges([("c", "a")]).audit.items("ontology edge") == ("c → a",)


def test_ids_and_names_lead_to_a_term():
    ontology = Ontology.from_edges(
        ["b"],
        ["a"],
        names={"a": "same", "b": "Same", "c": "x"},
        terms=["c"],
        alternatives={"alt": "b"},
        obsolete={"old": "alt", "gone": "", "turn": "round", "round": "turn"},
    )
    assert [ontology.current_id(id) for id in ("b", "alt", "old", "gone", "turn", "?")] == ["b", "b", "b", "", "", ""]
    assert ontology.find("X") == "c"
    with pytest.raises(ReadError) as error:
        ontology.find("same")
    assert str(error.value) == "2 terms are called 'same': a, b.\nName one by its id."
    with pytest.raises(ReadError, match=r"No term is called 'y'\."):
        ontology.find("y")


def test_annotations_merge_evidence_and_respect_denials():
    known = Annotations.from_pairs(
        ["g2", "g1", "g1", "g1", "g3"],
        ["t1", "t1", "t1", "t2", "t2"],
        evidence=["IDA", "IEA", "IDA", "", "IMP"],
        line=[5, 9, 2, 3, 4],
        denied=[False, False, False, True, False],
    )
    assert known.to_frame().values.tolist() == [
        ["g1", "t1", "IDA|IEA", "", 2],
        ["g2", "t1", "IDA", "", 5],
        ["g3", "t2", "IMP", "", 4],
    ]
    assert str(known) == "3 annotations of 3 genes with 2 terms"
    both = known.union(Annotations.from_pairs(["g1", "g1"], ["t1", "t2"], evidence=["ISS", "ISS"]))
    assert both.to_frame()[["gene", "term", "evidence"]].values.tolist()[0] == ["g1", "t1", "IDA|IEA|ISS"]
    assert len(both) == 3
    assert both.audit.items("annotation", "negated (NOT) by another row") == ("g1 t2",)


def test_annotations_by_evidence_and_by_gene():
    known = Annotations.from_pairs(["g1", "g1", "g2"], ["t1", "t1", "t2"], evidence=["IDA", "IEA", "IGI"])
    assert known.with_evidence(exclude={"IGI", "IEA"}).genes == ("g1",)
    assert known.with_evidence(include={"IGI"}).terms == ("t2",)
    assert known.with_evidence(exclude={"IGI"}).audit.count("annotation", "none of its evidence codes") == 1
    assert known.among(["g2", "g9"]).to_frame()["gene"].tolist() == ["g2"]
    with pytest.raises(ReadError, match="The annotations have no evidence codes to choose from"):
        Annotations.from_mapping({"g": ["t"]}).with_evidence(exclude={"IEA"})


def test_annotations_from_anything():
    expected = [["g1", "t1"], ["g1", "t2"], ["g2", "t1"]]
    frame = pd.DataFrame({"gene": ["g2", "g1", "g1"], "term": ["t1", "t2", "t1"], "evidence": ["IDA", "IEA", "ND"]})
    for known in (
        Annotations.from_frame(frame),
        Annotations.from_mapping({"g1": ["t2", "t1"], "g2": ["t1"]}),
        Annotations.from_networkx(nx.DiGraph(expected)),
        GeneSets.from_mapping({"t1": ["g1", "g2"], "t2": ["g1"]}).to_annotations(),
    ):
        assert known.to_frame()[["gene", "term"]].values.tolist() == expected
    assert Annotations.from_frame(frame, evidence="evidence").evidence.tolist() == ["ND", "IEA", "IDA"]
    assert len(Annotations.from_pairs([], [])) == 0


def test_gene_sets_are_a_mapping():
    frame = pd.DataFrame({"name": ["b", "a", "b"], "gene": ["g2", "g1", "g1"]})
    for sets in (
        GeneSets.from_frame(frame),
        GeneSets.from_networkx(nx.DiGraph([("g2", "b"), ("g1", "a"), ("g1", "b")])),
    ):
        assert dict(sets) == {"a": ("g1",), "b": ("g1", "g2")}
        assert list(sets) == ["a", "b"]
        assert sets.genes == ("g1", "g2")
    assert GeneSets.from_frame(sets.to_frame()) == sets
    counted = GeneSets.from_mapping({"a": ["g1", "g1"], "none": []})
    assert str(counted.audit).splitlines() == [
        "read   1 gene set: without genes (none)",
        "read   1 member: duplicate in the same set, merged into one",
    ]


REFUSED = {
    "undirected ontology": (
        lambda: Ontology.from_networkx(nx.Graph([("a", "b")])),
        "An ontology needs a directed graph (child → parent), got an undirected one.",
    ),
    "undirected annotations": (
        lambda: Annotations.from_networkx(nx.Graph([("a", "b")])),
        "Annotations need a directed graph (gene → term), got an undirected one.",
    ),
    "unknown column": (
        lambda: Ontology.from_frame(EDGES, child="chlid"),
        "The table has no column 'chlid'; it has child, kind, parent. Did you mean child?",
    ),
    "missing name": (
        lambda: Annotations.from_frame(pd.DataFrame({"gene": ["g", None], "term": ["t", "t"]})),
        "Row 2 of 2 has no gene.",
    ),
    "not text": (
        lambda: Annotations.from_pairs(["g", 7], ["t", "t"]),
        "A gene is 7, expected a non-empty name.",
    ),
    "lengths": (
        lambda: Annotations.from_pairs(["g"], ["t", "t"]),
        "There must be a gene and a term in every row, got 1 and 2.",
    ),
    "ragged edges": (
        lambda: Ontology.from_edges(["a"], ["b", "c"]),
        "There must be a child, a parent and a relation in every row, got 1, 2 and 1.",
    ),
    "no term": (
        lambda: Ontology.from_mapping({}),
        "The ontology has no term: mapping\nIs it cut short, or all of it obsolete?",
    ),
    "no set": (
        lambda: GeneSets.from_mapping({}),
        "There is no gene set.\nPass at least one, with a name and its genes.",
    ),
    "no id": (
        lambda: GeneSets.from_mapping({"a": ["g"]}).to_annotations({}),
        "1 of 1 gene set have no id: a.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_a_value_says_why(case):
    make, message = REFUSED[case]
    with pytest.raises(ReadError) as error:
        make()
    assert str(error.value) == message


def test_a_big_table_is_made_in_no_time():
    random = np.random.default_rng(0)
    genes, terms = (np.array([f"{letter}{i}" for i in range(5_000)], dtype=object) for letter in "gt")
    rows = random.integers(0, 5_000, (200_000, 2))
    known = Annotations.from_pairs(genes[rows[:, 0]], terms[rows[:, 1]], evidence=["IDA", "IEA"] * 100_000)
    expected = set(map(tuple, rows.tolist()))
    assert len(known) == len(expected)
    assert known.audit.count("annotation") == 200_000 - len(expected)
