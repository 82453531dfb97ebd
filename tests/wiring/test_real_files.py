"""The wiring of the bundled human tables over the genes of the Kang cells."""

import networkx as nx
import numpy as np
import pytest

from keras_vnn.architecture import load_architecture
from keras_vnn.architecture.wiring import GROUPINGS, interaction_architecture
from keras_vnn.priors import Interactions


@pytest.fixture(scope="module")
def inside(human_ppi, kang_genes):
    """The pairs within the list, from plain Python."""
    names, listed = human_ppi.genes, set(kang_genes)
    return [(names[a], names[b]) for a, b in human_ppi.pairs.tolist() if names[a] in listed and names[b] in listed]


def group_sets(arch):
    """Return the genes of each node, in order."""
    matrix = arch.adjacency(0, 1).tocsc()
    bounds = zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True)
    return [frozenset(arch.genes[i] for i in matrix.indices[a:b]) for a, b in bounds]


def sharing(groups, pairs):
    """Return the pairs that share a group."""
    of = {}
    for number, group in enumerate(groups):
        for gene in group:
            of.setdefault(gene, set()).add(number)
    return {(a, b) for a, b in pairs if of.get(a, set()) & of.get(b, set())}


def test_what_lies_inside(human_ppi, kang_genes, inside):
    among = human_ppi.among(kang_genes)
    assert (len(human_ppi), len(human_ppi.genes)) == (29_916, 9_609)
    assert (len(kang_genes), len(among), len(among.genes)) == (6_998, 4_348, 2_581)
    names = among.genes
    assert [(names[a], names[b]) for a, b in among.pairs.tolist()] == inside


@pytest.mark.parametrize(
    ("grouping", "nodes", "with_regulators"),
    [("edge", 4_348, 4_373), ("neighbourhood", 2_476, 2_501), ("clique", 3_740, 3_765), ("community", None, None)],
)
def test_numbers_of_nodes(kang_genes, human_ppi, human_tf, grouping, nodes, with_regulators):
    alone = interaction_architecture(kang_genes, human_ppi, grouping=grouping)
    both = interaction_architecture(kang_genes, human_ppi, human_tf, grouping=grouping)
    if nodes is not None:
        assert (len(alone.layers[1]), len(both.layers[1])) == (nodes, with_regulators)
    assert len(alone.unconnected_genes) == 6_998 - 2_581
    assert sorted(both.audit.items("gene")) == sorted(both.unconnected_genes)
    assert sum(max(1, len(node.names)) for node in both.layers[1]) == len(both.layers[1]) + both.audit.count("node")


@pytest.mark.parametrize("grouping", ["edge", "neighbourhood", "clique"])
def test_interacting_genes_share_a_hidden_node(kang_genes, human_ppi, inside, grouping):
    arch = interaction_architecture(kang_genes, human_ppi, grouping=grouping)
    assert sharing(group_sets(arch), inside) == set(inside)
    assert arch.audit.count("interaction", "no hidden node shared") == 0


@pytest.mark.parametrize("grouping", list(GROUPINGS))
@pytest.mark.parametrize("limits", [{"min_genes": 3}, {"max_genes": 8}, {"min_genes": 4, "max_genes": 20}])
def test_pairs_lost_to_a_limit_are_counted_exactly(kang_genes, human_ppi, human_tf, inside, grouping, limits):
    full = group_sets(interaction_architecture(kang_genes, human_ppi, grouping=grouping))
    arch = interaction_architecture(kang_genes, human_ppi, human_tf, grouping=grouping, **limits)
    lost = set(inside) - sharing(group_sets(arch), inside)
    by_limit = sharing(full, lost)
    assert arch.audit.count("interaction", "size limit removed it") == len(by_limit)
    assert set(arch.audit.items("interaction", "size limit removed it")) == {f"{a} {b}" for a, b in by_limit}
    assert arch.audit.count("interaction", "between two communities") == len(lost - by_limit)
    assert by_limit or grouping in ("edge", "clique")
    assert grouping == "community" or lost == by_limit


