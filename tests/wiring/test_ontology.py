"""Ontologies become layers: five genes, a handful of terms, every option once."""

import subprocess
import sys

import numpy as np
import pytest

from keras_vnn.architecture import load_architecture
from keras_vnn.architecture.wiring import UnitFormula, hierarchy_architecture, ontology_architecture
from keras_vnn.basics.errors import ConfigError, GeneError, ReadError, VNNWarning, WiringError
from keras_vnn.priors import Annotations, GeneSets, Ontology

GENES = ["ATM", "MLH1", "MSH2", "XPA", "TP53"]


@pytest.fixture
def repair():
    """DNA repair over mismatch and excision repair; excision repair has a part, incision, also under response."""
    return Ontology.from_edges(
        ["mismatch", "excision", "incision", "incision", "repair", "response"],
        ["repair", "repair", "excision", "response", "root", "root"],
        relation=["is_a", "is_a", "part_of", "is_a", "is_a", "is_a"],
        names={"repair": "DNA repair", "mismatch": "mismatch repair"},
        namespaces=dict.fromkeys(["mismatch", "excision", "incision", "repair", "response", "root"], "process"),
        alternatives={"MMR": "mismatch"},
        obsolete={"old": "excision", "gone": ""},
    )


@pytest.fixture
def known():
    return Annotations.from_mapping(
        {
            "MLH1": ["MMR"],
            "MSH2": ["mismatch"],
            "XPA": ["incision"],
            "ATM": ["repair", "response"],
            "ERCC1": ["incision"],
        }
    )


def wire(ontology, annotations, genes=GENES, **options):
    return ontology_architecture(genes, ontology, annotations, **{"min_genes": 1, "redundancy": None} | options)


def edges(arch):
    return {(a, b) for a, b in arch.edge_table()[["source", "target"]].values.tolist()}


def hidden(arch):
    return {layer.name: layer.ids for layer in arch.hidden_layers}


def test_terms_by_height_read_their_genes_and_their_children(repair, known):
    arch = wire(repair, known)
    assert hidden(arch) == {
        "height 0": ("incision", "mismatch"),
        "height 1": ("excision", "response"),
        "height 2": ("repair",),
        "height 3": ("root",),
    }
    assert edges(arch) == {
        ("MLH1", "mismatch"),
        ("MSH2", "mismatch"),
        ("XPA", "incision"),
        ("ATM", "repair"),
        ("ATM", "response"),
        ("incision", "excision"),
        ("incision", "response"),
        ("excision", "repair"),
        ("mismatch", "repair"),
        ("repair", "root"),
        ("response", "root"),
    }
    assert arch.find("DNA repair").node.attributes == {"genes": 4, "depth": 1, "level": 1, "namespace": "process"}
    assert str(arch.audit).splitlines() == [
        "match   1 annotation: the gene is not in the gene list",
        "match   1 annotation: its term goes by another id now, taken (MMR)",
        "wire    1 gene: no annotation in the prior: not connected (TP53)",
    ]
    assert arch.unconnected_genes == ("TP53",)
    assert arch.parameters["layering"] == "height"


def test_relations_can_be_chosen(repair, known):
    arch = wire(repair, known, relations=["is_a"])
    assert "excision" not in {node.node.id for node in arch.nodes()}
    assert arch.audit.count("ontology edge", "of the relation part_of") == 1
    with pytest.raises(ReadError) as error:
        wire(repair, known, relations=["is_a", "partof"])
    assert str(error.value) == "The ontology has no relation 'partof'; it has is_a, part_of. Did you mean part_of?"


def test_limits_are_counted_on_the_genes_in_the_list(repair, known):
    arch = wire(repair, known, min_genes=2)
    assert hidden(arch) == {"height 0": ("mismatch", "response"), "height 1": ("repair",), "height 2": ("root",)}
    # Genes of removed terms pass to what is above them.
    assert {("XPA", "response"), ("XPA", "repair")} <= edges(arch)
    assert arch.audit.items("term", "fewer than 2 genes") == ("excision", "incision")
    wider = wire(repair, known, [*GENES, "ERCC1"], min_genes=2)
    assert "excision" in wider.layers[2].ids


