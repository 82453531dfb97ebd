"""`inspect_node`: the page, the tables, the JSON, and what a model remembers."""

import json

import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import ArchitectureError, ConfigError, ModelError
from keras_vnn.data import Classes
from keras_vnn.inspection import inspect_node, node_activities, rank_nodes, remember_inspection
from keras_vnn.models import Embedding, Regression, edge_weights, load_model, save_model, set_edge_weights, view


def weights_of(model, **where):
    table = edge_weights(model, dense=True)
    for column, value in where.items():
        table = table[table[column] == value]
    return table


def test_inputs_and_outputs_are_the_named_weights(linear):
    found = inspect_node(linear, "cell cycle")
    assert found.node.id == "cycle" and (found.layer, found.layers, found.genes) == (2, 2, 4)
    own = weights_of(linear, target="cycle")
    own = own[own["source"].notna()]
    assert len(found.inputs) == len(own) == 2 * (2 + 1 + 1)
    merged = found.inputs.merge(
        own, left_on=["source", "source_unit", "unit"], right_on=["source", "source_unit", "target_unit"]
    )
    assert len(merged) == 8 and (merged["weight_x"] == merged["weight_y"]).all()
    assert set(found.inputs["source"]) == {"SET:repair", "SET:growth", "E"}
    assert found.inputs["weight"].abs().is_monotonic_decreasing
    head = weights_of(linear, source="cycle")
    merged = found.outputs.merge(head, left_on=["target", "unit"], right_on=["target", "source_unit"])
    assert len(found.outputs) == len(merged) == 6 and (merged["weight_x"] == merged["weight_y"]).all()
    assert set(found.outputs["kind"]) == {"class"}
    bias = weights_of(linear, target="cycle", block="layer_2")
    assert found.bias == tuple(bias[bias["source"].isna()]["weight"])


def test_a_node_that_feeds_nodes(linear):
    found = inspect_node(linear, "SET:growth")
    assert found.outputs["target"].value_counts().to_dict() == {"cycle": 2, "stress": 1}
    assert found.outputs["kind"].unique().tolist() == ["term"]


def test_a_node_that_feeds_the_tail(model):
    found = inspect_node(model, "stress")
    expected = weights_of(model, source="stress").set_index("target_unit")["weight"]
    assert found.outputs.set_index("target_unit")["weight"].sort_index().to_dict() == expected.sort_index().to_dict()
    assert found.outputs["kind"].unique().tolist() == ["tail"]


def test_a_gene_and_its_namesakes(model, values, labels):
    found = inspect_node(model, "A", values, labels)
    assert found.layer == 0 and found.inputs.empty and found.bias == () and found.importance is None
    assert sorted(found.outputs["target"].unique()) == ["SET:repair", "TF:A"]
    assert found.dense_targets == 5
    assert [p.node.id for p in found.namesakes] == ["TF:A"]
    assert [p.node.id for p in inspect_node(model, "TF:A").namesakes] == ["A"]
    assert found.activity["mean"].to_list() == pytest.approx([values[labels == n, 0].mean() for n in ("T", "B", "NK")])


def test_activity_and_importance_are_those_of_the_other_functions(model, frame, labels):
    found = inspect_node(model, "cycle", frame, labels)
    activities = node_activities(model, frame)
    for row in found.activity.itertuples():
        of_class = activities[labels == row[1], activities.var["node"] == "cycle"].X[:, row.unit]
        assert (row.mean, row.sd, row.cells) == (
            pytest.approx(of_class.mean() * (-1 if row.unit in found.turned else 1), abs=1e-6),
            pytest.approx(of_class.std(ddof=1), rel=1e-4),
            len(of_class),
        )
    ranked = rank_nodes(model, frame, labels, by="knockout").loc["cycle"]
    assert (found.importance.score, found.importance.rank) == (ranked["importance"], ranked["rank"])
    assert found.importance.of == 2
    assert found.importance.effects == {name: ranked[f"effect_{name}"] for name in ("T", "B", "NK")}


