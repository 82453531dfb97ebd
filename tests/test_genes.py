import numpy as np
import pandas as pd
import pytest

from keras_vnn.basics.errors import GeneError
from keras_vnn.basics.provenance import Source
from keras_vnn.priors.genes import GeneList, explain_mismatch, gene_list


def test_order_is_kept_and_space_removed():
    assert gene_list(["TP53", " ATM\t", "MDM2 "]).ids == ("TP53", "ATM", "MDM2")


@pytest.mark.parametrize(
    "names",
    [("A", "B"), np.array(["A", "B"]), pd.Index(["A", "B"]), pd.Series(["A", "B"]), {"A": 1, "B": 2}, iter("AB")],
)
def test_any_collection_of_names(names):
    genes = gene_list(names)
    assert genes.ids == ("A", "B")
    assert {type(gene) for gene in genes} == {str}


def test_a_gene_list_is_a_sequence():
    genes = gene_list(["A", "B", "C"], source=Source("genes.txt", "one per line"))
    assert gene_list(genes) is genes
    assert (len(genes), genes[0], genes[1:], list(genes), "B" in genes) == (3, "A", ("B", "C"), ["A", "B", "C"], True)
    assert str(genes) == "3 genes: A, B, C"
    assert str(gene_list(list("ABCDEFG"))) == "7 genes: A, B, C, D, E …"
    assert isinstance(genes, GeneList)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "There is no gene name."),
        ("TP53", "Expected a sequence of gene names, got the single string 'TP53'.\nPass ['TP53']."),
        (["TP53", " "], "Gene 2 of 2 is ' ', expected a non-empty name."),
        (["TP53", None], "Gene 2 of 2 is None, expected a non-empty name."),
        (["TP53", float("nan")], "Gene 2 of 2 is nan, expected a non-empty name."),
        (
            [7157],
            "Gene 1 of 1 is 7157, expected a non-empty name.\n"
            "Write ids that are numbers as texts: [str(gene) for gene in genes]",
        ),
        (
            ["B", "A", "B", "A ", "C"],
            "2 of 3 gene names occur more than once: A, B.\n"
            'Keep the first of each with duplicates="first", '
            "or make the names unique.",
        ),
    ],
)
def test_no_gene_list(names, message):
    with pytest.raises(GeneError) as caught:
        gene_list(names)
    assert str(caught.value) == message


def test_errors_name_the_file():
    source = Source("genes.txt", "one per line")
    for names, message in (
        ([], "There is no gene name in genes.txt."),
        ([""], "Gene 1 of 1 in genes.txt is '', expected a non-empty name."),
        (["A", "A"], "1 of 1 gene name in genes.txt occur more than once: A."),
    ):
        with pytest.raises(GeneError) as caught:
            gene_list(names, source=source)
        assert str(caught.value).splitlines()[0] == message


def test_the_first_of_repeated_names():
    genes = gene_list(["B", "A", "B", "A", "B"], duplicates="first")
    assert genes.ids == ("B", "A")
    (entry,) = genes.audit
    assert (entry.count, entry.items, entry.reason) == (3, ("A", "B"), "repeated name, first one kept")


@pytest.mark.parametrize(
    ("wanted", "known", "first"),
    [
        (["A", "B"], ["A", "B"], "2 of 2 genes match the prior."),
        (["A", "b"], ["A", "B"], "1 of 2 genes match the prior; 2 match ignoring case."),
        (["ENSG1.5"], ["ENSG1"], "0 of 1 genes match the prior; 1 match without the version after the dot."),
        (["ENSG1"], ["ENSG1.16"], "0 of 1 genes match the prior; 1 match without the version after the dot."),
        (["AC0123.4"], ["AC0123"], "0 of 1 genes match the prior."),  # a clone, not a version
    ],
)
def test_diagnosis_of_a_mismatch(wanted, known, first):
    text = explain_mismatch(wanted, known, wanted_what="genes", known_what="the prior")
    assert text.splitlines()[0] == first
    assert len(text.splitlines()) == 3
