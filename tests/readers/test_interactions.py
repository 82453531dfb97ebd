"""Interactions from files in all their forms, and from tables in memory."""

import gzip
import random
import string
import warnings
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_vnn.basics.errors import ConfigError, ReadError, VNNWarning
from keras_vnn.readers import read_genes, read_interactions

DATA = Path(__file__).parents[2] / "data"
MORE = Path(__file__).parents[3] / "shared" / "data" / "more"
more = pytest.mark.skipif(not MORE.is_dir(), reason="the data sets beside the project are absent")


@pytest.fixture
def written(tmp_path):
    def write(content, name="edges.txt"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def pairs_of(table):
    return {(table.genes[a], table.genes[b]) for a, b in table.pairs}


AB_CD = {("A", "B"), ("C", "D")}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("A\tB\nC\tD\n", "TSV without header column 1, column 2"),
        ("A,B\r\nC,D\r\n", "CSV without header column 1, column 2"),
        ("A B\nC D\n", "space-separated without header column 1, column 2"),
        ("A;B\nC;D\n", "semicolon-separated without header column 1, column 2"),
        ("# about\n\nA\tB\n# more\n\nC\tD", "TSV without header column 1, column 2"),
        ("gene_a\tgene_b\nA\tB\nC\tD\n", "TSV gene_a, gene_b"),
        ("Protein 1,Protein 2\nA,B\nC,D\n", "CSV Protein 1, Protein 2"),
        ("source,target\nA,B\nC,D\n", "CSV source, target"),
        ("#node1\tnode2\nA\tB\nC\tD\n", "TSV node1, node2"),
        ('"","interactor_a","interactor_b"\n"1","A","B"\n"2","C","D"\n', "CSV interactor_a, interactor_b"),
        ('"p1"\t"p2"\n"A"\t"B"\n"C"\t"D"\n', "TSV without header column 1, column 2"),
        ("\ufeffgene_a\tgene_b\nA\tB\nC\tD\n", "TSV gene_a, gene_b"),
        ("gene_a,gene_b\n A , B \nC,D\n", "CSV gene_a, gene_b"),
        ("A pp B\nC pp D\n", "SIF (white space), types pp"),
        ("A\tpp\tB\nC\tpp\tD\n", "SIF (tabs), types pp"),
    ],
)
def test_two_columns_in_many_dresses(written, content, said):
    table = read_interactions(written(content))
    expected = AB_CD | ({("p1", "p2")} if '"p1"' in content else set())
    assert pairs_of(table) == expected
    assert table.sources[0].format.startswith(said)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("A\tB\t0.5\nC\tD\t1\n", "TSV without header column 1, column 2, score column 3"),
        ("left\tright\tn\nA\tB\t0.5\nC\tD\t1\n", "TSV left, right, score n"),
        ("score,gene_a,gene_b\n0.5,A,B\n1,C,D\n", "CSV gene_a, gene_b, score score"),
        (",gene_a,gene_b,score\n7,A,B,0.5\n8,C,D,1\n", "CSV gene_a, gene_b, score score (ignored: column 1)"),
        (
            "gene_a gene_b score\n7 A B 0.5\n8 C D 1\n",
            "space-separated gene_a, gene_b, score score (ignored: column 1)",
        ),
        (
            "gene_a\tgene_b\tyear\tscore\nA\tB\t1999\t0.5\nC\tD\t2001\t1\n",
            "TSV gene_a, gene_b, score score (ignored: year)",
        ),
    ],
)
def test_the_score_is_found_and_said(written, content, said):
    table = read_interactions(written(content))
    assert pairs_of(table) == AB_CD
    assert table.score.tolist() == [0.5, 1.0]
    assert table.sources[0].format == said


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("BRCA1\tBRCA2\nATM\tTP53\n", {("BRCA1", "BRCA2"), ("ATM", "TP53")}),
        ("gene1\tgene2\ngene2\tgene3\n", {("gene1", "gene2"), ("gene2", "gene3")}),
        ("TF\tA2M\nATM\tTP53\n", {("A2M", "TF"), ("ATM", "TP53")}),
        ("1017\t1026\t0.5\n1017\t7157\t0.7\n", {("1017", "1026"), ("1017", "7157")}),
        ("NA\tnan\nnull\tNone\n", {("NA", "nan"), ("None", "null")}),
    ],
)
def test_names_are_not_taken_for_a_header_or_a_gap(written, content, expected):
    assert pairs_of(read_interactions(written(content))) == expected


