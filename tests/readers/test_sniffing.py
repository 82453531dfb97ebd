"""Telling the format of a file."""

import subprocess
import sys
from pathlib import Path

import pytest

from keras_vnn.basics.errors import ReadError
from keras_vnn.readers import FAMILIES, formats_of, sniff_format

DATA = Path(__file__).parents[2] / "data"
MORE = Path(__file__).parents[3] / "shared" / "data" / "more"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("protein1 protein2 combined_score\n9606.A 9606.B 700\n", "string"),
        ("A pp B\n", "sif"),
        ("A\tB\tActivation\t1\n", "trrust"),
        ("TF\tGene\tInput\nA\tB\t1\n", "drem"),
        ("g\tT\tU\nA\t1\t0\n", "matrix"),
        ("tf\ttarget\nA\tB\n", "regulation"),
        ("gene_a\tgene_b\nA\tB\n", "interactions"),
        ("A\tB\nC\tD\n", "table"),
        ("TP53\nATM\n", "names"),
        ("[Term]\nid: GO:1\n", "obo"),
        ("!gaf-version: 2.2\n", "gaf"),
        ("!gpa-version: 1.1\n", "gpad"),
        ("S\thttp://x\tA\tB\n", "gmt"),
        ("R-BTA-109581\tR-BTA-109606\n", "reactome"),
        ("GO:0006281\tTP53\tgene\n", "drugcell"),
        ("TP53\tGO:0006281;GO:0006282\n", "annotation-table"),
        ("ROOT: GO:0006281 162\n", "dcell"),
        ('[{"a": [1]}]\n', "json"),
        ('[{"a": 1}]\n', "json-records"),
        ('{"a": 1}\n{"a": 2}\n', "json-records"),
        ('{"source": "A", "target": "B"}\n', "graph-json"),
        ("hsa:7157\tpath:hsa04115\n", "kegg"),
        ("<?xml version='1.0'?>\n", "xml"),
        ("<html>\n", "html"),
        ("%%MatrixMarket matrix\n", "mtx"),
        ("#BioGRID Interaction ID\tx\n1\tx\n", "biogrid"),
        ("#ID(s) interactor A\tx\nuniprotkb:P1\tx\n", "mitab"),
        ("g\ta\tb\tc\nA\t1.5\t2\t3\n", "expression"),
    ],
)
def test_formats_are_told_apart(tmp_path, content, name):
    path = tmp_path / "file.txt"
    path.write_text(content)
    assert sniff_format(path) == name


@pytest.mark.parametrize(("magic", "name"), [(b"FEA1rest", "binary"), (b"\x89HDF\r\n\x1a\n", "h5ad")])
def test_binary_files_are_told_apart(tmp_path, magic, name):
    (tmp_path / "file").write_bytes(magic)
    assert sniff_format(tmp_path / "file") == name


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("go-basic.obo.gz", "obo"),
        ("goa_human_demo.gaf.gz", "gaf"),
        ("kang_ifnb_cd4t_expression.csv.gz", "expression"),
        ("pbmc68k_reduced.h5ad", "h5ad"),
        ("ppi_human_goa_ipi.tsv", "interactions"),
        ("tf_target_human_goa.tsv", "regulation"),
    ],
)
def test_the_demo_files(file, name):
    assert sniff_format(DATA / file) == name


@pytest.mark.skipif(not MORE.is_dir(), reason="the data sets beside the project are absent")
@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("pathways/ReactomePathways.gmt.gz", "gmt"),
        ("pathways/h.all.v2022.1.Hs.symbols.gmt", "gmt"),
        ("pathways/ReactomePathwaysRelation.txt.gz", "reactome"),
        ("drugcell/drugcell_ont.txt.gz", "drugcell"),
        ("dcell/GO_0006281_topology", "dcell"),
        ("nest/hierarchy.cx2", "cx2"),
        ("goa_human_2019-01.gaf.gz", "gaf"),
        ("tf_dna/trrust_rawdata.human.tsv", "trrust"),
        ("tf_dna/drem_human_predicted_100.txt.gz", "drem"),
        ("ppi/HuRI_symbols.tsv", "interactions"),
        ("ppi/HuRI.tsv.gz", "table"),
    ],
)
def test_real_files(file, name):
    assert sniff_format(MORE / file) == name


def test_an_unknown_format_lists_the_known(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("a b c\nd\ne f\ng h i j\n")
    with pytest.raises(ReadError, match=r"^The format of the file is not recognised: .*\n    a b c\n    d\n    e f\n"):
        sniff_format(path)


def test_names_are_unique_within_a_family_and_the_table_comes_last():
    for family in FAMILIES:
        names = [format.name for format in formats_of(family)]
        assert len(set(names)) == len(names)
        if family in ("interactions", "regulation", "id-map"):
            assert names[-1] == "table"


def test_importing_the_readers_brings_in_nothing_heavy():
    heavy = {"anndata", "keras", "tensorflow", "sklearn", "matplotlib"}
    code = f"import sys, keras_vnn.readers; print(*sorted({heavy!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
