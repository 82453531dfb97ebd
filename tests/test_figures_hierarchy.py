"""Sunburst, the picture of deep networks, and the comparison: what is on the axes."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import Wedge

from keras_vnn import pl
from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import ArchitectureError, ConfigError, DataError
from keras_vnn.experiments.comparison import Comparison
from keras_vnn.export import draw_layers


@pytest.fixture
def tree():
    """Six genes; A of four and B of two below the root; A1 of three below A and, larger, below the root too."""
    layers = (
        Layer("genes", tuple(Node(f"g{i}", kind="gene") for i in range(6))),
        Layer("height 0", (Node("A1", "a first"), Node("B"))),
        Layer("height 1", (Node("A"),)),
        Layer("height 2", (Node("R", "root"),)),
    )
    return Architecture(
        layers,
        {
            (0, 1): np.array([[1, 0], [1, 0], [1, 0], [0, 0], [0, 1], [0, 1]]),
            (0, 2): np.array([[0], [0], [0], [1], [0], [0]]),
            (1, 2): np.array([[1], [0]]),
            (1, 3): np.array([[1], [1]]),
            (2, 3): np.array([[1]]),
        },
    )


def wedges(axes):
    return [patch for patch in axes.patches if isinstance(patch, Wedge)]


def spans(axes):
    return [(round(w.r, 3), round(w.theta2 - w.theta1, 6)) for w in wedges(axes)]


def test_rings_are_as_wide_as_genes(tree):
    # 6 genes: A has 4, B has 2, A1 has 3 of A's 4 and stands below A, which has fewer genes than the root.
    assert spans(pl.sunburst(tree)) == [(0.8, 360.0), (1.8, 240.0), (1.8, 120.0), (2.8, 180.0)]
    texts = [text.get_text() for text in pl.sunburst(tree).texts]
    assert texts == ["root", "A", "B", "a first"]


def test_another_root_and_fewer_rings(tree):
    assert spans(pl.sunburst(tree, root="A")) == [(0.8, 360.0), (1.8, 270.0)]
    assert spans(pl.sunburst(tree, rings=1)) == [(0.8, 360.0), (1.8, 240.0), (1.8, 120.0)]
    assert spans(pl.sunburst(tree, min_share=0.4)) == [(0.8, 360.0), (1.8, 240.0), (2.8, 180.0)]


def test_importance_is_a_colour_and_the_only_root_has_none(tree):
    ranking = pd.DataFrame({"importance": [0.9, 0.2, 0.1, 0.0]}, index=["R", "A", "A1", "B"])
    axes = pl.sunburst(tree, ranking=ranking)
    colours = [w.get_facecolor() for w in wedges(axes)]
    assert colours[0] == to_rgba("#e3e6e8")
    light = [sum(colour[:3]) for colour in colours[1:]]
    assert light[0] < light[2] < light[1], "A, A1, B: the more important, the darker"
    assert len(axes.figure.axes) == 2


def test_a_network_without_levels_is_one_ring():
    layers = (
        Layer("genes", tuple(Node(f"g{i}", kind="gene") for i in range(100))),
        Layer("sets", tuple(Node(f"S{i}", kind="gene set") for i in range(100))),
    )
    axes = pl.sunburst(Architecture(layers, {(0, 1): np.tril(np.ones((100, 100)))}))
    assert len(wedges(axes)) == 40 and {radius for radius, _ in spans(axes)} == {1.8}
    assert sum(width for _, width in spans(axes)) == pytest.approx(360)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"rings": 0}, ConfigError, "rings must be at least 1, got 0."),
        ({"min_share": 1.0}, ConfigError, "min_share must be at least 0 and below 1, got 1.0."),
        ({"root": "g0"}, ArchitectureError, "g0 is a gene; name a hidden node as the root."),
    ],
)
def test_what_a_sunburst_cannot_be(tree, options, kind, message):
    with pytest.raises(kind) as error:
        pl.sunburst(tree, **options)
    assert str(error.value) == message


def deep(levels=12, each=9):
    layers = [Layer("genes", tuple(Node(f"g{i}", kind="gene") for i in range(30)))]
    layers += [
        Layer(f"height {n}", tuple(Node(f"T{n}.{i}", "a long name " * 6) for i in range(each))) for n in range(levels)
    ]
    random = np.random.default_rng(0)
    connections = {(0, n): random.random((30, each)) < 0.2 for n in range(1, levels + 1)}
    connections |= {(n, n + 1): random.random((each, each)) < 0.4 for n in range(1, levels)}
    return Architecture(tuple(layers), connections)


def test_deep_networks_are_as_wide_as_a_page():
    arch = deep()
    axes = draw_layers(arch)
    width, height = axes.figure.get_size_inches()
    assert width < 14 and height < 12
    texts = [text.get_text() for text in axes.texts]
    assert texts.count("5 of 9") == 12 and "7 of 30" in texts
    assert max(len(line) for text in texts for line in text.split("\n")) <= 23
    wide = draw_layers(arch, layout="columns").figure.get_size_inches()[0]
    assert wide > 40


def test_rows_show_the_strongest_edges_only():
    axes = draw_layers(deep(), layout="rows")
    (edges,) = axes.collections
    boxes = 7 + 12 * 5
    assert len(edges.get_paths()) <= 3 * boxes


def test_layouts_have_names(tree):
    with pytest.raises(ConfigError) as error:
        draw_layers(tree, layout="circle")
    assert str(error.value) == "layout must be one of auto, columns, rows; got 'circle'."


@pytest.fixture
def comparison():
    runs = pd.DataFrame(
        {
            "contender": ["real", "real", "swap", "swap", "ridge", "ridge"],
            "kind": ["prior", "prior", "control", "control", "baseline", "baseline"],
            "accuracy": [0.9, 0.94, 0.8, 0.82, 0.93, 0.95],
        }
    )
    summary = pd.DataFrame(
        {
            "kind": ["prior", "baseline", "control"],
            "difference": [np.nan, -0.02, 0.11],
            "low": [np.nan, -0.05, 0.05],
            "high": [np.nan, 0.01, 0.17],
            "adjusted_p": [np.nan, 0.2, 0.01],
        },
        index=["real", "ridge", "swap"],
    )
    nothing = pd.DataFrame()
    return Comparison("accuracy", runs, summary, nothing, nothing, "")


def test_real_against_null(comparison):
    axes = pl.real_against_null(comparison)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["real", "swap", "ridge"]
    dots = [line.get_xdata().tolist() for line in axes.lines[::2]]
    means = [line.get_xdata()[0] for line in axes.lines[1::2]]
    assert dots == [[0.9, 0.94], [0.8, 0.82], [0.93, 0.95]] and means == pytest.approx([0.92, 0.81, 0.94])
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["", "+0.110 [+0.050, +0.170] *", "−0.020 [−0.050, +0.010]", "real − this [95 %]"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["real prior", "control", "baseline"]
    assert axes.get_xlabel() == "accuracy"


def test_nothing_to_compare(comparison):
    empty = Comparison("accuracy", comparison.runs.head(0), comparison.summary, *[pd.DataFrame()] * 2, "")
    with pytest.raises(DataError) as error:
        pl.real_against_null(empty)
    assert str(error.value) == "The comparison has no run: there is nothing to draw."


def test_ranking_with_runs():
    ranking = pd.DataFrame({"label": ["x", "y"], "importance": [0.9, 0.1]}, index=["X", "Y"])
    runs = pd.DataFrame({0: [0.2, 0.3], 1: [0.4, 0.5]}, index=["X", "Y"])
    axes = pl.node_ranking(ranking, runs=runs)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["y", "x"]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([0.4, 0.3])
    assert [line.get_xdata().tolist() for line in axes.lines] == [[0.3, 0.2], [0.5, 0.4]]
    with pytest.raises(DataError) as error:
        pl.node_ranking(ranking, runs=runs.head(1))
    assert str(error.value) == "1 of 2 nodes of the ranking are not in the table of 2 runs: Y."


def test_ranking_of_a_comparison_has_spread_and_controls():
    nodes = pd.DataFrame(
        {"label": ["x", "y"], "importance": [0.5, 0.3], "sd": [0.1, 0.05], "importance swap": [0.2, 0.25]},
        index=["X", "Y"],
    )
    axes = pl.node_ranking(nodes)
    assert axes.lines[0].get_xdata().tolist() == [0.2, 0.25]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["mean under control: swap"]
    ends = axes.collections[0].get_segments()
    assert np.allclose([segment[:, 0] for segment in ends], [[0.4, 0.6], [0.25, 0.35]])
    assert "lines are ± sd over runs" in axes.get_xlabel().replace("\n", " ")


def test_heat_map_of_activities_by_class():
    import anndata

    cells = anndata.AnnData(
        np.array([[0.0, 1.0, 2.0], [1.0, 1.0, 2.0]], "float32"),
        obs=pd.DataFrame({"type": ["B", "T"]}, index=["c1", "c2"]),
        var=pd.DataFrame(
            {"node": ["X", "X", "Y"], "label": ["x", "x", "y"], "unit": [0, 1, 0]}, index=["X [0]", "X [1]", "Y"]
        ),
    )
    ranking = pd.DataFrame({"importance": [2.0, 1.0]}, index=["Y", "X"])
    axes = pl.activity_heatmap(cells, by="type", ranking=ranking)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["y", "x [0]", "x [1]"]
    assert axes.images[0].get_array().tolist() == [[2.0, 2.0], [0.0, 1.0], [1.0, 1.0]]
    with pytest.raises(DataError) as error:
        pl.activity_heatmap(cells)
    assert str(error.value) == (
        "The activities of cells are drawn by class; name the column of the classes.\nPass by=…, one of: type"
    )


def test_a_notebook_shows_the_figure(comparison):
    import pickle

    figure = pl.real_against_null(comparison).figure
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert figure._repr_png_() == pickle.loads(pickle.dumps(figure))._repr_png_()
