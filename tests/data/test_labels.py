import json

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from keras_vnn.basics.errors import DataError
from keras_vnn.data import Classes, class_weights, classes, labels_given, labels_of, targets_of

CELLS = pd.DataFrame(
    {"cell_type": ["T", "B", "T", None], "age": [0.5, 1.5, np.nan, 2.5], "plate": [1, 2, 10, 2]},
    index=["c1", "c2", "c3", "c4"],
)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (["T2", "T10", "B", "b"], ("B", "b", "T2", "T10")),
        ([1, 2, 1], ("1", "2")),
        ([10, 9, -1], ("-1", "9", "10")),
        ([1.0, 2.0], ("1", "2")),
        (np.array([2, 1], dtype=np.int8), ("1", "2")),
        ([True, False], ("False", "True")),
        (np.array([True, False]), ("False", "True")),
        (pd.Series([2, 1], dtype="Int64"), ("1", "2")),
        (pd.Series(["b", "a"], dtype="string"), ("a", "b")),
        (pd.Categorical(["lo", "hi"], categories=["none", "lo", "hi"]), ("lo", "hi")),
        (pd.Categorical([2, 1], categories=[2, 1]), ("2", "1")),
        (pd.Series(pd.Categorical(["lo", "hi"], categories=["lo", "hi"], ordered=True)), ("lo", "hi")),
    ],
)
def test_classes_of_any_type(given, names):
    known = classes(given)
    assert known.names == names
    assert known.decode(known.encode(given)).tolist() == [
        str(int(v)) if isinstance(v, float) else str(v) for v in list(given)
    ]


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=2, unique=True), st.randoms())
def test_order_of_cells_does_not_matter(names, random):
    shuffled = names[:]
    random.shuffle(shuffled)
    assert classes(names) == classes(shuffled)
    assert set(classes(names).names) == set(names)


def test_classes_round_trip():
    known = Classes(("T", "B"))
    assert Classes.from_json(json.loads(json.dumps(known.to_json()))) == known
    assert known.encode(["B", "T"]).dtype == np.int32
    assert str(known) == "2 classes: T, B" and len(known) == 2 and list(known) == ["T", "B"]


def test_labels_of_a_column():
    labels = labels_of(CELLS, "cell_type", missing_labels="drop")
    assert labels.classes.names == ("B", "T")
    assert labels.codes.tolist() == [1, 0, 1]
    assert labels.cells.tolist() == [0, 1, 2]
    assert labels.names.tolist() == ["T", "B", "T"]
    assert labels.counts() == {"B": 1, "T": 2}
    assert str(labels) == "cell_type: 3 cells in 2 classes (B 1, T 2); 1 cell without a label left out"
    assert classes(labels) is labels.classes
    with pytest.raises(ValueError, match="read-only"):
        labels.codes[0] = 0


def test_labels_of_anndata_and_numbers():
    adata = anndata.AnnData(np.zeros((4, 1)), CELLS.copy())
    assert labels_of(adata, "plate").classes.names == ("1", "2", "10")


def test_labels_by_the_classes_of_a_model():
    known = Classes(("T", "NK", "B"))
    labels = labels_of(CELLS.dropna(), "cell_type", classes=known)
    assert labels.codes.tolist() == [0, 2]
    assert known.encode(labels).tolist() == [0, 2]


