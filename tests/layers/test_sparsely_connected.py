"""The layer as Keras sees it, and against dense numpy."""

import json
import warnings

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras.src import testing
from scipy import sparse

from keras_vnn.basics.errors import ArchitectureError, ModelError, VNNWarning
from keras_vnn.layers import Connections, SparselyConnected
from keras_vnn.layers.kernels import KERNELS

CHAIN = np.array([[1, 0], [1, 1], [0, 1]])
KERNEL_NAMES = list(KERNELS)
SERVING = [
    name
    for name, kernel in KERNELS.items()
    if not kernel.unavailable(Connections.from_adjacency(CHAIN), backend=keras.backend.backend(), device="cpu")
]


@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed:UserWarning")  # by Keras's own check
class TestContract(testing.TestCase):
    """Every check Keras runs on its own layers, for each kernel."""

    def test_keras_contract(self):
        for kernel in ["auto", *SERVING]:
            with self.subTest(kernel):
                self.run_layer_test(
                    SparselyConnected,
                    init_kwargs={"adjacency": CHAIN, "units_per_node": 2, "activation": "tanh", "kernel": kernel},
                    input_shape=(4, 3),
                    expected_output_shape=(4, 4),
                    expected_num_trainable_weights=2,
                    expected_num_non_trainable_weights=0,
                    expected_num_seed_generators=0,
                    expected_num_losses=0,
                    supports_masking=True,
                )
                self.run_layer_test(
                    SparselyConnected,
                    init_kwargs={
                        "adjacency": CHAIN,
                        "use_bias": False,
                        "kernel": kernel,
                        "kernel_regularizer": "l2",
                        "activity_regularizer": "l2",
                    },
                    input_shape=(2, 5, 3),
                    expected_output_shape=(2, 5, 2),
                    expected_num_trainable_weights=1,
                    expected_num_losses=2,
                    supports_masking=True,
                )


@pytest.mark.parametrize("kernel", KERNEL_NAMES)
@settings(max_examples=min(20, settings().max_examples), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_values_are_those_of_a_masked_dense_layer(kernel, dense_oracle, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    shape = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    adjacency = rng.random(shape) < data.draw(st.sampled_from([0.02, 0.1, 0.5, 1.0]))
    units = data.draw(st.one_of(st.integers(1, 4), st.just(list(rng.integers(1, 5, shape[1])))))
    batch = data.draw(st.integers(1, 20))
    oracle = dense_oracle(adjacency, units)
    # Softplus, as Keras makes tanh of JAX in float32.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VNNWarning)
        layer = SparselyConnected(
            adjacency, units, kernel=kernel, dtype="float64", bias_initializer="normal", activation="softplus"
        )
        layer.build((None, shape[0]))
    inputs = rng.normal(size=(batch, shape[0]))
    fed = oracle.mask.any(axis=0)
    weights, bias = (keras.ops.convert_to_numpy(v) for v in (layer.kernel, layer.bias))
    expected = np.logaddexp(0, oracle.product(inputs, weights) + fed * bias)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(inputs)), expected, atol=1e-12)
    np.testing.assert_allclose(layer.kernel_matrix().toarray(), oracle.matrix(weights))


@pytest.mark.parametrize("kernel", KERNEL_NAMES)
def test_a_unit_without_input_gives_exactly_activation_of_zero(kernel, five_genes_three_terms):
    with pytest.warns(VNNWarning):
        layer = SparselyConnected(five_genes_three_terms, kernel=kernel, bias_initializer="ones", activation="sigmoid")
        outputs = keras.ops.convert_to_numpy(layer(np.ones((2, 5), "float32")))
    assert (outputs[:, 2] == 0.5).all()
    assert (outputs[:, :2] != 0.5).all()


def test_the_warning_names_the_unfed_nodes_once():
    frame = pd.DataFrame(np.array([[1, 0, 0], [1, 0, 1]]), columns=["repair", "growth", "death"])
    with pytest.warns(VNNWarning) as caught:
        layer = SparselyConnected(frame, units_per_node=3)
        layer(np.ones((1, 2)))
        layer(np.ones((1, 2)))
    assert [str(w.message) for w in caught] == [
        "1 of 3 output nodes have no input and stay at activation(0): growth.",
    ]
    nothing = sparse.coo_array(([1.0], ([0], [0])), shape=(4, 9))
    with pytest.warns(VNNWarning, match="^8 of 9 .*: column 1, column 2, column 3, column 4, column 5 and 3 more.$"):
        SparselyConnected(nothing).build((None, 4))