def test_a_removed_top_leaves_several_roots_or_one_is_made(repair, known):
    extra = known.union(Annotations.from_mapping({"TP53": ["root"]}))
    arch = wire(repair, extra, max_genes=3)
    assert hidden(arch) == {"height 0": ("incision", "mismatch"), "height 1": ("excision", "response")}
    assert arch.audit.items("gene", "no term it belongs to is left: not connected") == ("TP53",)
    one = wire(repair, extra, max_genes=2, root="one")
    assert (one.layers[-1].ids, one.layers[-1].labels) == (("made root",), ("all terms",))
    assert {(id, "made root") for id in ("excision", "mismatch", "response", "TP53")} <= edges(one)
    assert one.unconnected_genes == ()
    assert wire(repair, known, root="one") == wire(repair, known)


def test_a_term_with_the_genes_of_a_child_is_merged_into_it(repair, known):
    arch = wire(repair, known, redundancy="same genes")
    node = arch.find("excision").node
    assert (node.id, node.names) == ("incision", ("incision", "excision"))
    assert node.attributes["merged"] == {"excision": "excision"}
    # Children of the merged term join its parents.
    assert {("incision", "repair"), ("incision", "response")} <= edges(arch)
    # repair has all genes of root: its one larger child response is not equal, so the root stays.
    assert hidden(arch)["height 2"] == ("root",)
    assert arch.audit.items("term", "the same genes as a child") == ("excision",)


def test_jaccard_and_new_genes(repair, known):
    arch = wire(repair, known, redundancy=0.5)
    # incision ⊂ response 1/2, incision = excision, mismatch ⊂ repair 2/4; the root has two children and stays.
    assert hidden(arch) == {"height 0": ("incision", "mismatch"), "height 1": ("root",)}
    assert arch.find("response").node.id == "incision"
    assert ("ATM", "root") in edges(arch)
    arch = wire(repair, known, min_new_genes=2)
    assert hidden(arch) == {"height 0": ("incision", "mismatch"), "height 1": ("repair",), "height 2": ("root",)}
    assert arch.audit.items("term", "fewer than 2 genes more than a child") == ("excision", "response")


def test_size_before_redundancy_as_dcell_prepares(known):
    """With the small child gone first, its parent is no longer redundant but stays itself."""
    chain = Ontology.from_mapping({"c": ["b"], "b": ["a"], "a": ["root"], "d": ["root"]})
    genes = Annotations.from_mapping({"g1": ["c"], "g2": ["b"], "g3": ["d"]})
    arch = ontology_architecture(["g1", "g2", "g3"], chain, genes, min_genes=2)
    assert hidden(arch) == {"height 0": ("b",), "height 1": ("root",)}
    assert arch.find("a").node.id == "b"


LAYERINGS = {
    "height": {"height 0": ("incision", "mismatch"), "height 1": ("excision", "response"), "height 2": ("repair",)},
    "depth": {"depth 3": ("incision",), "depth 2": ("excision", "mismatch"), "depth 1": ("repair", "response")},
    "level": {"level 2": ("excision", "incision", "mismatch"), "level 1": ("repair", "response")},
    "flat": {"terms": ("excision", "incision", "mismatch", "repair", "response", "root")},
}


@pytest.mark.parametrize("layering", LAYERINGS)
def test_layerings(repair, known, layering):
    arch = wire(repair, known, layering=layering)
    found = hidden(arch)
    if layering != "flat":
        assert list(found.values())[-1] == ("root",)
        del found[next(reversed(found))]
    assert found == LAYERINGS[layering]
    lost = {("incision", "excision")} if layering == "level" else set()
    assert set(arch.audit.items("ontology edge")) == {f"{a} → {b}" for a, b in lost}
    if layering == "flat":
        assert ("XPA", "root") in edges(arch)
        assert ("incision", "excision") not in edges(arch)


def test_strict_windows_as_in_scquery(repair, known):
    deep = known.union(Annotations.from_mapping({"TP53": ["root"]}))
    arch = wire(repair, deep, layering="depth", window=(1, 2), skip_edges="drop")
    # incision, depth 3, passes XPA to excision and response; response reads from no term of depth 2 and goes.
    assert hidden(arch) == {"depth 2": ("excision", "mismatch"), "depth 1": ("repair",)}
    assert edges(arch) == {
        ("XPA", "excision"),
        ("MLH1", "mismatch"),
        ("MSH2", "mismatch"),
        ("excision", "repair"),
        ("mismatch", "repair"),
    }
    assert arch.audit.items("gene edge", "skips a layer") == ("ATM → repair", "ATM → response", "XPA → response")
    assert arch.audit.items("term", "nothing it reads is left") == ("response",)
    assert arch.audit.items("gene", "its terms are not in the lowest layer: not connected") == ("ATM",)
    assert arch.audit.items("gene", "no term it belongs to is left: not connected") == ("TP53",)


