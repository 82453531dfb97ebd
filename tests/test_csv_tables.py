"""CSV tables: nothing in them is live in a spreadsheet, and everything comes back."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_vnn.basics.csv_tables import csv_text, read_table
from keras_vnn.basics.errors import ReadError


def round_trip(table, tmp_path, **options):
    path = tmp_path / "table.csv"
    path.write_text(csv_text(table, **options), encoding="utf-8", newline="")
    return read_table(path)


LIVE = ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "＝1+1", "'=1+1", "''=x", '=HYPERLINK("http://x","y")']
TAME = ["", "NA", "1", "'de novo' IMP biosynthesis", "a=b", "STAT1", "''", "'", 'a,"b"\nc', "5'-3'"]


def test_what_a_spreadsheet_would_run_stands_behind_an_apostrophe():
    text = csv_text(pd.DataFrame({"label": LIVE}), index=False)
    cells = [row[0] for row in csv.reader(io.StringIO(text))][1:]
    assert cells == [f"'{name}" for name in LIVE]


def test_all_else_stands_as_it_is():
    text = csv_text(pd.DataFrame({"label": TAME}), index=False)
    assert [row[0] for row in csv.reader(io.StringIO(text, newline=""))][1:] == TAME
    assert pd.read_csv(io.StringIO(text), keep_default_na=False, dtype=str)["label"].tolist() == TAME


def test_names_and_numbers_come_back(tmp_path):
    table = pd.DataFrame(
        {
            "label": LIVE,
            "number": np.array([0.1, -1 / 3, 1e-320, 1.7976931348623157e308, 0, -0.0, 3, 2**53, np.nan]),
            "count": range(9),
            "is_live": [True, False] * 4 + [True],
            "entrez": [str(i) for i in range(9)],
            "=name": ["x"] * 9,
        }
    )
    again = round_trip(table, tmp_path, index=False)
    pd.testing.assert_frame_equal(again, table, check_exact=True, check_column_type=False)
    assert [kind.kind for kind in again.dtypes] == ["O", "f", "i", "b", "O", "O"]


def test_an_index_is_the_first_column(tmp_path):
    table = pd.DataFrame({"x": [1.5]}, index=pd.Index(["-"], name="id"))
    again = round_trip(table, tmp_path).set_index("id")
    pd.testing.assert_frame_equal(again, table, check_index_type=False)


@given(st.lists(st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=1)))
def test_any_text_comes_back(tmp_path_factory, texts):
    again = round_trip(pd.DataFrame({"text": pd.Series([*texts, "x"], dtype=object)}), tmp_path_factory.mktemp("t"))
    assert again["text"].tolist() == [*texts, "x"]
    assert again["index"].tolist() == list(range(len(texts) + 1))


def test_another_table_is_refused(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ReadError) as error:
        read_table(path)
    assert str(error.value) == (
        f"The file is not a CSV table as this package writes it: {path}\n"
        "could not convert string to float: 'a'\n"
        "Read it with pandas.read_csv, or another program's table with that program's reader."
    )
    path.write_text('"a","b"\n1\n')
    with pytest.raises(ReadError) as error:
        read_table(path)
    assert (
        str(error.value) == f"Row 1 of {path} has 1 field, expected 2 as in the header.\nWas it edited? Write it again."
    )
