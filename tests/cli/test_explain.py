"""``vnn explain``: tables of nodes, genes and cells for one model."""

import json

import anndata
import numpy as np
import pandas as pd

from keras_vnn.basics.csv_tables import read_table


def test_explain_writes_tables_by_name(vnn, trained, tmp_path):
    out = tmp_path / "explained"
    ran = vnn(
        "explain",
        trained / "model.keras",
        trained / "expression.csv",
        "--cells",
        trained / "cells.csv",
        "--label",
        "type",
        "--method",
        "knockout",
        "--method",
        "rlipp",
        "--per-cell",
        "--json",
        "-o",
        out,
    )
    assert ran.code == 0, ran.err
    facts = json.loads(ran.out)
    assert facts["files"] == ["nodes.csv", "genes.csv", "cells.knockout.h5ad"]
    nodes, genes = read_table(out / "nodes.csv").set_index("id"), read_table(out / "genes.csv").set_index("id")
    assert "TF:STAT1" in nodes.index
    wanted = {"importance (knockout)", "corrected (knockout)", "effect_T (knockout)", "importance (rlipp)"}
    assert wanted <= set(nodes.columns)
    assert nodes["evidence"].is_monotonic_decreasing and {"q", "higher_in", "learned", "use"} <= set(nodes.columns)
    # Four genes tell the types apart, and these are read by name.
    assert genes.index[0] in {"GENE2", "GENE3", "GENE4"}
    cells = anndata.read_h5ad(out / "cells.knockout.h5ad")
    size = np.abs(cells.to_df()).mean()
    assert size.idxmax() == nodes["importance (knockout)"].idxmax()


def test_explain_of_no_model_and_an_unknown_method(vnn, trained, tmp_path):
    ran = vnn("explain", tmp_path / "none.keras", trained / "expression.csv", "-o", tmp_path)
    assert ran.code == 1 and "none.keras" in ran.err
    ran = vnn("explain", trained / "model.keras", trained / "expression.csv", "--method", "shap", "-o", tmp_path / "a")
    assert ran.code == 1 and "method must be one of knockout" in ran.err


def test_data_of_another_kind_are_said_once(vnn, trained, tmp_path):
    counts = tmp_path / "counts.csv"
    pd.read_csv(trained / "expression.csv", index_col=0).round().astype(int).to_csv(counts)
    options = ("--cells", trained / "cells.csv", "--label", "type", "--method", "knockout", "-o")
    ran = vnn("explain", trained / "model.keras", counts, *options, tmp_path / "strange")
    assert ran.code == 0, ran.err
    assert ran.err.count("The data are of another kind than those the model was trained on.") == 1
    assert "    given      counts: integers from 0 to " in ran.err
    alike = vnn("explain", trained / "model.keras", trained / "expression.csv", *options, tmp_path / "alike")
    assert alike.code == 0, alike.err
    assert "warning" not in alike.err


def test_a_normalisation_that_does_not_fit_is_said_once(vnn, trained, tmp_path):
    train = ("train", trained / "ring.vnn", trained / "expression.csv", "--cells", trained / "cells.csv")
    options = ("--label", "type", "--epochs", "1", "--normalization", "log1p-cpm", "-o", tmp_path / "a.keras")
    ran = vnn(*train, *options)
    assert ran.code == 0, ran.err
    assert ran.err.count("warning: --normalization log1p-cpm is for counts, but the values look like logarithms") == 1
