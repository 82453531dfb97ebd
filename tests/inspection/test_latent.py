"""Activities of an autoencoder's nodes, their difference between groups, and what genes do to them."""

from __future__ import annotations

import anndata
import keras
import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import ConfigError, DataError, ModelError
from keras_vnn.inspection import (
    autoencoder_activities,
    differential_activity,
    node_activities,
    perturb_genes,
    rank_nodes,
)
from keras_vnn.models import build_autoencoder, build_model

GENES = ("A", "B", "C", "D")


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """A root of two units over a term of two units; a term alone; one dense unit. Nothing of it is trained."""
    layers = (
        Layer("genes", tuple(Node(gene, kind="gene") for gene in GENES)),
        Layer("height 1", (Node("T", "the term", units=2), Node("ALONE"))),
        Layer("height 2", (Node("ROOT", units=2),), dense_units=1),
    )
    connections = {
        (0, 1): sparse.csr_array(np.array([[1, 0], [1, 0], [0, 1], [0, 0]])),
        (1, 2): sparse.csr_array(np.array([[1], [0]])),
    }
    built = build_autoencoder(
        Architecture(layers, connections), encoder=(), latent_dropout=0.0, initial_scale=1.0, seed=1
    )
    built.get_layer("layer_1").bias.assign([0.5, -0.25])
    return built


@pytest.fixture(scope="module")
def cells() -> anndata.AnnData:
    random = np.random.default_rng(0)
    values = random.normal(size=(30, 4)).astype("float32")
    kinds = np.repeat(["x", "y", "z"], 10)
    return anndata.AnnData(
        values,
        obs=pd.DataFrame({"kind": kinds}, index=[f"c{i}" for i in range(30)]),
        var=pd.DataFrame(index=list(GENES)),
    )


def test_a_node_is_the_mean_of_its_units(model, cells) -> None:
    found = autoencoder_activities(model, cells)
    units = node_activities(model, cells)
    for node in ("T", "ALONE", "ROOT"):
        expected = units[:, units.var["node"] == node].X.mean(axis=1)
        np.testing.assert_allclose(found[:, node].X.ravel(), expected, atol=1e-6)
    assert found.var["is_latent"].to_dict() == {"T": False, "ALONE": True, "ROOT": True}
    assert found.var.loc["T"].to_dict() == {
        "label": "the term",
        "kind": "term",
        "layer": 1,
        "units": 2,
        "is_latent": False,
    }
    assert found.uns["keras_vnn"]["latent"].tolist() == ["ALONE", "ROOT [0]", "ROOT [1]", "layer_2_dense"]
    assert found.obs["kind"].tolist() == cells.obs["kind"].tolist()


def test_latent_means_and_variances_are_those_of_the_encoder(model, cells, tmp_path) -> None:
    found = autoencoder_activities(model, cells)
    for name, layer, function in (
        ("latent", "latent_mean", np.asarray),
        ("latent_variance", "latent_log_variance", np.exp),
    ):
        kernel, bias = map(keras.ops.convert_to_numpy, model.get_layer(layer).weights)
        np.testing.assert_allclose(found.obsm[name], function(cells.X @ kernel + bias), rtol=1e-4, atol=1e-6)
    found.write_h5ad(tmp_path / "activities.h5ad")
    np.testing.assert_array_equal(anndata.read_h5ad(tmp_path / "activities.h5ad").obsm["latent"], found.obsm["latent"])


def test_probability_and_bayes_factor_by_drawing(model, cells) -> None:
    """As VEGA does it: latent values of pairs of cells are drawn, decoded, and compared."""
    found = differential_activity(model, cells, "kind", "x", "y", pairs=20_000)
    random = np.random.default_rng(5)
    activities = autoencoder_activities(model, cells)
    mean, variance = activities.obsm["latent"], activities.obsm["latent_variance"]
    one, other = random.integers(0, 10, 100_000), random.integers(10, 20, 100_000)
    decoder = keras.Model(model.get_layer("latent").output, model.get_layer("layer_1").output)
    drawn = [mean[i] + np.sqrt(variance[i]) * random.normal(size=(100_000, 4)) for i in (one, other)]
    for node, of in (
        ("ALONE", lambda z: z[:, 0]),
        ("ROOT", lambda z: z[:, 1:3].mean(axis=1)),
        ("T", lambda z: keras.ops.convert_to_numpy(decoder(z.astype("float32"))).mean(axis=1)),
    ):
        share = (of(drawn[0]) > of(drawn[1])).mean()
        assert found.loc[node, "probability"] == pytest.approx(share, abs=0.01)
        assert found.loc[node, "bayes_factor"] == pytest.approx(np.log(share / (1 - share)), abs=0.05)
        groups = activities[:, node].X.ravel()
        assert found.loc[node, "difference"] == pytest.approx(groups[:10].mean() - groups[10:20].mean(), abs=1e-5)
    assert found["bayes_factor"].abs().is_monotonic_decreasing


