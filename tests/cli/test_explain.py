"""``vnn explain``: tables of nodes, genes and cells for one model."""

import json

import anndata
import numpy as np

from keras_vnn.csv_tables import read_table


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
    assert nodes["importance (knockout)"].is_monotonic_decreasing
    # Four genes tell the types apart, and these are read by name.
    assert genes.index[0] in {"GENE2", "GENE3", "GENE4"}
    cells = anndata.read_h5ad(out / "cells.knockout.h5ad")
    size = np.abs(cells.to_df()).mean()
    assert size.idxmax() == nodes.index[0]


def test_explain_of_no_model_and_an_unknown_method(vnn, trained, tmp_path):
    ran = vnn("explain", tmp_path / "none.keras", trained / "expression.csv", "-o", tmp_path)
    assert ran.code == 1 and "none.keras" in ran.err
    ran = vnn("explain", trained / "model.keras", trained / "expression.csv", "--method", "shap", "-o", tmp_path / "a")
    assert ran.code == 1 and "method must be one of knockout" in ran.err