def test_lines_directions_repeats_and_self_interactions(written):
    table = read_interactions(written("# x\ngene_a\tgene_b\tscore\nB\tA\t1\n\nA\tB\t3\nC\tC\t9\nC\tA\t2\n"))
    frame = table.to_frame()
    assert frame.values.tolist() == [["A", "B", 3.0, 3], ["A", "C", 2.0, 7]]
    assert table.sources[0].records == 4
    assert str(table.audit).splitlines() == [
        "read   1 interaction: a gene with itself (C)",
        "read   1 interaction: duplicate (either direction), merged into one",
    ]


def test_string_links(written):
    text = (
        "protein1 protein2 combined_score\n9606.ENSP01.1 9606.ENSP02 700\n"
        "9606.ENSP02 9606.ENSP01.1 700\n9606.ENSP01.1 9606.ENSP03 150\n"
    )
    path = written(gzip.compress(text.encode(), mtime=0), "9606.protein.links.v12.0.txt.gz")
    table = read_interactions(path, min_score=700)
    assert pairs_of(table) == {("ENSP01.1", "ENSP02")}
    assert table.sources[0].release == "STRING 12.0"
    assert table.sources[0].format == (
        "STRING links, space-separated protein1, protein2, score combined_score, prefix 9606. removed"
    )
    assert table.audit.count("interaction", "score below 700") == 1
    assert "9606.ENSP02" in read_interactions(path, strip_taxon=False).genes
    with pytest.warns(VNNWarning, match=r"Did you mean min_score=700\?"):
        read_interactions(path, min_score=0.7)


def test_detailed_string_links_take_the_combined_score(written):
    text = "protein1 protein2 fusion combined_score\n1.A 1.B 9 700\n"
    assert read_interactions(written(text)).score.tolist() == [700.0]


def test_sif_with_several_targets_lone_nodes_and_other_types(written):
    table = read_interactions(written("A pp B C D\nE\nF pd G H\nPDGF-BB/PDGF-(beta)-R/ATP pp A\n"))
    assert pairs_of(table) == {("A", "B"), ("A", "C"), ("A", "D"), ("A", "PDGF-BB/PDGF-(beta)-R/ATP")}
    assert table.audit.count("row", "SIF type pd") == 2
    assert table.audit.items("node") == ("E",)


def test_sif_with_a_tab_keeps_spaces_in_names(written):
    assert pairs_of(read_interactions(written("a b\tpp\tc d\n"))) == {("a b", "c d")}


def test_other_sif_types_can_be_named(written):
    path = written("A xx B\nC xx D\n", "net.sif")
    assert pairs_of(read_interactions(path, sif_types=["xx"])) == AB_CD


def test_columns_by_name_and_number(written):
    path = written("x\ty\tz\tw\n1\tA\tB\t0.5\n2\tC\tD\t1\n")
    for columns in ((2, 3), ("y", "z"), (2, "z")):
        assert pairs_of(read_interactions(path, columns=columns, header=True)) == AB_CD
    assert read_interactions(path, columns=("y", "z", "w")).score.tolist() == [0.5, 1.0]
    biogrid = "#BioGRID Interaction ID\tOfficial Symbol Interactor A\tOfficial Symbol Interactor B\n1\tA\tB\n"
    named = ("Official Symbol Interactor A", "Official Symbol Interactor B")
    assert pairs_of(read_interactions(written(biogrid), columns=named)) == {("A", "B")}


def test_header_and_delimiter_can_be_said(written):
    path = written("gene_a\tgene_b\nA\tB\n")
    assert pairs_of(read_interactions(path, header=False)) == {("A", "B"), ("gene_a", "gene_b")}
    assert pairs_of(read_interactions(written("A B,C D\n"), delimiter=" ")) == {("A", "B,C")}