def test_the_other_group_has_the_other_probability(model, cells) -> None:
    one = differential_activity(model, cells, "kind", "x")
    rest = np.where(cells.obs["kind"] == "x", "x", "others")
    other = differential_activity(model, cells, rest, "others", "x")
    pd.testing.assert_series_equal(one["difference"], -other["difference"].loc[one.index], check_names=False)
    np.testing.assert_allclose(one["probability"], 1 - other["probability"].loc[one.index], atol=0.02)  # other pairs
    pd.testing.assert_frame_equal(one, differential_activity(model, cells, "kind", "x"))


def test_a_gene_set_to_a_value(model, cells) -> None:
    """The encoder is linear here, so the change of a latent value is its weight times the change of the gene."""
    found = perturb_genes(model, cells, {"B": 2.0})
    kernel = keras.ops.convert_to_numpy(model.get_layer("latent_mean").kernel)
    moved = 2.0 - cells.X[:, 1]
    assert found.loc["ALONE", "change"] == pytest.approx(kernel[1, 0] * moved.mean(), rel=1e-4)
    assert found.loc["ALONE", "after"] - found.loc["ALONE", "before"] == pytest.approx(found.loc["ALONE", "change"])
    expected = stats.wilcoxon(moved, method="asymptotic").pvalue
    assert found["p_value"].to_numpy() == pytest.approx([expected] * 3)
    assert found["q_value"].to_numpy() == pytest.approx([expected] * 3)
    assert found["effect_size"].abs().is_monotonic_decreasing
    spread = autoencoder_activities(model, cells)[:, "ALONE"].X.std()
    assert found.loc["ALONE", "effect_size"] == pytest.approx(found.loc["ALONE", "change"] / spread, rel=1e-4)
    other = cells.copy()
    other.X[:, 1] = 2.0
    np.testing.assert_allclose(
        found["after"], autoencoder_activities(model, other).to_df().mean()[found.index], rtol=1e-4, atol=1e-6
    )
    still = perturb_genes(model, other, {"B": 2.0})
    assert (still["change"] == 0).all()
    assert (still["p_value"] == 1).all()


def test_what_cannot_be_answered_is_said(model, cells) -> None:
    with pytest.raises(DataError) as error:
        perturb_genes(model, cells, {"B": 0.0, "STAT1": 0.0})
    assert str(error.value).startswith("1 of 2 genes to change are not inputs of the model: STAT1.")
    with pytest.raises(DataError) as error:
        differential_activity(model, cells, "kind", "w")
    assert str(error.value).startswith("There is no group 'w'; there are x, y, z.")
    with pytest.raises(DataError, match="The reference of 'x' must be other cells, got 'x'"):
        differential_activity(model, cells, "kind", "x", "x")
    with pytest.raises(ConfigError, match="pairs must be at least 1, got 0"):
        differential_activity(model, cells, "kind", "x", pairs=0)
    layers = (Layer("genes", (Node("A", kind="gene"),)), Layer("sets", (Node("S"),)))
    other = build_model(Architecture(layers, {(0, 1): np.ones((1, 1))}), 2)
    with pytest.raises(ModelError) as error:
        autoencoder_activities(other, np.zeros((1, 1)))
    assert str(error.value).startswith("The model 'vnn' is not an autoencoder.\nTrain one: ")


@pytest.mark.parametrize("method", ["gradient", "knockout"])
def test_nodes_of_an_autoencoder_are_compared_between_groups_instead_of_ranked(model, cells, method) -> None:
    with pytest.raises(ModelError) as error:
        rank_nodes(model, cells, "kind", by=method)
    assert str(error.value) == (
        "The model is an autoencoder: it has no outputs whose change could rank its nodes.\n"
        "A single node: vnn inspect MODEL NODE; groups of cells: "
        "vnn.tl.differential_activity(model, data, column, group)"
    )
