"""Models with soft links and with decoys: what stays as it was, what is found, saved, listed and refused."""

import keras
import numpy as np
import pandas as pd
import pytest

import keras_vnn as vnn
from keras_vnn import VNNError
from keras_vnn.architecture import genes_upstream
from keras_vnn.export import summary_graph
from keras_vnn.inspection import against_decoys
from keras_vnn.models import edge_weights, read_model, view

GENES = [f"G{i:02}" for i in range(40)]
SETS = {f"S{k}": GENES[6 * k : 6 * k + 8] for k in range(5)}
# S0 lacks the first of the genes of S1 that it does not share, and S3 one of S4.
MISSING = {("G08", "S0"), ("G31", "S3")}


def cells(seed=0, count=1500):
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, len(GENES)))
    full = {name: [*members, *(gene for gene, of in MISSING if of == name)] for name, members in SETS.items()}
    nodes = np.stack([x[:, [GENES.index(gene) for gene in own]].sum(axis=1) / 3 for own in full.values()], axis=1)
    y = np.tanh(nodes) @ random.normal(size=(5, 6)) / 2
    return pd.DataFrame(x.astype("float32"), columns=GENES), y.astype("float32")


def trained(seed=0, **options):
    x, y = cells()
    targets = vnn.pp.Targets(tuple("abcdef"), y, np.arange(len(y)))
    arch = vnn.wire.gene_sets(GENES, SETS)
    return vnn.train(arch, x, targets, seed=seed, epochs=25, patience=0, progress=False, **options).model


@pytest.fixture(scope="module")
def found():
    return trained(soft_links="near", soft_link_penalty=0.02)


def test_the_missing_edges_are_the_first_to_be_taken_up(found):
    table = vnn.tl.soft_links(found)
    assert set(zip(table["source"][:2], table["target"][:2], strict=True)) == MISSING
    assert len(table) < view(found).sparse_layer(1).connections.is_candidate.sum()
    assert table[["found_in", "models"]].eq(1).all(axis=None)


def test_candidates_that_stay_at_0_change_nothing():
    plain, soft = trained(), trained(soft_links="near", soft_link_penalty=1.0)
    assert vnn.tl.soft_links(soft).empty
    columns = ["source", "target", "weight"]
    theirs, ours = edge_weights(plain, dense=True), edge_weights(soft, dense=True)
    assert ours["origin"].eq("prior").all()
    pd.testing.assert_frame_equal(ours[columns], theirs[columns], atol=1e-5)
    x, _ = cells(1)
    assert (genes_upstream(view(soft).architecture) != genes_upstream(view(plain).architecture)).nnz == 0
    tables = [vnn.tl.node_activities(model, x).X for model in (plain, soft)]
    np.testing.assert_allclose(*tables, atol=1e-4)


def test_links_are_saved_and_trained_on(found, tmp_path):
    before = vnn.tl.soft_links(found)
    vnn.save_model(found, tmp_path / "model.keras")
    for again in (vnn.load_model(tmp_path / "model.keras"), keras.saving.load_model(tmp_path / "model.keras")):
        pd.testing.assert_frame_equal(vnn.tl.soft_links(again), before)
    x, y = cells()
    vnn.tl.fit_model(again, x.to_numpy(), y, training=vnn.training_options(epochs=2), progress=False)
    layer = view(again).sparse_layer(1)
    assert layer.kernel.constraint._follows[0] is again.optimizer, "the penalty goes by the optimizer it has now"
    candidates = keras.ops.convert_to_numpy(layer.kernel)[layer.connections.is_candidate]
    assert (candidates == 0).sum() > len(candidates) / 2


def test_weights_by_name_know_where_they_come_from(found, tmp_path):
    table = edge_weights(found).query("parameter == 'kernel'")
    soft = vnn.tl.soft_links(found)
    assert (table["origin"] == "soft link").sum() == len(soft) and (
        table.query("origin != 'prior'")["weight"] != 0
    ).all()
    assert (table["origin"] == "prior").sum() == sum(map(len, SETS.values()))
    vnn.save_model(found, tmp_path / "model.keras")
    again = vnn.load_model(tmp_path / "model.keras")
    kept = edge_weights(again, dense=True)
    is_first = (kept["origin"] != "soft link") | (kept["source"] == "G08")
    vnn.tl.set_edge_weights(again, kept[is_first])
    assert set(vnn.tl.soft_links(again)["source"]) == {"G08"}, "links that are not listed become 0"
    graph = summary_graph(found)
    assert graph.edges["G08", "S0"]["origin"] == "soft link" and graph.edges["G00", "S0"]["origin"] == "prior"


