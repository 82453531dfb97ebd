import copy
import pickle

import pytest

from keras_vnn.architecture import Layer, Node
from keras_vnn.basics.errors import ArchitectureError


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"id": ""}, "A node has an empty id; expected a unique name."),
        (
            {"id": "X", "kind": "neuron"},
            "Node X: kind must be one of feature, gene, interaction, regulator, term, gene set, unannotated, "
            "passthrough; got 'neuron'.",
        ),
        ({"id": "X", "units": 0}, "Node X: units must be at least 1, got 0."),
    ],
)
def test_impossible_nodes(fields, message):
    with pytest.raises(ArchitectureError) as caught:
        Node(**fields)
    assert str(caught.value) == message


def test_label_defaults_to_the_id():
    assert Node("GO:1").label == "GO:1"


def test_attributes_are_a_locked_copy():
    given = {"hub": "TP53"}
    node = Node("X", attributes=given)
    given["hub"] = "ATM"
    assert node.attributes["hub"] == "TP53"
    with pytest.raises(TypeError):
        node.attributes["hub"] = "ATM"


def test_nodes_and_layers_hash_compare_and_copy():
    node = Node("X", attributes={"hub": "TP53"})
    layer = Layer("terms", (node, Node("Y", units=2)), 3)
    assert layer.positions == {"X": 0, "Y": 1}
    for value in (node, layer):
        for twin in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
            assert twin == value
            assert hash(twin) == hash(value)
    assert Node("X", attributes={"hub": "ATM"}) != node


def test_a_layer_is_a_sequence_of_its_nodes():
    layer = Layer("terms", (Node("X", "x"), Node("Y", "y", units=2)), dense_units=4)
    assert [node.id for node in layer] == ["X", "Y"]
    assert layer[1].id == "Y" and [node.id for node in layer[:1]] == ["X"]
    assert (layer.ids, layer.labels, layer.units.tolist(), layer.width) == (("X", "Y"), ("x", "y"), [1, 2], 7)
    with pytest.raises(ValueError, match="read-only"):
        layer.units[0] = 9


def test_unit_table_numbers_units_within_their_node():
    names, numbers = Layer("terms", (Node("X", units=2), Node("Y"), Node("Z", units=3))).unit_table()
    assert list(zip(names, numbers.tolist(), strict=True)) == [
        ("X", 0), ("X", 1), ("Y", 0), ("Z", 0), ("Z", 1), ("Z", 2),
    ]  # fmt: skip


def test_half_a_character_is_refused():
    with pytest.raises(ArchitectureError) as error:
        Node("A\ud800")
    assert str(error.value) == (
        "Node 'A\\ud800': 'A\\ud800' holds half a character (a lone surrogate) and cannot be written to a file.\n"
        "Was it read with the wrong encoding? Read it again as UTF-8."
    )
    with pytest.raises(ArchitectureError):
        Node("A", label="\udfff")
    assert Node("Ä𝔸").label == "Ä𝔸"