def test_dead_ends_go_with_dropped_edges(repair, known):
    arch = wire(repair, known, skip_edges="drop")
    # mismatch (height 0) → repair (height 2) and response (1) → root (3) skip; both lead nowhere else.
    assert arch.audit.items("ontology edge", "skips a layer") == ("mismatch → repair", "response → root")
    assert arch.audit.items("term", "all its edges upwards skip a layer") == ("mismatch", "response")
    assert hidden(arch) == {
        "height 0": ("incision",),
        "height 1": ("excision",),
        "height 2": ("repair",),
        "height 3": ("root",),
    }


def test_passthrough_nodes_carry_what_skips(repair, known):
    kept, carried = wire(repair, known, units=2), wire(repair, known, units=2, skip_edges="passthrough")
    assert all(upper - lower == 1 for lower, upper in carried.connections)
    extra = [p.node for p in carried.nodes() if p.node.kind == "passthrough"]
    assert {(node.id, node.attributes["of"], node.units) for node in extra} == {
        ("passthrough 1: ATM", "ATM", 1),
        ("passthrough 2: ATM", "ATM", 1),
        ("passthrough 2: mismatch", "mismatch", 2),
        ("passthrough 3: response", "response", 2),
    }
    graph = carried.to_networkx()
    for node in extra:
        assert graph.in_degree(node.id) == 1
        before, after = list(graph.predecessors(node.id)), list(graph.successors(node.id))
        graph.remove_node(node.id)
        graph.add_edges_from((a, b) for a in before for b in after)
    assert set(graph.edges) == edges(kept)


TERM_GENES = {"direct": {"XPA", "ATM"}, "specific": {"ATM"}, "all": {"XPA", "ATM"}}


@pytest.mark.parametrize("term_genes", TERM_GENES)
def test_which_genes_a_term_reads_itself(repair, known, term_genes):
    also = known.union(Annotations.from_mapping({"XPA": ["response"]}))
    arch = wire(repair, also, term_genes=term_genes)
    assert {a for a, b in edges(arch) if b == "response" and a in GENES} == TERM_GENES[term_genes]
    assert (("XPA", "root") in edges(arch)) == (term_genes == "all")


def test_genes_without_annotation(repair, known):
    arch = wire(repair, known, unannotated="node", units=3)
    node = arch.layers[-1][-1]
    assert (node.id, node.kind, node.units) == ("unannotated", "unannotated", 3)
    assert {a for a, b in edges(arch) if b == "unannotated"} == {"TP53"}
    assert arch.unconnected_genes == ()
    assert "wire    1 gene: no annotation in the prior: read by the node 'unannotated' (TP53)" in str(arch.audit)
    assert len(wire(repair, known, GENES[:4], unannotated="node").layers[-1]) == 1
    dense = wire(repair, known, unannotated="dense", dense_units=31)
    assert [layer.dense_units for layer in dense.layers] == [0, 0, 0, 0, 31]
    assert "no annotation in the prior: seen by the dense units only (TP53)" in str(dense.audit)


def test_units_by_formula(repair, known):
    by_size = wire(repair, known, units=lambda genes: 10 * genes)
    assert by_size.find("repair").node.units == 40
    assert by_size.parameters["units"].startswith("function ")
    assert wire(repair, known, units="dcell-paper").find("root").node.units == 20
    formula = UnitFormula(1, 0.5, "down")
    assert [wire(repair, known, units=formula).find(id).node.units for id in ("repair", "mismatch")] == [2, 1]
    assert wire(repair, known, units=formula).parameters["units"] == {
        "at_least": 1,
        "per_gene": 0.5,
        "rounding": "down",
    }


def test_a_slim_names_the_terms_that_may_be_nodes(repair, known):
    slim = Ontology.from_mapping({"repair": ["root"], "response": ["root"]})
    arch = wire(repair, known, terms=slim)
    assert hidden(arch) == {"height 0": ("repair", "response"), "height 1": ("root",)}
    assert {a for a, b in edges(arch) if b == "repair"} == {"ATM", "MLH1", "MSH2", "XPA"}
    assert wire(repair, known, terms=iter(["repair", "response", "root"])) == arch
    assert arch.parameters["terms"] == ["repair", "response", "root"]
    with pytest.warns(VNNWarning, match="A slim lacks most terms"):
        wire(slim, known)


