"""What an error on the command line says to do is done: its options are added to the command, which then succeeds."""

import re

import pytest

from keras_vnn.basics.errors import ReadError
from keras_vnn.readers import read_interactions

PPI = "gene_a\tgene_b\nGENE0\tGENE1\nGENE1\tGENE2\n"
BUILD = ("build", "--genes", "genes.txt", "--interactions", "prior.txt", "--dry-run")
REGULATED = ("build", "--genes", "genes.txt", "--regulation", "prior.txt", "--min-targets", 1, "--dry-run")
WEIGHTS = "gene\tA\tB\tC\nGENE0\t0.5\t2\t0\nGENE1\t1\t0\t0.25\n"
BIOGRID = "\t".join(
    (
        *("#BioGRID Interaction ID", "Entrez Gene Interactor A", "Entrez Gene Interactor B"),
        *("Official Symbol Interactor A", "Official Symbol Interactor B", "Experimental System Type"),
        *("Organism ID Interactor A", "Organism ID Interactor B"),
    )
)
# The file of the prior, the command, what is said about the options that help, and these.
REMEDIES = {
    "an empty name": (f"{PPI}GENE3\t\n", BUILD, "Pass {} to count such rows", "--malformed skip"),
    "a broken row of SIF": ("GENE0 pp GENE1\nGENE2 pp\n", BUILD, "Pass {} to count such rows", "--malformed skip"),
    "one row that looks like a header": (
        "gene_a\tgene_b\n",
        ("build", "--genes", "words.txt", *BUILD[3:]),
        "If this is a row, say {}.",
        "--no-header",
    ),
    "numbers as names": (
        "GENE0\t1\nGENE1\t2\n",
        ("build", "--genes", "numbers.txt", *BUILD[3:]),
        "say which: {}",
        "--interactions-columns 1 --interactions-columns 2",
    ),
    "a least score without scores": (
        "gene_a\tgene_b\tcost\nGENE0\tGENE1\t3\nGENE1\tGENE2\t4\n",
        (*BUILD, "--min-score", 3),
        "Say which column it is, for example: {}",
        "--interactions-columns 1 --interactions-columns 2 --interactions-columns 3",
    ),
    "weights": (
        WEIGHTS,
        REGULATED,
        "weights of regulation (targets × TFs) by --regulation with {}.",
        "--regulation-format matrix",
    ),
    "types of SIF": (
        "GENE0 kiss GENE1\nGENE1 kiss GENE2\n",
        BUILD,
        "Say which types to take: {}.",
        "--interaction-types kiss",
    ),
    "several species": (
        f"{BIOGRID}\n1\t1\t2\tGENE0\tGENE1\tphysical\t9606\t9606\n2\t3\t4\tGENE2\tGENE3\tphysical\t10090\t10090\n",
        BUILD,
        "Choose one, as it is written there: {};",
        "--taxon 9606",
    ),
    "prefixes of several species": (
        "9606.GENE0\t9606.GENE1\n9606.GENE1\t9606.GENE2\n4932.GENE2\t4932.GENE3\n",
        BUILD,
        "Choose one, {}.",
        "--taxon 9606",
    ),
    "gene sets of one name": (
        "A\t-\tGENE0\tGENE1\nB\t-\tGENE2\nA\t-\tGENE3\n",
        ("build", "--genes", "genes.txt", "--gene-sets", "prior.txt", "--min-genes", 1, "--dry-run"),
        "rename one, or pass {} or",
        "--repeated-sets merge",
    ),
    "another case": ("gene0\tgene1\ngene1\tgene2\n", BUILD, "Pass {}: 3 names match.", "--ignore-case"),
    "a version": (
        "ENSG00000000000\tENSG00000000001\nENSG00000000001\tENSG00000000002\n",
        ("build", "--genes", "versions.txt", *BUILD[3:]),
        "Pass {}: 3 names match.",
        "--ignore-version",
    ),
    "repeated genes": (
        PPI,
        ("build", "--genes", "repeated.txt", *BUILD[3:]),
        "Keep the first of each with {}, or make",
        "--duplicates first",
    ),
    "an output that is there": (
        PPI,
        ("build", "--genes", "genes.txt", "--interactions", "prior.txt", "-o", "there.vnn"),
        "Pass {} to replace it.",
        "--force",
    ),
    "axes that cannot be told": (
        PPI,
        ("build", "--genes", "axes.csv", *BUILD[3:]),
        "Say it with {} or",
        "--orientation genes-in-rows",
    ),
}


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [f"GENE{i}" for i in range(6)]
    (tmp_path / "genes.txt").write_text("\n".join(names) + "\n")
    (tmp_path / "numbers.txt").write_text("GENE0\nGENE1\n1\n2\n")
    (tmp_path / "words.txt").write_text("gene_a\ngene_b\n")
    (tmp_path / "versions.txt").write_text("ENSG00000000000.1\nENSG00000000001.2\nENSG00000000002.3\n")
    (tmp_path / "repeated.txt").write_text("\n".join([*names, "GENE0"]) + "\n")
    (tmp_path / "there.vnn").write_text("something")
    (tmp_path / "axes.csv").write_text("what,a,b,c\nGENE0,1,2,3\nGENE1,1,2,3\nGENE2,0,1,2\n")
    return tmp_path


PYTHON = re.compile(r"\b[a-z_]+=|\bvnn\.|\bread_\w+")


@pytest.mark.parametrize("fault", REMEDIES)
def test_the_remedy_helps(fault, files, vnn):
    content, command, said, options = REMEDIES[fault]
    (files / "prior.txt").write_text(content)
    failed = vnn(*command)
    assert failed.code == 1, failed.out
    assert said.format(options) in failed.err
    assert PYTHON.search(failed.err) is None, failed.err
    mended = vnn(*command, *options.split())
    assert mended.code == 0, mended.err


def test_what_reads_another_file_is_an_option(files, vnn):
    (files / "prior.txt").write_text("GENE0 pd GENE1\nGENE1 pd GENE2\n")
    failed = vnn(*BUILD)
    assert failed.code == 1
    assert "It holds regulation: read it with --regulation." in failed.err
    assert vnn(*REGULATED).code == 0


def test_sets_with_names_of_genes_are_renamed_in_the_file(files, vnn):
    sets = "A\t-\tGENE0\tGENE1\nGENE2\t-\tGENE2\tGENE3\n"
    (files / "sets.gmt").write_text(sets)
    build = ("build", "--genes", "genes.txt", "--gene-sets", "sets.gmt", "--dry-run")
    failed = vnn(*build)
    assert failed.code == 1
    assert failed.err.endswith("Rename these sets in the file, for example to SET:GENE2.\n")
    (files / "sets.gmt").write_text(sets.replace("\nGENE2", "\nSET:GENE2"))
    assert vnn(*build).code == 0


def test_python_is_told_in_the_words_of_python(files):
    (files / "prior.txt").write_text(f"{PPI}GENE3\t\n")
    with pytest.raises(ReadError, match='Pass malformed="skip" to count such rows in the audit'):
        read_interactions("prior.txt")
