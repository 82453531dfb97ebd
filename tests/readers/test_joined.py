"""Two names in one field are parted where both are names, and hyphens of genes stay."""

import pytest

from keras_vnn.basics.errors import ReadError
from keras_vnn.readers import read_genes, read_interactions, read_regulation
from keras_vnn.recipes.checking import check_file


@pytest.fixture
def written(tmp_path):
    def write(content, name="table.txt"):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return write


def pairs(table):
    return sorted(zip(*[table.to_frame()[side] for side in "ab"], strict=True))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("TP53|MDM2\nBRCA1|BARD1\n", [("BARD1", "BRCA1"), ("MDM2", "TP53")]),
        ("pair\tscore\nTP53|MDM2\t0.9\nBRCA1|BARD1\t0.5\n", [("BARD1", "BRCA1"), ("MDM2", "TP53")]),
        ("TP53-MDM2\nMDM2-MDM4\n", [("MDM2", "MDM4"), ("MDM2", "TP53")]),
        ("edge,score\nTP53_MDM2,1\nMDM2_MDM4,2\n", [("MDM2", "MDM4"), ("MDM2", "TP53")]),
        ("TP53--MDM2\nHLA-A--B2M\n", [("B2M", "HLA-A"), ("MDM2", "TP53")]),
        ("TP53|HLA-A\nNKX2-1|MT-CO1\n", [("HLA-A", "TP53"), ("MT-CO1", "NKX2-1")]),
    ],
)
def test_pairs_in_one_column(content, expected, written):
    path = written(content)
    assert pairs(read_interactions(path)) == expected
    report = check_file(path)
    assert (report.error, report.family, report.records) == ("", "interactions", 2)


def test_scores_next_to_pairs(written):
    table = read_interactions(written("pair\tscore\nTP53|MDM2\t0.9\nBRCA1|BARD1\t0.5\n"), min_score=0.6)
    assert (table.genes, table.score.tolist()) == (("MDM2", "TP53"), [0.9])


@pytest.mark.parametrize(
    "content",
    [
        "HLA-A\nHLA-B\nNKX2-1\nMT-CO1\n",
        "HLA-A\nHLA-DRA\nHLA-B\n",
        "MT-ND1\nMT-ND2\nMT-CO1\n",
        "TP53\nHLA-A\nTP53-AS1\n",
        "unc-13\nlet-7\nlin-4\n",
        "TP53|7157\nMDM2|4193\n",
    ],
)
def test_names_with_a_hyphen_stay_whole(content, written):
    path = written(content)
    assert check_file(path).family == "genes"
    assert read_genes(path).ids == tuple(content.split())


def test_names_with_a_hyphen_among_pairs(written):
    path = written("TP53-MDM2\nMDM2-MDM4\nMDM4-TP53\nTP53-NKX2-1\nATM-TP53\n")
    with pytest.raises(ReadError, match=r"It is not clear where '-' parts two names in 'TP53-NKX2-1': .*:4\n"):
        read_interactions(path, format="pairs")
    kept = read_interactions(path, format="pairs", malformed="skip")
    assert pairs(kept) == [("ATM", "TP53"), ("MDM2", "MDM4"), ("MDM2", "TP53"), ("MDM4", "TP53")]
    assert kept.audit.count("row", "malformed") == 1


def test_a_gene_with_a_hyphen_is_never_a_pair(written):
    path = written("TP53-MDM2\nMDM2-MDM4\nHLA-A\nMDM4-TP53\nATM-TP53\n")
    with pytest.raises(ReadError, match=r"It is not clear where '-' parts two names in 'HLA-A'"):
        read_interactions(path)


EDGES = (
    "SUID,interaction,name,shared name,weight\n"
    '70,pp,TP53 (pp) MDM2,TP53 (pp) MDM2,0.5\n71,pd,"TP53 (pd) CDKN1A","TP53 (pd) CDKN1A",0.25\n'
    "72,pp,PDGF-(beta)-R (pp) ATM,PDGF-(beta)-R (pp) ATM,1\n"
)


def test_the_table_of_edges_of_cytoscape(written):
    path = written(EDGES, "edges.csv")
    table = read_interactions(path)
    assert pairs(table) == [("ATM", "PDGF-(beta)-R"), ("MDM2", "TP53")]
    assert table.score.tolist() == [1, 0.5]
    assert table.audit.count("row", "of type pd") == 1
    assert read_regulation(path).to_frame()[["regulator", "target", "weight"]].values.tolist() == [
        ["TP53", "CDKN1A", 0.25]
    ]
    assert len(read_interactions(path, sif_types=["pp", "pd"])) == 3
    assert check_file(path).family == "interactions"


def test_effects_in_the_table_of_edges_of_cytoscape(written):
    path = written("name,SUID\nTP53 (activates) BAX,1\nTP53 (inhibits) BCL2,2\n")
    assert read_regulation(path).effect.tolist() == ["activation", "repression"]


def test_pairs_of_given_genes_that_share_none_are_pointed_out(written):
    path = written("TP53-MDM2\nBRCA1-BARD1\n")
    assert check_file(path).family == "genes" and check_file(path).advice == ()
    (advice,) = check_file(path, genes=["TP53", "MDM2", "BRCA1", "BARD1"]).advice
    assert advice.startswith("2 of 2 names are two genes") and "--interactions-format pairs" in advice
    assert pairs(read_interactions(path, format="pairs")) == [("BARD1", "BRCA1"), ("MDM2", "TP53")]
    assert check_file(path, genes=["TP53-MDM2", "TP53", "MDM2"]).advice == ()


def test_names_that_are_genes_of_the_data_were_not_damaged(written):
    path = written("gene_a\tgene_b\nOct-1\tTP53\nSep-07\tTP53\n")
    assert check_file(path).names.damaged == ("Oct-1", "Sep-07")
    known = check_file(path, genes=["Oct-1", "TP53"])
    assert known.names.damaged == ("Sep-07",)
    assert known.warnings[0].startswith("1 name looks damaged by a spreadsheet: Sep-07 (was SEPT7/SEPTIN7)")
