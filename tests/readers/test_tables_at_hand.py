"""Tables as biologists have them: values, advice and audits that the page of tables does not show.

What each is told to be, and how much is read of it, is in `table_inputs`; `tests/test_tables_page.py` goes through it.
"""

import pickle
import re

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from keras_vnn.basics.errors import DataError, GeneError, ReadError
from keras_vnn.data import align, read_expression
from keras_vnn.priors.kinds import damaged_by_excel
from keras_vnn.readers import (
    read_annotations,
    read_genes,
    read_identifier_map,
    read_interactions,
    read_regulation,
)
from keras_vnn.recipes.checking import check_file, check_files, suggested_command
from table_contents import COUNTS, FEATURE_COUNTS, FOUR, GAF, GCT, MART, SIGNED, layers_only, loom, ten_x_hdf5
from table_inputs import TABLES


@pytest.fixture
def written(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


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


UNRECOGNISED = {table.name: table.content for table in TABLES["What is none of these"] if not table.family}


@pytest.mark.parametrize("name", UNRECOGNISED)
def test_a_table_that_is_nothing_known_is_not_called_interactions(name, written):
    report = check_file(written(name, UNRECOGNISED[name]))
    assert (report.error, report.family, report.format) == ("", "", "a table that is not recognised")
    assert report.summary.startswith("columns ")
    assert suggested_command([report]) == ""
    assert report.advice[0].startswith("If two of its columns are interactions")


def test_names_of_two_kinds_a_row_are_a_table_of_identifiers(written):
    report = check_file(written("ids.tsv", "ENSG00000141510\tTP53\nENSG00000135679\tMDM2\nENSG00000136997\tMYC\n"))
    assert (report.error, report.family, report.records) == ("", "id-map", 3)


def test_pairs_that_meet_no_gene_are_not_called_interactions(written):
    path = written("words.tsv", "Alice\tBob\nBob\tCarol\n")
    assert check_file(path).family == "interactions"
    assert check_file(path, genes=["TP53", "MDM2"]).family == ""
    assert check_file(path, genes=["bob"]).family == "interactions"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        *((f"{n}.pkl", pickle.dumps(["TP53"], protocol=n), "The file is a Python pickle, not") for n in range(6)),
        ("table.feather", b"FEA1x", "The file is a Feather table of version 1, not"),
    ],
)
def test_what_nothing_reads_is_named(name, content, said, written):
    path = written(name, content)
    assert check_file(path).error.startswith(said)
    with pytest.raises(ReadError, match="The expression table is "):
        read_expression(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("counts.tsv", COUNTS),
        ("GCT.gct", GCT),
        ("featureCounts.txt", FEATURE_COUNTS),
        ("a comment above.tsv", f"# by hand\n{COUNTS}"),
        ("a header as comment.tsv", f"#{COUNTS}"),
        ("HTSeq.tsv", f"{COUNTS}__no_feature\t9\t9\t9\n"),
    ],
)
def test_the_values_of_a_table(name, content, written):
    data = read_expression(written(name, content))
    assert tuple(data.var_names) == FOUR
    assert data.X.tolist() == [[5, 3, 0, 1], [0, 1, 2, 0], [2, 0, 7, 0]]
    assert data.obs_names.tolist() == ["c1", "c2", "c3"]


def test_a_fault_in_a_table_below_comments_has_its_line(written):
    path = written("c.tsv", f"# by hand\n{COUNTS.replace('7', 'x')}")
    with pytest.raises(DataError, match=f"{re.escape(str(path))}:5"):
        read_expression(path)


def test_costs_are_no_scores(written):
    table = read_interactions(written("costs.tsv", "gene_a\tgene_b\tcost\nTP53\tMDM2\t3\nMYC\tTP53\t4\n"))
    assert np.isnan(table.score).all()


@pytest.mark.parametrize(
    ("names", "damaged"),
    [
        (["oct-1", "let-7", "lin-4", "dec-10"], []),
        (["dec-1", "Sp1", "wg"], []),
        (["TP53", "oct-01", "sept-07"], ["oct-01", "sept-07"]),
        (["TP53", "Sep-07", "1-Dec"], ["1-Dec", "Sep-07"]),
    ],
)
def test_names_of_worms_and_flies_are_no_damage(names, damaged):
    assert damaged_by_excel(names) == damaged


