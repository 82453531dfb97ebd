"""The table of named nodes: its columns, directions, classes, replicates, and what a model remembers of it."""

import warnings

import anndata
import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import ConfigError, DataError, ModelError, VNNWarning
from keras_vnn.data import Classes
from keras_vnn.inspection import _ranking as ranking
from keras_vnn.inspection import rank_genes, rank_nodes, remember_inspection, remember_runs
from keras_vnn.inspection._cells import cells_of
from keras_vnn.inspection._node_table import levels_of
from keras_vnn.models import Embedding, Regression, build_model, view
from keras_vnn.options import training_options
from keras_vnn.training import train

COLUMNS = ["label", "genes", "higher_in", "d", "evidence", "q", "learned", "learned_q", "beyond_the_mean", "use"]
COLUMNS += ["similar", "kind", "layer"]
GENES = [f"g{i}" for i in range(240)]
TYPES = ("B", "NK", "T")


def network(units=1):
    """60 sets of four genes that follow each other, of which no gene is in two; two themes of 30 sets."""
    genes = tuple(Node(name, kind="gene") for name in GENES)
    sets = tuple(Node(f"S{i}", f"set {i}", "gene set", units=units) for i in range(60))
    themes = tuple(Node(f"P{i}", units=units) for i in range(2))
    connections = {
        (0, 1): np.repeat(np.eye(60), 4, axis=0),
        (1, 2): np.repeat(np.eye(2), 30, axis=0),
    }
    return Architecture((Layer("genes", genes), Layer("sets", sets), Layer("themes", themes)), connections)


@pytest.fixture(scope="module")
def arch():
    return network()


@pytest.fixture(scope="module")
def adata():
    """Set 0 is higher in B cells, set 1 lower in T cells, set 2 is the same as set 0 in other genes."""
    rng = np.random.default_rng(4)
    kinds = np.array(TYPES)[np.arange(300) % 3]
    values = rng.normal(size=(300, 240)).astype(np.float32)
    values[kinds == "B", :4] += 1.5
    values[kinds == "T", 4:8] -= 1.5
    values[:, 8:12] = values[:, :4] + 0.1 * rng.normal(size=(300, 4))
    obs = pd.DataFrame(
        {"kind": kinds, "donor": [f"d{i % 7}" for i in range(300)], "dose": values[:, 12:16].mean(axis=1)}
    )
    return anndata.AnnData(values, obs=obs.set_axis(obs.index.astype(str)), var=pd.DataFrame(index=GENES))


@pytest.fixture(scope="module")
def model(arch):
    return build_model(arch, Classes(TYPES), seed=0)


@pytest.fixture(scope="module")
def table(model, adata):
    return rank_nodes(model, adata, "kind", replicate="cells")


def test_the_columns_and_their_order(table):
    assert list(table.columns) == COLUMNS
    assert table.index.name == "id" and len(table) == 62
    assert table["evidence"].is_monotonic_decreasing and (table["evidence"] >= 0).all()
    assert table["genes"].loc[["S0", "P1"]].tolist() == [4, 120]
    assert table.attrs["nodes"] == 62 and table.attrs["cells"] == 300
    assert table.attrs["found"] == (table["q"] < 0.05).sum()


def test_what_is_planted_stands_first_and_is_folded(table):
    assert set(table.index[:3]) == {"S0", "S1", "S2"} and (table["q"] < 0.05).sum() == 3
    first, second = [name for name in table.index if name in ("S0", "S2")]
    assert table.loc[second, "similar"] is pd.NA and table.loc[["S1", first], "similar"].notna().all()
    # The theme has all genes of the three, and is folded under the better of the first two.
    assert table.loc["P0", "similar"] is pd.NA and table.loc[["S1", first], "similar"].sum() == 2


def test_the_direction_is_that_of_the_genes_in_every_node(table, adata):
    z = (adata.X - adata.X.mean(axis=0)) / adata.X.std(axis=0)
    kinds = adata.obs["kind"].to_numpy()
    assert table.loc["S0", "higher_in"] == "B" and table.loc["S1", "higher_in"] in ("B", "NK")
    for number in range(60):
        score = z[:, 4 * number : 4 * number + 4].mean(axis=1)
        highest = max(TYPES, key=lambda name: score[kinds == name].mean())
        assert table.loc[f"S{number}", "higher_in"] in (highest, "mixed")
        within, rest = score[kinds == highest], score[kinds != highest]
        pooled = np.sqrt((within.var() * len(within) + rest.var() * len(rest)) / (len(score) - 2))
        assert table.loc[f"S{number}", "d"] == pytest.approx((within.mean() - rest.mean()) / pooled, rel=1e-3, abs=1e-3)


def test_the_weights_of_the_network_have_no_part_in_evidence(arch, adata, table):
    other = rank_nodes(build_model(arch, Classes(TYPES), seed=9), adata, "kind", replicate="cells")
    ours = ["higher_in", "d", "evidence", "q", "similar"]
    pd.testing.assert_frame_equal(other[ours], table[ours])
    assert not np.allclose(other["use"], table.loc[other.index, "use"])


