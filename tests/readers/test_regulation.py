"""Regulation from files in all their forms, and from tables in memory."""

import random
from collections import defaultdict
from pathlib import Path

import networkx as nx
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_vnn.basics.errors import ConfigError, ReadError, VNNWarning
from keras_vnn.readers import read_regulation

DATA = Path(__file__).parents[2] / "data"
MORE = Path(__file__).parents[3] / "shared" / "data" / "more"
more = pytest.mark.skipif(not MORE.is_dir(), reason="the data sets beside the project are absent")


@pytest.fixture
def written(tmp_path):
    def write(content, name="tf.txt"):
        path = tmp_path / name
        path.write_text(content)
        return path

    return write


def edges_of(table):
    frame = table.to_frame()
    return {(r, t): e for r, t, e in zip(frame["regulator"], frame["target"], frame["effect"], strict=True)}


TWO = {("STAT1", "A"): "activation", ("JUN", "B"): "repression"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "STAT1\tA\tActivation\t1;2\nJUN\tB\tRepression\t3\n",
            "TRRUST, TSV without header column 1, column 2, effect column 3 (ignored: column 4)",
        ),
        (
            "tf\ttarget\teffect\treferences\nSTAT1\tA\tactivation\tx\nJUN\tB\trepression\ty\n",
            "TSV tf, target, effect effect (ignored: references)",
        ),
        (
            "tf,confidence,target,mor\nSTAT1,A,A,1\nJUN,E,B,-1\n",
            "CSV tf, target, weight mor (ignored: confidence)",
        ),
        ("source,target,weight\nSTAT1,A,1\nJUN,B,-1\n", "CSV source, target, weight weight"),
        ("source target weight\nSTAT1 A 1\nJUN B -1\n", "space-separated source, target, weight weight"),
        ("STAT1\tA\t0.5\nJUN\tB\t-2\n", "TSV without header column 1, column 2, weight column 3"),
        ("\tSTAT1\tJUN\nA\t1\t0\nB\t0\t-1\n", "TSV matrix of 2 targets × 2 TFs"),
        ("STAT1\tJUN\nA\t1\t0\nB\t0\t-1\n", "TSV matrix of 2 targets × 2 TFs"),
        (
            "TF\tGene\tInput\nSTAT1\tA;ENSG00000000001\t1\nJUN\tB\t-1\n",
            "DREM, target symbol, TSV TF, Gene, weight Input",
        ),
    ],
)
def test_many_dresses(written, content, said):
    table = read_regulation(written(content))
    assert edges_of(table) == TWO
    assert table.sources[0].format == said


@pytest.mark.parametrize(
    "content",
    [
        "STAT1\tA\nJUN\tB\n",
        "STAT1 pd A\nJUN pd B\nX pp Y\n",
        "TF\ttarget\timportance\nSTAT1\tA\t3.5\nJUN\tB\t2\n",
        "TF\tGene\tInput\nSTAT1\tA;ENSG00000000001\nJUN\tB\n",
        "TF\tGene\tInput\nSTAT1\tA\t1\nJUN\tB\t1\nJUN\tA\t0\n",
        "g,STAT1,JUN\nA,1,0\nB,0,1\n",
    ],
)
def test_no_sign_means_no_effect(written, content):
    assert edges_of(read_regulation(written(content))) == {("STAT1", "A"): "unknown", ("JUN", "B"): "unknown"}


def test_a_column_of_signs_means_an_effect_even_without_a_negative(written):
    table = read_regulation(written("tf\ttarget\tmor\nSTAT1\tA\t1\n"))
    assert edges_of(table) == {("STAT1", "A"): "activation"}


def test_trrust_repeats_conflicts_and_unknowns(written):
    table = read_regulation(
        written("A\tB\tUnknown\t1\nA\tB\tActivation\t2\nA\tC\tActivation\t3\nA\tC\tRepression\t4\nA\tA\tUnknown\t5\n")
    )
    assert edges_of(table) == {("A", "B"): "activation", ("A", "C"): "both", ("A", "A"): "unknown"}
    assert table.audit.count("regulatory edge", "duplicate") == 2
    assert table.audit.items("regulatory edge", "disagree") == ("A C",)
    assert table.line.tolist() == [5, 1, 3]


def test_drem_zeros_and_ids(written):
    path = written("TF\tGene\tInput\nT\tENSA;ENSG00000000001\t1\nT\tB\t1\nT\tC;ENSG00000000003\t0\n")
    table = read_regulation(path, drem_id="ensembl")
    assert list(edges_of(table)) == [("T", "ENSG00000000001")]
    assert table.sources[0].format == "DREM, target Ensembl id, TSV TF, Gene, weight Input"
    assert table.audit.items("row", "no Ensembl id") == ("B",)
    assert table.audit.count("row", "Input 0") == 1


def test_sif_counts_other_types(written):
    table = read_regulation(written("STAT1 pd A B\nX pp Y\nLONE\n"))
    assert sorted(edges_of(table)) == [("STAT1", "A"), ("STAT1", "B")]
    assert table.audit.count("row", "SIF type pp") == 1
    assert table.audit.items("node") == ("LONE",)