def test_several_files_are_united(written):
    one, other = written("A\tB\n", "one.tsv"), written("B\tA\nC\tD\n", "other.tsv")
    table = read_interactions([one, other])
    assert pairs_of(table) == AB_CD
    assert [source.name for source in table.sources] == ["one.tsv", "other.tsv"]


def test_malformed_rows_can_be_skipped_and_are_counted(written):
    path = written("A\tB\t1\nC\t\t3\nD\tE\thigh\nF\tG\t2\nH\tI\t2\tx\n\t\t2\n")
    table = read_interactions(path, malformed="skip")
    assert pairs_of(table) == {("A", "B"), ("F", "G")}
    assert {(e.reason, e.count, e.items) for e in table.audit} == {
        ("a name is empty", 2, ("edges.txt:2", "edges.txt:6")),
        ("more columns than the other rows", 1, ("edges.txt:5",)),
        ("the score is not a finite number", 1, ("edges.txt:3",)),
    }


def test_a_header_repeated_inside_is_counted(written):
    table = read_interactions(written("gene_a,gene_b\nA,B\ngene_a,gene_b\nC,D\n"))
    assert pairs_of(table) == AB_CD
    assert table.audit.count("row", "the header again") == 1


def test_names_damaged_by_a_spreadsheet_are_named(written):
    with pytest.warns(
        VNNWarning,
        match=r"^3 names look damaged .* 1-Dec .* 2-Mar .* Sep-07 \(was SEPT7/SEPTIN7\), in .*edges\.",
    ):
        read_interactions(written("Sep-07\tA\n1-Dec\tB\n2-Mar\tOCT-1\n"))


SKIP = 'Pass malformed="skip" to count such rows in the audit and go on, or name other columns: columns=…'

