"""CSV tables: what pandas reads back is what the model holds."""

import numpy as np
import pandas as pd
import pytest

from keras_vnn.basics.csv_tables import read_table
from keras_vnn.basics.errors import OutputError
from keras_vnn.export import export_summary, summary_tables
from keras_vnn.models import edge_weights


def read(path):
    """Read a table in which ``NA`` is the name of a gene and an empty number is missing."""
    table = pd.read_csv(path, keep_default_na=False, float_precision="round_trip")
    for name in table:
        if name not in ("id", "label", "kind", "names", "feeds", "unconnected", "source", "target", "higher_in"):
            table[name] = table[name].replace("", "nan").astype(float)
    return table


def test_every_weight_survives_the_round_trip(model, tmp_path):
    export_summary(model, "csv", tmp_path / "tables")
    assert sorted(p.name for p in (tmp_path / "tables").iterdir()) == ["edges.csv", "genes.csv", "nodes.csv"]
    edges = read(tmp_path / "tables" / "edges.csv")
    weights = edge_weights(model, dense=True)
    named = weights[
        weights["source"].isin(["A", "B", "NA", "D", "S1", "S2", "T"]) & ~weights["block"].str.endswith("_dense")
    ]
    # Of genes and nodes, and of the head, which reads S1, S2 and T.
    assert len(edges) == len(named) == (2 + 2 + 1 + 1 + 1 + 2) + 2 * 4
    merged = edges.merge(named, on=["source", "source_unit", "target", "target_unit"], how="inner")
    merged = merged[(merged["block"] == "head") == (merged["target_layer"] == 3)]
    assert len(merged) == len(edges)
    assert (merged["weight_x"].astype(np.float32) == merged["weight_y"]).all()


def test_nodes_and_genes(model, arch, ranking, tmp_path):
    export_summary(model, "csv", tmp_path / "tables", ranking=ranking)
    nodes = read(tmp_path / "tables" / "nodes.csv").set_index("id")
    assert nodes.index.tolist() == ["A", "B", "NA", "D", "S1", "S2", "T"]
    assert nodes.loc["S2", "label"] == arch.find("S2").node.label
    for id, row in ranking.iterrows():
        assert nodes.loc[id, "importance"] == row["importance"]
        assert nodes.loc[id, "effect_T"] == row["effect_T"]
    assert np.isnan(nodes.loc["A", "importance"])
    weights = edge_weights(model, dense=True)
    own = weights[(weights["source"] == "T") & (weights["block"] == "head")]["weight"].abs().astype(float).sum()
    assert nodes.loc["T", "strength"] == pytest.approx(own)
    genes = read(tmp_path / "tables" / "genes.csv").set_index("id")
    assert genes["nodes"].to_dict() == {"A": 1, "B": 3, "NA": 1, "D": 0}
    assert genes.loc["B", "feeds"] == "S1; S2; T"
    assert genes["unconnected"].to_dict() == {"A": "", "B": "", "NA": "", "D": "in no gene set: not connected"}


def test_an_architecture_alone(arch):
    tables = summary_tables(arch)
    assert "strength" not in tables["nodes"] and "weight" not in tables["edges"]
    assert len(tables["edges"]) == arch.edge_count


def test_strength_of_a_node_that_feeds_the_tail(with_tail):
    nodes = summary_tables(with_tail)["nodes"]
    weights = edge_weights(with_tail, dense=True)
    own = weights[(weights["source"] == "T") & (weights["block"] == "tail_1")]["weight"].abs().astype(float).sum()
    assert nodes.loc["T", "strength"] == pytest.approx(own)
    assert set(summary_tables(with_tail)["edges"]["target"]) == {"S1", "S2", "T"}


def test_a_folder_appears_whole_or_not_at_all(arch, tmp_path, monkeypatch):
    folder = tmp_path / "tables"
    real = type(folder).write_text

    def full(path, text, **options):
        if path.name == "genes.csv":
            raise OSError(28, "No space left on device")
        return real(path, text, **options)

    monkeypatch.setattr(type(folder), "write_text", full)
    with pytest.raises(OutputError) as error:
        export_summary(arch, "csv", folder)
    assert str(error.value) == f"Cannot write {folder}: No space left on device"
    assert list(tmp_path.iterdir()) == []


def test_other_files_of_a_folder_are_left_alone(arch, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    export_summary(arch, "csv", tmp_path)
    with pytest.raises(OutputError) as error:
        export_summary(arch, "csv", tmp_path)
    assert str(error.value) == (
        f"3 of 3 files exist already in {tmp_path}: nodes.csv, edges.csv, genes.csv\n"
        "Pass overwrite=True to replace them."
    )
    export_summary(arch, "csv", tmp_path, overwrite=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["edges.csv", "genes.csv", "nodes.csv", "notes.txt"]


def test_a_file_is_no_folder(arch, tmp_path):
    path = tmp_path / "file"
    path.write_text("x")
    with pytest.raises(OutputError) as error:
        export_summary(arch, "csv", path)
    assert str(error.value) == f"CSV tables are 3 files in a folder, but {path} is a file.\nName a folder."
    with pytest.raises(OutputError) as error:
        export_summary(arch, "csv", tmp_path / "edges.csv")
    assert str(error.value) == (
        "CSV tables are several files in a folder, but 'edges.csv' is the name of a file.\n"
        f"Name a folder: '{tmp_path / 'edges'}'"
    )
    with pytest.raises(OutputError) as error:
        export_summary(arch, "csv", tmp_path / "no" / "such")
    assert str(error.value) == f"The folder does not exist: {tmp_path / 'no'}\nCreate it: mkdir -p '{tmp_path / 'no'}'"


def test_a_table_comes_back_exactly_and_no_cell_is_a_formula(model, tmp_path):
    export_summary(model, "csv", tmp_path / "tables")
    for name, table in summary_tables(model).items():
        again = read_table(tmp_path / "tables" / f"{name}.csv")
        if table.index.name:
            again = again.set_index(table.index.name)
        assert again.index.tolist() == table.index.tolist()
        for column in table:
            if table[column].dtype.kind in "if":
                np.testing.assert_array_equal(again[column].astype(table[column].dtype), table[column])
            else:
                assert again[column].tolist() == table[column].tolist()
