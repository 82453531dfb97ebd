import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.provenance import Source
from keras_vnn.priors import Interactions, Regulation

NAN = float("nan")


def rows(table):
    """Return the table as tuples, NaN as None."""
    frame = table.to_frame().astype(object)
    return [tuple(frame.where(frame.notna(), None).iloc[i]) for i in range(len(frame))]


# ---- interactions ---------------------------------------------------------------------------------------------


def test_pairs_are_unordered_unique_and_sorted():
    table = Interactions.from_pairs(
        ["TP53", "MDM2", "ATM", "TP53", "ATM"],
        ["MDM2", "TP53", "ATM", "ATM", "TP53"],
        score=[0.4, 0.9, 1.0, NAN, 0.2],
        line=[2, 3, 4, 5, 6],
    )
    assert table.genes == ("ATM", "MDM2", "TP53")
    assert rows(table) == [("ATM", "TP53", 0.2, 5), ("MDM2", "TP53", 0.9, 2)]
    assert [str(entry) for entry in table.audit] == [
        "1 interaction: a gene with itself (ATM)",
        "2 interactions: duplicate (either direction), merged into one",
    ]


def test_a_gene_that_only_meets_itself_is_not_a_gene_of_the_table():
    assert Interactions.from_pairs(["A", "B"], ["A", "C"]).genes == ("B", "C")


def test_no_interaction_at_all():
    table = Interactions.from_pairs([], [])
    assert (len(table), table.genes, table.pairs.shape) == (0, (), (0, 2))
    assert len(Interactions.from_pairs(["A"], ["A"])) == 0
    assert len(table.among(["A"])) == 0
    assert str(table) == "0 interactions of 0 genes"


def test_arrays_are_locked():
    table = Interactions.from_pairs(["A"], ["B"], score=[1.0])
    for array in (table.pairs, table.score, table.line):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_among():
    table = Interactions.from_pairs(["A", "B", "C"], ["B", "C", "D"], score=[1, 2, 3], sources=(Source("x", "y"),))
    inside = table.among(["C", "B", "A", "Z"])
    assert rows(inside) == [("A", "B", 1.0, 0), ("B", "C", 2.0, 0)]
    assert inside.genes == ("A", "B", "C")
    assert inside.sources == table.sources
    assert str(inside.audit) == "match   1 interaction: one or both genes are not in the gene list"
    assert rows(table.among([])) == []


def test_union():
    one = Interactions.from_pairs(["A", "B"], ["B", "C"], score=[0.1, 0.2], sources=(Source("one", "tsv"),))
    two = Interactions.from_pairs(["C", "D"], ["B", "A"], score=[0.7, NAN], sources=(Source("two", "tsv"),))
    both = one.union(two)
    assert rows(both) == [("A", "B", 0.1, 0), ("A", "D", None, 0), ("B", "C", 0.7, 0)]
    assert str(both) == "3 interactions of 4 genes (one, two)"
    assert rows(both) == rows(two.union(one))


PAIRS = st.lists(st.tuples(st.sampled_from(list("ABCDE")), st.sampled_from(list("ABCDE"))), max_size=12)


@given(PAIRS, st.randoms(use_true_random=False))
def test_order_and_direction_do_not_matter(pairs, random):
    shuffled = [pair if random.random() < 0.5 else pair[::-1] for pair in random.sample(pairs, len(pairs))]
    one, two = (Interactions.from_pairs([a for a, _ in t], [b for _, b in t]) for t in (pairs, shuffled))
    assert rows(one) == rows(two)
    assert one.audit == two.audit
    assert {(a, b) for a, b, *_ in rows(one)} == {tuple(sorted(pair)) for pair in pairs if pair[0] != pair[1]}


@given(PAIRS, st.sets(st.sampled_from(list("ABCDE"))))
def test_among_is_a_filter(pairs, genes):
    table = Interactions.from_pairs([a for a, _ in pairs], [b for _, b in pairs])
    assert rows(table.among(genes)) == [row for row in rows(table) if {row[0], row[1]} <= genes]
    assert table.among(genes).audit.count("interaction", "not in the gene list") == len(table) - len(table.among(genes))


def test_from_frame_by_position_and_by_name():
    frame = pd.DataFrame({"n": [3, 5], "a": ["A", "B"], "b": ["B", "C"]})
    expected = [("A", "B", 3.0, 0), ("B", "C", 5.0, 0)]
    table = Interactions.from_frame(frame, "a", "b", "n")
    assert rows(table) == expected
    assert table.sources == (Source("DataFrame", "memory", records=2),)
    assert [row[:2] for row in rows(Interactions.from_frame(frame[["a", "b"]]))] == [("A", "B"), ("B", "C")]
    assert Interactions.from_frame(pd.DataFrame({"a": [7157], "b": [472]})).genes == ("472", "7157")