BAD = {
    "empty": (b"", "The file {path} is empty (0 bytes).\nWas its download interrupted?"),
    "blank": ("\n \n", "The file holds blank lines only: {path}\nWas its download interrupted?"),
    "comments only": ("# a\n", "The file has comment lines and no rows: {path}\n    # a\nIs the file truncated?"),
    "header only": (
        "gene_a\tgene_b\n",
        "The file has a header and no rows: {path}\n    gene_a\tgene_b\n"
        "Is the file truncated? If this is a row, say header=False.",
    ),
    "one column": (
        "A\nB\n",
        "The file has one column, expected two names per row: {path}:1\n    A\n"
        "Between its columns a tab, a comma, a semicolon or blanks may stand: replace what is there.",
    ),
    "short row": ("A\tB\nC\nE\tF\n", f"The row has 1 column, expected 2: {{path}}:2\n    C\n{SKIP}"),
    "long row": ("A\tB\nC\tD\tE\nF\tG\n", f"The row has 3 columns, expected 2: {{path}}:2\n    C\tD\tE\n{SKIP}"),
    "empty name": ("A\tB\n\tC\n", f"The name in column 1 is empty: {{path}}:2\n    \tC\n{SKIP}"),
    "word as score": (
        "A\tB\t1\nC\tD\thigh\nE\tF\t2\n",
        f"The score is 'high', expected a finite number: {{path}}:2\n    C\tD\thigh\n{SKIP}",
    ),
    "nan score": (
        "A\tB\t1\nC\tD\tNaN\nE\tF\t2\n",
        f"The score is 'NaN', expected a finite number: {{path}}:2\n    C\tD\tNaN\n{SKIP}",
    ),
    "infinite score": (
        "# x\ngene_a,gene_b,score\nA,B,inf\nC,D,1\n",
        f"The score is 'inf', expected a finite number: {{path}}:3\n    A,B,inf\n{SKIP}",
    ),
    "one column of names": (
        "A\t1\nB\t2\n",
        "Only column 1 looks like names, expected two such columns: {path}\n    A\t1\n    B\t2\n"
        "If two columns are names all the same, say which: columns=(1, 2)",
    ),
    "open quote": (
        'A,B\n"C,D\nE,F\n',
        'A double quote is opened and not closed on its line: {path}:2\n    "C,D\n'
        "Close it, or write the field without quotes.",
    ),
    "latin 1": (
        b"A\tB\nC\xe9\tD\n",
        "The bytes are not UTF-8 text: {path}:2\n    b'A\\tB\\nC\\xe9\\tD\\n'\n"
        "Save the file as UTF-8, for example: iconv -f latin1 -t utf-8 edges.txt > utf8.txt",
    ),
    "NUL": (
        b"A\tB\nC\0\tD\n",
        "The file holds NUL bytes and is not text: {path}:2\nIs it the right file, and was its download complete?",
    ),
    "truncated gzip": (
        gzip.compress(b"A\tB\n" * 900, mtime=0)[:-9],
        "The gzip file {path} is damaged or ends early: "
        "Compressed file ended before the end-of-stream marker was reached\nDownload it again.",
    ),
    "prose": (
        "A text\nof several words\non each of its lines\nor so, you may say\nthat\n",
        "Cannot tell the format of the file with interactions: {path}:1\n    A text\nName it with format=…:\n"
        "    graphml         GraphML\n    xgmml           XGMML\n"
        "    gml             GML\n    cx2             a network in CX2 or CX\n"
        "    graph-json      a network in JSON (Cytoscape, node-link)\n"
        "    adjlist         an adjacency list of networkx\n"
        "    edgelist        an edge list of networkx with attributes\n"
        "    string          STRING links\n    string-actions  STRING actions\n"
        "    biogrid         BioGRID TAB2 or TAB3\n"
        "    mitab           PSI-MITAB 2.5 to 2.8 (IntAct, HuRI, HIPPIE)\n    hippie          HIPPIE\n"
        "    omnipath        OmniPath\n    cytoscape       a table of edges of Cytoscape\n"
        "    sif             SIF\n    adjacency       an adjacency matrix (genes × genes)\n"
        "    pairs           two names in one column (A|B, A-B)\n"
        "    table           a table of two names a row\nor the columns of a table: columns=(1, 2)",
    ),
    "two taxa": (
        "9606.P1\t10090.P2\n",
        "The names carry the prefixes of 2 taxa: 10090, 9606: {path}\n"
        'Choose one, taxon="9606", or keep the prefixes with strip_taxon=False.',
    ),
    "SIF of regulation": (
        "A pd B\n",
        "No row of the SIF file has the type pp or interacts-with or in-complex-with: {path}\nIt has: pd (1).\n"
        "It holds regulation: read it with vnn.read.regulation.",
    ),
    "SIF without target": (
        "A pp B\nA pp\n",
        "The row names no target or holds an empty field: {path}:2\n    A pp\n"
        "Expected SIF: source, type, one or more targets. "
        'Pass malformed="skip" to count such rows in the audit and go on.',
    ),
    "unknown SIF types": (
        "A xx B\nC xx D\n",
        "No row of the SIF file has the type pp or interacts-with or in-complex-with: {path}\nIt has: xx (2).\n"
        "Say which types to take: sif_types=('xx',). If it is a table, pass format=\"table\".",
    ),
    "TRRUST": (
        "AATF\tBAX\tRepression\t1\n",
        "The file is TRRUST, not interactions: {path}\n    AATF\tBAX\tRepression\t1\nRead it with vnn.read.regulation.",
    ),
    "regulators": (
        "tf,target\nA,B\n",
        "The file is a table of regulators and targets, not interactions: {path}\n    tf,target\n    A,B\n"
        "Read it with vnn.read.regulation.",
    ),
    "GMT": (
        "S\tna\tA\tB\nT\tna\tC\n",
        "The file is GMT (gene sets), not interactions: {path}\n    S\tna\tA\tB\n    T\tna\tC\n"
        "Read it with vnn.read.gene_sets.",
    ),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_bad_files(written, content, message):
    path = written(content)
    with pytest.raises(ReadError) as caught:
        read_interactions(path)
    assert str(caught.value) == message.format(path=path)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"format": "siff"},
            ConfigError,
            "Unknown format 'siff' for interactions. Did you mean sif?\n"
            "Expected one of: auto, graphml, xgmml, gml, cx2, graph-json, adjlist, edgelist, string, string-actions, "
            "biogrid, mitab, hippie, omnipath, cytoscape, sif, adjacency, pairs, table.",
        ),
        ({"malformed": "drop"}, ConfigError, "malformed must be one of raise, skip; got 'drop'."),
        ({"min_score": float("nan")}, ConfigError, "min_score must be a finite number, got nan."),
        ({"delimiter": "|"}, ConfigError, "Unknown delimiter '|'.\nExpected one of: tab, comma, semicolon, space."),
        (
            {"columns": (1, 1)},
            ConfigError,
            "columns names the same column twice: (1, 1).\nName different ones, for example: columns=(1, 2)",
        ),
        ({"columns": (0, 1)}, ReadError, "There is no column 0: {path} has 3.\nColumns are numbered from 1."),
        (
            {"columns": (1, 2), "format": "sif"},
            ConfigError,
            "columns applies to the format 'string' or 'table'; {path} is read as 'sif'.\n"
            "Leave out columns, or name the format.",
        ),
        (
            {"columns": ("gene_a", "gene_c")},
            ReadError,
            "No column is named 'gene_c': {path}:1\n    gene_a\tgene_b\tscore\n"
            "Did you mean gene_b or gene_a? Columns can also be numbered, from 1.",
        ),
        (
            {"min_score": 9},
            ReadError,
            "None of 2 rows has a score of at least 9; the largest is 7: {path}\nPass a smaller min_score.",
        ),
        (
            {"min_score": 9, "columns": (1, 2)},
            ReadError,
            "min_score=9 needs a column of scores: {path}\n"
            "Read as: TSV gene_a, gene_b (ignored: score)\n"
            "Say which column it is, for example: columns=(1, 2, 3)",
        ),
    ],
)
def test_wrong_options(written, options, error, message):
    path = written("gene_a\tgene_b\tscore\nA\tB\t5\nC\tD\t7\n")
    with pytest.raises(error) as caught:
        read_interactions(path, **options)
    assert str(caught.value) == message.format(path=path)


