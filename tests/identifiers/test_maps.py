"""Translating names: by tables of any make, under every policy, on real files."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import keras_vnn as vnn
from keras_vnn.basics.errors import ConfigError, GeneError, ReadError
from keras_vnn.priors import Annotations, GeneSets, Interactions, Regulation
from keras_vnn.priors.identifiers import ID_POLICIES, IdentifierTable, identifier_map, map_identifiers, names_in

MORE = Path(__file__).parents[3] / "shared" / "data" / "more"
more = pytest.mark.skipif(not MORE.is_dir(), reason="the data sets beside the project are absent")

# E1 and E2 are one gene; E3 stands for two; E4 is in no row.
TABLE = IdentifierTable.from_frame(
    pd.DataFrame({"ensembl": ["E1", "E2", "E3", "E3", "E5"], "symbol": ["A", "A", "B", "C", "D"]})
)
PPI = Interactions.from_pairs(["E1", "E1", "E3", "E4"], ["E2", "E3", "E5", "E5"], score=[1, 2, 3, 4])


def mapped(prior=PPI, policy="merge"):
    return map_identifiers(prior, identifier_map(["E1", "E2", "E3", "E4", "E5"], ["A", "B", "D"], TABLE), policy=policy)


def pairs(table):
    return [(table.genes[a], table.genes[b]) for a, b in table.pairs]


def test_the_report_names_what_is_ambiguous():
    found = identifier_map(PPI.genes, ["A", "B", "D"], TABLE)
    assert str(found) == (
        "4 of 5 names translated (ensembl → symbol)\n"
        "1 are not in the table: E4\n"
        "1 stand for several genes: E3 = B or C\n"
        "1 gene has several names: E1 and E2 = A"
    )
    assert found.ambiguous == {"E3": ("B", "C")}
    assert found.merged == {"A": ("E1", "E2")}
    assert found.to_frame().values.tolist() == [
        ["E1", "A", "many to one"],
        ["E2", "A", "many to one"],
        ["E3", "B", "one to many"],
        ["E3", "C", "one to many"],
        ["E5", "D", "one to one"],
        ["E4", "", "unmapped"],
    ]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("merge", []),  # E1-E2 is A with itself, the others touch E3 or E4
        ("first", [("A", "B"), ("B", "D")]),
        ("all", [("A", "B"), ("A", "C"), ("B", "D"), ("C", "D")]),
        ("unique", []),
    ],
)
def test_policies_on_interactions(policy, expected):
    assert pairs(mapped(policy=policy)) == expected


def test_the_audit_counts_all_of_it():
    table = mapped(policy="first")
    assert table.score.tolist() == [2.0, 3.0]
    assert str(table.audit).splitlines() == [
        "map    4 names: translated (ensembl → symbol)",
        "map    1 name: not in the table of identifiers, dropped (E4)",
        "map    1 name: of several genes, the first one taken (E3 = B or C)",
        "map    1 gene: of several names, merged (E1 and E2 = A)",
        "map    1 interaction: a name has no translation, dropped",
        "read   1 interaction: a gene with itself (A)",
    ]
    assert [source.name for source in table.sources] == ["DataFrame"]


def test_ambiguity_can_be_an_error():
    with pytest.raises(GeneError) as caught:
        mapped(policy="raise")
    assert str(caught.value) == (
        "1 name stands for several genes, 1 gene has several names (ensembl → symbol):\n"
        "    E1 and E2 = A, E3 = B or C\n"
        'Choose what happens to them, for example policy="merge": '
        "names of one gene become one; a name of several genes is dropped."
    )
    with pytest.raises(
        ConfigError, match=r"^id_policy must be one of merge, .*; got 'frist'. Did you mean first or raise\?$"
    ):
        mapped(policy="frist")


def test_every_kind_of_prior():
    regulation = Regulation.from_pairs(["E1", "E2"], ["E5", "E5"], effect=["activation", "repression"])
    assert mapped(regulation).to_frame()[["regulator", "target", "effect"]].values.tolist() == [["A", "D", "both"]]
    annotations = Annotations.from_pairs(["E1", "E2", "E5"], ["T1", "T1", "T1"], denied=[False, True, False])
    found = mapped(annotations)
    assert found.to_frame()[["gene", "term"]].values.tolist() == [["D", "T1"]]  # E2's denial is one of A
    assert len(found.denied) == 1
    sets = GeneSets.from_mapping({"S": ["E1", "E2", "E5"], "T": ["E4"]})
    assert dict(mapped(sets)) == {"S": ("A", "D")}
    assert mapped(sets).audit.items("gene set") == ("T",)
    genes = mapped(vnn.read.gene_list(["E5", "E1", "E2", "E4"]))
    assert genes.ids == ("D", "A")
    assert genes.audit.count("gene", "the same gene again") == 1


def test_columns_are_chosen_by_overlap_and_can_be_named():
    table = IdentifierTable.from_frame(
        pd.DataFrame({"entrez": ["1", "2"], "ensembl": ["E1", "E2"], "symbol": ["A", "B"], "mouse": ["a", "b"]})
    )
    assert dict(identifier_map(["E1", "E2"], ["A", "X"], table).targets) == {"E1": ("A",), "E2": ("B",)}
    assert dict(identifier_map(["1"], ["a"], table).targets) == {"1": ("a",)}
    assert dict(identifier_map(["E1"], table=table, target="mouse").targets) == {"E1": ("a",)}
    assert dict(identifier_map(["A"], ["E2"], table, source="symbol", target="entrez").targets) == {"A": ("1",)}
    with pytest.raises(ConfigError) as caught:
        identifier_map(["E1"], ["A"], table, source="ensemble")
    assert str(caught.value) == (
        "The table of identifiers has no column 'ensemble'. Did you mean ensembl?\n"
        "It has: ensembl, entrez, mouse, symbol."
    )
    with pytest.raises(ReadError) as caught:
        identifier_map(["ZZ9", "ZZ8"], ["A"], table)
    assert str(caught.value).splitlines()[0] == (
        "None of 2 names, such as ZZ8, ZZ9, stands in the table of identifiers: DataFrame"
    )
    with pytest.raises(ConfigError, match=r"^Say what to translate into"):
        identifier_map(["E1"], (), table)


@pytest.mark.parametrize(
    ("names", "wanted"), [(["e1", "e2"], ["A", "B"]), (["E1", "E2"], ["a", "b"]), (["e1", "e2"], ["a", "b"])]
)
def test_names_in_another_case_are_counted(names: list[str], wanted: list[str]) -> None:
    table = IdentifierTable.from_frame(pd.DataFrame({"ensembl": ["E1", "E2", "E3"], "symbol": ["A", "B", "C"]}))
    with pytest.raises(ReadError, match=r"\nPass ignore_case=True: 2 of them match\.$"):
        identifier_map(names, wanted, table)
    # One name as written is enough for a column to be chosen, and the others are told of.
    mapped = identifier_map([*names, "E3"], [*wanted, "C"], table)
    assert "Pass ignore_case=True: 2 more match." in str(mapped).splitlines()
    helped = identifier_map([*names, "E3"], [*wanted, "C"], table, ignore_case=True)
    assert set(wanted) < {new for found in helped.targets.values() for new in found}
    assert "ignore_case" not in str(helped)


def test_versions_isoforms_and_prefixes_are_left_out_where_needed():
    table = IdentifierTable.from_frame(
        pd.DataFrame(
            {
                "gene": ["ENSG00000141510", "ENSG00000135679.24"],
                "protein": ["9606.ENSP00000269305", "9606.ENSP00000258149"],
                "uniprot": ["P04637", "Q00987"],
                "symbol": ["TP53", "MDM2"],
            }
        )
    )
    for names in (
        ["ENSG00000141510.16", "ENSG00000135679"],
        ["ENSP00000269305", "ENSP00000258149"],
        ["P04637-2", "UniProtKB:Q00987"],
    ):
        found = identifier_map(names, ["TP53", "MDM2"], table)
        assert sorted(found.targets.values()) == [("MDM2",), ("TP53",)]
        assert found.notes[0].reason == "found without version, isoform or database"


def test_a_symbol_is_never_taken_for_the_alias_of_another():
    table = IdentifierTable.from_frame(
        pd.DataFrame(
            {
                "symbol": ["SEPTIN7", "CDC10", "MDM2"],
                "alias_symbol": ["", "", "HDM2"],
                "prev_symbol": ["CDC10|SEPT7", "", ""],
            }
        )
    )
    found = identifier_map(["SEPT7", "CDC10", "HDM2"], ["SEPTIN7", "CDC10", "MDM2"], table)
    assert dict(found.targets) == {"CDC10": ("CDC10",), "HDM2": ("MDM2",), "SEPT7": ("SEPTIN7",)}
    # The data may be older than the prior.
    back = identifier_map(["SEPTIN7", "MDM2"], ["SEPT7", "HDM2", "CDC10"], table)
    assert dict(back.targets) == {"MDM2": ("HDM2",), "SEPTIN7": ("SEPT7",)}


def test_case_matters_unless_it_is_said():
    genes = ["TP53", "MDM2"]
    assert dict(identifier_map(["Tp53", "MDM2"], genes).targets) == {"MDM2": ("MDM2",), "Tp53": ("Tp53",)}
    assert dict(identifier_map(["Tp53"], genes, ignore_case=True).targets) == {"Tp53": ("TP53",)}
    assert identifier_map(["x"], ["X", "x"], ignore_case=True).targets["x"] == ("x",)
    assert identifier_map(["y"], ["Y"], ignore_case=True).targets["y"] == ("Y",)
    assert identifier_map(["Ab"], ["AB", "aB"], ignore_case=True).ambiguous == {"Ab": ("AB", "aB")}
    table = IdentifierTable.from_frame(pd.DataFrame({"id": ["E1"], "symbol": ["Trp53"]}))
    assert identifier_map(["e1"], ["TRP53"], table, source="id", target="symbol").unmapped == ("e1",)
    loose = identifier_map(["e1"], ["TRP53"], table, source="id", target="symbol", ignore_case=True)
    assert loose.targets["e1"] == ("TRP53",)


def test_versions_without_a_table():
    found = identifier_map(["ENSG00000141510.16"], ["ENSG00000141510"], ignore_version=True)
    assert dict(found.targets) == {"ENSG00000141510.16": ("ENSG00000141510",)}


def test_nothing_left_says_so():
    with pytest.raises(GeneError, match=r"^No name could be translated \(ensembl → symbol\): X1"):
        map_identifiers(Interactions.from_pairs(["X1"], ["X2"]), identifier_map(["E1"], ["A"], TABLE))
    with pytest.raises(GeneError, match="There is no name to translate"):
        identifier_map([], ["A"], TABLE)


NAMES = st.sampled_from([f"E{n}" for n in range(8)])
ROWS = st.lists(st.tuples(NAMES, st.sampled_from("ABCDEF")), min_size=1, max_size=15)


@given(
    rows=ROWS,
    edges=st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=12),
    policy=st.sampled_from(["merge", "all", "unique", "first"]),
)
def test_against_a_plain_translation(rows, edges, policy):
    """Whatever the table, the pairs are those a loop over dictionaries gives, and every name is accounted for."""
    table = IdentifierTable.from_frame(pd.DataFrame(rows, columns=["id", "symbol"]))
    prior = Interactions.from_pairs([a for a, _ in edges], [b for _, b in edges])
    if not prior.genes or not set(prior.genes) & {name for name, _ in rows}:
        return
    found = identifier_map(prior.genes, list("ABCDEF"), table, source="id", target="symbol")
    new = {name: list(dict.fromkeys(s for n, s in rows if n == name)) for name in prior.genes}
    sharing = {s: [n for n, of in new.items() if of == [s]] for s in "ABCDEF"}
    for name, of in new.items():
        if len(of) > 1:
            new[name] = {"all": of, "first": of[:1]}.get(policy, [])
        elif of and policy == "unique" and len(sharing[of[0]]) > 1:
            new[name] = []
    expected = {tuple(sorted((a, b))) for x, y in pairs(prior) for a in new[x] for b in new[y] if a != b}
    if not any(new.values()):
        with pytest.raises(GeneError):
            map_identifiers(prior, found, policy=policy)
        return
    assert set(pairs(map_identifiers(prior, found, policy=policy))) == expected
    assert set(found.targets) | set(found.unmapped) == set(prior.genes)


def test_every_policy_is_explained():
    assert set(ID_POLICIES) == {"merge", "unique", "first", "all", "raise"}


# ---- real files ------------------------------------------------------------------------------------------------


@more
def test_huri_by_ensembl_is_huri_by_symbol():
    """An independent check: the project of HuRI published the same interactions by symbol."""
    genes = vnn.read.genes(vnn.data_path("kang_ifnb_cd4t_expression.csv.gz"))
    huri = vnn.read.interactions(MORE / "ppi/HuRI.tsv.gz")
    table = vnn.read.identifier_map(MORE / "expression/ensembl_to_symbol.tsv.gz")
    found = vnn.pp.identifier_map(huri.genes, genes, table)
    assert str(found).splitlines()[0] == "8,248 of 8,248 names translated (ensembl_gene_id → symbol)"
    ours = vnn.pp.map_identifiers(huri, found)
    theirs = vnn.read.interactions(MORE / "ppi/HuRI_symbols.tsv")
    assert set(pairs(ours)) == set(pairs(theirs))
    assert len(ours.among(genes)) == 5802


@more
def test_an_expression_table_by_ensembl_meets_a_prior_by_symbol():
    genes = vnn.read.genes(MORE / "expression/sc_celseq2_5cl_p1.count.csv.gz")
    ppi = vnn.read.interactions(vnn.data_path("ppi_human_goa_ipi.tsv"))
    table = vnn.read.identifier_map(MORE / "expression/ensembl_to_symbol.tsv.gz")
    found = vnn.pp.identifier_map(ppi.genes, genes, table)
    assert found.how == "symbol → ensembl_gene_id"
    assert len(vnn.pp.map_identifiers(ppi, found).among(genes)) > 8000


def test_a_gaf_translates_accessions_and_synonyms():
    gaf = vnn.data_path("goa_human_demo.gaf.gz")
    table = vnn.read.identifier_map(gaf)
    genes = vnn.read.genes(vnn.data_path("kang_ifnb_cd4t_expression.csv.gz"))
    found = vnn.pp.identifier_map(["P04637-2", "Q00987"], genes, table)
    assert dict(found.targets) == {"P04637-2": ("TP53",), "Q00987": ("MDM2",)}
    assert found.how == "accession and synonyms → symbol" or found.how.startswith("accession → symbol")


INFO = pd.DataFrame({"string_id": ["P1", "P2", "P3"], "preferred_name": ["TP53", "MDM2", "CDKN1A"]})


def test_a_regulator_that_is_no_gene_needs_no_translation():
    regulation = Regulation.from_pairs(["MLL", "MLL", "TP53", "ZZ9"], ["TP53", "MDM2", "CDKN1A", "XX8"])
    genes = ["TP53", "MDM2", "CDKN1A"]
    found = map_identifiers(regulation, identifier_map(names_in(regulation), genes, IdentifierTable.from_frame(INFO)))
    assert edges(found) == {("MLL", "TP53"), ("MLL", "MDM2"), ("TP53", "CDKN1A")}
    assert str(found.audit).splitlines() == [
        "map   2 regulators: not in the table of identifiers, its name kept (MLL, ZZ9)",
        "map   1 name: not in the table of identifiers, dropped (XX8)",
        "map   1 regulatory edge: a name has no translation, dropped",
    ]


@pytest.mark.parametrize("table", [None, IdentifierTable.from_frame(INFO)])
def test_regulators_that_differ_in_case_become_one(table):
    regulation = Regulation.from_pairs(["Mll", "MLL"], ["TP53", "MDM2"])
    mapping = identifier_map(names_in(regulation), ["TP53", "MDM2"], table, ignore_case=True)
    assert edges(map_identifiers(regulation, mapping)) == {("MLL", "TP53"), ("MLL", "MDM2")}


def test_case_is_ignored_when_columns_are_chosen():
    table = IdentifierTable.from_frame(pd.DataFrame({"id": ["E1", "E2"], "symbol": ["STAT1", "IRF1"]}))
    found = identifier_map(["Stat1", "Foo1", "Irf1"], ["e1", "e2"], table, ignore_case=True)
    assert (found.targets, found.unmapped) == ({"Irf1": ("e2",), "Stat1": ("e1",)}, ("Foo1",))


def edges(regulation):
    frame = regulation.to_frame()
    return set(zip(frame["regulator"], frame["target"], strict=True))


def test_a_table_alone_does_not_say_which_genes_are_wanted():
    with pytest.raises(ConfigError) as error:
        map_identifiers(PPI, TABLE)
    assert str(error.value) == (
        "Expected an IdentifierMap, got IdentifierTable: it does not say which genes the names are to become.\n"
        "Name them: vnn.pp.map_identifiers(prior, vnn.pp.identifier_map(prior.genes, genes, table))"
    )
