"""What an error on the command line says to do is done: its options are added to the command, which then succeeds."""

import ast
import re
import sys
from pathlib import Path

import pytest

from keras_vnn.basics import remedies
from keras_vnn.basics.errors import ReadError
from keras_vnn.readers import read_interactions

from .conftest import with_options

PPI = "gene_a\tgene_b\nGENE0\tGENE1\nGENE1\tGENE2\n"
BUILD = ("build", "--genes", "genes.txt", "--interactions", "prior.txt", "--dry-run")
REGULATED = ("build", "--genes", "genes.txt", "--regulation", "prior.txt", "--min-targets", 1, "--dry-run")
GENES_OF_PRIOR = ("build", "--genes", "prior.txt", "--interactions", "pairs.txt", "--dry-run")
WEIGHTS = "gene\tA\tB\tC\nGENE0\t0.5\t2\t0\nGENE1\t1\t0\t0.25\n"
BIOGRID = "\t".join(
    (
        *("#BioGRID Interaction ID", "Entrez Gene Interactor A", "Entrez Gene Interactor B"),
        *("Official Symbol Interactor A", "Official Symbol Interactor B", "Experimental System Type"),
        *("Organism ID Interactor A", "Organism ID Interactor B"),
    )
)
ANNOTATED = ("build", "--genes", "genes.txt", "--ontology", "go.obo", "--annotations")
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
    "annotations as genes": (
        "GENE0\tGO:0006281\nGENE1\tGO:0006281\n",
        GENES_OF_PRIOR,
        "If one of its columns holds the genes, say which: {}",
        "--gene-column 1",
    ),
    "genes with numbers of something": ("3\tGENE0\n7\tGENE1\n", GENES_OF_PRIOR, " or {}", "--gene-column 2"),
    "a column without names": (
        "\tGENE0\n\tGENE1\n",
        (*GENES_OF_PRIOR, "--malformed", "skip"),
        "If another column holds them, say which: {}",
        "--gene-column 2",
    ),
    "accessions where there are none": (
        "gene\tterm\nGENE0\tGO:0000001\nGENE1\tGO:0000001\n",
        (*ANNOTATED, "prior.txt", "--gene-id", "accession", "--min-genes", 1, "--dry-run"),
        "Pass {}.",
        "--gene-id symbol",
    ),
    "symbols of HIPPIE": (
        "AL1A1_HUMAN\t1\tA4_HUMAN\t2\t0.76\texperiments:x\n",
        ("build", "--genes", "numbers.txt", *BUILD[3:], "--interaction-id", "symbol"),
        "Pass {} or ",
        "--interaction-id entrez",
    ),
    "synonyms of BioMart": (
        "Gene stable ID,Gene name,GO term accession\nENSG00000000000,GENE0,GO:0000001\n",
        (*ANNOTATED, "prior.txt", "--gene-id", "synonym", "--min-genes", 1, "--dry-run"),
        "Pass {} or ",
        "--gene-id symbol",
    ),
    "a weight far below": (
        "gene\tA\tB\n" + "".join(f"GENE{i % 6}\t1\t0\n" for i in range(400)) + "GENE0\t0.5\t0\n",
        REGULATED,
        "pass {}.",
        "--regulation-format matrix",
    ),
    "p-values": (
        "gene\tGENE0\tB\tC\nGENE0\t0.5\t0.2\t0.01\nGENE1\t1e-4\t0.7\t0.25\n",
        REGULATED,
        "if they are weights, pass {}",
        "--regulation-format matrix",
    ),
    "annotations with more columns": (
        "GENE0\tlocus:1\tGENE0\tacts in\tall\tGO:0000001\nGENE1\tlocus:2\tGENE1\tacts in\tall\tGO:0000001\n",
        (*ANNOTATED, "prior.txt", "--min-genes", 1, "--dry-run"),
        "or the columns of a table: {}",
        "--annotations-columns 1 --annotations-columns 6",
    ),
    "a table of identifiers with prose": (
        "symbol\ttext\nGENE0\tfirst of all genes\nGENE1\tsecond of all genes\nGENE2\tthird of all genes\n",
        ("build", "--genes", "genes.txt", "--interactions", "pairs.txt", "--id-map", "prior.txt", "--dry-run"),
        "Say which columns: {}",
        "--id-map-columns 1 --id-map-columns 2",
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
    (tmp_path / "pairs.txt").write_text(PPI)
    (tmp_path / "go.obo").write_text("format-version: 1.2\n\n[Term]\nid: GO:0000001\nname: all\n")
    (tmp_path / "there.vnn").write_text("something")
    (tmp_path / "axes.csv").write_text("what,a,b,c\nGENE0,1,2,3\nGENE1,1,2,3\nGENE2,0,1,2\n")
    return tmp_path


# Functions of the readers that word a remedy which no fault above asks for: why not.
_TO_THINK_OF = "its value is for the user to think of"
_REPLACES = "its options replace those that were given"
_LEFT_OUT = "an option is to be left out"
NOT_EXECUTED = {
    ("interactions.py", "_at_least"): _LEFT_OUT,
    ("interactions.py", "_least"): "it is worded for a warning: the build succeeds",
    ("interactions.py", "read_biogrid"): _TO_THINK_OF,
    ("joined.py", "read_joined"): _TO_THINK_OF,
    ("layout.py", "_asked_columns"): _REPLACES,
    ("layout.py", "column_number"): "the command line gives names and numbers only",
    ("layout.py", "column_numbers"): _REPLACES,
    ("matrices.py", "_regulators"): _TO_THINK_OF,
    ("mitab.py", "_offer"): _REPLACES,
    ("ontologies.py", "read_annotations"): _LEFT_OUT,
    ("pairs.py", "choose_rows"): _TO_THINK_OF,
    ("registry.py", "unrecognized"): _TO_THINK_OF,
    ("regulation.py", "read_drem"): "the command line refuses another name of an id by itself",
    ("tabular.py", "refuse_narrow"): _TO_THINK_OF,
}


def _functions(path):
    """Return the functions of a module that call `remedy` with options."""
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(function, ast.FunctionDef):
            calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and node.keywords]
            if any(isinstance(call.func, ast.Name) and call.func.id == "remedy" for call in calls):
                yield function.name


