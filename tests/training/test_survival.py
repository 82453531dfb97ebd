"""Networks that learn survival: a linear one is Cox regression, planted genes are found, and models come back whole."""

import anndata
import keras
import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture.wiring import gene_set_architecture
from keras_vnn.basics.errors import DataError, ModelError, VNNWarning
from keras_vnn.data import Split, survival_of
from keras_vnn.inspection import judge, predict, rank_nodes
from keras_vnn.models import Regression, Survival, build_model, load_model, save_model, view
from keras_vnn.training import train

GENES = [f"G{i}" for i in range(60)]
SETS = {f"S{i}": GENES[5 * i : 5 * i + 5] for i in range(12)}
ARCH = gene_set_architecture(GENES, SETS)


@pytest.fixture(scope="module")
def patients():
    """The first set raises the hazard, the second lowers it; a third of the patients are censored."""
    random = np.random.default_rng(0)
    values = random.normal(size=(400, 60)).astype("float32")
    hazard = values[:, :5].mean(axis=1) * 2.5 - values[:, 5:10].mean(axis=1) * 2.5
    time, end = random.exponential(np.exp(-hazard)), random.exponential(2.0, 400)
    obs = pd.DataFrame(
        {"time": np.ceil(20 * np.minimum(time, end)), "event": (time <= end).astype(int)},
        index=[f"p{i}" for i in range(400)],
    )
    return anndata.AnnData(values, obs=obs, var=pd.DataFrame(index=GENES))


@pytest.fixture(scope="module")
def result(patients):
    known = survival_of(patients, "time", "event")
    return train(ARCH, patients, known, epochs=60, normalization="none", progress=False)


def test_a_network_of_one_linear_node_is_the_cox_regression_of_lifelines():
    pytest.importorskip("lifelines")
    from lifelines import CoxPHFitter
    from lifelines.datasets import load_rossi

    table = load_rossi().astype(float)
    names = [name for name in table if name not in ("week", "arrest")]
    table[names] = (table[names] - table[names].mean()) / table[names].std()
    everyone = np.arange(len(table))
    result = train(
        gene_set_architecture(names, {"all": names}),
        anndata.AnnData(table[names].rename(index=str)),
        survival_of(table.rename(index=str), "week", "arrest"),
        split=Split(everyone, everyone[:0], everyone[:0], 0),
        activation="linear", anchor="none", normalization="none",
        batch_size=len(table), epochs=250, learning_rate=0.05, epsilon=1e-7, progress=False,
    )  # fmt: skip
    kept = keras.ops.convert_to_numpy(result.model(np.vstack([np.zeros(len(names)), np.eye(len(names))])))[:, 0]
    coefficients = CoxPHFitter().fit(table, "week", "arrest").params_[names]
    np.testing.assert_allclose(kept[1:] - kept[0], coefficients, atol=2e-3)


def test_it_orders_patients_it_has_not_seen(result):
    assert result.metrics.c_index > 0.65
    assert {"c_index", "val_c_index", "val_loss"} <= set(result.history)
    assert "c-index" in str(result)


def test_the_sets_that_were_planted_have_evidence_in_their_direction(patients, result):
    known = survival_of(patients, "time", "event")
    table = rank_nodes(result.model, patients, known, replicate="cells", progress=False)
    assert table.index[:2].isin(["S0", "S1"]).all()
    assert table.loc["S0", "higher_with"] == "log_hazard"
    assert table.loc["S0", "r"] > 0.2 > -0.2 > table.loc["S1", "r"]
    assert table.attrs["held_out"] == 120, "the split by event is found again"


def test_the_judgement_has_chance_and_a_cox_model_beside_it(patients, result):
    known = survival_of(patients, "time", "event")
    found = judge(result.model, patients, known)
    assert found.c_index == pytest.approx(result.metrics.c_index)
    assert found.is_better
    assert "chance 0.50" in str(found)
    assert view(result.model).card.metadata["judgement"]["text"] == str(found)
    with pytest.raises(DataError, match="Pass the follow-up of the cells as labels"):
        judge(result.model, patients, "time")


def test_a_model_that_learned_nothing_is_said_to_be_so(patients):
    random = patients.copy()
    random.obs = random.obs.sample(frac=1, random_state=1).set_axis(random.obs_names)
    known = survival_of(random, "time", "event")
    nothing = train(ARCH, random, known, epochs=2, normalization="none", progress=False)
    assert "not shown to be better than chance" in str(judge(nothing.model, random, known))
    with pytest.warns(VNNWarning, match="not shown to be better than chance: c-index"):
        rank_nodes(nothing.model, random, known, replicate="cells", progress=False)


def test_a_saved_model_says_the_same_and_can_be_trained_on(patients, result, tmp_path):
    save_model(result.model, tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    assert view(again).outputs == Survival()
    risks = predict(again, patients)
    assert list(risks) == ["log_hazard"]
    pd.testing.assert_frame_equal(risks, predict(result.model, patients))
    followed = survival_of(patients, "time", "event").values
    assert np.isfinite(again.evaluate(np.asarray(patients.X), followed, verbose=0)).all()


def test_auxiliary_heads_learn_survival_too(patients):
    known = survival_of(patients, "time", "event")
    options = {"auxiliary_heads": "linear", "normalization": "none", "epochs": 20, "progress": False}
    assert train(ARCH, patients, known, **options).metrics.c_index > 0.6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "mean_squared_error"}, 'The loss of Survival is the Cox partial likelihood: loss="auto"'),
        ({"sample_weight": np.ones(400)}, "sample_weight has no meaning for those at risk"),
    ],
)
def test_what_does_not_go_with_survival(patients, options, message):
    with pytest.raises((DataError, ModelError), match=message):
        train(ARCH, patients, survival_of(patients, "time", "event"), **options)


def test_survival_is_one_number():
    assert build_model(ARCH, Survival()).output_shape == (None, 1)
    assert Survival() != Regression("log_hazard")
    with pytest.raises(ModelError, match="Survival has one output"):
        Survival(("a", "b"))
