"""Figures: what they show, by what is on the axes; and that they are the same every time."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from keras_vnn import pl
from keras_vnn.basics.errors import DataError


def names(ticks):
    return [tick.get_text() for tick in ticks]


@pytest.fixture
def history():
    return pd.DataFrame(
        {
            "loss": [1.0, 0.5, 0.3],
            "val_loss": [0.9, 0.6, 0.7],
            "accuracy": [0.5, 0.8, 0.9],
            "val_accuracy": [0.5, 0.7, 0.7],
        }
    )


@pytest.fixture
def ranking():
    return pd.DataFrame(
        {
            "label": ["repair", "growth", "growth", "death"],
            "importance": [0.1, 0.4, 0.3, 0.2],
            "effect_B": 0.0,
            "effect_T": 0.0,
            "higher_in": ["B", "T", "B", None],
        },
        index=["GO:1", "GO:2", "GO:3", "GO:4"],
    )


def test_history_has_a_panel_for_loss_and_one_for_accuracy(history):
    loss = pl.training_history(history)
    both = loss.figure.axes
    assert [axes.get_ylabel() for axes in both] == ["loss", "accuracy"] and both[0] is loss
    training, validation, best = loss.lines
    assert training.get_ydata().tolist() == [1.0, 0.5, 0.3] and training.get_xdata().tolist() == [1, 2, 3]
    assert validation.get_ydata().tolist() == [0.9, 0.6, 0.7]
    assert (best.get_xdata().tolist(), best.get_ydata().tolist()) == ([2], [0.6])


def test_history_of_keras_without_validation():
    axes = pl.training_history({"loss": [0.4]})
    assert len(axes.figure.axes) == 1 and len(axes.lines) == 1 and axes.lines[0].get_marker() == "o"


def test_history_without_loss():
    with pytest.raises(DataError) as error:
        pl.training_history({"accuracy": [0.5]})
    assert str(error.value) == (
        "The history needs a column loss and at least one epoch; it has 1 epoch of accuracy.\n"
        "Draw vnn.train(…).history, or model.fit(…).history."
    )


def test_confusion_counts_cells_and_shades_shares():
    table = pd.DataFrame([[8, 2], [0, 0]], index=["x", "y"], columns=["x", "y"])
    axes = pl.confusion_matrix(table)
    assert names(axes.texts) == ["8", "2", "0", "0"]
    assert axes.images[0].get_array().tolist() == [[0.8, 0.2], [0, 0]]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame(), "The confusion matrix has 0 rows and 0 columns: there is nothing to draw."),
        (pd.DataFrame([[-1]]), "A confusion matrix holds numbers of cells; this one has negative or missing entries."),
        (
            pd.DataFrame([["x"]]),
            "The confusion matrix holds something that is not a number: could not convert string to float: 'x'.",
        ),
    ],
)
def test_no_confusion_matrix(table, message):
    with pytest.raises(DataError) as error:
        pl.confusion_matrix(table)
    assert str(error.value) == message


def test_ranking_is_sorted_named_and_coloured(ranking):
    axes = pl.node_ranking(ranking, top=3)
    assert names(axes.get_yticklabels()) == ["growth (GO:2)", "growth (GO:3)", "death"]
    bars = axes.patches
    assert [bar.get_width() for bar in bars] == [0.4, 0.3, 0.2]
    colours = {
        text.get_text(): patch.get_facecolor()
        for text, patch in zip(axes.get_legend().get_texts(), axes.get_legend().get_patches(), strict=True)
    }
    assert bars[0].get_facecolor() == colours["T"] and bars[1].get_facecolor() == colours["B"]
    assert bars[2].get_facecolor() == to_rgba("#8a9299")
    assert axes.get_ylim()[0] > axes.get_ylim()[1]


def test_classes_without_a_node_among_the_first_are_named():
    higher_in = ["B", "B", "$\\frac{$", "T", "NK", "mixed", "Mono", "DC"]
    table = pd.DataFrame({"higher_in": higher_in, "importance": np.arange(8.0, 0, -1)}, index=list("abcdefgh"))
    said = " ".join(pl.node_ranking(table, top=2).get_xlabel().split())
    assert "; none is higher in" in said and said.endswith("DC, Mono and 2 more classes")
    assert "none is higher in" not in pl.node_ranking(table).get_xlabel()
    assert pl.picture_bytes(pl.node_ranking(table, top=2), "png")


def test_ranking_without_classes(ranking):
    axes = pl.node_ranking(ranking[["importance"]])
    assert names(axes.get_yticklabels()) == ["GO:2", "GO:3", "GO:4", "GO:1"] and axes.get_legend() is None
    with pytest.raises(DataError) as error:
        pl.node_ranking(ranking.head(0))
    assert str(error.value) == (
        "The ranking needs a column evidence or importance and at least one node.\n"
        "Make it: vnn.tl.rank_nodes(model, data, labels)"
    )


def test_heat_map_is_centred_on_zero_and_shows_what_is_missing():
    table = pd.DataFrame([[-0.2, 0.8], [np.nan, 0.1]], index=["GO:1", "GO:2"], columns=["B", "T"])
    axes = pl.activity_heatmap(table, labels={"GO:1": "repair"})
    image = axes.images[0]
    assert image.get_clim() == (-0.8, 0.8)
    assert image.get_array().mask.tolist() == [[False, False], [True, False]]
    assert names(axes.get_yticklabels()) == ["repair", "GO:2"] and names(axes.get_xticklabels()) == ["B", "T"]
    with pytest.raises(DataError) as error:
        pl.activity_heatmap(table.head(0))
    assert str(error.value) == "The table of activities has 0 rows and 2 columns: there is nothing to draw."


def test_axes_of_the_user_are_used(history, ranking):
    table = pd.DataFrame([[1.0]])
    calls = [
        lambda ax: pl.training_history(history, ax=ax),
        lambda ax: pl.confusion_matrix(table, ax=ax),
        lambda ax: pl.node_ranking(ranking, ax=ax),
        lambda ax: pl.activity_heatmap(table, ax=ax),
    ]
    for call in calls:
        own = Figure().add_subplot()
        assert call(own) is own


@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_files_are_the_same_every_time(history, ranking, format):
    first = [pl.picture_bytes(axes, format) for axes in (pl.training_history(history), pl.node_ranking(ranking))]
    again = [pl.picture_bytes(axes, format) for axes in (pl.training_history(history), pl.node_ranking(ranking))]
    assert first == again


def test_hostile_names_are_only_text():
    name = "$\\frac{$\n<script>\x00"
    table = pd.DataFrame({"label": [name, "b"], "importance": [1.0, 0.5]}, index=["x", "y"])
    axes = pl.node_ranking(table)
    svg = pl.picture_bytes(axes, "svg").decode()
    assert "&lt;script&gt;" in svg and "<script>" not in svg
