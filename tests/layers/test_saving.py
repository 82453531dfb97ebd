"""Saved models: loading in a new process, sizes on disk, weights from elsewhere."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_vnn.layers import SparselyConnected
from keras_vnn.layers.kernels import KERNELS

KERNEL_NAMES = list(KERNELS)


@pytest.fixture
def model(random_adjacency):
    adjacency = random_adjacency(30, 12, 0.3)
    adjacency[0] = True
    return keras.Sequential(
        [
            keras.Input((30,)),
            SparselyConnected(adjacency, 2, activation="tanh", name="terms"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


@pytest.mark.slow
def test_a_new_process_needs_the_import_and_nothing_else(model, tmp_path):
    data = np.random.default_rng(0).normal(size=(4, 30)).astype("float32")
    np.save(tmp_path / "data.npy", data)
    model.save(tmp_path / "model.keras")
    code = (
        "import sys, keras_vnn\n"
        "import numpy as np, keras\n"
        "folder = sys.argv[1]\n"
        "model = keras.saving.load_model(folder + '/model.keras')\n"
        "np.save(folder + '/found.npy', model.predict(np.load(folder + '/data.npy'), verbose=0))\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True)
    np.testing.assert_array_equal(np.load(tmp_path / "found.npy"), model.predict(data, verbose=0))


def test_a_model_trains_on_where_it_was_saved(model, tmp_path):
    data = np.random.default_rng(0).normal(size=(8, 30)).astype("float32")
    labels = np.arange(8) % 3
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(data, labels, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for each in (model, again):
        each.fit(data, labels, verbose=0, shuffle=False)
    for first, second in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_weights_fit_whatever_kernel_the_other_model_had(tmp_path, random_adjacency):
    adjacency = random_adjacency(20, 8, 0.5)
    data = np.random.default_rng(0).normal(size=(4, 20)).astype("float32")
    found = []
    for kernel in KERNEL_NAMES:
        if keras.backend.backend() != "tensorflow" and kernel in ("csr", "filled"):
            continue
        model = keras.Sequential([keras.Input((20,)), SparselyConnected(adjacency, kernel=kernel, name="terms")])
        if kernel == KERNEL_NAMES[0]:
            model.save_weights(tmp_path / "of.weights.h5")
        model.load_weights(tmp_path / "of.weights.h5")
        found.append(model.predict(data, verbose=0))
    for outputs in found[1:]:
        np.testing.assert_allclose(outputs, found[0], atol=1e-5)


def test_a_clone_is_a_layer_of_its_own(model):
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    data = np.ones((2, 30), "float32")
    np.testing.assert_array_equal(clone.predict(data, verbose=0), model.predict(data, verbose=0))
    assert clone.get_layer("terms").kernel is not model.get_layer("terms").kernel


def test_a_saved_model_holds_no_dense_matrix(tmp_path):
    adjacency = np.zeros((9437, 700), bool)
    adjacency[np.random.default_rng(0).integers(0, 9437, 66_000), np.arange(66_000) % 700] = True
    model = keras.Sequential([keras.Input((9437,)), SparselyConnected(adjacency)])
    model.save(tmp_path / "model.keras")
    assert (tmp_path / "model.keras").stat().st_size < 700_000  # 4 bytes per connection; dense: 26 MB


def test_weights_of_other_connections_are_refused(tmp_path):
    """Both layers have four weights and two biases."""
    layers = [SparselyConnected(np.array(rows)) for rows in ([[1, 0], [1, 1], [0, 1]], [[1, 1], [1, 0], [0, 1]])]
    models = [keras.Sequential([keras.Input((3,)), layer]) for layer in layers]
    models[0].save_weights(tmp_path / "one.weights.h5")
    before = models[1].get_weights()
    with pytest.raises(ValueError, match="join other units than those of this model"):
        models[1].load_weights(tmp_path / "one.weights.h5")
    for old, new in zip(before, models[1].get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    again = keras.Sequential([keras.Input((3,)), SparselyConnected(layers[0].adjacency)])
    again.load_weights(tmp_path / "one.weights.h5")
    np.testing.assert_array_equal(again.get_weights()[0], models[0].get_weights()[0])
