"""What holds for any ontology: reachability, idempotence, independence of order; judged by networkx."""

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_vnn.architecture import architecture_from_bytes, architecture_to_bytes
from keras_vnn.architecture.wiring import ontology_architecture
from keras_vnn.architecture.wiring._hierarchy import Hierarchy, adjacency
from keras_vnn.architecture.wiring._layering import gene_edges
from keras_vnn.architecture.wiring._pruning import TermLimits, prune, with_one_root
from keras_vnn.basics.errors import WiringError
from keras_vnn.priors import Annotations, Ontology

GENES = [f"g{i}" for i in range(8)]


@st.composite
def priors(draw):
    """Return edges of a random directed acyclic graph over up to ten terms, and annotations of up to eight genes."""
    count = draw(st.integers(1, 10))
    # A term's parents have lower numbers; the order of ids is shuffled against them.
    order = draw(st.permutations(range(count)))
    terms = [f"T{i}" for i in order]
    pairs = [(child, parent) for child in range(count) for parent in range(child)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    known = draw(
        st.lists(st.tuples(st.sampled_from(GENES), st.sampled_from(terms)), min_size=1, max_size=20, unique=True)
    )
    return terms, [(terms[a], terms[b]) for a, b in edges], known


limits = st.builds(
    TermLimits,
    min_genes=st.integers(1, 3),
    max_genes=st.none() | st.integers(3, 8),
    min_new_genes=st.integers(0, 2),
    jaccard=st.none() | st.sampled_from([0.5, 0.8, 1.0]),
)


def hierarchy_of(terms, edges, known):
    ids = tuple(sorted(terms))
    at = {id: i for i, id in enumerate(ids)}
    parents = adjacency([at[a] for a, _ in edges], [at[b] for _, b in edges], (len(ids), len(ids)))
    direct = adjacency([GENES.index(g) for g, _ in known], [at[t] for _, t in known], (len(GENES), len(ids)))
    return Hierarchy(ids, parents, direct, ((),) * len(ids))


def graph_of(hierarchy):
    """Return genes and terms as a networkx graph pointing upwards."""
    graph = nx.DiGraph()
    graph.add_nodes_from(hierarchy.ids)
    rows, columns = hierarchy.parents.tocoo().coords
    graph.add_edges_from((hierarchy.ids[a], hierarchy.ids[b]) for a, b in zip(rows, columns, strict=True))
    rows, columns = hierarchy.direct.tocoo().coords
    graph.add_edges_from((GENES[a], hierarchy.ids[b]) for a, b in zip(rows, columns, strict=True))
    return graph


def above(graph, node):
    return nx.descendants(graph, node) if node in graph else set()


def pruned(hierarchy, limit):
    try:
        return prune(hierarchy, limit)[0]
    except WiringError:
        return None


@given(priors())
def test_members_and_distances_are_those_of_networkx(prior):
    hierarchy = hierarchy_of(*prior)
    graph = graph_of(hierarchy)
    members = {(GENES[a], hierarchy.ids[b]) for a, b in zip(*hierarchy.members.tocoo().coords, strict=True)}
    assert members == {(gene, term) for gene in GENES for term in above(graph, gene)}
    terms = graph.subgraph(hierarchy.ids)
    roots = [id for id in hierarchy.ids if not terms.out_degree(id)]
    for i, id in enumerate(hierarchy.ids):
        down = [nx.shortest_path_length(terms, id, root) for root in roots if nx.has_path(terms, id, root)]
        assert hierarchy.level[i] == min(down)
        assert hierarchy.depth[i] == nx.dag_longest_path_length(terms.subgraph({id, *above(terms, id)}))
        assert hierarchy.height[i] == nx.dag_longest_path_length(terms.subgraph({id, *nx.ancestors(terms, id)}))


@given(priors(), limits)
def test_what_lay_below_a_term_that_stays_still_does(prior, limit):
    hierarchy = hierarchy_of(*prior)
    after = pruned(hierarchy, limit)
    if after is None:
        return
    before_graph, after_graph = graph_of(hierarchy), graph_of(after)
    stays = set(after.ids)
    for node in (*GENES, *after.ids):
        assert above(after_graph, node) == above(before_graph, node) & stays
    assert np.array_equal(after.sizes, hierarchy.sizes[[hierarchy.ids.index(id) for id in after.ids]])


@given(priors(), limits)
def test_every_term_that_stays_is_within_the_limits_and_every_other_is_accounted_for(prior, limit):
    hierarchy = hierarchy_of(*prior)
    try:
        after, entries = prune(hierarchy, limit)
    except WiringError:
        sizes = hierarchy.sizes
        assert not ((sizes >= limit.min_genes) & (sizes <= (limit.max_genes or np.inf))).any()
        return
    assert all(limit.min_genes <= size <= (limit.max_genes or np.inf) for size in after.sizes)
    gone = [name for entry in entries for name in entry.items]
    assert sorted([*gone, *after.ids]) == list(hierarchy.ids)
    merged = [name for names in after.merged for name in names]
    assert set(merged) <= set(gone)
    assert len(set(merged)) == len(merged)
    for child, parent in zip(*after.parents.tocoo().coords, strict=True):
        if not after.is_root[parent]:
            assert after.sizes[parent] - after.sizes[child] >= limit.min_new_genes
            assert limit.jaccard is None or after.sizes[child] < limit.jaccard * after.sizes[parent]


@given(priors(), limits)
def test_pruning_twice_is_pruning_once(prior, limit):
    once = pruned(hierarchy_of(*prior), limit)
    if once is None:
        return
    twice, entries = prune(once, limit)
    assert not sum(entry.count for entry in entries)
    assert (twice.ids, twice.merged) == (once.ids, once.merged)
    assert (twice.parents != once.parents).nnz == (twice.direct != once.direct).nnz == 0


@given(priors(), st.integers(1, 3))
def test_no_gene_is_lost_unless_all_above_it_is_too_small(prior, least):
    """Without an upper limit only a gene whose roots are too small is lost; with one root made, none is."""
    hierarchy = hierarchy_of(*prior)
    after = pruned(hierarchy, TermLimits(least, None, 2, 0.5))
    if after is None:
        return
    big = hierarchy.sizes >= least
    reach = np.diff(after.members.indptr) > 0
    assert np.array_equal(reach, np.asarray((hierarchy.members[:, np.flatnonzero(big)]).sum(axis=1)).ravel() > 0)
    annotated = np.diff(hierarchy.direct.indptr) > 0
    joined, _, made = with_one_root(after, annotated, ())
    assert joined.is_root.sum() == 1
    assert np.array_equal(np.diff(joined.members.indptr) > 0, annotated)
    if made:
        assert joined.ids == tuple(sorted([*after.ids, "root"]))
        kept = [id in set(after.ids) for id in joined.ids]
        assert (joined.keeping(np.array(kept)).parents != after.parents).nnz == 0


@given(priors())
def test_specific_genes_carry_the_same_knowledge(prior):
    hierarchy = hierarchy_of(*prior)
    specific = Hierarchy(hierarchy.ids, hierarchy.parents, gene_edges(hierarchy, "specific"), hierarchy.merged)
    assert (specific.members != hierarchy.members).nnz == 0
    for gene, term in zip(*specific.direct.tocoo().coords, strict=True):
        below = nx.ancestors(graph_of(hierarchy).subgraph(hierarchy.ids), hierarchy.ids[term])
        assert not below & {t for t in above(graph_of(hierarchy), GENES[gene])}


options = st.fixed_dictionaries(
    {
        "min_genes": st.integers(1, 2),
        "redundancy": st.none() | st.sampled_from(["same genes", 0.7]),
        "root": st.none() | st.just("one"),
        "layering": st.sampled_from(["height", "depth", "level", "flat"]),
        "term_genes": st.sampled_from(["direct", "specific", "all"]),
        "unannotated": st.sampled_from(["unconnected", "node"]),
    }
)


def wired(prior, **chosen):
    terms, edges, known = prior
    ontology = Ontology.from_edges([a for a, _ in edges], [b for _, b in edges], terms=terms)
    annotations = Annotations.from_pairs([g for g, _ in known], [t for _, t in known])
    try:
        return ontology_architecture(GENES, ontology, annotations, **chosen)
    except WiringError as error:
        assert "No term is left" in str(error) or "lost its place" in str(error)
        return None


def reached(arch):
    graph = arch.to_networkx()
    return {
        (gene, node)
        for gene in arch.genes
        for node in nx.descendants(graph, gene)
        if graph.nodes[node]["kind"] == "term"
    }


@settings(deadline=None, max_examples=50)
@given(priors(), options)
def test_layers_lead_upwards_and_keep_what_a_gene_reaches(prior, chosen):
    arch = wired(prior, **chosen)
    if arch is None:
        return
    terms, edges, known = prior
    graph = nx.DiGraph([*edges, *known])
    graph.add_nodes_from(terms)
    stays = {position.node.id for position in arch.nodes() if position.node.kind == "term"} - {"root"}
    expected = {(gene, term) for gene in GENES for term in above(graph, gene) & stays}
    found = {(gene, term) for gene, term in reached(arch) if term != "root"}
    if chosen["layering"] == "level" and chosen["term_genes"] != "all":
        assert found <= expected
    else:
        assert found == expected
    # Every gene with a term that stays reaches a node nothing else reads; the others are listed.
    connected = set(arch.genes) - set(arch.unconnected_genes)
    with_term = {gene for gene, _ in reached(arch)}
    assert with_term <= connected
    unread = set(GENES) - with_term
    assert set(arch.audit.items("gene")) == unread
    assert connected - with_term == (unread if chosen["unannotated"] == "node" else set())
    for layer in arch.hidden_layers:
        assert list(layer.ids) == sorted(layer.ids) or layer.ids[-1] == "unannotated"


@settings(deadline=None, max_examples=50)
@given(priors(), options, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter_and_a_file_keeps_everything(prior, chosen, random):
    arch = wired(prior, **chosen)
    if arch is None:
        return
    terms, edges, known = prior
    shuffled = tuple(random.sample(rows, len(rows)) for rows in (terms, edges, known))
    again = wired(shuffled, **chosen)
    assert again == arch
    assert again.audit == arch.audit
    assert architecture_from_bytes(architecture_to_bytes(arch)) == arch


@settings(deadline=None, max_examples=50)
@given(priors(), options)
def test_passthrough_changes_no_path_and_drop_leaves_only_neighbours(prior, chosen):
    kept = wired(prior, **chosen)
    if kept is None:
        return
    carried = wired(prior, **chosen, skip_edges="passthrough")
    gene_to_last = (0, len(carried.layers) - 1)
    for lower, upper in carried.connections:
        assert upper - lower == 1 or ((lower, upper) == gene_to_last and chosen["unannotated"] == "node")
    assert reached(carried) == reached(kept)
    dropped = wired(prior, **chosen, skip_edges="drop")
    if dropped is None:
        return
    assert reached(dropped) <= reached(kept)
    assert all(len(layer) for layer in dropped.layers)
    reads = {id for _, id in dropped.edge_table()[["source", "target"]].values.tolist()}
    feeds = set(dropped.edge_table()["source"])
    ends = {id for id, _ in [(p.node.id, p) for p in kept.nodes()] if id not in set(kept.edge_table()["source"])}
    for position in dropped.nodes():
        if position.layer and position.node.kind == "term":
            assert position.node.id in reads
            assert position.node.id in feeds | ends
