"""The wiring of interactions and regulation, on tables readable at a glance."""

import dataclasses
import json
import os
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_vnn.architecture import architecture_from_bytes, architecture_to_bytes
from keras_vnn.architecture.wiring import GROUPINGS, interaction_architecture
from keras_vnn.basics.errors import ConfigError, GeneError, VNNWarning, WiringError
from keras_vnn.basics.provenance import Source
from keras_vnn.options import InteractionOptions
from keras_vnn.priors import Interactions, Regulation
from keras_vnn.priors.genes import GeneList, gene_list


def members(arch):
    """Return the genes of each node, by id."""
    matrix = arch.adjacency(0, 1).toarray()
    return {node.id: {arch.genes[i] for i in np.flatnonzero(matrix[:, j])} for j, node in enumerate(arch.layers[1])}


# ---- groupings ------------------------------------------------------------------------------------------------


def test_edge(genes, ppi):
    arch = interaction_architecture(genes, ppi, grouping="edge")
    assert members(arch) == {
        "PPI:JAK1~JAK2": {"JAK1", "JAK2"},
        "PPI:JAK1~STAT1": {"JAK1", "STAT1"},
        "PPI:JAK2~STAT1": {"JAK2", "STAT1"},
        "PPI:MDM2~TP53": {"MDM2", "TP53"},
    }
    assert arch.layers[1].labels == ("JAK1–JAK2", "JAK1–STAT1", "JAK2–STAT1", "MDM2–TP53")


def test_neighbourhood(ppi):
    arch = interaction_architecture(["ATM", "CHEK2", "TP53", "MDM2", "JAK1", "JAK2"], ppi)
    assert members(arch) == {
        "PPI:ATM": {"ATM", "CHEK2", "TP53"},
        "PPI:CHEK2": {"ATM", "CHEK2"},
        "PPI:JAK1": {"JAK1", "JAK2"},
        "PPI:MDM2": {"MDM2", "TP53"},
        "PPI:TP53": {"ATM", "MDM2", "TP53"},
    }
    node = arch.find("ATM and partners").node
    assert (node.id, node.kind, dict(node.attributes), node.names) == (
        "PPI:ATM", "interaction", {"grouping": "neighbourhood", "hub": "ATM"}, (),
    )  # fmt: skip
    assert arch.find("PPI:JAK1").node.names == ("PPI:JAK1", "PPI:JAK2")


def test_clique(genes, ppi):
    arch = interaction_architecture(genes, ppi, grouping="clique")
    assert members(arch) == {"PPI:JAK1~JAK2~STAT1": {"JAK1", "JAK2", "STAT1"}, "PPI:MDM2~TP53": {"MDM2", "TP53"}}
    assert arch.layers[1].labels == ("JAK1–JAK2–STAT1", "MDM2–TP53")


def test_labels_of_large_cliques_are_short():
    names = [f"P{i}" for i in range(6)]
    complete = Interactions.from_pairs(*zip(*((a, b) for a in names for b in names if a < b), strict=True))
    (node,) = interaction_architecture(names, complete, grouping="clique").layers[1]
    assert node.id == "PPI:P0~P1~P2~P3~P4~P5"
    assert node.label == "P0–P1–P2–P3… (6 genes)"


def test_too_many_cliques(genes, ppi):
    with pytest.raises(WiringError) as caught:
        GROUPINGS["clique"](ppi.among(genes), InteractionOptions(grouping="clique"), most=1)
    assert str(caught.value) == (
        "The 4 interactions have more than 1 maximal clique.\n"
        'Keep fewer interactions by score, or take grouping="community" or grouping="neighbourhood".'
    )


def test_community():
    triangles = [("A", "B"), ("B", "C"), ("A", "C"), ("X", "Y"), ("Y", "Z"), ("X", "Z"), ("C", "Z")]
    ppi = Interactions.from_pairs(*zip(*triangles, strict=True))
    arch = interaction_architecture(list("XYZABC"), ppi, grouping="community")
    assert members(arch) == {"PPI:community:A": {"A", "B", "C"}, "PPI:community:X": {"X", "Y", "Z"}}
    assert arch.layers[1].labels == ("A community", "X community")
    assert arch.audit.items("interaction", "between two communities, no hidden node shared by the pair") == ("C Z",)


def test_the_hub_of_a_community_has_most_interactions_inside():
    star = Interactions.from_pairs(["M"] * 4, ["A", "B", "C", "D"])
    (node,) = interaction_architecture(list("ABCDM"), star, grouping="community").layers[1]
    assert (node.id, node.attributes["hub"]) == ("PPI:community:M", "M")