def test_obsolete_and_unknown_terms(repair, known):
    also = known.union(Annotations.from_mapping({"TP53": ["old"], "ATM": ["gone", "nowhere"]}))
    arch = wire(repair, also)
    assert ("TP53", "excision") in edges(arch)
    assert str(arch.audit).splitlines()[1:4] == [
        "match   1 annotation: its term is not in the ontology (nowhere)",
        "match   1 annotation: its term is obsolete and nothing replaces it (gone)",
        "match   2 annotations: its term goes by another id now, taken (MMR, old)",
    ]
    arch = wire(repair, also, obsolete="drop")
    assert arch.audit.items("annotation", "its term is obsolete") == ("gone", "old")
    assert arch.unconnected_genes == ("TP53",)


def test_what_is_denied(repair):
    known = Annotations.from_pairs(
        ["XPA", "XPA", "ATM", "MLH1", "MLH1"],
        ["incision", "response", "repair", "MMR", "mismatch"],
        denied=[False, True, False, False, True],
    )
    arch = wire(repair, known)
    # MLH1 is negated under another id of the same term; XPA's response is implied by incision.
    assert "MLH1" in arch.unconnected_genes
    assert ("XPA", "incision") in edges(arch)
    assert arch.audit.count("annotation", "negated (NOT) under another id, removed") == 1
    assert arch.audit.count("annotation", "negated (NOT), but one with a term below implies it, kept") == 1
    strict = wire(repair, known, not_rule="branch")
    assert "XPA" in strict.unconnected_genes
    assert strict.audit.count("annotation", "it or a term above it is negated (NOT), removed") == 2


def test_a_cycle_is_shown_with_the_edge_to_remove(known):
    ontology = Ontology.from_edges(
        ["repair", "mismatch", "whole", "mismatch"],
        ["whole", "repair", "mismatch", "other"],
        relation=["is_a", "is_a", "has_part", "is_a"],
    )
    with pytest.raises(WiringError) as error:
        wire(ontology, known, relations=["is_a", "has_part"])
    assert str(error.value) == (
        "The ontology has a cycle of 3 terms; 3 terms lie in one:\n"
        "    mismatch → repair (is_a)\n"
        "    repair → whole (is_a)\n"
        "    whole → mismatch (has_part)\n"
        'Remove an edge of it: ontology.without_edges([("whole", "mismatch")]), or follow fewer relations: '
        'relations=("is_a", "part_of").'
    )
    mended = ontology.without_edges([("whole", "mismatch")])
    assert wire(mended, Annotations.from_mapping({"MLH1": ["mismatch"]})).layers[-1].ids == ("whole",)
    with pytest.raises(ReadError, match="The ontology has no edge a → b"):
        ontology.without_edges([("a", "b")])


REFUSED = {
    "layering": (
        {"layering": "hight"},
        "layering must be one of height, depth, level, flat; got 'hight'. Did you mean height?",
    ),
    "skip_edges": ({"skip_edges": "skip"}, "skip_edges must be one of keep, passthrough, drop; got 'skip'."),
    "root": ({"root": "two"}, "root must be one; got 'two'."),
    "dense": ({"unannotated": "dense"}, 'unannotated="dense" needs dense units: pass dense_units=… of at least 1.'),
    "window": ({"window": (4, 2)}, "window must be two numbers, the smaller first, got (4, 2)."),
    "redundancy": (
        {"redundancy": 0},
        "redundancy must be one of same genes, none, or a number above 0 and of at most 1; got 0.",
    ),
    "limits": ({"min_genes": 3, "max_genes": 2}, "max_genes=2 is below min_genes=3: no node could be within both."),
    "units": (
        {"units": "dcell"},
        "units must be an integer of at least 1, one of dcell-paper, dcell-code, or a function; got 'dcell'. "
        "Did you mean dcell-code or dcell-paper?",
    ),
    "no unit": (
        {"units": 0},
        "units must be an integer of at least 1, one of dcell-paper, dcell-code, or a function; got 0.",
    ),
    "function": (
        {"units": lambda genes: genes / 2},
        "units gives 0.5 for a term of 1 gene, expected an integer of at least 1.\n"
        "For example: units=lambda n: max(1, n // 3)",
    ),
    "one term": ({"terms": "repair"}, "terms takes several ids, got the single string 'repair'.\nPass ['repair']."),
}


