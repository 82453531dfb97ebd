"""OmniPath and the DataFrames of decoupler, as text and in memory."""

import io

import pandas as pd
import pytest

from keras_vnn.readers import read_interactions, read_regulation
from keras_vnn.recipes.checking import check_file

OMNIPATH = """\
source	target	source_genesymbol	target_genesymbol	is_directed	is_stimulation	is_inhibition	curation_effort
P04637	P38936	TP53	CDKN1A	1	1	0	21
Q00987	P04637	MDM2	TP53	1	0	1	12
P04637	Q00987	TP53	MDM2	True	True	True	3
Q13315	P04637	ATM	TP53	1	0	0	9
COMPLEX:P01100_P05412	P38936	FOS_JUN	CDKN1A	1	1	0	2
P38398	Q99728	BRCA1	BARD1	0	0	0	5
"""
EFFECTS = {
    ("TP53", "CDKN1A"): "activation",
    ("MDM2", "TP53"): "repression",
    ("TP53", "MDM2"): "both",
    ("ATM", "TP53"): "unknown",
}


@pytest.fixture(params=["text", "DataFrame"])
def source(request, tmp_path):
    if request.param == "DataFrame":
        return pd.read_csv(io.StringIO(OMNIPATH.replace("True", "1")), sep="\t")
    path = tmp_path / "omnipath.tsv"
    path.write_text(OMNIPATH)
    return path


def test_effects_come_from_the_flags_and_names_are_symbols(source):
    table = read_regulation(source)
    frame = table.to_frame()
    assert {(r, t): e for r, t, e in frame[["regulator", "target", "effect"]].itertuples(index=False)} == EFFECTS
    assert frame["weight"].isna().all()
    assert table.audit.items("row", "a side is a complex") == ("FOS_JUN",)
    assert table.audit.count("row", "without a direction") == 1


def test_interactions_take_all_but_complexes(source):
    table = read_interactions(source)
    frame = table.to_frame()
    assert {(a, b): s for a, b, s in frame[["a", "b", "score"]].itertuples(index=False)} == {
        ("CDKN1A", "TP53"): 21,
        ("MDM2", "TP53"): 12,
        ("ATM", "TP53"): 9,
        ("BARD1", "BRCA1"): 5,
    }
    assert table.audit.count("row", "a side is a complex") == 1


def test_accessions_and_what_check_says(tmp_path):
    path = tmp_path / "omnipath.tsv"
    path.write_text(OMNIPATH)
    assert read_interactions(path, id="accession").genes == ("P04637", "P38398", "P38936", "Q00987", "Q13315", "Q99728")
    report = check_file(path)
    assert (report.error, report.family, report.records) == ("", "regulation", 6)
    assert report.format == "OmniPath, gene symbol"


def test_names_of_one_kind_on_both_sides_of_a_plain_table(tmp_path):
    path = tmp_path / "edges.csv"
    path.write_text("source,target,source_genesymbol,target_genesymbol,is_directed\nP04637,Q00987,TP53,MDM2,1\n")
    found = read_regulation(path)
    assert (found.regulators, found.targets) == (("TP53",), ("MDM2",))
    assert found.to_frame()["weight"].isna().all()
    assert read_interactions(path).to_frame()[["a", "b"]].values.tolist() == [["MDM2", "TP53"]]


@pytest.mark.parametrize("sign", ["weight", "mor"])
def test_dataframes_of_decoupler(sign):
    frame = pd.DataFrame(
        {"source": ["MYC", "SPI1", "MYC"], "target": ["TERT", "BGLAP", "CDK4"], sign: [1, -1, 0.5], "padj": [0, 0.1, 0]}
    )
    found = read_regulation(frame).to_frame()
    assert found[["regulator", "target", "effect", "weight"]].values.tolist() == [
        ["MYC", "CDK4", "activation", 0.5],
        ["MYC", "TERT", "activation", 1],
        ["SPI1", "BGLAP", "repression", -1],
    ]