def test_nodes_are_inspected_with_what_they_read(found):
    page = vnn.tl.inspect_node(found, "S0")
    assert "G08" in set(page.inputs["source"])
    paths = vnn.tl.path_weights(found, "G08")
    assert "S0" in paths.index, "the forward pass follows links"


@pytest.mark.slow
def test_several_trainings_say_how_often(found):
    other = trained(seed=1, soft_links="near", soft_link_penalty=0.02)
    table = vnn.tl.soft_links([found, other])
    assert table["models"].eq(2).all() and set(table["found_in"]) <= {1, 2}
    assert table["found_in"].is_monotonic_decreasing
    assert set(zip(table["source"][:2], table["target"][:2], strict=True)) == MISSING
    one, two = (vnn.tl.soft_links(model).set_index(["source", "target"])["weight"] for model in (found, other))
    key = table.iloc[0][["source", "target"]].tolist()
    assert table.iloc[0]["weight"] == pytest.approx((one[*key] + two[*key]) / 2)


@pytest.mark.slow
def test_decoys_are_treated_as_the_prior_is(tmp_path):
    model = trained(decoy_edges=True)
    table = edge_weights(model).query("parameter == 'kernel'")
    counts = table.groupby(["target", "origin"]).size().unstack()
    assert (counts["decoy"] == counts["prior"]).all() and set(counts) == {"decoy", "prior"}
    support = vnn.tl.prior_support(model)
    assert len(support) == counts["prior"].sum() and support["q"].between(0, 1).all()
    assert support["q"].is_monotonic_increasing and (support["q"] < 0.1).mean() > 0.5, "all of the prior are true"
    vnn.save_model(model, tmp_path / "model.keras")
    pd.testing.assert_frame_equal(vnn.tl.prior_support(vnn.load_model(tmp_path / "model.keras")), support)
    pd.testing.assert_frame_equal(vnn.tl.prior_support(read_model(tmp_path / "model.keras")), support)


def test_deep_networks_have_links_from_genes_to_all_layers(layered):
    model = vnn.build_model(layered, 2, soft_links="all", soft_link_penalty=0.1, seed=0)
    layer = view(model).sparse_layer(2)
    assert layer.connections.candidates is None, "D is the only gene not above ROOT by others, and it is read already"
    own = view(model).sparse_layer(1).connections
    names = edge_weights(model).query("parameter == 'kernel'")
    assert own.is_candidate.sum() > 0 and names["origin"].eq("prior").all()
    x = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
    plain = vnn.build_model(layered, 2, seed=0)
    np.testing.assert_allclose(model.predict(x, verbose=0), plain.predict(x, verbose=0), atol=1e-6)


def test_what_excludes_what():
    arch = vnn.wire.gene_sets(GENES, SETS)
    with pytest.raises(VNNError, match="soft_links and decoy_edges exclude each other"):
        vnn.build_model(arch, 2, soft_links="near", decoy_edges=True)
    with pytest.raises(VNNError, match="leave out annotation_units"):
        vnn.build_model(arch, 2, soft_links="near", annotation_units=True)
    with pytest.raises(VNNError, match="soft_link_penalty goes with soft_links='near' or soft_links='all' only"):
        vnn.build_model(arch, 2, soft_link_penalty=0.5)
    with pytest.raises(VNNError, match="finds no gene outside the prior"):
        vnn.build_model(vnn.wire.gene_sets(GENES, {"S": GENES[:5]}), 2, soft_links="near")
    with pytest.raises(VNNError, match="No node is called 'S9'"):
        vnn.build_model(arch, 2, soft_links="near", soft_link_nodes=("S9",))
    plain = vnn.build_model(arch, 2)
    with pytest.raises(VNNError, match=r"built without soft links\.\nTrain one: vnn\.train"):
        vnn.tl.soft_links(plain)
    with pytest.raises(VNNError, match="built without decoy edges"):
        vnn.tl.prior_support(plain)


def test_false_discovery_rates_by_hand():
    p, q = against_decoys(np.array([9.0, 8, 5, 2]), np.array([6.0, 1, 1]))
    np.testing.assert_allclose(p, [1 / 4, 1 / 4, 2 / 4, 2 / 4])
    # (1 + decoys as strong) / 4 of four edges, over so many edges: 1, 1/2, 2/3, 1/2, each at most what follows.
    np.testing.assert_allclose(q, [0.5, 0.5, 0.5, 0.5])
