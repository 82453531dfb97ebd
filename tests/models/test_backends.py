"""Weights move between backends: trained on one, saved, loaded in another process on another, the same predictions."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_vnn.architecture import Architecture
from keras_vnn.data import classes
from keras_vnn.models import Regression, build_model, edge_weights, save_model

BACKENDS = ("tensorflow", "jax", "torch")
LOAD = """
import sys
import keras_vnn
import keras
import numpy as np

folder, backend = sys.argv[1:]
if keras.backend.backend() != backend:
    raise SystemExit(f"runs on {keras.backend.backend()}")
model = keras_vnn.load_model(folder + "/model.keras")
np.save(folder + "/y.npy", model.predict(np.load(folder + "/x.npy"), verbose=0))
keras_vnn.edge_weights(model, dense=True).to_pickle(folder + "/weights.pkl")
model.fit(np.load(folder + "/x.npy"), np.load(folder + "/targets.npy"), verbose=0)
"""


@pytest.mark.parametrize("other", BACKENDS)
@pytest.mark.parametrize("preset", [None, "drugcell"])
def test_a_model_trained_here_predicts_the_same_elsewhere(
    other: str, preset: str | None, layered: Architecture, tmp_path: Path
) -> None:
    if other == keras.backend.backend():
        pytest.skip("is the backend of this process")
    if importlib.util.find_spec(other) is None:
        pytest.skip(f"needs {other}: make test-{other}")
    options = {"side_features": 0, "side_layers": (), "tail": ()} if preset else {}
    outputs = Regression() if preset else classes(["T", "B"])
    model = build_model(layered, outputs, preset=preset, seed=0, **options)
    random = np.random.default_rng(0)
    x = random.normal(size=(32, 4)).astype("float32")
    targets = random.normal(size=(32, 1)).astype("float32") if preset else np.arange(32) % 2
    model.fit(x, targets, epochs=3, verbose=0)
    save_model(model, tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "targets.npy", targets)

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOAD, str(tmp_path), other],
        env={**os.environ, "KERAS_BACKEND": other},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), model.predict(x, verbose=0), atol=1e-6, rtol=1e-5)
    import pandas as pd

    pd.testing.assert_frame_equal(pd.read_pickle(tmp_path / "weights.pkl"), edge_weights(model, dense=True))