def test_one_class(model, adata, table):
    of_t = rank_nodes(model, adata, "kind", "T", replicate="cells")
    assert of_t.index[-1] == "S1" and of_t.loc["S1", "evidence"] < 0 and of_t.loc["S1", "higher_in"] == "not T"
    assert of_t["evidence"].is_monotonic_decreasing
    assert rank_nodes(model, adata, "kind", "B", replicate="cells").index[0] in ("S0", "S2")
    assert of_t.attrs["group"] == "T" and table.attrs["group"] is None
    with pytest.raises(ConfigError, match=r"The nodes know no class 'b'; they know B, NK, T\. Did you mean B"):
        rank_nodes(model, adata, "kind", "b", replicate="cells")


@pytest.mark.parametrize("by", ["q", "learned", "use", "d", "label", "genes", "similar", "layer"])
def test_any_column_sorts(model, adata, table, by):
    found = rank_nodes(model, adata, "kind", by=by, replicate="cells")
    pd.testing.assert_frame_equal(found.sort_index(), table.sort_index())
    values = found[by].abs() if by == "d" else found[by].fillna(-1) if by == "similar" else found[by]
    assert values.is_monotonic_increasing if by in ("q", "label", "layer") else values.is_monotonic_decreasing


def test_a_published_method_is_asked_for_by_name(model, adata):
    named = rank_nodes(model, adata, "kind", by="gradient")
    assert named.attrs["method"] == "gradient" and named["importance"].is_monotonic_decreasing
    with pytest.warns(FutureWarning, match="method='gradient' is now by='gradient'"):
        pd.testing.assert_frame_equal(rank_nodes(model, adata, "kind", method="gradient"), named)
    with pytest.raises(ConfigError, match="class_ is about evidence, not about importance by gradient"):
        rank_nodes(model, adata, "kind", "T", by="gradient")


def test_layers_and_top(model, adata, table):
    themes = rank_nodes(model, adata, "kind", layers=[2], replicate="cells")
    pd.testing.assert_frame_equal(themes, table[table["layer"] == 2])
    assert list(rank_nodes(model, adata, "kind", top=2, replicate="cells").index) == list(table.index[:2])


def test_donors_are_replicates(model, adata, table):
    found = rank_nodes(model, adata, "kind", replicate="donor")
    assert found.attrs["replicate"] == "donor" and found.attrs["replicates"] == 7
    assert found.loc["S0", "higher_in"] == "B" and found.loc["S0", "q"] < 0.05
    by_hand = rank_nodes(model, adata, "kind", replicate=adata.obs["donor"].tolist())
    pd.testing.assert_frame_equal(found, by_hand)
    with pytest.raises(DataError, match=r"no column 'doner' of replicates; .* Did you mean donor"):
        rank_nodes(model, adata, "kind", replicate="doner")
    with pytest.raises(DataError, match="Got 3 replicates for 300 cells"):
        rank_nodes(model, adata, "kind", replicate=["a", "b", "c"])
    with pytest.raises(DataError, match="All cells are of one replicate, a"):
        rank_nodes(model, adata, "kind", replicate=["a"] * 300)


