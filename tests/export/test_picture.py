"""The picture of the layers: what is on it, and that its files are the same every time."""

import xml.etree.ElementTree as ET

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import PathCollection

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import ConfigError
from keras_vnn.export import draw_layers, export_summary, picture_bytes
from keras_vnn.models import edge_weights


def texts(axes):
    return [text.get_text() for text in axes.texts]


def curves(axes):
    """Return the collection of coloured edges: the last that was added."""
    return [part for part in axes.collections if isinstance(part, PathCollection)][-1]


def test_small_networks_are_shown_whole(model):
    shown = texts(draw_layers(model))
    assert {"genes", "A", "B", "NA", "sets", "2 nodes", "DNA repair", "themes", "1 node", "theme", "classes"} <= set(
        shown
    )
    assert {"control", "T", "+ 2 dense units", "and 1 more"} <= set(shown)  # gene D feeds nothing


def test_signs_are_colours(model):
    axes = draw_layers(model)
    weights = edge_weights(model, dense=True)
    pairs = weights[weights["source"].notna() & ~weights["block"].str.endswith("_dense")]
    pairs = pairs[pairs["source"].isin(["A", "B", "NA", "S1", "S2", "T"])]
    means = pairs.groupby(["block", "source", "target"])["weight"].mean()
    red, _, blue, _ = curves(axes).get_edgecolors().T
    assert (red > blue).sum() == (means > 0).sum()
    assert (red < blue).sum() == (means <= 0).sum()


def test_the_most_important_nodes_come_first(model, ranking):
    shown = texts(draw_layers(model, ranking=ranking, top=1))
    of_first_layer = ranking[ranking["layer"] == 1]
    label = {"S1": "DNA repair"}.get(of_first_layer.index[0])
    assert (label in shown) if label else ("DNA repair" not in shown)
    assert "and 1 more" in shown


def big(genes=2500, nodes=2000):
    random = np.random.default_rng(0)
    layers = (
        Layer("genes", tuple(Node(f"GENE{i}", kind="gene") for i in range(genes))),
        Layer(
            "interactions", tuple(Node(f"PPI:{i}", f"protein {i} and partners", "interaction") for i in range(nodes))
        ),
    )
    return Architecture(layers, {(0, 1): random.random((genes, nodes)) < 0.004})


def test_of_thousands_the_first_few_are_shown():
    arch = big()
    axes = draw_layers(arch)
    shown = texts(axes)
    assert "and 1,988 more" in shown and "and 2,482 more" in shown
    inputs = arch.node_table().query("layer == 1")["inputs"].sort_values(ascending=False, kind="stable")
    assert arch.find(inputs.index[0]).node.label in shown
    assert len(curves(axes).get_paths()) < 400
    width, height = axes.figure.get_size_inches()
    assert width < 8 and height < 9


def test_files_are_the_same_every_time(model, tmp_path):
    for name in ("a.svg", "b.svg", "a.png", "b.png", "a.pdf", "b.pdf"):
        export_summary(model, path=tmp_path / name)
    for end in ("svg", "png", "pdf"):
        assert (tmp_path / f"a.{end}").read_bytes() == (tmp_path / f"b.{end}").read_bytes()
    root = ET.fromstring((tmp_path / "a.svg").read_bytes())
    words = {node.text for node in root.iter("{http://www.w3.org/2000/svg}text")}
    assert "DNA repair" in words
    assert any(word and word.startswith(r'a,"b"\x0a<img src') for word in words)


def test_no_global_state_of_matplotlib_is_touched(model):
    before = dict(matplotlib.rcParams)
    picture_bytes(draw_layers(model), "svg")
    assert dict(matplotlib.rcParams) == before


def test_axes_of_the_user(arch):
    from matplotlib.figure import Figure

    own = Figure(figsize=(4, 3)).add_subplot()
    assert draw_layers(arch, ax=own) is own and own.figure.get_size_inches().tolist() == [4, 3]


def test_top_must_be_positive(arch):
    with pytest.raises(ConfigError) as error:
        draw_layers(arch, top=0)
    assert str(error.value) == "top must be at least 1, got 0."


def test_labels_that_repeat_are_told_apart():
    layers = (Layer("genes", (Node("g", kind="gene"),)), Layer("sets", (Node("a", "same"), Node("b", "same"))))
    shown = texts(draw_layers(Architecture(layers, {(0, 1): np.ones((1, 2))})))
    assert {"same (a)", "same (b)"} <= set(shown)


def test_a_tail_is_drawn_as_one_box(with_tail):
    axes = draw_layers(with_tail)
    assert "3 dense units" in texts(axes) and "tail" in texts(axes)