def test_a_copy_made_from_the_config_does_not_warn_again():
    with pytest.warns(VNNWarning):
        layer = SparselyConnected(np.array([[1, 0]]))
        layer.build((None, 1))
    SparselyConnected.from_config(layer.get_config()).build((None, 1))


@pytest.mark.parametrize("kernel", KERNEL_NAMES)
def test_one_connection_batch_of_one(kernel):
    layer = SparselyConnected(np.ones((1, 1)), kernel=kernel, kernel_initializer="ones")
    assert keras.ops.convert_to_numpy(layer(np.array([[3.0]]))).tolist() == [[3.0]]


@pytest.mark.parametrize("kernel", KERNEL_NAMES)
def test_an_adjacency_without_any_connection_gives_zeros(kernel):
    with pytest.warns(VNNWarning):
        layer = SparselyConnected(np.zeros((3, 2)), kernel=kernel, bias_initializer="ones")
        outputs = layer(np.ones((2, 3)))
    assert keras.ops.convert_to_numpy(outputs).tolist() == [[0, 0], [0, 0]]
    assert layer.count_params() == 2


@pytest.mark.parametrize("kernel", KERNEL_NAMES)
@pytest.mark.parametrize("leading", [(2,), (2, 3), (2, 3, 2)])
def test_more_axes_are_kept(kernel, leading):
    layer = SparselyConnected(CHAIN, kernel=kernel)
    inputs = np.random.default_rng(0).normal(size=(*leading, 3)).astype("float32")
    whole = keras.ops.convert_to_numpy(layer(inputs))
    assert whole.shape == (*leading, 2)
    flat = keras.ops.convert_to_numpy(layer(inputs.reshape(-1, 3)))
    np.testing.assert_allclose(whole.reshape(-1, 2), flat, rtol=1e-6)


def test_unknown_batch_and_unknown_inner_axis():
    layer = SparselyConnected(CHAIN)
    assert layer(keras.Input((3,))).shape == (None, 2)
    assert layer(keras.Input((None, 3))).shape == (None, None, 2)
    model = keras.Sequential([keras.Input((None, 3)), layer])
    assert model.predict(np.ones((2, 7, 3)), verbose=0).shape == (2, 7, 2)


