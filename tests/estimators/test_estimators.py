"""Networks in scikit-learn's clothes: by name, in pipelines and searches, pickled in the safe format."""

from __future__ import annotations

import functools
import io
import pickle

import anndata
import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from keras_vnn.basics.errors import ConfigError, DataError, GeneError, OutputError
from keras_vnn.estimators import VNNClassifier, VNNEmbedder, VNNRegressor, annotate_cells, train_cells
from keras_vnn.inspection import node_activities
from keras_vnn.options import training_options

FAST = training_options(epochs=25, patience=0, learning_rate=0.05)
QUICK = {"epochs": 15, "patience": 0, "learning_rate": 0.05, "random_state": 0}


def test_a_classifier_learns_and_names_its_nodes(cells: anndata.AnnData, wiring: functools.partial) -> None:
    frame, kinds = cells.to_df(), cells.obs["kind"]
    classifier = VNNClassifier(wiring, **QUICK).fit(frame, kinds)
    assert list(classifier.classes_) == ["a", "b", "c"]
    assert classifier.score(frame, kinds) > 0.9
    names = list(classifier.get_feature_names_out())
    assert "PPI:G0" in names
    activities = classifier.set_output(transform="pandas").transform(frame)
    assert list(activities.columns) == names
    assert list(activities.index) == list(frame.index)
    np.testing.assert_array_equal(activities, node_activities(classifier.model_, frame).X)
    # An AnnData is found by name, in any order; a sparse one too.
    shuffled = cells[:, ::-1].copy()
    shuffled.X = sparse.csr_matrix(shuffled.X)
    np.testing.assert_allclose(classifier.predict_proba(shuffled), classifier.predict_proba(frame), atol=1e-6)
    # Pickled and back, by way of the safe format.
    stream = io.BytesIO()
    joblib.dump(classifier, stream)
    stream.seek(0)
    assert isinstance(classifier.__getstate__()["model_"], bytes)
    assert classifier.__getstate__()["model_"][:2] == b"PK"
    for again in (joblib.load(stream), pickle.loads(pickle.dumps(classifier))):
        np.testing.assert_array_equal(again.predict_proba(frame), classifier.predict_proba(frame))


def test_in_a_pipeline_the_wiring_follows_the_columns(cells: anndata.AnnData, wiring: functools.partial) -> None:
    pipeline = make_pipeline(SelectKBest(k=5), VNNClassifier(wiring, **{**QUICK, "epochs": 3}))
    pipeline.set_output(transform="pandas")
    search = GridSearchCV(pipeline, {"selectkbest__k": [4], "vnnclassifier__dropout": [0.0, 0.5]}, cv=2)
    search.fit(cells.to_df(), cells.obs["kind"])
    best = search.best_estimator_.named_steps["vnnclassifier"]
    assert len(best.architecture_.genes) == 4
    assert set(best.architecture_.genes) <= set(cells.var_names)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.slow
def test_an_embedder_and_a_regressor(cells: anndata.AnnData, wiring: functools.partial) -> None:
    embedder = VNNEmbedder(wiring, tail=(2,), **{**QUICK, "epochs": 3})
    assert embedder.fit_transform(cells, "kind").shape == (60, 2)
    assert list(embedder.get_feature_names_out()) == ["tail_1 [0]", "tail_1 [1]"]
    regressor = VNNRegressor(wiring, **{**QUICK, "epochs": 60}).fit(cells, "dose")
    assert regressor.predict(cells).shape == (60,)
    assert regressor.score(cells, cells.obs["dose"]) > 0.7


def test_parameters_are_plain_and_copied(wiring: functools.partial) -> None:
    given = VNNClassifier(wiring, tail=(3,), model={"l2": 0.1})
    assert clone(given).get_params()["model"] == {"l2": 0.1}
    assert clone(given).set_params(dropout=0.2).dropout == 0.2


