"""Models whose named nodes start as the mean of what they read: starts, signs, what training keeps."""

import keras
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import keras_vnn as vnn
from keras_vnn import VNNError
from keras_vnn.layers import Connections, OtherSigns
from keras_vnn.models import Regression, edge_weights, view

ACTIVATIONS = ("tanh", "sigmoid", "relu", "elu", "gelu", "softsign", "linear")


def tree(leaves=16, genes=4, layers=4):
    """Genes of sets that share none; each node above reads two nodes."""
    widths = [leaves // 2**n for n in range(layers)]
    parts = [vnn.wire.Layer("genes", tuple(vnn.wire.Node(f"G{i}", kind="gene") for i in range(leaves * genes)))]
    parts += [
        vnn.wire.Layer(f"layer {n}", tuple(vnn.wire.Node(f"N{n}.{i}") for i in range(width)))
        for n, width in enumerate(widths, start=1)
    ]
    reads = [genes] + [2] * (layers - 1)
    pairs = {
        (n, n + 1): sparse.csr_array(np.kron(np.eye(width), np.ones((count, 1))))
        for n, (width, count) in enumerate(zip(widths, reads, strict=True))
    }
    return vnn.Architecture(tuple(parts), pairs)


def kernels_of(model):
    return edge_weights(model).query("parameter == 'kernel'")


def test_named_nodes_start_at_the_mean_and_the_head_at_random(layered):
    model = vnn.build_model(layered, 2, anchor="mean", seed=0)
    weights = kernels_of(model)
    assert (weights["weight"] > 0).all()
    lonely = weights.query("target == 'lonely'")["weight"]
    assert lonely.between(0.12, 0.41).all() and len(lonely) == 1  # 0.26 of its one gene, half of it either way
    assert (keras.ops.convert_to_numpy(view(model).head.kernel) < 0).any()
    plain = kernels_of(vnn.build_model(layered, 2, anchor="none", seed=0))
    assert (plain["weight"] < 0).mean() > 0.2


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_layer_starts_out_following_its_genes(activation):
    arch = tree()
    model = vnn.build_model(arch, 2, anchor="mean", activation=activation, seed=0)
    x = np.random.default_rng(0).normal(size=(500, 64)).astype("float32")
    for number in range(1, 5):
        part = keras.Model(model.input, view(model).state_layer(number).output)
        units = keras.ops.convert_to_numpy(part(x))
        means = x.reshape(500, units.shape[1], -1).mean(axis=2)
        for unit, mean in zip(units.T, means.T, strict=True):
            assert np.corrcoef(unit, mean)[0, 1] > 0.6
        # Neither saturated nor faded away, however deep: by genes that have nothing in common a factor of 0.35 a layer.
        assert 0.005 < units.std() < 2


def test_units_of_a_node_are_told_apart(layered):
    weights = kernels_of(vnn.build_model(layered, 2, anchor="mean", seed=0))
    first, second = (weights.query(f"target == 'T2' and target_unit == {unit}")["weight"] for unit in (0, 1))
    assert not np.isclose(first, second).any()


def regulated():
    regulation = vnn.read.Regulation.from_pairs(
        ["R", "R", "R", "S", "S"],
        ["A", "B", "C", "C", "D"],
        effect=["activation", "repression", "both", "repression", "unknown"],
    )
    return vnn.wire.interactions(list("ABCD"), regulation=regulation)


def test_signs_are_those_of_the_regulation():
    weights = kernels_of(vnn.build_model(regulated(), 2, anchor="mean", signs="respect", seed=0))
    signs = weights[weights["target"].str.startswith("TF:")].set_index(["source", "target"])["weight"].map(np.sign)
    assert signs.to_dict() == {
        ("A", "TF:R"): 1,
        ("B", "TF:R"): -1,
        ("C", "TF:R"): 1,
        ("C", "TF:S"): -1,
        ("D", "TF:S"): 1,
    }


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"anchor": "none"}, marks=pytest.mark.slow),
        {"anchor": "mean"},
        pytest.param({"anchor": "mean", "non_negative": True}, marks=pytest.mark.slow),
    ],
)
def test_signs_hold_after_training_and_loading(tmp_path, options):
    random = np.random.default_rng(0)
    cells = pd.DataFrame(random.normal(size=(200, 4)).astype("float32"), columns=list("ABCD"))
    # Against the signs: the label is high where B is high, or A and C are low.
    labels = np.where(cells["B"] - cells["A"] - cells["C"] - cells["D"] > 0, "high", "low").tolist()
    result = vnn.train(
        regulated(), cells, labels, training=vnn.training_options(epochs=30, patience=0), signs="respect", **options
    )
    vnn.save_model(result.model, tmp_path / "model.keras")
    for model in (result.model, vnn.load_model(tmp_path / "model.keras")):
        weights = kernels_of(model).set_index(["source", "target"])["weight"]
        assert weights["A", "TF:R"] >= 0 >= weights["B", "TF:R"] and weights["C", "TF:S"] <= 0
        if options.get("non_negative"):
            assert weights["C", "TF:R"] >= 0 and weights["D", "TF:S"] >= 0
    again = vnn.load_model(tmp_path / "model.keras")
    assert view(again).card.metadata["options"]["signs"] == "respect"
    vnn.tl.fit_model(again, cells.to_numpy(), (cells["B"] > 0).to_numpy().astype(int))
    weights = kernels_of(again).set_index(["source", "target"])["weight"]
    assert weights["A", "TF:R"] >= 0 >= weights["B", "TF:R"]