@pytest.mark.parametrize("case", REFUSED)
def test_impossible_options_are_refused(repair, known, case):
    options, message = REFUSED[case]
    with pytest.raises(ConfigError) as error:
        wire(repair, known, **options)
    assert str(error.value) == message


IMPOSSIBLE = {
    "too large": (
        {"min_genes": 9},
        "No term is left.\n    6 terms: fewer than 9 genes in the list (excision, incision, mismatch and 3 more)\n"
        "The largest term has 4 genes of the list; the limits are min_genes=9.\n"
        "Set limits that fit these sizes, or give more genes.",
    ),
    "no such depth": ({"layering": "depth", "window": (7, 9)}, "No term has a depth from 7 to 9; the largest is 3."),
    "no such term": ({"terms": ["a", "b"]}, "None of the 2 terms asked for is in the ontology: a, b."),
    "a gene's name": (
        {"genes": [*GENES, "repair"]},
        "1 of 6 terms have the name of a gene: repair.\n"
        "Rename the terms, for example with a prefix, in the ontology and in the annotations.",
    ),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_what_cannot_be_wired_says_why(repair, known, case):
    options, message = IMPOSSIBLE[case]
    with pytest.raises(WiringError) as error:
        wire(repair, known, **options)
    assert str(error.value) == message


def test_tables_that_do_not_fit(repair, known):
    with pytest.raises(GeneError, match=r"0 of 5 genes match the annotation table; 4 match ignoring case"):
        wire(repair, known, [gene.lower() for gene in GENES])
    with pytest.raises(WiringError) as error:
        wire(Ontology.from_mapping({"GO:2": ["GO:1"]}), known)
    assert str(error.value) == (
        "None of the 5 annotations of the listed genes is with a term of the selected ontology; their terms look like "
        "MMR, incision, mismatch and 2 more.\n"
        "Do both files speak of the same ontology, and is the namespace the right one?"
    )
    with pytest.raises(
        ReadError, match=r"The ontology has no namespace 'proces'; it has process\. Did you mean process\?"
    ):
        wire(repair, known, namespace="proces")


def test_a_prepared_hierarchy_is_wired_as_it_is(repair, known):
    arch = hierarchy_architecture(None, repair, known)
    assert arch.genes == known.genes
    assert arch == ontology_architecture(known.genes, repair, known, min_genes=1, redundancy=None)


def test_gene_sets_as_annotations_of_their_own_hierarchy():
    sets = GeneSets.from_mapping({"Apoptosis": ["TP53", "BAX"]}, descriptions={"Apoptosis": "R-HSA-1"})
    arch = hierarchy_architecture(
        None, Ontology.from_mapping({"R-HSA-1": ["R-HSA-0"]}), sets.to_annotations(sets.descriptions)
    )
    assert arch.layers[1].labels == ("Apoptosis",)


def test_saved_and_loaded(repair, known, tmp_path):
    arch = wire(repair, known, unannotated="node", units="dcell-code", skip_edges="passthrough")
    arch.save(tmp_path / "arch.vnn")
    loaded = load_architecture(tmp_path / "arch.vnn")
    assert loaded == arch
    assert dict(loaded.parameters) == dict(arch.parameters)
    assert np.array_equal(loaded.layers[1].units, arch.layers[1].units)


SEEDED = """
from keras_vnn.priors import Annotations, Ontology
from keras_vnn.architecture.wiring import ontology_architecture
terms = [f"T{i}" for i in range(40)]
ontology = Ontology.from_mapping({t: {terms[i // 2], terms[i // 3]} - {t} for i, t in enumerate(terms)})
genes = [f"g{i}" for i in range(90)]
known = Annotations.from_mapping({g: {terms[i % 40], terms[7 * i % 40]} for i, g in enumerate(genes)})
arch = ontology_architecture(genes, ontology, known, min_genes=2, redundancy=0.9, min_new_genes=1, root="one")
print(arch.fingerprint, arch.audit)
"""


@pytest.mark.slow
def test_the_same_under_any_hash_seed():
    texts = [
        subprocess.run(
            [sys.executable, "-c", SEEDED], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert texts[0] == texts[1]
    assert len(texts[0]) > 64