ERRORS = {
    "unknown column": (
        lambda: labels_of(CELLS, "celltype"),
        "The cells have no column 'celltype'. Did you mean cell_type?\nThe columns are: cell_type, age, plate.",
    ),
    "no column": (
        lambda: labels_of(CELLS[[]], "celltype"),
        "The cells have no column 'celltype'.\n"
        'It has none. Read it with the table of its cells: vnn.read.expression(path, cells="cells.csv").',
    ),
    "missing": (
        lambda: labels_of(CELLS, "cell_type"),
        "1 of 4 cells has no label in 'cell_type': c4.\n"
        'Leave them out with missing_labels="drop", or fill the column.',
    ),
    "all missing": (
        lambda: labels_of(pd.DataFrame({"t": [None, ""]}), "t", missing_labels="drop"),
        "None of 2 cells has a label in 't'.\nName another column.",
    ),
    "fractions": (
        lambda: labels_of(CELLS, "age", missing_labels="drop"),
        "The labels 'age' are fractions such as 0.5, 3 different ones.\n"
        "Numbers are predicted by regression: vnn.pp.targets_of(data, column).",
    ),
    "one class": (
        lambda: labels_of(CELLS[:1], "cell_type"),
        "The labels 'cell_type' name one class only, T: there is nothing to tell apart.",
    ),
    "unknown label": (
        lambda: Classes(("B", "T cell")).encode(["B", "Tcell"]),
        "1 of 2 labels are not a class of the model: Tcell.\nThe classes are: B, T cell.\nDid you mean T cell?",
    ),
    "missing in encode": (lambda: Classes(("B", "T")).encode(["B", None]), "1 of 2 labels are missing."),
    "code out of range": (
        lambda: Classes(("B", "T")).decode([0, 2]),
        "Codes of 2 classes are integers from 0 to 1, got int64 from 0 to 2.",
    ),
    "infinite label": (
        lambda: classes([1.0, np.inf]),
        "The labels are fractions such as inf, 2 different ones.\n"
        "Numbers are predicted by regression: vnn.pp.targets_of(data, column).",
    ),
    "class twice": (lambda: Classes(("B", "B")), "Class names occur more than once: B."),
    "policy": (
        lambda: labels_of(CELLS, "cell_type", missing_labels="dorp"),
        "missing_labels must be one of raise, drop; got 'dorp'. Did you mean drop?",
    ),
    "targets are text": (
        lambda: targets_of(CELLS, "cell_type"),
        "The targets 'cell_type' are not numbers: 'T' is that of c1.\nClasses: vnn.pp.labels_of(data, 'cell_type')",
    ),
    "missing target": (
        lambda: targets_of(CELLS, "age"),
        "1 of 4 cells has no target in 'age': c3.\nLeave them out with missing_labels=\"drop\", or fill the column.",
    ),
    "infinite target": (
        lambda: targets_of(pd.DataFrame({"y": [1.0, np.inf]}, index=["c1", "c2"]), "y"),
        "1 of 2 cells have an infinite target (beyond 3.4e38) in y: c2.",
    ),
    "class without a cell": (
        lambda: class_weights(labels_of(CELLS.dropna(subset="cell_type"), "cell_type"), cells=[0, 2]),
        "1 of 2 classes have no training cell: B.\nLeave class weights off, or split with stratify=True.",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    act, expected = ERRORS[case]
    with pytest.raises(DataError) as error:
        act()
    assert str(error.value) == expected


def test_targets():
    targets = targets_of(CELLS, ["age", "plate"], missing_labels="drop")
    assert targets.values.tolist() == [[0.5, 1], [1.5, 2], [2.5, 2]]
    assert targets.values.dtype == np.float32
    assert targets.cells.tolist() == [0, 1, 3] and targets.n_missing == 1 and len(targets) == 3


def test_class_weights_are_those_of_scikit_learn():
    labels = labels_of(pd.DataFrame({"t": list("aaaabbc")}), "t")
    oracle = compute_class_weight("balanced", classes=np.arange(3), y=labels.codes)
    assert class_weights(labels) == pytest.approx(dict(enumerate(oracle)))
    assert class_weights(labels, cells=[0, 4, 6]) == {0: 1, 1: 1, 2: 1}


class TestLabelsGiven:
    """In every form a user has them in."""

    DATA = pd.DataFrame({"TP53": [1.0, 2, 3]}, index=["c1", "c2", "c3"])

    @pytest.mark.parametrize("given", [["T", "B", "T"], ("T", "B", "T"), np.array(["T", "B", "T"])])
    def test_one_per_cell(self, given):
        found = labels_given(self.DATA, given)
        assert found.names.tolist() == ["T", "B", "T"] and found.name == "label"

    def test_a_series_is_ordered_by_the_names_of_the_cells(self):
        found = labels_given(self.DATA, pd.Series(["T", "B", "T"], index=["c3", "c1", "c2"]))
        assert found.names.tolist() == ["B", "T", "T"]
        other = labels_given(self.DATA, pd.Series(["T", "B", "T"]))
        assert other.names.tolist() == ["T", "B", "T"]

    def test_what_is_there_already(self):
        known = labels_of(pd.DataFrame({"t": ["a", "b"]}), "t")
        assert labels_given(None, known) is known

    def test_errors(self):
        with pytest.raises(DataError) as error:
            labels_given(self.DATA, ["T", "B"])
        assert str(error.value) == ("Got 2 labels for 3 cells.\nPass one label per cell, in the order of the data.")
        with pytest.raises(DataError) as error:
            labels_given(self.DATA, np.ones((3, 2)))
        assert str(error.value).startswith(
            "Expected Labels, Targets, the name of a column or a label per cell, got ndarray of shape (3, 2).\n"
        )


@pytest.mark.parametrize("kind", [list, np.array, lambda names: pd.Series(names, dtype=object)])
def test_bytes_are_text(kind):
    found = classes(kind([b"T", b"B", b"T", "na\xefve".encode()]))
    assert found.names == ("B", "na\xefve", "T")
    assert found.encode(kind([b"T", b"B"])).tolist() == [2, 0]


def test_names_that_differ_in_blanks_only_are_refused():
    with pytest.raises(DataError) as error:
        labels_of(pd.DataFrame({"type": ["T cell", "T cell ", "T\xa0 cell", "B"]}), "type")
    assert str(error.value) == (
        "3 of 4 classes of the labels 'type' differ in blanks only: 'T cell', 'T cell ', 'T\\xa0 cell'.\n"
        "Make them alike, in pandas: labels.str.split().str.join(' ')"
    )
    assert classes(["T cell ", "B"]).names == ("B", "T cell ")


def test_targets_beyond_single_precision_are_refused():
    with pytest.raises(DataError, match=r"1 of 2 cells have an infinite target \(beyond 3\.4e38\) in y: 1\."):
        targets_of(pd.DataFrame({"y": [1.0, 1e300]}), "y")