@pytest.mark.parametrize(("version", "rows"), [(3, [[5, 0], [0, 2]]), (2, [[5, 0, 1], [0, 2, 7]])])
def test_the_hdf5_of_cell_ranger(version, rows, tmp_path):
    path = tmp_path / "filtered.h5"
    ten_x_hdf5(path, version=version)
    data = read_expression(path)
    assert data.X.toarray().tolist() == rows
    assert data.obs_names.tolist() == ["AAAC-1", "AAAG-1"]
    assert read_genes(path).ids[:2] == tuple(data.var_names[:2]) == ("TP53", "MDM2")
    assert read_genes(path, column=1).ids[0] == "ENSG00000141510"
    assert read_expression(path, gene_column=1).var_names[0] == "ENSG00000141510"
    assert check_file(path).family == "genes"


def test_a_folder_of_cell_ranger_as_geo_keeps_it(tmp_path):
    matrix = "%%MatrixMarket matrix coordinate integer general\n2 1 1\n1 1 5\n"
    for sample in ("GSM1_S1_", "GSM2_S2_"):
        (tmp_path / f"{sample}matrix.mtx").write_text(matrix)
        (tmp_path / f"{sample}features.tsv").write_text("ENSG1\tTP53\tGene Expression\nENSG2\tMDM2\tGene Expression\n")
        (tmp_path / f"{sample}barcodes.tsv").write_text(f"{sample}AAAC-1\n")
    with pytest.raises(
        ReadError, match=r"The folder holds 2 matrices.*\n.*GSM1_S1_, GSM2_S2_\nName one of them: .*GSM1_S1_matrix"
    ):
        read_expression(tmp_path)
    one = tmp_path / "GSM2_S2_matrix.mtx"
    assert read_expression(one).obs_names.tolist() == ["GSM2_S2_AAAC-1"]
    assert read_genes(one).ids == ("TP53", "MDM2")
    for file in tmp_path.glob("GSM1*"):
        file.unlink()
    assert read_expression(tmp_path).X.toarray().tolist() == [[5, 0]]
    assert check_file(tmp_path).family == "genes"


def test_loom(tmp_path):
    path = tmp_path / "cells.loom"
    loom(path)
    data = read_expression(path)
    assert (data.X.tolist(), data.obs_names.tolist()) == ([[5, 0, 1], [0, 2, 7]], ["c1", "c2"])
    assert (data.var_names.tolist(), data.obs["type"].tolist()) == (["TP53", "MDM2", "MYC"], ["T", "B"])
    assert read_expression(path, layer="spliced").X.tolist() == [[1, 0, 1], [0, 1, 1]]
    assert read_expression(path, gene_column="Accession").var_names[0] == "ENSG1"
    assert read_genes(path).ids == ("TP53", "MDM2", "MYC")
    assert read_genes(path, column="Accession").ids == ("ENSG1", "ENSG2", "ENSG3")
    assert (check_file(path).error, check_file(path).family) == ("", "genes")
    with pytest.raises(DataError, match=r"There is no layer 'splicd' of cells\.loom\. Did you mean spliced\?"):
        read_expression(path, layer="splicd")
    with h5py.File(path, "a") as file:
        del file["row_attrs"]["Gene"], file["row_attrs"]["Accession"]
    for read in (read_genes, read_expression):
        with pytest.raises(ReadError, match=r"No attribute names the genes: .*cells\.loom\nIt has: none"):
            read(path)


def test_what_check_suggests_is_of_all_files_and_with_the_options_that_they_need(written):
    ppi = written("ppi.tsv", "gene_a\tgene_b\nTP53\tMDM2\nMYC\t\n")
    sets = written("sets.gmt", "a\thttp://x\tTP53\tMDM2\nb\thttp://x\tMYC\tATM\n")
    genes = written("genes.txt", "TP53\nMDM2\nTP53\n")
    command = suggested_command(check_files([ppi, sets, genes]))
    assert f"--interactions {ppi} --gene-sets {sets}" in command
    assert command.endswith("--malformed skip --duplicates first -o network.vnn")


