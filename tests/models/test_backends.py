"""Models move between backends: trained on one, saved, opened in another process on another, the same predictions."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture import Architecture

HERE = keras.backend.backend()
# `make test-jax` and `make test-torch` together have all six.
PAIRS = [pair for pair in permutations(("tensorflow", "jax", "torch"), 2) if HERE in pair]
MODELS = ("classifier", "drugcell")
BEGIN = """
import sys

import keras
import keras_vnn
import numpy as np
from keras_vnn.data import classes
from keras_vnn.models import Regression, build_model

folder, backend = sys.argv[1:]
if keras.backend.backend() != backend:
    raise SystemExit(f"runs on {keras.backend.backend()}")
x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
targets = {"classifier": np.arange(32) % 2, "drugcell": x[:, :1] + x[:, 1:2]}
"""
TRAIN = """
arch = keras_vnn.read.architecture(folder + "/arch.vnn")
options = {"preset": "drugcell", "side_features": 0, "side_layers": (), "tail": (), "initial_scale": 1}
models = {
    "classifier": build_model(arch, classes(["T", "B"]), seed=0),
    "drugcell": build_model(arch, Regression(), seed=0, **options),
}
for name, model in models.items():
    model.fit(x, targets[name], epochs=3, verbose=0)
    keras_vnn.save_model(model, f"{folder}/{name}.keras")
"""
LOAD = """
models = {name: keras_vnn.load_model(f"{folder}/{name}.keras") for name in targets}
"""
TELL = """
for name, model in models.items():
    np.save(f"{folder}/{name} on {backend}.npy", model.predict(x, verbose=0))
    keras_vnn.tl.edge_weights(model, dense=True).to_pickle(f"{folder}/{name} on {backend}.pkl")
    model.fit(x, targets[name], verbose=0)
"""


def run(program: str, backend: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BEGIN + program + TELL, str(folder), backend],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="module")
def trained_on(tmp_path_factory):
    """Give the folder of models trained on a backend; each trains once."""
    folders = {}

    def train(backend: str, arch: Architecture) -> Path:
        if backend not in folders:
            folder = tmp_path_factory.mktemp(backend)
            arch.save(folder / "arch.vnn")
            run(TRAIN, backend, folder)
            folders[backend] = folder
        return folders[backend]

    return train


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_a_model_of_one_backend_predicts_the_same_on_another(
    one: str, other: str, layered: Architecture, trained_on
) -> None:
    for backend in (one, other):
        if importlib.util.find_spec(backend) is None:
            pytest.skip(f"needs {backend}: make test-{backend}")
    folder = trained_on(one, layered)

    run(LOAD, other, folder)

    for name in MODELS:
        here, there = (np.load(folder / f"{name} on {backend}.npy") for backend in (one, other))
        assert np.ptp(here[:, 0]) > 100 * 1e-6, "or any two models would agree"
        np.testing.assert_allclose(there, here, atol=1e-6, rtol=1e-5)
        weights = [pd.read_pickle(folder / f"{name} on {backend}.pkl") for backend in (one, other)]
        pd.testing.assert_frame_equal(*weights)
