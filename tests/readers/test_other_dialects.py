"""Tables in the dialects of other programs and countries are told for what they are; counts are by hand."""

import json

import anndata
import networkx as nx
import numpy as np
import pandas as pd
import pytest

from keras_vnn import wire
from keras_vnn.basics.errors import ConfigError, GeneError, ReadError
from keras_vnn.data import read_expression
from keras_vnn.priors.genes import decide_orientation
from keras_vnn.readers import (
    read_gene_sets,
    read_genes,
    read_identifier_map,
    read_interactions,
    read_regulation,
    sniff_format,
)
from keras_vnn.recipes.checking import check_file, check_files, suggested_command
from keras_vnn.recipes.read import make_section
from keras_vnn.recipes.run import build_architecture
from keras_vnn.recipes.schema import BuildRecipe

ORFS = "\tYAL001C\tYAL002W\tYAL003W\ns1\t1\t0\t0\ns2\t0\t1\t1\n"
MOUSE = '"c1"\t"c2"\t"c3"\n"Stat1"\t5\t0\t2\n"Irf1"\t3\t1\t0\n"Trp53"\t0\t2\t7\n'
CRESS = "c1 c2 c3\nAT1G01010 1 2 3\nAT1G01020 0 0 1\n"
TWO_NAMES = "gene_id\tgene_name\tc1\tc2\tc3\nENSG00000141510.18\tTP53\t5\t0\t2\nENSG00000135679.26\tMDM2\t3\t1\t0\n"
UNIPROT = (
    "Entry\tReviewed\tEntry Name\tProtein names\tGene Names\tOrganism\n"
    "P04637\treviewed\tP53_HUMAN\tCellular tumor antigen p53\tTP53 P53\tHomo sapiens\n"
    "Q00987\treviewed\tMDM2_HUMAN\tE3 ubiquitin ligase\tMDM2 HDM2\tHomo sapiens\n"
)


@pytest.fixture
def written(tmp_path):
    def write(text, name="table.txt"):
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("text", "genes", "total"),
    [
        (ORFS, ("YAL001C", "YAL002W", "YAL003W"), 3),
        (MOUSE, ("Stat1", "Irf1", "Trp53"), 20),
        (CRESS.replace("\n", "\r\n"), ("AT1G01010", "AT1G01020"), 7),
        (TWO_NAMES, ("ENSG00000141510.18", "ENSG00000135679.26"), 11),
    ],
    ids=["detected in yeast", "short header, mouse", "cress, CRLF", "two names of a gene"],
)
def test_expression(text, genes, total, written):
    path = written(text)
    report = check_file(path)
    assert (report.error, report.family) == ("", "genes")
    assert read_genes(path).ids == genes
    data = read_expression(path)
    assert (tuple(data.var_names), float(data.X.sum())) == (genes, total)


def test_names_next_to_the_names_of_genes_are_kept_with_them(written):
    path = written(TWO_NAMES)
    assert list(read_expression(path).var["gene_name"]) == ["TP53", "MDM2"]
    data = read_expression(path, gene_column="gene_name")
    assert list(data.var_names) == ["TP53", "MDM2"]
    assert list(data.var["gene_id"]) == ["ENSG00000141510.18", "ENSG00000135679.26"]


def test_numbered_samples_tell_the_axes_and_numbered_genes_do_not():
    assert decide_orientation(["Stat1", "Irf1"], ["c1", "c2", "c3"]).genes_in_rows
    assert not decide_orientation(["sample 1", "sample 2"], ["Stat1", "Irf1"]).genes_in_rows
    assert decide_orientation(["Stat1", "Irf1"], ["GSM10001", "GSM10002"]).genes_in_rows
    for rows in (["GENE1", "GENE2"], ["b0001", "b0002"], ["let-7", "lin-4"]):
        with pytest.raises(ReadError, match="Are the genes in rows or in columns"):
            decide_orientation(rows, ["a", "b"])


def test_a_matrix_of_bacterial_targets_stays_one(written):
    path = written("Target\tcrp\tfnr\nb0001\t1\t0\nb0002\t0\t1\nb0003\t1\t1\n")
    assert (sniff_format(path), len(read_regulation(path))) == ("matrix", 4)


def test_cells_are_no_genes(written):
    for text in ("barcode\tcluster\nAAACCC-1\t3\nAAACCT-1\t2\n", "AAACCTGAGAAACC-1\nAAACCTGAGAAACG-1\n"):
        report = check_file(written(text))
        assert (report.family, report.format) == ("", "a table that is not recognised")
        assert report.summary.startswith("names of cells or samples")


def test_what_uniprot_exports(written):
    table = read_identifier_map(written(UNIPROT))
    assert {*table.columns} >= {"Entry", "Entry Name", "Gene Names"}
    assert str(table).startswith("2 rows with Entry (2 names)")
    assert "Gene Names (4 names)" in str(table)


