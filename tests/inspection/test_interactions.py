"""Pairs of children that say more together: the score test, a planted exclusive or, knock-outs by hand."""

import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import ConfigError, ModelError
from keras_vnn.data import Classes
from keras_vnn.inspection import interactions
from keras_vnn.inspection._evidence import Groups
from keras_vnn.inspection._interactions import pair_statistics
from keras_vnn.models import Embedding, Regression, build_model

PARENTS = [f"P{i}" for i in range(5)]


@pytest.fixture(scope="module")
def parents():
    """Fifteen sets of four genes, of which each of five parents reads three."""
    layers = (
        Layer("genes", tuple(Node(f"G{i}", kind="gene") for i in range(60))),
        Layer("sets", tuple(Node(f"S{i}", f"set {i}") for i in range(15))),
        Layer("parents", tuple(Node(name) for name in PARENTS)),
    )
    return Architecture(layers, {(0, 1): np.repeat(np.eye(15), 4, axis=0), (1, 2): np.repeat(np.eye(5), 3, axis=0)})


@pytest.fixture(scope="module")
def sets():
    return np.random.default_rng(5).normal(size=(400, 15))


@pytest.fixture(scope="module")
def values(sets):
    noise = np.random.default_rng(6).normal(size=(400, 60))
    return (np.repeat(sets, 4, axis=1) + noise).astype(np.float32)


@pytest.fixture(scope="module")
def planted(sets):
    """The exclusive or of sets 3 and 4, two children of P1."""
    return np.where((sets[:, 3] > 0) ^ (sets[:, 4] > 0), "yes", "no")


@pytest.fixture(scope="module")
def model(parents):
    return build_model(parents, Classes(("no", "yes")), seed=0)


@pytest.mark.parametrize("is_class", [True, False])
def test_the_statistic_is_the_efficient_score_of_a_penalised_regression(is_class):
    from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge

    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 300))
    target = a - 0.5 * b + 0.4 * a * b + rng.normal(size=300)
    target = (target > 0.5).astype(float) if is_class else (target - target.mean()) / target.std()
    base = np.column_stack([a, b, a**2 - 1, b**2 - 1])
    if is_class:
        mean = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(base, target).predict_proba(base)[:, 1]
        weight, noise = mean * (1 - mean), 1.0
    else:
        mean = Ridge(alpha=1.0).fit(base, target).predict(base)
        weight, noise = np.ones(300), ((target - mean) ** 2).sum() / (300 - 6)
    rest = a * b - LinearRegression().fit(base, a * b, sample_weight=weight).predict(base)
    variance = max((rest**2 * weight).sum() * noise, (rest**2 * (target - mean) ** 2).sum())
    expected = (rest @ (target - mean)) / np.sqrt(variance)
    found = pair_statistics(a[:, None], b[:, None], Groups(target[:, None], is_class))
    assert found[0, 0] == pytest.approx(expected, rel=1e-3) and abs(expected) > 2


def test_a_child_twice_and_a_class_that_one_child_tells_are_not_a_pair():
    a = np.random.default_rng(2).normal(size=(200, 1))
    found = pair_statistics(np.hstack([a, a]), np.hstack([a, -a[::-1]]), Groups((a > 0).astype(float), True))
    assert found[0, 0] == 0 and np.isfinite(found).all() and abs(found[0, 1]) < 2


def test_a_planted_exclusive_or_is_found_with_its_pair(model, values, planted):
    table = interactions(model, values, planted, PARENTS)
    first = table.iloc[0]
    assert tuple(first[["node", "first", "second", "pair"]]) == ("P1", "S3", "S4", "set 3 × set 4")
    assert first["q"] < 1e-4 and (first["output"], first["together"]) == ("no", "alike")
    assert (table["q"] < 0.05).sum() == 1 == table.attrs["found"]
    assert len(table) == 15 == table.attrs["pairs"] and table.attrs["compared_with"] == 90
    other = interactions(model, values, planted, "P1", "yes", top=1)
    assert other.loc[0, "together"] == "unlike" and other.loc[0, "z"] == pytest.approx(-first["z"])


def test_labels_without_meaning_and_sums_have_no_pair(model, values, sets, planted):
    shuffled = np.random.default_rng(3).permutation(planted)
    assert interactions(model, values, shuffled, PARENTS).attrs["found"] == 0
    added = np.where(2 * sets[:, 3] + 2 * sets[:, 4] - 1 + np.random.default_rng(4).logistic(size=400) > 0, "yes", "no")
    assert interactions(model, values, added, PARENTS).attrs["found"] == 0


def test_without_a_node_those_that_the_model_uses_are_asked(model, values, planted):
    table = interactions(model, values, planted, top=3)
    # No training, so nothing is beyond the mean.
    assert len(table.attrs["nodes"]) == 5 and len(table) == 3 < table.attrs["pairs"]


def test_a_number(parents, values, sets):
    model = build_model(parents, Regression(("dose",)), seed=0)
    table = interactions(model, values, sets[:, 3] * sets[:, 4] + sets[:, 3], PARENTS)
    assert tuple(table.loc[0, ["first", "second", "output", "together"]]) == ("S3", "S4", "dose", "alike")
    assert table.attrs["found"] == 1


def test_knock_outs_are_those_of_the_network_by_name(arch, make, by_name):
    """Both children of a node held at their means, and each, in a network with a tail and dense units."""
    deep = make(arch, Classes(("T", "B", "NK")), tail=(4, 3))
    data = np.random.default_rng(3).normal(size=(31, 5)).astype(np.float32)
    table = interactions(deep, data, None, "cycle")
    network = by_name(deep)
    before = network(data)
    units = {"SET:repair": 2, "SET:growth": 1}
    means = {(name, i): network.states[name, i].mean() for name, count in units.items() for i in range(count)}

    def lost(*nodes):
        change = before - network(data, {key: level for key, level in means.items() if key[0] in nodes})
        return change - change.mean(axis=1, keepdims=True)

    a, b, both = lost("SET:repair"), lost("SET:growth"), lost(*units)
    expected = [np.abs(change).mean() for change in (a, b, both, both - a - b)]
    assert tuple(table.loc[0, ["first", "second"]]) == ("SET:repair", "SET:growth")
    found = table.loc[0, ["use_first", "use_second", "use_pair", "non_additive"]].astype(float)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert table["excess"].isna().all() and expected[3] > 1e-3
    genes = interactions(deep, data, None, "SET:repair")
    assert tuple(genes.loc[0, ["first", "second"]]) == ("A", "B")


def test_what_cannot_be_asked_is_said(model, parents, values, planted):
    with pytest.raises(ConfigError, match=r"S0-only has 0 pairs of children; between 1 and 20,000"):
        layers = (
            Layer("genes", tuple(Node(f"G{i}", kind="gene") for i in range(2))),
            Layer("sets", (Node("S0-only"),)),
        )
        single = build_model(Architecture(layers, {(0, 1): np.array([[1], [0]])}), Classes(("no", "yes")), seed=0)
        interactions(single, pd.DataFrame(values[:, :2], columns=["G0", "G1"]), planted, "S0-only")
    with pytest.raises(ConfigError, match="There is no class or number 'maybe'; there are no, yes"):
        interactions(model, values, planted, "P0", "maybe")
    with pytest.raises(ConfigError, match="top must be at least 1, got 0"):
        interactions(model, values, planted, "P0", top=0)
    with pytest.raises(ModelError, match="The model is an embedding"):
        interactions(build_model(parents, Embedding(), seed=0), values, planted, "P0")