# ---- regulators -----------------------------------------------------------------------------------------------


def test_regulators(genes, tf):
    arch = interaction_architecture(genes, regulation=tf)
    assert members(arch) == {"TF:NFKB1": {"STAT1", "TP53", "MDM2"}, "TF:STAT1": {"JAK1", "JAK2", "STAT1"}}
    node = arch.find("STAT1 targets").node
    assert (node.kind, dict(node.attributes)) == (
        "regulator",
        {"effects": {"activation": 1, "repression": 1}, "targets": {"activation": ["JAK1"], "repression": ["JAK2"]}},
    )
    assert arch.layers[1].name == "regulators"


def test_regulators_without_themselves(genes, tf):
    arch = interaction_architecture(genes, regulation=tf, include_regulator=False)
    assert members(arch)["TF:STAT1"] == {"JAK1", "JAK2"}


def test_a_regulator_of_itself_stays_connected(genes):
    tf = Regulation.from_pairs(["STAT1", "STAT1"], ["STAT1", "JAK1"])
    for include in (True, False):
        arch = interaction_architecture(genes, regulation=tf, include_regulator=include)
        assert members(arch) == {"TF:STAT1": {"STAT1", "JAK1"}}


def test_target_limits_count_targets_not_the_regulator(genes, tf):
    arch = interaction_architecture(genes, regulation=tf, min_targets=1, max_targets=2)
    assert members(arch) == {"TF:STAT1": {"JAK1", "JAK2", "STAT1"}, "TF:TP53": {"MDM2", "TP53"}}
    assert arch.audit.items("regulator", "more than 2 targets in the list") == ("TF:NFKB1",)


# ---- one layer of both ----------------------------------------------------------------------------------------


def test_both_families_in_one_layer_interactions_first(genes, ppi, tf):
    arch = interaction_architecture(genes, ppi, tf, grouping="edge", dense_units=100, units=3)
    layer = arch.layers[1]
    assert layer.name == "interactions and regulators"
    assert layer.ids == (
        "PPI:JAK1~JAK2", "PPI:JAK1~STAT1", "PPI:JAK2~STAT1", "PPI:MDM2~TP53", "TF:NFKB1", "TF:STAT1",
    )  # fmt: skip
    assert [node.kind for node in layer] == ["interaction"] * 4 + ["regulator"] * 2
    assert (layer.dense_units, layer.units.tolist()) == (100, [3] * 6)
    assert arch.genes == tuple(genes)
    assert {node.kind for node in arch.layers[0]} == {"gene"}


def test_same_genes_become_one_node_that_keeps_all_names(genes, ppi, tf):
    arch = interaction_architecture(genes, ppi, tf)
    assert members(arch) == {
        "PPI:JAK1": {"JAK1", "JAK2", "STAT1"},
        "PPI:MDM2": {"MDM2", "TP53"},
        "TF:NFKB1": {"MDM2", "STAT1", "TP53"},
    }
    assert arch.layers[1][0].names == ("PPI:JAK1", "PPI:JAK2", "PPI:STAT1", "TF:STAT1")
    assert arch.find("TF:STAT1").node.id == "PPI:JAK1"
    assert arch.audit.items("node", "same genes") == ("PPI:JAK2", "PPI:STAT1", "PPI:TP53", "TF:STAT1")
    assert sum(max(len(node.names), 1) for node in arch.layers[1]) == len(arch.layers[1]) + arch.audit.count("node")


def test_order_of_the_genes_is_kept_and_changes_no_node(genes, ppi, tf):
    forward = interaction_architecture(genes, ppi, tf, grouping="community")
    backward = interaction_architecture(genes[::-1], ppi, tf, grouping="community")
    assert backward.genes == tuple(genes[::-1])
    assert forward.layers[1] == backward.layers[1]
    assert members(forward) == members(backward)
    assert forward != backward


# ---- limits and the audit -------------------------------------------------------------------------------------


def test_the_whole_audit(genes, ppi, tf):
    arch = interaction_architecture(genes, ppi, tf, max_genes=2, include_regulator=False)
    assert str(arch.audit).splitlines() == [
        "match   2 interactions: one or both genes are not in the gene list",
        "match   1 regulatory edge: the target is not in the gene list",
        "wire    3 groups: more than 2 genes in the list (PPI:JAK1, PPI:JAK2, PPI:STAT1)",
        "wire    1 regulator: fewer than 2 targets in the list (TF:TP53)",
        "wire    1 node: same genes as another node, merged into it (its names keep all ids) (PPI:TP53)",
        "wire    2 interactions: no hidden node shared by the pair since a size limit removed it "
        "(JAK1 STAT1, JAK2 STAT1)",
    ]