def test_a_matrix_of_weights_must_be_named(written):
    path = written("g\tSTAT1\tJUN\nA\t0\t1.5\nB\t-0.5\t0\n")
    table = read_regulation(path, format="matrix")
    assert sorted(zip(*[table.to_frame()[c] for c in ("regulator", "target", "weight", "line")], strict=True)) == [
        ("JUN", "A", 1.5, 2),
        ("STAT1", "B", -0.5, 3),
    ]


def test_columns_by_number_with_effect_or_weight(written):
    path = written("x\tA\tSTAT1\tup\t7\nx\tB\tJUN\tdown\t8\n")
    assert edges_of(read_regulation(path, columns=(3, 2, 4), header=False)) == TWO
    assert read_regulation(path, columns=(3, 2, 5), header=False).weight.tolist() == [8.0, 7.0]


def test_damaged_names_are_named(written):
    with pytest.warns(VNNWarning, match=r"^1 name looks damaged .* 1-Dec \(was DEC1/DELEC1\), in"):
        read_regulation(written("STAT1\t1-Dec\nJUN\tB\n"))


SKIP = 'Pass malformed="skip" to count such rows in the audit and go on, or name other columns: columns=…'

BAD = {
    "unknown effect": (
        "tf\ttarget\teffect\nA\tB\tfoo\n",
        "The effect is 'foo', expected a word such as activation, repression or unknown: {path}:2\n"
        f"    A\tB\tfoo\n{SKIP}",
    ),
    "empty target": ("tf,target\nA,\n", f"The name in target is empty: {{path}}:2\n    A,\n{SKIP}"),
    "word as weight": (
        "source,target,weight\nA,B,1\nA,C,x\n",
        f"The weight is 'x', expected a finite number: {{path}}:3\n    A,C,x\n{SKIP}",
    ),
    "STRING": (
        "protein1 protein2 combined_score\n9606.A 9606.B 700\n",
        "The file is STRING links, not regulators and their targets: {path}\n    protein1 protein2 combined_score\n"
        "    9606.A 9606.B 700\nRead it with vnn.read.interactions.",
    ),
    "interactions": (
        "gene_a\tgene_b\nA\tB\n",
        "The file is a table of interactions, not regulators and their targets: {path}\n    gene_a\tgene_b\n    A\tB\n"
        "Read it with vnn.read.interactions.",
    ),
    "SIF of interactions": (
        "A pp B\n",
        "No row of the SIF file has the type pd or controls-expression-of: {path}\nIt has: pp (1).\n"
        "It holds interactions: read it with vnn.read.interactions.",
    ),
    "one column": (
        "A\nB\n",
        "The file has one column, expected two names per row: {path}:1\n    A\n"
        "Between its columns a tab, a comma, a semicolon or blanks may stand: replace what is there.",
    ),
    "DREM of zeros": (
        "TF\tGene\tInput\nA\tB\t0\n",
        "None of 1 row is left: 1 say 0, 0 name a gene without symbol: {path}\n"
        'Choose which id to take: drem_id="symbol" or "ensembl"',
    ),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_bad_files(written, content, message):
    path = written(content)
    with pytest.raises(ReadError) as caught:
        read_regulation(path)
    assert str(caught.value) == message.format(path=path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "g\tT\tT\nA\t1\t0\n",
            "The header names 1 of its TFs more than once: T: {path}:1\nRename them, or leave out all but one.",
        ),
        ("g\tT\tU\nA\t1\tx\n", f"The cell below U is 'x', expected a finite number: {{path}}:2\n    A\t1\tx\n{SKIP}"),
        ("g\tT\tU\nA\t1\t0\nB\t0\n", f"The cell below U is '', expected a finite number: {{path}}:3\n    B\t0\n{SKIP}"),
        ("g\tT\tU\nA\t1\t0\n\t0\t1\n", f"The row has no name: {{path}}:3\n    \t0\t1\n{SKIP}"),
        (
            "g\t\tU\nA\t1\t0\n",
            "Expected the name of a TF above each column but the first: {path}:1\n"
            "Name them in the first line, or name how the columns are separated: delimiter=…",
        ),
        (
            "g\tT\tU\nA\t0\t0\n",
            "No cell of the matrix says 1 or −1: {path}\nIs it the right file? A TF needs a target.",
        ),
    ],
)
def test_bad_matrices(written, content, message):
    path = written(content)
    with pytest.raises(ReadError) as caught:
        read_regulation(path, format="matrix")
    assert str(caught.value) == message.format(path=path)


def test_a_bad_cell_can_be_skipped(written):
    table = read_regulation(written("g\tT\tU\nA\t1\tx\nB\t0\t1\n"), format="matrix", malformed="skip")
    assert list(edges_of(table)) == [("U", "B")]
    assert table.audit.items("row") == ("tf.txt:2",)


