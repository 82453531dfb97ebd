"""`vnn check`: what a file is, how its names fit, and the command that goes on."""

import json

import anndata
import numpy as np
import pandas as pd
import pytest

import keras_vnn as vnn
from formats_page import EXAMPLES
from keras_vnn.cli import main
from keras_vnn.recipes.checking import check_file, check_files, suggested_command

FAMILY = {
    "read.annotations": "annotations",
    "read.expression": "genes",
    "read.gene_sets": "gene-sets",
    "read.genes": "genes",
    "read.hierarchy": "hierarchy",
    "read.identifier_map": "id-map",
    "read.interactions": "interactions",
    "read.ontology": "ontology",
    "read.regulation": "regulation",
}
# A SIF file with both kinds of rows holds what one says it holds.
EITHER = {"mixed.sif": "interactions"}


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_every_example_of_the_page_is_told(example, tmp_path):
    report = check_file(example.write(tmp_path))
    assert report.error == ""
    assert report.family == EITHER.get(example.name, FAMILY[example.reader])
    assert report.records > 0 and str(report)
    json.dumps(report.to_json())


def test_the_report_in_full(tmp_path):
    path = tmp_path / "ppi.tsv"
    path.write_text("gene_a\tgene_b\tscore\nTp53\tMdm2\t1\nMdm2\tTp53\t2\nAtm\tAtm\t3\nSep-07\tAtm\t4\nX\t\t1\n")
    report = check_file(path, genes=["TP53", "MDM2", "ATM"])
    assert str(report) == (
        f"{path}\n"
        "    is        interactions\n"
        "    format    TSV gene_a, gene_b, score score\n"
        "    holds     2 interactions of 4 genes (ppi.tsv), 5 records\n"
        "    names     gene symbols (capitalised, as in mouse), 75.0 % of 4; also 1 other names; "
        "1 damaged by a spreadsheet (Sep-07)\n"
        "    left out  1 row: a name is empty (ppi.tsv:6)\n"
        "              1 interaction: a gene with itself (Atm)\n"
        "              1 interaction: duplicate (either direction), merged into one\n"
        "    overlap   0 of 4 names are among the 3 genes\n"
        f"    warning   1 name looks damaged by a spreadsheet: Sep-07 (was SEPT7/SEPTIN7), in {path}.\n"
        "              Kept as written. Mend the file, unless your data have genes of these names.\n"
        "    advice    --ignore-case: 3 names match instead of 0.\n"
        "              1 of 4 names look like no identifier. Is it the right file or column?\n"
        "              --malformed skip: such rows are left out, which is an error without it."
    )
    assert suggested_command([report]) == (
        f"vnn build --genes GENES --interactions {path} --ignore-case --malformed skip -o network.vnn"
    )


def test_a_table_of_identifiers_among_the_files_is_used(tmp_path):
    (tmp_path / "genes.txt").write_text("TP53\nMDM2\nATM\n")
    (tmp_path / "ppi.tsv").write_text("ENSG00000141510\tENSG00000135679\n")
    (tmp_path / "map.tsv").write_text("ensembl_gene_id\tsymbol\nENSG00000141510\tTP53\nENSG00000135679\tMDM2\n")
    reports = check_files([tmp_path / name for name in ("genes.txt", "ppi.tsv", "map.tsv")])
    assert reports[1].overlap["matched"] == 0 and reports[1].overlap["with_table"] == 2
    assert suggested_command(reports) == (
        f"vnn build --genes {tmp_path}/genes.txt --interactions {tmp_path}/ppi.tsv --id-map {tmp_path}/map.tsv "
        "-o network.vnn"
    )