def test_genes_without_a_node_are_listed_by_reason(ppi, tf):
    genes = ["JAK1", "JAK2", "STAT1", "TP53", "CD4", "ATM", "IRF1"]
    arch = interaction_architecture(
        genes, Interactions.from_pairs(["JAK1", "JAK1", "ATM"], ["JAK2", "STAT1", "CHEK2"]), tf, max_genes=2
    )
    assert [str(entry) for entry in arch.audit if entry.subject == "gene"] == [
        "1 gene: no interaction or regulation in the prior: not connected (CD4)",
        "1 gene: nothing it interacts with or regulates is in the list: not connected (ATM)",
    ]
    lone = interaction_architecture(genes, ppi, max_genes=2, grouping="clique")
    assert [str(entry) for entry in lone.audit if entry.subject == "gene"] == [
        "2 genes: no interaction in the prior: not connected (CD4, IRF1)",
        "3 genes: all its nodes were removed by a size limit: not connected (JAK1, JAK2, STAT1)",
    ]
    assert lone.unconnected_genes == ("JAK1", "JAK2", "STAT1", "CD4", "IRF1")
    aimed = interaction_architecture(genes, regulation=tf, include_regulator=False, min_targets=1)
    assert [str(entry) for entry in aimed.audit if entry.subject == "gene"] == [
        "2 genes: no regulation in the prior: not connected (ATM, CD4)",
    ]
    aimless = interaction_architecture(["MDM2", "TP53", "MYC"], regulation=Regulation.from_pairs(
        ["TP53", "MYC", "MDM2"], ["MDM2", "CDK4", "MDM2"]), include_regulator=False, min_targets=1)  # fmt: skip
    assert [str(entry) for entry in aimless.audit if entry.subject == "gene"] == [
        "1 gene: a regulator only, and include_regulator is false: not connected (TP53)",
        "1 gene: nothing it regulates is in the list: not connected (MYC)",
    ]


def test_every_unconnected_gene_is_in_the_audit(genes, ppi, tf):
    for grouping in GROUPINGS:
        for limits in ({}, {"max_genes": 2}, {"min_genes": 3}):
            arch = interaction_architecture(["CD4", *genes], ppi, tf, grouping=grouping, **limits)
            assert sorted(arch.audit.items("gene")) == sorted(arch.unconnected_genes)


def test_audits_and_sources_of_all_inputs_are_kept(ppi, tf):
    source = Source("genes.txt", "one per line")
    genes = gene_list(["STAT1", "JAK1", "JAK1", "TP53", "MDM2"], duplicates="first", source=source)
    ppi = dataclasses.replace(ppi, sources=(Source("ppi.tsv", "two columns"),))
    tf = dataclasses.replace(tf, sources=(Source("tf.tsv", "TRRUST"),))
    arch = interaction_architecture(genes, ppi, tf)
    assert [source.name for source in arch.sources] == ["genes.txt", "ppi.tsv", "tf.tsv"]
    assert str(arch.audit).splitlines()[0] == "read    1 gene: repeated name, first one kept (JAK1)"
    assert isinstance(genes, GeneList)


def test_parameters_are_every_option_as_json(genes, ppi):
    arch = interaction_architecture(genes, ppi, min_genes=np.int64(2), units=np.int64(1), dense_units=np.int32(7))
    expected = {
        "wiring": "interaction_architecture",
        "grouping": "neighbourhood",
        "min_genes": 2,
        "max_genes": None,
        "min_targets": 2,
        "max_targets": None,
        "include_regulator": True,
        "community_size": 60,
        "resolution": 1.0,
        "redundancy": "same genes",
        "seed": 0,
        "dense_units": 7,
        "units": 1,
    }
    assert json.loads(json.dumps(dict(arch.parameters))) == expected
    assert architecture_from_bytes(architecture_to_bytes(arch)).parameters == expected