def signed_table(tmp_path):
    """As CollecTRI's; the data say that R represses C, and of D the table does not know."""
    path = tmp_path / "collectri.csv"
    path.write_text("source,target,weight\nR,A,1\nR,B,-1\nR,C,1\nR,D,0\nS,E,1\nS,F,1\n")
    return vnn.wire.interactions(list("ABCDEF"), regulation=vnn.read.regulation(path))


def test_the_penalty_of_other_signs_is_that_of_numpy():
    signs, weights = np.array([1, -1, 0, 1], np.int8), np.array([-0.5, 0.25, -2.0, 3.0], "float32")
    connections = Connections.from_adjacency(np.array([[1, 0], [1, 0], [1, 0], [0, 1]]))
    found = OtherSigns(0.1, signs, keras.regularizers.L2(0.01)).on(connections)(keras.ops.convert_to_tensor(weights))
    expected = 0.1 * np.sqrt(3) * (0.5 + 0.25) + 0.01 * (weights**2).sum()
    assert keras.ops.convert_to_numpy(found) == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_preferred_signs_give_way_to_the_data(tmp_path):
    arch = signed_table(tmp_path)
    random = np.random.default_rng(0)
    cells = pd.DataFrame(random.normal(size=(400, 6)).astype("float32"), columns=list("ABCDEF"))
    score = cells["A"] - cells["B"] - 2 * cells["C"] - cells["D"]
    labels = np.where(score > 0, "high", "low").tolist()
    start = kernels_of(vnn.build_model(arch, 2, signs="prefer", seed=0)).set_index(["source", "target"])["weight"]
    assert start["B", "TF:R"] < 0 and (start.drop(("B", "TF:R")) > 0).all(), "it starts where the table says"
    how = {"training": vnn.training_options(epochs=30, patience=0), "progress": False}
    by_signs = {signs: vnn.train(arch, cells, labels, signs=signs, **how).model for signs in ("respect", "prefer")}
    weights = {name: kernels_of(model).set_index(["source", "target"])["weight"] for name, model in by_signs.items()}
    turn = np.sign(weights["prefer"]["A", "TF:R"])
    assert turn * weights["prefer"]["C", "TF:R"] < 0 and weights["respect"]["C", "TF:R"] >= 0
    assert turn * weights["prefer"]["D", "TF:R"] < 0 and turn * weights["prefer"]["B", "TF:R"] < 0
    vnn.save_model(by_signs["prefer"], tmp_path / "model.keras")
    again = vnn.load_model(tmp_path / "model.keras")
    pd.testing.assert_frame_equal(kernels_of(again), kernels_of(by_signs["prefer"]))
    values = cells.to_numpy()
    assert again.evaluate(values, np.zeros(400), verbose=0) == pytest.approx(
        by_signs["prefer"].evaluate(values, np.zeros(400), verbose=0)
    ), "the penalty is the same"