def test_every_remedy_of_the_readers_is_executed_here(files, vnn, monkeypatch):
    worded = set()
    of_remedies = remedies.remedy

    def noted(sentence, otherwise="", /, **options):
        frame = sys._getframe(1)
        worded.add((Path(frame.f_code.co_filename).name, frame.f_code.co_name))
        return of_remedies(sentence, otherwise, **options)

    for name, module in sorted(sys.modules.items()):
        if name.startswith("keras_vnn.readers") and hasattr(module, "remedy"):
            monkeypatch.setattr(module, "remedy", noted)
    for content, command, _, _ in REMEDIES.values():
        (files / "prior.txt").write_text(content)
        vnn(*command)
    readers = Path(remedies.__file__).parents[1] / "readers"
    there = {(path.name, name) for path in readers.rglob("*.py") for name in _functions(path)}
    assert there - {(file, name) for file, name in worded} == set(NOT_EXECUTED)


PYTHON = re.compile(r"\b[a-z_]+=|\bvnn\.|\bread_\w+")


@pytest.mark.parametrize("fault", REMEDIES)
def test_the_remedy_helps(fault, files, vnn):
    content, command, said, options = REMEDIES[fault]
    (files / "prior.txt").write_text(content)
    failed = vnn(*command)
    assert failed.code == 1, failed.out
    assert said.format(options) in failed.err
    assert PYTHON.search(failed.err) is None, failed.err
    mended = vnn(*with_options([*map(str, command)], options.split()))
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