def test_two_columns_of_one_name_in_a_cell_table(written):
    cells = written("cells.csv", "cell,type,type\nc1,T,B\nc2,T,B\nc3,T,B\n")
    with pytest.raises(
        DataError, match=r"Columns of the cell table have the same name: type: .*cells\.csv\nRename them"
    ):
        read_expression(written("counts.tsv", COUNTS), cells=cells)


def test_a_negation_with_blanks_is_one(written):
    rows = GAF.format("TP53", "NOT | contributes_to", "GO:0006281", "taxon:9606")
    rows += GAF.format("MDM2", "involved_in", "GO:0006281", "taxon:9606")
    found = read_annotations(written("goa.gaf", f"!gaf-version: 2.2\n{rows}"))
    assert (len(found), found.audit.count("row", "negated (NOT)")) == (1, 1)


def test_genes_and_terms_of_biomart(written):
    path = written("mart_export.txt", MART)
    report = check_file(path)
    assert (report.error, report.family) == ("", "annotations")
    found = read_annotations(path)
    assert found.to_frame()[["gene", "term"]].values.tolist() == [["TP53", "GO:0003677"], ["TP53", "GO:0006915"]]
    assert found.audit.count("row", "a gene without a term") == 1
    assert found.term_names["GO:0006915"] == "apoptotic process"
    assert read_annotations(path, id="accession", namespace="biological_process", exclude_evidence=()).genes == (
        "ENSG00000135679",
        "ENSG00000141510",
    )


def test_biomart_as_r_names_its_columns(written):
    header = "ensembl_gene_id\texternal_gene_name\tgo_id\tgo_linkage_type\n"
    found = read_annotations(written("mart.tsv", f"{header}ENSG00000141510\tTP53\tGO:0006915\tIDA\n"))
    assert (found.genes, found.terms) == (("TP53",), ("GO:0006915",))


@pytest.mark.parametrize("taxon", ["9606", 9606, "taxon:9606", "NCBITaxon:9606"])
def test_a_taxon_is_the_same_with_and_without_its_database(taxon, written):
    rows = GAF.format("TP53", "involved_in", "GO:0006281", "taxon:9606")
    rows += GAF.format("Trp53", "involved_in", "GO:0006281", "NCBITaxon:10090")
    path = written("goa.gaf", f"!gaf-version: 2.2\n{rows}")
    assert read_annotations(path, taxon=taxon).genes == ("TP53",)
    assert read_identifier_map(path, taxon=taxon).rows == 1
    links = written("links.txt", "9606.ENSP1 9606.ENSP2\n10090.ENSMUSP1 10090.ENSMUSP2\n")
    assert read_interactions(links, taxon=taxon).genes == ("ENSP1", "ENSP2")


def test_products_without_a_symbol_are_in_a_gpi_file(written):
    rows = "UniProtKB\tP04637\tTP53\tp53\tP53\tprotein\ttaxon:9606\t\t\t\n"
    rows += "UniProtKB\tQ1\t\tx\t\tprotein\ttaxon:9606\t\t\t\n"
    table = read_identifier_map(written("goa.gpi", f"!gpi-version: 1.2\n{rows}"))
    assert table.rows == 2
    assert [*table.columns["accession"][1]] == ["P04637", "Q1"]
    assert [*table.columns["symbol"][1]] == ["TP53"]


@pytest.mark.parametrize(("up", "down"), [("1", "-1"), ("+", "-"), ("+1", "-1")])
def test_modes_in_codes(up, down, written):
    path = written("trrust.tsv", f"TP53\tBAX\t{up}\t1;2\nTP53\tBCL2\t{down}\t3\nMYC\tTERT\t{up}\t4\n")
    assert check_file(path).family == "regulation"
    assert read_regulation(path).to_frame()[["target", "effect"]].values.tolist() == [
        ["TERT", "activation"],
        ["BAX", "activation"],
        ["BCL2", "repression"],
    ]


def test_numbers_that_are_never_negative_are_no_modes(written):
    path = written("scores.tsv", "TP53\tMDM2\t1\t7\nMDM2\tMDM4\t1\t8\nMDM4\tTP53\t0\t9\n")
    assert check_file(path).family == "interactions"