def test_without_replicates_it_is_said_once_what_is_assumed(model, adata, monkeypatch):
    monkeypatch.setattr(ranking, "_SAID", [])
    with pytest.warns(VNNWarning, match='name the column: replicate="donor"'):
        rank_nodes(model, adata, "kind", top=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", VNNWarning)
        rank_nodes(model, adata, "kind", top=1)


def test_a_regression(arch, adata):
    model = build_model(arch, Regression(("dose",)), seed=0)
    table = rank_nodes(model, adata, adata.obs["dose"].to_numpy(), replicate="cells")
    assert list(table.columns[:5]) == ["label", "genes", "higher_with", "r", "evidence"]
    assert table.index[0] == "S3" and table.loc["S3", "higher_with"] == "dose"
    assert table.loc["S3", "r"] > 0.95 and table.loc["S3", "q"] < 0.05
    turned = rank_nodes(model, adata, -adata.obs["dose"].to_numpy(), replicate="cells")
    assert turned.loc["S3", "higher_with"] == "low dose" and turned.loc["S3", "evidence"] > 0


def test_labels_without_meaning_find_nothing(model, adata):
    labels = np.random.default_rng(1).permutation(adata.obs["kind"].to_numpy())
    found = rank_nodes(model, adata, labels, replicate="cells")
    assert found.attrs["found"] == 0 and not found["beyond_the_mean"].any()


def test_what_no_mean_shows_is_learned_by_a_node_alone():
    """An exclusive or of two genes: no gene and no mean differs, units of a node that bend can tell."""
    rng = np.random.default_rng(2)
    values = rng.normal(size=(600, 240)).astype(np.float32)
    kinds = np.where((values[:, 0] > 0) ^ (values[:, 1] > 0), "yes", "no")
    model = build_model(
        network(units=8), Classes(("no", "yes")), seed=3, activation="relu", initial_scale=3.0, anchor="none"
    )
    table = rank_nodes(model, values, kinds, replicate="cells")
    assert table.index[table["beyond_the_mean"]].tolist() == ["S0"]
    assert table.loc["S0", "q"] > 0.05 and table["learned"].idxmax() == "S0"


def test_an_embedding_has_evidence_and_no_use(arch, adata):
    model = build_model(arch, Embedding(), seed=0)
    table = rank_nodes(model, adata, "kind", replicate="cells")
    assert set(table.index[:3]) == {"S0", "S1", "S2"} and table["use"].isna().all()
    with pytest.raises(ModelError, match="The model is an embedding"):
        rank_nodes(model, adata)


def test_cells_of_the_training_are_told_from_others(arch, adata):
    """Recognised by drawing the split again; what was learned is then tested on the cells outside it."""
    options = training_options(seed=3, epochs=2)
    done = train(arch, adata, "kind", training=options)
    assert rank_nodes(done.model, adata, "kind", replicate="cells").attrs["held_out"] == 90
    assert rank_nodes(done.model, adata[::-1].copy(), "kind", replicate="cells").attrs["held_out"] in (0, 90)
    assert rank_nodes(done.model, adata[:200].copy(), "kind", replicate="cells").attrs["held_out"] == 0
    remember_inspection(done.model, adata, "kind")
    recalled, measured = rank_nodes(done.model), rank_nodes(done.model, adata, "kind", replicate="cells")
    pd.testing.assert_frame_equal(recalled, measured, rtol=1e-5)
    pd.testing.assert_frame_equal(
        rank_nodes(done.model, class_="T"), rank_nodes(done.model, adata, "kind", "T", replicate="cells"), rtol=1e-5
    )


def test_damaged_and_older_memories(arch, adata):
    model = build_model(arch, Classes(TYPES), seed=0)
    remember_inspection(model, adata, "kind")
    card = view(model).card
    kept = dict(card.metadata["inspection"])
    card.remember(inspection={**kept, "nodes": {**kept["nodes"], "excess": "!"}})
    with pytest.raises(ModelError, match="What the model remembers of its nodes is damaged"):
        rank_nodes(model)
    card.remember(inspection={name: value for name, value in kept.items() if name != "nodes"})
    with pytest.raises(ModelError, match=r"The model remembers the importance of its nodes.* but no evidence"):
        rank_nodes(model)
    assert rank_nodes(model, by="knockout")["importance"].notna().all()


def test_genes_have_the_direction_of_their_expression(model, adata):
    table = rank_genes(model, adata, "kind")
    assert {"higher_in", "d"} <= set(table.columns)
    assert (table.loc[["g0", "g1", "g2", "g3"], "higher_in"] == "B").all() and (table.loc["g0", "d"]) > 1


def test_several_runs_give_means_and_how_often_a_node_is_first(arch, adata):
    models = [build_model(arch, Classes(TYPES), seed=seed) for seed in range(3)]
    single = [rank_nodes(model, adata, "kind", replicate="cells") for model in models]
    table = rank_nodes(models, adata, "kind", replicate="cells")
    assert list(table.columns) == [*COLUMNS, "learned_sd", "use_sd", "in_first_20"]
    assert table.attrs["runs"] == 3 and single[0].attrs["runs"] == 1
    use = np.stack([one.loc[table.index, "use"] for one in single])
    np.testing.assert_allclose(table["use"], use.mean(axis=0))
    np.testing.assert_allclose(table["use_sd"], use.std(axis=0, ddof=1))
    among = sum(np.isin(table.index, one["use"].sort_values(ascending=False).index[:20]).astype(int) for one in single)
    np.testing.assert_array_equal(table["in_first_20"], among)
    pd.testing.assert_series_equal(table["evidence"], single[0]["evidence"])
    for model in models:
        remember_inspection(model, adata, "kind")
    remember_runs(models[0], models[1:])
    pd.testing.assert_frame_equal(rank_nodes(models[0]), table, rtol=1e-5)
    other = build_model(network(units=2), Classes(("a", "b")), seed=0)
    with pytest.raises(ConfigError, match="Importance by gradient is of one model"):
        rank_nodes(models, adata, "kind", by="gradient")
    with pytest.raises(DataError):
        rank_nodes([models[0], other], adata, "kind", replicate="cells")


def test_decoys_of_centred_data_are_matched_by_nothing(adata, arch):
    """The mean of a centred gene is what differs between classes; decoys like that would hide it."""
    model = build_model(arch, Classes(TYPES), seed=0)
    assert not levels_of(view(model), cells_of(view(model), adata)).any()
    shifted = adata.copy()
    shifted.X = shifted.X + np.linspace(0, 9, 240, dtype=np.float32)
    found = levels_of(view(model), cells_of(view(model), shifted))
    np.testing.assert_allclose(found, shifted.X.mean(axis=0, dtype=float), rtol=1e-5)