def test_from_networkx():
    graph = nx.DiGraph([("A", "B"), ("B", "A"), ("C", "B", {"weight": 0.5})])
    assert rows(Interactions.from_networkx(graph)) == [("A", "B", None, 0), ("B", "C", 0.5, 0)]


@pytest.mark.parametrize(
    ("frame", "columns", "message"),
    [
        (pd.DataFrame({"a": ["A"]}), {}, "The table has 1 column, expected two names per row."),
        (
            pd.DataFrame({"gene_a": ["A"], "gene_b": ["B"]}),
            {"a": "geneA"},
            "The table has no column 'geneA'; it has gene_a, gene_b. Did you mean gene_a or gene_b?",
        ),
        (
            pd.DataFrame({"a": ["A", None], "b": ["B", "C"]}),
            {},
            "1 of 2 rows have no name in 'a' or 'b', first at index 1.\n"
            "Drop them first: frame.dropna(subset=['a', 'b'])",
        ),
        (
            pd.DataFrame([["A", "B"]], columns=["x", "x"]),
            {},
            "The table has more than one column 'x'; rename them to tell them apart.",
        ),
    ],
)
def test_frames_that_are_no_interactions(frame, columns, message):
    with pytest.raises(ReadError) as caught:
        Interactions.from_frame(frame, **columns)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ((["A"], ["B", "C"]), "Both columns must have one name per row, got shapes (1,) and (2,)."),
        ((["A", "B"], ["B", None]), "Row 2 of 2 has no name in one of its two columns."),
        ((["A"], [1]), "A name in the table is 1, expected non-empty text."),
        ((["A"], [" "]), "A name in the table is ' ', expected non-empty text."),
    ],
)
def test_columns_that_are_no_names(columns, message):
    for table in (Interactions, Regulation):
        with pytest.raises(ReadError) as caught:
            table.from_pairs(*columns)
        assert str(caught.value) == message


@pytest.mark.parametrize(
    ("score", "message"),
    [
        (["high"], "A column of numbers holds something else: could not convert string to float: 'high'."),
        ([1, 2], "A column of numbers must have one value per row, expected 1, got 2."),
    ],
)
def test_scores_that_are_none(score, message):
    with pytest.raises(ReadError) as caught:
        Interactions.from_pairs(["A"], ["B"], score=score)
    assert str(caught.value) == message


# ---- regulation -----------------------------------------------------------------------------------------------


def test_edges_are_directed_and_unique():
    table = Regulation.from_pairs(["TP53", "MDM2", "TP53", "TP53"], ["MDM2", "TP53", "MDM2", "TP53"], line=[4, 3, 2, 1])
    assert (table.regulators, table.targets) == (("MDM2", "TP53"), ("MDM2", "TP53"))
    assert rows(table) == [
        ("MDM2", "TP53", "unknown", None, 3),
        ("TP53", "MDM2", "unknown", None, 2),
        ("TP53", "TP53", "unknown", None, 1),
    ]
    assert [str(entry) for entry in table.audit] == ["1 regulatory edge: duplicate, merged into one"]
    assert str(table) == "3 edges from 2 regulators to 2 targets"


@pytest.mark.parametrize(
    ("effects", "merged", "reasons"),
    [
        (["activation"], "activation", []),
        (["activation", "activation"], "activation", ["duplicate, merged into one"]),
        (
            ["unknown", "repression"],
            "repression",
            ["duplicate, merged into one", "an unknown effect gave way to a known one"],
        ),
        (
            ["activation", "repression"],
            "both",
            ["duplicate, merged into one", "rows disagree on the effect, taken as both"],
        ),
        (["both", "both"], "both", ["duplicate, merged into one"]),
        (
            ["both", "activation"],
            "both",
            ["duplicate, merged into one", "rows disagree on the effect, taken as both"],
        ),
        (
            ["repression", "unknown", "activation"],
            "both",
            [
                "duplicate, merged into one",
                "an unknown effect gave way to a known one",
                "rows disagree on the effect, taken as both",
            ],
        ),
        (["both"], "both", []),
        (["unknown", "unknown"], "unknown", ["duplicate, merged into one"]),
    ],
)
def test_effects_of_repeated_edges(effects, merged, reasons):
    # Another edge before and after, so that a run of rows has neighbours.
    table = Regulation.from_pairs(
        ["A", *["M"] * len(effects), "Z"],
        ["T"] * (len(effects) + 2),
        effect=["repression", *effects, "activation"],
    )
    assert list(table.effect) == ["repression", merged, "activation"]
    assert [entry.reason for entry in table.audit] == reasons
    assert all(entry.items in ((), ("M T",)) for entry in table.audit)


