"""What may be asked of a `Dense` layer gives the same of the sparse one, whichever kernel: one table of cases."""

import keras
import numpy as np
import pytest
from scipy import sparse

from keras_vnn.basics.errors import ModelError
from keras_vnn.layers import Connections, SparselyConnected
from keras_vnn.layers.kernels import KERNELS

RNG = np.random.default_rng(0)
ALL = np.ones((5, 4))
COUNTS = RNG.integers(0, 9, size=(7, 5))
POSITIVE = RNG.random((7, 5)).astype("float32")


@pytest.fixture(params=["Dense", *KERNELS])
def make_layer(request):
    """Make a layer with every connection: that of Keras, or ours with one of the kernels."""

    def make(**options):
        if request.param == "Dense":
            return keras.layers.Dense(4, **options)
        why = KERNELS[request.param].unavailable(
            Connections.from_adjacency(ALL), backend=keras.backend.backend(), device="cpu"
        )
        if why:
            pytest.skip(f"{request.param}: {why}")
        return SparselyConnected(ALL, kernel=request.param, **options)

    return make


def matrix_of(layer):
    kernel = keras.ops.convert_to_numpy(keras.ops.cast(layer.kernel, "float64"))
    return kernel if kernel.ndim == 2 else kernel.reshape(4, 5).T


def numpy(tensor):
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float64"))


INPUTS = {
    "int8": COUNTS.astype("int8"),
    "int32": COUNTS.astype("int32"),
    "uint8": COUNTS.astype("uint8"),
    "bool": COUNTS > 4,
    "float16": POSITIVE.astype("float16"),
    "one example": POSITIVE[:1],
    "no example": POSITIVE[:0],
    "three axes": RNG.integers(0, 9, size=(2, 3, 5)),
}


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("case", INPUTS)
def test_any_number_is_read_as_one_of_the_dtype_of_the_layer(case, use_bias, make_layer):
    inputs, layer = INPUTS[case], make_layer(use_bias=use_bias, bias_initializer="ones" if use_bias else None)
    expected = inputs.astype("float64").reshape(-1, 5)
    symbolic = keras.Input(inputs.shape[1:], dtype=inputs.dtype.name)
    model = keras.Model(symbolic, layer(symbolic))
    expected = (expected @ matrix_of(layer) + use_bias).reshape(*inputs.shape[:-1], 4)
    outputs = layer(keras.ops.convert_to_tensor(inputs))
    assert keras.backend.standardize_dtype(outputs.dtype) == "float32"
    # Sums near zero of products near one are right to the precision of the products, not of the sum.
    np.testing.assert_allclose(numpy(outputs), expected, rtol=1e-3, atol=1e-6)
    if len(inputs):
        np.testing.assert_allclose(model.predict(inputs, verbose=0), expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64", "mixed_float16", "mixed_bfloat16"])
def test_a_step_of_training_on_counts(dtype, make_layer):
    layer = make_layer(dtype=dtype, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((5,), dtype="int32"), layer])
    model.compile(keras.optimizers.SGD(0.125), "mse")
    model.train_on_batch(COUNTS.astype("int32"), np.zeros((7, 4)))
    upstream = 2 * COUNTS.sum(axis=1, keepdims=True).repeat(4, axis=1) / 28
    expected = 1 - 0.125 * COUNTS.T @ upstream
    np.testing.assert_allclose(matrix_of(layer), expected, rtol={"mixed_bfloat16": 0.02}.get(dtype, 2e-3))


@pytest.mark.tensorflow  # elsewhere Keras's own training fails on it
def test_an_empty_batch_changes_nothing_in_training(make_layer):
    layer = make_layer()
    model = keras.Sequential([keras.Input((5,)), layer])
    model.compile(keras.optimizers.SGD(1.0), keras.losses.MeanSquaredError(reduction="sum"))
    before = matrix_of(layer)
    model.train_on_batch(POSITIVE[:0], np.zeros((0, 4)))
    np.testing.assert_array_equal(matrix_of(layer), before)


@pytest.mark.parametrize("kernel", KERNELS)
def test_without_connections_gradients_are_zero(kernel):
    """Layers before it are trained by nothing, and say so by zeros, as before a `Dense` layer of zeros."""
    nothing = np.zeros((5, 3))
    if KERNELS[kernel].unavailable(Connections.from_adjacency(nothing), backend=keras.backend.backend(), device="cpu"):
        pytest.skip("not on this backend")
    with pytest.warns(match="have no input"):
        first, last = keras.layers.Dense(5), SparselyConnected(nothing, kernel=kernel, use_bias=False)
        model = keras.Sequential([keras.Input((5,)), first, last])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    before = numpy(first.kernel)
    assert model.train_on_batch(POSITIVE, np.ones((7, 3))) == 1
    np.testing.assert_array_equal(numpy(first.kernel), before)