def test_a_late_odd_cell_is_not_taken_for_a_weight(written):
    rows = "".join(f"G{i}\t1\t0\n" for i in range(400))
    path = written(f"g\tT\tU\n{rows}H\t2.5\t0\n")
    with pytest.raises(ReadError) as caught:
        read_regulation(path)
    assert str(caught.value) == (
        f"The cell below T is '2.5', expected 0, 1 or -1: {path}:402\n"
        'If these are weights of regulation and not expression, pass format="matrix".'
    )


def test_wrong_options(written):
    path = written("tf\ttarget\nA\tB\n")
    with pytest.raises(ConfigError, match=r"^drem_id must be one of symbol, ensembl; got 'foo'\."):
        read_regulation(path, drem_id="foo")
    with pytest.raises(
        ConfigError, match=r"^Unknown format 'trust' for regulators and their targets\. Did you mean trrust\?"
    ):
        read_regulation(path, format="trust")


def test_one_type_may_be_a_single_word(written):
    table = read_regulation(written("A xx B\nC yy D\n", "net.sif"), sif_types="xx")
    assert (table.regulators, table.targets) == (("A",), ("B",))


def test_from_a_data_frame():
    frame = pd.DataFrame({"tf": ["STAT1", "JUN"], "target": ["A", "B"], "effect": ["up", "down"]})
    assert edges_of(read_regulation(frame)) == TWO
    signed = frame.drop(columns="effect").assign(mor=[1, -1])
    assert edges_of(read_regulation(signed)) == TWO
    assert set(edges_of(read_regulation(signed.assign(mor=[1, 1]).rename(columns={"mor": "weight"}))).values()) == {
        "unknown"
    }
    with pytest.raises(ReadError, match=r"^2 of 2 rows have no known effect in 'effect', first 'foo' at index 0\."):
        read_regulation(frame.assign(effect="foo"))


def test_from_a_graph():
    graph = nx.DiGraph([("STAT1", "A", {"effect": "activation"}), ("JUN", "B", {"effect": "repression"})])
    assert edges_of(read_regulation(graph)) == TWO
    with pytest.raises(ReadError, match="needs a directed graph"):
        read_regulation(graph.to_undirected())


def test_several_files_are_united(written):
    one, other = written("tf\ttarget\nA\tB\n", "one"), written("tf\ttarget\nB\tA\nA\tB\n", "other")
    assert sorted(edges_of(read_regulation([one, other]))) == [("A", "B"), ("B", "A")]


MODES = ("Activation", "Repression", "Unknown")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from("ABCD"), st.sampled_from("ABXY"), st.sampled_from(MODES)), min_size=1),
    st.integers(0, 99),
)
def test_the_order_of_rows_does_not_matter(written, rows, seed):
    shuffled = random.Random(seed).sample(rows, len(rows))
    one, other = (
        read_regulation(written("tf\ttarget\tmode\n" + "".join("\t".join(row) + "\n" for row in table), name))
        for table, name in ((rows, "one.tsv"), (shuffled, "other.tsv"))
    )
    pd.testing.assert_frame_equal(one.to_frame().drop(columns="line"), other.to_frame().drop(columns="line"))
    seen = defaultdict(set)
    for tf, target, mode in rows:
        seen[tf, target].add(mode.lower())
    expected = {}
    for pair, modes in seen.items():
        known = modes - {"unknown"}
        expected[pair] = "both" if len(known) == 2 else next(iter(known), "unknown")
    assert edges_of(one) == expected


def test_the_demo_file_against_plain_dictionaries():
    rows = [line.split("\t") for line in (DATA / "tf_target_human_goa.tsv").read_text().splitlines()[1:]]
    table = read_regulation(DATA / "tf_target_human_goa.tsv")
    assert edges_of(table) == {(tf, target): effect for tf, target, effect, _ in rows}
    assert (len(table), len(table.regulators)) == (411, 171)


@more
def test_trrust_repeats_969_pairs():
    path = MORE / "tf_dna" / "trrust_rawdata.human.tsv"
    table = read_regulation(path)
    modes = defaultdict(set)
    for line in path.read_text().splitlines():
        tf, target, mode, _ = line.split("\t")
        modes[tf, target].add(mode)
    assert table.sources[0].records == 9_396
    assert table.audit.count("regulatory edge", "duplicate") == 9_396 - len(modes) == 969
    both = {pair for pair, found in modes.items() if {"Activation", "Repression"} <= found}
    assert {pair for pair, effect in edges_of(table).items() if effect == "both"} == both
    assert set(edges_of(table)) == set(modes)


@more
def test_drem():
    path = MORE / "tf_dna" / "drem_human_predicted_100.txt.gz"
    table = read_regulation(path)
    assert table.sources[0].records == 59_578
    assert set(table.effect) == {"unknown"}
    by_id = read_regulation(path, drem_id="ensembl")
    assert by_id.audit.count("row", "no Ensembl id") == 1_425
    assert all(target.startswith("ENSG") for target in by_id.targets)