# ---- what is not possible -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"grouping": "cliqe"},
            "grouping must be one of edge, neighbourhood, clique, community; got 'cliqe'. Did you mean clique?",
        ),
        ({"grouping": "x"}, "grouping must be one of edge, neighbourhood, clique, community; got 'x'."),
        ({"min_genes": 0}, "min_genes must be an integer of at least 1, got 0."),
        ({"min_genes": 1.5}, "min_genes must be an integer of at least 1, got 1.5."),
        ({"min_genes": 3, "max_genes": 2}, "max_genes=2 is below min_genes=3: no node could be within both."),
        ({"max_targets": 1}, "max_targets=1 is below min_targets=2: no node could be within both."),
        ({"max_genes": "9"}, "max_genes must be an integer of at least 1, got '9'."),
        ({"units": 0}, "units must be an integer of at least 1, got 0."),
        ({"dense_units": True}, "dense_units must be an integer of at least 0, got True."),
        ({"community_size": 1}, "community_size must be an integer of at least 2, got 1."),
        ({"seed": -1}, "seed must be an integer of at least 0, got -1."),
        ({"resolution": 0}, "resolution must be a number above 0, got 0."),
        ({"resolution": "high"}, "resolution must be a number above 0, got 'high'."),
    ],
)
def test_impossible_options(genes, ppi, options, message):
    with pytest.raises(ConfigError) as caught:
        interaction_architecture(genes, ppi, **options)
    assert str(caught.value) == message


def test_no_table(genes):
    with pytest.raises(WiringError) as caught:
        interaction_architecture(genes)
    assert str(caught.value) == (
        "There is nothing to wire: neither interactions nor regulation were given.\n"
        "Pass at least one: vnn.wire.interactions(genes, interactions, regulation)"
    )


def test_empty_tables(genes):
    for tables, name in (
        ({"interactions": Interactions.from_pairs([], [])}, "The interaction table"),
        ({"regulation": Regulation.from_pairs([], [])}, "The column of targets"),
    ):
        with pytest.raises(WiringError) as caught:
            interaction_architecture(genes, **tables)
        assert str(caught.value) == f"{name} is empty: there is nothing to wire."


def test_nothing_within_the_limits(genes, ppi, tf):
    with pytest.raises(WiringError) as caught:
        interaction_architecture(genes, ppi, tf, min_genes=9, min_targets=9, max_targets=10)
    assert str(caught.value) == (
        "No hidden node is left within the size limits.\n"
        "5 groups of 2 to 3 genes; expected min_genes=9.\n"
        "3 regulators of 1 to 3 targets; expected min_targets=9, max_targets=10.\n"
        "Set limits that fit these sizes."
    )


def test_repeated_genes(ppi):
    with pytest.raises(GeneError, match="1 of 2 gene names occur more than once: JAK1"):
        interaction_architecture(["JAK1", "JAK2", "JAK1"], ppi)


def test_partners_all_outside_the_list(ppi, tf):
    with pytest.raises(WiringError) as caught:
        interaction_architecture(["JAK1", "TP53"], ppi)
    assert str(caught.value) == (
        "None of the 6 interactions has both genes in the list: there is nothing to wire.\n"
        "Add genes to the list, or take a larger table."
    )
    with pytest.warns(VNNWarning) as caught:
        arch = interaction_architecture(["JAK1", "TP53"], ppi, tf, min_targets=1)
    assert str(caught[0].message) == (
        "None of the 6 interactions has both genes in the list: only regulators become nodes."
    )
    assert caught[0].filename == __file__
    assert arch.layers[1].ids == ("TF:NFKB1", "TF:STAT1")
    assert arch.layers[1].name == "interactions and regulators"


# ---- order of rows, direction, hash seed ----------------------------------------------------------------------

NAMES = list("ABCDEFGH")
pairs = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), min_size=1, max_size=14).filter(
    lambda rows: any(a != b for a, b in rows)
)


@given(rows=pairs, grouping=st.sampled_from(list(GROUPINGS)), data=st.data())
def test_row_order_repeats_and_direction_do_not_matter(rows, grouping, data):
    shuffled = [
        row[::-1] if flip else row
        for row, flip in zip(
            data.draw(st.permutations([*rows, rows[0]])),
            data.draw(st.lists(st.booleans(), min_size=len(rows) + 1, max_size=len(rows) + 1)),
            strict=True,
        )
    ]
    first, second = (
        interaction_architecture(NAMES, Interactions.from_pairs(*zip(*table, strict=True)), grouping=grouping)
        for table in (rows, shuffled)
    )
    assert first.fingerprint == second.fingerprint
    assert first.layers == second.layers
    assert [entry for entry in first.audit if entry.stage == "wire"] == [
        entry for entry in second.audit if entry.stage == "wire"
    ]


