"""Several families of priors in one network: each keeps its nodes, its edges and what is upstream of its nodes."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from keras_vnn.architecture import Architecture, Layer, Node, load_architecture
from keras_vnn.architecture.wiring import (
    gene_set_architecture,
    interaction_architecture,
    join_architectures,
    ontology_architecture,
)
from keras_vnn.basics.errors import WiringError
from keras_vnn.priors import Annotations, Ontology

GENES = ["STAT1", "JAK1", "JAK2", "TP53", "MDM2"]


def upstream(arch):
    """Return the genes above every hidden node, by networkx."""
    graph = arch.to_networkx()
    hidden = [node.id for layer in arch.hidden_layers for node in layer]
    return {id: {gene for gene in nx.ancestors(graph, id) if gene in set(arch.genes)} for id in hidden}


@pytest.fixture
def families(ppi, tf):
    """Interactions and regulators; a hierarchy of three layers in which an edge skips one; gene sets."""
    ontology = Ontology.from_mapping({"a": ["b"], "b": ["root"], "c": ["root"]})
    known = Annotations.from_mapping({"STAT1": ["a"], "JAK1": ["a", "c"], "JAK2": ["b"], "TP53": ["c"], "ATM": ["c"]})
    return (
        interaction_architecture(GENES, ppi, tf, dense_units=2),
        ontology_architecture(GENES, ontology, known, min_genes=1, units=3, dense_units=4),
        gene_set_architecture(GENES, {"damage": ["TP53", "MDM2"], "growth": ["JAK1", "ATM"]}),
    )


def test_every_node_has_the_genes_upstream_that_it_has_in_its_own_architecture(families):
    joined = join_architectures(*families)
    assert upstream(joined) == {id: genes for one in families for id, genes in upstream(one).items()}
    assert joined.edge_count == sum(one.edge_count for one in families)
    assert (1, 3) in joined.connections, "the edge from c to the root still skips a layer"
    assert [len(layer) for layer in joined.layers] == [5, len(families[0].layers[1]) + 2 + 1, 1, 1]
    assert [layer.dense_units for layer in joined.layers] == [0, 2, 0, 4]
    assert joined.layers[1].name == "interactions and regulators and height 0 and gene sets"
    assert dict(joined.node_table()["units"]) == {
        id: units for one in families for id, units in one.node_table()["units"].items()
    }


def test_the_genes_of_every_family_are_audited_and_nothing_else_is_said_twice(families):
    joined = join_architectures(*families)
    lines = [str(entry) for entry in joined.audit]
    assert "1 gene: for terms, no annotation in the prior: not connected (MDM2)" not in lines, "dense units see it"
    assert "1 gene: for terms, no annotation in the prior: seen by the dense units only (MDM2)" in lines
    assert "2 genes: for gene sets, in no gene set: not connected (JAK2, STAT1)" in lines
    assert "1 gene set: for gene sets, fewer than 2 genes in the list (growth)" in lines
    assert len(joined.audit) == sum(len(one.audit) for one in families)
    repeated = join_architectures(families[0], _renamed(families[0]))
    assert repeated.audit == families[0].audit, "what all of them say is said once, as it was"


def _renamed(arch):
    layers = [Layer(x.name, tuple(Node(f"{n.id}'", kind=n.kind) for n in x)) for x in arch.hidden_layers]
    return Architecture((arch.layers[0], *layers), arch.connections, audit=arch.audit)


def test_it_is_saved_and_says_what_it_was_made_of(families, tmp_path):
    joined = join_architectures(*families)
    joined.save(tmp_path / "joined.vnn")
    loaded = load_architecture(tmp_path / "joined.vnn")
    assert loaded == joined
    assert loaded.audit == joined.audit
    assert [part["wiring"] for part in loaded.parameters["parts"]] == [
        "interaction_architecture", "ontology_architecture", "gene_set_architecture",
    ]  # fmt: skip
    assert join_architectures(families[0]) is families[0]


def test_what_cannot_be_joined_is_refused(families):
    ppi, _, sets = families
    with pytest.raises(WiringError, match=r"^There is nothing to join: no architecture was given\."):
        join_architectures()
    with pytest.raises(WiringError, match=r"^Expected Architecture, got list\."):
        join_architectures(ppi, ["growth"])
    other = gene_set_architecture([*GENES, "ATM"], {"growth": ["JAK1", "ATM"]})
    with pytest.raises(
        WiringError,
        match=r"^Architectures of different genes cannot be joined: 1 gene is in one of them only: ATM\.\n",
    ):
        join_architectures(ppi, other)
    turned = gene_set_architecture(GENES[::-1], {"damage": ["TP53", "MDM2"]})
    with pytest.raises(WiringError, match="cannot be joined: they are in different orders"):
        join_architectures(ppi, turned)
    with pytest.raises(
        WiringError, match=r"^1 of 1 node have the id of a node of another family: damage\.\nGive those"
    ):
        join_architectures(sets, sets)


@given(st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=4), min_size=1, max_size=4), st.integers(0, 1000))
def test_any_layers_stand_side_by_side(sizes, seed):
    """Adjacency between the layers is the block matrix of the parts, built here entry by entry."""
    rng = np.random.default_rng(seed)
    genes = Layer("genes", tuple(Node(f"g{i}", kind="gene") for i in range(3)))
    parts = []
    for number, widths in enumerate(sizes):
        layers = [
            genes,
            *(Layer("x", tuple(Node(f"{number}.{n}.{i}") for i in range(w))) for n, w in enumerate(widths)),
        ]
        connections = {
            (a, b): sparse.csr_array(rng.random((len(layers[a]), len(layers[b]))) < 0.5)
            for a, b in combinations(range(len(layers)), 2)
        }
        parts.append(Architecture(tuple(layers), connections))
    joined = join_architectures(*parts)
    assert set(map(tuple, joined.edge_table()[["source", "target"]].to_numpy())) == {
        pair for part in parts for pair in map(tuple, part.edge_table()[["source", "target"]].to_numpy())
    }
    assert len(joined.layers) == 1 + max(map(len, sizes))