@pytest.fixture
def plain():
    """Two genes, two nodes, two classes, all weights chosen."""
    import keras_vnn.models

    layers = (
        Layer("genes", (Node("STAT1", kind="gene"), Node("ATM", kind="gene"))),
        Layer(
            "interactions",
            (Node("PPI:STAT1", "STAT1 and partners", "interaction"), Node("TF:X", "X targets", "regulator")),
        ),
    )
    arch = Architecture(layers, {(0, 1): np.array([[1, 0], [1, 1]])})
    model = keras_vnn.models.build_model(arch, Classes(("rest", "virus")))
    set_edge_weights(
        model,
        pd.DataFrame(
            [
                ("layer_1", "STAT1", "PPI:STAT1", 0.5),
                ("layer_1", "ATM", "PPI:STAT1", -1.0),
                ("layer_1", None, "PPI:STAT1", 0.25),
                ("head", "PPI:STAT1", "virus", 2.0),
                ("head", "PPI:STAT1", "rest", -0.5),
            ],
            columns=["block", "source", "target", "weight"],
        ),
        partial=True,
    )
    return model


def test_the_page(plain):
    data = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 1.0], [2.0, 1.0]], np.float32)
    page = str(inspect_node(plain, "partners", data, ["rest", "virus", "rest", "virus"]))
    top, _, rest = page.partition("\nimportance")
    assert top == (
        "STAT1 and partners   PPI:STAT1\n"
        "interaction · layer 1 of 1 · 1 unit · 2 genes upstream · bias +0.250\n"
        "see also STAT1 (gene)\n\n"
        "evidence    0.00, false discovery rate 1, place 2 of 2: no more than such genes show anyway\n"
        "its genes   are higher in no class\n"
        "learned     z 0.00 in cells of the other half\n"
    )
    activity = np.tanh(data @ [0.5, -1.0] + 0.25)
    low, high = activity[[0, 2]], activity[[1, 3]]
    d = (high.mean() - low.mean()) / np.sqrt((low.var() * 2 + high.var() * 2) / 2)
    line = next(line for line in rest.splitlines() if line.startswith("virus"))
    assert line.split() == ["virus", f"{high.mean():+.3f}", f"{high.std(ddof=1):.3f}", "2", f"{d:+.2f}"]
    assert "Reads\ngene    weight\n" in rest
    assert "ATM     -1.000   −−−−−−−−−−−−\n" in rest and "STAT1   +0.500   ++++++\n" in rest
    assert rest.endswith("virus   +2.000   ++++++++++++\nrest    -0.500   −−−")


def test_without_data_the_page_says_what_to_do(plain):
    page = str(inspect_node(plain, "STAT1"))
    assert page.startswith("STAT1\ngene · input\nsee also PPI:STAT1 (interaction)\n")
    assert page.endswith("For activity and importance, pass data: vnn.tl.inspect_node(model, node, data, labels)")


def test_top_limits_the_page_not_the_tables(linear):
    found = inspect_node(linear, "cycle", top=3)
    assert len(found.inputs) == 8
    assert "Reads   3 of 8 weights, largest first" in str(found)


def test_json_is_json(model, values):
    found = inspect_node(model, "cycle", values[:2], ["T", "B"])
    read = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert read["id"] == "cycle" and read["importance"]["effects"]["NK"] is None
    assert [row["mean"] for row in read["activity"] if row["class"] == "NK"] == [None, None]
    assert read["inputs"][0]["weight"] == pytest.approx(found.inputs["weight"][0])
    assert json.loads(json.dumps(inspect_node(model, "A").to_json()))["activity"] is None


def test_names_are_not_read_as_markup():
    from keras_vnn.models import build_model

    hostile = Node("[bold]x[/bold]\x1b[31m", "[red]" + "label\n", "gene set")
    arch = Architecture(
        (Layer("genes", (Node("[link=x]g", kind="gene"), Node("h", kind="gene"))), Layer("sets", (hostile,))),
        {(0, 1): np.ones((2, 1))},
    )
    page = str(inspect_node(build_model(arch, 2), hostile.id))
    assert page.startswith("[red]label\\x0a   [bold]x[/bold]\\x1b[31m\n")
    assert "[link=x]g" in page and "\x1b" not in page