def test_advice_about_other_files_is_no_option_of_the_command(tmp_path):
    (tmp_path / "genes.txt").write_text("TP53\nMDM2\n")
    (tmp_path / "ppi.tsv").write_text("TP53\tMDM2\n")
    (tmp_path / "cells.csv").write_text("cell,type,donor\nAAAC-1,T,d1\nAAAG-1,B,d1\n")
    reports = check_files([tmp_path / name for name in ("genes.txt", "ppi.tsv", "cells.csv")])
    assert reports[2].family == "" and any("--gene-column 1" in line for line in reports[2].advice)
    assert suggested_command(reports) == (
        f"vnn build --genes {tmp_path}/genes.txt --interactions {tmp_path}/ppi.tsv -o network.vnn"
    )


def test_a_column_of_the_genes_is_chosen_for_all_files_together(tmp_path):
    symbols = ["TP53", "MDM2", "MYC", "ATM"]
    ids = [f"ENSG0000000000{number}" for number in range(4)]
    var = pd.DataFrame({"symbol": symbols}, index=ids)
    anndata.AnnData(np.eye(4, dtype=np.float32), var=var).write_h5ad(tmp_path / "cells.h5ad")
    (tmp_path / "ppi.tsv").write_text("TP53\tMDM2\nMDM2\tMYC\nMYC\tATM\n")
    (tmp_path / "tf.tsv").write_text(f"tf\ttarget\n{ids[0]}\t{ids[1]}\n")
    paths = [tmp_path / name for name in ("cells.h5ad", "ppi.tsv", "tf.tsv")]
    reports = check_files(paths)
    assert reports[1].advice == ("--gene-column symbol: 4 names match instead of 0.",)
    assert reports[2].advice == (
        "--gene-column symbol: 0 names match instead of 2. Translate them with a table, --id-map FILE.",
    )
    assert suggested_command(reports) == (
        f"vnn build --genes {paths[0]} --interactions {paths[1]} --regulation {paths[2]} --gene-column symbol "
        "-o network.vnn"
    )
    # Where the others are in the majority, the index stays, and that file is the one to translate.
    (tmp_path / "ppi.tsv").write_text("TP53\tMDM2\n")
    (tmp_path / "tf.tsv").write_text("tf\ttarget\n" + "".join(f"{ids[0]}\t{one}\n" for one in ids[1:]))
    reports = check_files(paths)
    assert "--gene-column" not in suggested_command(reports)
    assert reports[1].advice == (
        "The names are gene symbols, the genes Ensembl genes: translate them with a table, --id-map FILE.",
    )


def test_what_cannot_be_read_is_reported(tmp_path, capsys):
    path = tmp_path / "go.owl"
    path.write_text(
        "Prefix(owl:=<http://www.w3.org/2002/07/owl#>)\nOntology(<http://purl.obolibrary.org/obo/go.owl>)\n"
    )
    with pytest.raises(SystemExit) as caught:
        main(["check", str(path)])
    assert caught.value.code == 1
    out = capsys.readouterr().out
    assert "robot convert --input FILE --output terms.obo" in out
    assert check_file(tmp_path / "absent").error.startswith(f"No such file: {tmp_path / 'absent'}.\n")


def test_saved_things_are_told(tmp_path):
    arch = vnn.wire.interactions(["A", "B"], vnn.read.Interactions.from_pairs(["A"], ["B"]))
    arch.save(tmp_path / "small.vnn")
    assert check_file(tmp_path / "small.vnn").format == "saved architecture"
    recipe = check_file(vnn.config_path("lin2017-ppi-tf"))
    assert (recipe.format, recipe.summary) == ("YAML recipe", "a recipe with build, train")


def test_a_damaged_h5ad_is_found_out_in_a_process_apart(tmp_path):
    content = vnn.data_path("pbmc68k_reduced.h5ad").read_bytes()[:100_000]
    path = tmp_path / "cells.h5ad"
    path.write_bytes(content)
    assert check_file(path).error.startswith(f"The HDF5 file is damaged or cut short: {path}\n")


def test_the_command_line_gives_json(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["check", str(vnn.data_path("tf_target_human_goa.tsv")), "--json"])
    assert caught.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["files"][0]["family"] == "regulation"
    assert found["files"][0]["names"]["kinds"]["gene symbols"] > 300
    assert found["command"].startswith("vnn build --genes GENES --regulation ")