def test_missing_file_and_directory(tmp_path):
    with pytest.raises(ReadError, match=r"^No such file: .*none\.tsv\."):
        read_interactions(tmp_path / "none.tsv")
    with pytest.raises(ReadError, match=r"^Expected a file, got a directory: "):
        read_interactions(tmp_path)
    with pytest.raises(ReadError, match="got an empty list"):
        read_interactions([])


def test_from_a_data_frame():
    frame = pd.DataFrame({"n": [1, 2], "gene_a": ["A", "D"], "gene_b": ["B", "C"], "score": [0.2, 0.9]})
    assert pairs_of(read_interactions(frame)) == AB_CD
    table = read_interactions(frame, min_score=0.5)
    assert pairs_of(table) == {("C", "D")}
    assert table.audit.count("interaction", "score below 0.5") == 1
    with pytest.raises(ReadError, match=r"^1 of 2 rows have no name in 'gene_a', first ' ' at index 1\."):
        read_interactions(frame.assign(gene_a=["A", " "]))
    with pytest.raises(ReadError, match=r"^1 of 2 rows have no finite score in 'score', first 'nan' at index 0\."):
        read_interactions(frame.assign(score=[np.nan, 1]))
    with pytest.raises(ReadError, match=r"^No column is named 'gene_x': the DataFrame\nIt has: .* Did you mean gene_"):
        read_interactions(frame, columns=("gene_a", "gene_x"))


def test_from_a_graph():
    graph = nx.Graph([("A", "B", {"weight": 2.0}), ("D", "C", {"weight": 5.0})])
    assert pairs_of(read_interactions(graph)) == AB_CD
    assert pairs_of(read_interactions(graph, min_score=3)) == {("C", "D")}