@given(rows=pairs, order=st.randoms(use_true_random=False))
def test_row_order_of_regulation_does_not_matter(rows, order):
    shuffled = list(rows)
    order.shuffle(shuffled)
    first, second = (
        interaction_architecture(NAMES, regulation=Regulation.from_pairs(*zip(*table, strict=True)), min_targets=1)
        for table in (rows, shuffled)
    )
    assert architecture_to_bytes(first) == architecture_to_bytes(second)


@given(rows=pairs, grouping=st.sampled_from(list(GROUPINGS)))
def test_save_then_load_is_the_same(rows, grouping):
    arch = interaction_architecture(NAMES, Interactions.from_pairs(*zip(*rows, strict=True)), grouping=grouping)
    assert architecture_from_bytes(architecture_to_bytes(arch)).fingerprint == arch.fingerprint


def partners(rows):
    """Return the partners of each name, in plain Python."""
    found = {name: set() for name in NAMES}
    for a, b in rows:
        if a != b:
            found[a].add(b)
            found[b].add(a)
    return found


@given(
    rows=pairs,
    grouping=st.sampled_from(["edge", "neighbourhood", "clique"]),
    minimum=st.integers(1, 3),
    maximum=st.none() | st.integers(3, 5),
)
def test_interacting_genes_share_a_node_unless_a_limit_removed_it(rows, grouping, minimum, maximum):
    ppi = Interactions.from_pairs(*zip(*rows, strict=True))
    full = interaction_architecture(NAMES, ppi, grouping=grouping)
    try:
        arch = interaction_architecture(NAMES, ppi, grouping=grouping, min_genes=minimum, max_genes=maximum)
    except WiringError as error:
        assert str(error).startswith("No hidden node is left")
        return
    groups, all_groups = list(members(arch).values()), list(members(full).values())
    interacting = {frozenset((a, b)) for a, b in rows if a != b}
    assert all(any(pair <= group for group in all_groups) for pair in interacting)
    kept = [group for group in all_groups if minimum <= len(group) <= (maximum or 99)]
    assert sorted(map(sorted, kept)) == sorted(map(sorted, groups))
    lost = sorted(" ".join(sorted(pair)) for pair in interacting if not any(pair <= group for group in kept))
    assert list(arch.audit.items("interaction", "size limit removed it")) == lost


@given(rows=pairs)
def test_neighbourhoods_are_those_of_plain_sets(rows):
    ppi = Interactions.from_pairs(*zip(*rows, strict=True))
    arch = interaction_architecture(NAMES, ppi)
    expected = {frozenset({name, *found}) for name, found in partners(rows).items() if found}
    assert {frozenset(group) for group in members(arch).values()} == expected
    assert set(arch.unconnected_genes) == {name for name, found in partners(rows).items() if not found}


SCRIPT = """
import hashlib
from keras_vnn.read import Interactions, Regulation
from keras_vnn.architecture import architecture_to_bytes
from keras_vnn.architecture.wiring import GROUPINGS, interaction_architecture
genes = sorted({f"G{i * 7 % 40}" for i in range(40)})
a = [f"G{i % 40}" for i in range(160)]
b = [f"G{(i * i + 3 * i + 1) % 40}" for i in range(160)]
for grouping in GROUPINGS:
    arch = interaction_architecture(
        genes, Interactions.from_pairs(a, b), Regulation.from_pairs(a[:60], b[:60]), grouping=grouping,
        max_genes=12, **({"community_size": 8} if grouping == "community" else {}),
    )
    print(arch.fingerprint, hashlib.sha256(architecture_to_bytes(arch)).hexdigest())
"""


def test_same_bytes_under_two_hash_seeds():
    outputs = [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "424242")
    ]
    assert outputs[0] == outputs[1]
    assert len(outputs[0].split()) == 2 * len(GROUPINGS)


def test_priors_from_frames_and_graphs_are_the_same(genes):
    import networkx as nx

    frame = pd.DataFrame({"a": ["JAK1", "STAT1"], "b": ["STAT1", "JAK2"]})
    graph = nx.from_pandas_edgelist(frame, "a", "b")
    first = interaction_architecture(genes, Interactions.from_frame(frame))
    assert first == interaction_architecture(genes, Interactions.from_networkx(graph))


def test_no_warning_when_all_is_well(genes, ppi, tf):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert interaction_architecture(genes, ppi, tf).edge_count > 0
