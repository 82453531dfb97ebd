"""Step sizes, clipping, half precision and logs."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import ConfigError, ModelError
from keras_vnn.data import labels_of
from keras_vnn.options import training_options
from keras_vnn.training import make_optimizer, train


def rate(optimizer: keras.optimizers.Optimizer, step: int) -> float:
    return float(optimizer._learning_rate(step))


def test_step_sizes_follow_their_schedule_to_the_last_step() -> None:
    options = {"learning_rate": 0.1, "epochs": 10, "batch_size": 10}
    cosine = make_optimizer(training_options(**options, schedule="cosine"), 10)
    assert [rate(cosine, step) for step in (0, 50, 100)] == pytest.approx([0.1, 0.05, 0], abs=1e-7)
    rising = make_optimizer(training_options(**options, schedule="cosine", warmup=0.2), 10)
    assert [rate(rising, step) for step in (0, 10, 20, 60, 100)] == pytest.approx([0, 0.05, 0.1, 0.05, 0], abs=1e-7)
    falling = make_optimizer(training_options(**options, schedule="exponential"), 10)
    assert [rate(falling, step) for step in (0, 50, 100)] == pytest.approx([0.1, 0.01, 0.001])


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_long_gradients_are_shortened(name: str) -> None:
    assert make_optimizer(training_options(optimizer=name, clip_norm=0.5)).global_clipnorm == 0.5
    assert make_optimizer(training_options(optimizer=name)).global_clipnorm is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schedule": "cosin"}, "schedule must be one of constant, cosine, exponential; got 'cosin'. Did you mean"),
        ({"precision": "float16"}, "precision must be one of float32, mixed_bfloat16, mixed_float16; got 'float16'."),
        ({"clip_norm": -1}, "clip_norm must be a number of at least 0, got -1."),
        ({"warmup": 1.0, "schedule": "cosine"}, "warmup must be a number of at least 0 and below 1, got 1.0."),
        ({"warmup": 0.1}, "warmup goes with schedule=\"cosine\" only, got 'constant'."),
        (
            {"decay": 0.1, "schedule": "cosine"},
            "decay goes with schedule=\"constant\" only, got 'cosine'. Pass decay=0.",
        ),
    ],
)
def test_impossible_options_are_named(changes: dict, message: str) -> None:
    with pytest.raises(ModelError) as error:
        training_options(**changes)
    assert str(error.value).startswith(message)


def test_half_precision_and_logs(tmp_path: Path) -> None:
    genes = Layer("genes", tuple(Node(gene, kind="gene") for gene in "ABC"))
    arch = Architecture((genes, Layer("nodes", (Node("N"), Node("M")))), {(0, 1): sparse.eye_array(3, 2)})
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, 3)), columns=list("ABC"))
    labels = labels_of(pd.DataFrame({"kind": np.where(frame["A"] > 0, "up", "down")}), "kind")
    options = training_options(precision="mixed_bfloat16", schedule="cosine", clip_norm=1.0, epochs=3, patience=0)
    result = train(arch, frame, labels, training=options, logs=tmp_path / "logs")
    assert result.model.get_layer("layer_1").compute_dtype == "bfloat16"
    assert result.model.get_layer("layer_1").kernel.dtype == "float32"
    assert result.model.get_layer("head").compute_dtype == "float32"
    assert keras.config.dtype_policy().name == "float32", "left as it was"
    table = pd.read_csv(tmp_path / "logs" / "epochs.csv", index_col="epoch")
    np.testing.assert_allclose(table["loss"], result.history["loss"])
    assert table["learning_rate"].iloc[-1] == pytest.approx(0, abs=1e-7)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as error:
        train(arch, frame, labels, training=options, logs=tmp_path / "file")
    assert str(error.value).startswith(f"The folder for logs cannot be made: {tmp_path / 'file'}\n    File exists")