def test_one_call_writes_where_scanpy_looks(cells: anndata.AnnData, wiring: functools.partial, tmp_path) -> None:
    arch = wiring(list(cells.var_names[:6]))
    cells.layers["scaled"] = cells.X * 2
    cells.obs["kind"] = cells.obs["kind"].where(np.arange(60) % 10 > 0)
    result = train_cells(cells, arch, "kind", layer="scaled", missing_labels="drop", training=FAST, tail=(3,))
    assert set(cells.obs["vnn_split"].cat.categories) == {"train", "validation", "test", "unlabelled"}
    assert (cells.obs["vnn_split"] == "unlabelled").sum() == 6
    assert (cells.obs["vnn_predicted"] == np.repeat(["a", "b", "c"], 20)).mean() > 0.9
    assert cells.obs["vnn_probability"].between(1 / 3, 1).all()
    assert cells.obsm["X_vnn"].shape == (60, 3)
    assert "PPI:G0" in cells.obsm["vnn_nodes"]
    assert cells.uns["vnn"]["fingerprint"] == arch.fingerprint
    cells.write_h5ad(tmp_path / "cells.h5ad")
    again = anndata.read_h5ad(tmp_path / "cells.h5ad")
    pd.testing.assert_frame_equal(again.obsm["vnn_nodes"], cells.obsm["vnn_nodes"])
    with pytest.raises(OutputError) as error:
        annotate_cells(cells, result.model, layer="scaled")
    assert str(error.value).startswith('The AnnData has obs["vnn_predicted"], obs["vnn_probability"], obs["vnn_split"]')
    annotate_cells(cells, result.model, layer="scaled", key="again")
    np.testing.assert_array_equal(cells.obs["again_predicted"], cells.obs["vnn_predicted"])


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda c, w: VNNClassifier().fit(c, "kind"),
            ConfigError,
            "VNNClassifier needs an architecture: without prior knowledge its nodes would have no names.",
        ),
        (
            lambda c, w: VNNClassifier(3).fit(c, "kind"),
            ConfigError,
            "architecture must be an Architecture, the file of one, or a function of gene names that makes one",
        ),
        (
            lambda c, w: VNNClassifier(len).fit(c, "kind"),
            ConfigError,
            "The function given as architecture must return an Architecture, got int.",
        ),
        (
            lambda c, w: VNNClassifier(w(list("G0 G1 G2".split()))).fit(c.X, c.obs["kind"]),
            DataError,
            "The data have 7 columns without names, the architecture 3 genes.",
        ),
        (lambda c, w: VNNClassifier(w).fit(c, "kin"), DataError, "The cells have no column 'kin'."),
        (lambda c, w: VNNClassifier(w).fit(c, ["a"]), DataError, "Got 1 target for 60 cells."),
        (lambda c, w: VNNClassifier(w).fit(c, ["a"] * 60), DataError, "The labels name one class only, a: "),
        (
            lambda c, w: VNNClassifier(w, output="node").fit(c, "kind"),
            ConfigError,
            "output must be one of nodes, embedding; got 'node'. Did you mean nodes?",
        ),
        (
            lambda c, w: VNNEmbedder(w, objective="tripel").fit(c, "kind"),
            ConfigError,
            "objective must be one of triplet, siamese, classifier; got 'tripel'. Did you mean triplet?",
        ),
        (lambda c, w: VNNEmbedder(w).fit(c), DataError, "requires y to be passed, but the target y is None"),
    ],
)
def test_what_cannot_be_fitted_is_said(call, kind, message, cells: anndata.AnnData, wiring) -> None:
    with pytest.raises(kind) as error:
        call(cells, wiring)
    assert str(error.value).startswith(message)


@pytest.mark.slow
def test_weights_of_cells(cells: anndata.AnnData, wiring: functools.partial) -> None:
    """Cells of weight 0 might as well have another label."""
    frame, weights = cells.to_df(), np.where(np.arange(60) % 2, 1.0, 0.0)
    wrong = cells.obs["kind"].where(np.arange(60) % 2 == 1, "a")
    first, second = (
        VNNClassifier(wiring, **{**QUICK, "epochs": 3}).fit(frame, kinds, sample_weight=weights)
        for kinds in (cells.obs["kind"], wrong)
    )
    np.testing.assert_array_equal(first.predict_proba(frame), second.predict_proba(frame))
    plain = VNNClassifier(wiring, **{**QUICK, "epochs": 3}).fit(frame, wrong)
    assert not np.allclose(first.predict_proba(frame), plain.predict_proba(frame), atol=0.01)
    regressor = VNNRegressor(wiring, **{**QUICK, "epochs": 3})
    doses = np.where(np.arange(60) % 2, cells.obs["dose"], 1000)
    assert regressor.fit(frame, doses, sample_weight=weights).predict(frame).max() < 500
    with pytest.raises(ValueError, match="sample_weight"):
        regressor.fit(frame, doses, sample_weight=weights[:3])


def test_training_options_as_a_whole(cells: anndata.AnnData, wiring: functools.partial) -> None:
    given = training_options(epochs=3, patience=0, seed=7, learning_rate=0.05)
    classifier = clone(VNNClassifier(wiring, training=given))
    assert len(classifier.fit(cells, "kind").history_) == 3
    again = VNNClassifier(wiring, training=given, random_state=None).fit(cells, "kind")
    np.testing.assert_array_equal(classifier.predict_proba(cells), again.predict_proba(cells))
    assert len(VNNClassifier(wiring, training=given, epochs=2).fit(cells, "kind").history_) == 2
    other = VNNClassifier(wiring, training=given, random_state=1).fit(cells, "kind")
    assert not np.allclose(classifier.predict_proba(cells), other.predict_proba(cells), atol=1e-4)
    with pytest.raises(
        ConfigError, match=r"^Unknown parameter 'training_options' of VNNClassifier\. Did you mean training\?"
    ):
        VNNClassifier(wiring, training_options=given)


def test_names_lost_behind_a_step_that_gives_arrays(cells: anndata.AnnData, wiring: functools.partial) -> None:
    advice = r"StandardScaler, keep them: pipeline\.set_output\(transform=\"pandas\"\)"
    arch = wiring(cells.var_names[:6])
    for architecture in (wiring, arch):
        pipeline = make_pipeline(StandardScaler(), VNNClassifier(architecture, **{**QUICK, "epochs": 1}))
        with pytest.raises((DataError, GeneError), match=advice):
            pipeline.fit(cells.to_df(), cells.obs["kind"])
        pipeline.set_output(transform="pandas").fit(cells.to_df(), cells.obs["kind"])