@pytest.mark.parametrize("outputs", [Embedding(), Regression(("a", "b"))])
def test_models_without_classes(arch, make, values, labels, outputs):
    model = make(arch, outputs)
    targets = None if isinstance(outputs, Embedding) else values[:, :2]
    found = inspect_node(model, "stress", values, targets)
    assert found.activity["class"].tolist() == ["all cells"] and found.activity["cells"].tolist() == [31]
    assert (found.importance is None) == isinstance(outputs, Embedding)
    if isinstance(outputs, Embedding):
        assert found.outputs.empty and "Feeds nothing" in str(found)
        assert inspect_node(model, "stress", values, labels).activity["class"].tolist() == ["B", "NK", "T"]
    else:
        assert found.outputs["kind"].unique().tolist() == ["number"]


def test_a_model_remembers_across_its_file(arch, make, frame, labels, tmp_path):
    model = make(arch, Classes(("T", "B", "NK")), tail=(4,))
    with pytest.raises(ModelError) as error:
        rank_nodes(model)
    assert str(error.value) == (
        "The model remembers nothing of its nodes, or was trained further since.\n"
        "Pass data: vnn.tl.rank_nodes(model, data, labels); or vnn.tl.remember_inspection(model, data, labels) first."
    )
    measured = rank_nodes(model, frame, labels, by="knockout")
    table = rank_nodes(model, frame, labels, replicate="cells")
    page = str(inspect_node(model, "cycle", frame, labels))
    remember_inspection(model, frame, labels)
    save_model(model, tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    pd.testing.assert_frame_equal(rank_nodes(again, by="knockout"), measured, rtol=1e-6)
    pd.testing.assert_frame_equal(rank_nodes(again), table, rtol=1e-5)
    assert rank_nodes(again).attrs == table.attrs
    assert str(inspect_node(again, "cycle")) == page
    assert inspect_node(again, "A").activity["mean"].notna().all()
    with pytest.raises(ModelError) as error:
        rank_nodes(again, by="gradient")
    assert str(error.value) == (
        "The model remembers importance by knockout, not by gradient.\n"
        "Pass data to measure it: vnn.tl.rank_nodes(model, data, labels, by='gradient')"
    )
    layer = view(again).head
    layer.bias.assign(np.array(layer.bias) + 1)
    with pytest.raises(ModelError, match="was trained further since"):
        rank_nodes(again)
    assert inspect_node(again, "cycle").activity is None


def test_errors_say_what_is_wrong(model):
    with pytest.raises(
        ArchitectureError, match=r"^No node is called 'cycel', among 5 hidden nodes and 5 genes. Did you mean"
    ):
        inspect_node(model, "cycel")
    with pytest.raises(ArchitectureError, match=r"^2 nodes answer to 'SET':"):
        inspect_node(model, "SET")
    with pytest.raises(ConfigError) as error:
        inspect_node(model, "cycle", top=0)
    assert str(error.value) == "top must be at least 1, got 0."


def test_weights_turn_with_their_units(model, frame, labels):
    found, plain = inspect_node(model, "cycle", frame, labels), inspect_node(model, "cycle")
    signs = node_activities(model, frame).var.set_index(["node", "unit"])["orientation"]
    assert {unit for unit in (0, 1) if signs["cycle", unit] < 0} == set(found.turned) and plain.turned == ()
    keys = ["source", "source_unit", "unit"]
    raw = plain.inputs.set_index(keys)["weight"]
    for (source, source_unit, unit), weight in found.inputs.set_index(keys)["weight"].items():
        assert weight == raw[source, source_unit, unit] * signs["cycle", unit] * signs.get((source, source_unit), 1)
    assert found.bias == tuple(value * signs["cycle", unit] for unit, value in enumerate(plain.bias))


def test_the_page_of_a_node_begins_with_its_evidence(model, frame, labels):
    found = inspect_node(model, "cycle", frame, labels)
    row = rank_nodes(model, frame, labels, replicate="cells").loc["cycle"]
    for name in ("evidence", "q", "d", "higher_in", "learned"):
        assert found.evidence[name] == row[name]
    assert found.evidence["low"] < row["d"] < found.evidence["high"] and found.evidence["of"] == 5
    page = str(found)
    assert page.index("evidence") < page.index("importance") < page.index("Activity by class")
    assert inspect_node(model, "A", frame, labels).evidence is None and inspect_node(model, "cycle").evidence is None
    assert found.to_json()["evidence"]["place"] == found.evidence["place"]