SOME_OF_BIOGRID = {
    "names alone": ("Official Symbol Interactor A\tOfficial Symbol Interactor B", ["TP53", "MDM2"]),
    "and types": (
        "Official Symbol Interactor A\tOfficial Symbol Interactor B\tExperimental System Type",
        ["TP53", "MDM2", "physical"],
    ),
    "and its number": (
        "#BioGRID Interaction ID\tOfficial Symbol Interactor A\tOfficial Symbol Interactor B",
        ["12", "TP53", "MDM2"],
    ),
}


@pytest.mark.parametrize("case", SOME_OF_BIOGRID)
def test_some_columns_of_biogrid(case, written):
    header, row = SOME_OF_BIOGRID[case]
    path = written("biogrid.txt", "\n".join([header, "\t".join(row), ""]))
    assert read_interactions(path).genes == ("MDM2", "TP53")
    assert check_file(path).family == "interactions"
    assert check_file(path).format.startswith("BioGRID, ")


def test_entrez_genes_of_biogrid_where_there_is_nothing_else(written):
    path = written("biogrid.txt", "Entrez Gene Interactor A\tEntrez Gene Interactor B\tAuthor\n7157\t4193\tx\n")
    assert read_interactions(path).genes == ("4193", "7157")
    with pytest.raises(ReadError, match=r"no columns 'Official Symbol Interactor A' and B: .*\n.*\nIt has: entrez\."):
        read_interactions(path, id="symbol")


def test_a_list_of_genes_in_json(written):
    path = written("genes.json", '["TP53",\n "MDM2", "MYC", "STAT1"]\n')
    assert read_genes(path).ids == FOUR
    assert check_file(path).family == "genes"
    with pytest.raises(ReadError, match="Expected a list of names"):
        read_genes(written("genes.json", '["TP53", 3]\n'))


def test_what_check_says_of_an_h5ad(tmp_path):
    counts = sparse.csr_matrix(np.arange(24).reshape(6, 4) % 5)
    adata = anndata.AnnData(
        counts,
        obs=pd.DataFrame({"type": pd.Categorical(["T", "B"] * 3), "depth": np.arange(6.0)}, index=list("abcdef")),
        var=pd.DataFrame(
            {"gene_ids": [f"ENSG0000014151{n}" for n in range(4)], "genome": ["GRCh38"] * 4},
            index=["TP53", "MDM2", "TP53-1", "NKX2-1"],
        ),
    )
    adata.layers["log"] = np.log1p(counts.toarray())
    adata.layers["scaled"] = counts.toarray() - 2.5
    adata.raw = adata.copy()
    adata.write_h5ad(tmp_path / "cells.h5ad")
    report = check_file(tmp_path / "cells.h5ad")
    assert (report.error, report.family, report.records) == ("", "genes", 4)
    assert report.contents == {
        "cells": "6, described by type (B, T), depth (numbers)",
        "values": "X (counts, 0 to 4), raw (counts, 0 to 4), log (logarithms, 0 to 1.60944), "
        "scaled (z-scores or otherwise centred, -2.5 to 1.5)",
        "var": "index (gene symbols), gene_ids (Ensembl genes)",
    }
    assert report.advice[0].startswith("1 name is a copy that var_names_make_unique has numbered (TP53-1)")
    for text in report.contents.values():
        assert text in str(report)


def test_an_h5ad_with_layers_only(tmp_path):
    layers_only(tmp_path / "cells.h5ad")
    with pytest.raises(DataError, match=r"has no X\.\nIts layers are: counts\. Take.*layer=.counts."):
        align(read_expression(tmp_path / "cells.h5ad"), ["TP53", "MDM2"])
    assert read_expression(tmp_path / "cells.h5ad", layer="counts").X.tolist() == [[1, 2], [3, 4]]
    assert check_file(tmp_path / "cells.h5ad").contents["values"] == "counts (counts, 1 to 4)"


def test_genes_that_are_integers_are_named_as_such():
    with pytest.raises(GeneError, match=r"Gene 1 of 2 is 7157.*\nWrite ids that are numbers as texts"):
        read_genes(pd.Index([7157, 4193]))
