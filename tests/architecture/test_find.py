import pytest

from keras_vnn.basics.errors import ArchitectureError


@pytest.mark.parametrize(
    ("query", "id"),
    [
        ("GO:0006281", "GO:0006281"),
        ("DNA repair", "GO:0006281"),
        ("dna REPAIR", "GO:0006281"),
        ("repair", "GO:0006281"),
        (" Immune ", "GO:0006955"),
        ("6955", "GO:0006955"),
        ("PPI:JAK1", "PPI:STAT1"),  # a merged name
        ("STAT1", "STAT1"),  # an exact id wins over parts of others
        ("tp53", "TP53"),  # whole names win over parts
        ("TP53 and", "PPI:TP53"),
        ("targets", "TF:STAT1"),
        ("jak", "PPI:STAT1"),  # hidden nodes come before genes
        ("atm", "ATM"),
        ("mdm", "MDM2"),
    ],
)
def test_found(arch, query, id):
    position = arch.find(query)
    assert position.node.id == id
    assert arch.layers[position.layer][position.position] is position.node


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "partners",
            "2 nodes answer to 'partners':\n"
            "    PPI:STAT1   STAT1 and partners (interaction, layer 1)\n"
            "    PPI:TP53   TP53 and partners (interaction, layer 1)\n"
            "Name one by its id.",
        ),
        (
            "DNA repiar",
            "No node is called 'DNA repiar', among 5 hidden nodes and 5 genes. Did you mean DNA repair?\n"
            "List them all: arch.node_table()",
        ),
        (
            "MDM22",
            "No node is called 'MDM22', among 5 hidden nodes and 5 genes. Did you mean MDM2?\n"
            "List them all: arch.node_table()",
        ),
        (
            "qqq",
            "No node is called 'qqq', among 5 hidden nodes and 5 genes.\nList them all: arch.node_table()",
        ),
        (
            "",
            "No node is called '', among 5 hidden nodes and 5 genes.\nList them all: arch.node_table()",
        ),
    ],
)
def test_not_found(arch, query, message):
    with pytest.raises(ArchitectureError) as caught:
        arch.find(query)
    assert str(caught.value) == message


def test_only_the_first_of_many_candidates_are_listed(arch):
    with pytest.raises(ArchitectureError) as caught:
        arch.find(":")
    assert str(caught.value).splitlines()[0] == "5 nodes answer to ':':"
    assert len(str(caught.value).splitlines()) == 7
