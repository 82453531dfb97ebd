"""Families of priors on the command line: ontologies, hierarchies, gene sets, and several in one network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import networkx as nx

from keras_vnn.architecture import load_architecture
from keras_vnn.architecture.wiring import gene_set_architecture, interaction_architecture, join_architectures
from keras_vnn.readers import read_gene_sets, read_genes, read_interactions
from keras_vnn.recipes.read import read_recipe
from keras_vnn.recipes.run import build_architecture

TRAIN = ("train", "ring.vnn", "expression.csv", "--cells", "cells.csv", "--label", "type", "--epochs", "3")

OBO = """format-version: 1.2

[Term]
id: GO:1
name: response
namespace: biological_process

[Term]
id: GO:2
name: defense response
namespace: biological_process
is_a: GO:1 ! response

[Term]
id: GO:3
name: repair
namespace: biological_process
is_a: GO:1 ! response
"""


def write_ontology(folder: Path) -> None:
    (folder / "go.obo").write_text(OBO, encoding="utf-8")
    rows = [(f"GENE{i}", "GO:2" if i < 5 else "GO:3") for i in range(10)]
    (folder / "terms.tsv").write_text("".join(f"{gene}\t{term}\n" for gene, term in rows), encoding="utf-8")


ONTOLOGY = ("build", "--genes", "expression.csv", "--ontology", "go.obo", "--annotations", "terms.tsv")


def test_an_ontology_becomes_a_trained_hierarchy(vnn: Callable, job: Path) -> None:
    write_ontology(job)
    built = vnn(*ONTOLOGY, "--units", "2", "--root", "one", "-o", "go.vnn")
    assert built.code == 0, built.err
    arch = load_architecture("go.vnn")
    assert [layer.ids for layer in arch.hidden_layers] == [("GO:2", "GO:3"), ("GO:1",)]
    assert arch.unconnected_genes == ("GENE10", "GENE11")
    trained = vnn(
        "train", "go.vnn", "expression.csv", "--cells", "cells.csv", "--label", "type", "--preset", "dcell-paper",
        "--normalization", "none", "--epochs", "2", "--batch-size", "16", "-o", "go.keras",
    )  # fmt: skip
    assert trained.code == 0, trained.err
    page = vnn("inspect", "go.keras", "defense response")
    assert page.code == 0, page.err
    assert "GO:2" in page.out
    assert vnn("export", "go.keras", "-o", "go.graphml").code == 0


def test_priors_of_several_families_are_one_network(vnn: Callable, job: Path) -> None:
    write_ontology(job)
    Path("sets.gmt").write_text("S1\tfirst\tGENE1\tGENE2\tGENE3\nS2\tsecond\tGENE4\tGENE10\tNOWHERE\n")
    built = vnn(
        *ONTOLOGY, "--interactions", "ppi.tsv", "--grouping", "edge", "--regulation", "tf.tsv",
        "--gene-sets", "sets.gmt", "--dense-units", "3", "--min-genes", "2", "-o", "all.vnn",
    )  # fmt: skip
    assert built.code == 0, built.err
    arch = load_architecture("all.vnn")
    assert [len(layer) for layer in arch.hidden_layers] == [10 + 1 + 2 + 2, 1]
    assert [layer.dense_units for layer in arch.hidden_layers] == [0, 3], "once, not for each family"
    assert arch.unconnected_genes == ("GENE11",)
    assert "2 genes: for terms, no annotation in the prior: seen by the dense units only (GENE10, GENE11)" in built.out
    assert vnn(*TRAIN[:1], "all.vnn", *TRAIN[2:], "-o", "all.keras").code == 0
    for node, expected in (("GO:1", "GO:2"), ("S2", "GENE10"), ("TF:STAT1", "GENE2"), ("PPI:GENE1~GENE2", "GENE1")):
        page = vnn("inspect", "all.keras", node)
        assert page.code == 0, page.err
        assert expected in page.out
    graph = vnn("export", "all.keras", "-o", "all.graphml")
    assert graph.code == 0, graph.err
    kinds = set(nx.get_node_attributes(nx.read_graphml("all.graphml"), "kind").values())
    assert {"interaction", "regulator", "term", "gene set"} <= kinds
    alone = vnn("build", "--genes", "expression.csv", "--ontology", "go.obo", "--interactions", "ppi.tsv", "--dry-run")
    assert "An ontology needs annotations, and the other way round; annotations is not named." in alone.err
    wrong = vnn(*ONTOLOGY, "--interactions", "ppi.tsv", "--gene-sets", "sets.gmt", "--units", "dcell-code", "--dry-run")
    assert "units must be an integer of at least 1" in wrong.err


def test_a_hierarchy_and_gene_sets_are_wired(vnn: Callable, job: Path) -> None:
    Path("ont.txt").write_text("ROOT\tA\tdefault\nA\tGENE1\tgene\nA\tGENE2\tgene\nROOT\tGENE3\tgene\n")
    assert vnn("build", "--genes", "expression.csv", "--hierarchy", "ont.txt", "--units", "6", "-o", "h.vnn").code == 0
    assert [layer.ids for layer in load_architecture("h.vnn").hidden_layers] == [("A",), ("ROOT",)]
    assert load_architecture("h.vnn").layers[1][0].units == 6
    Path("sets.gmt").write_text("S1\tfirst\tGENE1\tGENE2\tGENE3\nS2\tsecond\tGENE4\tGENE5\tNOWHERE\n")
    assert vnn("build", "--genes", "expression.csv", "--gene-sets", "sets.gmt", "-o", "s.vnn").code == 0
    assert load_architecture("s.vnn").layers[1].ids == ("S1", "S2")


def test_each_family_may_have_limits_of_its_own(vnn: Callable, job: Path) -> None:
    Path("sets.gmt").write_text("S1\t\tGENE1\tGENE2\nS2\t\tGENE1\tGENE2\tGENE3\nS3\t\tGENE1\tGENE2\tGENE3\tGENE4\n")
    command = ("build", "--genes", "expression.csv", "--interactions", "ppi.tsv", "--gene-sets", "sets.gmt")
    built = vnn(*command, "--min-genes", "3", "--gene-sets-min-genes", "2", "--gene-sets-max-genes", "3", "-o", "b.vnn")
    assert built.code == 0, built.err
    genes = read_genes("expression.csv")
    by_hand = join_architectures(
        interaction_architecture(genes, read_interactions("ppi.tsv"), min_genes=3),
        gene_set_architecture(genes, read_gene_sets("sets.gmt"), min_genes=2, max_genes=3),
    )
    assert {"S1", "S2"} <= set(by_hand.layers[1].ids)
    assert "S3" not in by_hand.layers[1].ids
    assert load_architecture("b.vnn").fingerprint == by_hand.fingerprint
    text = "genes: expression.csv\n  interactions: ppi.tsv\n  gene_sets: sets.gmt\n  min_genes: 3\n"
    Path("r.yaml").write_text(f"build:\n  {text}  gene_sets_min_genes: 2\n  gene_sets_max_genes: 3\n")
    assert build_architecture(read_recipe("r.yaml").build).fingerprint == by_hand.fingerprint


def test_limits_of_a_family_that_is_not_there_are_refused(vnn: Callable, job: Path) -> None:
    command = ("build", "--genes", "expression.csv", "--interactions", "ppi.tsv", "--dry-run")
    ran = vnn(*command, "--gene-sets-min-genes", "2")
    assert "--gene-sets-min-genes has no effect without --gene-sets: the command line\nLeave it out." in ran.err
    assert (
        "hierarchy_max_genes must be an integer of at least 1, got 0" in vnn(*command, "--hierarchy-max-genes", "0").err
    )
    assert vnn(*command, "--interactions-min-genes", "3").code == 0


def test_a_table_in_another_case_is_helped_by_what_is_printed(vnn: Callable, tmp_path: Path) -> None:
    ids = [f"ENSMUSG0000000000{i}" for i in range(3)]
    (tmp_path / "genes.txt").write_text("Stat1\nIrf1\nMyc\n", encoding="utf-8")
    (tmp_path / "ppi.tsv").write_text(f"{ids[0]}\t{ids[1]}\n{ids[1]}\t{ids[2]}\n", encoding="utf-8")
    command = ["build", "--interactions", tmp_path / "ppi.tsv", "--genes", tmp_path / "genes.txt"]
    for symbols, says in (("STAT1 IRF1 MYC", "3 of them match."), ("STAT1 IRF1 Myc", "2 more match.")):
        rows = zip(ids, symbols.split(), strict=True)
        table = tmp_path / f"{symbols}.tsv"
        table.write_text("ensembl\tsymbol\n" + "".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
        said = vnn(*command, "--id-map", table, "-o", tmp_path / "not.vnn").err
        assert f"Pass --ignore-case: {says}" in said
        built = vnn(*command, "--id-map", table, "--ignore-case", "-o", tmp_path / "ring.vnn", "--force")
        assert built.code == 0 and "3 of 3 names translated" in built.err