def test_effect_from_the_sign_of_the_weight():
    table = Regulation.from_pairs(["A", "B", "C", "D", "D"], list("TTTTT"), weight=[0.5, -2, 0, 1, -3])
    assert list(table.effect) == ["activation", "repression", "unknown", "both"]
    assert table.weight.tolist() == [0.5, -2, 0, -3]


def test_words_win_over_the_sign():
    table = Regulation.from_pairs(["A"], ["B"], effect=["repression"], weight=[1.0])
    assert (table.effect[0], table.weight[0]) == ("repression", 1.0)


def test_a_missing_effect_is_unknown():
    assert list(Regulation.from_pairs(["A", "B"], ["T", "T"], effect=[None, NAN]).effect) == ["unknown", "unknown"]


def test_unknown_words_for_an_effect():
    with pytest.raises(ReadError) as caught:
        Regulation.from_pairs(["A"], ["B"], effect=["Activation"])
    assert str(caught.value) == (
        "Effects must be one of activation, both, repression, unknown; got 'Activation'. Did you mean activation?"
    )
    with pytest.raises(ReadError) as caught:
        Regulation.from_pairs(["A"], ["B"], effect=["activation"] * 2)
    assert str(caught.value) == "There must be one effect per row, expected 1, got 2."


def test_among_asks_for_the_target_only():
    table = Regulation.from_pairs(["A", "A", "B"], ["B", "C", "C"], effect=["activation", "repression", "both"])
    inside = table.among(["B"])
    assert (inside.regulators, inside.targets) == (("A",), ("B",))
    assert rows(inside) == [("A", "B", "activation", None, 0)]
    assert str(inside.audit) == "match   2 regulatory edges: the target is not in the gene list"
    assert len(table.among([])) == len(Regulation.from_pairs([], []).among(["A"])) == 0


def test_union_of_regulation():
    one = Regulation.from_pairs(["A"], ["B"], effect=["activation"])
    two = Regulation.from_pairs(["A", "B"], ["B", "A"], effect=["repression", "unknown"])
    assert rows(one.union(two)) == [("A", "B", "both", None, 0), ("B", "A", "unknown", None, 0)]


def test_regulation_from_frame():
    frame = pd.DataFrame({"tf": ["A"], "gene": ["B"], "sign": [-1]})
    assert rows(Regulation.from_frame(frame, weight="sign")) == [("A", "B", "repression", -1.0, 0)]
    with pytest.raises(ReadError, match="no column 'target'; it has gene, sign, tf"):
        Regulation.from_frame(frame, target="target")


def test_regulation_from_networkx():
    graph = nx.DiGraph()
    graph.add_edge("A", "B", effect="activation")
    graph.add_edge("B", "A", weight=2.0)
    assert rows(Regulation.from_networkx(graph)) == [("A", "B", "activation", None, 0), ("B", "A", "unknown", 2.0, 0)]
    signed = nx.DiGraph()
    signed.add_edge("A", "B", weight=-0.5)
    assert rows(Regulation.from_networkx(signed)) == [("A", "B", "repression", -0.5, 0)]
    with pytest.raises(ReadError) as caught:
        Regulation.from_networkx(nx.Graph([("A", "B")]))
    assert str(caught.value) == "Regulation needs a directed graph (regulator → target), got an undirected one."


@given(PAIRS, st.data())
def test_order_of_rows_does_not_matter(pairs, data):
    effects = data.draw(
        st.lists(
            st.sampled_from(["activation", "repression", "both", "unknown"]), min_size=len(pairs), max_size=len(pairs)
        )
    )
    table = list(zip(pairs, effects, strict=True))
    one, two = (
        Regulation.from_pairs([a for (a, _), _ in t], [b for (_, b), _ in t], effect=[e for _, e in t])
        for t in (table, data.draw(st.permutations(table)))
    )
    assert rows(one) == rows(two) and one.audit == two.audit
    assert np.unique(one.pairs, axis=0).tolist() == one.pairs.tolist()