@pytest.mark.parametrize("what", [np.nan, np.inf])
@pytest.mark.parametrize("kernel", KERNELS)
def test_what_is_not_a_number_reaches_the_units_that_read_it_and_no_others(kernel, what):
    adjacency = np.array([[1, 1, 1, 0], [0, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]])
    connections = Connections.from_adjacency(adjacency)
    if KERNELS[kernel].unavailable(connections, backend=keras.backend.backend(), device="cpu"):
        pytest.skip("not on this backend")
    layer = SparselyConnected(adjacency, kernel=kernel)
    model = keras.Sequential([keras.Input((5,)), layer])
    inputs = POSITIVE.copy()
    inputs[2, 1], inputs[3, 3], inputs[5, [0, 4]] = what, what, what
    expected = np.where(np.isfinite(inputs), inputs, 0) @ layer.kernel_matrix()
    expected[2, 1:3], expected[5] = np.nan, np.nan
    for found in (numpy(layer(keras.ops.convert_to_tensor(inputs))), model.predict(inputs, verbose=0)):
        np.testing.assert_allclose(np.where(np.isfinite(found), found, np.nan), expected, atol=1e-5)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras has no sparse tensors there")
def test_sparse_tensors_are_read(make_layer):
    layer, inputs = make_layer(), keras.Input((5,), sparse=True)
    model = keras.Model(inputs, layer(inputs))
    rows = sparse.csr_array(np.where(POSITIVE > 0.5, POSITIVE, 0))
    np.testing.assert_allclose(
        model.predict(sparse.csr_matrix(rows), verbose=0), rows @ matrix_of(layer), rtol=1e-4, atol=1e-6
    )


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="Keras fits to sparse matrices on TensorFlow alone")
def test_models_are_fitted_to_sparse_matrices(make_layer):
    """Rows of a scipy matrix give the losses, and the weights, that the same rows give when they are dense."""
    rows = np.where(POSITIVE > 0.5, POSITIVE, 0)
    found = []
    for is_sparse in (True, False):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((5,), sparse=is_sparse)
        model = keras.Model(inputs, keras.layers.Dense(1)(make_layer(kernel_initializer="ones")(inputs)))
        model.compile(optimizer="sgd", loss="mse")
        x = sparse.csr_matrix(rows) if is_sparse else rows
        losses = model.fit(x, np.arange(7.0), epochs=3, batch_size=3, shuffle=False, verbose=0).history["loss"]
        found.append((losses, *model.get_weights()))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("asks", "remedy"),
    [
        (lambda: built().enable_lora(2), "layer.trainable = True"),
        (lambda: built().quantize("int8"), 'dtype="bfloat16"'),
        (lambda: built(kernel_initializer="orthogonal"), "glorot_uniform, he_normal"),
        (lambda: built(kernel_initializer="identity"), "glorot_uniform, he_normal"),
        (lambda: built(kernel_regularizer="orthogonal_regularizer"), "keras.regularizers.L1, L2 or L1L2"),
    ],
    ids=["LoRA", "int8", "orthogonal weights", "identity", "orthogonal penalty"],
)
def test_what_is_for_matrices_is_refused_and_what_serves_is_named(asks, remedy):
    with pytest.raises(ModelError) as caught:
        asks()
    assert remedy in str(caught.value).splitlines()[-1]


def built(**options):
    layer = SparselyConnected(ALL, **options)
    layer.build((None, 5))
    return layer


@pytest.mark.filterwarnings("ignore:Layer InputLayer does not have a `quantize` method")
def test_a_model_is_quantized_but_for_its_sparse_layers():
    model = keras.Sequential([keras.Input((5,)), SparselyConnected(ALL, name="terms"), keras.layers.Dense(2)])
    before = model.predict(POSITIVE, verbose=0)
    with pytest.warns(UserWarning, match="'terms' has no quantized form"):
        model.quantize("int8")
    assert keras.backend.standardize_dtype(model.layers[-1]._kernel.dtype) == "int8"
    np.testing.assert_allclose(model.predict(POSITIVE, verbose=0), before, atol=0.05)


def test_half_the_memory_by_bfloat16():
    layer = SparselyConnected(ALL, dtype="bfloat16")
    outputs = layer(keras.ops.convert_to_tensor(POSITIVE))
    assert keras.backend.standardize_dtype(layer.kernel.dtype) == "bfloat16"
    np.testing.assert_allclose(numpy(outputs), POSITIVE @ matrix_of(layer), atol=0.05)
