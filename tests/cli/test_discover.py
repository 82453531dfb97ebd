"""``vnn interactions`` and ``vnn identify``."""

import json

import pandas as pd


def test_interactions_are_printed_and_written(vnn, trained, tmp_path):
    out = tmp_path / "pairs.csv"
    job = ("interactions", trained / "model.keras", trained / "expression.csv", "--cells", trained / "cells.csv")
    ran = vnn(*job, "--label", "type", "--node", "TF:STAT1", "-o", out)
    assert ran.code == 0, ran.err
    assert "GENE2 × GENE3" in ran.out
    assert "of 6 pairs say more together at a false discovery rate of 5 %, in 24 cells outside the training" in ran.err
    table = pd.read_csv(out)
    assert list(table)[:4] == ["node", "first", "second", "pair"] and len(table) == 6
    again = vnn(*job, "--label", "type", "--node", "TF:STAT1", "-o", out)
    assert again.code == 1 and "--force" in again.err
    wrong = vnn(*job, "-o", tmp_path / "pairs.txt")
    assert wrong.code == 1 and "must end in .csv, got 'pairs.txt'" in wrong.err


def test_identify_says_what_it_found_and_the_model_keeps_it(vnn, trained, tmp_path):
    kept, table = tmp_path / "identified.keras", tmp_path / "identified.csv"
    job = ("identify", trained / "model.keras", trained / "expression.csv", "--students", "2")
    ran = vnn(*job, "-o", table, "-o", kept, "--json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told["students"] == 2 and len(told["r2"]) == 2 and len(told["table"]) == len(pd.read_csv(table))
    assert "Of 2 students" in ran.err
    rows = json.loads(vnn("inspect", kept, "--json", "--top", "2").out)
    assert all("identified" in row for row in rows)
    assert "identified" not in json.loads(vnn("inspect", trained / "model.keras", "--json", "--top", "1").out)[0]
