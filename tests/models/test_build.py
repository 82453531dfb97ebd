"""`build_model` against dense numpy and the published sizes."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from scipy import sparse

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import ModelError
from keras_vnn.data import classes
from keras_vnn.models import Embedding, Regression, build_model, check_functions, view
from keras_vnn.options import AutoencoderOptions, ModelOptions


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_flat_network_is_what_dense_numpy_computes(flat: Architecture) -> None:
    model = build_model(flat, classes(["a", "b", "c"]), tail=(4,), seed=1)
    seen = view(model)
    x = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")
    nodes = np.tanh(x @ seen.sparse_layer(1).kernel_matrix().toarray() + seen.sparse_layer(1).bias.numpy())
    dense = seen.dense_layer(1)
    linear = x @ dense.kernel.numpy() + dense.bias.numpy()
    (tail,) = seen.tail_layers
    hidden = np.tanh(np.hstack([nodes, linear]) @ tail.kernel.numpy() + tail.bias.numpy())
    expected = softmax(hidden @ seen.head.kernel.numpy() + seen.head.bias.numpy())
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, atol=1e-6)


def test_edges_that_skip_layers_and_nodes_without_parents_reach_the_head(layered: Architecture) -> None:
    model, every = (build_model(layered, Regression("response"), seed=2, reads=reads) for reads in ("last", "all"))
    seen = view(model)
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")

    def dense(number: int) -> tuple[np.ndarray, np.ndarray]:
        layer = seen.sparse_layer(number)
        return layer.kernel_matrix().toarray(), layer.bias.numpy()

    first_kernel, first_bias = dense(1)
    first = np.tanh(x @ first_kernel + first_bias)
    root_kernel, root_bias = dense(2)
    root = np.tanh(np.hstack([x, first]) @ root_kernel + root_bias)
    lonely = first[:, 4:]
    expected = np.hstack([lonely, root]) @ seen.head.kernel.numpy() + seen.head.bias.numpy()
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, atol=1e-6)
    head, sparsely = view(every).head, [view(every).sparse_layer(number).kernel_matrix() for number in (1, 2)]
    np.testing.assert_array_equal(sparsely[1].toarray(), root_kernel)
    expected = np.hstack([first, root]) @ head.kernel.numpy() + head.bias.numpy()
    np.testing.assert_allclose(every.predict(x, verbose=0), expected, atol=1e-6)
    assert not root_kernel[:3].any(), "only gene D skips to the root"


def lin_sizes() -> Architecture:
    """9,437 genes and 696 nodes with 56,549 edges next to 100 dense units, as in Lin et al. 2017."""
    rng = np.random.default_rng(0)
    chosen = np.sort(rng.choice(9437 * 696, 56549, replace=False))
    adjacency = sparse.coo_array((np.ones(56549), (chosen // 696, chosen % 696)), shape=(9437, 696))
    genes = Layer("genes", tuple(Node(f"g{i}", kind="gene") for i in range(9437)))
    groups = Layer("groups", tuple(Node(f"ppi_{i}", kind="interaction") for i in range(696)), dense_units=100)
    return Architecture((genes, groups), {(0, 1): adjacency})


@pytest.mark.parametrize(
    ("preset", "tail", "parameters"), [("lin2017", (), 1_014_594), ("lin2017-two-layer", (100,), 1_082_462)]
)
def test_lin_sizes_agree_with_the_paper(preset: str, tail: tuple[int, ...], parameters: int) -> None:
    arch = lin_sizes()
    model = build_model(arch, 17, preset=preset)
    assert model.count_params() == parameters
    assert arch.summary(outputs=17, tail=tail).parameters == parameters
    assert view(model).sparse_layer(1).activation is keras.activations.tanh
    assert view(model).dense_layer(1).activation is keras.activations.linear


def test_an_embedding_returns_the_units_of_the_last_layer(flat: Architecture) -> None:
    model = build_model(flat, Embedding(), seed=0)
    assert model.output_shape == (None, 5)
    assert view(model).head is None


def test_the_seed_decides_the_weights(flat: Architecture) -> None:
    first, again, other = (build_model(flat, 2, seed=seed).get_weights() for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_options_reach_the_layers(flat: Architecture) -> None:
    model = build_model(flat, 2, dropout=0.4, l2=0.01, activation="relu", kernel="dense")
    assert sum(isinstance(layer, keras.layers.Dropout) for layer in model.layers) == 2
    layer = view(model).sparse_layer(1)
    assert layer.activation is keras.activations.relu
    assert float(layer.kernel_regularizer.l2) == pytest.approx(0.01)
    assert layer.kernel_report()["kernel"] == "dense"


@pytest.mark.parametrize(
    ("outputs", "options", "message"),
    [
        ("cell_type", {}, "outputs must be classes, Regression, Survival, Embedding or a number of classes; got str."),
        (1, {}, "A classification needs at least 2 classes, got 1."),
        (2, {"dropuot": 0.1}, "Unknown model option 'dropuot'. Did you mean dropout"),
        (2, {"preset": "lin2018"}, "preset must be one of lin2017, lin2017-two-layer"),
        (2, {"dropout": 1.0}, "dropout must be a number of at least 0 and below 1, or a list, each a number of"),
        (2, {"activation": "tnah"}, "activation must be a name that Keras knows, got 'tnah'. Did you mean tanh?"),
        (
            2,
            {"activation": "glu"},
            "activation must be one that takes each unit to one, without further arguments, got 'glu'. Did you mean ",
        ),
        (2, {"tail_activation": "threshold"}, "tail_activation must be one that takes each unit to one, without furt"),
        (
            2,
            {"kernel_initializer": "orthogonal"},
            "The initializer Orthogonal makes matrices, and a sparse layer has a vector of one weight per connection.\n"
            "Take one that draws each weight by itself, e.g. glorot_uniform, he_normal or random_normal.",
        ),
        (2, {"l2": -1.0}, "l2 must be a number of at least 0, got -1.0."),
        (2, {"tail": (10, 0)}, "tail must be a list, each an integer of at least 1, got 0."),
    ],
)
def test_wrong_options_are_named(flat: Architecture, outputs: object, options: dict, message: str) -> None:
    with pytest.raises(ModelError) as error:
        build_model(flat, outputs, **options)
    assert str(error.value).startswith(message)


def test_a_misspelt_option_gets_a_suggestion(flat: Architecture) -> None:
    with pytest.raises(ModelError, match=r"Did you mean tail_activation"):
        build_model(flat, 2, tail_activaton="relu")
    with pytest.raises(ModelError, match=r"^Unknown model option 'colour'. Known: activation, .*, side_layers\.$"):
        build_model(flat, 2, colour="red")


def test_a_layer_that_nothing_feeds_is_refused() -> None:
    genes = Layer("genes", (Node("A", kind="gene"), Node("B", kind="gene")))
    first, second = Layer("one", (Node("T1"),)), Layer("two", (Node("T2"),))
    arch = Architecture((genes, first, second), {(0, 1): sparse.csr_array(np.ones((2, 1)))})
    with pytest.raises(ModelError) as error:
        build_model(arch, 2)
    assert str(error.value) == "Layer 2 (two) is connected to no earlier layer; it cannot learn."


def test_a_model_of_others_has_no_names() -> None:
    other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)], name="plain")
    with pytest.raises(ModelError) as error:
        view(other)
    assert str(error.value) == (
        "The model 'plain' carries no architecture, so its nodes have no names.\n"
        "Build it with vnn.build_model(arch, outputs=…)."
    )


def test_regression_needs_different_names() -> None:
    assert Regression("dose").names == ("dose",)
    with pytest.raises(ModelError, match="one or more different names"):
        Regression(("a", "a"))


def test_what_cannot_serve_is_refused_before_data_are_read() -> None:
    for make in (ModelOptions, AutoencoderOptions):
        with pytest.raises(ModelError, match=r"^The initializer Identity makes matrices"):
            check_functions(make(kernel_initializer="identity"))
        with pytest.raises(ModelError, match="kernel_initializer must be linear_uniform or a name that Keras knows"):
            check_functions(make(kernel_initializer="glorot"))
    with pytest.raises(ModelError, match="initial_scale cannot scale the initializer 'zeros'"):
        check_functions(ModelOptions(kernel_initializer="zeros", initial_scale=0.1))


def test_options_are_values() -> None:
    assert ModelOptions(tail=[3]) == ModelOptions(tail=(3,))
