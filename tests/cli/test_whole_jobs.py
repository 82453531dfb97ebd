"""Whole jobs on the command line alone, with files in the shape that a mouse and a yeast data set have."""

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from keras_vnn import wire
from keras_vnn.architecture import load_architecture

SYMBOLS = ["Stat1", "Irf1", "Trp53", "Mdm2", "Myc", "Cdkn1a"]
IDS = [f"ENSMUSG0000000000{n}" for n in range(6)]
TRAIN = ("--label", "type", "--epochs", 2, "--validation", 0.25, "--test", 0.25)


def cells(names: list[str], **var: list[str]) -> anndata.AnnData:
    values = np.random.default_rng(0).gamma(2, size=(40, len(names))).astype(np.float32)
    values[:20, :2] += 4
    obs = pd.DataFrame({"type": ["T"] * 20 + ["B"] * 20}, index=[f"cell{i}" for i in range(40)])
    return anndata.AnnData(values, obs=obs, var=pd.DataFrame(var, index=names))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_mouse(folder, vnn):
    cells(IDS, gene_symbols=SYMBOLS).write_h5ad("cells.h5ad")
    Path("drem.txt").write_text("TF\tGene\tInput\nMLL\tTRP53\t1\nMLL\tMDM2\t1\nSTAT1\tIRF1\t1\nSTAT1\tMYC\t1\n")
    pairs = [(IDS[0], IDS[1]), (IDS[2], IDS[3]), (IDS[3], IDS[5])]
    Path("ppi.tsv").write_text("gene_a\tgene_b\n" + "".join(f"{a}\t{b}\n" for a, b in pairs))
    Path("ids.tsv").write_text("ensembl\tsymbol\n" + "".join(f"{i}\t{s}\n" for i, s in zip(IDS, SYMBOLS, strict=True)))
    checked = vnn("check", "cells.h5ad", "ppi.tsv", "drem.txt", "ids.tsv")
    assert checked.code == 0, checked.err
    assert "a table of identifiers" in checked.out
    assert "--interactions ppi.tsv --regulation drem.txt --id-map ids.tsv -o" in checked.err
    built = vnn(
        *("build", "--genes", "cells.h5ad", "--gene-column", "gene_symbols", "--interactions", "ppi.tsv"),
        *("--regulation", "drem.txt", "--id-map", "ids.tsv", "--ignore-case", "-o", "net.vnn"),
    )
    assert built.code == 0, built.err
    arch = load_architecture("net.vnn")
    assert arch.genes == tuple(SYMBOLS)
    names = {name for node in arch.layers[1] for name in (node.id, *node.names)}
    assert names == {"PPI:Irf1", "PPI:Stat1", "PPI:Trp53", "PPI:Mdm2", "PPI:Cdkn1a", "TF:MLL", "TF:Stat1"}
    trained = vnn("train", "net.vnn", "cells.h5ad", *TRAIN, "-o", "model.keras")
    assert trained.code == 0, trained.err
    assert "genes named by gene_symbols" in trained.err
    assert vnn("inspect", "model.keras", "--data", "cells.h5ad", "--label", "type").code == 0
    predicted = vnn("predict", "model.keras", "cells.h5ad", "--activities", "nodes.h5ad", "-o", "predictions.csv")
    assert predicted.code == 0, predicted.err
    table = pd.read_csv("predictions.csv", index_col="cell")
    assert (len(table), [*table.columns]) == (40, ["predicted", "B", "T"])
    assert np.allclose(table[["B", "T"]].sum(axis=1), 1, atol=1e-5)
    assert (table["predicted"] == table[["B", "T"]].idxmax(axis=1)).all()
    assert anndata.read_h5ad("nodes.h5ad").n_obs == 40


def test_a_yeast(folder, vnn):
    orfs = [f"YAL00{n}W" for n in range(1, 7)]
    table = cells(orfs).to_df().T
    table.index.name = "orf"
    table.to_csv("expression.csv")
    cells(orfs).obs.to_csv("cells.csv", index_label="cell")
    Path("tf.tsv").write_text("ORF\tYAL001W\tYAL002W\nYAL001W\t0\t1\nYAL003W\t1\t-2\nYAL004W\t0.5\t1\n")
    built = vnn("build", "--genes", "expression.csv", "--regulation", "tf.tsv", "-o", "net.vnn")
    assert built.code == 0, built.err
    assert "5 edges from 2 regulators to 3 targets" in built.err
    trained = vnn("train", "net.vnn", "expression.csv", "--cells", "cells.csv", *TRAIN, "-o", "model.keras")
    assert trained.code == 0, trained.err
    table.drop(index="YAL006W").to_csv("fewer.csv")
    failed = vnn("predict", "model.keras", "fewer.csv")
    assert failed.code == 1
    assert "Fill them with --missing zero, or" in failed.err
    assert vnn("predict", "model.keras", "fewer.csv", "--missing", "zero").code == 0


def test_a_column_that_has_the_names_is_suggested(folder, vnn):
    cells(SYMBOLS).write_h5ad("cells.h5ad")
    cells(IDS, gene_symbols=SYMBOLS).write_h5ad("other.h5ad")
    Path("ppi.tsv").write_text("gene_a\tgene_b\nStat1\tIrf1\nTrp53\tMdm2\n")
    assert vnn("build", "--genes", "cells.h5ad", "--interactions", "ppi.tsv", "-o", "net.vnn").code == 0
    failed = vnn("train", "net.vnn", "other.h5ad", *TRAIN, "-o", "model.keras")
    assert failed.code == 1
    assert "6 of 6 are in the column 'gene_symbols' of the genes: --gene-column gene_symbols" in failed.err
    helped = vnn("train", "net.vnn", "other.h5ad", *TRAIN, "--gene-column", "gene_symbols", "-o", "model.keras")
    assert helped.code == 0, helped.err


def test_names_of_the_data_are_not_damaged_in_a_prior(folder, vnn, recwarn):
    Path("genes.txt").write_text("unc-13\nlin-4\noct-1\ndec-12\nSep-07\n")
    Path("ppi.tsv").write_text("gene_a\tgene_b\noct-1\tdec-12\nSep-07\tdec-12\n1-Dec\toct-1\n")
    built = vnn("build", "--genes", "genes.txt", "--interactions", "ppi.tsv", "-o", "net.vnn")
    assert built.code == 0, built.err
    assert "1 name looks damaged by a spreadsheet: 1-Dec (was DEC1/DELEC1), in ppi.tsv" in " ".join(built.err.split())
    genes = ["oct-1", "dec-12", "Sep-07", "unc-13"]
    arch = wire.interactions(genes, "ppi.tsv", min_genes=2)
    assert [str(one.message).split(":")[0] for one in recwarn] == ["1 name looks damaged by a spreadsheet"]
    assert set(genes[:3]) == {*arch.genes} - {*arch.unconnected_genes}
