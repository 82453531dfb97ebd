"""Tables as biologists have them: what each is told to be, and what is read of it, counted by hand.

A row is a file: its name and content, what ``vnn check`` says it is (the option of ``vnn build``, or nothing), the
beginning of what it is read as, and the names of genes, or how many edges or sets, that stand in it.
"""

import pytest

from keras_vnn.readers import read_genes, read_regulation
from keras_vnn.recipes.checking import check_file

FOUR = "TP53", "MDM2", "MYC", "STAT1"
COUNTS = "gene\tc1\tc2\tc3\nTP53\t5\t0\t2\nMDM2\t3\t1\t0\nMYC\t0\t2\t7\nSTAT1\t1\t0\t0\n"
BINARY = "gene\tc1\tc2\tc3\nTP53\t1\t0\t0\nMDM2\t0\t1\t0\nMYC\t0\t1\t1\nSTAT1\t1\t0\t0\n"
WIDE = "ID\tTP53\tMYC\nTP53\t0\t1\nCDKN1A\t1\t0\nMYC\t1\t0\n"
SIGNED = "ID\tTP53\tMYC\nTP53\t0\t2\nCDKN1A\t-2\t0.5\nMYC\t1\t0\n"

GENES = [
    ("counts.tsv", COUNTS, "TSV expression table, genes in rows"),
    ("counts.csv", COUNTS.replace("\t", ","), "CSV expression table, genes in rows"),
    ("short header of R.tsv", COUNTS.removeprefix("gene\t"), "TSV expression table, genes in rows"),
    ("detected or not.tsv", BINARY, "TSV expression table, genes in rows"),
    ("commas.txt", "TP53,MDM2,MYC,STAT1\n", "names on one line (CSV"),
    ("commas and blanks.txt", "TP53, MDM2, MYC, STAT1\n", "names on one line (CSV"),
    ("tabs.txt", "TP53\tMDM2\tMYC\tSTAT1\n", "names on one line (TSV"),
    ("blanks.txt", "TP53 MDM2 MYC STAT1\n", "names on one line (space-separated"),
    ("lines.txt", "TP53\nMDM2\nMYC\nSTAT1\n", "one name per line"),
]
PRIORS = [
    ("TFs among the targets.tsv", WIDE, "regulation", "TSV matrix of 3 targets × 2 TFs", "3 edges from 2"),
    ("short header.tsv", WIDE.removeprefix("ID\t"), "regulation", "TSV matrix of 3 targets × 2 TFs", "3 edges from 2"),
    ("weights.csv", SIGNED.replace("\t", ","), "regulation", "CSV matrix of 3 targets × 2 TFs", "4 edges from 2"),
    ("pair.txt", "TP53\tMDM2\n", "interactions", "TSV without header", "1 interactions of 2 genes"),
    ("groups.txt", "a\tTP53\tMDM2\tMYC\nb\tMDM2\tMYC\tATM\n", "gene-sets", "group file", "2 gene sets of 4 genes"),
]


@pytest.fixture
def written(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(("name", "content", "said"), GENES, ids=[row[0] for row in GENES])
def test_the_genes_of_a_table(name, content, said, written):
    path = written(name, content)
    report = check_file(path)
    assert (report.error, report.family) == ("", "genes")
    assert report.format.startswith(said)
    assert read_genes(path).ids == FOUR


@pytest.mark.parametrize(("name", "content", "family", "said", "summary"), PRIORS, ids=[row[0] for row in PRIORS])
def test_the_edges_of_a_table(name, content, family, said, summary, written):
    report = check_file(written(name, content))
    assert (report.error, report.family) == ("", family)
    assert report.format.startswith(said)
    assert report.summary.startswith(summary)


def test_the_weights_of_a_matrix(written):
    frame = read_regulation(written("weights.tsv", SIGNED)).to_frame()
    assert {
        (r, t): (w, e) for r, t, e, w in frame[["regulator", "target", "effect", "weight"]].itertuples(index=False)
    } == {
        ("TP53", "CDKN1A"): (-2, "repression"),
        ("TP53", "MYC"): (1, "activation"),
        ("MYC", "TP53"): (2, "activation"),
        ("MYC", "CDKN1A"): (0.5, "activation"),
    }


def test_what_the_user_says_of_a_table_wins(written):
    path = written("weights.tsv", SIGNED)
    assert read_genes(path, orientation="genes-in-rows").ids == ("TP53", "CDKN1A", "MYC")
    groups = written("groups.txt", "a\tTP53\tMDM2\tMYC\nb\tMDM2\tMYC\tATM\n")
    assert read_genes(groups, orientation="genes-in-rows", column=1).ids == ("a", "b")