@pytest.mark.slow
def test_preferred_signs_and_no_negative_weights():
    model = vnn.build_model(regulated(), 2, signs="prefer", non_negative=True, seed=0)
    layer = view(model).sparse_layer(1)
    held = keras.ops.convert_to_numpy(layer.kernel.constraint(keras.ops.convert_to_tensor([-1.0] * 5)))
    names = edge_weights(model).query("parameter == 'kernel'")
    free = names["source"].isin(["A", "B"]) | ((names["source"] == "C") & (names["target"] == "TF:S"))
    assert (held[free.to_numpy()] == -1).all() and (held[~free.to_numpy()] == 0).all()


def test_signs_need_an_edge_that_has_one(flat):
    with pytest.raises(VNNError, match="no edge of the architecture has a sign"):
        vnn.build_model(flat, 2, signs="respect")
    with pytest.raises(VNNError, match="leave out annotation_units"):
        vnn.build_model(regulated(), 2, signs="respect", annotation_units=True)
    with pytest.raises(VNNError, match="anchor_pull goes with anchor='mean' only"):
        vnn.build_model(flat, 2, anchor="none", anchor_pull=0.1)


def test_non_negative_holds_in_training():
    arch = tree(layers=2)
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 64)).astype("float32")
    y = (x[:, ::2].sum(axis=1) - x[:, 1::2].sum(axis=1) > 0).astype(int)
    for anchor in ("none", "mean"):
        model = vnn.build_model(
            arch, 2, anchor=anchor, non_negative=True, seed=0, optimizer=keras.optimizers.Adam(0.03)
        )
        vnn.tl.fit_model(model, x, y, training=vnn.training_options(epochs=20))
        named = kernels_of(model).query("target.str.startswith('N')")["weight"]
        assert (named >= 0).all() and (named == 0).any()


def teacher_and_student(seed, **options):
    """Return correlations of nodes of a student with those of its teacher of the same wiring."""
    random = np.random.default_rng(seed)
    genes, sets = 120, 40
    matrix = np.zeros((genes, sets))
    for column in range(sets):
        matrix[random.choice(genes, 10, replace=False), column] = 1
    x = random.normal(size=(1500, genes)).astype("float32")
    nodes = np.tanh(x @ (matrix * random.uniform(0.5, 1.5, matrix.shape) / np.sqrt(10)))
    y = nodes @ random.normal(size=(sets, 8)) / np.sqrt(sets)
    arch = vnn.wire.gene_sets(
        [f"G{i}" for i in range(genes)],
        {f"S{column:02}": [f"G{i}" for i in np.flatnonzero(matrix[:, column])] for column in range(sets)},
    )
    names = tuple(f"out{i}" for i in range(8))
    model = vnn.build_model(arch, Regression(names), seed=seed, optimizer=keras.optimizers.Adam(0.01), **options)
    vnn.tl.fit_model(model, x, y, training=vnn.training_options(epochs=40, seed=seed))
    units = keras.ops.convert_to_numpy(keras.Model(model.input, view(model).state_layer(1).output)(x))
    return np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(nodes.T, units.T, strict=True)])


@pytest.mark.parametrize("seeds", [(100,), pytest.param(tuple(range(101, 106)), marks=pytest.mark.slow)])
def test_anchored_students_have_the_signs_of_their_teacher(seeds):
    anchored = np.concatenate([teacher_and_student(seed, anchor="mean") for seed in seeds])
    plain = np.concatenate([teacher_and_student(seed, anchor="none") for seed in seeds])
    assert (anchored > 0).mean() >= 0.95 and np.median(anchored) > 0.95
    assert 0.3 < (plain > 0).mean() < 0.7  # a coin toss: what the anchor is for