def test_records_of_edges_in_json(written):
    path = written(json.dumps([{"source": "TP53", "target": "MDM2"}, {"source": "MYC", "target": "ATM"}]))
    assert read_interactions(path).to_frame()[["a", "b"]].values.tolist() == [["ATM", "MYC"], ["MDM2", "TP53"]]
    assert check_file(path).family == "interactions"


def test_networks_that_nothing_reads_are_named(tmp_path, written):
    graph = nx.Graph([("TP53", "MDM2"), ("MYC", "ATM")])
    nx.write_gexf(graph, tmp_path / "n.gexf")
    nx.write_pajek(graph, tmp_path / "n.net")
    dot = written("strict graph ppi {\n  TP53 -- MDM2;\n}\n", "n.dot")
    for path, title in (
        (tmp_path / "n.gexf", "GEXF"),
        (tmp_path / "n.net", "a network of Pajek"),
        (dot, "a network in D"),
    ):
        with pytest.raises(
            ReadError, match=rf"The file is {title}.*, not interactions: .*\n(.*\n)*Export it as GraphML"
        ):
            read_interactions(path)


REGULONS = "TP53\tna\tCDKN1A\tMDM2\nMYC\tna\tATM\tSTAT1\n"


def test_regulons_in_gmt_are_regulation_where_that_is_said(written):
    path = written(REGULONS, "regulons.gmt")
    genes = ["TP53", "MDM2", "MYC", "ATM"]
    with pytest.raises(ReadError, match="The file is GMT"):
        read_regulation(path)
    edges = read_regulation(path, format="gmt").to_frame()[["regulator", "target"]].values.tolist()
    assert sorted(edges) == [["MYC", "ATM"], ["MYC", "STAT1"], ["TP53", "CDKN1A"], ["TP53", "MDM2"]]
    with pytest.raises(ValueError, match=r'read the file by vnn\.read\.regulation with format="gmt"'):
        wire.gene_sets(genes, read_gene_sets(path))
    report = check_file(path, genes=genes)
    assert report.family == "regulation"
    command = suggested_command([report])
    assert command.endswith("regulons.gmt --regulation-format gmt -o network.vnn")
    assert check_file(path).family == "gene-sets"
    mixed = check_file(written(f"{REGULONS}A\tna\tATM\tMDM2\nB\tna\tATM\tMYC\nC\tna\tATM\tMYC\n", "s.gmt"), genes=genes)
    assert (mixed.family, suggested_command([mixed])) == ("", "")
    assert "rename these in the file, for example to SET:MYC" in mixed.advice[-1]


def test_weights_given_to_another_reader_name_the_option_of_regulation(written):
    path = written("gene\tc1\tc2\tc3\nTP53\t5\t0\t2\nMDM2\t3\t1\t0\n")
    with pytest.raises(ReadError, match=r'by vnn\.read\.regulation with format="matrix"\.'):
        read_gene_sets(path)


def test_the_column_that_has_the_names_of_a_prior_is_named(tmp_path, written):
    names = ["Stat1", "Irf1", "Trp53"]
    var = pd.DataFrame({"feature_name": names, "mt": False}, index=[f"ENSMUSG0000000000{n}" for n in range(3)])
    anndata.AnnData(np.ones((2, 3), np.float32), var=var).write_h5ad(tmp_path / "cells.h5ad")
    ppi = written("Stat1\tIrf1\nIrf1\tTrp53\n", "ppi.tsv")
    options = {"genes": tmp_path / "cells.h5ad", "interactions": [ppi]}
    with pytest.raises(
        GeneError, match=r'3 of its 3 names are in the column .feature_name. of the genes: gene_column="f'
    ):
        build_architecture(make_section(BuildRecipe, None, options, "here"))
    reports = check_files([tmp_path / "cells.h5ad", ppi])
    command = suggested_command(reports)
    assert "--gene-column feature_name -o" in command
    assert check_files([ppi], genes=tmp_path / "cells.h5ad")[0].advice == reports[1].advice
    arch = build_architecture(make_section(BuildRecipe, None, options | {"gene_column": "feature_name"}, "here"))
    assert arch.genes == tuple(names)


def test_units_of_a_small_term_are_explained():
    from keras_vnn.priors import Annotations, Ontology

    ontology = Ontology.from_mapping({"a": ["root"]})
    known = Annotations.from_mapping({"TP53": ["a"], "MDM2": ["root"]})
    with pytest.raises(
        ConfigError, match=r"units gives 0 for a term of [12] genes?.*\nFor example: units=lambda n: max"
    ):
        wire.ontology(["TP53", "MDM2"], ontology, known, min_genes=1, units=lambda n: n // 3)
