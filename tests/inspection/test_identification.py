"""Which nodes students of a network find again: agreement by hand, a small teacher, what the model keeps."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import ConfigError, DataError, ModelError
from keras_vnn.data import Classes
from keras_vnn.inspection import identify, rank_nodes
from keras_vnn.inspection._identification import compared, student_of
from keras_vnn.models import Embedding, build_model, load_model, view
from keras_vnn.options import training_options

RNG = np.random.default_rng(7)
FITTED, TESTED = np.arange(60), np.arange(60, 100)


@pytest.fixture(scope="module")
def arch():
    """Two sets of three genes, which share none; the second has two units."""
    layers = (
        Layer("genes", tuple(Node(f"G{i}", kind="gene") for i in range(6))),
        Layer("sets", (Node("one"), Node("two", units=2))),
    )
    return Architecture(layers, {(0, 1): np.repeat(np.eye(2), 3, axis=0)})


@pytest.fixture(scope="module")
def values():
    return RNG.normal(size=(160, 6)).astype(np.float32)


@pytest.fixture
def model(arch):
    return build_model(arch, Classes(("no", "yes")), seed=0)


def test_agreement_is_that_of_a_linear_regression_in_other_cells(model):
    from sklearn.linear_model import LinearRegression

    genes, teacher = RNG.normal(size=(100, 2)), RNG.normal(size=(100, 3))
    teacher[:, 0] += genes[:, 0]
    student = teacher @ RNG.normal(size=(3, 3)) + RNG.normal(size=(100, 3))
    found, _ = compared([teacher], [student], genes, view(model), FITTED, TESTED)
    for node, columns in enumerate(([0], [1, 2])):
        fit = LinearRegression().fit(student[FITTED][:, columns], teacher[FITTED][:, columns])
        truth = teacher[TESTED][:, columns]
        left = ((truth - fit.predict(student[TESTED][:, columns])) ** 2).sum()
        r2 = 1 - left / ((truth - truth.mean(axis=0)) ** 2).sum()
        assert found[node] == pytest.approx(np.sqrt(max(r2, 0)), abs=1e-6)


def test_units_that_are_mixed_are_the_same_node_and_a_flipped_unit_keeps_its_sign(model):
    """A unit has no sign of its own: with its genes it is turned; without, nothing says which way round it is."""
    genes = RNG.normal(size=(100, 2))
    teacher = np.column_stack([genes[:, 0], genes[:, 1] * 2, RNG.normal(size=100) / 2])
    mixed = np.column_stack([-teacher[:, 0], teacher[:, 1:] @ np.array([[1.0, 2.0], [-1.0, 1.0]])])
    r, sign = compared([teacher], [mixed], genes, view(model), FITTED, TESTED)
    np.testing.assert_allclose(r, 1, atol=1e-6)
    assert sign[0] == pytest.approx(1) and sign[1] > 0.5
    # A node that knows the size of a score: its genes' mean says nothing of it.
    even = np.column_stack([genes[:, 0] ** 2, teacher[:, 1:]])
    turned = even * [-1, 1, 1]
    r, sign = compared([even], [turned], genes[:, [1, 1]], view(model), FITTED, TESTED)
    assert r[0] == pytest.approx(1) and abs(sign[0]) == pytest.approx(1)


@pytest.mark.slow
def test_students_find_a_small_teacher_again_and_the_model_keeps_that(model, values, tmp_path):
    how = training_options(epochs=60, learning_rate=0.03, batch_size=16)
    table = identify(model, values, students=2, training=how)
    assert list(table) == ["label", "kind", "layer", "identified", "r", "same_sign", "r_at_start"]
    assert table.attrs["fit"] == 2 and min(table.attrs["r2"]) > 0.9 and min(table.attrs["agreement"]) > 0.85
    assert table.attrs["cells"] == 24 and table.loc["one", "r"] > 0.9
    # A mean of three genes to begin with, in all of them.
    assert table.loc["one", "identified"] == "recovered" and table.loc["one", "r_at_start"] > 0.9
    labels = np.where(values[:, 0] > 0, "yes", "no")
    nodes = rank_nodes(model, values, labels, replicate="cells")
    pd.testing.assert_series_equal(nodes["identified"].sort_index(), table["identified"].sort_index())
    assert "identified" not in rank_nodes([model, model], values, labels, replicate="cells")
    kernel = view(model).head.kernel
    kernel.assign(kernel * 2)
    assert "identified" not in rank_nodes(model, values, labels, replicate="cells"), "it was trained further"


def test_students_that_do_not_fit_say_nothing(model, values):
    table = identify(model, values, students=2, training=training_options(epochs=1, learning_rate=1e-6))
    assert table.attrs["fit"] == 0 and table["identified"].isna().all()
    nodes = rank_nodes(model, values, np.where(values[:, 0] > 0, "yes", "no"), replicate="cells")
    assert nodes["identified"].isna().all()


def test_what_cannot_be_asked_is_said(model, arch, values):
    with pytest.raises(ConfigError, match="students must be at least 2, got 1"):
        identify(model, values, students=1)
    with pytest.raises(DataError, match="at least 40 are needed, got 30"):
        identify(model, values[:30])
    with pytest.raises(DataError, match="The model says the same of all cells"):
        identify(model, np.zeros((50, 6), np.float32))
    with pytest.raises(ModelError, match="The model is an embedding"):
        identify(build_model(arch, Embedding(), seed=0), values)


@pytest.mark.parametrize("name", ["feed-forward", "hierarchical", "lin2017"])
def test_a_student_of_a_model_of_the_first_release_is_wired_as_it_is(name):
    archive = Path(__file__).parents[1] / "archives" / "0.1.0" / f"{name}.keras"
    teacher = load_model(archive)
    student = student_of(view(teacher), training_options(), 50)
    assert student.count_params() == teacher.count_params()
    assert view(student).options["anchor"] == "none"


def test_a_schedule_of_students_ends_with_their_training(model):
    training = training_options(schedule="cosine", learning_rate=0.1, epochs=4, batch_size=10)
    optimizer = student_of(view(model), training, 95).optimizer
    assert [float(optimizer._learning_rate(step)) for step in (0, 20, 40)] == pytest.approx([0.1, 0.05, 0], abs=1e-7)