def test_neighbourhoods_and_cliques_are_those_of_networkx(kang_genes, human_ppi, inside):
    graph = nx.Graph(inside)
    arch = interaction_architecture(kang_genes, human_ppi, grouping="neighbourhood")
    assert set(group_sets(arch)) == {frozenset({gene, *graph[gene]}) for gene in graph}
    for node, group in zip(arch.layers[1], group_sets(arch), strict=True):
        hubs = [name.removeprefix("PPI:") for name in node.names or (node.id,)]
        assert all(group == {hub, *graph[hub]} for hub in hubs)
    cliques = group_sets(interaction_architecture(kang_genes, human_ppi, grouping="clique"))
    assert len(cliques) == len(set(cliques))
    assert set(cliques) == {frozenset(clique) for clique in nx.find_cliques(graph)}


def test_communities_are_a_partition_of_the_connected_genes(kang_genes, human_ppi, inside):
    arch = interaction_architecture(kang_genes, human_ppi, grouping="community")
    groups = group_sets(arch)
    graph = nx.Graph(inside)
    assert sum(map(len, groups)) == len(graph) and set().union(*groups) == set(graph)
    assert max(map(len, groups)) <= 60 and min(map(len, groups)) == 2
    for node, group in zip(arch.layers[1], groups, strict=True):
        inner = graph.subgraph(group)
        assert nx.is_connected(inner)
        assert node.attributes["hub"] == min(group, key=lambda gene: (-inner.degree[gene], gene))
    assert arch.audit.count("interaction", "between two communities") == len(inside) - len(sharing(groups, inside))


def test_communities_of_the_whole_table_have_sizes_like_those_of_lin(human_ppi):
    arch = interaction_architecture(human_ppi.genes, human_ppi, grouping="community", min_genes=11)
    sizes = np.array([len(group) for group in group_sets(arch)])
    assert 250 <= len(sizes) <= 450  # Lin et al.: 348
    assert 14 <= np.median(sizes) <= 25  # Lin et al.: 14
    assert sizes.max() <= 142


def test_regulators_are_those_of_the_table(kang_genes, human_tf):
    arch = interaction_architecture(kang_genes, regulation=human_tf)
    frame = human_tf.to_frame()
    frame = frame[frame["target"].isin(list(kang_genes))]
    expected = {
        f"TF:{regulator}": {*targets, *({regulator} & set(kang_genes))}
        for regulator, targets in frame.groupby("regulator")["target"]
        if len(targets) >= 2
    }
    groups = dict(zip(arch.layers[1].ids, group_sets(arch), strict=True))
    assert {name: set(groups[arch.find(name).node.id]) for name in expected} == expected
    assert {name for node in arch.layers[1] for name in node.names or (node.id,)} == set(expected)
    for node in arch.layers[1]:
        rows = frame[frame["regulator"] == node.id.removeprefix("TF:")]
        assert node.attributes["effects"] == rows["effect"].value_counts().to_dict()


def test_shuffled_rows_give_the_same_file(kang_genes, human_ppi, human_tf, tmp_path):
    frame = human_ppi.to_frame().sample(frac=1, random_state=0)
    flipped = frame["score"].isna() & (np.arange(len(frame)) % 2 == 0)
    frame.loc[flipped, ["a", "b"]] = frame.loc[flipped, ["b", "a"]].to_numpy()
    shuffled = Interactions.from_frame(frame)
    for grouping in GROUPINGS:
        first = interaction_architecture(kang_genes, human_ppi, human_tf, grouping=grouping)
        first.save(tmp_path / "first.vnn", overwrite=True)
        interaction_architecture(kang_genes, shuffled, human_tf, grouping=grouping).save(
            tmp_path / "second.vnn", overwrite=True
        )
        assert (tmp_path / "first.vnn").read_bytes() == (tmp_path / "second.vnn").read_bytes()
        assert load_architecture(tmp_path / "second.vnn") == first


def test_names_ignoring_case_are_diagnosed(kang_genes, human_ppi):
    from keras_vnn.basics.errors import GeneError

    with pytest.raises(GeneError) as caught:
        interaction_architecture([gene.lower() for gene in kang_genes][:765], human_ppi)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("0 of 765 genes match the interaction table; ")
    assert lines[0].endswith(" match ignoring case.")
    assert lines[-1] == "Rename the genes first, for example: genes = [name.upper() for name in genes]"