@pytest.mark.parametrize("kernel", KERNEL_NAMES)
@pytest.mark.parametrize(
    ("policy", "tolerance"), [("mixed_float16", 4e-3), ("mixed_bfloat16", 4e-2), ("float64", 1e-12)]
)
def test_precisions(kernel, policy, tolerance, random_adjacency, dense_oracle):
    adjacency = random_adjacency(60, 20, 0.3)
    layer = SparselyConnected(adjacency, kernel=kernel, dtype=policy)
    inputs = np.random.default_rng(1).normal(size=(8, 60))
    outputs = layer(inputs)
    assert keras.backend.standardize_dtype(outputs.dtype) == layer.compute_dtype
    expected = dense_oracle(adjacency).product(inputs, keras.ops.convert_to_numpy(layer.kernel).astype(float))
    found = keras.ops.convert_to_numpy(keras.ops.cast(outputs, "float64"))
    np.testing.assert_allclose(found, expected, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("kernel", [k for k in KERNEL_NAMES if k != "dense"])
def test_half_precision_is_summed_in_single(kernel):
    """4,096 times 1 in float16 stops at 2,048 when each sum is rounded."""
    layer = SparselyConnected(
        np.ones((4096, 1)), kernel=kernel, dtype="mixed_float16", kernel_initializer="ones", use_bias=False
    )
    assert keras.ops.convert_to_numpy(layer(np.ones((2, 4096)))).tolist() == [[4096], [4096]]


# ---- initial weights --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("initializer", "variance"),
    [
        ("he_normal", lambda fan_in, fan_out: 2 / fan_in),
        ("lecun_uniform", lambda fan_in, fan_out: 1 / fan_in),
        ("glorot_uniform", lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
        (keras.initializers.VarianceScaling(1.0, "fan_out", "untruncated_normal"), lambda fan_in, fan_out: 1 / fan_out),
    ],
)
def test_the_scale_follows_the_real_fan(initializer, variance):
    """Half of the outputs read 10 inputs, the other half 1,000."""
    adjacency = np.zeros((2000, 400), bool)
    adjacency[:10, :200] = True
    adjacency[1000:, 200:] = True
    keras.utils.set_random_seed(1)
    layer = SparselyConnected(adjacency, kernel_initializer=initializer)
    layer.build((None, 2000))
    weights = keras.ops.convert_to_numpy(layer.kernel)
    few, many = weights[: 200 * 10], weights[200 * 10 :]
    np.testing.assert_allclose(few.var(), variance(10, 200), rtol=0.1)
    np.testing.assert_allclose(many.var(), variance(1000, 200), rtol=0.02)
    np.testing.assert_allclose([few.mean(), many.mean()], 0, atol=0.03)


def test_a_full_adjacency_starts_as_dense_does():
    """Uniform within ±sqrt(6 / (fan_in + fan_out))."""
    layer = SparselyConnected(np.ones((300, 100)), kernel_initializer=keras.initializers.GlorotUniform(seed=1))
    layer.build((None, 300))
    weights = np.abs(keras.ops.convert_to_numpy(layer.kernel))
    limit = np.sqrt(6 / 400)
    assert 0.999 * limit < weights.max() <= limit


def test_the_same_seed_gives_the_same_weights():
    first, second = (SparselyConnected(CHAIN, kernel_initializer=keras.initializers.HeNormal(seed=3)) for _ in range(2))
    for layer in (first, second):
        layer.build((None, 3))
    np.testing.assert_array_equal(first.kernel, second.kernel)


# ---- configuration ----------------------------------------------------------------------------------------


def test_the_config_is_json_and_makes_the_same_layer(random_adjacency):
    adjacency = random_adjacency(30, 10, 0.3)
    layer = SparselyConnected(
        adjacency,
        list(range(1, 11)),
        inputs_per_node=2,
        activation="relu",
        use_bias=False,
        kernel_initializer=keras.initializers.HeNormal(seed=1),
        kernel_regularizer=keras.regularizers.L2(0.1),
        kernel_constraint="non_neg",
        name="terms",
        kernel="portable",
    )
    config = json.loads(json.dumps(layer.get_config()))
    again = SparselyConnected.from_config(config)
    assert again.get_config() == config
    assert (again.adjacency != layer.adjacency).nnz == 0
    np.testing.assert_array_equal(again.connections.rows, layer.connections.rows)
    assert (again.adjacency != sparse.csr_array(adjacency)).nnz == 0


def test_the_config_of_lins_larger_layer_is_small():
    adjacency = sparse.random_array((9437, 1036), density=0.0086, rng=np.random.default_rng(0))
    assert len(json.dumps(SparselyConnected(adjacency).get_config())) < 160_000


# ---- errors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (
            lambda: SparselyConnected(CHAIN)(np.ones((1, 2))),
            ArchitectureError,
            "adjacency must have shape (inputs, outputs) = (2, …), got (3, 2). It looks transposed.",
        ),
        (
            lambda: SparselyConnected(CHAIN)(np.ones((1, 4))),
            ArchitectureError,
            "adjacency must have shape (inputs, outputs) = (4, …), got (3, 2).",
        ),
        (
            lambda: SparselyConnected(CHAIN, kernel="denze"),
            ModelError,
            f"kernel must be one of auto, {', '.join(KERNEL_NAMES)}; got 'denze'. Did you mean dense?",
        ),
        (
            lambda: SparselyConnected(CHAIN, units_per_node=[1, 2, 3]),
            ArchitectureError,
            "The units of the output nodes must be one number or one per node: expected 2, got 3.",
        ),
    ],
)
def test_errors_say_what_and_what_to_do(make, kind, message):
    with pytest.raises(kind) as caught:
        make()
    assert str(caught.value) == message
