"""Fitting arrays that are aligned already, and data with several features per gene or a second input."""

from __future__ import annotations

import anndata
import keras
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import DataError
from keras_vnn.data import classes, targets_of
from keras_vnn.models import Regression, build_model, view
from keras_vnn.options import training_options
from keras_vnn.training import fit_model, train

GENES = ("A", "B", "C")
QUICK = training_options(normalization="none", epochs=3, patience=0, learning_rate=0.01)


@pytest.fixture
def arch() -> Architecture:
    genes = Layer("genes", tuple(Node(gene, kind="gene") for gene in GENES))
    terms = Layer("height 1", (Node("T1", units=2), Node("T2", units=2)))
    root = Layer("height 2", (Node("ROOT", units=2),))
    connections = {
        (0, 1): sparse.csr_array(np.array([[1, 0], [1, 1], [0, 1]])),
        (1, 2): sparse.csr_array(np.ones((2, 1))),
    }
    return Architecture((genes, terms, root), connections)


@pytest.fixture
def cells() -> anndata.AnnData:
    rng = np.random.default_rng(0)
    layers = {name: rng.integers(0, 2, (40, 3)).astype("float32") for name in ("deletion", "mutation")}
    response = layers["mutation"][:, 0] - layers["deletion"][:, 1]
    obs = pd.DataFrame({"response": response, "twice": 2 * response}, index=[f"c{i}" for i in range(40)])
    data = anndata.AnnData(layers["mutation"], layers=layers, obs=obs, var=pd.DataFrame(index=GENES))
    data.obsm["drug"] = rng.normal(size=(40, 4)).astype("float32")
    return data


def test_early_stopping_goes_back_to_the_best(arch: Architecture) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)).astype("float32"), rng.normal(size=(40, 1)).astype("float32")
    model = build_model(arch, Regression("y"), preset="dcell-paper", seed=0)
    options = training_options(epochs=200, patience=3, learning_rate=0.05)
    history = fit_model(model, x[:20], y[:20], validation=(x[20:], y[20:]), training=options)
    assert len(history) < 200, "noise cannot be learned"
    best = float(history["val_loss"].min())
    assert model.evaluate(x[20:], y[20:], verbose=0) == pytest.approx(best, rel=1e-4)
    assert (history["loss"] > 0).all()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="others trace in their own ways")
@pytest.mark.parametrize("preset", [None, "dcell-paper", "discover"])
def test_the_step_is_traced_once(arch: Architecture, preset: str | None) -> None:
    """A second trace, as of variables made in the first, takes seconds of a large network; so do batches cut short."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)).astype("float32"), np.arange(40) % 2
    model = build_model(arch, classes(["a", "b"]), preset=preset, seed=0)
    step, traces = model.train_step, []
    model.train_step = lambda data: traces.append(1) or step(data)
    fit_model(model, x[:30], y[:30], validation=(x[30:], y[30:]), training=training_options(epochs=2, batch_size=8))
    assert len(traces) == 1


@pytest.mark.slow
def test_features_and_a_second_input_reach_the_model(arch: Architecture, cells: anndata.AnnData) -> None:
    result = train(
        arch,
        cells,
        targets_of(cells, ["response", "twice"]),
        training=QUICK,
        side="drug",
        preset="drugcell",
        side_features=4,
        side_layers=(3,),
        gene_features=("mutation", "deletion"),
    )
    assert result.model.input_shape == [(None, 3, 2), (None, 4)]
    assert list(result.metrics.by_target) == ["response", "twice"]
    assert set(view(result.model).card.metadata["training"]["metrics"]) == {"response", "twice"}
    assert str(result.metrics).startswith("response: Pearson")
    array = train(
        arch,
        cells,
        targets_of(cells, "response"),
        training=QUICK,
        side=cells.obsm["drug"],
        preset="drugcell",
        side_features=4,
        side_layers=(3,),
    )
    assert array.metrics.cells == 6


@pytest.mark.parametrize(
    ("options", "side", "message"),
    [
        (
            {"side_features": 4, "side_layers": (3,)},
            None,
            "The model has a side branch of 4 features, but there are no data for it.",
        ),
        ({"side_features": 4, "side_layers": (3,)}, "durg", "The data have no obsm 'durg'. Did you mean drug?"),
        (
            {"side_features": 5, "side_layers": (3,)},
            "drug",
            "side_features=5, but the side data have 4 features.",
        ),
        (
            {"side_features": 1, "side_layers": (3,)},
            np.full((40, 1), np.nan),
            "40 of 40 side values are not finite numbers.",
        ),
    ],
)
def test_wrong_side_data_are_named(
    arch: Architecture, cells: anndata.AnnData, options: dict, side: object, message: str
) -> None:
    with pytest.raises(DataError) as error:
        train(arch, cells, targets_of(cells, "response"), training=QUICK, side=side, **options)
    assert str(error.value).startswith(message)


def test_features_are_not_normalised(arch: Architecture, cells: anndata.AnnData) -> None:
    with pytest.raises(DataError) as error:
        train(arch, cells, targets_of(cells, "response"), gene_features=("mutation", "deletion"))
    assert str(error.value).startswith("Several features per gene are taken as they are, got normalization 'centered'.")


def test_rows_must_agree(arch: Architecture) -> None:
    model = build_model(arch, Regression("y"))
    with pytest.raises(DataError) as error:
        fit_model(model, np.zeros((4, 3)), np.zeros((5, 1)))
    assert str(error.value) == "The inputs and targets for training have different numbers of rows: 4, 5."


@pytest.mark.parametrize("options", [{"anchor": "none", "l2": 0.5}, {"anchor": "mean", "anchor_pull": 0.5}])
def test_the_validation_loss_is_of_the_prediction_alone(arch: Architecture, options: dict) -> None:
    """A penalty that outweighs what is learned does not end the training."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 3)).astype("float32"), rng.normal(size=(60, 1)).astype("float32")
    model = build_model(arch, Regression("dose"), seed=0, **options)
    history = fit_model(model, x[:40], y[:40], validation=(x[40:], y[40:]), training=QUICK)
    error = float(np.mean((model.predict(x[40:], verbose=0) - y[40:]) ** 2))
    assert history["val_loss"].iloc[-1] == pytest.approx(error, rel=1e-4)
    assert model.evaluate(x[40:], y[40:], verbose=0, return_dict=True)["loss"] > error * 1.01