# PP, GG and CR between two names are types of SIF.
NAME = st.text(string.ascii_uppercase.translate(dict.fromkeys(b"CGP")), min_size=1, max_size=2)
ROWS = st.lists(st.tuples(NAME, NAME, st.integers(0, 9)), min_size=1, max_size=30)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(ROWS, st.randoms(use_true_random=False))
def test_order_of_rows_and_directions_do_not_matter(written, rows, chance):
    shuffled = [(b, a, s) if chance.random() < 0.5 else (a, b, s) for a, b, s in rows]
    random.Random(chance.random()).shuffle(shuffled)
    one, other = (
        read_interactions(written("gene_a\tgene_b\tscore\n" + "".join(f"{a}\t{b}\t{s}\n" for a, b, s in table), name))
        for table, name in ((rows, "one.tsv"), (shuffled, "other.tsv"))
    )
    pd.testing.assert_frame_equal(one.to_frame().drop(columns="line"), other.to_frame().drop(columns="line"))
    best = {}
    for a, b, score in rows:
        if a != b:
            best[min(a, b), max(a, b)] = max(score, best.get((min(a, b), max(a, b)), 0))
    frame = one.to_frame()
    assert dict(zip(zip(frame["a"], frame["b"], strict=True), frame["score"], strict=True)) == best


def test_the_demo_file_against_plain_sets():
    lines = (DATA / "ppi_human_goa_ipi.tsv").read_text().splitlines()[1:]
    oracle = {tuple(sorted(line.split("\t")[:2])) for line in lines}
    table = read_interactions(DATA / "ppi_human_goa_ipi.tsv")
    assert pairs_of(table) == oracle
    assert (len(table), len(table.genes)) == (29_916, 9_609)
    inside = table.among(read_genes(DATA / "kang_ifnb_cd4t_expression.csv.gz"))
    assert (len(inside), len(inside.genes)) == (4_348, 2_581)
    inside = table.among(read_genes(DATA / "pbmc68k_reduced.h5ad"))
    assert (len(inside), len(inside.genes)) == (129, 170)


@pytest.mark.parametrize(
    "name",
    [
        "go-basic.obo.gz",
        "goa_human_demo.gaf.gz",
        "pbmc68k_reduced.h5ad",
        "kang_ifnb_cd4t_expression.csv.gz",
        "tf_target_human_goa.tsv",
    ],
)
def test_other_families_are_refused(name):
    with pytest.raises(ReadError, match=r"^The file is .*(ontology|GAF|HDF5|expression|regulators)"):
        read_interactions(DATA / name)


@more
def test_huri_has_481_self_interactions():
    table = read_interactions(MORE / "ppi" / "HuRI.tsv.gz")
    with gzip.open(MORE / "ppi" / "HuRI.tsv.gz", "rt") as stream:
        graph = nx.Graph(line.split() for line in stream)
    assert table.audit.count("interaction", "itself") == nx.number_of_selfloops(graph) == 481
    assert len(table) == graph.number_of_edges() - 481
    symbols = read_interactions(MORE / "ppi" / "HuRI_symbols.tsv")
    assert symbols.sources[0].format == "TSV protein_a, protein_b, score n_screens"
    assert (len(symbols), symbols.audit.count("interaction", "duplicate")) == (52_068, 19)


@more
def test_a_large_file_of_weighted_edges():
    table = read_interactions(MORE / "string" / "string_human_ensg_edges.tsv.gz")
    assert (len(table), len(table.genes)) == (426_202, 17_457)


def test_a_good_file_gives_no_warning(written):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_interactions(written("A\tB\n"))) == 1


def test_lines_are_those_of_the_file(written):
    table = read_interactions(written("gene_a,gene_b\nA,B\n\n# x\nC,D\nE,F\nG,H\n"))
    assert table.line.tolist() == [2, 5, 6, 7]
    path = written("gene_a,gene_b\nA,B\nC,D\nE,F\n,H\n")
    with pytest.raises(ReadError, match=r"^The name in gene_a is empty: .*edges\.txt:5\n    ,H\n"):
        read_interactions(path)
