import numpy as np
import pytest

from keras_vnn.architecture.wiring import gene_set_architecture
from keras_vnn.basics.errors import ConfigError, WiringError
from keras_vnn.basics.provenance import Source

SETS = {
    "signalling": ["JAK1", "STAT1", "JAK1", "TYK2"],
    "damage": ["TP53", "MDM2"],
    "p53": ["MDM2", "TP53", "ATM"],
    "lone": ["JAK1"],
}
GENES = ["JAK1", "STAT1", "TP53", "MDM2", "CD4"]


def test_a_node_per_set():
    arch = gene_set_architecture(GENES, SETS, dense_units=2, units=3, sources=[Source("sets.gmt", "GMT")])
    assert [(node.id, node.label, node.kind, node.units, node.names) for node in arch.layers[1]] == [
        ("damage", "damage", "gene set", 3, ("damage", "p53")),
        ("signalling", "signalling", "gene set", 3, ()),
    ]
    np.testing.assert_array_equal(arch.adjacency(0, 1).toarray().T, [[0, 0, 1, 1, 0], [1, 1, 0, 0, 0]])
    assert (arch.layers[1].name, arch.layers[1].dense_units) == ("gene sets", 2)
    assert [source.name for source in arch.sources] == ["sets.gmt"]
    assert str(arch.audit).splitlines() == [
        "match   2 members: not in the gene list (ATM, TYK2)",
        "wire    1 gene set: fewer than 2 genes in the list (lone)",
        "wire    1 node: same genes as another node, merged into it (its names keep all ids) (p53)",
        "wire    1 gene: in no gene set: not connected (CD4)",
    ]
    assert arch.parameters == {
        "wiring": "gene_set_architecture",
        "min_genes": 2,
        "max_genes": None,
        "dense_units": 2,
        "units": 3,
        "redundancy": "same genes",
        "kind": "gene set",
    }


def test_sets_of_the_same_genes_stay_apart_when_asked_to():
    sets = {"one": ["TP53", "MDM2"], "same": ["MDM2", "TP53"], "other": ["TP53", "STAT1"]}
    assert gene_set_architecture(GENES, sets).layers[1].ids == ("one", "other")
    apart = gene_set_architecture(GENES, sets, redundancy="none")
    assert apart.layers[1].ids == ("one", "other", "same")
    assert apart.adjacency(0, 1).nnz == 6
    assert "merged" not in str(apart.audit)


def test_order_of_sets_and_genes_in_them_does_not_matter():
    shuffled = {name: SETS[name][::-1] for name in reversed(SETS)}
    assert gene_set_architecture(GENES, SETS) == gene_set_architecture(GENES, shuffled)


def test_another_kind():
    arch = gene_set_architecture(GENES, SETS, kind="term", max_genes=2)
    assert {node.kind for node in arch.layers[1]} == {"term"}
    assert arch.layers[1].name == "terms"


def test_unknown_kind():
    with pytest.raises(ConfigError) as caught:
        gene_set_architecture(GENES, SETS, kind="geneset")
    assert str(caught.value) == (
        "kind must be one of feature, gene, interaction, regulator, term, gene set, unannotated, passthrough; "
        "got 'geneset'. Did you mean gene set or gene?"
    )


def test_no_set():
    with pytest.raises(WiringError) as caught:
        gene_set_architecture(GENES, {})
    assert str(caught.value) == "The collection of gene sets is empty: there is nothing to wire."


def test_a_set_named_like_a_gene():
    with pytest.raises(WiringError) as caught:
        gene_set_architecture(GENES, {**SETS, "TP53": ["MDM2", "TP53"]})
    assert str(caught.value) == (
        "1 of 5 gene sets have the name of a gene: TP53.\n"
        'If they are regulators and their targets, read the file by vnn.read.regulation with format="gmt".\n'
        'Give the sets other names, for example: {f"SET:{name}": genes for name, genes in sets.items()}'
    )


def test_limits():
    with pytest.raises(WiringError) as caught:
        gene_set_architecture(GENES, {"lone": ["JAK1"]}, min_genes=2)
    assert str(caught.value) == (
        "No hidden node is left within the size limits.\n"
        "1 gene set of 1 to 1 genes; expected min_genes=2.\n"
        "Set limits that fit these sizes."
    )
